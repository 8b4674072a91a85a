package outbox

import (
	"fmt"
	"time"

	"subfive"
)

// How often a delivery's lease may run out without a result, as it does when
// the process dies, before it is sent alone, and before it is given up.
const (
	crashesAlone  = 3
	crashesPoison = 6
)

// batch is what one request carries.
type batch struct {
	claims []subfive.Claim
	ask    bool // they were submitted: ask what became of them
	probe  bool // it probes a destination whose pause has run out
	lone   bool // it is the fresh event that the guard wants tried
	// until is when the lease runs out; after it another may hold the rows.
	until time.Time
}

func (b batch) deliveries() []subfive.Delivery {
	ds := make([]subfive.Delivery, len(b.claims))
	for i, c := range b.claims {
		ds[i] = c.Delivery
	}
	return ds
}

// fresh reports whether it is one event that never was in a refused request.
func (b batch) fresh() bool {
	return !b.ask && len(b.claims) == 1 && b.claims[0].BatchLimit == 0
}

// pack puts claims into batches and keeps their order: a request is of one
// kind, test or not, and no larger than the smallest limit in it allows. Rows
// with different limits never share a request, so that a refused batch is
// halved as a whole and its good half stays good. Those to ask about go by
// their Ref.
func pack(claims []subfive.Claim, maxBatch int, until time.Time) []batch {
	type key struct {
		kind  subfive.Kind
		test  bool
		ref   string
		limit int
	}
	var all []batch
	open := map[key]int{} // where the batch that still has room is
	for _, c := range claims {
		ask := c.Delivery.Status == subfive.DeliverySubmitted
		k := key{kind: c.Delivery.Kind, test: c.Delivery.Mode == subfive.ModeTest, limit: limit(c, maxBatch)}
		if ask {
			k = key{ref: "ref " + c.Delivery.Ref, limit: len(claims)}
		}
		i, found := open[k]
		if !found || len(all[i].claims) >= k.limit {
			i = len(all)
			open[k] = i
			all = append(all, batch{ask: ask, until: until})
		}
		all[i].claims = append(all[i].claims, c)
	}
	return all
}

// limit is the largest request that c may travel in.
func limit(c subfive.Claim, maxBatch int) int {
	switch {
	case c.Crashes >= crashesAlone:
		return 1
	case c.BatchLimit > 0:
		return min(c.BatchLimit, maxBatch)
	}
	return maxBatch
}

// screen takes from claims those that must not be sent any more: what it does
// not return as live has ended.
func (r rules) screen(claims []subfive.Claim) (live []subfive.Claim, ended []subfive.Settled) {
	for _, c := range claims {
		if s, over := r.over(c); over {
			ended = append(ended, s)
		} else {
			live = append(live, c)
		}
	}
	return live, ended
}

// over reports whether a claim ends before it is sent, and how.
func (r rules) over(c subfive.Claim) (subfive.Settled, bool) {
	s := keep(c)
	if c.Crashes >= crashesPoison {
		return dead(s, reasonPoison, fmt.Sprintf("the program stopped %d times while it was being sent", c.Crashes)), true
	}
	if c.Delivery.Status == subfive.DeliverySubmitted {
		return s, false // to ask is not to send
	}
	if end, code := r.end(c.Delivery); !end.IsZero() && r.now.After(end) {
		return r.giveUp(s, code, end, c.Delivery.Reason), true
	}
	return s, false
}
