package attribution

import (
	"fmt"
	"time"

	"subfive"
)

// plausible is how far back of its arrival a postback's own time is believed.
const plausible = 30 * 24 * time.Hour

// skew is how far before its click a conversion may lie and still count as
// after it: two machines' clocks differ.
const skew = 5 * time.Minute

// networkTime is a postback's time in the network's reckoning: the network's if
// it lies in the 30 days before arrival, else arrival. What the network's API
// or an import brings keeps its time, however old.
func networkTime(p subfive.Postback) time.Time {
	at, _ := conversionTime(p)
	return at
}

func conversionTime(p subfive.Postback) (at time.Time, from string) {
	switch {
	case p.NetworkAt.IsZero(), p.NetworkAt.After(p.ReceivedAt):
		return p.ReceivedAt, subfive.FromArrival
	case p.Via == subfive.ViaAPI:
		return p.NetworkAt, subfive.FromAPI
	case p.Imported():
		return p.NetworkAt, subfive.FromImport
	case p.ReceivedAt.Sub(p.NetworkAt) > plausible:
		return p.ReceivedAt, subfive.FromArrival
	}
	return p.NetworkAt, subfive.FromMacro
}

// match finds the conversion's click and says whether it counts for it.
func (b *book) match(c *subfive.Conversion, j *judgement) {
	switch click, ok := b.clicks[c.ReceivedClickID]; {
	case c.DirectParam != "":
		c.Verdict, c.MatchMethod = subfive.VerdictDirect, subfive.MatchDirect
		j.note("match", "direct", "the platform's own "+c.DirectParam+": no click of ours is needed")
	case c.ReceivedClickID == "":
		c.Verdict = subfive.VerdictNoClickID
		j.note("match", "no_click_id", "the postback brought no click ID")
	case ok:
		b.attach(c, click, subfive.MatchClick, j)
	default:
		c.Verdict = subfive.VerdictWaiting
		c.ReviewAt = b.nextReview(*c)
		j.note("match", "waiting", fmt.Sprintf("no click %s yet; it is waited for until %s",
			c.ReceivedClickID, c.ReceivedAt.Add(b.rules.LateClicks).UTC().Format(time.RFC3339)))
	}
}

// attach gives the conversion its click, and decides whether it counts for it.
func (b *book) attach(c *subfive.Conversion, click subfive.Click, method string, j *judgement) {
	c.AttributedClickID, c.MatchMethod = click.ID, method
	c.ClickedAt, c.CampaignID, c.SourceID = click.ClickedAt, click.CampaignID, click.SourceID
	c.ReviewAt = time.Time{}
	if click.OfferID != "" {
		c.OfferID = click.OfferID
	}
	early := c.ClickedAt.Sub(c.ConvertedAt)
	if early >= 0 && early <= skew {
		c.ConvertedAt = c.ClickedAt.Add(time.Second)
	}
	offer, _ := b.rules.Setup.Offer(c.OfferID)
	window := time.Duration(offer.Window)
	since := c.ConvertedAt.Sub(c.ClickedAt)
	switch {
	case click.IsTest:
		c.Verdict, c.IsTest = subfive.VerdictTest, true
		j.note("match", "test", "its click "+click.ID+" is a test")
	case early > skew:
		c.Verdict = subfive.VerdictBeforeClick
		j.note("match", "before_click", fmt.Sprintf("it happened %s before its click %s", early.Round(time.Second), click.ID))
	case window > 0 && since > window:
		c.Verdict = subfive.VerdictOutsideWindow
		j.note("match", "outside_window", fmt.Sprintf("%s after its click %s; offer %s allows %s", since.Round(time.Second), click.ID, offer.ID, offer.Window))
	default:
		c.Verdict = subfive.VerdictMatched
		j.note("match", "matched", fmt.Sprintf("click %s, %s before", click.ID, since.Round(time.Second)))
	}
}

// sweeps are the ages at which a waiting conversion's click is looked for again,
// to cover a crash between its two transactions; after the last, hourly.
var sweeps = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute}

// nextReview is when an unmatched conversion is looked at next: for its click,
// its end, or a destination that waits so long for the click and no longer.
// Zero: never again.
func (b *book) nextReview(c subfive.Conversion) time.Time {
	end := c.ReceivedAt.Add(b.rules.LateClicks)
	next := time.Time{}
	consider := func(t time.Time) {
		if t.After(b.now) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	if c.Verdict == subfive.VerdictWaiting {
		consider(end)
		for _, age := range sweeps {
			consider(c.ReceivedAt.Add(age))
		}
		if b.now.Add(time.Hour).Before(end) {
			consider(b.now.Add(time.Hour))
		}
		if !end.After(b.now) {
			return b.now // due at once
		}
	}
	endpoint, _ := b.rules.Setup.Endpoint(c.EndpointID)
	for _, id := range endpoint.Destinations {
		d, _ := b.rules.Setup.Destination(id)
		if send, wait := d.Unmatched.Hold(); send && wait > 0 {
			consider(c.ReceivedAt.Add(wait))
		}
	}
	return next
}

// credit gives the conversion its offer and its value, and makes its
// deliveries.
func (b *book) credit(c *subfive.Conversion, j *judgement) {
	b.price(c, j)
	deliveries, steps := b.route(*c)
	j.Trace = append(j.Trace, steps...)
	b.owe(deliveries...)
}

// price fills in the offer, and a value where the postback brought none.
func (b *book) price(c *subfive.Conversion, j *judgement) {
	setup := b.rules.Setup
	if reported, ok := setup.OfferOfNetwork(c.NetworkID, c.NetworkOfferID); ok && c.OfferID == "" {
		c.OfferID = reported.ID
	}
	offer, _ := setup.Offer(c.OfferID)
	if c.Payout == nil && offer.Payout != nil && c.IsBase() {
		payout := *offer.Payout
		c.Payout, c.PayoutFirst, c.ValueFrom = &payout, &payout, subfive.FromOfferDefault
		j.note("value", "offer default", "the postback carried no payout; offer "+offer.ID+" says "+payout.String())
	}
	if c.Currency == "" {
		c.Currency = offer.Currency
	}
	if c.Currency == "" {
		c.Currency = "USD"
	}
}
