package alerts

import (
	"time"

	"subfive"
)

// repeatAfter is how soon what is still so is said again.
const repeatAfter = 24 * time.Hour

// step returns the alert after a look at its condition, and whether it changed.
// found is nil where nothing is wrong.
func step(a subfive.Alert, found *Finding, now time.Time, channels []string) (subfive.Alert, bool) {
	muted := a.MutedUntil.After(now)
	switch firing := a.State == subfive.AlertFiring; {
	case found != nil && !firing:
		a.State, a.FiredAt, a.Since = subfive.AlertFiring, now, found.Since
		if a.Since.IsZero() {
			a.Since = now
		}
		a.ToldAt, a.RecoveredAt, a.Owed = time.Time{}, time.Time{}, nil
		a = describe(a, *found)
		if !muted {
			a = owe(a, subfive.EventFired, now, channels)
		}
	case found != nil && !muted && now.Sub(a.ToldAt) >= repeatAfter: // or never told, as it was muted
		event := subfive.EventStill
		if a.ToldAt.IsZero() {
			event = subfive.EventFired
		}
		a = owe(describe(a, *found), event, now, channels)
	case found == nil && firing:
		told := !a.ToldAt.IsZero()
		a.State, a.RecoveredAt, a.Owed = subfive.AlertRecovered, now, nil
		if told && !muted {
			a = owe(a, subfive.EventRecovered, now, channels)
		}
	default:
		return a, false
	}
	a.UpdatedAt = now
	return a, true
}

func describe(a subfive.Alert, f Finding) subfive.Alert {
	a.ID, a.Rule, a.Subject, a.Node = f.id(), string(f.Rule), f.Subject, f.Node
	a.What, a.Do, a.See = f.What, f.Do, f.See
	return a
}

// owe owes each channel a message, in place of those it was not told before.
func owe(a subfive.Alert, event subfive.AlertEvent, now time.Time, channels []string) subfive.Alert {
	a.ToldAt, a.Owed = now, nil
	for _, c := range channels {
		a.Owed = append(a.Owed, subfive.AlertMessage{Channel: c, Event: event, At: now, NextAt: now})
	}
	return a
}

const (
	retryFirst = 15 * time.Second
	retryMost  = 30 * time.Minute
	// giveUpAfter is when a message is too old to be news.
	giveUpAfter = 24 * time.Hour
)

// retryAt is when a message is tried again that is being tried now for the
// tries-th time.
func retryAt(m subfive.AlertMessage, now time.Time) time.Time {
	wait := retryMost
	if m.Tries <= 8 { // beyond, the shift passes the most anyway
		wait = min(retryFirst<<(m.Tries-1), retryMost)
	}
	if next := now.Add(wait); next.Sub(m.At) < giveUpAfter {
		return next
	}
	return time.Time{}
}
