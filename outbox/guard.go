package outbox

import (
	"slices"

	"subfive"
)

const (
	// guardAfter is how many single events must be refused in a row before the
	// configuration is suspected.
	guardAfter = 8
	// guardHolds bounds what the guard remembers, and so gives back.
	guardHolds = 1000
)

// guard notices that it is not the events: when single events are refused one
// after another, all with the same code, and then a fresh one is too, which
// never shared a request with a bad one.
type guard struct {
	code string
	dead []string // those refused in a row, in their order
}

// suspects reports whether a fresh event must now be tried alone.
func (g guard) suspects() bool { return len(g.dead) >= guardAfter }

// after returns the guard after a request, and whether it shows that the
// configuration is at fault. What it suspected then is in dead.
func (g guard) after(b batch, x Exchange, settled []subfive.Settled) (next guard, confirmed bool) {
	if passes(x) {
		return guard{}, false
	}
	if b.ask || x.Attempt == nil || len(b.claims) != 1 || settled[0].Status != subfive.DeliveryDead ||
		settled[0].ReasonCode != string(subfive.Rejected) {
		return g, false
	}
	code := codeOf(x.Outcomes[0])
	if code != g.code {
		g = guard{code: code}
	}
	if g.suspects() && b.fresh() {
		return g, true
	}
	if len(g.dead) < guardHolds {
		g.dead = append(slices.Clone(g.dead), settled[0].DeliveryID)
	}
	return g, false
}

// passes reports whether a request brought something through.
func passes(x Exchange) bool {
	return slices.ContainsFunc(x.Outcomes, func(o subfive.Outcome) bool {
		return o.Class == subfive.Accepted || o.Class == subfive.Submitted
	})
}
