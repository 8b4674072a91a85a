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
}
