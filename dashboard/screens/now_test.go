package screens

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

// outlookOf is what the tracker answers in one of its states; the API's document
// is held against the same.
func outlookOf(t testing.TB, name string) string {
	t.Helper()
	answer, err := os.ReadFile("../../cmd/subfive/testdata/now/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

const arrived = `{"items":[
	{"postback_id":"pb_1","received_at":"2026-11-24T08:55:17.000Z","verdict":"matched","payout":"42.50","payout_currency":"USD","goal":"base","conversion_id":"cv_1"},
	{"postback_id":"pb_2","received_at":"2026-11-24T08:53:02.000Z","verdict":"duplicate","payout":"42.50","payout_currency":null,"goal":"base","conversion_id":"cv_1","duplicate_of":"pb_1"},
	{"postback_id":"pb_3","received_at":"2026-11-24T08:49:40.000Z","verdict":"status_change","payout":null,"payout_currency":null,"goal":"base","network_status":"approved","conversion_id":"cv_1"},
	{"postback_id":"pb_4","received_at":"2026-11-24T08:47:31.000Z","verdict":"waiting","payout":"36.00","payout_currency":null,"goal":"upsell","conversion_id":"cv_2"},
	{"postback_id":"pb_5","received_at":"2026-11-23T08:43:10.000Z","verdict":"possible_duplicate","payout":"51.00","payout_currency":"USD","goal":"base","conversion_id":""},
	{"postback_id":"pb_6","received_at":"2026-11-23T08:40:00.000Z","verdict":"no_click_id","payout":"51.00","payout_currency":"USD","goal":"base","conversion_id":"","hint":"Everflow's macro is {sub5}, all lower case"}],"next":""}`

const credited = `{"items":[{"conversion_id":"cv_1","offer_id":"ourdream","campaign_id":"spring-lookalike"},{"conversion_id":"cv_2","offer_id":null,"campaign_id":null,"payout_currency":"USD"}],"next":""}`

const marked = `{"dead":7,"held":1,"unsettled":3,"alerts":1,"missing":2}`

func nowStates(t testing.TB) []state {
	full := map[string]string{"GET /now": outlookOf(t, "busy"), "GET /now/counts": marked, "GET /postbacks": arrived, "GET /conversions": credited}
	manual := map[string]string{"GET /postbacks": `{"items":[]}`, "GET /now": strings.NewReplacer(
		`"label": "Paste a new token"`, `"label": "Resume"`, `"method": "GET",
        "href": "/admin/destinations/meta-main"`, `"method": "POST", "href": "/api/v1/destinations/meta-main/resume"`,
	).Replace(outlookOf(t, "busy"))}
	analyst := mara
	analyst.Role = subfive.RoleAnalyst
	return []state{
		{
			name: "now/full", path: "/admin/", answers: full, sees: []string{
				"Working. One destination is held, seven deliveries are dead", "Paste a new token", "7 dead", "1 held", "−2", "ourdream · spring-lookalike", "&#43;14 % on yesterday",
				"10 wait as planned: TOO_RECENT_CLICK", "stage by stage", "All live", "03:00 · 24 held", "also sent to Telegram", "$36.00", "nothing was sent yet",
			},
		},
		{name: "now/empty", path: "/admin/", answers: map[string]string{"GET /now": outlookOf(t, "empty")}, sees: []string{"Nothing has come in yet.", "Open First run"}},
		{name: "now/down", path: "/admin/", answers: map[string]string{"GET /now": outlookOf(t, "down")}, sees: []string{"The database does not answer.", "3 % full", "312 records"}},
		{name: "now/error", path: "/admin/", status: http.StatusNotFound, sees: []string{"there is nothing of that ID"}},
		{
			name: "now/week", path: "/admin/?range=7d", answers: map[string]string{"GET /now?range=7d&zone=America%2FNew_York": outlookOf(t, "week"), "GET /postbacks": `{"items":[]}`},
			sees: []string{"Nothing needs a person", "7 days, stage by stage", "No postback has come yet"},
		},
		{name: "now/paused", path: "/admin/?live=off", answers: full, sees: []string{"Go on", "paused"}},
		{name: "now/resume", path: "/admin/", answers: manual, sees: []string{`action="/admin/destinations/meta-main/resume"`, "Resume"}},
		{name: "now/analyst", path: "/admin/", answers: manual, who: analyst, sees: []string{"meta-main is held"}},
		{name: "now/misread", path: "/admin/?range=week&zone=UTC", answers: full, sees: []string{"There is no range"}},
	}
}

// A part of the page is drawn alone, and asks for no more than it needs.
func TestNowParts(t *testing.T) {
	t.Parallel()
	for part, want := range map[string][]string{
		"feed": {"GET /postbacks?limit=10", "GET /conversions?limit=10"}, "all": {"GET /now?range=24h&zone=America%2FNew_York", "GET /postbacks?limit=10", "GET /conversions?limit=10"},
	} {
		a := &api{answers: map[string]string{"GET /now": outlookOf(t, "busy"), "GET /postbacks": arrived, "GET /conversions": credited}}
		w := open(t, newScreens(t, a, mara), "/admin/?part="+part)
		if w.Code != http.StatusOK || strings.Contains(w.Body.String(), "<html") || !strings.Contains(w.Body.String(), `hx-get="/admin/?part=`+part+`"`) {
			t.Errorf("%s: %d %s", part, w.Code, w.Body)
		}
		if diff := cmp.Diff(want, a.calls); diff != "" {
			t.Errorf("%s: calls (-want +got):\n%s", part, diff)
		}
	}
}

func TestNeedsLeadToOurPages(t *testing.T) {
	t.Parallel()
	for href, want := range map[string][2]string{
		"/admin/outbound?status=dead": {"/admin/outbound?status=dead", ""}, "https://evil.example/": {"/admin/", ""}, "javascript:x": {"/admin/", ""},
	} {
		n := nowNeed{}
		n.Action.Method, n.Action.Href = http.MethodGet, href
		if got := [2]string{n.Page(), n.Resumes()}; got != want {
			t.Errorf("%s leads to %q", href, got)
		}
	}
	for href, want := range map[string]string{
		"/api/v1/destinations/m/resume": "m", "/api/v1/destinations/m/a/resume": "", "/api/v1/users/m": "", "/api/v1/destinations/m/pause": "",
	} {
		n := nowNeed{}
		n.Action.Method, n.Action.Href = http.MethodPost, href
		if got := n.Resumes(); got != want || n.Page() != "" {
			t.Errorf("%s resumes %q, want %q", href, got, want)
		}
	}
}

func TestChange(t *testing.T) {
	t.Parallel()
	text := func(s string) *string { return &s }
	for _, tt := range []struct {
		now, before any
		want        string
	}{
		{104.0, 100.0, "+4 % on"},
		{96.0, 100.0, "−4 % on"},
		{100.1, 100.0, "as on"},
		{0.0, 0.0, ""},
		{5.0, 0.0, "none before"},
		{text("50.00"), text("-100.00"), "+150 % on"},
		{text("1"), (*string)(nil), ""},
		{nil, 1.0, ""},
		{2500.0, 100.0, "+2,400 % on"},
	} {
		if got := change(tt.now, tt.before, "on"); got != tt.want {
			t.Errorf("%v after %v: %q, want %q", tt.now, tt.before, got, tt.want)
		}
	}
}

// The ranges are those of the API, and go on in both directions.
func TestRanges(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ query, period, since, until, earlier, later, text string }{
		"by itself":  {"", "24h", "23 05:00", "24 04:00", "since=2026-11-23&until=2026-11-23", "", "24 hours"},
		"a week":     {"range=7d", "7d", "18 00:00", "24 04:00", "since=2026-11-11&until=2026-11-17", "", "7 days"},
		"today":      {"range=today", "today", "24 00:00", "24 04:00", "since=2026-11-23&until=2026-11-23", "", "Today"},
		"yesterday":  {"range=yesterday", "yesterday", "23 00:00", "24 00:00", "since=2026-11-22&until=2026-11-22", "since=2026-11-24&until=2026-11-24", "Yesterday"},
		"this month": {"range=month", "month", "01 00:00", "24 04:00", "since=2026-10-08&until=2026-10-31", "", "This month"},
		"two days": {
			"since=2026-11-01&until=2026-11-02", "2026-11-01..2026-11-02", "01 00:00", "03 00:00",
			"since=2026-10-30&until=2026-10-31", "since=2026-11-03&until=2026-11-04", "1 Nov to 2 Nov",
		},
		"no range": {"range=1w", "24h", "23 05:00", "24 04:00", "since=2026-11-23&until=2026-11-23", "", "24 hours"},
		"no days":  {"since=2026-11-02&until=2026-11-01", "24h", "23 05:00", "24 04:00", "since=2026-11-23&until=2026-11-23", "", "24 hours"},
	}
	misread := []string{"no range", "no days"}
	s := newScreens(t, &api{}, mara)
	for name, tt := range tests {
		r := s.asked(t, "/admin/?"+tt.query)
		v, b := &view{request: r}, r.bounds()
		_, earlier, _ := strings.Cut(v.Earlier(), "?")
		_, later, _ := strings.Cut(v.Later(), "?")
		at := func(m time.Time) string { return m.In(r.zone).Format("02 15:04") }
		got := []string{r.period(), at(b.Since), at(b.Until), earlier, later, v.RangeText()}
		if diff := cmp.Diff([]string{tt.period, tt.since, tt.until, tt.earlier, tt.later, tt.text}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if wrong := r.misread() != ""; wrong != slices.Contains(misread, name) {
			t.Errorf("%s: says %q", name, r.misread())
		}
	}
	if s.asked(t, "/admin/?zone=Mars").misread() == "" {
		t.Error("a zone that is none is taken")
	}
}

func TestCoarse(t *testing.T) {
	t.Parallel()
	for millis, want := range map[float64]string{327: "327 ms", 2900: "2.9 s", 599_000: "9 min 59 s", 1_877_694: "31 min", 21_660_000: "6 h 1 min", 86_000_000: "24 h"} {
		if got := coarse(&millis); got != want {
			t.Errorf("%v ms are %q, want %q", millis, got, want)
		}
	}
	if got := coarse(nil); got != "–" {
		t.Errorf("nothing is %q", got)
	}
}
