package store

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

func zoneOf(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// shown are the counts that are not 0, by day: "2026-05-04 clicks 1".
func shown(s *sums) []string {
	var all []string
	for key, n := range s.days {
		for i, c := range tallyColumns {
			if n[i] != 0 {
				all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s %d %s", key[0], c, n[i], key[9])))
			}
		}
	}
	slices.Sort(all)
	return all
}

func TestWhatAClickCounts(t *testing.T) {
	t.Parallel()
	cost := &subfive.Money{Amount: 250_000, Currency: "EUR"}
	tests := map[string]struct {
		click subfive.Click
		want  []string
	}{
		"a visitor's first":     {subfive.Click{ClickedAt: noon, VisitNo: 1}, []string{"2026-05-04 clicks 1", "2026-05-04 visitors 1"}},
		"a visitor's second":    {subfive.Click{ClickedAt: noon, VisitNo: 2}, []string{"2026-05-04 clicks 1"}},
		"nobody's cookie":       {subfive.Click{ClickedAt: noon}, []string{"2026-05-04 clicks 1", "2026-05-04 visitors 1"}},
		"a bot's, with cost":    {subfive.Click{ClickedAt: noon, IsBot: true, IsPrefetch: true, Cost: cost, LandingViewedAt: noon}, []string{"2026-05-04 bots 1", "2026-05-04 click_cost_micros 250000 EUR"}},
		"fetched ahead":         {subfive.Click{ClickedAt: noon, IsPrefetch: true}, []string{"2026-05-04 prefetches 1"}},
		"a test is only that":   {subfive.Click{ClickedAt: noon, IsTest: true, IsBot: true, Cost: cost}, []string{"2026-05-04 tests 1"}},
		"without a moment":      {subfive.Click{ID: "x"}, nil},
		"free of charge":        {subfive.Click{ClickedAt: noon, VisitNo: 2, Cost: &subfive.Money{Currency: "EUR"}}, []string{"2026-05-04 clicks 1"}},
		"its page, days after":  {subfive.Click{ClickedAt: noon, VisitNo: 2, LandingViewedAt: noon.AddDate(0, 0, 1), LandingClickedAt: noon.AddDate(0, 0, 2)}, []string{"2026-05-04 clicks 1", "2026-05-05 lp_views 1", "2026-05-06 lp_clicks 1"}},
		"late in the day there": {subfive.Click{ClickedAt: noon.Add(12 * time.Hour), VisitNo: 2}, []string{"2026-05-05 clicks 1"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := (&Store{zone: time.UTC}).newSums()
			s.click(tt.click, 1)
			same(t, "counted", shown(s), tt.want)
			s.click(tt.click, -1)
			same(t, "taken back", shown(s), []string(nil))
		})
	}
}

func TestWhatAConversionCounts(t *testing.T) {
	t.Parallel()
	paid := func(change func(*subfive.Conversion)) subfive.Conversion {
		c := subfive.Conversion{Verdict: subfive.VerdictMatched, GoalName: "base", ConvertedAt: noon, Payout: usd4250(), Currency: "USD", PostbackID: "pb"}
		change(&c)
		return c
	}
	tests := map[string]struct {
		conversion subfive.Conversion
		click      *subfive.Click
		want       []string
	}{
		"no status yet": {paid(func(*subfive.Conversion) {}), nil, []string{
			"2026-05-04 conversions 1 USD", "2026-05-04 pending 1 USD", "2026-05-04 revenue_pending_micros 42500000 USD",
		}},
		"approved, of a bot": {paid(func(c *subfive.Conversion) { c.Status = subfive.StatusApproved }), &subfive.Click{IsBot: true}, []string{
			"2026-05-04 approved 1 USD", "2026-05-04 bot_conversions 1 USD", "2026-05-04 conversions 1 USD", "2026-05-04 revenue_approved_micros 42500000 USD",
		}},
		"rejected": {paid(func(c *subfive.Conversion) { c.Status = subfive.StatusRejected }), nil, []string{
			"2026-05-04 conversions 1 USD", "2026-05-04 rejected 1 USD", "2026-05-04 revenue_rejected_micros 42500000 USD",
		}},
		"an upsell": {paid(func(c *subfive.Conversion) { c.GoalName, c.Status = "upgrade", subfive.StatusApproved }), nil, []string{
			"2026-05-04 events 1 USD", "2026-05-04 revenue_approved_micros 42500000 USD", "2026-05-04 upsells 1 USD",
		}},
		"in an unknown currency":  {paid(func(c *subfive.Conversion) { c.Currency, c.GoalName = "", "x" }), nil, []string{"2026-05-04 events 1 XXX", "2026-05-04 revenue_pending_micros 42500000 XXX", "2026-05-04 upsells 1 XXX"}},
		"an event without payout": {paid(func(c *subfive.Conversion) { c.GoalName, c.Payout = "lead", nil }), nil, []string{"2026-05-04 events 1"}},
		"a test":                  {paid(func(c *subfive.Conversion) { c.Verdict = subfive.VerdictTest }), nil, []string{"2026-05-04 test_conversions 1 USD"}},
		"not a conversion":        {paid(func(c *subfive.Conversion) { c.Verdict = subfive.VerdictQuarantined }), nil, nil},
		"on our own page":         {paid(func(c *subfive.Conversion) { c.PostbackID, c.GoalName = "", subfive.GoalLandingView }), nil, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := (&Store{zone: time.UTC}).newSums()
			s.conversion(tt.conversion, tt.click, 1)
			same(t, "counted", shown(s), tt.want)
		})
	}
}

func TestDaysAndHoursOfAZone(t *testing.T) {
	t.Parallel()
	type row struct{ Day, Hour string }
	tests := map[string]struct {
		zone, at string
		want     row
	}{
		"Berlin before midnight in summer":       {"Europe/Berlin", "2026-07-01T21:59:59Z", row{"2026-07-01", "2026-07-01T21:00:00Z"}},
		"Berlin after it":                        {"Europe/Berlin", "2026-07-01T22:00:00Z", row{"2026-07-02", "2026-07-01T22:00:00Z"}},
		"Berlin, the hour that is skipped":       {"Europe/Berlin", "2026-03-29T01:10:00Z", row{"2026-03-29", "2026-03-29T01:00:00Z"}},
		"Berlin, two o'clock the first time":     {"Europe/Berlin", "2026-10-25T00:30:00Z", row{"2026-10-25", "2026-10-25T00:00:00Z"}},
		"Berlin, two o'clock the second time":    {"Europe/Berlin", "2026-10-25T01:30:00Z", row{"2026-10-25", "2026-10-25T01:00:00Z"}},
		"Berlin, the last minute of 25 hours":    {"Europe/Berlin", "2026-10-25T22:59:00Z", row{"2026-10-25", "2026-10-25T22:00:00Z"}},
		"New York, spring":                       {"America/New_York", "2026-03-08T04:59:00Z", row{"2026-03-07", "2026-03-08T04:00:00Z"}},
		"New York, the last minute of 23 hours":  {"America/New_York", "2026-03-09T03:59:00Z", row{"2026-03-08", "2026-03-09T03:00:00Z"}},
		"New York, autumn, one o'clock again":    {"America/New_York", "2026-11-01T06:30:00Z", row{"2026-11-01", "2026-11-01T06:00:00Z"}},
		"Kolkata's hours begin at half past":     {"Asia/Kolkata", "2026-07-01T18:40:00Z", row{"2026-07-02", "2026-07-01T18:30:00Z"}},
		"Kolkata, the last minute before":        {"Asia/Kolkata", "2026-07-01T18:29:00Z", row{"2026-07-01", "2026-07-01T17:30:00Z"}},
		"Beirut, where a day begins at one":      {"Asia/Beirut", "2026-03-28T22:00:00Z", row{"2026-03-29", "2026-03-28T22:00:00Z"}},
		"Santiago, where eleven is there twice":  {"America/Santiago", "2026-04-05T03:30:00Z", row{"2026-04-04", "2026-04-05T03:00:00Z"}},
		"Santiago, the first moment of a Sunday": {"America/Santiago", "2026-04-05T04:00:00Z", row{"2026-04-05", "2026-04-05T04:00:00Z"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			zone := zoneOf(t, tt.zone)
			at, err := time.Parse(time.RFC3339, tt.at)
			if err != nil {
				t.Fatal(err)
			}
			s := (&Store{zone: zone}).newSums()
			s.click(subfive.Click{ClickedAt: at}, 1)
			var got row
			for key := range maps.Keys(s.days) {
				got.Day = key[0]
			}
			got.Hour = subfive.FromMillis(hourOf(at.In(zone))).Format(time.RFC3339)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			from, to, err := (&Store{zone: zone}).bounds(got.Day)
			if ms := at.UnixMilli(); err != nil || ms < from || ms >= to {
				t.Errorf("%s is not within %s: %d to %d, %v", tt.at, got.Day, from, to, err)
			}
		})
	}
}

// A day begins where the one before ended, whatever the clocks do.
func TestDaysHaveNoGaps(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Beirut", "America/Santiago", "Australia/Lord_Howe", "Pacific/Chatham"} {
		s := &Store{zone: zoneOf(t, name)}
		_, before, err := s.bounds("2025-12-31")
		if err != nil {
			t.Fatal(err)
		}
		for d := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC); d.Year() == 2026; d = d.AddDate(0, 0, 1) {
			from, to, err := s.bounds(d.Format(time.DateOnly))
			if err != nil || from != before {
				t.Fatalf("%s: %s begins %d ms after the day before ended, %v", name, d.Format(time.DateOnly), from-before, err)
			}
			for _, ms := range []int64{from, to - 1} {
				if got := s.day(subfive.FromMillis(ms)); got != d.Format(time.DateOnly) {
					t.Fatalf("%s: %d is within %s and on %s", name, ms, d.Format(time.DateOnly), got)
				}
			}
			before = to
		}
	}
}

func TestKeyPartsFitBothDatabases(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ in, want string }{
		"as it is":            {"1234", "1234"},
		"NUL and bad bytes":   {"a\x00\xffb", "a\ufffd\ufffdb"},
		"long":                {strings.Repeat("x", 5000), strings.Repeat("x", subfive.MaxKeyBytes)},
		"cut between letters": {strings.Repeat("€", 100), strings.Repeat("€", 42)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			same(t, "part", keyPart(tt.in), tt.want)
		})
	}
}
