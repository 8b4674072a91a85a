package store

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"subfive"
)

func TestToReconcile(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		advertised := sale(1, "meta-eu")
		advertised.Clicks[0].Ad.ID = "ad1"
		old := sale(2)
		old.Conversions[0].ConvertedAt = noon.Add(-100 * 24 * time.Hour)
		older := sale(3)
		older.Conversions[0].ConvertedAt, older.Conversions[0].TransactionID = noon.Add(-200*24*time.Hour), ""
		others := sale(4)
		others.Conversions[0].NetworkID = "other"
		record(t, s, advertised, old, older, others)
		names := func(sessions, ids []string) []string {
			t.Helper()
			found, err := s.ToReconcile(t.Context(), "everflow", noon.Add(-time.Hour), noon.Add(time.Hour), sessions, ids)
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, c := range found {
				if c.Version != 1 {
					t.Errorf("conversion %s has version %d", c.ID, c.Version)
				}
				all = append(all, c.ID+" "+c.AdID)
			}
			return all
		}
		same(t, "of the span", names(nil, nil), []string{"cv_1 ad1"})
		same(t, "each once", names([]string{"tx1", "tx2", "", "a\x00b", "tx4"}, []string{"nc1", "nc2", "nc3"}), []string{"cv_1 ad1", "cv_2 ", "cv_3 "})
		ads, err := s.AdsOfClicks(t.Context(), []string{"click1", "click2", "none", ""})
		same(t, "ads", ads, map[string]string{"click1": "ad1", "click2": ""})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestOpenDuplicates(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		b := sale(1)
		again := b.Postbacks[0]
		again.Postback.ID, again.Verdict, again.ConversionID, again.PossibleDuplicateOf = "pb_again", subfive.VerdictPossibleDuplicate, "", "cv_1"
		b.Postbacks = append(b.Postbacks, again)
		record(t, s, b, sale(2))
		open, err := s.OpenDuplicates(t.Context(), "everflow", []string{"tx1", "tx2", ""})
		if err != nil || len(open) != 1 || open[0].Postback.ID != "pb_again" || open[0].PossibleDuplicateOf != "cv_1" {
			t.Errorf("%+v, %v", open, err)
		}
		if none, err := s.OpenDuplicates(t.Context(), "other", []string{"tx1"}); len(none) != 0 || err != nil {
			t.Errorf("%+v, %v", none, err)
		}
	})
}

func TestReconciliationsAreKept(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		running := Reconciliation{ID: "rc_1", NetworkID: "everflow", State: ReconciliationRunning, StartedAt: noon}
		done := running
		done.State, done.FinishedAt, done.Theirs, done.Ours, done.Result = ReconciliationDone, noon.Add(time.Minute), 20, 19, json.RawMessage(`{"a":1}`)
		other := Reconciliation{ID: "rc_2", NetworkID: "other", State: ReconciliationFailed, DryRun: true, StartedAt: noon.Add(time.Hour)}
		differing := []Differing{{Outcome: "missing_here", NetworkConversionID: "c\x001", Day: "2026-11-24", Doc: json.RawMessage(`{"n":1}`)}, {Outcome: "status_flip", ConversionID: "cv_1", Doc: json.RawMessage(`{"n":2}`)}}
		for _, err := range []error{
			s.KeepReconciliation(ctx, running, differing), s.KeepReconciliation(ctx, other, nil), s.KeepReconciliation(ctx, done, slices.Clone(differing)[:1]),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		all, err := s.Reconciliations(ctx, "", 10)
		same(t, "all", all, []Reconciliation{other, done})
		of, ofErr := s.Reconciliations(ctx, "everflow", 10)
		same(t, "of one network", of, []Reconciliation{done})
		one, docs, oneErr := s.Reconciliation(ctx, "rc_1")
		same(t, "one", one, done)
		same(t, "what differed", docs, []json.RawMessage{json.RawMessage(`{"n":1}`)})
		if _, _, err := s.Reconciliation(ctx, "rc_3"); !errors.Is(err, subfive.ErrNotFound) {
			t.Errorf("none: %v", err)
		}
		if err := errors.Join(err, ofErr, oneErr, s.ForgetReconciliations(ctx, noon.Add(time.Minute))); err != nil {
			t.Error(err)
		}
		left, err := s.Reconciliations(ctx, "", 10)
		same(t, "left", left, []Reconciliation{other})
		if err != nil {
			t.Error(err)
		}
	})
}

// One process has a network's turn at a time, and by itself only once when due.
func TestTurns(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		take := func(owner string, now, due time.Time) bool {
			t.Helper()
			won, err := s.TakeTurn(t.Context(), Turn{NetworkID: "everflow", Owner: owner, Until: now.Add(time.Hour), Due: due}, now)
			if err != nil {
				t.Fatal(err)
			}
			return won
		}
		end := func(owner string, nightlyAt time.Time) {
			t.Helper()
			if err := s.EndTurn(t.Context(), "everflow", owner, nightlyAt); err != nil {
				t.Fatal(err)
			}
		}
		got := []bool{take("a", noon, noon), take("b", noon, noon), take("a", noon.Add(time.Minute), noon)}
		same(t, "the first has it, and may keep it", got, []bool{true, false, true})
		end("b", noon) // it is not b's to end
		same(t, "still a's", take("b", noon.Add(time.Minute), noon), false)
		end("a", noon.Add(2*time.Minute))
		later := noon.Add(3 * time.Minute)
		same(t, "done for the night, but not for who is asked", []bool{take("b", later, noon), take("b", later, time.Time{})}, []bool{false, true})
		gone := later.Add(2 * time.Hour)
		same(t, "b is gone", take("a", gone, time.Time{}), true)
		end("a", time.Time{})
		same(t, "the next night", take("b", noon.Add(24*time.Hour), noon.Add(23*time.Hour)), true)
	})
}

func TestFailReconciliations(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		old := Reconciliation{ID: "rc_old", NetworkID: "everflow", State: ReconciliationRunning, StartedAt: noon}
		young, dry, done, others := old, old, old, old
		young.ID, young.StartedAt = "rc_young", noon.Add(time.Second)
		dry.ID, dry.DryRun = "rc_dry", true
		done.ID, done.State = "rc_done", ReconciliationDone
		others.ID, others.NetworkID = "rc_others", "other"
		for _, r := range []Reconciliation{old, young, dry, done, others} {
			if err := s.KeepReconciliation(t.Context(), r, nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.FailReconciliations(t.Context(), "everflow", noon, noon.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		old.State, old.FinishedAt = ReconciliationFailed, noon.Add(time.Hour)
		got, err := s.Reconciliations(t.Context(), "", 10)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "reconciliations", got, []Reconciliation{young, done, dry, old, others})
	})
}

func TestPostbackWatch(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		if _, _, err := s.PostbackWatch(t.Context(), "everflow"); !errors.Is(err, subfive.ErrNotFound) {
			t.Errorf("never looked: %v", err)
		}
		for i, doc := range []string{`{"a":1}`, `{"a":2}`} {
			if err := s.KeepPostbackWatch(t.Context(), "everflow", noon.Add(time.Duration(i)*time.Hour), json.RawMessage(doc)); err != nil {
				t.Fatal(err)
			}
		}
		at, doc, err := s.PostbackWatch(t.Context(), "everflow")
		if err != nil || !at.Equal(noon.Add(time.Hour)) || string(doc) != `{"a":2}` {
			t.Errorf("%s %s %v", at, doc, err)
		}
	})
}

func TestStanding(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		change := func(n int, fn func(*subfive.Conversion)) subfive.Batch {
			b := sale(n)
			b.Clicks[0].Ad.ID = "ad1"
			fn(&b.Conversions[0])
			return b
		}
		approved := func(c *subfive.Conversion) { c.Status, c.ApprovedAt = subfive.StatusApproved, noon }
		back := func(c *subfive.Conversion) { c.Status, c.ApprovedAt, c.RejectedAt = subfive.StatusRejected, noon, noon }
		record(t, s, change(1, approved), change(2, approved), change(3, back),
			change(4, func(c *subfive.Conversion) { c.Status, c.RejectedAt = subfive.StatusRejected, noon }),
			change(5, func(c *subfive.Conversion) { approved(c); c.GoalName = "Upsell" }),
			change(6, func(c *subfive.Conversion) { approved(c); c.IsTest, c.Verdict = true, subfive.VerdictTest }),
			change(7, func(c *subfive.Conversion) { approved(c); c.ConvertedAt = noon.Add(-time.Hour) }))
		got, err := s.Standing(t.Context(), "everflow", noon)
		same(t, "standing", got, []Stood{
			{"meta-us", "ad1", subfive.StatusApproved, true, 2},
			{"meta-us", "ad1", subfive.StatusRejected, false, 1},
			{"meta-us", "ad1", subfive.StatusRejected, true, 1},
		})
		if err != nil {
			t.Error(err)
		}
	})
}
