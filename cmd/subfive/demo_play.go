package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"subfive"
	"subfive/sandbox"
)

// halfHour is a little more than how long Google is left alone before it is asked
// what became of an event.
const halfHour = 31 * time.Minute

// tooRecent is what Google says of a click that its own books do not have yet. It
// wants to hear of it again, six hours later.
const tooRecent = "PROCESSING_ERROR_REASON_TOO_RECENT_CLICK"

// demoActs is what is played, and what should have come of it.
type demoActs struct {
	d       *demo
	traffic *sandbox.Traffic
	sim     *sandbox.Simulator
	shots   []sandbox.Shot
	told    int               // of shots, those that were fired, but for what changes later
	changed int               // of shots, those of which that was fired, too
	late    []sandbox.AdClick // whose records come after their postbacks
	refused *sandbox.Shot     // what TikTok refuses for good; nil: nothing
	recent  sandbox.Shot      // what Google wants to hear of later
	failed  int               // postbacks that were not answered with 2xx
}

// play lets visitors click and the network tell, and compares.
func (d *demo) play(ctx context.Context) error {
	a := &demoActs{d: d, traffic: sandbox.NewTraffic(d.seed, "1")}
	var err error
	if a.sim, err = sandbox.NewSimulator(d.app.now, sandbox.SimulatorConfig{Postbacks: a.traffic.Postbacks(d.base + "/conversion")}); err != nil {
		return err
	}
	d.sayf("")
	if err := a.day(ctx); err != nil {
		return err
	}
	for _, act := range []func(context.Context) error{a.clicks, a.trouble, a.tell, a.changes, a.tooRecent, a.halfHourLater} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	return a.report(ctx)
}

// day plays the hours before, each with its visitors and their sales.
func (a *demoActs) day(ctx context.Context) error {
	for hour := range a.d.hours {
		busy := 0.6 + 0.4*math.Sin(2*math.Pi*float64(hour-a.d.hours/3)/24)
		for range max(1, int(busy*float64(a.d.clicks))) {
			if err := a.visit(ctx, a.traffic.Visit()); err != nil {
				return err
			}
		}
		if err := a.tell(ctx); err != nil {
			return err
		}
		if err := a.change(ctx); err != nil {
			return err
		}
		a.d.clock.advance(time.Hour)
	}
	if a.d.hours > 0 {
		a.d.sayf("%d hours were played, with %d postbacks.", a.d.hours, a.told)
	}
	return nil
}

// clicks sends the visitors through the campaigns' links.
func (a *demoActs) clicks(ctx context.Context) error {
	redirected, old := 0, 0
	for range a.d.clicks {
		v := a.traffic.Visit()
		switch {
		case v.Click.ID == "":
			redirected++
		case v.Click.Age > 0:
			old++
		}
		if err := a.visit(ctx, v); err != nil {
			return err
		}
	}
	a.d.sayf("%d clicks on the links %s/c/spring, spring-tiktok, spring-reddit and spring-google: each was redirected to the", redirected, a.d.base)
	a.d.sayf("offer with its own sub5. %d clicks more of 40 days ago, and %d whose record comes after the postback.", old, len(a.late))
	return nil
}

// visit makes the click, and adds what the network will say about it.
func (a *demoActs) visit(ctx context.Context, v sandbox.Visit) error {
	id := v.Click.ID
	var err error
	switch {
	case id == "":
		id, err = a.d.click(ctx, v.Click)
	case v.Click.Late:
		a.late = append(a.late, v.Click)
	default:
		err = a.d.record(ctx, v.Click)
	}
	a.shots = append(a.shots, a.traffic.Follow(v, id)...)
	return err
}

// campaignOf is the campaign whose link a platform's ads have.
func campaignOf(platform string) string {
	if platform == "" || platform == "meta" {
		return "spring"
	}
	return "spring-" + platform
}

// click sends one visitor through the campaign's link and returns the click ID
// that he carries to the offer.
func (d *demo) click(ctx context.Context, c sandbox.AdClick) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.base+"/c/"+campaignOf(c.Platform)+"?"+c.Query, nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("User-Agent", c.UserAgent)
	req.Header.Set("X-Forwarded-For", c.IP)
	if c.Cookie != "" {
		req.Header.Set("Cookie", c.Cookie)
	}
	res, err := http.DefaultTransport.RoundTrip(req) // a visitor's browser would go on; nobody leaves this machine
	if err != nil {
		return "", fmt.Errorf("click: %w", err)
	}
	_ = res.Body.Close() // a redirect has nothing in it
	to, err := url.Parse(res.Header.Get("Location"))
	if err != nil || res.StatusCode != http.StatusFound || to.Query().Get("sub5") == "" {
		return "", fmt.Errorf("click: %s to %q, without a click ID in sub5", res.Status, res.Header.Get("Location"))
	}
	return to.Query().Get("sub5"), nil
}

// record writes down a click that another machine of the same tracker took.
func (d *demo) record(ctx context.Context, c sandbox.AdClick) error {
	q, err := url.ParseQuery(c.Query)
	if err != nil {
		return fmt.Errorf("record a click: %w", err)
	}
	setup := d.tracker.file.Setup
	to, _ := setup.Campaign(campaignOf(c.Platform))
	source, _ := setup.Source(to.Source)
	click := subfive.Click{
		ID: c.ID, RecordKind: subfive.ClickRedirect, ClickedAt: d.app.now().Add(-c.Age),
		CampaignID: to.ID, SourceID: source.ID, Platform: source.Platform, AdAccountID: source.AccountID, OfferID: to.Offer,
		Params: map[string]string{}, Request: subfive.Request{ClientAddr: c.IP, UserAgent: c.UserAgent},
	}
	for _, param := range []string{"fbclid", "ttclid", "rdt_cid", "gclid", "gbraid", "wbraid"} {
		if q.Has(param) {
			click.Params[param] = q.Get(param)
		}
	}
	data, err := json.Marshal(subfive.Record{ID: c.ID, Kind: subfive.RecordClick, Click: &click})
	if err != nil {
		return fmt.Errorf("record a click: %w", err)
	}
	_, err = d.tracker.journal.Append(ctx, subfive.RecordClick, data)
	return err
}

// trouble gives Meta a bad moment, so that a retry is seen, and lets TikTok refuse
// one sale for good.
func (a *demoActs) trouble(context.Context) error {
	if err := a.d.sandbox.Meta.Fail(sandbox.Failure{Mode: sandbox.ModeServerError, Status: http.StatusServiceUnavailable, Requests: 2}); err != nil {
		return err
	}
	for _, s := range a.shots[a.told:] {
		if s.Story == sandbox.StoryBase && s.Truth.Platform == "tiktok" {
			a.refused = &s
			a.d.sayf("Meta answers 503 for a moment, and TikTok will not take order %s.", s.Conversion.OrderID)
			return a.d.sandbox.TikTok.Fail(sandbox.Failure{Mode: sandbox.ModePoison, OrderIDs: []string{s.Conversion.OrderID}})
		}
	}
	a.d.sayf("Meta answers 503 for a moment.")
	return nil
}

// tell fires what the network says at first, as far as it did not. Some clicks
// come in only then.
func (a *demoActs) tell(ctx context.Context) error {
	if err := a.fire(ctx, a.shots[a.told:], func(s sandbox.Shot) bool { return !s.Truth.Change }); err != nil {
		return err
	}
	a.told = len(a.shots)
	for _, c := range a.late {
		if err := a.d.record(ctx, c); err != nil {
			return err
		}
	}
	a.late = nil
	return a.quiet(ctx)
}

// changes fires what the network approves and takes back.
func (a *demoActs) changes(ctx context.Context) error {
	err := a.change(ctx)
	a.d.sayf("%d postbacks fired by Everflow's simulator: %d answered with 2xx, %d not", len(a.shots), len(a.shots)-a.failed, a.failed)
	return err
}

func (a *demoActs) change(ctx context.Context) error {
	if err := a.fire(ctx, a.shots[a.changed:], func(s sandbox.Shot) bool { return s.Truth.Change }); err != nil {
		return err
	}
	a.changed = len(a.shots)
	return a.quiet(ctx)
}

func (a *demoActs) fire(ctx context.Context, shots []sandbox.Shot, which func(sandbox.Shot) bool) error {
	for _, s := range shots {
		if !which(s) {
			continue
		}
		if s.Ago > 0 {
			s.Conversion.Extra = map[string]string{"timestamp": strconv.FormatInt(a.d.app.now().Add(-s.Ago).Unix(), 10)}
		}
		fire, err := a.sim.Fire(ctx, s.PostbackID, s.Conversion)
		if err != nil {
			return err
		}
		if fire.Outcome != sandbox.OutcomeDelivered {
			a.failed++
		}
	}
	return nil
}

// tooRecent lets Google refuse one more sale for now.
func (a *demoActs) tooRecent(ctx context.Context) error {
	if err := a.d.sandbox.Google.SetVerdict(tooRecent); err != nil {
		return err
	}
	v := a.traffic.VisitTo("google", sandbox.StoryBase)
	if err := a.visit(ctx, v); err != nil {
		return err
	}
	a.recent = a.shots[len(a.shots)-1]
	if err := a.fire(ctx, a.shots, func(s sandbox.Shot) bool { return s.Truth.Key == a.recent.Truth.Key }); err != nil {
		return err
	}
	a.d.sayf("One more sale, so soon after its click that Google does not know the click yet.")
	return a.quiet(ctx)
}

// halfHourLater lets the time pass that Google and the sheet wait for.
func (a *demoActs) halfHourLater(ctx context.Context) error {
	a.d.clock.advance(halfHour)
	a.d.sayf("The clock of the demo is set ahead by %d minutes: Google says what it made of the events, the sheet's delay is over.", int(halfHour.Minutes()))
	return a.wait(ctx, func(u pendingDelivery) bool { return u.reason == string(subfive.Deferred) && u.in > time.Hour })
}

// pendingDelivery is a delivery that has not ended.
type pendingDelivery struct {
	id, status, reason, waitsFor string
	attempts                     int64
	in                           time.Duration // until its next attempt
}

// quiet waits until nothing is under way: what has not ended waits for a verdict, a
// delay or the end of its back-off, or for one that does. Only then may the clock be
// moved, for a lease ends by it.
func (a *demoActs) quiet(ctx context.Context) error {
	return a.wait(ctx, pendingDelivery.rests)
}

func (u pendingDelivery) rests() bool {
	switch {
	case u.status == string(subfive.DeliverySubmitted), u.waitsFor != "":
		return true
	case u.attempts > 0 && u.in < 30*time.Second: // a lease takes two minutes
		return u.in > 200*time.Millisecond
	}
	return u.in > 5*time.Minute
}

// wait waits until all that came in is recorded and rests holds for every delivery
// that has not ended.
func (a *demoActs) wait(ctx context.Context, rests func(pendingDelivery) bool) error {
	limit := 30*time.Second + time.Duration(a.d.clicks)*100*time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		resting, err := a.resting(ctx, rests)
		if err != nil || resting {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait %s for the deliveries: %w", limit, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (a *demoActs) resting(ctx context.Context, rests func(pendingDelivery) bool) (bool, error) {
	st := a.d.tracker.store.Load()
	if st == nil || a.d.tracker.journal.Stats().Unrecorded > 0 {
		return false, nil
	}
	now, all, ids := a.d.app.now(), []pendingDelivery{}, map[string]bool{}
	err := eachRow(ctx, st, `SELECT delivery_id, status, reason_code, waits_for, attempts, next_attempt_at FROM v_deliveries
		WHERE status IN ('scheduled', 'submitted')`, func(v []any) error {
		u := pendingDelivery{id: cellText(v[0]), status: cellText(v[1]), reason: cellText(v[2]), waitsFor: cellText(v[3])}
		u.attempts, _ = v[4].(int64)
		next, err := time.Parse(time.RFC3339, cellText(v[5]))
		u.in = next.Sub(now)
		all, ids[u.id] = append(all, u), true
		return err
	})
	if err != nil {
		return false, err
	}
	for _, u := range all {
		if !ids[u.waitsFor] {
			u.waitsFor = ""
		}
		if !rests(u) {
			return false, nil
		}
	}
	return true, nil
}
