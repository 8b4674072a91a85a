package screens

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"subfive/internal/chrometest"
)

// shots is a folder for a picture of every state, to look at: go test
// ./dashboard/screens -run Browser -shots DIR.
var shots = flag.String("shots", "", "folder for a picture of every page in every state")

func shoot(tab context.Context, t *testing.T, name string) {
	t.Helper()
	picture, err := chromedp.Run(tab, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(*shots, name), picture, 0o644)
	}
	if err != nil {
		t.Error(err)
	}
}

// gallery leads to every state's page from /N; what a page loads is its state's
// own, too.
func gallery(t *testing.T, all []state) *httptest.Server {
	t.Helper()
	var mu sync.Mutex
	present := 0
	handlers := make([]http.Handler, len(all))
	for i, st := range all {
		handlers[i] = st.handler(t)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		var n int
		if _, err := fmt.Sscanf(r.URL.Path, "/%d", &n); err == nil {
			present = n
			http.Redirect(w, r, all[n].path, http.StatusSeeOther)
			return
		}
		handlers[present].ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// lookAtPage lists what a browser finds wrong with the page it is on.
const lookAtPage = `(async () => {
	const wrong = window.violations.map(v => 'policy: ' + v)
	const inside = document.documentElement.clientWidth
	if (document.documentElement.scrollWidth > inside) {
		const wide = [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > inside + 1 && !e.closest('.scroll, pre, .side, .sr, .sprite'))
		wrong.push('it is ' + document.documentElement.scrollWidth + ' px wide at ' + inside + ': ' + wide.slice(0, 3).map(e => e.outerHTML.slice(0, 120)).join(' | '))
	}
	const found = await axe.run(document, { resultTypes: ['violations'] })
	for (const v of found.violations) wrong.push(v.id + ': ' + v.help + ': ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160) + ' ' + n.any.map(a => a.message).join(' ')).join(' | '))
	return wrong
})()`

// Every page in every state keeps to the policy, needs no sideways scrolling at
// 360 pixels, and is accessible, light and dark.
func TestStatesInABrowser(t *testing.T) {
	t.Parallel()
	all := states(t)
	server := gallery(t, all)
	axe, err := os.ReadFile("testdata/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	tab := chrometest.Open(t)
	watch := `window.violations = []; addEventListener('securitypolicyviolation', e => violations.push(e.violatedDirective + ' ' + e.blockedURI + ' ' + e.sample))`
	if _, err := chromedp.Call(tab, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: watch}); err != nil {
		t.Fatal(err)
	}
	for _, seen := range []struct {
		theme string
		width int64
	}{{"light", 360}, {"dark", 1440}} {
		if _, err := chromedp.Call(tab, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: seen.width, Height: 900, DeviceScaleFactor: 1}); err != nil {
			t.Fatal(err)
		}
		features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: seen.theme}, {Name: "prefers-reduced-motion", Value: "reduce"}}
		if _, err := chromedp.Call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features}); err != nil {
			t.Fatal(err)
		}
		for i, st := range all {
			if err := chromedp.Do(tab, chromedp.Navigate(fmt.Sprintf("%s/%d", server.URL, i))); err != nil {
				t.Fatalf("%s: %v", st.name, err)
			}
			wrong, err := chromedp.Run(tab, chromedp.Evaluate[[]string](string(axe)+";\n"+lookAtPage, chromedp.EvalAwaitPromise))
			if err != nil {
				t.Fatalf("%s: %v", st.name, err)
			}
			for _, w := range wrong {
				t.Errorf("%s, %s, %d px: %s", st.name, seen.theme, seen.width, w)
			}
			if *shots != "" {
				shoot(tab, t, fmt.Sprintf("%s-%d.png", strings.ReplaceAll(st.name, "/", "-"), seen.width))
			}
		}
	}
}
