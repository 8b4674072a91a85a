package attribution

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

// tried gives all conversions' deliveries a status, as if the outbox had.
func (tr *tracker) tried(s subfive.DeliveryStatus) {
	for id, d := range tr.store.deliveries {
		if d.Kind == subfive.KindConversion {
			d.Status, d.FirstAttemptAt = s, tr.now
			tr.store.deliveries[id] = d
		}
	}
}

// hookOnly leaves one destination that can be told everything.
func hookOnly(s *subfive.Setup) {
	s.Campaigns[0].Destinations = []string{"hook"}
	s.Destinations[1].OnPayoutChange, s.Destinations[1].OnApproved = subfive.PayoutRestate, "approved"
}

// withID is the same conversion each time.
func withID(p *subfive.Postback) { p.NetworkConversionID = "x" }

func all(changes ...func(*subfive.Postback)) func(*subfive.Postback) {
	return func(p *subfive.Postback) {
		for _, change := range changes {
			change(p)
		}
	}
}

func payout(s string) func(*subfive.Postback) {
	return func(p *subfive.Postback) { p.PayoutRaw, p.Payout = s, amount(s) }
}

// A conversion that the network rejects is taken back wherever it may be.
func TestRejectionTakesBackWhatWasTold(t *testing.T) {
	const sale = "hook conversion sale 42.00 USD "
	tests := map[string]struct {
		play func(tr *tracker)
		want []string
	}{
		"a restatement is still scheduled": {
			play: func(tr *tracker) {
				tr.tried(subfive.DeliveryDelivered)
				tr.record(tr.postback("2", clickA, "t1", all(withID, payout("40"))))
				tr.record(tr.postback("3", clickA, "t1", all(withID, payout("40"), status(subfive.StatusRejected))))
			},
			want: []string{
				"pb_2 payout_change", "pb_3 status_change", "conversion matched 40.00 rejected", sale + "delivered",
				"hook restatement sale 40.00 USD skipped rejected", "hook retraction sale 40.00 USD scheduled",
			},
		},
		"an approval and a restatement are still scheduled": {
			play: func(tr *tracker) {
				tr.tried(subfive.DeliveryDelivered)
				tr.record(tr.postback("2", clickA, "t1", all(withID, payout("40"), status(subfive.StatusApproved))))
				tr.record(tr.postback("3", clickA, "t1", all(withID, payout("40"), status(subfive.StatusRejected))))
			},
			want: []string{
				"pb_2 status_change", "pb_3 status_change", "conversion matched 40.00 rejected", sale + "delivered",
				"hook approval approved 42.00 USD skipped rejected", "hook restatement sale 40.00 USD skipped rejected",
				"hook retraction sale 40.00 USD scheduled",
			},
		},
		"the sale is still retried": {
			play: func(tr *tracker) {
				tr.tried(subfive.DeliveryScheduled)
				tr.record(tr.postback("2", clickA, "t1", all(withID, payout("40"))))
				tr.record(tr.postback("3", clickA, "t1", all(withID, payout("40"), status(subfive.StatusRejected))))
			},
			want: []string{
				"pb_2 payout_change", "pb_3 status_change", "conversion matched 40.00 rejected", sale + "scheduled",
				"hook restatement sale 40.00 USD skipped rejected", "hook retraction sale 40.00 USD scheduled",
			},
		},
		"nobody was told": {
			play: func(tr *tracker) {
				tr.record(tr.postback("2", clickA, "t1", all(withID, payout("40"))))
				tr.record(tr.postback("3", clickA, "t1", all(withID, payout("40"), status(subfive.StatusRejected))))
			},
			want: []string{
				"pb_2 payout_change", "pb_3 status_change", "conversion matched 40.00 rejected", sale + "skipped rejected",
				"hook restatement sale 40.00 USD skipped rejected", "hook retraction sale 40.00 USD skipped never_sent",
			},
		},
		"told again by force, and dead": {
			play: func(tr *tracker) {
				tr.tried(subfive.DeliveryDelivered)
				for _, d := range tr.store.deliveries {
					d.ID, d.Generation, d.Status = "dl_again", 2, subfive.DeliveryDead
					tr.store.deliveries[d.ID] = d
					break
				}
				tr.record(tr.postback("3", clickA, "t1", all(withID, status(subfive.StatusRejected))))
			},
			want: []string{
				"pb_3 status_change", "conversion matched 42.00 rejected", sale + "delivered", sale + "dead",
				"hook retraction sale 42.00 USD scheduled",
			},
		},
		"for nothing, without an ID": {
			play: func(tr *tracker) {
				tr.tried(subfive.DeliveryDelivered)
				tr.record(tr.postback("2", clickA, "t1", all(payout("0"), status(subfive.StatusRejected))))
				tr.record(tr.postback("3", clickA, "t1", all(payout("0"), status(subfive.StatusRejected)))) // a retry
			},
			want: []string{
				"pb_2 status_change", "pb_3 duplicate", "conversion matched 42.00 rejected", sale + "delivered",
				"hook retraction sale 42.00 USD scheduled",
			},
		},
		"for less than nothing, with its ID": {
			play: func(tr *tracker) {
				tr.tried(subfive.DeliveryDelivered)
				tr.record(tr.postback("2", clickA, "t1", all(withID, payout("-42"), status(subfive.StatusRejected))))
			},
			want: []string{
				"pb_2 status_change", "conversion matched 42.00 rejected", sale + "delivered", "hook retraction sale 42.00 USD scheduled",
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tr := newTracker(t, hookOnly)
			tr.record(tr.click(clickA, nil), tr.postback("1", clickA, "t1", withID))
			tr.now = tr.now.Add(time.Minute)
			tt.play(tr)
			tr.want(append(tt.want, "pb_1 matched")...)
			for _, c := range tr.store.changes {
				if c.Field == "payout" && c.New != "40.00" {
					t.Errorf("the rejection's amount was taken over: %+v", c)
				}
			}
		})
	}
}

// A sale and its rejection in one batch: nobody hears of either.
func TestRejectedInTheSameBatch(t *testing.T) {
	tr := newTracker(t, hookOnly)
	tr.record(tr.click(clickA, nil), tr.postback("1", clickA, "t1", nil), tr.postback("2", clickA, "t1", status(subfive.StatusRejected)))
	tr.want("pb_1 matched", "pb_2 status_change", "conversion matched 42.00 rejected", "hook conversion sale 42.00 USD skipped rejected",
		"hook retraction sale 42.00 USD skipped never_sent")
}

// What the offer says that a sale is worth is not what its rejection says.
func TestRejectionLeavesTheOffersPayout(t *testing.T) {
	tr := newTracker(t, func(s *subfive.Setup) { hookOnly(s); s.Offers[0].Payout = amount("30") })
	tr.record(tr.click(clickA, nil), tr.postback("1", clickA, "t1", func(p *subfive.Postback) { p.Payout = nil }))
	tr.tried(subfive.DeliveryDelivered)
	tr.record(tr.postback("2", clickA, "t1", all(payout("0"), status(subfive.StatusRejected))))
	tr.want("pb_1 matched", "pb_2 status_change", "conversion matched 30.00 rejected", "hook conversion sale 30.00 USD delivered",
		"hook retraction sale 30.00 USD scheduled")
}

// Each delivery waits for the one before, however many were made at one moment.
func TestLineageIsOneChain(t *testing.T) {
	tr := newTracker(t, hookOnly)
	tr.record(tr.click(clickA, nil), tr.postback("1", clickA, "t1", withID),
		tr.postback("2", clickA, "t1", all(withID, status(subfive.StatusApproved))))
	for i := range 5 {
		tr.record(tr.postback(fmt.Sprint("worth", i), clickA, "t1", all(withID, payout(fmt.Sprint(10+i)))))
	}
	var chain []string
	next := map[string]subfive.Delivery{}
	for _, d := range tr.store.deliveries {
		if other, twice := next[d.WaitsFor]; twice {
			t.Errorf("%s and %s both wait for %s", d.ID, other.ID, d.WaitsFor)
		}
		next[d.WaitsFor] = d
	}
	for d := next[""]; d.ID != ""; d = next[d.ID] {
		chain = append(chain, string(d.Kind)+" "+d.Value.Amount.String())
	}
	want := []string{
		"conversion 42.00", "approval 42.00", "restatement 10.00", "restatement 11.00", "restatement 12.00", "restatement 13.00", "restatement 14.00",
	}
	if diff := cmp.Diff(want, chain); diff != "" {
		t.Errorf("chain (-want +got):\n%s", diff)
	}
}

// A landing page tells that consent was taken back: what was not tried yet is
// not sent, or with limited use of its data; what was tried stays.
func TestConsentTakenBackStopsWhatIsScheduled(t *testing.T) {
	const meta, hook = "meta-main conversion Purchase 42.00 USD ", "hook conversion sale 42.00 USD "
	said := func(tr *tracker, name, value string) subfive.Record {
		v := tr.visit("1", subfive.GoalLandingView)
		v.Visit.Consent = map[string]string{name: value}
		return v
	}
	denied := func(tr *tracker) subfive.Record { return said(tr, "consent_ad_user_data", "denied") }
	granted := func(c *subfive.Click) { c.Consent = map[string]string{"consent_ad_user_data": "granted"} }
	tests := map[string]struct {
		play    func(tr *tracker)
		want    []string
		limited []string
	}{
		"denied, while it waits": {
			play: func(tr *tracker) {
				tr.record(tr.click(clickA, granted), tr.postback("1", clickA, "t1", nil))
				tr.record(denied(tr))
			},
			want: []string{"pb_1 matched", "conversion matched 42.00", meta + "skipped consent_denied", hook + "skipped consent_denied"},
		},
		"denied in the same batch, after the postback": {
			play: func(tr *tracker) {
				tr.record(tr.click(clickA, granted), tr.postback("1", clickA, "t1", nil), denied(tr))
			},
			want: []string{"pb_1 matched", "conversion matched 42.00", meta + "skipped consent_denied", hook + "skipped consent_denied"},
		},
		"denied in the postback's batch, of an older click": {
			play: func(tr *tracker) {
				tr.record(tr.click(clickA, granted))
				tr.record(tr.postback("1", clickA, "t1", nil), denied(tr))
			},
			want: []string{"pb_1 matched", "conversion matched 42.00", meta + "skipped consent_denied", hook + "skipped consent_denied"},
		},
		"denied before the click came, and its postback waited": {
			play: func(tr *tracker) {
				tr.record(tr.postback("1", clickA, "t1", func(p *subfive.Postback) { p.ReceivedAt = tr.now.Add(time.Second) }))
				tr.record(denied(tr))
				tr.record(tr.click(clickA, granted))
			},
			want: []string{"pb_1 matched", "conversion matched 42.00", meta + "skipped consent_denied", hook + "skipped consent_denied"},
		},
		"denied before click and postback came together": {
			play: func(tr *tracker) {
				tr.record(denied(tr))
				tr.record(tr.click(clickA, granted), tr.postback("1", clickA, "t1", nil))
			},
			want: []string{"pb_1 matched", "conversion matched 42.00", meta + "skipped consent_denied", hook + "skipped consent_denied"},
		},
		"denied after it was tried": {
			play: func(tr *tracker) {
				tr.record(tr.click(clickA, granted), tr.postback("1", clickA, "t1", nil))
				tr.tried(subfive.DeliveryScheduled)
				tr.record(denied(tr))
			},
			want: []string{"pb_1 matched", "conversion matched 42.00", meta + "scheduled", hook + "scheduled"},
		},
		"denied after it was delivered, with a restatement to come": {
			play: func(tr *tracker) {
				tr.record(tr.click(clickA, granted), tr.postback("1", clickA, "t1", withID))
				tr.tried(subfive.DeliveryDelivered)
				tr.record(tr.postback("2", clickA, "t1", all(withID, payout("40"))))
				tr.record(denied(tr))
			},
			want: []string{
				"pb_1 matched", "pb_2 payout_change", "conversion matched 40.00", meta + "delivered", hook + "delivered",
				"hook restatement sale 40.00 USD skipped consent_denied",
			},
		},
		"opted out: limited where the platform can": {
			play: func(tr *tracker) {
				tr.record(tr.click(clickA, nil), tr.postback("1", clickA, "t1", nil))
				tr.record(said(tr, "sec_gpc", "1"))
			},
			want:    []string{"pb_1 matched", "conversion matched 42.00", meta + "scheduled", hook + "skipped gpc"},
			limited: []string{"meta-main"},
		},
		"opted out in the same batch": {
			play: func(tr *tracker) {
				tr.record(tr.click(clickA, nil), tr.postback("1", clickA, "t1", nil), said(tr, "sec_gpc", "1"))
			},
			want:    []string{"pb_1 matched", "conversion matched 42.00", meta + "scheduled", hook + "skipped gpc"},
			limited: []string{"meta-main"},
		},
		"granted": {
			play: func(tr *tracker) {
				tr.record(tr.click(clickA, nil), tr.postback("1", clickA, "t1", nil))
				tr.record(said(tr, "consent_ad_user_data", "granted"))
			},
			want: []string{"pb_1 matched", "conversion matched 42.00", meta + "scheduled", hook + "scheduled"},
		},
		"told without its click, which denied": {
			play: func(tr *tracker) {
				tr.record(tr.postback("1", clickA, "t1", func(p *subfive.Postback) { p.EndpointID = "sends" }))
				tr.want("pb_1 waiting", "conversion waiting 42.00", hook+"scheduled")
				tr.record(tr.click(clickA, func(c *subfive.Click) { c.Consent = map[string]string{"consent_ad_user_data": "denied"} }))
			},
			want: []string{"pb_1 matched", "conversion matched 42.00", hook + "skipped consent_denied"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tr := newTracker(t, func(s *subfive.Setup) {
				s.Destinations[1].OnPayoutChange, s.Destinations[1].Unmatched = subfive.PayoutRestate, "send"
				s.Endpoints = append(s.Endpoints, subfive.Endpoint{ID: "sends", Network: "everflow", Destinations: []string{"hook"}})
			})
			tt.play(tr)
			tr.want(tt.want...)
			var limited []string
			for _, d := range tr.store.deliveries {
				if d.LimitedUse {
					limited = append(limited, d.DestinationID)
				}
				if d.Status == subfive.DeliverySkipped && d.Reason == "" {
					t.Errorf("%s is skipped without a reason", d.DestinationID)
				}
			}
			slices.Sort(limited)
			if diff := cmp.Diff(tt.limited, limited); diff != "" {
				t.Errorf("limited (-want +got):\n%s", diff)
			}
		})
	}
}
