package main

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive/store"
)

// A comparison that was killed blocks its network no longer than its turn, and is
// failed once another one begins. Who lost his turn ends.
func TestTurnOfAKilledReconcile(t *testing.T) {
	c := newCommands(t)
	a := c.app(new(bytes.Buffer), new(bytes.Buffer))
	a.configPath, a.dataDir = filepath.Join(c.dir, "subfive.yaml"), c.dir
	err := a.with(t.Context(), func(s session) error {
		killed := &reconciler{app: a, store: s.Store, owner: "killed"}
		if err := killed.begin(t.Context(), reconciling{networkID: "everflow"}, reconciled{ID: "rc_killed"}, c.now); err != nil {
			return err
		}
		other := &reconciler{app: a, store: s.Store, owner: "other"}
		keep := func(k store.Reconciliation) error {
			k.NetworkID, k.State, k.StartedAt = "everflow", store.ReconciliationRunning, c.now
			return s.KeepReconciliation(t.Context(), k, nil)
		}
		states := func(want map[string]string) {
			t.Helper()
			all, err := s.Reconciliations(t.Context(), "", 10)
			got := map[string]string{}
			for _, k := range all {
				got[k.ID] = k.State
			}
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("states (-want +got): %v\n%s", err, diff)
			}
		}
		if err := keep(store.Reconciliation{ID: "rc_dry", DryRun: true}); err != nil {
			return err
		}
		c.now = c.now.Add(turnFor - time.Minute)
		if err := errors.Join(keep(store.Reconciliation{ID: "rc_asked"}), keep(store.Reconciliation{ID: "rc_queued"})); err != nil {
			return err
		}
		if err := other.begin(t.Context(), reconciling{networkID: "everflow", id: "rc_asked"}, reconciled{ID: "rc_asked", NetworkID: "everflow"}, c.now); !errors.Is(err, errTurn) {
			t.Errorf("while the turn holds: %v", err)
		}
		states(map[string]string{"rc_killed": "running", "rc_dry": "running", "rc_asked": "failed", "rc_queued": "running"})
		c.now = c.now.Add(time.Minute)
		if err := other.begin(t.Context(), reconciling{networkID: "everflow"}, reconciled{ID: "rc_other"}, c.now); err != nil {
			t.Errorf("after it: %v", err)
		}
		states(map[string]string{"rc_killed": "failed", "rc_dry": "running", "rc_asked": "failed", "rc_queued": "running", "rc_other": "running"})
		for range 3 { // longer than one turn holds
			c.now = c.now.Add(turnFor - time.Minute)
			if err := other.stay(t.Context(), "everflow"); err != nil {
				t.Errorf("his turn is longer: %v", err)
			}
		}
		for name, err := range map[string]error{
			"a sign of life": killed.stay(t.Context(), "everflow"), "a settlement": killed.settle(t.Context(), "everflow", "pb_1", "new"),
		} {
			if !errors.Is(err, errTurn) {
				t.Errorf("%s of who lost his turn: %v", name, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
