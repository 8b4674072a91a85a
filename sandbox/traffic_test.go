package sandbox_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive/sandbox"
)

// ledger judges postbacks by what it reads of them, as a tracker would: a
// conversion is a session, a goal and a payout.
type ledger struct {
	clicks   map[string]bool
	statuses map[string]string // of each conversion
	got      sandbox.Expected
}

func (l *ledger) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	q, err := url.ParseQuery(strings.NewReplacer(";", "", "%zz", "").Replace(r.URL.RawQuery))
	l.got.Postbacks++
	if err != nil || q.Get("tx_id") == "" {
		l.got.Nothing++
		return
	}
	goal := q.Get("event_name")
	if goal == "" {
		goal = "Base"
	}
	key := q.Get("tx_id") + " " + goal + " " + q.Get("payout")
	before, known := l.statuses[key]
	status := q.Get("status")
	if status == "" {
		status = before
	}
	l.statuses[key] = status
	switch {
	case !known:
		l.got.Conversions++
		if l.clicks[q.Get("click_id")] && !q.Has("timestamp") {
			l.got.Matched++
		}
	case before != "" && status != before:
		l.got.Changes++
	default:
		l.got.Duplicates++
	}
}

func TestTrafficTellsTheTruth(t *testing.T) {
	const offer = "17"
	l := &ledger{clicks: map[string]bool{}, statuses: map[string]string{}}
	traffic := sandbox.NewTraffic(7, offer)
	s := simulator(t, sandbox.SimulatorConfig{
		Client: &http.Client{Transport: handlerTransport{l}}, Postbacks: traffic.Postbacks("https://trk.example.com/conversion?key=k"),
	})
	stories := map[sandbox.Story]int{}
	var shots []sandbox.Shot
	for i := range 500 {
		v, clickID := traffic.Visit(), fmt.Sprintf("click-%d", i)
		l.clicks[clickID] = v.Click.Age == 0
		shots = append(shots, traffic.Follow(v, clickID)...)
	}
	for _, shot := range shots {
		stories[shot.Story]++
		if _, err := s.Fire(t.Context(), shot.PostbackID, shot.Conversion); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(l.got, sandbox.Expect(shots)); diff != "" {
		t.Errorf("expected (-as read +as told):\n%s", diff)
	}
	for _, story := range sandbox.Stories() {
		if stories[story] == 0 {
			t.Errorf("500 sessions without the story %s", story)
		}
	}
}

// handlerTransport calls a handler without a network.
type handlerTransport struct{ handler http.Handler }

func (h handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	return w.Result(), nil
}

func TestStories(t *testing.T) {
	type told struct {
		Postback      string
		First, Change bool
		Matched       bool
		Key           bool
	}
	tests := map[sandbox.Story][]told{
		sandbox.StoryBase:         {{"main", true, false, true, true}},
		sandbox.StoryRebill:       {{"main", true, false, true, true}, {"main", true, false, true, true}, {"main", false, false, true, true}},
		sandbox.StoryApproved:     {{"main", true, false, true, true}, {"main", false, true, true, true}},
		sandbox.StoryRejected:     {{"main", true, false, true, true}, {"main", false, true, true, true}},
		sandbox.StoryLiteralMacro: {{"wrong", true, false, false, true}},
		sandbox.StoryEmptyClickID: {{"main", true, false, false, true}},
		sandbox.StoryUnknownClick: {{"main", true, false, false, true}},
		sandbox.StoryGarbage:      {{"garbage", false, false, false, false}},
		sandbox.StoryLateClick:    {{"main", true, false, true, true}},
		sandbox.StoryOldClick:     {{"main", true, false, false, true}},
		sandbox.StoryTooEarly:     {{"timed", true, false, false, true}},
		sandbox.StoryDirect:       {{"direct-meta", true, false, false, true}},
	}
	for story, want := range tests {
		t.Run(string(story), func(t *testing.T) {
			var got []told
			for _, s := range sandbox.NewTraffic(1, "17").Tell(story, "click") {
				got = append(got, told{s.PostbackID, s.Truth.First, s.Truth.Change, s.Truth.Matched, s.Truth.Key != ""})
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("shots (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTrafficIsTheSameForASeed(t *testing.T) {
	from := func(seed uint64) (visits []sandbox.Visit, shots []sandbox.Shot) {
		traffic := sandbox.NewTraffic(seed, "17")
		for range 20 {
			v := traffic.Visit()
			visits = append(visits, v)
			shots = append(shots, traffic.Follow(v, "click")...)
		}
		return visits, shots
	}
	visits, shots := from(3)
	againVisits, againShots := from(3)
	if diff := cmp.Diff(visits, againVisits) + cmp.Diff(shots, againShots); diff != "" {
		t.Errorf("the same seed (-first +second):\n%s", diff)
	}
	if otherVisits, _ := from(4); cmp.Equal(visits, otherVisits) {
		t.Error("another seed made the same visits")
	}
}

// Each platform's clicks bring its own parameters, and of its pixel's cookie some.
func TestClicksAreTheirPlatforms(t *testing.T) {
	want := map[string][]string{
		"meta": {"_fbp", "fbclid"}, "tiktok": {"_ttp", "ttclid"}, "reddit": {"_rdt_uuid", "rdt_cid"}, "google": {"gbraid", "gclid", "wbraid"},
	}
	got := map[string][]string{}
	introduced, six := 0, 0
	traffic := sandbox.NewTraffic(1, "17")
	for range 200 {
		c := traffic.Visit().Click
		q, err := url.ParseQuery(c.Query)
		if err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(c.Cookie, "=")
		for _, param := range []string{"fbclid", "ttclid", "rdt_cid", "gclid", "gbraid", "wbraid", name} {
			if (param == name && name != "" || q.Has(param)) && !slices.Contains(got[c.Platform], param) {
				got[c.Platform] = append(got[c.Platform], param)
			}
		}
		if q.Has("email") {
			introduced++
		}
		if strings.Contains(c.IP, ":") {
			six++
		}
	}
	for _, params := range got {
		slices.Sort(params)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("parameters and cookies (-want +got):\n%s", diff)
	}
	if introduced == 0 || introduced == 200 || six == 0 || six == 200 {
		t.Errorf("of 200 visitors %d gave their name and %d had an IPv6 address", introduced, six)
	}
}
