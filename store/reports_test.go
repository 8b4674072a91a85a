package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

// What is counted slice by slice is what is counted at once.
func TestLongReport(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		s.zone = zoneOf(t, "Europe/Berlin")
		first := time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC)
		someTraffic(t, s, first)
		for name, q := range map[string]ReportQuery{
			"rows of a short day":  {By: []string{"browser", "campaign_id"}, Since: dayBegins(first.AddDate(0, 0, 1), s.zone), Until: dayBegins(first.AddDate(0, 0, 2), s.zone), Compare: ComparePrevious},
			"by the time of click": {By: []string{"day", "goal"}, Since: dayBegins(first, s.zone), Until: dayBegins(first.AddDate(0, 0, 1), s.zone), ClickTime: true, Sort: "-goal", Interval: "day"},
			"sorted by a ratio":    {By: []string{"browser"}, Since: dayBegins(first, s.zone), Until: dayBegins(first.AddDate(0, 0, 1), s.zone), Sort: "-epc", Limit: 1},
		} {
			atOnce := mustReport(t, s, q)
			var told []int
			long, err := s.LongReport(t.Context(), q, func() time.Time { return noon }, func(percent int) error {
				told = append(told, percent)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			atOnce.SQL, long.SQL = "", ""
			if diff := cmp.Diff(fmt.Sprintf("%+v", atOnce.Rows), fmt.Sprintf("%+v", long.Rows)); diff != "" {
				t.Errorf("%s (-at once +sliced):\n%s", name, diff)
			}
			same(t, name+": the rest", []any{long.Totals, long.RowCount, fmt.Sprint(long.Series), long.ReadFrom}, []any{atOnce.Totals, atOnce.RowCount, fmt.Sprint(atOnce.Series), atOnce.ReadFrom})
			if len(told) < 4 || told[len(told)-1] != 100 {
				t.Errorf("%s: progress %v", name, told)
			}
		}
		_, err := s.LongReport(t.Context(), ReportQuery{By: []string{"os"}, Since: noon, Until: noon.AddDate(0, 1, 0)}, func() time.Time { return noon }, func(int) error { return errNotOurs })
		if !errors.Is(err, errNotOurs) {
			t.Errorf("a report that was cancelled: %v", err)
		}
	})
}

func TestReportsInTheBackground(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		traffic(t, s)
		ctx, at := t.Context(), noon.AddDate(0, 0, 3)
		now := func() time.Time { return at }
		q := ReportQuery{By: []string{"browser"}, Metrics: []string{"clicks"}, Filters: []ReportFilter{{"campaign_id", []string{"spring"}}}, Since: noon.AddDate(0, 0, -3), Until: noon.AddDate(0, 0, 2)}
		if _, err := s.QueueReport(ctx, "rp_bad", "ann", ReportQuery{By: []string{"x"}, Since: noon, Until: at}, at); !errors.Is(err, ErrBadQuery) {
			t.Errorf("a bad one: %v", err)
		}
		for i, id := range []string{"rp_1", "rp_2", "rp_3"} {
			if _, err := s.QueueReport(ctx, id, "ann", q, at.Add(time.Duration(i)*time.Second)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.CancelReport(ctx, "rp_2", at); err != nil {
			t.Error(err)
		}
		if k, err := s.takeReport(ctx, "dies", at); err != nil || k.ID != "rp_1" {
			t.Errorf("taken %q, %v", k.ID, err)
		}
		if made, err := s.MakeReport(ctx, "other", now); made || err != nil {
			t.Errorf("two at a time: %t, %v", made, err)
		}
		if err := s.stayReport(ctx, "rp_1", "other", 50, at); !errors.Is(err, errNotOurs) {
			t.Errorf("another's: %v", err)
		}
		at = at.Add(reportLease + time.Second)
		for _, want := range []bool{true, true, false} {
			if made, err := s.MakeReport(ctx, "other", now); made != want || err != nil {
				t.Errorf("made %t, %v; want %t", made, err, want)
			}
		}
		k, err := s.KeptReport(ctx, "rp_1")
		if err != nil {
			t.Fatal(err)
		}
		var doc struct {
			Totals struct {
				Clicks int `json:"clicks"`
			} `json:"totals"`
		}
		if err := json.Unmarshal(k.Report, &doc); err != nil {
			t.Fatal(err)
		}
		same(t, "made", []any{k.State, k.Progress, k.AskedBy, doc.Totals.Clicks, k.FinishedAt}, []any{ReportDone, 100, "ann", 3, at})
		if err := s.CancelReport(ctx, "rp_1", at); !errors.Is(err, subfive.ErrConflict) {
			t.Errorf("cancelled when done: %v", err)
		}
		if err := s.CancelReport(ctx, "rp_9", at); !errors.Is(err, subfive.ErrNotFound) {
			t.Errorf("cancelled, unknown: %v", err)
		}
		all, err := s.Reports(ctx)
		states := ""
		for _, k := range all {
			states += k.ID + " " + k.State + " "
		}
		if err != nil || states != "rp_3 done rp_2 cancelled rp_1 done " || all[0].Report != nil {
			t.Errorf("listed %s, %v", states, err)
		}
		if err := s.ForgetReports(ctx, at); err != nil {
			t.Error(err)
		}
		if all, err := s.Reports(ctx); err != nil || len(all) != 2 {
			t.Errorf("%d left, %v", len(all), err)
		}
	})
}

func TestReportsThatFailOrWait(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		q := ReportQuery{By: []string{"browser"}, Since: noon.AddDate(0, 0, -3), Until: noon}
		for i := range waitingReports {
			if _, err := s.QueueReport(t.Context(), fmt.Sprint("rp_", i), "ann", q, noon); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.QueueReport(t.Context(), "rp_x", "ann", q, noon); !errors.Is(err, ErrManyReports) {
			t.Errorf("one too many: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.MakeReport(ctx, "a", func() time.Time { return noon }); err == nil {
			t.Error("made after the end")
		}
		if err := s.write(t.Context(), s.screens, func(tx *tx) error {
			return tx.command(t.Context(), time.Minute, "UPDATE reports SET query = '{\"by\":[\"gone\"],\"zone\":\"UTC\"}' WHERE report_id = 'rp_0'")
		}); err != nil {
			t.Fatal(err)
		}
		if made, err := s.MakeReport(t.Context(), "a", func() time.Time { return noon }); !made || err != nil {
			t.Errorf("%t, %v", made, err)
		}
		k, err := s.KeptReport(t.Context(), "rp_0")
		if err != nil || k.State != ReportFailed || !strings.Contains(k.Problem, `no dimension "gone"`) {
			t.Errorf("%+v, %v", k, err)
		}
	})
}

func TestReportSample(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		traffic(t, s)
		if err := s.ReplaceCosts(t.Context(), "im_1", noon, []Cost{spentOn("ad1", 10_000_000, "EUR"), spentOn("ad2", 5_000_000, "USD")}); err != nil {
			t.Fatal(err)
		}
		day := noon.Truncate(24 * time.Hour)
		for _, m := range ReportMetrics() {
			if sample, err := s.ReportSample(t.Context(), ReportQuery{Since: day, Until: day.AddDate(0, 0, 2), Filters: []ReportFilter{{"ad_id", []string{"ad1", ""}}, {"offer_id", []string{"dream"}}}}, m.Name); err != nil {
				t.Errorf("%s: %v\n%s", m.Name, err, sample.SQL)
			}
		}
		ids := func(metric string, q ReportQuery) string {
			q.Since, q.Until = day, day.AddDate(0, 0, 1)
			sample, err := s.ReportSample(t.Context(), q, metric)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(reported(t, s, sample.SQL)); n != len(sample.Items) {
				t.Errorf("%s: the statement returns %d rows, the sample has %d", metric, n, len(sample.Items))
			}
			var all []string
			for _, item := range sample.Items {
				for _, name := range []string{"conversion_id", "click_id", "ad_id"} {
					if id, ok := item[name].(string); ok {
						all = append(all, id)
						break
					}
				}
			}
			return sample.View + " " + strings.Join(all, " ")
		}
		same(t, "bots", ids("bots", ReportQuery{}), "v_clicks click4")
		same(t, "of a campaign", ids("clicks", ReportQuery{Filters: []ReportFilter{{"campaign_id", []string{"fall"}}}}), "v_clicks click3")
		same(t, "approved", ids("approved", ReportQuery{}), "v_conversions cv_1")
		same(t, "cost", ids("cpa", ReportQuery{Filters: []ReportFilter{{"ad_id", []string{"ad2"}}}}), "costs ad2")
		same(t, "clicks of a goal", ids("clicks", ReportQuery{Filters: []ReportFilter{{"goal", []string{"base"}}}}), "v_clicks ")
		if _, err := s.ReportSample(t.Context(), ReportQuery{Since: day, Until: noon}, "docs"); !errors.Is(err, ErrBadQuery) {
			t.Errorf("no metric: %v", err)
		}
	})
}

func TestReportExport(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		traffic(t, s)
		day := noon.Truncate(24 * time.Hour)
		q := ReportQuery{By: []string{"ad_id", "country"}, Metrics: []string{"clicks", "revenue", "cr", "impressions"}, Since: day, Until: day.AddDate(0, 0, 1)}
		var rows []string
		err := s.ReportExport(t.Context(), q, func(c []subfive.Column) error {
			rows = append(rows, fmt.Sprint(c))
			return nil
		}, func(v []any) error {
			rows = append(rows, fmt.Sprint(v))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "rows", rows, []string{
			"[{ad_id text} {ad_name text} {country text} {clicks whole} {revenue decimal} {cr ratio} {impressions whole}]",
			"[ad1   3 <nil> 0.6666666666666666 <nil>]", "[ad3   1 0.00 0 <nil>]",
		})
		if n, err := s.ReportCount(t.Context(), q); n != 2 || err != nil {
			t.Errorf("%d rows, %v", n, err)
		}
	})
}
