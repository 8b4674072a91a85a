package screens

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

// canned reads what the API answers from testdata.
func canned(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

const (
	ourConversion = "cv_0123456789abcdefghjkmnpqrs"
	storyURL      = "/admin/conversions/" + ourConversion
)

var analyst = subfive.User{ID: "us_ann", Name: "ann", Role: subfive.RoleAnalyst}

func storyStates(t testing.TB) []state {
	full := canned(t, "story.json")
	answers := func(story string, more ...string) map[string]string {
		a := map[string]string{"GET /conversions/" + ourConversion: story}
		for i := 0; i+1 < len(more); i += 2 {
			a[more[i]] = more[i+1]
		}
		return a
	}
	const sample = `"sample":{"destination_id":"meta-main","event_name":"Purchase","event_id":"cv_1","mode":"live"}`
	return []state{
		{name: "story/error", path: storyURL, status: http.StatusNotFound, sees: []string{"there is nothing of that ID"}},
		{name: "story/empty", path: storyURL, answers: answers(`{"headline":"Nothing is known of it but its ID","timeline":[],"why_not":[],"facts":[],"acts":[]}`), sees: []string{"Nothing happened yet"}},
		{
			name: "story/full", path: storyURL, answers: answers(full),
			sees: []string{
				"$40.00 from ourdream, credited to spring", "Click to sent <b>2 days 3 h</b>, ours <b>9 s</b>", "Why not tiktok-us?", "<ins>  fan_out: true</ins>",
				"<mark>sub5=01jd3c4z9y8x7w6v5t4s3r2q1p</mark>", "Mark as test", "<i>&#34;event_name&#34;:</i>", "Request and answer", "Waiting for the network", "&lt;script&gt;",
			},
		},
		{name: "story/for an analyst", path: storyURL, who: analyst, answers: answers(full), sees: []string{"Preview the payload"}},
		{name: "story/to settle", path: storyURL, answers: answers(canned(t, "story-possible-duplicate.json")), sees: []string{"Told before, or new?", "It is a duplicate", "It is new"}},
		{name: "story/held", path: storyURL, answers: answers(canned(t, "story-held-by-the-platforms-answer.json")), sees: []string{"Resume meta-main", "held"}},
		{name: "story/unmatched", path: storyURL, answers: answers(canned(t, "story-unmatched.json")), sees: []string{"It has no click", "Attach"}},
		{name: "story/quarantined", path: storyURL, answers: answers(canned(t, "story-quarantined-by-the-click-alone.json")), sees: []string{"Accept it", "wrong"}},
		{
			name: "story/asked to send again", path: storyURL + "?replay=dl_0123456789abcdefghjkmnpqrs", sees: []string{"Send it all the same", "worth $42.50"},
			answers: answers(full, "POST /replays", `{"count":1,"refused":{},"value":{"USD":"42.50"},"oldest":"2026-11-20T12:00:00Z",`+sample+`}`),
		},
		{
			name: "story/would not be sent", path: storyURL + "?replay=dl_0123456789abcdefghjkmnpqrs", sees: []string{"Today’s settings would not send it"},
			answers: answers(full, "POST /replays", `{"count":0,"refused":{"not_owed":1},"value":{}}`),
		},
		{
			name: "story/preview", path: storyURL + "?preview=tiktok-us", sees: []string{"What tiktok-us would be told today", "<s>ttclid</s>", "no pixel"},
			answers: answers(full, "GET /conversions/"+ourConversion+"/preview", `{"destination_id":"tiktok-us","mode":"live","event_name":"Purchase","value":"42.50","currency":"USD",
				"would_send":false,"reason":"the click is of meta","request":{"method":"POST","url":"https://business-api.tiktok.com/open_api/v1.3/event/track/","headers":"Content-Type: application/json\n","body":"{\"event\":\"Purchase\"}"},
				"keys":[{"name":"email","present":true},{"name":"ttclid","present":false}],"rules":[],"warnings":["no pixel"]}`),
		},
		{name: "story/no preview", path: storyURL + "?preview=tiktok-us", answers: answers(full), sees: []string{"there is nothing of that ID"}},
	}
}

// What a person decides on the page is the API's call, and nothing else.
func TestStoryActs(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		path, form string
		answers    map[string]string
		calls      []string
		says       string
	}{
		"settle": {"settle", "id=pb_2&as=new", map[string]string{"POST /postbacks/pb_2/settle": `{}`}, []string{`POST /postbacks/pb_2/settle {"as":"new"}`}, "Settled as new"},
		"accept": {"accept", "id=pb_2", map[string]string{"POST /postbacks/pb_2/accept": `{}`}, []string{`POST /postbacks/pb_2/accept {}`}, "Accepted"},
		"attach": {
			"attach", "id=pb_2&click=+abc+",
			map[string]string{"POST /postbacks/pb_2/attach": `{}`},
			[]string{`POST /postbacks/pb_2/attach {"click_id":"abc"}`},
			"It counts for click abc now",
		},
		"attach to nothing": {"attach", "id=pb_2&click=+", nil, nil, "no click was named"},
		"send again": {
			"replay", "id=dl_1&force=yes",
			map[string]string{"POST /replays": `{"count":1,"refused":{},"value":{}}`},
			[]string{`POST /replays {"after":"20s","delivery_ids":["dl_1"],"force":true}`},
			"It is sent again",
		},
		"not sent again": {
			"replay", "id=dl_1",
			map[string]string{"POST /replays": `{"count":0,"refused":{"delivered":1},"value":{}}`},
			[]string{`POST /replays {"after":"20s","delivery_ids":["dl_1"]}`},
			"Nothing was sent. The platform has it",
		},
		"taken back": {
			"unsend?delivery=dl_2", "",
			map[string]string{"POST /replays/undo": `{"undone":["dl_2"]}`},
			[]string{`POST /replays/undo {"delivery_ids":["dl_2"]}`},
			"It is not sent again",
		},
		"taken back too late": {
			"unsend?delivery=dl_2", "",
			map[string]string{"POST /replays/undo": `{"undone":[]}`},
			[]string{`POST /replays/undo {"delivery_ids":["dl_2"]}`},
			"It was sent already",
		},
		"resume": {"resume", "id=meta-main", map[string]string{"POST /destinations/meta-main/resume": `{}`}, []string{`POST /destinations/meta-main/resume {}`}, "meta-main works again"},
		"test": {
			"test", "",
			map[string]string{"POST /conversions/" + ourConversion + "/test": `{}`},
			[]string{"POST /conversions/" + ourConversion + `/test {"test":true}`},
			"It is a test now",
		},
		"no test": {
			"untest", "",
			map[string]string{"POST /conversions/" + ourConversion + "/test": `{}`},
			[]string{"POST /conversions/" + ourConversion + `/test {"test":false}`},
			"It is no test any more",
		},
		"refused": {
			"settle", "id=pb_2&as=new",
			map[string]string{"POST /postbacks/pb_2/settle": `409 {"error":{"what":"it was decided already","do":"look at its story"}}`},
			[]string{`POST /postbacks/pb_2/settle {"as":"new"}`},
			"it was decided already: look at its story",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &api{answers: tt.answers}
			checkAct(t, a, storyURL+"/"+tt.path, tt.form+"&back="+storyURL, storyURL, tt.says)
			if diff := cmp.Diff(tt.calls, a.calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// checkAct sends a form, and demands where it leads and what is said there.
func checkAct(t *testing.T, a *api, path, form, to, says string) {
	t.Helper()
	s := newScreens(t, a, mara)
	w := submit(t, s, path, form)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != to {
		t.Fatalf("%d to %q, want %q: %s", w.Code, w.Header().Get("Location"), to, w.Body)
	}
	r := s.asked(t, to)
	for _, c := range w.Result().Cookies() {
		r.Request.AddCookie(c)
	}
	if heard := r.heard(); heard == nil || !strings.Contains(heard.Text, says) {
		t.Errorf("it says %+v, not %q", heard, says)
	}
}

func TestStoryAsJSON(t *testing.T) {
	t.Parallel()
	a := &api{answers: map[string]string{"GET /conversions/" + ourConversion: `{"headline":"<b>","acts":[]}`}}
	w := open(t, newScreens(t, a, mara), storyURL+"/json")
	if want := "{\n  \"headline\": \"<b>\",\n  \"acts\": []\n}"; w.Body.String() != want || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%s %s", w.Header().Get("Content-Type"), w.Body)
	}
	if w := open(t, newScreens(t, &api{}, mara), storyURL+"/json"); w.Code != http.StatusNotFound {
		t.Errorf("of nothing: %d", w.Code)
	}
}
