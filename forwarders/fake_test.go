package forwarders_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"subfive"
	"subfive/forwarders"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const token = "token/of+the account"

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// fake is a Forwarder whose answers are their own class: "accepted", or one a
// line for each event.
type fake struct {
	url       string
	auth      error
	freshAuth error
	fresh     []bool
	seen      forwarders.Answer
	allow     []string
	leak      bool
}

func (f *fake) Account() string      { return "fake:1" }
func (f *fake) AllowHosts() []string { return f.allow }

func (f *fake) Event(d subfive.Delivery) ([]byte, error) {
	if d.EventName == "impossible" {
		return nil, errors.New("no such event")
	}
	return fmt.Appendf(nil, "%s %s %s", d.EventID, d.User["email"], d.User["phone"]), nil
}

func (f *fake) Request(ctx context.Context, b forwarders.Batch) (*http.Request, error) {
	address := f.url
	if address == "" {
		address = "https://api.fake.example/v1/events?pixel=1"
	}
	if f.leak {
		address += "&oops=" + url.QueryEscape(token)
	}
	return http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(bytes.Join(b.Events, []byte("\n"))))
}

func (f *fake) Authorize(_ context.Context, r *http.Request, fresh bool) error {
	f.fresh = append(f.fresh, fresh)
	if fresh && f.freshAuth != nil {
		return f.freshAuth
	}
	if f.auth != nil {
		return f.auth
	}
	r.Header.Set("Authorization", "Bearer minted-"+strconv.FormatBool(fresh))
	r.Header.Set("Access-Token", token)
	return nil
}

func (f *fake) Read(n int, a forwarders.Answer) forwarders.Result {
	f.seen = a
	lines := strings.Split(strings.TrimSpace(string(a.Body)), "\n")
	if len(lines) == 1 {
		class, message, _ := strings.Cut(lines[0], " ")
		return forwarders.Result{All: subfive.Outcome{Class: subfive.Class(class), Message: message}}
	}
	var r forwarders.Result
	for _, l := range lines {
		r.Each = append(r.Each, subfive.Outcome{Class: subfive.Class(l)})
	}
	return r
}

// asker is a fake with a verdict that comes later.
type asker struct{ *fake }

func (a asker) Ask(ctx context.Context, ref string) (*http.Request, error) {
	return http.NewRequestWithContext(ctx, http.MethodGet, "https://api.fake.example/status/"+ref, http.NoBody)
}

func (a asker) ReadStatus(n int, answer forwarders.Answer) forwarders.Result {
	return a.Read(n, answer)
}

// opener unseals by taking the "sealed " away.
type opener struct{}

func (opener) Open(_, box string) (string, error) {
	v, ok := strings.CutPrefix(box, "sealed ")
	if !ok {
		return "", errors.New("it was sealed with another key")
	}
	return v, nil
}

var platform = forwarders.Platform{Name: "fake", MaxBatch: 3, MaxBytes: 100}

func newSender(t testing.TB, tune func(*http.Transport)) *forwarders.Sender {
	t.Helper()
	s := forwarders.NewSender(forwarders.SenderConfig{
		Opener: opener{}, SiteURL: "https://trk.example.com", Log: slog.New(slog.DiscardHandler), Tune: tune,
		Now: func() time.Time { return noon }, NewID: func() string { return "at_1" },
	})
	t.Cleanup(s.Close)
	return s
}

func set(t testing.TB, s *forwarders.Sender, f forwarders.Forwarder, base string) {
	t.Helper()
	err := s.SetDestinations([]forwarders.Configured{{ID: "main", Platform: platform, Forwarder: f, BaseURL: base, Secrets: []string{token}}})
	if err != nil {
		t.Fatal(err)
	}
}

func serve(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server
}

func answering(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body) //nolint:errcheck // the client may be gone
	}
}

func deliveries(ids ...string) []subfive.Delivery {
	var ds []subfive.Delivery
	for _, id := range ids {
		ds = append(ds, subfive.Delivery{ID: "dl_" + id, EventID: id, Kind: subfive.KindConversion, Mode: subfive.ModeLive})
	}
	return ds
}
