// Package tee gives another tracker a copy of each postback, for a time in which
// both run side by side.
//
// The copy is the request as the network sent it: the same method, query and
// body, byte for byte, to the address that the endpoint's tee names. It is sent
// at least once, in no promised order, and again for 72 hours until the other
// tracker answers 2xx. What it answers changes nothing here, and while it is down
// nothing here waits.
//
// It decides nothing: which postbacks are owed a copy is attribution's, and is
// recorded with its decision.
package tee

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"subfive"
)

// Queue is what a Worker needs of the store.
type Queue interface {
	// ClaimTees takes up to limit due copies of an endpoint under a new lease;
	// they are due again at until.
	ClaimTees(ctx context.Context, endpointID, leaseID string, now, until time.Time, limit int) ([]subfive.Tee, error)
	// FinishTee writes down how a try ended, unless the lease was lost.
	FinishTee(ctx context.Context, t subfive.Tee) error
	// ExpireTees ends all that were made before a moment and still wait.
	ExpireTees(ctx context.Context, madeBefore, now time.Time) (int64, error)
}

// Target is where an endpoint's copies go.
type Target struct {
	URL string
	// Transport has connections of its own, and refuses addresses that copies
	// must not go to.
	Transport http.RoundTripper
}

// MaxAge is how long a copy is tried.
const MaxAge = 72 * time.Hour

const (
	// parallel bounds the requests to one tracker at a time; after a failure it
	// is asked one at a time until it answers again.
	parallel = 8
	// exchangeTimeout bounds one request, and leaseTime is well beyond it.
	exchangeTimeout = 10 * time.Second
	leaseTime       = time.Minute
	poll            = time.Second
	expireEvery     = time.Minute
)

// Worker sends copies. Make it with New.
type Worker struct {
	queue Queue
	open  func(sealed string) ([]byte, error)
	log   *slog.Logger
	now   func() time.Time
	wake  chan struct{}

	mu      sync.Mutex
	lanes   map[string]*lane
	expired time.Time // when old copies were last ended
}

// lane is what is under way to one endpoint's tracker.
type lane struct {
	target  Target
	busy    int
	failing bool
}

// New returns a Worker without targets. open returns a request's query and body,
// with a line feed between them, from Request.Raw.
func New(q Queue, open func(sealed string) ([]byte, error), log *slog.Logger, now func() time.Time) *Worker {
	return &Worker{queue: q, open: open, log: log, now: now, wake: make(chan struct{}, 1), lanes: map[string]*lane{}}
}

// Set replaces the targets, by endpoint. What waits for an endpoint that has
// none any more is kept until it is too old: the tee may come back.
func (w *Worker) Set(targets map[string]Target) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, t := range targets {
		l, ok := w.lanes[id]
		if ok && l.target.URL == t.URL {
			continue
		}
		if ok {
			closeIdle(l)
		}
		w.lanes[id] = &lane{target: t}
	}
	for id, l := range w.lanes {
		if _, ok := targets[id]; !ok {
			closeIdle(l)
			delete(w.lanes, id)
		}
	}
	w.Wake()
}

// Wake says that there may be something to send.
func (w *Worker) Wake() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Run sends until ctx ends, and then waits for the exchanges under way.
func (w *Worker) Run(ctx context.Context) {
	var sends sync.WaitGroup
	defer func() {
		sends.Wait()
		w.Set(nil)
	}()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		w.expire(ctx)
		for id, l := range w.current() {
			w.serve(ctx, id, l, &sends)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-w.wake:
		}
	}
}

func (w *Worker) current() map[string]*lane {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make(map[string]*lane, len(w.lanes))
	for id, l := range w.lanes {
		all[id] = l
	}
	return all
}

// expire ends what is too old, once a minute.
func (w *Worker) expire(ctx context.Context) {
	now := w.now()
	if now.Sub(w.expired) < expireEvery {
		return
	}
	n, err := w.queue.ExpireTees(ctx, now.Add(-MaxAge), now)
	if err != nil {
		if ctx.Err() == nil {
			w.log.ErrorContext(ctx, "end copies for another tracker that are too old", "err", err)
		}
		return
	}
	w.expired = now
	if n > 0 {
		w.log.WarnContext(ctx, "copies for another tracker were given up: it did not take them in 72 hours", "copies", n)
	}
}

// serve begins as many sends to one tracker as it may have under way.
func (w *Worker) serve(ctx context.Context, id string, l *lane, sends *sync.WaitGroup) {
	free := w.free(l)
	if free <= 0 || ctx.Err() != nil {
		return
	}
	now := w.now()
	claimed, err := w.queue.ClaimTees(ctx, id, rand.Text(), now, now.Add(leaseTime), free)
	if err != nil {
		if ctx.Err() == nil {
			w.log.ErrorContext(ctx, "claim copies for another tracker", "endpoint", id, "err", err)
		}
		return
	}
	w.mu.Lock()
	l.busy += len(claimed)
	w.mu.Unlock()
	for _, t := range claimed {
		sends.Go(func() {
			ended := w.send(ctx, l.target, t)
			if err := w.queue.FinishTee(context.WithoutCancel(ctx), ended); err != nil {
				w.log.ErrorContext(ctx, "write down what became of a copy; it is sent again", "postback", t.PostbackID, "err", err)
			}
			w.mu.Lock()
			l.busy--
			l.failing = ended.State == subfive.TeeWaiting
			w.mu.Unlock()
			w.Wake()
		})
	}
}

// closeIdle gives up the connections to a target that nothing is sent to any
// more.
func closeIdle(l *lane) {
	if t, ok := l.target.Transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

func (w *Worker) free(l *lane) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if l.failing {
		return 1 - l.busy
	}
	return parallel - l.busy
}
