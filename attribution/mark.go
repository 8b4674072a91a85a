package attribution

import (
	"context"
	"errors"
	"fmt"
	"time"

	"subfive"
)

// TestMark says whether a conversion is a test.
type TestMark struct {
	Test bool
	// Retract takes back what platforms were told of it.
	Retract bool
	// By names the person who says so.
	By string
}

// MarkTest makes a conversion a test, which counts nowhere and of which nobody is
// told, or makes it again what it was before a person said that. It returns the
// conversion as it is then, and the deliveries that it made: retractions, or what
// is owed again. One that came as a test stays one.
func (a *Attributor) MarkTest(ctx context.Context, conversionID string, m TestMark) (subfive.Conversion, []subfive.Delivery, error) {
	for {
		c, made, err := a.markTest(ctx, conversionID, m)
		if !errors.Is(err, subfive.ErrConflict) || ctx.Err() != nil {
			return c, made, err
		}
	}
}

func (a *Attributor) markTest(ctx context.Context, conversionID string, m TestMark) (subfive.Conversion, []subfive.Delivery, error) {
	c, err := a.store.Conversion(ctx, conversionID)
	if err != nil {
		return c, nil, fmt.Errorf("conversion %s: %w", conversionID, err)
	}
	switch marked := c.MarkedFrom != ""; {
	case m.Test && (marked || c.IsTest):
		return c, nil, fmt.Errorf("conversion %s is a test already: %w", conversionID, ErrNotSettleable)
	case !m.Test && !c.IsTest:
		return c, nil, fmt.Errorf("conversion %s is no test: %w", conversionID, ErrNotSettleable)
	case !m.Test && !marked:
		return c, nil, fmt.Errorf("conversion %s came as a test: %w", conversionID, ErrNotSettleable)
	}
	known, err := a.store.Lookup(ctx, withDeliveries(c))
	if err != nil {
		return c, nil, fmt.Errorf("look up the deliveries of %s: %w", conversionID, err)
	}
	b := newBook(*a.rules.Load(), known, a.now())
	j := &judgement{}
	err = deciding(func() {
		if m.Test {
			b.markTest(&c, j, m)
		} else {
			b.unmarkTest(&c, j, m)
		}
	})
	if err != nil {
		return c, nil, err
	}
	made := b.batch.Deliveries
	err = a.store.RecordBatch(ctx, subfive.Batch{
		At: b.now, Withdrawals: b.batch.Withdrawals, Promotions: []subfive.Promotion{{Conversion: c, Deliveries: made, Trace: j.Trace}},
	})
	if err != nil {
		return c, nil, fmt.Errorf("record that %s is a test or not: %w", conversionID, err)
	}
	return c, made, nil
}

// withDeliveries asks for all that was told of a conversion, and for its click.
func withDeliveries(c subfive.Conversion) subfive.Lookup {
	l := subfive.Lookup{}
	if s := (subfive.Session{NetworkID: c.NetworkID, TransactionID: c.TransactionID, ClickID: c.ReceivedClickID}); len(s.Keys()) > 0 {
		l.Sessions = []subfive.Session{s}
	}
	if c.AttributedClickID != "" {
		l.ClickIDs, l.CreditedTo = []string{c.AttributedClickID}, []string{c.AttributedClickID}
	}
	return l
}

func (b *book) markTest(c *subfive.Conversion, j *judgement, m TestMark) {
	originals := b.told(c.ID)
	c.MarkedFrom, c.Verdict, c.IsTest, c.ReviewAt = c.Verdict, subfive.VerdictTest, true, time.Time{}
	j.note("mark", "test", "by "+m.By)
	for _, d := range b.deliveries[c.ID] {
		b.withdraw(d, reasonTest, "a person marked it as a test before it was sent")
	}
	if !m.Retract {
		return
	}
	for _, original := range originals {
		to, ok := b.rules.Setup.Destination(original.DestinationID)
		if ok && original.Status != subfive.DeliveryDryRun {
			b.follow(j, *c, to, original, subfive.KindRetraction, reversalEvent(to, original.EventName))
		}
	}
}

func (b *book) unmarkTest(c *subfive.Conversion, j *judgement, m TestMark) {
	c.Verdict, c.MarkedFrom, c.IsTest = c.MarkedFrom, "", false
	j.note("mark", "no test", "by "+m.By)
	if c.AttributedClickID == "" {
		c.ReviewAt = b.nextReview(*c) // its click may have come meanwhile
	}
	b.forward(j, *c)
}
