package outbox

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"subfive"
)

// claim takes what is due into pending and returns, when that is nothing, how
// long nothing is.
func (w *Dispatcher) claim(ctx context.Context, free int) (time.Duration, error) {
	if err := w.readPause(ctx); err != nil {
		return 0, err
	}
	now := w.now()
	if p := w.state.pause; paused(p) {
		if p.Manual {
			return poll, nil
		}
		if p.Until.After(now) {
			return waitFor(p.Until, now), nil
		}
		return w.claimProbe(ctx)
	}
	c := w.config.Load()
	claims, err := w.take(ctx, now, c.MaxBatch*free, false)
	if err != nil {
		return 0, err
	}
	if len(claims) == 0 {
		return w.untilDue(ctx, now)
	}
	w.pending = pack(claims, c.MaxBatch, now.Add(lease))
	return 0, nil
}

func (w *Dispatcher) take(ctx context.Context, now time.Time, limit int, probe bool) ([]subfive.Claim, error) {
	if w.unsure != "" {
		if err := w.queue.Abandon(ctx, w.id, w.unsure, now); err != nil {
			return nil, fmt.Errorf("abandon an unclear claim: %w", err)
		}
		w.unsure = ""
	}
	leaseID := w.node + rand.Text()
	claims, err := w.queue.Take(ctx, w.id, leaseID, now, now.Add(lease), limit, probe)
	if err != nil {
		w.unsure = leaseID
		return nil, fmt.Errorf("take deliveries: %w", err)
	}
	return claims, nil
}

// untilDue returns how long to wait after a claim at taken found nothing.
func (w *Dispatcher) untilDue(ctx context.Context, taken time.Time) (time.Duration, error) {
	at, ok, err := w.queue.NextDue(ctx, w.id)
	if err != nil {
		return 0, fmt.Errorf("find what is due next: %w", err)
	}
	if !ok || !at.After(taken) {
		return poll, nil // what is due and was not claimed waits for something else
	}
	return waitFor(at, w.now()), nil
}

// waitFor is the time from now until at, at least a millisecond (the store's
// grain) and at most poll.
func waitFor(at, now time.Time) time.Duration {
	return min(max(at.Sub(now), time.Millisecond), poll)
}

func (w *Dispatcher) readPause(ctx context.Context) error {
	p, err := w.queue.Pause(ctx, w.id)
	if err != nil {
		return fmt.Errorf("read the pause: %w", err)
	}
	p.DestinationID = w.id
	w.state.pause = p
	return nil
}

// claimProbe competes for the probe of a pause that has run out. Who wins moves
// its end a lease forward, so that the others go on waiting, and takes one
// event.
func (w *Dispatcher) claimProbe(ctx context.Context) (time.Duration, error) {
	now := w.now()
	if at, ok, err := w.queue.NextDue(ctx, w.id); err != nil {
		return 0, fmt.Errorf("find what is due next: %w", err)
	} else if !ok {
		return poll, nil // nothing to probe with
	} else if at.After(now) {
		return waitFor(at, now), nil
	}
	p := w.state.pause
	ranOut := p.Until
	p.Until = now.Add(lease)
	if won, err := w.setPause(ctx, p); err != nil || !won {
		return poll, err
	}
	claims, err := w.takeProbe(ctx, now)
	if err != nil {
		return 0, err
	}
	if len(claims) == 0 {
		p = w.state.pause
		p.Until = ranOut
		_, err := w.setPause(ctx, p)
		return poll, err
	}
	w.pending = pack(claims, 1, now.Add(lease))
	w.pending[0].probe = true
	return 0, nil
}

// takeProbe takes one event that can still be sent; those that can't, end here.
func (w *Dispatcher) takeProbe(ctx context.Context, now time.Time) ([]subfive.Claim, error) {
	for w.now().Sub(now) < sendMargin {
		claims, err := w.take(ctx, now, 1, true)
		if err != nil {
			return nil, err
		}
		live, over := w.rules().screen(claims)
		if err := w.finish(ctx, over); err != nil {
			return nil, err
		}
		if len(live) > 0 || len(claims) == 0 {
			return live, nil
		}
	}
	return nil, nil
}

// begin starts pending batches while there is room. What can no longer be sent
// ends, and what has waited too long for its turn is given back.
func (w *Dispatcher) begin(writes, sends context.Context) error {
	c := w.config.Load()
	var unsent []subfive.Settled
	w.freshFirst()
	for len(w.pending) > 0 && w.inFlight < c.InFlight && !w.lone {
		b := w.pending[0]
		w.pending = w.pending[1:]
		r := w.rules()
		if b.until.Sub(r.now) < sendWithin+sendMargin {
			for _, c := range b.claims {
				unsent = append(unsent, release(c, r.now))
			}
			continue
		}
		live, over := r.screen(b.claims)
		unsent = append(unsent, over...)
		if len(live) > 0 {
			b.claims = live
			w.send(sends, b)
		}
	}
	return w.finish(writes, unsent)
}

// freshFirst lets one fresh event go first and alone when the guard suspects
// the configuration.
func (w *Dispatcher) freshFirst() {
	if !w.state.guard.suspects() || w.lone {
		return
	}
	for i, b := range w.pending {
		if b.ask || b.claims[0].BatchLimit > 0 {
			continue
		}
		one, rest := b, b
		one.claims, rest.claims = b.claims[:1], b.claims[1:]
		others := slices.Delete(w.pending, i, i+1)
		if len(rest.claims) > 0 {
			others = slices.Insert(others, i, rest)
		}
		w.pending = slices.Insert(others, 0, one)
		return
	}
}

// send starts one request.
func (w *Dispatcher) send(ctx context.Context, b batch) {
	w.inFlight++
	b.lone = w.state.guard.suspects() && b.fresh()
	w.lone = w.lone || b.lone
	startAt := w.now()
	exchange := w.sender.Send
	if b.ask {
		exchange = w.sender.Ask
	}
	go func() {
		ctx, cancel := context.WithTimeout(ctx, sendWithin)
		defer cancel()
		x := exchange(ctx, w.id, b.deliveries())
		w.results <- ended{batch: b, exchange: x, startAt: startAt}
	}()
}
