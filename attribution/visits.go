package attribution

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"subfive"
)

// visit takes in what a landing page told, and gives it to its click. Without
// the click it waits: whichever of the two is recorded later sees the other. One
// that names no click is nobody's, and left out.
func (b *book) visit(v subfive.Visit) {
	if b.stored[v.ID] || v.ClickID == "" {
		return
	}
	b.stored[v.ID] = true
	b.batch.Visits = append(b.batch.Visits, v)
	b.visits[v.ClickID] = append(b.visits[v.ClickID], v)
	b.tell(v)
}

// tell gives a visit to its click, if that is known, and makes the conversion of
// our own goal that a destination may want to hear of.
func (b *book) tell(v subfive.Visit) {
	before, ok := b.clicks[v.ClickID]
	if !ok {
		return
	}
	click, changed := enrich(before, v, b.rules.ReadConsent)
	if !changed {
		return
	}
	b.clicks[click.ID] = click
	if i, fresh := b.fresh[click.ID]; fresh {
		b.batch.Clicks[i] = click
	} else {
		b.enriched[click.ID] = true
	}
	if !maps.Equal(before.Consent, click.Consent) {
		b.reconsider(click)
	}
	first := before.LandingViewedAt.IsZero() && !click.LandingViewedAt.IsZero()
	if v.Kind == subfive.GoalLandingClick {
		first = before.LandingClickedAt.IsZero()
	}
	if first {
		b.ownGoal(click, v.Kind, v.At)
	}
}

// enrich returns the click with what the visit adds: what the click knows
// already stays, but for a consent that was taken back.
func enrich(c subfive.Click, v subfive.Visit, read func(map[string]string) subfive.Consent) (enriched subfive.Click, changed bool) {
	fillIn := func(into *map[string]string, key, value string) {
		if value == "" || (*into)[key] != "" {
			return
		}
		filled := maps.Clone(*into)
		if filled == nil {
			filled = map[string]string{}
		}
		filled[key] = value
		*into, changed = filled, true
	}
	for name, value := range v.Params {
		fillIn(&c.Params, name, value)
	}
	if merged := subfive.MergeConsent(read, c.Consent, v.Consent); !maps.Equal(merged, c.Consent) {
		c.Consent, changed = merged, true
	}
	for field, sealed := range v.UserData {
		if _, has := c.UserData[field]; has {
			continue
		}
		filled := maps.Clone(c.UserData)
		if filled == nil {
			filled = map[string]subfive.Sealed{}
		}
		filled[field] = sealed
		c.UserData, changed = filled, true
	}
	text := func(into *string, value string) {
		if *into == "" && value != "" {
			*into, changed = value, true
		}
	}
	text(&c.PageURL, v.PageURL)
	text(&c.LandingID, v.LandingID)
	moment := func(into *time.Time) {
		if into.IsZero() || v.At.Before(*into) {
			*into, changed = v.At, true
		}
	}
	switch v.Kind {
	case subfive.GoalLandingView:
		moment(&c.LandingViewedAt)
	case subfive.GoalLandingClick:
		moment(&c.LandingClickedAt)
	}
	return c, changed
}

// ownGoal makes the conversion of something that happened on a landing page, if
// a destination of its campaign maps that goal.
func (b *book) ownGoal(click subfive.Click, goal string, at time.Time) {
	c := subfive.Conversion{
		ID: subfive.DeriveID(subfive.PrefixConversion, "visit", click.ID, goal), GoalName: goal,
		ReceivedClickID: click.ID, Seq: 1, FirstStatus: subfive.StatusApproved, Status: subfive.StatusApproved,
		ConvertedAt: at, ConvertedAtFrom: subfive.FromArrival, ReceivedAt: at, UserData: click.UserData,
	}
	b.attach(&c, click, subfive.MatchClick, &judgement{})
	b.price(&c, &judgement{})
	ids, _ := b.destinations(c)
	wanted := false
	for _, id := range ids {
		to, ok := b.rules.Setup.Destination(id)
		if !ok || eventName(c, to) == "" {
			continue
		}
		if d, _ := b.plan(c, to); d.ID != "" {
			wanted = true
			b.owe(d)
		}
	}
	if wanted {
		b.loose = append(b.loose, c)
	}
}

// gather gives clicks what landing pages told of them before they came. Nothing
// is written when there is nothing new.
func (a *Attributor) gather(ctx context.Context, known subfive.Known) error {
	var batch subfive.Batch
	err := deciding(func() {
		b := newBook(*a.rules.Load(), known, a.now())
		for _, v := range known.Visits {
			b.tell(v)
		}
		batch = b.close()
	})
	if err != nil {
		return err
	}
	if len(batch.Enriched) == 0 {
		return nil
	}
	if err := a.store.RecordBatch(ctx, batch); err != nil {
		if errors.Is(err, subfive.ErrConflict) {
			return err
		}
		return fmt.Errorf("record what landing pages told: %w", err)
	}
	for _, c := range batch.Enriched {
		known.Clicks[c.ID] = c // what follows is decided by what the click says now
	}
	return nil
}
