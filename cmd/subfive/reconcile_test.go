package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/alerts"
	"subfive/reconcile"
	"subfive/sandbox"
)

// withNetworkKey gives a site's network the sandbox's API key.
func withNetworkKey(t *testing.T, s *site) {
	t.Helper()
	file, err := os.ReadFile(s.config)
	if err == nil {
		err = os.WriteFile(s.config, append(file, "networks:\n  - {id: everflow, api_key: "+sandbox.EverflowAPIKey+"}\n"...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// ask runs a command that asks the sandbox's API, and decodes what it writes.
func ask[T any](s *site, want int, args ...string) (out T, text string) {
	s.t.Helper()
	path, err := binary()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(path, append(args, "--config", s.config, "--data-dir", filepath.Join(s.dir, "data"))...)
	cmd.Env = append(os.Environ(), "SUBFIVE_DATABASE_URL="+s.dsn, everflowURL+"="+s.stand.URL+sandbox.EverflowAPIPath)
	var errText strings.Builder
	cmd.Stderr = &errText
	answer, err := cmd.Output()
	if got := cmd.ProcessState.ExitCode(); got != want {
		s.t.Fatalf("subfive %s: exit status %d, want %d, %v\n%s%s", strings.Join(args, " "), got, want, err, answer, errText.String())
	}
	if strings.Contains(string(answer)+errText.String(), sandbox.EverflowAPIKey) {
		s.t.Errorf("subfive %s tells the key", strings.Join(args, " "))
	}
	if want == 0 && strings.HasPrefix(string(answer), "{") {
		if err := json.Unmarshal(answer, &out); err != nil {
			s.t.Fatalf("%v in %s", err, answer)
		}
	}
	return out, string(answer) + errText.String()
}

// fired is what the network recorded of a sold click, and fires for it.
type fired struct {
	conversion sandbox.Conversion
	postback   string
	booked     bool // it is in the network's books
	lost       bool
}

// season is a day's traffic: sales whose postbacks get lost now and then, come
// twice, come a second time under an ID of their own, and again with an amount
// that is not in the books.
func season(n int, click func() string) []fired {
	var all []fired
	for i := range n {
		c := sandbox.Conversion{
			Type: sandbox.TypeConversion, TransactionID: fmt.Sprint("tx", i), ConversionID: fmt.Sprint("c", i), OfferID: "1",
			EventID: "0", EventName: "Base", Payout: fmt.Sprintf("%d.%02d", 20+i%17, i%100), Status: "pending",
		}
		c.Sub[4] = click()
		all = append(all, fired{c, "full", true, i%20 == 0})
		switch i % 25 {
		case 1: // the same again
			all = append(all, fired{c, "full", false, false})
		case 2: // the visitor bought it twice in one session
			c.ConversionID += "b"
			all = append(all, fired{c, "full", true, false})
		case 3: // nobody knows what this is, and the books do not have it
			c.Payout = "1.23"
			all = append(all, fired{c, "short", false, false})
		}
	}
	return all
}

// sold plays a season, and returns how many postbacks were lost.
func (s *site) sold(n, workers int) (lost int) {
	s.t.Helper()
	const given = "click_id={sub5}&transaction_id={transaction_id}&event_id={event_id}&payout={payout}&status={status}"
	base := "http://" + s.address + "/conversion?"
	fires, err := sandbox.NewSimulator(func() time.Time { return time.Now().UTC() }, sandbox.SimulatorConfig{Postbacks: []sandbox.Postback{
		{ID: "full", URL: base + given + "&conversion_id={conversion_id}", Type: sandbox.TypeConversion, Scope: sandbox.ScopeGlobal},
		{ID: "short", URL: base + given, Type: sandbox.TypeConversion, Scope: sandbox.ScopeGlobal},
	}})
	if err != nil {
		s.t.Fatal(err)
	}
	client := clientFor(workers)
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	clicks := make([]string, n)
	together(workers, n, func(i int) {
		res, err := client.Get("http://" + s.address + "/c/spring?fbclid=visitor" + fmt.Sprint(i))
		if err != nil {
			s.t.Error(err)
			return
		}
		_ = res.Body.Close()
		to, err := url.Parse(res.Header.Get("Location"))
		if err != nil {
			s.t.Error(err)
			return
		}
		clicks[i] = to.Query().Get("sub5")
	})
	i := -1
	all := season(n, func() string { i++; return clicks[i] })
	var fire []fired
	for _, f := range all {
		if f.lost {
			s.sandbox.Everflow.Lose(1)
			lost++
		}
		goes := true
		if f.booked {
			at := time.Now().UTC()
			if goes, err = s.sandbox.Everflow.Convert(f.conversion, at, at); err != nil {
				s.t.Fatal(err)
			}
		}
		if goes {
			fire = append(fire, f)
		}
	}
	// Of one session in the order of the books.
	sessions := map[string][]fired{}
	var names []string
	for _, f := range fire {
		name := f.conversion.TransactionID
		if sessions[name] == nil {
			names = append(names, name)
		}
		sessions[name] = append(sessions[name], f)
	}
	var failed atomic.Int64
	together(workers, len(names), func(i int) {
		for _, f := range sessions[names[i]] {
			if got, err := fires.Fire(s.t.Context(), f.postback, f.conversion); err != nil || got.Outcome != sandbox.OutcomeDelivered {
				failed.Add(1)
			}
		}
	})
	if failed.Load() > 0 {
		s.t.Fatalf("%d postbacks were not taken", failed.Load())
	}
	return lost
}

// books are ours: conversions by status, and what those not rejected are worth.
func (s *site) books() sandbox.EverflowTotals {
	s.t.Helper()
	b := sandbox.EverflowTotals{ByStatus: map[string]int{}}
	var sum subfive.Micros
	if err := eachRow(s.t.Context(), s.database(), "SELECT network_status, count(*), CAST(sum(payout_micros) AS BIGINT) FROM v_conversions WHERE counts_revenue = 1 GROUP BY network_status",
		func(values []any) error {
			status, n, worth := fmt.Sprint(values[0]), values[1].(int64), values[2].(int64)
			b.ByStatus[status] = int(n)
			b.Conversions += int(n)
			if status != "rejected" {
				sum += subfive.Micros(worth)
			}
			return nil
		}); err != nil {
		s.t.Fatal(err)
	}
	b.Payout = strings.TrimSuffix(strings.TrimRight(sum.String(), "0"), ".")
	return b
}

// After a season with all that goes wrong our books are the network's, to the
// cent; a second run changes nothing, and no platform hears anything twice.
func TestReconcile(t *testing.T) {
	sales := 500
	onEach(t, func(t *testing.T, dsn string) {
		s := newSite(t, dsn)
		withNetworkKey(t, s)
		s.start()
		lost := s.sold(sales, 16)
		s.settled(time.Minute)
		delivered := s.count("SELECT count(*) FROM v_deliveries WHERE status = 'delivered'")
		books := s.sandbox.Everflow
		flipped := books.Flip(sales*8/100, "rejected")
		drifted, err := books.Drift(sales*2/100, "-0.55")
		if err != nil || flipped != 40 || drifted != 10 {
			t.Fatal(flipped, drifted, err)
		}
		end := time.Now().Add(3 * time.Second)
		s.until("what was sold is older than what is asked for", 10*time.Second, func() bool { return time.Now().After(end) })
		span := []string{"--since", "1d", "--until", "1s"}

		before := s.books()
		dry, _ := ask[reconciled](s, 0, append([]string{"reconcile", "--json", "--dry-run"}, span...)...)
		if diff := cmp.Diff(before, s.books()); diff != "" {
			t.Errorf("a dry run changed the books: %s", diff)
		}
		// Faults on the way change nothing of the result.
		for _, f := range []sandbox.EverflowFault{sandbox.EverflowServerError, sandbox.EverflowTruncated, sandbox.EverflowThrottled} {
			if err := books.Fail(f, 1); err != nil {
				t.Fatal(err)
			}
		}
		first, text := ask[reconciled](s, 0, append([]string{"reconcile", "--json", "--differences"}, span...)...)
		if diff := cmp.Diff(dry.Totals, first.Totals); diff != "" {
			t.Errorf("the dry run said something else: %s", diff)
		}
		total := books.Totals()
		if diff := cmp.Diff(total, s.books()); diff != "" {
			t.Errorf("books (-network +ours):\n%s\n%s", diff, text[:min(len(text), 3000)])
		}
		if first.Totals.Outcomes[reconcile.PossibleDuplicate] != 2*sales/25 || first.MissingAfter != 0 || first.Totals.GapPercent < 4 || first.Refused != 0 {
			t.Errorf("it says %+v", first.Totals)
		}
		for _, d := range first.Differences {
			if !d.Mended {
				t.Errorf("left: %+v", d)
			}
		}
		s.settled(time.Minute)
		// Those that were rejected before anybody was told are told to nobody.
		told := s.count("SELECT count(*) FROM v_deliveries WHERE status = 'delivered' AND kind = 'conversion'")
		if n := s.count("SELECT count(*) FROM v_conversions WHERE network_status <> 'rejected' AND deliveries_delivered <> 1"); n != 0 || told <= delivered {
			t.Errorf("%d conversions are not told, or twice; %d were told, %d before", n, told, delivered)
		}
		if n := s.count("SELECT count(*) FROM v_conversions WHERE backfilled = 1"); n != lost {
			t.Errorf("%d conversions are back-filled, %d were lost", n, lost)
		}
		s.compareStandIn(told)

		kept := s.everything()
		second, _ := ask[reconciled](s, 0, append([]string{"reconcile", "--json", "--differences"}, span...)...)
		if second.Backfilled+second.Changed+second.Settled != 0 || len(second.Differences) != 0 || second.Totals.Matched != total.Conversions {
			t.Errorf("a second run did %+v", second)
		}
		again := s.everything()
		for _, table := range []string{"conversions", "postbacks", "deliveries", "conversion_changes", "conversion_groups", "outbox"} {
			if diff := cmp.Diff(kept["table "+table], again["table "+table]); diff != "" {
				t.Errorf("a second run changed %s: %.2000s", table, diff)
			}
		}
		s.compareStandIn(told)
		if _, text := ask[reconciled](s, 0, "reconcile", "show", first.ID); !strings.Contains(text, "missing_here") || !strings.Contains(text, "; 0 of theirs missing") {
			t.Errorf("show: %.3000s", text)
		}
		s.stop()
	})
}

// serve compares by itself, watches the postback, and does both on demand.
func TestServeReconciles(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	withNetworkKey(t, s)
	file, err := os.ReadFile(s.config)
	if err == nil {
		err = os.WriteFile(s.config, append(file, "public_url: http://"+s.address+"\n"+keyless...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	books := s.sandbox.Everflow
	pixel := sandbox.EverflowPixel{ID: 7, Method: "postback", Level: "global", Status: "inactive", Type: "conversion", URL: "http://" + s.address + "/conversion?click_id={sub5}&transaction_id={transaction_id}&event_id={event_id}&payout={payout}"}
	books.Install(pixel, sandbox.EverflowPixel{ID: 8, Method: "postback", Level: "global", Status: "active", Type: "conversion", URL: "https://other.example.com/x"})
	const missed = 25
	for i := range missed {
		at := time.Now().UTC().Add(-time.Hour)
		c := sandbox.Conversion{TransactionID: fmt.Sprint("t", i), ConversionID: fmt.Sprint("c", i), EventName: "Base", Payout: "30", Status: "approved"}
		if i == 0 {
			c.Status = "rejected"
		}
		if _, err := books.Convert(c, at, at.Add(-time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	s.start()
	s.until("the missed conversions are back-filled", time.Minute, func() bool {
		return s.metric(`subfive_network_gap_percent{network="everflow"}`) == 100 && s.metric(`subfive_network_postbacks_off{network="everflow"}`) == 1
	})
	if diff := cmp.Diff(books.Totals(), s.books()); diff != "" {
		t.Errorf("books (-network +ours):\n%s", diff)
	}
	setup := subfive.Setup{Networks: []subfive.Network{{ID: "everflow", APIKey: "k"}}}
	gaps, err := gapsOf(t.Context(), s.database(), setup, time.Now().UTC(), time.UTC)
	if diff := cmp.Diff([]alerts.Gap{{NetworkID: "everflow", Theirs: missed - 1}}, gaps); err != nil || diff != "" {
		t.Errorf("gaps %v (-want +got):\n%s", err, diff)
	}
	if nightly := s.count("SELECT count(*) FROM reconciliations"); nightly != 1 {
		t.Errorf("%d comparisons were made, not one a night", nightly)
	}
	s.operate(http.MethodPost, "reconciliations", `{"since":"1d"}`)
	s.until("the comparison that was asked for is done", 20*time.Second, func() bool {
		return s.count("SELECT count(*) FROM reconciliations WHERE state = 'done'") == 2
	})
	s.operate(http.MethodGet, "reconciliations", "")
	s.operate(http.MethodGet, "standing", "")
	type counted struct{ Items []standing }
	stands, _ := ask[counted](s, 0, "standing", "--json")
	if len(stands.Items) != 1 || stands.Items[0].Approved != missed-1 || stands.Items[0].NextLevel != 100 || stands.Items[0].ToGo != 76 || stands.Items[0].Whole.Rejected != 1 {
		t.Errorf("standing %+v", stands)
	}

	if _, text := ask[watched](s, 1, "watchdog"); !strings.Contains(text, "OFF") || !strings.Contains(text, "1 postback leads elsewhere") {
		t.Errorf("watchdog: %s", text)
	}
	books.ReadOnly(true)
	if _, text := ask[watched](s, 1, "watchdog", "--reenable"); !strings.Contains(text, "set Status to Active") {
		t.Errorf("not allowed: %s", text)
	}
	books.ReadOnly(false)
	if _, text := ask[watched](s, 0, "watchdog", "--reenable"); !strings.Contains(text, "postback 7 is on again") || !strings.Contains(text, "active, conversion") {
		t.Errorf("reenable: %s", text)
	}
	if got := books.Pixels()[0]; got.Status != "active" || got.URL != pixel.URL {
		t.Errorf("postback is %+v", got)
	}
	s.stop()
	pixel.Status = "inactive"
	books.Install(pixel)
	if _, text := ask[watched](s, 1, "watchdog", "--reenable"); !strings.Contains(text, "nothing was switched on") || books.Pixels()[0].Status != "inactive" {
		t.Errorf("with the tracker down: %s", text)
	}
}

// A network without a key can't be asked, and what is asked wrongly is told.
func TestReconcileRefuses(t *testing.T) {
	c := newCommands(t)
	for name, tt := range map[string]struct {
		want int
		args []string
		says string
	}{
		"no key":          {1, []string{"reconcile"}, "no network has an api_key"},
		"no such network": {1, []string{"reconcile", "--network", "other"}, `no network "other" with an api_key`},
		"by":              {2, []string{"reconcile", "--by", "hour"}, "day, ad or offer"},
		"since":           {2, []string{"reconcile", "--since", "soon"}, "--since"},
		"turned round":    {2, []string{"reconcile", "--since", "1d", "--until", "2d"}, "not before"},
		"no such one":     {1, []string{"reconcile", "show", "rc_none"}, "see subfive reconcile list"},
		"watchdog":        {1, []string{"watchdog"}, "no network has an api_key"},
	} {
		if _, text := c.run(tt.want, tt.args...); !strings.Contains(text, tt.says) {
			t.Errorf("%s: %s", name, text)
		}
	}
	if out, _ := c.run(0, "reconcile", "list"); !strings.Contains(out, "RECONCILIATION") {
		t.Errorf("list: %s", out)
	}
}

func TestNightlyDue(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for name, now := range map[string]time.Time{
		"in the day":        time.Date(2026, 11, 24, 12, 0, 0, 0, berlin),
		"just after night":  time.Date(2026, 11, 24, 0, 1, 0, 0, berlin),
		"the clock is back": time.Date(2026, 10, 25, 12, 0, 0, 0, berlin),
	} {
		due := nightlyDue(now, berlin, "node", "everflow")
		if age := now.Sub(due); age < 0 || age > 26*time.Hour || due.In(berlin).Hour() < nightlyAfter || due.In(berlin).Hour() > nightlyAfter+2 {
			t.Errorf("%s: it was due at %s", name, due.In(berlin))
		}
	}
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, berlin)
	if !nightlyDue(now, berlin, "a", "everflow").Equal(nightlyDue(now, berlin, "b", "everflow")) {
		t.Error("two trackers name two nights, so that both would do it")
	}
	apart := 0
	for minute := range 120 {
		now := time.Date(2026, 11, 24, nightlyAfter, minute, 0, 0, berlin)
		if !nightlyDue(now, berlin, "a", "everflow").Equal(nightlyDue(now, berlin, "b", "everflow")) {
			apart++
		}
	}
	if apart == 0 {
		t.Error("two trackers ask at one moment")
	}
}
