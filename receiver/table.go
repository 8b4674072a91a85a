package receiver

import (
	"crypto/subtle"
	"net/url"
	"strings"
	"sync"
	"time"

	"subfive"
)

// table is a set-up as requests are routed by it. Names are looked up in lower
// case.
type table struct {
	endpoints map[string]subfive.Endpoint
	campaigns map[string]plan // by ID and by alias
	landings  map[string]subfive.LandingPage
	pages     []subfive.LandingPage // the same, in their order
	sources   map[string]source
	offers    map[string]subfive.Offer
	all       []subfive.Endpoint
}

// newTable reads a set-up. zone is that of days and hours, where neither rule nor
// source has one.
func newTable(s subfive.Setup, zone *time.Location) *table {
	t := &table{
		endpoints: map[string]subfive.Endpoint{},
		campaigns: map[string]plan{},
		landings:  map[string]subfive.LandingPage{},
		pages:     s.LandingPages,
		sources:   map[string]source{},
		offers:    map[string]subfive.Offer{},
	}
	t.addEndpoint(subfive.Endpoint{ID: subfive.DefaultEndpoint})
	for _, e := range s.Endpoints {
		t.addEndpoint(e)
	}
	for _, o := range s.Offers {
		t.offers[strings.ToLower(o.ID)] = o
	}
	for _, src := range s.Sources {
		t.sources[src.ID] = newSource(src)
	}
	for _, l := range s.LandingPages {
		t.landings[l.ID] = l
	}
	plans := make([]plan, len(s.Campaigns))
	for i, c := range s.Campaigns {
		local := zone
		if z, err := time.LoadLocation(t.sources[c.Source].Timezone); err == nil && t.sources[c.Source].Timezone != "" {
			local = z
		}
		p := newPlan(c, local)
		p.script = sync.OnceValues(func() (script, error) { return t.writeScript(p) })
		plans[i] = p
	}
	t.addCampaigns(plans)
	return t
}

func (t *table) addEndpoint(e subfive.Endpoint) {
	if e.Network == "" {
		e.Network = subfive.DefaultNetwork
	}
	t.endpoints[strings.ToLower(e.ID)] = e
	t.all = append(t.all, e)
}

// addCampaigns lets what is in use win: an ID over an alias, and a campaign over
// an archived one.
func (t *table) addCampaigns(all []plan) {
	for _, archived := range []bool{true, false} {
		for _, c := range all {
			for _, alias := range c.Aliases {
				if (c.ArchivedAt != nil) == archived {
					t.campaigns[aliasPath(alias)] = c
				}
			}
		}
	}
	for _, archived := range []bool{true, false} {
		for _, c := range all {
			if (c.ArchivedAt != nil) == archived {
				t.campaigns[strings.ToLower(c.ID)] = c
			}
		}
	}
}

// aliasPath reads an alias as people write one: "old", "/old/path/" or a whole
// URL.
func aliasPath(alias string) string {
	u, err := url.Parse(strings.TrimSpace(alias))
	if err != nil {
		return strings.ToLower(strings.Trim(alias, "/ "))
	}
	segs, _ := segments(u)
	return normalPath(segs)
}

// clickParam is the named endpoint's own name for the click ID.
func (t *table) clickParam(endpoint string) string {
	if endpoint == "" {
		endpoint = subfive.DefaultEndpoint
	}
	return t.endpoints[strings.ToLower(endpoint)].ClickParam
}

// admission says where a postback belongs and what its key was worth.
type admission struct {
	endpoint subfive.Endpoint
	rightKey bool
	wrongKey bool
	noKey    bool // the endpoint has one, the postback brought none
	unknown  bool // the path names an endpoint that is none
}

// admit finds a postback's endpoint: the one its path names, else the one its
// key belongs to, else the default one.
func (t *table) admit(name, key string) admission {
	a := admission{endpoint: t.endpoints[subfive.DefaultEndpoint]}
	if name != "" {
		e, known := t.endpoints[strings.ToLower(name)]
		if !known {
			a.unknown = true
			return a
		}
		a.endpoint = e
	} else if key != "" {
		for _, e := range t.all {
			if sameKey(e.Key, key) {
				a.endpoint = e
				break
			}
		}
	}
	if a.endpoint.Key != "" {
		a.noKey = key == ""
		a.rightKey = sameKey(a.endpoint.Key, key)
		a.wrongKey = !a.noKey && !a.rightKey
	}
	return a
}

func sameKey(want, got string) bool {
	return want != "" && subtle.ConstantTimeCompare([]byte(want), []byte(got)) == 1
}
