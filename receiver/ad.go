package receiver

import (
	"strings"

	"subfive"
)

// dimensions reads which ad a click came from, and what it cost, by the names
// that its source gives them. What the platform did not fill in is missing, and
// an address that somebody put into a name is masked.
func dimensions(c *subfive.Click, all fields, source subfive.Source) {
	get := func(dimension string) string {
		name := dimension
		if other := source.Names[dimension]; other != "" {
			name = other
		}
		for _, m := range all {
			if strings.EqualFold(m.name, name) && !m.missing && !unfilled(m.text()) {
				return subfive.MaskAddresses(m.text())
			}
		}
		return ""
	}
	c.Ad = subfive.Ad{
		CampaignID: get("platform_campaign_id"), CampaignName: get("platform_campaign_name"),
		SetID: get("adset_id"), SetName: get("adset_name"), ID: get("ad_id"), Name: get("ad_name"),
		Placement: get("placement"), Keyword: get("keyword"), MatchType: get("match_type"),
	}
	if amount, err := subfive.ParseMicros(get("cost")); err == nil && amount >= 0 {
		c.Cost = &subfive.Money{Amount: amount, Currency: source.Currency}
	}
	for _, dimension := range subfive.Dimensions() {
		if value := get(dimension); strings.HasPrefix(dimension, "p") && len(dimension) <= len("p20") && value != "" {
			if c.Tokens == nil {
				c.Tokens = map[string]string{}
			}
			c.Tokens[dimension] = value
		}
	}
}

// unfilled reports a platform's macro that arrived as it was written: {{ad.id}},
// __CID__, {creative}, {{AD_ID}}.
func unfilled(value string) bool {
	return strings.HasPrefix(value, "{") && strings.HasSuffix(value, "}") ||
		len(value) > 4 && strings.HasPrefix(value, "__") && strings.HasSuffix(value, "__")
}
