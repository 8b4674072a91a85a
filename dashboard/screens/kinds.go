package screens

import (
	"fmt"
	"strings"
)

// field is one of a resource's in its form.
type field struct {
	Kind, Path, Label, Hint string
	// Of is the list whose IDs can be chosen, and Choices the words that can.
	Of      string
	Choices []string
	// Short fields hold a word.
	Short    bool
	Required bool
}

// Name is what the form calls it.
func (f field) Name() string { return f.Kind + ":" + f.Path }

// column is one of a list's.
type column struct {
	Head string
	Path string
}

// kind is a kind of resource as its pages show it.
type kind struct {
	List, One string // as the API names them: landing_pages, landing page
	Title     string
	// Empty says what will be there, and how.
	Empty   string
	Fields  []field
	Columns []column
	// Groups are lists of parts that have fields of their own.
	Groups []string
	// Fold are the paths of fields that few need.
	Fold []string
}

// Many is what several of the kind are called.
func (k kind) Many() string { return strings.ReplaceAll(k.List, "_", " ") }

// Count is how many there are, in words.
func (k kind) Count(n int) string { return plural(n, k.One, k.Many()) }

// Path is the address of the kind's list.
func (k kind) Path() string { return Root + "/" + k.List }

// folded reports whether a field is one that few need.
func (k kind) folded(path string) bool {
	for _, fold := range k.Fold {
		if path == fold || strings.HasPrefix(path, fold+".") {
			return true
		}
	}
	return false
}

func kinds() []kind {
	return []kind{sourceKind(), offerKind(), campaignKind(), landingKind(), endpointKind(), networkKind(), destinationKind()}
}

func kindNamed(list string) kind {
	for _, k := range kinds() {
		if k.List == list {
			return k
		}
	}
	panic(fmt.Sprintf("there is no kind %q", list)) // routes are made of kinds
}

func sourceKind() kind {
	return kind{
		List: "sources", One: "source", Title: "Sources",
		Empty: "Each ad account that you buy traffic with will be a line here. Its platform’s template knows the tokens of the link.",
		Fields: []field{
			{Kind: kindChoice, Path: "platform", Label: "Platform", Choices: []string{"meta", "tiktok", "reddit", "google", "other"}, Short: true, Required: true, Hint: "Where the ads run. Of other, say the link’s parameters below."},
			{Kind: kindText, Path: "account_id", Label: "Ad account", Short: true, Hint: "The platform’s number of it. Costs are joined by it."},
			{Kind: kindText, Path: "timezone", Label: "Its time zone", Short: true, Hint: "As the platform counts its days: America/New_York."},
			{Kind: kindText, Path: "currency", Label: "Its currency", Short: true, Hint: "ISO 4217. Left out: USD."},
			{Kind: kindChecks, Path: "destinations", Label: "Tells", Of: "destinations", Hint: "Who is told of its conversions, where a campaign names nobody."},
			{Kind: kindMap, Path: "params", Label: "Link’s parameters", Hint: "A line each: name: token, such as ad_id: {{ad.id}}. They stand beside and before the template’s; a name alone takes one out."},
			{Kind: kindMap, Path: "names", Label: "Other names", Hint: "A line each: dimension: parameter, where ads that already run call it otherwise."},
		},
		Columns: []column{{"Platform", "platform"}, {"Ad account", "account_id"}, {"Currency", "currency"}, {"Tells", "destinations"}},
		Fold:    []string{"params", "names"},
	}
}

func offerKind() kind {
	return kind{
		List: "offers", One: "offer", Title: "Offers",
		Empty: "Each offer that you promote will be a line here, with its link as the network gave it: only the slot for our click ID changes.",
		Fields: []field{
			{Kind: kindText, Path: "link", Label: "Tracking link", Required: true, Hint: "As Everflow’s offer page gives it. Do not edit it."},
			{Kind: kindText, Path: "click_slot", Label: "Slot for our click ID", Short: true, Hint: "The parameter that the network leaves free. Left out: sub5. A sample value in it is replaced."},
			{Kind: kindChoice, Path: "network", Label: "Network", Of: "networks", Short: true, Hint: "Who pays."},
			{Kind: kindText, Path: "network_offer_id", Label: "Its number there", Short: true, Hint: "The network’s number of the offer, as {offer_id} brings it."},
			{Kind: kindNumber, Path: "payout", Label: "Payout", Short: true, Hint: "Used only when a postback brings none."},
			{Kind: kindText, Path: "currency", Label: "Currency", Short: true, Hint: "ISO 4217. Left out: USD."},
			{Kind: kindNumber, Path: "payout_max", Label: "Payout ceiling", Short: true, Hint: "Above it, a conversion is forwarded only when you confirm it."},
			{Kind: kindText, Path: "window", Label: "Attribution window", Short: true, Hint: "How long after a click a conversion is forwarded: 30d. Revenue counts in any case."},
			{Kind: kindNumber, Path: "cap", Label: "Cap a day", Short: true, Hint: "After so many conversions in a day visitors go to the fallback."},
			{Kind: kindChoice, Path: "fallback", Label: "Fallback", Of: "offers", Short: true, Hint: "The offer that takes them while this one is paused or full."},
			{Kind: kindFlag, Path: "paused", Label: "Paused", Hint: "It takes no visitors."},
			{Kind: kindList, Path: "sensitive_params", Label: "Sensitive parameters", Hint: "They may say what the visitor looked at, and never leave for a platform. Left out: sub1 to sub4. No such parameter: none."},
		},
		Columns: []column{{"Link", "link"}, {"Slot", "click_slot"}, {"Number", "network_offer_id"}, {"Payout", "payout"}, {"Paused", "paused"}},
		Fold:    []string{"payout_max", "window", "cap", "fallback", "paused", "sensitive_params"},
	}
}

func campaignKind() kind {
	return kind{
		List: "campaigns", One: "campaign", Title: "Campaigns",
		Empty: "A campaign joins a source and an offer, and is the link that your ads lead to. Each will be a line here.",
		Fields: []field{
			{Kind: kindChoice, Path: "source", Label: "Source", Of: "sources", Short: true, Required: true, Hint: "Where its ads run."},
			{Kind: kindChoice, Path: "offer", Label: "Offer", Of: "offers", Short: true, Hint: "Where visitors go, unless a path says otherwise."},
			{Kind: kindChoice, Path: "landing", Label: "Landing page", Of: "landing_pages", Short: true, Hint: "Shown before the offer. Google’s ads need one."},
			{Kind: kindChecks, Path: "destinations", Label: "Tells", Of: "destinations", Hint: "Who is told of its conversions. Nobody chosen: whom the source tells."},
			{Kind: kindList, Path: "aliases", Label: "Old addresses", Hint: "Paths of another tracker’s links that lead here, with commas between them."},
			{Kind: kindFlag, Path: "paused", Label: "Paused", Hint: "Its link sends nobody on."},
		},
		Columns: []column{{"Source", "source"}, {"Offer", "offer"}, {"Landing page", "landing"}, {"Tells", "destinations"}, {"Paused", "paused"}},
		Groups:  []string{"paths", "rules"},
		Fold:    []string{"aliases", "paused"},
	}
}

func landingKind() kind {
	return kind{
		List: "landing_pages", One: "landing page", Title: "Landing pages",
		Empty:   "Pages of your own that stand between the ad and the offer. Each will be a line here, with the script that it needs.",
		Fields:  []field{{Kind: kindText, Path: "url", Label: "Address", Required: true, Hint: "https://, as visitors see it."}},
		Columns: []column{{"Address", "url"}},
	}
}

func endpointKind() kind {
	return kind{
		List: "endpoints", One: "endpoint", Title: "Endpoints",
		Empty: "Where networks post to.",
		Fields: []field{
			{Kind: kindChoice, Path: "network", Label: "Network", Of: "networks", Short: true, Hint: "Who posts here."},
			{Kind: kindSecret, Path: "key", Label: "Key", Short: true, Hint: "Stands in the postback URL and shows that it is the network who posts."},
			{Kind: kindText, Path: "click_param", Label: "Click ID arrives in", Short: true, Hint: "Left out: click_id."},
			{Kind: kindChecks, Path: "offers", Label: "Offers", Of: "offers", Hint: "That come in here. None chosen: all."},
			{Kind: kindChecks, Path: "destinations", Label: "Tells", Of: "destinations", Hint: "Who is told of conversions without a click; with one, only those that the campaign names too."},
			{Kind: kindChoice, Path: "default_status", Label: "Status of none", Choices: []string{"pending", "approved", "rejected"}, Short: true, Hint: "Of a postback that says none."},
			{Kind: kindChoice, Path: "empty_click_id", Label: "No click ID means", Choices: []string{"fault", "organic"}, Short: true, Hint: "A fault in the link, or a visitor who came by himself."},
			{Kind: kindChoice, Path: "repeats", Label: "Possible duplicates", Choices: []string{"hold", "count"}, Short: true, Hint: "Held until somebody decides, or counted."},
			{Kind: kindChoice, Path: "direct", Label: "Direct mode", Choices: []string{"meta", "tiktok", "reddit", "google"}, Short: true, Hint: "The network returns that platform’s own click ID: no click of ours is needed."},
			{Kind: kindText, Path: "tee", Label: "Copy to", Hint: "Another tracker’s postback URL that gets each postback too. *** stands for what is stored."},
		},
		Columns: []column{{"Network", "network"}, {"Key", "key"}, {"Offers", "offers"}, {"Tells", "destinations"}, {"Status of none", "default_status"}},
		Fold:    []string{"click_param", "default_status", "empty_click_id", "repeats", "direct", "tee"},
	}
}

func networkKind() kind {
	return kind{
		List: "networks", One: "network", Title: "Networks",
		Empty: "Who sends postbacks.",
		Fields: []field{
			{Kind: kindSecret, Path: "api_key", Label: "API key", Hint: "Everflow: Settings → API keys. With it our numbers are compared with the network’s, and what was missed is fetched."},
			{Kind: kindChoice, Path: "region", Label: "Region", Choices: []string{"us", "eu"}, Short: true, Hint: "Where its API is."},
		},
		Columns: []column{{"Region", "region"}, {"API key", "api_key"}},
	}
}

func destinationKind() kind {
	return kind{
		List: "destinations", One: "destination", Title: "Destinations",
		Empty: "Each ad account that is told of conversions will be a line here. A new one begins in dry run: you see what it would get, and nothing leaves.",
		Fields: []field{
			{Kind: kindMap, Path: "goals", Label: "Events", Hint: "A line each: the network’s goal: the platform’s event. base is the conversion itself."},
			{Kind: kindChecks, Path: "send_on", Label: "Told when", Choices: []string{"pending", "approved"}, Hint: "The network’s status of the conversion."},
			{Kind: kindChoice, Path: "value.from", Label: "Value", Choices: []string{"payout", "sale_amount", "fixed", "none"}, Short: true, Hint: "What the platform is told that it was worth."},
			{Kind: kindNumber, Path: "value.multiply", Label: "Times", Short: true, Hint: "1 leaves it as it is."},
			{Kind: kindNumber, Path: "value.amount", Label: "Fixed amount", Short: true, Hint: "With fixed alone."},
			{Kind: kindText, Path: "value.currency", Label: "In", Short: true, Hint: "ISO 4217, the fixed amount’s or what others are converted to."},
			{Kind: kindText, Path: "unmatched", Label: "Without a click", Short: true, Hint: "never, send, or hold 24h: wait so long for the click, then send."},
			{Kind: kindText, Path: "on_approved", Label: "On approval", Short: true, Hint: "An event of its own when the network approves. Empty: none."},
			{Kind: kindText, Path: "on_reversal", Label: "On reversal", Short: true, Hint: "retract, none, or an event’s name."},
			{Kind: kindChoice, Path: "on_payout_change", Label: "On a new payout", Choices: []string{"restate", "none"}, Short: true},
			{Kind: kindFlag, Path: "fan_out", Label: "All platforms", Hint: "It is told of clicks of other platforms too."},
			{Kind: kindText, Path: "delay", Label: "Delay", Short: true, Hint: "How long to wait before telling: 1h."},
			{Kind: kindNumber, Path: "max_batch", Label: "Events a request", Short: true},
			{Kind: kindText, Path: "base_url", Label: "Other address", Hint: "Instead of the platform’s, for a stand-in or a gateway."},
		},
		Columns: []column{{"Platform", "platform"}, {"Account", "account"}, {"Mode", "mode"}, {"State", "state"}},
		Fold:    []string{"value.multiply", "value.amount", "value.currency", "unmatched", "on_approved", "on_reversal", "on_payout_change", "fan_out", "delay", "max_batch", "base_url"},
	}
}
