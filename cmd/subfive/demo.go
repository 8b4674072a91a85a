package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"subfive/config"
	"subfive/journal"
	"subfive/sandbox"
	"subfive/store"
)

//go:embed demo.yaml
var demoFile []byte

func newDemo(a *app) *cobra.Command {
	d := demo{app: a}
	c := &cobra.Command{
		Use:   "demo",
		Short: "Show the whole loop on this machine, without an account",
		Long: `Runs the tracker, strict stand-ins for the platforms, and a simulator of Everflow, all on loopback
addresses: clicks are minted and redirected, postbacks are fired, good and bad ones, and what came of
them is compared with what should have. On a terminal it then stays until Ctrl-C, so that you can look
around. It leaves nothing behind unless --data names a folder.`,
		Example: `  subfive demo
  subfive demo --clicks 200 --data ./demo-data`,
		Args: exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error { return d.run(c.Context()) },
	}
	f := c.Flags()
	f.StringVar(&d.dir, "data", "", "keep the data in this folder")
	f.IntVar(&d.clicks, "clicks", 60, "how many visitors click")
	f.Uint64Var(&d.seed, "seed", 1, "the same seed makes the same traffic")
	f.BoolVar(&d.stay, "stay", terminal(os.Stdin) && terminal(os.Stdout), "stay until Ctrl-C")
	return c
}

func terminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// demo is one run of the whole loop.
type demo struct {
	app    *app
	dir    string
	clicks int
	seed   uint64
	stay   bool

	base    string // the tracker's address
	sandbox *sandbox.Server
	tracker *tracker
}

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
		d.sayf("\nIt all keeps running until you press Ctrl-C. In another terminal:")
		d.sayf("  subfive conversions --data-dir %s", d.dir)
		<-ctx.Done()
	}
	cancel()
	return errors.Join(err, services.Wait())
}

func (d *demo) sayf(format string, args ...any) { fmt.Fprintf(d.app.stdout, format+"\n", args...) }

// start brings up the sandbox and the tracker, the real one.
func (d *demo) start(ctx context.Context, services *errgroup.Group) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	d.sandbox = sandbox.New(d.app.now, sandbox.MetaConfig{})
	services.Go(func() error { return serveSandbox(ctx, d.sandbox, l) })

	token := rand.Text()
	d.app.env = environment(d.app.env, map[string]string{
		"DEMO_TOKEN": token, "DEMO_META_TOKEN": sandbox.MetaToken, "DEMO_SANDBOX": "http://" + l.Addr().String(),
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
	d.sayf("sandbox   http://%s/_sandbox/   Meta's stand-in and a webhook sink", l.Addr())
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

// play lets visitors click and the network tell, and compares.
func (d *demo) play(ctx context.Context) error {
	traffic := sandbox.NewTraffic(d.seed, "1")
	sim, err := sandbox.NewSimulator(d.app.now, sandbox.SimulatorConfig{Postbacks: traffic.Postbacks(d.base + "/conversion")})
	if err != nil {
		return err
	}
	var shots []sandbox.Shot
	for range d.clicks {
		clickID, err := d.click(ctx, traffic.Click())
		if err != nil {
			return err
		}
		shots = append(shots, traffic.Session(clickID)...)
	}
	d.sayf("\n%d clicks on %s/c/spring, each redirected to the offer with its own sub5", d.clicks, d.base)
	// Meta has a bad minute, so that a retry is seen.
	if err := d.sandbox.Meta.Fail(sandbox.Failure{Mode: sandbox.ModeServerError, Status: 503, Requests: 1}); err != nil {
		return err
	}
	refused := 0
	for _, s := range shots {
		fire, err := sim.Fire(ctx, s.PostbackID, s.Conversion)
		if err != nil {
			return err
		}
		if fire.Outcome != sandbox.OutcomeDelivered {
			refused++
		}
	}
	d.sayf("%d postbacks fired by Everflow's simulator: %d answered with 2xx, %d refused", len(shots), len(shots)-refused, refused)
	if err := d.settled(ctx); err != nil {
		return err
	}
	return d.report(ctx, sandbox.Expect(shots), refused)
}

// click sends one visitor through the campaign's link and returns the click ID
// that he carries to the offer.
func (d *demo) click(ctx context.Context, c sandbox.AdClick) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.base+"/c/spring?"+c.Query, nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("User-Agent", c.UserAgent)
	req.Header.Set("X-Forwarded-For", c.IP)
	res, err := http.DefaultTransport.RoundTrip(req) // a visitor's browser would go on; nobody leaves this machine
	if err != nil {
		return "", fmt.Errorf("click: %w", err)
	}
	_ = res.Body.Close() // a redirect has nothing in it
	to, err := url.Parse(res.Header.Get("Location"))
	if err != nil || res.StatusCode != http.StatusFound || to.Query().Get("sub5") == "" {
		return "", fmt.Errorf("click: %s to %q, without a click ID in sub5", res.Status, res.Header.Get("Location"))
	}
	return to.Query().Get("sub5"), nil
}

// settled waits until all that came in is recorded and all that is owed has
// ended.
func (d *demo) settled(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 45*time.Second)
	defer cancel()
	for {
		if st := d.tracker.store.Load(); st != nil && d.tracker.journal.Stats().Unrecorded == 0 {
			n, err := number(ctx, st, "SELECT count(*) FROM v_deliveries WHERE status IN ('scheduled', 'submitted')")
			if err != nil {
				return err
			}
			if n == 0 {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the deliveries: %w", ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// number runs a query that answers one number.
func number(ctx context.Context, st *store.Store, query string) (n int64, err error) {
	err = st.Query(ctx, query, func([]string) error { return nil }, func(values []any) error {
		var ok bool
		if n, ok = values[0].(int64); !ok {
			return fmt.Errorf("%v is no number", values[0])
		}
		return nil
	})
	return n, err
}

// report prints what came of it, and fails when it is not what should have.
func (d *demo) report(ctx context.Context, want sandbox.Expected, refused int) error {
	st := d.tracker.store.Load()
	show := func(title, query string) error {
		var cells []string
		err := st.Query(ctx, query, func([]string) error { return nil }, func(v []any) error {
			cells = append(cells, fmt.Sprintf("%v %v", v[1], v[0]))
			return nil
		})
		d.sayf("  %-12s %s", title, strings.Join(cells, " · "))
		return err
	}
	for _, q := range [][2]string{
		{"postbacks", "SELECT verdict, count(*) FROM v_postbacks GROUP BY verdict ORDER BY 2 DESC, 1"},
		{"conversions", "SELECT verdict, count(*) FROM v_conversions GROUP BY verdict ORDER BY 2 DESC, 1"},
		{"deliveries", "SELECT destination_id || ' ' || status, count(*) FROM v_deliveries GROUP BY 1 ORDER BY 1"},
	} {
		if err := show(q[0], q[1]); err != nil {
			return err
		}
	}
	conversions, err := number(ctx, st, "SELECT count(*) FROM v_conversions")
	if err != nil {
		return err
	}
	owed, err := number(ctx, st, "SELECT count(*) FROM v_deliveries WHERE destination_id = 'meta-demo' AND kind = 'conversion'")
	if err != nil {
		return err
	}
	delivered, err := number(ctx, st, "SELECT count(*) FROM v_deliveries WHERE destination_id = 'meta-demo' AND status = 'delivered'")
	if err != nil {
		return err
	}
	got, twice := len(d.sandbox.Meta.Events()), len(d.sandbox.Meta.Duplicates())
	d.sayf("  %-12s %d events, %d of them twice", "Meta has", got, twice)
	switch {
	case refused > 0:
		return fmt.Errorf("%d postbacks were refused", refused)
	case int(conversions) != want.Conversions:
		return fmt.Errorf("%d conversions, and there were %d", conversions, want.Conversions)
	case int(owed) != want.Matched:
		return fmt.Errorf("%d conversions are owed to Meta, and %d had a click", owed, want.Matched)
	case got != int(delivered) || twice > 0:
		return fmt.Errorf("%d deliveries say delivered, and Meta has %d events, %d twice", delivered, got, twice)
	}
	d.sayf("\nIt adds up: %d conversions of %d postbacks, each told once. The story of one:", want.Conversions, want.Postbacks)
	return d.example(ctx, st)
}

// example prints the story of a conversion that was retried, or of any.
func (d *demo) example(ctx context.Context, st *store.Store) error {
	var id string
	err := st.Query(ctx, `SELECT conversion_id FROM v_deliveries WHERE status = 'delivered' AND destination_id = 'meta-demo'
		ORDER BY attempts DESC, created_at LIMIT 1`, func([]string) error { return nil }, func(v []any) error {
		id, _ = v[0].(string)
		return nil
	})
	if err != nil {
		return err
	}
	d.sayf("\n$ subfive conversions show %s --data-dir %s\n", id, d.dir)
	story, err := st.Story(ctx, id)
	if err != nil {
		return err
	}
	return d.app.printStory(ctx, st, story)
}
