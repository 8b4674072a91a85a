// Package outbox delivers: it claims what is due, hands batches to a Sender,
// decides from each outcome what happens next, and writes that down.
//
// It knows no platform and no SQL. One Dispatcher serves one destination, so
// that a destination in trouble can't hold up another.
package outbox

import (
	"context"
	"time"

	"subfive"
)

// Queue is what a Dispatcher needs of the store.
type Queue interface {
	// Take claims up to limit due deliveries of a destination in the order of
	// their next attempt, in one statement: each gets the lease, and is due
	// again at until. It claims nothing while the destination is paused at now,
	// unless probe says that this worker won the probe.
	Take(ctx context.Context, destinationID, leaseID string, now, until time.Time, limit int, probe bool) ([]subfive.Claim, error)
	// Finish records what ended. Rows no longer under their lease are left as
	// they are and returned as lost; their attempts are kept.
	Finish(ctx context.Context, f subfive.Finish) (lost []string, err error)
	// NextDue is when the destination's earliest delivery is due; ok is false
	// when it has none.
	NextDue(ctx context.Context, destinationID string) (at time.Time, ok bool, err error)
	// Pause returns the destination's stored pause.
	Pause(ctx context.Context, destinationID string) (subfive.Pause, error)
	// SetPause writes p if the stored version is still p.Version.
	SetPause(ctx context.Context, p subfive.Pause) (won bool, err error)
}

// Sender makes one exchange with a destination's platform.
type Sender interface {
	// Send renders and sends deliveries of one kind and mode as one request.
	Send(ctx context.Context, destinationID string, ds []subfive.Delivery) Exchange
	// Ask asks what became of deliveries that were submitted under one Ref.
	Ask(ctx context.Context, destinationID string, ds []subfive.Delivery) Exchange
}

// Exchange is how a send ended: one outcome a delivery, in their order, and the
// attempt, nil when no request was made.
type Exchange struct {
	Outcomes []subfive.Outcome
	Attempt  *subfive.Attempt
}
