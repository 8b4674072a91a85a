package sandbox

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// The OAuth client that the consent stand-in knows, and where it asks.
const (
	GoogleClientID     = "sandbox-client.apps.googleusercontent.com"
	GoogleClientSecret = "sandbox-client-secret"
	GoogleAuthPath     = "/google/auth"
)

// codeLife is how long a code may be exchanged.
const codeLife = 10 * time.Minute

// Consent is what the person at the consent screen does.
type Consent string

// The consents.
const (
	ConsentAllow Consent = "allow"
	ConsentDeny  Consent = "deny"
	// ConsentAgain allows, and Google gives no refresh token: it did so before.
	ConsentAgain Consent = "allow_again"
	// ConsentLess allows the first of the scopes alone, as a person may who
	// leaves boxes unticked.
	ConsentLess Consent = "allow_less"
)

// GoogleAuth stands in for Google's consent screen and for the exchange of its
// codes; refresh tokens are [Google]'s concern. It consents by itself.
//
// It refuses what is only unwise, too: a login without PKCE or state, one that
// would bring no refresh token, a redirect to another machine.
type GoogleAuth struct {
	google *Google

	mu      sync.Mutex
	consent Consent
	codes   map[string]googleCode
}

// googleCode is a code that was given out.
type googleCode struct {
	redirect, challenge, scope string
	refresh                    bool
	until                      time.Time
}

// NewGoogleAuth returns a consent screen that allows, before a stand-in whose
// tokens it gives out.
func NewGoogleAuth(g *Google) *GoogleAuth {
	return &GoogleAuth{google: g, consent: ConsentAllow, codes: map[string]googleCode{}}
}

// SetConsent says what the person does from now on.
func (s *GoogleAuth) SetConsent(c Consent) error {
	if !slices.Contains([]Consent{ConsentAllow, ConsentDeny, ConsentAgain, ConsentLess}, c) {
		return fmt.Errorf("consent %q is none of %s, %s, %s, %s", string(c), ConsentAllow, ConsentDeny, ConsentAgain, ConsentLess)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.consent = c
	return nil
}

// googleAuthIndex is its part of the index; the address goes into it.
const googleAuthIndex = `
Google's consent screen, for subfive google login
  --auth-url %[1]s/google/auth --token-url %[1]s/google/token
  client_id %[2]s, client_secret %[3]s
  POST /_sandbox/google/consent   {"consent":"deny"}: or allow, allow_again (no refresh token), allow_less (one scope)
`

// routes adds the screen, its switch, and the exchange before the token
// endpoint that is there.
func (s *GoogleAuth) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+GoogleAuthPath, s.ask)
	mux.HandleFunc("POST "+GoogleTokenPath, s.exchange)
	mux.HandleFunc("POST /_sandbox/google/consent", func(w http.ResponseWriter, r *http.Request) {
		var v struct {
			Consent Consent `json:"consent"`
		}
		err := readControl(w, r, &v)
		if err == nil {
			err = s.SetConsent(v.Consent)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		writeJSON(w, v)
	})
}

// ask is the screen: it answers for the person, at once. A request that is wrong
// is refused here and never sent back to the client.
func (s *GoogleAuth) ask(w http.ResponseWriter, r *http.Request) {
	q, problem := readAuthorization(r.URL.RawQuery)
	if problem != "" {
		http.Error(w, "Access blocked: "+problem, http.StatusBadRequest)
		return
	}
	back := url.Values{"state": {q.Get("state")}}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.consent == ConsentDeny {
		back.Set("error", "access_denied")
	} else {
		code := googleCode{
			redirect: q.Get("redirect_uri"), challenge: q.Get("code_challenge"), scope: q.Get("scope"),
			refresh: s.consent != ConsentAgain, until: s.google.now().Add(codeLife),
		}
		if s.consent == ConsentLess {
			code.scope, _, _ = strings.Cut(code.scope, " ")
		}
		name := "4/" + rand.Text()
		s.codes[name] = code
		back.Set("code", name)
		back.Set("scope", code.scope)
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
}

// readAuthorization reads an authorization request and says what is wrong.
func readAuthorization(raw string) (q url.Values, problem string) {
	q, err := url.ParseQuery(raw)
	if err != nil {
		return nil, "invalid_request: the query can't be read"
	}
	known := []string{"client_id", "redirect_uri", "response_type", "scope", "state", "code_challenge", "code_challenge_method", "access_type", "prompt"}
	for name, values := range q {
		if !slices.Contains(known, name) || len(values) != 1 || values[0] == "" {
			return nil, fmt.Sprintf("invalid_request: parameter %q is not known, empty or there twice", name)
		}
	}
	switch {
	case q.Get("client_id") != GoogleClientID:
		return nil, "invalid_client: the OAuth client was not found"
	case !loopbackRedirect(q.Get("redirect_uri")):
		return nil, "redirect_uri_mismatch: a desktop client comes back to http://127.0.0.1:port"
	case q.Get("response_type") != "code":
		return nil, "unsupported_response_type"
	case !knownScopes(q.Get("scope")):
		return nil, "invalid_scope"
	case q.Get("state") == "":
		return nil, "invalid_request: no state: a foreign answer could not be told"
	case q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != base64.RawURLEncoding.EncodedLen(sha256.Size):
		return nil, "invalid_request: no code_challenge by S256"
	case q.Get("access_type") != "offline" || q.Get("prompt") != "consent":
		return nil, "invalid_request: access_type offline and prompt consent are missing: there might be no refresh token"
	}
	return q, ""
}

func loopbackRedirect(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Port() == "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return ip != nil && ip.IsLoopback()
}

func knownScopes(scopes string) bool {
	all := strings.Split(scopes, " ")
	for _, scope := range all {
		if scope != googleScope && scope != googleAdsScope {
			return false
		}
	}
	return len(all) <= 2
}

// exchange changes a code into tokens, once; all else is the token endpoint's.
func (s *GoogleAuth) exchange(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	q, err := url.ParseQuery(string(body))
	if err != nil || q.Get("grant_type") != "authorization_code" {
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.google.ServeHTTP(w, r)
		return
	}
	code, status, problem := s.redeem(q)
	if problem != "" {
		writeRaw(w, status, fmt.Appendf(nil, `{"error":%q,"error_description":"Bad Request"}`, problem))
		return
	}
	answer := map[string]any{"access_token": s.google.currentToken(), "expires_in": 3599, "token_type": "Bearer", "scope": code.scope}
	if code.refresh {
		answer["refresh_token"] = GoogleRefresh
	}
	b, err := json.Marshal(answer)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	writeRaw(w, http.StatusOK, b)
}

// redeem uses a code up, whoever presents it.
func (s *GoogleAuth) redeem(q url.Values) (code googleCode, status int, problem string) {
	if q.Get("client_id") != GoogleClientID || q.Get("client_secret") != GoogleClientSecret {
		return code, http.StatusUnauthorized, "invalid_client"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	code, ok := s.codes[q.Get("code")]
	delete(s.codes, q.Get("code"))
	sum := sha256.Sum256([]byte(q.Get("code_verifier")))
	switch {
	case !ok || !s.google.now().Before(code.until):
		problem = "invalid_grant"
	case q.Get("redirect_uri") != code.redirect:
		problem = "redirect_uri_mismatch"
	case len(q.Get("code_verifier")) < 43 || base64.RawURLEncoding.EncodeToString(sum[:]) != code.challenge:
		problem = "invalid_grant"
	}
	return code, http.StatusBadRequest, problem
}
