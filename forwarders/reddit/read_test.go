package reddit

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

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
	const (
		first  = `{"error_message":"too old","event":{"metadata":{"conversion_id":"cv_1"}}}`
		second = `{"error_message":"no currency","event":{"event_metadata":{"conversion_id":"cv_2"}}}`
	)
	tests := map[string]struct {
		answer forwarders.Answer
		want   subfive.Outcome
	}{
		"taken": {
			answer(200, `{"data":{"message":"Successfully processed 2 conversion events."}}`),
			subfive.Outcome{Class: subfive.Accepted, HTTP: 200},
		},
		"taken, in other words": {
			answer(202, `{"data":{"message":"Thank you."}}`),
			subfive.Outcome{Class: subfive.Accepted, HTTP: 202},
		},
		"one of two": {
			answer(200, `{"data":{"message":"Successfully processed 1 conversion events."}}`),
			subfive.Outcome{
				Class: subfive.Transient, HTTP: 200, Code: "processed", Ambiguous: true,
				Message: "sent 2 events, Reddit says: Successfully processed 1 conversion events.",
			},
		},
		"unreadable success": {
			answer(200, `{"data":`),
			subfive.Outcome{Class: subfive.Transient, HTTP: 200, Code: "unreadable", Ambiguous: true, Message: "HTTP 200 and no answer of the Conversions API"},
		},
		"another error's shape": {
			answer(400, `{"error":"bad"}`),
			subfive.Outcome{Class: subfive.Rejected, HTTP: 400, Code: "unreadable", Message: "HTTP 400 and no answer of the Conversions API"},
		},
		"gateway": {
			answer(502, "<html>"),
			subfive.Outcome{Class: subfive.Transient, HTTP: 502, Code: "unreadable", Ambiguous: true, Message: "HTTP 502 and no answer of the Conversions API"},
		},
		"unavailable: not taken": {
			answer(503, "<html>"),
			subfive.Outcome{Class: subfive.Transient, HTTP: 503, Code: "unreadable", Message: "HTTP 503 and no answer of the Conversions API"},
		},
		"refused": {
			answer(400, `{"error":{"code":400,"message":"missing action_source"}}`),
			subfive.Outcome{Class: subfive.Rejected, HTTP: 400, Code: "400", Message: "missing action_source"},
		},
		"refused in a success": {
			answer(200, `{"error":{"code":403,"message":"no"}}`),
			subfive.Outcome{Class: subfive.Misconfigured, HTTP: 200, Code: "403", Message: "no"},
		},
		"refused by the gateway": {
			answer(401, `{"success":false,"error":{"reason":"UNAUTHORIZED","explanation":"Not authorized"}}`),
			subfive.Outcome{Class: subfive.Unauthorized, HTTP: 401, Code: "401", Subcode: "UNAUTHORIZED", Message: "Not authorized"},
		},
		"no success, no word why": {
			answer(200, `{"success":false,"message":"later"}`),
			subfive.Outcome{Class: subfive.Transient, HTTP: 200, Code: "unreadable", Ambiguous: true, Message: "later"},
		},
		"a message alone": {
			answer(404, `{"message":"nothing here"}`),
			subfive.Outcome{Class: subfive.Misconfigured, HTTP: 404, Code: "unreadable", Message: "nothing here"},
		},
		"one invalid": {
			answer(400, `{"message":"There were 1 invalid","invalid_events":[`+first+`]}`),
			subfive.Outcome{Class: subfive.Rejected, HTTP: 400, Code: "invalid_events", Message: "There were 1 invalid · too old (cv_1)"},
		},
		"all invalid": {
			answer(400, `{"message":"There were 2 invalid","invalid_events":[`+first+`,`+second+`]}`),
			subfive.Outcome{
				Class: subfive.Rejected, HTTP: 400, Code: "invalid_events", Named: true,
				Message: "There were 2 invalid · too old (cv_1) · no currency (cv_2)",
			},
		},
		"one, twice invalid": {
			answer(400, `{"message":"There were 2 invalid","invalid_events":[`+first+`,`+first+`]}`),
			subfive.Outcome{
				Class: subfive.Rejected, HTTP: 400, Code: "invalid_events",
				Message: "There were 2 invalid · too old (cv_1) · too old (cv_1)",
			},
		},
		"invalid, no telling which": {
			answer(400, `{"data":{"invalid_events":[`+first+`,{"error_message":"bad"}]}}`),
			subfive.Outcome{Class: subfive.Rejected, HTTP: 400, Code: "invalid_events", Message: "too old (cv_1) · bad"},
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
	f := newReddit(t, "")
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(forwarders.Result{All: tt.want}, f.Read(2, tt.answer)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestAloneTheInvalidEventIsNamed(t *testing.T) {
	body := `{"message":"There were 1 invalid conversion events. None were processed.","invalid_events":[{"error_message":"too old"}]}`
	if o := newReddit(t, "").Read(1, answer(400, body)).All; o.Class != subfive.Rejected || !o.Named {
		t.Errorf("%+v", o)
	}
}

// FuzzRead holds that no answer breaks the reader, and that nothing passes for a
// success without saying so.
func FuzzRead(f *testing.F) {
	f.Add(200, []byte(`{"data":{"message":"Successfully processed 1 conversion events."}}`))
	f.Add(200, []byte(`{"message":"There were 1 invalid conversion events."}`))
	f.Add(400, []byte(`{"error":{"code":400,"message":"x"},"invalid_events":[{"event":{"metadata":{}}}]}`))
	f.Add(200, []byte(`{"success":false,"error":{"code":-1}}`))
	r := newReddit(f, "")
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		got := r.Read(1, answer(status, string(body)))
		if got.Each != nil || got.All.Class == "" || got.All.HTTP != status {
			t.Errorf("%+v", got)
		}
		if got.All.Class == subfive.Accepted && (status < 200 || status > 299 || !json.Valid(body)) {
			t.Errorf("HTTP %d %q is accepted", status, body)
		}
	})
}
