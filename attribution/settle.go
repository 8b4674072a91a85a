package attribution

import (
	"context"
	"errors"
	"fmt"

	"subfive"
)

// Settlement is what a possible duplicate turns out to be.
type Settlement string

// The settlements.
const (
	SettleDuplicate  Settlement = "duplicate"  // the same conversion, told again
	SettleNew        Settlement = "new"        // a conversion of its own
	SettleCorrection Settlement = "correction" // the same, and what it says is right
)

// ByNetwork is who settles where the network's own books decide.
const ByNetwork = "network"

// ErrNotSettleable says that a postback is not, or no longer, a question.
var ErrNotSettleable = errors.New("not an open question")

// Settle decides a possible duplicate. by names who does: a person, or the
// network's API.
func (a *Attributor) Settle(ctx context.Context, postbackID string, as Settlement, by string) (subfive.Judged, error) {
	if as != SettleDuplicate && as != SettleNew && as != SettleCorrection {
		return subfive.Judged{}, fmt.Errorf("settle as %q: say duplicate, new or correction", as)
	}
	return a.reopen(ctx, postbackID, subfive.VerdictPossibleDuplicate, func(b *book, j *judgement) error {
		j.SettledAs, j.SettledBy = string(as), by
		return b.settle(j, as)
	})
}

// Accept credits a quarantined postback as if nothing had been wrong with it.
func (a *Attributor) Accept(ctx context.Context, postbackID, by string) (subfive.Judged, error) {
	return a.reopen(ctx, postbackID, subfive.VerdictQuarantined, func(b *book, j *judgement) error {
		j.SettledAs, j.SettledBy = "accepted", by
		reading := j.Postback.Reading
		j.Postback.Reading = subfive.ReadingOK
		if j.Postback.ClickID == "" {
			j.Postback.Reading = subfive.ReadingEmptyClickID
		}
		j.note("accept", "yes", "accepted by "+by)
		b.judge(j)
		j.Postback.Reading = reading // what was read stays what was read
		return nil
	})
}

// reopen judges a stored postback again by fn, unless its verdict has changed.
func (a *Attributor) reopen(ctx context.Context, postbackID string, from subfive.Verdict, fn func(*book, *judgement) error) (subfive.Judged, error) {
	for {
		judged, err := a.store.Judged(ctx, postbackID)
		if err != nil {
			return judged, fmt.Errorf("postback %s: %w", postbackID, err)
		}
		if judged.Verdict != from {
			return judged, fmt.Errorf("postback %s is %s: %w", postbackID, judged.Verdict, ErrNotSettleable)
		}
		p := judged.Postback
		known, err := a.store.Lookup(ctx, lookup([]subfive.Record{{Kind: subfive.RecordPostback, Postback: &subfive.Postback{
			ID: p.ID, NetworkID: p.NetworkID, TransactionID: p.TransactionID, ClickID: p.ClickID,
		}}}))
		if err != nil {
			return judged, fmt.Errorf("look up the session of %s: %w", postbackID, err)
		}
		b := newBook(*a.rules.Load(), known, a.now())
		if p.TransactionID != "" || p.ClickID != "" {
			b.guard(known, session(p))
		}
		j := &judgement{Judged: judged}
		if err := fn(b, j); err != nil {
			return judged, err
		}
		batch := b.close()
		batch.Settlements = append(batch.Settlements, j.Judged)
		switch err := a.store.RecordBatch(ctx, batch); {
		case err == nil:
			return j.Judged, nil
		case !errors.Is(err, subfive.ErrConflict):
			return judged, fmt.Errorf("record the settlement of %s: %w", postbackID, err)
		}
	}
}

// settle acts on what a possible duplicate turned out to be.
func (b *book) settle(j *judgement, as Settlement) error {
	p := j.Postback
	at := networkTime(p)
	g := b.join(p, at)
	j.GroupID = g.ID
	original := -1
	for i, c := range g.Conversions {
		if c.ID == j.PossibleDuplicateOf {
			original = i
		}
	}
	if original < 0 {
		return fmt.Errorf("postback %s: its conversion %s: %w", p.ID, j.PossibleDuplicateOf, subfive.ErrNotFound)
	}
	j.note("settle", string(as), "by "+j.SettledBy)
	switch as {
	case SettleNew:
		c := b.newConversion(p, g)
		b.match(&c, j)
		b.credit(&c, j)
		g.Conversions = append(g.Conversions, c)
		b.touch(c.ID)
		j.ConversionID, j.Verdict = c.ID, c.Verdict
	case SettleDuplicate:
		b.update(j, &g.Conversions[original], same, at)
	case SettleCorrection:
		rel := repriced
		if statusForward(p, g.Conversions[original]) {
			rel = moved
		}
		b.update(j, &g.Conversions[original], rel, at)
	}
	return nil
}

// Attach gives an unattributed conversion to a click, as a person says.
func (a *Attributor) Attach(ctx context.Context, conversionID, clickID, by string) error {
	c, err := a.store.Conversion(ctx, conversionID)
	if err != nil {
		return fmt.Errorf("conversion %s: %w", conversionID, err)
	}
	if c.AttributedClickID != "" {
		return fmt.Errorf("conversion %s has click %s already: %w", conversionID, c.AttributedClickID, ErrNotSettleable)
	}
	known, err := a.store.Lookup(ctx, subfive.Lookup{ClickIDs: []string{clickID, c.ReceivedClickID}, WithWaiting: true})
	if err != nil {
		return fmt.Errorf("look up click %s: %w", clickID, err)
	}
	click, ok := known.Clicks[clickID]
	if !ok {
		return fmt.Errorf("click %s: %w", clickID, subfive.ErrNotFound)
	}
	b := newBook(*a.rules.Load(), known, a.now())
	return a.promote(ctx, b, []subfive.Conversion{c}, func(c *subfive.Conversion, j *judgement) {
		j.note("attach", "click "+clickID, "by "+by)
		b.attach(c, click, subfive.MatchManual, j)
	})
}
