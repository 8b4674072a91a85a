package subfive

import "time"

// Reading is the receiver's own view of a postback, of the request alone.
type Reading string

// The readings; INTERFACE.md of the public contract explains each.
const (
	ReadingOK           Reading = "ok"
	ReadingDirect       Reading = "direct"
	ReadingForeign      Reading = "foreign"
	ReadingEmptyClickID Reading = "empty_click_id"
	ReadingLiteralMacro Reading = "literal_macro"
	ReadingMalformed    Reading = "malformed"
	ReadingQuarantined  Reading = "quarantined"
)

// The ways in which a postback arrives.
const (
	ViaS2S   = "s2s"
	ViaPixel = "pixel" // browser-side: lower trust, same dedup
	ViaAPI   = "api"   // back-filled from the network's API
	// ViaImport: a person brought it from another tracker's export; nobody is told
	// of it. ViaImportForward: the same, and whoever it is owed to is told.
	ViaImport        = "import"
	ViaImportForward = "import_forward"
)

// GoalBase is the conversion itself, as opposed to an event after it.
const GoalBase = "base"

// Status is a network's opinion of a conversion. It moves only forward.
type Status string

// The statuses. StatusUnknown means that the postback carried none.
const (
	StatusUnknown  Status = ""
	StatusPending  Status = "pending"
	StatusApproved Status = "approved"
	StatusRejected Status = "rejected"
)

// Rank orders statuses: a conversion's status only moves to a higher rank.
func (s Status) Rank() int {
	switch s {
	case StatusUnknown:
		return 0
	case StatusPending:
		return 1
	case StatusApproved:
		return 2
	case StatusRejected:
		return 3
	}
	return 1 // a word we don't know counts as pending
}

// Imported reports whether a person brought the postback, and no network did.
func (p Postback) Imported() bool { return p.Via == ViaImport || p.Via == ViaImportForward }

// Postback is what a network told us, read but not yet judged. An empty string
// or a nil pointer is a field that was missing: empty, a literal macro, or its
// own name.
type Postback struct {
	ID         string    `json:"id"`
	ReceivedAt time.Time `json:"received_at"`
	Request    Request   `json:"request"`
	NetworkID  string    `json:"network_id"`
	EndpointID string    `json:"endpoint_id"`
	Via        string    `json:"via"`

	Reading  Reading `json:"reading"`
	Hint     string  `json:"hint,omitempty"`
	Answered int     `json:"answered"` // the HTTP status we answered

	// ClickIDRaw is the click ID as it arrived, ClickID the same as we look it
	// up: in lower case when it has our form, else unchanged.
	ClickIDRaw string `json:"click_id_raw,omitempty"`
	ClickID    string `json:"click_id,omitempty"`
	// DirectParam names the platform's click parameter (gclid, fbclid, …) when
	// ClickIDRaw holds a raw platform click ID.
	DirectParam string `json:"direct_param,omitempty"`

	// TransactionID is the network's click session: one session can carry a base
	// sale, upsells and renewals. NetworkConversionID is the conversion.
	TransactionID       string `json:"transaction_id,omitempty"`
	NetworkConversionID string `json:"network_conversion_id,omitempty"`
	OrderID             string `json:"order_id,omitempty"`
	NetworkOfferID      string `json:"network_offer_id,omitempty"`

	// GoalID and GoalName are Everflow's event_id and event_name. Either is
	// GoalBase for the conversion itself; both empty: the postback had no goal.
	GoalID   string `json:"goal_id,omitempty"`
	GoalName string `json:"goal_name,omitempty"`

	// Status is the network's word in our terms, StatusWord as it arrived.
	Status     Status `json:"status,omitempty"`
	StatusWord string `json:"status_word,omitempty"`

	PayoutRaw  string  `json:"payout_raw,omitempty"`
	Payout     *Micros `json:"payout,omitempty"`
	SaleAmount *Micros `json:"sale_amount,omitempty"`
	Currency   string  `json:"currency,omitempty"`

	// NetworkAt is the time the network gave, zero if none or unreadable.
	NetworkAt time.Time `json:"network_at,omitzero"`

	IsTest bool `json:"is_test,omitempty"`
	// NotAConversion marks a postback of Everflow's CPC type.
	NotAConversion bool `json:"not_a_conversion,omitempty"`

	UserData map[string]Sealed `json:"user_data,omitempty"`
	// Consent is as in Click, where the network passes it on.
	Consent map[string]string `json:"consent,omitempty"`
}

// Goal returns the postback's goal for people and routing: the event's name,
// else its ID, else GoalBase.
func (p Postback) Goal() string { return goal(p.GoalName, p.GoalID) }

func goal(name, id string) string {
	if name != "" && name != GoalBase {
		return name
	}
	if id != "" {
		return id
	}
	return GoalBase
}

// Param returns the first value of the parameter of exactly that name.
func (r Request) Param(name string) string {
	for _, p := range r.Params {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}
