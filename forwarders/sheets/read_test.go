package sheets

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/forwarders"
)

func TestRead(t *testing.T) {
	const page = `<html><head><title>Error</title><style>div {color: red}</style><script>alert(1)</script></head><body><div>TypeError: x &amp; y</div></body></html>`
	to := func(location string) http.Header { return http.Header{"Location": {location}} }
	tests := map[string]struct {
		rows   int
		answer forwarders.Answer
		want   subfive.Outcome
	}{
		"taken":           {3, forwarders.Answer{Status: 200, Body: []byte(`{"ok":true,"received":3,"written":0}`)}, subfive.Outcome{Class: subfive.Accepted}},
		"taken, no count": {3, forwarders.Answer{Status: 200, Body: []byte(`{"ok":true}`)}, subfive.Outcome{Class: subfive.Accepted}},
		"a row is missing": {
			3,
			forwarders.Answer{Status: 200, Body: []byte(`{"ok":true,"received":2}`)},
			subfive.Outcome{Class: subfive.Transient, Ambiguous: true, Code: "wrong_count", Message: "the script received 2 of 3 rows"},
		},
		"ok with an error's status": {
			1,
			forwarders.Answer{Status: 500, Body: []byte(`{"ok":true}`)},
			subfive.Outcome{Class: subfive.Transient, Ambiguous: true, Code: "http_500", Message: `{"ok":true}`},
		},
		"ok, created": {
			1,
			forwarders.Answer{Status: 201, Body: []byte(`{"ok":true}`)},
			subfive.Outcome{Class: subfive.Transient, Ambiguous: true, Code: "http_201", Message: `{"ok":true}`},
		},
		"wrong secret": {
			1,
			forwarders.Answer{Status: 200, Body: []byte(`{"ok":false,"error":"bad_secret","message":"no"}`)},
			subfive.Outcome{Class: subfive.Unauthorized, Code: "bad_secret", Message: "no"},
		},
		"the script caught an error": {
			1,
			forwarders.Answer{Status: 200, Body: []byte(`{"ok":false,"error":"failed","message":"Exception: x"}`)},
			subfive.Outcome{Class: subfive.Transient, Ambiguous: true, Code: "failed", Message: "Exception: x"},
		},
		"not ok, and no word why": {
			1,
			forwarders.Answer{Status: 200, Body: []byte(`{"ok":false}`)},
			subfive.Outcome{Class: subfive.Transient, Ambiguous: true, Code: "not_ok"},
		},
		"the script threw": {
			1,
			forwarders.Answer{Status: 200, Body: []byte(page)},
			subfive.Outcome{Class: subfive.Transient, Ambiguous: true, Code: "not_json", Message: "Error TypeError: x & y"},
		},
		"a long page": {
			1,
			forwarders.Answer{Status: 200, Body: []byte(strings.Repeat("ä", 300))},
			subfive.Outcome{Class: subfive.Transient, Ambiguous: true, Code: "not_json", Message: strings.Repeat("ä", 200)},
		},
		"login": {
			1,
			forwarders.Answer{Status: 302, Header: to("https://Accounts.Google.com/ServiceLogin?continue=x")},
			subfive.Outcome{Class: subfive.Misconfigured, Code: "login", Message: "Google asks for a login"},
		},
		"elsewhere": {
			1,
			forwarders.Answer{Status: 302, Header: to("https://accounts.google.com.evil.example/x?key=1")},
			subfive.Outcome{Class: subfive.Transient, Ambiguous: true, Code: "redirect", Message: "the answer was a redirect to accounts.google.com.evil.example, which is not followed"},
		},
		"nowhere": {
			1,
			forwarders.Answer{Status: 302, Header: to(":")},
			subfive.Outcome{Class: subfive.Transient, Ambiguous: true, Code: "redirect", Message: "the answer was a redirect that is not followed"},
		},
		"deleted": {
			1,
			forwarders.Answer{Status: 404, Body: []byte(page)},
			subfive.Outcome{Class: subfive.Misconfigured, Ambiguous: true, Code: "http_404", Message: "Error TypeError: x & y"},
		},
		"the second request broke off": {
			1,
			forwarders.Answer{Err: errors.New("reset"), Sent: true},
			subfive.Outcome{Class: subfive.Transient, Ambiguous: true, Code: "no_answer"},
		},
	}
	f := newSheet(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(forwarders.Result{All: tt.want}, f.Read(tt.rows, tt.answer)); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add(200, `{"ok":true,"received":1}`, "")
	f.Add(302, "", "https://accounts.google.com/")
	f.Add(200, "<script><style", "%zz")
	sheet := newSheet(f)
	f.Fuzz(func(t *testing.T, status int, body, location string) {
		o := sheet.Read(1, forwarders.Answer{Status: status, Header: http.Header{"Location": {location}}, Body: []byte(body)}).All
		if o.Class == "" || o.Class == subfive.Accepted && (status != 200 || !strings.Contains(strings.ToLower(body), "ok")) {
			t.Errorf("%d %q is %+v", status, body, o)
		}
	})
}
