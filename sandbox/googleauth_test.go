package sandbox_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"subfive/sandbox"
)

const (
	gaScope    = "https://www.googleapis.com/auth/datamanager"
	gaRedirect = "http://127.0.0.1:53211"
)

var gaVerifier = strings.Repeat("v", 43)

func gaQuestion() url.Values {
	return url.Values{
		"client_id": {sandbox.GoogleClientID}, "redirect_uri": {gaRedirect}, "response_type": {"code"}, "scope": {gaScope},
		"state": {"s1"}, "code_challenge": {oauth2.S256ChallengeFromVerifier(gaVerifier)}, "code_challenge_method": {"S256"},
		"access_type": {"offline"}, "prompt": {"consent"},
	}
}

func gaExchange(code string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "client_id": {sandbox.GoogleClientID}, "client_secret": {sandbox.GoogleClientSecret},
		"code": {code}, "redirect_uri": {gaRedirect}, "code_verifier": {gaVerifier},
	}
}

// gaAsk asks for consent and returns where the browser is sent.
func gaAsk(t *testing.T, h http.Handler, q url.Values) (status int, back url.Values) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, sandbox.GoogleAuthPath+"?"+q.Encode(), nil))
	to, err := url.Parse(w.Header().Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	if w.Code == http.StatusFound && !strings.HasPrefix(to.String(), gaRedirect+"?") {
		t.Errorf("sent to %s", to)
	}
	return w.Code, to.Query()
}

// gaToken asks the token endpoint and returns its answer.
func gaToken(t *testing.T, h http.Handler, q url.Values) (status int, answer map[string]any) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, sandbox.GoogleTokenPath, strings.NewReader(q.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	return w.Code, answer
}

func TestGoogleConsent(t *testing.T) {
	h := sandbox.New(time.Now, sandbox.MetaConfig{}).Handler()
	status, back := gaAsk(t, h, gaQuestion())
	if status != http.StatusFound || back.Get("state") != "s1" || back.Get("code") == "" {
		t.Fatalf("HTTP %d, %v", status, back)
	}
	status, got := gaToken(t, h, gaExchange(back.Get("code")))
	want := map[string]any{"access_token": sandbox.GoogleToken, "refresh_token": sandbox.GoogleRefresh, "expires_in": 3599.0, "token_type": "Bearer", "scope": gaScope}
	if d := cmp.Diff(want, got); d != "" || status != http.StatusOK {
		t.Errorf("HTTP %d:\n%s", status, d)
	}
	if status, got := gaToken(t, h, gaExchange(back.Get("code"))); status != http.StatusBadRequest || got["error"] != "invalid_grant" {
		t.Errorf("a code was taken twice: %d %v", status, got)
	}
	status, got = gaToken(t, h, url.Values{"grant_type": {"refresh_token"}, "client_id": {"c"}, "client_secret": {"s"}, "refresh_token": {sandbox.GoogleRefresh}})
	if status != http.StatusOK || got["access_token"] != sandbox.GoogleToken {
		t.Errorf("the refresh token is of no use: %d %v", status, got)
	}
}

func TestGoogleConsentRefuses(t *testing.T) {
	h := sandbox.New(time.Now, sandbox.MetaConfig{}).Handler()
	for name, change := range map[string]func(url.Values){
		"another client":            func(q url.Values) { q.Set("client_id", "other") },
		"a redirect to elsewhere":   func(q url.Values) { q.Set("redirect_uri", "http://192.0.2.1:80") },
		"a redirect by name":        func(q url.Values) { q.Set("redirect_uri", "http://localhost:80") },
		"a redirect with a query":   func(q url.Values) { q.Set("redirect_uri", gaRedirect+"?x=1") },
		"a redirect without a port": func(q url.Values) { q.Set("redirect_uri", "http://127.0.0.1") },
		"a redirect by https":       func(q url.Values) { q.Set("redirect_uri", "https://127.0.0.1:1") },
		"implicit":                  func(q url.Values) { q.Set("response_type", "token") },
		"another scope":             func(q url.Values) { q.Set("scope", gaScope+" openid") },
		"no scope":                  func(q url.Values) { q.Del("scope") },
		"no state":                  func(q url.Values) { q.Del("state") },
		"no challenge":              func(q url.Values) { q.Del("code_challenge") },
		"a plain challenge":         func(q url.Values) { q.Set("code_challenge_method", "plain") },
		"a short challenge":         func(q url.Values) { q.Set("code_challenge", "abc") },
		"online":                    func(q url.Values) { q.Set("access_type", "online") },
		"no prompt":                 func(q url.Values) { q.Del("prompt") },
		"two states":                func(q url.Values) { q.Add("state", "s2") },
		"an unknown parameter":      func(q url.Values) { q.Set("client_secret", "x") },
	} {
		q := gaQuestion()
		change(q)
		if status, back := gaAsk(t, h, q); status != http.StatusBadRequest || len(back) != 0 {
			t.Errorf("%s: HTTP %d, %v", name, status, back)
		}
	}
}

func TestGoogleExchangeRefuses(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	h := sandbox.New(func() time.Time { return now }, sandbox.MetaConfig{}).Handler()
	tests := map[string]struct {
		change func(url.Values)
		later  time.Duration
		code   string
	}{
		"another client":      {func(q url.Values) { q.Set("client_id", "other") }, 0, "invalid_client"},
		"a wrong secret":      {func(q url.Values) { q.Set("client_secret", "other") }, 0, "invalid_client"},
		"another redirect":    {func(q url.Values) { q.Set("redirect_uri", "http://127.0.0.1:1") }, 0, "redirect_uri_mismatch"},
		"another verifier":    {func(q url.Values) { q.Set("code_verifier", strings.Repeat("w", 43)) }, 0, "invalid_grant"},
		"no verifier":         {func(q url.Values) { q.Del("code_verifier") }, 0, "invalid_grant"},
		"no code":             {func(q url.Values) { q.Del("code") }, 0, "invalid_grant"},
		"too late":            {func(url.Values) {}, 10 * time.Minute, "invalid_grant"},
		"another grant":       {func(q url.Values) { q.Set("grant_type", "password") }, 0, "unsupported_grant_type"},
		"just in time, right": {func(url.Values) {}, 10*time.Minute - 1, ""},
	}
	for name, tt := range tests {
		_, back := gaAsk(t, h, gaQuestion())
		q := gaExchange(back.Get("code"))
		tt.change(q)
		now = now.Add(tt.later)
		status, got := gaToken(t, h, q)
		if code, _ := got["error"].(string); code != tt.code || (status == http.StatusOK) != (tt.code == "") {
			t.Errorf("%s: HTTP %d %v, want %q", name, status, got, tt.code)
		}
	}
}

func TestGoogleConsentSwitch(t *testing.T) {
	h := sandbox.New(time.Now, sandbox.MetaConfig{}).Handler()
	set := func(body string) int {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/_sandbox/google/consent", strings.NewReader(body)))
		return w.Code
	}
	if status := set(`{"consent":"maybe"}`); status != http.StatusBadRequest {
		t.Errorf("an unknown consent: HTTP %d", status)
	}
	if status := set(`{"consent":"deny"}`); status != http.StatusOK {
		t.Fatalf("HTTP %d", status)
	}
	if _, back := gaAsk(t, h, gaQuestion()); back.Get("error") != "access_denied" || back.Get("state") != "s1" || back.Has("code") {
		t.Errorf("denied: %v", back)
	}
	if status := set(`{"consent":"allow_again"}`); status != http.StatusOK {
		t.Fatalf("HTTP %d", status)
	}
	_, back := gaAsk(t, h, gaQuestion())
	if _, got := gaToken(t, h, gaExchange(back.Get("code"))); got["access_token"] == nil || got["refresh_token"] != nil {
		t.Errorf("allowed again: %v", got)
	}
}
