package reconcile_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/reconcile"
)

var (
	noon  = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	now   = noon.Add(48 * time.Hour)
	since = noon.Add(-24 * time.Hour)
)

func money(text string) *subfive.Micros {
	m, err := subfive.ParseMicros(text)
	if err != nil {
		panic(err) // a mistake in a table below
	}
	return &m
}

// row is a row of theirs: worth 30, approved, at noon.
func row(id, session string, change ...func(*subfive.Postback)) subfive.Postback {
	p := subfive.Postback{
		NetworkID: "everflow", EndpointID: "default", Via: subfive.ViaAPI, NetworkConversionID: id, TransactionID: session, GoalID: "base", GoalName: "base",
		Status: subfive.StatusApproved, StatusWord: "approved", PayoutRaw: "30", Payout: money("30"), Currency: "USD", NetworkAt: noon,
	}
	for _, fn := range change {
		fn(&p)
	}
	return p
}

// ours is a conversion of ours: the same.
func ours(id string, change ...func(*reconcile.Ours)) reconcile.Ours {
	c := reconcile.Ours{Conversion: subfive.Conversion{
		ID: "cv_" + id, EndpointID: "default", Verdict: subfive.VerdictMatched, TransactionID: "t1", GoalID: "base", GoalName: "base",
		Status: subfive.StatusApproved, Payout: money("30"), Currency: "USD", ConvertedAt: noon, ConvertedAtFrom: subfive.FromMacro,
	}}
	if id != "" && id[0] == 'c' {
		c.NetworkConversionIDs = []string{id}
	}
	for _, fn := range change {
		fn(&c)
	}
	return c
}

func at(d time.Duration) func(*subfive.Postback) {
	return func(p *subfive.Postback) { p.NetworkAt = noon.Add(d) }
}

func said(s subfive.Status) func(*subfive.Postback) {
	return func(p *subfive.Postback) { p.Status, p.StatusWord = s, string(s) }
}

func pays(amount string) func(*subfive.Postback) {
	return func(p *subfive.Postback) { p.PayoutRaw, p.Payout = amount, money(amount) }
}

func event(name string) func(*subfive.Postback) {
	return func(p *subfive.Postback) { p.GoalID, p.GoalName = "", name }
}

func order(id string) func(*subfive.Postback) { return func(p *subfive.Postback) { p.OrderID = id } }

// question is an open possible duplicate.
func question(id string, change ...func(*subfive.Postback)) subfive.Judged {
	p := row(id, "t1", change...)
	p.ID = "pb_t1"
	return subfive.Judged{Postback: p, Verdict: subfive.VerdictPossibleDuplicate, PossibleDuplicateOf: "cv_c1"}
}

func TestCompare(t *testing.T) {
	have := func(fn func(*reconcile.Ours)) func(*reconcile.Ours) { return fn }
	tests := map[string]struct {
		theirs []subfive.Postback
		ours   []reconcile.Ours
		open   []subfive.Judged
		// want are differences as "outcome id conversion", told as "new id" or
		// "correction id", settled as "postback as".
		want, told, settled []string
		matched             int
	}{
		"the same ID": {
			theirs: []subfive.Postback{row("c1", "t1")}, ours: []reconcile.Ours{ours("c1")}, matched: 1,
		},
		"no ID on ours, the same session, goal and order": {
			theirs: []subfive.Postback{row("c1", "t1", order("o1"))}, ours: []reconcile.Ours{ours("")}, matched: 1,
		},
		"a change of status with an ID of its own": {
			theirs: []subfive.Postback{row("c2", "t1", said(subfive.StatusRejected))}, ours: []reconcile.Ours{ours("c1")},
			want: []string{"status_flip c2 cv_c1"}, told: []string{"correction c2"},
		},
		"an ID of its own, a week later: a renewal": {
			theirs: []subfive.Postback{row("c2", "t1")},
			ours:   []reconcile.Ours{ours("c1", have(func(o *reconcile.Ours) { o.ConvertedAt = noon.Add(-7 * 24 * time.Hour) }))},
			want:   []string{"missing_here c2 "}, told: []string{"new c2"},
		},
		"another goal of the session": {
			theirs: []subfive.Postback{row("c1", "t1"), row("c2", "t1", event("Upsell"))}, ours: []reconcile.Ours{ours("c1")},
			want: []string{"missing_here c2 "}, told: []string{"new c2"}, matched: 1,
		},
		"an event that we know by its number only": {
			theirs:  []subfive.Postback{row("c1", "t1", event("Upsell"))},
			ours:    []reconcile.Ours{ours("", have(func(o *reconcile.Ours) { o.GoalID, o.GoalName = "7", "" }))},
			matched: 1,
		},
		"another order": {
			theirs: []subfive.Postback{row("c2", "t1", order("o2"))},
			ours:   []reconcile.Ours{ours("", have(func(o *reconcile.Ours) { o.OrderID = "o1" }))},
			want:   []string{"missing_here c2 ", "missing_there  cv_"}, told: []string{"new c2"},
		},
		"two of a session, told apart by their payouts": {
			theirs: []subfive.Postback{row("c1", "t1", pays("30")), row("c2", "t1", pays("20"))},
			ours: []reconcile.Ours{
				ours("", have(func(o *reconcile.Ours) { o.ID, o.Payout = "cv_a", money("20") })),
				ours("", have(func(o *reconcile.Ours) { o.ID = "cv_b" })),
			},
			matched: 2,
		},
		"never heard of": {
			theirs: []subfive.Postback{row("c1", "t1")}, want: []string{"missing_here c1 "}, told: []string{"new c1"},
		},
		"not in their list": {
			ours: []reconcile.Ours{ours("c1")}, want: []string{"missing_there c1 cv_c1"},
		},
		"not in their list, before the span": {
			ours: []reconcile.Ours{ours("c1", have(func(o *reconcile.Ours) { o.ConvertedAt = since.Add(-time.Second) }))},
		},
		"not in their list, and only its arrival is in the span": {
			ours: []reconcile.Ours{ours("c1", have(func(o *reconcile.Ours) { o.ConvertedAtFrom = subfive.FromArrival }))},
		},
		"its arrival came a day later": {
			theirs: []subfive.Postback{row("c1", "t1")},
			ours: []reconcile.Ours{ours("", have(func(o *reconcile.Ours) {
				o.ConvertedAtFrom, o.ConvertedAt = subfive.FromArrival, noon.Add(30*time.Hour)
			}))},
			matched: 1,
		},
		"rejected there": {
			theirs: []subfive.Postback{row("c1", "t1", said(subfive.StatusRejected))}, ours: []reconcile.Ours{ours("c1")},
			want: []string{"status_flip c1 cv_c1"}, told: []string{"correction c1"},
		},
		"a status that we never heard": {
			theirs: []subfive.Postback{row("c1", "t1", said(subfive.StatusPending))},
			ours:   []reconcile.Ours{ours("c1", have(func(o *reconcile.Ours) { o.Status = subfive.StatusUnknown }))},
			want:   []string{"status_flip c1 cv_c1"}, told: []string{"correction c1"},
		},
		"moved back there": {
			theirs: []subfive.Postback{row("c1", "t1", said(subfive.StatusPending))}, ours: []reconcile.Ours{ours("c1")},
			want: []string{"status_flip c1 cv_c1"},
		},
		"another payout": {
			theirs: []subfive.Postback{row("c1", "t1", pays("29.99"))}, ours: []reconcile.Ours{ours("c1")},
			want: []string{"payout_drift c1 cv_c1"}, told: []string{"correction c1"},
		},
		"a payout where we had none": {
			theirs: []subfive.Postback{row("c1", "t1")}, ours: []reconcile.Ours{ours("c1", have(func(o *reconcile.Ours) { o.Payout = nil }))},
			want: []string{"payout_drift c1 cv_c1"}, told: []string{"correction c1"},
		},
		"a test of ours": {
			theirs: []subfive.Postback{row("c1", "t1")}, ours: []reconcile.Ours{ours("c1", have(func(o *reconcile.Ours) { o.Verdict = subfive.VerdictTest }))},
		},
		"two rows of one conversion": {
			theirs:  []subfive.Postback{row("c1", "t1", said(subfive.StatusPending)), row("c2", "t1")},
			ours:    []reconcile.Ours{ours("c1", have(func(o *reconcile.Ours) { o.NetworkConversionIDs = []string{"c1", "c2"} }))},
			matched: 1,
		},
		"a question, and their list shows one": {
			theirs: []subfive.Postback{row("c1", "t1")}, ours: []reconcile.Ours{ours("c1")},
			open:    []subfive.Judged{question("")},
			want:    []string{"possible_duplicate  cv_c1"},
			settled: []string{"pb_t1 duplicate"}, matched: 1,
		},
		"a question, and their list shows two": {
			theirs: []subfive.Postback{row("c1", "t1"), row("c2", "t1", at(25*time.Hour))}, ours: []reconcile.Ours{ours("c1")},
			open:    []subfive.Judged{question("")},
			want:    []string{"missing_here c2 ", "possible_duplicate  cv_c1"},
			settled: []string{"pb_t1 new"}, matched: 1,
		},
		"a question by its ID": {
			theirs: []subfive.Postback{row("c1", "t1"), row("c2", "t1", at(time.Minute))}, ours: []reconcile.Ours{ours("c1")},
			open:    []subfive.Judged{question("c2")},
			want:    []string{"missing_here c2 ", "possible_duplicate c2 cv_c1"},
			settled: []string{"pb_t1 new"}, matched: 1,
		},
		"a question about what their list does not cover": {
			ours: []reconcile.Ours{ours("c1", have(func(o *reconcile.Ours) { o.ConvertedAt = since.Add(-time.Hour) }))}, open: []subfive.Judged{question("")},
		},
		"a correction that was told and not settled": {
			theirs: []subfive.Postback{row("c2", "t1", pays("29"))}, ours: []reconcile.Ours{ours("c1")},
			open:    []subfive.Judged{question("c2", pays("29"))},
			want:    []string{"payout_drift c2 cv_c1", "possible_duplicate c2 cv_c1"},
			settled: []string{"pb_t1 correction"}, told: []string{"correction c2"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := reconcile.Books{Since: since, Until: noon.Add(36 * time.Hour), Zone: time.UTC, Theirs: tt.theirs, Ours: tt.ours, Open: tt.open}
			got := reconcile.Compare(b, now)
			var differences, told, settled []string
			for _, d := range got.Differences {
				differences = append(differences, fmt.Sprintf("%s %s %s", d.Outcome, d.NetworkConversionID, d.ConversionID))
			}
			for _, one := range got.Plan.Tell {
				told = append(told, one.As+" "+one.Postback.NetworkConversionID)
			}
			for _, s := range got.Plan.Settle {
				settled = append(settled, s.PostbackID+" "+s.As)
			}
			if diff := gocmp.Diff(tt.want, differences); diff != "" {
				t.Error("differences", diff)
			}
			if diff := gocmp.Diff(tt.told, told); diff != "" {
				t.Error("told", diff)
			}
			if diff := gocmp.Diff(tt.settled, settled); diff != "" {
				t.Error("settled", diff)
			}
			if got.Totals.Matched != tt.matched {
				t.Errorf("%d matched, want %d", got.Totals.Matched, tt.matched)
			}
		})
	}
}

// The whole of a comparison: sums, percentages, breakdowns.
func TestTotals(t *testing.T) {
	b := reconcile.Books{
		Since: since, Until: noon.Add(36 * time.Hour), Zone: time.FixedZone("east", 14*3600),
		Theirs: []subfive.Postback{
			row("c1", "t1"),
			row("c2", "t2", pays("10.50"), func(p *subfive.Postback) { p.ClickID, p.NetworkOfferID = "click2", "5" }),
			row("c3", "t3", said(subfive.StatusRejected)),
		},
		Ours:   []reconcile.Ours{ours("c1", func(o *reconcile.Ours) { o.AdID, o.Delivered = "ad1", 2 })},
		Ads:    map[string]string{"click2": "ad2"},
		Claims: []reconcile.Claim{{Day: "2026-11-21", AdID: "ad1", Conversions: 4}, {Day: "2026-01-01", AdID: "ad1", Conversions: 9}},
	}
	got := reconcile.Compare(b, now)
	side := func(n, rejected int, usd string) reconcile.Side {
		s := reconcile.Side{Conversions: n, Rejected: rejected}
		if usd != "" {
			s.Payout = map[string]subfive.Micros{"USD": *money(usd)}
		}
		return s
	}
	want := reconcile.Comparison{
		Totals: reconcile.Totals{
			Theirs: side(3, 1, "40.50"), Received: side(1, 0, "30"), Delivered: side(1, 0, "30"), Claimed: 4, Matched: 1,
			Outcomes: map[reconcile.Outcome]int{reconcile.MissingHere: 2}, Missing: 1, Unheard: 1, GapPercent: 50,
		},
		Days: []reconcile.Row{{Key: "2026-11-21", Theirs: side(3, 1, "40.50"), Received: side(1, 0, "30"), Delivered: side(1, 0, "30"), Claimed: 4, Missing: 1, Unheard: 1}},
		Ads: []reconcile.Row{
			{Key: "", Theirs: side(1, 1, "")},
			{Key: "ad1", Theirs: side(1, 0, "30"), Received: side(1, 0, "30"), Delivered: side(1, 0, "30"), Claimed: 4},
			{Key: "ad2", Theirs: side(1, 0, "10.50"), Missing: 1, Unheard: 1},
		},
		Offers: []reconcile.Row{
			{Key: "", Theirs: side(2, 1, "30"), Received: side(1, 0, "30"), Delivered: side(1, 0, "30")},
			{Key: "5", Theirs: side(1, 0, "10.50"), Missing: 1, Unheard: 1},
		},
	}
	got.Differences, got.Plan = nil, reconcile.Plan{}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What is told twice of the same state is one postback, of another state
// another.
func TestToldIDs(t *testing.T) {
	tell := func(theirs subfive.Postback, version int64, at time.Time) string {
		t.Helper()
		o := ours("c1", func(o *reconcile.Ours) { o.Version = version })
		plan := reconcile.Compare(reconcile.Books{Since: since, Until: noon.Add(time.Hour), Zone: time.UTC, Theirs: []subfive.Postback{theirs}, Ours: []reconcile.Ours{o}}, at).Plan
		if len(plan.Tell) != 1 || !plan.Tell[0].Postback.ReceivedAt.Equal(at) {
			t.Fatalf("told %+v", plan.Tell)
		}
		return plan.Tell[0].Postback.ID
	}
	first := tell(row("c1", "t1", pays("29")), 1, now)
	ids := []string{
		first,
		tell(row("c1", "t1", pays("28")), 1, now),
		tell(row("c1", "t1", pays("29")), 2, now), // it was changed back meanwhile
	}
	if again := tell(row("c1", "t1", pays("29")), 1, now.Add(time.Hour)); again != first {
		t.Errorf("an hour later it is %s, not %s", again, first)
	}
	slices.SortFunc(ids, cmp.Compare[string])
	if len(slices.Compact(ids)) != 3 {
		t.Errorf("IDs %v", ids)
	}
}

func TestMended(t *testing.T) {
	b := reconcile.Books{Since: since, Until: noon.Add(time.Hour), Zone: time.UTC, Theirs: []subfive.Postback{row("c1", "t1"), row("c2", "t2")}}
	before := reconcile.Compare(b, now)
	b.Ours = []reconcile.Ours{ours("c1")}
	marked := reconcile.Mended(before.Differences, reconcile.Compare(b, now))
	if len(marked) != 2 || !marked[0].Mended || marked[1].Mended || before.Differences[0].Mended {
		t.Errorf("marked %+v", marked)
	}
}

// The span ends before Until: claims of the day that begins then are not its.
func TestClaimsOfTheSpan(t *testing.T) {
	midnight := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for until, want := range map[time.Time]int{midnight: 1, midnight.Add(time.Second): 3} {
		b := reconcile.Books{Since: since, Until: until, Zone: time.UTC, Claims: []reconcile.Claim{
			{Day: "2026-11-21", AdID: "ad1", Conversions: 1}, {Day: "2026-11-22", AdID: "ad1", Conversions: 2},
		}}
		if got := reconcile.Compare(b, now).Totals.Claimed; got != want {
			t.Errorf("until %s: %d claimed, want %d", until, got, want)
		}
	}
}
