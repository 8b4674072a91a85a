package store

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"subfive"
)

// day is a query of the 24 hours that end with the one that runs at half past
// noon.
func dayAround(destinations ...string) NowQuery {
	at := noon.Add(30 * time.Minute)
	q := NowQuery{
		At: at, Span: Span{at.Add(-30*time.Minute - 23*time.Hour), at}, Before: Span{at.Add(-30*time.Minute - 47*time.Hour), at.Add(-24 * time.Hour)},
		DeadSince: at.AddDate(0, 0, -7),
	}
	q.Grid = []time.Time{q.Span.Since, noon}
	for _, id := range destinations {
		q.Destinations = append(q.Destinations, NowDestination{ID: id, MaxAge: 7 * 24 * time.Hour, DedupWindow: 48 * time.Hour})
	}
	return q
}

func standing(t *testing.T, s *Store, q NowQuery) Now {
	t.Helper()
	n, err := s.ReadNow(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNowOfNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		same(t, "now", standing(t, s, dayAround("meta-eu")), Now{
			Cost: new(subfive.Micros), CostBefore: new(subfive.Micros),
			Destinations: []Told{{DestinationID: "meta-eu", Statuses: map[subfive.DeliveryStatus]int{}}},
		})
	})
}

func TestNowCountsWhatCame(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		before := noon.AddDate(0, 0, -1)
		record(t, s, subfive.Batch{
			At: noon,
			Clicks: []subfive.Click{
				on(1, "ad1", nil), on(2, "ad1", nil),
				on(3, "ad1", func(c *subfive.Click) { c.IsBot = true }),
				on(4, "ad1", func(c *subfive.Click) { c.ClickedAt = before.Add(10 * time.Minute) }), // in the hour that is cut
				on(5, "ad1", func(c *subfive.Click) { c.ClickedAt = before.Add(40 * time.Minute) }), // after it
				on(6, "ad1", func(c *subfive.Click) { c.ClickedAt = before.Add(-90 * time.Minute) }),
			},
			Conversions: []subfive.Conversion{
				paid(1, "click1", 40_000_000, "USD", subfive.StatusApproved, noon), paid(2, "click2", 10_000_000, "EUR", subfive.StatusPending, noon),
				paid(3, "click1", 5_000_000, "USD", subfive.StatusRejected, noon),
				paid(4, "click4", 7_000_000, "USD", subfive.StatusApproved, before.Add(20*time.Minute)),
				paid(5, "click5", 9_000_000, "USD", subfive.StatusApproved, before.Add(50*time.Minute)),
			},
		})
		n := standing(t, s, dayAround())
		// What lies in the hour after the cut is in neither span.
		want := []Pace{{At: before.Add(-2 * time.Hour), Clicks: 1}, {At: before, Clicks: 1, Conversions: 1, Revenue: 7_000_000}}
		same(t, "before", n.PacesBefore, want)
		same(t, "in the day", n.Paces, []Pace{{At: noon, Clicks: 2, Conversions: 3, Revenue: 40_000_000}})
		same(t, "without a rate", n.Unrated, []string{"EUR"})
		same(t, "last click", n.LastClick, Seen{noon, "spring"})
		if err := s.PutRates(t.Context(), []Rate{{Date: "2026-05-01", Currency: "EUR", Reporting: "USD", Rate: "1.5"}}); err != nil {
			t.Fatal(err)
		}
		n = standing(t, s, dayAround())
		same(t, "with a rate", n.Paces, []Pace{{At: noon, Clicks: 2, Conversions: 3, Revenue: 55_000_000}})
		same(t, "all rated", n.Unrated, []string(nil))
	})
}

// By days it says what the report by day says, its costs included.
func TestNowByDay(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		traffic(t, s)
		q := NowQuery{
			At: noon.AddDate(0, 0, 1).Add(time.Hour), ByDay: true,
			Span:   Span{noon.Add(-12 * time.Hour), noon.AddDate(0, 0, 1).Add(time.Hour)},
			Before: Span{noon.AddDate(0, 0, -2).Add(-12 * time.Hour), noon.AddDate(0, 0, -1).Add(time.Hour)},
		}
		same(t, "without a rate", standing(t, s, q).Unrated, []string{"EUR"})
		if err := s.PutRates(t.Context(), []Rate{{Date: "2026-05-03", Currency: "EUR", Reporting: "USD", Rate: "1.1", Source: "test"}}); err != nil {
			t.Fatal(err)
		}
		first, second := noon.Add(-12*time.Hour), noon.Add(12*time.Hour)
		same(t, "without costs", standing(t, s, q).Paces, []Pace{
			{At: first, Clicks: 4, Conversions: 2, Revenue: 40_000_000}, {At: second, Conversions: 1, Revenue: 2_200_000, Cost: new(subfive.Micros)},
		})
		if err := s.ReplaceCosts(t.Context(), "im_1", noon, []Cost{spentOn("ad1", 10_000_000, "USD"), spentOn("ad2", 5_000_000, "USD")}); err != nil {
			t.Fatal(err)
		}
		cost := subfive.Micros(15_000_000)
		same(t, "with costs", standing(t, s, q).Paces[0], Pace{At: first, Clicks: 4, Conversions: 2, Revenue: 40_000_000, Cost: &cost})
		// The part of a day that is compared with comes from its hours.
		q.Span, q.Before = Span{second, second.Add(time.Hour)}, Span{first, first.Add(13 * time.Hour)}
		q.At = q.Span.Until
		same(t, "part of a day", standing(t, s, q).PacesBefore, []Pace{{At: first, Clicks: 4, Conversions: 2, Revenue: 40_000_000}})
		q.Before.Until = first.Add(12 * time.Hour)
		same(t, "the part before noon", standing(t, s, q).PacesBefore, []Pace{{At: first}})
	})
}

// Costs that links bring are known by the hour, as long as none were imported.
func TestNowKnowsLinkCosts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		priced := func(c *subfive.Click) { c.Cost = &subfive.Money{Amount: 250_000, Currency: "USD"} }
		record(t, s, subfive.Batch{At: noon, Clicks: []subfive.Click{on(1, "ad1", priced), on(2, "ad1", priced)}})
		cost := subfive.Micros(500_000)
		same(t, "by links", standing(t, s, dayAround()).Paces, []Pace{{At: noon, Clicks: 2, Cost: &cost}})
		if err := s.ReplaceCosts(t.Context(), "im_1", noon, []Cost{spentOn("ad1", 200_000, "USD")}); err != nil {
			t.Fatal(err)
		}
		same(t, "imported", standing(t, s, dayAround()).Paces, []Pace{{At: noon, Clicks: 2}})
	})
}

func TestNowPostbacks(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		faulty := sale(2)
		faulty.Conversions, faulty.Groups, faulty.Clicks, faulty.Versions = nil, nil, nil, nil
		p := &faulty.Postbacks[0]
		p.Verdict, p.ConversionID, p.GroupID = subfive.VerdictNoClickID, "", ""
		p.Postback.Reading, p.Postback.Hint, p.Postback.ClickIDRaw, p.Postback.ClickID = subfive.ReadingLiteralMacro, "it is {sub5}", "{Sub5}", ""
		again := sale(3)
		again.Conversions, again.Groups, again.Clicks, again.Versions = nil, nil, nil, nil
		again.Postbacks[0].Verdict, again.Postbacks[0].ConversionID, again.Postbacks[0].PossibleDuplicateOf = subfive.VerdictPossibleDuplicate, "", "cv_1"
		again.Broken = []subfive.Broken{{Position: subfive.Position{Segment: "seg", Pos: 9}, Data: []byte{0}, Reason: "no JSON"}}
		record(t, s, sale(1), faulty, again)
		n := standing(t, s, dayAround())
		same(t, "verdicts", n.Postbacks, []VerdictCount{
			{subfive.VerdictMatched, 1, 1}, {subfive.VerdictNoClickID, 1, 1}, {subfive.VerdictPossibleDuplicate, 1, 1},
		})
		same(t, "faults", n.Faults, []Fault{{"default", subfive.ReadingLiteralMacro, "it is {sub5}", "{Sub5}", 1}})
		same(t, "unsettled", n.Unsettled, []Unsettled{{"USD", 1, 42_500_000}})
		same(t, "last postback and broken", []any{n.LastPostback, n.Broken}, []any{Seen{noon, "default"}, 1})
		c, err := s.NowCounts(t.Context(), nil, noon)
		same(t, "counts", []any{c, err}, []any{NowCounts{Unsettled: 1}, nil})
	})
}

func TestNowDeliveries(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		for n := 1; n <= 5; n++ {
			b := sale(n, "meta-eu")
			b.Deliveries[0].CreatedAt = noon.Add(time.Duration(n) * time.Second)
			if n == 5 {
				b.Deliveries[0].Status, b.Deliveries[0].ReasonCode = subfive.DeliverySkipped, "goal_unmapped"
			}
			record(t, s, b)
		}
		take(t, s, "meta-eu", "l", noon)
		end := func(n int, status subfive.DeliveryStatus) subfive.Settled {
			return subfive.Settled{DeliveryID: fmt.Sprintf("dl_%d_meta-eu_conversion", n), LeaseID: "l", Status: status, ReasonCode: "rejected", LastCode: "2804009", Reason: "no value"}
		}
		sent, lost := end(1, subfive.DeliveryDelivered), end(3, subfive.DeliveryDead)
		sent.DeliveredAt = noon.Add(4 * time.Second)
		lost.AmbiguousAt = noon.Add(-49 * time.Hour)
		finish(t, s, subfive.Finish{Settled: []subfive.Settled{sent, end(2, subfive.DeliveryDead), lost}})
		told := standing(t, s, dayAround("meta-eu")).Destinations[0]
		same(t, "statuses", told.Statuses, map[subfive.DeliveryStatus]int{
			subfive.DeliveryDelivered: 1, subfive.DeliveryDead: 2, subfive.DeliveryScheduled: 1, subfive.DeliverySkipped: 1,
		})
		same(t, "parts", told.Parts, []StatusCount{{subfive.DeliveryDelivered, 1, 1}, {subfive.DeliveryScheduled, 1, 1}})
		same(t, "dead", told.Dead, []Dead{{"rejected", "2804009", "no value", 2, 2, 1}})
		same(t, "sent", []any{told.Sent, told.LastAt}, []any{[]Sent{{noon.Add(time.Second), noon.Add(4 * time.Second)}}, noon.Add(4 * time.Second)})
		same(t, "unmapped", told.Unmapped, []Unmapped{{"meta-eu", "base", 1}})
		same(t, "waiting", []any{told.Open, told.Waiting}, []any{1, []Waiting{{
			CreatedAt: noon.Add(4 * time.Second), NextAttemptAt: told.Waiting[0].NextAttemptAt, DeadlineAt: noon.AddDate(0, 0, 7), Status: subfive.DeliveryScheduled,
		}}})
		counts := func() int {
			c, err := s.NowCounts(t.Context(), []string{"meta-eu"}, noon)
			if err != nil {
				t.Fatal(err)
			}
			return c.Dead
		}
		same(t, "dead, counted", counts(), 2)
		// One that is sent again is dead no more.
		if _, err := s.Replay(t.Context(), Replay{Filter: DeliveryFilter{IDs: []string{"dl_2_meta-eu_conversion"}}, At: noon}); err != nil {
			t.Fatal(err)
		}
		same(t, "dead after a replay", []any{counts(), standing(t, s, dayAround("meta-eu")).Destinations[0].Dead[0].N}, []any{1, 1})
	})
}

// A verdict that is new must be counted here, too.
func TestEveryVerdictIsCounted(t *testing.T) {
	source, err := os.ReadFile("../conversion.go")
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, m := range regexp.MustCompile(`Verdict = "(\w+)"`).FindAllStringSubmatch(string(source), -1) {
		said = append(said, m[1])
	}
	counted := everyVerdict()
	slices.Sort(said)
	slices.Sort(counted)
	same(t, "verdicts", counted, said)
}
