package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

func TestAlerts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		keep := func(a subfive.Alert, want bool) {
			t.Helper()
			if won, err := s.KeepAlert(t.Context(), a); err != nil || won != want {
				t.Fatalf("kept %v, %v; want %v", won, err, want)
			}
		}
		read := func() []subfive.Alert {
			t.Helper()
			all, err := s.Alerts(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return all
		}
		fired := subfive.Alert{
			ID: "al_1", Rule: "backlog", Subject: "meta-main", State: subfive.AlertFiring, What: "7 wait", Do: "look", See: "subfive deliveries",
			Since: noon.Add(-time.Hour), FiredAt: noon, ToldAt: noon, UpdatedAt: noon,
			Owed: []subfive.AlertMessage{{Channel: "webhook", Event: subfive.EventFired, At: noon, NextAt: noon, Tries: 2, Error: "answered 500"}},
		}
		keep(fired, true)
		keep(fired, false) // another process was faster
		stale := fired
		stale.Version = 7
		keep(stale, false)
		gone := fired
		gone.ID, gone.Version = "al_gone", 1
		keep(gone, false)
		fired.Version = 1
		if diff := cmp.Diff([]subfive.Alert{fired}, read()); diff != "" {
			t.Errorf("fired (-want +got):\n%s", diff)
		}
		over := fired
		over.State, over.RecoveredAt, over.UpdatedAt, over.Owed, over.What = subfive.AlertRecovered, noon.Add(time.Hour), noon.Add(time.Hour), nil, "goal \x00"
		keep(over, true)
		over.Version, over.What = 2, "goal \ufffd"
		muted := subfive.Alert{ID: "al_2", Rule: "no_clicks", Subject: "spring", State: subfive.AlertQuiet, MutedUntil: noon.Add(50 * day), UpdatedAt: noon}
		keep(muted, true)
		muted.Version = 1
		if diff := cmp.Diff([]subfive.Alert{over, muted}, read()); diff != "" {
			t.Errorf("both (-want +got):\n%s", diff)
		}
		for _, before := range []time.Time{noon.Add(time.Hour), noon.Add(time.Hour + time.Millisecond)} {
			if err := s.ForgetAlerts(t.Context(), before); err != nil {
				t.Fatal(err)
			}
			want := []subfive.Alert{over, muted}
			if before.After(over.UpdatedAt) {
				want = want[1:]
			}
			if diff := cmp.Diff(want, read()); diff != "" {
				t.Errorf("forgotten before %s (-want +got):\n%s", before, diff)
			}
		}
	})
}

func TestTraffic(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		for n := 1; n <= 5; n++ {
			b := sale(n, "meta-eu")
			at := noon.Add(time.Duration(n) * 50 * time.Minute) // 12:50, 13:40, 14:30, 15:20, 16:10
			b.Clicks[0].ClickedAt, b.Postbacks[0].Postback.ReceivedAt, b.Conversions[0].ReceivedAt = at, at, at
			c, d := &b.Conversions[0], &b.Deliveries[0]
			c.Status, d.CreatedAt, d.Mode = subfive.StatusApproved, at, subfive.ModeLive
			switch n {
			case 2:
				c.Status = subfive.StatusRejected
				b.Postbacks[0].Verdict, c.Verdict = subfive.VerdictUnmatched, subfive.VerdictUnmatched
			case 3:
				b.Clicks[0].IsBot = true
				d.Status, d.ReasonCode, c.GoalName = subfive.DeliverySkipped, "goal_unmapped", "upsell"
			case 4:
				b.Postbacks[0].Verdict = subfive.VerdictDuplicate
				d.Mode = subfive.ModeDryRun
			case 5:
				c.IsTest, b.Clicks[0].IsTest = true, true
				c.Status = subfive.StatusPending
			}
			record(t, s, b)
		}
		at := func(hour int) time.Time { return time.Date(2026, 5, 4, hour, 0, 0, 0, time.UTC) }
		clicks, err := s.ClicksByHour(t.Context(), at(13))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]Hourly{{"spring", at(13), 1}, {"spring", at(15), 1}}, clicks); diff != "" {
			t.Errorf("clicks (-want +got):\n%s", diff)
		}
		got, err := s.Traffic(t.Context(), at(12), at(13), at(14))
		if err != nil {
			t.Fatal(err)
		}
		byReason := map[Delivered]bool{}
		for _, d := range got.Deliveries {
			byReason[d] = true
		}
		got.Deliveries = nil
		byStatus := map[Decided]bool{}
		for _, d := range got.Decided {
			byStatus[d] = true
		}
		got.Decided = nil
		if diff := cmp.Diff(Traffic{
			Conversions: []Hourly{{"spring", at(12), 1}, {"spring", at(13), 1}, {"spring", at(14), 1}, {"spring", at(15), 1}},
			Postbacks:   []Hourly{{"default", at(12), 1}, {"default", at(13), 1}, {"default", at(14), 1}, {"default", at(16), 1}},
			Matched:     []Hourly{{"default", at(12), 1}, {"default", at(14), 1}, {"default", at(16), 1}},
			Unmapped:    []Unmapped{{"meta-eu", "upsell", 1}},
		}, got); diff != "" {
			t.Errorf("traffic (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[Decided]bool{
			{"meta-us", subfive.StatusApproved, 2}: true, {"meta-us", subfive.StatusRejected, 1}: true,
		}, byStatus); diff != "" {
			t.Errorf("decided (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[Delivered]bool{
			{"meta-eu", subfive.DeliverySkipped, "goal_unmapped", 1}: true, {"meta-eu", subfive.DeliveryScheduled, "", 1}: true,
		}, byReason); diff != "" {
			t.Errorf("deliveries (-want +got):\n%s", diff)
		}
	})
}
