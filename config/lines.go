package config

import (
	"fmt"

	"subfive"
)

// lines says where each resource of setup and each of its fields is written.
func (r *reader) lines(s subfive.Setup) map[string]int {
	ids := map[string][]string{
		"networks":      names(s.Networks, func(n subfive.Network) string { return n.ID }),
		"endpoints":     names(s.Endpoints, func(e subfive.Endpoint) string { return e.ID }),
		"sources":       names(s.Sources, func(e subfive.Source) string { return e.ID }),
		"landing_pages": names(s.LandingPages, func(l subfive.LandingPage) string { return l.ID }),
		"offers":        names(s.Offers, func(o subfive.Offer) string { return o.ID }),
		"campaigns":     names(s.Campaigns, func(e subfive.Campaign) string { return e.ID }),
		"destinations":  names(s.Destinations, func(d subfive.Destination) string { return d.ID }),
	}
	all := map[string]int{}
	owner := map[string]string{} // path → kind/id
	for kind, names := range ids {
		for i, id := range names {
			owner[fmt.Sprintf("%s[%d]", kind, i)] = kind + "/" + id
		}
	}
	for path, p := range r.places {
		if name, ok := owner[path]; ok {
			all[name] = p.line
		} else if name, ok := owner[parent(path)]; ok {
			all[name+"/"+path[len(parent(path))+1:]] = p.line
		}
	}
	return all
}
