package outbox

import (
	"time"

	"subfive"
)

const (
	// streakPauses is how many failed requests in a row pause a destination.
	streakPauses = 5
	pauseFirst   = 15 * time.Second
	pauseLast    = 5 * time.Minute
)

// verdict is what one request said about the destination as a whole.
type verdict struct {
	// class is Accepted when the destination works, Transient when the request
	// failed, Throttled, Unauthorized or Misconfigured when it said so, and ""
	// when nothing is known: the platform was not reached for this.
	class subfive.Class
	// floor is how long it asked to be left alone.
	floor        time.Duration
	code, reason string
}

// judge reads what an exchange says about the destination. One row that tells
// of trouble with the account tells it for all; a request has failed when no
// row of it did better.
func judge(x Exchange) verdict {
	var v verdict
	for _, o := range x.Outcomes {
		class := o.Class
		switch o.Class {
		case subfive.Accepted, subfive.Submitted:
			class = subfive.Accepted
		case subfive.Deferred, subfive.Rejected:
			if x.Attempt == nil || o.Code == CodeBatchFull || o.Code == CodeUnsendable {
				continue
			}
			class = subfive.Accepted // it answers, and about the event
			o.RetryAfter = 0         // the event's, not the destination's
		case subfive.Transient, subfive.Throttled, subfive.Unauthorized, subfive.Misconfigured:
		}
		if o.Class == subfive.Submitted {
			o.RetryAfter = 0 // when to ask
		}
		floor := max(v.floor, o.RetryAfter)
		if weight(class) > weight(v.class) {
			v = verdict{class: class, code: codeOf(o), reason: string(o.Class) + ": " + explain(o)}
		}
		v.floor = floor
	}
	return v
}

// weight orders what one request's rows say: the more, the more it counts.
func weight(c subfive.Class) int {
	switch c {
	case subfive.Transient:
		return 1
	case subfive.Accepted, subfive.Submitted, subfive.Deferred, subfive.Rejected:
		return 2
	case subfive.Throttled:
		return 3
	case subfive.Misconfigured:
		return 4
	case subfive.Unauthorized:
		return 5
	}
	return 0
}

// paused reports whether a pause is stored, be it run out or not.
func paused(p subfive.Pause) bool { return !p.Until.IsZero() || p.Manual }

// after returns p as it is after a request that said v. What a person paused
// stays as it is.
func after(p subfive.Pause, v verdict, probe bool, now time.Time) subfive.Pause {
	if p.Manual {
		return p
	}
	switch v.class {
	case subfive.Accepted, subfive.Submitted, subfive.Deferred, subfive.Rejected:
		return passed(p, v, probe, now)
	case subfive.Transient:
		p.Streak++
		if p.Streak < streakPauses && v.floor <= 0 && !paused(p) {
			return p
		}
		return troubled(p, v, probe, now)
	case subfive.Throttled, subfive.Unauthorized, subfive.Misconfigured:
		return troubled(p, v, probe, now)
	}
	if probe && paused(p) {
		p.Until = now // it was no probe: let the next one be
	}
	return p
}

// passed lifts the pause after a probe. A request that was under way when the
// pause began lifts nothing.
func passed(p subfive.Pause, v verdict, probe bool, now time.Time) subfive.Pause {
	if paused(p) && !probe {
		return p
	}
	p.Until, p.Reason, p.Code, p.Failures, p.Streak = time.Time{}, "", "", 0, 0
	if v.floor > 0 { // it took this one, and wants no more for a while
		p.Until, p.Reason = now.Add(v.floor), "throttled: the platform asks to go slower"
	}
	return p
}

// troubled begins a pause, doubles it after a failed probe, or keeps one that
// began while this request was under way, at least as long as was asked for.
func troubled(p subfive.Pause, v verdict, probe bool, now time.Time) subfive.Pause {
	switch {
	case !paused(p):
		p.Failures = 0
		p.Until = now.Add(pauseFirst)
		if v.floor > 0 {
			p.Until = now.Add(v.floor)
		}
	case probe:
		p.Failures++
		p.Until = now.Add(max(pauseFor(p.Failures), v.floor))
	default:
		if floor := now.Add(v.floor); v.floor > 0 && floor.After(p.Until) {
			p.Until = floor
		}
		return p
	}
	p.Reason, p.Code = v.reason, v.code
	return p
}

// pauseFor is the length of a pause after so many failed probes: 15 s, doubled
// for each, at most 5 min.
func pauseFor(failures int) time.Duration {
	if failures > 5 {
		return pauseLast
	}
	return min(pauseFirst<<max(failures, 0), pauseLast)
}
