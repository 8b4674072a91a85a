package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"subfive"
)

const (
	retryFirst = 50 * time.Millisecond
	retryLast  = 5 * time.Second
)

// settle writes down what became of requests that ended together: first the
// pause, then the deliveries, so that by the time they can be claimed again
// every node sees it.
func (w *Dispatcher) settle(ctx context.Context, all []ended) error {
	w.inFlight -= len(all)
	for _, e := range all {
		w.lone = w.lone && !e.lone
	}

	next, f, err := w.store(ctx, all)
	if err != nil {
		return err
	}
	w.state.guard = next.guard
	lost, err := w.record(ctx, f)
	if err != nil {
		return err
	}
	w.observe(all, f, lost)
	if paused(w.state.pause) {
		return w.giveBack(ctx)
	}
	return nil
}

// store plans until the pause of the plan is the stored one.
func (w *Dispatcher) store(ctx context.Context, all []ended) (state, subfive.Finish, error) {
	for {
		next, f := w.rules().plan(w.state, w.id, all)
		if next.pause == w.state.pause {
			return next, f, nil
		}
		var won bool
		err := w.untilDone(ctx, "store the pause", func() (err error) {
			if won, err = w.setPause(ctx, next.pause); err != nil || won {
				return err
			}
			return w.readPause(ctx) // another node changed it
		})
		if err != nil || won {
			return next, f, err
		}
	}
}

// setPause stores p, and if it was still of the stored version makes it ours.
func (w *Dispatcher) setPause(ctx context.Context, p subfive.Pause) (won bool, err error) {
	won, err = w.queue.SetPause(ctx, p)
	if err != nil {
		return false, fmt.Errorf("set the pause: %w", err)
	}
	if !won {
		return false, nil
	}
	old := w.state.pause
	p.Version++
	w.state.pause = p
	if p.Until != old.Until || p.Reason != old.Reason {
		w.observer.Paused(p)
	}
	if !paused(old) && paused(p) {
		w.log.WarnContext(ctx, "destination paused", "until", p.Until, "code", p.Code)
	}
	if paused(old) && !paused(p) {
		w.log.InfoContext(ctx, "destination resumed")
	}
	return true, nil
}

// observe has counted what was recorded.
func (w *Dispatcher) observe(all []ended, f subfive.Finish, lost []string) {
	madeAt := map[string]time.Time{}
	for _, e := range all {
		for i, o := range complete(e.exchange, len(e.claims)).Outcomes {
			w.observer.Answered(w.id, o.Class)
			madeAt[e.claims[i].Delivery.ID] = e.claims[i].Delivery.CreatedAt
		}
	}
	for _, s := range f.Settled {
		if s.Status == subfive.DeliveryDelivered && !slices.Contains(lost, s.DeliveryID) {
			w.observer.Delivered(w.id, s.DeliveredAt.Sub(madeAt[s.DeliveryID]))
		}
	}
}

// finish records what ended without a request.
func (w *Dispatcher) finish(ctx context.Context, settled []subfive.Settled) error {
	if len(settled) == 0 {
		return nil
	}
	_, err := w.record(ctx, subfive.Finish{DestinationID: w.id, At: w.now(), Settled: settled})
	return err
}

// record writes f down, again and again until it is committed: what a platform
// took must not be forgotten because the database was away. It gives up when
// ctx ends, or when the database refuses the bare values.
func (w *Dispatcher) record(ctx context.Context, f subfive.Finish) (lost []string, err error) {
	write := func() (err error) {
		lost, err = w.queue.Finish(ctx, f)
		return err
	}
	err = w.untilDone(ctx, "record outcomes", write)
	if errors.Is(err, subfive.ErrBadData) {
		w.log.ErrorContext(ctx, "record outcomes, now without what the platform said", "err", err)
		f = withoutTexts(f)
		err = w.untilDone(ctx, "record outcomes", write)
	}
	if errors.Is(err, subfive.ErrBadData) {
		return w.recordEach(ctx, f)
	}
	if err != nil {
		return nil, err
	}
	w.tell(ctx, f, lost)
	return lost, nil
}

// recordEach writes f down row by row, so that the one that the database refuses
// keeps no other from its end. That one's lease runs out by itself, and in the
// end it is poison.
func (w *Dispatcher) recordEach(ctx context.Context, f subfive.Finish) (lost []string, err error) {
	for _, s := range f.Settled {
		one := subfive.Finish{DestinationID: f.DestinationID, At: f.At, Settled: []subfive.Settled{s}, Revived: f.Revived}
		f.Revived = nil // with the first
		err := w.untilDone(ctx, "record outcomes", func() error {
			gone, err := w.queue.Finish(ctx, one)
			lost = append(lost, gone...)
			return err
		})
		switch {
		case errors.Is(err, subfive.ErrBadData):
			w.log.ErrorContext(ctx, "record outcome: given up", "delivery", s.DeliveryID, "err", err)
			lost = append(lost, s.DeliveryID)
		case err != nil:
			return lost, err
		}
	}
	w.tell(ctx, f, lost)
	return lost, nil
}

// tell logs what a person may want to know of what was recorded.
func (w *Dispatcher) tell(ctx context.Context, f subfive.Finish, lost []string) {
	if len(lost) > 0 {
		w.log.WarnContext(ctx, "leases lost: others hold these deliveries now", "deliveries", lost)
	}
	if len(f.Revived) > 0 {
		w.log.WarnContext(ctx, "dead letters scheduled again: it is the configuration", "deliveries", f.Revived)
	}
	for _, s := range f.Settled {
		if s.Status == subfive.DeliveryDead && !slices.Contains(lost, s.DeliveryID) {
			w.log.WarnContext(ctx, "delivery dead", "delivery", s.DeliveryID, "code", s.ReasonCode, "platform_code", s.LastCode)
		}
	}
}

// untilDone tries do until it succeeds, the values are refused, or ctx ends.
func (w *Dispatcher) untilDone(ctx context.Context, what string, do func() error) error {
	for try := 0; ; try++ {
		err := do()
		if err == nil || errors.Is(err, subfive.ErrBadData) {
			return err
		}
		if try == 0 {
			w.log.ErrorContext(ctx, "will try again until it succeeds", "what", what, "err", err)
		}
		wait := min(retryFirst<<min(try, 10), retryLast)
		timer := time.NewTimer(wait/2 + time.Duration(w.random()*float64(wait/2)))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("%s: %w", what, err)
		}
	}
}

// withoutTexts returns f without anything a platform wrote: the values alone.
func withoutTexts(f subfive.Finish) subfive.Finish {
	bare := f
	bare.Attempts = nil
	bare.Settled = make([]subfive.Settled, len(f.Settled))
	for i, s := range f.Settled {
		s.Reason, s.LastCode = "", ""
		bare.Settled[i] = s
	}
	return bare
}
