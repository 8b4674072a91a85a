package outbox

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Pool runs one Dispatcher for each destination of the setup, and follows its
// changes. The dispatchers share nothing but the queue and the sender.
type Pool struct {
	queue  Queue
	sender Sender
	log    *slog.Logger
	now    func() time.Time
	opts   []Option

	changed chan struct{}

	mu      sync.Mutex
	wanted  map[string]Destination
	running map[string]*Dispatcher
}

// NewPool returns a pool without destinations. Nothing happens until Run.
func NewPool(q Queue, s Sender, log *slog.Logger, now func() time.Time, opts ...Option) *Pool {
	return &Pool{
		queue: q, sender: s, log: log, now: now, opts: opts,
		changed: make(chan struct{}, 1),
		running: map[string]*Dispatcher{},
	}
}

// Set says which destinations are to be served from now on: new ones start,
// changed ones change, and those that are missing stop as Run does. It may be
// called at any time, before Run too, and does not wait.
func (p *Pool) Set(destinations []Destination) {
	wanted := make(map[string]Destination, len(destinations))
	for _, d := range destinations {
		wanted[d.ID] = d
	}
	p.mu.Lock()
	p.wanted = wanted
	p.mu.Unlock()
	select {
	case p.changed <- struct{}{}:
	default: // Run will see it
	}
}

// Wake says that something may be due at these destinations, or, without any,
// at all. It never blocks.
func (p *Pool) Wake(destinationIDs ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(destinationIDs) == 0 {
		for _, d := range p.running {
			d.Wake()
		}
	}
	for _, id := range destinationIDs {
		if d, ok := p.running[id]; ok {
			d.Wake()
		}
	}
}

// Run delivers until ctx ends and every dispatcher has stopped. Its error joins
// theirs.
func (p *Pool) Run(ctx context.Context) error {
	crew := &crew{stop: map[string]context.CancelFunc{}}
	for {
		p.follow(ctx, crew)
		select {
		case <-p.changed:
		case <-ctx.Done():
			crew.wait.Wait()
			p.mu.Lock()
			clear(p.running)
			p.mu.Unlock()
			for _, stop := range crew.stop {
				stop()
			}
			return errors.Join(crew.errs...)
		}
	}
}

// crew is the dispatchers at work.
type crew struct {
	stop map[string]context.CancelFunc
	wait sync.WaitGroup

	mu   sync.Mutex
	errs []error
}

// follow makes what runs what is wanted.
func (p *Pool) follow(ctx context.Context, c *crew) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, stop := range c.stop {
		if _, stays := p.wanted[id]; !stays {
			stop()
			delete(c.stop, id)
			delete(p.running, id)
		}
	}
	for id, d := range p.wanted {
		if w, runs := p.running[id]; runs {
			w.Configure(d)
			continue
		}
		w := New(d, p.queue, p.sender, p.log, p.now, p.opts...)
		p.running[id] = w
		one, stop := context.WithCancel(ctx)
		c.stop[id] = stop
		c.wait.Go(func() {
			if err := w.Run(one); err != nil {
				c.mu.Lock()
				c.errs = append(c.errs, err)
				c.mu.Unlock()
			}
		})
	}
}
