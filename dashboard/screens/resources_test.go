package screens

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A change is looked at, then saved, then said with the way back.
func TestResourceForms(t *testing.T) {
	t.Parallel()
	dry := `{"dry_run":true,"differences":[{"action":"change","kind":"offers","id":"ourdream","field":"link"}],"yaml":{"before":"offers:\n  - id: ourdream\n    link: a\n","after":"offers:\n  - id: ourdream\n    link: <b>\n    cap: 5\n"}}`
	same := `{"dry_run":true,"differences":[],"yaml":{"before":"a\n","after":"a\n"}}`
	saved := `{"dry_run":false,"differences":[],"yaml":{"before":"","after":""},"audit_id":"au_9"}`
	offer := `{"id":"ourdream","link":"a","origin":"api","window":"30d"}`
	tests := map[string]struct {
		path, form string
		answers    map[string]string
		status     int
		calls      []string // that change something
		sees       []string
		location   string
	}{
		"looked at": {
			"/admin/offers/ourdream", "step=review&text%3Alink=%3Cb%3E&number%3Acap=5&text%3Awindow=30d",
			map[string]string{"GET /offers/ourdream": offer, "PUT /offers/ourdream": dry},
			200,
			[]string{`PUT /offers/ourdream?dry_run=true {"cap":5,"id":"ourdream","link":"\u003cb\u003e","window":"30d"}`},
			[]string{"<del>    link: a</del><ins>    link: &lt;b&gt;</ins><ins>    cap: 5</ins>", `value="save">Save</button>`, `value="&lt;b&gt;"`},
			"",
		},
		"the same": {"/admin/offers/ourdream", "step=review&text%3Alink=a", map[string]string{"GET /offers/ourdream": offer, "PUT /offers/ourdream": same}, 200, []string{`PUT /offers/ourdream?dry_run=true {"id":"ourdream","link":"a"}`}, []string{"it is so already", "See the change"}, ""},
		"saved":    {"/admin/offers/ourdream", "step=save&text%3Alink=b", map[string]string{"GET /offers/ourdream": offer, "PUT /offers/ourdream": saved}, 303, []string{`PUT /offers/ourdream {"id":"ourdream","link":"b"}`}, nil, "/admin/offers/ourdream"},
		"refused": {
			"/admin/offers/ourdream", "step=save&number%3Apayout_max=120%2C00",
			map[string]string{"GET /offers/ourdream": offer, "PUT /offers/ourdream": `409 {"error":{"what":"offers/ourdream.payout_max: \"120,00\" is not a plain decimal number","do":"write digits with a dot: 42.50"}}`},
			422,
			[]string{`PUT /offers/ourdream {"id":"ourdream","payout_max":"120,00"}`},
			[]string{"is not a plain decimal number", `value="120,00"`, `aria-invalid="true"`, "<details open"},
			"",
		},
		"new, without an ID":  {"/admin/offers/new", "step=save&text%3Alink=b", nil, 422, nil, []string{"it has no ID"}, ""},
		"new, with one taken": {"/admin/offers/new", "step=save&id=ourdream&text%3Alink=b", map[string]string{"GET /offers/ourdream": offer}, 422, nil, []string{"another offer is called ourdream already"}, ""},
		"new":                 {"/admin/offers/new", "step=save&id=a%2Fb&text%3Alink=b", map[string]string{"PUT /offers/a%2Fb": saved}, 303, []string{`PUT /offers/a%2Fb {"id":"a/b","link":"b"}`}, nil, "/admin/offers/a%2Fb"},
		"archived":            {"/admin/offers/ourdream/archive", "", map[string]string{"DELETE /offers/ourdream": saved}, 303, []string{"DELETE /offers/ourdream"}, nil, "/admin/offers"},
		"a destination's": {
			"/admin/destinations/meta-main", "step=save&map%3Agoals=base%3A+Lead&text%3Asettings.dataset_id=5&secret%3Asettings.access_token=",
			map[string]string{"PUT /destinations/meta-main": saved},
			303,
			[]string{`PUT /destinations/meta-main {"goals":{"base":"Lead"},"id":"meta-main","mode":"dry_run","platform":"meta","settings":{"access_token":"***","dataset_id":"5"}}`},
			nil, "/admin/destinations/meta-main",
		},
		"a destination's, whose numbers are long": {
			"/admin/destinations/meta-long", "step=save&map%3Agoals=base%3A+Lead",
			map[string]string{"GET /destinations/meta-long": `{"destination_id":"meta-long","resource":{"id":"meta-long","settings":{"dataset_id":12345678901234567}}}`, "PUT /destinations/meta-long": saved},
			303,
			[]string{`PUT /destinations/meta-long {"goals":{"base":"Lead"},"id":"meta-long","settings":{"dataset_id":12345678901234567}}`},
			nil, "/admin/destinations/meta-long",
		},
		"its draft, previewed": {
			"/admin/destinations/meta-main", "step=preview&map%3Agoals=base%3A+Lead&text%3Asettings.dataset_id=5&conversion=cv_1", nil, 200,
			[]string{`POST /destinations/meta-main/preview?conversion=cv_1 {"goals":{"base":"Lead"},"id":"meta-main","mode":"dry_run","platform":"meta","settings":{"access_token":"***","dataset_id":"5"}}`},
			[]string{"What meta would get"},
			"",
		},
		"a new one": {
			"/admin/destinations/new", "step=review&id=m2&platform=meta&text%3Asettings.dataset_id=5&secret%3Asettings.access_token=t0k",
			map[string]string{"PUT /destinations/m2": dry},
			200,
			[]string{`PUT /destinations/m2?dry_run=true {"id":"m2","platform":"meta","settings":{"access_token":"t0k","dataset_id":"5"}}`},
			[]string{`value="t0k"`, `value="meta"`},
			"",
		},
		"a new one's payload, alone": {
			"/admin/destinations/new?part=preview", "step=preview&platform=meta&text%3Asettings.dataset_id=5",
			map[string]string{"POST /destinations/draft/preview": somePreview},
			200,
			[]string{`POST /destinations/draft/preview {"platform":"meta","settings":{"dataset_id":"5"}}`},
			[]string{`<div id="preview">`, "What meta would get"},
			"",
		},
		"a payload that can't be": {
			"/admin/destinations/new?part=preview", "step=preview&platform=meta",
			map[string]string{"POST /destinations/draft/preview": `409 {"error":{"what":"dataset_id is missing","do":"write it"}}`},
			200,
			[]string{`POST /destinations/draft/preview {"platform":"meta"}`},
			[]string{"dataset_id is missing"},
			"",
		},
		"paused":  {"/admin/destinations/meta-main/pause", "reason=token", map[string]string{"POST /destinations/meta-main/pause": `{}`}, 303, []string{`POST /destinations/meta-main/pause {"reason":"token"}`}, nil, "/admin/destinations/meta-main"},
		"resumed": {"/admin/destinations/meta-main/resume", "", map[string]string{"POST /destinations/meta-main/resume": `{}`}, 303, []string{`POST /destinations/meta-main/resume {}`}, nil, "/admin/destinations/meta-main"},
		"checked": {"/admin/destinations/meta-main/check", "", map[string]string{"POST /destinations/meta-main/check": `{"ok":false,"sent":true,"answer":"{}","means":"The token is not valid.","do":"Make a new one.","outcome":{"HTTP":400,"class":"unauthorized","code":"190"},"domains":["lp.example"],"allow":"Traffic permissions"}`}, 200, []string{`POST /destinations/meta-main/check {}`, `POST /destinations/meta-main/preview`}, []string{"The token is not valid.", "Make a new one.", "190", "Traffic permissions"}, ""},
		"live, looked at": {
			"/admin/destinations/meta-main/mode", "mode=live&last=24h&step=look",
			map[string]string{"POST /replays": `{"count":3,"refused":{"not_owed":2},"value":{"USD":"127.50"},"oldest":"2026-11-23T10:00:00Z","newest":"2026-11-24T08:00:00Z","ids":[]}`},
			200,
			[]string{`POST /replays {"destination_id":"meta-main","dry_run":true,"since":"24h","status":"dry_run"}`},
			[]string{"3 deliveries of the last 24h", "$127.50", "23 h ago", "Switch to live and send 3", "2 are left alone"},
			"",
		},
		"live": {
			"/admin/destinations/meta-main/mode", "mode=live&last=24h&looked_mode=live&looked_last=24h&step=switch&confirmed=x",
			map[string]string{"PUT /destinations/meta-main/mode": `{}`, "POST /replays": `{"count":3}`, "GET /audit": `{"items":[],"next":""}`},
			303,
			[]string{`PUT /destinations/meta-main/mode {"confirmed":["x"],"mode":"live"}`, `POST /replays {"destination_id":"meta-main","since":"24h","status":"dry_run"}`},
			nil, "/admin/destinations/meta-main",
		},
		"live, chosen after test was looked at": {"/admin/destinations/meta-main/mode", "mode=live&looked_mode=test&step=switch", nil, 200, nil, []string{"Switch to live", `name="looked_mode" value="live"`}, ""},
		"live, with more than was looked at": {
			"/admin/destinations/meta-main/mode", "mode=live&last=7d&looked_mode=live&looked_last=1h&step=switch",
			map[string]string{"POST /replays": `{"count":9,"refused":{},"value":{},"ids":[]}`},
			200,
			[]string{`POST /replays {"destination_id":"meta-main","dry_run":true,"since":"7d","status":"dry_run"}`},
			[]string{"9 deliveries of the last 7d would be sent too", "Switch to live and send 9"},
			"",
		},
		"live, and the replay breaks off": {
			"/admin/destinations/meta-main/mode", "mode=live&last=24h&looked_mode=live&looked_last=24h&step=switch",
			map[string]string{"PUT /destinations/meta-main/mode": `{}`, "POST /replays": `{`, "GET /audit": `{"items":[],"next":""}`},
			303,
			[]string{`PUT /destinations/meta-main/mode {"mode":"live"}`, `POST /replays {"destination_id":"meta-main","since":"24h","status":"dry_run"}`},
			nil, "/admin/destinations/meta-main",
		},
		"live, refused":              {"/admin/destinations/meta-main/mode", "mode=live&looked_mode=live&step=switch", map[string]string{"PUT /destinations/meta-main/mode": `409 {"error":{"what":"google goes live once you have confirmed it","do":"confirm"}}`}, 422, []string{`PUT /destinations/meta-main/mode {"mode":"live"}`}, []string{"once you have confirmed it"}, ""},
		"simulated":                  {"/admin/campaigns/spring/simulate", "back=/admin/campaigns/spring", map[string]string{"POST /simulate": `{"ok":true,"conversion_id":"cv_7","verdict":"test"}`}, 303, []string{`POST /simulate {"campaign_id":"spring"}`}, nil, "/admin/campaigns/spring"},
		"simulated in the first run": {"/admin/setup/simulate", "campaign=spring&only=click&step=click", map[string]string{"POST /simulate": `{"ok":false,"click":{"ok":false,"what":"no answer","do":"check DNS"}}`}, 303, []string{`POST /simulate {"campaign_id":"spring","only_click":true}`}, nil, "/admin/setup?step=click"},
		"passed over":                {"/admin/setup/domain", "mark=skipped", map[string]string{"PUT /setup/domain": `{}`}, 303, []string{`PUT /setup/domain {"mark":"skipped"}`}, nil, "/admin/setup"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &api{answers: setupAnswers(test.answers)}
			w := submit(t, newScreens(t, a, mara), test.path, test.form)
			if w.Code != test.status || w.Header().Get("Location") != test.location {
				t.Errorf("%d to %q, want %d to %q", w.Code, w.Header().Get("Location"), test.status, test.location)
			}
			var changes []string
			for _, call := range a.calls {
				if !strings.HasPrefix(call, "GET ") && !strings.HasPrefix(call, "POST /links") {
					changes = append(changes, call)
				}
			}
			if diff := cmp.Diff(test.calls, changes); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			for _, text := range test.sees {
				if !strings.Contains(w.Body.String(), text) {
					t.Errorf("it does not say %q: %s", text, w.Body)
				}
			}
			if w.Header().Get("Location") == "" && !strings.Contains(test.path, "part=") {
				checkMarkup(t, w.Body.String())
			}
		})
	}
}

// What is said after a change leads back.
func TestSaidWithUndo(t *testing.T) {
	t.Parallel()
	a := &api{answers: map[string]string{"DELETE /offers/x": `{"audit_id":"au_9"}`}}
	s := newScreens(t, a, mara)
	w := submit(t, s, "/admin/offers/x/archive", url.Values{}.Encode())
	a.answers["GET /offers"] = `{"items":[]}`
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/admin/offers", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range w.Result().Cookies() {
		r.AddCookie(c)
	}
	page := &answer{header: http.Header{}}
	s.Handler().ServeHTTP(page, r)
	if body := page.body.String(); !strings.Contains(body, "x is archived") || !strings.Contains(body, `action="/admin/audit/au_9/undo"`) {
		t.Errorf("it is not said: %s", body)
	}
}

func TestDiffLines(t *testing.T) {
	got := diffLines("a\nb\nc\n", "a\nc\nd\n")
	want := []diffLine{{Text: "a"}, {Text: "b", Gone: true}, {Text: "c"}, {Text: "d", Added: true}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diffLines("", "") != nil {
		t.Error("nothing differs from nothing")
	}
}
