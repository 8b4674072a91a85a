package store

import (
	"cmp"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"subfive"
)

// copied is a sale whose postback another tracker gets a copy of.
func copied(n int, endpoint string, madeAt time.Time) (subfive.Batch, subfive.Tee) {
	b := sale(n)
	p := &b.Postbacks[0].Postback
	p.EndpointID, p.Request = endpoint, subfive.Request{Method: "GET", Raw: "sealed " + p.ID}
	c := subfive.Tee{PostbackID: p.ID, EndpointID: endpoint, State: subfive.TeeWaiting, MadeAt: madeAt, NextAttemptAt: madeAt}
	b.Tees = []subfive.Tee{c}
	return b, c
}

func claimTees(t *testing.T, s *Store, lease string, now time.Time, limit int) []subfive.Tee {
	t.Helper()
	claimed, err := s.ClaimTees(t.Context(), "default", lease, now, now.Add(time.Minute), limit)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(claimed, func(a, b subfive.Tee) int { return cmp.Compare(a.PostbackID, b.PostbackID) })
	return claimed
}

func TestTees(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		var made []subfive.Tee
		for i, endpoint := range []string{"default", "default", "default", "other"} {
			b, c := copied(i, endpoint, noon.Add(time.Duration(i)*time.Second))
			record(t, s, b, subfive.Batch{At: b.At, Postbacks: b.Postbacks, Tees: b.Tees}) // twice is once
			made = append(made, c)
		}
		now := noon.Add(time.Minute)
		taken := func(c subfive.Tee, lease string) subfive.Tee {
			c.Attempts, c.NextAttemptAt, c.LeaseID = 1, now.Add(time.Minute), lease
			c.Request = subfive.Request{Method: "GET", Raw: "sealed " + c.PostbackID}
			return c
		}
		first := claimTees(t, s, "l1", now, 2)
		if diff := gocmp.Diff([]subfive.Tee{taken(made[0], "l1"), taken(made[1], "l1")}, first); diff != "" {
			t.Error(diff)
		}
		if diff := gocmp.Diff([]subfive.Tee{taken(made[2], "l2")}, claimTees(t, s, "l2", now, 10)); diff != "" {
			t.Error("what is taken was taken again: " + diff)
		}
		if got := claimTees(t, s, "l3", noon.Add(-time.Second), 10); got != nil {
			t.Errorf("taken before it is due: %v", got)
		}

		sent := first[0]
		sent.State, sent.NextAttemptAt, sent.EndedAt, sent.LastHTTP = subfive.TeeSent, time.Time{}, now, 204
		again := first[1]
		again.NextAttemptAt, again.LastError = now.Add(5*time.Second), "refused\x00"
		lost := taken(made[2], "somebody else's")
		lost.State = subfive.TeeGone
		for _, c := range []subfive.Tee{sent, again, lost} {
			if err := s.FinishTee(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		story, err := s.Story(t.Context(), sent.PostbackID)
		if err != nil {
			t.Fatal(err)
		}
		sent.LeaseID, sent.Request = "", subfive.Request{}
		if diff := gocmp.Diff(&sent, story.Postbacks[0].Tee); diff != "" {
			t.Error(diff)
		}
		due := claimTees(t, s, "l4", now.Add(5*time.Second), 10)
		if len(due) != 1 || due[0].PostbackID != again.PostbackID || due[0].Attempts != 2 || due[0].LastError != "refused\ufffd" {
			t.Errorf("due again: %+v", due)
		}
		counts, err := s.WaitingTees(t.Context())
		if diff := gocmp.Diff(map[string]int64{"default": 2, "other": 1}, counts); diff != "" || err != nil {
			t.Error(diff, err)
		}

		n, err := s.ExpireTees(t.Context(), noon.Add(2*time.Second), now)
		if n != 1 || err != nil {
			t.Errorf("%d expired (%v), want the one that is older than the moment", n, err)
		}
		if got := claimTees(t, s, "l5", now.Add(time.Hour), 10); len(got) != 1 || got[0].PostbackID != made[2].PostbackID {
			t.Errorf("due after the lease ran out: %+v", got)
		}
	})
}
