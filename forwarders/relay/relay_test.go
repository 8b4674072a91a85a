package relay

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/forwarders"
	"subfive/forwarders/forwardertest"
)

func TestPlatform(t *testing.T) { forwardertest.Run(t, Platform(), ".") }

func newRelay(settings string) (forwarders.Forwarder, error) {
	return Platform().New(forwardertest.Decode([]byte(settings)), nil)
}

func TestSettingsThatAreRefused(t *testing.T) {
	tests := map[string]struct{ settings, says string }{
		"nothing":                  {"", "url is missing"},
		"unknown placeholder":      {"url: https://a.example/?p={payuot}", "did you mean {payout}?"},
		"placeholder in capitals":  {"url: https://a.example/?p={Click_ID}", "did you mean {click_id}?"},
		"all are listed":           {"url: https://a.example/?p={x}", "{network_offer_id}"},
		"placeholder as host":      {"url: https://{campaign_id}.example/", "fixed host"},
		"user name in the URL":     {"url: https://me:pw@a.example/", "user name"},
		"fragment":                 {"url: https://a.example/#x", "#fragment"},
		"percent alone":            {"url: https://a.example/%zz", "a % alone"},
		"no scheme":                {"url: a.example/x", "scheme"},
		"plain http":               {"url: http://a.example/", "https"},
		"port that is none":        {"url: https://a.example:x/", "not a host"},
		"port that is empty":       {"url: 'https://a.example:/'", "not a host"},
		"port alone":               {"url: https://:443/", "not a host"},
		"method":                   {"{url: https://a.example/, method: PUT}", "PUT"},
		"GET with a body":          {"{url: https://a.example/, method: GET, body: x}", "GET has none"},
		"body is not JSON":         {"{url: https://a.example/, body: '{\"a\": x}'}", "not JSON"},
		"form without a body":      {"{url: https://a.example/, content_type: application/x-www-form-urlencoded}", "content_type"},
		"XML":                      {"{url: https://a.example/, content_type: text/xml, body: <a/>}", "text/xml"},
		"header of the connection": {"{url: https://a.example/, headers: {host: b.example}}", "host"},
		"a token in the clear":     {"{url: 'https://a.example/hook?x=1&access_token=abc'}", "{secret.access_token}"},
		"a header in the clear":    {"{url: https://a.example/, headers: {Authorization: Bearer abc}}", "{secret.authorization}"},
		"header with a line break": {"{url: https://a.example/, headers: {X-A: \"a\\r\\nX-B: b\"}}", "line break"},
		"sub without consent":      {"url: https://a.example/?s={sub3}", "allow_sensitive"},
		"sub without consent, in the body": {
			"{url: https://a.example/, body: '{\"s\": \"{adv10}\"}'}", "allow_sensitive",
		},
		"secret that is not there": {"url: https://a.example/?k={secret.key}", `no "key"`},
		"secret that is empty":     {"{url: 'https://a.example/?k={secret.key}', secrets: {key: ''}}", "a value"},
		"secret that is unused":    {"{url: https://a.example/, secrets: {key: abc}}", "not used"},
		"status of an error":       {"{url: https://a.example/, success: {status: [404]}}", "404"},
		"broken expression":        {"{url: https://a.example/, success: {body: '('}}", "success.body"},
		"unknown preset":           {"{url: https://a.example/, preset: voluumm}", "voluum"},
		"preset with a body":       {"{url: https://a.example/, preset: voluum, body: x}", "preset: custom"},
		"preset with a query":      {"{url: 'https://a.example/?cid={click_id}', preset: voluum}", "without its query"},
		"unknown key":              {"{url: https://a.example/, urll: x}", "urll"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := newRelay(tt.settings)
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error is %v, want one with %q", err, tt.says)
			}
		})
	}
}

func TestSettingsThatAreNotText(t *testing.T) {
	for _, c := range []Config{
		{URL: "https://a\xf0.example/"},
		{URL: "https://a.example/\xf0"},
		{URL: "https://a.example/", Headers: map[string]string{"X-A": "\xf0"}},
		{URL: "https://a.example/", ContentType: "text/plain", Body: "\xf0"},
	} {
		if _, err := newForwarder(c); err == nil || !strings.Contains(err.Error(), "not UTF-8") {
			t.Errorf("%+v: error is %v", c, err)
		}
	}
}

func TestPlainHTTPToAnAllowedHost(t *testing.T) {
	f, err := newRelay("{url: 'http://tracker:8080/postback', allow_hosts: [tracker]}")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"tracker"}, f.(forwarders.AllowsHosts).AllowHosts()); diff != "" {
		t.Errorf("allowed hosts (-want +got):\n%s", diff)
	}
}

func TestAuthorizeFillsInSecrets(t *testing.T) {
	tests := map[string]struct {
		settings  string
		url, body string
		header    string
	}{
		"in path and query": {
			"{method: GET, url: 'https://a.example/{secret.k}?k={secret.k}&e={event_id}', secrets: {k: a b/c&d}}",
			"https://a.example/a%20b%2Fc%26d?k=a%20b%2Fc%26d&e=ev", "", "",
		},
		"in a header": {
			"{method: GET, url: 'https://a.example/', headers: {X-Key: 'key {secret.k}'}, secrets: {k: a/b}}",
			"https://a.example/", "", "key a/b",
		},
		"in JSON": {
			`{url: 'https://a.example/', body: '{"k": {secret.k}, "l": "({secret.k})"}', secrets: {k: 'a"b'}}`,
			"https://a.example/", `{"k": "a\"b", "l": "(a\"b)"}`, "",
		},
		"in a form": {
			"{url: 'https://a.example/', content_type: application/x-www-form-urlencoded, body: 'k={secret.k}', secrets: {k: 'a&b'}}",
			"https://a.example/", "k=a%26b", "",
		},
		"one name in another's": {
			"{method: GET, url: 'https://a.example/?a={secret.k}&b={secret.kk}', secrets: {k: one, kk: two}}",
			"https://a.example/?a=one&b=two", "", "",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f, err := newRelay(tt.settings)
			if err != nil {
				t.Fatal(err)
			}
			r := request(t, f, subfive.Delivery{Kind: subfive.KindConversion, EventID: "ev"})
			if err := f.Authorize(context.Background(), r, false); err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Fatal(err)
			}
			want := []string{tt.url, tt.body, tt.header}
			if diff := cmp.Diff(want, []string{r.URL.String(), string(body), r.Header.Get("X-Key")}); diff != "" {
				t.Errorf("url, body, header (-want +got):\n%s", diff)
			}
			if r.ContentLength != int64(len(tt.body)) {
				t.Errorf("content length is %d, want %d", r.ContentLength, len(tt.body))
			}
		})
	}
}

func request(t testing.TB, f forwarders.Forwarder, d subfive.Delivery) *http.Request {
	t.Helper()
	event, err := f.Event(d)
	if err != nil {
		t.Fatal(err)
	}
	r, err := f.Request(context.Background(), forwarders.Batch{Kind: d.Kind, Events: [][]byte{event}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRead(t *testing.T) {
	const any2xx = "url: https://a.example/"
	tests := map[string]struct {
		settings string
		answer   forwarders.Answer
		want     subfive.Outcome
	}{
		"any 2xx": {any2xx, forwarders.Answer{Status: 204}, subfive.Outcome{Class: subfive.Accepted, HTTP: 204}},
		"a status that is not listed": {
			"{url: https://a.example/, success: {status: [201]}}",
			forwarders.Answer{Status: 200, Body: []byte("fine")},
			subfive.Outcome{Class: subfive.Rejected, HTTP: 200, Code: "not_success", Message: "fine"},
		},
		"a redirect that is a success": {
			"{url: https://a.example/, success: {status: [302]}}",
			forwarders.Answer{Status: 302},
			subfive.Outcome{Class: subfive.Accepted, HTTP: 302},
		},
		"a redirect": {
			any2xx,
			forwarders.Answer{Status: 302, Header: http.Header{"Location": {"https://b.example/p?token=x"}}},
			subfive.Outcome{Class: subfive.Misconfigured, HTTP: 302, Code: "http_302", Message: "it redirects to b.example; put the final address into url"},
		},
		"a redirect to a path": {
			any2xx,
			forwarders.Answer{Status: 308, Header: http.Header{"Location": {"/login?token=x"}}},
			subfive.Outcome{Class: subfive.Misconfigured, HTTP: 308, Code: "http_308", Message: "it redirects to another path; put the final address into url"},
		},
		"a long error": {
			any2xx,
			forwarders.Answer{Status: 400, Body: bytes.Repeat([]byte("x\n"), 1<<10)},
			subfive.Outcome{Class: subfive.Rejected, HTTP: 400, Code: "http_400", Message: strings.TrimSpace(strings.Repeat("x ", 100))},
		},
		"no answer": {
			any2xx,
			forwarders.Answer{Err: io.EOF, Sent: true},
			subfive.Outcome{Class: subfive.Transient, Code: "no_answer", Ambiguous: true},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f, err := newRelay(tt.settings)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(forwarders.Result{All: tt.want}, f.Read(1, tt.answer)); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPresetsAreComplete(t *testing.T) {
	for _, p := range presets() {
		t.Run(p.name, func(t *testing.T) {
			f, err := newRelay("{preset: " + p.name + ", url: https://a.example/postback}")
			if err != nil {
				t.Fatal(err)
			}
			r := request(t, f, subfive.Delivery{EventID: "ev", Conversion: subfive.Conversion{ReceivedClickID: "c1"}})
			if r.Method != http.MethodGet || !strings.Contains(r.URL.RawQuery, "=c1") {
				t.Errorf("request is %s %s, want a GET with the click ID", r.Method, r.URL)
			}
		})
	}
}

// What visitors and networks send must stay inside its place.
func FuzzValuesStayInTheirPlace(f *testing.F) {
	f.Add(`a"b`, "c&d")
	f.Add("{payout}", "\r\nX-Evil: 1")
	f.Add("***k***", "\u2028\x00")
	forwarder, err := newRelay(`{url: 'https://a.example/{event_name}?a={event_name}&b={param.fbclid}&k={secret.k}',
		headers: {X-A: '{param.fbclid}'}, body: '{"a": "{event_name}", "b": {param.fbclid}}', secrets: {k: secret}}`)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, name, fbclid string) {
		name, fbclid = strings.ToValidUTF8(name, "?"), strings.ToValidUTF8(fbclid, "?")
		r := request(t, forwarder, subfive.Delivery{
			EventName: name, EventTime: time.Unix(0, 0),
			Click: &subfive.Click{Params: map[string]string{"fbclid": fbclid}},
		})
		q, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			t.Fatal(err)
		}
		want := url.Values{"a": {name}, "b": {fbclid}, "k": {"***k***"}}
		if diff := cmp.Diff(want, q); diff != "" {
			t.Errorf("query (-want +got):\n%s", diff)
		}
		if strings.ContainsAny(r.Header.Get("X-A"), "\r\n\x00") || len(r.Header) != 2 {
			t.Errorf("headers %q", r.Header)
		}
		var body struct{ A, B *string }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Fatal(err)
		}
		if *body.A != name || body.B != nil && *body.B != fbclid || body.B == nil && fbclid != "" {
			t.Errorf("body holds %v and %v, want %q and %q", *body.A, body.B, name, fbclid)
		}
	})
}

func FuzzSettings(f *testing.F) {
	f.Add("https://a.example/{click_id}?x={payout}", `{"a": {value}}`)
	f.Add("https://a.example/{secret.k}", "{{{}}}")
	f.Fuzz(func(t *testing.T, address, body string) {
		forwarder, err := newForwarder(Config{URL: address, Body: body})
		if err != nil {
			return
		}
		event, err := forwarder.Event(subfive.Delivery{})
		if err != nil {
			t.Fatalf("settings were taken, and nothing can be rendered: %v", err)
		}
		r, err := forwarder.Request(context.Background(), forwarders.Batch{Events: [][]byte{event}})
		if err != nil {
			t.Fatalf("settings were taken, and no request can be made: %v", err)
		}
		if r.URL.Scheme != "https" {
			t.Errorf("scheme is %q", r.URL.Scheme)
		}
	})
}
