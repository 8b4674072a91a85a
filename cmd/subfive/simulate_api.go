package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"subfive"
	"subfive/dashboard"
	"subfive/everflow"
	"subfive/forwarders"
	"subfive/forwarders/all"
	"subfive/sandbox"
	"subfive/store"
)

const (
	// simulatedWait bounds how long a simulation waits for what it sent to be
	// decided.
	simulatedWait = 5 * time.Second
	simulatedPoll = 100 * time.Millisecond
	// simulatedAgent is a phone's: who looks at the click sees what a visitor's
	// looks like.
	simulatedAgent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1"
)

// simulated is what came back of a simulation.
type simulated struct {
	URL          string          `json:"url"`
	OK           bool            `json:"ok"`
	ClickID      string          `json:"click_id,omitempty"`
	ConversionID string          `json:"conversion_id,omitempty"`
	PostbackID   string          `json:"postback_id,omitempty"`
	Verdict      subfive.Verdict `json:"verdict,omitempty"`
	Click        *simulatedCall  `json:"click,omitempty"`
	Postback     *simulatedCall  `json:"postback,omitempty"`
	Note         string          `json:"note,omitempty"`
}

// simulatedCall is one request of a simulation.
type simulatedCall struct {
	Method   string `json:"method"`
	URL      string `json:"url"`
	OK       bool   `json:"ok"`
	Status   int    `json:"status,omitempty"`
	Location string `json:"location,omitempty"`
	Body     string `json:"body,omitempty"`
	What     string `json:"what,omitempty"`
	Do       string `json:"do,omitempty"`
}

// simulationRun is a simulation under way.
type simulationRun struct {
	b        *backend
	st       *store.Store
	setup    subfive.Setup
	campaign subfive.Campaign
	offer    subfive.Offer
	endpoint subfive.Endpoint
	wanted   dashboard.Simulation
	client   *http.Client
	out      simulated
}

// Simulate sends a test click and a test postback, for the REST API.
func (b *backend) Simulate(ctx context.Context, wanted dashboard.Simulation) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	stored, err := st.Setup(ctx)
	if err != nil {
		return nil, err
	}
	run := simulationRun{b: b, st: st, setup: b.t.app.withKeys(stored), wanted: wanted}
	if err := run.choose(); err != nil {
		return nil, err
	}
	s := session{Store: st, file: b.t.file, vault: b.t.vault}
	site, here := callable(siteURL(s)), callable(hereURL(s))
	run.out.URL, run.out.ClickID, run.out.OK = here, wanted.ClickID, true
	sender := forwarders.NewSender(forwarders.SenderConfig{Now: b.t.app.now, Log: b.t.log})
	defer sender.Close()
	run.client = sender.AuthClient(append(hosts(subfive.Destination{BaseURL: site}), hosts(subfive.Destination{BaseURL: here})...)...) // the operator named the hosts
	if wanted.ClickID == "" {
		if err := run.click(ctx, site); err != nil {
			return nil, err
		}
	}
	if run.out.OK && !wanted.OnlyClick {
		if err := run.postback(ctx, here); err != nil {
			return nil, err
		}
	}
	return run.out, nil
}

// choose finds the campaign, its offer, and where its postbacks come in.
func (r *simulationRun) choose() error {
	var ok bool
	if r.campaign, ok = r.setup.Campaign(r.wanted.CampaignID); !ok {
		return fmt.Errorf("campaign %s: %w", r.wanted.CampaignID, subfive.ErrNotFound)
	}
	id := r.campaign.Offer
	for _, p := range r.campaign.AllPaths() {
		if id == "" {
			id = p.Offer
		}
	}
	r.offer, _ = r.setup.Offer(id)
	r.endpoint, ok = r.setup.Endpoint(r.wanted.EndpointID)
	switch {
	case r.wanted.EndpointID != "" && !ok:
		return fmt.Errorf("endpoint %s: %w", r.wanted.EndpointID, subfive.ErrNotFound)
	case r.wanted.EndpointID == "":
		if r.endpoint, ok = endpointOf(r.setup, r.offer); !ok {
			return dashboard.Refusal{What: "no endpoint takes postbacks of offer " + r.offer.ID, Do: "name one as endpoint_id, or make one for network " + r.offer.Network}
		}
	}
	if unresolved(r.endpoint.Key) {
		return dashboard.Refusal{What: "the key of endpoint " + r.endpoint.ID + " is " + r.endpoint.Key + ", which is not set here", Do: "set the variable where serve runs"}
	}
	return nil
}

// endpointOf is where an offer's postbacks come in: the default endpoint if it
// takes them, else the first that does.
func endpointOf(setup subfive.Setup, offer subfive.Offer) (subfive.Endpoint, bool) {
	takes := func(e subfive.Endpoint) bool {
		sameNetwork := offer.Network == "" || e.Network == "" || e.Network == offer.Network
		return sameNetwork && (len(e.Offers) == 0 || slices.Contains(e.Offers, offer.ID))
	}
	if e, ok := setup.Endpoint(subfive.DefaultEndpoint); ok && takes(e) {
		return e, true
	}
	i := slices.IndexFunc(setup.Endpoints, takes)
	if i < 0 {
		return subfive.Endpoint{}, false
	}
	return setup.Endpoints[i], true
}

// callable is an address as one on this machine calls it.
func callable(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	u.Host = reachable(u.Host)
	return u.String()
}

// click follows the campaign's link, with the click ID of its platform made up.
func (r *simulationRun) click(ctx context.Context, site string) error {
	source, _ := r.setup.Source(r.campaign.Source)
	query := "test=1"
	mark := "simulated-" + hex32()
	if p, ok := all.Find(source.Platform); ok && len(p.ClickParams) > 0 {
		query += "&" + url.QueryEscape(p.ClickParams[0]) + "=" + mark
	}
	since := r.b.t.app.now()
	target := strings.TrimRight(site, "/") + "/c/" + url.PathEscape(r.campaign.ID) + "?" + query
	call := r.call(ctx, target)
	r.out.Click = call
	if call.OK && call.Status != http.StatusFound {
		call.OK, call.What = false, fmt.Sprintf("a click is answered with %d, and not sent on", call.Status)
		call.Do = "see the tracker's log; 404 means that the campaign is unknown to the tracker which answers there"
	}
	if r.out.OK = call.OK; !call.OK {
		return nil
	}
	found, err := r.await(ctx, func() (bool, error) {
		items, _, err := r.st.List(ctx, store.ListQuery{
			View: "clicks", Filters: map[string][]string{"campaign_id": {r.campaign.ID}, "is_test": {"1"}}, Since: since.Add(-time.Minute), Limit: 1,
		})
		if err != nil || len(items) == 0 {
			return false, err
		}
		id, _ := items[0]["click_id"].(string)
		story, err := r.st.Story(ctx, id)
		if err != nil || len(story.Clicks) == 0 || !clickedNow(story.Clicks[0], since, mark) {
			return false, err
		}
		r.out.ClickID = id
		return true, nil
	})
	if err == nil && !found {
		r.out.OK, call.OK = false, false
		call.What, call.Do = "the click was sent on, and is not in the database yet", "look at the tracker's log: it may be busy, or another tracker answers at this address"
	}
	return err
}

// clickedNow tells the simulated click from earlier ones.
func clickedNow(c subfive.Click, since time.Time, mark string) bool {
	for _, value := range c.Params {
		if value == mark {
			return true
		}
	}
	return len(c.Params) == 0 && !c.ClickedAt.Before(since.Add(-time.Second))
}

// call makes one call as a visitor's phone does.
func (r *simulationRun) call(ctx context.Context, target string) *simulatedCall {
	c := &simulatedCall{Method: http.MethodGet, URL: target}
	ctx, cancel := context.WithTimeout(ctx, selfTestTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, c.Method, target, nil)
	if err != nil {
		c.What, c.Do = err.Error(), "set public_url to a URL"
		return c
	}
	req.Header.Set("User-Agent", simulatedAgent)
	res, err := r.client.Do(req)
	if err != nil {
		f := unreachable(c.Method, target, err)
		c.What, c.Do = f.What, f.Fix
		return c
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, 4<<10))
	if err != nil {
		f := unreachable(c.Method, target, err)
		c.What, c.Do = f.What, f.Fix
		return c
	}
	c.OK, c.Status, c.Location, c.Body = true, res.StatusCode, plain(res.Header.Get("Location")), plain(strings.TrimSpace(string(body)))
	return c
}

// postback fires the endpoint's postback as Everflow does, once.
func (r *simulationRun) postback(ctx context.Context, here string) error {
	template := everflow.PostbackURL(here, r.endpoint, everflow.Options{Offer: r.offer}) + "&test=1"
	sim, err := sandbox.NewSimulator(r.b.t.app.now, sandbox.SimulatorConfig{
		Postbacks: []sandbox.Postback{{ID: "simulated", URL: template, Type: sandbox.TypeConversion, Scope: sandbox.ScopeGlobal}},
		Client:    r.client, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	if err != nil {
		return fmt.Errorf("simulate: %w", err)
	}
	fire, err := sim.Fire(ctx, "simulated", r.conversion())
	if err != nil {
		return err
	}
	call := &simulatedCall{
		Method: http.MethodGet, URL: r.hideKey(fire.Last.URL), Status: fire.Last.Status, Body: plain(strings.TrimSpace(fire.Last.Body)),
		OK: fire.Outcome == sandbox.OutcomeDelivered,
	}
	r.out.Postback, r.out.OK = call, call.OK
	answer := toldBy(fire.Last.Body)
	if !call.OK || answer.ID == "" {
		r.out.OK, call.OK = false, false
		call.What = strings.TrimSpace("the postback was not taken by this tracker. " + r.hideKey(fire.Last.Err))
		call.Do = "check that public_url leads to this tracker, and that nothing stands before it: GET /api/v1/doctor says what does"
		return nil
	}
	r.out.PostbackID, r.out.Note = answer.ID, answer.Hint
	found, err := r.await(ctx, func() (bool, error) { return r.decided(ctx) })
	if err == nil && !found {
		r.out.Note = joined(" ", r.out.Note, "It was written down, and is not decided yet: look at it again in a moment.")
	}
	return err
}

// trackerAnswer is what this tracker answers a postback.
type trackerAnswer struct {
	ID   string `json:"id"`
	Hint string `json:"hint"`
}

// toldBy reads an answer; that of another program has no ID.
func toldBy(body string) (a trackerAnswer) {
	if json.Unmarshal([]byte(body), &a) != nil {
		return trackerAnswer{}
	}
	return a
}

// conversion is what the network is said to have recorded.
func (r *simulationRun) conversion() sandbox.Conversion {
	c := sandbox.Conversion{
		Type: sandbox.TypeConversion, TransactionID: hex32(), ConversionID: hex32(), OfferID: r.offer.NetworkOfferID, Payout: "42.00",
		Extra: map[string]string{},
	}
	if c.OfferID == "" {
		c.OfferID = "1"
	}
	switch {
	case r.wanted.Payout != "":
		c.Payout = r.wanted.Payout
	case r.offer.Payout != nil:
		c.Payout = r.offer.Payout.String()
	}
	if r.wanted.Goal != "" && !strings.EqualFold(r.wanted.Goal, subfive.GoalBase) {
		c.Type, c.EventName = sandbox.TypeEvent, r.wanted.Goal
	}
	slot := r.offer.ClickSlot
	if slot == "" {
		slot = "sub5"
	}
	c.Extra[slot] = r.out.ClickID
	return c
}

// hideKey takes the endpoint's key out of a text.
func (r *simulationRun) hideKey(text string) string {
	if r.endpoint.Key == "" {
		return text
	}
	return strings.NewReplacer(r.endpoint.Key, subfive.Hidden, url.QueryEscape(r.endpoint.Key), subfive.Hidden).Replace(text)
}

// decided looks whether the postback was decided, and what became of it.
func (r *simulationRun) decided(ctx context.Context) (bool, error) {
	story, err := r.st.Story(ctx, r.out.PostbackID)
	if errors.Is(err, subfive.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for _, p := range story.Postbacks {
		if p.ID == r.out.PostbackID {
			r.out.Verdict, r.out.ConversionID = p.Verdict, p.ConversionID
		}
	}
	return r.out.Verdict != "", nil
}

// await asks until it is so, and reports whether it came to be in time.
func (r *simulationRun) await(ctx context.Context, so func() (bool, error)) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, simulatedWait)
	defer cancel()
	tick := time.NewTicker(simulatedPoll)
	defer tick.Stop()
	for {
		if found, err := so(); found || err != nil {
			return found, err
		}
		select {
		case <-ctx.Done():
			return false, nil
		case <-tick.C:
		}
	}
}
