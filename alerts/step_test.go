package alerts

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

func TestStep(t *testing.T) {
	channels := []string{"webhook", "email"}
	found := &Finding{Rule: Backlog, Subject: "m", What: "8 are due", Do: "look", See: "subfive deliveries", Since: noon.Add(-time.Hour)}
	owed := func(e subfive.AlertEvent, at time.Time) []subfive.AlertMessage {
		return []subfive.AlertMessage{{Channel: "webhook", Event: e, At: at, NextAt: at}, {Channel: "email", Event: e, At: at, NextAt: at}}
	}
	alert := func(change func(*subfive.Alert)) subfive.Alert {
		a := subfive.Alert{
			ID: subfive.AlertID("backlog", "m", ""), Rule: "backlog", Subject: "m", State: subfive.AlertFiring, What: "8 are due", Do: "look", See: "subfive deliveries",
			Since: noon.Add(-time.Hour), FiredAt: noon, ToldAt: noon, UpdatedAt: noon,
		}
		change(&a)
		return a
	}
	day := noon.Add(24 * time.Hour)
	tests := map[string]struct {
		before subfive.Alert
		found  *Finding
		now    time.Time
		want   subfive.Alert
	}{
		"fires": {subfive.Alert{}, found, noon, alert(func(a *subfive.Alert) { a.Owed = owed(subfive.EventFired, noon) })},
		"fires, since when is not known": {
			subfive.Alert{},
			&Finding{Rule: Backlog, Subject: "m", What: "8 are due", Do: "look", See: "subfive deliveries"}, noon,
			alert(func(a *subfive.Alert) { a.Owed, a.Since = owed(subfive.EventFired, noon), noon }),
		},
		"still so, said lately": {alert(func(*subfive.Alert) {}), found, day.Add(-time.Second), alert(func(*subfive.Alert) {})},
		"still so after a day": {
			alert(func(a *subfive.Alert) { a.What = "7 are due" }), found, day,
			alert(func(a *subfive.Alert) { a.ToldAt, a.UpdatedAt, a.Owed = day, day, owed(subfive.EventStill, day) }),
		},
		"recovers": {
			alert(func(a *subfive.Alert) { a.Owed = owed(subfive.EventFired, noon)[:1] }), nil, day,
			alert(func(a *subfive.Alert) {
				a.State, a.RecoveredAt, a.ToldAt, a.UpdatedAt, a.Owed = subfive.AlertRecovered, day, day, day, owed(subfive.EventRecovered, day)
			}),
		},
		"stays recovered": {alert(func(a *subfive.Alert) { a.State = subfive.AlertRecovered }), nil, day, alert(func(a *subfive.Alert) { a.State = subfive.AlertRecovered })},
		"fires again": {
			alert(func(a *subfive.Alert) {
				a.State, a.RecoveredAt, a.FiredAt = subfive.AlertRecovered, noon, noon.Add(-day.Sub(noon))
			}), found, day,
			alert(func(a *subfive.Alert) {
				a.FiredAt, a.ToldAt, a.UpdatedAt, a.Owed = day, day, day, owed(subfive.EventFired, day)
			}),
		},
		"fires while muted": {
			alert(func(a *subfive.Alert) { a.State, a.MutedUntil = subfive.AlertQuiet, day }), found, noon,
			alert(func(a *subfive.Alert) { a.MutedUntil, a.ToldAt = day, time.Time{} }),
		},
		"still so when the mute ends": {
			alert(func(a *subfive.Alert) { a.MutedUntil, a.ToldAt = day, time.Time{} }), found, day,
			alert(func(a *subfive.Alert) {
				a.MutedUntil, a.ToldAt, a.UpdatedAt, a.Owed = day, day, day, owed(subfive.EventFired, day)
			}),
		},
		"still so while muted": {
			alert(func(a *subfive.Alert) { a.MutedUntil = day.Add(1) }), found, day, alert(func(a *subfive.Alert) { a.MutedUntil = day.Add(1) }),
		},
		"recovers while muted": {
			alert(func(a *subfive.Alert) { a.MutedUntil = day.Add(1) }), nil, day,
			alert(func(a *subfive.Alert) {
				a.State, a.RecoveredAt, a.MutedUntil, a.UpdatedAt = subfive.AlertRecovered, day, day.Add(1), day
			}),
		},
		"recovers, and nobody was told": {
			alert(func(a *subfive.Alert) { a.ToldAt = time.Time{} }), nil, day,
			alert(func(a *subfive.Alert) {
				a.State, a.RecoveredAt, a.ToldAt, a.UpdatedAt = subfive.AlertRecovered, day, time.Time{}, day
			}),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, changed := step(test.before, test.found, test.now, channels)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if same := cmp.Equal(test.before, got); same == changed {
				t.Errorf("changed is %v", changed)
			}
		})
	}
}

func TestRetries(t *testing.T) {
	m := subfive.AlertMessage{At: noon}
	var waits []time.Duration
	now := noon
	for {
		m.Tries++
		next := retryAt(m, now)
		if next.IsZero() {
			break
		}
		waits = append(waits, next.Sub(now))
		now = next
	}
	first := []time.Duration{
		15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 30 * time.Minute, 30 * time.Minute,
	}
	if diff := cmp.Diff(first, waits[:len(first)]); diff != "" {
		t.Errorf("waits (-want +got):\n%s", diff)
	}
	if last := now.Sub(noon); last < 23*time.Hour || last >= giveUpAfter {
		t.Errorf("the last try is after %s", last)
	}
}
