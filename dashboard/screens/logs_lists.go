package screens

import (
	"html/template"
	"strings"
)

// filterForm is one filter of a list, as its form shows it.
type filterForm struct {
	Name, Text string
	Words      []string // all values there are; nil: any text
	Flag       bool     // true or false
}

// head is a column of a list.
type head struct {
	Text, Class string
}

// logCell is what a row has in a column.
type logCell struct {
	Class, Label, Text string
	Title              string // on hover
	HTML               template.HTML
}

// item is a row as the API has it: a view's columns.
type item map[string]any

// text is a column's text; "" for none.
func (i item) text(name string) string {
	switch v := i[name].(type) {
	case string:
		return v
	case float64:
		return number(v)
	}
	return ""
}

// is reports whether a column that is 1 or 0 is 1.
func (i item) is(name string) bool { return i[name] == float64(1) }

// list is one of the lists of what came in and what was told.
type list struct {
	Path, Kind       string // "/outbound", "deliveries"
	Title, One, Many string
	id, at           string // columns
	// counts: how many rows there are is cheap to say.
	counts  bool
	Filters []filterForm
	Heads   []head
	state   func(item) string
	cells   func(*view, item, meanings) []logCell
	// Empty says what will be here, and how to make it appear.
	Empty, Try string
}

var verdictWords = []string{
	"matched", "direct", "waiting", "unmatched", "no_click_id", "outside_window", "before_click", "test", "duplicate", "possible_duplicate",
	"status_change", "payout_change", "not_a_conversion", "quarantined", "broken",
}

// lists are the four lists, by their pages.
func lists() []list {
	return []list{inbound(), outbound(), clicks(), conversions()}
}

func outbound() list {
	return list{
		Path: "/outbound", Kind: "deliveries", Title: "Outbound", One: "delivery", Many: "deliveries", id: "delivery_id", at: "created_at", counts: true,
		Filters: []filterForm{
			{Name: "status", Text: "state", Words: []string{"held", "scheduled", "submitted", "delivered", "dead", "skipped", "dry_run", "tested"}},
			{Name: "destination_id", Text: "destination"},
			{Name: "reason_code", Text: "reason’s code"},
			{Name: "kind", Text: "kind", Words: []string{"conversion", "approval", "retraction", "restatement"}},
			{Name: "mode", Text: "mode", Words: []string{"dry_run", "test", "live"}},
			{Name: "event_name", Text: "event"},
			{Name: "platform", Text: "platform"},
			{Name: "conversion_id", Text: "conversion"},
			{Name: "click_id", Text: "click"},
		},
		Heads: []head{{"State", ""}, {"Destination", ""}, {"Event", ""}, {"Value", "n"}, {"Reason", ""}, {"HTTP", "n opt"}, {"Tries", "n opt"}, {"Next try", "n"}},
		state: func(i item) string {
			if i.is("is_held") {
				return "held"
			}
			return i.text("status")
		},
		cells: func(v *view, i item, m meanings) []logCell {
			event := i.text("event_name")
			if kind := i.text("kind"); kind != "conversion" && kind != "" {
				event += " (" + kind + ")"
			}
			next := logCell{Class: "n", Label: "next"}
			switch {
			case i.is("is_held"):
				next.Text = "on resume"
			case i.text("next_attempt_at") != "":
				next.HTML = v.Clock(i.text("next_attempt_at"))
			}
			return []logCell{
				{Text: i.text("destination_id")},
				{Text: event},
				{Class: "n", Text: money(i["value"], i.text("currency"))},
				{Class: "wide", Text: reasonOf(i), Title: m[i.text("platform")+" "+i.text("last_code")]},
				{Class: "n opt", Label: "HTTP", Text: notZero(i.text("last_http"))},
				{Class: "n opt", Label: "try", Text: notZero(i.text("attempts"))},
				next,
			}
		},
		Empty: "For each conversion, each destination it is owed to will be a line here: what it was told, or why not.",
		Try:   "Which destinations those are, a campaign’s destinations say, else its source’s.",
	}
}

// reasonOf is why a delivery stands where it does, with the platform's code.
func reasonOf(i item) string {
	parts := []string{i.text("reason"), i.text("last_code")}
	if parts[0] == "" {
		parts[0] = words(i.text("reason_code"))
	}
	if parts[1] == "" || strings.Contains(parts[0], parts[1]) {
		return parts[0]
	}
	return strings.TrimPrefix(parts[0]+", "+parts[1], ", ")
}

func notZero(text string) string {
	if text == "0" {
		return ""
	}
	return text
}

func inbound() list {
	return list{
		Path: "/inbound", Kind: "postbacks", Title: "Inbound", One: "postback", Many: "postbacks", id: "postback_id", at: "received_at", counts: true,
		Filters: []filterForm{
			{Name: "verdict", Text: "verdict", Words: verdictWords},
			{Name: "reading", Text: "reading", Words: []string{"ok", "direct", "foreign", "empty_click_id", "literal_macro", "malformed", "quarantined"}},
			{Name: "endpoint_id", Text: "endpoint"},
			{Name: "network_id", Text: "network"},
			{Name: "via", Text: "came by", Words: []string{"s2s", "pixel", "api", "import", "import_forward"}},
			{Name: "goal", Text: "goal"},
			{Name: "click_id", Text: "click"},
			{Name: "transaction_id", Text: "transaction"},
			{Name: "order_id", Text: "order"},
			{Name: "conversion_id", Text: "conversion"},
		},
		Heads: []head{{"Verdict", ""}, {"Endpoint", ""}, {"Goal", ""}, {"Payout", "n"}, {"Reading", ""}, {"Click ID", "opt"}, {"Status", "opt"}, {"Came by", "opt"}},
		state: func(i item) string { return i.text("verdict") },
		cells: func(_ *view, i item, _ meanings) []logCell {
			reading := words(i.text("reading"))
			if hint := i.text("hint"); hint != "" {
				reading += ": " + hint
			}
			return []logCell{
				{Text: i.text("endpoint_id")},
				{Text: i.text("goal")},
				{Class: "n", Text: money(i["payout"], i.text("payout_currency"))},
				{Class: "wide", Text: reading},
				{Class: "opt id", Label: "click", Text: short(i.text("click_id_raw"))},
				{Class: "opt", Label: "status", Text: i.text("network_status")},
				{Class: "opt", Label: "by", Text: i.text("via")},
			}
		},
		Empty: "Each request of your network will be a line here, with what it brought and what was decided.",
		Try:   "Copy an endpoint’s postback URL, and paste it into the network’s form, braces and all.",
	}
}

func conversions() list {
	return list{
		Path: "/conversions", Kind: "conversions", Title: "Conversions", One: "conversion", Many: "conversions", id: "conversion_id", at: "converted_at", counts: true,
		Filters: []filterForm{
			{Name: "verdict", Text: "verdict", Words: verdictWords[:8]},
			{Name: "network_status", Text: "status", Words: []string{"pending", "approved", "rejected"}},
			{Name: "campaign_id", Text: "campaign"},
			{Name: "source_id", Text: "source"},
			{Name: "offer_id", Text: "offer"},
			{Name: "goal", Text: "goal"},
			{Name: "match_method", Text: "matched by", Words: []string{"click", "late", "direct", "manual"}},
			{Name: "counts_conversion", Text: "counts", Flag: true},
			{Name: "is_test", Text: "test", Flag: true},
			{Name: "transaction_id", Text: "transaction"},
			{Name: "order_id", Text: "order"},
			{Name: "click_id", Text: "click"},
		},
		Heads: []head{{"Verdict", ""}, {"Campaign", ""}, {"Goal", ""}, {"Payout", "n"}, {"Told", ""}, {"Status", "opt"}, {"Source", "opt"}, {"Offer", "opt"}},
		state: func(i item) string { return i.text("verdict") },
		cells: func(_ *view, i item, _ meanings) []logCell {
			return []logCell{
				{Text: dash(i.text("campaign_id"))},
				{Text: i.text("goal")},
				{Class: "n", Text: money(i["payout"], i.text("payout_currency"))},
				{Class: "wide", Text: toldOf(i)},
				{Class: "opt", Label: "status", Text: i.text("network_status")},
				{Class: "opt", Label: "source", Text: i.text("source_id")},
				{Class: "opt", Label: "offer", Text: i.text("offer_id")},
			}
		},
		Empty: "What your network pays for will be a line here, once, however often it tells of it.",
		Try:   "The first postback that names a click makes the first one.",
	}
}

// toldOf says how many platforms were told of a conversion.
func toldOf(i item) string {
	text := "nobody"
	if owed := i.text("deliveries_owed"); notZero(owed) != "" {
		text = i.text("deliveries_delivered") + " of " + owed
	}
	for _, what := range []string{"held", "dead", "skipped"} {
		if n := notZero(i.text("deliveries_" + what)); n != "" {
			text += ", " + n + " " + what
		}
	}
	return text
}

func clicks() list {
	return list{
		Path: "/clicks", Kind: "clicks", Title: "Clicks", One: "click", Many: "clicks", id: "click_id", at: "clicked_at",
		Filters: []filterForm{
			{Name: "campaign_id", Text: "campaign"},
			{Name: "source_id", Text: "source"},
			{Name: "platform", Text: "platform"},
			{Name: "offer_id", Text: "offer"},
			{Name: "landing_id", Text: "landing page"},
			{Name: "record_kind", Text: "recorded by", Words: []string{"redirect", "script", "landing", "import"}},
			{Name: "is_bot", Text: "bot", Flag: true},
			{Name: "is_test", Text: "test", Flag: true},
			{Name: "click_id", Text: "click"},
		},
		Heads: []head{{"Recorded by", ""}, {"Campaign", ""}, {"Source", ""}, {"Cost", "n"}, {"Visitor", ""}, {"Platform’s IDs", "opt"}, {"Offer", "opt"}, {"Landing page", "opt"}},
		state: func(i item) string {
			switch {
			case i.is("is_test"):
				return "test"
			case i.is("is_bot"):
				return "bot"
			case i.is("is_prefetch"):
				return "prefetch"
			}
			return i.text("record_kind")
		},
		cells: func(_ *view, i item, _ meanings) []logCell {
			var who, ids []string
			for _, name := range []string{"country", "device", "os", "browser"} {
				if v := i.text(name); v != "" {
					who = append(who, v)
				}
			}
			for _, name := range []string{"fbclid", "fbc", "fbp", "gclid", "gbraid", "wbraid", "ttclid", "ttp", "rdt_cid", "rdt_uuid"} {
				if i.is("has_" + name) {
					ids = append(ids, name)
				}
			}
			return []logCell{
				{Text: dash(i.text("campaign_id"))},
				{Text: i.text("source_id")},
				{Class: "n", Text: money(i["cost"], i.text("cost_currency"))},
				{Class: "wide", Text: strings.Join(who, ", "), Title: i.text("bot_reason")},
				{Class: "opt", Label: "IDs", Text: strings.Join(ids, " ")},
				{Class: "opt", Label: "offer", Text: i.text("offer_id")},
				{Class: "opt", Label: "page", Text: i.text("landing_id")},
			}
		},
		Empty: "Each click on a campaign’s link will be a line here.",
		Try:   "Copy a campaign’s link, and open it as your ad does.",
	}
}

func dash(text string) string {
	if text == "" {
		return "–"
	}
	return text
}

// short is an ID as far as a column has room for it.
func short(id string) string {
	if r := []rune(id); len(r) > 14 {
		return string(r[:14]) + "…"
	}
	return id
}
