package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"subfive/attribution"
	"subfive/journal"
	"subfive/outbox"
	"subfive/sandbox"
	"subfive/tee"
)

const monthFile = `
public_url: https://trk.example.com
trusted_proxies: [127.0.0.1]
reporting: {timezone: Europe/Berlin, currency: EUR}
networks:
  - {id: everflow, api_key: %[2]s}
sources:
  - {id: meta-us, platform: meta, account_id: "100200300", timezone: America/New_York, currency: USD}
  - {id: google-eu, platform: google, account_id: "5551112222", timezone: Europe/London, currency: GBP}
offers:
  - {id: dream, network_offer_id: "1", currency: USD, link: "https://track.network.example/A/B/"}
  - {id: night, network_offer_id: "2", currency: USD, link: "https://track.network.example/A/C/"}
campaigns:
  - {id: spring, source: meta-us, offer: dream, destinations: [meta-main]}
  - {id: summer, source: meta-us, offer: night, destinations: [meta-main]}
  - {id: search, source: google-eu, offer: dream, destinations: [hook]}
destinations:
  - id: meta-main
    platform: meta
    mode: live
    goals: {base: Purchase, Upgrade: Subscribe}
    on_reversal: none
    base_url: %[1]s
    settings: {dataset_id: "100000000000001", access_token: sandbox-meta-token, default_event_source_url: "https://lp.example.com/"}
  - id: hook
    platform: relay
    mode: dry_run
    goals: {base: sale, Upgrade: upgrade}
    on_reversal: none
    settings: {url: "https://hooks.example.com/hook"}
`

// monthSite is a tracker in this process, whose clock the test moves: what serve
// runs, but for what works by the hour of the wall.
type monthSite struct {
	*commands
	tracker *tracker
	pool    *outbox.Pool
	front   *httptest.Server
	stand   *sandbox.Server
	books   *sandbox.EverflowAPI
	client  *http.Client
	at      atomic.Int64 // the clock, Unix milliseconds
	told    int          // postbacks
}

func (s *monthSite) now() time.Time { return time.UnixMilli(s.at.Load()).UTC() }

func (s *monthSite) set(at time.Time) {
	s.at.Store(at.UnixMilli())
	s.commands.now = at
}

// newMonthSite starts a tracker at a moment.
func newMonthSite(t *testing.T, dsn string, start time.Time) *monthSite {
	t.Helper()
	s := &monthSite{commands: &commands{t: t, dir: t.TempDir(), env: map[string]string{"USER": "ann"}}, client: clientFor(monthWorkers)}
	s.set(start)
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s.stand = sandbox.New(s.now, sandbox.MetaConfig{})
	meta := httptest.NewServer(s.stand.Handler())
	s.books = sandbox.NewEverflowAPI(time.Now) // it limits who asks by the wall's clock
	network := httptest.NewServer(s.books)
	s.env[everflowURL] = network.URL + sandbox.EverflowAPIPath
	if dsn != "" {
		s.env["SUBFIVE_DATABASE_URL"] = dsn
	}
	s.write("subfive.yaml", fmt.Sprintf(monthFile, meta.URL, sandbox.EverflowAPIKey))

	var stderr bytes.Buffer
	a := s.app(&bytes.Buffer{}, &stderr)
	a.now, a.configPath, a.dataDir = s.now, filepath.Join(s.dir, "subfive.yaml"), s.dir
	f, err := a.file()
	if err != nil {
		t.Fatal(err)
	}
	if s.tracker, err = newTracker(a, f, journal.AllowTmpfs()); err != nil {
		t.Fatal(err)
	}
	if err := s.tracker.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var work errgroup.Group
	s.begin(ctx, &work)
	s.front = httptest.NewServer(s.tracker.publicHandler())
	t.Cleanup(func() {
		s.front.Close()
		if err := s.tracker.shutdown(nil, cancel, &work); err != nil {
			t.Error(err)
		}
		s.client.CloseIdleConnections()
		s.stand.Close()
		meta.Close()
		network.Close()
		if t.Failed() {
			t.Logf("the log ends: %s", last(stderr.String()))
		}
	})
	return s
}

// begin starts the receiver, the attribution and the outbox, as work does.
func (s *monthSite) begin(ctx context.Context, work *errgroup.Group) {
	s.t.Helper()
	tr := s.tracker
	st := tr.store.Load()
	setup, err := tr.setup(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	s.pool = outbox.NewPool(st, outboxSender{tr.sender}, tr.log, tr.app.now, outbox.WithObserver(tr.metrics), outbox.WithNode(tr.process))
	tr.tees = tee.New(st, tr.openRequest, tr.log, tr.app.now)
	attributor := attribution.New(st, tr.app.rules(tr.file.Server, setup, tr.vault), tr.app.now, tr.log)
	tr.stampZone(ctx, st)
	tr.install(ctx, setup, attributor, s.pool)
	worker := attribution.NewWorker(tr.journal, attributor, func() { s.pool.Wake() })
	work.Go(func() error { tr.receiver.Run(ctx); return nil })
	work.Go(func() error { return worker.Run(ctx) })
	work.Go(func() error { return s.pool.Run(ctx) })
}

const monthWorkers = 16

const (
	monthBrowser = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile/15E148 Safari/604.1"
	monthBot     = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
)

// click follows a campaign's link as the visitor's browser does.
func (s *monthSite) click(m *month, i int) error {
	c := m.clicks[i]
	id := map[string]string{"meta": "fbclid", "google": "gclid"}[c.ad.platform]
	q := url.Values{"platform_campaign_id": {c.ad.platformCampaign}, "adset_id": {c.ad.set}, "ad_id": {c.ad.id}, id: {fmt.Sprint("Visitor", i)}}
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.front.URL+"/c/"+c.ad.campaign+"?"+q.Encode(), nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", monthBrowser)
	if c.isBot {
		req.Header.Set("User-Agent", monthBot)
	}
	if c.prefetch {
		req.Header.Set("Sec-Purpose", "prefetch")
	}
	if c.again >= 0 {
		req.Header.Set("Cookie", "sf_v="+m.clicks[c.again].clickID+".1")
	}
	req.Header.Set("X-Forwarded-For", fmt.Sprintf("203.0.113.%d", 1+i%250))
	if c.v6 {
		req.Header.Set("X-Forwarded-For", fmt.Sprintf("2001:db8::%x:%x", 1+i>>16, i&0xffff))
	}
	to, err := s.get(req, http.StatusFound)
	if err != nil {
		return err
	}
	offer, err := url.Parse(to)
	if err != nil {
		return err
	}
	if c.clickID = offer.Query().Get("sub5"); c.clickID == "" {
		return fmt.Errorf("click %d leads to %s", i, to)
	}
	return nil
}

func (s *monthSite) get(req *http.Request, want int) (location string, err error) {
	res, err := s.client.Do(req)
	if err != nil {
		return "", err
	}
	if err := res.Body.Close(); err != nil {
		return "", err
	}
	if res.StatusCode != want {
		return "", fmt.Errorf("%s: %s", req.URL.Path, res.Status)
	}
	return res.Header.Get("Location"), nil
}

// postback is the network's.
func (s *monthSite) postback(c *monthConversion, status string, times int) error {
	q := url.Values{
		"click_id": {""}, "transaction_id": {c.session}, "conversion_id": {c.id}, "event_name": {c.event()},
		"payout": {centsText(c.cents)}, "status": {status}, "offer_id": {monthOffer(c)},
	}
	if c.click != nil {
		q.Set("click_id", c.click.clickID)
	}
	for range times {
		req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.front.URL+"/conversion?"+q.Encode(), nil)
		if err != nil {
			return err
		}
		if _, err := s.get(req, http.StatusOK); err != nil {
			return err
		}
	}
	return nil
}

// monthOffer is the network's number of a conversion's offer.
func monthOffer(c *monthConversion) string {
	return map[string]string{"dream": "1", "night": "2"}[adOf(c).offer]
}

// play lets the month happen: clicks, postbacks, and what is told of them.
func (s *monthSite) play(m *month) {
	s.t.Helper()
	sessions := map[string][]*monthConversion{}
	names := make([][]string, len(m.slots)) // of sessions with something to tell
	tell := func(slot int, session string) {
		if !slices.Contains(names[slot], session) {
			names[slot] = append(names[slot], session)
		}
	}
	for _, c := range m.conversions {
		sessions[c.session] = append(sessions[c.session], c)
		if !c.lost {
			tell(c.slot, c.session)
		}
		if !c.lost && c.later != "" {
			tell(c.laterSlot, c.session)
		}
	}
	next := 0
	for slot, at := range m.slots {
		s.set(at)
		from := next
		for next < len(m.clicks) && m.clicks[next].slot == slot {
			next++
		}
		s.together(next-from, func(i int) error { return s.click(m, from+i) })
		var told atomic.Int64
		s.together(len(names[slot]), func(i int) error {
			for _, c := range sessions[names[slot][i]] {
				if c.lost {
					continue
				}
				if c.slot == slot {
					n := 1 + int(one(c.twice))
					told.Add(int64(n))
					if err := s.postback(c, c.first, n); err != nil {
						return err
					}
				}
				if c.later != "" && c.laterSlot == slot {
					n := 1 + int(one(c.laterTwice))
					told.Add(int64(n))
					if err := s.postback(c, c.later, n); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if s.told += int(told.Load()); told.Load() > 0 {
			s.settled()
		}
	}
	s.until("all clicks are recorded", "SELECT count(*) FROM v_clicks", len(m.clicks))
}

// together does n things, and ends the test when one fails.
func (s *monthSite) together(n int, fn func(i int) error) {
	s.t.Helper()
	var failed atomic.Value
	together(monthWorkers, n, func(i int) {
		if err := fn(i); err != nil {
			failed.Store(err)
		}
	})
	if err := failed.Load(); err != nil {
		s.t.Fatal(err)
	}
}

// settled waits until all that was told is recorded, and sent on.
func (s *monthSite) settled() {
	s.t.Helper()
	s.until("the postbacks are recorded", "SELECT count(*) FROM postbacks WHERE via = 's2s'", s.told)
	s.until("nothing is left to send", "SELECT count(*) FROM outbox", 0)
}

func (s *monthSite) until(what, query string, want int) {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); ; <-time.After(10 * time.Millisecond) {
		n, err := number(s.t.Context(), s.tracker.store.Load(), query)
		if err != nil {
			s.t.Fatal(err)
		}
		if int(n) == want {
			return
		}
		if time.Now().After(end) {
			s.t.Fatalf("waited until %s: %d, not %d", what, n, want)
		}
	}
}
