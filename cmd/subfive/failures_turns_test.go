package main

import (
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"subfive/outbox"
	"subfive/sandbox"
)

// The same conversions go to all destinations at once, on both databases, while
// the stand-ins are bad in one way after another, each for a while and all
// together; at last some events are bad for ever. When it is over all that can be
// told has been told, once in effect, and the rest is dead with its reason.
func TestFailuresInTurn(t *testing.T) {
	t.Parallel()
	n, maxBatch, lasts := 132, 10, 300*time.Millisecond
	if full() {
		n, maxBatch, lasts = 10_000, 100, 2*time.Second
	}
	onEach(t, func(t *testing.T, dsn string) {
		if dsn == "" {
			dsn = filepath.Join(t.TempDir(), "test.db")
		}
		const seed = 20261124
		b := newBench(t, dsn, maxBatch, seed, outbox.WithRandom(func() float64 { return 0.002 }))
		defer b.close()
		b.deliver()
		all := troubles()
		names := slices.DeleteFunc(slices.Sorted(maps.Keys(all)), func(name string) bool {
			return all[name].poison || !all[name].quick && !full()
		})
		chunk := n / (len(names) + 1)
		began := time.Now()
		for _, name := range names {
			all[name].begin(b)
			b.spare()
			b.owe(chunk)
			pass(lasts)
			b.mend()
		}
		t.Logf("seed %d: %d kinds of trouble in %s", seed, len(names), time.Since(began).Round(time.Second))
		bad := b.spoil(n - len(names)*chunk)
		b.tried(25 * time.Minute)
		t.Logf("%d conversions to %d destinations, all ended after %s", n, len(b.parties), time.Since(began).Round(time.Second))
		for _, p := range b.parties {
			b.compare(p, n, bad[p.id], false)
		}
	})
}

// spare takes back what a destination can't notice when it happens once: Google
// is asked later and counts what it kept, and one answer that is no success ends
// a webhook.
func (b *bench) spare() {
	for _, p := range b.parties {
		blind := func(m sandbox.Mode) bool {
			return m == sandbox.ModeWrongCount && (p.id == "google" || p.id == "hook") || m == sandbox.ModeErrorInOK && p.id == "hook"
		}
		set := b.failures(p.id)
		if !slices.ContainsFunc(set, func(f sandbox.Failure) bool { return blind(f.Mode) }) {
			continue
		}
		p.mend()
		b.fail(p, slices.DeleteFunc(set, func(f sandbox.Failure) bool { return blind(f.Mode) })...)
	}
}

// spoil owes n more conversions, some of which each stand-in refuses for good,
// and returns which. The lines are cut meanwhile, so that none is told before it
// is bad.
func (b *bench) spoil(n int) (bad map[string][]string) {
	b.t.Helper()
	told := map[string]bool{}
	for _, p := range b.parties {
		b.lines.cut(p.id, lineRefused)
		for _, d := range b.told(p.id) {
			told[p.id+" "+d.eventID] = true
		}
	}
	b.owe(n)
	bad = map[string][]string{}
	for _, p := range b.parties {
		var fresh []string
		for _, d := range b.told(p.id) {
			if !told[p.id+" "+d.eventID] {
				fresh = append(fresh, d.eventID)
			}
		}
		slices.Sort(fresh)
		bad[p.id] = []string{fresh[0], fresh[len(fresh)/2], fresh[len(fresh)-1]}
		b.fail(p, sandbox.Failure{Mode: sandbox.ModePoison, EventIDs: bad[p.id]})
	}
	for i := range b.parties {
		b.parties[i].mend = func() {} // they are bad for ever
	}
	b.lines.mend()
	return bad
}
