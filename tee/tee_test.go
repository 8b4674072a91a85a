package tee

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"subfive"
	"subfive/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory keeps the store's promises in memory.
type memory struct {
	mu   sync.Mutex
	tees map[string]subfive.Tee
}

func (m *memory) ClaimTees(_ context.Context, endpointID, leaseID string, now, until time.Time, limit int) ([]subfive.Tee, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var claimed []subfive.Tee
	for id, t := range m.tees {
		if len(claimed) < limit && t.EndpointID == endpointID && t.State == subfive.TeeWaiting && !t.NextAttemptAt.After(now) {
			t.Attempts, t.NextAttemptAt, t.LeaseID = t.Attempts+1, until, leaseID
			m.tees[id] = t
			claimed = append(claimed, t)
		}
	}
	return claimed, nil
}

func (m *memory) FinishTee(_ context.Context, t subfive.Tee) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tees[t.PostbackID].LeaseID == t.LeaseID {
		t.LeaseID = ""
		m.tees[t.PostbackID] = t
	}
	return nil
}

func (m *memory) ExpireTees(_ context.Context, madeBefore, now time.Time) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var n int64
	for id, t := range m.tees {
		if t.State == subfive.TeeWaiting && t.MadeAt.Before(madeBefore) {
			t.State, t.EndedAt, t.NextAttemptAt = subfive.TeeExpired, now, time.Time{}
			m.tees[id] = t
			n++
		}
	}
	return n, nil
}

func (m *memory) states() map[subfive.TeeState]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	counts := map[subfive.TeeState]int{}
	for _, t := range m.tees {
		counts[t.State]++
	}
	return counts
}

// roundTrip lets a handler be the other tracker, without a network, so that time
// can be a test's own. down says whether it is.
type roundTrip struct {
	handler http.Handler
	down    func() bool
}

func (r roundTrip) RoundTrip(req *http.Request) (*http.Response, error) {
	if r.down != nil && r.down() {
		return nil, errors.New("connection refused")
	}
	w := httptest.NewRecorder()
	in := httptest.NewRequest(req.Method, req.URL.RequestURI(), req.Body)
	in.Header = req.Header
	r.handler.ServeHTTP(w, in)
	return w.Result(), nil
}

// plainly is a box that hides nothing.
func plainly(sealed string) ([]byte, error) { return []byte(sealed), nil }

func copyOf(i int, at time.Time, method, raw string) subfive.Tee {
	t := subfive.Tee{
		PostbackID: fmt.Sprintf("pb_%04d", i), EndpointID: "default", State: subfive.TeeWaiting, MadeAt: at, NextAttemptAt: at,
		Request: subfive.Request{Method: method, Raw: raw},
	}
	if method == http.MethodPost {
		t.Request.Headers = map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	}
	return t
}

// The other tracker gets a thousand postbacks as they came, though it is down for
// an hour, and none after it took it.
func TestEachCopyOnceByteForByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		m := &memory{tees: map[string]subfive.Tee{}}
		var want []string
		for i := range 1000 {
			query, body, method := fmt.Sprintf("click_id=%d&payout=1.50&x=%%41+b%%zz&&e={sub5}&n=\xc3\xa9", i), "", http.MethodGet
			if i%10 == 0 {
				method, body = http.MethodPost, fmt.Sprintf("tx_id=%d&a=%%20\nb", i)
			}
			m.tees[fmt.Sprintf("pb_%04d", i)] = copyOf(i, start, method, query+"\n"+body)
			want = append(want, method+" /postback?cid=7&"+query+" "+body)
		}
		hook := sandbox.NewHook(func() time.Time { return time.Now() }, 0)
		down := func() bool { return time.Since(start) < time.Hour }
		w := New(m, plainly, slog.New(slog.DiscardHandler), func() time.Time { return time.Now() })
		w.Set(map[string]Target{"default": {URL: "https://old.example/postback?cid=7#part", Transport: roundTrip{hook, down}}})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); w.Run(ctx) }()

		time.Sleep(59 * time.Minute)
		if got := m.states(); got[subfive.TeeWaiting] != 1000 {
			t.Errorf("while it is down: %v", got)
		}
		time.Sleep(70 * time.Minute)
		if diff := cmp.Diff(map[subfive.TeeState]int{subfive.TeeSent: 1000}, m.states()); diff != "" {
			t.Error(diff)
		}
		stop()
		<-done
		var got []string
		for _, r := range hook.Requests() {
			got = append(got, r.Method+" "+r.URL+" "+r.Body)
		}
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestWhatAnAnswerMeans(t *testing.T) {
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	answers := func(status int) http.RoundTripper {
		return roundTrip{handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://elsewhere.example/")
			w.WriteHeader(status)
		})}
	}
	broken := roundTrip{down: func() bool { return true }}
	tests := map[string]struct {
		transport http.RoundTripper
		url       string
		age       time.Duration
		raw       string
		state     subfive.TeeState
		status    int
		why       string
	}{
		"taken":                    {answers(204), "https://old.example/p", 0, "a=1\n", subfive.TeeSent, 204, ""},
		"refused, tried again":     {answers(404), "https://old.example/p", 0, "a=1\n", subfive.TeeWaiting, 404, ""},
		"a redirect is no taking":  {answers(302), "https://old.example/p", 0, "a=1\n", subfive.TeeWaiting, 302, ""},
		"taken, breaks off":        {breakingOff(200), "https://old.example/p", 0, "a=1\n", subfive.TeeSent, 200, ""},
		"refused, breaks off":      {breakingOff(500), "https://old.example/p", 0, "a=1\n", subfive.TeeWaiting, 500, ""},
		"no answer":                {broken, "https://old.example/p", 0, "a=1\n", subfive.TeeWaiting, 0, "connection refused"},
		"no answer for three days": {broken, "https://old.example/p", MaxAge - time.Second, "a=1\n", subfive.TeeExpired, 0, "connection refused"},
		"erased":                   {answers(200), "https://old.example/p", 0, "", subfive.TeeGone, 0, "the request is no longer kept"},
		"no address":               {answers(200), "https://old.example/%zz", 0, "a=1\n", subfive.TeeGone, 0, "the endpoint's tee is not a web address"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := New(&memory{}, plainly, slog.New(slog.DiscardHandler), func() time.Time { return at })
			c := copyOf(1, at.Add(-tt.age), http.MethodGet, tt.raw)
			c.Attempts = 1
			got := w.send(t.Context(), Target{URL: tt.url, Transport: tt.transport}, c)
			want := c
			want.State, want.LastHTTP, want.LastError = tt.state, tt.status, tt.why
			if tt.state == subfive.TeeWaiting {
				if wait := got.NextAttemptAt.Sub(at); wait < firstWait/2 || wait > firstWait {
					t.Errorf("waits %s after the first try", wait)
				}
				want.NextAttemptAt = got.NextAttemptAt
			} else {
				want.NextAttemptAt, want.EndedAt = time.Time{}, at
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A tracker that hangs holds up neither another's copies nor its own for ever;
// its failures are asked about one at a time.
func TestTrackersDoNotHinderEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{tees: map[string]subfive.Tee{}}
		for i := range 40 {
			c := copyOf(i, time.Now(), http.MethodGet, "n=1\n")
			if i%2 == 0 {
				c.EndpointID = "slow"
			}
			m.tees[c.PostbackID] = c
		}
		w := New(m, plainly, slog.New(slog.DiscardHandler), func() time.Time { return time.Now() })
		hangs := hanging{}
		w.Set(map[string]Target{
			"default": {URL: "https://a.example/", Transport: roundTrip{handler: sandbox.NewHook(func() time.Time { return time.Now() }, 0)}},
			"slow":    {URL: "https://b.example/", Transport: hangs},
		})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); w.Run(ctx) }()
		time.Sleep(5 * time.Second)
		if got := m.states()[subfive.TeeSent]; got != 20 {
			t.Errorf("%d sent beside one that hangs, want 20", got)
		}
		stop()
		<-done
	})
}

// hanging never answers.
type hanging struct{}

func (hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// breakingOff answers with a status, and a body that breaks off.
type breakingOff int

func (b breakingOff) RoundTrip(*http.Request) (*http.Response, error) {
	body := io.MultiReader(strings.NewReader("half"), iotest.ErrReader(io.ErrUnexpectedEOF))
	return &http.Response{StatusCode: int(b), Body: io.NopCloser(body)}, nil
}

func TestJoinQuery(t *testing.T) {
	tests := map[string]struct{ own, came, want string }{
		"nothing of its own":   {"", "a=1", "a=1"},
		"both":                 {"cid=7", "a=1&&b", "cid=7&a=1&&b"},
		"ready to be added to": {"cid=7&", "a=1", "cid=7&a=1"},
		"nothing came":         {"cid=7", "", "cid=7"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := joinQuery(tt.own, tt.came); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// The wait grows, and a great many tries do not overflow it.
func TestWait(t *testing.T) {
	for _, n := range []int{1, 5, 11, 12, 80, 5000} {
		if d := wait(n); d < firstWait/2 || d > longestWait {
			t.Errorf("after %d tries: %s", n, d)
		}
	}
}
