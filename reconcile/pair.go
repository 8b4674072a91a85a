package reconcile

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"subfive"
)

const (
	// near is how far the times of one conversion may lie apart in the two books.
	near = 24 * time.Hour
	// arrivalLag is how long after the conversion its postback may arrive: our
	// time is that of the arrival where the postback tells none, and the network
	// repeats one that failed for three days.
	arrivalLag = 72 * time.Hour
	skew       = 5 * time.Minute
)

// pairing says which of their rows is which conversion of ours.
type pairing struct {
	books Books
	// ours is the place of the conversion in Books.Ours by the row's in
	// Books.Theirs, -1: none.
	ours []int
	// byID: they have their ID in common.
	byID []bool
	// theirs is the row of each conversion, -1: none. Of several rows that are
	// one conversion it is the one that counts.
	theirs []int
	// extra are rows whose conversion has another row that counts.
	extra []bool
}

// pair joins both sides: by the network's ID of the conversion; else, as a
// change of status may get an ID of its own, by session, goal and order.
func pair(b Books) pairing {
	p := pairing{books: b, ours: make([]int, len(b.Theirs)), byID: make([]bool, len(b.Theirs)), theirs: make([]int, len(b.Ours)), extra: make([]bool, len(b.Theirs))}
	for i := range p.theirs {
		p.theirs[i] = -1
	}
	known, sessions := map[string]int{}, map[string][]int{}
	for i, c := range b.Ours {
		for _, id := range c.NetworkConversionIDs {
			known[id] = i
		}
		if c.TransactionID != "" {
			sessions[c.TransactionID] = append(sessions[c.TransactionID], i)
		}
	}
	for r, row := range b.Theirs {
		p.ours[r] = -1
		if i, ok := known[row.NetworkConversionID]; ok {
			p.join(r, i, true)
		}
	}
	p.bySession(sessions)
	return p
}

// join gives a row its conversion. Of two rows of one, the one counts that goes
// further, else the later.
func (p *pairing) join(r, i int, byID bool) {
	p.ours[r], p.byID[r] = i, byID
	was := p.theirs[i]
	if was < 0 {
		p.theirs[i] = r
		return
	}
	old, row := p.books.Theirs[was], p.books.Theirs[r]
	if cmp.Or(cmp.Compare(row.Status.Rank(), old.Status.Rank()), row.NetworkAt.Compare(old.NetworkAt)) > 0 {
		p.theirs[i], p.extra[was] = r, true
		return
	}
	p.extra[r] = true
}

// candidate is a row and a conversion that may be the same.
type candidate struct {
	row, ours, score int
	apart            time.Duration
}

// bySession joins what has no ID in common, the surest first.
func (p *pairing) bySession(sessions map[string][]int) {
	var all []candidate
	for r, row := range p.books.Theirs {
		if p.ours[r] >= 0 || row.TransactionID == "" {
			continue
		}
		for _, i := range sessions[row.TransactionID] {
			if p.theirs[i] >= 0 {
				continue
			}
			if score, apart, ok := alike(row, p.books.Ours[i].Conversion); ok {
				all = append(all, candidate{r, i, score, apart})
			}
		}
	}
	slices.SortStableFunc(all, func(x, y candidate) int {
		return cmp.Or(cmp.Compare(y.score, x.score), cmp.Compare(x.apart, y.apart), cmp.Compare(x.row, y.row), cmp.Compare(x.ours, y.ours))
	})
	for _, c := range all {
		if p.ours[c.row] < 0 && p.theirs[c.ours] < 0 {
			p.join(c.row, c.ours, false)
		}
	}
}

// alike reports whether a row and a conversion of one session may be the same,
// and how much speaks for it.
func alike(row subfive.Postback, c subfive.Conversion) (score int, apart time.Duration, ok bool) {
	goal, order := sameGoal(row, c.GoalID, c.GoalName), same(row.OrderID, c.OrderID)
	apart, ok = closeTo(row.NetworkAt, c)
	if goal < 0 || order < 0 || !ok {
		return 0, 0, false
	}
	score = 4*order + 2*goal
	if row.Payout != nil && c.Payout != nil && *row.Payout == *c.Payout {
		score += 2
	}
	if len(c.NetworkConversionIDs) == 0 {
		score++ // nothing speaks against it
	}
	return score, apart, true
}

// closeTo reports how far the conversion's time lies from the network's, and
// whether that can be the same.
func closeTo(at time.Time, c subfive.Conversion) (apart time.Duration, ok bool) {
	after := c.ConvertedAt.Sub(at)
	if c.ConvertedAtFrom == subfive.FromArrival {
		return after.Abs(), after >= -skew && after <= arrivalLag
	}
	return after.Abs(), after.Abs() <= near
}

// same is 1 for equal texts, -1 for others, 0 where one is missing.
func same(a, b string) int {
	switch {
	case a == "" || b == "":
		return 0
	case strings.EqualFold(a, b):
		return 1
	}
	return -1
}

// sameGoal compares IDs with IDs and names with names; only the base is called
// the same in both.
func sameGoal(row subfive.Postback, id, name string) int {
	byID, byName := same(row.GoalID, id), same(row.GoalName, name)
	switch {
	case byID > 0 || byName > 0:
		return 1
	case byID < 0 && byName < 0, byName < 0 && (row.GoalID == "" || id == ""), byID < 0 && (row.GoalName == "" || name == ""):
		return -1
	}
	if id+name == "" {
		return 0
	}
	if isBase(row.GoalID, row.GoalName) != isBase(id, name) {
		return -1
	}
	return 0
}

func isBase(id, name string) bool {
	return strings.EqualFold(id, subfive.GoalBase) || strings.EqualFold(name, subfive.GoalBase)
}
