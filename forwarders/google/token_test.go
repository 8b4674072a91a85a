package google

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/oauth2"

	"subfive"
	"subfive/forwarders/forwardertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// endpoint is a token endpoint that numbers its tokens.
type endpoint struct {
	*httptest.Server
	mu    sync.Mutex
	forms []map[string][]string
	// status and body are an answer instead of a token.
	status int
	body   string
}

func newEndpoint(t *testing.T) *endpoint {
	t.Helper()
	e := &endpoint{}
	e.Server = httptest.NewServer(e)
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	e.forms = append(e.forms, r.PostForm)
	w.Header().Set("Content-Type", "application/json")
	if e.status != 0 {
		w.WriteHeader(e.status)
		_, _ = fmt.Fprint(w, e.body) // a client that left is the test's failure
		return
	}
	_, _ = fmt.Fprintf(w, `{"access_token":"token-%d","token_type":"Bearer","expires_in":3599}`, len(e.forms))
}

// authorized returns the header that a request gets.
func authorized(t *testing.T, settings string, c *http.Client, fresh ...bool) (string, error) {
	t.Helper()
	f, err := Platform().New(forwardertest.Decode([]byte(settings)), c)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://datamanager.googleapis.com/v1/events:ingest", nil)
	for _, x := range fresh {
		if err := f.Authorize(t.Context(), r, x); err != nil {
			return "", err
		}
	}
	return r.Header.Get("Authorization"), nil
}

func at(url string) string {
	return "customer_id: \"1\"\nconversion_action_id: \"2\"\ncredentials: {client_id: client-1, client_secret: secret-1, refresh_token: refresh-1, token_url: " + url + "}\n"
}

func TestTokenIsKept(t *testing.T) {
	e := newEndpoint(t)
	got, err := authorized(t, at(e.URL), e.Client(), false, false, false)
	if err != nil || got != "Bearer token-1" || len(e.forms) != 1 {
		t.Errorf("%q, %v after %d questions", got, err, len(e.forms))
	}
	if f := e.forms[0]; f["grant_type"][0] != "refresh_token" || f["refresh_token"][0] != "refresh-1" || f["client_id"][0] != "client-1" || f["client_secret"][0] != "secret-1" {
		t.Errorf("form %v", f)
	}
	got, err = authorized(t, at(e.URL), e.Client(), false, true)
	if err != nil || got != "Bearer token-3" {
		t.Errorf("fresh: %q, %v", got, err)
	}
}

func TestTokenRefusals(t *testing.T) {
	tests := map[string]struct {
		status       int
		body         string
		unauthorized bool
		says         string
	}{
		"invalid grant":    {400, `{"error":"invalid_grant","error_description":"Token has been expired or revoked."}`, true, "consent again"},
		"invalid client":   {401, `{"error":"invalid_client"}`, true, "check credentials"},
		"wrong scope":      {400, `{"error":"invalid_scope"}`, true, "scope"},
		"server error":     {503, `busy refresh-1`, false, "HTTP 503"},
		"later":            {429, `{"error":"rate_limit_exceeded"}`, false, "rate_limit_exceeded"},
		"nothing in a 200": {200, `{}`, false, "access_token"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t)
			e.status, e.body = tt.status, tt.body
			_, err := authorized(t, at(e.URL), e.Client(), false)
			if err == nil || errors.Is(err, subfive.ErrUnauthorized) != tt.unauthorized || !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("error %v", err)
			}
			for _, secret := range []string{"refresh-1", "secret-1", e.URL} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%q holds %q", err, secret)
				}
			}
		})
	}
	e := newEndpoint(t)
	e.Close()
	if _, err := authorized(t, at(e.URL), e.Client(), false); err == nil || errors.Is(err, subfive.ErrUnauthorized) || strings.Contains(err.Error(), "http") {
		t.Errorf("nobody there: %v", err)
	}
}

// keyFile writes a service account's key.
func keyFile(t *testing.T, change func(key map[string]string)) string {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	key := map[string]string{
		"type": "service_account", "client_email": "a@b.iam.gserviceaccount.com", "private_key_id": "k1",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	}
	change(key)
	data, err := json.Marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestServiceAccount(t *testing.T) {
	e := newEndpoint(t)
	path := keyFile(t, func(key map[string]string) { key["token_uri"] = e.URL })
	settings := "customer_id: \"1\"\nconversion_action_id: \"2\"\ncredentials: {service_account_file: " + path + "}\n"
	got, err := authorized(t, settings, e.Client(), false, false)
	if err != nil || got != "Bearer token-1" || len(e.forms) != 1 {
		t.Fatalf("%q, %v after %d questions", got, err, len(e.forms))
	}
	if f := e.forms[0]; f["grant_type"][0] != "urn:ietf:params:oauth:grant-type:jwt-bearer" || strings.Count(f["assertion"][0], ".") != 2 {
		t.Errorf("form %v", f)
	}
	e.status, e.body = 400, `{"error":"invalid_grant","error_description":"Invalid JWT Signature."}`
	if _, err := authorized(t, settings, e.Client(), false); !errors.Is(err, subfive.ErrUnauthorized) {
		t.Errorf("refused: %v", err)
	}
	e.Close()
	if _, err := authorized(t, settings, e.Client(), false); err == nil || strings.Contains(err.Error(), "http") {
		t.Errorf("nobody there: %v", err)
	}
}

func TestServiceAccountFiles(t *testing.T) {
	tests := map[string]func(key map[string]string){
		"another type": func(key map[string]string) { key["type"] = "authorized_user" },
		"no address":   func(key map[string]string) { key["client_email"] = "" },
		"no key":       func(key map[string]string) { delete(key, "private_key") },
		"half a key":   func(key map[string]string) { key["private_key"] = key["private_key"][:400] },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := (credentials{ServiceAccountFile: keyFile(t, change)}).source([]string{scopeDataManager}); err == nil || strings.Contains(err.Error(), "BEGIN") {
				t.Errorf("error %v", err)
			}
		})
	}
	if _, err := (credentials{ServiceAccountFile: "testdata/none.json"}).source([]string{scopeDataManager}); err == nil {
		t.Error("a file that is not there was read")
	}
	if _, err := (credentials{ServiceAccountFile: "testdata/data_manager/config.yaml"}).source([]string{scopeDataManager}); err == nil {
		t.Error("a file that is no key was taken for one")
	}
}

func TestOneAsksForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		tk := newTokens(func(context.Context) (*oauth2.Token, error) {
			asked++
			time.Sleep(time.Second) // in the bubble's time
			return &oauth2.Token{AccessToken: fmt.Sprint("token-", asked), Expiry: time.Now().Add(time.Hour)}, nil
		}, nil)
		ask := func(fresh bool, want string) {
			if got, err := tk.token(t.Context(), fresh); err != nil || got != want {
				t.Errorf("fresh %t: %q, %v; want %q", fresh, got, err, want)
			}
		}
		for range 10 {
			go ask(false, "token-1")
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := tk.token(ctx, false); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waiting does not end with the context: %v", err)
		}
		time.Sleep(2 * time.Second)
		for range 10 {
			go ask(true, "token-2")
		}
		time.Sleep(2 * time.Second)
		ask(false, "token-2")
		time.Sleep(time.Hour)
		ask(false, "token-3")
		if asked != 3 {
			t.Errorf("asked %d times, want 3", asked)
		}
	})
}

func TestAFailedQuestionIsAskedAgain(t *testing.T) {
	fail := true
	tk := newTokens(func(context.Context) (*oauth2.Token, error) {
		if fail {
			return nil, errors.New("no")
		}
		return &oauth2.Token{AccessToken: "x"}, nil
	}, nil)
	if got, err := tk.token(t.Context(), false); err == nil {
		t.Fatalf("token %q", got)
	}
	fail = false
	if got, err := tk.token(t.Context(), false); err != nil || got != "x" {
		t.Errorf("%q, %v", got, err)
	}
}

// Each API has its own scope, and its own headers.
func TestWhatEachAPIIsGiven(t *testing.T) {
	tests := map[string]struct{ more, scope, developer string }{
		"data_manager":      {"", scopeDataManager, ""},
		"google_ads":        {"api: google_ads\n", scopeAds + " " + scopeDataManager, ""},
		"with an old token": {"api: google_ads\ndeveloper_token: exampleDeveloperToken\n", scopeAds + " " + scopeDataManager, "exampleDeveloperToken"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t)
			path := keyFile(t, func(key map[string]string) { key["token_uri"] = e.URL })
			f, err := Platform().New(forwardertest.Decode([]byte("customer_id: \"1\"\nconversion_action_id: \"2\"\ncredentials: {service_account_file: "+path+"}\n"+tt.more)), e.Client())
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://googleads.googleapis.com/", nil)
			if err := f.Authorize(t.Context(), r, false); err != nil {
				t.Fatal(err)
			}
			claims, err := base64.RawURLEncoding.DecodeString(strings.Split(e.forms[0]["assertion"][0], ".")[1])
			if err != nil {
				t.Fatal(err)
			}
			var said struct{ Scope string }
			if err := json.Unmarshal(claims, &said); err != nil {
				t.Fatal(err)
			}
			if said.Scope != tt.scope || r.Header.Get("Developer-Token") != tt.developer {
				t.Errorf("scope %q, header %v", said.Scope, r.Header)
			}
		})
	}
}
