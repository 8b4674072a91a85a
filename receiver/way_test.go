package receiver_test

import (
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/receiver"
)

// recognizer knows visitors by their address.
type recognizer map[string]subfive.Visitor

func (r recognizer) Recognize(addr netip.Addr, _ string) subfive.Visitor { return r[addr.String()] }

// walked sends one click and returns it with its answer.
func walked(t *testing.T, r *http.Request, at time.Time, capped ...string) (subfive.Click, *httptest.ResponseRecorder) {
	t.Helper()
	j := &journal{}
	cfg := config(j)
	cfg.Now = func() time.Time { return at }
	cfg.FallbackURL = "https://fallback.example.com/"
	cfg.Recognizer = recognizer{
		"192.0.2.49": {Country: "DE", Device: "phone"}, "192.0.2.1": {Country: "US", Device: "phone"}, "192.0.2.44": {Country: "GB"},
	}
	rc := receiver.New(cfg)
	rc.SetSetup(ways())
	full := map[string]bool{}
	for _, id := range capped {
		full[id] = true
	}
	rc.SetCapped(full)
	w := do(rc.Handler(), r)
	if len(j.records()) == 0 || j.records()[0].Click == nil {
		return subfive.Click{}, w
	}
	return *j.records()[0].Click, w
}

func TestClickTakesItsWay(t *testing.T) {
	noon := time.Date(2026, 11, 24, 17, 0, 0, 0, time.UTC) // Tuesday, 12:00 in New York
	type outcome struct{ rule, path, offer, landing, location string }
	for name, tt := range map[string]struct {
		target, addr, language string
		at                     time.Time
		capped                 []string
		want                   outcome
	}{
		"a rule of two conditions": {
			target: "/c/split?fbclid=A-_b", addr: "192.0.2.49:1", at: noon,
			want: outcome{"german", "de", "dream", "lp2", "https://lp.example.com/split/de?click=ID&cid=ID&fbclid=A-_b"},
		},
		"only one of its conditions fits": {
			target: "/c/split?p=two", at: noon, want: outcome{"partner", "p", "dream", "", "https://track.example.com/A/B/?sub1=sfw&sub5=ID&x={y}#f"},
		},
		"another value of the parameter": {target: "/c/split?p=three", language: "es-MX,en;q=0.5", at: noon, want: outcome{"spanish", "es", "dream", "", "https://track.example.com/A/B/?sub1=sfw&sub5=ID&x={y}#f"}},
		"a language that only begins alike": {
			target: "/c/split?p=one", language: "est", at: noon, want: outcome{"partner", "p", "dream", "", "https://track.example.com/A/B/?sub1=sfw&sub5=ID&x={y}#f"},
		},
		"Monday night in the source's zone, Tuesday in UTC": {
			target: "/c/split", at: time.Date(2026, 11, 24, 3, 30, 0, 0, time.UTC), want: outcome{"night", "n", "third", "", "https://other.example.com/?sub3=ID"},
		},
		"the campaign's own landing page": {
			target: "/c/landed?FBCLID=x%2By&gclid={gclid}&ttclid=&utm=1", at: noon,
			want: outcome{"", "", "dream", "lp1", "https://lp.example.com/a?x=1&cid=ID&fbclid=x%2By#top"},
		},
		"a paused offer, and a capped one after it": {
			target: "/c/fallen", at: noon, capped: []string{"capped"}, want: outcome{"", "", "dream", "", "https://track.example.com/A/B/?sub1=sfw&sub5=ID&x={y}#f"},
		},
		"a landing page of another language, and an empty parameter": {
			target: "/c/foreign?fbclid=x", at: noon,
			want: outcome{"", "", "dream", "lp3", "https://lp.example.com/%C3%BC?fbclid=x&cid=ID"},
		},
		"a paused offer": {target: "/c/fallen", at: noon, want: outcome{"", "", "capped", "", "https://capped.example.com/?sub5=ID"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := get(tt.target)
			if tt.addr != "" {
				r.RemoteAddr = tt.addr
			}
			r.Header.Set("Accept-Language", tt.language)
			c, w := walked(t, r, tt.at, tt.capped...)
			got := outcome{c.RuleID, c.PathID, c.OfferID, c.LandingID, strings.ReplaceAll(w.Header().Get("Location"), c.ID, "ID")}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(outcome{})); diff != "" {
				t.Error(diff)
			}
			if !strings.Contains(c.Location, "ü") && c.Location != w.Header().Get("Location") {
				t.Errorf("recorded that he went to %s", c.Location)
			}
		})
	}
}

func TestNoOfferLeft(t *testing.T) {
	c, w := walked(t, get("/c/closed"), start, "lonely")
	if got := w.Header().Get("Location"); got != "https://fallback.example.com/" || c.ID != "" {
		t.Errorf("went to %q with click %q", got, c.ID)
	}
}

func TestLandingPageLeadsOnToTheOffer(t *testing.T) {
	const id = "01hzy3v8e4q6n0k7c5m9p2r8st"
	for name, tt := range map[string]struct {
		target, cookie, capped, want string
	}{
		"the link carries the click":    {"/go/" + id + "/dream", "", "", "https://track.example.com/A/B/?sub1=sfw&sub5=" + id + "&x={y}#f"},
		"the link wins over the cookie": {"/go/" + id + "/dream", "01hzy3v8e4q6n0k7c5m9p2r8sv", "", "https://track.example.com/A/B/?sub1=sfw&sub5=" + id + "&x={y}#f"},
		"nobody filled the link in":     {"/go/{click_id}/dream", id, "", "https://track.example.com/A/B/?sub1=sfw&sub5=" + id + "&x={y}#f"},
		"no click at all":               {"/go/-/dream", "", "", "https://track.example.com/A/B/?sub1=sfw&sub5=old&x={y}#f"},
		"a cookie that is none of ours": {"/go/-/dream", "<script>", "", "https://track.example.com/A/B/?sub1=sfw&sub5=old&x={y}#f"},
		"a paused offer":                {"/go/" + id + "/rested", "", "", "https://capped.example.com/?sub5=" + id},
		"no offer left":                 {"/go/" + id + "/lonely", "", "lonely", "https://fallback.example.com/"},
	} {
		t.Run(name, func(t *testing.T) {
			r := get(tt.target)
			if tt.cookie != "" {
				r.Header.Set("Cookie", "sf_c="+tt.cookie)
			}
			_, w := walked(t, r, start, tt.capped)
			if got := w.Header().Get("Location"); got != tt.want {
				t.Errorf("went to %s, want %s", got, tt.want)
			}
		})
	}
}

func TestAdAndCostAreRead(t *testing.T) {
	c, _ := walked(t, get("/c/landed?platform_campaign_id=1&adset_name=a%20b&ad_id=no&sub3=77&placement={{placement}}&keyword=__KW__&cost=0.42&p1=x&P20=y&p21=z"), start)
	if diff := cmp.Diff(subfive.Ad{CampaignID: "1", SetName: "a b", ID: "77"}, c.Ad); diff != "" {
		t.Errorf("ad (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"p1": "x", "p20": "y"}, c.Tokens); diff != "" {
		t.Errorf("tokens (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&subfive.Money{Amount: 420_000, Currency: "EUR"}, c.Cost); diff != "" {
		t.Errorf("cost (-want +got):\n%s", diff)
	}
}

// A cookie is stored only where the visitor's word and his law allow it.
func TestCookiesAskFirst(t *testing.T) {
	for name, tt := range map[string]struct {
		query, addr, gpc string
		want             bool
	}{
		"nothing is said in the US":        {"", "192.0.2.1:1", "", true},
		"nothing is said in Germany":       {"", "192.0.2.49:1", "", false},
		"granted in Germany":               {"consent_ad_user_data=granted", "192.0.2.49:1", "", true},
		"nothing is said in Britain":       {"", "192.0.2.44:1", "", false},
		"denied in the US":                 {"consent_ad_user_data=Denied", "192.0.2.1:1", "", false},
		"opted out in the US":              {"consent_ad_user_data=granted", "192.0.2.1:1", "1", false},
		"nothing is said, country unknown": {"", "192.0.2.3:1", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			r := get("/c/spring?" + tt.query)
			r.RemoteAddr = tt.addr
			if tt.gpc != "" {
				r.Header.Set("Sec-Gpc", tt.gpc)
			}
			c, w := walked(t, r, start)
			if got := len(w.Result().Cookies()) == 2; got != tt.want || (c.VisitorID != "") != tt.want {
				t.Errorf("cookies %v, visitor %q; want them: %v", w.Result().Cookies(), c.VisitorID, tt.want)
			}
		})
	}
}

func TestVisitsAreCounted(t *testing.T) {
	const first = "01hzy3v8e4q6n0k7c5m9p2r8st"
	for name, tt := range map[string]struct {
		cookie, purpose string
		visitor         string // "": the click's own ID
		visit           int
	}{
		"somebody new":            {visit: 1},
		"somebody again":          {cookie: first + ".3", visitor: first, visit: 4},
		"what was fetched ahead":  {cookie: first + ".3", purpose: "prefetch", visitor: first, visit: 3},
		"a count that is a trick": {cookie: first + ".99999999999999999999", visit: 1},
		"an ID that is a trick":   {cookie: "x'y.2", visit: 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := get("/c/spring")
			if tt.cookie != "" {
				r.Header.Set("Cookie", "sf_v="+tt.cookie)
			}
			r.Header.Set("Purpose", tt.purpose)
			c, _ := walked(t, r, start)
			if tt.visitor == "" {
				tt.visitor = c.ID
			}
			if c.VisitorID != tt.visitor || c.VisitNo != tt.visit {
				t.Errorf("visitor %s, visit %d; want %s, %d", c.VisitorID, c.VisitNo, tt.visitor, tt.visit)
			}
		})
	}
}

// hundredRules is a campaign whose last rule alone fits, with a split of three.
func hundredRules() subfive.Setup {
	s := setup()
	c := subfive.Campaign{ID: "many", Source: "meta-us", Offer: "dream"}
	for i := range 99 {
		c.Rules = append(c.Rules, subfive.Rule{
			ID:    fmt.Sprintf("r%d", i),
			When:  subfive.Conditions{Country: []string{"XX", "YY"}, Params: map[string][]string{"none": {"a"}}},
			Paths: []subfive.Path{{ID: fmt.Sprintf("p%d", i)}},
		})
	}
	c.Rules = append(c.Rules, subfive.Rule{
		ID: "last", When: subfive.Conditions{Params: map[string][]string{"fbclid": nil}},
		Paths: []subfive.Path{{ID: "half", Weight: new(50)}, {ID: "third", Weight: new(30)}, {ID: "fifth", Weight: new(20)}, {ID: "never", Weight: new(0)}},
	})
	s.Campaigns = append(s.Campaigns, c)
	return s
}

func TestSplitIsFairAndSticky(t *testing.T) {
	const clicks = 10_000
	j := &journal{}
	rc := receiver.New(config(j))
	rc.SetSetup(hundredRules())
	counts := map[string]int{}
	type visit struct{ cookie, path string }
	var visits []visit
	for i := range clicks {
		w := do(rc.Handler(), get("/c/many?fbclid="+fmt.Sprint(i)))
		path := j.last().PathID
		counts[path]++
		if i%50 == 0 {
			visits = append(visits, visit{w.Result().Cookies()[0].Value, path})
		}
	}
	// Chi-square with two degrees of freedom: above 18.4 once in 10,000.
	chi := 0.0
	for path, share := range map[string]float64{"half": 0.5, "third": 0.3, "fifth": 0.2} {
		expected := share * clicks
		chi += math.Pow(float64(counts[path])-expected, 2) / expected
	}
	if chi > 18.4 || counts["never"] > 0 || len(counts) != 3 {
		t.Errorf("split %v, chi-square %.1f", counts, chi)
	}
	for _, v := range visits {
		r := get("/c/many?fbclid=again")
		r.Header.Set("Cookie", "sf_v="+v.cookie)
		do(rc.Handler(), r)
		if got := j.last().PathID; got != v.path {
			t.Errorf("visitor %s went %s, and %s again", v.cookie, v.path, got)
		}
	}
}

// A weight that is raised takes visitors from the others, and moves nobody
// between those.
func TestChangedWeightMovesNoMoreThanItMust(t *testing.T) {
	paths := func(weight int) map[string]string {
		s := setup()
		s.Campaigns = append(s.Campaigns, subfive.Campaign{
			ID: "s", Offer: "dream", Paths: []subfive.Path{{ID: "a", Weight: &weight}, {ID: "b", Weight: new(100)}, {ID: "c", Weight: new(100)}},
		})
		j := &journal{}
		rc := receiver.New(config(j))
		rc.SetSetup(s)
		went := map[string]string{}
		for i := range 500 {
			visitor := fmt.Sprintf("01hzy3v8e4q6n0k7c5m9p2%04d", i)
			r := get("/c/s")
			r.Header.Set("Cookie", "sf_v="+visitor+".1")
			do(rc.Handler(), r)
			went[visitor] = j.last().PathID
		}
		return went
	}
	before, after := paths(100), paths(150)
	moved := 0
	for visitor, path := range after {
		if before[visitor] != path {
			if moved++; path != "a" {
				t.Errorf("visitor %s moved from %s to %s", visitor, before[visitor], path)
			}
		}
	}
	if moved == 0 || moved > 100 {
		t.Errorf("%d of %d moved", moved, len(after))
	}
	if maps.Equal(before, after) {
		t.Error("nobody moved")
	}
}

// Who tells nothing of himself, as crawlers do, is no one that a rule could set
// apart: he goes where a common desktop goes.
func TestWhoTellsNothingGoesWithTheCommonest(t *testing.T) {
	s := setup()
	s.Campaigns = append(s.Campaigns, subfive.Campaign{
		ID: "people", Offer: "dream",
		Rules: []subfive.Rule{{ID: "people", When: subfive.Conditions{
			Device: []string{"phone", "tablet", "desktop"}, OS: subfive.Systems(), Browser: subfive.Browsers(), Language: []string{"en"},
		}, Paths: []subfive.Path{{ID: "p", Offer: "third"}}}},
	})
	for name, who := range map[string]subfive.Visitor{
		"a desktop":     {Device: "desktop", OS: "windows", Browser: "chrome"},
		"a bare name":   {Device: "other"},
		"no user agent": {},
	} {
		j := &journal{}
		cfg := config(j)
		cfg.Recognizer = recognizer{"192.0.2.1": who}
		rc := receiver.New(cfg)
		rc.SetSetup(s)
		do(rc.Handler(), get("/c/people"))
		if got := j.last().RuleID; got != "people" {
			t.Errorf("%s took rule %q", name, got)
		}
	}
}

// What a rule may look at is closed: nothing in it says that somebody reviews
// ads.
func TestRulesCanNotSeeReviewers(t *testing.T) {
	var got []string
	for f := range reflect.TypeFor[subfive.Conditions]().Fields() {
		got = append(got, f.Name)
	}
	want := []string{"Country", "Device", "OS", "Browser", "Language", "Days", "Hours", "Timezone", "Params"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
}

func TestLandingURLIsAURL(t *testing.T) {
	c, w := walked(t, get("/c/landed?fbclid=%FF%20%26b"), start)
	u, err := url.Parse(w.Header().Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	if u.Query().Get("cid") != c.ID || u.Query().Get("fbclid") != "\xff &b" {
		t.Errorf("got %s", u)
	}
}

func BenchmarkClick(b *testing.B) {
	for name, s := range map[string]subfive.Setup{"no rules": setup(), "100 rules": hundredRules()} {
		b.Run(name, func(b *testing.B) {
			target := "/c/spring?fbclid=x"
			if name != "no rules" {
				target = "/c/many?fbclid=x"
			}
			rc := receiver.New(config(&journal{}))
			rc.SetSetup(s)
			h := rc.Handler()
			b.ReportAllocs()
			for b.Loop() {
				do(h, get(target))
			}
		})
	}
}
