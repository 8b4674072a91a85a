package everflow

import (
	"net/url"
	"slices"
	"strings"
)

// Watched is a postback at the network that leads to this tracker.
type Watched struct {
	PostbackID string `json:"postback_id"`
	EndpointID string `json:"endpoint_id"`
	Active     bool   `json:"active"`
	Type       string `json:"type"`
	Scope      string `json:"scope"`
	OfferID    string `json:"network_offer_id,omitempty"`
	// URL is the one installed, keys hidden.
	URL      string    `json:"url"`
	Findings []Finding `json:"findings"`
}

// Watch picks those postbacks that lead to the Doctor's site, and examines each.
// A postback that runs in the visitor's browser has no URL to examine and is
// left out.
func (d Doctor) Watch(all []Installed) []Watched {
	watched := []Watched{}
	for _, p := range all {
		u, err := url.Parse(strings.TrimSpace(p.URL))
		if err != nil || !d.serves(u.Host) {
			continue
		}
		diagnosis := d.Examine(p.URL)
		watched = append(watched, Watched{
			PostbackID: p.ID, EndpointID: d.endpointOf(u.Path).ID, Active: p.Active, Type: p.Type, Scope: p.Scope, OfferID: p.OfferID,
			URL: diagnosis.URL, Findings: diagnosis.Findings,
		})
	}
	return watched
}

// Placed reports whether the site says where it is: without that no postback can
// be told to lead here.
func (d Doctor) Placed() bool { return d.site.PublicURL != "" || len(d.site.Hosts) > 0 }

// serves reports whether the site answers on a host, as the receiver has it: with
// www. before it or without, and whatever the port.
func (d Doctor) serves(host string) bool {
	public, err := url.Parse(d.site.PublicURL)
	names := d.site.Hosts
	if err == nil {
		names = append([]string{public.Host}, names...)
	}
	plain := func(h string) string { return strings.TrimPrefix(strings.ToLower(hostOnly(h)), "www.") }
	return host != "" && slices.ContainsFunc(names, func(n string) bool { return n != "" && plain(n) == plain(host) })
}
