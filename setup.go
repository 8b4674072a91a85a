package subfive

import (
	"slices"
	"time"
)

// Setup is all that a buyer configured, of one moment: the resources.
type Setup struct {
	// Version grows with each change.
	Version      int64         `json:"version" yaml:"-"`
	Networks     []Network     `json:"networks" yaml:"networks"`
	Endpoints    []Endpoint    `json:"endpoints" yaml:"endpoints"`
	Sources      []Source      `json:"sources" yaml:"sources"`
	LandingPages []LandingPage `json:"landing_pages" yaml:"landing_pages"`
	Offers       []Offer       `json:"offers" yaml:"offers"`
	Campaigns    []Campaign    `json:"campaigns" yaml:"campaigns"`
	Destinations []Destination `json:"destinations" yaml:"destinations"`
}

// DefaultNetwork and DefaultEndpoint exist by themselves.
const (
	DefaultNetwork  = "everflow"
	DefaultEndpoint = "default"
)

// Network is who sends postbacks.
type Network struct {
	ID     string `json:"id" yaml:"id"`
	APIKey string `json:"api_key,omitempty" yaml:"api_key"`
	Region string `json:"region,omitempty" yaml:"region"` // us or eu
}

// Endpoint is where a network posts to.
type Endpoint struct {
	ID            string   `json:"id" yaml:"id"`
	Network       string   `json:"network,omitempty" yaml:"network"`
	Key           string   `json:"key,omitempty" yaml:"key"`
	ClickParam    string   `json:"click_param,omitempty" yaml:"click_param"`
	Direct        string   `json:"direct,omitempty" yaml:"direct"` // a platform: the click ID is that platform's
	DefaultStatus Status   `json:"default_status,omitempty" yaml:"default_status"`
	EmptyClickID  string   `json:"empty_click_id,omitempty" yaml:"empty_click_id"` // fault | organic
	Repeats       string   `json:"repeats,omitempty" yaml:"repeats"`               // hold | count
	Offers        []string `json:"offers,omitempty" yaml:"offers"`
	Destinations  []string `json:"destinations,omitempty" yaml:"destinations"`
	Tee           string   `json:"tee,omitempty" yaml:"tee"`
}

// The values of Endpoint.EmptyClickID and Endpoint.Repeats.
const (
	EmptyFault   = "fault"
	EmptyOrganic = "organic"
	RepeatsHold  = "hold"
	RepeatsCount = "count"
)

// Source is where traffic is bought: one per ad account.
type Source struct {
	ID        string `json:"id" yaml:"id"`
	Platform  string `json:"platform" yaml:"platform"`
	AccountID string `json:"account_id,omitempty" yaml:"account_id"`
	Timezone  string `json:"timezone,omitempty" yaml:"timezone"`
	Currency  string `json:"currency,omitempty" yaml:"currency"`
	// Params are parameters of its links and what the platform fills in there,
	// ad_id: "{{ad.id}}", beside and before those of the platform's template.
	Params map[string]string `json:"params,omitempty" yaml:"params"`
	// Names says under which parameter a dimension (Dimensions) arrives where that
	// is not its own name: ads that already run have links of another tracker.
	Names        map[string]string `json:"names,omitempty" yaml:"names"`
	Destinations []string          `json:"destinations,omitempty" yaml:"destinations"`
}

// LandingPage is a page of the buyer's own.
type LandingPage struct {
	ID  string `json:"id" yaml:"id"`
	URL string `json:"url" yaml:"url"`
}

// Offer is what is promoted, with its link as the buyer pasted it.
type Offer struct {
	ID              string   `json:"id" yaml:"id"`
	Network         string   `json:"network,omitempty" yaml:"network"`
	NetworkOfferID  string   `json:"network_offer_id,omitempty" yaml:"network_offer_id"`
	Link            string   `json:"link" yaml:"link"`
	ClickSlot       string   `json:"click_slot,omitempty" yaml:"click_slot"`
	Window          Duration `json:"window,omitempty" yaml:"window"` // 0: off; gates forwarding, never revenue
	Currency        string   `json:"currency,omitempty" yaml:"currency"`
	Payout          *Micros  `json:"payout,omitempty" yaml:"payout"`         // used only when a postback carries none
	PayoutMax       *Micros  `json:"payout_max,omitempty" yaml:"payout_max"` // above: forwarded only when confirmed
	SensitiveParams []string `json:"sensitive_params,omitempty" yaml:"sensitive_params"`
	// Paused, or with Cap conversions in a day of the reporting time zone, it
	// takes no visitors: they go to the offer Fallback names, if there is one.
	Paused   bool   `json:"paused,omitempty" yaml:"paused"`
	Cap      int    `json:"cap,omitempty" yaml:"cap"` // 0: none
	Fallback string `json:"fallback,omitempty" yaml:"fallback"`
}

// Destination is one configured account on a platform.
type Destination struct {
	ID             string            `json:"id" yaml:"id"`
	Platform       string            `json:"platform" yaml:"platform"`
	Mode           Mode              `json:"mode,omitempty" yaml:"mode"`
	SendOn         []Status          `json:"send_on,omitempty" yaml:"send_on"`
	Goals          map[string]string `json:"goals,omitempty" yaml:"goals"` // network goal → platform event
	Value          ValueRule         `json:"value" yaml:"value"`
	Unmatched      Unmatched         `json:"unmatched,omitempty" yaml:"unmatched"`
	OnApproved     string            `json:"on_approved,omitempty" yaml:"on_approved"`
	OnReversal     string            `json:"on_reversal,omitempty" yaml:"on_reversal"`
	OnPayoutChange string            `json:"on_payout_change,omitempty" yaml:"on_payout_change"`
	FanOut         bool              `json:"fan_out,omitempty" yaml:"fan_out"`
	Delay          Duration          `json:"delay,omitempty" yaml:"delay"`
	// Consent are rows of its own; the first that fits decides, then the
	// built-in ones.
	Consent  []ConsentRule `json:"consent,omitempty" yaml:"consent"`
	MaxBatch int           `json:"max_batch,omitempty" yaml:"max_batch"`
	BaseURL  string        `json:"base_url,omitempty" yaml:"base_url"`
	// CountsForReal: a person knows that its platform counts test events, and
	// wants them.
	CountsForReal bool `json:"counts_for_real,omitempty" yaml:"counts_for_real"`
	// Confirmed are the facts that a person vouched for before it went live, by
	// the names its platform gives them.
	Confirmed []string `json:"confirmed,omitempty" yaml:"confirmed"`
	// Settings is the platform's own part as YAML text, with ${X} unresolved.
	// The store keeps it sealed.
	Settings string `json:"settings,omitempty" yaml:"-"`
	// Account is what it writes to ("meta:1234"), as its forwarder says.
	Account    string     `json:"account,omitempty" yaml:"-"`
	ArchivedAt *time.Time `json:"archived_at,omitempty" yaml:"-"`
}

// Switch is what a person says to switch a destination: its mode, and what he
// vouches for. What is left out stays as it is.
type Switch struct {
	Mode          Mode     `json:"mode"`
	CountsForReal bool     `json:"counts_for_real"`
	Confirmed     []string `json:"confirmed"`
}

// Apply returns the destination switched.
func (s Switch) Apply(d Destination) Destination {
	d.Mode = s.Mode
	d.CountsForReal = d.CountsForReal || s.CountsForReal
	if len(s.Confirmed) > 0 {
		d.Confirmed = s.Confirmed
	}
	return d
}

// The words of Destination.OnReversal and OnPayoutChange that are not an
// event's name.
const (
	ReversalRetract  = "retract"
	ReversalNone     = "none"
	PayoutRestate    = "restate"
	PayoutChangeNone = "none"
)

// ValueRule says what a platform is told a conversion was worth.
type ValueRule struct {
	From     string  `json:"from,omitempty" yaml:"from"` // payout | sale_amount | fixed | none
	Multiply *Micros `json:"multiply,omitempty" yaml:"multiply"`
	Amount   *Micros `json:"amount,omitempty" yaml:"amount"`
	Currency string  `json:"currency,omitempty" yaml:"currency"`
}

// The values of ValueRule.From.
const (
	ValuePayout     = "payout"
	ValueSaleAmount = "sale_amount"
	ValueFixed      = "fixed"
	ValueNone       = "none"
)

// Unmatched says what to do for a conversion without a click: "never", "send",
// or "hold 24h" (wait that long for the click, then send).
type Unmatched string

// Hold returns whether unmatched conversions are sent at all, and how long to
// wait for the click first.
func (u Unmatched) Hold() (send bool, wait time.Duration) {
	switch {
	case u == "send":
		return true, 0
	case len(u) > 5 && u[:5] == "hold ":
		d, err := ParseDuration(string(u[5:]))
		return err == nil, d
	}
	return false, 0
}

// find returns the resource that is called id.
func find[T any](all []T, id string, name func(T) string) (T, bool) {
	i := slices.IndexFunc(all, func(r T) bool { return name(r) == id })
	if i < 0 {
		var none T
		return none, false
	}
	return all[i], true
}

// Endpoint returns the endpoint of that ID.
func (s Setup) Endpoint(id string) (Endpoint, bool) {
	return find(s.Endpoints, id, func(e Endpoint) string { return e.ID })
}

// Source returns the source of that ID.
func (s Setup) Source(id string) (Source, bool) {
	return find(s.Sources, id, func(e Source) string { return e.ID })
}

// Offer returns the offer of that ID.
func (s Setup) Offer(id string) (Offer, bool) {
	return find(s.Offers, id, func(e Offer) string { return e.ID })
}

// Campaign returns the campaign of that ID, archived ones too.
func (s Setup) Campaign(id string) (Campaign, bool) {
	return find(s.Campaigns, id, func(e Campaign) string { return e.ID })
}

// Destination returns the destination of that ID, archived ones too.
func (s Setup) Destination(id string) (Destination, bool) {
	return find(s.Destinations, id, func(e Destination) string { return e.ID })
}

// OfferOfNetwork returns the offer that a network's own number names.
func (s Setup) OfferOfNetwork(network, number string) (Offer, bool) {
	if number == "" {
		return Offer{}, false
	}
	i := slices.IndexFunc(s.Offers, func(o Offer) bool { return o.Network == network && o.NetworkOfferID == number })
	if i < 0 {
		return Offer{}, false
	}
	return s.Offers[i], true
}
