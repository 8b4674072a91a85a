// Package forwarders sends conversions to ad platforms.
//
// Each platform is a folder below this one. A platform translates: it renders a
// delivery as one event, puts events into a request, and says what an answer
// means. It never talks to the network and never decides what happens next.
// Sender does the talking, once, for all of them; package outbox decides.
//
// A new platform is one new folder and one line in forwarders/all.
package forwarders

import (
	"context"
	"net/http"
	"time"

	"subfive"
)

// Forwarder is one destination's platform, configured. All but Authorize is
// pure: the same delivery renders to the same bytes, so that previews, dry runs
// and golden files show what would really go out.
type Forwarder interface {
	// Account is what it writes to, "meta:1234". A destination with history is
	// never pointed at another account.
	Account() string
	// Event renders one delivery as the platform's event. An error says why it
	// can never be sent.
	Event(d subfive.Delivery) ([]byte, error)
	// Request wraps events into the platform's request, without credentials.
	Request(ctx context.Context, b Batch) (*http.Request, error)
	// Authorize adds credentials, last, after the request was captured. With
	// fresh it must not use a cached token. It may replace the body. An error
	// that wraps subfive.ErrUnauthorized pauses the destination; any other is
	// transient.
	Authorize(ctx context.Context, r *http.Request, fresh bool) error
	// Read says what the answer to a request of n events means. The Sender asks
	// it about answers that came, and judges itself why one did not.
	Read(n int, a Answer) Result
}

// Confirmer is a Forwarder whose platform gives its verdict later.
type Confirmer interface {
	// Ask asks about an earlier request by the Ref its outcome carried.
	Ask(ctx context.Context, ref string) (*http.Request, error)
	// ReadStatus says what became of that request's n events.
	ReadStatus(n int, a Answer) Result
}

// Teller is a Forwarder whose settings decide what it can be told: not all of
// its platform's Kinds, with each of the platform's APIs.
type Teller interface {
	Kinds() []subfive.Kind
}

// Limiter is a Forwarder whose platform can limit its use of an event's data only
// where something is known of the visitor. Without it, one with LimitedUse always
// can.
type Limiter interface {
	// Limits says why it can't for a visitor of that country (an ISO 3166 code in
	// capitals) at that IP address, nil if it can; either may be "", not known.
	Limits(country, address string) error
}

// Batch is what one request carries: events of one kind, all test or none.
type Batch struct {
	Kind   subfive.Kind
	Test   bool
	Events [][]byte
}

// Answer is what came back. Err is set, and Status 0, when nothing did, or when
// what began as a success broke off.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte // at most 1 MiB of it
	At     time.Time
	Err    error
	// Test: it answers a request of test events.
	Test bool
	// Sent: the request may have reached the platform, though Err is set.
	Sent bool
}

// Result is an answer's meaning: Each has one outcome an event, or is nil and
// All holds for the whole request.
type Result struct {
	All  subfive.Outcome
	Each []subfive.Outcome
}

// Platform describes one platform and makes its Forwarders.
type Platform struct {
	Name  string
	Kinds []subfive.Kind // what it can be told
	// Goals is what a destination without goals maps; nil: the base to Purchase.
	Goals map[string]string
	// NeedsValue are events that it refuses without a value.
	NeedsValue []string
	// ClickParams are the parameters to capture on links and landing pages, the
	// platform's click ID first.
	ClickParams []string
	MaxBatch    int           // events a request
	MaxBytes    int           // bytes a request
	MaxAge      time.Duration // how old a conversion it takes; 0: no limit of its own
	DedupWindow time.Duration // how long it deduplicates by our event ID; 0: never
	PerSecond   float64       // requests a second; 0: no limit known
	LimitedUse  bool          // it can be told to limit its use of an event's data
	Redirects   []string      // hosts it may redirect to; none by default
	Sample      string        // its settings as YAML with comments
	// Errors are what it answers when it does not take an event. Read classes by
	// the same lines.
	Errors []Entry
	// Check is the event that shows whether a destination works.
	Check Check
	// TestsCount are the events that count as real ones though they carry its
	// test code; empty: none does.
	TestsCount []string
	// BeforeLive is what a person confirms before a destination goes live.
	BeforeLive []Confirmation
	// Keys are what it finds the visitor by, the surest first.
	Keys []Key
	// Rules are what else it asks of an event, a sentence each.
	Rules []string
	// New makes a Forwarder. decode fills the platform's settings struct,
	// strictly: an unknown key is an error. c is for Authorize alone.
	New func(decode func(into any) error, c *http.Client) (Forwarder, error)
}

// Check describes the harmless event that shows whether a destination works. It
// is sent in mode test.
type Check struct {
	// Event is its name in the platform's words; "": there is no check.
	Event string
	// OnlyAsked: it is not harmless, and sent only when a person asks for it.
	OnlyAsked bool
	// Real: it is harmless as a real event, too, and sent as one where the
	// settings allow no test.
	Real bool
	// Code says what a test needs in the settings, and where to get it; "": nothing.
	Code string
	// Harmless says why it changes nothing, or what it leaves behind.
	Harmless string
	// Domains says where to allow the domains that events name; "": they name
	// none.
	Domains string
}

// Confirmation is a fact that no program can see: the platform counts wrongly
// where it does not hold.
type Confirmation struct {
	ID   string // as a destination's confirmed lists it
	Text string // what is confirmed, as a sentence
}
