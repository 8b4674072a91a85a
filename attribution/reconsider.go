package attribution

import (
	"slices"

	"subfive"
)

// reconsider asks again what consent allows of what its click's conversions are
// still owed, once the click says more than it did. What was tried stays.
func (b *book) reconsider(click subfive.Click) {
	for _, c := range b.conversionsOf(click.ID) {
		b.reconsiderOne(c)
	}
}

// reconsiderOne takes back what consent no longer allows to be sent of one
// conversion, and limits what it allows only so.
func (b *book) reconsiderOne(c subfive.Conversion) {
	for _, d := range slices.Clone(b.deliveries[c.ID]) {
		to, ok := b.rules.Setup.Destination(d.DestinationID)
		if !ok || d.Status != subfive.DeliveryScheduled || !d.FirstAttemptAt.IsZero() {
			continue
		}
		now := d
		if code, why := b.allow(c, to, &now); code != "" {
			b.withdraw(d, code, "taken back before it was sent: "+why)
		} else if now.LimitedUse && !d.LimitedUse {
			b.limit(now)
		}
	}
}

// limit makes a delivery that was never tried one with limited use of its data.
func (b *book) limit(d subfive.Delivery) {
	b.know(d)
	if i, made := b.owed[d.ID]; made {
		b.batch.Deliveries[i].LimitedUse = true
		return
	}
	b.batch.Limited = append(b.batch.Limited, d.ID)
}

// conversionsOf returns the conversions that count for a click: those of the
// groups as the batch has changed them, its new ones of no group, and what the
// store knows besides.
func (b *book) conversionsOf(clickID string) []subfive.Conversion {
	var all []subfive.Conversion
	add := func(cs []subfive.Conversion) {
		for _, c := range cs {
			known := slices.ContainsFunc(all, func(a subfive.Conversion) bool { return a.ID == c.ID })
			if c.AttributedClickID == clickID && !known {
				all = append(all, c)
			}
		}
	}
	for _, g := range b.groups {
		add(g.Conversions)
	}
	add(b.loose)
	add(b.credited[clickID])
	return all
}
