package google_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/forwarders"
	"subfive/forwarders/forwardertest"
	"subfive/forwarders/google"
	"subfive/sandbox"
)

var today = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

type nothingSealed struct{}

func (nothingSealed) Open(_, box string) (string, error) { return box, nil }

// loop is a Sender whose one destination is the stand-in, by the given API.
func loop(t *testing.T, api string) (*forwarders.Sender, *sandbox.Google) {
	t.Helper()
	stand := sandbox.NewGoogle(func() time.Time { return today }, sandbox.GoogleConfig{})
	mux := http.NewServeMux()
	mux.Handle("/", stand)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	p := google.Platform()
	p.PerSecond = 0
	s := forwarders.NewSender(forwarders.SenderConfig{
		Opener: nothingSealed{}, Now: func() time.Time { return today }, NewID: func() string { return "at_1" }, Log: slog.New(slog.DiscardHandler),
	})
	t.Cleanup(s.Close)
	f, err := p.New(forwardertest.Decode([]byte("api: "+api+"\ncustomer_id: "+sandbox.GoogleCustomer+"\nconversion_action_id: \""+sandbox.GoogleAction+
		"\"\ncredentials: {client_id: c, client_secret: secret-1, refresh_token: "+sandbox.GoogleRefresh+", token_url: "+server.URL+sandbox.GoogleTokenPath+"}\n")),
		s.AuthClient(server.Listener.Addr().String()))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetDestinations([]forwarders.Configured{{ID: "google", Platform: p, Forwarder: f, BaseURL: server.URL, Secrets: []string{sandbox.GoogleRefresh}}}); err != nil {
		t.Fatal(err)
	}
	return s, stand
}

// told is what is told of sales: each has a click of its own.
func told(k subfive.Kind, ids ...string) []subfive.Delivery {
	var ds []subfive.Delivery
	for _, id := range ids {
		ds = append(ds, subfive.Delivery{
			ID: "dl_" + id, ConversionID: id, Kind: k, Mode: subfive.ModeLive, EventName: "Purchase", Generation: 1,
			EventID: subfive.EventID(id, k, false), EventTime: today.Add(-time.Hour), CreatedAt: today.Add(-time.Minute),
			Value: &subfive.Money{Amount: 42_500_000, Currency: "USD"},
			Click: &subfive.Click{ID: "click-" + id, ClickedAt: today.Add(-2 * time.Hour), Params: map[string]string{"gbraid": "0AAA-" + id}},
		})
	}
	return ds
}

// words are outcomes in short.
func words(outcomes []subfive.Outcome) []string {
	var all []string
	for _, o := range outcomes {
		word := string(o.Class)
		if o.Code != "" {
			word += " " + o.Code
		}
		all = append(all, word)
	}
	return all
}

// A sale is told, told again, worth something else, and taken back.
func TestASaleByGoogleAds(t *testing.T) {
	s, stand := loop(t, "google_ads")
	steps := []struct {
		kind subfive.Kind
		ids  []string
		want []string
	}{
		{subfive.KindRetraction, []string{"a"}, []string{"deferred CONVERSION_NOT_FOUND"}},
		{subfive.KindConversion, []string{"a", "b"}, []string{"accepted", "accepted"}},
		{subfive.KindConversion, []string{"b", "c"}, []string{"accepted ORDER_ID_ALREADY_IN_USE", "accepted"}},
		{subfive.KindRestatement, []string{"a"}, []string{"accepted"}},
		{subfive.KindRestatement, []string{"a"}, []string{"accepted RESTATEMENT_ALREADY_EXISTS"}},
		{subfive.KindRetraction, []string{"a", "nobody"}, []string{"accepted", "deferred CONVERSION_NOT_FOUND"}},
		{subfive.KindRetraction, []string{"a"}, []string{"accepted CONVERSION_ALREADY_RETRACTED"}},
	}
	for i, step := range steps {
		x := s.Send(t.Context(), "google", told(step.kind, step.ids...))
		if diff := cmp.Diff(step.want, words(x.Outcomes)); diff != "" {
			t.Errorf("step %d (-want +got):\n%s\n%s", i+1, diff, x.Attempt.AnswerBody)
		}
	}
	var kept []string
	for _, c := range stand.AdsConversions() {
		if c.Retracted {
			c.EventID += " taken back"
		}
		kept = append(kept, c.EventID)
	}
	if diff := cmp.Diff([]string{"a taken back", "b", "c"}, kept); diff != "" {
		t.Errorf("conversions (-want +got):\n%s", diff)
	}
}

// What goes wrong is seen for what it is, and a second try counts nothing twice.
func TestFailuresOfGoogleAds(t *testing.T) {
	set := func(a sandbox.AdsSwitch) func(*sandbox.Google) error {
		return func(g *sandbox.Google) error { return g.SetAds(a) }
	}
	fail := func(m sandbox.Mode) func(*sandbox.Google) error {
		return func(g *sandbox.Google) error {
			return g.Fail(sandbox.Failure{Mode: m, Requests: 1, WaitSeconds: 17, EventIDs: []string{"b"}, LatencyMS: []int{0}})
		}
	}
	both := func(word string) []string { return []string{word, word} }
	tests := map[string]struct {
		set   func(*sandbox.Google) error
		want  []string
		again []string
	}{
		"one row is too recent": {set(sandbox.AdsSwitch{Error: "TOO_RECENT_EVENT", Rows: 1}), []string{"deferred TOO_RECENT_EVENT", "accepted"}, []string{"accepted", "accepted ORDER_ID_ALREADY_IN_USE"}},
		"5xx after it was done": {set(sandbox.AdsSwitch{Late: 500, Requests: 1}), both("transient INTERNAL_ERROR"), both("accepted ORDER_ID_ALREADY_IN_USE")},
		"quota":                 {fail(sandbox.ModeRetryAfter), both("throttled RESOURCE_TEMPORARILY_EXHAUSTED"), both("accepted")},
		"misconfigured":         {fail(sandbox.ModeMisconfigured), both("misconfigured USER_PERMISSION_DENIED"), both("accepted")},
		"poison":                {fail(sandbox.ModePoison), []string{"accepted", "rejected ORDER_ID_CONTAINS_PII"}, []string{"accepted ORDER_ID_ALREADY_IN_USE", "accepted"}},
		"unavailable":           {fail(sandbox.ModeServerError), both("transient TRANSIENT_ERROR"), both("accepted")},
		"a gateway's page":      {fail(sandbox.ModeHTML), both("transient unreadable"), both("accepted")},
		"the answer breaks off": {fail(sandbox.ModeTruncated), both("transient reset"), both("accepted ORDER_ID_ALREADY_IN_USE")},
		"a row is lost":         {fail(sandbox.ModeWrongCount), both("transient unreadable"), []string{"accepted ORDER_ID_ALREADY_IN_USE", "accepted"}},
		"another access token":  {func(g *sandbox.Google) error { g.SetToken("another"); return nil }, both("accepted"), both("accepted ORDER_ID_ALREADY_IN_USE")},
		"the grant is gone":     {func(g *sandbox.Google) error { g.SetToken("another"); g.Revoke(true); return nil }, both("unauthorized authorize"), both("unauthorized authorize")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, stand := loop(t, "google_ads")
			if x := s.Send(t.Context(), "google", told(subfive.KindConversion, "first")); x.Outcomes[0].Class != subfive.Accepted {
				t.Fatalf("%+v", x.Outcomes)
			}
			if err := tt.set(stand); err != nil {
				t.Fatal(err)
			}
			x := s.Send(t.Context(), "google", told(subfive.KindConversion, "a", "b"))
			if diff := cmp.Diff(tt.want, words(x.Outcomes)); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s\n%+v", diff, x.Outcomes)
			}
			if name == "quota" && x.Outcomes[0].RetryAfter != 17*time.Second {
				t.Errorf("wait %s", x.Outcomes[0].RetryAfter)
			}
			x = s.Send(t.Context(), "google", told(subfive.KindConversion, "a", "b"))
			if diff := cmp.Diff(tt.again, words(x.Outcomes)); diff != "" {
				t.Errorf("again (-want +got):\n%s\n%+v", diff, x.Outcomes)
			}
			var ids []string
			for _, c := range stand.AdsConversions() {
				ids = append(ids, c.EventID)
			}
			slices.Sort(ids)
			if n := len(ids); len(slices.Compact(ids)) != n {
				t.Errorf("counted twice: %v", ids)
			}
		})
	}
}

// A test leaves nothing behind, and what it would change need not be there.
func TestATestLeavesNothing(t *testing.T) {
	s, stand := loop(t, "google_ads")
	for _, k := range []subfive.Kind{subfive.KindConversion, subfive.KindRestatement, subfive.KindRetraction} {
		ds := told(k, "a")
		ds[0].Mode, ds[0].EventID = subfive.ModeTest, subfive.EventID("a", k, true)
		if x := s.Send(t.Context(), "google", ds); x.Outcomes[0].Class != subfive.Accepted {
			t.Errorf("%s: %+v", k, x.Outcomes)
		}
	}
	if n := len(stand.AdsConversions()) + len(stand.Events()); n != 0 {
		t.Errorf("%d conversions", n)
	}
}

// After a change of api what the first one took is still asked about.
func TestChangeOfTheAPI(t *testing.T) {
	before, stand := loop(t, "data_manager")
	x := before.Send(t.Context(), "google", told(subfive.KindConversion, "a"))
	if diff := cmp.Diff([]string{"submitted"}, words(x.Outcomes)); diff != "" {
		t.Fatalf("sent (-want +got):\n%s", diff)
	}
	d := told(subfive.KindConversion, "a")
	d[0].Ref = x.Outcomes[0].Ref
	if diff := cmp.Diff([]string{"submitted PROCESSING"}, words(before.Ask(t.Context(), "google", d).Outcomes)); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	after, _ := loop(t, "google_ads") // of another stand-in, which knows no such request
	if diff := cmp.Diff([]string{"transient INVALID_ARGUMENT"}, words(after.Ask(t.Context(), "google", d).Outcomes)); diff != "" {
		t.Errorf("asked by the other (-want +got):\n%s", diff)
	}
	if n := len(stand.Events()); n != 1 {
		t.Errorf("%d events", n)
	}
}
