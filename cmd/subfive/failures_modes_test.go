package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"subfive/outbox"
	"subfive/sandbox"
)

// trouble is one way in which all platforms are bad at once.
type trouble struct {
	begin func(b *bench)
	// pauses: nothing gets through while it lasts, and a pause says why.
	pauses bool
	// poison: some events of each destination are refused for good.
	poison bool
	// except is a destination that can't notice.
	except string
	// quick: "make test" has it too, here or in turn; the others come with the full
	// size.
	quick bool
}

// fails sets the same failures at every stand-in.
func fails(all ...sandbox.Failure) func(*bench) {
	return func(b *bench) {
		for _, p := range b.parties {
			b.fail(p, all...)
		}
	}
}

func (b *bench) fail(p party, all ...sandbox.Failure) {
	b.t.Helper()
	for _, f := range all {
		if err := p.fail(f); err != nil {
			b.t.Fatal(err)
		}
	}
}

func mode(m sandbox.Mode) func(*bench) { return fails(sandbox.Failure{Mode: m}) }

func cut(how string) func(*bench) {
	return func(b *bench) {
		for _, p := range b.parties {
			b.lines.cut(p.id, how)
		}
	}
}

// revoked takes the tokens back. Google's program gets another by itself.
func revoked(b *bench) {
	b.stand.Meta.SetToken("another")
	b.stand.TikTok.SetToken("another")
	b.stand.Reddit.SetToken("another")
	b.stand.Google.SetToken("another")
	for _, p := range b.parties {
		if p.id == "sheets" || p.id == "hook" {
			b.fail(p, sandbox.Failure{Mode: sandbox.ModeUnauthorized})
		}
	}
}

// mixture is whatever else can go wrong, in an order of chance, a few requests
// each.
func mixture(b *bench) {
	for _, p := range b.parties {
		for range 4 {
			f := sandbox.Failure{Mode: sandbox.Modes()[b.random.IntN(len(sandbox.Modes()))], Requests: 1 + b.random.IntN(3)}
			switch {
			case f.Mode == sandbox.ModePoison:
				f.MaxEvents = 1 + b.random.IntN(5)
			case f.Mode == sandbox.ModeSlow:
				f.LatencyMS = []int{10, 10, 35_000}
			case f.Mode == sandbox.ModeWrongCount && p.id == "google":
				continue // as below
			case p.id == "hook" && (f.Mode == sandbox.ModeWrongCount || f.Mode == sandbox.ModeErrorInOK):
				continue // one answer that is no success ends one webhook: only in a row they tell of the settings
			}
			b.fail(p, f)
		}
	}
}

func troubles() map[string]trouble {
	return map[string]trouble{
		"no failure":                      {begin: func(*bench) {}},
		"the connection is refused":       {begin: cut(lineRefused), pauses: true, quick: true},
		"TLS fails":                       {begin: cut(lineTLS), pauses: true, quick: true},
		"reset without an answer":         {begin: mode(sandbox.ModeRefuse), pauses: true},
		"accepted and never answered":     {begin: mode(sandbox.ModeHang), quick: true},
		"reset after processing":          {begin: mode(sandbox.ModeResetAfter), pauses: true, quick: true},
		"500":                             {begin: mode(sandbox.ModeServerError), pauses: true},
		"503":                             {begin: fails(sandbox.Failure{Mode: sandbox.ModeServerError, Status: 503}), pauses: true},
		"HTML of a proxy":                 {begin: mode(sandbox.ModeHTML), pauses: true},
		"429 with seconds":                {begin: fails(sandbox.Failure{Mode: sandbox.ModeRetryAfter, WaitSeconds: 3}), pauses: true, quick: true},
		"429 with a date":                 {begin: fails(sandbox.Failure{Mode: sandbox.ModeRetryAfterDate, WaitSeconds: 3}), pauses: true},
		"429 with garbage":                {begin: mode(sandbox.ModeRetryAfterJunk), pauses: true},
		"429 with nothing":                {begin: mode(sandbox.ModeTooMany), pauses: true},
		"throttled by application":        {begin: mode(sandbox.ModeThrottleApp), pauses: true},
		"throttled by user":               {begin: fails(sandbox.Failure{Mode: sandbox.ModeThrottleUser, WaitSeconds: 3}), pauses: true},
		"throttled by account":            {begin: mode(sandbox.ModeThrottleCase), pauses: true}, // Meta says: a minute
		"unauthorized until mended":       {begin: mode(sandbox.ModeUnauthorized), pauses: true, quick: true},
		"the token is revoked":            {begin: revoked},
		"misconfigured until mended":      {begin: mode(sandbox.ModeMisconfigured), pauses: true},
		"poisons among the good":          {begin: poisonSome, poison: true, quick: true},
		"200 with an error inside":        {begin: mode(sandbox.ModeErrorInOK), pauses: true, quick: true},
		"200 for all but one":             {begin: mode(sandbox.ModeWrongCount), except: "google"}, // Google counts nothing, and asked later it counts what it kept
		"the answer breaks off":           {begin: mode(sandbox.ModeTruncated), pauses: true},
		"the answer has 32 MiB":           {begin: mode(sandbox.ModeHuge)},
		"the answer is a gzip bomb":       {begin: mode(sandbox.ModeGzipBomb)},
		"some answers come after 35 s":    {begin: fails(sandbox.Failure{Mode: sandbox.ModeSlow, LatencyMS: []int{5, 5, 5, 35_000}})},
		"the limit of a request shrinks":  {begin: shrink, quick: true},
		"everything, by chance, in turns": {begin: mixture, quick: true},
	}
}

// shrink lets requests be smaller and smaller.
func shrink(b *bench) {
	most := b.setup.Destinations[0].MaxBatch
	fails(
		sandbox.Failure{Mode: sandbox.ModePoison, MaxEvents: max(most/2, 1), Requests: 3},
		sandbox.Failure{Mode: sandbox.ModePoison, MaxEvents: max(most/5, 1), Requests: 5},
		sandbox.Failure{Mode: sandbox.ModePoison, MaxEvents: 3},
	)(b)
}

// poisonSome makes some events of each destination bad for ever: the mending
// does not mend them.
func poisonSome(b *bench) {
	for i, p := range b.parties {
		bad := b.poisons(p.id)
		b.fail(p, sandbox.Failure{Mode: sandbox.ModePoison, EventIDs: bad})
		b.parties[i].mend = func() {} // they are bad for ever
	}
}

// poisons are the events of a destination that are bad, one of thirty: the first,
// the last, and by chance.
func (b *bench) poisons(destination string) []string {
	var ids []string
	for _, d := range b.told(destination) {
		ids = append(ids, d.eventID)
	}
	slices.Sort(ids)
	bad := []string{ids[0], ids[len(ids)-1]}
	for range len(ids) / 30 {
		bad = append(bad, ids[b.random.IntN(len(ids))])
	}
	slices.Sort(bad)
	return slices.Compact(bad)
}

// Every platform is bad in the same way at the same time, on a bench of its own
// for each way. When it is over, all that can be told has been told, once in
// effect, the rest is dead with its reason, and nothing waits for nothing.
func TestFailuresOfAllPlatforms(t *testing.T) {
	t.Parallel()
	n, maxBatch := 11, 3
	if full() {
		n, maxBatch = 200, 20
	}
	const seed = 20261124
	t.Logf("seed %d, %d conversions for each trouble", seed, n)
	benches := map[string]*bench{}
	bad := map[string]map[string][]string{}
	all := troubles()
	for name, tt := range all {
		if !full() && (!tt.quick || !tt.pauses) {
			continue // TestFailuresInTurn has the other quick ones
		}
		b := newBench(t, filepath.Join(t.TempDir(), "test.db"), maxBatch, seed, outbox.WithRandom(func() float64 { return 0.002 }))
		benches[name] = b
		b.owe(n)
		tt.begin(b)
		if tt.poison {
			bad[name] = b.failing()
		}
	}
	for _, b := range benches {
		b.deliver()
	}
	for name, b := range benches {
		if all[name].pauses {
			b.pausedAll(name)
		}
		b.mend()
	}
	for name, b := range benches {
		t.Run(name, func(t *testing.T) {
			b.t = t
			b.tried(10 * time.Minute)
			for _, p := range b.parties {
				b.compare(p, n, bad[name][p.id], p.id == all[name].except)
			}
			b.close()
		})
	}
}

// failing are the events that each stand-in refuses.
func (b *bench) failing() map[string][]string {
	bad := map[string][]string{}
	for _, d := range b.setup.Destinations {
		for _, f := range b.failures(d.ID) {
			bad[d.ID] = append(bad[d.ID], f.EventIDs...)
		}
	}
	return bad
}

func (b *bench) failures(destination string) []sandbox.Failure {
	return map[string]func() []sandbox.Failure{
		"meta": b.stand.Meta.Failures, "tiktok": b.stand.TikTok.Failures, "reddit": b.stand.Reddit.Failures,
		"google": b.stand.Google.Failures, "sheets": b.stand.Sheets.Failures, "hook": b.stand.Hook.Failures,
	}[destination]()
}

// pausedAll wants each destination to be paused with a reason before long, and
// nothing to be ended while nothing gets through: what was refused alike, one
// event after the other, lives again once it is known that it is not the events.
func (b *bench) pausedAll(name string) {
	b.t.Helper()
	for _, p := range b.parties {
		for until := time.Now().Add(time.Minute); ; pass(50 * time.Millisecond) {
			pause, err := b.store.Pause(b.t.Context(), p.id)
			ended := b.number("SELECT count(*) FROM v_deliveries WHERE status <> 'scheduled' AND destination_id = '" + p.id + "'")
			if err == nil && !pause.Until.IsZero() && pause.Reason != "" && ended == 0 {
				break
			}
			if err != nil || time.Now().After(until) {
				b.t.Errorf("%s: %s: pause %+v, %v; %d deliveries ended while nothing got through", name, p.id, pause, err, ended)
				break
			}
		}
	}
}

// pass lets time pass.
func pass(d time.Duration) { <-time.After(d) }

// compare holds the books against what the stand-in has. bad are the events
// that it refuses for good.
func (b *bench) compare(p party, n int, bad []string, blind bool) {
	b.t.Helper()
	once, again := p.taken()
	has := map[string]int{}
	for _, id := range once {
		has[id]++
	}
	all := b.told(p.id)
	if len(all) != n {
		b.t.Errorf("%s: %d deliveries for %d conversions", p.id, len(all), n)
	}
	ambiguous, known := map[string]bool{}, map[string]bool{}
	var problems []string
	for _, d := range all {
		ambiguous[d.eventID], known[d.eventID] = d.ambiguous, true
		poison := slices.Contains(bad, d.eventID)
		switch {
		case has[d.eventID] > 1:
			problems = append(problems, fmt.Sprintf("event %s counts %d times", d.eventID, has[d.eventID]))
		case poison && d.status == "dead" && d.code == "rejected" && strings.Contains(d.reason, "refused") && has[d.eventID] == 0:
		case !poison && d.status == "delivered" && (has[d.eventID] == 1 || blind):
		case !poison && d.status == "submitted" && p.id == "google" && (has[d.eventID] == 1 || blind): // it tells after half an hour
		default:
			problems = append(problems, fmt.Sprintf("poison: %t, there: %d, %+v", poison, has[d.eventID], d))
		}
	}
	for _, id := range again {
		if !ambiguous[id] {
			problems = append(problems, "event "+id+" came again, and no answer was lost")
		}
	}
	for id := range has {
		if !known[id] {
			problems = append(problems, "event "+id+" is nobody's")
		}
	}
	if len(problems) > 0 {
		b.t.Errorf("%s: %d problems: %s", p.id, len(problems), strings.Join(problems[:min(len(problems), 5)], "\n\t"))
	}
	if pause, err := b.store.Pause(b.t.Context(), p.id); err != nil || !pause.Until.IsZero() {
		b.t.Errorf("%s is still paused: %+v, %v", p.id, pause, err)
	}
}
