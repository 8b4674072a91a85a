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
	Redirects   []string      // hosts it may redirect to; none by default
	Sample      string        // its settings as YAML with comments
	// New makes a Forwarder. decode fills the platform's settings struct,
	// strictly: an unknown key is an error. c is for Authorize alone.
	New func(decode func(into any) error, c *http.Client) (Forwarder, error)
}
