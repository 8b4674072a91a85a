package story

import (
	"strings"
	"testing"
	"time"

	"subfive"
)

func noon() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) }

func TestSpan(t *testing.T) {
	tests := map[string]time.Duration{
		"0 ms": 0, "142 ms": 142 * time.Millisecond, "4.1 s": 4100 * time.Millisecond, "5 s": 5 * time.Second, "45 s": 45400 * time.Millisecond,
		"11 min 31 s": 11*time.Minute + 31*time.Second, "2 min": 2 * time.Minute, "47 h 59 min": 48*time.Hour - time.Second,
		"2 d 3 h": 51 * time.Hour, "3 d": 72 * time.Hour, "-1.5 s": -1500 * time.Millisecond,
	}
	for want, d := range tests {
		if got := span(d); got != want {
			t.Errorf("span(%s) = %q, want %q", d, got, want)
		}
	}
}

func TestMoney(t *testing.T) {
	m := subfive.Micros(42_500_000)
	minus := -m
	tests := map[string]string{
		"$42.50": money(&m, "USD"), "-€42.50": money(&minus, "EUR"), "42.50 CAD": money(&m, "CAD"), "42.50": money(&m, ""), "": money(nil, "USD"),
	}
	for want, got := range tests {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTeeLine(t *testing.T) {
	tests := map[string]struct {
		tee  *subfive.Tee
		want string
	}{
		"none":    {nil, ""},
		"sent":    {&subfive.Tee{State: subfive.TeeSent, Attempts: 1, LastHTTP: 204, EndedAt: noon()}, "sent  1 tries  answered 204  at " + utc(noon())},
		"waiting": {&subfive.Tee{State: subfive.TeeWaiting, Attempts: 3, LastError: "refused", NextAttemptAt: noon()}, "waiting  3 tries  refused  next " + utc(noon())},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := teeLine(tt.tee); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// A command that is pasted into a shell runs what was sent, and nothing else.
func TestCurl(t *testing.T) {
	a := subfive.Attempt{
		Method: "POST", URL: "https://graph.example.com/v26.0/1/events", RequestHeader: "Content-Type: application/json\r\nContent-Length: 12\r\nX-A: `id`\n",
		RequestBody: `{"a":"it's $(id)"}`,
	}
	want := `curl -X POST https://graph.example.com/v26.0/1/events \
  -H 'Content-Type: application/json' \
  -H 'X-A: ` + "`id`" + `' \
  --data-binary '{"a":"it'\''s $(id)"}'`
	if got := Curl(a); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	a.RequestBody = strings.Repeat("x", maxCurl+1)
	if got := Curl(a); got != "" {
		t.Errorf("a body of %d bytes is made a command of %d", len(a.RequestBody), len(got))
	}
}

func TestCurlOfWhatCameIn(t *testing.T) {
	r := subfive.Request{Method: "GET", Scheme: "https", Host: "trk.example.com", Path: "/conversion", Params: []subfive.Param{
		{Name: "click_id", Value: "a b"}, {Name: "key", Value: subfive.Hidden},
	}}
	if got, want := curlOf(r), "curl 'https://trk.example.com/conversion?click_id=a+b&key=***'"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	r.Method = "POST"
	if got, want := curlOf(r), "curl -X POST 'https://trk.example.com/conversion?click_id=a+b&key=***'"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := curlOf(subfive.Request{}); got != "" {
		t.Errorf("nothing is known of the request, and it is %s", got)
	}
}

func TestMarkOf(t *testing.T) {
	tests := map[string]struct{ address, want string }{
		"a parameter": {"https://x.example.com/?sub1=a&sub5=CLICK#x", "sub5=CLICK"},
		"in the path": {"https://x.example.com/CLICK/go", "CLICK"},
		"nowhere":     {"https://x.example.com/?a=b", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := markOf(tt.address, "CLICK"); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// What would have to change is a setting that there is, with the value it has.
func TestSettings(t *testing.T) {
	payout, most := subfive.Micros(130_000_000), subfive.Micros(120_000_000)
	k := Known{
		Conversions: []subfive.Conversion{{ID: "cv_1", OfferID: "o", CampaignID: "c", EndpointID: "default", Payout: &payout, GoalName: "Upsell", Status: subfive.StatusPending}},
		Setup: subfive.Setup{
			Endpoints: []subfive.Endpoint{{ID: "default", DefaultStatus: subfive.StatusPending}},
			Offers:    []subfive.Offer{{ID: "o", PayoutMax: &most, Window: subfive.Duration(24 * time.Hour)}},
			Campaigns: []subfive.Campaign{{ID: "c"}},
			Destinations: []subfive.Destination{{
				ID: "d", Mode: subfive.ModeDryRun, Unmatched: "never", OnReversal: "none", SendOn: []subfive.Status{subfive.StatusApproved},
			}},
		},
	}
	tests := map[string]struct {
		kind             subfive.Kind
		field, now, then string
	}{
		"other_platform":   {subfive.KindConversion, "destinations/d.fan_out", "false", "true"},
		"unmatched":        {subfive.KindConversion, "destinations/d.unmatched", "never", "send"},
		"test":             {subfive.KindConversion, "destinations/d.mode", "dry_run", "test"},
		"dry_run":          {subfive.KindConversion, "destinations/d.mode", "dry_run", "live"},
		"goal_unmapped":    {subfive.KindConversion, "destinations/d.goals.Upsell", "", "Purchase"},
		"no_value":         {subfive.KindConversion, "destinations/d.value.from", "", "fixed"},
		"unsupported":      {subfive.KindRetraction, "destinations/d.on_reversal", "none", "Refund"},
		"not_wanted":       {subfive.KindRetraction, "destinations/d.on_reversal", "none", "retract"},
		"gpc":              {subfive.KindConversion, "destinations/d.consent", "", "[{when: …, send: …}]"},
		"outside_window":   {subfive.KindConversion, "offers/o.window", "1d", `""`},
		"payout_above_max": {subfive.KindConversion, "offers/o.payout_max", "120.00", "130.00"},
		"rejected":         {subfive.KindConversion, "", "", ""},
		"before_click":     {subfive.KindConversion, "", "", ""},
	}
	for code, tt := range tests {
		t.Run(code, func(t *testing.T) {
			s := k.setting(subfive.Delivery{ConversionID: "cv_1", DestinationID: "d", Kind: tt.kind, Status: subfive.DeliverySkipped, ReasonCode: code})
			if s == nil {
				s = &Setting{}
			}
			field := strings.TrimSuffix(s.Kind+"/"+s.ID+"."+s.Field, "/.")
			if field != tt.field || s.Now != tt.now || s.To != tt.then {
				t.Errorf("got %s: %q to %q, want %s: %q to %q", field, s.Now, s.To, tt.field, tt.now, tt.then)
			}
		})
	}
	if s := k.sending(k.Conversions[0], k.Setup.Destinations[0]); s == nil || s.Now != "[approved]" || s.To != "[pending, approved]" {
		t.Errorf("to be told of what is pending: %+v", s)
	}
}

func TestHeadlines(t *testing.T) {
	payout := subfive.Micros(42_500_000)
	of := func(change func(*subfive.Conversion)) Known {
		c := subfive.Conversion{ID: "cv_1", GroupID: "g", Seq: 1, PostbackID: "pb_1", NetworkID: "everflow", OfferID: "ourdream", CampaignID: "spring", Verdict: subfive.VerdictMatched, Payout: &payout, Currency: "USD"}
		change(&c)
		return Known{Conversions: []subfive.Conversion{c}}
	}
	about := func(v subfive.Verdict) Known {
		b := Postback{Judged: subfive.Judged{Verdict: v}}
		b.Postback = subfive.Postback{ID: "pb_1", NetworkID: "everflow", Hint: "the endpoint's key is wrong"}
		return Known{ID: "pb_1", Postbacks: []Postback{b}}
	}
	tests := map[string]struct {
		known Known
		want  string
	}{
		"credited":    {of(func(*subfive.Conversion) {}), "$42.50 from ourdream, credited to spring"},
		"no payout":   {of(func(c *subfive.Conversion) { c.Payout = nil }), "A conversion from ourdream, credited to spring"},
		"a goal":      {of(func(c *subfive.Conversion) { c.GoalName = "Upsell" }), `$42.50 for "Upsell" from ourdream, credited to spring`},
		"taken back":  {of(func(c *subfive.Conversion) { c.Status = subfive.StatusRejected }), "$42.50 from ourdream, taken back by everflow"},
		"waiting":     {of(func(c *subfive.Conversion) { c.Verdict = subfive.VerdictWaiting }), "$42.50 from ourdream, waiting for its click"},
		"no offer":    {of(func(c *subfive.Conversion) { c.OfferID, c.NetworkOfferID = "", "7" }), "$42.50 from everflow offer 7, credited to spring"},
		"a test":      {of(func(c *subfive.Conversion) { c.Verdict = subfive.VerdictTest }), "$42.50 from ourdream, a test: it counts nowhere"},
		"our page":    {of(func(c *subfive.Conversion) { c.PostbackID, c.GoalName = "", subfive.GoalLandingView }), "Landing page seen on spring"},
		"quarantined": {about(subfive.VerdictQuarantined), "A postback from everflow, quarantined: the endpoint's key is wrong"},
		"unsettled":   {about(subfive.VerdictPossibleDuplicate), "A postback from everflow, possibly told before: decide what it is"},
		"a click":     {Known{Clicks: []subfive.Click{{ID: "c", CampaignID: "spring"}}}, "A click on spring, no conversion yet"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := Tell(tt.known).Headline; got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
