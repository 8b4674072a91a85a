package screens

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"subfive"
	"subfive/internal/chrometest"
)

// living answers like api, and its tail stays open after one row.
type living struct{ *api }

func (l living) ServeAs(w http.ResponseWriter, r *http.Request, who subfive.User) {
	if !strings.HasSuffix(r.URL.Path, "/tail") {
		l.api.ServeAs(w, r, who)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = w.Write([]byte("event: dropped\ndata: 7\n\nevent: row\nid: 2026-11-24T09:00:00.000Z\n" +
		`data: {"delivery_id":"dl_3","destination_id":"just-in","status":"dead","created_at":"2026-11-24T08:59:59.000Z"}` + "\n\n"))
	w.(http.Flusher).Flush()
	<-r.Context().Done()
}

// In a browser rows come by themselves, the tail can be paused, and the keys
// move, open and close.
func TestLogsInABrowser(t *testing.T) {
	t.Parallel()
	a := &api{t: t, answers: map[string]string{
		"GET /deliveries": deliveryRows, "GET /deliveries/export": `{"rows":52}`, "GET /errors": `{"items":[]}`, "GET /deliveries/dl_3": deadDelivery,
		"GET /now/counts": `{"dead":1,"held":1}`,
	}}
	s := newScreens(t, a, mara)
	s.cfg.API = living{a}
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.CloseClientConnections)
	tab := chrometest.Open(t)
	if err := chromedp.Do(tab, chromedp.Navigate(server.URL+"/admin/outbound")); err != nil {
		t.Fatal(err)
	}
	until := func(what, script string) {
		t.Helper()
		for range 600 {
			if ok, err := chromedp.Run(tab, chromedp.Evaluate[bool](script)); err == nil && ok {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Fatalf("%s: not in time", what)
	}
	press := func(keys ...string) {
		t.Helper()
		for _, key := range keys {
			script := `(document.activeElement ?? document.body).dispatchEvent(new KeyboardEvent('keydown', {key: '` + key + `', bubbles: true}))`
			if _, err := chromedp.Run(tab, chromedp.Evaluate[bool](script)); err != nil {
				t.Fatal(err)
			}
		}
	}
	until("a row comes by itself", `document.querySelector('tbody[data-tail] tr')?.textContent.includes('just-in') ?? false`)
	until("what was dropped is said", `!document.querySelector('[data-dropped]').hidden && document.querySelector('[data-dropped]').textContent.startsWith('7 rows')`)
	until("it is live", `document.querySelector('[data-tail-state]').textContent === 'live'`)
	press("P")
	until("it is paused", `document.querySelector('[data-tail-state]').textContent === 'paused'`)
	press("j", "j", "k")
	until("the first row is chosen", `document.querySelector('tr.at')?.textContent.includes('just-in') ?? false`)
	press("Enter")
	until("it is open", `location.search.includes('open=dl_3') && !!document.querySelector('.drawer h2')`)
	press("Escape")
	until("it is closed", `!location.search.includes('open') && !document.querySelector('.drawer')`)
}
