package store

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"subfive"
)

// lines are a report's rows as text, metrics in their order.
func lines(r Report) (all []string) {
	text := func(v ReportValues) string {
		var cells []string
		for _, m := range r.Metrics {
			cells = append(cells, fmt.Sprint(v[m.Name]))
		}
		return strings.Join(cells, " ")
	}
	for _, row := range r.Rows {
		var key []string
		for _, d := range r.By {
			key = append(key, row.Key[d.Name])
		}
		all = append(all, strings.TrimSpace(strings.Join(key, "/")+" "+text(row.Values)))
	}
	return append(all, "= "+text(r.Totals))
}

func mustReport(t *testing.T, s *Store, q ReportQuery) Report {
	t.Helper()
	if q.Since.IsZero() {
		q.Since, q.Until = noon.Truncate(24*time.Hour), noon.Truncate(24*time.Hour).AddDate(0, 0, 2)
	}
	r, err := s.Report(t.Context(), q)
	if err != nil {
		t.Fatalf("%+v: %v", q, err)
	}
	return r
}

func kinds(r Report) (all []string) {
	for _, w := range r.Warnings {
		all = append(all, w.Kind)
	}
	return all
}

func TestReportOfDays(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		traffic(t, s)
		q := ReportQuery{By: []string{"campaign_id"}, Metrics: []string{"clicks", "bots", "conversions", "revenue", "cost", "profit", "roi", "cr", "approve_rate"}, Sort: "campaign_id"}
		r := mustReport(t, s, q)
		same(t, "before costs and rates", lines(r), []string{
			"fall 1 0 0 0.00 <nil> <nil> <nil> 0 <nil>", "spring 3 1 3 <nil> <nil> <nil> <nil> 1 0.5", "= 4 1 3 <nil> <nil> <nil> <nil> 0.75 0.5",
		})
		same(t, "warnings", r.Warnings, []ReportWarning{
			{"rate_missing", "a rate of exchange is missing of EUR on 2 days from 2026-05-04 to 2026-05-05, and with it the amounts of those rows", "add it with subfive rates, or wait for the daily ones; see /api/v1/rates"},
			{"cost_missing", "the cost of 4 clicks is not known of meta-us on 2026-05-04: without it there is no profit", "import it with subfive import costs, or end the span before"},
		})
		if err := s.PutRates(t.Context(), []Rate{{Date: "2026-05-03", Currency: "EUR", Reporting: "USD", Rate: "1.1", Source: "test"}}); err != nil {
			t.Fatal(err)
		}
		costs := []Cost{spentOn("ad1", 10_000_000, "EUR"), spentOn("ad2", 5_000_000, "USD")}
		costs[0].Ad.Name = "Ad one"
		if err := s.ReplaceCosts(t.Context(), "im_1", noon, costs); err != nil {
			t.Fatal(err)
		}
		r = mustReport(t, s, q)
		same(t, "with them", lines(r), []string{
			" 0 0 0 0.00 5.00 -5.00 -1 <nil> <nil>"[1:], "fall 1 0 0 0.00 3.666666 -3.666666 -1 0 <nil>",
			"spring 3 1 3 42.20 7.333334 34.866666 4.754545 1 0.5", "= 4 1 3 42.20 16.00 26.20 1.6375 0.75 0.5",
		})
		same(t, "it says", kinds(r), []string{"unallocated"})
		same(t, "of the rows", []any{r.RowCount, r.ReadFrom, r.Currency, r.Interval, r.Rows[2].CostStatus}, []any{int64(3), "days", "USD", "hour", "known"})

		byAd := mustReport(t, s, ReportQuery{By: []string{"ad_id", "day"}, Metrics: []string{"clicks", "impressions", "traffic_loss"}, Sort: "-clicks", Limit: 2})
		same(t, "by ad", lines(byAd), []string{"ad1/2026-05-04 3 1000 0.25", "ad3/2026-05-04 1 0 <nil>", "= 4 2000 0.5"})
		same(t, "names", []any{byAd.Rows[0].Names, byAd.RowCount, len(byAd.Rows[1].Names)}, []any{map[string]string{"ad_id": "Ad one"}, int64(4), 0})
		same(t, "the day of the row", byAd.Rows[0].Since.Format(time.RFC3339)+byAd.Rows[0].Until.Format(time.RFC3339), "2026-05-04T00:00:00Z2026-05-05T00:00:00Z")

		filtered := mustReport(t, s, ReportQuery{Metrics: []string{"clicks", "cost"}, Filters: []ReportFilter{{"campaign_id", []string{"fall", ""}}, {"ad_id", []string{"ad1", "ad2"}}}})
		same(t, "filtered", lines(filtered), []string{"1 8.666666", "= 1 8.666666"})
	})
}

// A cost of which nothing is known is none, also beside traffic that was not
// bought; a part of it is a part.
func TestReportOfUnknownCosts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		organic := on(1, "", func(c *subfive.Click) { c.SourceID, c.CampaignID = "", "organic" })
		record(t, s, subfive.Batch{At: noon, Clicks: []subfive.Click{organic, on(2, "ad1", nil)}})
		q := ReportQuery{By: []string{"campaign_id"}, Metrics: []string{"cost", "profit"}, Sort: "campaign_id"}
		status := func(r Report) (all []string) {
			for _, row := range r.Rows {
				all = append(all, row.CostStatus)
			}
			return all
		}
		r := mustReport(t, s, q)
		same(t, "nothing known", lines(r), []string{"organic 0.00 0.00", "spring <nil> <nil>", "= <nil> <nil>"})
		same(t, "said so", status(r), []string{"known", "missing"})
		record(t, s, subfive.Batch{At: noon, Clicks: []subfive.Click{on(3, "ad2", func(c *subfive.Click) { c.Cost = &subfive.Money{Amount: 250_000, Currency: "USD"} })}})
		r = mustReport(t, s, q)
		same(t, "a part known", lines(r), []string{"organic 0.00 0.00", "spring 0.25 <nil>", "= 0.25 <nil>"})
		same(t, "said so, too", status(r), []string{"known", "part"})
	})
}

// What a report shows as its SQL is what subfive sql runs.
func TestReportSQL(t *testing.T) {
	t.Parallel()
	all := metricNames()
	each(t, func(t *testing.T, s *Store) {
		traffic(t, s)
		told(t, s, 7)
		record(t, s, subfive.Batch{At: noon, Clicks: []subfive.Click{on(9, `o'br\ien"`, func(c *subfive.Click) { c.Visitor.Browser = `o'br\ien$1?` })}})
		for name, q := range map[string]ReportQuery{
			"days":             {By: []string{"campaign_id", "ad_id", "week"}, Metrics: all, Filters: []ReportFilter{{"ad_id", []string{`o'br\ien"`, "ad1"}}}},
			"hours":            {By: []string{"hour", "country", "month"}, Metrics: all, Sort: "-roi"},
			"rows":             {By: []string{"browser", "goal", "day"}, Metrics: all, Since: noon.Add(-6 * time.Hour), Until: noon.Add(18 * time.Hour)},
			"a text":           {By: []string{"browser"}, Metrics: all, Since: noon.Add(-6 * time.Hour), Until: noon.Add(18 * time.Hour), Filters: []ReportFilter{{"browser", []string{`o'br\ien$1?`}}}},
			"clicks of days":   {By: []string{"campaign_id", "ad_id", "day"}, Metrics: all, ClickTime: true, Sort: "day"},
			"clicks of hours":  {By: []string{"hour"}, Metrics: all, ClickTime: true, Limit: 3},
			"all":              {Metrics: all, ClickTime: true, Compare: CompareYear},
			"a few without":    {By: []string{"source_id"}, Metrics: []string{"undelivered", "bot_conversions"}, Compare: ComparePrevious},
			"many by the week": {By: []string{"week", "os"}, Metrics: all, Since: noon, Until: noon.Add(3 * time.Hour), Interval: "month"},
		} {
			r := mustReport(t, s, q)
			if len(r.Rows) == 0 {
				t.Errorf("%s: no rows", name)
			}
			i := 0
			var columns []string
			err := s.Query(t.Context(), r.SQL, func(names []string) error { columns = names; return nil }, func(row []any) error {
				for j, c := range columns {
					want, isMetric := r.Rows[i].Values[c]
					got := row[j]
					if n, ok := got.(float64); ok {
						got = fmt.Sprintf("%.4f", n)
					}
					switch w := want.(type) {
					case float64:
						want = fmt.Sprintf("%.4f", w)
					case string: // an amount
						want = fmt.Sprintf("%.4f", number(t, w))
					}
					if text, ok := got.(string); ok && isMetric {
						got = fmt.Sprintf("%.4f", number(t, text))
					}
					if isMetric && fmt.Sprint(got) != fmt.Sprint(want) {
						t.Errorf("%s: row %d: %s is %v, the report says %v", name, i, c, got, want)
					}
				}
				i++
				return nil
			})
			if err != nil || i != len(r.Rows) {
				t.Errorf("%s: %d rows of %d, %v:\n%s", name, i, len(r.Rows), err, r.SQL)
			}
		}
	})
}

func number(t *testing.T, text string) (n float64) {
	t.Helper()
	if _, err := fmt.Sscan(text, &n); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return n
}

func TestReportRefuses(t *testing.T) {
	t.Parallel()
	s := openTest(t, t.TempDir()+"/a.db")
	for name, test := range map[string]struct {
		q    ReportQuery
		says string
	}{
		"a dimension":        {ReportQuery{By: []string{"clicks; DROP TABLE clicks"}}, "there is no dimension"},
		"twice":              {ReportQuery{By: []string{"day", "day"}}, "twice"},
		"too deep":           {ReportQuery{By: []string{"day", "ad_id", "adset_id", "platform", "country"}}, "at most"},
		"a metric":           {ReportQuery{Metrics: []string{"docs"}}, `no metric "docs"`},
		"a metric twice":     {ReportQuery{Metrics: []string{"cr", "cr"}}, "twice"},
		"a filter":           {ReportQuery{Filters: []ReportFilter{{"doc", []string{"x"}}}}, "no dimension"},
		"a filter by time":   {ReportQuery{Filters: []ReportFilter{{"day", []string{"x"}}}}, "narrow since"},
		"a filter of none":   {ReportQuery{Filters: []ReportFilter{{"ad_id", nil}}}, "0 values"},
		"no text":            {ReportQuery{Filters: []ReportFilter{{"ad_id", []string{"\x00"}}}}, "no text"},
		"sort":               {ReportQuery{Sort: "-country"}, "sort"},
		"compare":            {ReportQuery{Compare: "week"}, "compare"},
		"interval":           {ReportQuery{Interval: "minute"}, "interval"},
		"backwards":          {ReportQuery{Since: noon, Until: noon.Add(-time.Hour)}, "not before"},
		"ten years":          {ReportQuery{Since: noon, Until: noon.AddDate(10, 0, 0)}, "three years"},
		"hours of a quarter": {ReportQuery{Since: noon, Until: noon.AddDate(0, 3, 0), Interval: "hour"}, "31 days"},
	} {
		if test.q.Since.IsZero() {
			test.q.Since, test.q.Until = noon, noon.Add(time.Hour)
		}
		if _, err := s.Report(t.Context(), test.q); !errors.Is(err, ErrBadQuery) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := s.Report(t.Context(), ReportQuery{By: []string{"browser"}, Since: noon, Until: noon.AddDate(0, 0, 2)})
	if !errors.Is(err, ErrLongReport) {
		t.Errorf("two days of rows: %v", err)
	}
}

// truth counts as a person would, click by click.
type truth map[string][4]int64

func (tr truth) add(key string, clicks, conversions, revenue, bots int64) {
	n := tr[key]
	tr[key] = [4]int64{n[0] + clicks, n[1] + conversions, n[2] + revenue, n[3] + bots}
}

func (tr truth) lines() []string {
	var all []string
	for key, n := range tr {
		if n != [4]int64{} {
			all = append(all, fmt.Sprintf("%s %d %d %s %d", key, n[0], n[1], subfive.Micros(n[2]), n[3]))
		}
	}
	slices.Sort(all)
	return all
}

// Whatever a report is read from, and whatever the clocks do, it counts what was
// recorded.
func TestReportsCountWhatWasRecorded(t *testing.T) {
	t.Parallel()
	for _, span := range []struct{ zone, from string }{
		{"Europe/Berlin", "2026-03-28"}, {"America/New_York", "2026-10-31"}, {"Asia/Kolkata", "2026-05-01"},
	} {
		t.Run(span.zone+" "+span.from, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, s *Store) {
				s.zone = zoneOf(t, span.zone)
				first, err := time.Parse(time.DateOnly, span.from)
				if err != nil {
					t.Fatal(err)
				}
				clicks, conversions := someTraffic(t, s, first)
				since, until := dayBegins(first, s.zone), dayBegins(first.AddDate(0, 0, 4), s.zone)
				for _, zone := range []string{span.zone, "Asia/Tokyo", "Asia/Kathmandu"} {
					for _, clickTime := range []bool{false, true} {
						for i, by := range []string{"day", "hour", "week", "month"} {
							if zone != span.zone && i > 1 {
								continue // they are made of days
							}
							z := zoneOf(t, zone)
							for _, finer := range []string{"", "country", "browser"} {
								if i > 0 && finer == "browser" || zone != span.zone && finer == "country" {
									continue // it says nothing that another doesn't
								}
								// Rows are counted a day at a time.
								for from := since; from.Before(until); {
									to := until
									if finer == "browser" || zone == "Asia/Kathmandu" || span.zone == "Asia/Kolkata" && zone != span.zone {
										_, to = stretchAt(byDay, from, s.zone)
									}
									q := ReportQuery{By: []string{"campaign_id", by}, Metrics: []string{"clicks", "conversions", "revenue", "bots"}, Since: from, Until: to, Zone: z, ClickTime: clickTime, Sort: "campaign_id"}
									if finer != "" {
										q.By = append(q.By, finer)
									}
									r := mustReport(t, s, q)
									got := truth{}
									for _, row := range r.Rows {
										amount, err := subfive.ParseMicros(row.Values["revenue"].(string))
										if err != nil {
											t.Fatal(err)
										}
										got.add(row.Key["campaign_id"]+" "+row.Key[by]+" "+row.Key[finer], row.Values["clicks"].(int64), row.Values["conversions"].(int64), int64(amount), row.Values["bots"].(int64))
									}
									want := counted(clicks, conversions, r.Since, r.Until, z, by, finer, clickTime)
									same(t, fmt.Sprintf("%s in %s by %s %s from %s, click time %t", r.ReadFrom, zone, by, finer, from, clickTime), got.lines(), want.lines())
									from = to
								}
							}
						}
					}
				}
			})
		})
	}
}

// someTraffic is four days of clicks and conversions, some of which come later
// and some without a click.
func someTraffic(t *testing.T, s *Store, first time.Time) (map[string]subfive.Click, []subfive.Conversion) {
	random := rand.New(rand.NewPCG(3, 4))
	begins := first.Add(-12 * time.Hour)
	clicks, conversions := map[string]subfive.Click{}, []subfive.Conversion{}
	b := subfive.Batch{At: noon}
	for i := range 300 {
		c := on(i, fmt.Sprint("ad", random.IntN(3)), func(c *subfive.Click) {
			c.ClickedAt = begins.Add(time.Duration(random.Int64N(int64(5 * 24 * time.Hour)))).Truncate(time.Millisecond)
			c.CampaignID = []string{"spring", "fall"}[random.IntN(2)]
			c.Visitor = subfive.Visitor{Country: []string{"US", "DE", ""}[random.IntN(3)], Device: subfive.DevicePhone, Browser: []string{"Safari", "Chrome"}[random.IntN(2)]}
			c.IsBot, c.IsPrefetch, c.IsTest = random.IntN(9) == 0, random.IntN(20) == 0, random.IntN(20) == 0
		})
		clicks[c.ID] = c
		b.Clicks = append(b.Clicks, c)
		if random.IntN(2) == 0 {
			v := paid(i, c.ID, subfive.Micros(random.Int64N(50_000_000)), "USD", []subfive.Status{subfive.StatusApproved, subfive.StatusRejected, subfive.StatusUnknown}[random.IntN(3)], c.ClickedAt.Add(time.Duration(random.Int64N(int64(40*time.Hour)))))
			v.CampaignID, v.ClickedAt = c.CampaignID, c.ClickedAt
			if random.IntN(4) == 0 {
				v.AttributedClickID, v.ClickedAt, v.Verdict, v.CampaignID, v.SourceID = "", time.Time{}, subfive.VerdictUnmatched, "", ""
			}
			if random.IntN(4) == 0 {
				v.GoalName = "upgrade"
			}
			v.IsTest = random.IntN(10) == 0
			conversions = append(conversions, v)
		}
	}
	b.Conversions = conversions
	record(t, s, b)
	return clicks, conversions
}

func counted(clicks map[string]subfive.Click, conversions []subfive.Conversion, since, until time.Time, zone *time.Location, by, finer string, clickTime bool) truth {
	all := truth{}
	within := func(at time.Time) bool { return !at.Before(since) && at.Before(until) }
	key := func(campaign string, at time.Time, c subfive.Click) string {
		label, _ := stretchAt(by, at, zone)
		return campaign + " " + label + " " + map[string]string{"": "", "country": c.Visitor.Country, "browser": c.Visitor.Browser}[finer]
	}
	for c := range maps.Values(clicks) {
		if !within(c.ClickedAt) || c.IsTest {
			continue
		}
		switch {
		case c.IsBot:
			all.add(key(c.CampaignID, c.ClickedAt, c), 0, 0, 0, 1)
		case !c.IsPrefetch:
			all.add(key(c.CampaignID, c.ClickedAt, c), 1, 0, 0, 0)
		}
	}
	for _, v := range conversions {
		at := v.ConvertedAt
		if clickTime {
			at = v.ClickedAt
		}
		if !within(at) || v.IsTest {
			continue
		}
		n, revenue := int64(0), int64(*v.Payout)
		if v.IsBase() {
			n = 1
		}
		if v.Status == subfive.StatusRejected {
			revenue = 0
		}
		all.add(key(v.CampaignID, at, clicks[v.AttributedClickID]), 0, n, revenue, 0)
	}
	return all
}

func TestReportIsCompared(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		s.zone = zoneOf(t, "Europe/Berlin")
		b := subfive.Batch{At: noon}
		for i, at := range []string{"2025-05-04", "2026-05-02", "2026-05-03", "2026-05-03", "2026-05-04", "2026-05-05"} {
			day, err := time.ParseInLocation(time.DateOnly, at, s.zone)
			if err != nil {
				t.Fatal(err)
			}
			b.Clicks = append(b.Clicks, on(i, "ad1", func(c *subfive.Click) { c.ClickedAt = day.Add(time.Hour) }))
		}
		record(t, s, b)
		q := ReportQuery{By: []string{"day", "ad_id"}, Metrics: []string{"clicks"}, Since: time.Date(2026, 5, 4, 0, 0, 0, 0, s.zone), Until: time.Date(2026, 5, 6, 0, 0, 0, 0, s.zone), Compare: ComparePrevious, Interval: "day"}
		r := mustReport(t, s, q)
		got := []any{r.Rows[0].Compare["clicks"], r.Rows[1].Compare["clicks"], r.Compare.Totals["clicks"], r.Series[1].Compare["clicks"], r.Compare.Since.Format(time.DateOnly)}
		same(t, "with the days before", got, []any{int64(1), int64(2), int64(3), int64(2), "2026-05-02"})
		q.Compare = CompareYear
		r = mustReport(t, s, q)
		same(t, "with the year before", []any{r.Rows[0].Compare["clicks"], r.Compare.Totals["clicks"]}, []any{int64(1), int64(1)})
	})
}

// Reports by day and hour look sums up, and rows by their moment: no plan reads
// all clicks.
func TestReportsScanNoClicks(t *testing.T) {
	t.Parallel()
	s := openTest(t, t.TempDir()+"/a.db")
	for _, q := range []ReportQuery{
		{By: []string{"ad_id"}},
		{By: []string{"country"}},
		{By: []string{"campaign_id", "day"}, ClickTime: true},
		{By: []string{"ad_id"}, ClickTime: true},
		{By: []string{"browser", "day"}},
		{By: []string{"browser"}, ClickTime: true},
		{By: []string{"ad_id", "day"}, Metrics: []string{"undelivered"}},
	} {
		q.Since, q.Until = noon.Truncate(24*time.Hour), noon.Truncate(24*time.Hour).AddDate(0, 0, 1)
		r := mustReport(t, s, q)
		found, err := plan(t.Context(), s, r.SQL)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range found {
			if strings.Contains(line, "SCAN k") || strings.Contains(line, "SCAN v") || strings.Contains(line, "SCAN r") {
				t.Errorf("%v: %s\n%s", q.By, line, strings.Join(found, "\n"))
			}
		}
	}
}
