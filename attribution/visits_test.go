package attribution

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/consent"
)

func (tr *tracker) visit(id, kind string) subfive.Record {
	v := subfive.Visit{
		ID: subfive.PrefixVisit + id, ClickID: clickA, Kind: kind, At: tr.now, LandingID: "lp1", PageURL: "https://lp.example.com/a?fbclid=IwAR1",
		Params: map[string]string{"_fbp": "fb.1.2.3", "fbclid": "another"},
	}
	return subfive.Record{ID: v.ID, Kind: subfive.RecordVisit, Visit: &v}
}

// Whatever the order in which click and visit come, and in one batch or in two,
// the click ends up knowing what the page told.
func TestVisitReachesItsClick(t *testing.T) {
	for name, order := range map[string]func(tr *tracker, click, visit subfive.Record){
		"in one batch":              func(tr *tracker, c, v subfive.Record) { tr.record(c, v) },
		"in one batch, visit first": func(tr *tracker, c, v subfive.Record) { tr.record(v, c) },
		"click first":               func(tr *tracker, c, v subfive.Record) { tr.record(c); tr.record(v) },
		"visit first":               func(tr *tracker, c, v subfive.Record) { tr.record(v); tr.record(c) },
		"twice":                     func(tr *tracker, c, v subfive.Record) { tr.record(c); tr.record(v); tr.record(v, c) },
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTracker(t, nil)
			click := tr.click(clickA, nil)
			tr.now = tr.now.Add(time.Minute)
			seen := tr.now
			order(tr, click, tr.visit("1", subfive.GoalLandingView))
			want := *click.Click
			want.Params = map[string]string{"fbclid": "IwAR1", "_fbp": "fb.1.2.3"}
			want.PageURL, want.LandingID, want.LandingViewedAt = "https://lp.example.com/a?fbclid=IwAR1", "lp1", seen
			got := tr.store.clicks[clickA]
			got.Version = 0
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("click (-want +got):\n%s", diff)
			}
			if n := len(tr.store.visits); n != 1 {
				t.Errorf("%d visits are kept, want 1", n)
			}
			tr.want()
		})
	}
}

// What a landing page tells of consent counts in whatever spelling, and however
// the link said the contrary. The click's fields then read as careful as either.
func TestConsentThatIsTakenBackWins(t *testing.T) {
	type fields = map[string]string
	const data = "consent_ad_user_data"
	granted := fields{data: "granted"}
	for name, tt := range map[string]struct{ click, visit, want fields }{
		"nothing before":               {nil, granted, granted},
		"granted, then denied":         {granted, fields{data: "denied"}, fields{data: "denied"}},
		"granted, then CONSENT_DENIED": {granted, fields{data: "CONSENT_DENIED"}, fields{data: "denied"}},
		"granted, then denied, spaced": {granted, fields{data: " Denied"}, fields{data: "denied"}},
		"granted, then a TCF string":   {granted, fields{"gdpr_consent": tcfRefused}, fields{data: "denied", "gdpr_consent": tcfRefused}},
		"granted, then a GPP string":   {granted, fields{"gpp": gppOptedOut}, fields{data: "granted", "gpp": gppOptedOut}},
		"one GPP string, then another": {fields{"gpp": "a"}, fields{"gpp": gppOptedOut}, fields{"gpp": "a", "sec_gpc": "1"}},
		"denied, then granted":         {fields{data: "denied"}, granted, fields{data: "denied"}},
		"a string, then granted":       {fields{"gdpr_consent": tcfRefused}, granted, fields{data: "denied", "gdpr_consent": tcfRefused}},
		"the browser opts out":         {fields{"gdpr": "0"}, fields{"sec_gpc": "1"}, fields{"gdpr": "0", "sec_gpc": "1"}},
		"a string of no meaning":       {fields{"gpp": "a"}, fields{"gpp": "b"}, fields{"gpp": "a"}},
	} {
		t.Run(name, func(t *testing.T) {
			before := subfive.Click{Consent: maps.Clone(tt.click)}
			got, _ := enrich(before, subfive.Visit{Kind: subfive.GoalLandingView, Consent: tt.visit}, consent.Read)
			if diff := cmp.Diff(tt.want, got.Consent); diff != "" {
				t.Error(diff)
			}
			if want := consent.Read(tt.click).Careful(consent.Read(tt.visit)); consent.Read(got.Consent) != want {
				t.Errorf("it reads as %+v, want %+v", consent.Read(got.Consent), want)
			}
			if diff := cmp.Diff(tt.click, before.Consent); diff != "" {
				t.Errorf("the click itself was changed: %s", diff)
			}
			if _, again := enrich(got, subfive.Visit{Consent: tt.visit}, consent.Read); again {
				t.Error("the same visit changes it again")
			}
		})
	}
}

// Strings of the standards' own tests: nothing is consented to; GPC in a US
// section.
const (
	tcfRefused  = "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA"
	gppOptedOut = "DBABLA~DSJgmkoZJSA.YA"
)

// The page that a platform is told has its own click IDs as they came, and no
// address in its path.
func TestPageThatIsTold(t *testing.T) {
	for name, tt := range map[string]struct{ page, want string }{
		"none":            {"", ""},
		"others' queries": {"https://lp.example.com/a?x=1&fbclid=IwAR-%2B1&gclid=2#top", "https://lp.example.com/a?fbclid=IwAR-%2B1"},
		"an address":      {"https://lp.example.com/u/jane@example.com/?fbclid=x", "https://lp.example.com/u/***/?fbclid=x"},
		"an escaped one":  {"https://lp.example.com//u%2Fjane%40example.com", "https://lp.example.com//***"},
		"another's name":  {"https://me@lp.example.com/a%20b/%C3%A9", "https://lp.example.com/a%20b/%C3%A9"},
		"no address":      {"mailto:jane@example.com", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := page(tt.page, []string{"fbclid", "_fbp"}); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// A refusal that only the page heard of stops what is sent, in any spelling.
func TestRefusalOnThePageIsHeeded(t *testing.T) {
	for name, said := range map[string]map[string]string{
		"in words":      {"consent_ad_user_data": "CONSENT_DENIED"},
		"a TCF string":  {"gdpr_consent": tcfRefused},
		"with a space":  {"consent_ad_user_data": " denied"},
		"a GPP opt-out": {"gpp": gppOptedOut},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTracker(t, nil)
			visit := tr.visit("1", subfive.GoalLandingView)
			visit.Visit.Consent = said
			tr.record(tr.click(clickA, func(c *subfive.Click) {
				c.Visitor.Country, c.Consent = "US", map[string]string{"consent_ad_user_data": "granted"}
			}))
			tr.record(visit)
			tr.record(tr.postback("1", clickA, "t1", nil))
			for _, d := range tr.store.deliveries {
				if d.Status == subfive.DeliveryScheduled && !d.LimitedUse {
					t.Errorf("%s is %s", d.DestinationID, d.Status)
				}
			}
		})
	}
}

// The batch's transaction may be the last thing that the process does: the click
// knows by then what was told before it.
func TestVisitBeforeItsClickNeedsNoLate(t *testing.T) {
	for name, order := range map[string]func(tr *tracker, click, visit subfive.Record){
		"in one batch": func(tr *tracker, c, v subfive.Record) { tr.record(v, c) },
		"in two":       func(tr *tracker, c, v subfive.Record) { tr.record(v); tr.record(c) },
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTracker(t, nil)
			tr.store.refuse = func(b subfive.Batch) error {
				if len(b.Enriched) > 0 {
					return errors.New("killed before late")
				}
				return nil
			}
			visit := tr.visit("1", subfive.GoalLandingView)
			visit.Visit.Consent = map[string]string{"consent_ad_user_data": "denied"}
			order(tr, tr.click(clickA, nil), visit)
			got := tr.store.clicks[clickA]
			if got.Consent["consent_ad_user_data"] != "denied" || got.Params["_fbp"] != "fb.1.2.3" || got.LandingViewedAt.IsZero() {
				t.Errorf("the click knows %+v", got)
			}
		})
	}
}

// Another node records the visit while the click is being decided, and late fails:
// on the next try the click is stored, and late looks for it all the same.
func TestLateThatFailedIsTriedAgain(t *testing.T) {
	tr := newTracker(t, nil)
	visit, down := tr.visit("1", subfive.GoalLandingView), true
	tr.store.refuse = func(b subfive.Batch) error {
		if len(b.Clicks) > 0 {
			tr.store.visits[visit.ID] = *visit.Visit
		}
		if len(b.Enriched) > 0 && down {
			return errors.New("connection refused")
		}
		return nil
	}
	click := []subfive.Record{tr.click(clickA, nil)}
	if _, err := tr.Take(t.Context(), click); err == nil {
		t.Fatal("late did not fail")
	}
	down = false
	if _, err := tr.Take(t.Context(), click); err != nil {
		t.Fatal(err)
	}
	if got := tr.store.clicks[clickA].Params["_fbp"]; got != "fb.1.2.3" {
		t.Errorf("_fbp %q: the visit is lost", got)
	}
}

// A visit of no click is nobody's, and no click is looked up for it.
func TestVisitWithoutAClickIsLeftOut(t *testing.T) {
	tr := newTracker(t, nil)
	visit := tr.visit("1", subfive.GoalLandingView)
	visit.Visit.ClickID = ""
	if l := lookup([]subfive.Record{visit}); len(l.ClickIDs)+len(l.VisitIDs) != 0 {
		t.Errorf("looked up %+v", l)
	}
	tr.record(visit)
	if len(tr.store.visits) != 0 || tr.store.positions["s"] != 1 {
		t.Errorf("kept %v, up to %v", tr.store.visits, tr.store.positions)
	}
}

func TestOwnGoalsAreTold(t *testing.T) {
	tr := newTracker(t, func(s *subfive.Setup) {
		s.Destinations[0].Goals[subfive.GoalLandingClick] = "ViewContent"
	})
	tr.record(tr.click(clickA, nil), tr.visit("1", subfive.GoalLandingView))
	tr.want() // nobody maps lp_view
	tr.now = tr.now.Add(time.Minute)
	tr.record(tr.visit("2", subfive.GoalLandingClick))
	tr.now = tr.now.Add(time.Minute)
	tr.record(tr.visit("3", subfive.GoalLandingClick)) // once per click
	tr.want("conversion matched  approved", "meta-main conversion ViewContent scheduled")
	for _, c := range tr.store.conversions {
		if c.Counts() || !c.IsOwnGoal() || !c.ConvertedAt.Equal(noon.Add(time.Minute)) {
			t.Errorf("%+v", c)
		}
	}
}

// A page that records the click itself is its first view.
func TestScriptsClickIsAView(t *testing.T) {
	tr := newTracker(t, func(s *subfive.Setup) { s.Destinations[1].Goals[subfive.GoalLandingView] = "view" })
	tr.record(tr.click(clickA, func(c *subfive.Click) { c.RecordKind, c.LandingViewedAt = subfive.ClickScript, tr.now }))
	tr.record(tr.visit("1", subfive.GoalLandingView))
	tr.want("conversion matched  approved", "hook conversion view scheduled")
}

// Somebody else enriched the click meanwhile: the batch is decided again.
func TestEnrichedClickIsGuarded(t *testing.T) {
	tr := newTracker(t, nil)
	tr.record(tr.click(clickA, nil))
	raced := false
	tr.store.refuse = func(b subfive.Batch) error {
		if len(b.Enriched) > 0 && !raced {
			raced = true
			c := tr.store.clicks[clickA]
			c.Params = map[string]string{"fbclid": "IwAR1", "_fbc": "theirs"}
			c.Version++
			tr.store.clicks[clickA] = c
		}
		return nil
	}
	tr.record(tr.visit("1", subfive.GoalLandingView))
	want := []string{"_fbc theirs", "_fbp fb.1.2.3", "fbclid IwAR1"}
	var got []string
	for name, value := range tr.store.clicks[clickA].Params {
		got = append(got, name+" "+value)
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" || !raced {
		t.Errorf("raced %v, params (-want +got):\n%s", raced, diff)
	}
}
