package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"subfive"
	"subfive/everflow"
	"subfive/store"
)

// watched is what was last seen of the postbacks at a network.
type watched struct {
	NetworkID string             `json:"network_id"`
	SeenAt    time.Time          `json:"seen_at"`
	Postbacks []everflow.Watched `json:"postbacks"`
	// Others are those that lead elsewhere.
	Others int `json:"others"`
}

// counts tells how many are active, and how many should be.
func (w watched) counts() (active, off int) {
	for _, p := range w.Postbacks {
		switch {
		case p.Active:
			active++
		case w.off(p):
			off++
		}
	}
	return active, off
}

// off reports whether a postback is missing: it is switched off, and no active
// one does what it did. A person who mends a postback often makes a new one.
func (w watched) off(p everflow.Watched) bool {
	return !p.Active && !slices.ContainsFunc(w.Postbacks, func(o everflow.Watched) bool {
		return o.Active && o.EndpointID == p.EndpointID && o.Type == p.Type && o.Scope == p.Scope && o.OfferID == p.OfferID
	})
}

// do says how to get the postbacks on again.
func (w watched) do() string {
	if len(w.Postbacks) == 0 {
		return "Install it: subfive postback-url prints the URL to paste into Everflow, Postbacks, + Postback."
	}
	return "Mend what made it fail (subfive doctor), then switch it on again: subfive watchdog --reenable"
}

// lookAt asks the network for its postbacks, and examines ours.
func lookAt(ctx context.Context, api *everflow.API, doctor everflow.Doctor, networkID string, now time.Time) (watched, error) {
	all, err := api.Postbacks(ctx)
	if err != nil {
		return watched{}, err
	}
	w := watched{NetworkID: networkID, SeenAt: now, Postbacks: doctor.Watch(all)}
	w.Others = len(all) - len(w.Postbacks)
	return w, nil
}

func keepWatched(ctx context.Context, st *store.Store, w watched) error {
	doc, err := json.Marshal(w)
	if err != nil {
		return err
	}
	return st.KeepPostbackWatch(ctx, w.NetworkID, w.SeenAt, doc)
}

// watchedOf returns what was last seen; subfive.ErrNotFound if nobody looked.
func watchedOf(ctx context.Context, st *store.Store, networkID string) (w watched, err error) {
	_, doc, err := st.PostbackWatch(ctx, networkID)
	if err != nil {
		return w, err
	}
	return w, json.Unmarshal(doc, &w)
}

// watchPostbacks looks at a network's postbacks, unless somebody just did.
func (t *tracker) watchPostbacks(ctx context.Context, st *store.Store, setup subfive.Setup, networkID string, now time.Time) error {
	seen, _, err := st.PostbackWatch(ctx, networkID)
	if err != nil && !errors.Is(err, subfive.ErrNotFound) {
		return err
	}
	if now.Sub(seen) < askEvery/2 {
		return nil
	}
	network, err := networkToAsk(setup, networkID, t.app.env)
	if err != nil {
		return err
	}
	api, err := t.app.everflowAPI(network, setup, nil)
	if err != nil {
		return err
	}
	macros, err := catalogue("", t.file.Server.DataDir)
	if err != nil {
		return err
	}
	doctor := everflow.NewDoctor(siteOf(t.file, t.app.withKeys(setup), macros))
	if !doctor.Placed() {
		return nil // no postback could be told to be ours; config and doctor say that public_url is missing
	}
	w, err := lookAt(ctx, api, doctor, networkID, now)
	if err != nil {
		return err
	}
	return keepWatched(ctx, st, w)
}

func newWatchdog(a *app) *cobra.Command {
	var network string
	var reenable, asJSON bool
	c := &cobra.Command{
		Use:   "watchdog",
		Short: "See whether our postback is still on at the network, and switch it on again",
		Long: `Asks Everflow's API for the postbacks that lead to this tracker: is there one, is it active, and is its URL right?
Ten failures in a row switch a postback off, and nothing is told from then on. subfive serve looks every 15 minutes
and alerts.

--reenable calls our own public URL first, as Everflow would, and switches on what is off only if that goes well.
Where the network does not allow it by API, the steps to click are shown. What was converted meanwhile is fetched by
subfive reconcile.

Exit status 1 means that something is to be done.`,
		Example: `  subfive watchdog
  subfive watchdog --reenable`,
		Args: exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.with(c.Context(), func(s session) error { return a.watchdog(c.Context(), s, network, reenable, asJSON) })
		},
	}
	c.Flags().StringVar(&network, "network", "", "the network, if several have an api_key")
	c.Flags().BoolVar(&reenable, "reenable", false, "switch on what is off, after a test of our own public URL")
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	return c
}

func (a *app) watchdog(ctx context.Context, s session, networkID string, reenable, asJSON bool) error {
	setup, err := s.Setup(ctx)
	if err != nil {
		return err
	}
	network, err := networkToAsk(setup, networkID, a.env)
	if err != nil {
		return err
	}
	api, err := a.everflowAPI(network, setup, nil)
	if err != nil {
		return err
	}
	macros, err := catalogue("", s.file.Server.DataDir)
	if err != nil {
		return err
	}
	doctor := everflow.NewDoctor(siteOf(s.file, a.withKeys(setup), macros))
	if !doctor.Placed() {
		return errors.New("public_url is not set in the file: without it a postback of ours can't be told from another's")
	}
	w, err := lookAt(ctx, api, doctor, network.ID, a.now())
	if err != nil {
		return err
	}
	if reenable {
		if err := a.reenable(ctx, s, api, w); err != nil {
			return errors.Join(err, keepWatched(ctx, s.Store, w))
		}
		if w, err = lookAt(ctx, api, doctor, network.ID, a.now()); err != nil {
			return err
		}
	}
	if err := keepWatched(ctx, s.Store, w); err != nil {
		return err
	}
	return a.tellWatched(w, asJSON)
}

// reenable switches on what is off, if our public URL answers as it should.
func (a *app) reenable(ctx context.Context, s session, api *everflow.API, w watched) error {
	if _, off := w.counts(); off == 0 {
		return nil
	}
	if bad := selfTest(ctx, a, s.file.Server.PublicURL); len(bad) > 0 {
		p := &page{}
		p.findings(bad)
		fmt.Fprint(a.stderr, p)
		return errors.New("nothing was switched on: our own public URL does not answer as it should, and ten failures would switch it off again")
	}
	for _, p := range w.Postbacks {
		if !w.off(p) {
			continue
		}
		err := api.Activate(ctx, p.PostbackID)
		if errors.Is(err, everflow.ErrAPIForbidden) {
			return fmt.Errorf("%w; do it by hand: in Everflow open Postbacks, find postback %s, open its menu (⋮), Edit, set Status to Active, Save", err, p.PostbackID)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(a.stderr, "postback %s is on again; fetch what was converted meanwhile: subfive reconcile\n", p.PostbackID)
	}
	return nil
}

// tellWatched says how the postbacks stand; an error if one is to be seen to.
func (a *app) tellWatched(w watched, asJSON bool) error {
	active, off := w.counts()
	var findings []everflow.Finding
	for _, p := range w.Postbacks {
		findings = append(findings, p.Findings...)
	}
	var wrong error
	switch {
	case off > 0:
		wrong = fmt.Errorf("watchdog: %s off", count(off, "postback is", "postbacks are"))
	case active == 0:
		wrong = errors.New("watchdog: the network has no postback that leads here")
	case toFix(findings) != nil:
		wrong = errors.New("watchdog: a postback's URL is to be mended")
	}
	if asJSON {
		return errors.Join(writeJSON(a.stdout, w), wrong)
	}
	p := &page{}
	p.title("POSTBACKS at " + w.NetworkID + ", " + utc(w.SeenAt))
	for _, one := range w.Postbacks {
		state := "active"
		switch {
		case w.off(one):
			state = "OFF"
		case !one.Active:
			state = "replaced by an active one"
		}
		p.line(one.PostbackID, joined(", ", state, one.Type, one.Scope, named("offer", one.OfferID), named("endpoint", one.EndpointID)))
		p.line("url", one.URL)
	}
	if len(w.Postbacks) == 0 {
		p.line("ours", "none")
	}
	p.line("others", count(w.Others, "postback leads", "postbacks lead")+" elsewhere")
	if wrong != nil && (off > 0 || active == 0) {
		p.line("do", w.do())
	}
	p.findings(findings)
	fmt.Fprint(a.stdout, p)
	return wrong
}
