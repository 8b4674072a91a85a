package main

import (
	"context"
	"maps"
	"slices"
	"time"

	"subfive"
	"subfive/alerts"
	"subfive/config"
	"subfive/everflow"
	"subfive/store"
)

const (
	// activityEvery is how often traffic is counted anew: what it tells changes
	// slowly, and counting costs.
	activityEvery = 5 * time.Minute
	// queueWithin and activityWithin bound what the database may take.
	queueWithin    = 5 * time.Second
	activityWithin = 20 * time.Second
)

// facts gathers what alerts are judged by. It is used by one goroutine.
type facts struct {
	t *tracker

	lost   int // clicks, when last looked at
	lostAt time.Time

	setup    subfive.Setup
	known    bool // setup was read
	activity *alerts.Activity
	nextAt   time.Time                    // when to count traffic again
	clicks   map[string]map[time.Time]int // by campaign and hour
	networks alerts.Facts                 // Gaps, Postbacks and Spend, when traffic was last counted
	counted  time.Time                    // clicks of hours before are as they stay; zero: none are counted
}

func newFacts(t *tracker) *facts {
	return &facts{t: t, clicks: map[string]map[time.Time]int{}}
}

// expiries are the ends of the certificates that are served.
func (f *facts) expiries() []alerts.Expiry {
	e := f.t.tls.Load()
	if e == nil {
		return nil
	}
	what := "Renew the files of tls.cert_file and tls.key_file; serve takes them over within a minute."
	if f.t.file.Server.TLS.Mode == config.TLSAuto {
		what = "See in the log why it is not renewed: the authority must reach this machine at the host's name."
	}
	ends := e.expires()
	var all []alerts.Expiry
	for _, host := range slices.Sorted(maps.Keys(ends)) {
		all = append(all, alerts.Expiry{Subject: "certificate of " + host, At: ends[host], Do: what})
	}
	return all
}

// gather is alerts.Config.Facts.
func (f *facts) gather(ctx context.Context) alerts.Facts {
	now := f.t.app.now()
	all := alerts.Facts{At: now, Node: f.t.node, Local: f.local(now)}
	st := f.t.store.Load()
	if st == nil {
		all.Local.DatabaseDown = true
		return all
	}
	var err error
	if all.Queue, err = f.queue(ctx, st, now); err != nil {
		all.Local.DatabaseDown = store.Down(err)
		if !all.Local.DatabaseDown && ctx.Err() == nil {
			f.t.log.ErrorContext(ctx, "read the queue for alerts", "err", err)
		}
		return all
	}
	if !now.Before(f.nextAt) {
		f.nextAt = now.Add(activityEvery)
		if f.activity, err = f.countActivity(ctx, st, now); err != nil && ctx.Err() == nil {
			f.t.log.ErrorContext(ctx, "count traffic for alerts", "err", err)
		}
		if f.networks, err = f.booksFacts(ctx, st, now); err != nil && ctx.Err() == nil {
			f.t.log.ErrorContext(ctx, "read networks' books for alerts", "err", err)
		}
	}
	all.Activity, all.Gaps, all.Postbacks, all.Spend = f.activity, f.networks.Gaps, f.networks.Postbacks, f.networks.Spend
	return all
}

func (f *facts) local(now time.Time) alerts.Local {
	j := f.t.journal.Stats()
	if lost := int(f.t.metrics.lostClicks.Load()); lost > f.lost {
		f.lost, f.lostAt = lost, now
	}
	l := alerts.Local{
		DatabaseDown: f.t.metrics.databaseDown.Load(),
		Journal:      alerts.Journal{Held: j.Held, Cap: j.Cap, Waiting: j.Unrecorded, OldestAt: j.OldestUnrecorded},
		ClicksAtRisk: int(f.t.metrics.clicksAtRisk.Load()), ClicksLost: f.lost, LostAt: f.lostAt,
		Expiries: f.expiries(),
	}
	for _, b := range f.t.budget.Failures() {
		l.Failures = append(l.Failures, alerts.Failures{
			EndpointID: b.EndpointID, InARow: b.InARow, Limit: b.Limit, LastAt: b.LastAt, LastStatus: b.LastStatus, NetworkWindow: everflow.FailureWindow,
		})
	}
	if free, total, ok := diskSpace(f.t.file.Server.DataDir); ok {
		l.Disk = &alerts.Disk{Path: f.t.file.Server.DataDir, Free: free, Total: total}
	}
	return l
}

// queue reads pauses and what is due, of destinations that are not archived.
func (f *facts) queue(ctx context.Context, st *store.Store, now time.Time) (*alerts.Queue, error) {
	ctx, cancel := context.WithTimeout(ctx, queueWithin)
	defer cancel()
	version, err := st.SetupVersion(ctx)
	if err == nil && (!f.known || version != f.setup.Version) {
		f.setup, err = st.Setup(ctx)
		f.known = err == nil
	}
	if err != nil {
		return nil, err
	}
	paused, err := pausedDestinations(ctx, st)
	if err != nil {
		return nil, err
	}
	due, err := st.DueDeliveries(ctx, now)
	if err != nil {
		return nil, err
	}
	q := &alerts.Queue{}
	for _, d := range f.setup.Destinations {
		if d.ArchivedAt != nil {
			continue
		}
		if p, ok := paused[d.ID]; ok {
			q.Pauses = append(q.Pauses, p)
		}
		if n := due.Ready[d.ID]; n > 0 {
			q.Due = append(q.Due, alerts.Due{DestinationID: d.ID, Deliveries: n, OldestAt: due.OldestAt[d.ID]})
		}
	}
	return q, nil
}

// countActivity counts traffic: clicks of the last hours, added to what was
// counted before, and the rest anew, as conversions change after they came.
func (f *facts) countActivity(ctx context.Context, st *store.Store, now time.Time) (*alerts.Activity, error) {
	ctx, cancel := context.WithTimeout(ctx, activityWithin)
	defer cancel()
	running := now.UTC().Truncate(time.Hour)
	first := running.Add(-(alerts.HistoryHours - 1) * time.Hour)
	since := f.counted
	if since.Before(first) {
		since = first
	}
	clicks, err := st.ClicksByHour(ctx, since)
	if err != nil {
		return nil, err
	}
	mergeHours(f.clicks, clicks, first, since)
	f.counted = running.Add(-time.Hour) // what the journal held may still come
	traffic, err := st.Traffic(ctx, first, now.Add(-7*24*time.Hour), now.Add(-24*time.Hour))
	if err != nil {
		return nil, err
	}
	return activityOf(f.setup, f.clicks, traffic, first), nil
}

// mergeHours takes counts since a moment in place of those that were there, and
// forgets what lies before the first.
func mergeHours(into map[string]map[time.Time]int, more []store.Hourly, first, since time.Time) {
	for id, hours := range into {
		maps.DeleteFunc(hours, func(h time.Time, _ int) bool { return h.Before(first) || !h.Before(since) })
		if len(hours) == 0 {
			delete(into, id)
		}
	}
	for _, h := range more {
		if into[h.Subject] == nil {
			into[h.Subject] = map[time.Time]int{}
		}
		into[h.Subject][h.Hour] = h.N
	}
}

// activityOf puts counts into the form that rules read.
func activityOf(setup subfive.Setup, clicks map[string]map[time.Time]int, t store.Traffic, first time.Time) *alerts.Activity {
	a := &alerts.Activity{}
	series := func(hours map[time.Time]int) (s alerts.Series) {
		for h, n := range hours {
			if i := int(h.Sub(first) / time.Hour); i >= 0 && i < len(s) {
				s[i] = n
			}
		}
		return s
	}
	group := func(all []store.Hourly) map[string]map[time.Time]int {
		by := map[string]map[time.Time]int{}
		mergeHours(by, all, first, first)
		return by
	}
	conversions, postbacks, matched := group(t.Conversions), group(t.Postbacks), group(t.Matched)
	for _, c := range setup.Campaigns {
		if c.ArchivedAt == nil && !c.Paused {
			a.Campaigns = append(a.Campaigns, alerts.CampaignActivity{ID: c.ID, Clicks: series(clicks[c.ID]), Conversions: series(conversions[c.ID])})
		}
	}
	for _, e := range setup.Endpoints {
		a.Endpoints = append(a.Endpoints, alerts.EndpointActivity{ID: e.ID, Postbacks: series(postbacks[e.ID]), Matched: series(matched[e.ID])})
	}
	for _, s := range setup.Sources {
		one := alerts.SourceActivity{ID: s.ID}
		for _, d := range t.Decided {
			if d.SourceID == s.ID && d.Status == subfive.StatusApproved {
				one.Approved = d.N
			}
			if d.SourceID == s.ID && d.Status == subfive.StatusRejected {
				one.Rejected = d.N
			}
		}
		a.Sources = append(a.Sources, one)
	}
	for _, d := range setup.Destinations {
		if d.ArchivedAt == nil {
			a.Destinations = append(a.Destinations, destinationActivity(d.ID, t))
		}
	}
	return a
}

// poisonReason is the outbox's word for a delivery whose sends kept ending the
// program.
const poisonReason = "poison"

func destinationActivity(id string, t store.Traffic) alerts.DestinationActivity {
	a := alerts.DestinationActivity{ID: id}
	var dead []store.Delivered
	for _, d := range t.Deliveries {
		if d.DestinationID != id {
			continue
		}
		a.Deliveries += d.N
		if d.Status == subfive.DeliveryDead {
			a.Dead += d.N
			dead = append(dead, d)
		}
		if d.ReasonCode == poisonReason {
			a.Poison += d.N
		}
	}
	if len(dead) > 0 {
		a.Reason = slices.MaxFunc(dead, func(x, y store.Delivered) int { return x.N - y.N }).ReasonCode
	}
	for _, u := range t.Unmapped {
		if u.DestinationID == id {
			if a.Unmapped == nil {
				a.Unmapped = map[string]int{}
			}
			a.Unmapped[u.Goal] = u.N
		}
	}
	return a
}
