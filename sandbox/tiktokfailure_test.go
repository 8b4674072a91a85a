package sandbox_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive/sandbox"
)

// ttSeen is what a client makes of an answer, and what the stand-in kept.
type ttSeen struct {
	HTTP, Code int
	Message    string
	Header     string // Retry-After
	Problem    string // reset, timeout, truncated, not JSON, too large
	Kept       []string
	Recorded   int // status in the record
}

func TestTikTokFailuresAreObservable(t *testing.T) {
	const busy = "Too many requests. Please retry in some time."
	both := []string{"a", "b"}
	tests := map[string]struct {
		failure sandbox.Failure
		want    ttSeen
	}{
		"refuse":            {sandbox.Failure{Mode: sandbox.ModeRefuse}, ttSeen{Problem: "reset"}},
		"hang":              {sandbox.Failure{Mode: sandbox.ModeHang}, ttSeen{Problem: "timeout"}},
		"reset after":       {sandbox.Failure{Mode: sandbox.ModeResetAfter}, ttSeen{Problem: "reset", Kept: both}},
		"server error":      {sandbox.Failure{Mode: sandbox.ModeServerError}, ttSeen{HTTP: 500, Code: 51001, Message: "Internal service timeout", Recorded: 500}},
		"unavailable":       {sandbox.Failure{Mode: sandbox.ModeServerError, Status: 503}, ttSeen{HTTP: 503, Code: 51001, Message: "Internal service timeout", Recorded: 503}},
		"HTML":              {sandbox.Failure{Mode: sandbox.ModeHTML}, ttSeen{HTTP: 502, Problem: "not JSON", Recorded: 502}},
		"Retry-After":       {sandbox.Failure{Mode: sandbox.ModeRetryAfter, WaitSeconds: 17}, ttSeen{HTTP: 429, Code: 40100, Message: busy, Header: "17", Recorded: 429}},
		"Retry-After date":  {sandbox.Failure{Mode: sandbox.ModeRetryAfterDate, WaitSeconds: 90}, ttSeen{HTTP: 429, Code: 40100, Message: busy, Header: "Fri, 20 Nov 2026 12:01:30 GMT", Recorded: 429}},
		"Retry-After junk":  {sandbox.Failure{Mode: sandbox.ModeRetryAfterJunk}, ttSeen{HTTP: 429, Code: 40100, Message: busy, Header: "soon, -1; NaN", Recorded: 429}},
		"no Retry-After":    {sandbox.Failure{Mode: sandbox.ModeTooMany}, ttSeen{HTTP: 429, Code: 40100, Message: busy, Recorded: 429}},
		"quota of a second": {sandbox.Failure{Mode: sandbox.ModeThrottleApp}, ttSeen{HTTP: 401, Code: 40100, Message: "App reaches the QPS limit", Recorded: 401}},
		"quota of a minute": {sandbox.Failure{Mode: sandbox.ModeThrottleUser}, ttSeen{HTTP: 200, Code: 40100, Message: "App reaches the QPM limit", Recorded: 200}},
		"quota of a day":    {sandbox.Failure{Mode: sandbox.ModeThrottleCase}, ttSeen{HTTP: 401, Code: 40100, Message: "App reaches the QPD limit", Recorded: 401}},
		"unauthorized":      {sandbox.Failure{Mode: sandbox.ModeUnauthorized}, ttSeen{HTTP: 200, Code: 40105, Message: "Access token is incorrect or has been revoked.", Recorded: 200}},
		"misconfigured":     {sandbox.Failure{Mode: sandbox.ModeMisconfigured}, ttSeen{HTTP: 200, Code: 40001, Message: "No permission to operate pixel code", Recorded: 200}},
		"poison by ID":      {sandbox.Failure{Mode: sandbox.ModePoison, EventIDs: []string{"z", "b"}}, ttSeen{HTTP: 200, Code: 40002, Message: "data.1: the event is refused", Recorded: 200}},
		"poison by order":   {sandbox.Failure{Mode: sandbox.ModePoison, OrderIDs: []string{"order-a"}}, ttSeen{HTTP: 200, Code: 40002, Message: "data.0: the event is refused", Recorded: 200}},
		"poison elsewhere":  {sandbox.Failure{Mode: sandbox.ModePoison, EventIDs: []string{"c"}}, ttSeen{HTTP: 200, Message: "OK", Kept: both, Recorded: 200}},
		"error in 200":      {sandbox.Failure{Mode: sandbox.ModeErrorInOK}, ttSeen{HTTP: 200, Code: 50000, Message: "System error", Recorded: 200}},
		"truncated":         {sandbox.Failure{Mode: sandbox.ModeTruncated}, ttSeen{HTTP: 200, Problem: "truncated", Kept: both, Recorded: 200}},
		"huge":              {sandbox.Failure{Mode: sandbox.ModeHuge}, ttSeen{HTTP: 200, Problem: "too large", Kept: both, Recorded: 200}},
		"gzip bomb":         {sandbox.Failure{Mode: sandbox.ModeGzipBomb}, ttSeen{HTTP: 200, Problem: "too large", Kept: both, Recorded: 200}},
		"partial success":   {sandbox.Failure{Mode: sandbox.ModeWrongCount}, ttSeen{HTTP: 200, Code: 20001, Message: "Partial success", Kept: []string{"a"}, Recorded: 200}},
		"slow":              {sandbox.Failure{Mode: sandbox.ModeSlow, LatencyMS: []int{1}}, ttSeen{HTTP: 200, Message: "OK", Kept: both, Recorded: 200}},
	}
	tested := map[sandbox.Mode]bool{}
	for name, test := range tests {
		tested[test.failure.Mode] = true
		t.Run(name, func(t *testing.T) {
			tiktok := sandbox.NewTikTok(atNoon, sandbox.TikTokConfig{})
			server := httptest.NewServer(tiktok)
			defer server.Close()
			if err := tiktok.Fail(test.failure); err != nil {
				t.Fatal(err)
			}
			got := ttExchange(t, server, test.failure.Mode == sandbox.ModeHang)
			for _, e := range tiktok.Events() {
				got.Kept = append(got.Kept, e.EventID)
			}
			got.Recorded = tiktok.Requests()[0].Status
			if diff := cmp.Diff(test.want, got); diff != "" {
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

// A failure that spoils an answer does not make a bad request a good one.
func TestTikTokSpoilsNoRefusal(t *testing.T) {
	tiktok := sandbox.NewTikTok(atNoon, sandbox.TikTokConfig{})
	if err := tiktok.Fail(sandbox.Failure{Mode: sandbox.ModeTruncated, Requests: 1}); err != nil {
		t.Fatal(err)
	}
	bad := ttPurchase("1")
	delete(bad, "page")
	got := ttSend(t, tiktok, ttRequest("POST", sandbox.TikTokPath, encode(t, ttEnvelope(bad))))
	if got != (ttVerdict{HTTP: 200, Code: 40002, Field: "0.page"}) || len(tiktok.Events()) != 0 || len(tiktok.Failures()) != 0 {
		t.Errorf("%+v, %d events, failures %v", got, len(tiktok.Events()), tiktok.Failures())
	}
}

// ttExchange sends two events, a and b, and reads at most 1 MiB of the answer.
func ttExchange(t *testing.T, server *httptest.Server, impatient bool) ttSeen {
	t.Helper()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	wait := 30 * time.Second
	if impatient {
		wait = 200 * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	body := encode(t, ttEnvelope(ttPurchase("a"), ttPurchase("b")))
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+sandbox.TikTokPath, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.GetBody = nil // no silent second try
	r.Header.Set("Access-Token", sandbox.TikTokToken)
	r.Header.Set("Content-Type", "application/json")
	resp, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		return ttSeen{Problem: problem(err)}
	}
	defer func() {
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
	}()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	got := ttSeen{HTTP: resp.StatusCode, Header: resp.Header.Get("Retry-After")}
	switch {
	case err != nil:
		got.Problem = problem(err)
	case len(answer) == 1<<20:
		got.Problem = "too large"
	default:
		var said struct {
			Code    int
			Message string
		}
		if json.Unmarshal(answer, &said) != nil {
			got.Problem = "not JSON"
		}
		got.Code, got.Message = said.Code, said.Message
	}
	return got
}
