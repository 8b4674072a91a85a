package attribution

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/consent"
)

// tracker is an Attributor on a store in memory, with a clock that the test
// moves.
type tracker struct {
	t     *testing.T
	store *memory
	*Attributor
	now time.Time
	pos int64
}

const clickA, clickB = "01jd3c4z9y8x7w6v5t4s3r2q1p", "01jd3c4z9y8x7w6v5t4s3r2q1z"

func setup() subfive.Setup {
	live := subfive.Destination{
		ID: "meta-main", Platform: "meta", Mode: subfive.ModeLive,
		SendOn: []subfive.Status{subfive.StatusPending, subfive.StatusApproved},
		Goals:  map[string]string{"base": "Purchase"}, Value: subfive.ValueRule{From: subfive.ValuePayout},
		Unmatched: "never", OnReversal: subfive.ReversalRetract,
	}
	hook := live
	hook.ID, hook.Platform, hook.Goals = "hook", "relay", map[string]string{"base": "sale", "Upgrade": "upsell"}
	return subfive.Setup{
		Networks:     []subfive.Network{{ID: "everflow"}},
		Endpoints:    []subfive.Endpoint{{ID: "default", Network: "everflow", Repeats: subfive.RepeatsHold}, {ID: "meta-only", Network: "everflow"}},
		Sources:      []subfive.Source{{ID: "meta-us", Platform: "meta"}},
		Offers:       []subfive.Offer{{ID: "ourdream", Network: "everflow", NetworkOfferID: "7", Currency: "USD"}},
		Campaigns:    []subfive.Campaign{{ID: "spring", Source: "meta-us", Offer: "ourdream", Destinations: []string{"meta-main", "hook"}}},
		Destinations: []subfive.Destination{live, hook},
	}
}

func newTracker(t *testing.T, change func(*subfive.Setup)) *tracker {
	s := setup()
	if change != nil {
		change(&s)
	}
	tr := &tracker{t: t, store: newMemory(), now: noon}
	tr.Attributor = New(tr.store, Rules{
		Setup: s, LateClicks: 72 * time.Hour,
		ReadConsent: consent.Read,
		Country:     func(s subfive.Sealed) string { return s.Box },
		Platforms: map[string]Platform{
			"meta":   {Kinds: []subfive.Kind{subfive.KindConversion, subfive.KindApproval}, ClickParams: []string{"fbclid", "_fbp"}, NeedsValue: []string{"Purchase"}, MaxAge: 7 * 24 * time.Hour, LimitedUse: true},
			"google": {Kinds: []subfive.Kind{subfive.KindConversion, subfive.KindRetraction}, ClickParams: []string{"gclid"}},
			"relay":  {Kinds: []subfive.Kind{subfive.KindConversion, subfive.KindApproval, subfive.KindRetraction, subfive.KindRestatement}},
		},
	}, func() time.Time { return tr.now }, slog.New(slog.DiscardHandler))
	return tr
}

func (tr *tracker) click(id string, change func(*subfive.Click)) subfive.Record {
	c := subfive.Click{
		ID: id, RecordKind: subfive.ClickRedirect, ClickedAt: tr.now, CampaignID: "spring", SourceID: "meta-us",
		Platform: "meta", OfferID: "ourdream", Params: map[string]string{"fbclid": "IwAR1"},
	}
	if change != nil {
		change(&c)
	}
	return subfive.Record{ID: id, Kind: subfive.RecordClick, Click: &c}
}

// postback makes one of name, for the click and transaction given.
func (tr *tracker) postback(name, click, tx string, change func(*subfive.Postback)) subfive.Record {
	p := subfive.Postback{
		ID: "pb_" + name, ReceivedAt: tr.now, NetworkID: "everflow", EndpointID: "default", Via: subfive.ViaS2S,
		Reading: subfive.ReadingOK, Answered: 200, ClickIDRaw: click, ClickID: click, TransactionID: tx,
		PayoutRaw: "42", Payout: amount("42"),
	}
	if click == "" {
		p.Reading = subfive.ReadingEmptyClickID
	}
	if change != nil {
		change(&p)
	}
	return subfive.Record{ID: p.ID, Kind: subfive.RecordPostback, Postback: &p}
}

func (tr *tracker) record(records ...subfive.Record) {
	tr.t.Helper()
	var entries []subfive.Entry
	for _, r := range records {
		data, err := json.Marshal(r)
		if err != nil {
			tr.t.Fatal(err)
		}
		tr.pos++
		entries = append(entries, subfive.Entry{Position: subfive.Position{Segment: "s", Pos: tr.pos}, Data: data})
	}
	if err := tr.Record(tr.t.Context(), entries); err != nil {
		tr.t.Fatal(err)
	}
}

func (tr *tracker) review() {
	tr.t.Helper()
	if _, err := tr.Review(tr.t.Context()); err != nil {
		tr.t.Fatal(err)
	}
}

// story is the state as short lines: "pb_1 matched", "conversion matched 42.00
// pending", "meta-main conversion Purchase 42.00 USD scheduled".
func (tr *tracker) story() []string {
	var lines []string
	for _, j := range tr.store.postbacks {
		lines = append(lines, j.Postback.ID+" "+string(j.Verdict))
	}
	for _, c := range tr.store.conversions {
		line := "conversion " + string(c.Verdict) + " " + amountText(c.Payout) + " " + string(c.Status)
		lines = append(lines, strings.TrimSpace(line))
	}
	for _, d := range tr.store.deliveries {
		line := fmt.Sprintf("%s %s %s", d.DestinationID, d.Kind, d.EventName)
		if d.Value != nil {
			line += " " + d.Value.Amount.String() + " " + d.Value.Currency
		}
		line += " " + string(d.Status)
		if d.ReasonCode != "" {
			line += " " + d.ReasonCode
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

func (tr *tracker) want(lines ...string) {
	tr.t.Helper()
	slices.Sort(lines)
	if diff := cmp.Diff(lines, tr.story()); diff != "" {
		tr.t.Errorf("story (-want +got):\n%s", diff)
	}
}

func status(s subfive.Status) func(*subfive.Postback) {
	return func(p *subfive.Postback) { p.Status, p.StatusWord = s, string(s) }
}

func TestStories(t *testing.T) {
	const meta, hook = "meta-main conversion Purchase 42.00 USD ", "hook conversion sale 42.00 USD "
	tests := map[string]struct {
		setup func(*subfive.Setup)
		play  func(tr *tracker)
		want  []string
	}{
		"a click, then its postback": {
			play: func(tr *tracker) { tr.record(tr.click(clickA, nil), tr.postback("1", clickA, "t1", nil)) },
			want: []string{"pb_1 matched", "conversion matched 42.00", meta + "scheduled", hook + "scheduled"},
		},
		"a retry, and the same by a second URL": {
			play: func(tr *tracker) {
				tr.record(tr.click(clickA, nil), tr.postback("1", clickA, "t1", nil), tr.postback("2", clickA, "t1", nil))
				tr.record(tr.postback("3", clickA, "", func(p *subfive.Postback) { p.EndpointID = "meta-only"; p.GoalID, p.GoalName = "base", "base" }))
			},
			want: []string{"pb_1 matched", "pb_2 duplicate", "pb_3 duplicate", "conversion matched 42.00", meta + "scheduled", hook + "scheduled"},
		},
		"an upsell of the same click session": {
			play: func(tr *tracker) {
				tr.record(tr.click(clickA, nil), tr.postback("1", clickA, "t1", func(p *subfive.Postback) { p.GoalID, p.GoalName = "base", "base" }))
				tr.record(tr.postback("2", clickA, "t1", func(p *subfive.Postback) { p.GoalName, p.Payout = "upgrade", amount("5") }))
			},
			want: []string{
				"pb_1 matched", "pb_2 matched", "conversion matched 42.00", "conversion matched 5.00", meta + "scheduled", hook + "scheduled",
				"hook conversion upsell 5.00 USD scheduled", "meta-main conversion  5.00 USD skipped goal_unmapped",
			},
		},
		"the postback first, its click within the hour": {
			play: func(tr *tracker) {
				tr.record(tr.postback("1", clickA, "t1", func(p *subfive.Postback) { p.ReceivedAt = tr.now.Add(time.Second) }))
				tr.record(tr.click(clickA, nil))
			},
			want: []string{"pb_1 matched", "conversion matched 42.00", meta + "scheduled", hook + "scheduled"},
		},
		"both in one batch, the postback first": {
			play: func(tr *tracker) { tr.record(tr.postback("1", clickA, "t1", nil), tr.click(clickA, nil)) },
			want: []string{"pb_1 matched", "conversion matched 42.00", meta + "scheduled", hook + "scheduled"},
		},
		"a click that never comes": {
			setup: func(s *subfive.Setup) { s.Endpoints[0].Destinations = []string{"meta-main"} },
			play: func(tr *tracker) {
				tr.record(tr.postback("1", clickA, "t1", nil))
				tr.want("pb_1 waiting", "conversion waiting 42.00")
				for range 80 {
					tr.now = tr.now.Add(time.Hour)
					tr.review()
				}
			},
			want: []string{"pb_1 unmatched", "conversion unmatched 42.00", meta + "skipped unmatched"},
		},
		"a click imported after the wait": {
			setup: func(s *subfive.Setup) { s.Endpoints[0].Destinations = []string{"meta-main"} },
			play: func(tr *tracker) {
				tr.record(tr.postback("1", clickA, "t1", nil))
				at := tr.now
				tr.now = tr.now.Add(73 * time.Hour)
				tr.review()
				tr.record(tr.click(clickA, func(c *subfive.Click) { c.ClickedAt = at.Add(-time.Hour) }))
			},
			want: []string{"pb_1 matched", "conversion matched 42.00", meta + "skipped unmatched", meta + "scheduled"},
		},
		"a destination that waits a day for the click, then is told": {
			setup: func(s *subfive.Setup) {
				s.Endpoints[0].Destinations = []string{"hook"}
				s.Destinations[1].Unmatched = "hold 24h"
			},
			play: func(tr *tracker) {
				tr.record(tr.postback("1", clickA, "t1", nil))
				tr.now = tr.now.Add(23 * time.Hour)
				tr.review()
				tr.want("pb_1 waiting", "conversion waiting 42.00")
				tr.now = tr.now.Add(2 * time.Hour)
				tr.review()
				tr.record(tr.click(clickA, func(c *subfive.Click) { c.ClickedAt = noon })) // it is told already
			},
			want: []string{"pb_1 matched", "conversion matched 42.00", hook + "scheduled"},
		},
		"a destination that is told without a click": {
			setup: func(s *subfive.Setup) {
				s.Endpoints[0].Destinations = []string{"hook"}
				s.Destinations[1].Unmatched = "send"
			},
			play: func(tr *tracker) { tr.record(tr.postback("1", "someone-elses", "t1", nil)) },
			want: []string{"pb_1 waiting", "conversion waiting 42.00", hook + "scheduled"},
		},
		"a raw platform click ID": {
			setup: func(s *subfive.Setup) { s.Endpoints[0].Destinations = []string{"meta-main", "hook"} },
			play: func(tr *tracker) {
				tr.record(tr.postback("1", "EAIaIQobCh", "t1", func(p *subfive.Postback) { p.Reading, p.DirectParam = subfive.ReadingDirect, "gclid" }))
			},
			want: []string{"pb_1 direct", "conversion direct 42.00", meta + "skipped other_platform", hook + "scheduled"},
		},
		"an endpoint and a campaign share one destination": {
			setup: func(s *subfive.Setup) { s.Endpoints[0].Destinations = []string{"hook"} },
			play:  func(tr *tracker) { tr.record(tr.click(clickA, nil), tr.postback("1", clickA, "t1", nil)) },
			want:  []string{"pb_1 matched", "conversion matched 42.00", hook + "scheduled"},
		},
		"no click ID at first, by another URL then": {
			play: func(tr *tracker) {
				tr.record(tr.click(clickA, nil), tr.postback("1", "", "t1", nil))
				tr.want("pb_1 no_click_id", "conversion no_click_id 42.00")
				tr.record(tr.postback("2", clickA, "t1", nil))
			},
			want: []string{"pb_1 no_click_id", "pb_2 duplicate", "conversion matched 42.00", meta + "scheduled", hook + "scheduled"},
		},
		"nothing in it at all": {
			play: func(tr *tracker) { tr.record(tr.postback("1", "", "", func(p *subfive.Postback) { p.Payout = nil })) },
			want: []string{"pb_1 no_click_id"},
		},
		"a payout and nothing to tell it by": {
			play: func(tr *tracker) { tr.record(tr.postback("1", "", "", nil)) },
			want: []string{"pb_1 no_click_id", "conversion no_click_id 42.00"},
		},
		"a test postback": {
			setup: func(s *subfive.Setup) { s.Destinations[1].Mode = subfive.ModeTest },
			play: func(tr *tracker) {
				tr.record(tr.click(clickA, nil), tr.postback("1", clickA, "t1", func(p *subfive.Postback) { p.IsTest = true }), tr.postback("2", clickA, "t1", nil))
			},
			want: []string{
				"pb_1 test", "pb_2 matched", "conversion test 42.00", "conversion matched 42.00",
				meta + "skipped test", hook + "scheduled", meta + "scheduled", hook + "scheduled",
			},
		},
		"a click postback of the CPC type": {
			play: func(tr *tracker) {
				tr.record(tr.postback("1", clickA, "t1", func(p *subfive.Postback) { p.NotAConversion = true }))
			},
			want: []string{"pb_1 not_a_conversion"},
		},
		"a dry run": {
			setup: func(s *subfive.Setup) { s.Destinations[0].Mode = subfive.ModeDryRun },
			play:  func(tr *tracker) { tr.record(tr.click(clickA, nil), tr.postback("1", clickA, "t1", nil)) },
			want:  []string{"pb_1 matched", "conversion matched 42.00", meta + "dry_run dry_run", hook + "scheduled"},
		},
		"outside the offer's window": {
			setup: func(s *subfive.Setup) { s.Offers[0].Window = subfive.Duration(time.Hour) },
			play: func(tr *tracker) {
				tr.record(tr.click(clickA, nil))
				tr.now = tr.now.Add(2 * time.Hour)
				tr.record(tr.postback("1", clickA, "t1", nil))
			},
			want: []string{"pb_1 outside_window", "conversion outside_window 42.00", meta + "skipped outside_window", hook + "skipped outside_window"},
		},
		"before its click": {
			play: func(tr *tracker) {
				tr.record(tr.click(clickA, nil), tr.postback("1", clickA, "t1", func(p *subfive.Postback) { p.NetworkAt = tr.now.Add(-time.Hour) }))
			},
			want: []string{"pb_1 before_click", "conversion before_click 42.00", meta + "skipped before_click", hook + "skipped before_click"},
		},
		"too old for one platform": {
			play: func(tr *tracker) {
				tr.record(tr.click(clickA, nil))
				tr.now = tr.now.Add(20 * 24 * time.Hour)
				tr.record(tr.postback("1", clickA, "t1", func(p *subfive.Postback) { p.NetworkAt = noon.Add(time.Hour) }))
			},
			want: []string{"pb_1 matched", "conversion matched 42.00", meta + "skipped too_old", hook + "scheduled"},
		},
		"a payout above the offer's highest": {
			setup: func(s *subfive.Setup) { s.Offers[0].PayoutMax = amount("40") },
			play:  func(tr *tracker) { tr.record(tr.click(clickA, nil), tr.postback("1", clickA, "t1", nil)) },
			want:  []string{"pb_1 matched", "conversion matched 42.00", meta + "skipped payout_above_max", hook + "skipped payout_above_max"},
		},
		"no payout, and the offer has one": {
			setup: func(s *subfive.Setup) { s.Offers[0].Payout = amount("30") },
			play: func(tr *tracker) {
				tr.record(tr.click(clickA, nil), tr.postback("1", clickA, "t1", func(p *subfive.Postback) { p.Payout = nil }))
			},
			want: []string{"pb_1 matched", "conversion matched 30.00", "meta-main conversion Purchase 30.00 USD scheduled", "hook conversion sale 30.00 USD scheduled"},
		},
		"sent only when approved": {
			setup: func(s *subfive.Setup) { s.Destinations[0].SendOn = []subfive.Status{subfive.StatusApproved} },
			play: func(tr *tracker) {
				tr.record(tr.click(clickA, nil), tr.postback("1", clickA, "t1", status(subfive.StatusPending)))
				tr.want("pb_1 matched", "conversion matched 42.00 pending", hook+"scheduled")
				tr.record(tr.postback("2", clickA, "t1", status(subfive.StatusApproved)))
			},
			want: []string{"pb_1 matched", "pb_2 status_change", "conversion matched 42.00 approved", meta + "scheduled", hook + "scheduled"},
		},
		"an event of its own for the approval": {
			setup: func(s *subfive.Setup) { s.Destinations[0].OnApproved = "Approved" },
			play: func(tr *tracker) {
				tr.record(tr.click(clickA, nil), tr.postback("1", clickA, "t1", nil), tr.postback("2", clickA, "t1", status(subfive.StatusApproved)))
			},
			want: []string{
				"pb_1 matched", "pb_2 status_change", "conversion matched 42.00 approved", meta + "scheduled", hook + "scheduled",
				"meta-main approval Approved 42.00 USD scheduled",
			},
		},
		"rejected before anybody was told": {
			play: func(tr *tracker) {
				tr.record(tr.click(clickA, nil), tr.postback("1", clickA, "t1", nil))
				tr.record(tr.postback("2", clickA, "t1", status(subfive.StatusRejected)))
			},
			want: []string{
				"pb_1 matched", "pb_2 status_change", "conversion matched 42.00 rejected", meta + "skipped rejected", hook + "skipped rejected",
				"meta-main retraction Purchase 42.00 USD skipped unsupported", "hook retraction sale 42.00 USD skipped never_sent",
			},
		},
		"rejected after both were told": {
			setup: func(s *subfive.Setup) { s.Destinations[0].OnReversal = "Refund" },
			play: func(tr *tracker) {
				tr.record(tr.click(clickA, nil), tr.postback("1", clickA, "t1", nil))
				for id, d := range tr.store.deliveries {
					d.Status, d.FirstAttemptAt = subfive.DeliveryDelivered, tr.now
					tr.store.deliveries[id] = d
				}
				tr.record(tr.postback("2", clickA, "t1", status(subfive.StatusRejected)))
			},
			want: []string{
				"pb_1 matched", "pb_2 status_change", "conversion matched 42.00 rejected", meta + "delivered", hook + "delivered",
				"meta-main retraction Refund 42.00 USD scheduled", "hook retraction sale 42.00 USD scheduled",
			},
		},
		"the reversal first, the older pending after it": {
			play: func(tr *tracker) {
				tr.record(tr.click(clickA, nil), tr.postback("1", clickA, "t1", status(subfive.StatusRejected)))
				tr.record(tr.postback("2", clickA, "t1", status(subfive.StatusPending)))
			},
			want: []string{"pb_1 matched", "pb_2 duplicate", "conversion matched 42.00 rejected", meta + "skipped rejected", hook + "skipped rejected"},
		},
		"another payout for the same conversion ID": {
			setup: func(s *subfive.Setup) { s.Destinations[1].OnPayoutChange = subfive.PayoutRestate },
			play: func(tr *tracker) {
				id := func(payout string) func(*subfive.Postback) {
					return func(p *subfive.Postback) { p.NetworkConversionID, p.Payout = "x", amount(payout) }
				}
				tr.record(tr.click(clickA, nil), tr.postback("1", clickA, "t1", id("42")))
				tr.record(tr.postback("2", clickA, "t1", id("40")))
				tr.record(tr.postback("3", clickA, "t1", id("42"))) // a late retry of the first
			},
			want: []string{
				"pb_1 matched", "pb_2 payout_change", "pb_3 duplicate", "conversion matched 40.00", meta + "scheduled", hook + "scheduled",
				"hook restatement sale 40.00 USD scheduled",
			},
		},
		"a pixel, then the server's word": {
			play: func(tr *tracker) {
				tr.record(tr.click(clickA, nil), tr.postback("1", clickA, "t1", func(p *subfive.Postback) { p.Via, p.Payout = subfive.ViaPixel, nil }))
				tr.record(tr.postback("2", clickA, "t1", nil))
			},
			want: []string{
				"pb_1 matched", "pb_2 duplicate", "conversion matched 42.00", "hook conversion sale scheduled", "meta-main conversion Purchase skipped no_value",
			},
		},
		"a test click": {
			play: func(tr *tracker) {
				tr.record(tr.click(clickA, func(c *subfive.Click) { c.IsTest = true }), tr.postback("1", clickA, "t1", nil))
			},
			want: []string{"pb_1 test", "conversion test 42.00", meta + "skipped test", hook + "skipped test"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tr := newTracker(t, tt.setup)
			tt.play(tr)
			tr.t = t
			tr.want(tt.want...)
			again := tr.story()
			tr.replayAll()
			if diff := cmp.Diff(again, tr.story()); diff != "" {
				t.Errorf("recording it all again changed something (-before +after):\n%s", diff)
			}
		})
	}
}

// replayAll records every postback and click once more, as after a crash.
func (tr *tracker) replayAll() {
	tr.t.Helper()
	for _, j := range tr.store.postbacks {
		tr.record(subfive.Record{ID: j.Postback.ID, Kind: subfive.RecordPostback, Postback: &j.Postback})
	}
	for _, c := range tr.store.clicks {
		tr.record(subfive.Record{ID: c.ID, Kind: subfive.RecordClick, Click: &c})
	}
}

func TestSettle(t *testing.T) {
	const hook = "hook conversion sale 42.00 USD scheduled"
	tests := map[Settlement]struct {
		want []string
	}{
		SettleDuplicate:  {[]string{"pb_1 matched", "pb_2 duplicate", "conversion matched 42.00", hook}},
		SettleNew:        {[]string{"pb_1 matched", "pb_2 matched", "conversion matched 42.00", "conversion matched 10.00", hook, "hook conversion sale 10.00 USD scheduled"}},
		SettleCorrection: {[]string{"pb_1 matched", "pb_2 payout_change", "conversion matched 10.00", hook}},
	}
	for as, tt := range tests {
		t.Run(string(as), func(t *testing.T) {
			tr := newTracker(t, func(s *subfive.Setup) { s.Campaigns[0].Destinations = []string{"hook"} })
			tr.record(tr.click(clickA, nil), tr.postback("1", clickA, "t1", nil))
			tr.record(tr.postback("2", clickA, "t1", func(p *subfive.Postback) { p.Payout = amount("10") }))
			tr.want("pb_1 matched", "pb_2 possible_duplicate", "conversion matched 42.00", hook)
			if _, err := tr.Settle(t.Context(), "pb_2", as, "ann"); err != nil {
				t.Fatal(err)
			}
			tr.want(tt.want...)
			if _, err := tr.Settle(t.Context(), "pb_2", SettleNew, "bob"); !errors.Is(err, ErrNotSettleable) {
				t.Errorf("settled twice: %v", err)
			}
		})
	}
}

func TestAcceptCreditsWhatWasQuarantined(t *testing.T) {
	tr := newTracker(t, func(s *subfive.Setup) { s.Campaigns[0].Destinations = []string{"hook"} })
	tr.record(tr.click(clickA, nil), tr.postback("1", clickA, "t1", func(p *subfive.Postback) { p.Reading = subfive.ReadingQuarantined }))
	tr.want("pb_1 quarantined")
	if _, err := tr.Accept(t.Context(), "pb_1", "ann"); err != nil {
		t.Fatal(err)
	}
	tr.want("pb_1 matched", "conversion matched 42.00", "hook conversion sale 42.00 USD scheduled")
	if got := tr.store.postbacks["pb_1"].Postback.Reading; got != subfive.ReadingQuarantined {
		t.Errorf("reading = %s: what was read must stay what was read", got)
	}
}

func TestAttachGivesAConversionAClick(t *testing.T) {
	tr := newTracker(t, func(s *subfive.Setup) { s.Campaigns[0].Destinations = []string{"hook"} })
	tr.record(tr.click(clickB, nil), tr.postback("1", clickA, "t1", nil))
	id := tr.store.postbacks["pb_1"].ConversionID
	if err := tr.Attach(t.Context(), id, clickB, "ann"); err != nil {
		t.Fatal(err)
	}
	tr.want("pb_1 matched", "conversion matched 42.00", "hook conversion sale 42.00 USD scheduled")
	c := tr.store.conversions[id]
	if c.ReceivedClickID != clickA || c.AttributedClickID != clickB || c.MatchMethod != subfive.MatchManual {
		t.Errorf("received %s, attributed %s by %s", c.ReceivedClickID, c.AttributedClickID, c.MatchMethod)
	}
	if err := tr.Attach(t.Context(), id, clickA, "ann"); !errors.Is(err, ErrNotSettleable) {
		t.Errorf("attached twice: %v", err)
	}
}

func TestOneBadRecordLeavesItsNeighbors(t *testing.T) {
	tr := newTracker(t, nil)
	tr.store.refuse = func(b subfive.Batch) error {
		for _, j := range b.Postbacks {
			if j.Postback.ID == "pb_bad" {
				return subfive.ErrBadData
			}
		}
		return nil
	}
	good, _ := json.Marshal(tr.postback("1", clickA, "t1", nil))
	bad, _ := json.Marshal(tr.postback("bad", clickA, "t9", nil))
	last, _ := json.Marshal(tr.postback("2", clickB, "t2", nil))
	var entries []subfive.Entry
	for i, data := range [][]byte{good, []byte("{torn"), bad, []byte(`{"kind":"click"}`), last} {
		entries = append(entries, subfive.Entry{Position: subfive.Position{Segment: "s", Pos: int64(i + 1)}, Data: data})
	}
	if err := tr.Record(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
	tr.want("pb_1 waiting", "pb_2 waiting", "conversion waiting 42.00", "conversion waiting 42.00")
	var broken []int64
	for _, b := range tr.store.broken {
		broken = append(broken, b.Position.Pos)
	}
	if diff := cmp.Diff([]int64{2, 3, 4}, broken); diff != "" {
		t.Errorf("broken positions (-want +got):\n%s", diff)
	}
	if tr.store.positions["s"] != 5 {
		t.Errorf("recorded up to %d, want 5", tr.store.positions["s"])
	}
}

func TestALoserOfARaceDecidesAgain(t *testing.T) {
	tr := newTracker(t, func(s *subfive.Setup) { s.Campaigns[0].Destinations = []string{"hook"} })
	tr.record(tr.click(clickA, nil))
	raced := false
	tr.store.refuse = func(b subfive.Batch) error {
		if raced || len(b.Postbacks) == 0 {
			return nil
		}
		raced = true
		tr.store.mu.Unlock() // another node records the same sale in between
		tr.record(tr.postback("other", clickA, "t1", nil))
		tr.store.mu.Lock()
		return nil
	}
	tr.record(tr.postback("1", clickA, "t1", nil))
	tr.want("pb_other matched", "pb_1 duplicate", "conversion matched 42.00", "hook conversion sale 42.00 USD scheduled")
}

func TestFrozenDelivery(t *testing.T) {
	tr := newTracker(t, func(s *subfive.Setup) {
		s.Campaigns[0].Destinations = []string{"meta-main"}
		s.Destinations[0].Value.Multiply = amount("0.9")
		s.Destinations[0].Delay = subfive.Duration(time.Minute)
	})
	tr.record(tr.click(clickA, func(c *subfive.Click) {
		c.PageURL = "https://lp.example.com/a?utm=x&fbclid=IwAR%2B1&gclid=G#top"
	}))
	tr.now = tr.now.Add(time.Hour)
	tr.record(tr.postback("1", clickA, "t1", nil))
	conversion := tr.store.postbacks["pb_1"].ConversionID
	want := subfive.Delivery{
		ID:           subfive.DeriveID(subfive.PrefixDelivery, conversion, "meta-main", "conversion", "1"),
		ConversionID: conversion, DestinationID: "meta-main", Platform: "meta", Kind: subfive.KindConversion, Generation: 1,
		Mode: subfive.ModeLive, EventName: "Purchase", EventID: conversion, EventTime: tr.now,
		Value: &subfive.Money{Amount: *amount("37.8"), Currency: "USD"}, PageURL: "https://lp.example.com/a?fbclid=IwAR%2B1",
		Status: subfive.DeliveryScheduled, CreatedAt: tr.now, NextAttemptAt: tr.now.Add(time.Minute), DeadlineAt: tr.now.Add(7 * 24 * time.Hour),
	}
	if diff := cmp.Diff(want, tr.store.deliveries[want.ID]); diff != "" {
		t.Errorf("delivery (-want +got):\n%s", diff)
	}
}
