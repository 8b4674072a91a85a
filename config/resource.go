package config

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"subfive"
)

// written is a resource as a caller sends it. Origin, ArchivedAt and Secrets are
// in what he was shown; they are not his to say.
type written[T any] struct {
	Value      T             `yaml:",inline"`
	Origin     string        `yaml:"origin"`
	ArchivedAt string        `yaml:"archived_at"`
	Secrets    []shownSecret `yaml:"secrets"`
}

// shownSecret is a Secret as it was shown, with who set it and when.
type shownSecret struct {
	Secret `yaml:",inline"`
	SetBy  string `yaml:"set_by"`
	SetAt  string `yaml:"set_at"`
}

// accounted is a destination as a caller sends it: its account is found out.
type accounted struct {
	destination `yaml:",inline"`
	Account     string `yaml:"account"`
}

// ParseResource reads one resource as a file has it below list ("offers"), from
// JSON or YAML, and returns it as one of the root's types by value, not complete
// yet. It is as strict as Parse, and refuses references: what a caller sends must
// not read the environment of the server.
//
// stored is the resource that is replaced, or nil. A secret that data leaves out,
// or gives as Shown shows it, stays what stored has; an empty one takes it away.
// An error about what is written is of type Problems.
func ParseResource(list, id string, data []byte, stored any) (any, error) {
	r := &reader{places: map[string]place{}, unread: map[string]bool{}}
	at := list + "[0]"
	var value any
	switch root := r.parse(data); {
	case root == nil && len(r.problems) == 0:
		r.report("", "there is nothing in the body", "send the resource as the file has it")
	case root == nil:
	default:
		value = r.resource(list, root, at)
	}
	if value != nil {
		value = r.named(value, list, id, at)
		r.keepSecrets(&value, stored, at)
		r.refuseReferences(value, at)
	}
	if len(r.problems) == 0 && value == nil {
		return nil, fmt.Errorf("there are no resources called %q", list)
	}
	if len(r.problems) > 0 {
		for i, p := range r.problems { // one resource has no line that helps, and no number
			r.problems[i] = Problem{What: strings.ReplaceAll(p.What, at, list+"/"+id), Do: p.Do}
		}
		return nil, r.problems
	}
	return value, nil
}

func (r *reader) resource(list string, root ast.Node, at string) any {
	switch list {
	case "networks":
		return readWritten[subfive.Network](r, root, at)
	case "endpoints":
		return readWritten[subfive.Endpoint](r, root, at)
	case "sources":
		return readWritten[subfive.Source](r, root, at)
	case "landing_pages":
		return readWritten[subfive.LandingPage](r, root, at)
	case "offers":
		return readWritten[subfive.Offer](r, root, at)
	case "campaigns":
		return readWritten[subfive.Campaign](r, root, at)
	case "destinations":
		d := readWritten[accounted](r, root, at)
		d.Settings = string(d.Text)
		return d.Destination
	}
	return nil
}

func readWritten[T any](r *reader, root ast.Node, at string) T {
	var w written[T]
	r.value(root, reflect.ValueOf(&w).Elem(), at)
	return w.Value
}

// named gives a resource its ID, where it says none.
func (r *reader) named(value any, list, id, at string) any {
	v := reflect.New(reflect.TypeOf(value)).Elem()
	v.Set(reflect.ValueOf(value))
	field := v.FieldByName("ID")
	if said := field.String(); said != "" && said != id {
		r.report(at+".id", fmt.Sprintf("the address names %s/%s, and its id is %q", list, id, clip(said)), "leave id out, or write the same")
	}
	field.SetString(id)
	return v.Interface()
}

// keepSecrets fills in what stays as it is stored.
func (r *reader) keepSecrets(value *any, stored any, at string) {
	secret := func(field, now, before, shown string) string {
		if _, given := r.places[at+"."+field]; !given {
			return before
		}
		if now == "" || now != shown {
			if strings.Contains(now, subfive.Hidden) {
				r.report(at, fmt.Sprintf("%s: %s holds %s, which stands for what is hidden", at, field, subfive.Hidden), "send the real value, or leave it out to keep what is stored")
			}
			return now
		}
		return before
	}
	switch v := (*value).(type) {
	case subfive.Network:
		old, _ := stored.(subfive.Network)
		v.APIKey = secret("api_key", v.APIKey, old.APIKey, hidden("api_key", old.APIKey))
		*value = v
	case subfive.Endpoint:
		old, _ := stored.(subfive.Endpoint)
		v.Key = secret("key", v.Key, old.Key, hidden("key", old.Key))
		v.Tee = keepTee(r, at, v.Tee, old.Tee, secret)
		*value = v
	case subfive.Destination:
		old, _ := stored.(subfive.Destination)
		_, given := r.places[at+".settings"]
		same := old.Platform == v.Platform && old.BaseURL == v.BaseURL
		switch {
		case given && !same:
			v.Settings = r.keepSettings(v.Settings, "", at)
		case given:
			v.Settings = r.keepSettings(v.Settings, old.Settings, at)
		case old.Settings == "":
			return
		case !same:
			r.report(at, at+": platform or base_url changes, and settings are left out", "send settings too: stored secrets are not sent to another address")
			return
		default:
			v.Settings = old.Settings
		}
		*value = v
	}
}

// keepTee is keepSecrets for an address: left out, there is none.
func keepTee(r *reader, at, now, before string, secret func(field, now, before, shown string) string) string {
	if _, given := r.places[at+".tee"]; !given {
		return ""
	}
	return secret("tee", now, before, hidden("tee", before))
}

// refuseReferences refuses ${X} in any text but what was stored before.
func (r *reader) refuseReferences(value any, at string) {
	s := cloned{}
	switch v := value.(type) {
	case subfive.Network:
		s.Networks = []subfive.Network{v}
	case subfive.Endpoint:
		s.Endpoints = []subfive.Endpoint{v}
	case subfive.Source:
		s.Sources = []subfive.Source{v}
	case subfive.LandingPage:
		s.LandingPages = []subfive.LandingPage{v}
	case subfive.Offer:
		s.Offers = []subfive.Offer{v}
	case subfive.Destination:
		s.Destinations = []subfive.Destination{v}
		if _, given := r.places[at+".settings"]; given && isReference(v.Settings) {
			r.report(at+".settings", at+": settings hold a reference", referenceStays)
		}
	}
	for _, t := range s.texts() {
		if isReference(*t.value) {
			r.report(at, t.what+" holds a reference", referenceStays)
		}
	}
}

const referenceStays = "send the value itself, secrets are kept sealed; ${NAME} works in the file alone"

// Shown returns a resource, one of the root's types by value, as it may be seen:
// subfive.Hidden stands for keys and for an address's query, and a destination
// has no settings.
func Shown(value any) any {
	switch v := value.(type) {
	case subfive.Network:
		v.APIKey = hidden("api_key", v.APIKey)
		return v
	case subfive.Endpoint:
		v.Key, v.Tee = hidden("key", v.Key), hidden("tee", v.Tee)
		return v
	case subfive.Destination:
		v.Settings = ""
		return v
	}
	return value
}

// Review returns a setup complete, its currencies in capitals, and all that is
// wrong with it; nil: nothing is. Unlike Check it is for setups of which some
// part was made before a rule was.
func Review(setup subfive.Setup, platforms map[string]Platform) (subfive.Setup, Problems) {
	s := Complete(setup, platforms)
	var problems Problems
	checkSetup(s, platforms, func(_, what, do string) { problems = append(problems, Problem{What: what, Do: do}) })
	return s, problems
}
