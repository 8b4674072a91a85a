package subfive

import (
	"errors"
	"time"
)

// Lookup names what the rules must know before a batch can be decided.
type Lookup struct {
	PostbackIDs []string
	VisitIDs    []string
	ClickIDs    []string
	Sessions    []Session
	// WithWaiting asks for the conversions and visits that wait for one of the
	// clicks.
	WithWaiting bool
	// CreditedTo are clicks whose conversions are asked for.
	CreditedTo []string
}

// Session is a network's click session by the keys that a postback brings;
// either may be empty, not both.
type Session struct {
	NetworkID     string
	TransactionID string
	ClickID       string
}

// Known is what the store answers to a Lookup.
type Known struct {
	// Stored are those postback and visit IDs that are recorded already.
	Stored map[string]bool
	// Clicks are those asked for, and those of the conversions below.
	Clicks map[string]Click
	// Groups are all groups that share a transaction ID or a click ID with a
	// session that was asked for, each with all its conversions.
	Groups []Group
	// Versions guard the sessions: key → version, 0 for a session that nobody
	// wrote yet. RecordBatch refuses to write when one has moved.
	Versions map[string]int64
	// Waiting are conversions without a click that wait for one of those asked
	// for.
	Waiting []Conversion
	// Visits are those of the clicks asked for, with WithWaiting, the earliest
	// first.
	Visits []Visit
	// Credited are the conversions of the clicks in CreditedTo.
	Credited []Conversion
	// Deliveries are those of all these conversions.
	Deliveries []Delivery
}

// Keys returns the keys under which writers of this session exclude each other.
// Two postbacks of which one could join the other's group share a key.
func (s Session) Keys() []string {
	var keys []string
	if s.TransactionID != "" {
		keys = append(keys, "t "+s.NetworkID+" "+s.TransactionID)
	}
	if s.ClickID != "" {
		keys = append(keys, "c "+s.NetworkID+" "+s.ClickID)
	}
	return keys
}

// Batch is what attribution decided: all of it is recorded in one transaction,
// or none.
type Batch struct {
	// Positions are the journal's, one a segment: the last record of the batch.
	Positions []Position
	Clicks    []Click
	Visits    []Visit
	// Enriched are stored clicks with what a landing page told of them.
	Enriched  []Click
	Postbacks []Judged
	// Settlements are postbacks already stored, decided anew by a person or by
	// the network's API.
	Settlements []Judged
	Broken      []Broken
	// Tees are copies of the postbacks above that other trackers are to get.
	Tees        []Tee
	Groups      []Group // new, or with a key they lacked; Conversions is not read
	Conversions []Conversion
	Changes     []Change
	Withdrawals []Withdrawal
	// Limited are stored deliveries whose data is to be of limited use, if they
	// were not tried yet.
	Limited    []string
	Deliveries []Delivery
	// Versions are the guards as they were read; those named move by one.
	Versions map[string]int64
	// Promotions are conversions whose click came late, or whose wait ended.
	Promotions []Promotion
	// At is when it was decided.
	At time.Time
}

// Promotion gives a waiting conversion its click, or says that none came. Trace
// is added to that of the conversion's first postback, which takes its verdict.
type Promotion struct {
	Conversion Conversion
	Deliveries []Delivery
	Trace      []Step
}

// Withdrawal takes a delivery back that was never tried: the network rejected
// the conversion before we told anyone, or the visitor took his consent back. One
// that was tried is left alone, and the retraction that waits for it follows.
type Withdrawal struct {
	DeliveryID string
	ReasonCode string
	Reason     string
}

// Broken is a record that could not be decided or stored, kept as it was.
type Broken struct {
	Position Position
	Data     []byte
	Reason   string
}

// ErrConflict says that somebody else wrote one of the batch's sessions since
// it was looked up: look up and decide again.
var ErrConflict = errors.New("a session moved since it was read")

// ErrBadData says that the store refuses a batch for what is in it, not for its
// own state: the batch is tried again record by record.
var ErrBadData = errors.New("the database refuses these values")

// ErrNotFound says that there is nothing of that ID.
var ErrNotFound = errors.New("not found")
