package subfive

import (
	"strings"
	"time"
)

// Verdict is what attribution decided about a postback.
type Verdict string

// The verdicts. A conversion has one of the first five, or test.
const (
	VerdictMatched           Verdict = "matched"
	VerdictDirect            Verdict = "direct"
	VerdictWaiting           Verdict = "waiting"
	VerdictUnmatched         Verdict = "unmatched"
	VerdictNoClickID         Verdict = "no_click_id"
	VerdictOutsideWindow     Verdict = "outside_window"
	VerdictBeforeClick       Verdict = "before_click"
	VerdictTest              Verdict = "test"
	VerdictDuplicate         Verdict = "duplicate"
	VerdictPossibleDuplicate Verdict = "possible_duplicate"
	VerdictStatusChange      Verdict = "status_change"
	VerdictPayoutChange      Verdict = "payout_change"
	VerdictNotAConversion    Verdict = "not_a_conversion"
	VerdictQuarantined       Verdict = "quarantined"
	VerdictBroken            Verdict = "broken"
)

// How a conversion came by its click.
const (
	MatchClick  = "click"  // the click was there
	MatchLate   = "late"   // the click came after the conversion
	MatchDirect = "direct" // a raw platform click ID, no click of ours
	MatchManual = "manual" // a person attached it
)

// Where a conversion's time or value came from.
const (
	FromMacro        = "macro"
	FromAPI          = "api"
	FromArrival      = "arrival"
	FromImport       = "import"
	FromPostback     = "postback"
	FromOfferDefault = "offer_default"
)

// Conversion is something a network pays for, recorded once. Several postbacks
// may speak of it.
type Conversion struct {
	ID         string  `json:"id"`
	GroupID    string  `json:"group_id,omitempty"` // empty: nothing to deduplicate by
	NetworkID  string  `json:"network_id"`
	EndpointID string  `json:"endpoint_id"`
	PostbackID string  `json:"postback_id"` // the first one
	Via        string  `json:"via"`         // ViaPixel until an S2S postback confirms it
	Verdict    Verdict `json:"verdict"`
	IsTest     bool    `json:"is_test,omitempty"`
	// MarkedFrom is the verdict that it had before a person marked it as a test;
	// empty: nobody did.
	MarkedFrom Verdict `json:"marked_from,omitempty"`
	Backfilled bool    `json:"backfilled,omitempty"`

	// ReceivedClickID never changes; AttributedClickID is the click it counts
	// for, set when the click is found or by a person.
	ReceivedClickID   string `json:"received_click_id,omitempty"`
	AttributedClickID string `json:"attributed_click_id,omitempty"`
	MatchMethod       string `json:"match_method,omitempty"`
	// DirectParam and DirectValue are the raw platform click ID in direct mode.
	DirectParam string `json:"direct_param,omitempty"`
	DirectValue string `json:"direct_value,omitempty"`

	// NetworkConversionIDs are all that were seen for this conversion: a status
	// change may get one of its own.
	NetworkConversionIDs []string `json:"network_conversion_ids,omitempty"`
	TransactionID        string   `json:"transaction_id,omitempty"`
	OrderID              string   `json:"order_id,omitempty"`
	GoalID               string   `json:"goal_id,omitempty"`
	GoalName             string   `json:"goal_name,omitempty"`
	Seq                  int      `json:"seq"` // its number in its group, from 1

	// FirstStatus and Status are "" while no postback carried one.
	FirstStatus     Status    `json:"first_status,omitempty"`
	Status          Status    `json:"status,omitempty"`
	StatusWord      string    `json:"status_word,omitempty"`
	StatusChangedAt time.Time `json:"status_changed_at,omitzero"`
	ApprovedAt      time.Time `json:"approved_at,omitzero"`
	RejectedAt      time.Time `json:"rejected_at,omitzero"`

	ConvertedAt     time.Time `json:"converted_at"`
	ConvertedAtFrom string    `json:"converted_at_from"`
	ReceivedAt      time.Time `json:"received_at"`
	ClickedAt       time.Time `json:"clicked_at,omitzero"`

	PayoutFirst *Micros `json:"payout_first,omitempty"`
	Payout      *Micros `json:"payout,omitempty"`
	ValueFrom   string  `json:"value_from,omitempty"`
	Currency    string  `json:"currency,omitempty"`
	SaleAmount  *Micros `json:"sale_amount,omitempty"`
	// PayoutChangedAt is when the payout took its present value, in the
	// network's time: what is older changes nothing.
	PayoutChangedAt time.Time `json:"payout_changed_at,omitzero"`

	CampaignID     string `json:"campaign_id,omitempty"`
	SourceID       string `json:"source_id,omitempty"`
	OfferID        string `json:"offer_id,omitempty"` // ours, of the click; else found by NetworkOfferID
	NetworkOfferID string `json:"network_offer_id,omitempty"`

	// Subs are sub1…sub10 and adv1…adv10 as the postback brought them.
	Subs     map[string]string `json:"subs,omitempty"`
	UserData map[string]Sealed `json:"user_data,omitempty"`
	// Consent is what its postbacks brought, as in Click. With a click the more
	// careful of both holds.
	Consent        map[string]string `json:"consent,omitempty"`
	AlsoReceivedBy []string          `json:"also_received_by,omitempty"` // other endpoints' IDs

	// ReviewAt is when the sweep looks at it again: a waiting one for its click,
	// its end, or a destination's hold. Zero: never.
	ReviewAt time.Time `json:"review_at,omitzero"`
	// Version is the stored row's, 0 for a new one: a write demands that it has
	// not moved.
	Version int64 `json:"-"`
}

// Goal returns the goal for people and routing: the event's name, else its ID,
// else GoalBase.
func (c Conversion) Goal() string { return goal(c.GoalName, c.GoalID) }

// IsBase reports whether it is the conversion itself, not an event after it.
func (c Conversion) IsBase() bool { return strings.EqualFold(c.Goal(), GoalBase) }

// Counts reports whether the conversion counts as one in reports, and with it
// its payout as revenue: what counts as one counts as the other.
func (c Conversion) Counts() bool {
	if c.IsOwnGoal() {
		return false
	}
	switch c.Verdict {
	case VerdictMatched, VerdictDirect, VerdictWaiting, VerdictUnmatched, VerdictOutsideWindow, VerdictBeforeClick:
		return true
	case VerdictNoClickID:
		return c.TransactionID != "" || len(c.NetworkConversionIDs) > 0 || c.Payout != nil
	case VerdictTest, VerdictDuplicate, VerdictPossibleDuplicate, VerdictStatusChange, VerdictPayoutChange,
		VerdictNotAConversion, VerdictQuarantined, VerdictBroken:
		return false
	}
	return false
}

// Change is one change of a conversion's field after it was recorded.
type Change struct {
	ConversionID string    `json:"conversion_id"`
	Field        string    `json:"field"`
	Old          string    `json:"old"`
	New          string    `json:"new"`
	At           time.Time `json:"at"` // in the network's time where it gave one
	By           string    `json:"by"` // postback, api, person
	PostbackID   string    `json:"postback_id,omitempty"`
}

// Step is one line of a decision trace: what was asked, what was found, what
// followed. A person reads it in "why?".
type Step struct {
	Step   string `json:"step"` // identify, group, match, window, route, …
	Result string `json:"result"`
	Detail string `json:"detail,omitempty"`
}

// Judged is a postback with what attribution decided about it.
type Judged struct {
	Postback            Postback
	Verdict             Verdict
	GroupID             string
	ConversionID        string // the conversion it made or speaks of
	DuplicateOf         string // the postback it repeats
	PossibleDuplicateOf string // the conversion it may repeat
	Trace               []Step
	// SettledAs and SettledBy are set once a possible duplicate was decided or a
	// quarantined postback accepted.
	SettledAs string
	SettledBy string
}

// Group is one click session of one network: the conversions that may be the
// same ones.
type Group struct {
	ID            string
	NetworkID     string
	TransactionID string
	ClickID       string
	Conversions   []Conversion
}
