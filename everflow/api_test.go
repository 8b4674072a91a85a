package everflow_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/everflow"
	"subfive/sandbox"
)

var midday = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// patience is a clock that moves when somebody sleeps.
type patience struct {
	mu    sync.Mutex
	at    time.Time
	slept time.Duration
}

func (p *patience) now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at
}

func (p *patience) sleep(ctx context.Context, d time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at, p.slept = p.at.Add(d), p.slept+d
	return ctx.Err()
}

// network is a stand-in of the API and a client of it.
func network(t *testing.T, change func(*everflow.APIConfig)) (*everflow.API, *sandbox.EverflowAPI, *patience) {
	t.Helper()
	clock := &patience{at: midday}
	books := sandbox.NewEverflowAPI(clock.now)
	server := httptest.NewServer(books)
	t.Cleanup(server.Close)
	t.Cleanup(books.Clear)
	c := everflow.APIConfig{
		Key: sandbox.EverflowAPIKey, BaseURL: server.URL + sandbox.EverflowAPIPath, NetworkID: "everflow", EndpointID: "default",
		Now: clock.now, Sleep: clock.sleep,
	}
	if change != nil {
		change(&c)
	}
	api, err := everflow.NewAPI(c)
	if err != nil {
		t.Fatal(err)
	}
	return api, books, clock
}

// sell writes n conversions into the books, a minute apart.
func sell(t *testing.T, books *sandbox.EverflowAPI, n int) {
	t.Helper()
	for i := range n {
		at := midday.Add(-time.Duration(n-i)*time.Minute - time.Hour)
		c := sandbox.Conversion{TransactionID: fmt.Sprint("t", i), ConversionID: fmt.Sprint("c", i), EventName: "Base", Payout: "30", Status: "approved"}
		if _, err := books.Convert(c, at, at.Add(-time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestConversions(t *testing.T) {
	api, books, _ := network(t, func(c *everflow.APIConfig) {
		c.ClickSlot = func(offer string) string { return map[string]string{"7": "sub3"}[offer] }
	})
	base := sandbox.Conversion{
		TransactionID: "t1", ConversionID: "c1", OfferID: "5", EventName: "Base", Payout: "30.10", Status: "pending", OrderID: "o1",
		Sub: [10]string{"", "", "other", "", "01JD3C4Z9Y8X7W6V5T4S3R2Q1P"},
	}
	event := sandbox.Conversion{
		TransactionID: "t1", ConversionID: "c2", OfferID: "7", EventName: "Purchase", Payout: "0.0000007", SaleAmount: "99.99", Status: "declined",
		Sub: [10]string{"", "", "another tracker's"},
	}
	for i, c := range []sandbox.Conversion{base, event} {
		if _, err := books.Convert(c, midday.Add(time.Duration(i-60)*time.Minute), midday.Add(-2*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := api.Conversions(t.Context(), midday.Add(-24*time.Hour), midday)
	if err != nil {
		t.Fatal(err)
	}
	money := func(m subfive.Micros) *subfive.Micros { return &m }
	want := everflow.Listing{Conversions: []subfive.Postback{
		{
			NetworkID: "everflow", EndpointID: "default", Via: subfive.ViaAPI, Reading: subfive.ReadingOK,
			ClickIDRaw: "01JD3C4Z9Y8X7W6V5T4S3R2Q1P", ClickID: "01jd3c4z9y8x7w6v5t4s3r2q1p", TransactionID: "t1", NetworkConversionID: "c1",
			OrderID: "o1", NetworkOfferID: "5", GoalID: "base", GoalName: "base", Status: subfive.StatusPending, StatusWord: "pending",
			PayoutRaw: "30.10", Payout: money(30_100_000), Currency: "USD", NetworkAt: midday.Add(-time.Hour),
			Request: subfive.Request{Params: []subfive.Param{{Name: "sub3", Value: "other"}, {Name: "sub5", Value: "01JD3C4Z9Y8X7W6V5T4S3R2Q1P"}}},
		},
		{
			NetworkID: "everflow", EndpointID: "default", Via: subfive.ViaAPI, Reading: subfive.ReadingForeign,
			ClickIDRaw: "another tracker's", ClickID: "another tracker's", TransactionID: "t1", NetworkConversionID: "c2",
			NetworkOfferID: "7", GoalName: "Purchase", Status: subfive.StatusRejected, StatusWord: "declined",
			PayoutRaw: "0.0000007", Payout: money(1), SaleAmount: money(99_990_000), Currency: "USD", NetworkAt: midday.Add(-59 * time.Minute),
			Request: subfive.Request{Params: []subfive.Param{{Name: "sub3", Value: "another tracker's"}}},
		},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The address that the API tells is kept only by who says how to seal it.
func TestContact(t *testing.T) {
	api, books, _ := network(t, func(c *everflow.APIConfig) {
		c.Contact = func(field, value, _ string) (subfive.Sealed, error) {
			return subfive.Sealed{Box: field + " sealed", Mac: fmt.Sprint(len(value))}, nil
		}
	})
	sell(t, books, 1)
	got, err := api.Conversions(t.Context(), midday.Add(-24*time.Hour), midday)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]subfive.Sealed{"email": {Box: "email sealed", Mac: "19"}}
	if diff := cmp.Diff(want, got.Conversions[0].UserData); diff != "" {
		t.Error(diff)
	}
}

func TestFaults(t *testing.T) {
	const sold = 250 // three pages
	tests := map[string]struct {
		fault sandbox.EverflowFault
		n     int
		more  int // conversions that come in meanwhile
		err   error
		says  string
	}{
		"none":                       {},
		"throttled, then not":        {fault: sandbox.EverflowThrottled, n: 9},
		"throttled for good":         {fault: sandbox.EverflowThrottled, n: 1000, err: everflow.ErrAPIBusy},
		"down for a moment":          {fault: sandbox.EverflowServerError, n: 3},
		"down":                       {fault: sandbox.EverflowServerError, n: 1000, says: "answers 500"},
		"a challenge page":           {fault: sandbox.EverflowHTML, n: 1000, says: "not what was asked for"},
		"a challenge page, then not": {fault: sandbox.EverflowHTML, n: 2},
		"cut short, then not":        {fault: sandbox.EverflowTruncated, n: 2},
		"silent, then not":           {fault: sandbox.EverflowTimeout, n: 1},
		"a wrong total on a page":    {fault: sandbox.EverflowWrongTotal, n: 1},
		"a wrong total always":       {fault: sandbox.EverflowWrongTotal, n: 1000, err: everflow.ErrUnsteady},
		"pages that shift":           {fault: sandbox.EverflowShift, n: 2, more: 2},
		"pages that always shift":    {fault: sandbox.EverflowShift, n: 1000, err: everflow.ErrUnsteady},
		"no key any more":            {fault: sandbox.EverflowLostKey, n: 1, err: everflow.ErrAPIKey},
		"not allowed":                {fault: sandbox.EverflowForbidden, n: 1, err: everflow.ErrAPIForbidden},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api, books, _ := network(t, func(c *everflow.APIConfig) {
				if tt.fault == sandbox.EverflowTimeout {
					c.Client = &http.Client{Timeout: 2 * time.Second}
				}
			})
			books.PageLimit(100)
			sell(t, books, sold)
			if tt.n > 0 {
				if err := books.Fail(tt.fault, tt.n); err != nil {
					t.Fatal(err)
				}
			}
			got, err := api.Conversions(t.Context(), midday.Add(-7*24*time.Hour), midday)
			if err != nil && strings.Contains(err.Error(), sandbox.EverflowAPIKey) {
				t.Errorf("the error tells the key: %v", err)
			}
			if tt.err != nil || tt.says != "" {
				if tt.err != nil && !errors.Is(err, tt.err) || err == nil || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			seen := map[string]bool{}
			for _, c := range got.Conversions {
				seen[c.NetworkConversionID] = true
			}
			if len(seen) != sold+tt.more || len(got.Conversions) != len(seen) {
				t.Errorf("%d conversions, %d of them different; want %d", len(got.Conversions), len(seen), sold+tt.more)
			}
		})
	}
}

// The client keeps to the rate, so that it is never told to.
func TestRate(t *testing.T) {
	api, books, clock := network(t, nil)
	for range 50 {
		if _, err := api.Postbacks(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := books.Requests(); got != 50 {
		t.Errorf("%d requests: some were throttled", got)
	}
	if clock.slept < 5*time.Second || clock.slept > 8*time.Second {
		t.Errorf("50 requests took %s; at 5 a second after 20 at once they take 6s", clock.slept)
	}
}

func TestSpan(t *testing.T) {
	api, _, _ := network(t, nil)
	for name, span := range map[string][2]time.Time{
		"empty":        {midday, midday},
		"turned round": {midday, midday.Add(-time.Hour)},
		"too long ago": {midday.Add(-366 * 24 * time.Hour), midday},
	} {
		if _, err := api.Conversions(t.Context(), span[0], span[1]); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestNewAPI(t *testing.T) {
	now := func() time.Time { return midday }
	for name, tt := range map[string]struct {
		config everflow.APIConfig
		says   string
	}{
		"no key":         {everflow.APIConfig{Now: now}, "api_key is empty"},
		"a key in words": {everflow.APIConfig{Now: now, Key: "my key\n"}, "characters that no key has"},
		"region":         {everflow.APIConfig{Now: now, Key: "k", Region: "asia"}, "write us or eu"},
		"address":        {everflow.APIConfig{Now: now, Key: "k", BaseURL: "ftp://x"}, "no http or https URL"},
	} {
		if _, err := everflow.NewAPI(tt.config); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWrongKey(t *testing.T) {
	api, _, _ := network(t, func(c *everflow.APIConfig) { c.Key = "another-key-0123456789" })
	if _, err := api.Postbacks(t.Context()); !errors.Is(err, everflow.ErrAPIKey) || strings.Contains(err.Error(), "another-key") {
		t.Error(err)
	}
}

// A redirect would take the key elsewhere.
func TestNoRedirect(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("followed") }))
	defer elsewhere.Close()
	server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	api, _, _ := network(t, func(c *everflow.APIConfig) { c.BaseURL = server.URL })
	if _, err := api.Postbacks(t.Context()); err == nil || !strings.Contains(err.Error(), "307") {
		t.Error(err)
	}
}

func TestClick(t *testing.T) {
	api, books, _ := network(t, nil)
	at := midday.Add(-time.Hour)
	if _, err := books.Convert(sandbox.Conversion{TransactionID: "t/1", ConversionID: "c1", Sub: [10]string{"nsfw"}}, at, at.Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	got, err := api.Click(t.Context(), "t/1")
	want := everflow.APIClick{TransactionID: "t/1", At: at.Add(-time.Minute), Subs: map[string]string{"sub1": "nsfw"}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if _, err := api.Click(t.Context(), "t2"); !errors.Is(err, subfive.ErrNotFound) {
		t.Error(err)
	}
}

func TestPostbacksAndActivate(t *testing.T) {
	api, books, _ := network(t, nil)
	pixel := sandbox.EverflowPixel{ID: 11, Method: "postback", Level: "global", Status: "inactive", Type: "conversion", URL: "https://trk.example.com/conversion?click_id={sub5}", Delay: 500}
	other := sandbox.EverflowPixel{ID: 12, Offer: 5, Method: "postback", Level: "specific", Status: "active", Type: "conversion", URL: "https://other.example.net/x"}
	books.Install(pixel, other)
	got, err := api.Postbacks(t.Context())
	want := []everflow.Installed{
		{ID: "11", URL: pixel.URL, Type: "conversion", Scope: "global", Method: "postback"},
		{ID: "12", URL: other.URL, Active: true, Type: "conversion", Scope: "specific", OfferID: "5", Method: "postback"},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	watched := everflow.NewDoctor(everflow.Site{PublicURL: "https://www.trk.example.com", Macros: everflow.Catalogue()}).Watch(got)
	if len(watched) != 1 || watched[0].PostbackID != "11" || watched[0].Active || watched[0].EndpointID != "default" {
		t.Errorf("watched %+v", watched)
	}
	books.ReadOnly(true)
	if err := api.Activate(t.Context(), "11"); !errors.Is(err, everflow.ErrAPIForbidden) {
		t.Error(err)
	}
	books.ReadOnly(false)
	if err := api.Activate(t.Context(), "11"); err != nil {
		t.Error(err)
	}
	pixel.Status = "active"
	if diff := cmp.Diff([]sandbox.EverflowPixel{pixel, other}, books.Pixels()); diff != "" {
		t.Error(diff)
	}
	if err := api.Activate(t.Context(), "13"); !errors.Is(err, subfive.ErrNotFound) {
		t.Error(err)
	}
}

// A page of rows that lack what is needed is refused, and says what.
// What is no list of postbacks must not look like an empty one.
func TestNoListOfPostbacks(t *testing.T) {
	const says = "page 1 of the postbacks: it does not list pixels"
	tests := map[string]struct {
		answer, says string
		n            int
	}{
		"an empty list":           {`{"pixels":[],"paging":{"total_count":0}}`, "", 0},
		"a list":                  {`{"pixels":[{"network_pixel_id":1,"pixel_status":"active"}],"paging":{"total_count":1}}`, "", 1},
		"another object":          {`{"Error":"try later"}`, says, 0},
		"a paging alone":          {`{"paging":{"total_count":0}}`, says, 0},
		"nothing":                 {`null`, says, 0},
		"no paging":               {`{"pixels":[{"network_pixel_id":1,"pixel_status":"active"}]}`, says, 0},
		"a paging without number": {`{"pixels":[{"network_pixel_id":1,"pixel_status":"active"}],"paging":{}}`, says, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, tt.answer) }))
			defer server.Close()
			api, _, _ := network(t, func(c *everflow.APIConfig) { c.BaseURL = server.URL })
			got, err := api.Postbacks(t.Context())
			if len(got) != tt.n || (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

func TestBadRows(t *testing.T) {
	tests := map[string]struct{ rows, says string }{
		"no status":      {`{"conversion_id":"c1","conversion_unix_timestamp":1763985600}`, "no status"},
		"no time":        {`{"conversion_id":"c1","status":"approved"}`, "no Unix time"},
		"milliseconds":   {`{"conversion_id":"c1","status":"approved","conversion_unix_timestamp":1763985600000}`, "no Unix time"},
		"no ID":          {`{"status":"approved","conversion_unix_timestamp":1763985600}`, "without a conversion_id"},
		"words for sums": {`{"conversion_id":"c1","status":"approved","conversion_unix_timestamp":1763985600,"revenue":"much"}`, "payout"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprintf(w, `{"conversions":[%s],"paging":{"page":1,"page_size":2000,"total_count":1}}`, tt.rows)
			}))
			defer server.Close()
			api, _, _ := network(t, func(c *everflow.APIConfig) { c.BaseURL = server.URL })
			if _, err := api.Conversions(t.Context(), midday.Add(-24*time.Hour), midday); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Error(err)
			}
		})
	}
}

// What is not needed may have any form; scrubbed rows are counted apart.
func TestTolerance(t *testing.T) {
	row := func(id, more string) string {
		return `{"conversion_id":` + id + `,"status":"approved","conversion_unix_timestamp":"` + fmt.Sprint(midday.Add(-time.Hour).Unix()) + `"` + more + `}`
	}
	rows := row(`17`, `,"revenue":1e-3,"payout":null,"is_event":0,"sub1":null,"relationship":null,"new":[1,{"a":2}]`) + "," +
		row(`"18"`, `,"payout":"12.345678","revenue":99,"event":"Purchase","is_event":"true","relationship":{"offer":{"network_offer_id":"5","currency_id":"EUR"}}`) + "," +
		row(`"19"`, `,"is_scrub":1`)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"conversions":[%s],"paging":{"total_count":3}}`, rows)
	}))
	defer server.Close()
	api, _, _ := network(t, func(c *everflow.APIConfig) { c.BaseURL = server.URL })
	got, err := api.Conversions(t.Context(), midday.Add(-24*time.Hour), midday)
	if err != nil || len(got.Conversions) != 2 || got.Scrubbed != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	a, b := got.Conversions[0], got.Conversions[1]
	if a.NetworkConversionID != "17" || *a.Payout != 1000 || a.Goal() != subfive.GoalBase || b.Goal() != "Purchase" || *b.Payout != 12_345_678 || b.Currency != "EUR" {
		t.Errorf("%+v\n%+v", a, b)
	}
}
