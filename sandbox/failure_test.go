package sandbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive/sandbox"
)

// seen is what a client makes of an answer.
type seen struct {
	verdict
	Header   string // the one that matters
	Problem  string // reset, timeout, truncated, not JSON, too large
	Kept     []string
	Recorded int // status in the record
}

func TestFailuresAreObservable(t *testing.T) {
	refused := func(http, code, subcode int) verdict {
		return verdict{HTTP: http, Code: code, Subcode: subcode}
	}
	both := []string{"a", "b"}
	tests := map[string]struct {
		failure sandbox.Failure
		header  string
		want    seen
	}{
		"refuse":           {sandbox.Failure{Mode: sandbox.ModeRefuse}, "", seen{Problem: "reset"}},
		"hang":             {sandbox.Failure{Mode: sandbox.ModeHang}, "", seen{Problem: "timeout"}},
		"reset after":      {sandbox.Failure{Mode: sandbox.ModeResetAfter}, "", seen{Problem: "reset", Kept: both}},
		"server error":     {sandbox.Failure{Mode: sandbox.ModeServerError}, "", seen{verdict: refused(500, 2, 0), Recorded: 500}},
		"unavailable":      {sandbox.Failure{Mode: sandbox.ModeServerError, Status: 503}, "", seen{verdict: refused(503, 2, 0), Recorded: 503}},
		"HTML":             {sandbox.Failure{Mode: sandbox.ModeHTML}, "Content-Type", seen{verdict: refused(502, 0, 0), Header: "text/html; charset=utf-8", Problem: "not JSON", Recorded: 502}},
		"Retry-After":      {sandbox.Failure{Mode: sandbox.ModeRetryAfter, WaitSeconds: 17}, "Retry-After", seen{verdict: refused(429, 613, 0), Header: "17", Recorded: 429}},
		"Retry-After date": {sandbox.Failure{Mode: sandbox.ModeRetryAfterDate, WaitSeconds: 90}, "Retry-After", seen{verdict: refused(429, 613, 0), Header: "Fri, 20 Nov 2026 12:01:30 GMT", Recorded: 429}},
		"Retry-After junk": {sandbox.Failure{Mode: sandbox.ModeRetryAfterJunk}, "Retry-After", seen{verdict: refused(429, 613, 0), Header: "soon, -1; NaN", Recorded: 429}},
		"no Retry-After":   {sandbox.Failure{Mode: sandbox.ModeTooMany}, "Retry-After", seen{verdict: refused(429, 613, 0), Recorded: 429}},
		"throttled app": {
			sandbox.Failure{Mode: sandbox.ModeThrottleApp},
			"X-App-Usage",
			seen{verdict: refused(403, 4, 0), Header: `{"call_count":100,"total_cputime":25,"total_time":25}`, Recorded: 403},
		},
		"throttled user": {
			sandbox.Failure{Mode: sandbox.ModeThrottleUser, WaitSeconds: 30},
			"X-Ad-Account-Usage",
			seen{verdict: refused(400, 17, 2446079), Header: `{"acc_id_util_pct":100,"reset_time_duration":30,"ads_api_access_tier":"standard_access"}`, Recorded: 400},
		},
		"throttled business": {
			sandbox.Failure{Mode: sandbox.ModeThrottleCase, WaitSeconds: 61},
			"X-Business-Use-Case-Usage",
			seen{
				verdict: refused(400, 80004, 2446079), Recorded: 400,
				Header: `{"2000":[{"type":"ads_management","call_count":100,"total_cputime":25,"total_time":25,"estimated_time_to_regain_access":2,"ads_api_access_tier":"standard_access"}]}`,
			},
		},
		"unauthorized":     {sandbox.Failure{Mode: sandbox.ModeUnauthorized}, "", seen{verdict: refused(401, 190, 0), Recorded: 401}},
		"misconfigured":    {sandbox.Failure{Mode: sandbox.ModeMisconfigured}, "", seen{verdict: refused(400, 100, 33), Recorded: 400}},
		"poison by ID":     {sandbox.Failure{Mode: sandbox.ModePoison, EventIDs: []string{"z", "b"}}, "", seen{verdict: refused(400, 100, 2804019), Recorded: 400}},
		"poison by order":  {sandbox.Failure{Mode: sandbox.ModePoison, OrderIDs: []string{"order-a"}}, "", seen{verdict: refused(400, 100, 2804019), Recorded: 400}},
		"poison elsewhere": {sandbox.Failure{Mode: sandbox.ModePoison, EventIDs: []string{"c"}}, "", seen{verdict: verdict{HTTP: 200, Received: 2}, Kept: both, Recorded: 200}},
		"error in 200":     {sandbox.Failure{Mode: sandbox.ModeErrorInOK}, "", seen{verdict: refused(200, 2, 0), Recorded: 200}},
		"truncated":        {sandbox.Failure{Mode: sandbox.ModeTruncated}, "", seen{verdict: verdict{HTTP: 200}, Problem: "truncated", Kept: both, Recorded: 200}},
		"huge":             {sandbox.Failure{Mode: sandbox.ModeHuge}, "", seen{verdict: verdict{HTTP: 200}, Problem: "too large", Kept: both, Recorded: 200}},
		"gzip bomb":        {sandbox.Failure{Mode: sandbox.ModeGzipBomb}, "", seen{verdict: verdict{HTTP: 200}, Problem: "too large", Kept: both, Recorded: 200}},
		"wrong count":      {sandbox.Failure{Mode: sandbox.ModeWrongCount}, "", seen{verdict: verdict{HTTP: 200, Received: 1}, Kept: []string{"a"}, Recorded: 200}},
		"slow":             {sandbox.Failure{Mode: sandbox.ModeSlow, LatencyMS: []int{1}}, "", seen{verdict: verdict{HTTP: 200, Received: 2}, Kept: both, Recorded: 200}},
	}
	tested := map[sandbox.Mode]bool{}
	for name, test := range tests {
		tested[test.failure.Mode] = true
		t.Run(name, func(t *testing.T) {
			meta := sandbox.NewMeta(atNoon, sandbox.MetaConfig{})
			server := httptest.NewServer(meta)
			defer server.Close()
			if err := meta.Fail(test.failure); err != nil {
				t.Fatal(err)
			}
			got := exchange(t, server, test.header, test.failure.Mode == sandbox.ModeHang)
			for _, e := range meta.Events() {
				got.Kept = append(got.Kept, e.EventID)
			}
			got.Recorded = meta.Requests()[0].Status
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(seen{})); diff != "" {
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

// exchange sends two events, a and b, and reads at most 1 MiB of the answer.
func exchange(t *testing.T, server *httptest.Server, header string, impatient bool) seen {
	t.Helper()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	if impatient {
		ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
	}
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+metaURL, strings.NewReader(batch(t, purchase("a"), purchase("b"))))
	if err != nil {
		t.Fatal(err)
	}
	r.GetBody = nil // no silent second try
	r.Header.Set("Authorization", "Bearer "+sandbox.MetaToken)
	r.Header.Set("Content-Type", "application/json")
	resp, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		return seen{Problem: problem(err)}
	}
	defer func() {
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
	}()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	got := seen{verdict: verdict{HTTP: resp.StatusCode}}
	if header != "" {
		got.Header = resp.Header.Get(header)
	}
	switch {
	case err != nil:
		got.Problem = problem(err)
	case len(body) == 1<<20:
		got.Problem = "too large"
	case !json.Valid(body):
		got.Problem = "not JSON"
	default:
		got.verdict = read(t, &httptest.ResponseRecorder{Code: resp.StatusCode, Body: bytes.NewBuffer(body)})
	}
	return got
}

func problem(err error) string {
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "truncated"
	case errors.Is(err, io.EOF), strings.Contains(err.Error(), "connection reset"):
		return "reset"
	}
	return err.Error()
}

func TestFailuresAreUsedUpInOrder(t *testing.T) {
	meta := sandbox.NewMeta(atNoon, sandbox.MetaConfig{})
	for _, f := range []sandbox.Failure{
		{Mode: sandbox.ModePoison, EventIDs: []string{"poison"}},
		{Mode: sandbox.ModeServerError, Requests: 2},
		{Mode: sandbox.ModeSlow, LatencyMS: []int{0}},
		{Mode: sandbox.ModeTooMany, Requests: 1},
	} {
		if err := meta.Fail(f); err != nil {
			t.Fatal(err)
		}
	}
	var got []int
	for _, id := range []string{"1", "poison", "2", "3", "4", "poison"} {
		got = append(got, send(t, meta, request("POST", metaURL, batch(t, purchase(id)))).HTTP)
	}
	meta.Clear()
	got = append(got, send(t, meta, request("POST", metaURL, batch(t, purchase("poison")))).HTTP)
	if diff := cmp.Diff([]int{500, 400, 500, 429, 200, 400, 200}, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

// A token that is revoked stays so until the client has the new one.
func TestTokenIsRevoked(t *testing.T) {
	meta := sandbox.NewMeta(atNoon, sandbox.MetaConfig{})
	meta.SetToken("fresh")
	r := request("POST", metaURL, batch(t, purchase("1")))
	if got := send(t, meta, r); got.Code != 190 {
		t.Errorf("old token: %+v", got)
	}
	r = request("POST", metaURL, batch(t, purchase("1")))
	r.Header.Set("Authorization", "Bearer fresh")
	if got := send(t, meta, r); got.HTTP != 200 {
		t.Errorf("new token: %+v", got)
	}
}

func TestSpoiledAnswersToBadRequestsAreHonest(t *testing.T) {
	for _, mode := range []sandbox.Mode{sandbox.ModeResetAfter, sandbox.ModeTruncated, sandbox.ModeHuge, sandbox.ModeGzipBomb, sandbox.ModeWrongCount} {
		t.Run(string(mode), func(t *testing.T) {
			meta := sandbox.NewMeta(atNoon, sandbox.MetaConfig{})
			if err := meta.Fail(sandbox.Failure{Mode: mode}); err != nil {
				t.Fatal(err)
			}
			want := verdict{HTTP: 400, Code: 100}
			if diff := cmp.Diff(want, send(t, meta, request("POST", metaURL, `{"data":[]}`))); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSlowDrawsFromItsLatencies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		meta := sandbox.NewMeta(atNoon, sandbox.MetaConfig{})
		if err := meta.Fail(sandbox.Failure{Mode: sandbox.ModeSlow, LatencyMS: []int{10, 10, 29000}}); err != nil {
			t.Fatal(err)
		}
		counts := map[time.Duration]int{}
		for i := range 300 {
			start := time.Now()
			send(t, meta, request("POST", metaURL, batch(t, purchase(fmt.Sprint(i)))))
			counts[time.Since(start)]++
		}
		short, long := counts[10*time.Millisecond], counts[29*time.Second]
		if short+long != 300 || short < 150 || short > 250 {
			t.Errorf("latencies %v, want two in three of 10 ms and the rest of 29 s", counts)
		}
	})
}

func TestSlowKeepsWhatTheClientDidNotWaitFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		meta := sandbox.NewMeta(atNoon, sandbox.MetaConfig{})
		if err := meta.Fail(sandbox.Failure{Mode: sandbox.ModeSlow, LatencyMS: []int{60_000}}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		start := time.Now()
		meta.ServeHTTP(httptest.NewRecorder(), request("POST", metaURL, batch(t, purchase("1"))).WithContext(ctx))
		if took := time.Since(start); took != 30*time.Second || len(meta.Events()) != 1 {
			t.Errorf("after %s %d events are kept, want 1 after 30s", took, len(meta.Events()))
		}
	})
}

func TestHangEndsWhenFailuresAreCleared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		meta := sandbox.NewMeta(atNoon, sandbox.MetaConfig{})
		if err := meta.Fail(sandbox.Failure{Mode: sandbox.ModeHang}); err != nil {
			t.Fatal(err)
		}
		ended := make(chan any, 1)
		r := request("POST", metaURL, batch(t, purchase("1")))
		go func() {
			defer func() { ended <- recover() }() // a recorder has no connection to reset
			meta.ServeHTTP(httptest.NewRecorder(), r)
		}()
		time.Sleep(24 * time.Hour) // virtual
		select {
		case <-ended:
			t.Fatal("it did not hang")
		default:
		}
		meta.Clear()
		if err, _ := (<-ended).(error); !errors.Is(err, http.ErrAbortHandler) {
			t.Errorf("ended with %v, want the connection aborted", err)
		}
	})
}

func TestFailuresThatMakeNoSense(t *testing.T) {
	tests := map[string]sandbox.Failure{
		"no mode":                  {},
		"unknown mode":             {Mode: "explode"},
		"negative requests":        {Mode: sandbox.ModeHTML, Requests: -1},
		"negative wait":            {Mode: sandbox.ModeRetryAfter, WaitSeconds: -1},
		"status that is no error":  {Mode: sandbox.ModeServerError, Status: 404},
		"poison without a mark":    {Mode: sandbox.ModePoison},
		"slow without latencies":   {Mode: sandbox.ModeSlow},
		"slow, but back in time":   {Mode: sandbox.ModeSlow, LatencyMS: []int{-1}},
		"status beyond the errors": {Mode: sandbox.ModeServerError, Status: 600},
	}
	for name, f := range tests {
		t.Run(name, func(t *testing.T) {
			meta := sandbox.NewMeta(atNoon, sandbox.MetaConfig{})
			if err := meta.Fail(f); err == nil {
				t.Error("no error")
			}
			if len(meta.Failures()) != 0 {
				t.Error("it was set anyway")
			}
		})
	}
}
