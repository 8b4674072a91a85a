package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive/sandbox"
)

// imports writes what the ads managers export of what was billed, and rates the
// table of rates, and imports them.
func (s *monthSite) imports(truth monthTruth) {
	s.t.Helper()
	var meta, google, table strings.Builder
	meta.WriteString("Day,Campaign ID,Ad set ID,Ad ID,Amount spent (USD),Impressions,Link clicks,Purchases,Purchases conversion value\n")
	google.WriteString("Day,Customer ID,Campaign ID,Ad group ID,Ad ID,Currency code,Cost,Impr.,Clicks,Conversions,Conv. value\n")
	for _, b := range truth.bills() {
		if b.ad.platform == "meta" {
			fmt.Fprintf(&meta, "%s,%s,%s,%s,%s,%d,%d,%d,%s\n", b.day, b.ad.platformCampaign, b.ad.set, b.ad.id, centsText(b.cents), b.impressions, b.clicks, b.purchases, centsText(b.valueCents))
			continue
		}
		fmt.Fprintf(&google, "%s,555-111-2222,%s,%s,%s,GBP,%s,%d,%d,%d,%s\n", b.day, b.ad.platformCampaign, b.ad.set, b.ad.id, centsText(b.cents), b.impressions, b.clicks, b.purchases, centsText(b.valueCents))
	}
	table.WriteString("date,currency,rate\n")
	for currency, days := range truth.rates {
		for day, rate := range days {
			fmt.Fprintf(&table, "%s,%s,%s\n", day, currency, rate)
		}
	}
	s.run(exitDone, "import", "costs", s.write("meta.csv", meta.String()), "--platform", "meta")
	s.run(exitDone, "import", "costs", s.write("google.csv", google.String()), "--platform", "google")
	s.run(exitDone, "import", "rates", s.write("rates.csv", table.String()))
}

// book writes the network's books as they are at the end.
func (s *monthSite) book(m *month) {
	s.t.Helper()
	for _, c := range m.conversions {
		line := sandbox.Conversion{
			Type: sandbox.TypeConversion, TransactionID: c.session, ConversionID: c.id, OfferID: monthOffer(c), EventName: c.event(),
			Payout: centsText(c.bookedCents), Status: c.booked,
		}
		clickedAt := m.slots[c.slot]
		if c.click != nil {
			line.Sub[4], clickedAt = c.click.clickID, m.slots[c.click.slot]
		}
		if _, err := s.books.Convert(line, m.slots[c.slot], clickedAt); err != nil {
			s.t.Fatal(err)
		}
	}
}

// reconcile compares the network's books with ours, by the command.
func (s *monthSite) reconcile() (out reconciled) {
	s.t.Helper()
	text, _ := s.run(exitDone, "reconcile", "--since", "2026-11-01", "--until", "15m", "--json", "--differences")
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		s.t.Fatalf("%v in %s", err, text)
	}
	return out
}

// ours are our books, as the network adds its own up.
func (s *monthSite) ours() sandbox.EverflowTotals {
	s.t.Helper()
	database := s.env["SUBFIVE_DATABASE_URL"]
	if database == "" {
		database = filepath.Join(s.dir, "subfive.db")
	}
	return (&site{t: s.t, dsn: database}).books()
}

// A month of traffic with all that goes wrong in one comes in by the front door;
// every figure of every view is the truth's, before the network's books are
// compared and after, on both databases.
func TestMonth(t *testing.T) {
	clicks, conversions := 2000, 120
	if full() {
		clicks, conversions = 200_000, 2800 // and their upsells: 3,200 or so
	}
	zones := map[string]*time.Location{}
	for _, name := range []string{"America/New_York", "Europe/London", "Europe/Berlin"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		zones[name] = zone
	}
	onEach(t, func(t *testing.T, dsn string) {
		m := newMonth(20261106, monthAds(zones["America/New_York"], zones["Europe/London"]), clicks, conversions)
		truth := monthTruth{m: m, berlin: zones["Europe/Berlin"], rates: monthRates{}, end: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)}
		m.check(t)
		s := newMonthSite(t, dsn, m.slots[0])
		began := time.Now()
		s.play(m)
		t.Logf("%d clicks and %d conversions came in within %s", len(m.clicks), len(m.conversions), time.Since(began))
		s.set(truth.end)
		s.compare(truth) // neither rates nor costs yet

		truth.rates, truth.billed = newMonthRates(), true
		s.imports(truth)
		s.imports(truth) // again: it is the same
		s.compare(truth)

		s.book(m)
		first := s.reconcile()
		truth.backfill = true
		s.pool.Wake()
		s.settled()
		if diff := cmp.Diff(s.books.Totals(), s.ours()); diff != "" {
			t.Errorf("books (-network +ours):\n%s", diff)
		}
		s.compare(truth)
		if diff := cmp.Diff([]int{m.lost(), m.changed(), 0, 0}, []int{first.Backfilled, first.Changed, first.Settled, first.MissingAfter}); diff != "" {
			t.Errorf("back-filled, changed, settled and missing after (-truth +told):\n%s", diff)
		}
		if again := s.reconcile(); again.Backfilled+again.Changed+again.Settled+again.MissingAfter != 0 || len(again.Differences) > 0 {
			t.Errorf("compared again it did %+v", again)
		}
		if out, _ := s.run(exitDone, "rebuild", "days", "--since", "2026-10-30"); !strings.Contains(out, " 0 of them differed; 0 clicks and conversions got another day") {
			t.Errorf("counted anew: %s", out)
		}
		s.compare(truth)
		t.Logf("all in all %s", time.Since(began))
	})
}
