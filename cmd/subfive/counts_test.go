package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

// countsFile has a destination that is told of what has no click, and one that
// is not.
const countsFile = `
public_url: https://trk.example.com
sources:
  - {id: meta-us, platform: meta}
offers:
  - {id: ourdream, network_offer_id: "7", link: "https://track.example-network.com/A/B/"}
  - {id: short, network_offer_id: "8", link: "https://track.example-network.com/A/C/", window: 10m}
campaigns:
  - {id: spring, source: meta-us, offer: ourdream, destinations: [never, send]}
endpoints:
  - {id: default, destinations: [never, send]}
destinations:
  - {id: never, platform: relay, mode: live, settings: {url: "https://hooks.example.com/never"}}
  - {id: send, platform: relay, mode: live, unmatched: send, settings: {url: "https://hooks.example.com/send"}}
`

// ofEachVerdict is what happens, by the verdict on its last postback; each has an
// order of its own, by which it is found again.
func ofEachVerdict() []subfive.Record {
	var all []subfive.Record
	n := 0
	click := func(change func(*subfive.Click)) {
		all = append(all, clickRecord(fmt.Sprintf("01jd3c4z9y8x7w6v5t4s3r2q%02d", n), change))
	}
	post := func(name string, change func(*subfive.Postback)) {
		at := noon().Add(-30*time.Minute + time.Duration(len(all))*time.Second)
		id := fmt.Sprintf("01jd3c4z9y8x7w6v5t4s3r2q%02d", n)
		all = append(all, postbackRecord(fmt.Sprint(len(all)), id, fmt.Sprint("tx-", n), func(p *subfive.Postback) {
			p.OrderID, p.ReceivedAt = name, at
			if change != nil {
				change(p)
			}
		}))
	}
	clicked := func(name string, change, again func(*subfive.Postback)) {
		n++
		click(nil)
		post(name, change)
		if again != nil {
			post(name, again)
		}
	}
	unclicked := func(name string, change func(*subfive.Postback)) {
		n++
		post(name, func(p *subfive.Postback) {
			p.ClickID, p.ClickIDRaw = "", ""
			change(p)
		})
	}
	clicked("matched", nil, nil)
	unclicked("direct", func(p *subfive.Postback) {
		p.Reading, p.DirectParam, p.ClickIDRaw = subfive.ReadingDirect, "fbclid", "IwAR123"
	})
	n++
	post("waiting", nil)
	n++
	post("unmatched", func(p *subfive.Postback) { p.ReceivedAt = noon().AddDate(0, 0, -5) })
	unclicked("no_click_id, a transaction ID", func(p *subfive.Postback) { p.Payout = nil })
	unclicked("no_click_id, a payout", func(p *subfive.Postback) { p.TransactionID = "" })
	unclicked("no_click_id, a conversion ID", func(p *subfive.Postback) {
		p.TransactionID, p.Payout, p.NetworkConversionID = "", nil, "nc-1"
	})
	unclicked("no_click_id, nothing", func(p *subfive.Postback) { p.TransactionID, p.Payout = "", nil })
	n++
	click(func(c *subfive.Click) { c.OfferID = "short" })
	post("outside_window", func(p *subfive.Postback) { p.NetworkOfferID = "8" })
	n++
	click(func(c *subfive.Click) { c.ClickedAt = noon() })
	post("before_click", nil)
	clicked("possible_duplicate", nil, func(p *subfive.Postback) { p.Payout = micros(1_000_000) })
	clicked("duplicate", nil, func(*subfive.Postback) {})
	clicked("status_change", nil, func(p *subfive.Postback) { p.Status = subfive.StatusRejected })
	named := func(payout int64) func(*subfive.Postback) {
		return func(p *subfive.Postback) { p.NetworkConversionID, p.Payout = "nc-2", micros(payout) }
	}
	clicked("payout_change", named(1_000_000), named(2_000_000))
	clicked("test", func(p *subfive.Postback) { p.IsTest = true }, nil)
	clicked("not_a_conversion", func(p *subfive.Postback) { p.NotAConversion = true }, nil)
	clicked("quarantined", func(p *subfive.Postback) { p.Reading = subfive.ReadingQuarantined }, nil)
	return all
}

// TestWhatCounts holds the table of docs/views.md: what counts as a conversion,
// what as revenue, and who is told, for each verdict on each database.
func TestWhatCounts(t *testing.T) {
	onEach(t, func(t *testing.T, dsn string) {
		env := map[string]string{"USER": "ann"}
		if dsn != "" {
			env["SUBFIVE_DATABASE_URL"] = dsn
		}
		c := &commands{t: t, dir: t.TempDir(), env: env, now: noon()}
		path := filepath.Join(c.dir, "subfive.yaml")
		if err := os.WriteFile(path, []byte(countsFile), 0o600); err != nil {
			t.Fatal(err)
		}
		c.run(exitDone, "apply", "-f", path)
		c.with(func(s session, a *app) error {
			attributor, err := s.attributor(t.Context(), a)
			if err != nil {
				return err
			}
			records := entries(t, ofEachVerdict()...)
			last := records[len(records)-1].Position
			last.Pos++
			records = append(records, subfive.Entry{Position: last, Data: []byte("broken")})
			if err := attributor.Record(t.Context(), records); err != nil {
				return err
			}
			_, err = attributor.Review(t.Context())
			return err
		})
		const (
			one     = ": 1 conversion, 1 revenue of 4250; "
			none    = ": 0 conversion, 0 revenue; nobody"
			owed    = "never conversion scheduled, send conversion scheduled"
			skipped = "never conversion skipped, send conversion skipped"
		)
		want := map[string]string{
			"matched":                       "matched" + one + owed,
			"direct":                        "direct" + one + owed,
			"waiting":                       "waiting" + one + "send conversion scheduled", // for the other it is too early
			"unmatched":                     "unmatched" + one + "never conversion skipped, send conversion scheduled",
			"no_click_id, a transaction ID": "no_click_id: 1 conversion, 1 revenue of <nil>; nobody",
			"no_click_id, a payout":         "no_click_id" + one + "nobody",
			"no_click_id, a conversion ID":  "no_click_id: 1 conversion, 1 revenue of <nil>; nobody",
			"no_click_id, nothing":          "no_click_id" + none,
			"outside_window":                "outside_window" + one + skipped,
			"before_click":                  "before_click" + one + skipped,
			"possible_duplicate":            "possible_duplicate" + one + owed, // the first one's
			"duplicate":                     "duplicate" + one + owed,          // the first one's
			"status_change":                 "status_change" + one + skipped + ", never retraction skipped, send retraction skipped",
			"payout_change":                 "payout_change: 1 conversion, 1 revenue of 200; " + owed,
			"test":                          "test: 0 conversion, 0 revenue of 4250; " + skipped,
			"not_a_conversion":              "not_a_conversion" + none,
			"quarantined":                   "quarantined" + none,
		}
		if diff := cmp.Diff(want, counted(c)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// counted is what the views say of each order: the verdict on its last postback,
// what counts, and who is told.
func counted(c *commands) map[string]string {
	verdict, counts, told := map[string]string{}, map[string]string{}, map[string][]string{}
	c.with(func(s session, _ *app) error {
		ask := func(query string, row func(values []any)) error {
			return s.Query(c.t.Context(), query, func([]string) error { return nil }, func(values []any) error {
				row(values)
				return nil
			})
		}
		if err := ask("SELECT order_id, verdict FROM v_postbacks ORDER BY received_at_ms", func(v []any) {
			verdict[fmt.Sprint(v[0])] = fmt.Sprint(v[1])
		}); err != nil {
			return err
		}
		if err := ask("SELECT order_id, max(verdict), sum(counts_conversion), sum(counts_revenue), CAST(max(payout_micros) / 10000 AS INTEGER) FROM v_conversions GROUP BY order_id", func(v []any) {
			order := fmt.Sprint(v[0])
			counts[order] = fmt.Sprintf("%v conversion, %v revenue of %v", v[2], v[3], v[4])
			if verdict[order] == string(subfive.VerdictWaiting) {
				verdict[order] = fmt.Sprint(v[1]) // what became of it
			}
		}); err != nil {
			return err
		}
		return ask("SELECT v.order_id, d.destination_id, d.kind, d.status FROM v_deliveries d JOIN v_conversions v ON v.conversion_id = d.conversion_id "+
			"ORDER BY d.kind, d.destination_id", func(v []any) {
			told[fmt.Sprint(v[0])] = append(told[fmt.Sprint(v[0])], fmt.Sprint(v[1], " ", v[2], " ", v[3]))
		})
	})
	got := map[string]string{}
	for order, v := range verdict {
		if counts[order] == "" {
			counts[order] = "0 conversion, 0 revenue"
		}
		who := strings.Join(told[order], ", ")
		if who == "" {
			who = "nobody"
		}
		got[order] = v + ": " + counts[order] + "; " + who
	}
	return got
}
