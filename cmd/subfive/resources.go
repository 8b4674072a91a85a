package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"subfive"
	"subfive/config"
	"subfive/forwarders"
	"subfive/store"
)

// changes turns what the file says into changes of the stored setup. Each
// destination's settings are tried, and its account named, on the way. With
// prune, resources that came from a file and are in it no more are archived.
func (a *app) changes(ctx context.Context, f config.File, st *store.Store, prune bool) ([]store.ResourceChange, error) {
	setup := f.Setup
	accounts, err := a.checkSettings(f)
	if err != nil {
		return nil, err
	}
	for i, d := range setup.Destinations {
		setup.Destinations[i].Account = accounts[d.ID]
	}
	if setup.Endpoints, err = keyed(ctx, setup.Endpoints, f, st); err != nil {
		return nil, err
	}
	stored, err := st.Resources(ctx)
	if err != nil {
		return nil, err
	}
	known := map[string]store.Resource{}
	for _, r := range stored {
		known[string(r.Kind)+" "+r.ID] = r
	}
	var changes []store.ResourceChange
	add := func(kind store.ResourceKind, list, id string, value any) {
		line, written := f.Lines[list+"/"+id]
		r, exists := known[string(kind)+" "+id]
		delete(known, string(kind)+" "+id)
		origin := store.OriginDefault
		switch {
		case written:
			origin = a.path() + ":" + strconv.Itoa(line)
		case exists && r.Origin != store.OriginDefault:
			return // the file says nothing of what a person changed
		}
		changes = append(changes, store.ResourceChange{Kind: kind, ID: id, Value: value, Origin: origin})
	}
	each(setup, add)
	if prune {
		for _, r := range stored {
			if _, left := known[string(r.Kind)+" "+r.ID]; left && r.Origin != store.OriginAPI && r.Origin != store.OriginDefault && r.ArchivedAt.IsZero() {
				changes = append(changes, store.ResourceChange{Kind: r.Kind, ID: r.ID, Origin: a.path()})
			}
		}
	}
	return changes, nil
}

// keyed gives the default endpoint the key that it has, and at the first run one
// of its own: a network's postbacks bring no other proof of who sends them. A
// file that says key: "" means none.
func keyed(ctx context.Context, endpoints []subfive.Endpoint, f config.File, st *store.Store) ([]subfive.Endpoint, error) {
	if _, said := f.Lines["endpoints/"+subfive.DefaultEndpoint+"/key"]; said {
		return endpoints, nil
	}
	stored, err := st.Resources(ctx)
	if err != nil {
		return nil, err
	}
	key := strings.ToLower(rand.Text()[:20])
	if slices.ContainsFunc(stored, func(r store.Resource) bool { return r.Kind == store.KindEndpoint && r.ID == subfive.DefaultEndpoint }) {
		before, err := st.Setup(ctx)
		if err != nil {
			return nil, err
		}
		kept, _ := before.Endpoint(subfive.DefaultEndpoint)
		key = kept.Key
	}
	endpoints = slices.Clone(endpoints)
	for i := range endpoints {
		if endpoints[i].ID == subfive.DefaultEndpoint {
			endpoints[i].Key = key
		}
	}
	return endpoints, nil
}

// checkSettings tries each destination's settings and returns the accounts they
// name. Settings that take a value from a variable which is not set in this
// shell, and can't be checked without it, are left to serve: it says so.
func (a *app) checkSettings(f config.File) (accounts map[string]string, err error) {
	accounts = map[string]string{}
	var problems config.Problems
	for _, d := range f.Setup.Destinations {
		c, err := configureOne(d, a.env, http.DefaultClient, config.DecodeSettingsAnywhere)
		if err == nil {
			accounts[d.ID] = c.Forwarder.Account()
			if err := testable(d, c.Forwarder); err != nil {
				problems = append(problems, config.Problem{
					File: a.path(), Line: f.Lines["destinations/"+d.ID+"/mode"], What: "destinations/" + d.ID + ": mode test: " + err.Error(),
					Do: "set it, or write another mode",
				})
			}
			continue
		}
		if _, unset := configureOne(d, a.env, http.DefaultClient, config.DecodeSettings); unset != nil && strings.Contains(unset.Error(), "is not set") {
			fmt.Fprintf(a.stderr, "destination %s can't be checked in this shell, only where serve runs: %v\n", d.ID, unset)
			continue
		}
		problems = append(problems, config.Problem{
			File: a.path(), Line: f.Lines["destinations/"+d.ID], What: "destinations/" + d.ID + ": settings: " + err.Error(),
			Do: "see: subfive config sample " + d.Platform,
		})
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return accounts, nil
}

// testable says why a destination in mode test can send no test: a platform may
// need a code for it.
func testable(d subfive.Destination, f forwarders.Forwarder) error {
	if d.Mode != subfive.ModeTest {
		return nil
	}
	_, err := f.Request(context.Background(), forwarders.Batch{Kind: subfive.KindConversion, Test: true, Events: [][]byte{[]byte("{}")}})
	return err
}

// each calls add for every resource of a setup, with its list's name in the
// file.
func each(s subfive.Setup, add func(kind store.ResourceKind, list, id string, value any)) {
	for _, r := range s.Networks {
		add(store.KindNetwork, "networks", r.ID, r)
	}
	for _, r := range s.Destinations {
		add(store.KindDestination, "destinations", r.ID, r)
	}
	for _, r := range s.Endpoints {
		add(store.KindEndpoint, "endpoints", r.ID, r)
	}
	for _, r := range s.Sources {
		add(store.KindSource, "sources", r.ID, r)
	}
	for _, r := range s.LandingPages {
		add(store.KindLandingPage, "landing_pages", r.ID, r)
	}
	for _, r := range s.Offers {
		add(store.KindOffer, "offers", r.ID, r)
	}
	for _, r := range s.Campaigns {
		add(store.KindCampaign, "campaigns", r.ID, r)
	}
}

// differences says what the changes would make of the stored setup.
func differences(before subfive.Setup, changes []store.ResourceChange) []config.Difference {
	return config.Diff(before, changedSetup(before, changes))
}

// changedSetup is a setup after the changes.
func changedSetup(before subfive.Setup, changes []store.ResourceChange) subfive.Setup {
	after := before
	after.Networks = changed(before.Networks, changes, func(r subfive.Network) string { return r.ID })
	after.Endpoints = changed(before.Endpoints, changes, func(r subfive.Endpoint) string { return r.ID })
	after.Sources = changed(before.Sources, changes, func(r subfive.Source) string { return r.ID })
	after.LandingPages = changed(before.LandingPages, changes, func(r subfive.LandingPage) string { return r.ID })
	after.Offers = changed(before.Offers, changes, func(r subfive.Offer) string { return r.ID })
	after.Campaigns = changed(before.Campaigns, changes, func(r subfive.Campaign) string { return r.ID })
	after.Destinations = changed(before.Destinations, changes, func(r subfive.Destination) string { return r.ID })
	return after
}

// changed returns the resources of one kind after the changes.
func changed[T any](before []T, changes []store.ResourceChange, id func(T) string) []T {
	kind := kindOf[T]()
	replaced := map[string]store.ResourceChange{}
	for _, c := range changes {
		if c.Kind == kind {
			replaced[c.ID] = c
		}
	}
	var after []T
	for _, r := range before {
		c, ok := replaced[id(r)]
		switch {
		case !ok:
			after = append(after, r)
		case c.Value != nil:
			after = append(after, c.Value.(T))
		}
		delete(replaced, id(r))
	}
	for _, c := range changes { // new ones, in the file's order
		if _, ok := replaced[c.ID]; ok && c.Kind == kind && c.Value != nil {
			after = append(after, c.Value.(T))
		}
	}
	return after
}

func kindOf[T any]() store.ResourceKind {
	var r T
	switch any(r).(type) {
	case subfive.Network:
		return store.KindNetwork
	case subfive.Endpoint:
		return store.KindEndpoint
	case subfive.Source:
		return store.KindSource
	case subfive.LandingPage:
		return store.KindLandingPage
	case subfive.Offer:
		return store.KindOffer
	case subfive.Campaign:
		return store.KindCampaign
	case subfive.Destination:
		return store.KindDestination
	}
	return ""
}

// changeTries bounds how often a change of the setup is checked.
const changeTries = 20

// uncontested calls change, which reads the setup, checks against it and applies,
// until nobody else changed the setup in between.
func uncontested(change func() error) error {
	for try := 1; ; try++ {
		if err := change(); !errors.Is(err, subfive.ErrConflict) || try == changeTries {
			return err
		}
	}
}

// applied brings the stored setup to what the file says.
func (a *app) applied(ctx context.Context, f config.File, st *store.Store) error {
	return uncontested(func() error {
		version, err := st.SetupVersion(ctx)
		if err != nil {
			return err
		}
		changes, err := a.changes(ctx, f, st, false)
		if err != nil {
			return err
		}
		err = st.ApplyChecked(ctx, version, "file", changes, a.now())
		if errors.Is(err, store.ErrHistory) {
			return usageError{err}
		}
		return err
	})
}
