package receiver_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"subfive/receiver"
)

func TestScript(t *testing.T) {
	rc := receiver.New(config(&journal{}))
	rc.SetSetup(ways())
	for name, tt := range map[string]struct{ target, ends string }{
		"for any page":        {"/subfive.js", "})({});"},
		"an unknown campaign": {"/subfive.js?c=</script>", "})({});"},
		"a campaign's offers, of all its paths": {
			"/subfive.js?c=Split", `})({"c":"split","h":{"other.example.com":"sub3","track.example.com":"sub5"}});`,
		},
		"a fallback's host": {"/subfive.js?c=fallen", `})({"c":"fallen","h":{"capped.example.com":"sub5","rested.example.com":"sub5","track.example.com":"sub5"}});`},
	} {
		t.Run(name, func(t *testing.T) {
			w := do(rc.Handler(), get(tt.target))
			body := strings.TrimSpace(w.Body.String())
			if !strings.HasSuffix(body, tt.ends) || w.Code != http.StatusOK {
				t.Errorf("answered %d, ending in %s", w.Code, body[max(0, len(body)-200):])
			}
			h := w.Header()
			if h.Get("Content-Type") != "text/javascript; charset=utf-8" || !strings.Contains(h.Get("Cache-Control"), "max-age=3600") || h.Get("Set-Cookie") != "" {
				t.Errorf("header %v", h)
			}
			r := get(tt.target)
			r.Header.Set("If-None-Match", h.Get("Etag"))
			if w := do(rc.Handler(), r); w.Code != http.StatusNotModified || w.Body.Len() != 0 {
				t.Errorf("asked again: %d, %d bytes", w.Code, w.Body.Len())
			}
			zipped := get(tt.target)
			zipped.Header.Set("Accept-Encoding", "br, gzip")
			w = do(rc.Handler(), zipped)
			if n := w.Body.Len(); n >= 3000 || w.Header().Get("Content-Encoding") != "gzip" {
				t.Errorf("%d bytes, %q; a landing page loads at most 3 kB of ours", n, w.Header().Get("Content-Encoding"))
			}
			z, err := gzip.NewReader(w.Body)
			if err != nil {
				t.Fatal(err)
			}
			if plain, err := io.ReadAll(z); err != nil || strings.TrimSpace(string(plain)) != body {
				t.Errorf("zipped it is another: %v", err)
			}
		})
	}
}

// A syntax error costs the whole click in an old app's browser, and eval is what
// a strict policy forbids.
func TestScriptIsOldAndHarmless(t *testing.T) {
	body := do(serve(config(&journal{})), get("/subfive.js")).Body.String()
	for _, newer := range []string{"=>", "`", `\blet\b`, `\bconst\b`, `\basync\b`, `\bclass\b`, `\?\.`, `[^\\]\?\?`, `\.\.\.`} {
		if found := regexp.MustCompile(newer).FindString(body); found != "" {
			t.Errorf("%q is no ES5", found)
		}
	}
	for _, forbidden := range []string{"eval(", "Function(", "innerHTML", "document.write", "'", "/*", "//"} {
		if strings.Contains(body, forbidden) {
			t.Errorf("%s in the script", forbidden)
		}
	}
}
