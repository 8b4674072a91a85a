package screens

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const checkedUp = `"checked_at":"2026-11-24T09:00:00Z","since":"2026-11-23T09:00:00Z","looked_at":{"postbacks":1200,"clicks":18402,"deliveries":7}`

func doctorStates(testing.TB) []state {
	return []state{
		{name: "doctor/error", path: "/admin/doctor", status: http.StatusNotFound, sees: []string{"there is nothing of that ID"}},
		{
			name: "doctor/healthy", path: "/admin/doctor", sees: []string{"Nothing is wrong with the set-up that the doctor can see", "18,402 clicks", "Examine the postback"},
			answers: map[string]string{"GET /doctor": `{` + checkedUp + `,"healthy":true,"findings":[],"failure_budget":[{"endpoint_id":"default","in_a_row":0,"limit":10}]}`},
		},
		{
			name: "doctor/full", path: "/admin/doctor", sees: []string{"1 thing to fix in the set-up, 1 more to look at", "/admin/outbound?status=dead", "/admin/campaigns/autumn", "&lt;script&gt;"},
			answers: map[string]string{"GET /doctor": `{` + checkedUp + `,"healthy":false,"findings":[
				{"code":"dead_deliveries","severity":"error","what":"7 deliveries to meta-main are dead: <script>alert(1)</script>","where":"destination meta-main","why":"the platform was not told, and will not be unless somebody replays","fix":"mend what the reason names, then replay them","level":"tracker","see":"subfive deliveries --status dead"},
				{"code":"campaign_without_clicks","severity":"warning","what":"campaign autumn has recorded no click","where":"campaign autumn","why":"if the link records no clicks, no conversion can ever be credited","fix":"put its link into the ad","level":"link"},
				{"code":"key_beside_database","severity":"note","what":"the key lies beside the database","where":"secret_key","why":"who copies the data folder has both","fix":"move it","level":"tracker"}],
				"failure_budget":[{"endpoint_id":"default","in_a_row":3,"limit":10,"last_at":"2026-11-24T08:00:00Z","last_status":503}]}`},
		},
		{name: "doctor/for an analyst", path: "/admin/doctor", who: analyst, answers: map[string]string{"GET /doctor": `{` + checkedUp + `,"findings":[],"failure_budget":[]}`}, sees: []string{"Nothing is wrong"}},
	}
}

// asked are a page's own calls, without what the navigation asks.
func (a *api) asked() []string {
	return slices.DeleteFunc(slices.Clone(a.calls), func(call string) bool { return call == "GET /now/counts" })
}

// What is pasted is examined or followed; its page says what was found.
func TestExamine(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		form    string
		answers map[string]string
		status  int
		calls   []string
		sees    []string
	}{
		"a postback": {
			"text=+https%3A%2F%2Fx%2F%3Fa%3D1+&as=postback",
			map[string]string{"POST /doctor": `{"form":"template","url":"https://x/?a=1&key=***","corrected":"https://x/?a={sub5}","findings":[
				{"code":"wrong_macro","severity":"error","what":"a is no macro","where":"a","why":"it arrives as it is","fix":"write {sub5}","level":"postback"}]}`},
			200,
			[]string{`POST /doctor {"url":"https://x/?a=1"}`},
			[]string{"1 thing to fix in this postback URL", "Paste this instead", "https://x/?a={sub5}"},
		},
		"a link": {
			"text=https%3A%2F%2Ftrk%2Fc%2Fspring&as=link",
			map[string]string{"POST /doctor/link": `{"hops":[
				{"url":"https://trk/c/spring?test=1","status":302,"location":"https://y/","how":"redirect","first_byte_ms":12,"lost":["test"],"ours":true},
				{"url":"https://y/","status":404,"first_byte_ms":40},{"url":"https://z/","first_byte_ms":0,"failed":"no such host"}],
				"ends_at":"https://net/?sub5=","network":true,"stopped":true,"slot":"sub5","findings":[{"code":"link_slot_missing","severity":"error","what":"sub5 is empty","why":"w","fix":"f","level":"link"}]}`},
			200,
			[]string{`POST /doctor/link {"url":"https://trk/c/spring"}`},
			[]string{"1 thing to fix in this link", "Kept here", "No answer", "no such host", "Stopped before the network", "empty"},
		},
		"nothing":     {"text=+&as=link", nil, 400, []string{}, []string{"Nothing was pasted"}},
		"no URL":      {"text=x&as=link", map[string]string{"POST /doctor/link": `409 {"error":{"what":"\"x\" is no URL","do":"paste the link"}}`}, 409, []string{`POST /doctor/link {"url":"x"}`}, []string{"is no URL", "That can’t be examined"}},
		"all is well": {"text=x", map[string]string{"POST /doctor": `{"form":"captured","url":"x","findings":[]}`}, 200, []string{`POST /doctor {"url":"x"}`}, []string{"Nothing is wrong with this postback"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &api{answers: tt.answers}
			w := submit(t, newScreens(t, a, mara), "/admin/doctor", tt.form)
			body := w.Body.String()
			for _, text := range tt.sees {
				if w.Code != tt.status || !strings.Contains(body, text) {
					t.Errorf("%d, and it does not say %q:\n%s", w.Code, text, body)
				}
			}
			checkMarkup(t, body)
			if diff := cmp.Diff(tt.calls, a.asked()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}
