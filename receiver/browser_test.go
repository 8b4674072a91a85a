package receiver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/internal/chrometest"
	"subfive/receiver"
)

// tape is a journal that tells a test of each record as it is written.
type tape chan subfive.Record

func (j tape) Append(_ context.Context, _ subfive.RecordKind, data []byte) (subfive.Position, error) {
	var rec subfive.Record
	err := json.Unmarshal(data, &rec)
	j <- rec
	return subfive.Position{}, err
}

// stage is a landing page, an offer and a tracker, each on a host of its own,
// and a browser before them.
type stage struct {
	t *testing.T
	// do and evaluate act in the browser's tab; inZone moves it to a time zone.
	do       func(...chromedp.Action[chromedp.Void]) error
	evaluate func(expression string) (string, error)
	inZone   func(zone string) error
	// page and offer are base URLs, track is the tracker's.
	page, offer, track string
	tape               tape
	// violations counts what the page's security policy forbade.
	violations atomic.Int32
	// down lets the tracker drop so many requests of /collect.
	down atomic.Int32
}

// newStage sets a stage whose page has the tag; %s is the tracker's base URL.
func newStage(t *testing.T, tag string) *stage {
	t.Helper()
	s := &stage{t: t, tape: make(tape, 100)}
	rc := receiver.New(receiver.Config{
		Journal: s.tape, Sealer: sealer{}, Log: quiet(), Now: func() time.Time { return start },
		ClickParams: []string{"fbclid", "gclid", "_fbp", "_fbc"},
	})
	tracker := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/collect" && s.down.Add(-1) >= 0 {
			panic(http.ErrAbortHandler)
		}
		rc.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(tracker.Close)
	s.track = "http://trk.localhost:" + port(tracker)
	pages := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/violation":
			s.violations.Add(1)
		case r.URL.Path == "/layer.js":
			_, _ = fmt.Fprint(w, `dataLayer = [["consent", "default", {ad_user_data: "denied", ad_storage: "denied"}]]`)
		case strings.HasPrefix(r.Host, "offer."):
			_, _ = fmt.Fprint(w, "<title>offer</title>")
		default:
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Content-Security-Policy", "default-src 'none'; img-src data:; script-src 'self' "+s.track+"; connect-src "+s.track+"; report-uri /violation")
			w.Header().Add("Set-Cookie", "_fbp=fb.1.22.33; Path=/")
			_, _ = fmt.Fprintf(w, `<!doctype html><title>page</title><link rel="icon" href="data:,">%s
<a id="offer" href="%s/B/?sub1=a%%20b&amp;sub5=old&amp;x={y}#f">buy</a> <a id="go" href="%s/go/{click_id}/dream">go</a>
<a id="other" href="https://other.example.com/?sub5=mine">other</a>`, strings.ReplaceAll(tag, "%s", s.track), s.offer, s.track)
		}
	}))
	t.Cleanup(pages.Close)
	s.page, s.offer = "http://lp.localhost:"+port(pages), "http://offer.localhost:"+port(pages)
	rc.SetSetup(subfive.Setup{
		Sources:      []subfive.Source{{ID: "meta-us", Platform: "meta"}},
		LandingPages: []subfive.LandingPage{{ID: "lp1", URL: s.page + "/a"}},
		Offers:       []subfive.Offer{{ID: "dream", Link: s.offer + "/B/?sub1=x"}},
		Campaigns:    []subfive.Campaign{{ID: "spring", Source: "meta-us", Offer: "dream", Landing: "lp1"}},
	})
	tab := chrometest.Open(t)
	s.do = func(steps ...chromedp.Action[chromedp.Void]) error { return chromedp.Do(tab, steps...) }
	s.evaluate = func(expression string) (string, error) {
		return chromedp.Run(tab, chromedp.Evaluate[string](expression, chromedp.EvalAwaitPromise))
	}
	s.inZone = func(zone string) error {
		_, err := chromedp.Call(tab, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: zone})
		return err
	}
	return s
}

func port(s *httptest.Server) string { return s.URL[strings.LastIndexByte(s.URL, ':')+1:] }

func (s *stage) open(path string) {
	s.t.Helper()
	if err := s.do(chromedp.Navigate(s.page + path)); err != nil {
		s.t.Fatal(err)
	}
	s.js("new Promise(done => { (function wait() { window.subfive && window.subfive.id ? done('') : setTimeout(wait, 5) })() })")
}

// js evaluates an expression, a promise too, to a text.
func (s *stage) js(expression string) string {
	s.t.Helper()
	got, err := s.evaluate(expression)
	if err != nil {
		s.t.Fatalf("%s: %v", expression, err)
	}
	return got
}

// next is the next record that the tracker wrote.
func (s *stage) next() subfive.Record {
	s.t.Helper()
	select {
	case rec := <-s.tape:
		return rec
	case <-time.After(20 * time.Second):
		s.t.Fatal("nothing was recorded")
		return subfive.Record{}
	}
}

// nextVisit is the next record, which must be a visit.
func (s *stage) nextVisit() subfive.Visit {
	s.t.Helper()
	rec := s.next()
	if rec.Visit == nil {
		s.t.Fatalf("recorded %+v, want a visit", rec)
	}
	return *rec.Visit
}

// nextClick is the next record, which must be a click.
func (s *stage) nextClick() subfive.Click {
	s.t.Helper()
	rec := s.next()
	if rec.Click == nil {
		s.t.Fatalf("recorded %+v, want a click", rec)
	}
	return *rec.Click
}

// links are where the page's three links lead.
func (s *stage) links() []string {
	s.t.Helper()
	return strings.Split(s.js("['offer', 'go', 'other'].map(id => document.getElementById(id).getAttribute('href')).join(' ')"), " ")
}

func (s *stage) wantLinks(id string) {
	s.t.Helper()
	want := []string{s.offer + "/B/?sub1=a%20b&sub5=" + id + "&x={y}#f", s.track + "/go/" + id + "/dream", "https://other.example.com/?sub5=mine"}
	if diff := cmp.Diff(want, s.links()); diff != "" {
		s.t.Errorf("links (-want +got):\n%s", diff)
	}
}

func (s *stage) stored() string {
	s.t.Helper()
	return s.js("document.cookie + ' | ' + localStorage.length")
}

const campaignTag = `<script async src="%s/subfive.js?c=spring"></script>`

func TestBrowserMintsItsClick(t *testing.T) {
	s := newStage(t, campaignTag)
	s.open("/a?fbclid=IwAR-_%2Bx&ad_id=9")
	id := s.js("subfive.id")
	if parsed, ok := subfive.ParseClickID(id); !ok || parsed != id {
		t.Fatalf("click ID %q has not our form", id)
	}
	s.wantLinks(id)
	c := s.nextClick()
	got := subfive.Click{
		ID: c.ID, RecordKind: c.RecordKind, CampaignID: c.CampaignID, SourceID: c.SourceID, OfferID: c.OfferID, LandingID: c.LandingID, PageURL: c.PageURL,
		Params: c.Params, Ad: c.Ad, VisitorID: c.VisitorID, VisitNo: c.VisitNo, LandingViewedAt: c.LandingViewedAt,
	}
	want := subfive.Click{
		ID: id, RecordKind: subfive.ClickScript, CampaignID: "spring", SourceID: "meta-us", OfferID: "dream", LandingID: "lp1",
		PageURL: s.page + "/a?fbclid=IwAR-_%2Bx&ad_id=9", Params: map[string]string{"fbclid": "IwAR-_+x", "_fbp": "fb.1.22.33"},
		Ad: subfive.Ad{ID: "9"}, VisitorID: id, VisitNo: 1, LandingViewedAt: start,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("click (-want +got):\n%s", diff)
	}
	if !strings.Contains(c.Request.UserAgent, "Chrome") || c.Request.ClientAddr != "127.0.0.1" {
		t.Errorf("the browser's address %q and agent %q", c.Request.ClientAddr, c.Request.UserAgent)
	}

	late := s.js(`new Promise(done => {
		const a = document.createElement('a'); a.href = '` + s.offer + `/late'; document.body.append(a);
		(function wait() { a.search ? done(a.href) : setTimeout(wait, 5) })() })`)
	if late != s.offer+"/late?sub5="+id {
		t.Errorf("a link added later leads to %s", late)
	}
	if link := s.js("subfive.link('" + s.offer + "/made?')"); link != s.offer+"/made?sub5="+id {
		t.Errorf("a link made by the page: %s", link)
	}

	s.open("/b") // another page of the same visit
	if again := s.js("subfive.id"); again != id {
		t.Errorf("the next page has click %s, not %s", again, id)
	}
	if c := s.nextClick(); c.ID != id {
		t.Errorf("the next page recorded click %s", c.ID)
	}
	s.open("/a?fbclid=another")
	if c := s.nextClick(); c.ID == id || c.VisitorID != id || c.VisitNo != 2 {
		t.Errorf("another ad click is click %s of visitor %s, number %d", c.ID, c.VisitorID, c.VisitNo)
	}
	if n := s.violations.Load(); n != 0 {
		t.Errorf("%d violations of the page's policy", n)
	}
}

func TestBrowserKeepsTheRedirectsClick(t *testing.T) {
	s := newStage(t, campaignTag)
	s.open("/a?fbclid=x&cid=" + strings.ToUpper(clickID))
	s.wantLinks(clickID)
	v := s.nextVisit()
	if v.ClickID != clickID || v.Kind != subfive.GoalLandingView || v.LandingID != "lp1" || v.Params["_fbp"] != "fb.1.22.33" {
		t.Errorf("visit %+v", v)
	}
	s.js("subfive.identify({em: 'a@b.c'}), ''")
	if v := s.nextVisit(); v.Kind != "" || v.UserData[subfive.UserEmail].Box != "box:a@b.c" {
		t.Errorf("identified: %+v", v)
	}
	s.js("subfive.click(), ''")
	if v := s.nextVisit(); v.Kind != subfive.GoalLandingClick {
		t.Errorf("clicked: %+v", v)
	}
	if err := s.do(chromedp.Click("#offer")); err != nil {
		t.Fatal(err)
	}
	if v := s.nextVisit(); v.Kind != subfive.GoalLandingClick || v.ClickID != clickID {
		t.Errorf("left for the offer: %+v", v)
	}
}

func TestBrowserKeepsTheServersClick(t *testing.T) {
	s := newStage(t, `<script async src="%s/subfive.js?c=spring" data-click-id="Server_ID-42" data-slot="sub3"></script>`)
	s.open("/a")
	if c := s.nextClick(); c.ID != "Server_ID-42" {
		t.Errorf("click %s", c.ID)
	}
	if got := s.links()[0]; got != s.offer+"/B/?sub1=a%20b&sub5=old&x={y}&sub3=Server_ID-42#f" {
		t.Errorf("the offer's link is %s", got)
	}
}

func TestBrowserWhileTheTrackerIsDown(t *testing.T) {
	s := newStage(t, campaignTag)
	s.down.Store(1)
	s.open("/a?fbclid=x")
	id := s.js("subfive.id")
	s.wantLinks(id)
	if c := s.nextClick(); c.ID != id { // told again
		t.Errorf("recorded %s, the links have %s", c.ID, id)
	}
}

func TestBrowserStaysOnOnePage(t *testing.T) {
	s := newStage(t, campaignTag)
	s.open("/a?fbclid=x")
	id := s.nextClick().ID
	s.js("history.replaceState({}, '', '/a'), history.pushState({}, '', '/step2'), ''")
	if c := s.nextClick(); c.ID != id { // a minted click is told each time
		t.Errorf("recorded %s", c.ID)
	}
	if v := s.nextVisit(); v.ClickID != id || v.Kind != subfive.GoalLandingView || v.PageURL != s.page+"/step2" {
		t.Errorf("visit %+v", v)
	}
	s.js("history.back(), ''")
	s.nextClick()
	if v := s.nextVisit(); v.ClickID != id || v.PageURL != s.page+"/a" {
		t.Errorf("visit %+v", v)
	}
}

func TestBrowserWaitsForConsent(t *testing.T) {
	const wait = `<script async src="%s/subfive.js?c=spring" data-consent="wait"></script>`
	const layer = `<script src="/layer.js"></script>` + campaignTag
	for name, tt := range map[string]struct {
		tag          string
		say, consent string
		stored       func(id string) string
		params       map[string]string
	}{
		"granted": {
			wait, "subfive.consent('granted'), ''", "granted",
			func(id string) string { return "_fbp=fb.1.22.33; sf_v=" + id + ".1; sf_c=" + id + " | 1" },
			map[string]string{"fbclid": "x", "_fbp": "fb.1.22.33"},
		},
		"denied": {
			wait, "subfive.consent('denied'), ''", "denied",
			func(string) string { return "_fbp=fb.1.22.33 | 0" },
			map[string]string{"fbclid": "x"},
		},
		"granted in Google's words": {
			wait, "dataLayer.push(['consent', 'default', {ad_user_data: 'denied'}]), dataLayer.push(['consent', 'update', {ad_user_data: 'granted', ad_storage: 'granted'}]), ''", "granted",
			func(id string) string { return "_fbp=fb.1.22.33; sf_v=" + id + ".1; sf_c=" + id + " | 1" },
			map[string]string{"fbclid": "x", "_fbp": "fb.1.22.33"},
		},
		"denied by default, then granted": {
			layer, "dataLayer.push(['consent', 'update', {ad_user_data: 'granted', ad_storage: 'granted'}]), ''", "granted",
			func(id string) string { return "_fbp=fb.1.22.33; sf_v=" + id + ".1; sf_c=" + id + " | 1" },
			map[string]string{"fbclid": "x", "_fbp": "fb.1.22.33"},
		},
		"denied by default, and he leaves": {
			layer, "location.href = '/gone', ''", "denied",
			func(string) string { return "_fbp=fb.1.22.33 | 0" },
			map[string]string{"fbclid": "x"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, tt.tag)
			s.open("/a?fbclid=x")
			id := s.js("subfive.id")
			s.wantLinks(id)
			if got := s.stored(); got != "_fbp=fb.1.22.33 | 0" {
				t.Errorf("kept before the visitor said anything: %s", got)
			}
			if n := len(s.tape); n != 0 {
				t.Errorf("%d records before the visitor said anything", n)
			}
			s.js(tt.say)
			c := s.nextClick()
			if diff := cmp.Diff(map[string]string{"consent_ad_user_data": tt.consent}, pick(c.Consent, "consent_ad_user_data")); diff != "" {
				t.Errorf("consent (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.params, c.Params); diff != "" || c.ID != id {
				t.Errorf("click %s, params (-want +got):\n%s", c.ID, diff)
			}
			if got := s.stored(); got != tt.stored(id) {
				t.Errorf("kept %s, want %s", got, tt.stored(id))
			}
		})
	}
}

// Where the law asks first, nothing is kept without a yes, and a no ends what was
// kept.
func TestBrowserInEurope(t *testing.T) {
	s := newStage(t, campaignTag)
	if err := s.inZone("Europe/Berlin"); err != nil {
		t.Fatal(err)
	}
	s.open("/a?fbclid=x")
	id := s.nextClick().ID
	if got := s.stored(); got != "_fbp=fb.1.22.33 | 0" {
		t.Errorf("kept without a yes: %s", got)
	}
	s.js("subfive.consent({ad_user_data: 'granted', ad_personalization: 'denied'}), ''")
	s.nextClick()
	if v := s.nextVisit(); v.ClickID != id || v.Kind != "" || v.Consent["consent_ad_personalization"] != "denied" {
		t.Errorf("visit %+v", v)
	}
	if got := s.stored(); !strings.Contains(got, "sf_c="+id) {
		t.Errorf("kept after a yes: %s", got)
	}
	s.js("subfive.consent('denied'), ''")
	if got := s.stored(); got != "_fbp=fb.1.22.33 | 0" {
		t.Errorf("kept after a no: %s", got)
	}
}

func pick(m map[string]string, name string) map[string]string {
	return map[string]string{name: m[name]}
}
