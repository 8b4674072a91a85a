package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"subfive"
	"subfive/config"
	"subfive/journal"
	"subfive/sandbox"
	"subfive/store"
)

//go:embed demo.yaml
var demoFile []byte

func newDemo(a *app) *cobra.Command {
	d := demo{app: a, clock: &movedClock{now: a.now}}
	c := &cobra.Command{
		Use:   "demo",
		Short: "Show the whole loop on this machine, without an account",
		Long: `Runs the tracker, strict stand-ins for Meta, TikTok, Reddit, Google, a Google Sheet and a webhook, and a
simulator of Everflow, all on loopback addresses: clicks are minted and redirected, postbacks are fired,
good and bad ones, and what each stand-in got is compared with what it should have, event by event. Any
difference fails. On a terminal it then stays until Ctrl-C, so that you can look around. It leaves nothing
behind unless --data names a folder. --file shows the configuration that it runs with.`,
		Example: `  subfive demo
  subfive demo --clicks 200 --data ./demo-data
  subfive demo --hours 24 --clicks 40
  subfive demo --file`,
		Args: exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case d.show:
				_, err := a.stdout.Write(demoFile)
				return err
			case d.clicks < 1:
				return usagef("--clicks %d: give 1 or more", d.clicks)
			case d.hours < 0 || d.hours > 168:
				return usagef("--hours %d: give 0 to 168", d.hours)
			}
			return d.run(c.Context())
		},
	}
	f := c.Flags()
	f.StringVar(&d.dir, "data", "", "keep the data in this folder")
	f.IntVar(&d.clicks, "clicks", 60, "how many visitors click")
	f.IntVar(&d.hours, "hours", 0, "play so many hours before that, each with about as many clicks (a second an hour)")
	f.Uint64Var(&d.seed, "seed", 1, "the same seed makes the same traffic")
	f.BoolVar(&d.stay, "stay", terminal(os.Stdin) && terminal(os.Stdout), "stay until Ctrl-C")
	f.BoolVar(&d.show, "file", false, "print the configuration that the demo runs with, and end")
	return c
}

func terminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// demo is one run of the whole loop.
type demo struct {
	app    *app
	clock  *movedClock
	dir    string
	clicks int
	hours  int
	seed   uint64
	stay   bool
	show   bool

	base    string // the tracker's address
	secret  string // the webhook's
	sandbox *sandbox.Server
	tracker *tracker
}

// movedClock is a clock that can be set ahead: what a platform says only half an
// hour later is seen at once.
type movedClock struct {
	now   func() time.Time
	ahead atomic.Int64 // nanoseconds
}

func (c *movedClock) Now() time.Time           { return c.now().Add(time.Duration(c.ahead.Load())) }
func (c *movedClock) advance(by time.Duration) { c.ahead.Add(int64(by)) }

func (d *demo) run(ctx context.Context) error {
	if d.dir == "" {
		dir, err := os.MkdirTemp("", "subfive-demo-")
		if err != nil {
			return err
		}
		d.dir = dir
		defer func() {
			if err := os.RemoveAll(dir); err != nil {
				fmt.Fprintf(d.app.stderr, "subfive: remove %s: %v\n", dir, err)
			}
		}()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	services, ctx := errgroup.WithContext(ctx)
	if err := d.start(ctx, services); err != nil {
		cancel()
		return errors.Join(err, services.Wait())
	}
	err := d.play(ctx)
	if err == nil && d.stay {
		err = d.invite(ctx)
	}
	if err == nil && d.stay {
		d.sayf("\nIt all keeps running until you press Ctrl-C. In another terminal:")
		d.sayf("  subfive conversions --data-dir %s", d.dir)
		<-ctx.Done()
	}
	cancel()
	return errors.Join(err, services.Wait())
}

// demoUser is who looks at the demo's screens.
const demoUser = "demo"

// invite prints a link that signs in to the screens, once. It is made last: the
// demo's clock is ahead by then.
func (d *demo) invite(ctx context.Context) error {
	st, now := d.tracker.store.Load(), d.app.now()
	u, err := st.AddUser(ctx, demoUser, subfive.User{ID: newID(prefixUser), Name: demoUser, Role: subfive.RoleOwner}, now)
	if errors.Is(err, store.ErrTaken) { // kept from another run
		u, _, err = st.UserNamed(ctx, demoUser)
	}
	if err != nil {
		return err
	}
	made, err := newLink(ctx, st, demoUser, subfive.LinkSignIn, u.ID, d.tracker.operator(), now)
	if err != nil {
		return err
	}
	d.sayf("\nThe screens. The link signs you in as the owner %q, without a password; it works once, for 30 minutes:", demoUser)
	d.sayf("  %s", made.URL)
	return nil
}

func (d *demo) sayf(format string, args ...any) { fmt.Fprintf(d.app.stdout, format+"\n", args...) }

// start brings up the sandbox and the tracker, the real one.
func (d *demo) start(ctx context.Context, services *errgroup.Group) error {
	d.app.now = d.clock.Now
	if d.hours > 0 { // so that it is over now
		d.clock.advance(-time.Duration(d.hours)*time.Hour - halfHour)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	d.sandbox = sandbox.New(d.app.now, sandbox.MetaConfig{})
	services.Go(func() error { return serveSandbox(ctx, d.sandbox, l) })

	token := rand.Text()
	d.secret = rand.Text()
	d.app.env = environment(d.app.env, map[string]string{
		"DEMO_TOKEN": token, "DEMO_SANDBOX": "http://" + l.Addr().String(),
		"DEMO_META_TOKEN": sandbox.MetaToken, "DEMO_TIKTOK_TOKEN": sandbox.TikTokToken, "DEMO_REDDIT_TOKEN": sandbox.RedditToken,
		"DEMO_GOOGLE_REFRESH_TOKEN": sandbox.GoogleRefresh, "DEMO_SHEETS_SECRET": sandbox.SheetsSecret, "DEMO_HOOK_SECRET": d.secret,
	})
	f, err := config.Parse("demo.yaml", demoFile, d.app.env, config.WithPlatforms(configPlatforms()))
	if err != nil {
		return err
	}
	f.Server.DataDir = d.dir
	public, _, err := listen(ctx, f.Server)
	if err != nil {
		return err
	}
	d.base = "http://" + public.Addr().String()
	f.Server.PublicURL = d.base
	if d.tracker, err = newTracker(d.app, f, journal.AllowTmpfs()); err != nil {
		return errors.Join(err, public.Close())
	}
	services.Go(func() error { return d.tracker.run(ctx, public, nil) })
	d.sayf("tracker   %s        (the same code as \"subfive serve\")", d.base)
	d.sayf("sandbox   http://%s/_sandbox/   the stand-ins of Meta, TikTok, Reddit, Google, a sheet, a webhook", l.Addr())
	d.sayf("API       %s/api/v1/conversions   Authorization: Bearer %s", d.base, token)
	return nil
}

// environment looks up in more first, then in env.
func environment(env config.Env, more map[string]string) config.Env {
	return func(name string) (string, bool) {
		if v, ok := more[name]; ok {
			return v, true
		}
		return env(name)
	}
}

// number runs a query that answers one number.
func number(ctx context.Context, st *store.Store, query string) (n int64, err error) {
	err = eachRow(ctx, st, query, func(values []any) error {
		var ok bool
		if n, ok = values[0].(int64); !ok {
			return fmt.Errorf("%v is no number", values[0])
		}
		return nil
	})
	return n, err
}

// eachRow calls fn for each row of a query.
func eachRow(ctx context.Context, st *store.Store, query string, fn func(values []any) error) error {
	return st.Query(ctx, query, func([]string) error { return nil }, fn)
}
