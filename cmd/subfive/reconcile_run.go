package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"subfive"
	"subfive/attribution"
	"subfive/config"
	"subfive/everflow"
	"subfive/reconcile"
	"subfive/store"
)

const (
	// underWay is how long a postback may be on its way: the network may wait
	// five minutes before it fires one, and tries again after that.
	underWay = 15 * time.Minute
	// around is how far around the span ours are looked at.
	around = 96 * time.Hour
	// toldAtOnce is how many rows are told to attribution in one transaction.
	toldAtOnce = 200
	// everflowURL is the variable that replaces the API's address, as for the
	// sandbox.
	everflowURL = "SUBFIVE_EVERFLOW_URL"
)

// reconciler compares networks' books with ours.
type reconciler struct {
	app        *app
	file       config.File
	store      *store.Store
	attributor *attribution.Attributor
	contact    func(field, value, country string) (subfive.Sealed, error)
	log        *slog.Logger
	owner      string // of turns
	wake       func() // who delivers
}

// reconciling says what is to be compared, and how.
type reconciling struct {
	id        string // of the comparison; "": a new one
	networkID string
	since     time.Time
	until     time.Time
	dryRun    bool // compare, and mend nothing
	email     bool // keep the addresses that the API tells
	// nightly: it is due once since then, by itself.
	nightly time.Time
}

// reconciled is what a comparison came to.
type reconciled struct {
	ID        string           `json:"reconciliation_id"`
	NetworkID string           `json:"network_id"`
	DryRun    bool             `json:"dry_run"`
	Since     time.Time        `json:"since"`
	Until     time.Time        `json:"until"`
	Error     string           `json:"error,omitempty"`
	Totals    reconcile.Totals `json:"totals"`
	// After is what we have now, and MissingAfter how many are missing still.
	After        reconcile.Side `json:"received_after"`
	MissingAfter int            `json:"missing_here_after"`
	// Backfilled, Changed and Settled are what was mended.
	Backfilled int `json:"backfilled"`
	Changed    int `json:"changed"`
	Settled    int `json:"settled"`
	// Refused are rows of theirs that our database can't keep.
	Refused     int                    `json:"refused"`
	Scrubbed    int                    `json:"scrubbed"` // withheld by the network
	Days        []reconcile.Row        `json:"days"`
	Ads         []reconcile.Row        `json:"ads"`
	Offers      []reconcile.Row        `json:"offers"`
	Differences []reconcile.Difference `json:"differences,omitempty"`
}

// networkToAsk finds the network, with its key filled in.
func networkToAsk(setup subfive.Setup, id string, env config.Env) (subfive.Network, error) {
	var with []subfive.Network
	for _, n := range setup.Networks {
		if n.APIKey != "" && (id == "" || n.ID == id) {
			with = append(with, n)
		}
	}
	switch {
	case len(with) == 0 && id != "":
		return subfive.Network{}, fmt.Errorf("there is no network %q with an api_key: set it under networks in the file, from Everflow's My Account, API", id)
	case len(with) == 0:
		return subfive.Network{}, errors.New("no network has an api_key: set it under networks in the file, from Everflow's My Account, API")
	case len(with) > 1:
		return subfive.Network{}, fmt.Errorf("%d networks have an api_key: name one with --network", len(with))
	}
	resolved, err := config.Resolve(subfive.Setup{Networks: with}, env)
	if err != nil {
		return subfive.Network{}, err
	}
	return resolved.Networks[0], nil
}

// everflowAPI opens a network's API.
func (a *app) everflowAPI(n subfive.Network, setup subfive.Setup, contact func(field, value, country string) (subfive.Sealed, error)) (*everflow.API, error) {
	base, _ := a.env(everflowURL)
	api, err := everflow.NewAPI(everflow.APIConfig{
		Key: n.APIKey, Region: n.Region, BaseURL: base, NetworkID: n.ID, Now: a.now, Contact: contact,
		Client: &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, TLSHandshakeTimeout: 10 * time.Second}},
		ClickSlot: func(number string) string {
			offer, _ := setup.OfferOfNetwork(n.ID, number)
			return offer.ClickSlot
		},
	})
	if err != nil {
		return nil, fmt.Errorf("network %s: %w", n.ID, err)
	}
	return api, nil
}

// run compares and mends. What it did is kept, also if it failed half-way: run
// again, it does the rest.
func (r *reconciler) run(ctx context.Context, job reconciling) (reconciled, error) {
	now := r.app.now()
	out := reconciled{
		NetworkID: job.networkID, DryRun: job.dryRun, Since: job.since.UTC().Truncate(time.Second), Until: job.until.UTC().Truncate(time.Second),
	}
	if out.ID = job.id; out.ID == "" {
		out.ID = r.newID(job.networkID, now)
	}
	if err := r.begin(ctx, job, out, now); err != nil {
		return out, err
	}
	err := r.compare(ctx, job, &out)
	if err != nil {
		out.Error = err.Error()
	}
	kept, cancel := context.WithTimeout(context.WithoutCancel(ctx), queueWithin) // what was done is told, also when it was cut short
	defer cancel()
	err = errors.Join(err, r.keep(kept, out, now))
	if job.dryRun {
		return out, err
	}
	nightly := time.Time{}
	if err == nil && !job.nightly.IsZero() {
		nightly = now
	}
	return out, errors.Join(err, r.store.EndTurn(kept, job.networkID, r.owner, nightly))
}

func (r *reconciler) newID(networkID string, now time.Time) string {
	return subfive.DeriveID(store.PrefixReconciliation, networkID, r.owner, now.String())
}

// keep writes down what it came to.
func (r *reconciler) keep(ctx context.Context, out reconciled, started time.Time) error {
	k := store.Reconciliation{
		ID: out.ID, NetworkID: out.NetworkID, State: store.ReconciliationDone, DryRun: out.DryRun, StartedAt: started, FinishedAt: r.app.now(),
		Theirs: out.Totals.Theirs.Conversions - out.Totals.Theirs.Rejected,
	}
	k.Ours = k.Theirs - out.Totals.Missing
	if out.Error != "" {
		k.State = store.ReconciliationFailed
	}
	differing := make([]store.Differing, len(out.Differences))
	for i, d := range out.Differences {
		doc, err := json.Marshal(d)
		if err != nil {
			return err
		}
		differing[i] = store.Differing{Outcome: string(d.Outcome), ConversionID: d.ConversionID, NetworkConversionID: d.NetworkConversionID, Day: d.Day, Doc: doc}
	}
	out.Differences = nil // they have rows of their own
	var err error
	if k.Result, err = json.Marshal(out); err != nil {
		return err
	}
	return r.store.KeepReconciliation(ctx, k, differing)
}

func (r *reconciler) compare(ctx context.Context, job reconciling, out *reconciled) error {
	setup, err := r.store.Setup(ctx)
	if err != nil {
		return err
	}
	network, err := networkToAsk(setup, job.networkID, r.app.env)
	if err != nil {
		return err
	}
	contact := r.contact
	if !job.email {
		contact = nil
	}
	api, err := r.app.everflowAPI(network, setup, contact)
	if err != nil {
		return err
	}
	listing, err := api.Conversions(ctx, out.Since, out.Until)
	if err != nil {
		return err
	}
	if !job.dryRun {
		if err := r.stay(ctx, job.networkID); err != nil {
			return err
		}
	}
	out.Scrubbed = listing.Scrubbed
	for i := range listing.Conversions {
		place(&listing.Conversions[i], setup)
	}
	before, err := r.look(ctx, *out, listing.Conversions)
	if err != nil {
		return err
	}
	out.Totals, out.Days, out.Ads, out.Offers, out.Differences = before.Totals, before.Days, before.Ads, before.Offers, before.Differences
	out.After, out.MissingAfter = before.Totals.Received, before.Totals.Missing
	if job.dryRun {
		return nil
	}
	if err := r.mend(ctx, before.Plan, listing.Conversions, out); err != nil {
		return err
	}
	after, err := r.look(ctx, *out, listing.Conversions)
	if err != nil {
		return err
	}
	out.After, out.MissingAfter = after.Totals.Received, after.Totals.Missing
	out.Differences = reconcile.Mended(before.Differences, after)
	return nil
}

// place gives what the network lists its endpoint: the one of the offer, else
// the network's first that is for all offers.
func place(p *subfive.Postback, setup subfive.Setup) {
	offer, known := setup.OfferOfNetwork(p.NetworkID, p.NetworkOfferID)
	var found subfive.Endpoint
	for _, e := range setup.Endpoints {
		switch {
		case e.Network != p.NetworkID:
		case known && slices.Contains(e.Offers, offer.ID):
			found = e
		case found.ID == "" && len(e.Offers) == 0:
			found = e
		}
	}
	p.EndpointID = found.ID
	if p.EndpointID == "" {
		p.EndpointID = subfive.DefaultEndpoint
	}
	if param := platformParam(found.Direct); param != "" && p.Reading == subfive.ReadingForeign {
		p.Reading, p.DirectParam, p.ClickID = subfive.ReadingDirect, param, p.ClickIDRaw
	}
}

// look reads our side, and compares.
func (r *reconciler) look(ctx context.Context, out reconciled, theirs []subfive.Postback) (reconcile.Comparison, error) {
	var sessions, ids, clicks []string
	for _, p := range theirs {
		sessions, ids, clicks = append(sessions, p.TransactionID), append(ids, p.NetworkConversionID), append(clicks, p.ClickID)
	}
	b := reconcile.Books{Since: out.Since, Until: out.Until, Zone: time.UTC, Theirs: theirs}
	zone, err := time.LoadLocation(r.file.Server.Reporting.Timezone)
	if err != nil {
		return reconcile.Comparison{}, fmt.Errorf("reporting.timezone: %w", err)
	}
	b.Zone = zone
	ours, err := r.store.ToReconcile(ctx, out.NetworkID, out.Since.Add(-around), out.Until.Add(around), sessions, ids)
	if err != nil {
		return reconcile.Comparison{}, err
	}
	for _, c := range ours {
		b.Ours = append(b.Ours, reconcile.Ours(c))
	}
	if b.Open, err = r.store.OpenDuplicates(ctx, out.NetworkID, sessions); err != nil {
		return reconcile.Comparison{}, err
	}
	if b.Ads, err = r.store.AdsOfClicks(ctx, clicks); err != nil {
		return reconcile.Comparison{}, err
	}
	claims, err := r.store.Claims(ctx, out.Since.In(zone).Format(time.DateOnly), out.Until.Add(-1).In(zone).Format(time.DateOnly)) // Until is not included
	if err != nil {
		return reconcile.Comparison{}, err
	}
	for _, c := range claims {
		b.Claims = append(b.Claims, reconcile.Claim(c))
	}
	return reconcile.Compare(b, r.app.now()), nil
}

// mend settles, and then tells what is missing or has changed.
func (r *reconciler) mend(ctx context.Context, plan reconcile.Plan, theirs []subfive.Postback, out *reconciled) error {
	for _, s := range plan.Settle {
		if err := r.settle(ctx, out.NetworkID, s.PostbackID, s.As); err != nil {
			return err
		}
		out.Settled++
	}
	if out.Settled > 0 { // what a settlement made is not missing any more
		again, err := r.look(ctx, *out, theirs)
		if err != nil {
			return err
		}
		plan = again.Plan
	}
	for told := range slices.Chunk(plan.Tell, toldAtOnce) {
		if err := r.stay(ctx, out.NetworkID); err != nil {
			return err
		}
		if err := r.tell(ctx, told, out); err != nil {
			return err
		}
		r.wake()
	}
	return nil
}

// settle answers an open question; one that somebody answered meanwhile is
// none.
func (r *reconciler) settle(ctx context.Context, networkID, postbackID, as string) error {
	if err := r.stay(ctx, networkID); err != nil {
		return err
	}
	_, err := r.attributor.Settle(ctx, postbackID, attribution.Settlement(as), attribution.ByNetwork)
	if errors.Is(err, attribution.ErrNotSettleable) {
		return nil
	}
	return err
}

// tell records what the network lists, by the rules that hold for postbacks. Of
// what they can't tell, the list tells.
func (r *reconciler) tell(ctx context.Context, told []reconcile.Told, out *reconciled) error {
	as, records := map[string]string{}, make([]subfive.Record, len(told))
	for i, t := range told {
		as[t.Postback.ID] = t.As
		records[i] = subfive.Record{ID: t.Postback.ID, Kind: subfive.RecordPostback, Postback: &told[i].Postback}
	}
	batch, err := r.attributor.Take(ctx, records)
	switch {
	case errors.Is(err, subfive.ErrBadData) && len(told) > 1:
		for i := range told {
			if err := r.tell(ctx, told[i:i+1], out); err != nil {
				return err
			}
		}
		return nil
	case errors.Is(err, subfive.ErrBadData):
		r.log.ErrorContext(ctx, "the database refuses a conversion of the network's list", "conversion", told[0].Postback.NetworkConversionID, "err", err)
		out.Refused++
		return nil
	case err != nil:
		return err
	}
	for _, j := range batch.Postbacks {
		if as[j.Postback.ID] == reconcile.AsNew {
			out.Backfilled++
		} else {
			out.Changed++
		}
		if j.Verdict == subfive.VerdictPossibleDuplicate {
			if err := r.settle(ctx, out.NetworkID, j.Postback.ID, as[j.Postback.ID]); err != nil {
				return err
			}
		}
	}
	return nil
}

// platformParam is the click ID's parameter of a platform, "" if it has none.
func platformParam(platform string) string {
	for _, param := range attributionPlatforms()[platform].ClickParams {
		if !strings.HasPrefix(param, "_") {
			return param
		}
	}
	return ""
}
