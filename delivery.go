package subfive

import (
	"errors"
	"strings"
	"time"
)

// Kind is what a delivery tells a platform.
type Kind string

// The kinds of delivery.
const (
	KindConversion  Kind = "conversion"
	KindApproval    Kind = "approval"    // an event of its own when the network approves
	KindRetraction  Kind = "retraction"  // the network rejected it
	KindRestatement Kind = "restatement" // its value changed
)

// DeliveryStatus is where a delivery stands. scheduled and submitted are
// unfinished; the others are final until a person replays.
type DeliveryStatus string

// The statuses of a delivery. Held is how a scheduled one looks while its
// destination is paused.
const (
	DeliveryScheduled DeliveryStatus = "scheduled"
	DeliverySubmitted DeliveryStatus = "submitted"
	DeliveryDelivered DeliveryStatus = "delivered"
	DeliveryDead      DeliveryStatus = "dead"
	DeliverySkipped   DeliveryStatus = "skipped"
	DeliveryDryRun    DeliveryStatus = "dry_run"
	DeliveryTested    DeliveryStatus = "tested"
)

// Mode is how far a destination is switched on.
type Mode string

// The modes.
const (
	ModeDryRun Mode = "dry_run" // decide and render, send nothing
	ModeTest   Mode = "test"    // send with the platform's test code
	ModeLive   Mode = "live"
)

// Delivery is the promise to tell one destination about one conversion. What is
// told (event name, ID, time, value, kind, page) is frozen when it is made;
// the bytes are rendered from it at each send.
type Delivery struct {
	ID            string    `json:"id"`
	ConversionID  string    `json:"conversion_id"`
	DestinationID string    `json:"destination_id"`
	Platform      string    `json:"platform"`
	Kind          Kind      `json:"kind"`
	Generation    int       `json:"generation"` // 1, and one more for each replay
	Mode          Mode      `json:"mode"`
	EventName     string    `json:"event_name"`
	EventID       string    `json:"event_id"`
	EventTime     time.Time `json:"event_time"`
	Value         *Money    `json:"value,omitempty"`
	PageURL       string    `json:"page_url,omitempty"` // a page the visitor really loaded, or ""
	// LimitedUse: the platform is told to limit what it does with the data.
	LimitedUse bool           `json:"limited_use,omitempty"`
	Status     DeliveryStatus `json:"status"`
	ReasonCode string         `json:"reason_code,omitempty"`
	Reason     string         `json:"reason,omitempty"`

	CreatedAt      time.Time `json:"created_at"`
	NextAttemptAt  time.Time `json:"next_attempt_at,omitzero"`
	DeadlineAt     time.Time `json:"deadline_at,omitzero"` // no send begins after it
	FirstAttemptAt time.Time `json:"first_attempt_at,omitzero"`
	DeliveredAt    time.Time `json:"delivered_at,omitzero"`
	ConfirmedAt    time.Time `json:"confirmed_at,omitzero"`
	Attempts       int       `json:"attempts"` // those that count; throttling and auth trouble do not
	LastHTTP       int       `json:"last_http,omitempty"`
	LastCode       string    `json:"last_code,omitempty"`
	Ref            string    `json:"ref,omitempty"` // the platform's name for a submitted request
	// AmbiguousAt is the first send whose answer we never learned: after it the
	// platform may already have the event.
	AmbiguousAt time.Time `json:"ambiguous_at,omitzero"`
	// WaitsFor is the delivery that must end before this one is sent.
	WaitsFor string `json:"waits_for,omitempty"`

	// Conversion and Click are what happened; Click is nil without one.
	Conversion Conversion `json:"-"`
	Click      *Click     `json:"-"`
	// User is the user data in the clear. Only the Sender fills it, for
	// rendering; it is never stored or logged.
	User map[string]string `json:"-"`
	// SiteURL is the tracker's public URL, the page of last resort.
	SiteURL string `json:"-"`
}

// EventID returns what a platform knows by that is told of a conversion. The
// conversion itself bears its own ID, so that what is told later can name it; a
// test bears another, so that the real event is not taken for its repeat.
func EventID(conversionID string, k Kind, test bool) string {
	id := conversionID
	if k != KindConversion {
		id += "-" + string(k)
	}
	if test {
		id = PrefixTest + id
	}
	return id
}

// OriginalID returns the event ID that the delivery's conversion itself was told
// by: what changes a conversion names it by that.
func (d Delivery) OriginalID() string {
	return EventID(d.ConversionID, KindConversion, strings.HasPrefix(d.EventID, PrefixTest))
}

// Class is what an answer of a platform means.
type Class string

// The classes. ARCHITECTURE: "What an answer means".
const (
	Accepted      Class = "accepted"
	Submitted     Class = "submitted"     // the verdict comes later
	Deferred      Class = "deferred"      // this one alone, not before RetryAfter; no attempt
	Transient     Class = "transient"     // an attempt; back off
	Throttled     Class = "throttled"     // the destination pauses; no attempt
	Unauthorized  Class = "unauthorized"  // refresh once, then pause
	Misconfigured Class = "misconfigured" // pause and alert
	Rejected      Class = "rejected"      // halve, or dead when alone
)

// Outcome is how one send ended for one delivery, or for a whole request.
type Outcome struct {
	Class   Class  `json:"class"`
	HTTP    int    `json:"http,omitempty"`
	Code    string `json:"code,omitempty"`
	Subcode string `json:"subcode,omitempty"`
	Message string `json:"message,omitempty"`
	TraceID string `json:"trace_id,omitempty"` // the platform's: fbtrace_id, request_id
	// Ambiguous: the request may have arrived; nobody told us.
	Ambiguous bool `json:"ambiguous,omitempty"`
	// RetryAfter is a floor for the next try, as the platform said.
	RetryAfter time.Duration `json:"retry_after,omitempty"`
	Ref        string        `json:"ref,omitempty"` // with Submitted: what to ask about
	// Named: the platform named this row, so that the others are innocent.
	Named bool `json:"named,omitempty"`
}

// Attempt is one HTTP exchange with a platform, as a person may see it: without
// credentials.
type Attempt struct {
	ID            string        `json:"id"`
	DestinationID string        `json:"destination_id"`
	StartedAt     time.Time     `json:"started_at"`
	Latency       time.Duration `json:"latency"`
	Method        string        `json:"method"`
	URL           string        `json:"url"`
	RequestHeader string        `json:"request_header,omitempty"`
	RequestBody   string        `json:"request_body,omitempty"`
	AnswerHeader  string        `json:"answer_header,omitempty"`
	AnswerBody    string        `json:"answer_body,omitempty"`
	// Outcome is the whole request's.
	Outcome Outcome       `json:"outcome"`
	Items   []AttemptItem `json:"items"`
}

// AttemptItem is one delivery in an exchange.
type AttemptItem struct {
	DeliveryID string  `json:"delivery_id"`
	Outcome    Outcome `json:"outcome"`
}

// ErrUnauthorized is wrapped by a forwarder's Authorize when the credentials
// are refused for good: the destination pauses until a person mends them.
var ErrUnauthorized = errors.New("credentials refused")

// Pause is why and until when a destination is not claimed from.
type Pause struct {
	DestinationID string    `json:"destination_id"`
	Until         time.Time `json:"until,omitzero"` // zero: not paused
	Reason        string    `json:"reason,omitempty"`
	Code          string    `json:"code,omitempty"`
	Manual        bool      `json:"manual,omitempty"` // by a person: ends only by Resume
	Failures      int       `json:"failures"`         // of probes since it paused
	Streak        int       `json:"streak"`           // failed requests in a row
	Version       int64     `json:"version"`          // for compare-and-set
}
