package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"subfive/attribution"
	"subfive/outbox"
	"subfive/store"
	"subfive/tee"
)

const (
	connectTimeout = 20 * time.Second
	connectRetry   = time.Second
)

// attend reaches the database, and does what needs it, until ctx ends.
func (t *tracker) attend(ctx context.Context) error {
	err := t.reach(ctx)
	if err == nil {
		err = t.work(ctx)
	}
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// reach connects to the database, however long that takes to be there. If the
// first thing that it says is that something is wrong with the file or with
// itself, reach fails: a person who just started us is looking. Later on it is
// logged, and tried again.
func (t *tracker) reach(ctx context.Context) error {
	err := t.connect(ctx)
	close(t.asked)
	if err != nil && !store.Down(err) {
		return err
	}
	for err != nil {
		t.log.ErrorContext(ctx, "connect to the database; requests are kept in the journal", "err", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(connectRetry):
		}
		err = t.connect(ctx)
	}
	return nil
}

// certificatesWait is how long certificates wait for the database that all nodes
// share. After it a node begins with its own copy of them.
const certificatesWait = 3 * time.Second

// awaitAsked waits until the database answered, or failed to.
func (t *tracker) awaitAsked(ctx context.Context) {
	select {
	case <-t.asked:
	case <-time.After(certificatesWait):
	case <-ctx.Done():
	}
}

// connect opens the database, brings it up to date, and applies the file to it.
// To migrate may take hours, as when an index is built over every click: nothing
// but the end of ctx cuts it short.
func (t *tracker) connect(ctx context.Context) error {
	st, err := t.open(ctx)
	if err != nil {
		return err
	}
	t.log.InfoContext(ctx, "migrating", "database", st.Dialect())
	if err = st.Migrate(ctx); err == nil {
		err = t.takeOver(ctx, st)
	}
	if err != nil {
		return errors.Join(err, st.Close())
	}
	t.store.Store(st)
	if err := t.greet(ctx, st); err != nil { // it serves, whatever is printed
		t.log.ErrorContext(ctx, "say that the database is there", "err", err)
	}
	return nil
}

// greet tells who waits for it that the database is there.
func (t *tracker) greet(ctx context.Context, st *store.Store) error {
	if t.connected == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, t.connectWithin)
	defer cancel()
	setup, err := st.Setup(ctx)
	if err != nil {
		return err
	}
	return t.connected(ctx, st, setup)
}

// open opens the database as it is.
func (t *tracker) open(ctx context.Context) (*store.Store, error) {
	ctx, cancel := context.WithTimeout(ctx, t.connectWithin)
	defer cancel()
	return store.Open(ctx, dsn(t.file.Server), store.WithSealer(t.vault), store.WithZone(t.zone),
		store.WithCurrency(t.file.Server.Reporting.Currency), store.WithoutMigrate())
}

// takeOver applies the file to the database, and goes on where the last run
// ended.
func (t *tracker) takeOver(ctx context.Context, st *store.Store) error {
	ctx, cancel := context.WithTimeout(ctx, t.connectWithin)
	defer cancel()
	if err := t.app.applied(ctx, t.file, st); err != nil {
		return fmt.Errorf("apply the file: %w", err)
	}
	// The journal is ours alone, so whoever claimed under this name is dead.
	if _, err := st.Reclaim(ctx, t.node, t.process, t.app.now()); err != nil {
		return err
	}
	positions, err := st.JournalPositions(ctx)
	if err != nil {
		return err
	}
	return t.journal.Resume(positions)
}

// work does all that needs the database.
func (t *tracker) work(ctx context.Context) error {
	st := t.store.Load()
	setup, err := t.setup(ctx)
	for err != nil {
		t.log.ErrorContext(ctx, "read the setup", "err", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(connectRetry):
		}
		setup, err = t.setup(ctx)
	}
	pool := outbox.NewPool(st, outboxSender{t.sender}, t.log, t.app.now, outbox.WithObserver(t.metrics), outbox.WithNode(t.process))
	t.tees = tee.New(st, t.openRequest, t.log, t.app.now)
	attributor := attribution.New(st, t.app.rules(t.file.Server, setup, t.vault), t.app.now, t.log)
	t.install(ctx, setup, attributor, pool)
	t.log.InfoContext(ctx, "ready", "database", st.Dialect(), "setup_version", setup.Version)
	t.stampZone(ctx, st)
	worker := attribution.NewWorker(t.journal, attributor, func() { pool.Wake(); t.tees.Wake() })

	compared := t.newBooks(st, attributor, func() { pool.Wake() })
	t.books.Store(compared)

	var all errgroup.Group
	all.Go(func() error { return worker.Run(ctx) })
	all.Go(func() error { compared.run(ctx); return nil })
	all.Go(func() error { return pool.Run(ctx) })
	all.Go(func() error { t.tees.Run(ctx); return nil })
	all.Go(func() error { t.follow(ctx, setup.Version, attributor, pool); return nil })
	all.Go(func() error { t.retain(ctx, newExpired(t.metrics.registry)); return nil })
	all.Go(func() error { t.spreadCosts(ctx, st); return nil })
	all.Go(func() error { t.keepRates(ctx, st); return nil })
	all.Go(func() error { t.makeReports(ctx, st); return nil })
	return all.Wait()
}
