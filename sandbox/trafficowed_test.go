package sandbox_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive/sandbox"
)

func TestOwed(t *testing.T) {
	meta := sandbox.Listener{
		Platform: "meta", Events: map[string]string{"base": "Purchase", "Upgrade": "Subscribe"},
		Approved: "Approved", Rejected: "Refund",
	}
	tiktok := sandbox.Listener{Platform: "tiktok", Events: map[string]string{"base": "Purchase"}}
	keeps := meta
	keeps.Approved, keeps.Rejected, keeps.Kept = "", "", sandbox.WhyUnsupported
	sheet := sandbox.Listener{Events: map[string]string{"base": "Sale"}, Unmatched: true, Patient: true}

	type events = map[string]int
	type skipped = map[sandbox.Why]int
	tests := map[string]struct {
		story    sandbox.Story
		listener sandbox.Listener
		want     sandbox.Owed
	}{
		"a sale":                         {sandbox.StoryBase, meta, sandbox.Owed{Events: events{"Purchase 20.01 USD": 1}}},
		"a repeat is no second one":      {sandbox.StoryRepeat, meta, sandbox.Owed{Events: events{"Purchase 20.01 USD": 1}}},
		"another platform's sale":        {sandbox.StoryBase, tiktok, sandbox.Owed{}},
		"a renewal":                      {sandbox.StoryRebill, meta, sandbox.Owed{Events: events{"Purchase 20.01 USD": 1, "Purchase 20.02 USD": 1}}},
		"a goal nobody mapped":           {sandbox.StoryUpsell, meta, sandbox.Owed{Events: events{"Purchase 20.01 USD": 1, "Subscribe 5.70 USD": 1}, Skipped: skipped{"goal_unmapped": 1}}},
		"approved":                       {sandbox.StoryApproved, meta, sandbox.Owed{Events: events{"Purchase 20.01 USD": 1, "Approved 20.01 USD": 1}}},
		"approved, and nobody asked":     {sandbox.StoryApproved, keeps, sandbox.Owed{Events: events{"Purchase 20.01 USD": 1}}},
		"rejected":                       {sandbox.StoryRejected, meta, sandbox.Owed{Events: events{"Purchase 20.01 USD": 1, "Refund 20.01 USD": 1}}},
		"rejected, and can't be told":    {sandbox.StoryRejected, keeps, sandbox.Owed{Events: events{"Purchase 20.01 USD": 1}, Skipped: skipped{"unsupported": 1}}},
		"rejected before it was told":    {sandbox.StoryRejected, sheet, sandbox.Owed{Skipped: skipped{"rejected": 1, "never_sent": 1}}},
		"no click ID":                    {sandbox.StoryLiteralMacro, sheet, sandbox.Owed{}},
		"an unknown click":               {sandbox.StoryUnknownClick, meta, sandbox.Owed{}},
		"an unknown click, told anyway":  {sandbox.StoryUnknownClick, sheet, sandbox.Owed{Events: events{"Sale 20.01 USD": 1}}},
		"a click that came late":         {sandbox.StoryLateClick, meta, sandbox.Owed{Events: events{"Purchase 20.01 USD": 1}}},
		"a click too old":                {sandbox.StoryOldClick, meta, sandbox.Owed{Skipped: skipped{"outside_window": 1}}},
		"before its click":               {sandbox.StoryTooEarly, sheet, sandbox.Owed{Skipped: skipped{"before_click": 1}}},
		"the platform's own ID":          {sandbox.StoryDirect, meta, sandbox.Owed{Events: events{"Purchase 20.01 USD": 1}}},
		"another platform's own ID":      {sandbox.StoryDirect, tiktok, sandbox.Owed{Skipped: skipped{"other_platform": 1}}},
		"garbage":                        {sandbox.StoryGarbage, sheet, sandbox.Owed{}},
		"two URLs of one postback":       {sandbox.StorySecondURL, sheet, sandbox.Owed{Events: events{"Sale 20.01 USD": 1}}},
		"an empty click ID has no owner": {sandbox.StoryEmptyClickID, meta, sandbox.Owed{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			want := test.want
			if want.Events == nil {
				want.Events = events{}
			}
			if want.Skipped == nil {
				want.Skipped = skipped{}
			}
			got := test.listener.Owed(sandbox.NewTraffic(1, "17").Tell(test.story, "click"))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("owed (-want +got):\n%s", diff)
			}
		})
	}
}
