package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"subfive"
)

// isOwnPath reports whether a path is the server's own, so that an alias there
// would never be reached. Other trackers' links below /go/ and /cf/ are not.
func isOwnPath(path string) bool {
	segs := strings.Split(path, "/")
	switch segs[0] {
	case "admin", "api", "metrics", "livez", "readyz", "subfive.js", "collect", "tracking202":
		return true
	case "conversion", "pixel":
		return len(segs) <= 2
	case "c":
		return len(segs) <= 2
	case "go":
		return len(segs) == 1 || len(segs) == 3
	case "cf":
		return len(segs) == 1 || len(segs) == 2 && (segs[1] == "cv" || segs[1] == "postback")
	case "postback", "postback.php", "click", "click.php":
		return len(segs) == 1
	}
	return len(segs) == 2 && segs[1] == "postback" || len(segs) == 3 && segs[1] == "collect"
}

// campaigns checks links and the ways through them.
func (c checker) campaigns(s subfive.Setup, ids index) {
	taken := map[string]string{}
	for _, campaign := range s.Campaigns {
		taken[campaign.ID] = campaign.ID
	}
	for i, campaign := range s.Campaigns {
		r := c.resource("campaigns", i, campaign.ID)
		if campaign.Offer == "" && !everyPathHasOffer(campaign) {
			r.wrong("offer", "it names no offer, so its link leads nowhere", "write offer: and an offer's id")
		}
		if campaign.Offer != "" {
			r.known("offer", campaign.Offer, "offers", ids.offers)
		}
		if campaign.Landing != "" {
			r.known("landing", campaign.Landing, "landing_pages", ids.landings)
		}
		if campaign.Source != "" {
			r.known("source", campaign.Source, "sources", ids.sources)
		}
		r.allKnown("destinations", campaign.Destinations, "destinations", ids.destinations)
		r.aliases(campaign, taken)
		r.ways(campaign, ids)
	}
}

// everyPathHasOffer: whoever comes, whichever way he takes, there is an offer.
func everyPathHasOffer(c subfive.Campaign) bool {
	paths := slices.Clone(c.Paths)
	for _, rule := range c.Rules {
		paths = append(paths, rule.Paths...)
	}
	return len(c.Paths) > 0 && !slices.ContainsFunc(paths, func(p subfive.Path) bool { return p.Offer == "" })
}

// aliases checks a campaign's further paths. taken are those in use, and whose.
func (r resource) aliases(campaign subfive.Campaign, taken map[string]string) {
	for j, alias := range campaign.Aliases {
		field := "aliases[" + strconv.Itoa(j) + "]"
		folded := strings.ToLower(strings.Trim(alias, "/"))
		owner, twice := taken[folded]
		switch {
		case folded == "" || strings.ContainsAny(alias, "?#& ") || strings.Contains(alias, "://"):
			r.wrong(field, fmt.Sprintf("the alias %q is not a path", clip(alias)), "write what stands after the host's name, without ? and what follows")
		case isOwnPath(folded):
			r.wrong(field, fmt.Sprintf("the alias %q is a path of the server's own", clip(alias)), "choose another")
		case twice:
			r.wrong(field, fmt.Sprintf("the alias %q is taken by campaigns/%s", clip(alias), owner), "a link can lead to one campaign only")
		default:
			taken[folded] = campaign.ID
		}
	}
}

// ways checks paths and rules. Their IDs are unique in the campaign: reports
// tell them apart by those alone.
func (r resource) ways(campaign subfive.Campaign, ids index) {
	paths, rules := map[string]bool{}, map[string]bool{}
	r.paths("paths", campaign.Paths, paths, ids)
	for i, rule := range campaign.Rules {
		field := fmt.Sprintf("rules[%d]", i)
		r.wayID(field, "rule", rule.ID, rules)
		if len(rule.Paths) == 0 {
			r.wrong(field+".paths", fmt.Sprintf("rule %q has no paths, so whom it fits goes nowhere", clip(rule.ID)), "give it one: paths: [{id: "+rule.ID+", offer: my-offer}]")
		}
		r.conditions(field+".when", rule.When)
		r.paths(field+".paths", rule.Paths, paths, ids)
	}
}

func (r resource) wayID(field, kind, id string, taken map[string]bool) {
	switch {
	case !idPattern.MatchString(id):
		r.wrong(field, fmt.Sprintf("the %s's id %q has another form than ours", kind, clip(id)), "give it an id of a to z, 0 to 9, - and _, at most 64"+suggestion(id))
	case taken[id]:
		r.wrong(field, fmt.Sprintf("the %s id %q comes twice in the campaign", kind, id), "give each its own: reports tell them apart by it")
	}
	taken[id] = true
}

func (r resource) paths(field string, all []subfive.Path, taken map[string]bool, ids index) {
	total := 0
	for i, p := range all {
		at := fmt.Sprintf("%s[%d]", field, i)
		r.wayID(at, "path", p.ID, taken)
		if p.Landing != "" {
			r.known(at+".landing", p.Landing, "landing_pages", ids.landings)
		}
		if p.Offer != "" {
			r.known(at+".offer", p.Offer, "offers", ids.offers)
		}
		weight := subfive.DefaultWeight
		if p.Weight != nil {
			weight = *p.Weight
		}
		if weight < 0 || weight > 1_000_000 {
			r.wrong(at+".weight", fmt.Sprintf("weight %d is not a share", weight), "write 0 to 1000000; shares are weighed against each other, they need not be percentages")
		}
		total += weight
	}
	if len(all) > 0 && total <= 0 {
		r.wrong(field, "all weights are 0, so nobody could go any way", "give one path a weight")
	}
}

// dayWords are the words of Conditions.Days.
var dayWords = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

func (r resource) conditions(field string, c subfive.Conditions) {
	if len(c.Country)+len(c.Device)+len(c.OS)+len(c.Browser)+len(c.Language)+len(c.Days)+len(c.Params) == 0 && c.Hours == "" {
		r.wrong(field, "the rule has no condition, so it fits everyone and no rule after it is ever reached", "give it one, or use the campaign's paths")
	}
	for i, country := range c.Country {
		if len(country) != 2 || strings.ToUpper(country) < "AA" || strings.ToUpper(country) > "ZZ" {
			r.wrong(fmt.Sprintf("%s.country[%d]", field, i), fmt.Sprintf("%q is not a country's code", clip(country)), "write two letters, such as US or DE")
		}
	}
	for i, device := range c.Device {
		r.oneOf(fmt.Sprintf("%s.device[%d]", field, i), strings.ToLower(device), subfive.DevicePhone, subfive.DeviceTablet, subfive.DeviceDesktop)
	}
	for i, system := range c.OS {
		r.oneOf(fmt.Sprintf("%s.os[%d]", field, i), strings.ToLower(system), subfive.Systems()...)
	}
	for i, browser := range c.Browser {
		r.oneOf(fmt.Sprintf("%s.browser[%d]", field, i), strings.ToLower(browser), subfive.Browsers()...)
	}
	for i, day := range c.Days {
		r.oneOf(fmt.Sprintf("%s.days[%d]", field, i), strings.ToLower(day), dayWords...)
	}
	if _, _, err := c.Clock(); err != nil {
		r.wrong(field+".hours", fmt.Sprintf("hours %q is not a span of the day", clip(c.Hours)), "write 08:00-20:00, or 22:00-06:00 over midnight")
	}
	r.timezone(r.path+"."+field+".timezone", r.name+": timezone", c.Timezone)
	for name := range c.Params {
		if name == "" || strings.ContainsAny(name, "&=?# ") {
			r.wrong(field+".params", fmt.Sprintf("%q is not a parameter's name", clip(name)), "write the name alone")
		}
	}
}

// fallback checks where visitors go while an offer takes none: somewhere else,
// and not round in a circle.
func (r resource) fallback(s subfive.Setup, o subfive.Offer, ids index) {
	if o.Cap < 0 {
		r.wrong("cap", fmt.Sprintf("cap %d is below zero", o.Cap), "write how many conversions a day it takes, or leave it out")
	}
	if o.Fallback == "" {
		return
	}
	r.known("fallback", o.Fallback, "offers", ids.offers)
	seen := map[string]bool{o.ID: true}
	for next, ok := s.Offer(o.Fallback); ok; next, ok = s.Offer(next.Fallback) {
		if seen[next.ID] {
			r.wrong("fallback", fmt.Sprintf("its fallbacks lead in a circle, to %s again", next.ID), "let the last one have none")
			return
		}
		seen[next.ID] = true
	}
}
