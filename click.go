package subfive

import "time"

// The ways in which a click is recorded.
const (
	ClickRedirect = "redirect" // GET /c/{campaign}
	ClickScript   = "script"   // subfive.js on a landing page
	ClickLanding  = "landing"  // a visit of a landing page that a redirect led to
	ClickImport   = "import"
)

// Click is our record of an ad click. Its ID travels in the offer link's slot
// (sub5) and comes back in the postback.
type Click struct {
	ID         string    `json:"id"`
	RecordKind string    `json:"record_kind"` // ClickRedirect, …
	ClickedAt  time.Time `json:"clicked_at"`
	Request    Request   `json:"request"`

	CampaignID  string `json:"campaign_id,omitempty"`
	SourceID    string `json:"source_id,omitempty"`
	Platform    string `json:"platform,omitempty"` // the source's
	AdAccountID string `json:"ad_account_id,omitempty"`
	OfferID     string `json:"offer_id,omitempty"`
	LandingID   string `json:"landing_id,omitempty"`
	PathID      string `json:"path_id,omitempty"`
	RuleID      string `json:"rule_id,omitempty"`

	// Location is where the visitor was sent.
	Location string `json:"location,omitempty"`
	// PageURL is a page of ours that the visitor really loaded; empty after a
	// plain redirect.
	PageURL  string `json:"page_url,omitempty"`
	Referrer string `json:"referrer,omitempty"`
	Language string `json:"language,omitempty"`
	// Visitor is what address and user agent say of who came.
	Visitor Visitor `json:"visitor,omitzero"`
	// VisitorID is the browser's, from a cookie of ours; "" without one. VisitNo
	// counts its clicks, from 1.
	VisitorID string `json:"visitor_id,omitempty"`
	VisitNo   int    `json:"visit_no,omitempty"`
	// Ad is which ad it was, in the platform's own IDs and names.
	Ad Ad `json:"ad,omitzero"`
	// Tokens are the source's further parameters, p1 to p20, as they came.
	Tokens map[string]string `json:"tokens,omitempty"`
	// Cost is what the click cost, where the source tells it in the link.
	Cost *Money `json:"cost,omitempty"`

	// LandingViewedAt and LandingClickedAt are when a landing page first told of
	// it, and when its link to the offer was first followed.
	LandingViewedAt  time.Time `json:"landing_viewed_at,omitzero"`
	LandingClickedAt time.Time `json:"landing_clicked_at,omitzero"`

	// Params are the platforms' click IDs and cookies by their parameter's name
	// (fbclid, _fbp, …), byte for byte: never trimmed, cut or re-cased.
	Params map[string]string `json:"params,omitempty"`
	// UserData are the known fields (UserEmail, …), sealed.
	UserData map[string]Sealed `json:"user_data,omitempty"`
	// Consent are consent_ad_user_data, consent_ad_personalization, gpp, gdpr,
	// gdpr_consent and sec_gpc, as given.
	Consent map[string]string `json:"consent,omitempty"`

	// A bot's or a prefetch's click is marked and otherwise treated like any.
	IsBot      bool   `json:"is_bot,omitempty"`
	BotReason  string `json:"bot_reason,omitempty"`
	IsPrefetch bool   `json:"is_prefetch,omitempty"`
	IsTest     bool   `json:"is_test,omitempty"`

	// Version is the stored row's, 0 for a new one: a write that adds what a
	// landing page told demands that it has not moved.
	Version int64 `json:"-"`
}

// Visitor is what an address and a user agent say of who came. A field that is
// not known is empty.
type Visitor struct {
	Country string `json:"country,omitempty"` // ISO 3166-1, two capitals
	Region  string `json:"region,omitempty"`  // ISO 3166-2 without the country, or a name
	City    string `json:"city,omitempty"`
	ASN     uint32 `json:"asn,omitempty"`     // the network's number
	Carrier string `json:"carrier,omitempty"` // the network's name
	Device  string `json:"device,omitempty"`  // DevicePhone, …
	OS      string `json:"os,omitempty"`      // ios, android, windows, macos, linux, chromeos, or the user agent's own word
	Browser string `json:"browser,omitempty"`
}

// The kinds of Visitor.Device.
const (
	DevicePhone   = "phone"
	DeviceTablet  = "tablet"
	DeviceDesktop = "desktop"
	DeviceOther   = "other"
)

// MaxKeyBytes is the most bytes of an ID from outside by which reports add up:
// PostgreSQL's indexes take no more than 2,700 of a row.
const MaxKeyBytes = 128

// Ad is which ad was clicked, in the platform's own IDs and names.
type Ad struct {
	CampaignID   string `json:"campaign_id,omitempty"`
	CampaignName string `json:"campaign_name,omitempty"`
	SetID        string `json:"set_id,omitempty"` // ad set, ad group
	SetName      string `json:"set_name,omitempty"`
	ID           string `json:"id,omitempty"`
	Name         string `json:"name,omitempty"`
	Placement    string `json:"placement,omitempty"`
	Keyword      string `json:"keyword,omitempty"`
	MatchType    string `json:"match_type,omitempty"`
}
