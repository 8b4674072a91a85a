package attribution

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

// What the network's API says of a conversion holds, whatever its time: it tells
// how things stand, and not since when.
func TestTheNetworksBooks(t *testing.T) {
	const hook = "hook conversion sale 42.00 USD scheduled"
	listed := func(id string, s subfive.Status, pays string) func(*subfive.Postback) {
		return func(p *subfive.Postback) {
			p.Via, p.NetworkConversionID, p.Status, p.StatusWord, p.Payout = subfive.ViaAPI, id, s, string(s), amount(pays)
			p.NetworkAt = noon.Add(-time.Hour) // before its postback came
		}
	}
	told := func(id string, s subfive.Status) func(*subfive.Postback) {
		return func(p *subfive.Postback) { p.NetworkConversionID, p.Status = id, s }
	}
	tests := map[string]struct {
		setup   func(*subfive.Setup)
		first   func(*subfive.Postback)
		listed  func(*subfive.Postback)
		settle  Settlement
		want    []string
		changes []subfive.Change
	}{
		"another payout": {
			first: told("c1", subfive.StatusPending), listed: listed("c1", subfive.StatusPending, "41"),
			want:    []string{"pb_1 matched", "pb_2 payout_change", "conversion matched 41.00 pending", hook},
			changes: []subfive.Change{{Field: "payout", Old: "42.00", New: "41.00", At: noon.Add(time.Hour), By: "api", PostbackID: "pb_2"}},
		},
		"another status and payout": {
			first: told("c1", subfive.StatusPending), listed: listed("c1", subfive.StatusApproved, "43"),
			want: []string{"pb_1 matched", "pb_2 status_change", "conversion matched 43.00 approved", hook},
			changes: []subfive.Change{
				{Field: "status", Old: "pending", New: "approved", At: noon.Add(time.Hour), By: "api", PostbackID: "pb_2"},
				{Field: "payout", Old: "42.00", New: "43.00", At: noon.Add(time.Hour), By: "api", PostbackID: "pb_2"},
			},
		},
		"an ID of its own that goes further: the list may show both": {
			first: told("c1", subfive.StatusPending), listed: listed("c2", subfive.StatusApproved, "42"),
			want: []string{"pb_1 matched", "pb_2 possible_duplicate", "conversion matched 42.00 pending", hook},
		},
		"and it is a conversion of its own": {
			first: told("c1", subfive.StatusPending), listed: listed("c2", subfive.StatusApproved, "42"), settle: SettleNew,
			want: []string{"pb_1 matched", "pb_2 before_click", "conversion matched 42.00 pending", "conversion before_click 42.00 approved", hook, "hook conversion sale 42.00 USD skipped before_click"},
		},
		"and it is the same": {
			first: told("c1", subfive.StatusPending), listed: listed("c2", subfive.StatusApproved, "40"), settle: SettleCorrection,
			want: []string{"pb_1 matched", "pb_2 status_change", "conversion matched 40.00 approved", hook},
			changes: []subfive.Change{
				{Field: "status", Old: "pending", New: "approved", At: noon.Add(time.Hour), By: "api", PostbackID: "pb_2"},
				{Field: "payout", Old: "42.00", New: "40.00", At: noon.Add(time.Hour), By: "api", PostbackID: "pb_2"},
			},
		},
		"no ID on ours, another payout, the same by the list": {
			first: told("", subfive.StatusPending), listed: listed("c1", subfive.StatusPending, "41"), settle: SettleCorrection,
			want:    []string{"pb_1 matched", "pb_2 payout_change", "conversion matched 41.00 pending", hook},
			changes: []subfive.Change{{Field: "payout", Old: "42.00", New: "41.00", At: noon.Add(time.Hour), By: "api", PostbackID: "pb_2"}},
		},
		"where repeats count, the list's still do not": {
			setup: func(s *subfive.Setup) { s.Endpoints[0].Repeats = subfive.RepeatsCount },
			first: told("", subfive.StatusPending), listed: listed("c1", subfive.StatusPending, "41"), settle: SettleDuplicate,
			want: []string{"pb_1 matched", "pb_2 duplicate", "conversion matched 42.00 pending", hook},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tr := newTracker(t, func(s *subfive.Setup) {
				s.Campaigns[0].Destinations = []string{"hook"}
				if tt.setup != nil {
					tt.setup(s)
				}
			})
			tr.record(tr.click(clickA, nil), tr.postback("1", clickA, "t1", tt.first))
			tr.now = noon.Add(time.Hour)
			r := tr.postback("2", clickA, "t1", tt.listed)
			for range 2 { // told twice is told once
				if _, err := tr.Take(t.Context(), []subfive.Record{r}); err != nil {
					t.Fatal(err)
				}
			}
			if tt.settle != "" && tr.store.postbacks["pb_2"].Verdict == subfive.VerdictPossibleDuplicate {
				if _, err := tr.Settle(t.Context(), "pb_2", tt.settle, ByNetwork); err != nil {
					t.Fatal(err)
				}
			}
			tr.want(tt.want...)
			for i := range tr.store.changes {
				tr.store.changes[i].ConversionID = ""
			}
			if diff := cmp.Diff(tt.changes, tr.store.changes); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}
