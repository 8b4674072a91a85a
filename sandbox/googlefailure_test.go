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

// ggSeen is what a client makes of an answer, and what the stand-in kept.
type ggSeen struct {
	ggVerdict
	Wait     string // Retry-After
	Problem  string // reset, timeout, truncated, HTML, too large
	Kept     []string
	Recorded int // status in the record
}

func TestGoogleFailuresAreObservable(t *testing.T) {
	refused := func(status int, word string, wrong ...string) ggVerdict {
		return ggVerdict{HTTP: status, Status: word, Wrong: wrong}
	}
	busy := refused(429, "RESOURCE_EXHAUSTED")
	taken := ggVerdict{HTTP: 200, RequestID: "sandbox-request-1"}
	both := []string{"a", "b"}
	tests := map[string]struct {
		failure sandbox.Failure
		want    ggSeen
	}{
		"refuse":           {sandbox.Failure{Mode: sandbox.ModeRefuse}, ggSeen{Problem: "reset"}},
		"hang":             {sandbox.Failure{Mode: sandbox.ModeHang}, ggSeen{Problem: "timeout"}},
		"reset after":      {sandbox.Failure{Mode: sandbox.ModeResetAfter}, ggSeen{Problem: "reset", Kept: both}},
		"server error":     {sandbox.Failure{Mode: sandbox.ModeServerError}, ggSeen{ggVerdict: refused(500, "INTERNAL"), Recorded: 500}},
		"unavailable":      {sandbox.Failure{Mode: sandbox.ModeServerError, Status: 503}, ggSeen{ggVerdict: refused(503, "UNAVAILABLE"), Recorded: 503}},
		"HTML":             {sandbox.Failure{Mode: sandbox.ModeHTML}, ggSeen{ggVerdict: ggVerdict{HTTP: 502}, Problem: "HTML", Recorded: 502}},
		"Retry-After":      {sandbox.Failure{Mode: sandbox.ModeRetryAfter, WaitSeconds: 17}, ggSeen{ggVerdict: busy, Wait: "17", Recorded: 429}},
		"Retry-After date": {sandbox.Failure{Mode: sandbox.ModeRetryAfterDate, WaitSeconds: 90}, ggSeen{ggVerdict: busy, Wait: "Fri, 20 Nov 2026 12:01:30 GMT", Recorded: 429}},
		"Retry-After junk": {sandbox.Failure{Mode: sandbox.ModeRetryAfterJunk}, ggSeen{ggVerdict: busy, Wait: "soon, -1; NaN", Recorded: 429}},
		"no Retry-After":   {sandbox.Failure{Mode: sandbox.ModeTooMany}, ggSeen{ggVerdict: busy, Recorded: 429}},
		"throttled app":    {sandbox.Failure{Mode: sandbox.ModeThrottleApp}, ggSeen{ggVerdict: busy, Recorded: 429}},
		"throttled user":   {sandbox.Failure{Mode: sandbox.ModeThrottleUser}, ggSeen{ggVerdict: busy, Recorded: 429}},
		"throttled case":   {sandbox.Failure{Mode: sandbox.ModeThrottleCase}, ggSeen{ggVerdict: busy, Recorded: 429}},
		"unauthorized":     {sandbox.Failure{Mode: sandbox.ModeUnauthorized}, ggSeen{ggVerdict: refused(401, "UNAUTHENTICATED"), Recorded: 401}},
		"misconfigured": {
			sandbox.Failure{Mode: sandbox.ModeMisconfigured},
			ggSeen{ggVerdict: refused(400, "INVALID_ARGUMENT", "destinations[0].product_destination_id: no such conversion action [INVALID_CONVERSION_ACTION_ID]"), Recorded: 400},
		},
		"poison": {
			sandbox.Failure{Mode: sandbox.ModePoison, EventIDs: []string{"z", "b"}},
			ggSeen{ggVerdict: refused(400, "INVALID_ARGUMENT", "events[1]: the event is refused [INVALID_EVENT]"), Recorded: 400},
		},
		"poison elsewhere": {sandbox.Failure{Mode: sandbox.ModePoison, EventIDs: []string{"c"}}, ggSeen{ggVerdict: taken, Kept: both, Recorded: 200}},
		"error in 200":     {sandbox.Failure{Mode: sandbox.ModeErrorInOK}, ggSeen{ggVerdict: refused(200, "INTERNAL"), Recorded: 200}},
		"truncated":        {sandbox.Failure{Mode: sandbox.ModeTruncated}, ggSeen{ggVerdict: ggVerdict{HTTP: 200}, Problem: "truncated", Kept: both, Recorded: 200}},
		"huge":             {sandbox.Failure{Mode: sandbox.ModeHuge}, ggSeen{ggVerdict: ggVerdict{HTTP: 200}, Problem: "too large", Kept: both, Recorded: 200}},
		"gzip bomb":        {sandbox.Failure{Mode: sandbox.ModeGzipBomb}, ggSeen{ggVerdict: ggVerdict{HTTP: 200}, Problem: "too large", Kept: both, Recorded: 200}},
		"wrong count":      {sandbox.Failure{Mode: sandbox.ModeWrongCount}, ggSeen{ggVerdict: taken, Kept: []string{"a"}, Recorded: 200}},
		"slow":             {sandbox.Failure{Mode: sandbox.ModeSlow, LatencyMS: []int{1}}, ggSeen{ggVerdict: taken, Kept: both, Recorded: 200}},
	}
	tested := map[sandbox.Mode]bool{}
	for name, test := range tests {
		tested[test.failure.Mode] = true
		t.Run(name, func(t *testing.T) {
			google := sandbox.NewGoogle(atNoon, sandbox.GoogleConfig{})
			server := httptest.NewServer(google)
			defer server.Close()
			if err := google.Fail(test.failure); err != nil {
				t.Fatal(err)
			}
			got := ggExchange(t, server, test.failure.Mode == sandbox.ModeHang)
			for _, e := range google.Events() {
				got.Kept = append(got.Kept, e.EventID)
			}
			got.Recorded = google.Requests()[0].Status
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(ggSeen{})); diff != "" {
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

// ggExchange sends two events, a and b, and reads at most 1 MiB of the answer.
func ggExchange(t *testing.T, server *httptest.Server, impatient bool) ggSeen {
	t.Helper()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	wait := 30 * time.Second
	if impatient {
		wait = 200 * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	body := strings.NewReader(ggBatch(t, ggSale("a"), ggSale("b")))
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+sandbox.GooglePath, body)
	if err != nil {
		t.Fatal(err)
	}
	r.GetBody = nil // no silent second try
	r.Header.Set("Authorization", "Bearer "+sandbox.GoogleToken)
	r.Header.Set("Content-Type", "application/json")
	resp, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		return ggSeen{Problem: problem(err)}
	}
	defer func() {
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
	}()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	got := ggSeen{ggVerdict: ggVerdict{HTTP: resp.StatusCode}, Wait: resp.Header.Get("Retry-After")}
	switch {
	case err != nil:
		got.Problem = problem(err)
	case len(answer) == 1<<20:
		got.Problem = "too large"
	case strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html"):
		got.Problem = "HTML"
	default:
		got.ggVerdict = ggRead(&httptest.ResponseRecorder{Code: resp.StatusCode, Body: bytes.NewBuffer(answer)})
	}
	return got
}

// A failure that spoils an answer does not make a bad request a good one.
func TestGoogleSpoilsNoRefusal(t *testing.T) {
	for _, mode := range []sandbox.Mode{sandbox.ModeResetAfter, sandbox.ModeTruncated, sandbox.ModeHuge, sandbox.ModeGzipBomb, sandbox.ModeWrongCount} {
		t.Run(string(mode), func(t *testing.T) {
			google := sandbox.NewGoogle(atNoon, sandbox.GoogleConfig{})
			if err := google.Fail(sandbox.Failure{Mode: mode, Requests: 1}); err != nil {
				t.Fatal(err)
			}
			got := ggSend(google, ggRequest("POST", sandbox.GooglePath, `{"events":[]}`))
			if got.HTTP != 400 || len(google.Failures()) != 0 {
				t.Errorf("answer %+v, failures %v", got, google.Failures())
			}
		})
	}
}

func TestGoogleRecordsWithoutTheToken(t *testing.T) {
	google := sandbox.NewGoogle(atNoon, sandbox.GoogleConfig{Keep: 2})
	var body string
	for _, id := range []string{"1", "2", "3"} {
		body = ggBatch(t, ggSale(id))
		ggSend(google, ggRequest("POST", sandbox.GooglePath+"?t="+sandbox.GoogleToken, body))
	}
	want := sandbox.GoogleRequest{
		ReceivedAt: noon, Method: "POST", Path: sandbox.GooglePath, Query: "t=***", Header: http.Header{"Content-Type": {"application/json"}},
		Body: body, Events: 1, Status: 200, RequestID: "sandbox-request-3",
	}
	requests := google.Requests()
	if len(requests) != 2 {
		t.Fatalf("%d requests, want 2", len(requests))
	}
	if diff := cmp.Diff(want, requests[1]); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	ggSend(google, ggRequest("POST", sandbox.GooglePath, ggBatch(t, ggSale("2"), ggSale("3")))) // found where they moved to
	events, again := google.Events(), google.Duplicates()
	if len(events) != 2 || len(again) != 2 || events[0].EventID != "2" || events[1].EventID != "3" {
		t.Errorf("events %+v, duplicates %+v", events, again)
	}
	google.Reset()
	if n := len(google.Requests()) + len(google.Events()) + len(google.Duplicates()); n != 0 {
		t.Errorf("%d records after a reset", n)
	}
}

func TestGoogleControl(t *testing.T) {
	s := sandbox.New(atNoon, sandbox.MetaConfig{})
	h := s.Handler()
	body := ggBatch(t, ggSale("1"))
	const fail = "/_sandbox/google/fail"
	form := "grant_type=refresh_token&client_id=c&client_secret=s&refresh_token="
	steps := []struct {
		method, url, body string
		status            int
		answer            string // what it contains
	}{
		{"GET", "/_sandbox/", "", 200, sandbox.GooglePath},
		{"GET", "/_sandbox/", "", 200, sandbox.GoogleRefresh},
		{"GET", "/_sandbox/", "", 200, "customer_id " + sandbox.GoogleCustomer + ", conversion_action_id " + sandbox.GoogleAction},
		{"POST", sandbox.GoogleTokenPath, form + sandbox.GoogleRefresh, 200, `"access_token":"` + sandbox.GoogleToken},
		{"POST", sandbox.GoogleTokenPath, form + "x", 400, `"error":"invalid_grant"`},
		{"POST", sandbox.GoogleTokenPath, "grant_type=refresh_token", 400, `"error":"invalid_client"`},
		{"POST", sandbox.GoogleTokenPath, "grant_type=password", 400, `"error":"unsupported_grant_type"`},
		{"GET", sandbox.GoogleTokenPath, "", 400, `"error":"invalid_request"`},
		{"POST", fail, `{"mode":"too_many","requests":1}`, 200, `[{"mode":"too_many","requests":1}]`},
		{"GET", fail, "", 200, `[{"mode":"too_many","requests":1}]`},
		{"POST", sandbox.GooglePath, body, 429, `RESOURCE_EXHAUSTED`},
		{"POST", sandbox.GooglePath, body, 200, `{"requestId":"sandbox-request-1"}`},
		{"POST", sandbox.GooglePath, body, 200, `{"requestId":"sandbox-request-2"}`},
		{"GET", sandbox.GoogleStatusPath + "?requestId=sandbox-request-1", "", 200, `"requestStatus":"PROCESSING"`},
		{"GET", "/_sandbox/google/events", "", 200, `"duplicates":[{`},
		{"GET", "/_sandbox/google/events", "", 200, `"test_events":[]`},
		{"GET", "/_sandbox/google/requests", "", 200, `"failure":"too_many","status":429`},
		{"POST", fail, `{"mode":"html"}`, 200, `html`},
		{"DELETE", fail, "", 200, `[]`},
		{"POST", fail, `{"mode":"nonsense"}`, 400, `unknown failure mode`},
		{"POST", "/_sandbox/google/verdict", `{"reason":"PROCESSING_ERROR_REASON_EXPIRED_CLICK"}`, 200, `EXPIRED_CLICK`},
		{"POST", "/_sandbox/google/verdict", `{"reason":"x"}`, 400, `does not begin`},
		{"POST", "/_sandbox/reset", "", 204, ``},
		{"GET", "/_sandbox/google/events", "", 200, `"events":[]`},
	}
	for i, step := range steps {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, ggRequest(step.method, step.url, step.body))
		if w.Code != step.status || !strings.Contains(w.Body.String(), step.answer) {
			t.Fatalf("step %d, %s %s %s: %d %s; want %d with %s", i+1, step.method, step.url, step.body, w.Code, w.Body, step.status, step.answer)
		}
	}
}
