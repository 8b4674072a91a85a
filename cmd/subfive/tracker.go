package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"subfive"
	"subfive/attribution"
	"subfive/config"
	"subfive/dashboard"
	"subfive/everflow"
	"subfive/forwarders"
	"subfive/forwarders/all"
	"subfive/identity"
	"subfive/internal/crawlers"
	"subfive/journal"
	"subfive/outbox"
	"subfive/receiver"
	"subfive/store"
)

// tracker is a running subfive: all pieces, wired.
type tracker struct {
	app     *app
	file    config.File
	log     *slog.Logger
	vault   *identity.Vault
	journal *journal.Journal
	metrics *metrics

	receiver *receiver.Receiver
	admin    *dashboard.Dashboard
	sender   *forwarders.Sender

	// node names this data folder, and process this run on it: leases begin with
	// them.
	node, process string
	// store is nil until the database answered for the first time.
	store    atomic.Pointer[store.Store]
	stopping atomic.Bool
	// skewed: our clock is too far from the database's to claim by.
	skewed atomic.Bool
	served atomic.Value // []outbox.Destination
}

// snapshotName is the routing table's file in the data folder.
const snapshotName = "routes.json"

// newTracker opens what must be there to acknowledge anything: the key and the
// journal. The database may be down.
func newTracker(a *app, f config.File, opts ...journal.Option) (*tracker, error) {
	if f.Server.TLS.Mode == config.TLSAuto {
		return nil, usagef("tls.mode auto is not there yet: put a proxy with TLS in front, or name certificate files with tls.mode files")
	}
	vault, err := a.vault(f.Server)
	if err != nil {
		return nil, err
	}
	t := &tracker{app: a, file: f, log: a.log(), vault: vault}
	if t.node, err = nodeName(f.Server.DataDir); err != nil {
		return nil, err
	}
	t.process = t.node + "." + strings.ToLower(rand.Text()[:8])
	t.journal, err = journal.Open(filepath.Join(f.Server.DataDir, "journal"), a.now, append(opts, journal.WithLog(t.log))...)
	if err != nil {
		if errors.Is(err, journal.ErrLocked) {
			err = fmt.Errorf("%w: another serve runs on %s; end it, or name another folder with --data-dir", err, f.Server.DataDir)
		}
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	t.metrics = newMetrics(t)
	t.sender = newSender(vault, f.Server, a)
	t.receiver = receiver.New(t.receiverConfig())
	t.admin = dashboard.New(dashboard.Config{
		Backend: &backend{t}, Token: f.Server.Admin.Token, Metrics: t.metrics.handler(), Log: t.log, Now: a.now,
	})
	return t, t.firstRoutes()
}

// firstRoutes routes by what the last run knew, else by the file, until the
// database answers.
func (t *tracker) firstRoutes() error {
	setup, err := receiver.ReadSnapshot(t.snapshot())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		setup = t.file.Setup
	case err != nil:
		t.log.Error("read the last routing table; the file's is used until the database answers", "err", err)
		setup = t.file.Setup
	}
	resolved, err := config.Resolve(setup, t.app.env)
	if err != nil {
		return errors.Join(err, t.journal.Close())
	}
	t.receiver.SetSetup(resolved)
	return nil
}

// nodeName returns the name of a data folder, made up at its first start.
func nodeName(dir string) (string, error) {
	path := filepath.Join(dir, "node")
	name, err := os.ReadFile(path)
	if err == nil && len(name) > 0 {
		return strings.TrimSpace(string(name)), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the node's name: %w", err)
	}
	made := strings.ToLower(rand.Text())
	if err := os.WriteFile(path, []byte(made+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep the node's name: %w", err)
	}
	return made, nil
}

func (t *tracker) snapshot() string { return filepath.Join(t.file.Server.DataDir, snapshotName) }

func (t *tracker) receiverConfig() receiver.Config {
	s := t.file.Server
	c := receiver.Config{
		Journal: t.journal, Sealer: sealer{t.vault}, Hinter: everflow.NewHinter(everflow.Catalogue()), Observer: t.metrics,
		Log: t.log, Now: t.app.now, DirectParams: map[string]string{}, TrustedProxies: s.TrustedProxies,
		FallbackURL: s.FallbackURL, PublicURL: s.PublicURL, Bot: crawlers.Match, Ready: t.ready,
	}
	for _, p := range all.Platforms() {
		c.ClickParams = append(c.ClickParams, p.ClickParams...)
		if len(p.ClickParams) > 0 {
			c.DirectParams[p.Name] = p.ClickParams[0]
		}
	}
	// Clicks of platforms that nobody tells yet are kept whole too, and their IDs
	// recognized.
	for platform, param := range map[string]string{"google": "gclid", "tiktok": "ttclid", "reddit": "rdt_cid"} {
		if c.DirectParams[platform] == "" {
			c.DirectParams[platform] = param
		}
	}
	c.ClickParams = append(c.ClickParams, "gclid", "gbraid", "wbraid", "ttclid", "_ttp", "rdt_cid", "_rdt_uuid")
	if s.Ack == config.AckDatabase {
		c.AckDatabase, c.AckTimeout = t.journal.WaitCommitted, time.Duration(s.AckTimeout)
	}
	return c
}

// ready: requests can be written down; degraded: the database is not there.
func (t *tracker) ready() (ok, degraded bool) {
	return !t.stopping.Load(), t.store.Load() == nil || t.metrics.databaseDown.Load() || t.skewed.Load()
}

// listen opens the listeners, so that a port in use is an error at once. admin
// is nil when the operator's side has no listener of its own.
func listen(ctx context.Context, s config.Server) (public, admin net.Listener, err error) {
	var lc net.ListenConfig
	public, err = lc.Listen(ctx, "tcp", s.Listen)
	if err != nil || s.Admin.Listen == "" {
		return public, nil, err
	}
	admin, err = lc.Listen(ctx, "tcp", s.Admin.Listen)
	if err != nil {
		return nil, nil, errors.Join(err, public.Close())
	}
	return public, admin, nil
}

// publicHandler is the receiver, with the operator's routes before it unless
// they have a listener of their own.
func (t *tracker) publicHandler() http.Handler {
	if t.file.Server.Admin.Listen != "" {
		return t.receiver.Handler()
	}
	operator := t.admin.Handler()
	public := t.receiver.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/metrics" || strings.HasPrefix(r.URL.Path, "/api/v1/") {
			operator.ServeHTTP(w, r)
			return
		}
		public.ServeHTTP(w, r)
	})
}

// run serves until ctx ends, and then ends in order: no new request, all
// admitted ones answered, no new claim, sends finished, all written down.
func (t *tracker) run(ctx context.Context, public, admin net.Listener) error {
	if err := t.connect(ctx); err != nil && !store.Down(err) {
		return errors.Join(err, public.Close(), t.journal.Close())
	} else if err != nil {
		t.log.ErrorContext(ctx, "the database is down; requests are kept in the journal", "err", err)
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var work errgroup.Group
	work.Go(func() error { t.receiver.Run(background); return nil })
	work.Go(func() error { return t.work(background) })

	servers := []*http.Server{receiver.NewServer(t.file.Server.Listen, t.publicHandler())}
	listeners := []net.Listener{public}
	if admin != nil {
		servers = append(servers, receiver.NewServer(t.file.Server.Admin.Listen, t.admin.Handler()))
		listeners = append(listeners, admin)
	}
	failed := make(chan error, len(servers))
	for i, s := range servers {
		go func() { failed <- t.serve(s, listeners[i], i == 0) }()
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	return errors.Join(err, t.shutdown(servers, stop, &work))
}

func (t *tracker) serve(s *http.Server, l net.Listener, public bool) error {
	var err error
	if tls := t.file.Server.TLS; public && tls.Mode == config.TLSFiles {
		err = s.ServeTLS(l, tls.CertFile, tls.KeyFile)
	} else {
		err = s.Serve(l)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

const (
	// shutdownGrace bounds how long admitted requests may take to be answered; it
	// is longer than a body may take to arrive.
	shutdownGrace = 15 * time.Second
	// drainGrace bounds how long clicks kept in memory may take to be written.
	drainGrace = 5 * time.Second
)

func (t *tracker) shutdown(servers []*http.Server, stop context.CancelFunc, work *errgroup.Group) error {
	t.stopping.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), shutdownGrace)
	defer cancel()
	var errs []error
	for _, s := range servers {
		if err := s.Shutdown(ctx); errors.Is(err, context.DeadlineExceeded) {
			t.log.Warn("cut off clients that did not finish their request", "after", shutdownGrace.String())
			errs = append(errs, s.Close())
		} else {
			errs = append(errs, err)
		}
	}
	drain, stopDrain := context.WithTimeout(context.Background(), drainGrace)
	defer stopDrain()
	errs = append(errs, t.receiver.Drain(drain))
	stop()
	errs = append(errs, work.Wait(), t.journal.Close())
	t.sender.Close()
	if st := t.store.Load(); st != nil {
		errs = append(errs, st.Close())
	}
	return errors.Join(errs...)
}

// connect opens the database and applies the file to it.
func (t *tracker) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	st, err := t.app.open(ctx, t.file.Server, t.vault)
	if err != nil {
		return err
	}
	if err := t.app.applied(ctx, t.file, st); err != nil {
		return errors.Join(fmt.Errorf("apply the file: %w", err), st.Close())
	}
	// The journal is ours alone, so whoever claimed under this name is dead.
	_, err = st.Reclaim(ctx, t.node, t.process, t.app.now())
	var positions map[string]int64
	if err == nil {
		positions, err = st.JournalPositions(ctx)
	}
	if err == nil {
		err = t.journal.Resume(positions)
	}
	if err != nil {
		return errors.Join(err, st.Close())
	}
	t.store.Store(st)
	return nil
}

const (
	connectTimeout = 20 * time.Second
	connectRetry   = time.Second
)

// work does all that needs the database, once it is there.
func (t *tracker) work(ctx context.Context) error {
	for t.store.Load() == nil {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(connectRetry):
		}
		if err := t.connect(ctx); err != nil && ctx.Err() == nil {
			t.log.ErrorContext(ctx, "connect to the database; requests are kept in the journal", "err", err)
		}
	}
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
	attributor := attribution.New(st, rules(t.file.Server, setup), t.app.now, t.log)
	t.install(ctx, setup, attributor, pool)
	t.log.InfoContext(ctx, "ready", "database", st.Dialect(), "setup_version", setup.Version)
	worker := attribution.NewWorker(t.journal, attributor, func() { pool.Wake() })

	var all errgroup.Group
	all.Go(func() error { return worker.Run(ctx) })
	all.Go(func() error { return pool.Run(ctx) })
	all.Go(func() error { t.follow(ctx, setup.Version, attributor, pool); return nil })
	return all.Wait()
}

// setup reads the setup, keeps its routing table for a start without the
// database, and fills its references in.
func (t *tracker) setup(ctx context.Context) (subfive.Setup, error) {
	stored, err := t.store.Load().Setup(ctx)
	if err != nil {
		return stored, err
	}
	resolved, err := config.Resolve(stored, t.app.env)
	if err != nil {
		return resolved, err
	}
	if err := receiver.WriteSnapshot(t.snapshot(), stored); err != nil {
		t.log.ErrorContext(ctx, "keep the routing table for a start without the database", "err", err)
	}
	return resolved, nil
}

// refresh is how soon a changed setup is taken over.
const refresh = 2 * time.Second

// follow takes changes of the setup over, whoever made them, and once a minute
// looks after what else can drift.
func (t *tracker) follow(ctx context.Context, version int64, a *attribution.Attributor, p *outbox.Pool) {
	tick, minute, soon := time.NewTicker(refresh), time.NewTicker(time.Minute), time.After(refresh)
	defer tick.Stop()
	defer minute.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-soon: // a claim of the process before this one may have been under way
			t.upkeep(ctx, p)
			continue
		case <-minute.C:
			t.upkeep(ctx, p)
			continue
		case <-tick.C:
		}
		st := t.store.Load()
		now, err := st.SetupVersion(ctx)
		t.metrics.databaseDown.Store(err != nil && ctx.Err() == nil)
		if err != nil || now == version {
			continue
		}
		setup, err := t.setup(ctx)
		if err != nil {
			t.log.ErrorContext(ctx, "take the new setup over; the last one stays", "err", err)
			continue
		}
		t.install(ctx, setup, a, p)
		version = setup.Version
	}
}

// unserved stores why a destination can't be served, where people look: as a
// pause. Once it can be served the dispatcher's probe lifts it.
func (t *tracker) unserved(ctx context.Context, id string, why error) {
	st := t.store.Load()
	for {
		p, err := st.Pause(ctx, id)
		if err != nil {
			t.log.ErrorContext(ctx, "say why a destination can't be served", "destination", id, "err", err)
			return
		}
		if p.Manual {
			return // a person's pause stays
		}
		p.Until, p.Code = t.app.now(), "settings"
		p.Reason = "it can't be served: " + why.Error()
		won, err := st.SetPause(ctx, p)
		if err != nil {
			t.log.ErrorContext(ctx, "say why a destination can't be served", "destination", id, "err", err)
			return
		}
		if won {
			t.metrics.Paused(p)
			return
		}
	}
}

// maxSkew is how far our clock may be from the database's: leases are counted
// by both.
const maxSkew = 10 * time.Second

// upkeep compares the clocks, makes due what a dead process of this node had
// claimed, and ends what was to be sent to destinations that were archived while
// a worker held it.
func (t *tracker) upkeep(ctx context.Context, p *outbox.Pool) {
	st := t.store.Load()
	at, ok, err := st.Clock(ctx)
	switch skew := t.app.now().Sub(at).Abs(); {
	case err != nil:
		t.log.ErrorContext(ctx, "compare the clock with the database's", "err", err)
	case ok && skew > maxSkew:
		t.log.ErrorContext(ctx, "the clock is off: nothing is claimed until it agrees with the database's", "skew", skew.String())
		t.skewed.Store(true)
		p.Set(nil)
	case ok && t.skewed.CompareAndSwap(true, false):
		p.Set(t.served.Load().([]outbox.Destination))
	}
	if n, err := st.Reclaim(ctx, t.node, t.process, t.app.now()); err != nil {
		t.log.ErrorContext(ctx, "reclaim what a dead process had claimed", "err", err)
	} else if n > 0 {
		p.Wake()
	}
	if _, err := st.SkipArchived(ctx, t.app.now()); err != nil {
		t.log.ErrorContext(ctx, "skip what was to go to archived destinations", "err", err)
	}
}

// install makes a setup the one that all pieces work by.
func (t *tracker) install(ctx context.Context, setup subfive.Setup, a *attribution.Attributor, p *outbox.Pool) {
	t.receiver.SetSetup(setup)
	a.SetRules(rules(t.file.Server, setup))
	configured, failed := configure(setup, t.app.env, t.sender, config.DecodeSettings)
	for id, err := range failed {
		t.log.ErrorContext(ctx, "a destination can't be served; its deliveries wait", "destination", id, "err", err)
		t.unserved(ctx, id, err)
	}
	if err := t.sender.SetDestinations(configured); err != nil {
		t.log.ErrorContext(ctx, "set up the destinations", "err", err)
		return
	}
	var served []outbox.Destination
	for _, c := range configured {
		d, _ := setup.Destination(c.ID)
		served = append(served, outbox.Destination{ID: c.ID, MaxBatch: d.MaxBatch, DedupWindow: c.Platform.DedupWindow})
	}
	t.served.Store(served)
	if !t.skewed.Load() {
		p.Set(served)
	}
}

// outboxSender gives the outbox what it needs of the Sender.
type outboxSender struct{ *forwarders.Sender }

func (s outboxSender) Send(ctx context.Context, id string, ds []subfive.Delivery) outbox.Exchange {
	return outbox.Exchange(s.Sender.Send(ctx, id, ds))
}

func (s outboxSender) Ask(ctx context.Context, id string, ds []subfive.Delivery) outbox.Exchange {
	return outbox.Exchange(s.Sender.Ask(ctx, id, ds))
}
