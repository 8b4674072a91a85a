package main

import (
	"slices"
	"time"

	"subfive"
	"subfive/store"
)

// nowNumbers are the figures of the span, each with that of the span before.
type nowNumbers struct {
	Clicks      tallied      `json:"clicks"`
	Conversions tallied      `json:"conversions"`
	Revenue     earned       `json:"revenue"`
	Profit      earned       `json:"profit"`
	MatchRate   matchedShare `json:"match_rate"`
	TimeToSent  sentWithin   `json:"time_to_sent"`
	Budget      failedInARow `json:"failure_budget"`
	Gap         *networkGap  `json:"gap"` // null: nobody compared of late
}

type tallied struct {
	Value  int   `json:"value"`
	Before int   `json:"before"`
	Series []int `json:"series"`
}

// earned is an amount in the reporting currency; nil where it is not known, and
// then Why says why.
type earned struct {
	Value    *subfive.Micros   `json:"value"`
	Before   *subfive.Micros   `json:"before"`
	Series   []*subfive.Micros `json:"series"`
	Currency string            `json:"currency"`
	Cost     *subfive.Micros   `json:"cost,omitempty"` // of profit, what was subtracted
	Why      string            `json:"why,omitempty"`
}

// matchedShare is the share of postbacks with a click of those that are
// conversions.
type matchedShare struct {
	Value   *float64   `json:"value"` // nil: there was none
	Before  *float64   `json:"before"`
	Matched int        `json:"matched"`
	Of      int        `json:"of"`
	Series  []*float64 `json:"series"`
}

// sentWithin is the time within which 95 of 100 live deliveries were sent.
type sentWithin struct {
	P95Millis *int64   `json:"p95_ms"` // nil: none was sent
	Before    *int64   `json:"before_ms"`
	Of        int      `json:"of"` // deliveries it rests on: the newest 5,000 of each destination
	Series    []*int64 `json:"series_ms"`
}

// failedInARow are answers to postbacks that were no success, at the endpoint
// with the most of them.
type failedInARow struct {
	InARow      int    `json:"in_a_row"`
	Limit       int    `json:"limit"`
	WindowHours int    `json:"window_hours"`
	EndpointID  string `json:"endpoint_id,omitempty"`
}

// networkGap compares yesterday's and today's conversions with the networks'.
type networkGap struct {
	Theirs  int `json:"theirs"`
	Ours    int `json:"ours"`
	Missing int `json:"missing"`
}

// nowStretch is a part of the span, for what happens in it stage by stage.
type nowStretch struct {
	At        time.Time `json:"at"`
	Clicks    int       `json:"clicks"`
	Postbacks int       `json:"postbacks"`
	Credited  int       `json:"credited"`
	Delivered int       `json:"delivered"`
	Waiting   int       `json:"waiting"`
	Held      int       `json:"held"`
}

func (s *situation) numbers() *nowNumbers {
	if s.down {
		return nil
	}
	n := nowNumbers{
		Clicks: tallied{Series: make([]int, len(s.grid))}, Conversions: tallied{Series: make([]int, len(s.grid))},
		MatchRate: s.matchRate(), TimeToSent: s.timeToSent(), Budget: s.budget(),
	}
	for _, p := range s.counts.Paces {
		i := partOf(s.grid, p.At)
		n.Clicks.Value, n.Conversions.Value = n.Clicks.Value+p.Clicks, n.Conversions.Value+p.Conversions
		n.Clicks.Series[i] += p.Clicks
		n.Conversions.Series[i] += p.Conversions
	}
	for _, p := range s.counts.PacesBefore {
		n.Clicks.Before, n.Conversions.Before = n.Clicks.Before+p.Clicks, n.Conversions.Before+p.Conversions
	}
	n.Revenue, n.Profit = s.revenue()
	if lost := missing(s.gaps); lost != nil {
		n.Gap = &networkGap{Missing: *lost}
		for _, g := range s.gaps {
			n.Gap.Theirs, n.Gap.Ours = n.Gap.Theirs+g.Theirs, n.Gap.Ours+g.Ours
		}
	}
	return &n
}

// revenue adds up money; profit is known where all costs are.
func (s *situation) revenue() (revenue, profit earned) {
	revenue = earned{Value: new(subfive.Micros), Before: new(subfive.Micros), Series: make([]*subfive.Micros, len(s.grid)), Currency: s.currency}
	profit = earned{Series: make([]*subfive.Micros, len(s.grid)), Currency: s.currency, Cost: s.counts.Cost}
	costs := make([]*subfive.Micros, len(s.grid)) // nil: not known of all of the part
	for i := range s.grid {
		revenue.Series[i], costs[i] = new(subfive.Micros), new(subfive.Micros)
	}
	for _, p := range s.counts.Paces {
		i := partOf(s.grid, p.At)
		*revenue.Value += p.Revenue
		*revenue.Series[i] += p.Revenue
		if p.Cost == nil {
			costs[i] = nil
		} else if costs[i] != nil {
			*costs[i] += *p.Cost
		}
	}
	for _, p := range s.counts.PacesBefore {
		*revenue.Before += p.Revenue
	}
	less := func(a, b *subfive.Micros) *subfive.Micros {
		if a == nil || b == nil {
			return nil
		}
		rest := *a - *b
		return &rest
	}
	profit.Value, profit.Before = less(revenue.Value, s.counts.Cost), less(revenue.Before, s.counts.CostBefore)
	for i := range s.grid {
		profit.Series[i] = less(revenue.Series[i], costs[i])
	}
	if len(s.counts.Unrated) > 0 {
		revenue.Why = "without what came in " + enumerated(s.counts.Unrated) + ": a rate of exchange is missing"
		profit.Value, profit.Why = nil, "a rate of exchange is missing"
	}
	switch {
	case profit.Value != nil || profit.Why != "":
	case !s.spans.ByDays:
		profit.Why = "costs are known by the day: choose today or 7 d"
	default:
		profit.Why = "costs are not known of every day and source: import them"
	}
	return revenue, profit
}

// outcomes of verdicts for the match rate: of those that are conversions, is
// the click known.
func matchedBy(v subfive.Verdict) (conversion, matched bool) {
	switch v {
	case subfive.VerdictMatched, subfive.VerdictDirect, subfive.VerdictOutsideWindow, subfive.VerdictBeforeClick:
		return true, true
	case subfive.VerdictWaiting, subfive.VerdictUnmatched, subfive.VerdictNoClickID:
		return true, false
	case subfive.VerdictTest, subfive.VerdictDuplicate, subfive.VerdictPossibleDuplicate, subfive.VerdictStatusChange, subfive.VerdictPayoutChange,
		subfive.VerdictNotAConversion, subfive.VerdictQuarantined, subfive.VerdictBroken:
		return false, false
	}
	return false, false
}

func shareOf(n, of int) *float64 {
	if of == 0 {
		return nil
	}
	x := float64(n) / float64(of)
	return &x
}

func (s *situation) matchRate() matchedShare {
	m := matchedShare{Series: make([]*float64, len(s.grid))}
	matched, of := make([]int, len(s.grid)), make([]int, len(s.grid))
	for _, v := range s.counts.Postbacks {
		conversion, known := matchedBy(v.Verdict)
		if conversion {
			of[v.Part] += v.N
			m.Of += v.N
		}
		if known {
			matched[v.Part] += v.N
			m.Matched += v.N
		}
	}
	for i := range s.grid {
		m.Series[i] = shareOf(matched[i], of[i])
	}
	n, before := 0, 0
	for _, v := range s.counts.PostbacksBefore {
		conversion, known := matchedBy(v.Verdict)
		if conversion {
			before += v.N
		}
		if known {
			n += v.N
		}
	}
	m.Value, m.Before = shareOf(m.Matched, m.Of), shareOf(n, before)
	return m
}

// p95 is the time that 95 of 100 of them took at most; nil for none.
func p95(took []int64) *int64 {
	if len(took) == 0 {
		return nil
	}
	slices.Sort(took)
	return &took[(len(took)*95+99)/100-1]
}

func millisOf(sent []store.Sent) (took []int64) {
	for _, one := range sent {
		took = append(took, max(one.DeliveredAt.Sub(one.CreatedAt).Milliseconds(), 0))
	}
	return took
}

func (s *situation) timeToSent() sentWithin {
	w := sentWithin{Series: make([]*int64, len(s.grid))}
	var took, before []int64
	parts := make([][]int64, len(s.grid))
	for _, d := range s.counts.Destinations {
		if to, _ := s.setup.Destination(d.DestinationID); to.Mode != subfive.ModeLive {
			continue
		}
		mine := millisOf(d.Sent)
		for i, one := range d.Sent {
			part := partOf(s.grid, one.CreatedAt)
			parts[part] = append(parts[part], mine[i])
		}
		took, before = append(took, mine...), append(before, millisOf(d.SentBefore)...)
	}
	w.Of, w.P95Millis, w.Before = len(took), p95(took), p95(before)
	for i := range parts {
		w.Series[i] = p95(parts[i])
	}
	return w
}

func (s *situation) stretches() []nowStretch {
	if s.down {
		return []nowStretch{}
	}
	all := make([]nowStretch, len(s.grid))
	for i, at := range s.grid {
		all[i].At = at.UTC()
	}
	for _, p := range s.counts.Paces {
		one := &all[partOf(s.grid, p.At)]
		one.Clicks, one.Credited = one.Clicks+p.Clicks, one.Credited+p.Conversions
	}
	for _, v := range s.counts.Postbacks {
		all[v.Part].Postbacks += v.N
	}
	for _, told := range s.counts.Destinations {
		d, _ := s.setup.Destination(told.DestinationID)
		for _, c := range told.Parts {
			switch one := &all[c.Part]; {
			case c.Status == subfive.DeliveryDelivered:
				one.Delivered += c.N
			case s.isHeld(d):
				one.Held += c.N
			default:
				one.Waiting += c.N
			}
		}
	}
	return all
}
