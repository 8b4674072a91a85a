package attribution

import (
	"slices"
	"strings"
	"time"

	"subfive"
)

// relation is what a postback is to a conversion of its group.
type relation string

const (
	another  relation = "another"  // another conversion
	maybe    relation = "maybe"    // it may be a repeat; a person or the network's API settles it
	same     relation = "same"     // the same conversion, told again
	moved    relation = "moved"    // the same conversion, its status moved forward
	repriced relation = "repriced" // the same conversion, its amounts changed
)

// repeatWindow is how long, in the network's time, a postback that brings
// nothing new is taken for a repeat rather than for a renewal.
const repeatWindow = 24 * time.Hour

// difference compares one field of a postback with that of a conversion. A
// field that is missing on one side is not a difference.
type difference int

const (
	unknown difference = iota
	equal
	differs
)

// compare says what a postback is to a conversion of its group. at is the
// postback's time in the network's reckoning.
//
// Everflow's transaction_id is the click session and holds for a base sale,
// its upsells and its renewals alike; conversion_id is the conversion, but a
// status change may get one of its own, and not every postback carries it.
func compare(p subfive.Postback, c subfive.Conversion, at time.Time) relation {
	amounts := amountsDiffer(p, c)
	switch conversionIDs(p, c) {
	case equal:
		switch {
		case statusForward(p, c):
			return moved
		case amounts == differs && !rejects(p):
			return repriced
		}
		return same
	case differs:
		switch {
		case identityDiffers(p, c):
			return another
		case p.Via == subfive.ViaAPI:
			return maybe // its list tells whether it shows both or one
		case amounts == differs:
			return another
		case statusForward(p, c):
			return moved
		}
		return maybe
	case unknown:
	}
	switch {
	case identityDiffers(p, c):
		return another
	case amounts == differs && !rejects(p), farApart(at, c.ConvertedAt):
		return maybe
	case statusForward(p, c):
		return moved
	}
	return same
}

// rejects reports whether the postback takes a conversion back. The amounts of
// one that does are the reversal's (0, less than 0, the part taken back), and say
// nothing of what the conversion was worth.
func rejects(p subfive.Postback) bool { return p.Status == subfive.StatusRejected }

func conversionIDs(p subfive.Postback, c subfive.Conversion) difference {
	if p.NetworkConversionID == "" || len(c.NetworkConversionIDs) == 0 {
		return unknown
	}
	if slices.Contains(c.NetworkConversionIDs, p.NetworkConversionID) {
		return equal
	}
	return differs
}

// identityDiffers: a goal or an order of its own makes it another conversion.
func identityDiffers(p subfive.Postback, c subfive.Conversion) bool {
	return goals(p, c) == differs || texts(p.OrderID, c.OrderID) == differs
}

// goals compares IDs with IDs and names with names: one URL may bring only the
// event's ID and another only its name.
func goals(p subfive.Postback, c subfive.Conversion) difference {
	byID, byName := texts(p.GoalID, c.GoalID), texts(p.GoalName, c.GoalName)
	switch {
	case byID == differs, byID == unknown && byName == differs:
		return differs
	case byID == equal || byName == equal:
		return equal
	}
	// Only the base is called the same by ID and by name.
	pBase, cBase := isBase(p.GoalID, p.GoalName), isBase(c.GoalID, c.GoalName)
	pGoal, cGoal := p.GoalID+p.GoalName != "", c.GoalID+c.GoalName != ""
	if pGoal && cGoal && pBase != cBase {
		return differs
	}
	return unknown
}

func isBase(id, name string) bool {
	return strings.EqualFold(id, subfive.GoalBase) || strings.EqualFold(name, subfive.GoalBase)
}

func texts(a, b string) difference {
	switch {
	case a == "" || b == "":
		return unknown
	case strings.EqualFold(a, b):
		return equal
	}
	return differs
}

func amounts(a, b *subfive.Micros) difference {
	switch {
	case a == nil || b == nil:
		return unknown
	case *a == *b:
		return equal
	}
	return differs
}

func amountsDiffer(p subfive.Postback, c subfive.Conversion) difference {
	payout := amounts(p.Payout, c.Payout)
	if c.ValueFrom == subfive.FromOfferDefault {
		payout = unknown // the network never told us one
	}
	if payout == differs || amounts(p.SaleAmount, c.SaleAmount) == differs {
		return differs
	}
	return equal
}

// statusForward reports whether the postback's status is news. A conversion
// whose status nobody told counts as pending once a status is given.
func statusForward(p subfive.Postback, c subfive.Conversion) bool {
	return p.Status != subfive.StatusUnknown && c.Status != subfive.StatusUnknown && p.Status.Rank() > c.Status.Rank() ||
		c.Status == subfive.StatusUnknown && p.Status.Rank() > subfive.StatusPending.Rank()
}

func farApart(a, b time.Time) bool {
	d := a.Sub(b)
	return d > repeatWindow || d < -repeatWindow
}

// shared counts the fields on which both agree: of two conversions that a
// postback may repeat, the one that agrees on more is meant.
func shared(p subfive.Postback, c subfive.Conversion) int {
	n := 0
	for _, d := range []difference{
		goals(p, c), texts(p.OrderID, c.OrderID), amounts(p.Payout, c.Payout), amounts(p.SaleAmount, c.SaleAmount),
		texts(string(p.Status), string(c.Status)),
	} {
		if d == equal {
			n++
		}
	}
	return n
}

// place finds which of a group's conversions a postback speaks of, and what it
// is to it. Of several it may repeat, a sure one goes before an unsure one, and
// the one that agrees on more goes first. With none, it is another conversion. A
// rejection that may mean several, by an amount of none, is unsure.
func place(p subfive.Postback, group []subfive.Conversion, at time.Time) (relation, int) {
	best, found, score, candidates := another, -1, -1, 0
	for i, c := range group {
		rel := compare(p, c, at)
		if rel == another {
			continue
		}
		s := shared(p, c)
		candidates++
		switch {
		case conversionIDs(p, c) == equal:
			return rel, i
		case found < 0, best == maybe && rel != maybe, (best == maybe) == (rel == maybe) && s > score:
			best, found, score = rel, i, s
		}
	}
	if candidates > 1 && rejects(p) && amountsDiffer(p, group[found]) == differs {
		best = maybe
	}
	return best, found
}
