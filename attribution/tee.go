package attribution

import (
	"slices"
	"strings"

	"subfive"
)

// tee owes the endpoint's other tracker a copy of the postback, whatever was
// decided about it: that tracker judges for itself.
func (b *book) tee(p subfive.Postback) {
	e, _ := b.rules.Setup.Endpoint(p.EndpointID)
	if e.Tee == "" || p.Via != subfive.ViaS2S && p.Via != subfive.ViaPixel {
		return // what an API or an import brought was no request that could be copied
	}
	b.batch.Tees = append(b.batch.Tees, subfive.Tee{
		PostbackID: p.ID, EndpointID: p.EndpointID, State: subfive.TeeWaiting, MadeAt: b.now, NextAttemptAt: b.now,
	})
}

// hint adds to what a person is told of the postback.
func (j *judgement) hint(text string) {
	if j.Postback.Hint != "" {
		text = j.Postback.Hint + "; " + text
	}
	j.Postback.Hint = text
}

// scope notes that a postback reports an offer which its endpoint was not made
// for. It is credited all the same: a wrong scope at the network must not cost a
// conversion.
func (b *book) scope(j *judgement) {
	p := j.Postback
	e, _ := b.rules.Setup.Endpoint(p.EndpointID)
	if len(e.Offers) == 0 || p.NetworkOfferID == "" || slices.Contains(e.Offers, p.NetworkOfferID) {
		return
	}
	for _, id := range e.Offers {
		if o, ok := b.rules.Setup.Offer(id); ok && o.NetworkOfferID == p.NetworkOfferID {
			return
		}
	}
	j.note("endpoint", "another offer", "offer "+p.NetworkOfferID+" is none of endpoint "+e.ID+"'s ("+strings.Join(e.Offers, ", ")+
		"): credited all the same; check the postback's scope at the network, or the endpoint's offers")
}
