package receiver_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"regexp"
	"runtime"
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
		"fallbacks of one host, in a circle": {"/subfive.js?c=chained", `})({"c":"chained","h":{"circle.example.com":"sub5","near.example.com":"sub5"}});`},
		"a fallback's host":                  {"/subfive.js?c=fallen", `})({"c":"fallen","h":{"capped.example.com":"sub5","rested.example.com":"sub5","track.example.com":"sub5"}});`},
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

// The script is written once a set-up, however often it is asked for: a zip alone
// takes half a megabyte of memory.
func TestScriptIsWrittenOnce(t *testing.T) {
	rc := receiver.New(config(&journal{}))
	ask := func(target string) string {
		r := get(target)
		r.Header.Set("Accept-Encoding", "gzip")
		return do(rc.Handler(), r).Header().Get("Etag")
	}
	for _, target := range []string{"/subfive.js", "/subfive.js?c=split"} {
		rc.SetSetup(ways())
		first := ask(target)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		const times = 50
		for range times {
			ask(target)
		}
		runtime.ReadMemStats(&after)
		if each := (after.TotalAlloc - before.TotalAlloc) / times; each > 100<<10 {
			t.Errorf("%s: %d bytes of memory a request", target, each)
		}
		changed := ways()
		changed.Offers[0].Link = "https://moved.example.com/"
		rc.SetSetup(changed)
		if same := ask(target) == first; same != (target == "/subfive.js") {
			t.Errorf("%s: the same script after the offer moved: %t", target, same)
		}
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
