package attribution

import (
	"context"
	"errors"
	"fmt"
	"time"

	"subfive"
)

// reviewBatch is how many conversions a sweep looks at in one go.
const reviewBatch = 500

// late matches conversions with clicks that came after them, those waiting for
// one of the clicks, and gives clicks the visits that came before them. It runs
// in a transaction of its own after the clicks, or the conversions, were
// committed; whichever of the two is later sees the other.
func (a *Attributor) late(ctx context.Context, clickIDs []string) error {
	if len(clickIDs) == 0 {
		return nil
	}
	for {
		l := subfive.Lookup{ClickIDs: clickIDs, WithWaiting: true}
		known, err := a.store.Lookup(ctx, l)
		if l.CreditedTo = consenting(known.Visits); err == nil && len(l.CreditedTo) > 0 {
			known, err = a.store.Lookup(ctx, l)
		}
		if err != nil {
			return fmt.Errorf("look up waiting conversions: %w", err)
		}
		if err := a.gather(ctx, known); errors.Is(err, subfive.ErrConflict) {
			continue
		} else if err != nil {
			return err
		}
		b := newBook(*a.rules.Load(), known, a.now())
		var found []subfive.Conversion
		for _, c := range known.Waiting {
			if _, ok := b.clicks[c.ReceivedClickID]; ok {
				found = append(found, c)
			}
		}
		err = a.promote(ctx, b, found, func(c *subfive.Conversion, j *judgement) {
			b.attach(c, b.clicks[c.ReceivedClickID], subfive.MatchLate, j)
		})
		if !errors.Is(err, subfive.ErrConflict) {
			return err
		}
	}
}

// consenting returns the clicks of visits that brought a word on consent.
func consenting(visits []subfive.Visit) []string {
	var clicks []string
	for _, v := range visits {
		if len(v.Consent) > 0 {
			clicks = append(clicks, v.ClickID)
		}
	}
	return clicks
}

// Review looks again at conversions whose time has come: for a click that came
// meanwhile, for the end of the wait, or for a destination that waits no longer.
// It returns how many it looked at. One that can't be decided or stored even alone
// is put off, so that it can't hold up its neighbors.
func (a *Attributor) Review(ctx context.Context) (int, error) {
	for {
		now := a.now()
		due, err := a.store.Due(ctx, now, reviewBatch)
		if err != nil || len(due) == 0 {
			return 0, err
		}
		err = a.review(ctx, due, now)
		if errors.Is(err, subfive.ErrBadData) {
			err = a.reviewEach(ctx, due, now)
		}
		if !errors.Is(err, subfive.ErrConflict) {
			return len(due), err
		}
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
	}
}

// putOff is how long a conversion that can't be reviewed is left alone.
const putOff = time.Hour

// reviewEach reviews conversions one by one.
func (a *Attributor) reviewEach(ctx context.Context, due []subfive.Conversion, now time.Time) error {
	for _, c := range due {
		err := a.review(ctx, []subfive.Conversion{c}, now)
		if errors.Is(err, subfive.ErrBadData) {
			a.log.ErrorContext(ctx, "a conversion can't be reviewed and is put off", "conversion", c.ID, "err", err)
			c.ReviewAt = now.Add(putOff)
			err = a.store.RecordBatch(ctx, subfive.Batch{At: now, Promotions: []subfive.Promotion{{Conversion: c}}})
		}
		if err != nil {
			return fmt.Errorf("review %s: %w", c.ID, err)
		}
	}
	return nil
}

// review looks again at conversions that are due.
func (a *Attributor) review(ctx context.Context, due []subfive.Conversion, now time.Time) error {
	l := subfive.Lookup{WithWaiting: true}
	for _, c := range due {
		l.ClickIDs = append(l.ClickIDs, c.ReceivedClickID)
	}
	known, err := a.store.Lookup(ctx, l)
	if err != nil {
		return fmt.Errorf("look up the clicks waited for: %w", err)
	}
	b := newBook(*a.rules.Load(), known, now)
	end := b.rules.LateClicks

	return a.promote(ctx, b, due, func(c *subfive.Conversion, j *judgement) {
		if click, ok := b.clicks[c.ReceivedClickID]; ok {
			b.attach(c, click, subfive.MatchLate, j)
			return
		}
		if c.Verdict == subfive.VerdictWaiting && !c.ReceivedAt.Add(end).After(now) {
			c.Verdict = subfive.VerdictUnmatched
			j.note("match", "unmatched", "its click did not come in "+subfive.Duration(end).String())
		}
		c.ReviewAt = b.nextReview(*c)
	})
}

// promote changes conversions without a click by fn, and makes what they are
// owed then. It fails with subfive.ErrConflict when somebody else changed one
// meanwhile.
func (a *Attributor) promote(ctx context.Context, b *book, cs []subfive.Conversion, fn func(*subfive.Conversion, *judgement)) error {
	if len(cs) == 0 {
		return nil
	}
	batch := subfive.Batch{At: b.now}
	err := deciding(func() {
		for _, c := range cs {
			j := &judgement{}
			fn(&c, j)
			b.price(&c, j)
			if c.AttributedClickID != "" { // what it was owed without its click is asked again
				b.reconsiderOne(c)
			}
			ds, steps := b.route(c)
			if c.AttributedClickID != "" || len(ds) > 0 || len(j.Trace) > 0 {
				j.Trace = append(j.Trace, steps...)
			}
			batch.Promotions = append(batch.Promotions, subfive.Promotion{Conversion: c, Deliveries: ds, Trace: j.Trace})
		}
	})
	if err != nil {
		return err
	}
	batch.Withdrawals, batch.Limited = b.batch.Withdrawals, b.batch.Limited
	if err := a.store.RecordBatch(ctx, batch); err != nil {
		return fmt.Errorf("record late matches: %w", err)
	}
	return nil
}
