package store

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"subfive"
)

func adCost(day, ad string, spend subfive.Micros) Cost {
	return Cost{
		SourceID: "meta-us", Day: day, AdAccountID: "123", Platform: "meta", Ad: subfive.Ad{CampaignID: "c", CampaignName: "Spring", SetID: "s", SetName: "Broad", ID: ad, Name: "Ad " + ad},
		Spend: subfive.Money{Amount: spend, Currency: "USD"}, Impressions: 1000, Clicks: 10, Conversions: 2, Value: 85_000_000,
	}
}

func listed(t *testing.T, s *Store, q CostQuery) (costs []Cost) {
	t.Helper()
	for pages := 0; ; pages++ {
		kept, next, err := s.Costs(t.Context(), q)
		if err != nil || pages > 20 {
			t.Fatal(pages, err)
		}
		for _, k := range kept {
			costs = append(costs, k.Cost)
		}
		if next == "" {
			return costs
		}
		q.Cursor = next
	}
}

// Importing again corrects: it never doubles, and an ad that is gone is gone.
// Reports agree with what is kept, to the millionth.
func TestCostsImportedTwice(t *testing.T) {
	t.Parallel()
	const daily = "SELECT day, source_id, ad_id, cost_micros, cost_status, impressions, platform_clicks, platform_conversions, platform_value_micros FROM v_daily ORDER BY 1, 2, 3"
	each(t, func(t *testing.T, s *Store) {
		record(t, s, subfive.Batch{Clicks: []subfive.Click{{
			ID: "click", ClickedAt: noon, SourceID: "meta-us", CampaignID: "spring", AdAccountID: "123", Platform: "meta", Ad: subfive.Ad{CampaignID: "c", SetID: "s", ID: "1"},
		}}})
		day, before := noon.Format(time.DateOnly), noon.AddDate(0, 0, -1).Format(time.DateOnly)
		first := []Cost{adCost(day, "1", 12_340_001), adCost(day, "2", 1), adCost(before, "1", 500_000)}
		replace := func(id string, costs ...Cost) []string {
			t.Helper()
			if err := s.ReplaceCosts(t.Context(), id, noon, costs); err != nil {
				t.Fatal(err)
			}
			return reported(t, s, daily)
		}
		once := replace("im_1", first...)
		same(t, "reports", once, []string{
			before + " meta-us 1 500000 unallocated 1000 10 2 85000000",
			day + " meta-us 1 12340001 imported 1000 10 2 85000000",
			day + " meta-us 2 1 unallocated 1000 10 2 85000000",
		})
		same(t, "reports after the same again", replace("im_1", first...), once)
		same(t, "kept", listed(t, s, CostQuery{}), first)

		replace("im_2", adCost(day, "1", 20_000_000))
		same(t, "kept after a correction", listed(t, s, CostQuery{}), []Cost{adCost(day, "1", 20_000_000), adCost(before, "1", 500_000)})
		kept, _, err := s.Costs(t.Context(), CostQuery{Since: day})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "the import", kept, []KeptCost{{adCost(day, "1", 20_000_000), noon, "im_2"}})
		same(t, "sums", reported(t, s, "SELECT sum(cost_micros), sum(platform_value_micros) FROM v_daily"), []string{"20500000 170000000"})
	})
}

func TestCostsPaged(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		var all []Cost
		for _, day := range []string{"2026-11-20", "2026-11-19"} {
			for _, source := range []string{"a", "b"} {
				for _, ad := range []string{"1", "2"} {
					c := adCost(day, ad, 1_000_000)
					c.SourceID = source
					all = append(all, c)
				}
			}
		}
		if err := s.ReplaceCosts(t.Context(), "im_1", noon, all); err != nil {
			t.Fatal(err)
		}
		for limit := 1; limit <= 9; limit++ {
			same(t, fmt.Sprintf("pages of %d", limit), listed(t, s, CostQuery{Limit: limit}), all)
		}
		same(t, "one source's day", listed(t, s, CostQuery{SourceID: "b", Since: "2026-11-20", Limit: 1}), all[2:4])
		same(t, "until", listed(t, s, CostQuery{Until: "2026-11-20", SourceID: "a"}), all[4:6])
		same(t, "none", listed(t, s, CostQuery{SourceID: "c"}), []Cost(nil))
		for name, q := range map[string]CostQuery{
			"limit": {Limit: MaxPage + 1}, "negative": {Limit: -1}, "cursor": {Cursor: "x"}, "empty cursor": {Cursor: "W10"}, "no text": {SourceID: "a\x00"},
		} {
			if _, _, err := s.Costs(t.Context(), q); !errors.Is(err, ErrBadQuery) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// What WithoutRate says of a day is what reports show: over weekends and
// holidays the last rate holds, and no longer than a week.
func TestWithoutRateAgreesWithReports(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		var days []string
		var costs []Cost
		for d := range 25 {
			c := adCost(time.Date(2026, 11, 1+d, 0, 0, 0, 0, time.UTC).Format(time.DateOnly), "1", 10_000_000)
			c.Spend.Currency = "EUR"
			days, costs = append(days, c.Day), append(costs, c)
		}
		if err := s.ReplaceCosts(t.Context(), "im_1", noon, costs); err != nil {
			t.Fatal(err)
		}
		rate := func(day, currency, rate string) Rate { return Rate{day, currency, "USD", rate, "ecb"} }
		rates := []Rate{rate("2026-11-18", "EUR", "1.05"), rate("2026-11-05", "EUR", "1.1"), rate("2026-11-05", "GBP", "1.25"), rate("2026-11-04", "EUR", "1.2")}
		if err := s.PutRates(t.Context(), rates); err != nil {
			t.Fatal(err)
		}
		without, err := s.WithoutRate(t.Context(), "EUR", days)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "days", without, []string{"2026-11-01", "2026-11-02", "2026-11-03", "2026-11-12", "2026-11-13", "2026-11-14", "2026-11-15", "2026-11-16", "2026-11-17", "2026-11-25"})
		same(t, "days that reports show no cost of", reported(t, s, "SELECT day FROM v_daily WHERE is_rate_missing = 1 AND cost IS NULL ORDER BY day"), without)
		same(t, "a day six days after its rate", reported(t, s, "SELECT cost_micros FROM v_daily WHERE day = '2026-11-11'"), []string{"11000000"})

		got, err := s.Rates(t.Context(), "", "", 100)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "rates", got, rates)
		got, err = s.Rates(t.Context(), "EUR", "2026-11-05", 1)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "the latest rate", got, rates[:1])
		if _, err := s.Rates(t.Context(), "\xff", "", 1); !errors.Is(err, ErrBadQuery) {
			t.Errorf("no text: %v", err)
		}
		for _, currency := range []string{"USD", "EUR"} {
			if none, err := s.WithoutRate(t.Context(), currency, nil); none != nil || err != nil {
				t.Errorf("no days: %v, %v", none, err)
			}
		}
		if none, err := s.WithoutRate(t.Context(), "USD", days); none != nil || err != nil {
			t.Errorf("the reporting currency: %v, %v", none, err)
		}
		if _, err := s.WithoutRate(t.Context(), "EUR", []string{"soon"}); !errors.Is(err, ErrBadQuery) {
			t.Errorf("no day: %v", err)
		}
	})
}
