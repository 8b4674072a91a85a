package tiktok

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

// answer returns an answer with a Retry-After, "" for none.
func answer(status int, body, retryAfter string) forwarders.Answer {
	h := http.Header{}
	if retryAfter != "" {
		h.Set("Retry-After", retryAfter)
	}
	return forwarders.Answer{Status: status, Header: h, Body: []byte(body), At: noon, Sent: true}
}

// TestOutcomes looks at all that an outcome says; the files in testdata/answers
// cover each code's class.
func TestOutcomes(t *testing.T) {
	tests := map[string]struct {
		answer forwarders.Answer
		want   subfive.Outcome
	}{
		"taken": {
			answer(200, `{"code":0,"message":"OK","request_id":"R1","data":{}}`, "60"),
			subfive.Outcome{Class: subfive.Accepted, HTTP: 200, TraceID: "R1"},
		},
		"taken, whatever the status": {
			answer(400, `{"code":0,"message":"OK","request_id":"R1"}`, ""),
			subfive.Outcome{Class: subfive.Accepted, HTTP: 400, TraceID: "R1"},
		},
		"partly taken: nobody knows which": {
			answer(200, `{"code":20001,"message":"Partial success","request_id":"R2"}`, ""),
			subfive.Outcome{Class: subfive.Transient, HTTP: 200, Code: "20001", Message: "Partial success", TraceID: "R2", Ambiguous: true},
		},
		"refused with 200": {
			answer(200, `{"code":40002,"message":"Batch.0.event_id: Not a valid string","request_id":"R3"}`, ""),
			subfive.Outcome{Class: subfive.Rejected, HTTP: 200, Code: "40002", Message: "Batch.0.event_id: Not a valid string", TraceID: "R3"},
		},
		"401 is no token's fault": {
			answer(401, `{"code":40100,"message":"App reaches the QPS limit","request_id":"R4"}`, ""),
			subfive.Outcome{Class: subfive.Throttled, HTTP: 401, Code: "40100", Message: "App reaches the QPS limit", TraceID: "R4"},
		},
		"token quoted": {
			answer(200, `{"code":40105,"message":"Access token `+token+` is incorrect"}`, ""),
			subfive.Outcome{Class: subfive.Unauthorized, HTTP: 200, Code: "40105", Message: "Access token *** is incorrect"},
		},
		"unreadable success": {
			answer(200, `{"code":0`, ""),
			subfive.Outcome{Class: subfive.Transient, HTTP: 200, Code: "unreadable", Ambiguous: true, Message: "HTTP 200 and no answer of the Events API"},
		},
		"gateway": {
			answer(502, "<html>", "90"),
			subfive.Outcome{
				Class: subfive.Transient, HTTP: 502, Code: "unreadable", Ambiguous: true, RetryAfter: 90 * time.Second,
				Message: "HTTP 502 and no answer of the Events API",
			},
		},
		"unavailable: not taken": {
			answer(503, "<html>", ""),
			subfive.Outcome{Class: subfive.Transient, HTTP: 503, Code: "unreadable", Message: "HTTP 503 and no answer of the Events API"},
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
	f := newTikTok(t, "")
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(forwarders.Result{All: tt.want}, f.Read(2, tt.answer)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestWaits(t *testing.T) {
	tests := map[string]struct {
		code, message, retryAfter string
		want                      time.Duration
	}{
		"a second's quota":                 {"40100", "App reaches the QPS limit", "", 0},
		"a minute's quota":                 {"40100", "App reaches the QPM limit", "", 5 * time.Minute},
		"a minute's quota in words":        {"40100", "Too many requests per minute", "", 5 * time.Minute},
		"a day's quota: until midnight":    {"40100", "App reaches the QPD limit", "", 12 * time.Hour},
		"a day's quota in words":           {"40100", "The daily quota is used up", "", 12 * time.Hour},
		"the longer of two":                {"40100", "App reaches the QPM limit", "600", 10 * time.Minute},
		"told by a gateway":                {"40100", "Too many requests", "30", 30 * time.Second},
		"told as a date":                   {"51021", "Too many requests", "Tue, 24 Nov 2026 12:05:00 GMT", 5 * time.Minute},
		"told in nonsense":                 {"40100", "Too many requests", "soon", 0},
		"told beyond measure":              {"40100", "Too many requests", "18446744073709551615", 24 * time.Hour},
		"an invalid minute is no quota":    {"40002", "event_time: invalid minute", "", 0},
		"a system's error and Retry-After": {"50000", "System error", "7", 7 * time.Second},
	}
	f := newTikTok(t, "")
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			body := `{"code":` + tt.code + `,"message":"` + tt.message + `"}`
			if got := f.Read(1, answer(200, body, tt.retryAfter)).All.RetryAfter; got != tt.want {
				t.Errorf("RetryAfter %v, want %v", got, tt.want)
			}
		})
	}
}

func TestLongMessagesAreCut(t *testing.T) {
	body := `{"code":40002,"message":"` + strings.Repeat("é", 5000) + `"}`
	got := newTikTok(t, "").Read(1, answer(400, body, "")).All.Message
	if len(got) > 1010 || !strings.HasSuffix(got, "…") || strings.ContainsRune(got, '\uFFFD') {
		t.Errorf("%d bytes: %.20q…%q", len(got), got, got[len(got)-8:])
	}
}

// FuzzRead holds that no answer breaks the reader, that nothing but a code 0 in
// JSON passes for a success, and that no wait is negative or endless.
func FuzzRead(f *testing.F) {
	f.Add(200, []byte(`{"code":0,"message":"OK"}`), "")
	f.Add(401, []byte(`{"code":40100,"message":"QPD"}`), "60")
	f.Add(500, []byte(`{"code":50000,"message":1}`), "Tue, 24 Nov 2026 12:05:00 GMT")
	tt := newTikTok(f, "")
	f.Fuzz(func(t *testing.T, status int, body []byte, wait string) {
		r := tt.Read(1, forwarders.Answer{Status: status, Header: http.Header{"Retry-After": {wait}}, Body: body, At: noon})
		if r.Each != nil || r.All.Class == "" || r.All.RetryAfter < 0 || r.All.RetryAfter > 24*time.Hour {
			t.Errorf("%+v", r)
		}
		var code struct{ Code json.Number }
		if r.All.Class == subfive.Accepted && (json.Unmarshal(body, &code) != nil || code.Code != "0") && code.Code != "-0" {
			t.Errorf("HTTP %d %q is accepted", status, body)
		}
	})
}
