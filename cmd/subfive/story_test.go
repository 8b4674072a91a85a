package main

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/store"
	"subfive/story"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares text with a file, or with -update writes it. Our version, which
// grows, is taken out.
func golden(t *testing.T, path, got string) {
	t.Helper()
	got = strings.ReplaceAll(got, "subfive/"+subfive.Version, "subfive/VERSION") // our User-Agent
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

const (
	clickID      = "01jd3c4z9y8x7w6v5t4s3r2q1p"
	postbackID   = "pb_01jd3cn6s5fh9v8k2m1x4w7z0q"
	conversionID = "cv_0123456789abcdefghjkmnpqrs"
	deliveryID   = "dl_0123456789abcdefghjkmnpqrs"
	noonText     = "2026-11-20T12:00:00Z"
)

func noon() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) }

func micros(n int64) *subfive.Micros {
	m := subfive.Micros(n)
	return &m
}

// delivered is a story that went well, for others to be made of.
func delivered() telling {
	payout := micros(42_500_000)
	click := subfive.Click{
		ID: clickID, RecordKind: subfive.ClickRedirect, ClickedAt: noon().Add(-51 * time.Hour),
		CampaignID: "spring", SourceID: "meta-us", Platform: "meta", OfferID: "ourdream",
		Params:   map[string]string{"fbclid": "IwAR1_x-Y", "_fbp": "fb.1.1795514330022.1234567890"},
		Location: "https://track.example-network.com/ABC123/XYZ/?sub1=sfw&sub5=" + clickID,
		UserData: map[string]subfive.Sealed{"email": {Box: "sealed-box", Mac: "mac"}},
		Consent:  map[string]string{"consent_ad_user_data": "granted"},
		IsBot:    true, BotReason: "data center",
		Request: subfive.Request{
			Method: "GET", Scheme: "https", Host: "trk.example.com", Path: "/c/spring", ClientAddr: "203.0.113.9",
			UserAgent: "Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Mobile Safari/537.36",
			Params:    []subfive.Param{{Name: "fbclid", Value: "IwAR1_x-Y"}, {Name: "email", Value: subfive.Hidden}},
		},
	}
	postback := store.StoredPostback{
		Postback: subfive.Postback{
			ID: postbackID, ReceivedAt: noon(), NetworkID: "everflow", EndpointID: "default", Via: subfive.ViaS2S, Reading: subfive.ReadingOK,
			Answered: 200, ClickID: clickID, ClickIDRaw: clickID, TransactionID: "tx-1", Payout: payout, PayoutRaw: "42.50",
			Request: subfive.Request{
				Method: "GET", Scheme: "https", Host: "trk.example.com", Path: "/conversion", ClientAddr: "198.51.100.7",
				Params: []subfive.Param{
					{Name: "click_id", Value: clickID},
					{Name: "payout", Value: "42.50"},
					{Name: "tx_id", Value: "tx-1"},
					{Name: "note", Value: "two\nlines \x1b[31mred"},
					{Name: "key", Value: subfive.Hidden},
				},
			},
		},
		Verdict: subfive.VerdictMatched, ConversionID: conversionID,
		Trace: []subfive.Step{
			{Step: "identify", Result: "ok", Detail: "click ID " + clickID},
			{Step: "group", Result: "new", Detail: "the first of its click session"},
			{Step: "match", Result: "matched", Detail: "click " + clickID + ", 51h0m0s before"},
			{Step: "route", Result: "meta-main, hook", Detail: "the destinations of campaign spring"},
			{Step: "deliver meta-main", Result: "scheduled", Detail: "Purchase with ID " + conversionID + ", worth 42.50 USD"},
			{Step: "deliver hook", Result: "not yet", Detail: "status pending; it is told of approved"},
		},
	}
	conversion := subfive.Conversion{
		ID: conversionID, GroupID: "gr_1", NetworkID: "everflow", EndpointID: "default", PostbackID: postbackID, Via: subfive.ViaS2S,
		Verdict: subfive.VerdictMatched, ReceivedClickID: clickID, AttributedClickID: clickID, MatchMethod: subfive.MatchClick,
		TransactionID: "tx-1", NetworkConversionIDs: []string{"nc-1", "nc-2"}, OrderID: "o-1", Seq: 1,
		FirstStatus: subfive.StatusPending, Status: subfive.StatusApproved, StatusWord: "Approved!", ApprovedAt: noon().Add(time.Hour),
		ConvertedAt: noon(), ConvertedAtFrom: subfive.FromMacro, ReceivedAt: noon().Add(time.Second), ClickedAt: click.ClickedAt,
		PayoutFirst: payout, Payout: micros(40_000_000), ValueFrom: subfive.FromPostback, Currency: "USD", SaleAmount: micros(99_900_000),
		CampaignID: "spring", SourceID: "meta-us", OfferID: "ourdream", NetworkOfferID: "7",
		Subs: map[string]string{"sub1": "sfw", "sub5": clickID}, AlsoReceivedBy: []string{"pixel"},
	}
	delivery := subfive.Delivery{
		ID: deliveryID, ConversionID: conversionID, DestinationID: "meta-main", Platform: "meta", Kind: subfive.KindConversion,
		Generation: 1, Mode: subfive.ModeLive, EventName: "Purchase", EventID: conversionID, EventTime: noon(),
		Value: &subfive.Money{Amount: *payout, Currency: "USD"}, Status: subfive.DeliveryDelivered, ReasonCode: "accepted",
		Reason: "the platform took it", CreatedAt: noon().Add(time.Second), DeadlineAt: noon().Add(7 * 24 * time.Hour),
		FirstAttemptAt: noon().Add(time.Second), DeliveredAt: noon().Add(9 * time.Second), Attempts: 1,
		PageURL: "https://lp.example.com/a?fbclid=IwAR1_x-Y",
	}
	request := subfive.Attempt{
		DestinationID: "meta-main", Method: "POST", URL: "https://graph.facebook.com/v26.0/1234/events",
		RequestHeader: "Content-Type: application/json\n", RequestBody: `{"data":[{"event_name":"Purchase","event_id":"` + conversionID + `"}]}`,
		AnswerHeader: "Content-Type: application/json\n",
	}
	down, taken := request, request
	down.ID, down.StartedAt, down.Latency, down.AnswerBody = "at_1", noon().Add(2*time.Second), 142*time.Millisecond, "<html>\n\tbusy\x07</html>"
	down.Outcome = subfive.Outcome{Class: subfive.Transient, HTTP: 503, Code: "2", Message: "Service temporarily unavailable", RetryAfter: 5 * time.Second}
	down.Items = []subfive.AttemptItem{{DeliveryID: deliveryID, Outcome: subfive.Outcome{Class: subfive.Transient, Code: "2", Message: "Service temporarily unavailable"}}}
	taken.ID, taken.StartedAt, taken.Latency, taken.AnswerBody = "at_2", noon().Add(8*time.Second), 1200*time.Millisecond, `{"events_received":1,"fbtrace_id":"A1"}`
	taken.Outcome = subfive.Outcome{Class: subfive.Accepted, HTTP: 200, TraceID: "A1"}
	taken.Items = []subfive.AttemptItem{{DeliveryID: deliveryID, Outcome: subfive.Outcome{Class: subfive.Accepted}}, {DeliveryID: "dl_other"}}
	return telling{
		now: noon().Add(3 * time.Hour),
		Story: store.Story{
			Clicks: []subfive.Click{click}, Postbacks: []store.StoredPostback{postback}, Conversions: []subfive.Conversion{conversion},
			Changes: []subfive.Change{
				{ConversionID: conversionID, Field: "status", Old: "pending", New: "approved", At: noon().Add(time.Hour), By: "postback", PostbackID: "pb_2"},
				{ConversionID: "cv_other", Field: "status", Old: "a", New: "b", At: noon(), By: "api"},
			},
			Deliveries: []subfive.Delivery{delivery}, Attempts: []subfive.Attempt{down, taken},
		},
	}
}

// unsent makes of a delivered delivery one that was not tried yet.
func (t *telling) unsent() *subfive.Delivery {
	d := &t.Deliveries[0]
	d.Status, d.ReasonCode, d.Reason, d.Attempts = subfive.DeliveryScheduled, "", "", 0
	d.FirstAttemptAt, d.DeliveredAt, t.Attempts = time.Time{}, time.Time{}, nil
	return d
}

func TestStory(t *testing.T) {
	stories := map[string]func(*telling){
		"delivered": func(*telling) {},
		"delivered full": func(s *telling) {
			s.full = true
		},
		"limited data use": func(s *telling) {
			s.Clicks[0].Consent = map[string]string{"sec_gpc": "1"}
			s.Deliveries[0].LimitedUse = true
		},
		"dead, refused alone": func(s *telling) {
			d, last := &s.Deliveries[0], &s.Attempts[1]
			d.Status, d.DeliveredAt = subfive.DeliveryDead, time.Time{}
			d.ReasonCode, d.Reason = "rejected", "code 100: Invalid parameter: the pixel does not take events of this kind"
			last.Outcome = subfive.Outcome{Class: subfive.Rejected, HTTP: 400, Code: "100", Subcode: "2804019", Message: "Invalid parameter"}
			last.Items[0].Outcome = subfive.Outcome{Class: subfive.Rejected, Code: "100", Message: "Invalid parameter"}
			last.AnswerBody = `{"error":{"message":"Invalid parameter","code":100,"error_subcode":2804019}}`
		},
		"dead, nobody answered": func(s *telling) {
			d, last := &s.Deliveries[0], &s.Attempts[1]
			d.Status, d.DeliveredAt, d.AmbiguousAt = subfive.DeliveryDead, time.Time{}, noon().Add(8*time.Second)
			d.ReasonCode, d.Reason = "too_old", "the platform takes it no more"
			last.Outcome = subfive.Outcome{Class: subfive.Transient, Code: "timeout", Message: "no answer in time", Ambiguous: true}
			last.Items[0].Outcome = subfive.Outcome{Class: subfive.Transient, Code: "timeout", Message: "no answer in time"}
			last.AnswerHeader, last.AnswerBody = "", ""
		},
		"held by the platform's answer": func(s *telling) {
			s.unsent().NextAttemptAt = noon().Add(4 * time.Hour)
			s.paused = map[string]subfive.Pause{"meta-main": {
				DestinationID: "meta-main", Until: s.now.Add(5 * time.Minute), Code: "190", Reason: "unauthorized: 190 the access token has expired",
			}}
		},
		"held until a probe": func(s *telling) {
			s.unsent()
			s.paused = map[string]subfive.Pause{"meta-main": {DestinationID: "meta-main", Until: s.now.Add(-time.Minute), Reason: "transient: 503"}}
		},
		"held by a person": func(s *telling) {
			s.unsent()
			s.paused = map[string]subfive.Pause{"meta-main": {DestinationID: "meta-main", Manual: true, Reason: "by ann: new token on Monday"}}
		},
		"due, and behind another": func(s *telling) {
			d := s.unsent()
			d.NextAttemptAt = noon()
			later := *d
			later.ID, later.Kind, later.EventName, later.EventID, later.WaitsFor = "dl_2", subfive.KindRetraction, "Refund", conversionID+"-retraction", d.ID
			later.Generation = 2
			s.Deliveries = append(s.Deliveries, later)
		},
		"duplicate": func(s *telling) {
			again := s.Postbacks[0]
			again.ID, again.ReceivedAt, again.Verdict, again.DuplicateOf = "pb_2", noon().Add(time.Minute), subfive.VerdictDuplicate, postbackID
			again.Trace = []subfive.Step{{Step: "identify", Result: "ok"}, {Step: "group", Result: "duplicate", Detail: "it repeats " + conversionID}}
			s.Postbacks = append(s.Postbacks, again)
		},
		"possible duplicate": func(s *telling) {
			again := s.Postbacks[0]
			again.ID, again.Verdict, again.ConversionID, again.PossibleDuplicateOf = "pb_2", subfive.VerdictPossibleDuplicate, "", conversionID
			again.Trace = []subfive.Step{{Step: "group", Result: "unsettled", Detail: "it may repeat " + conversionID + " or be a new one (only its amount differs): not counted until it is settled"}}
			s.Postbacks = append(s.Postbacks, again)
		},
		"unmatched": func(s *telling) {
			s.Clicks, s.Deliveries, s.Attempts = nil, nil, nil
			b, c := &s.Postbacks[0], &s.Conversions[0]
			b.Verdict, c.Verdict = subfive.VerdictUnmatched, subfive.VerdictUnmatched
			c.AttributedClickID, c.MatchMethod, c.ClickedAt, c.CampaignID, c.SourceID = "", "", time.Time{}, "", ""
			b.Trace = []subfive.Step{
				{Step: "match", Result: "waiting", Detail: "no click " + clickID + " yet"},
				{Step: "route", Result: "nowhere", Detail: "no click, and endpoint default names no destinations"},
				{Step: "match", Result: "unmatched", Detail: "its click did not come in 3d"},
			}
		},
		"quarantined, by the click alone": func(s *telling) {
			s.Story = store.Story{Postbacks: s.Postbacks}
			b := &s.Postbacks[0]
			b.Verdict, b.Reading, b.ConversionID, b.Hint = subfive.VerdictQuarantined, subfive.ReadingQuarantined, "", "the endpoint's key is wrong"
			b.Trace = []subfive.Step{{Step: "accept", Result: "no", Detail: "kept, and credited only if a person accepts it: the endpoint's key is wrong"}}
		},
	}
	for name, change := range stories {
		t.Run(name, func(t *testing.T) {
			s := delivered()
			change(&s)
			got := s.String()
			for _, line := range strings.Split(got, "\n") {
				// What must be copied whole is never broken: blocks and single words.
				prose := !strings.HasPrefix(line, "    ") || strings.HasPrefix(line, strings.Repeat(" ", labelWidth))
				if prose && utf8.RuneCountInString(line) > pageWidth && strings.Contains(strings.TrimSpace(line[labelWidth:]), " ") {
					t.Errorf("wider than %d: %s", pageWidth, line)
				}
			}
			for _, secret := range []string{"sealed-box", "\x1b", "\x07"} {
				if strings.Contains(got, secret) {
					t.Errorf("the page holds %q", secret)
				}
			}
			file := filepath.Join("testdata", "story", strings.NewReplacer(" ", "-", ",", "", "'", "").Replace(name))
			golden(t, file+".golden", got)
			told, err := json.MarshalIndent(story.Tell(s.known()), "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, file+".told.json", string(told)+"\n")
		})
	}
}

// A request may carry many conversions: without --full only its beginning is
// shown, and how much more there is.
func TestStoryShortensLongBodies(t *testing.T) {
	s := delivered()
	s.Attempts[1].RequestBody = "[" + strings.Repeat("1,", 199) + "1]" // 202 lines, indented
	if got, want := s.String(), "    … 123 more lines: --full\n"; !strings.Contains(got, want) {
		t.Errorf("%q is not in:\n%s", want, got)
	}
	s.full = true
	if got := s.String(); strings.Contains(got, "more lines") {
		t.Errorf("shortened though --full:\n%s", got)
	}
}
