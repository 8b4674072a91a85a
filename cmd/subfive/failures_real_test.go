package main

import (
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"subfive"
	"subfive/outbox"
	"subfive/sandbox"
)

// tried waits until nothing is left to send, though a platform may owe its word.
func (b *bench) tried(within time.Duration) {
	b.t.Helper()
	for until := time.Now().Add(within); b.number("SELECT count(*) FROM v_deliveries WHERE status = 'scheduled'") > 0; pass(20 * time.Millisecond) {
		if time.Now().After(until) {
			b.t.Fatalf("%d deliveries are still scheduled", b.number("SELECT count(*) FROM v_deliveries WHERE status = 'scheduled'"))
		}
	}
}

// delays collects how long after they were owed deliveries were delivered.
type delays struct {
	mu  sync.Mutex
	all []time.Duration
}

func (*delays) Answered(string, subfive.Class) {}
func (*delays) Paused(subfive.Pause)           {}

func (d *delays) Delivered(destination string, after time.Duration) {
	if !slices.Contains(healthy(), destination) {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all = append(d.all, after)
}

// take returns what was collected once there are n, and forgets it.
func (d *delays) take(t *testing.T, n int) []time.Duration {
	t.Helper()
	for until := time.Now().Add(time.Minute); ; pass(5 * time.Millisecond) {
		d.mu.Lock()
		got := len(d.all)
		if got >= n {
			all := d.all
			d.all = nil
			d.mu.Unlock()
			return all
		}
		d.mu.Unlock()
		if time.Now().After(until) {
			t.Fatalf("%d of %d deliveries to the healthy came through", got, n)
		}
	}
}

// healthy are the destinations that no limit of their own slows down.
func healthy() []string { return []string{"meta", "tiktok", "hook"} }

// One destination is dead and one takes 29 s to answer: what the healthy ones
// are told comes in at most twice the time. Alone and with such neighbors take
// turns, and the median of the ratios counts: the machine does other things too.
func TestFailuresOfNeighbors(t *testing.T) {
	waves, n, pairs := 10, 3, 3
	if full() {
		waves, n, pairs = 200, 10, 11
	}
	onEach(t, func(t *testing.T, dsn string) {
		if dsn == "" {
			dsn = filepath.Join(t.TempDir(), "test.db")
		}
		d := &delays{}
		b := newBench(t, dsn, 100, 1, outbox.WithObserver(d))
		defer b.close()
		b.deliver()
		round := func() time.Duration {
			for range waves {
				b.owe(n)
				pass(40 * time.Millisecond)
			}
			all := d.take(t, waves*n*len(healthy()))
			slices.Sort(all)
			return all[len(all)*99/100]
		}
		round() // connections, statements, caches
		var ratios []float64
		for range pairs {
			b.mend()
			alone := round()
			b.lines.cut("reddit", lineRefused)
			if err := b.stand.Google.Fail(sandbox.Failure{Mode: sandbox.ModeSlow, LatencyMS: []int{29_000}}); err != nil {
				t.Fatal(err)
			}
			beside := round()
			// Below some milliseconds it is the scheduler that is measured.
			ratios = append(ratios, float64(beside)/float64(max(alone, 10*time.Millisecond)))
			t.Logf("p99 alone %s, beside a dead and a slow one %s", alone, beside)
		}
		slices.Sort(ratios)
		if median := ratios[len(ratios)/2]; median > 2 {
			t.Errorf("p99 is %.1f times as long beside a dead and a slow neighbor: %.1f", median, ratios)
		}
	})
}
