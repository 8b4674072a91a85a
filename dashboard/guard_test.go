package dashboard

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestToken(t *testing.T) {
	missing := problem{401, "no bearer token was sent", "send the header Authorization: Bearer TOKEN, where TOKEN is admin.token of the tracker's file"}
	wrong := problem{401, "the token is not the right one", "send admin.token of the tracker's file; it is read when the tracker starts"}
	closed := problem{
		401, "no token is set, so the API is closed",
		"set admin.token in the file, or SUBFIVE_ADMIN_TOKEN, and restart; one to use: openssl rand -hex 32",
	}
	const challenge, invalid = `Bearer realm="subfive"`, `Bearer realm="subfive", error="invalid_token"`
	tests := map[string]struct {
		configured, header string
		want               problem // zero: let in
		challenge          string
	}{
		"right":                      {adminToken, "Bearer " + adminToken, problem{}, ""},
		"scheme in lower case":       {adminToken, "bearer " + adminToken, problem{}, ""},
		"spaces around it":           {adminToken, "Bearer   " + adminToken + " ", problem{}, ""},
		"none":                       {adminToken, "", missing, challenge},
		"another scheme":             {adminToken, "Basic " + adminToken, missing, challenge},
		"the token alone":            {adminToken, adminToken, missing, challenge},
		"empty":                      {adminToken, "Bearer ", wrong, invalid},
		"wrong":                      {adminToken, "Bearer wrong", wrong, invalid},
		"begins like it":             {adminToken, "Bearer " + adminToken[:5], wrong, invalid},
		"longer than it":             {adminToken, "Bearer " + adminToken + "x", wrong, invalid},
		"in capitals":                {adminToken, "Bearer S3CRET-TOKEN", wrong, invalid},
		"none set, none sent":        {"", "", closed, ""},
		"none set, an empty one":     {"", "Bearer ", closed, ""},
		"none set, some":             {"", "Bearer x", closed, ""},
		"blank set, an empty one":    {"  ", "Bearer   ", closed, ""},
		"blank set, the same blanks": {"  ", "Bearer \u00a0", closed, ""},
	}
	paths := []*http.Request{
		request("GET", "/metrics", ""),
		request("GET", "/api/v1/openapi.json", ""),
		request("GET", "/api/v1/clicks", ""),
		request("GET", "/api/v1/clicks/x", ""),
		request("POST", "/api/v1/destinations/x/resume", ""),
		request("GET", "/api/v1/nowhere", ""),
		request("DELETE", "/api/v1/clicks", ""),
	}
	for name, tt := range tests {
		for _, r := range paths {
			t.Run(name+" "+r.Method+r.URL.Path, func(t *testing.T) {
				b := &backend{value: map[string]any{"destination_id": "x"}}
				opened, _ := open(b)
				cfg := opened.cfg
				cfg.Token = tt.configured
				d := New(cfg)
				again := request(r.Method, r.URL.Path, "")
				again.Header.Set("Authorization", tt.header)
				w := ask(t, d, again)
				if tt.want == (problem{}) {
					if w.Code == http.StatusUnauthorized {
						t.Errorf("%d %s", w.Code, w.Body)
					}
					return
				}
				refused(t, w, tt.want)
				if got := w.Header().Get("WWW-Authenticate"); got != tt.challenge {
					t.Errorf("challenge %q, want %q", got, tt.challenge)
				}
				if len(b.calls) > 0 {
					t.Errorf("calls %v", b.calls)
				}
			})
		}
	}
}

func TestMetrics(t *testing.T) {
	d, _ := open(&backend{})
	w := ask(t, d, request("GET", "/metrics?collect[]=a", ""))
	if diff := cmp.Diff(answered{200, "subfive_unmatched 0"}, whole(w.Code, w.Body.String())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPathsThatAreNone(t *testing.T) {
	nothing := problem{404, "there is nothing at this path", "see /api/v1/openapi.json for what there is"}
	tests := map[string]struct {
		method, path string
		want         problem
		allow        string
	}{
		"unknown":            {"GET", "/api/v1/affiliates", nothing, ""},
		"root":               {"GET", "/", nothing, ""},
		"slash at the end":   {"GET", "/api/v1/clicks/", nothing, ""},
		"unknown action":     {"POST", "/api/v1/postbacks/pb_1/delete", nothing, ""},
		"another's action":   {"POST", "/api/v1/clicks/x/settle", nothing, ""},
		"delete a list":      {"DELETE", "/api/v1/clicks", problem{405, "this path does not take DELETE", "use GET"}, "GET"},
		"post a mode":        {"POST", "/api/v1/destinations/x/mode", problem{405, "this path does not take POST", "use PUT"}, "PUT"},
		"get a replay":       {"GET", "/api/v1/replays", problem{405, "this path does not take GET", "use POST"}, "POST"},
		"get settles nobody": {"GET", "/api/v1/postbacks/x/settle", problem{405, "this path does not take GET", "use POST"}, "POST"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := &backend{}
			d, _ := open(b)
			w := ask(t, d, request(tt.method, tt.path, ""))
			refused(t, w, tt.want)
			if got := w.Header().Get("Allow"); got != tt.allow {
				t.Errorf("Allow %q, want %q", got, tt.allow)
			}
			if len(b.calls) > 0 {
				t.Errorf("calls %v", b.calls)
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	stranger := request("GET", "/api/v1/clicks", "")
	stranger.Header.Del("Authorization")
	for name, r := range map[string]*http.Request{
		"answer":     request("GET", "/api/v1/clicks", ""),
		"stranger":   stranger,
		"no route":   request("GET", "/x", ""),
		"document":   request("GET", "/api/v1/openapi.json", ""),
		"bad method": request("PATCH", "/api/v1/clicks", ""),
	} {
		t.Run(name, func(t *testing.T) {
			d, _ := open(&backend{})
			got := ask(t, d, r).Header()
			got.Del("Allow")
			got.Del("Content-Length")
			got.Del("WWW-Authenticate")
			want := http.Header{
				"Cache-Control":                {"no-store"},
				"Content-Security-Policy":      {"default-src 'none'; frame-ancestors 'none'"},
				"Content-Type":                 {"application/json"},
				"Cross-Origin-Resource-Policy": {"same-origin"},
				"Referrer-Policy":              {"no-referrer"},
				"X-Content-Type-Options":       {"nosniff"},
				"X-Frame-Options":              {"DENY"},
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
