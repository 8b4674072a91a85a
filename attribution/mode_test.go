package attribution

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

// TestEventIDs holds that the real event is never taken for a test's repeat, and
// that it is where tests count as real.
func TestEventIDs(t *testing.T) {
	c := subfive.Conversion{ID: "cv_1"}
	tests := map[string]struct {
		kind subfive.Kind
		mode subfive.Mode
		real bool
		want string
	}{
		"live":                   {subfive.KindConversion, subfive.ModeLive, false, "cv_1"},
		"dry run":                {subfive.KindConversion, subfive.ModeDryRun, false, "cv_1"},
		"test":                   {subfive.KindConversion, subfive.ModeTest, false, "test-cv_1"},
		"test that counts":       {subfive.KindConversion, subfive.ModeTest, true, "cv_1"},
		"retraction of a test":   {subfive.KindRetraction, subfive.ModeTest, false, "test-cv_1-retraction"},
		"restatement, live":      {subfive.KindRestatement, subfive.ModeLive, false, "cv_1-restatement"},
		"restatement of a count": {subfive.KindRestatement, subfive.ModeTest, true, "cv_1-restatement"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			to := subfive.Destination{ID: "meta-main", CountsForReal: tt.real}
			if diff := cmp.Diff(tt.want, eventID(c, to, tt.kind, tt.mode)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestTestThenLive follows one conversion: told in a test, replayed for real,
// taken back in the mode it was told in.
func TestTestThenLive(t *testing.T) {
	tr := newTracker(t, func(s *subfive.Setup) {
		s.Campaigns[0].Destinations = []string{"hook"}
		i := len(s.Destinations)
		for j, d := range s.Destinations {
			if d.ID == "hook" {
				i = j
			}
		}
		s.Destinations[i].Mode = subfive.ModeTest
	})
	tr.record(tr.click(clickA, nil))
	tr.record(tr.postback("1", clickA, "t1", nil))
	id := tr.store.postbacks["pb_1"].ConversionID
	d := tr.store.deliveries[subfive.DeriveID(subfive.PrefixDelivery, id, "hook", "conversion", "1")]
	rules := *tr.rules.Load()
	d.Conversion = tr.store.conversions[id]
	rules.Setup.Destinations = append([]subfive.Destination(nil), rules.Setup.Destinations...)
	for i := range rules.Setup.Destinations {
		rules.Setup.Destinations[i].Mode = subfive.ModeLive
	}
	got := []string{d.EventID, DecideAgain(d, rules, tr.now).EventID}
	if diff := cmp.Diff([]string{"test-" + id, id}, got); diff != "" {
		t.Errorf("event IDs in the test and in its replay (-want +got):\n%s", diff)
	}
}
