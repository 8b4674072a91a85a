package config

import (
	"errors"
	"fmt"
	"strings"

	"subfive"
)

const referenceAdvice = "a reference is ${NAME}, of letters, digits and _; write $${ for a literal ${"

var errReference = errors.New("holds ${ that begins no reference")

// expand replaces ${NAME} by what lookup says and $${ by a literal ${. A name
// that lookup does not have stays as it is.
func expand(text string, lookup Env) (string, error) {
	var b strings.Builder
	for {
		i := strings.Index(text, "${")
		if i < 0 {
			b.WriteString(text)
			return b.String(), nil
		}
		if i > 0 && text[i-1] == '$' {
			b.WriteString(text[:i-1] + "${")
			text = text[i+2:]
			continue
		}
		end := strings.IndexByte(text[i:], '}')
		if end < 0 || !variable(text[i+2:i+end]) {
			return "", errReference
		}
		name := text[i+2 : i+end]
		b.WriteString(text[:i])
		if value, ok := lookup(name); ok {
			b.WriteString(value)
		} else {
			b.WriteString(text[i : i+end+1])
		}
		text = text[i+end+1:]
	}
}

// wellFormed reports a ${ that expand would refuse.
func wellFormed(text string) error {
	_, err := expand(text, func(string) (string, bool) { return "", true })
	return err
}

func variable(name string) bool {
	for i, c := range []byte(name) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// isReference reports whether text holds a reference, so that its real value is
// not known yet.
func isReference(text string) bool {
	return strings.Contains(strings.ReplaceAll(text, "$${", ""), "${")
}

// resolver fills references in and remembers those that nobody set.
type resolver struct {
	env      Env
	problems Problems
}

func (r *resolver) text(text *string, what string) {
	resolved, err := expand(*text, func(name string) (string, bool) {
		value, ok := r.env(name)
		if !ok {
			r.problems = append(r.problems, Problem{
				What: fmt.Sprintf("%s needs the environment variable %s, which is not set", what, name), Do: "set it where the server runs",
			})
		}
		return value, true
	})
	if err != nil {
		r.problems = append(r.problems, Problem{What: what + " " + err.Error(), Do: referenceAdvice})
		return
	}
	*text = resolved
}

// Resolve returns a Setup in which the references of all resources are filled
// in, as serve needs it. Destinations' settings stay as they are: their
// platforms decode them with DecodeSettings. A variable that is not set is a
// Problem, and so is an address that turns out to be none.
func Resolve(setup subfive.Setup, env Env) (subfive.Setup, error) {
	r := &resolver{env: env}
	resolved := clone(setup)
	for _, t := range resolved.texts() {
		r.text(t.value, t.what)
	}
	if len(r.problems) > 0 {
		return subfive.Setup{}, r.problems
	}
	c := checker{report: func(_, what, do string) { r.problems = append(r.problems, Problem{What: what, Do: do}) }}
	c.addresses(resolved.Setup)
	if len(r.problems) > 0 {
		return subfive.Setup{}, r.problems
	}
	return resolved.Setup, nil
}

// cloned is a Setup whose texts may be changed.
type cloned struct{ subfive.Setup }

// clone copies the lists whose elements hold references.
func clone(s subfive.Setup) cloned {
	s.Networks = append([]subfive.Network(nil), s.Networks...)
	s.Endpoints = append([]subfive.Endpoint(nil), s.Endpoints...)
	s.LandingPages = append([]subfive.LandingPage(nil), s.LandingPages...)
	s.Offers = append([]subfive.Offer(nil), s.Offers...)
	s.Destinations = append([]subfive.Destination(nil), s.Destinations...)
	s.Sources = append([]subfive.Source(nil), s.Sources...)
	return cloned{s}
}

// named is a text of a resource with what to call it.
type named struct {
	value *string
	what  string
}

// texts are the fields in which a reference makes sense: secrets, addresses and
// accounts' numbers.
func (s cloned) texts() []named {
	var all []named
	for i := range s.Networks {
		all = append(all, named{&s.Networks[i].APIKey, "networks/" + s.Networks[i].ID + ": api_key"})
	}
	for i := range s.Endpoints {
		e := &s.Endpoints[i]
		all = append(all, named{&e.Key, "endpoints/" + e.ID + ": key"}, named{&e.Tee, "endpoints/" + e.ID + ": tee"})
	}
	for i := range s.Sources {
		all = append(all, named{&s.Sources[i].AccountID, "sources/" + s.Sources[i].ID + ": account_id"})
	}
	for i := range s.LandingPages {
		all = append(all, named{&s.LandingPages[i].URL, "landing_pages/" + s.LandingPages[i].ID + ": url"})
	}
	for i := range s.Offers {
		o := &s.Offers[i]
		all = append(all, named{&o.Link, "offers/" + o.ID + ": link"}, named{&o.NetworkOfferID, "offers/" + o.ID + ": network_offer_id"})
	}
	for i := range s.Destinations {
		all = append(all, named{&s.Destinations[i].BaseURL, "destinations/" + s.Destinations[i].ID + ": base_url"})
	}
	return all
}
