package outbox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

func TestPlatformDownAnHourThenUnauthorizedThenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		q := newMemory(owed("meta", 500, began)...)
		p := newPlatform(func(_ context.Context, ds []subfive.Delivery) []subfive.Outcome {
			switch since := time.Since(began); {
			case since < time.Hour:
				return each(ds, down)
			case since < 2*time.Hour:
				return each(ds, denied)
			}
			return each(ds, taken)
		})
		_, stop := start(t, Destination{ID: "meta", MaxBatch: 100}, q, p)
		time.Sleep(2*time.Hour + 5*time.Minute + time.Second)
		if err := stop(); err != nil {
			t.Fatal(err)
		}

		if diff := cmp.Diff(map[subfive.DeliveryStatus]int{subfive.DeliveryDelivered: 500}, q.tally()); diff != "" {
			t.Error(diff)
		}
		for id, n := range p.got {
			if n != 1 {
				t.Errorf("%s was taken %d times", id, n)
			}
		}
		// 8 at once at most, then one probe a pause: 15 s doubling to 5 min.
		if n := len(p.requests()); n > 50 {
			t.Errorf("%d requests in two hours of trouble", n)
		}
		if diff := cmp.Diff(subfive.Pause{DestinationID: "meta"}, q.pause("meta"), ignoreVersion()); diff != "" {
			t.Error(diff)
		}
		if left := q.leased(); len(left) > 0 {
			t.Errorf("still leased: %v", left)
		}
		if q.pauseWrites > 120 {
			t.Errorf("the pause was written %d times", q.pauseWrites)
		}
	})
}

func ignoreVersion() cmp.Option {
	return cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "Version" }, cmp.Ignore())
}

func TestRetryAfterIsAFloor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		q := newMemory(owed("meta", 300, began)...)
		first := true
		p := newPlatform(func(_ context.Context, ds []subfive.Delivery) []subfive.Outcome {
			if first {
				first = false
				return each(ds, subfive.Outcome{Class: subfive.Throttled, HTTP: 429, RetryAfter: 17 * time.Minute})
			}
			return each(ds, taken)
		})
		_, stop := start(t, Destination{ID: "meta", MaxBatch: 100, InFlight: 1}, q, p)
		time.Sleep(20 * time.Minute)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		sent := p.requests()
		if len(sent) < 2 || sent[1].at.Sub(began) < 17*time.Minute || len(sent[1].ids) != 1 {
			t.Fatalf("second request %v after the first, of %d events; want one event after 17 min", sent[1].at.Sub(began), len(sent[1].ids))
		}
		if got := q.tally(); got[subfive.DeliveryDelivered] != 300 {
			t.Error(got)
		}
		if d := q.delivery("meta-0000"); d.Attempts != 0 {
			t.Errorf("throttling used up %d attempts", d.Attempts)
		}
	})
}

// One poison event costs few requests, and no other its delivery.
func TestBisect(t *testing.T) {
	tests := map[string]struct {
		n       int
		poisons []int
		backlog int // younger deliveries that wait behind
	}{
		"one in the middle":     {1000, []int{500}, 0},
		"first":                 {1000, []int{0}, 0},
		"last":                  {1000, []int{999}, 0},
		"both ends":             {1000, []int{0, 999}, 0},
		"three":                 {1000, []int{1, 333, 700}, 0},
		"four neighbors":        {1000, []int{10, 11, 12, 13}, 0},
		"five":                  {1000, []int{3, 250, 251, 600, 998}, 0},
		"one, before a backlog": {1000, []int{617}, 5000},
		"one in an odd number":  {37, []int{36}, 0},
		"one of two":            {2, []int{1}, 0},
		"alone":                 {1, []int{0}, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ds := owed("meta", test.n, time.Now())
				poison := map[string]bool{}
				for _, i := range test.poisons {
					poison[ds[i].ID] = true
				}
				q := newMemory(ds...)
				for i := range test.backlog {
					d := ds[0]
					d.ID, d.CreatedAt = fmt.Sprintf("later-%04d", i), time.Now()
					q.add(d)
				}
				var suspect int // requests that carry any of the first n
				p := newPlatform(nil)
				p.answer = func(_ context.Context, ds []subfive.Delivery) []subfive.Outcome {
					p.mu.Lock()
					defer p.mu.Unlock()
					if strings.HasPrefix(ds[0].ID, "meta") {
						suspect++
					}
					if slices.ContainsFunc(ds, func(d subfive.Delivery) bool { return poison[d.ID] }) {
						return each(ds, refused)
					}
					return each(ds, taken)
				}
				_, stop := start(t, Destination{ID: "meta", MaxBatch: max(test.n, 2)}, q, p)
				time.Sleep(time.Minute)
				if err := stop(); err != nil {
					t.Fatal(err)
				}

				limit := len(test.poisons) * (2*bits.Len(uint(test.n-1)) + 3)
				if suspect > limit {
					t.Errorf("%d requests, want at most %d", suspect, limit)
				}
				want := map[subfive.DeliveryStatus]int{subfive.DeliveryDelivered: test.n - len(test.poisons) + test.backlog, subfive.DeliveryDead: len(test.poisons)}
				got := q.tally()
				if want[subfive.DeliveryDelivered] == 0 {
					delete(want, subfive.DeliveryDelivered)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
				for id := range poison {
					if d := q.delivery(id); d.Status != subfive.DeliveryDead || d.ReasonCode != "rejected" || d.Reason != "100: bad event" || d.Attempts != 0 {
						t.Errorf("%s: %s, %s, %q, %d attempts", id, d.Status, d.ReasonCode, d.Reason, d.Attempts)
					}
				}
			})
		})
	}
}

func TestTwoNodesSendOneProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		q := newMemory(owed("meta", 200, began)...)
		q.pauses["meta"] = subfive.Pause{DestinationID: "meta", Until: began.Add(time.Minute), Reason: "unauthorized", Code: "190", Version: 7}
		p := newPlatform(func(ctx context.Context, ds []subfive.Delivery) []subfive.Outcome {
			time.Sleep(20 * time.Second) // longer than a poll
			return each(ds, denied)
		})
		_, stopA := start(t, Destination{ID: "meta", MaxBatch: 10}, q, p)
		_, stopB := start(t, Destination{ID: "meta", MaxBatch: 10}, q, p)
		time.Sleep(95 * time.Second) // the probe began at 60 s, ended at 80 s; paused until 110 s
		if n := len(p.requests()); n != 1 || len(p.requests()[0].ids) != 1 {
			t.Errorf("%d requests, the first of %d events; want one of one", n, len(p.requests()[0].ids))
		}
		time.Sleep(10 * time.Second)
		if diff := cmp.Diff(1, q.pause("meta").Failures); diff != "" {
			t.Error(diff)
		}
		time.Sleep(30 * time.Second) // 135 s: the second probe
		if err := errors.Join(stopA(), stopB()); err != nil {
			t.Fatal(err)
		}
		if n := len(p.requests()); n != 2 {
			t.Errorf("%d requests, want a second probe after 30 s", n)
		}
		for _, c := range q.claims {
			if !c.probe || c.n != 1 {
				t.Errorf("claimed %d while paused, probe %v", c.n, c.probe)
			}
		}
	})
}

func TestManualPauseEndsOnlyByResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newMemory(owed("meta", 3, time.Now())...)
		q.pauses["meta"] = subfive.Pause{Until: time.Now(), Manual: true, Version: 1}
		p := newPlatform(all(taken))
		_, stop := start(t, Destination{ID: "meta", MaxBatch: 10}, q, p)
		time.Sleep(24 * time.Hour)
		if n := len(p.requests()); n != 0 {
			t.Errorf("%d requests while a person's pause lasts", n)
		}
		if won, err := q.SetPause(t.Context(), subfive.Pause{DestinationID: "meta", Version: 1}); !won || err != nil {
			t.Fatal(won, err)
		}
		time.Sleep(2 * time.Second)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if got := q.tally(); got[subfive.DeliveryDelivered] != 3 {
			t.Error(got)
		}
	})
}

func TestStaleFinishChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newMemory(owed("meta", 1, time.Now())...)
		slow := newPlatform(func(ctx context.Context, ds []subfive.Delivery) []subfive.Outcome {
			<-time.After(3 * time.Minute) // a machine that was asleep: no time-out ends it
			return each(ds, refused)
		})
		quick := newPlatform(all(taken))
		_, stopSlow := start(t, Destination{ID: "meta", InFlight: 1}, q, slow)
		synctest.Wait()
		_, stopQuick := start(t, Destination{ID: "meta"}, q, quick)
		time.Sleep(4 * time.Minute)
		if err := errors.Join(stopSlow(), stopQuick()); err != nil {
			t.Fatal(err)
		}
		if d := q.delivery("meta-0000"); d.Status != subfive.DeliveryDelivered {
			t.Errorf("the stale worker's outcome was recorded: %s", d.Status)
		}
		if diff := cmp.Diff([]string{"meta-0000"}, q.lost); diff != "" {
			t.Error(diff)
		}
		if len(q.attempts) != 2 {
			t.Errorf("%d attempts kept, want both", len(q.attempts))
		}
	})
}

func TestShutdownGivesLeasesBack(t *testing.T) {
	tests := map[string]struct {
		takes time.Duration // that a send takes, unless its context ends first
		want  map[subfive.DeliveryStatus]int
		ended time.Duration
	}{
		"sends end in time": {10 * time.Second, map[subfive.DeliveryStatus]int{subfive.DeliveryDelivered: 2, subfive.DeliveryScheduled: 8}, 9 * time.Second},
		"sends are cut off": {time.Minute, map[subfive.DeliveryStatus]int{subfive.DeliveryScheduled: 10}, 25 * time.Second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ds := owed("meta", 10, time.Now())
				for i := range ds {
					ds[i].Kind = subfive.Kind(fmt.Sprint(i)) // no two share a request
				}
				q := newMemory(ds...)
				p := newPlatform(func(ctx context.Context, ds []subfive.Delivery) []subfive.Outcome {
					select {
					case <-time.After(test.takes):
						return each(ds, taken)
					case <-ctx.Done():
						return each(ds, subfive.Outcome{Class: subfive.Transient, Ambiguous: true})
					}
				})
				_, stop := start(t, Destination{ID: "meta", MaxBatch: 10, InFlight: 2}, q, p)
				time.Sleep(time.Second)
				stopAt := time.Now()
				if err := stop(); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(stopAt); took != test.ended {
					t.Errorf("stopped after %v, want %v", took, test.ended)
				}
				if diff := cmp.Diff(test.want, q.tally()); diff != "" {
					t.Error(diff)
				}
				if left := q.leased(); len(left) > 0 {
					t.Errorf("still leased: %v", left)
				}
			})
		})
	}
}

func TestSlowDestinationDelaysNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newMemory()
		hang := func(_ context.Context, ds []subfive.Delivery) []subfive.Outcome {
			if ds[0].DestinationID == "slow" {
				time.Sleep(29 * time.Second)
			}
			time.Sleep(20 * time.Millisecond)
			return each(ds, taken)
		}
		p := newPlatform(hang)
		delays := &delays{}
		pool := NewPool(q, p, quiet, time.Now, WithObserver(delays))
		pool.Set([]Destination{{ID: "slow", MaxBatch: 1}, {ID: "a", MaxBatch: 10}, {ID: "b", MaxBatch: 10}})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- pool.Run(ctx) }()
		for i := range 500 {
			for _, id := range []string{"slow", "a", "b"} {
				q.add(subfive.Delivery{ID: fmt.Sprint(id, i), DestinationID: id, CreatedAt: time.Now()})
			}
			pool.Wake()
			time.Sleep(5 * time.Millisecond)
		}
		time.Sleep(time.Second)
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		worst := delays.worst
		delete(worst, "slow")
		if diff := cmp.Diff([]string{"a", "b"}, slices.Sorted(maps.Keys(worst))); diff != "" {
			t.Error(diff)
		}
		for id, d := range worst {
			if d > 50*time.Millisecond {
				t.Errorf("%s waited up to %v beside a slow one", id, d)
			}
		}
	})
}

type delays struct {
	mu    sync.Mutex
	worst map[string]time.Duration
	noObserver
}

func (d *delays) Delivered(id string, after time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.worst == nil {
		d.worst = map[string]time.Duration{}
	}
	d.worst[id] = max(d.worst[id], after)
}
