package subfive

import "time"

// Visit is what a landing page told of a click: that the page was seen, or that
// its link to the offer was followed, with what only the page knows. It comes
// before or after its click, on any node.
type Visit struct {
	ID      string    `json:"id"`
	ClickID string    `json:"click_id"`
	Kind    string    `json:"kind"` // GoalLandingView, GoalLandingClick, or "": only more became known
	At      time.Time `json:"at"`
	Request Request   `json:"request"`

	LandingID string `json:"landing_id,omitempty"`
	OfferID   string `json:"offer_id,omitempty"`
	PageURL   string `json:"page_url,omitempty"` // the page that was loaded
	Referrer  string `json:"referrer,omitempty"`

	// Params, UserData and Consent are as in Click.
	Params   map[string]string `json:"params,omitempty"`
	UserData map[string]Sealed `json:"user_data,omitempty"`
	Consent  map[string]string `json:"consent,omitempty"`
}

// PrefixVisit begins the ID of a visit.
const PrefixVisit = "vs_"

// Our own goals: what happens on a landing page. A destination that maps one is
// told of it; they count neither as conversions nor as revenue.
const (
	GoalLandingView  = "lp_view"
	GoalLandingClick = "lp_click"
)

// IsOwnGoal reports whether it happened on a landing page of ours: no network
// told us, and it counts nowhere.
func (c Conversion) IsOwnGoal() bool {
	return c.PostbackID == "" && (c.GoalName == GoalLandingView || c.GoalName == GoalLandingClick)
}
