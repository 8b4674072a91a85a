package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/internal/chrometest"
)

// landingFile is testFile with a landing page: %[3]s is the pages' base URL.
const landingFile = `
listen: %[1]s
trusted_proxies: [127.0.0.1]
admin: {token: test-token}
sources:
  - {id: meta-us, platform: meta}
landing_pages:
  - {id: lp1, url: "%[3]s/page?v=1"}
offers:
  - {id: ourdream, network_offer_id: "1", link: "%[3]s/offer?sub1=sfw"}
campaigns:
  - {id: spring, source: meta-us, offer: ourdream, landing: lp1, destinations: [meta-main]}
destinations:
  - id: meta-main
    platform: meta
    mode: live
    goals: {base: Purchase, lp_view: ViewContent}
    base_url: %[2]s
    settings:
      dataset_id: "100000000000001"
      access_token: sandbox-meta-token
      default_event_source_url: https://default.example.com/
`

// newLandingSite is a site whose campaign has a landing page with our script, on
// a host of its own.
func newLandingSite(t *testing.T) (s *site, pages string) {
	t.Helper()
	s = newSite(t, "")
	tracker := "http://" + s.address
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if r.URL.Path != "/page" {
			_, _ = fmt.Fprint(w, "<title>offer</title>")
			return
		}
		w.Header().Set("Content-Security-Policy", "default-src 'none'; img-src data:; script-src "+tracker+"; connect-src "+tracker)
		_, _ = fmt.Fprintf(w, `<!doctype html><title>page</title><link rel="icon" href="data:,">
<script async src="%[1]s/subfive.js?c=spring"></script>
<a id="go" href="%[1]s/go/{click_id}/ourdream">on</a> <a id="direct" href="/offer?sub1=sfw">on</a>`, tracker)
	}))
	t.Cleanup(server.Close)
	pages = "http://lp.localhost:" + server.URL[strings.LastIndexByte(server.URL, ':')+1:]
	if err := os.WriteFile(s.config, fmt.Appendf(nil, landingFile, s.address, s.stand.URL, pages), 0o600); err != nil {
		t.Fatal(err)
	}
	return s, pages
}

// A visitor goes from the ad over the landing page to the offer and buys, in a
// real browser, with a redirect before the page and without.
func TestLandingPage(t *testing.T) {
	for name, tt := range map[string]struct {
		start, link string // the ad's link: of the tracker where it has no host
		kind        string
		page        string // what Meta is told the visitor saw
	}{
		"after a redirect": {"/c/spring?fbclid=IwAR-_x&ad_id=9", "#go", subfive.ClickRedirect, "/page?fbclid=IwAR-_x"},
		"without one":      {"lp/page?fbclid=IwAR-_y&ad_id=9", "#direct", subfive.ClickScript, "/page?fbclid=IwAR-_y"},
	} {
		t.Run(name, func(t *testing.T) {
			s, pages := newLandingSite(t)
			s.start()
			tab := chrometest.Open(t)
			from := "http://" + s.address + tt.start
			if path, ok := strings.CutPrefix(tt.start, "lp"); ok {
				from = pages + path
			}
			if err := chromedp.Do(tab, chromedp.Navigate(from)); err != nil {
				t.Fatal(err)
			}
			id, err := chromedp.Run(tab, chromedp.Evaluate[string](
				"new Promise(done => { (function wait() { window.subfive && window.subfive.id ? done(subfive.id) : setTimeout(wait, 5) })() })", chromedp.EvalAwaitPromise))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := chromedp.RunResponse(tab, chromedp.Click(tt.link)); err != nil {
				t.Fatal(err)
			}
			at, err := chromedp.Run(tab, chromedp.Location())
			if err != nil {
				t.Fatal(err)
			}
			offer, err := url.Parse(at)
			if err != nil || offer.Path != "/offer" || offer.Query().Get("sub5") != id || offer.Query().Get("sub1") != "sfw" {
				t.Fatalf("the visitor of click %s came to %s", id, at)
			}
			res, err := http.Get("http://" + s.address + "/conversion?payout=10&tx_id=t1&click_id=" + offer.Query().Get("sub5"))
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			s.until("Meta was told of page and purchase", 30*time.Second, func() bool { return len(s.sandbox.Meta.Events()) == 2 })
			s.settled(30 * time.Second)

			told := map[string]string{}
			for _, e := range s.sandbox.Meta.Events() {
				var event struct {
					SourceURL string `json:"event_source_url"`
				}
				if err := json.Unmarshal(e.Raw, &event); err != nil {
					t.Fatal(err)
				}
				told[e.EventName] = event.SourceURL
			}
			if diff := cmp.Diff(map[string]string{"Purchase": pages + tt.page, "ViewContent": pages + tt.page}, told); diff != "" {
				t.Errorf("Meta was told (-want +got):\n%s", diff)
			}
			for query, want := range map[string]int{
				"SELECT count(*) FROM v_clicks WHERE click_id = '" + id + "' AND record_kind = '" + tt.kind + "' AND landing_id = 'lp1' AND ad_id = '9'" +
					" AND lp_viewed_at IS NOT NULL AND lp_clicked_at IS NOT NULL": 1,
				"SELECT count(*) FROM v_clicks": 1,
				"SELECT count(*) FROM v_visits WHERE kind = 'lp_click' AND campaign_id = 'spring'": 1,
				"SELECT count(*) FROM v_conversions WHERE verdict = 'matched' AND goal = 'base'":   1,
			} {
				if got := s.count(query); got != want {
					t.Errorf("%s: %d, want %d", query, got, want)
				}
			}
			if story := s.command(0, "clicks", "show", id); !strings.Contains(story, "left for the offer") || !strings.Contains(story, pages+"/page?") {
				t.Errorf("the story leaves the landing page out:\n%s", story)
			}
			s.stop()
		})
	}
}
