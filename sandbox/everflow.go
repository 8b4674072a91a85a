package sandbox

import (
	"fmt"
	"time"
)

// The rule by which Everflow turns a postback off, since 2026-03-13. Source:
// helpdesk.everflow.io, "Managing postbacks as a partner".
const (
	// Retries is how often a call that failed is repeated before it counts as
	// one failure.
	Retries = 5
	// FailureLimit is how many failures in a row turn a postback off.
	FailureLimit = 10
	// FailureWindow is how old the first of them may be for that.
	FailureWindow = 72 * time.Hour
)

// Type is what a postback is fired for.
type Type string

// The types. TypeEvent is what comes after the conversion itself and never the
// conversion; TypeCPC is a click that is paid for.
const (
	TypeConversion Type = "conversion"
	TypeEvent      Type = "event"
	TypeCPC        Type = "cpc"
)

// Scope says which offers a postback is fired for.
type Scope string

// The scopes.
const (
	ScopeGlobal   Scope = "global"
	ScopeSpecific Scope = "specific"
)

// maxDelay is the longest delay that Everflow offers.
const maxDelay = 5 * time.Minute

// Postback is one as a partner configures it.
type Postback struct {
	ID      string
	URL     string // a template with {macros}
	Type    Type
	Scope   Scope
	OfferID string        // ScopeSpecific's
	Delay   time.Duration // before it fires, at most 5 min
}

func (p Postback) check() error {
	switch p.Type {
	case TypeConversion, TypeEvent:
	case TypeCPC:
		if p.Scope != ScopeSpecific {
			return fmt.Errorf("postback %s: type cpc is always specific to an offer", p.ID)
		}
	default:
		return fmt.Errorf("postback %s: unknown type %q", p.ID, string(p.Type))
	}
	switch {
	case p.Scope != ScopeGlobal && p.Scope != ScopeSpecific:
		return fmt.Errorf("postback %s: unknown scope %q", p.ID, string(p.Scope))
	case (p.Scope == ScopeSpecific) != (p.OfferID != ""):
		return fmt.Errorf("postback %s: an offer ID goes with scope specific, and only with it", p.ID)
	case p.Delay < 0 || p.Delay > maxDelay:
		return fmt.Errorf("postback %s: delay %s: not from 0 to 5 minutes", p.ID, p.Delay)
	}
	if _, err := postbackURL(p.URL, nil); err != nil {
		return fmt.Errorf("postback %s: %w", p.ID, err)
	}
	return nil
}

func (p Postback) matches(c Conversion) bool {
	return p.Type == c.Type && (p.Scope == ScopeGlobal || p.OfferID == c.OfferID)
}

// Conversion is something that Everflow recorded and tells its partner about.
// Amounts and IDs are texts, sent as they are.
//
// One click session, TransactionID, carries any number of conversions: a sale,
// its events, upsells, renewals. Each has its own ConversionID, and a change of
// status may get another one too.
type Conversion struct {
	Type          Type
	TransactionID string // of the click session
	ConversionID  string
	OfferID       string
	SourceID      string
	OrderID       string
	EventID       string // with EventName: "0", "Base" for the conversion itself
	EventName     string
	Payout        string
	SaleAmount    string
	Status        string
	Sub           [10]string // Sub[4] is {sub5}
	Adv           [10]string
	// Extra are further macros, by their names without braces: which ones there
	// are is the network's decision.
	Extra map[string]string
}

// Attempt is one call of a postback's URL, as View Debug Info shows it.
type Attempt struct {
	PostbackID    string    `json:"postback_id"`
	TransactionID string    `json:"transaction_id"`
	ConversionID  string    `json:"conversion_id"`
	Try           int       `json:"try"` // 1 to 1 + Retries
	At            time.Time `json:"at"`
	URL           string    `json:"url"`
	Status        int       `json:"status"` // 0: no response
	Body          string    `json:"body,omitempty"`
	Err           string    `json:"err,omitempty"`
}

// Outcome is how firing a postback ended.
type Outcome string

// The outcomes.
const (
	OutcomeDelivered Outcome = "delivered" // 2xx
	OutcomeFailed    Outcome = "failed"    // after all retries, counted once
	OutcomeDropped   Outcome = "dropped"   // the postback was off
	OutcomeCanceled  Outcome = "canceled"  // the caller gave up, nothing counted
)

// Fire is one postback fired for one conversion.
type Fire struct {
	PostbackID string
	Outcome    Outcome
	Last       Attempt // the zero Attempt when none was made
	// Deactivated: it was this failure that turned the postback off.
	Deactivated bool
}

// PostbackState is a postback and what became of it so far.
type PostbackState struct {
	Postback
	Active        bool
	DeactivatedAt time.Time // of the last time; zero: never
	Deactivations int
	Failures      int // in a row, within FailureWindow of the last
	Delivered     int
	Failed        int
	Dropped       int // because it was off
	Calls         int // HTTP requests, retries too
}
