package store

import (
	"slices"
	"strconv"
)

// ReportDimension is what a report can be broken down by, and narrowed to.
type ReportDimension struct {
	Name       string `json:"name"`
	Title      string `json:"title"`
	Definition string `json:"definition"`
	// ReadFrom says what the dimension needs: days and hours are kept as sums;
	// rows are counted one by one, 24 hours at most unless in the background.
	ReadFrom string `json:"read_from"`
	// Time: it is a piece of time, and narrowed by since and until.
	Time bool `json:"time"`

	days, hours bool                // it is a column of the rollup
	click       func(*Store) string // of clicks k; nil: a click has none
	conversion  func(*Store) string // of conversions v, in place of click
}

// The pieces of time.
const (
	byHour  = "hour"
	byDay   = "day"
	byWeek  = "week"
	byMonth = "month"
)

// ReportDimensions are all dimensions.
func ReportDimensions() []ReportDimension {
	all := []ReportDimension{
		{Name: byDay, Title: "Day", Definition: "the day in the report's time zone", Time: true, days: true, hours: true},
		{Name: byWeek, Title: "Week", Definition: "the week, by its Monday", Time: true, days: true, hours: true},
		{Name: byMonth, Title: "Month", Definition: "the month", Time: true, days: true, hours: true},
		{Name: byHour, Title: "Hour", Definition: "the hour", Time: true, hours: true},
		both("source_id", "Source", "where the traffic was bought; empty: no click of ours"),
		both("campaign_id", "Campaign", "our campaign; empty on spend that fits no click"),
		both("offer_id", "Offer", "our offer"),
		{Name: "ad_account_id", Title: "Ad account", Definition: "the platform's account", days: true, click: column("k.ad_account_id")},
		{Name: "platform", Title: "Platform", Definition: "the source's platform", days: true, click: column("k.platform")},
		{Name: "platform_campaign_id", Title: "Platform campaign", Definition: "the platform's campaign", days: true, click: inClick("ad", "campaign_id")},
		{Name: "adset_id", Title: "Ad set", Definition: "its ad set or ad group", days: true, click: inClick("ad", "set_id")},
		{Name: "ad_id", Title: "Ad", Definition: "its ad", days: true, click: inClick("ad", "id")},
		{Name: "country", Title: "Country", Definition: "where the click's address was, ISO 3166", hours: true, click: inClick("visitor", "country")},
		{Name: "device", Title: "Device", Definition: "phone, tablet, desktop or other", hours: true, click: inClick("visitor", "device")},
	}
	for _, d := range []struct {
		name, title, definition string
		of                      func(*Store) string
	}{
		{"landing_id", "Landing page", "the landing page shown", column("k.landing_id")},
		{"path_id", "Path", "the path through the campaign", inClick("path_id")},
		{"rule_id", "Rule", "the rule that chose it", inClick("rule_id")},
		{"record_kind", "Recorded as", "redirect, script, landing or import", column("k.record_kind")},
		{"placement", "Placement", "where the ad was shown", inClick("ad", "placement")},
		{"keyword", "Keyword", "what was searched for", inClick("ad", "keyword")},
		{"match_type", "Match type", "how the keyword fitted", inClick("ad", "match_type")},
		{"region", "Region", "the region, where a database of the owner's says", inClick("visitor", "region")},
		{"carrier", "Network", "the network, where a database of the owner's says", inClick("visitor", "carrier")},
		{"os", "OS", "the operating system", inClick("visitor", "os")},
		{"browser", "Browser", "the browser, or the app around it", inClick("visitor", "browser")},
		{"language", "Language", "what the browser asked for", inClick("language")},
		{"referrer_host", "Referrer", "the site before", hostIn("referrer")},
		{"landing_host", "Site", "the site of ours that was loaded", hostIn("page_url")},
		{"bot_reason", "Bot reason", "why a click looks like a bot's", inClick("bot_reason")},
		{"consent_ad_user_data", "Consent: user data", "as given", inClick("consent", "consent_ad_user_data")},
		{"consent_ad_personalization", "Consent: personalization", "as given", inClick("consent", "consent_ad_personalization")},
	} {
		all = append(all, ReportDimension{Name: d.name, Title: d.title, Definition: d.definition, click: d.of})
	}
	for i, name := range tokenNames() {
		all = append(all, ReportDimension{Name: name, Title: "Parameter " + strconv.Itoa(i+1), Definition: "the source's own parameter " + strconv.Itoa(i+1), click: inClick("tokens", name)})
	}
	for _, d := range []struct {
		name, title, definition string
		of                      func(*Store) string
	}{
		{"goal", "Goal", "what the visitor did", column("v.goal")},
		{"match_method", "Match", "how the click was found: click, late, direct or manual", column("v.match_method")},
		{"verdict", "Verdict", "what was decided about the conversion", column("v.verdict")},
		{"network", "Network", "who pays", column("v.network_id")},
		{"network_status", "Status", "pending, approved, rejected, or none", column("v.network_status")},
		{"endpoint_id", "Endpoint", "where the conversion came in", column("v.endpoint_id")},
		{"payout_currency", "Currency", "the currency of the conversion's amounts", column("v.currency")},
		{"offer_id_reported", "Offer reported", "the network's number for the offer", inConversion("network_offer_id")},
		{"value_from", "Value from", "postback, offer_default or api", inConversion("value_from")},
	} {
		all = append(all, ReportDimension{Name: d.name, Title: d.title, Definition: d.definition, conversion: d.of})
	}
	for _, name := range subNames() {
		all = append(all, ReportDimension{Name: name, Title: name, Definition: name + ", as the postback brought it", conversion: inConversion("subs", name)})
	}
	for i, d := range all {
		switch {
		case d.days && d.hours:
			all[i].ReadFrom = "days or hours"
		case d.days:
			all[i].ReadFrom = "days"
		case d.hours:
			all[i].ReadFrom = "hours"
		default:
			all[i].ReadFrom = "rows"
		}
	}
	return all
}

// both is a dimension that clicks, conversions and both rollups have.
func both(name, title, definition string) ReportDimension {
	return ReportDimension{
		Name: name, Title: title, Definition: definition, days: true, hours: true,
		click: column("k." + name), conversion: column("v." + name),
	}
}

func findDimension(name string) (ReportDimension, bool) {
	all := ReportDimensions()
	i := slices.IndexFunc(all, func(d ReportDimension) bool { return d.Name == name })
	if i < 0 {
		return ReportDimension{}, false
	}
	return all[i], true
}

func column(name string) func(*Store) string { return func(*Store) string { return name } }

func inClick(path ...string) func(*Store) string {
	return func(s *Store) string { return s.jsonText("k.doc", path...) }
}

func inConversion(path ...string) func(*Store) string {
	return func(s *Store) string { return s.jsonText("v.doc", path...) }
}

func hostIn(field string) func(*Store) string {
	return func(s *Store) string {
		return s.word("host")(s.jsonText("k.doc", field))
	}
}

// jsonText reads a text in a document.
func (s *Store) jsonText(doc string, path ...string) string {
	if s.dialect == dialectPostgres {
		return postgresJSON(doc, path...)
	}
	return sqliteJSON(doc, path...)
}

// word is a word of views that takes one expression.
func (s *Store) word(name string) func(string) string {
	return s.viewFuncs()[name].(func(string) string)
}
