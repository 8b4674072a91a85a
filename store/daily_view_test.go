package store

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"subfive"
)

// reported runs a query and returns its rows as text.
func reported(t *testing.T, s *Store, query string) (rows []string) {
	t.Helper()
	err := s.Query(t.Context(), query, func([]string) error { return nil }, func(row []any) error {
		cells := make([]string, len(row))
		for i, v := range row {
			cells[i] = fmt.Sprint(v)
		}
		rows = append(rows, strings.Join(cells, " "))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// on is a click of an ad.
func on(n int, ad string, change func(*subfive.Click)) subfive.Click {
	c := subfive.Click{
		ID: fmt.Sprint("click", n), ClickedAt: noon, SourceID: "meta-us", CampaignID: "spring", OfferID: "dream", Platform: "meta", AdAccountID: "act",
		Ad: subfive.Ad{CampaignID: "c", SetID: "s", ID: ad},
	}
	if change != nil {
		change(&c)
	}
	return c
}

func paid(n int, click string, payout subfive.Micros, currency string, status subfive.Status, at time.Time) subfive.Conversion {
	return subfive.Conversion{
		ID: fmt.Sprint("cv_", n), PostbackID: fmt.Sprint("pb_", n), Verdict: subfive.VerdictMatched, GoalName: "base", ConvertedAt: at, ReceivedAt: at,
		AttributedClickID: click, SourceID: "meta-us", CampaignID: "spring", OfferID: "dream", Payout: &payout, Currency: currency, Status: status,
	}
}

func spentOn(ad string, spend subfive.Micros, currency string) Cost {
	return Cost{
		SourceID: "meta-us", Day: "2026-05-04", AdAccountID: "act", Platform: "meta", Ad: subfive.Ad{CampaignID: "c", SetID: "s", ID: ad},
		Spend: subfive.Money{Amount: spend, Currency: currency}, Impressions: 1000, Clicks: 4, Conversions: 3, Value: 9_000_000,
	}
}

// ad1 has three clicks in two campaigns, ad2 was never clicked, ad3 costs
// nothing; a conversion is a day later.
func traffic(t *testing.T, s *Store) {
	t.Helper()
	late := noon.AddDate(0, 0, 1)
	record(t, s, subfive.Batch{
		At: noon,
		Clicks: []subfive.Click{
			on(1, "ad1", nil), on(2, "ad1", nil), on(3, "ad1", func(c *subfive.Click) { c.CampaignID = "fall" }),
			on(4, "ad3", func(c *subfive.Click) { c.IsBot = true }), on(5, "ad3", nil),
		},
		Conversions: []subfive.Conversion{
			paid(1, "click1", 40_000_000, "USD", subfive.StatusApproved, noon), paid(2, "click2", 10_000_000, "EUR", subfive.StatusRejected, noon),
			paid(3, "click1", 2_000_000, "EUR", subfive.StatusPending, late),
		},
	})
}

func TestDailyView(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		traffic(t, s)
		const money = "SELECT day || ' ' || campaign_id || ' ' || ad_id || ' ' || cost_status, clicks, conversions, revenue_micros, cost_micros, profit_micros, is_rate_missing FROM v_daily ORDER BY day, campaign_id, ad_id"
		same(t, "before costs and rates", reported(t, s, money), []string{
			"2026-05-04 fall ad1 missing 1 0 0 <nil> <nil> 0",
			"2026-05-04 spring ad1 missing 2 2 <nil> <nil> <nil> 1",
			"2026-05-04 spring ad3 missing 1 0 0 <nil> <nil> 0",
			"2026-05-05 spring ad1 missing 0 1 <nil> <nil> <nil> 1",
		})
		if err := s.PutRates(t.Context(), []Rate{{Date: "2026-05-03", Currency: "EUR", Reporting: "USD", Rate: "1.1", Source: "test"}}); err != nil {
			t.Fatal(err)
		}
		costs := []Cost{spentOn("ad1", 10_000_000, "EUR"), spentOn("ad2", 5_000_000, "USD")}
		for range 2 { // again is the same
			if err := s.ReplaceCosts(t.Context(), "im_1", noon, costs); err != nil {
				t.Fatal(err)
			}
		}
		want := []string{
			"2026-05-04  ad2 unallocated 0 0 0 5000000 -5000000 0",
			"2026-05-04 fall ad1 imported 1 0 0 3666666 -3666666 0",
			"2026-05-04 spring ad1 imported 2 2 40000000 7333334 32666666 0",
			"2026-05-04 spring ad3 imported 1 0 0 0 0 0",
			"2026-05-05 spring ad1 missing 0 1 2200000 <nil> <nil> 0",
		}
		same(t, "with costs", reported(t, s, money), want)
		same(t, "ratios", reported(t, s, "SELECT ad_id, round(cr * 100), round(epc * 100), round(cpc * 1000), round(cpa * 1000), round(roi * 1000), round(approve_rate * 100), round(traffic_loss * 100), currency FROM v_daily WHERE day = '2026-05-04' AND campaign_id = 'spring' ORDER BY ad_id"), []string{
			"ad1 100 2000 3667 3667 4455 50 33 USD",
			"ad3 0 0 0 <nil> <nil> <nil> <nil> USD",
		})
		same(t, "of the platform", reported(t, s, "SELECT sum(impressions), sum(platform_clicks), sum(platform_conversions), sum(platform_value_micros) FROM v_daily"),
			[]string{"2000 8 6 18900000"})
		// A click that came late takes its share.
		record(t, s, subfive.Batch{At: noon, Clicks: []subfive.Click{on(6, "ad2", nil)}})
		if n, err := s.SpreadCosts(t.Context(), noon); err != nil || n != 1 {
			t.Errorf("spread %d, %v", n, err)
		}
		if n, err := s.SpreadCosts(t.Context(), noon); err != nil || n != 0 {
			t.Errorf("spread again %d, %v", n, err)
		}
		same(t, "ad2 now", reported(t, s, "SELECT campaign_id, cost_status, clicks, cost_micros FROM v_daily WHERE ad_id = 'ad2' ORDER BY campaign_id"),
			[]string{" imported 0 0", "spring imported 1 5000000"})
	})
}

func TestDailyViewWithoutImportedCosts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		record(t, s, subfive.Batch{At: noon, Clicks: []subfive.Click{
			on(1, "ad1", func(c *subfive.Click) { c.Cost = &subfive.Money{Amount: 250_000, Currency: "USD"} }),
			on(2, "ad2", func(c *subfive.Click) { c.SourceID, c.CampaignID = "", "organic" }),
		}})
		const query = "SELECT campaign_id, cost_status, cost_micros, profit_micros FROM v_daily ORDER BY campaign_id"
		same(t, "by the link", reported(t, s, query), []string{"organic none 0 0", "spring link 250000 -250000"})
		if err := s.ReplaceCosts(t.Context(), "im_1", noon, []Cost{spentOn("ad1", 200_000, "USD")}); err != nil {
			t.Fatal(err)
		}
		same(t, "imported", reported(t, s, query), []string{"organic none 0 0", "spring imported 200000 -200000"})
	})
}

// Costs are spread at the level that the export has, and nothing is lost to
// rounding.
func TestCostsAreSpreadExactly(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		ad   subfive.Ad
		want []string
	}{
		"an ad":               {subfive.Ad{CampaignID: "c", SetID: "s", ID: "ad1"}, []string{"fall ad1 3", "spring ad1 7"}},
		"an ad set":           {subfive.Ad{CampaignID: "c", SetID: "s"}, []string{"fall ad1 2", "spring ad1 5", "spring ad3 3"}},
		"a campaign":          {subfive.Ad{CampaignID: "c"}, []string{"fall ad1 2", "spring ad1 5", "spring ad3 3"}},
		"a day":               {subfive.Ad{}, []string{"fall ad1 2", "spring ad1 5", "spring ad3 3"}},
		"an unknown ad":       {subfive.Ad{CampaignID: "c", SetID: "s", ID: "ad9"}, []string{" ad9 10"}},
		"an unknown ad set":   {subfive.Ad{SetID: "s9"}, []string{"  10"}},
		"an unknown campaign": {subfive.Ad{CampaignID: "c9"}, []string{"  10"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, s *Store) {
				traffic(t, s)
				c := spentOn("", 10, "USD")
				c.Ad = tt.ad
				if err := s.ReplaceCosts(t.Context(), "im_1", noon, []Cost{c}); err != nil {
					t.Fatal(err)
				}
				same(t, "spread", reported(t, s, "SELECT campaign_id, ad_id, cost_micros FROM v_daily WHERE cost_micros > 0 ORDER BY campaign_id, ad_id"), tt.want)
			})
		})
	}
}

func TestUndelivered(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		told(t, s, 1)
		record(t, s, sale(2, "meta-eu", "google-main"), sale(3))
		same(t, "undelivered", reported(t, s, "SELECT offer_id, conversions, undelivered FROM v_daily ORDER BY offer_id"), []string{" 0 0", "ourdream 3 1"})
	})
}

func TestCohortView(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		traffic(t, s)
		const query = "SELECT campaign_id, days_to_convert, clicks, conversions, rejected, revenue_micros FROM v_cohort WHERE click_day = '2026-05-04' ORDER BY campaign_id, days_to_convert"
		same(t, "without a rate", reported(t, s, query), []string{"fall 0 1 0 0 0", "spring 0 3 2 1 40000000", "spring 1 0 1 0 <nil>"})
		if err := s.PutRates(t.Context(), []Rate{{Date: "2026-05-05", Currency: "EUR", Reporting: "USD", Rate: "1.25"}}); err != nil {
			t.Fatal(err)
		}
		same(t, "with one", reported(t, s, query), []string{"fall 0 1 0 0 0", "spring 0 3 2 1 40000000", "spring 1 0 1 0 2500000"})
	})
}

func TestMatchQualityView(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		told(t, s, 1)
		b := sale(2, "meta-eu")
		b.Clicks[0].Consent = map[string]string{"consent_ad_user_data": "granted"}
		record(t, s, b)
		same(t, "quality", reported(t, s, "SELECT day, destination_id, event_name, source_id, conversions, owed, sent, n_click_id, n_fbp, n_ip, n_ipv6, n_ua, n_email, "+
			"n_consent_granted, n_consent_unknown, n_late_1h, p50_delay_s, p95_delay_s, n_skipped_no_key, n_rejected FROM v_match_quality"),
			[]string{"2026-05-04 meta-eu Purchase meta-us 2 2 1 1 0 1 0 1 0 0 1 0 1 1 0 0"})
	})
}

func TestTouchpointsView(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		of := func(id string, before time.Duration, consent string) func(*subfive.Click) {
			return func(c *subfive.Click) {
				c.VisitorID, c.ClickedAt = id, noon.Add(-before)
				if consent != "" {
					c.Consent = map[string]string{"consent_ad_user_data": consent}
				}
			}
		}
		record(t, s, subfive.Batch{At: noon, Clicks: []subfive.Click{
			on(1, "ad1", of("v1", 48*time.Hour, "")), on(2, "ad2", of("v1", 24*time.Hour, "granted")), on(3, "ad3", of("v1", time.Hour, "")),
			on(4, "ad4", of("v1", 31*24*time.Hour, "")), on(5, "ad5", of("v1", 2*time.Hour, "denied")), on(6, "ad6", of("v1", -time.Hour, "")), on(7, "ad7", of("", time.Hour, "")),
		}, Conversions: []subfive.Conversion{paid(1, "click3", 1, "USD", subfive.StatusApproved, noon), paid(2, "click7", 1, "USD", subfive.StatusApproved, noon)}})
		const query = "SELECT conversion_id, click_id, touch_no, touches, seconds_before, ad_id, CAST(w_last * 10 AS INTEGER), CAST(w_first * 10 AS INTEGER), CAST(round(w_linear * 100) AS INTEGER), " +
			"CAST(round(w_position * 10) AS INTEGER), CAST(round(share_with_visitor_id * 100) AS INTEGER) FROM v_touchpoints ORDER BY touch_no"
		same(t, "touches", reported(t, s, query), []string{
			"cv_1 click1 1 3 172800 ad1 0 10 33 4 50", "cv_1 click2 2 3 86400 ad2 0 0 33 2 50", "cv_1 click3 3 3 3600 ad3 10 0 33 4 50",
		})
		// Retention takes the visitor, and with him the way.
		for {
			done, err := s.Expire(t.Context(), Retention{Personal: noon.Add(24 * time.Hour), Live: noon.Add(24 * time.Hour)})
			if err != nil {
				t.Fatal(err)
			}
			if done.Total() == 0 {
				break
			}
		}
		same(t, "touches after retention", reported(t, s, query), []string(nil))
	})
}

// What a conversion paid is told in the reporting currency, by the rate of its
// day or of up to a week before.
func TestReportingCurrency(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		currency string
		payout   subfive.Micros
		rates    []Rate
		want     string
	}{
		"the reporting currency itself": {"USD", 12_345_678, nil, "1 2026-05-04 12345678"},
		"no rate":                       {"EUR", 12_345_678, nil, "<nil> <nil> <nil>"},
		"a rate too old":                {"EUR", 1, []Rate{{Date: "2026-04-27", Rate: "2"}}, "<nil> <nil> <nil>"},
		"a rate of tomorrow":            {"EUR", 1, []Rate{{Date: "2026-05-05", Rate: "2"}}, "<nil> <nil> <nil>"},
		"of six days before":            {"EUR", 5, []Rate{{Date: "2026-04-28", Rate: "2"}}, "2 2026-04-28 10"},
		"the nearest":                   {"EUR", 5, []Rate{{Date: "2026-05-01", Rate: "3"}, {Date: "2026-05-03", Rate: "2"}}, "2 2026-05-03 10"},
		"half a millionth goes up":      {"EUR", 5, []Rate{{Date: "2026-05-04", Rate: "0.1"}}, "0.1 2026-05-04 1"},
		"and a negative one down":       {"EUR", -5, []Rate{{Date: "2026-05-04", Rate: "0.1"}}, "0.1 2026-05-04 -1"},
		"twelve digits":                 {"JPY", 123_456_789_000_000, []Rate{{Date: "2026-05-04", Rate: "0.006543210987", Currency: "JPY"}}, "0.006543210987 2026-05-04 807803818205"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, s *Store) {
				record(t, s, subfive.Batch{At: noon, Conversions: []subfive.Conversion{paid(1, "", tt.payout, tt.currency, subfive.StatusPending, noon)}})
				for _, r := range tt.rates {
					r.Reporting = "USD"
					if r.Currency == "" {
						r.Currency = "EUR"
					}
					if err := s.PutRates(t.Context(), []Rate{r}); err != nil {
						t.Fatal(err)
					}
				}
				same(t, "in the reporting currency", reported(t, s, "SELECT fx_rate, fx_date, payout_reporting_micros FROM v_conversions"), []string{tt.want})
			})
		})
	}
}

// plan returns how the database would run a query.
func plan(ctx context.Context, s *Store, query string) (lines []string, err error) {
	explain := "EXPLAIN QUERY PLAN "
	if s.dialect == dialectPostgres {
		explain = "EXPLAIN "
	}
	err = s.Query(ctx, explain+query, func([]string) error { return nil }, func(row []any) error {
		lines = append(lines, fmt.Sprint(row...))
		return nil
	})
	return lines, err
}

// The report by day reads sums: of the rows that clicks are, none but those of
// undelivered conversions.
func TestDailyViewDoesNotScanClicks(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		many(t, s, 1000, "meta")
		if s.dialect == dialectPostgres {
			for _, table := range []string{"clicks", "conversions", "deliveries", "days"} {
				if err := s.write(t.Context(), s.screens, func(tx *tx) error { return tx.command(t.Context(), statementTimeout, "ANALYZE "+table) }); err != nil {
					t.Fatal(err)
				}
			}
		}
		lines, err := plan(t.Context(), s, "SELECT * FROM v_daily WHERE day >= '2026-05-01' AND campaign_id = 'spring'")
		if err != nil {
			t.Fatal(err)
		}
		used := false
		for _, line := range lines {
			if strings.Contains(line, "SCAN k") || strings.Contains(line, "SCAN v") || strings.Contains(line, "Seq Scan on clicks") && !strings.Contains(strings.Join(lines, "\n"), "deliveries") {
				t.Errorf("it scans: %s", line)
			}
			used = used || strings.Contains(line, "day>?") || strings.Contains(line, "days")
		}
		if !used {
			t.Errorf("it does not look days up:\n%s", strings.Join(lines, "\n"))
		}
		t.Log(strings.Join(lines, "\n"))
	})
}

// Who names no reporting currency, as "subfive migrate" does, leaves the one
// that is there.
func TestReportingCurrencyStays(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	for _, open := range []struct {
		options []Option
		want    string
	}{
		{nil, DefaultCurrency}, {[]Option{WithCurrency("EUR")}, "EUR"}, {nil, "EUR"}, {[]Option{WithCurrency("USD")}, "USD"},
	} {
		s := openTest(t, path, open.options...)
		if got, err := s.setting(t.Context(), currencySetting); err != nil || got != open.want {
			t.Errorf("opened with %d options: reports are in %q, want %q, %v", len(open.options), got, open.want, err)
		}
	}
}
