package alerts

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"subfive"
)

const (
	// every is how often the facts are looked at.
	every = 10 * time.Second
	// calm is how many looks in a row must find nothing wrong before it is over.
	calm = 2
	// forgetAfter is how long an alert is kept that nothing happens to.
	forgetAfter = 30 * 24 * time.Hour
	forgetEvery = time.Hour
)

// Book keeps alerts for all processes of a database.
type Book interface {
	// Alerts returns all that are kept.
	Alerts(ctx context.Context) ([]subfive.Alert, error)
	// KeepAlert writes a with the next version if the stored version is still
	// a.Version, and reports whether it did.
	KeepAlert(ctx context.Context, a subfive.Alert) (won bool, err error)
	// ForgetAlerts deletes those that nothing happened to since before.
	ForgetAlerts(ctx context.Context, before time.Time) error
}

// Config is what a Watch needs. Off, Channels, Told, Host and PublicURL may be
// left out.
type Config struct {
	Node string // this process's data folder
	// Facts gathers them; it must not take long, and says what it could not get
	// by leaving it nil.
	Facts    func(ctx context.Context) Facts
	Book     Book
	Channels []Channel
	Off      []Rule
	Host     string // the machine's name, for who reads a message
	// PublicURL is what links begin with.
	PublicURL string
	// Told hears how each message ended.
	Told func(channel string, err error)
	Log  *slog.Logger
	Now  func() time.Time
}

// Watch looks after alerts until its Run ends.
type Watch struct {
	cfg Config

	mu     sync.Mutex // of alerts, for Alerts
	alerts map[string]subfive.Alert

	// All below is Run's own. dirty are alerts of this node that the book does
	// not have as they are; up says whether the book answered this time.
	dirty    map[string]bool
	up       bool
	pending  map[string]time.Time // found, and not yet for long enough: since when
	absent   map[string]int       // firing, and not found so many times
	sent     map[string][]time.Time
	forgotAt time.Time
}

// New returns a Watch. Nothing happens until Run.
func New(cfg Config) *Watch {
	if cfg.Told == nil {
		cfg.Told = func(string, error) {}
	}
	return &Watch{
		cfg: cfg, alerts: map[string]subfive.Alert{}, dirty: map[string]bool{}, pending: map[string]time.Time{},
		absent: map[string]int{}, sent: map[string][]time.Time{},
	}
}

// Run looks at the facts every ten seconds, until ctx ends.
func (w *Watch) Run(ctx context.Context) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			w.look(ctx)
		}
	}
}

// Alerts returns the alerts as this process last saw them.
func (w *Watch) Alerts() []subfive.Alert {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.SortedFunc(maps.Values(w.alerts), func(a, b subfive.Alert) int { return b.UpdatedAt.Compare(a.UpdatedAt) })
}

// look does one round.
func (w *Watch) look(ctx context.Context) {
	facts := w.cfg.Facts(ctx)
	w.read(ctx)
	found, judged := Judge(facts, w.cfg.Off)
	now := w.cfg.Now()
	by := map[string]*Finding{}
	for i := range found {
		by[found[i].id()] = &found[i]
	}
	w.wait(by, now)
	w.lookAt(ctx, by, judged, now)
	w.deliver(ctx)
	if w.up && now.Sub(w.forgotAt) >= forgetEvery {
		w.forgotAt = now
		if err := w.cfg.Book.ForgetAlerts(ctx, now.Add(-forgetAfter)); err != nil {
			w.cfg.Log.ErrorContext(ctx, "forget old alerts", "err", err)
		}
	}
}

// lookAt takes the alerts a step on whose rules were judged, as far as they are
// ours to judge: shared ones only while the book can say who was first.
func (w *Watch) lookAt(ctx context.Context, by map[string]*Finding, judged []Rule, now time.Time) {
	ids := map[string]bool{}
	for id := range by {
		ids[id] = true
	}
	for id, a := range w.alerts {
		if a.State == subfive.AlertFiring && slices.Contains(judged, Rule(a.Rule)) && (a.Node == "" || a.Node == w.cfg.Node) {
			ids[id] = true
		}
	}
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		a, f := w.alerts[id], by[id]
		if shared := f != nil && f.Node == "" || f == nil && a.Node == ""; shared && !w.up {
			continue
		}
		if f != nil {
			delete(w.absent, id)
		} else if w.absent[id]++; w.absent[id] < calm {
			continue
		}
		if next, changed := step(a, f, now, w.channels()); changed {
			delete(w.absent, id)
			w.keep(ctx, next)
		}
	}
}

// wait takes out what has not been so for long enough. What fires already needs
// no wait.
func (w *Watch) wait(by map[string]*Finding, now time.Time) {
	for id := range w.pending {
		if by[id] == nil {
			delete(w.pending, id)
		}
	}
	for id, f := range by {
		if f.After == 0 || w.alerts[id].State == subfive.AlertFiring {
			continue
		}
		since, ok := w.pending[id]
		if !ok {
			since = now
			w.pending[id] = now
		}
		if now.Sub(since) < f.After {
			delete(by, id)
		} else if f.Since.IsZero() {
			f.Since = since
		}
	}
}

func (w *Watch) channels() []string {
	var names []string
	for _, c := range w.cfg.Channels {
		names = append(names, c.Name)
	}
	return names
}

// read takes over what the book has, but for alerts of this node that it could
// not be told of yet: those it is told of now.
func (w *Watch) read(ctx context.Context) {
	stored, err := w.cfg.Book.Alerts(ctx)
	w.up = err == nil
	if err != nil {
		return // database_down tells
	}
	next := map[string]subfive.Alert{}
	for _, a := range stored {
		next[a.ID] = a
	}
	for id := range w.dirty {
		mine := w.alerts[id]
		mine.Version, mine.MutedUntil = next[id].Version, later(mine.MutedUntil, next[id].MutedUntil)
		next[id] = mine
	}
	w.mu.Lock()
	w.alerts = next
	w.mu.Unlock()
	for id := range w.dirty {
		w.keep(ctx, w.alerts[id])
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// keep makes a the alert, and reports whether it is: of a shared one the book
// decides, for another process may have been faster.
func (w *Watch) keep(ctx context.Context, a subfive.Alert) bool {
	won := false
	if w.up {
		var err error
		if won, err = w.cfg.Book.KeepAlert(ctx, a); err != nil {
			w.cfg.Log.ErrorContext(ctx, "keep an alert", "alert", a.ID, "err", err)
			w.up = false
		}
	}
	if won {
		a.Version++
		delete(w.dirty, a.ID)
	} else if a.Node == "" {
		return false
	} else {
		w.dirty[a.ID] = true // nobody else writes it but to mute it
	}
	w.mu.Lock()
	w.alerts[a.ID] = a
	w.mu.Unlock()
	return true
}
