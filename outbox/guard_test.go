package outbox

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

func TestGuard(t *testing.T) {
	tests := map[string]struct {
		n, maxBatch int
		fixedAfter  time.Duration // 0: never refused
		bad         map[string]bool
		want        map[subfive.DeliveryStatus]int
		most        int // requests
	}{
		"the configuration, one at a time": {20, 1, time.Hour, nil, map[subfive.DeliveryStatus]int{subfive.DeliveryDelivered: 20}, 60},
		"the configuration, in batches":    {40, 10, time.Hour, nil, map[subfive.DeliveryStatus]int{subfive.DeliveryDelivered: 40}, 150},
		"eight bad events, and a good one": {
			9, 1, 0, badOnes(8), map[subfive.DeliveryStatus]int{subfive.DeliveryDelivered: 1, subfive.DeliveryDead: 8}, 9,
		},
		"a batch of bad events, and nothing else to try": {
			10, 10, 0, badOnes(10), map[subfive.DeliveryStatus]int{subfive.DeliveryDead: 10}, 23,
		},
		"a batch of bad events, and good ones behind": {
			30, 10, 0, badOnes(10), map[subfive.DeliveryStatus]int{subfive.DeliveryDelivered: 20, subfive.DeliveryDead: 10}, 40,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				q := newMemory(owed("meta", test.n, began)...)
				p := newPlatform(func(_ context.Context, ds []subfive.Delivery) []subfive.Outcome {
					if time.Since(began) < test.fixedAfter || slices.ContainsFunc(ds, func(d subfive.Delivery) bool { return test.bad[d.ID] }) {
						return each(ds, refused)
					}
					return each(ds, taken)
				})
				_, stop := start(t, Destination{ID: "meta", MaxBatch: test.maxBatch, InFlight: 1}, q, p)
				time.Sleep(time.Second)
				if pause := q.pause("meta"); paused(pause) != (test.fixedAfter > 0) || test.fixedAfter > 0 && pause.Code != "100" {
					t.Errorf("pause after a second: %+v", pause)
				}
				time.Sleep(time.Hour + 10*time.Minute)
				if err := stop(); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(test.want, q.tally()); diff != "" {
					t.Error(diff)
				}
				if n := len(p.requests()); n > test.most {
					t.Errorf("%d requests, want at most %d", n, test.most)
				}
				for id, n := range q.ends {
					if n != 1 {
						t.Errorf("%s ended %d times", id, n)
					}
				}
			})
		})
	}
}

func badOnes(n int) map[string]bool {
	bad := map[string]bool{}
	for _, d := range owed("meta", n, time.Time{}) {
		bad[d.ID] = true
	}
	return bad
}

func TestGuardAfter(t *testing.T) {
	single := func(limit int, o subfive.Outcome) ended {
		c := subfive.Claim{BatchLimit: limit, Delivery: subfive.Delivery{ID: "d", Status: subfive.DeliveryScheduled}}
		return ended{batch: batch{claims: []subfive.Claim{c}}, exchange: Exchange{Outcomes: []subfive.Outcome{o}, Attempt: &subfive.Attempt{}}}
	}
	bad, fresh, good := single(1, refused), single(0, refused), single(1, taken)
	other := single(0, subfive.Outcome{Class: subfive.Rejected, HTTP: 400, Code: "200"})
	failed := single(0, down)
	unsent := single(0, subfive.Outcome{Class: subfive.Rejected, Code: CodeUnsendable, Named: true})
	times := func(n int, e ended) []ended { return slices.Repeat([]ended{e}, n) }
	tests := map[string]struct {
		ended     []ended
		confirmed bool
		dead      int
	}{
		"seven and a fresh one":       {append(times(7, bad), fresh), false, 8},
		"eight and a fresh one":       {append(times(8, bad), fresh), true, 8},
		"eight and one of theirs":     {times(9, bad), false, 9},
		"one passed since":            {slices.Concat(times(8, bad), times(1, good), times(1, fresh)), false, 1},
		"another code":                {append(times(8, bad), other), false, 1},
		"a failed request between":    {slices.Concat(times(8, bad), times(1, failed), times(1, fresh)), true, 8},
		"what never left is no proof": {append(times(8, bad), unsent), false, 8},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var g guard
			var confirmed bool
			r := rules{now: noon, random: half}
			for _, e := range test.ended {
				g, confirmed = g.after(e.batch, e.exchange, r.settle(e.batch, e.exchange, noon))
			}
			if confirmed != test.confirmed || len(g.dead) != test.dead {
				t.Errorf("confirmed %v, %d dead; want %v, %d", confirmed, len(g.dead), test.confirmed, test.dead)
			}
		})
	}
}

// Requests that end together may hold the eight and the fresh one: none of them
// dies, and one Finish says so.
func TestGuardWithinOneFinish(t *testing.T) {
	var all []ended
	for _, d := range owed("meta", 9, noon) {
		d.Status = subfive.DeliveryScheduled
		all = append(all, ended{
			batch:    batch{claims: []subfive.Claim{{Delivery: d}}},
			exchange: Exchange{Outcomes: []subfive.Outcome{refused}, Attempt: &subfive.Attempt{}},
		})
	}
	st := state{guard: guard{code: "100", dead: []string{"earlier"}}}
	st, f := rules{now: noon, random: half}.plan(st, "meta", all)
	if st.pause.Code != "100" || !st.pause.Until.Equal(noon.Add(pauseFirst)) || st.guard.suspects() {
		t.Errorf("pause %+v, guard %+v", st.pause, st.guard)
	}
	if diff := cmp.Diff([]string{"earlier"}, f.Revived); diff != "" {
		t.Error(diff)
	}
	for _, s := range f.Settled {
		if s.Status != subfive.DeliveryScheduled || s.ReasonCode != "misconfigured" || !s.NextAttemptAt.Equal(noon) {
			t.Errorf("%s is %s, %s, next at %v", s.DeliveryID, s.Status, s.ReasonCode, s.NextAttemptAt)
		}
	}
}
