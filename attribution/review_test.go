package attribution

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

// Somebody else changed a due conversion meanwhile: it is read again.
func TestReviewOutlastsAConflict(t *testing.T) {
	tr := newTracker(t, nil)
	tr.record(tr.postback("1", clickA, "t1", nil))
	tr.now = tr.now.Add(73 * time.Hour)
	raced := false
	tr.store.refuse = func(b subfive.Batch) error {
		if len(b.Promotions) > 0 && !raced {
			raced = true
			c := tr.store.conversions[b.Promotions[0].Conversion.ID]
			c.Version++
			tr.store.conversions[c.ID] = c
		}
		return nil
	}
	tr.review()
	tr.want("pb_1 unmatched", "conversion unmatched 42.00")
}

// One conversion that can't be stored is put off, and its neighbors are reviewed.
func TestReviewPutsOffWhatIsRefused(t *testing.T) {
	tr := newTracker(t, nil)
	tr.record(tr.postback("1", clickA, "t1", nil), tr.postback("2", clickB, "t2", nil))
	tr.now = tr.now.Add(73 * time.Hour)
	tr.store.refuse = func(b subfive.Batch) error {
		for _, p := range b.Promotions {
			if p.Conversion.PostbackID == "pb_1" && p.Conversion.Verdict == subfive.VerdictUnmatched {
				return fmt.Errorf("a value of its: %w", subfive.ErrBadData)
			}
		}
		return nil
	}
	tr.review()
	tr.want("pb_1 waiting", "pb_2 unmatched", "conversion waiting 42.00", "conversion unmatched 42.00")
	for _, c := range tr.store.conversions {
		if want := tr.now.Add(time.Hour); c.Verdict == subfive.VerdictWaiting && !c.ReviewAt.Equal(want) {
			t.Errorf("it is due at %s, want %s", c.ReviewAt, want)
		}
	}
	tr.store.refuse = nil
	tr.now = tr.now.Add(time.Hour)
	tr.review()
	tr.want("pb_1 unmatched", "pb_2 unmatched", "conversion unmatched 42.00", "conversion unmatched 42.00")
}

// Rules that trip over one click don't end the tracker, wherever they meet it:
// in late, which gives it its visits and conversions, and in a review.
func TestRulesThatTripAreBadData(t *testing.T) {
	tests := map[string]struct {
		before, click func(tr *tracker) subfive.Record
		clicks        int // stored
	}{
		"promoting": {
			func(tr *tracker) subfive.Record { return tr.postback("1", clickA, "t1", nil) },
			func(tr *tracker) subfive.Record {
				return tr.click(clickA, func(c *subfive.Click) { c.Consent = map[string]string{"consent_ad_user_data": "boom"} })
			}, 1,
		},
		"gathering": {
			func(tr *tracker) subfive.Record { return tr.click(clickA, nil) },
			func(tr *tracker) subfive.Record {
				v := tr.visit("1", subfive.GoalLandingView)
				v.Visit.Consent = map[string]string{"consent_ad_user_data": "boom"}
				tr.store.visits[v.ID] = *v.Visit // it came while the batch was decided
				return v
			}, 1,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tr := newTracker(t, nil)
			rules := *tr.rules.Load()
			read := rules.ReadConsent
			rules.ReadConsent = func(fields map[string]string) subfive.Consent {
				if fields["consent_ad_user_data"] == "boom" {
					panic("boom")
				}
				return read(fields)
			}
			tr.SetRules(rules)
			tr.record(tt.before(tr))
			tr.record(tt.click(tr))
			if got := len(tr.store.clicks); got != tt.clicks || len(tr.store.broken) != 1 {
				t.Errorf("%d clicks are stored, %d records broken", got, len(tr.store.broken))
			}
			tr.now = tr.now.Add(time.Minute)
			tr.review()
			for _, c := range tr.store.conversions {
				if diff := cmp.Diff(tr.now.Add(time.Hour), c.ReviewAt); diff != "" {
					t.Errorf("due (-want +got):\n%s", diff)
				}
			}
		})
	}
}
