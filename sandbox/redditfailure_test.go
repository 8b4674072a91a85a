package sandbox_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive/sandbox"
)

// rdSeen is what a client makes of an answer, and what the stand-in kept.
type rdSeen struct {
	rdVerdict
	Wait     string // Retry-After
	Problem  string // reset, timeout, truncated, HTML, too large
	Kept     []string
	Recorded int // status in the record
}

func TestRedditFailuresAreObservable(t *testing.T) {
	refused := func(status int, message string) rdVerdict { return rdVerdict{HTTP: status, Message: message} }
	const (
		busy   = "Too Many Requests"
		broken = "Internal Server Error"
		pixel  = "The token does not belong to an account that may write to this pixel"
	)
	both := []string{"a", "b"}
	poisoned := rdVerdict{HTTP: 400, Message: "There were 1 invalid conversion events. None were processed.", Invalid: []string{"the event is refused"}}
	tests := map[string]struct {
		failure sandbox.Failure
		want    rdSeen
	}{
		"refuse":           {sandbox.Failure{Mode: sandbox.ModeRefuse}, rdSeen{Problem: "reset"}},
		"hang":             {sandbox.Failure{Mode: sandbox.ModeHang}, rdSeen{Problem: "timeout"}},
		"reset after":      {sandbox.Failure{Mode: sandbox.ModeResetAfter}, rdSeen{Problem: "reset", Kept: both}},
		"server error":     {sandbox.Failure{Mode: sandbox.ModeServerError}, rdSeen{rdVerdict: refused(500, broken), Recorded: 500}},
		"unavailable":      {sandbox.Failure{Mode: sandbox.ModeServerError, Status: 503}, rdSeen{rdVerdict: refused(503, broken), Recorded: 503}},
		"HTML":             {sandbox.Failure{Mode: sandbox.ModeHTML}, rdSeen{rdVerdict: rdVerdict{HTTP: 502}, Problem: "HTML", Recorded: 502}},
		"Retry-After":      {sandbox.Failure{Mode: sandbox.ModeRetryAfter, WaitSeconds: 17}, rdSeen{rdVerdict: refused(429, busy), Wait: "17", Recorded: 429}},
		"Retry-After date": {sandbox.Failure{Mode: sandbox.ModeRetryAfterDate, WaitSeconds: 90}, rdSeen{rdVerdict: refused(429, busy), Wait: "Fri, 20 Nov 2026 12:01:30 GMT", Recorded: 429}},
		"Retry-After junk": {sandbox.Failure{Mode: sandbox.ModeRetryAfterJunk}, rdSeen{rdVerdict: refused(429, busy), Wait: "soon, -1; NaN", Recorded: 429}},
		"no Retry-After":   {sandbox.Failure{Mode: sandbox.ModeTooMany}, rdSeen{rdVerdict: refused(429, busy), Recorded: 429}},
		"throttled app":    {sandbox.Failure{Mode: sandbox.ModeThrottleApp}, rdSeen{rdVerdict: refused(429, busy), Recorded: 429}},
		"throttled user":   {sandbox.Failure{Mode: sandbox.ModeThrottleUser}, rdSeen{rdVerdict: refused(429, busy), Recorded: 429}},
		"throttled case":   {sandbox.Failure{Mode: sandbox.ModeThrottleCase}, rdSeen{rdVerdict: refused(429, busy), Recorded: 429}},
		"unauthorized": {
			sandbox.Failure{Mode: sandbox.ModeUnauthorized},
			rdSeen{rdVerdict: rdVerdict{HTTP: 401, Reason: "UNAUTHORIZED", Message: "This request is not authorized"}, Recorded: 401},
		},
		"misconfigured":    {sandbox.Failure{Mode: sandbox.ModeMisconfigured}, rdSeen{rdVerdict: refused(403, pixel), Recorded: 403}},
		"poison":           {sandbox.Failure{Mode: sandbox.ModePoison, EventIDs: []string{"z", "b"}}, rdSeen{rdVerdict: poisoned, Recorded: 400}},
		"poison elsewhere": {sandbox.Failure{Mode: sandbox.ModePoison, EventIDs: []string{"c"}}, rdSeen{rdVerdict: rdTaken(2), Kept: both, Recorded: 200}},
		"error in 200":     {sandbox.Failure{Mode: sandbox.ModeErrorInOK}, rdSeen{rdVerdict: refused(200, broken), Recorded: 200}},
		"truncated":        {sandbox.Failure{Mode: sandbox.ModeTruncated}, rdSeen{rdVerdict: rdVerdict{HTTP: 200}, Problem: "truncated", Kept: both, Recorded: 200}},
		"huge":             {sandbox.Failure{Mode: sandbox.ModeHuge}, rdSeen{rdVerdict: rdVerdict{HTTP: 200}, Problem: "too large", Kept: both, Recorded: 200}},
		"gzip bomb":        {sandbox.Failure{Mode: sandbox.ModeGzipBomb}, rdSeen{rdVerdict: rdVerdict{HTTP: 200}, Problem: "too large", Kept: both, Recorded: 200}},
		"wrong count":      {sandbox.Failure{Mode: sandbox.ModeWrongCount}, rdSeen{rdVerdict: rdTaken(1), Kept: []string{"a"}, Recorded: 200}},
		"slow":             {sandbox.Failure{Mode: sandbox.ModeSlow, LatencyMS: []int{1}}, rdSeen{rdVerdict: rdTaken(2), Kept: both, Recorded: 200}},
	}
	tested := map[sandbox.Mode]bool{}
	for name, test := range tests {
		tested[test.failure.Mode] = true
		t.Run(name, func(t *testing.T) {
			reddit := sandbox.NewReddit(atNoon, sandbox.RedditConfig{})
			server := httptest.NewServer(reddit)
			defer server.Close()
			if err := reddit.Fail(test.failure); err != nil {
				t.Fatal(err)
			}
			got := rdExchange(t, server, test.failure.Mode == sandbox.ModeHang)
			for _, e := range reddit.Events() {
				got.Kept = append(got.Kept, e.EventID)
			}
			got.Recorded = reddit.Requests()[0].Status
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(rdSeen{})); diff != "" {
				t.Errorf("seen (-want +got):\n%s", diff)
			}
		})
	}
	for _, mode := range sandbox.Modes() {
		if !tested[mode] {
			t.Errorf("mode %s is not tested", mode)
		}
	}
}

// rdExchange sends two events, a and b, and reads at most 1 MiB of the answer.
func rdExchange(t *testing.T, server *httptest.Server, impatient bool) rdSeen {
	t.Helper()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	wait := 30 * time.Second
	if impatient {
		wait = 200 * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	body := strings.NewReader(rdBatch(t, rdPurchase("a"), rdPurchase("b")))
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+sandbox.RedditPath, body)
	if err != nil {
		t.Fatal(err)
	}
	r.GetBody = nil // no silent second try
	r.Header.Set("Authorization", "Bearer "+sandbox.RedditToken)
	r.Header.Set("Content-Type", "application/json")
	resp, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		return rdSeen{Problem: problem(err)}
	}
	defer func() {
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
	}()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	got := rdSeen{rdVerdict: rdVerdict{HTTP: resp.StatusCode}, Wait: resp.Header.Get("Retry-After")}
	switch {
	case err != nil:
		got.Problem = problem(err)
	case len(answer) == 1<<20:
		got.Problem = "too large"
	case strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html"):
		got.Problem = "HTML"
	default:
		got.rdVerdict = rdRead(&httptest.ResponseRecorder{Code: resp.StatusCode, Body: bytes.NewBuffer(answer)})
	}
	return got
}

// A failure that spoils an answer does not make a bad request a good one.
func TestRedditSpoilsNoRefusal(t *testing.T) {
	for _, mode := range []sandbox.Mode{sandbox.ModeResetAfter, sandbox.ModeTruncated, sandbox.ModeHuge, sandbox.ModeGzipBomb, sandbox.ModeWrongCount} {
		t.Run(string(mode), func(t *testing.T) {
			reddit := sandbox.NewReddit(atNoon, sandbox.RedditConfig{})
			if err := reddit.Fail(sandbox.Failure{Mode: mode, Requests: 1}); err != nil {
				t.Fatal(err)
			}
			got := rdSend(reddit, rdRequest("POST", sandbox.RedditPath, `{"data":{"events":[]}}`))
			if got.HTTP != 400 || len(reddit.Failures()) != 0 {
				t.Errorf("answer %+v, failures %v", got, reddit.Failures())
			}
		})
	}
}

// A token that is revoked stays so until the client has the new one.
func TestRedditTokenIsRevoked(t *testing.T) {
	reddit := sandbox.NewReddit(atNoon, sandbox.RedditConfig{})
	reddit.SetToken("fresh")
	body := rdBatch(t, rdPurchase("1"))
	if got := rdSend(reddit, rdRequest("POST", sandbox.RedditPath, body)); got.HTTP != 401 {
		t.Errorf("old token: %+v", got)
	}
	r := rdRequest("POST", sandbox.RedditPath, body)
	r.Header.Set("Authorization", "Bearer fresh")
	if got := rdSend(reddit, r); got.HTTP != 200 {
		t.Errorf("new token: %+v", got)
	}
}

func TestRedditControl(t *testing.T) {
	s := sandbox.New(atNoon, sandbox.MetaConfig{})
	h := s.Handler()
	body := rdBatch(t, rdPurchase("1"))
	const fail = "/_sandbox/reddit/fail"
	steps := []struct {
		method, url, body string
		status            int
		answer            string // what it contains
	}{
		{"GET", "/_sandbox/", "", 200, sandbox.RedditPath},
		{"GET", "/_sandbox/", "", 200, sandbox.RedditToken},
		{"POST", fail, `{"mode":"too_many","requests":1}`, 200, `[{"mode":"too_many","requests":1}]`},
		{"GET", fail, "", 200, `[{"mode":"too_many","requests":1}]`},
		{"POST", sandbox.RedditPath, body, 429, `"code":429`},
		{"POST", sandbox.RedditPath, body, 200, `Successfully processed 1`},
		{"POST", sandbox.RedditPath, body, 200, `Successfully processed 1`},
		{"GET", "/_sandbox/reddit/events", "", 200, `"duplicates":[{`},
		{"GET", "/_sandbox/reddit/events", "", 200, `"test_events":[]`},
		{"GET", "/_sandbox/reddit/requests", "", 200, `"failure":"too_many","status":429`},
		{"POST", fail, `{"mode":"html"}`, 200, `html`},
		{"DELETE", fail, "", 200, `[]`},
		{"POST", fail, `{"mode":"nonsense"}`, 400, `unknown failure mode`},
		{"POST", fail, `{"mode":"html","times":3}`, 400, `unknown field "times"`},
		{"POST", "/api/v2.0/conversions/events/a2_1", body, 410, `retired`},
		{"POST", "/_sandbox/reset", "", 204, ``},
		{"GET", "/_sandbox/reddit/events", "", 200, `"events":[]`},
	}
	for i, step := range steps {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, rdRequest(step.method, step.url, step.body))
		if w.Code != step.status || !strings.Contains(w.Body.String(), step.answer) {
			t.Fatalf("step %d, %s %s %s: %d %s; want %d with %s", i+1, step.method, step.url, step.body, w.Code, w.Body, step.status, step.answer)
		}
	}
}
