package main

import (
	"time"

	"subfive"
	"subfive/everflow"
	"subfive/store"
)

// nowFacts prove the verdict.
type nowFacts struct {
	nowNode
	LastClick    *lastOf    `json:"last_click"`
	LastPostback *lastOf    `json:"last_postback"`
	LastDelivery *lastOf    `json:"last_delivery"`
	Oldest       *nowOldest `json:"oldest_waiting"`
	// Channels are the kinds of channels that alerts are sent to.
	Channels []string `json:"channels"`
}

// lastOf is the last of something, and what it belongs to: a campaign, an
// endpoint, a destination.
type lastOf struct {
	At time.Time `json:"at"`
	Of string    `json:"of"`
}

// nowOldest is the delivery that waits longest.
type nowOldest struct {
	At            time.Time `json:"at"`
	DestinationID string    `json:"destination_id"`
	// Planned: it is to be sent only then: its destination's delay or the platform
	// wants it so.
	Planned bool       `json:"planned"`
	NextAt  *time.Time `json:"next_at,omitempty"`
	Code    string     `json:"code,omitempty"`
}

// nowTold is what one destination was told in the span, and what it is to be
// told now: waiting, held and oldest are of whenever.
type nowTold struct {
	DestinationID string       `json:"destination_id"`
	Platform      string       `json:"platform"`
	Mode          subfive.Mode `json:"mode"`
	State         string       `json:"state"` // held, behind, waiting, working, quiet, test or dry_run
	Why           string       `json:"why,omitempty"`
	nowSums
	OldestAt *time.Time `json:"oldest_at"`
	Planned  bool       `json:"oldest_planned"`
	P95      *int64     `json:"p95_ms"`
	Series   []int      `json:"series"` // delivered, by part of the span
}

type nowSums struct {
	Delivered int `json:"delivered"`
	Waiting   int `json:"waiting"`
	Held      int `json:"held"`
	Dead      int `json:"dead"`
	Skipped   int `json:"skipped"`
	DryRun    int `json:"dry_run"`
	Tested    int `json:"tested"`
}

// nowTotal adds up those destinations that are live.
type nowTotal struct {
	Destinations int `json:"destinations"`
	nowSums
}

// behindAfter is how long a delivery may be due before its destination is said to
// be behind.
const behindAfter = 15 * time.Minute

func (s *situation) facts(channels []string) nowFacts {
	f := nowFacts{nowNode: s.node, Channels: channels, LastClick: seen(s.counts.LastClick), LastPostback: seen(s.counts.LastPostback)}
	for _, told := range s.counts.Destinations {
		if f.LastDelivery == nil && !told.LastAt.IsZero() || f.LastDelivery != nil && told.LastAt.After(f.LastDelivery.At) {
			f.LastDelivery = &lastOf{told.LastAt, told.DestinationID}
		}
		d, _ := s.setup.Destination(told.DestinationID)
		if oldest := s.oldest(d, told); oldest != nil && (f.Oldest == nil || oldest.At.Before(f.Oldest.At)) {
			f.Oldest = oldest
		}
	}
	return f
}

func seen(last store.Seen) *lastOf {
	if last.At.IsZero() {
		return nil
	}
	return &lastOf{last.At, last.ID}
}

// oldest is a destination's delivery that waits longest.
func (s *situation) oldest(d subfive.Destination, told store.Told) *nowOldest {
	var first *store.Waiting
	for i, w := range told.Waiting {
		if first == nil || w.CreatedAt.Before(first.CreatedAt) {
			first = &told.Waiting[i]
		}
	}
	if first == nil {
		return nil
	}
	o := nowOldest{At: first.CreatedAt, DestinationID: told.DestinationID, Planned: s.planned(d, *first), Code: first.LastCode}
	if !first.NextAttemptAt.IsZero() {
		o.NextAt = &first.NextAttemptAt
	}
	return &o
}

// planned reports whether a delivery waits because it should: it was never to be
// sent before, or the platform wants it later, or has it and tells later.
func (s *situation) planned(d subfive.Destination, w store.Waiting) bool {
	if s.isHeld(d) {
		return false
	}
	return w.Status == subfive.DeliverySubmitted ||
		w.NextAttemptAt.After(s.now) && w.Attempts == 0 && (w.ReasonCode == "" || w.ReasonCode == string(subfive.Deferred))
}

func (s *situation) destinations() (all []nowTold, total nowTotal) {
	all = []nowTold{}
	for _, told := range s.counts.Destinations {
		d, _ := s.setup.Destination(told.DestinationID)
		n := nowTold{
			DestinationID: d.ID, Platform: d.Platform, Mode: d.Mode, P95: p95(millisOf(told.Sent)), Series: make([]int, len(s.grid)),
			nowSums: nowSums{
				Delivered: told.Statuses[subfive.DeliveryDelivered], Dead: told.Statuses[subfive.DeliveryDead],
				Skipped: told.Statuses[subfive.DeliverySkipped], DryRun: told.Statuses[subfive.DeliveryDryRun], Tested: told.Statuses[subfive.DeliveryTested],
			},
		}
		if s.isHeld(d) {
			n.Held = told.Open
		} else {
			n.Waiting = told.Open
		}
		for _, c := range told.Parts {
			if c.Status == subfive.DeliveryDelivered {
				n.Series[c.Part] += c.N
			}
		}
		if oldest := s.oldest(d, told); oldest != nil {
			n.OldestAt, n.Planned = &oldest.At, oldest.Planned
		}
		n.State, n.Why = s.state(d, told)
		all = append(all, n)
		if d.Mode == subfive.ModeLive {
			total.add(n.nowSums)
		}
	}
	return all, total
}

func (t *nowTotal) add(n nowSums) {
	t.Destinations++
	t.Delivered, t.Waiting, t.Held, t.Dead = t.Delivered+n.Delivered, t.Waiting+n.Waiting, t.Held+n.Held, t.Dead+n.Dead
	t.Skipped, t.DryRun, t.Tested = t.Skipped+n.Skipped, t.DryRun+n.DryRun, t.Tested+n.Tested
}

// state is where a destination stands in a word, and why.
func (s *situation) state(d subfive.Destination, told store.Told) (state, why string) {
	pause := s.paused[d.ID]
	switch {
	case s.isHeld(d) && pause.Manual:
		return "held", pause.Reason
	case s.isHeld(d):
		return "held", joined(", ", pause.Code, lowered(pauseMeans(d, pause)))
	case d.Mode == subfive.ModeDryRun:
		return "dry_run", someOf(told.Statuses[subfive.DeliveryDryRun], "rendered, none sent")
	case d.Mode == subfive.ModeTest:
		return "test", someOf(told.Statuses[subfive.DeliveryTested], "sent with the platform's test code")
	}
	planned, due := 0, time.Time{}
	code := ""
	for _, w := range told.Waiting {
		if s.planned(d, w) {
			planned++
			if w.LastCode != "" {
				code = w.LastCode
			}
		} else if !w.NextAttemptAt.IsZero() && w.NextAttemptAt.Before(s.now) && (due.IsZero() || w.NextAttemptAt.Before(due)) {
			due = w.NextAttemptAt
		}
	}
	switch {
	case !due.IsZero() && s.now.Sub(due) >= behindAfter:
		return "behind", "due since " + longOf(s.now.Sub(due))
	case planned > 0:
		return "working", joined(": ", count(planned, "waits as planned", "wait as planned"), code)
	case told.LastAt.IsZero() && told.Open == 0:
		return "quiet", "nothing was sent yet"
	}
	return "working", ""
}

// someOf says how many, of what there is any.
func someOf(n int, text string) string {
	if n == 0 {
		return ""
	}
	return counting(n, text, text)
}

// pauseMeans says why a destination pauses.
func pauseMeans(d subfive.Destination, p subfive.Pause) string {
	if p.Code == "" {
		return p.Reason
	}
	return meaning(d.Platform, p.Code, p.Reason)
}

// budget is the endpoint's that failed the most in a row.
func (s *situation) budget() failedInARow {
	b := failedInARow{Limit: everflow.FailureLimit, WindowHours: int(everflow.FailureWindow.Hours())}
	for _, f := range s.failures {
		if f.InARow > b.InARow {
			b.InARow, b.EndpointID = f.InARow, f.EndpointID
		}
	}
	return b
}
