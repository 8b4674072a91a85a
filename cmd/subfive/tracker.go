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
	"subfive/alerts"
	"subfive/config"
	"subfive/consent"
	"subfive/dashboard"
	"subfive/dashboard/screens"
	"subfive/everflow"
	"subfive/forwarders"
	"subfive/forwarders/all"
	"subfive/identity"
	"subfive/internal/crawlers"
	"subfive/journal"
	"subfive/receiver"
	"subfive/store"
	"subfive/tee"
	"subfive/visitor"
)

// tracker is a running subfive: all pieces, wired.
type tracker struct {
	app     *app
	file    config.File
	log     *slog.Logger
	vault   *identity.Vault
	journal *journal.Journal
	metrics *metrics
	budget  *failureBudget

	visitors *visitor.Reader
	zone     *time.Location // of reports
	offers   atomic.Value   // []subfive.Offer, as installed
	receiver *receiver.Receiver
	admin    *dashboard.Dashboard
	screens  *screens.Screens
	sender   *forwarders.Sender
	watch    *alerts.Watch
	tees     *tee.Worker           // nil until the database answered
	books    atomic.Pointer[books] // nil until then, too
	reports  chan struct{}         // somebody asked for one
	domains  domains
	tls      atomic.Pointer[encryption] // nil: none, or not yet

	// connectWithin bounds how long the database may take to let us in, and to take
	// the file.
	connectWithin time.Duration
	asked         chan struct{}        // closed once the database was asked for the first time
	changed       chan chan<- struct{} // asks follow to take the newest setup over, and to close what it gets
	// at is where we listen; nil until we do.
	at atomic.Pointer[string]
	// connected, if set, is told the setup when the database has answered for the
	// first time and has taken the file.
	connected func(context.Context, *store.Store, subfive.Setup) error

	// node names this data folder, and process this run on it: leases begin with
	// them.
	node, process string
	// store is nil until the database answered for the first time.
	store    atomic.Pointer[store.Store]
	stopping atomic.Bool
	// skewed: our clock is too far from the database's to claim by.
	skewed atomic.Bool
	served atomic.Value // []outbox.Destination
	self   selfTests
}

// snapshotName is the routing table's file in the data folder.
const snapshotName = "routes.json"

// newTracker opens what must be there to acknowledge anything: the key and the
// journal. The database may be down.
func newTracker(a *app, f config.File, opts ...journal.Option) (*tracker, error) {
	vault, err := a.vault(f.Server)
	if err != nil {
		return nil, err
	}
	t := &tracker{reports: make(chan struct{}, 1), app: a, file: f, log: a.log(), vault: vault, domains: newDomains(f.Server), connectWithin: connectTimeout, asked: make(chan struct{}), changed: make(chan chan<- struct{})}
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
	t.budget = openBudget(f.Server.DataDir, f.Setup.Endpoints, a.now, t.log)
	macros, err := catalogue("", f.Server.DataDir)
	if err != nil {
		return nil, errors.Join(err, t.journal.Close())
	}
	t.metrics = newMetrics(t)
	t.sender = newSender(vault, f.Server, a)
	if t.zone, err = time.LoadLocation(f.Server.Reporting.Timezone); err != nil {
		return nil, errors.Join(fmt.Errorf("reporting.timezone: %w", err), t.journal.Close())
	}
	if t.visitors, err = visitor.Open(visitor.Files{Places: f.Server.GeoIP.Places, Networks: f.Server.GeoIP.Networks}); err != nil {
		return nil, errors.Join(fmt.Errorf("geoip: %w", err), t.journal.Close())
	}
	if t.watch, err = newWatch(t); err != nil {
		return nil, errors.Join(err, t.journal.Close())
	}
	t.receiver = receiver.New(t.receiverConfig(macros))
	t.admin = dashboard.New(dashboard.Config{
		Backend: &backend{t}, Token: f.Server.Admin.Token, Metrics: t.metrics.handler(), Log: t.log, Now: a.now, Stopping: t.stopping.Load,
		ClientAddr: func(r *http.Request) string {
			address, _ := receiver.Client(f.Server.TrustedProxies)(r)
			return address
		},
	})
	t.screens = newScreens(t)
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

func (t *tracker) receiverConfig(macros []everflow.Macro) receiver.Config {
	s := t.file.Server
	c := receiver.Config{
		Journal: t.journal, Sealer: sealer{t.vault}, Hinter: everflow.NewHinter(macros), Observer: t.metrics, Answered: t.budget.Answered,
		Log: t.log, Now: t.app.now, DirectParams: map[string]string{}, TrustedProxies: s.TrustedProxies,
		Zone: t.zone, FallbackURL: s.FallbackURL, PublicURL: s.PublicURL, Serves: t.domains.serves, Bot: crawlers.Match, Recognizer: t.visitors, Ready: t.ready,
		ReadConsent: consent.Read,
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

// operator is where the operator's side is.
func (t *tracker) operator() string {
	if at := t.at.Load(); at != nil {
		return operatorURL(t.file.Server, *at)
	}
	return operatorURL(t.file.Server, t.file.Server.Listen)
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
	operator := t.operatorHandler()
	public := t.receiver.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if operatorPath(r.URL.Path) && t.domains.operator(r.Host) {
			operator.ServeHTTP(w, r)
			return
		}
		public.ServeHTTP(w, r)
	})
}

// run serves until ctx ends, and then ends in order: no new request, all
// admitted ones answered, no new claim, sends finished, all written down. A
// database that refuses the file at its first answer ends it, too.
func (t *tracker) run(ctx context.Context, public, admin net.Listener) error {
	at := public.Addr().String()
	t.at.Store(&at)
	plain, err := t.listenPlain(ctx)
	if err != nil {
		return errors.Join(err, public.Close(), t.journal.Close())
	}
	secure, err := t.secure(public, plain)
	if err != nil {
		return errors.Join(err, closeListener(plain), public.Close(), t.journal.Close())
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var work errgroup.Group
	work.Go(func() error { t.receiver.Run(background); return nil })
	work.Go(func() error { t.watch.Run(background); return nil })

	servers := []*http.Server{receiver.NewServer(t.file.Server.Listen, t.publicHandler())}
	listeners := []net.Listener{public}
	if admin != nil {
		servers = append(servers, receiver.NewServer(t.file.Server.Admin.Listen, t.operatorHandler()))
		listeners = append(listeners, admin)
	}
	if plain != nil {
		servers = append(servers, receiver.NewServer(t.file.Server.TLS.HTTPListen, secure.challenge(t.plain(t.publicHandler()))))
		listeners = append(listeners, plain)
	}
	if secure != nil {
		servers[0].TLSConfig = secure.config
		work.Go(func() error { t.awaitAsked(background); secure.run(background); return nil })
	}
	failed := make(chan error, len(servers))
	for i, s := range servers {
		go func() { failed <- serve(s, listeners[i]) }()
	}
	// Requests need no database: they do not wait until it is there.
	ctx, end := context.WithCancel(ctx)
	work.Go(func() error {
		defer end()
		return t.attend(background)
	})
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	return errors.Join(err, t.shutdown(servers, stop, &work))
}

// serve serves with TLS where the server has a configuration of it.
func serve(s *http.Server, l net.Listener) error {
	var err error
	if s.TLSConfig != nil {
		err = s.ServeTLS(l, "", "")
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
	errs = append(errs, work.Wait(), t.journal.Close(), t.visitors.Close())
	t.sender.Close()
	if st := t.store.Load(); st != nil {
		errs = append(errs, st.Close())
	}
	return errors.Join(errs...)
}
