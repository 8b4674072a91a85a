package meta

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/forwarders"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// answer returns an answer with one header, "" for none.
func answer(status int, body, name, value string) forwarders.Answer {
	h := http.Header{}
	if name != "" {
		h.Set(name, value)
	}
	return forwarders.Answer{Status: status, Header: h, Body: []byte(body), At: noon, Sent: true}
}

// TestOutcomes looks at all that an outcome says; the files in testdata/answers
// cover each code's class.
func TestOutcomes(t *testing.T) {
	const taken = `{"events_received":2,"messages":[],"fbtrace_id":"T1"}`
	const throttled = `{"error":{"message":"(#17) Limit","type":"OAuthException","code":17,"error_subcode":2446079,"fbtrace_id":"T2"}}`
	tests := map[string]struct {
		answer forwarders.Answer
		want   subfive.Outcome
	}{
		"taken": {
			answer(200, taken, "", ""),
			subfive.Outcome{Class: subfive.Accepted, HTTP: 200, TraceID: "T1"},
		},
		"taken with a remark": {
			answer(200, `{"events_received":2,"messages":["a","b"]}`, "", ""),
			subfive.Outcome{Class: subfive.Accepted, HTTP: 200, Message: "a · b"},
		},
		"taken with remarks of another form": {
			answer(200, `{"events_received":2,"messages":{"a":1}}`, "", ""),
			subfive.Outcome{Class: subfive.Accepted, HTTP: 200, Message: `{"a":1}`},
		},
		"one of two": {
			answer(200, `{"events_received":1,"fbtrace_id":"T1"}`, "", ""),
			subfive.Outcome{
				Class: subfive.Transient, HTTP: 200, Code: "events_received", Ambiguous: true, TraceID: "T1",
				Message: "sent 2 events, Meta says that it received 1",
			},
		},
		"unreadable success": {
			answer(200, `{"events_received":2`, "", ""),
			subfive.Outcome{Class: subfive.Transient, HTTP: 200, Code: "unreadable", Ambiguous: true, Message: "HTTP 200 and no answer of the Graph API"},
		},
		"gateway": {
			answer(502, "<html>", "Retry-After", "90"),
			subfive.Outcome{
				Class: subfive.Transient, HTTP: 502, Code: "unreadable", Ambiguous: true, RetryAfter: 90 * time.Second,
				Message: "HTTP 502 and no answer of the Graph API",
			},
		},
		"unavailable: not taken": {
			answer(503, "<html>", "", ""),
			subfive.Outcome{Class: subfive.Transient, HTTP: 503, Code: "unreadable", Message: "HTTP 503 and no answer of the Graph API"},
		},
		"refused, with blame": {
			answer(400, `{"error":{"message":"(#100) Invalid","code":100,"error_subcode":2804003,"error_user_title":"Too old","error_user_msg":"Send it earlier.","error_data":{"blame_field_specs":[["data","0","event_time"]]},"fbtrace_id":"T3"}}`, "", ""),
			subfive.Outcome{
				Class: subfive.Rejected, HTTP: 400, Code: "100", Subcode: "2804003", TraceID: "T3",
				Message: `(#100) Invalid · Too old · Send it earlier. · fields: [["data","0","event_time"]]`,
			},
		},
		"token quoted": {
			answer(401, `{"error":{"message":"Malformed access token `+token+`","code":190}}`, "", ""),
			subfive.Outcome{Class: subfive.Unauthorized, HTTP: 401, Code: "190", Message: "Malformed access token ***"},
		},
		"throttled, minutes told": {
			answer(400, throttled, "X-Business-Use-Case-Usage", `{"1":[{"type":"ads_management","call_count":100,"estimated_time_to_regain_access":7}],"2":[{"estimated_time_to_regain_access":19},{"estimated_time_to_regain_access":3}]}`),
			subfive.Outcome{Class: subfive.Throttled, HTTP: 400, Code: "17", Subcode: "2446079", TraceID: "T2", Message: "(#17) Limit", RetryAfter: 19 * time.Minute},
		},
		"throttled, seconds told": {
			answer(400, throttled, "Retry-After", "30"),
			subfive.Outcome{Class: subfive.Throttled, HTTP: 400, Code: "17", Subcode: "2446079", TraceID: "T2", Message: "(#17) Limit", RetryAfter: 30 * time.Second},
		},
		"throttled, nothing told": {
			answer(400, throttled, "X-App-Usage", `{"call_count":100}`),
			subfive.Outcome{Class: subfive.Throttled, HTTP: 400, Code: "17", Subcode: "2446079", TraceID: "T2", Message: "(#17) Limit"},
		},
		"blocked: a long time": {
			answer(400, `{"error":{"message":"Blocked","code":368}}`, "", ""),
			subfive.Outcome{Class: subfive.Misconfigured, HTTP: 400, Code: "368", Message: "Blocked", RetryAfter: time.Hour},
		},
		"no answer, sent": {
			forwarders.Answer{Err: context.DeadlineExceeded, Sent: true, At: noon},
			subfive.Outcome{Class: subfive.Transient, Code: "no_answer", Message: "no answer", Ambiguous: true},
		},
		"no answer, not sent": {
			forwarders.Answer{Err: context.DeadlineExceeded, At: noon},
			subfive.Outcome{Class: subfive.Transient, Code: "no_answer", Message: "no answer"},
		},
	}
	f := newMeta(t, "")
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(forwarders.Result{All: tt.want}, f.Read(2, tt.answer)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestWaits(t *testing.T) {
	const taken, limit = `{"events_received":1}`, `{"error":{"code":4,"message":"x"}}`
	tests := map[string]struct {
		body, header, value string
		want                time.Duration
	}{
		"success, app limit far":             {taken, "X-App-Usage", `{"call_count":94,"total_time":94.9,"total_cputime":1}`, 0},
		"success, app limit near":            {taken, "X-App-Usage", `{"call_count":1,"total_time":95,"total_cputime":1}`, restFor},
		"success, account limit near":        {taken, "X-Ad-Account-Usage", `{"acc_id_util_pct":97.5,"reset_time_duration":300}`, 5 * time.Minute},
		"success, account limit near, mute":  {taken, "X-Ad-Account-Usage", `{"acc_id_util_pct":97.5}`, restFor},
		"success, account limit far":         {taken, "X-Ad-Account-Usage", `{"acc_id_util_pct":9.67,"reset_time_duration":300}`, 0},
		"success, business limit near":       {taken, "X-Business-Use-Case-Usage", `{"1":[{"total_cputime":96,"estimated_time_to_regain_access":0}]}`, restFor},
		"success, business limit reached":    {taken, "X-Business-Use-Case-Usage", `{"1":[{"total_cputime":100,"estimated_time_to_regain_access":4}]}`, 4 * time.Minute},
		"success: no Retry-After is honored": {taken, "Retry-After", "60", 0},
		"usage unreadable":                   {taken, "X-App-Usage", `call_count=99`, 0},
		"usage of another shape":             {taken, "X-Business-Use-Case-Usage", `[]`, 0},
		"throttled, date":                    {limit, "Retry-After", "Tue, 24 Nov 2026 12:05:00 GMT", 5 * time.Minute},
		"throttled, date gone by":            {limit, "Retry-After", "Tue, 24 Nov 2026 11:00:00 GMT", 0},
		"throttled, garbage":                 {limit, "Retry-After", "soon", 0},
		"throttled, negative":                {limit, "Retry-After", "-5", 0},
		"throttled, beyond all measure":      {limit, "Retry-After", "18446744073709551615", maxAge},
		"throttled, minutes beyond measure":  {limit, "X-Business-Use-Case-Usage", `{"1":[{"estimated_time_to_regain_access":1e300}]}`, maxAge},
		"throttled, date beyond measure":     {limit, "Retry-After", "Tue, 24 Nov 9999 11:00:00 GMT", maxAge},
	}
	f := newMeta(t, "")
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := f.Read(1, answer(200, tt.body, tt.header, tt.value)).All.RetryAfter; got != tt.want {
				t.Errorf("RetryAfter %v, want %v", got, tt.want)
			}
		})
	}
}

func TestLongMessagesAreCut(t *testing.T) {
	body := `{"error":{"code":100,"message":"` + strings.Repeat("é", 5000) + `"}}`
	got := newMeta(t, "").Read(1, answer(400, body, "", "")).All.Message
	if len(got) > 1010 || !strings.HasSuffix(got, "…") || strings.ContainsRune(got, '\uFFFD') {
		t.Errorf("%d bytes: %.20q…%q", len(got), got, got[len(got)-8:])
	}
}

// FuzzRead holds that no answer breaks the reader, that nothing passes for a
// success without saying so, and that no wait is negative or endless.
func FuzzRead(f *testing.F) {
	f.Add(200, []byte(`{"events_received":1}`), "", "")
	f.Add(400, []byte(`{"error":{"code":100,"error_subcode":33}}`), "60", `{"call_count":99}`)
	f.Add(500, []byte(`{"error":{"code":-1,"is_transient":true,"error_data":"x"}}`), "Tue, 24 Nov 2026 12:05:00 GMT", `[`)
	m := newMeta(f, "")
	f.Fuzz(func(t *testing.T, status int, body []byte, wait, usage string) {
		h := http.Header{"Retry-After": {wait}, "X-App-Usage": {usage}, "X-Business-Use-Case-Usage": {usage}, "X-Ad-Account-Usage": {usage}}
		r := m.Read(1, forwarders.Answer{Status: status, Header: h, Body: body, At: noon})
		if r.Each != nil || r.All.Class == "" || r.All.RetryAfter < 0 || r.All.RetryAfter > maxAge {
			t.Errorf("%+v", r)
		}
		if r.All.Class == subfive.Accepted && (status < 200 || status > 299 || !json.Valid(body)) {
			t.Errorf("HTTP %d %q is accepted", status, body)
		}
	})
}
