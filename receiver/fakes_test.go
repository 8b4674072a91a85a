package receiver_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"go.uber.org/goleak"

	"subfive"
	"subfive/receiver"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	goleak.VerifyTestMain(m)
}

var start = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

const (
	clickID = "01hzy3v7qk8r9t2m4n6p8s0v2x"
	gclid   = "Cj0KCQiA-Test_gclid_0123456789"
)

// journal keeps records in memory; err or panics make it fail, and refuse for
// those records that hold that text.
type journal struct {
	mu     sync.Mutex
	all    []subfive.Record
	err    error
	refuse string
	panics bool
}

func (j *journal) Append(_ context.Context, kind subfive.RecordKind, data []byte) (subfive.Position, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.panics {
		panic("disk on fire")
	}
	if j.err != nil {
		return subfive.Position{}, j.err
	}
	if j.refuse != "" && strings.Contains(string(data), j.refuse) {
		return subfive.Position{}, errors.New("refused")
	}
	var rec subfive.Record
	if err := json.Unmarshal(data, &rec); err != nil {
		return subfive.Position{}, err
	}
	if rec.Kind != kind {
		return subfive.Position{}, errors.New("kind differs")
	}
	j.all = append(j.all, rec)
	return subfive.Position{Segment: "s", Pos: int64(len(j.all))}, nil
}

func (j *journal) fail(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.err = err
}

func (j *journal) records() []subfive.Record {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]subfive.Record(nil), j.all...)
}

// last returns the newest record's click.
func (j *journal) last() subfive.Click {
	j.mu.Lock()
	defer j.mu.Unlock()
	return *j.all[len(j.all)-1].Click
}

// sealer is a box that opens.
type sealer struct{}

func (sealer) Seal(field, value, _ string) (subfive.Sealed, error) {
	return subfive.Sealed{Box: "box:" + value, Mac: "mac:" + field}, nil
}

func (sealer) SealBytes(b []byte) (string, error) {
	return base64.StdEncoding.EncodeToString(b), nil
}

func open(t *testing.T, raw string) string {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(raw)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// brokenSealer refuses everything.
type brokenSealer struct{}

func (brokenSealer) Seal(string, string, string) (subfive.Sealed, error) {
	return subfive.Sealed{}, errors.New("no key")
}
func (brokenSealer) SealBytes([]byte) (string, error) { return "", errors.New("no key") }

// hinter takes braces, encoded braces, REPLACE and a value that is its own name
// for literal macros.
type hinter struct{}

func (hinter) LiteralMacro(param, value string) (string, bool) {
	switch {
	case strings.HasPrefix(value, "{"), strings.HasPrefix(value, "%7B"), strings.HasPrefix(value, "__"), value == "REPLACE":
		return "literal " + value, true
	case value == param:
		return "own name " + value, true
	}
	return "", false
}

// observer writes down what it is told.
type observer struct {
	mu     sync.Mutex
	seen   []string
	atRisk []int
	lost   int
}

func (o *observer) Postback(network string, r subfive.Reading, took time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen = append(o.seen, network+" "+string(r)+" "+took.String())
}

func (o *observer) Click(took time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen = append(o.seen, "click "+took.String())
}

func (o *observer) ClicksAtRisk(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.atRisk = append(o.atRisk, n)
}

func (o *observer) ClickLost() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lost++
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func setup() subfive.Setup {
	archived := start.Add(-time.Hour)
	return subfive.Setup{
		Networks: []subfive.Network{{ID: "everflow", APIKey: "api-secret"}},
		Endpoints: []subfive.Endpoint{
			{ID: "default", Network: "everflow"},
			{ID: "guarded", Network: "everflow", Key: "s3cret"},
			{ID: "meta", Network: "other", Direct: "reddit", ClickParam: "s5", Offers: []string{"dream"}},
			{ID: "organic", Network: "everflow", EmptyClickID: subfive.EmptyOrganic},
		},
		Sources: []subfive.Source{{ID: "meta-us", Platform: "meta", AccountID: "act_1"}},
		Offers: []subfive.Offer{
			{ID: "dream", NetworkOfferID: "7", Link: "https://track.example.com/A/B/?sub1=sfw&sub5=old&x={y}#f"},
			{ID: "third", Link: "https://other.example.com/?sub3=", ClickSlot: "sub3"},
		},
		Campaigns: []subfive.Campaign{
			{ID: "spring", Source: "meta-us", Offer: "dream", Aliases: []string{"/Old/Path/", "10"}},
			{ID: "rested", Source: "meta-us", Offer: "dream", Paused: true},
			{ID: "gone", Source: "meta-us", Offer: "third", ArchivedAt: &archived, Aliases: []string{"old/path"}},
			{ID: "offerless", Source: "meta-us"},
		},
		Destinations: []subfive.Destination{{ID: "m", Platform: "meta", Settings: "access_token: x"}},
	}
}

// ways is a set-up with a campaign that has rules and a split.
func ways() subfive.Setup {
	s := setup()
	s.LandingPages = []subfive.LandingPage{
		{ID: "lp1", URL: "https://lp.example.com/a?x=1#top"},
		{ID: "lp2", URL: "https://lp.example.com/{campaign_id}/{path_id}?click={click_id}"},
	}
	s.LandingPages = append(s.LandingPages, subfive.LandingPage{ID: "lp3", URL: "https://lp.example.com/ü?fbclid="},
		subfive.LandingPage{ID: "own", URL: "https://lp.example.com/own"}, subfive.LandingPage{ID: "bare", URL: "https://lp.example.com/bare"})
	s.Campaigns = append(s.Campaigns, subfive.Campaign{ID: "foreign", Source: "us", Offer: "dream", Landing: "lp3"})
	s.Sources = append(s.Sources, subfive.Source{ID: "us", Platform: "meta", Timezone: "America/New_York", Currency: "EUR", Names: map[string]string{"ad_id": "sub3"}})
	s.Offers = append(s.Offers,
		subfive.Offer{ID: "rested", Link: "https://rested.example.com/", Paused: true, Fallback: "capped"},
		subfive.Offer{ID: "capped", Link: "https://capped.example.com/", Fallback: "dream"},
		subfive.Offer{ID: "lonely", Link: "https://lonely.example.com/"},
		subfive.Offer{ID: "near", Link: "https://near.example.com/1", Fallback: "nearer"},
		subfive.Offer{ID: "nearer", Link: "https://near.example.com/2", Fallback: "circle"},
		subfive.Offer{ID: "circle", Link: "https://circle.example.com/", Fallback: "near"},
	)
	s.Campaigns = append(s.Campaigns, subfive.Campaign{
		ID: "split", Source: "us", Offer: "dream",
		Paths: []subfive.Path{{ID: "a", Weight: new(70), Landing: "lp1"}, {ID: "b", Weight: new(30), Offer: "third"}},
		Rules: []subfive.Rule{
			{ID: "german", When: subfive.Conditions{Country: []string{"de", "AT"}, Device: []string{"phone"}}, Paths: []subfive.Path{{ID: "de", Landing: "lp2"}}},
			{ID: "night", When: subfive.Conditions{Hours: "22:00-06:00", Days: []string{"mon"}}, Paths: []subfive.Path{{ID: "n", Offer: "third"}}},
			{ID: "partner", When: subfive.Conditions{Params: map[string][]string{"P": {"one", "two"}}}, Paths: []subfive.Path{{ID: "p"}}},
			{ID: "spanish", When: subfive.Conditions{Language: []string{"es", "pt-BR"}}, Paths: []subfive.Path{{ID: "es"}}},
		},
	}, subfive.Campaign{ID: "landed", Source: "us", Offer: "dream", Landing: "lp1"},
		subfive.Campaign{ID: "fallen", Source: "us", Offer: "rested"},
		subfive.Campaign{ID: "closed", Source: "us", Offer: "lonely"},
		subfive.Campaign{ID: "chained", Source: "us", Offer: "near"},
		subfive.Campaign{
			ID: "ruled", Source: "us", Offer: "dream", Paths: []subfive.Path{{ID: "own", Landing: "own", Offer: "lonely"}, {ID: "bare", Landing: "bare"}},
			Rules: []subfive.Rule{{ID: "us", When: subfive.Conditions{Country: []string{"US"}}, Paths: []subfive.Path{
				{ID: "us", Landing: "lp1", Offer: "third"}, {ID: "us-own", Landing: "own", Offer: "third"},
			}}},
		})
	return s
}

func config(j *journal) receiver.Config {
	return receiver.Config{
		Journal: j, Sealer: sealer{}, Hinter: hinter{}, Log: quiet(),
		Now:            func() time.Time { return start },
		ClickParams:    []string{"fbclid", "gclid", "gbraid", "wbraid", "ttclid", "rdt_cid", "_fbp", "_fbc", "_ttp", "_rdt_uuid"},
		DirectParams:   map[string]string{"meta": "fbclid", "google": "gclid", "tiktok": "ttclid", "reddit": "rdt_cid"},
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	}
}

// serve starts a receiver with the set-up above and returns its handler.
func serve(cfg receiver.Config) http.Handler {
	r := receiver.New(cfg)
	r.SetSetup(setup())
	return r.Handler()
}

func do(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func get(target string) *http.Request { return httptest.NewRequest(http.MethodGet, target, nil) }

func post(target, contentType, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	return r
}
