package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

var errAway = errors.New("the database is away")

func TestFinishIsRetriedUntilItCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		q := newMemory(owed("meta", 5, began)...)
		q.fail = func(string) error {
			if since := time.Since(began); since > 5*time.Millisecond && since < time.Minute {
				return errAway
			}
			return nil
		}
		p := newPlatform(func(_ context.Context, ds []subfive.Delivery) []subfive.Outcome {
			time.Sleep(10 * time.Millisecond)
			return each(ds, taken)
		})
		_, stop := start(t, Destination{ID: "meta", MaxBatch: 10}, q, p)
		time.Sleep(2 * time.Minute)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[subfive.DeliveryStatus]int{subfive.DeliveryDelivered: 5}, q.tally()); diff != "" {
			t.Error(diff)
		}
		if n := len(p.requests()); n != 1 {
			t.Errorf("%d requests, though the first was taken", n)
		}
	})
}

func TestFinishGivesUpAtShutdownAndSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newMemory(owed("meta", 5, time.Now())...)
		q.fail = func(op string) error {
			if op == "finish" {
				return errAway
			}
			return nil
		}
		_, stop := start(t, Destination{ID: "meta", MaxBatch: 10}, q, newPlatform(all(taken)))
		time.Sleep(time.Second)
		stopAt := time.Now()
		err := stop()
		if !errors.Is(err, errAway) {
			t.Errorf("%v, want that the database is away", err)
		}
		if took := time.Since(stopAt); took > writeGrace+retryLast {
			t.Errorf("stopped after %v", took)
		}
	})
}

// What the database refuses for its text costs the text, and no outcome.
func TestRefusedTextsCostNoOutcome(t *testing.T) {
	tests := map[string]struct {
		refuses func(f subfive.Finish) bool
		want    map[subfive.DeliveryStatus]int
	}{
		"an attempt": {func(f subfive.Finish) bool { return len(f.Attempts) > 0 }, map[subfive.DeliveryStatus]int{subfive.DeliveryDelivered: 5}},
		"one row": {
			func(f subfive.Finish) bool {
				return slices.ContainsFunc(f.Settled, func(s subfive.Settled) bool { return s.DeliveryID == "meta-0003" })
			},
			map[subfive.DeliveryStatus]int{subfive.DeliveryDelivered: 4, subfive.DeliveryScheduled: 1},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := picky{newMemory(owed("meta", 5, time.Now())...), test.refuses}
				_, stop := start(t, Destination{ID: "meta", MaxBatch: 10}, q, newPlatform(all(taken)))
				time.Sleep(time.Minute) // within the lease
				if err := stop(); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(test.want, q.tally()); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

type picky struct {
	*memory
	refuses func(f subfive.Finish) bool
}

func (q picky) Finish(ctx context.Context, f subfive.Finish) ([]string, error) {
	if q.refuses(f) {
		return nil, fmt.Errorf("finish: %w", subfive.ErrBadData)
	}
	return q.memory.Finish(ctx, f)
}

// By the time the rows of a failed request can be claimed, the pause is stored.
func TestPauseIsStoredBeforeTheOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newMemory(owed("meta", 5, time.Now())...)
		var ops []string
		q.fail = func(op string) error {
			if op != "taken" { // the answer of the take before it
				ops = append(ops, op)
			}
			return nil
		}
		_, stop := start(t, Destination{ID: "meta", MaxBatch: 5, InFlight: 1}, q, newPlatform(all(denied)))
		synctest.Wait()
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"pause", "take", "set pause", "finish", "pause"}, ops); diff != "" {
			t.Error(diff)
		}
	})
}

// What was claimed before a pause began is not sent after it.
func TestPauseHoldsWhatIsClaimed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ds := owed("meta", 5, time.Now())
		for i := range ds {
			ds[i].Kind = subfive.Kind(fmt.Sprint(i)) // no two share a request
		}
		q := newMemory(ds...)
		p := newPlatform(all(denied))
		_, stop := start(t, Destination{ID: "meta", MaxBatch: 5, InFlight: 1}, q, p)
		time.Sleep(10 * time.Second)
		if n := len(p.requests()); n != 1 {
			t.Errorf("%d requests, want that the first pauses the rest", n)
		}
		if left := q.leased(); len(left) > 0 {
			t.Errorf("still leased: %v", left)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}

// A row whose sends kill the process is sent alone from the third time on, and
// given up at the sixth.
func TestCrashes(t *testing.T) {
	tests := map[string]struct {
		crashes int
		want    [][]string
		status  subfive.DeliveryStatus
	}{
		"second": {2, [][]string{{"meta-0000", "meta-0001", "meta-0002"}}, subfive.DeliveryDelivered},
		"third":  {3, [][]string{{"meta-0000", "meta-0002"}, {"meta-0001"}}, subfive.DeliveryDelivered},
		"fifth":  {5, [][]string{{"meta-0000", "meta-0002"}, {"meta-0001"}}, subfive.DeliveryDelivered},
		"sixth":  {6, [][]string{{"meta-0000", "meta-0002"}}, subfive.DeliveryDead},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := newMemory(owed("meta", 3, time.Now())...)
				q.rows["meta-0001"].crashes = test.crashes
				p := newPlatform(all(taken))
				_, stop := start(t, Destination{ID: "meta", MaxBatch: 10, InFlight: 1}, q, p)
				time.Sleep(time.Second)
				if err := stop(); err != nil {
					t.Fatal(err)
				}
				var got [][]string
				for _, r := range p.requests() {
					got = append(got, r.ids)
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Error(diff)
				}
				d := q.delivery("meta-0001")
				if d.Status != test.status || (d.Status == subfive.DeliveryDead) != (d.ReasonCode == "poison") {
					t.Errorf("%s, %s", d.Status, d.ReasonCode)
				}
			})
		})
	}
}

func TestTooOldIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ds := owed("meta", 400, time.Now())
		for i := range ds[:399] {
			ds[i].DeadlineAt = time.Now().Add(time.Hour)
		}
		q := newMemory(ds...)
		q.pauses["meta"] = subfive.Pause{Until: time.Now().Add(2 * time.Hour), Version: 1}
		p := newPlatform(all(taken))
		_, stop := start(t, Destination{ID: "meta", MaxBatch: 100}, q, p)
		time.Sleep(2*time.Hour + 5*time.Second)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[subfive.DeliveryStatus]int{subfive.DeliveryDelivered: 1, subfive.DeliveryDead: 399}, q.tally()); diff != "" {
			t.Error(diff)
		}
		if d := q.delivery("meta-0000"); d.ReasonCode != "too_old" {
			t.Error(d.ReasonCode)
		}
		if n := len(p.requests()); n != 1 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestSubmittedAreAskedAboutTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		q := newMemory(owed("google", 6, began)...)
		p := newPlatform(nil)
		p.answer = func(_ context.Context, ds []subfive.Delivery) []subfive.Outcome {
			return each(ds, subfive.Outcome{Class: subfive.Submitted, HTTP: 200, Ref: "of " + ds[0].ID})
		}
		p.askAnswer = func(ds []subfive.Delivery) []subfive.Outcome {
			if time.Since(began) < 40*time.Minute {
				return each(ds, subfive.Outcome{Class: subfive.Submitted, HTTP: 200})
			}
			return each(ds, taken)
		}
		_, stop := start(t, Destination{ID: "google", MaxBatch: 3}, q, p)
		time.Sleep(2 * time.Hour)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if n := len(p.requests()); n != 2 {
			t.Errorf("%d requests to send, want 2", n)
		}
		if n := len(p.asked); n != 4 {
			t.Errorf("%d questions, want 2 of each ref: %v", n, p.asked)
		}
		for _, r := range p.asked {
			if len(r.ids) != 3 {
				t.Errorf("asked about %v, want the three of one ref", r.ids)
			}
		}
		d := q.delivery("google-0000")
		if d.Status != subfive.DeliveryDelivered || d.ConfirmedAt.IsZero() || d.Ref != "of google-0000" {
			t.Errorf("%s, confirmed %v, ref %q", d.Status, d.ConfirmedAt, d.Ref)
		}
	})
}

// Full jitter may try soon; a slow answer and a full house must not let a lease
// run out before its batch begins.
func TestWaitingBatchesAreGivenBackBeforeTheirLeaseEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ds := owed("meta", 20, time.Now())
		for i := range ds {
			ds[i].Kind = subfive.Kind(fmt.Sprint(i))
		}
		q := newMemory(ds...)
		p := newPlatform(func(_ context.Context, ds []subfive.Delivery) []subfive.Outcome {
			time.Sleep(29 * time.Second)
			return each(ds, taken)
		})
		_, stopA := start(t, Destination{ID: "meta", MaxBatch: 20, InFlight: 1}, q, p)
		_, stopB := start(t, Destination{ID: "meta", MaxBatch: 20, InFlight: 1}, q, p)
		time.Sleep(11 * time.Minute)
		if err := errors.Join(stopA(), stopB()); err != nil {
			t.Fatal(err)
		}
		if got := q.tally()[subfive.DeliveryDelivered]; got != 20 {
			t.Errorf("%d delivered, want 20", got)
		}
		for id, r := range q.rows {
			if r.crashes > 0 || p.got[id] != 1 {
				t.Errorf("%s: %d leases ran out, taken %d times", id, r.crashes, p.got[id])
			}
		}
		if len(q.lost) > 0 {
			t.Errorf("lost: %v", q.lost)
		}
	})
}

func TestWakeIsAtOnceAndPollFindsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newMemory()
		p := newPlatform(all(taken))
		w, stop := start(t, Destination{ID: "meta"}, q, p)
		time.Sleep(10*time.Second + 300*time.Millisecond)
		q.add(owed("meta", 1, time.Now())...)
		w.Wake()
		w.Wake() // never blocks
		synctest.Wait()
		if n := len(p.requests()); n != 1 {
			t.Fatalf("%d requests right after Wake", n)
		}
		d := owed("meta", 1, time.Now())[0]
		d.ID, d.CreatedAt = "from another node", time.Now()
		q.add(d)
		time.Sleep(time.Second)
		synctest.Wait()
		if n := len(p.requests()); n != 2 {
			t.Errorf("%d requests a second after another node's commit", n)
		}
		d.ID, d.CreatedAt = "later", time.Now().Add(2200*time.Millisecond)
		q.add(d)
		time.Sleep(2300 * time.Millisecond)
		synctest.Wait()
		if sent := p.requests(); len(sent) != 3 || sent[2].at.Before(d.CreatedAt) || sent[2].at.After(d.CreatedAt.Add(10*time.Millisecond)) {
			t.Errorf("%d requests, the last %v after it was due", len(sent), sent[len(sent)-1].at.Sub(d.CreatedAt))
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestPoolFollowsTheSetup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newMemory(append(owed("a", 4, time.Now()), owed("b", 4, time.Now())...)...)
		p := newPlatform(all(taken))
		pool := NewPool(q, p, quiet, time.Now, WithRandom(half))
		pool.Set([]Destination{{ID: "a", MaxBatch: 2}})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- pool.Run(ctx) }()
		time.Sleep(2 * time.Second)
		pool.Set([]Destination{{ID: "a", MaxBatch: 9}, {ID: "b", MaxBatch: 2}})
		time.Sleep(2 * time.Second)
		q.add(later("a", "x"), later("a", "y"), later("a", "z"))
		pool.Wake("a", "of no one")
		time.Sleep(2 * time.Second)
		pool.Set([]Destination{{ID: "b", MaxBatch: 2}})
		time.Sleep(2 * time.Second)
		q.add(later("a", "u"), later("b", "v"))
		pool.Wake()
		time.Sleep(2 * time.Second)
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		pool.Wake("a") // after the end it does nothing
		var got [][]string
		for _, r := range p.requests() {
			got = append(got, r.ids)
		}
		slices.SortFunc(got, slices.Compare)
		want := [][]string{{"a-0000", "a-0001"}, {"a-0002", "a-0003"}, {"a-x", "a-y", "a-z"}, {"b-0000", "b-0001"}, {"b-0002", "b-0003"}, {"b-v"}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func later(destination, id string) subfive.Delivery {
	return subfive.Delivery{ID: destination + "-" + id, DestinationID: destination, CreatedAt: time.Now()}
}

// A claim whose answer was lost is given back as soon as the queue answers
// again, and not when its lease ends.
func TestAnUnclearClaimIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		q := newMemory(subfive.Delivery{ID: "dl_1", DestinationID: "meta", CreatedAt: start, DeadlineAt: start.Add(time.Hour)})
		broken := 2
		q.fail = func(op string) error {
			if broken > 0 && (op == "taken" || op == "abandon") {
				broken--
				return errors.New("connection lost")
			}
			return nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		p := newPlatform(func(_ context.Context, ds []subfive.Delivery) []subfive.Outcome {
			defer cancel()
			return each(ds, subfive.Outcome{Class: subfive.Accepted, HTTP: 200})
		})
		if err := New(Destination{ID: "meta", MaxBatch: 10}, q, p, quiet, time.Now).Run(ctx); err != nil {
			t.Fatal(err)
		}
		r := q.rows["dl_1"]
		if r.d.Status != subfive.DeliveryDelivered || r.crashes != 0 || time.Since(start) > 10*time.Second {
			t.Errorf("%s after %s, %d crashes", r.d.Status, time.Since(start), r.crashes)
		}
	})
}
