package config

import (
	"fmt"
	"slices"
	"strings"

	"subfive"
)

// OtherPlatform is a source's platform when it is none that we can report to.
const OtherPlatform = "other"

// Check holds a completed Setup to all rules, those of the platforms included.
// It returns nil or Problems; resources that are made on screen have no lines.
func Check(setup subfive.Setup, platforms map[string]Platform) error {
	var problems Problems
	checkSetup(clone(setup).Setup, platforms, func(_, what, do string) {
		problems = append(problems, Problem{What: what, Do: do})
	})
	if len(problems) > 0 {
		return problems
	}
	return nil
}

// index are the IDs of each kind.
type index struct{ networks, offers, sources, landings, destinations map[string]int }

// checkSetup reports all that is wrong with s, and writes currencies in
// capitals.
func checkSetup(s subfive.Setup, platforms map[string]Platform, report func(path, what, do string)) {
	c := checker{report: report, platforms: platforms}
	ids := index{
		networks:     c.ids("networks", names(s.Networks, func(n subfive.Network) string { return n.ID })),
		offers:       c.ids("offers", names(s.Offers, func(o subfive.Offer) string { return o.ID })),
		landings:     c.ids("landing_pages", names(s.LandingPages, func(l subfive.LandingPage) string { return l.ID })),
		sources:      c.ids("sources", names(s.Sources, func(e subfive.Source) string { return e.ID })),
		destinations: c.ids("destinations", names(s.Destinations, func(d subfive.Destination) string { return d.ID })),
	}
	c.ids("endpoints", names(s.Endpoints, func(e subfive.Endpoint) string { return e.ID }))
	c.ids("campaigns", names(s.Campaigns, func(e subfive.Campaign) string { return e.ID }))
	c.addresses(s)
	for i, n := range s.Networks {
		c.resource("networks", i, n.ID).oneOf("region", n.Region, "us", "eu")
	}
	for i, e := range s.Endpoints {
		c.endpoint(c.resource("endpoints", i, e.ID), e, ids)
	}
	for i := range s.Sources {
		c.source(c.resource("sources", i, s.Sources[i].ID), &s.Sources[i], ids)
	}
	c.offers(s, ids)
	c.campaigns(s, ids)
	polls := slices.ContainsFunc(s.Networks, func(n subfive.Network) bool { return n.APIKey != "" })
	for i := range s.Destinations {
		d := &s.Destinations[i]
		c.destination(c.resource("destinations", i, d.ID), d, polls)
	}
}

func names[T any](all []T, name func(T) string) []string {
	ids := make([]string, len(all))
	for i, one := range all {
		ids[i] = name(one)
	}
	return ids
}

// addresses checks every address of the resources. It is done again once
// references are resolved.
func (c checker) addresses(s subfive.Setup) {
	check := func(r resource, field, value string) { r.url(r.path+"."+field, r.name+": "+field, value) }
	for i, e := range s.Endpoints {
		check(c.resource("endpoints", i, e.ID), "tee", e.Tee)
	}
	for i, l := range s.LandingPages {
		r := c.resource("landing_pages", i, l.ID)
		if l.URL == "" {
			r.wrong("url", "it has no url", "write the page's address")
		}
		check(r, "url", l.URL)
	}
	for i, o := range s.Offers {
		r := c.resource("offers", i, o.ID)
		if o.Link == "" {
			r.wrong("link", "it has no link", "paste the tracking link that the network shows you")
		}
		check(r, "link", o.Link)
		if strings.Contains(o.Link, "&amp;") {
			r.wrong("link", "the link holds &amp;, as copied from a page's source", "write & instead of &amp;")
		}
	}
	for i, d := range s.Destinations {
		check(c.resource("destinations", i, d.ID), "base_url", d.BaseURL)
	}
}

func (c checker) endpoint(r resource, e subfive.Endpoint, ids index) {
	r.known("network", e.Network, "networks", ids.networks)
	r.allKnown("offers", e.Offers, "offers", ids.offers)
	r.allKnown("destinations", e.Destinations, "destinations", ids.destinations)
	r.oneOf("default_status", string(e.DefaultStatus), string(subfive.StatusPending), string(subfive.StatusApproved), string(subfive.StatusRejected))
	r.oneOf("empty_click_id", e.EmptyClickID, subfive.EmptyFault, subfive.EmptyOrganic)
	r.oneOf("repeats", e.Repeats, subfive.RepeatsHold, subfive.RepeatsCount)
	if strings.ContainsAny(e.ClickParam, "&=?#{} ") {
		r.wrong("click_param", fmt.Sprintf("click_param %q is not a parameter's name", clip(e.ClickParam)), "write the name alone: click_id")
	}
	if strings.ContainsAny(e.Key, " \t\n") {
		r.wrong("key", "the key has spaces in it", "use letters and digits")
	}
	if e.Direct == "" {
		return
	}
	r.platform("direct", e.Direct)
	if p, ok := c.platforms[e.Direct]; ok && len(p.ClickParams) == 0 {
		r.wrong("direct", fmt.Sprintf("%s has no click ID of its own", e.Direct), "name the platform whose click ID the network brings, or leave direct out")
	}
}

func (c checker) source(r resource, s *subfive.Source, ids index) {
	r.platform("platform", s.Platform, OtherPlatform)
	r.timezone(r.path+".timezone", r.name+": timezone", s.Timezone)
	r.currency(r.path+".currency", r.name+": currency", &s.Currency)
	r.allKnown("destinations", s.Destinations, "destinations", ids.destinations)
	for name, token := range sorted(s.Params) {
		if name == "" || strings.ContainsAny(name, "&=?#{}[] ") || strings.ContainsAny(token, "&# ") {
			r.wrong("params", fmt.Sprintf("%s=%s can't stand in a link", clip(name), clip(token)), "write a parameter's name, and what the platform fills in: {{ad.id}}")
		}
	}
	for dimension, name := range sorted(s.Names) {
		r.oneOf("names", dimension, subfive.Dimensions()...)
		if name == "" || strings.ContainsAny(name, "&=?#{}[] ") {
			r.wrong("names", fmt.Sprintf("%s arrives under %q, which is not a parameter's name", dimension, clip(name)), "write the name alone: sub3")
		}
	}
}

func (c checker) offers(s subfive.Setup, ids index) {
	numbers := map[[2]string]string{}
	for i := range s.Offers {
		o := &s.Offers[i]
		r := c.resource("offers", i, o.ID)
		r.known("network", o.Network, "networks", ids.networks)
		r.currency(r.path+".currency", r.name+": currency", &o.Currency)
		r.amount("payout", o.Payout)
		r.amount("payout_max", o.PayoutMax)
		if o.Payout != nil && o.PayoutMax != nil && *o.PayoutMax < *o.Payout {
			r.wrong("payout_max", fmt.Sprintf("payout_max %s is below payout %s", o.PayoutMax, o.Payout), "raise it, or every conversion waits to be confirmed")
		}
		if slot := strings.Trim(o.ClickSlot, "{}"); slot != o.ClickSlot || strings.ContainsAny(slot, "&=?# ") {
			r.wrong("click_slot", fmt.Sprintf("click_slot %q is not a parameter's name", clip(o.ClickSlot)), "write the name alone: sub5")
		}
		if slices.Contains(o.SensitiveParams, o.ClickSlot) {
			r.wrong("click_slot", fmt.Sprintf("%s carries the click ID and can't be sensitive", o.ClickSlot), "take it out of sensitive_params")
		}
		r.fallback(s, *o, ids)
		number := [2]string{o.Network, o.NetworkOfferID}
		if earlier, twice := numbers[number]; twice && o.NetworkOfferID != "" {
			r.wrong("network_offer_id", fmt.Sprintf("network_offer_id %q is offers/%s's already", clip(o.NetworkOfferID), earlier), "one offer a number: keep one of the two")
		} else {
			numbers[number] = o.ID
		}
	}
}
