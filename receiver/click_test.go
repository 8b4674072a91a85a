package receiver_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

// clicked sends one click and returns what was recorded of it, Raw opened.
func clicked(t *testing.T, r *http.Request) subfive.Click {
	t.Helper()
	j := &journal{}
	cfg := config(j)
	cfg.Bot = func(agent string) (string, bool) { return "its name", strings.Contains(agent, "bot") }
	if w := do(serve(cfg), r); w.Code != http.StatusFound {
		t.Errorf("answered %d, want 302", w.Code)
	}
	records := j.records()
	if len(records) != 1 || records[0].Click == nil || records[0].ID != records[0].Click.ID {
		t.Fatalf("recorded %+v, want one click", records)
	}
	c := *records[0].Click
	c.Request.Raw = open(t, c.Request.Raw)
	return c
}

func TestClickIsKept(t *testing.T) {
	r := get("/c/spring?fbclid=IwAR-_%2B%20x%0A&TTCLID=E.C.P.x&gclid={gclid}&email=A@b.c&consent_ad_user_data=granted&gdpr=1&sub1=ad&test=1")
	r.Header.Set("User-Agent", "iPhone")
	r.Header.Set("Referer", "https://m.facebook.com/")
	r.Header.Set("Accept-Language", "de-DE")
	r.Header.Set("Sec-Gpc", "1")
	r.Header.Set("Sec-Purpose", "prefetch;prerender")
	r.Header.Set("Cookie", `_fbp=fb.1.2.3; _fbc=fb.1.2.Ab%2B; ttclid=older; session=no; _rdt_uuid="q"; =x`)
	r.RemoteAddr = "[2001:db8::7]:1"
	got := clicked(t, r)
	want := subfive.Click{
		ID: got.ID, RecordKind: subfive.ClickRedirect, ClickedAt: start,
		Request: subfive.Request{
			Method: "GET", Scheme: "http", Host: "example.com", Path: "/c/spring", Raw: r.URL.RawQuery + "\n",
			Params: pairs("fbclid", "IwAR-_+ x\n", "TTCLID", "E.C.P.x", "gclid", "{gclid}", "email", "***",
				"consent_ad_user_data", "granted", "gdpr", "1", "sub1", "ad", "test", "1"),
			Headers: map[string]string{
				"Accept-Language": "de-DE", "Referer": "https://m.facebook.com/", "Sec-Gpc": "1", "Sec-Purpose": "prefetch;prerender",
			},
			ClientAddr: "2001:db8::7", UserAgent: "iPhone",
		},
		CampaignID: "spring", SourceID: "meta-us", Platform: "meta", AdAccountID: "act_1", OfferID: "dream",
		Location: "https://track.example.com/A/B/?sub1=sfw&sub5=" + got.ID + "&x={y}#f",
		Referrer: "https://m.facebook.com/", Language: "de-DE",
		Params: map[string]string{
			"fbclid": "IwAR-_+ x\n", "ttclid": "E.C.P.x", "_fbp": "fb.1.2.3", "_fbc": "fb.1.2.Ab%2B", "_rdt_uuid": `"q"`,
		},
		UserData:   map[string]subfive.Sealed{"email": {Box: "box:A@b.c", Mac: "mac:email"}},
		Consent:    map[string]string{"consent_ad_user_data": "granted", "gdpr": "1", "sec_gpc": "1"},
		IsPrefetch: true, IsTest: true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("click (-want +got):\n%s", diff)
	}
	if id, ok := subfive.ParseClickID(got.ID); !ok || id != got.ID {
		t.Errorf("click ID %q has not the form, in lower case", got.ID)
	}
}

func TestClickThatSaysNothing(t *testing.T) {
	got := clicked(t, get("/c/gone"))
	want := subfive.Click{
		ID: got.ID, RecordKind: subfive.ClickRedirect, ClickedAt: start,
		Request:    subfive.Request{Method: "GET", Scheme: "http", Host: "example.com", Path: "/c/gone", Raw: "\n", ClientAddr: "192.0.2.1"},
		CampaignID: "gone", SourceID: "meta-us", Platform: "meta", AdAccountID: "act_1", OfferID: "third",
		Location:  "https://other.example.com/?sub3=" + got.ID,
		VisitorID: got.ID, VisitNo: 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("click (-want +got):\n%s", diff)
	}
}

// A visitor gets the same answer whoever he seems to be: no safe page, no
// hidden referrer, for nobody.
func TestEveryVisitorGetsTheSameAnswer(t *testing.T) {
	visitors := map[string]func(r *http.Request){
		"iPhone":  func(r *http.Request) { r.Header.Set("User-Agent", "Mozilla/5.0 (iPhone)") },
		"crawler": func(r *http.Request) { r.Header.Set("User-Agent", "facebookexternalhit/1.1 bot") },
		"AdsBot": func(r *http.Request) {
			r.Header.Set("User-Agent", "AdsBot-Google (+http://www.google.com/adsbot.html)")
		},
		"nobody":   func(r *http.Request) { r.Header.Del("User-Agent") },
		"prefetch": func(r *http.Request) { r.Header.Set("Purpose", "prefetch") },
		"reviewer": func(r *http.Request) { r.Header.Set("Referer", "https://business.facebook.com/ads/review") },
		"proxied":  func(r *http.Request) { r.RemoteAddr = "10.9.9.9:1"; r.Header.Set("X-Forwarded-For", "66.249.66.1") },
	}
	want := http.Header{
		"Cache-Control": {"no-store"}, "Location": {"https://track.example.com/A/B/?sub1=sfw&sub5=ID&x={y}#f"},
		"Set-Cookie": {
			"sf_v=ID.1; Path=/; Max-Age=34560000; HttpOnly; SameSite=Lax",
			"sf_c=ID; Path=/; Max-Age=7776000; HttpOnly; SameSite=Lax",
		},
	}
	for name, disguise := range visitors {
		t.Run(name, func(t *testing.T) {
			j := &journal{}
			cfg := config(j)
			cfg.Bot = func(agent string) (string, bool) { return "bot", strings.Contains(strings.ToLower(agent), "bot") }
			r := get("/c/spring?fbclid=x")
			disguise(r)
			w := do(serve(cfg), r)
			got := w.Header()
			for _, values := range got {
				for i := range values {
					values[i] = strings.ReplaceAll(values[i], j.records()[0].ID, "ID")
				}
			}
			if diff := cmp.Diff(want, got); diff != "" || w.Code != http.StatusFound || w.Body.Len() != 0 {
				t.Errorf("answered %d %q (-want +got):\n%s", w.Code, w.Body, diff)
			}
		})
	}
}

func TestBotsAndPrefetchesAreMarked(t *testing.T) {
	tests := map[string]struct {
		header, value     string
		isBot, isPrefetch bool
	}{
		"person":           {"User-Agent", "iPhone", false, false},
		"bot":              {"User-Agent", "Googlebot", true, false},
		"Chrome's":         {"Sec-Purpose", "prefetch;anonymous-client-ip", false, true},
		"older":            {"Purpose", "prefetch", false, true},
		"Firefox's":        {"X-Moz", "prefetch", false, true},
		"Safari's preview": {"X-Purpose", "preview", false, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := get("/c/spring")
			r.Header.Set(tt.header, tt.value)
			if c := clicked(t, r); c.IsBot != tt.isBot || c.IsPrefetch != tt.isPrefetch || (c.BotReason != "") != tt.isBot {
				t.Errorf("bot %t (%s), prefetch %t", c.IsBot, c.BotReason, c.IsPrefetch)
			}
		})
	}
}

func TestClickIDsDiffer(t *testing.T) {
	j := &journal{}
	h := serve(config(j))
	seen := map[string]bool{}
	for range 1000 {
		do(h, httptest.NewRequest(http.MethodGet, "/c/spring", nil))
	}
	for _, rec := range j.records() {
		seen[rec.ID[10:18]] = true // the first 40 bits of randomness: no counter
	}
	if len(seen) != 1000 {
		t.Errorf("%d of 1000 IDs differ in their first random bits", len(seen))
	}
}

func TestObserver(t *testing.T) {
	o := &observer{}
	cfg := config(&journal{})
	now := start
	cfg.Now = func() time.Time { now = now.Add(time.Millisecond); return now }
	cfg.Observer = o
	h := serve(cfg)
	do(h, get("/c/spring"))
	do(h, get("/conversion/meta?s5="+clickID))
	if diff := cmp.Diff([]string{"click 1ms", "other ok 1ms"}, o.seen); diff != "" {
		t.Errorf("seen (-want +got):\n%s", diff)
	}
}
