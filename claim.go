package subfive

import "time"

// Claim is a delivery that one worker holds until its lease runs out.
type Claim struct {
	Delivery Delivery
	LeaseID  string
	// Crashes counts leases of this delivery that ran out without a result.
	Crashes int
	// BatchLimit is the largest request it may travel in; 0: the destination's.
	BatchLimit int
}

// Settled is what a worker writes down for a delivery it holds.
type Settled struct {
	DeliveryID string
	// LeaseID fences the write: it changes nothing once another lease was taken.
	LeaseID string
	// Status is the delivery's new one. scheduled and submitted stay in the
	// outbox until NextAttemptAt, all others leave it.
	Status        DeliveryStatus
	ReasonCode    string
	Reason        string
	NextAttemptAt time.Time
	BatchLimit    int
	// Tried: a request left, so that the delivery can no longer be withdrawn.
	Tried bool
	// Counts: it was an attempt of the kind that counts.
	Counts      bool
	AmbiguousAt time.Time // zero: keep what is stored
	DeliveredAt time.Time
	ConfirmedAt time.Time
	LastHTTP    int
	LastCode    string
	Ref         string
}

// Finish is all that ended together at one destination: recorded in one
// transaction.
type Finish struct {
	DestinationID string
	At            time.Time
	Settled       []Settled
	Attempts      []Attempt
	// Revived are dead deliveries that go back to scheduled: it was the
	// configuration, not they.
	Revived []string
}
