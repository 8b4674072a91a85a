package receiver

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"subfive"
)

const (
	// maxAtRisk bounds the memory for clicks and visits that no disk would take: some
	// 40,000 of ordinary size.
	maxAtRisk  = 64 << 20
	rewriteGap = time.Second
)

// kept is a click's or a visit's record.
type kept struct {
	kind subfive.RecordKind
	id   string
	data []byte
}

// atRisk keeps clicks whose visitors went on, and visits, that could not be
// written down, and writes them when that is possible again.
type atRisk struct {
	write    func(ctx context.Context, kind subfive.RecordKind, data []byte) error
	observer Observer
	log      *slog.Logger
	wake     chan struct{}
	writing  sync.Mutex // held by the one who rewrites

	mu    sync.Mutex
	kept  []kept
	bytes int
}

func newAtRisk(write func(context.Context, subfive.RecordKind, []byte) error, o Observer, log *slog.Logger) *atRisk {
	return &atRisk{write: write, observer: o, log: log, wake: make(chan struct{}, 1)}
}

// keep takes a record in, unless memory is full.
func (a *atRisk) keep(k kept) {
	a.mu.Lock()
	full := a.bytes+len(k.data) > maxAtRisk
	if !full {
		a.kept = append(a.kept, k)
		a.bytes += len(k.data)
	}
	a.observer.ClicksAtRisk(len(a.kept))
	a.mu.Unlock()
	if full {
		a.observer.ClickLost()
		a.log.Error("click lost: no room in memory", "kind", string(k.kind), "id", k.id)
		return
	}
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// run rewrites until ctx ends.
func (a *atRisk) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.wake:
		}
		for a.rewrite(ctx) != nil {
			select {
			case <-ctx.Done():
				return
			case <-time.After(rewriteGap):
			}
		}
	}
}

// drain rewrites once.
func (a *atRisk) drain(ctx context.Context) error {
	if err := a.rewrite(ctx); err != nil {
		return fmt.Errorf("clicks that could not be written down and are lost: %d: %w", a.count(), err)
	}
	return nil
}

func (a *atRisk) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.kept)
}

// rewrite writes records until none is left or one fails. That one goes to the
// end of the line: it may be the only one that is refused.
func (a *atRisk) rewrite(ctx context.Context) error {
	a.writing.Lock()
	defer a.writing.Unlock()
	for {
		k, ok := a.first()
		if !ok {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		err := a.write(ctx, k.kind, k.data)
		a.settle(err == nil)
		if err != nil {
			return err
		}
	}
}

func (a *atRisk) first() (k kept, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.kept) == 0 {
		return kept{}, false
	}
	return a.kept[0], true
}

// settle drops the first record, or puts it at the end.
func (a *atRisk) settle(written bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	k := a.kept[0]
	a.kept[0] = kept{} // or the array would keep it
	a.kept = a.kept[1:]
	if !written {
		a.kept = append(a.kept, k)
		return
	}
	a.bytes -= len(k.data)
	a.observer.ClicksAtRisk(len(a.kept))
}
