package main

import (
	"context"
	"errors"
	"time"

	"subfive/store"
)

// turnFor is how long a network's turn holds without a sign of life.
const turnFor = 5 * time.Minute

// errTurn says that another process compares the same books, or did.
var errTurn = errors.New("another process reconciles this network right now; wait for it, or see its result: subfive reconcile list")

// begin takes the turn, and writes down that a comparison runs. One of which
// somebody else has the ID is written down also when it can't begin.
func (r *reconciler) begin(ctx context.Context, job reconciling, out reconciled, now time.Time) error {
	err := r.takeTurn(ctx, job, now)
	if err == nil {
		err = r.store.KeepReconciliation(ctx, store.Reconciliation{
			ID: out.ID, NetworkID: job.networkID, State: store.ReconciliationRunning, DryRun: job.dryRun, StartedAt: now,
		}, nil)
	}
	if err == nil || job.id == "" {
		return err
	}
	out.Error = err.Error()
	kept, cancel := context.WithTimeout(context.WithoutCancel(ctx), queueWithin)
	defer cancel()
	return errors.Join(err, r.keep(kept, out, now))
}

// takeTurn wins the turn. What was begun in an earlier one and never ended was
// cut short: its turn could not be won while it lived. What is younger may wait
// for its turn.
func (r *reconciler) takeTurn(ctx context.Context, job reconciling, now time.Time) error {
	if job.dryRun { // which writes nothing that another could write too
		return nil
	}
	won, err := r.store.TakeTurn(ctx, store.Turn{NetworkID: job.networkID, Owner: r.owner, Until: now.Add(turnFor), Due: job.nightly}, now)
	if err == nil && !won {
		err = errTurn
	}
	if err != nil {
		return err
	}
	return r.store.FailReconciliations(ctx, job.networkID, now.Add(-turnFor), now)
}

// stay is the sign of life. That another has the turn now ends the comparison.
func (r *reconciler) stay(ctx context.Context, networkID string) error {
	now := r.app.now()
	won, err := r.store.TakeTurn(ctx, store.Turn{NetworkID: networkID, Owner: r.owner, Until: now.Add(turnFor)}, now)
	if err == nil && !won {
		err = errTurn
	}
	return err
}
