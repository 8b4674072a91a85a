package google

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/forwarders"
)

func answer(status int, body string) forwarders.Answer {
	return forwarders.Answer{Status: status, Header: http.Header{}, Body: []byte(body), At: noon, Sent: true}
}

// TestOutcomes looks at all that an outcome says; the files in testdata/answers
// cover each code's class.
func TestOutcomes(t *testing.T) {
	const info = `{"@type":"x.ErrorInfo","reason":"INVALID_ARGUMENT","metadata":{"requestId":"t-1"}}`
	const bad = `{"error":{"code":400,"message":"There was a problem.","status":"INVALID_ARGUMENT","details":[` + info + `,{"fieldViolations":[`
	all := func(o subfive.Outcome) forwarders.Result { return forwarders.Result{All: o} }
	tests := map[string]struct {
		answer forwarders.Answer
		want   forwarders.Result
	}{
		"taken": {
			answer(200, `{"requestId":"126365e1"}`),
			all(subfive.Outcome{Class: subfive.Submitted, HTTP: 200, Ref: "126365e1", TraceID: "126365e1"}),
		},
		"taken with warnings": {
			answer(200, `{"requestId":"1","fieldWarnings":[{"field":"a","reason":"R"},{"field":"b","reason":"R","description":"why"}]}`),
			all(subfive.Outcome{Class: subfive.Submitted, HTTP: 200, Ref: "1", TraceID: "1", Message: "a: R · b: why"}),
		},
		"unreadable success": {
			answer(200, `{"requestId":`),
			all(subfive.Outcome{Class: subfive.Transient, HTTP: 200, Code: "unreadable", Ambiguous: true, Message: "HTTP 200 and no answer of the API"}),
		},
		"second of two": {
			answer(400, bad+`{"field":"events[1].currency","description":"not one","reason":"INVALID_CURRENCY_CODE"}]}]}}`),
			forwarders.Result{Each: []subfive.Outcome{
				{Class: subfive.Deferred, HTTP: 400, Code: "INVALID_ARGUMENT", Message: "refused because of another event, which was named", TraceID: "t-1"},
				{Class: subfive.Rejected, HTTP: 400, Code: "INVALID_ARGUMENT", Subcode: "INVALID_CURRENCY_CODE", Message: "events[1].currency: not one", TraceID: "t-1", Named: true},
			}},
		},
		"index too large for any": {
			answer(400, bad+`{"field":"events[99999999999999999999].x","reason":"INVALID_EVENT"}]}]}}`),
			all(subfive.Outcome{Class: subfive.Rejected, HTTP: 400, Code: "INVALID_ARGUMENT", Subcode: "INVALID_EVENT", Message: "events[99999999999999999999].x", TraceID: "t-1"}),
		},
		"settings among rows": {
			answer(400, bad+`{"field":"events[0].x","reason":"INVALID_EVENT"},{"field":"destinations[0]","description":"no","reason":"NOT_FOUND"}]}]}}`),
			all(subfive.Outcome{Class: subfive.Misconfigured, HTTP: 400, Code: "INVALID_ARGUMENT", Subcode: "NOT_FOUND", Message: "destinations[0]: no", TraceID: "t-1"}),
		},
		"broken inside": {
			answer(500, `{"error":{"code":500,"message":"Internal error.","status":"INTERNAL"}}`),
			all(subfive.Outcome{Class: subfive.Transient, HTTP: 500, Code: "INTERNAL", Message: "Internal error.", Ambiguous: true}),
		},
		"unavailable: not taken": {
			answer(503, `{"error":{"code":503,"message":"Later.","status":"UNAVAILABLE"}}`),
			all(subfive.Outcome{Class: subfive.Transient, HTTP: 503, Code: "UNAVAILABLE", Message: "Later."}),
		},
		"no answer, sent": {
			forwarders.Answer{Err: context.DeadlineExceeded, Sent: true, At: noon},
			all(subfive.Outcome{Class: subfive.Transient, Code: "no_answer", Message: "no answer", Ambiguous: true}),
		},
	}
	f := newGoogle(t, "")
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, f.Read(2, tt.answer)); d != "" {
				t.Error(d)
			}
		})
	}
}

func asked(t testing.TB) forwarders.Confirmer {
	t.Helper()
	c, ok := newGoogle(t, "").(forwarders.Confirmer)
	if !ok {
		t.Fatal("it can't be asked")
	}
	return c
}

func TestVerdicts(t *testing.T) {
	const why = "PROCESSING_ERROR_REASON_"
	status := func(word, counts string) string {
		return `{"requestStatusPerDestination":[{"requestStatus":"` + word + `","errorInfo":{"errorCounts":[` + counts + `]}}]}`
	}
	count := func(reason string) string { return `{"reason":"` + why + reason + `","recordCount":"2"}` }
	tests := map[string]struct {
		body string
		want subfive.Outcome
	}{
		"success":      {status("SUCCESS", ""), subfive.Outcome{Class: subfive.Accepted, HTTP: 200, Code: "SUCCESS"}},
		"processing":   {status("PROCESSING", ""), subfive.Outcome{Class: subfive.Submitted, HTTP: 200, Code: "PROCESSING"}},
		"not known":    {status("REQUEST_STATUS_UNKNOWN", ""), subfive.Outcome{Class: subfive.Submitted, HTTP: 200, Code: "REQUEST_STATUS_UNKNOWN"}},
		"no such word": {status("X", ""), unreadable(answer(200, ""))},
		"too recent": {
			status("FAILED", count("TOO_RECENT_CLICK")),
			subfive.Outcome{Class: subfive.Deferred, HTTP: 200, Code: "FAILED", Subcode: why + "TOO_RECENT_CLICK", Message: "TOO_RECENT_CLICK × 2", RetryAfter: 6 * time.Hour},
		},
		"all for good": {
			status("FAILED", count("EXPIRED_CLICK")+","+count("NEW_WORD")),
			subfive.Outcome{Class: subfive.Rejected, HTTP: 200, Code: "FAILED", Subcode: why + "EXPIRED_CLICK", Message: "EXPIRED_CLICK × 2 · NEW_WORD × 2", Named: true},
		},
		"some for good, some too recent": {
			status("FAILED", count("TOO_RECENT_CLICK")+","+count("EXPIRED_CLICK")),
			subfive.Outcome{Class: subfive.Rejected, HTTP: 200, Code: "FAILED", Subcode: why + "EXPIRED_CLICK", Message: "TOO_RECENT_CLICK × 2 · EXPIRED_CLICK × 2"},
		},
		"some passed": {
			status("PARTIAL_SUCCESS", count("EXPIRED_CLICK")),
			subfive.Outcome{Class: subfive.Rejected, HTTP: 200, Code: "PARTIAL_SUCCESS", Subcode: why + "EXPIRED_CLICK", Message: "EXPIRED_CLICK × 2"},
		},
		"for no reason": {
			status("FAILED", ""),
			subfive.Outcome{Class: subfive.Rejected, HTTP: 200, Code: "FAILED", Message: "Google gives no reason"},
		},
		"one destination of two": {
			`{"requestStatusPerDestination":[{"requestStatus":"SUCCESS"},{"requestStatus":"PROCESSING"}]}`,
			subfive.Outcome{Class: subfive.Submitted, HTTP: 200, Code: "PROCESSING"},
		},
	}
	c := asked(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(forwarders.Result{All: tt.want}, c.ReadStatus(2, answer(200, tt.body))); d != "" {
				t.Error(d)
			}
		})
	}
}

// FuzzRead holds that no answer breaks the readers, and that nothing passes for a
// success without saying so.
func FuzzRead(f *testing.F) {
	f.Add(200, []byte(`{"requestId":"1"}`))
	f.Add(400, []byte(`{"error":{"status":"INVALID_ARGUMENT","details":[{"fieldViolations":[{"field":"events[1]"}]}]}}`))
	f.Add(200, []byte(`{"requestStatusPerDestination":[{"requestStatus":"FAILED","errorInfo":{"errorCounts":[{"reason":"x","recordCount":1}]}}]}`))
	f.Add(200, []byte(`{"error":{}}`))
	g, c := newGoogle(f, ""), asked(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		for i, got := range []forwarders.Result{g.Read(3, answer(status, string(body))), c.ReadStatus(3, answer(status, string(body)))} {
			if got.Each != nil && len(got.Each) != 3 || got.Each == nil && got.All.Class == "" {
				t.Fatalf("%+v", got)
			}
			for _, o := range append(got.Each, got.All) {
				taken := o.Class == subfive.Accepted || o.Class == subfive.Submitted
				if taken && (!json.Valid(body) || i == 0 && (status < 200 || status > 299 || o.Ref == "")) {
					t.Errorf("HTTP %d %q is %s", status, body, o.Class)
				}
			}
		}
	})
}

// What was only validated has no verdict to wait for.
func TestReadOfATest(t *testing.T) {
	f := &dataManager{}
	a := forwarders.Answer{Status: 200, Header: http.Header{}, Body: []byte(`{"requestId":"r1"}`), Test: true}
	if got := f.Read(1, a).All; got.Class != subfive.Accepted || got.Ref != "" {
		t.Errorf("a test is %+v", got)
	}
	a.Test = false
	if got := f.Read(1, a).All; got.Class != subfive.Submitted || got.Ref != "r1" {
		t.Errorf("a live one is %+v", got)
	}
}
