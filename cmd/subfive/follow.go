package main

import (
	"context"
	"time"

	"subfive"
	"subfive/attribution"
	"subfive/config"
	"subfive/forwarders"
	"subfive/outbox"
	"subfive/receiver"
)

// setup reads the setup, keeps its routing table for a start without the
// database, and fills its references in.
func (t *tracker) setup(ctx context.Context) (subfive.Setup, error) {
	stored, err := t.store.Load().Setup(ctx)
	if err != nil {
		return stored, err
	}
	resolved, err := config.Resolve(stored, t.app.env)
	if err != nil {
		return resolved, err
	}
	if err := receiver.WriteSnapshot(t.snapshot(), stored); err != nil {
		t.log.ErrorContext(ctx, "keep the routing table for a start without the database", "err", err)
	}
	return resolved, nil
}

// refresh is how soon a changed setup is taken over.
const refresh = 2 * time.Second

// follow takes changes of the setup over, whoever made them, and once a minute
// looks after what else can drift.
func (t *tracker) follow(ctx context.Context, version int64, a *attribution.Attributor, p *outbox.Pool) {
	tick, minute, soon := time.NewTicker(refresh), time.NewTicker(time.Minute), time.After(refresh)
	defer tick.Stop()
	defer minute.Stop()
	var served chan<- struct{} // to be closed once the newest setup is taken over
	for {
		if served != nil {
			close(served)
			served = nil
		}
		select {
		case <-ctx.Done():
			return
		case served = <-t.changed:
		case <-soon: // a claim of the process before this one may have been under way
			t.upkeep(ctx, p)
			continue
		case <-minute.C:
			t.upkeep(ctx, p)
			continue
		case <-tick.C:
		}
		st := t.store.Load()
		t.capOffers(ctx)
		now, err := st.SetupVersion(ctx)
		t.metrics.databaseDown.Store(err != nil && ctx.Err() == nil)
		if err != nil || now == version {
			continue
		}
		setup, err := t.setup(ctx)
		if err != nil {
			t.log.ErrorContext(ctx, "take the new setup over; the last one stays", "err", err)
			continue
		}
		t.install(ctx, setup, a, p)
		version = setup.Version
	}
}

// caughtUp waits until this process works by the newest setup: who has just made
// a campaign may click its link. Other processes follow by themselves.
func (t *tracker) caughtUp(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, refresh)
	defer cancel()
	done := make(chan struct{})
	select {
	case t.changed <- done:
	case <-ctx.Done():
		return
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// capOffers tells the receiver which offers have had the conversions of their
// day. While the database does not answer, the last word stays.
func (t *tracker) capOffers(ctx context.Context) {
	caps := map[string]int{}
	for _, o := range t.offers.Load().([]subfive.Offer) {
		if o.Cap > 0 {
			caps[o.ID] = o.Cap
		}
	}
	full := map[string]bool{}
	if len(caps) > 0 {
		local := t.app.now().In(t.zone)
		had, err := t.store.Load().ConversionsSince(ctx, time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, t.zone))
		if err != nil {
			t.log.ErrorContext(ctx, "count today's conversions of capped offers; who was capped stays so", "err", err)
			return
		}
		for id, limit := range caps {
			full[id] = had[id] >= limit
		}
	}
	t.receiver.SetCapped(full)
}

// unservedCode is the code of the pause of a destination that can't be served.
const unservedCode = "settings"

// unserved stores why a destination can't be served, where people look: as a
// pause. Once it can be served the dispatcher's probe lifts it.
func (t *tracker) unserved(ctx context.Context, id string, why error) {
	st := t.store.Load()
	for {
		p, err := st.Pause(ctx, id)
		if err != nil {
			t.log.ErrorContext(ctx, "say why a destination can't be served", "destination", id, "err", err)
			return
		}
		if p.Manual {
			return // a person's pause stays
		}
		p.Until, p.Code = t.app.now(), unservedCode
		p.Reason = "can't be served: " + why.Error()
		won, err := st.SetPause(ctx, p)
		if err != nil {
			t.log.ErrorContext(ctx, "say why a destination can't be served", "destination", id, "err", err)
			return
		}
		if won {
			t.metrics.Paused(p)
			return
		}
	}
}

// maxSkew is how far our clock may be from the database's: leases are counted
// by both.
const maxSkew = 10 * time.Second

// upkeep compares the clocks, makes due what a dead process of this node had
// claimed, and ends what was to be sent to destinations that were archived while
// a worker held it.
func (t *tracker) upkeep(ctx context.Context, p *outbox.Pool) {
	st := t.store.Load()
	at, ok, err := st.Clock(ctx)
	switch skew := t.app.now().Sub(at).Abs(); {
	case err != nil:
		t.log.ErrorContext(ctx, "compare the clock with the database's", "err", err)
	case ok && skew > maxSkew:
		t.log.ErrorContext(ctx, "the clock is off: nothing is claimed until it agrees with the database's", "skew", skew.String())
		t.skewed.Store(true)
		p.Set(nil)
	case ok && t.skewed.CompareAndSwap(true, false):
		p.Set(t.served.Load().([]outbox.Destination))
	}
	if n, err := st.Reclaim(ctx, t.node, t.process, t.app.now()); err != nil {
		t.log.ErrorContext(ctx, "reclaim what a dead process had claimed", "err", err)
	} else if n > 0 {
		p.Wake()
	}
	if _, err := st.SkipArchived(ctx, t.app.now()); err != nil {
		t.log.ErrorContext(ctx, "skip what was to go to archived destinations", "err", err)
	}
}

// install makes a setup the one that all pieces work by.
func (t *tracker) install(ctx context.Context, setup subfive.Setup, a *attribution.Attributor, p *outbox.Pool) {
	t.receiver.SetSetup(setup)
	t.offers.Store(setup.Offers)
	t.tees.Set(teeTargets(setup))
	a.SetRules(t.app.rules(t.file.Server, setup, t.vault))
	configured, failed := configure(setup, t.app.env, t.sender, config.DecodeSettings)
	for id, err := range failed {
		if d, _ := setup.Destination(id); d.Mode == subfive.ModeDryRun {
			t.log.InfoContext(ctx, "a destination in dry run is not complete yet", "destination", id, "err", err)
			continue // nothing would be sent to it anyway
		}
		t.log.ErrorContext(ctx, "a destination can't be served; its deliveries wait", "destination", id, "err", err)
		t.unserved(ctx, id, err)
	}
	if err := t.sender.SetDestinations(configured); err != nil {
		t.log.ErrorContext(ctx, "set up the destinations", "err", err)
		return
	}
	var served []outbox.Destination
	for _, c := range configured {
		d, _ := setup.Destination(c.ID)
		served = append(served, outbox.Destination{ID: c.ID, MaxBatch: d.MaxBatch, DedupWindow: c.Platform.DedupWindow})
	}
	t.served.Store(served)
	if !t.skewed.Load() {
		p.Set(served)
	}
}

// outboxSender gives the outbox what it needs of the Sender.
type outboxSender struct{ *forwarders.Sender }

func (s outboxSender) Send(ctx context.Context, id string, ds []subfive.Delivery) outbox.Exchange {
	return outbox.Exchange(s.Sender.Send(ctx, id, ds))
}

func (s outboxSender) Ask(ctx context.Context, id string, ds []subfive.Delivery) outbox.Exchange {
	return outbox.Exchange(s.Sender.Ask(ctx, id, ds))
}
