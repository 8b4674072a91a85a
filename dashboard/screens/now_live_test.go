package screens

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"subfive"
	"subfive/internal/chrometest"
)

// moving is an API whose answers can be exchanged while a page is open.
type moving struct {
	mu sync.Mutex
	api
}

func (m *moving) ServeAs(w http.ResponseWriter, r *http.Request, who subfive.User) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.api.ServeAs(w, r, who)
}

func (m *moving) answer(call, with string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answers[call] = with
}

// The page shows what comes without being loaded again, unless it is paused, and
// leaves the focus where it is.
func TestNowIsLive(t *testing.T) {
	t.Parallel()
	m := &moving{api: api{t: t, answers: map[string]string{"GET /now": outlookOf(t, "busy"), "GET /postbacks": `{"items":[]}`, "GET /conversions": credited}}}
	s := New(Config{API: m, Door: signed{mara}, Log: newScreens(t, &api{}, mara).cfg.Log, Now: func() time.Time { return now }, Zone: time.UTC})
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	tab := chrometest.Open(t)
	evaluate := func(script string) string {
		t.Helper()
		text, err := chromedp.Run(tab, chromedp.Evaluate[string](script))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	until := func(what, script, want string) {
		t.Helper()
		for end := time.Now().Add(15 * time.Second); ; time.Sleep(100 * time.Millisecond) {
			got := evaluate(script)
			if strings.Contains(got, want) {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%s: there is no %q in %q", what, want, got)
			}
		}
	}
	if err := chromedp.Do(tab, chromedp.Navigate(server.URL+"/admin/")); err != nil {
		t.Fatal(err)
	}
	until("the page is there", `document.querySelector('h1')?.textContent ?? ''`, "One destination is held")
	evaluate(`document.querySelector('.need .btn').focus(); ''`)
	m.answer("GET /postbacks", arrived)
	until("a postback comes", `document.querySelector('#feed')?.textContent ?? ''`, "spring-lookalike")
	m.answer("GET /now", strings.Replace(outlookOf(t, "busy"), "Working. One destination is held", "Working. Two destinations are held", 1))
	evaluate(`htmx.trigger(document.querySelector('#now'), 'refresh'); ''`)
	until("it is drawn anew", `document.querySelector('h1')?.textContent ?? ''`, "Two destinations are held")
	until("the focus stays", `document.activeElement.textContent`, "Paste a new token")
	evaluate(`document.querySelector('[data-pause]').click(); ''`)
	until("it is paused", `document.querySelector('#feed')?.textContent ?? ''`, "Go on")
	m.answer("GET /postbacks", `{"items":[]}`)
	time.Sleep(6 * time.Second)
	until("it stays as it is", `document.querySelector('#feed')?.textContent ?? ''`, "spring-lookalike")
}

// Letters choose a range, arrows go on by as much, and the zone's form leaves the
// range as it is.
func TestRangesByKey(t *testing.T) {
	t.Parallel()
	a := &api{t: t, answers: map[string]string{"GET /now": outlookOf(t, "busy"), "GET /postbacks": `{"items":[]}`}}
	server := httptest.NewServer(newScreens(t, a, mara).Handler())
	t.Cleanup(server.Close)
	tab := chrometest.Open(t)
	at := func(do, want string) {
		t.Helper()
		if _, err := chromedp.Run(tab, chromedp.Evaluate[string](do+`; ''`)); err != nil {
			t.Fatal(err)
		}
		got := ""
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			var err error
			if got, err = chromedp.Run(tab, chromedp.Evaluate[string](`document.readyState == 'complete' ? location.search : ''`)); err == nil && got == want {
				return
			}
		}
		t.Fatalf("after %s it is at %q, want %q", do, got, want)
	}
	if err := chromedp.Do(tab, chromedp.Navigate(server.URL+"/admin/?zone=UTC")); err != nil {
		t.Fatal(err)
	}
	key := func(name string, shift bool) string {
		return `dispatchEvent.call(document.body, new KeyboardEvent('keydown', {key: '` + name + `', shiftKey: ` + strconv.FormatBool(shift) + `, bubbles: true}))`
	}
	at(key("W", true), "?zone=UTC&range=7d")
	at(key("ArrowLeft", false), "?since=2026-11-11&until=2026-11-17&zone=UTC")
	at(key("ArrowRight", false), "?since=2026-11-18&until=2026-11-24&zone=UTC")
	at(`document.querySelector('#zone').value = 'Asia/Tokyo'; document.querySelector('#zone').form.submit()`, "?since=2026-11-18&until=2026-11-24&zone=Asia%2FTokyo")
	at(key("D", true), "?zone=Asia%2FTokyo&range=today")
}
