package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"subfive"
	"subfive/attribution"
	"subfive/config"
	"subfive/forwarders"
	"subfive/identity"
	"subfive/outbox"
	"subfive/sandbox"
	"subfive/store"
)

// benchFile has one destination on each platform; %d is the largest request. No
// bytes leave the process: the hosts are names for lines.
const benchFile = `
sources:
  - {id: meta-us, platform: meta}
offers:
  - {id: ourdream, network_offer_id: "1", link: "https://track.network.example/A/B/?sub1=sfw"}
campaigns:
  - {id: spring, source: meta-us, offer: ourdream, destinations: [meta, tiktok, reddit, google, sheets, hook]}
destinations:
  - id: meta
    platform: meta
    mode: live
    fan_out: true
    max_batch: %[1]d
    base_url: https://meta.example
    settings: {dataset_id: "100000000000001", access_token: sandbox-meta-token, default_event_source_url: "https://lp.example.com/"}
  - id: tiktok
    platform: tiktok
    mode: live
    fan_out: true
    max_batch: %[1]d
    base_url: https://tiktok.example
    settings: {pixel_code: C0SANDBOXPIXEL000001, access_token: sandbox-tiktok-token, default_event_source_url: "https://lp.example.com/"}
  - id: reddit
    platform: reddit
    mode: live
    fan_out: true
    max_batch: %[1]d
    base_url: https://reddit.example
    settings: {pixel_id: a2_sandbox01, access_token: sandbox-reddit-token, default_event_source_url: "https://lp.example.com/"}
  - id: google
    platform: google
    mode: live
    confirmed: [secondary_action, no_smart_bidding, value_basis]
    fan_out: true
    max_batch: %[1]d
    base_url: https://google.example
    settings:
      customer_id: "1234567890"
      conversion_action_id: "6543210987"
      credentials: {client_id: client, client_secret: client-secret, refresh_token: sandbox-google-refresh, token_url: "https://google.example/google/token"}
  - id: sheets
    platform: sheets
    mode: live
    max_batch: %[2]d
    base_url: https://sheets.example
    settings: {url: "https://script.google.com/macros/s/AKfycbSANDBOX/exec", secret: sandbox-sheets-secret}
  - id: hook
    platform: relay
    mode: live
    settings: {url: "https://hook.example/hook", success: {body: "^ok"}}
`

// party is a destination with the stand-in it talks to.
type party struct {
	id   string
	fail func(sandbox.Failure) error
	// mend ends its failures, and gives it back its token.
	mend func()
	// taken are the event IDs that count, and those that came again.
	taken func() (once, again []string)
	asked func() int // requests so far
}

// bench is all destinations at once: the real attribution, store, outbox and
// Sender, and a stand-in for each platform.
type bench struct {
	t       *testing.T
	store   *store.Store
	stand   *sandbox.Server
	setup   subfive.Setup
	parties []party
	lines   *lines
	random  *rand.Rand

	attributor *attribution.Attributor
	sender     *forwarders.Sender
	pool       *outbox.Pool
	records    int64
	close      func()
}

// newBench opens a database, with nothing in it, and begins to deliver.
func newBench(t *testing.T, dsn string, maxBatch int, seed uint64, opts ...outbox.Option) *bench {
	t.Helper()
	text := fmt.Sprintf(benchFile, maxBatch, min(maxBatch, 20))
	file, err := config.Parse("bench.yaml", []byte(text), func(string) (string, bool) { return "", false }, config.WithPlatforms(configPlatforms()))
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, store: st, setup: file.Setup, lines: newLines(), random: rand.New(rand.NewPCG(seed, 3))}
	b.stand = sandbox.New(time.Now, sandbox.MetaConfig{})
	b.stand.Sheets = sandbox.NewSheets(time.Now, sandbox.SheetsConfig{EchoURL: "https://sheets.example"})
	b.parties = partiesOf(b.stand)
	server := &http.Server{Handler: b.stand.Handler(), ReadHeaderTimeout: time.Minute}
	served := make(chan error)
	go func() { served <- server.Serve(b.lines) }()

	b.sender = b.newSender()
	b.attributor = attribution.New(st, rules(file.Server, file.Setup, nil), time.Now, slog.New(slog.DiscardHandler))
	b.pool = outbox.NewPool(st, outboxSender{b.sender}, slog.New(slog.DiscardHandler), time.Now, opts...)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- b.pool.Run(ctx) }()
	b.close = func() {
		b.mend()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		b.sender.Close()
		b.stand.Close()
		close(b.lines.done)
		if err := <-served; !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		if err := errors.Join(server.Close(), st.Close()); err != nil {
			t.Error(err)
		}
	}
	return b
}

// newSender makes a Sender whose every connection is one of b's lines. What
// would be encrypted is not, so that the handshake costs nothing.
func (b *bench) newSender() *forwarders.Sender {
	b.t.Helper()
	vault, err := identity.NewVault(make([]byte, identity.KeySize))
	if err != nil {
		b.t.Fatal(err)
	}
	var attempts atomic.Int64
	sender := forwarders.NewSender(forwarders.SenderConfig{
		Opener: vault, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		NewID: func() string { return fmt.Sprintf("at_%d", attempts.Add(1)) },
		Tune:  func(tr *http.Transport) { tr.DialTLSContext = b.lines.dial },
	})
	configured, failed := configure(b.setup, func(string) (string, bool) { return "", false }, sender, config.DecodeSettings)
	if len(failed) > 0 {
		b.t.Fatal(failed)
	}
	if err := sender.SetDestinations(configured); err != nil {
		b.t.Fatal(err)
	}
	return sender
}

// deliver lets the outbox work.
func (b *bench) deliver() {
	var all []outbox.Destination
	for _, d := range b.setup.Destinations {
		all = append(all, outbox.Destination{ID: d.ID, MaxBatch: d.MaxBatch, DedupWindow: dedupWindow(d.Platform)})
	}
	b.pool.Set(all)
}

// owe records n clicks and their conversions, each owed to all destinations.
func (b *bench) owe(n int) {
	b.t.Helper()
	const chunk = 500
	for n > 0 {
		entries := make([]subfive.Entry, 0, 2*chunk)
		for range min(n, chunk) {
			b.records++
			id, now := b.records, time.Now()
			click := subfive.Click{
				ID: fmt.Sprintf("c%025d", id), RecordKind: subfive.ClickRedirect, ClickedAt: now.Add(-time.Minute), CampaignID: "spring", SourceID: "meta-us",
				Platform: "meta", OfferID: "ourdream", Request: subfive.Request{ClientAddr: "203.0.113.9", UserAgent: "Mozilla/5.0 (X11; Linux x86_64) Chrome/150.0"},
				Params: map[string]string{
					"fbclid": fmt.Sprintf("IwAR%d", id), "ttclid": fmt.Sprintf("E.C.P.%d", id),
					"rdt_cid": fmt.Sprintf("50%d", id), "gclid": fmt.Sprintf("Cj0KCQ%d", id),
				},
			}
			payout := subfive.Micros(42_500_000)
			postback := subfive.Postback{
				ID: fmt.Sprintf("pb_%d", id), ReceivedAt: now, NetworkID: subfive.DefaultNetwork, EndpointID: subfive.DefaultEndpoint,
				Via: subfive.ViaS2S, Reading: subfive.ReadingOK, Answered: http.StatusOK, ClickIDRaw: click.ID, ClickID: click.ID,
				TransactionID: fmt.Sprintf("tx-%d", id), NetworkOfferID: "1", Payout: &payout, Currency: "USD",
			}
			entries = append(entries, b.entry(subfive.Record{ID: click.ID, Kind: subfive.RecordClick, Click: &click}, 2*id-1),
				b.entry(subfive.Record{ID: postback.ID, Kind: subfive.RecordPostback, Postback: &postback}, 2*id))
		}
		if err := b.attributor.Record(b.t.Context(), entries); err != nil {
			b.t.Fatal(err)
		}
		b.pool.Wake()
		n -= chunk
	}
}

func (b *bench) entry(r subfive.Record, at int64) subfive.Entry {
	data, err := json.Marshal(r)
	if err != nil {
		b.t.Fatal(err)
	}
	return subfive.Entry{Position: subfive.Position{Segment: "bench", Pos: at}, Data: data}
}

func (b *bench) mend() {
	b.lines.mend()
	for _, p := range b.parties {
		p.mend()
	}
}

// number answers a query for one number.
func (b *bench) number(query string) int64 {
	b.t.Helper()
	n, err := number(b.t.Context(), b.store, query)
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

// told is a delivery as the books have it.
type told struct {
	eventID, status, code, reason string
	ambiguous                     bool
}

func (b *bench) told(destination string) []told {
	b.t.Helper()
	var all []told
	query := "SELECT event_id, status, coalesce(reason_code, ''), coalesce(reason, ''), is_ambiguous FROM v_deliveries WHERE destination_id = '" + destination + "' ORDER BY delivery_id"
	row := func(v []any) error {
		texts := make([]string, 4)
		for i := range texts {
			text, ok := v[i].(string)
			if !ok {
				return fmt.Errorf("column %d of a delivery is %v", i, v[i])
			}
			texts[i] = text
		}
		all = append(all, told{eventID: texts[0], status: texts[1], code: texts[2], reason: texts[3], ambiguous: v[4] == int64(1)})
		return nil
	}
	if err := b.store.Query(b.t.Context(), query, func([]string) error { return nil }, row); err != nil {
		b.t.Fatal(err)
	}
	return all
}

func partiesOf(s *sandbox.Server) []party {
	ids := func(events, again func() []sandbox.Event) func() (once, again []string) {
		list := func(all []sandbox.Event) (ids []string) {
			for _, e := range all {
				ids = append(ids, e.EventID)
			}
			return ids
		}
		return func() ([]string, []string) { return list(events()), list(again()) }
	}
	return []party{
		{"meta", s.Meta.Fail, func() { s.Meta.Clear(); s.Meta.SetToken(sandbox.MetaToken) }, ids(s.Meta.Events, s.Meta.Duplicates), func() int { return len(s.Meta.Requests()) }},
		{"tiktok", s.TikTok.Fail, func() { s.TikTok.Clear(); s.TikTok.SetToken(sandbox.TikTokToken) }, ids(s.TikTok.Events, s.TikTok.Duplicates), func() int { return len(s.TikTok.Requests()) }},
		{"reddit", s.Reddit.Fail, func() { s.Reddit.Clear(); s.Reddit.SetToken(sandbox.RedditToken) }, ids(s.Reddit.Events, s.Reddit.Duplicates), func() int { return len(s.Reddit.Requests()) }},
		{"google", s.Google.Fail, func() { s.Google.Clear(); s.Google.SetToken(sandbox.GoogleToken) }, ids(s.Google.Events, s.Google.Duplicates), func() int { return len(s.Google.Requests()) }},
		{"sheets", s.Sheets.Fail, s.Sheets.Clear, ids(s.Sheets.Events, s.Sheets.Duplicates), func() int { return len(s.Sheets.Requests()) }},
		{"hook", s.Hook.Fail, s.Hook.Clear, func() ([]string, []string) { return hooked(s.Hook.Requests()) }, func() int { return len(s.Hook.Requests()) }},
	}
}

// hooked are the event IDs of the requests that had an effect.
func hooked(requests []sandbox.HookRequest) (once, again []string) {
	seen := map[string]bool{}
	for _, r := range requests {
		var body struct {
			EventID string `json:"event_id"`
		}
		if r.Refused || json.Unmarshal([]byte(r.Body), &body) != nil {
			continue
		}
		if seen[body.EventID] {
			again = append(again, body.EventID)
			continue
		}
		seen[body.EventID] = true
		once = append(once, body.EventID)
	}
	return once, again
}

// The ways in which a line is bad before any request can be made.
const (
	lineRefused = "refused"
	lineTLS     = "tls"
)

// lines is a network within the process. A host's line can be bad.
type lines struct {
	pipes
	mu  sync.Mutex
	bad map[string]string
}

func newLines() *lines {
	return &lines{pipes: pipes{conns: make(chan net.Conn), done: make(chan struct{})}, bad: map[string]string{}}
}

// cut makes a destination's line bad.
func (l *lines) cut(destination, how string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bad[destination+".example:443"] = how
}

func (l *lines) mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.bad)
}

func (l *lines) dial(ctx context.Context, network, address string) (net.Conn, error) {
	l.mu.Lock()
	how := l.bad[address]
	l.mu.Unlock()
	switch how {
	case lineRefused:
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	case lineTLS:
		return nil, shakeHands(ctx, strings.TrimSuffix(address, ":443"))
	}
	return l.pipes.dial(ctx, network, address)
}

// shakeHands is how a handshake fails with a server that speaks plain HTTP.
func shakeHands(ctx context.Context, host string) error {
	ours, theirs := net.Pipe()
	ended := make(chan error, 1)
	go func() {
		_, err := theirs.Read(make([]byte, 16<<10))
		if err == nil {
			_, err = theirs.Write([]byte("HTTP/1.0 400 Bad Request\r\n\r\n"))
		}
		ended <- errors.Join(err, theirs.Close())
	}()
	err := tls.Client(ours, &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}).HandshakeContext(ctx)
	_ = ours.Close() // it frees the other end; the handshake's error is what counts
	if spoken := <-ended; err == nil {
		return spoken
	}
	return err
}
