// Package outbox delivers: it claims what is due, hands batches to a Sender,
// decides from each outcome what happens next, and writes that down.
//
// It knows no platform and no SQL, and it never decides whether something is
// owed: a Queue says what is due, a Sender says what a platform answered. One
// Dispatcher serves one destination, so that a destination in trouble can't
// hold up another; a Pool runs the dispatchers of a setup.
//
// What holds whatever happens:
//
//   - Each write after a claim is fenced by the claim's lease. A worker that
//     was too slow changes nothing.
//   - Time bounds the tries, never their number: until the delivery's deadline,
//     or, once a send's answer was lost, until the platform forgets our IDs.
//   - A pause is stored before the outcome that caused it, so that no claim
//     follows it, on any node.
//   - A bad event among n costs at most 2⌈log₂ n⌉ + 3 requests, and no good
//     event its delivery.
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
	// again at until. It claims nothing while a pause is stored, though it has
	// run out, unless probe says that this worker won the probe; and never while
	// a person's is.
	Take(ctx context.Context, destinationID, leaseID string, now, until time.Time, limit int, probe bool) ([]subfive.Claim, error)
	// Abandon gives back at now whatever a Take of that lease claimed, when its
	// answer was lost: nothing of it was sent.
	Abandon(ctx context.Context, destinationID, leaseID string, now time.Time) error
	// Finish records what ended. Rows no longer under their lease are left as
	// they are and returned as lost; their attempts are kept. It ends the lease
	// of those that stay. An error that wraps subfive.ErrBadData says that
	// trying again with the same values is useless.
	Finish(ctx context.Context, f subfive.Finish) (lost []string, err error)
	// NextDue is when the destination's earliest delivery is due; ok is false
	// when it has none.
	NextDue(ctx context.Context, destinationID string) (at time.Time, ok bool, err error)
	// Pause returns the destination's stored pause; one never stored is zero
	// but for its DestinationID.
	Pause(ctx context.Context, destinationID string) (subfive.Pause, error)
	// SetPause writes p, with the next version, if the stored version is still
	// p.Version; 0 is that of a pause never stored.
	SetPause(ctx context.Context, p subfive.Pause) (won bool, err error)
}

// Sender makes one exchange with a destination's platform. It bounds the time
// that takes, and its errors are outcomes.
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

// The codes by which a Sender says that a delivery did not travel in the
// request.
const (
	CodeBatchFull  = "batch_full" // with Deferred: the request was full
	CodeUnsendable = "unsendable" // with Rejected and Named: it can't be rendered
)

// Observer is told what to count. Its methods are called from the dispatchers'
// goroutines, after what they tell is committed.
type Observer interface {
	// Answered is called once for each delivery of a request that ended.
	Answered(destinationID string, class subfive.Class)
	// Delivered says how long after it was made a delivery was delivered.
	Delivered(destinationID string, after time.Duration)
	// Paused is called when a pause of a destination begins, changes or, with
	// a zero Until, ends.
	Paused(p subfive.Pause)
}

type noObserver struct{}

func (noObserver) Answered(string, subfive.Class)  {}
func (noObserver) Delivered(string, time.Duration) {}
func (noObserver) Paused(subfive.Pause)            {}
