package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"subfive"
)

const (
	// lease is how long a claim is ours; another node takes it after that.
	lease = 2 * time.Minute
	// sendWithin bounds one send, whatever the Sender's own limits are. A batch
	// is not begun when its lease might run out within it.
	sendWithin = 75 * time.Second
	sendMargin = 10 * time.Second
	// poll is how long other nodes' work and a person's Resume may go unseen.
	poll = time.Second
	// sendGrace is how long sends may take to end when the program stops, and
	// writeGrace how long their outcomes may take to be written.
	sendGrace  = 25 * time.Second
	writeGrace = 30 * time.Second
	// defaultInFlight and maxInFlight bound a destination's requests at a time.
	defaultInFlight = 4
	maxInFlight     = 64
)

// Destination is what a Dispatcher must know of one.
type Destination struct {
	ID string
	// MaxBatch is how many events a request carries; at least 1.
	MaxBatch int
	// InFlight is how many requests may be under way at once; 0: 4, at most 64.
	InFlight int
	// DedupWindow is how long the platform deduplicates by our event ID; 0:
	// never, and then a send whose answer was lost is repeated until the
	// delivery's deadline.
	DedupWindow time.Duration
}

// Option changes what a Dispatcher or a Pool does by itself.
type Option func(*options)

// WithNode begins every lease's ID with the node's name and a dot, so that a node
// that starts again finds the claims of the process before it, which is dead.
func WithNode(name string) Option { return func(o *options) { o.node = name + "." } }

type options struct {
	node     string
	random   func() float64
	observer Observer
}

// WithRandom replaces the source of jitter: numbers in [0, 1). It must be safe
// for concurrent use.
func WithRandom(random func() float64) Option { return func(o *options) { o.random = random } }

// WithObserver has everything counted by obs.
func WithObserver(obs Observer) Option { return func(o *options) { o.observer = obs } }

// Dispatcher delivers to one destination. Make one with New.
type Dispatcher struct {
	id     string
	config atomic.Pointer[Destination]
	queue  Queue
	sender Sender
	log    *slog.Logger
	now    func() time.Time
	options

	woken   chan struct{}
	results chan ended

	// All below is Run's own.
	state    state
	pending  []batch // claimed, and not begun
	inFlight int
	lone     bool // the guard's one fresh event is under way
	offline  bool // the queue failed, and that was logged
	// unsure is the lease of a Take whose answer was lost: it may have claimed.
	unsure string
}

// New returns a dispatcher for d. Nothing happens until Run.
func New(d Destination, q Queue, s Sender, log *slog.Logger, now func() time.Time, opts ...Option) *Dispatcher {
	w := &Dispatcher{
		id: d.ID, queue: q, sender: s, log: log.With("destination", d.ID), now: now,
		options: options{random: rand.Float64, observer: noObserver{}},
		woken:   make(chan struct{}, 1),
		results: make(chan ended, maxInFlight),
	}
	for _, opt := range opts {
		opt(&w.options)
	}
	w.Configure(d)
	return w
}

// Configure changes all but the ID, from the next claim on.
func (w *Dispatcher) Configure(d Destination) {
	d.ID = w.id
	d.MaxBatch = max(d.MaxBatch, 1)
	if d.InFlight <= 0 {
		d.InFlight = defaultInFlight
	}
	d.InFlight = min(d.InFlight, maxInFlight)
	w.config.Store(&d)
}

// Wake says that something may be due now, as after a commit. It never blocks.
func (w *Dispatcher) Wake() {
	select {
	case w.woken <- struct{}{}:
	default: // it was told already
	}
}

// Run delivers until ctx ends. It then claims nothing more, gives back what was
// not sent, waits up to 25 s for the sends under way, and writes down how they
// ended. Its error says what could not be written; those leases run out by
// themselves.
func (w *Dispatcher) Run(ctx context.Context) error {
	writes, cancelWrites := outlive(ctx, writeGrace)
	defer cancelWrites()
	sends, cancelSends := outlive(ctx, sendGrace)
	defer cancelSends()

	for ctx.Err() == nil {
		wait, err := w.round(writes, sends)
		if err != nil {
			return fmt.Errorf("deliver to %s: %w", w.id, err)
		}
		if err := w.await(ctx, writes, wait); err != nil {
			return fmt.Errorf("deliver to %s: %w", w.id, err)
		}
	}
	if err := w.shutdown(writes); err != nil {
		return fmt.Errorf("stop delivering to %s: %w", w.id, err)
	}
	return nil
}

// round begins what may begin, claims if there is room, and returns how long
// nothing need be done.
func (w *Dispatcher) round(writes, sends context.Context) (time.Duration, error) {
	if err := w.begin(writes, sends); err != nil {
		return 0, err
	}
	free := w.config.Load().InFlight - w.inFlight
	if free <= 0 || len(w.pending) > 0 || w.lone {
		return poll, nil
	}
	wait := w.claimIfUp(writes, free)
	if len(w.pending) == 0 {
		return wait, nil
	}
	return 0, w.begin(writes, sends)
}

// claimIfUp claims, or waits while the queue is away; that is logged once.
func (w *Dispatcher) claimIfUp(writes context.Context, free int) time.Duration {
	wait, err := w.claim(writes, free)
	if err != nil {
		wait = poll
		if !w.offline {
			w.log.ErrorContext(writes, "claim", "err", err)
		}
	}
	w.offline = err != nil
	return wait
}

// await waits for something to do, and writes down what ended meanwhile.
func (w *Dispatcher) await(ctx, writes context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-w.woken:
	case <-timer.C:
	case e := <-w.results:
		return w.settle(writes, w.drain(e))
	}
	return nil
}

// drain returns e and all else that has ended by now: they are written down in
// one transaction.
func (w *Dispatcher) drain(e ended) []ended {
	all := []ended{e}
	for {
		select {
		case e := <-w.results:
			all = append(all, e)
		default:
			return all
		}
	}
}

// shutdown gives back what was not begun and waits for what was.
func (w *Dispatcher) shutdown(writes context.Context) error {
	err := w.giveBack(writes)
	for w.inFlight > 0 {
		select {
		case e := <-w.results:
			err = errors.Join(err, w.settle(writes, w.drain(e)))
		case <-writes.Done():
			return errors.Join(err, fmt.Errorf("%d requests did not end in time", w.inFlight))
		}
	}
	return err
}

// giveBack ends the leases of all that is claimed and not begun.
func (w *Dispatcher) giveBack(writes context.Context) error {
	var unsent []subfive.Settled
	for _, b := range w.pending {
		for _, c := range b.claims {
			unsent = append(unsent, release(c, w.now()))
		}
	}
	w.pending = nil
	return w.finish(writes, unsent)
}

// outlive returns a context that ends grace after ctx does: what has begun must
// end well although the program stops.
func outlive(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-late.Done():
		}
	})
	return late, func() {
		stop()
		cancel()
	}
}

func (w *Dispatcher) rules() rules {
	return rules{dedupWindow: w.config.Load().DedupWindow, now: w.now(), random: w.random}
}
