package attribution

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"subfive"
)

// update takes in a postback that speaks of a conversion we have: what it
// brings that is new, and what follows from it.
func (b *book) update(j *judgement, c *subfive.Conversion, rel relation, at time.Time) {
	p := j.Postback
	if p.Via == subfive.ViaAPI {
		at = p.ReceivedAt // it tells how things stand, and not since when
	}
	j.ConversionID, j.Verdict = c.ID, subfive.VerdictDuplicate
	b.fill(j, c)
	switch {
	case rel == moved:
		j.Verdict = subfive.VerdictStatusChange
		b.setStatus(j, c, at)
	case rel == same && c.Status == subfive.StatusUnknown && p.Status != subfive.StatusUnknown:
		b.setStatus(j, c, at)
	}
	switch {
	case rel == same, amountsDiffer(p, *c) != differs:
	case rejects(p):
		j.note("amount", "unchanged", "a rejection's amount is the reversal's: the payout stays "+amountText(c.Payout))
	case stale(p, *c, at):
		j.note("amount", "unchanged", "an older postback: it was "+amountText(p.Payout)+" before it became "+amountText(c.Payout))
	default:
		if rel == repriced {
			j.Verdict = subfive.VerdictPayoutChange
		}
		b.setAmounts(j, c, at)
	}
	if j.Verdict == subfive.VerdictDuplicate {
		j.DuplicateOf = c.PostbackID
		j.note("group", "duplicate", "it repeats "+c.ID)
	}
}

// stale reports whether a postback's amounts are older than the conversion's: by
// the network's time where it gave one; else when they are those it began with,
// a retry that came late.
func stale(p subfive.Postback, c subfive.Conversion, at time.Time) bool {
	if _, from := conversionTime(p); from != subfive.FromArrival {
		return at.Before(c.PayoutChangedAt)
	}
	return amounts(p.Payout, c.PayoutFirst) == equal && !farApart(at, c.ReceivedAt)
}

// fill takes from a repeat what the conversion lacked: another endpoint's URL
// may bring what the first one's did not, the click ID above all.
func (b *book) fill(j *judgement, c *subfive.Conversion) {
	p := j.Postback
	before := len(c.NetworkConversionIDs) + len(c.AlsoReceivedBy)
	if id := p.NetworkConversionID; id != "" && !slices.Contains(c.NetworkConversionIDs, id) {
		c.NetworkConversionIDs = append(c.NetworkConversionIDs, id)
	}
	if p.EndpointID != c.EndpointID && !slices.Contains(c.AlsoReceivedBy, p.EndpointID) {
		c.AlsoReceivedBy = append(c.AlsoReceivedBy, p.EndpointID)
		j.note("endpoint", "also received by "+p.EndpointID, "the same conversion came in by "+c.EndpointID+": one postback is enough")
	}
	if p.EndpointID != c.EndpointID {
		j.hint(fmt.Sprintf("endpoint %q received this conversion, too: one postback is enough, remove one at the network", c.EndpointID))
	}
	filled := before != len(c.NetworkConversionIDs)+len(c.AlsoReceivedBy)
	for _, f := range []struct {
		to   *string
		from string
	}{
		{&c.TransactionID, p.TransactionID},
		{&c.OrderID, p.OrderID},
		{&c.GoalID, p.GoalID},
		{&c.GoalName, p.GoalName},
		{&c.NetworkOfferID, p.NetworkOfferID},
	} {
		if *f.to == "" && f.from != "" {
			*f.to, filled = f.from, true
		}
	}
	if c.SaleAmount == nil && p.SaleAmount != nil && !rejects(p) {
		c.SaleAmount, filled = p.SaleAmount, true
	}
	if (c.Payout == nil || c.ValueFrom == subfive.FromOfferDefault) && p.Payout != nil && !rejects(p) {
		b.log(j, c, "payout", amountText(c.Payout), p.Payout.String(), networkTime(p))
		c.Payout, c.ValueFrom, filled = p.Payout, subfive.FromPostback, true
	}
	if len(c.UserData) == 0 && len(p.UserData) > 0 && p.Via != subfive.ViaPixel {
		c.UserData, filled = p.UserData, true
	}
	if merged := subfive.MergeConsent(b.rules.ReadConsent, c.Consent, p.Consent); !maps.Equal(merged, c.Consent) {
		c.Consent, filled = merged, true
		b.reconsiderOne(*c)
	}
	if c.Via == subfive.ViaPixel && p.Via != subfive.ViaPixel {
		b.confirm(j, c)
		filled = true
	}
	if c.ReceivedClickID == "" && p.ClickID != "" {
		b.lateClickID(j, c)
		filled = true
	}
	if filled {
		b.touch(c.ID)
	}
}

// confirm lets a server's postback override what a browser's pixel said.
func (b *book) confirm(j *judgement, c *subfive.Conversion) {
	p := j.Postback
	c.Via = p.Via
	if p.Currency != "" {
		c.Currency = p.Currency
	}
	if len(p.UserData) > 0 {
		c.UserData = p.UserData
	}
	if amountsDiffer(p, *c) == differs && !rejects(p) {
		b.setAmounts(j, c, networkTime(p))
	}
	j.note("trust", "confirmed", "a server's postback confirms what a pixel said")
}

// lateClickID matches a conversion whose first postback had no click ID.
func (b *book) lateClickID(j *judgement, c *subfive.Conversion) {
	p := j.Postback
	c.ReceivedClickID, c.DirectParam = p.ClickID, p.DirectParam
	if p.DirectParam != "" {
		c.DirectValue = p.ClickIDRaw
	}
	b.match(c, j)
	if c.MarkedFrom != "" { // a person says that it is a test, whatever its click
		c.MarkedFrom, c.Verdict, c.ReviewAt = c.Verdict, subfive.VerdictTest, time.Time{}
	}
	b.credit(c, j)
}

// setStatus moves the status forward, and tells those who are to know.
func (b *book) setStatus(j *judgement, c *subfive.Conversion, at time.Time) {
	p := j.Postback
	b.log(j, c, "status", string(c.Status), string(p.Status), at)
	if c.FirstStatus == subfive.StatusUnknown {
		c.FirstStatus = p.Status
	}
	j.note("status", string(p.Status), "it was "+orNone(string(c.Status)))
	c.Status, c.StatusWord = p.Status, p.StatusWord
	stamp(c, at)
	b.touch(c.ID)
	switch c.Status {
	case subfive.StatusApproved:
		b.approve(j, *c)
	case subfive.StatusRejected:
		b.reverse(j, *c)
	case subfive.StatusPending, subfive.StatusUnknown:
		b.forward(j, *c)
	}
}

// setAmounts takes the postback's amounts over, and tells those who are to know.
func (b *book) setAmounts(j *judgement, c *subfive.Conversion, at time.Time) {
	p := j.Postback
	if amounts(p.Payout, c.Payout) == differs {
		b.log(j, c, "payout", amountText(c.Payout), p.Payout.String(), at)
		j.note("payout", p.Payout.String(), "it was "+amountText(c.Payout))
		c.Payout, c.ValueFrom = p.Payout, subfive.FromPostback
	}
	if amounts(p.SaleAmount, c.SaleAmount) == differs {
		b.log(j, c, "sale_amount", amountText(c.SaleAmount), p.SaleAmount.String(), at)
		c.SaleAmount = p.SaleAmount
	}
	c.PayoutChangedAt = at
	b.touch(c.ID)
	b.restate(j, *c)
}

// log keeps a change, for people and for the books.
func (b *book) log(j *judgement, c *subfive.Conversion, field, old, now string, at time.Time) {
	by := "postback"
	switch {
	case j.SettledBy == ByNetwork:
		by = "api"
	case j.SettledBy != "":
		by = "person"
	case j.Postback.Via == subfive.ViaAPI:
		by = "api"
	case j.Postback.Imported():
		by = "import"
	}
	b.batch.Changes = append(b.batch.Changes, subfive.Change{
		ConversionID: c.ID, Field: field, Old: old, New: now, At: at, By: by, PostbackID: j.Postback.ID,
	})
}

func amountText(m *subfive.Micros) string {
	if m == nil {
		return ""
	}
	return m.String()
}

func orNone(s string) string {
	if s == "" {
		return "not told"
	}
	return s
}

// forward makes what the conversion is owed and has not got.
func (b *book) forward(j *judgement, c subfive.Conversion) {
	ds, steps := b.route(c)
	j.Trace = append(j.Trace, steps...)
	b.owe(ds...)
}
