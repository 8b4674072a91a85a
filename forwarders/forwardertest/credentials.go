package forwardertest

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"

	"subfive/forwarders"
)

// shortest is the length of the shortest credential that is looked for: a
// shorter one would be found by chance.
const shortest = 8

// secrets returns the values in settings whose key, or a key above it, has a
// credential's name.
func secrets(t T, settings []byte) []string {
	t.Helper()
	var tree any
	if err := yaml.Unmarshal(settings, &tree); err != nil {
		t.Errorf("read settings: %v", err)
		return nil
	}
	var found []string
	var walk func(v any, secret bool)
	walk = func(v any, secret bool) {
		switch v := v.(type) {
		case map[string]any:
			for key, child := range v {
				walk(child, secret || namesSecret(key))
			}
		case []any:
			for _, child := range v {
				walk(child, secret)
			}
		case string:
			if secret && len(v) >= shortest {
				found = append(found, v)
			}
		}
	}
	walk(tree, false)
	return found
}

func namesSecret(key string) bool {
	// An endpoint that gives tokens is not one.
	key = strings.ToLower(key)
	if strings.HasSuffix(key, "_url") || strings.HasSuffix(key, "_file") {
		return false
	}
	for _, word := range []string{"token", "secret", "password", "credential", "key"} {
		if strings.Contains(key, word) {
			return true
		}
	}
	return false
}

// leaks reports whether text holds the secret, plain or in a usual encoding.
func leaks(text, secret string) bool {
	quoted, err := json.Marshal(secret)
	if err != nil {
		return true
	}
	forms := []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), strings.Trim(string(quoted), `"`),
		base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
		hex.EncodeToString([]byte(secret)),
	}
	for _, form := range forms {
		if strings.Contains(text, form) {
			return true
		}
	}
	return false
}

func checkCredentials(t T, k *kit) {
	t.Helper()
	if len(secrets(t, k.config)) == 0 {
		t.Errorf("config.yaml has no credential of %d bytes or more: nothing shows that none is leaked", shortest)
	}
	for _, dir := range k.cases {
		name := filepath.Base(dir)
		own := secrets(t, k.settings(dir))
		golden, err := os.ReadFile(filepath.Join(dir, "request.golden"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, s := range own {
			if leaks(string(golden), s) {
				t.Errorf("%s: request.golden holds a credential", name)
			}
		}
		f, r, err := k.request(dir, 1)
		if errors.Is(err, errUnsendable) {
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		checkAuthorize(t, name, f, r, own)
	}
}

// checkAuthorize looks at a request before and after its credentials are added.
func checkAuthorize(t T, name string, f forwarders.Forwarder, r *http.Request, secrets []string) {
	t.Helper()
	before, err := forwarders.Capture(r)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	for _, s := range secrets {
		if leaks(before.String()+before.Body, s) {
			t.Errorf("%s: the request holds a credential before Authorize", name)
		}
	}
	for _, fresh := range []bool{false, true} {
		to := r.Clone(context.Background())
		if r.GetBody != nil {
			if to.Body, err = r.GetBody(); err != nil {
				t.Errorf("%s: %v", name, err)
				return
			}
		}
		if err := f.Authorize(context.Background(), to, fresh); err != nil {
			t.Errorf("%s: Authorize(fresh %t): %v", name, fresh, err)
			continue
		}
		after, err := forwarders.Capture(to)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(secrets) > 0 && after == before {
			t.Errorf("%s: Authorize(fresh %t) added nothing", name, fresh)
		}
		if to.Method != r.Method || to.URL.Host != r.URL.Host || to.URL.Scheme != r.URL.Scheme {
			t.Errorf("%s: Authorize(fresh %t) turned the request to another method or host", name, fresh)
		}
		if to.ContentLength != int64(len(after.Body)) {
			t.Errorf("%s: after Authorize(fresh %t) Content-Length is %d for a body of %d bytes", name, fresh, to.ContentLength, len(after.Body))
		}
	}
}
