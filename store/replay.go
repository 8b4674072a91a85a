package store

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"subfive"
)

// Replay asks for deliveries to be sent again.
type Replay struct {
	// Filter names them; only the newest generation of each is looked at.
	Filter DeliveryFilter
	// Force sends again what was delivered, or may have been and is past the
	// platform's memory: it may count twice there.
	Force bool
	// By names who asks, for the audit; empty: nobody is named, and nothing noted.
	By string
	// DryRun only says what would happen.
	DryRun bool
	// At is now: the new deliveries are made then, and due After it.
	At    time.Time
	After time.Duration
	// DedupWindow is how long a platform deduplicates by our event ID; 0: never.
	DedupWindow func(platform string) time.Duration
	// Decide decides a delivery again with today's settings: it sets the mode,
	// the event, the value, the deadline, and the status, where skipped needs a
	// reason. The event ID stays whatever it sets, but for subfive.PrefixTest.
	// Nil: all as it was.
	Decide func(subfive.Delivery) subfive.Delivery
}

// Replayed is what a replay did, or in a dry run would do.
type Replayed struct {
	Count int `json:"count"`
	// Refused are the deliveries left alone, by reason: unfinished, delivered,
	// ambiguous, not_owed.
	Refused map[string]int `json:"refused"`
	// Value adds up the values told, by currency.
	Value map[string]subfive.Micros `json:"value"`
	// Oldest and Newest are the events' times.
	Oldest time.Time `json:"oldest,omitzero"`
	Newest time.Time `json:"newest,omitzero"`
	// Sample is one of the new deliveries, with conversion and click.
	Sample *subfive.Delivery `json:"sample,omitempty"`
	// IDs are the new deliveries'.
	IDs []string `json:"ids"`
}

// The reasons for which a replay leaves a delivery alone.
const (
	RefusedUnfinished = "unfinished" // it is still being sent
	RefusedDelivered  = "delivered"  // the platform has it
	RefusedAmbiguous  = "ambiguous"  // the platform may have it, and forgot the ID
	RefusedNotOwed    = "not_owed"   // today's settings would not send it
)

// replayCode is the reason of a delivery that a person wants sent again.
const replayCode = "replay"

// Replay makes a new generation of the deliveries that the filter names, with
// the same event IDs, and schedules it. It goes through them a page at a time,
// newest first; each page is one transaction, and a replay that failed can be
// run again: what it did is then unfinished, and left alone.
func (s *Store) Replay(ctx context.Context, r Replay) (Replayed, error) {
	done := Replayed{Refused: map[string]int{}, Value: map[string]subfive.Micros{}, IDs: []string{}}
	left := r.Filter.Limit
	r.Filter.NewestOnly = true
	for {
		r.Filter.Limit = MaxPage
		if left > 0 {
			r.Filter.Limit = min(MaxPage, left)
		}
		old, err := s.replayPage(ctx, r, &done)
		if err != nil {
			return done, wrap("replay", err)
		}
		left -= len(old)
		if len(old) < r.Filter.Limit || left == 0 {
			return done, wrap("note a replay", s.auditReplay(ctx, r, done))
		}
		r.Filter.after = &old[len(old)-1]
	}
}

func (s *Store) replayPage(ctx context.Context, r Replay, done *Replayed) (old []subfive.Delivery, err error) {
	var refused map[string]int
	var again []subfive.Delivery
	err = s.write(ctx, s.screens, func(t *tx) error {
		if old, err = t.deliveries(ctx, r.Filter); err != nil {
			return err
		}
		before, err := t.predecessors(ctx, old)
		if err != nil {
			return err
		}
		refused, again = r.decide(old, before)
		if r.DryRun || len(again) == 0 {
			return errUnchanged
		}
		return t.deliver(ctx, again)
	})
	if err != nil && !errors.Is(err, errUnchanged) {
		return nil, err
	}
	done.add(refused, again)
	return old, nil
}

// decide says which are sent again. before are the lineages of those that others
// follow: a follow-up of a conversion that was never sent is not owed.
func (r Replay) decide(old []subfive.Delivery, before lineages) (refused map[string]int, again []subfive.Delivery) {
	refused = map[string]int{}
	for _, d := range old {
		if why := r.refuse(d); why != "" {
			refused[why]++
			continue
		}
		if d.Kind != subfive.KindConversion {
			if _, sent := before.ahead(d.WaitsFor); !sent {
				refused[RefusedNotOwed]++
				continue
			}
		}
		d = r.next(d)
		if d.Status != subfive.DeliveryScheduled {
			refused[RefusedNotOwed]++
			continue
		}
		again = append(again, d)
	}
	return refused, again
}

func (done *Replayed) add(refused map[string]int, again []subfive.Delivery) {
	for why, n := range refused {
		done.Refused[why] += n
	}
	done.Count += len(again)
	for _, d := range again {
		done.IDs = append(done.IDs, d.ID)
		if d.Value != nil {
			done.Value[d.Value.Currency] += d.Value.Amount
		}
		if done.Oldest.IsZero() || d.EventTime.Before(done.Oldest) {
			done.Oldest = d.EventTime
		}
		if d.EventTime.After(done.Newest) {
			done.Newest = d.EventTime
		}
		if done.Sample == nil {
			done.Sample = &d
		}
	}
}

func (r Replay) refuse(d subfive.Delivery) string {
	switch d.Status {
	case subfive.DeliveryScheduled, subfive.DeliverySubmitted:
		return RefusedUnfinished
	case subfive.DeliveryDelivered:
		if !r.Force {
			return RefusedDelivered
		}
	case subfive.DeliveryDead, subfive.DeliverySkipped, subfive.DeliveryDryRun, subfive.DeliveryTested:
	}
	// A test that may have arrived counts nowhere: the real one can't count twice.
	if d.AmbiguousAt.IsZero() || r.Force || strings.HasPrefix(d.EventID, subfive.PrefixTest) {
		return ""
	}
	var window time.Duration
	if r.DedupWindow != nil {
		window = r.DedupWindow(d.Platform)
	}
	if r.At.After(d.AmbiguousAt.Add(window)) {
		return RefusedAmbiguous
	}
	return ""
}

// next is the delivery's following generation, not yet sent.
func (r Replay) next(d subfive.Delivery) subfive.Delivery {
	n := subfive.Delivery{
		ConversionID: d.ConversionID, DestinationID: d.DestinationID, Platform: d.Platform, Kind: d.Kind, Generation: d.Generation + 1,
		Mode: d.Mode, EventName: d.EventName, EventID: d.EventID, EventTime: d.EventTime,
		Value: d.Value, PageURL: d.PageURL, LimitedUse: d.LimitedUse, Status: subfive.DeliveryScheduled,
		CreatedAt: r.At, DeadlineAt: d.DeadlineAt,
		WaitsFor: d.WaitsFor, Conversion: d.Conversion, Click: d.Click,
	}
	if r.Decide != nil {
		n = r.Decide(n)
	}
	n.Generation, n.WaitsFor, n.NextAttemptAt = d.Generation+1, d.WaitsFor, r.At.Add(r.After)
	if n.Status == subfive.DeliveryScheduled {
		n.ReasonCode, n.Reason = replayCode, "sent again by a person"
	}
	if strings.TrimPrefix(n.EventID, subfive.PrefixTest) != strings.TrimPrefix(d.EventID, subfive.PrefixTest) {
		n.EventID = d.EventID
	}
	n.ID = subfive.DeriveID(subfive.PrefixDelivery, d.ConversionID, d.DestinationID, string(d.Kind), strconv.Itoa(n.Generation))
	return n
}
