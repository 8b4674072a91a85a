package receiver_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

// asked sends one request and returns what was recorded of it, Raw opened.
func asked(t *testing.T, r *http.Request) subfive.Request {
	t.Helper()
	j := &journal{}
	if w := do(serve(config(j)), r); w.Code != http.StatusOK {
		t.Errorf("answered %d, want 200", w.Code)
	}
	records := j.records()
	if len(records) != 1 || records[0].Postback == nil {
		t.Fatalf("recorded %+v, want one postback", records)
	}
	req := records[0].Postback.Request
	req.Raw = open(t, req.Raw)
	return req
}

func TestRequestIsKept(t *testing.T) {
	r := post("/s3cret/postback?a=1&email=a@b.c", "application/x-www-form-urlencoded", "subid=X&key=s3cret")
	r.Header.Set("User-Agent", "Go-http\xff")
	r.Header.Set("Authorization", "Bearer t")
	r.Header.Set("Cookie", "a=b")
	r.Header.Set("Referer", "https://lp.example.com/?email=a%40b.c")
	r.RemoteAddr = "203.0.113.9:4242"
	want := subfive.Request{
		Method: "POST", Scheme: "http", Host: "example.com", Path: "/***/postback",
		Raw:    "a=1&email=a@b.c\nsubid=X&key=s3cret",
		Params: []subfive.Param{{Name: "a", Value: "1"}, {Name: "email", Value: "***"}, {Name: "subid", Value: "X"}, {Name: "key", Value: "***"}},
		Headers: map[string]string{
			"Content-Type": "application/x-www-form-urlencoded", "Referer": "https://lp.example.com/?***",
		},
		ClientAddr: "203.0.113.9", UserAgent: "Go-http%FF",
	}
	if diff := cmp.Diff(want, asked(t, r)); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestParams(t *testing.T) {
	tests := map[string]struct {
		query string
		want  []subfive.Param
	}{
		"decoded once":                    {"a=%2541&b=%41", pairs("a", "%41", "b", "A")},
		"plus is a space":                 {"a=1+2%2B3", pairs("a", "1 2+3")},
		"repeated keys in their order":    {"a=2&b=&a=1", pairs("a", "2", "b", "", "a", "1")},
		"bad escapes stay":                {"a=100%&b=%zz&c=%4", pairs("a", "100%", "b", "%zz", "c", "%4")},
		"not UTF-8 stays encoded":         {"a=%ff+%41&b=%C3%A9", pairs("a", "%ff+%41", "b", "é")},
		"raw bytes not UTF-8 are encoded": {"a=\xff\x41&\xfe=1", pairs("a", "%FFA", "%FE", "1")},
		"NUL stays encoded":               {"a=x%00", pairs("a", "x%00")},
		"empty pieces":                    {"&&a=1&&&b=2&", pairs("a", "1", "b", "2")},
		"HTML's ampersand":                {"a=1&amp;payout=2&AMP;c=3", pairs("a", "1", "payout", "2", "c", "3")},
		"a second question mark":          {"a=1?payout=2", pairs("a", "1", "payout", "2")},
		"question marks in front":         {"??a=1", pairs("a", "1")},
		"a question mark in a value":      {"a=what?b=2", pairs("a", "what?b=2")},
		"many question marks":             {"a=1???payout=2", pairs("a", "1", "payout", "2")},
		"semicolons between known names":  {"click_id=1;payout=2", pairs("click_id", "1", "payout", "2")},
		"semicolons in a value":           {"ua=X11; Linux;b=1", pairs("ua", "X11; Linux;b=1")},
		"space around names, not values":  {"%20a%0A=+1+", pairs("a", " 1 ")},
		"no name, no value":               {"=x&y", pairs("", "x", "y", "")},
		"equals in a value":               {"a=b=c", pairs("a", "b=c")},
		"user data inside a link": {
			"u=https%3A%2F%2Fx%2F%3Femail%3Da%40b.c&v=/%3Fq=1", pairs("u", "https://x/?***", "v", "/?q=1"),
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := get("/conversion")
			r.URL.RawQuery = tt.query
			if diff := cmp.Diff(tt.want, asked(t, r).Params); diff != "" {
				t.Errorf("params (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBodies(t *testing.T) {
	const form = "multipart/form-data; boundary=B"
	tests := map[string]struct {
		contentType, body string
		want              []subfive.Param
		malformed         bool
	}{
		"form":             {"application/x-www-form-urlencoded", "cid=1&x=%41", pairs("cid", "1", "x", "A"), false},
		"form by no name":  {"", "cid=1", pairs("cid", "1"), false},
		"odd content type": {"text/plain; ;;", "cid=1\r\n", pairs("cid", "1"), false},
		"JSON's scalars": {
			"application/json", `{"cid":"a%41","payout":1.50,"ok":true,"no":null,"deep":{"x":1},"l":[1]}`,
			pairs("cid", "a%41", "payout", "1.50", "ok", "true", "no", ""), false,
		},
		"JSON by its look": {"", ` {"cid":"1"}`, pairs("cid", "1"), false},
		"JSON cut off":     {"application/json", `{"cid":"1","payout":`, pairs("cid", "1"), true},
		"JSON but a list":  {"application/json", `["cid"]`, nil, true},
		"JSON unclosed":    {"application/json", `{"cid":"1"`, pairs("cid", "1"), true},
		"only white space": {"application/json", " \r\n", nil, false},
		"form with a file": {form, "--B\r\nContent-Disposition: form-data; name=cid\r\n\r\n1\r\n--B\r\nContent-Disposition: form-data; name=f; filename=x\r\n\r\nzz\r\n--B--\r\n", pairs("cid", "1"), false},
		"form cut off":     {form, "--B\r\nContent-Disposition: form-data; name=cid\r\n\r\n1", pairs("cid", "1"), true},
		"form not bounded": {"multipart/form-data", "--B\r\n", nil, true},
		"longer than it may be": {
			"text/plain", "cid=" + strings.Repeat("a", 70_000), pairs("cid", strings.Repeat("a", 64<<10-4)), true,
		},
		"more than it may be": {"", strings.Repeat("a=1&", 1001), manyParams(1000), true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			req := asked(t, post("/conversion", tt.contentType, tt.body))
			if diff := cmp.Diff(tt.want, req.Params); diff != "" {
				t.Errorf("params (-want +got):\n%s", diff)
			}
			if kept := min(len(tt.body), 64<<10); req.Raw != "\n"+tt.body[:kept] {
				t.Errorf("raw = %.80q", req.Raw)
			}
			got := told(t, post("/conversion", tt.contentType, tt.body)).Reading
			if (got == subfive.ReadingMalformed) != tt.malformed {
				t.Errorf("reading %q, malformed should be %t", got, tt.malformed)
			}
		})
	}
}

// pairs returns parameters of these names and values.
func pairs(namesAndValues ...string) []subfive.Param {
	var all []subfive.Param
	for i := 0; i < len(namesAndValues); i += 2 {
		all = append(all, subfive.Param{Name: namesAndValues[i], Value: namesAndValues[i+1]})
	}
	return all
}

func manyParams(n int) []subfive.Param {
	all := make([]subfive.Param, n)
	for i := range all {
		all[i] = subfive.Param{Name: "a", Value: "1"}
	}
	return all
}

func TestClientAddress(t *testing.T) {
	tests := map[string]struct {
		remote string
		header map[string]string
		want   string
	}{
		"the connection":                 {"203.0.113.9:80", nil, "203.0.113.9"},
		"nobody's word but a proxy's":    {"203.0.113.9:80", map[string]string{"X-Forwarded-For": "1.1.1.1"}, "203.0.113.9"},
		"a trusted proxy":                {"10.0.0.1:80", map[string]string{"X-Forwarded-For": "1.1.1.1"}, "1.1.1.1"},
		"rightmost that is no proxy":     {"10.0.0.1:80", map[string]string{"X-Forwarded-For": "6.6.6.6, 1.1.1.1, 10.0.0.2"}, "1.1.1.1"},
		"all are proxies":                {"10.0.0.1:80", map[string]string{"X-Forwarded-For": "10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		"with a port":                    {"10.0.0.1:80", map[string]string{"X-Forwarded-For": "1.1.1.1:5555"}, "1.1.1.1"},
		"IPv6 with brackets and port":    {"10.0.0.1:80", map[string]string{"X-Forwarded-For": "[2001:db8::1]:5555"}, "2001:db8::1"},
		"IPv6 in brackets":               {"10.0.0.1:80", map[string]string{"X-Forwarded-For": `"[2001:db8::1]"`}, "2001:db8::1"},
		"IPv6 with a zone":               {"[fe80::1%eth0]:80", nil, "fe80::1"},
		"IPv4 written as IPv6":           {"[::ffff:10.0.0.1]:80", map[string]string{"X-Forwarded-For": "::ffff:1.1.1.1"}, "1.1.1.1"},
		"garbage ends what is believed":  {"10.0.0.1:80", map[string]string{"X-Forwarded-For": "1.1.1.1, unknown, 10.0.0.2"}, "10.0.0.2"},
		"another header":                 {"10.0.0.1:80", map[string]string{"X-Real-Ip": "1.1.1.1"}, "1.1.1.1"},
		"Cloudflare's":                   {"10.0.0.1:80", map[string]string{"Cf-Connecting-Ip": "1.1.1.1"}, "1.1.1.1"},
		"a proxy that says nothing":      {"10.0.0.1:80", map[string]string{"X-Real-Ip": "?"}, "10.0.0.1"},
		"a connection without addresses": {"@", map[string]string{"X-Forwarded-For": "1.1.1.1"}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := get("/conversion?cid=1")
			r.RemoteAddr = tt.remote
			for k, v := range tt.header {
				r.Header.Set(k, v)
			}
			if got := asked(t, r).ClientAddr; got != tt.want {
				t.Errorf("client %q, want %q", got, tt.want)
			}
		})
	}
}

func TestSchemeIsTheClients(t *testing.T) {
	tests := map[string]struct {
		remote, proto, want string
	}{
		"plain":                   {"203.0.113.9:80", "", "http"},
		"a trusted proxy's word":  {"10.0.0.1:80", "https, http", "https"},
		"not anybody's word":      {"203.0.113.9:80", "https", "http"},
		"a proxy that had it not": {"10.0.0.1:80", "http", "http"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := get("/conversion?cid=1")
			r.RemoteAddr = tt.remote
			r.Header.Set("X-Forwarded-Proto", tt.proto)
			if got := asked(t, r).Scheme; got != tt.want {
				t.Errorf("scheme %q, want %q", got, tt.want)
			}
		})
	}
}
