package screens

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"subfive"
	"subfive/internal/chrometest"
)

// turns lets calls of an api come one at a time.
type turns struct {
	mu  sync.Mutex
	api *api
}

func (g *turns) ServeAs(w http.ResponseWriter, r *http.Request, who subfive.User) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.api.ServeAs(w, r, who)
}

func (g *turns) answer(call, answer string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.api.answers[call] = answer
}

// last is the newest call that begins so.
func (g *turns) last(call string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range slices.Backward(g.api.calls) {
		if strings.HasPrefix(c, call) {
			return c
		}
	}
	return ""
}

// The payload stands beside the form as it is filled in, and the first run ticks
// by itself, without a page being loaded.
func TestSetupMovesInABrowser(t *testing.T) {
	t.Parallel()
	a := &api{answers: setupAnswers(map[string]string{
		"POST /destinations/draft/preview": strings.Replace(somePreview, "graph.facebook.com", "draft.example", 1),
		"GET /setup":                       `{"done":0,"total":1,"complete":false,"here":"click","steps":[{"id":"click","title":"Test click","state":"here","do":"Open the link."}]}`,
	})}
	a.t = t
	guarded := &turns{api: a}
	screens := New(Config{API: guarded, Door: signed{mara}, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Now: func() time.Time { return now }, Zone: time.UTC})
	server := httptest.NewServer(screens.Handler())
	t.Cleanup(server.Close)
	tab := chrometest.Open(t)
	wait := func(what, script string) {
		t.Helper()
		for end := time.Now().Add(15 * time.Second); ; time.Sleep(100 * time.Millisecond) {
			if so, err := chromedp.Run(tab, chromedp.Evaluate[bool](script)); err == nil && so {
				return
			} else if time.Now().After(end) {
				t.Fatalf("%s: not within 15 s (%v)", what, err)
			}
		}
	}
	if err := chromedp.Do(tab, chromedp.Navigate(server.URL+"/admin/destinations/new?platform=meta")); err != nil {
		t.Fatal(err)
	}
	wait("the form is there", `window.stays = true; !!document.querySelector('[name="text:settings.dataset_id"]')`)
	if _, err := chromedp.Run(tab, chromedp.Evaluate[bool](`{
		const field = document.querySelector('[name="text:settings.dataset_id"]')
		field.value = '77'
		field.dispatchEvent(new Event('change', {bubbles: true}))
		true
	}`)); err != nil {
		t.Fatal(err)
	}
	wait("the payload follows", `window.stays && document.querySelector('#preview').textContent.includes('draft.example')`)
	if sent := guarded.last("POST /destinations/draft/preview"); !strings.Contains(sent, `"dataset_id":"77"`) {
		t.Errorf("it was asked for %s", sent)
	}

	if err := chromedp.Do(tab, chromedp.Navigate(server.URL+"/admin/setup")); err != nil {
		t.Fatal(err)
	}
	wait("the step is here", `window.stays = true; document.querySelector('h1').textContent.includes('0 of 1')`)
	guarded.answer("GET /setup", `{"done":1,"total":1,"complete":true,"here":"","steps":[{"id":"click","title":"Test click","state":"done","evidence":"click seen, phone"}]}`)
	wait("it ticks", `window.stays && document.querySelector('h1').textContent.includes('all 1 done') && document.querySelectorAll('#firstrun').length === 1`)
}
