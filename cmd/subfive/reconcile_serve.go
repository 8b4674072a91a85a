package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"subfive"
	"subfive/alerts"
	"subfive/attribution"
	"subfive/dashboard"
	"subfive/store"
)

const (
	// askEvery is how often it is looked whether a network is due, and whether its
	// postbacks are still on.
	askEvery = 15 * time.Minute
	// firstAsk is within what it is looked first.
	firstAsk = 10 * time.Second
	// nightlyAfter is the hour of the day, in the reporting time zone, after which
	// a network is due, nightlySpread how far networks and trackers lie apart, and
	// nightlySpan how far back is compared: till most refunds are known.
	nightlyAfter  = 3
	nightlySpread = 2 * time.Hour
	nightlySpan   = 35 * 24 * time.Hour
	// nightlyAgain is when one that failed is tried again.
	nightlyAgain = time.Hour
	// gapFor is how long the last comparison tells of the gap.
	gapFor = 48 * time.Hour
	// keptReconciliations is how long comparisons are kept.
	keptReconciliations = 400 * 24 * time.Hour
)

// books keeps a running tracker's networks compared, and their postbacks
// watched.
type books struct {
	reconciler
	t    *tracker
	jobs chan reconciling // that somebody asked for
	gap  *prometheus.GaugeVec
	off  *prometheus.GaugeVec
	// again is when a network that failed is tried again.
	again map[string]time.Time
}

func (t *tracker) newBooks(st *store.Store, a *attribution.Attributor, wake func()) *books {
	b := &books{
		reconciler: reconciler{
			app: t.app, file: t.file, store: st, attributor: a, contact: sealer{t.vault}.Seal, log: t.log, owner: t.process, wake: wake,
		},
		t: t, jobs: make(chan reconciling, 1), again: map[string]time.Time{},
		gap: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "subfive_network_gap_percent", Help: "Share of the network's conversions of yesterday and today of which no postback came, in percent.",
		}, []string{"network"}),
		off: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "subfive_network_postbacks_off", Help: "Postbacks of ours that the network has switched off.",
		}, []string{"network"}),
	}
	t.metrics.registry.MustRegister(b.gap, b.off)
	return b
}

// run compares and watches until ctx ends.
func (b *books) run(ctx context.Context) {
	next := time.NewTimer(jitter(firstAsk))
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case job := <-b.jobs:
			b.reconcileOne(ctx, job)
			continue
		case <-next.C:
		}
		b.look(ctx)
		next.Reset(askEvery/2 + jitter(askEvery))
	}
}

// look does what is due.
func (b *books) look(ctx context.Context) {
	setup, err := b.store.Setup(ctx)
	if err != nil {
		b.log.ErrorContext(ctx, "read the setup to reconcile", "err", err)
		return
	}
	now := b.app.now()
	for _, n := range setup.Networks {
		if n.APIKey == "" {
			continue
		}
		if err := b.t.watchPostbacks(ctx, b.store, setup, n.ID, now); err != nil && ctx.Err() == nil {
			b.log.ErrorContext(ctx, "look at the network's postbacks", "network", n.ID, "err", err)
		}
		if night := nightlyDue(now, b.zone(), b.t.node, n.ID); !now.Before(b.again[n.ID]) {
			b.reconcileOne(ctx, reconciling{networkID: n.ID, since: now.Add(-nightlySpan), until: now.Add(-underWay), nightly: night})
		}
	}
	if err := b.store.ForgetReconciliations(ctx, now.Add(-keptReconciliations)); err != nil && ctx.Err() == nil {
		b.log.ErrorContext(ctx, "forget old reconciliations", "err", err)
	}
	b.measure(ctx, setup)
}

func (b *books) zone() *time.Location {
	if zone, err := time.LoadLocation(b.file.Server.Reporting.Timezone); err == nil { // else the store had not opened
		return zone
	}
	return time.UTC
}

// nightlyDue is the last night for which this tracker asks a network. Trackers
// and networks have moments of their own, for the API's limit is shared; but all
// trackers name the same night, so that one of them does it.
func nightlyDue(now time.Time, zone *time.Location, node, networkID string) time.Time {
	h := fnv.New64a()
	fmt.Fprint(h, node, networkID)
	later := time.Duration(h.Sum64() % uint64(nightlySpread))
	y, m, d := now.In(zone).Date()
	night := time.Date(y, m, d, nightlyAfter, 0, 0, 0, zone)
	if night.Add(later).After(now) {
		night = time.Date(y, m, d-1, nightlyAfter, 0, 0, 0, zone)
	}
	return night
}

// reconcileOne runs one comparison, and says in the log what it came to.
func (b *books) reconcileOne(ctx context.Context, job reconciling) {
	out, err := b.reconciler.run(ctx, job)
	switch {
	case errors.Is(err, errTurn):
		if job.id != "" { // somebody waits for it
			b.log.WarnContext(ctx, "a comparison that was asked for is not made: another one runs", "reconciliation", job.id, "network", job.networkID)
			out.Error = err.Error()
			if err := b.keep(ctx, out, b.app.now()); err != nil {
				b.log.ErrorContext(ctx, "keep a reconciliation", "err", err)
			}
		}
		return
	case ctx.Err() != nil:
		return
	case err != nil:
		b.again[job.networkID] = b.app.now().Add(nightlyAgain)
		b.log.ErrorContext(ctx, "reconcile with the network; it is tried again in an hour", "network", job.networkID, "reconciliation", out.ID, "err", err)
		return
	}
	delete(b.again, job.networkID)
	b.log.InfoContext(ctx, "reconciled with the network", "network", job.networkID, "reconciliation", out.ID, "network_has", out.Totals.Theirs.Conversions,
		"backfilled", out.Backfilled, "changed", out.Changed, "settled", out.Settled, "gap_percent", out.Totals.GapPercent)
}

// measure sets what the metrics say.
func (b *books) measure(ctx context.Context, setup subfive.Setup) {
	gaps, err := gapsOf(ctx, b.store, setup, b.app.now(), b.zone())
	if err != nil && ctx.Err() == nil {
		b.log.ErrorContext(ctx, "read the gap to the network", "err", err)
	}
	for _, g := range gaps {
		if g.Theirs > 0 {
			b.gap.WithLabelValues(g.NetworkID).Set(100 * float64(g.Theirs-g.Ours) / float64(g.Theirs))
		}
	}
	for _, n := range setup.Networks {
		if w, err := watchedOf(ctx, b.store, n.ID); err == nil { // else nobody looked yet, or the next look tells
			_, off := w.counts()
			b.off.WithLabelValues(n.ID).Set(float64(off))
		}
	}
}

// gapsOf are the gaps to networks by their last comparison: of the last day that
// is over and the one that runs. Nil: there is none of late.
func gapsOf(ctx context.Context, st *store.Store, setup subfive.Setup, now time.Time, zone *time.Location) (gaps []alerts.Gap, err error) {
	yesterday := now.In(zone).AddDate(0, 0, -1).Format(time.DateOnly)
	for _, n := range setup.Networks {
		if n.APIKey == "" {
			continue
		}
		var kept []store.Reconciliation
		i := -1
		for _, most := range []int{2, 20} { // nearly always it is the last: the others are much to read
			if kept, err = st.Reconciliations(ctx, n.ID, most); err != nil {
				return nil, err
			}
			i = slices.IndexFunc(kept, func(k store.Reconciliation) bool {
				return k.State == store.ReconciliationDone && now.Sub(k.FinishedAt) < gapFor && covers(k, yesterday, zone)
			})
			if i >= 0 || len(kept) < most {
				break
			}
		}
		if i < 0 {
			continue
		}
		var out reconciled
		if err := json.Unmarshal(kept[i].Result, &out); err != nil {
			return nil, fmt.Errorf("read reconciliation %s: %w", kept[i].ID, err)
		}
		g := alerts.Gap{NetworkID: n.ID}
		for _, day := range out.Days {
			if day.Key >= yesterday {
				n := day.Theirs.Conversions - day.Theirs.Rejected
				g.Theirs += n
				g.Ours += n - day.Unheard
			}
		}
		gaps = append(gaps, g)
	}
	return gaps, nil
}

// covers reports whether a comparison tells of all of a day: one of another span
// says nothing of it.
func covers(k store.Reconciliation, day string, zone *time.Location) bool {
	var span struct {
		Since time.Time `json:"since"`
		Until time.Time `json:"until"`
	}
	if json.Unmarshal(k.Result, &span) != nil {
		return false
	}
	return span.Since.In(zone).Format(time.DateOnly) < day && span.Until.In(zone).Format(time.DateOnly) > day
}

// booksFacts are what alerts are told of networks' books and postbacks.
//
// With an error nothing is told: half of it would end alerts that still hold.
func (f *facts) booksFacts(ctx context.Context, st *store.Store, now time.Time) (alerts.Facts, error) {
	ctx, cancel := context.WithTimeout(ctx, activityWithin)
	defer cancel()
	zone, err := time.LoadLocation(f.t.file.Server.Reporting.Timezone)
	if err != nil {
		return alerts.Facts{}, fmt.Errorf("reporting.timezone: %w", err)
	}
	found := alerts.Facts{Postbacks: []alerts.Postbacks{}}
	if found.Gaps, err = gapsOf(ctx, st, f.setup, now, zone); err != nil {
		return alerts.Facts{}, err
	}
	for _, n := range f.setup.Networks {
		w, err := watchedOf(ctx, st, n.ID)
		if errors.Is(err, subfive.ErrNotFound) || n.APIKey == "" {
			continue
		}
		if err != nil {
			return alerts.Facts{}, err
		}
		active, off := w.counts()
		found.Postbacks = append(found.Postbacks, alerts.Postbacks{NetworkID: n.ID, Active: active, Off: off, Do: w.do()})
	}
	if found.Spend, err = spend(ctx, st, now, zone, f.t.file.Server.Reporting.Currency); err != nil {
		return alerts.Facts{}, err
	}
	return found, nil
}

// Reconciliations lists the comparisons, for the REST API.
func (b *backend) Reconciliations(ctx context.Context) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	const most = 100
	all, err := st.Reconciliations(ctx, "", most)
	if all == nil {
		all = []store.Reconciliation{}
	}
	return map[string]any{"items": all}, err
}

// reconciliation is one of them, with what differed.
func (b *backend) reconciliation(ctx context.Context, id string) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	kept, differing, err := st.Reconciliation(ctx, id)
	return struct {
		store.Reconciliation
		Differences []json.RawMessage `json:"differences"`
	}{kept, differing}, err
}

// Reconcile begins a comparison, for the REST API.
func (b *backend) Reconcile(ctx context.Context, r dashboard.Reconciliation) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	running := b.t.books.Load()
	if running == nil {
		return nil, errNoDatabase
	}
	setup, err := st.Setup(ctx)
	if err != nil {
		return nil, err
	}
	network, err := networkToAsk(setup, r.NetworkID, b.t.app.env)
	if err != nil {
		return nil, dashboard.Refusal{Invalid: true, What: err.Error(), Do: "set api_key in the file, then apply it"}
	}
	now := b.t.app.now()
	job := reconciling{
		id: running.newID(network.ID, now), networkID: network.ID, since: now.Add(-r.Since), until: now.Add(-underWay), dryRun: r.DryRun,
	}
	kept := store.Reconciliation{ID: job.id, NetworkID: network.ID, State: store.ReconciliationRunning, DryRun: r.DryRun, StartedAt: now}
	if err := st.KeepReconciliation(ctx, kept, nil); err != nil {
		return nil, err
	}
	select {
	case running.jobs <- job:
		return kept, nil
	default:
		kept.State, kept.FinishedAt = store.ReconciliationFailed, now
		return nil, errors.Join(dashboard.Refusal{What: "a comparison runs and another one waits", Do: "wait for them: GET /api/v1/reconciliations"}, st.KeepReconciliation(ctx, kept, nil))
	}
}
