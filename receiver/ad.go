package receiver

import (
	"strings"

	"subfive"
)

// source is a traffic source as its clicks are read: dimensions says what a
// parameter carries, by its name in lower case.
type source struct {
	subfive.Source
	dimensions map[string]string
}

// newSource reads a source. A dimension that has another name there is not
// looked for under its own.
func newSource(s subfive.Source) source {
	read := source{s, map[string]string{}}
	for _, dimension := range subfive.Dimensions() {
		name := dimension
		if other := s.Names[dimension]; other != "" {
			name = other
		}
		read.dimensions[strings.ToLower(name)] = dimension
	}
	return read
}

// describe reads which ad a click came from, and what it cost. What the platform
// did not fill in is missing, and an address that somebody put into a name is
// masked.
func (s source) describe(c *subfive.Click, all fields) {
	seen := map[string]bool{}
	for _, m := range all {
		dimension, ok := s.dimensions[strings.ToLower(m.name)]
		if !ok || m.missing || seen[dimension] {
			continue
		}
		seen[dimension] = true
		s.set(c, dimension, subfive.MaskAddresses(m.text()))
	}
}

func (s source) set(c *subfive.Click, dimension, value string) {
	switch dimension {
	case "platform_campaign_id":
		c.Ad.CampaignID = value
	case "platform_campaign_name":
		c.Ad.CampaignName = value
	case "adset_id":
		c.Ad.SetID = value
	case "adset_name":
		c.Ad.SetName = value
	case "ad_id":
		c.Ad.ID = value
	case "ad_name":
		c.Ad.Name = value
	case "placement":
		c.Ad.Placement = value
	case "keyword":
		c.Ad.Keyword = value
	case "match_type":
		c.Ad.MatchType = value
	case "cost":
		if amount, err := subfive.ParseMicros(value); err == nil && amount >= 0 {
			c.Cost = &subfive.Money{Amount: amount, Currency: s.Currency}
		}
	default: // p1 to p20
		if c.Tokens == nil {
			c.Tokens = map[string]string{}
		}
		c.Tokens[dimension] = value
	}
}
