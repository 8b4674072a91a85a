package attribution

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
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

func TestConsentThatIsTakenBackWins(t *testing.T) {
	for name, tt := range map[string]struct{ click, visit, want map[string]string }{
		"nothing before":          {nil, map[string]string{"consent_ad_user_data": "granted"}, map[string]string{"consent_ad_user_data": "granted"}},
		"granted, then denied":    {map[string]string{"consent_ad_user_data": "granted"}, map[string]string{"consent_ad_user_data": "denied"}, map[string]string{"consent_ad_user_data": "denied"}},
		"denied, then granted":    {map[string]string{"consent_ad_user_data": "denied"}, map[string]string{"consent_ad_user_data": "granted"}, map[string]string{"consent_ad_user_data": "denied"}},
		"the browser opts out":    {map[string]string{"gdpr": "0"}, map[string]string{"sec_gpc": "1"}, map[string]string{"gdpr": "0", "sec_gpc": "1"}},
		"a string of its own now": {map[string]string{"gpp": "a"}, map[string]string{"gpp": "b"}, map[string]string{"gpp": "a"}},
	} {
		t.Run(name, func(t *testing.T) {
			before := subfive.Click{Consent: tt.click}
			kept := cmp.Diff(tt.click, before.Consent)
			got, _ := enrich(before, subfive.Visit{Kind: subfive.GoalLandingView, Consent: tt.visit})
			if diff := cmp.Diff(tt.want, got.Consent); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.click, before.Consent); diff != kept {
				t.Errorf("the click itself was changed: %s", diff)
			}
		})
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
