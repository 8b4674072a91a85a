package store

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"subfive"
)

// quarter records clicks over 90 days on 120 ads of six sources, of which one in
// fifty converts, and what the ads cost.
func quarter(t *testing.T, s *Store, clicks int) {
	t.Helper()
	const size = 2000
	random := rand.New(rand.NewPCG(1, 2))
	start := noon.AddDate(0, 0, -90)
	step := 90 * 24 * time.Hour / time.Duration(clicks)
	for from := 0; from < clicks; from += size {
		b := subfive.Batch{At: noon}
		for i := from; i < min(clicks, from+size); i++ {
			ad := random.IntN(120)
			at := start.Add(step * time.Duration(i))
			b.Clicks = append(b.Clicks, on(i, fmt.Sprint("120210", ad), func(c *subfive.Click) {
				c.ClickedAt, c.SourceID, c.CampaignID = at, fmt.Sprint("source-", ad%6), fmt.Sprint("campaign-", ad%12)
				c.Ad.CampaignID, c.Ad.SetID = fmt.Sprint("c", ad/20), fmt.Sprint("s", ad/5)
				c.Visitor = subfive.Visitor{Country: []string{"US", "DE", "FR"}[random.IntN(3)], Device: subfive.DevicePhone}
				c.IsBot = random.IntN(20) == 0
			}))
			if i%50 == 0 {
				b.Conversions = append(b.Conversions, paid(i, fmt.Sprint("click", i), 42_500_000, "USD", subfive.StatusPending, at.Add(time.Hour)))
			}
		}
		record(t, s, b)
	}
	var costs []Cost
	for d := range 90 {
		for ad := range 120 {
			c := spentOn(fmt.Sprint("120210", ad), 5_000_000, "USD")
			c.SourceID, c.Day = fmt.Sprint("source-", ad%6), start.AddDate(0, 0, d).Format(time.DateOnly)
			costs = append(costs, c)
		}
	}
	if err := s.ReplaceCosts(t.Context(), "im_1", noon, costs); err != nil {
		t.Fatal(err)
	}
}

// With a million clicks over 90 days, which SUBFIVE_LOAD=full makes, a report of
// them all takes 200 ms at most.
func TestDailyViewIsFast(t *testing.T) {
	// The small run shows that the sums hold; times say nothing on a busy machine.
	clicks, runs, limit := 2_000, 1, time.Minute
	if os.Getenv("SUBFIVE_LOAD") == "full" {
		clicks, runs, limit = 1_000_000, 7, 200*time.Millisecond
	}
	each(t, func(t *testing.T, s *Store) {
		s.currency = DefaultCurrency
		started := time.Now()
		quarter(t, s, clicks)
		t.Logf("recorded in %s", time.Since(started).Round(time.Second))
		if s.dialect == dialectPostgres {
			if err := s.write(t.Context(), s.screens, func(tx *tx) error { return tx.command(t.Context(), statementTimeout, "ANALYZE") }); err != nil {
				t.Fatal(err)
			}
		}
		for _, query := range []string{
			"SELECT day, source_id, campaign_id, ad_id, clicks, conversions, approved, revenue_micros, cost_micros, profit_micros, cr, roi FROM v_daily WHERE day >= '2026-02-03'",
			"SELECT day, sum(clicks), sum(conversions), sum(revenue_micros), sum(cost_micros) FROM v_daily WHERE day >= '2026-02-03' GROUP BY day",
			"SELECT ad_id, sum(clicks), sum(profit_micros) FROM v_daily WHERE source_id = 'source-3' GROUP BY ad_id",
			"SELECT day, sum(revenue_micros) FROM v_daily WHERE day >= '2026-02-03' AND campaign_id = 'campaign-3' GROUP BY day",
			"SELECT * FROM v_daily WHERE day = '2026-04-01'",
			"SELECT * FROM v_daily WHERE ad_id = '12021077'",
		} {
			var times []time.Duration
			rows := 0
			for range runs {
				started := time.Now()
				rows = 0
				err := s.Query(t.Context(), query, func([]string) error { return nil }, func([]any) error { rows++; return nil })
				if err != nil {
					t.Fatal(err)
				}
				times = append(times, time.Since(started))
			}
			slices.Sort(times)
			t.Logf("%4d ms (best %d) %6d rows: %s", times[runs/2].Milliseconds(), times[0].Milliseconds(), rows, query)
			if times[0] > limit {
				t.Errorf("took %s: %s", times[0], query)
			}
		}
		reportsAreFast(t, s, runs, limit)
		started = time.Now()
		done, err := s.RebuildDays(t.Context(), "", noon, func(string) {})
		t.Logf("counted anew in %s: %+v, %v", time.Since(started).Round(time.Second), done, err)
		if err != nil || done.Changed != 0 {
			t.Error("the sums are not what counting anew gives")
		}
	})
}

// reportsAreFast reads reports of a week within the limit, and of the quarter
// within five times that.
func reportsAreFast(t *testing.T, s *Store, runs int, limit time.Duration) {
	t.Helper()
	last := noon.Truncate(24 * time.Hour)
	for _, q := range []ReportQuery{
		{By: []string{"campaign_id"}}, {By: []string{"ad_id"}, Compare: ComparePrevious}, {By: []string{"country", "day"}}, {By: []string{"campaign_id", "ad_id"}, ClickTime: true},
	} {
		for days, limit := range map[int]time.Duration{7: limit, 90: 5 * limit} {
			q.Since, q.Until, q.Limit = last.AddDate(0, 0, -days), last, 100
			best := time.Hour
			for range runs {
				started := time.Now()
				if r := mustReport(t, s, q); len(r.Rows) == 0 {
					t.Errorf("%v of %d days: no rows", q.By, days)
				}
				best = min(best, time.Since(started))
			}
			t.Logf("%4d ms: report by %v of %d days", best.Milliseconds(), q.By, days)
			if best > limit {
				t.Errorf("took %s: report by %v of %d days", best, q.By, days)
			}
		}
	}
}
