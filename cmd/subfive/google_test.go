package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"subfive"
	"subfive/sandbox"
	"subfive/store"
)

// invitation is where a login writes: it finds the address to open.
type invitation struct {
	bytes.Buffer
	url chan string
}

func (i *invitation) Write(p []byte) (int, error) {
	n, err := i.Buffer.Write(p)
	for _, word := range strings.Fields(string(p)) {
		if strings.HasPrefix(word, "http") {
			i.url <- word
		}
	}
	return n, err
}

// consentScreen serves the stand-ins.
func consentScreen(t *testing.T, person sandbox.Consent) (*sandbox.Server, string) {
	t.Helper()
	s := sandbox.New(noon, sandbox.MetaConfig{})
	if err := s.GoogleAuth.SetConsent(person); err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s.Handler())
	t.Cleanup(web.Close)
	return s, web.URL
}

// get is the browser: it follows redirects, and returns the last page.
func get(t *testing.T, url string) (status int, page string) {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(b)
}

// login runs a login whose browser does as told, and returns all it wrote.
func login(t *testing.T, site string, browser func(address string), args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out bytes.Buffer
	in := &invitation{url: make(chan string, 10)}
	a := newApp(&out, in)
	a.env = func(string) (string, bool) { return "", false }
	root := newRoot(a)
	root.SetArgs(append([]string{
		"google", "login", "--no-browser", "--auth-url", site + sandbox.GoogleAuthPath, "--token-url", site + sandbox.GoogleTokenPath,
	}, args...))
	ended := make(chan error, 1)
	go func() { ended <- root.ExecuteContext(t.Context()) }()
	select {
	case address := <-in.url:
		browser(address)
		err = <-ended
	case err = <-ended:
	}
	return out.String(), in.String(), err
}

func client() []string {
	return []string{"--client-id", sandbox.GoogleClientID, "--client-secret", sandbox.GoogleClientSecret}
}

func TestGoogleLogin(t *testing.T) {
	const data, ads = "https://www.googleapis.com/auth/datamanager", "https://www.googleapis.com/auth/adwords"
	for api, scopes := range map[string]string{"": data, "data_manager": data, "google_ads": ads, "both": data + " " + ads} {
		t.Run(api, func(t *testing.T) {
			_, site := consentScreen(t, sandbox.ConsentAllow)
			args := client()
			if api != "" {
				args = append(args, "--api", api)
			}
			var asked url.Values
			stdout, stderr, err := login(t, site, func(address string) {
				u, err := url.Parse(address)
				if err != nil {
					t.Error(err)
				}
				asked = u.Query()
				status, page := get(t, address)
				if status != http.StatusOK || !strings.Contains(page, "You can close this page") || strings.Contains(page, sandbox.GoogleRefresh) {
					t.Errorf("HTTP %d, page %s", status, page)
				}
			}, args...)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff("GOOGLE_REFRESH_TOKEN="+sandbox.GoogleRefresh+"\n", stdout); d != "" {
				t.Error(d)
			}
			for _, secret := range []string{sandbox.GoogleRefresh, sandbox.GoogleClientSecret, sandbox.GoogleToken} {
				if strings.Contains(stderr, secret) {
					t.Errorf("standard error has %s:\n%s", secret, stderr)
				}
			}
			if !strings.Contains(stderr, "refresh_token: ${GOOGLE_REFRESH_TOKEN}") || !strings.Contains(stderr, "7 days") {
				t.Errorf("it does not say what to do with it:\n%s", stderr)
			}
			if asked.Get("scope") != scopes || asked.Get("redirect_uri") == "" || !strings.HasPrefix(asked.Get("redirect_uri"), "http://127.0.0.1:") {
				t.Errorf("asked for %v", asked)
			}
		})
	}
}

// What goes wrong has one line that says what to do; no token is printed.
func TestGoogleLoginFails(t *testing.T) {
	open := func(t *testing.T) func(string) { return func(address string) { get(t, address) } }
	// back answers in Google's place.
	back := func(t *testing.T, answer url.Values) func(string) {
		return func(address string) {
			u, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			answer.Set("state", u.Query().Get("state"))
			get(t, u.Query().Get("redirect_uri")+"/?"+answer.Encode())
		}
	}
	tests := map[string]struct {
		person  sandbox.Consent
		browser func(t *testing.T) func(string)
		args    []string
		says    string
	}{
		"declined":             {sandbox.ConsentDeny, open, nil, "access_denied: consent was declined"},
		"consented before":     {sandbox.ConsentAgain, open, nil, "https://myaccount.google.com/connections"},
		"a box left unticked":  {sandbox.ConsentLess, open, []string{"--api", "both"}, "consent lacks https://www.googleapis.com/auth/adwords"},
		"a wrong secret":       {sandbox.ConsentAllow, open, []string{"--client-secret", "other"}, "invalid_client"},
		"nobody opens it":      {sandbox.ConsentAllow, func(*testing.T) func(string) { return func(string) {} }, []string{"--timeout", "20ms"}, "nobody consented within 20ms"},
		"a code of nobody":     {sandbox.ConsentAllow, func(t *testing.T) func(string) { return back(t, url.Values{"code": {"4/none"}}) }, nil, "invalid_grant"},
		"no code":              {sandbox.ConsentAllow, func(t *testing.T) func(string) { return back(t, url.Values{}) }, nil, "neither a code nor an error"},
		"another error":        {sandbox.ConsentAllow, func(t *testing.T) func(string) { return back(t, url.Values{"error": {"org_internal\x1b[31m"}}) }, nil, `org_internal\x1b[31m`},
		"no token endpoint":    {sandbox.ConsentAllow, open, []string{"--token-url", "http://127.0.0.1:1/token"}, "get the token: dial tcp 127.0.0.1:1"},
		"not a token endpoint": {sandbox.ConsentAllow, open, []string{"--token-url", "SITE/_sandbox/nothing"}, "HTTP 404"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, site := consentScreen(t, tt.person)
			args := client()
			for _, arg := range tt.args {
				args = append(args, strings.Replace(arg, "SITE", site, 1))
			}
			stdout, stderr, err := login(t, site, tt.browser(t), args...)
			if err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want one line with %q", err, tt.says)
			}
			if stdout != "" || strings.Contains(stderr, sandbox.GoogleRefresh) {
				t.Errorf("wrote %q and %q", stdout, stderr)
			}
		})
	}
}

// What any page in the browser can ask of the address ends no login, and a
// second answer brings no second token.
func TestGoogleLoginTellsForeignAnswers(t *testing.T) {
	s, site := consentScreen(t, sandbox.ConsentAllow)
	stdout, stderr, err := login(t, site, func(address string) {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		home := u.Query().Get("redirect_uri")
		for path, want := range map[string]int{
			"/?state=other&code=4%2Fstolen": http.StatusBadRequest,
			"/?error=access_denied":         http.StatusBadRequest,
			"/favicon.ico":                  http.StatusNotFound,
			"/other?" + u.RawQuery:          http.StatusNotFound,
		} {
			if status, page := get(t, home+path); status != want {
				t.Errorf("%s: HTTP %d: %s", path, status, page)
			}
		}
		get(t, address)
	}, client()...)
	if err != nil || !strings.Contains(stdout, sandbox.GoogleRefresh) || strings.Count(stderr, "another login") != 2 {
		t.Errorf("%v, %q, %q", err, stdout, stderr)
	}
	if n := len(s.Google.Requests()); n != 0 {
		t.Errorf("%d requests went to the API", n)
	}
}

// A second answer to the same login is told so.
func TestGoogleCallbackOnce(t *testing.T) {
	_, site := consentScreen(t, sandbox.ConsentDeny)
	b := newCallback(&oauth2.Config{Endpoint: oauth2.Endpoint{AuthURL: site, TokenURL: site}}, io.Discard)
	for _, want := range []int{http.StatusBadRequest, http.StatusConflict} {
		w := httptest.NewRecorder()
		b.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/?error=access_denied&state="+b.state, nil))
		if w.Code != want || w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("HTTP %d, want %d; %v", w.Code, want, w.Header())
		}
	}
	if got := <-b.done; got.err == nil || got.token != "" {
		t.Errorf("result %+v", got)
	}
}

func TestGoogleLoginUsage(t *testing.T) {
	var lc net.ListenConfig
	taken, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	c := newCommands(t)
	c.with(func(s session, a *app) error {
		made := func(id, platform, settings string) store.ResourceChange {
			d := subfive.Destination{ID: id, Platform: platform, Mode: subfive.ModeDryRun, Settings: settings}
			return store.ResourceChange{Kind: store.KindDestination, ID: id, Value: d, Origin: store.OriginAPI}
		}
		return s.Apply(t.Context(), "ann", []store.ResourceChange{
			made("google-main", "google", "customer_id: \"1\"\nconversion_action_id: \"2\"\ncredentials: {client_id: c, client_secret: \"${SECRET_OF_NOBODY}\", refresh_token: x}\n"),
		}, a.now())
	})
	full := " --client-id c --client-secret s"
	tests := map[string]struct {
		status int
		says   string
	}{
		"google":                                                {exitUsage, "subfive google login"},
		"google logout":                                         {exitUsage, "google"},
		"google login":                                          {exitUsage, "--client-secret"},
		"google login --client-id c":                            {exitUsage, "--client-secret"},
		"google login now":                                      {exitUsage, "flags only"},
		"google login --api ads" + full:                         {exitUsage, "one of data_manager"},
		"google login --listen 0.0.0.0:80" + full:               {exitUsage, "loopback"},
		"google login --listen example.com:80" + full:           {exitUsage, "loopback"},
		"google login --listen 8080" + full:                     {exitUsage, "127.0.0.1:0"},
		"google login --timeout 0s" + full:                      {exitUsage, "--timeout"},
		"google login --destination nobody":                     {exitUsage, "subfive destinations"},
		"google login --destination hook":                       {exitUsage, "not on google"},
		"google login --destination google-main":                {exitFailed, "SECRET_OF_NOBODY"},
		"google login --listen " + taken.Addr().String() + full: {exitFailed, "free port"},
	}
	for args, tt := range tests {
		t.Run(args, func(t *testing.T) {
			stdout, stderr := c.run(tt.status, strings.Fields(args)...)
			if stdout != "" || !strings.Contains(stderr, tt.says) || strings.Count(stderr, "\n") != 1 {
				t.Errorf("wrote %q and %q, want one line with %q", stdout, stderr, tt.says)
			}
		})
	}
	c.env["SECRET_OF_NOBODY"] = "s"
	stdout, stderr := c.run(exitFailed, "google", "login", "--destination", "google-main", "--timeout", "1ms", "--no-browser")
	if stdout != "" || !strings.Contains(stderr, "client_id=c&") || !strings.Contains(stderr, "nobody consented") {
		t.Errorf("with the destination's client: %q and %q", stdout, stderr)
	}
}

// The browser is opened for a person at a terminal, and for nobody else.
func TestGoogleLoginInvites(t *testing.T) {
	opened := 0
	l := googleLogin{clientID: "c", clientSecret: "s", api: apiDataManager, listen: "127.0.0.1:0", timeout: time.Millisecond, stderr: io.Discard, browse: func(string) error {
		opened++
		return nil
	}}
	if _, err := l.run(context.Background()); err == nil || opened != 0 {
		t.Errorf("%v, opened %d", err, opened)
	}
}
