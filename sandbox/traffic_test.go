package sandbox_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
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
		if l.clicks[q.Get("click_id")] {
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
	for range 500 {
		clickID := "click-" + traffic.Click().IP + strings.Repeat("x", len(l.clicks))
		l.clicks[clickID] = true
		shots = append(shots, traffic.Session(clickID)...)
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
	from := func(seed uint64) (clicks []sandbox.AdClick, shots []sandbox.Shot) {
		traffic := sandbox.NewTraffic(seed, "17")
		for range 20 {
			clicks = append(clicks, traffic.Click())
			shots = append(shots, traffic.Session("click")...)
		}
		return clicks, shots
	}
	clicks, shots := from(3)
	againClicks, againShots := from(3)
	if diff := cmp.Diff(clicks, againClicks) + cmp.Diff(shots, againShots); diff != "" {
		t.Errorf("the same seed (-first +second):\n%s", diff)
	}
	if otherClicks, _ := from(4); cmp.Equal(clicks, otherClicks) {
		t.Error("another seed made the same clicks")
	}
}
