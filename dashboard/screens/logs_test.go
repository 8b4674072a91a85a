package screens

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

const deliveryRows = `{"items":[
	{"delivery_id":"dl_1","conversion_id":"cv_1","destination_id":"meta-main","platform":"meta","kind":"conversion","event_name":"Purchase","value":"42.50","currency":"USD","status":"scheduled","is_held":1,"reason":"","reason_code":"","last_http":401,"last_code":"190","attempts":0,"created_at":"2026-11-24T08:55:16.000Z"},
	{"delivery_id":"dl_2","conversion_id":"cv_2","destination_id":"google-search","platform":"google","kind":"conversion","event_name":"Subscription","value":"28","currency":"USD","status":"scheduled","is_held":0,"reason":"the click is too recent","last_http":200,"last_code":"TOO_RECENT_CLICK","attempts":1,"created_at":"2026-11-24T08:44:55.000Z","next_attempt_at":"2026-11-24T14:44:55.000Z"},
	{"delivery_id":"dl_3","conversion_id":"cv_3","destination_id":"meta-main","platform":"meta","kind":"retraction","event_name":"Purchase <script>alert(1)</script>","value":null,"currency":"","status":"dead","is_held":0,"reason":"no value","last_http":400,"last_code":"2804009","attempts":1,"created_at":"2026-11-23T15:43:58.000Z"}],"next":"abc"}`

const postbackRows = `{"items":[
	{"postback_id":"pb_1","received_at":"2026-11-24T08:55:16.000Z","verdict":"matched","reading":"ok","endpoint_id":"default","goal":"base","payout":"42.50","payout_currency":"USD","click_id_raw":"01jd3c4z9y8x7w6v5t4s3r2q1p","network_status":"approved","via":"s2s","hint":""},
	{"postback_id":"pb_2","received_at":"2026-11-24T08:50:16.000Z","verdict":"no_click_id","reading":"literal_macro","endpoint_id":"default","goal":"base","payout":null,"payout_currency":null,"click_id_raw":"{sub5}","network_status":"","via":"s2s","hint":"the macro came as it stands"}],"next":""}`

const conversionRows = `{"items":[
	{"conversion_id":"cv_1","converted_at":"2026-11-24T08:55:16.000Z","verdict":"matched","campaign_id":"spring","source_id":"meta-us","offer_id":"ourdream","goal":"base","payout":"42.50","payout_currency":"USD","network_status":"approved","deliveries_owed":2,"deliveries_delivered":1,"deliveries_held":1,"deliveries_dead":0,"deliveries_skipped":1},
	{"conversion_id":"cv_2","converted_at":"2026-11-24T07:55:16.000Z","verdict":"unmatched","campaign_id":"","source_id":"","offer_id":"ourdream","goal":"base","payout":"42.50","payout_currency":"USD","network_status":"","deliveries_owed":0,"deliveries_delivered":0,"deliveries_held":0,"deliveries_dead":0,"deliveries_skipped":0}],"next":""}`

const clickRows = `{"items":[
	{"click_id":"01jd3c4z9y8x7w6v5t4s3r2q1p","clicked_at":"2026-11-24T08:55:16.000Z","record_kind":"redirect","campaign_id":"spring","source_id":"meta-us","platform":"meta","offer_id":"ourdream","landing_id":"","cost":null,"cost_currency":null,"country":"US","device":"phone","os":"iOS","browser":"Safari","has_fbclid":1,"has_fbp":1,"is_bot":0,"is_test":0,"is_prefetch":0},
	{"click_id":"01jd3c4z9y8x7w6v5t4s3r2q1q","clicked_at":"2026-11-24T08:54:16.000Z","record_kind":"redirect","campaign_id":"spring","source_id":"meta-us","cost":"0.42","cost_currency":"USD","country":"DE","device":"desktop","is_bot":1,"bot_reason":"it says so","is_test":0,"is_prefetch":0}],"next":""}`

const deadDelivery = `{"headline":"$42.50 from ourdream","subject":{"conversion_id":"cv_3","at":"2026-11-23T15:43:00Z"},"timeline":[],"why_not":[],"facts":[],"conversions":[{"id":"cv_3","is_test":false}],
	"acts":[{"kind":"replay","id":"dl_3","why":"Sends it to meta-main again by today's settings.","command":"subfive replay dl_3"},{"kind":"resume","id":"meta-main","why":"It is paused.","command":"subfive destinations resume meta-main"}],
	"deliveries":[{"id":"dl_3","conversion_id":"cv_3","destination_id":"meta-main","platform":"meta","kind":"conversion","mode":"live","event_name":"Purchase","event_id":"cv_3","event_time":"2026-11-23T15:43:00Z","status":"dead","reason":"no value","reason_code":"rejected","created_at":"2026-11-23T15:43:58Z","deadline_at":"2026-11-30T15:43:58Z","attempts":1,"last_code":"100","means":"The event has no value.","do":"set the offer's payout, then replay"}],
	"attempts":[
	{"id":"at_1","started_at":"2026-11-23T15:43:58.6Z","latency":264000000,"method":"POST","url":"https://graph.facebook.com/v26.0/1/events","request_header":"Authorization: ***\n","request_body":"{\"data\":[{\"event_name\":\"Purchase\"}]}","answer_header":"Content-Type: application/json\n","answer_body":"{\"error\":{\"code\":100}}","outcome":{"http":400},"items":[{"delivery_id":"dl_3"}],"curl":"curl -X POST https://graph.facebook.com/v26.0/1/events"},
	{"id":"at_0","started_at":"2026-11-23T15:42:58.6Z","latency":264000000,"method":"POST","url":"https://graph.facebook.com/v26.0/1/events","request_header":"","request_body":"{}","answer_header":"","answer_body":"","outcome":{"http":0},"items":[{"delivery_id":"dl_3"}]},
	{"id":"at_9","started_at":"2026-11-23T15:42:58.6Z","latency":1,"method":"POST","url":"https://other.example/","request_header":"","request_body":"","answer_header":"","answer_body":"","outcome":{"http":0},"items":[{"delivery_id":"dl_9"}]}]}`

const askedReplay = `{"count":2,"refused":{"delivered":1},"value":{"USD":"70.50"},"oldest":"2026-11-23T15:43:00Z","ids":[],"sample":{"event_name":"Purchase","event_id":"cv_3","destination_id":"meta-main","mode":"live"}}`

func logStates(t testing.TB) []state {
	outbound := func(more ...string) map[string]string {
		a := map[string]string{
			"GET /deliveries": deliveryRows, "GET /deliveries/export": `{"rows":52}`, "GET /errors?code=190&platform=meta": `{"items":[{"means":"The access token has expired."}]}`,
			"GET /deliveries/dl_3": deadDelivery, "POST /replays": askedReplay,
		}
		for i := 0; i+1 < len(more); i += 2 {
			a[more[i]] = more[i+1]
		}
		return a
	}
	const none = `{"items":[],"next":""}`
	full := canned(t, "story-possible-duplicate.json")
	return []state{
		{
			name: "outbound/full", path: "/admin/outbound", answers: outbound(),
			sees: []string{"CSV, 52 rows", "Tue 24 Nov 2026 <span>1 held · 1 scheduled</span>", "on resume", "the click is too recent, TOO_RECENT_CLICK", `title="The access token has expired."`, "$42.50", "3 of 52 deliveries shown", "Older", `data-tail="/admin/outbound/tail"`, "Send again: selected"},
		},
		{name: "outbound/filtered", path: "/admin/outbound?status=dead&status=held&destination_id=meta-main&range=7d", answers: outbound(), sees: []string{"state <b>dead, held</b>", "destination <b>meta-main</b>", `<option value="dead" selected>`, "/admin/outbound/tail?destination_id=meta-main&amp;range=7d&amp;status=dead&amp;status=held"}},
		{name: "outbound/older", path: "/admin/outbound?cursor=abc", answers: outbound(), sees: []string{"3 deliveries shown"}},
		{
			name: "outbound/open", path: "/admin/outbound?open=dl_3", answers: outbound(),
			sees: []string{`aria-selected="true"`, "Purchase to meta-main", "The event has no value.", "Set the offer", "Request and answer", "graph.facebook.com", "No answer came", "Send this one again", "Mark as test", "Resume meta-main", "data-escape", "cURL", "JSON"},
		},
		{name: "outbound/open by an analyst", path: "/admin/outbound?open=dl_3", who: analyst, answers: outbound(), sees: []string{"The event has no value."}},
		{name: "outbound/open what is gone", path: "/admin/outbound?open=dl_9", answers: outbound(), sees: []string{"there is nothing of that ID"}},
		{
			name: "outbound/asked for selected", path: "/admin/outbound?replay=selected&id=dl_3&id=dl_2", answers: outbound(),
			sees: []string{"Send 2 deliveries again?", "Worth $70.50", "1 left alone: The platform has it", `name="id" value="dl_3"`, "checked"},
		},
		{name: "outbound/asked for all", path: "/admin/outbound?replay=all&status=dead&force=yes", answers: outbound(), sees: []string{"may count twice", `name="status" value="dead"`, `name="force" value="yes"`}},
		{name: "outbound/asked for nothing", path: "/admin/outbound?replay=selected", answers: outbound(), sees: []string{"No delivery is selected"}},
		{name: "outbound/asked in vain", path: "/admin/outbound?replay=all", answers: outbound("POST /replays", `409 {"error":{"what":"the tracker is busy","do":"wait"}}`), sees: []string{"the tracker is busy"}},
		{name: "outbound/empty", path: "/admin/outbound", answers: map[string]string{"GET /deliveries": none, "GET /deliveries/export": `{"rows":0}`}, sees: []string{"No delivery in this range", "First run"}},
		{name: "outbound/no match", path: "/admin/outbound?status=dead", answers: map[string]string{"GET /deliveries": none, "GET /deliveries/export": `{"rows":0}`}, sees: []string{"matches the filters", "Take the filters off"}},
		{name: "outbound/error", path: "/admin/outbound?status=x", status: http.StatusConflict, answers: map[string]string{"GET /deliveries/export": `409 {"error":{"what":"the database does not answer","do":"try again"}}`}, sees: []string{"the database does not answer"}},
		{name: "inbound/full", path: "/admin/inbound", answers: map[string]string{"GET /postbacks": postbackRows, "GET /postbacks/export": `{"rows":2}`}, sees: []string{"literal macro: the macro came as it stands", "no click id", "01jd3c4z9y8x7w…"}},
		{name: "inbound/open", path: "/admin/inbound?open=pb_2", answers: map[string]string{"GET /postbacks": postbackRows, "GET /postbacks/export": `{"rows":2}`, "GET /postbacks/pb_2": full}, sees: []string{"duplicate", "Asked for"}},
		{name: "conversions/full", path: "/admin/conversions", answers: map[string]string{"GET /conversions": conversionRows, "GET /conversions/export": `{"rows":2}`}, sees: []string{"1 of 2, 1 held, 1 skipped", "nobody"}},
		{name: "conversions/open", path: "/admin/conversions?open=cv_1", answers: map[string]string{"GET /conversions": conversionRows, "GET /conversions/export": `{"rows":2}`, "GET /conversions/cv_1": canned(t, "story.json")}, sees: []string{"The whole story", "Mark as test"}},
		{name: "clicks/full", path: "/admin/clicks", answers: map[string]string{"GET /clicks": clickRows}, sees: []string{"US, phone, iOS, Safari", "fbclid fbp", "bot", "$0.42", "2 clicks shown"}},
		{name: "search/asked for nothing", path: "/admin/search", sees: []string{"Find anything by its ID"}},
		{
			name: "search/full", path: "/admin/search?q=tx-1", sees: []string{"1 thing has to do with it", "/admin/conversions/cv_1"},
			answers: map[string]string{"GET /search": `{"query":"tx-1","items":[{"kind":"conversion","id":"cv_1","title":"matched: base, 42.50 USD","at":"2026-11-24T08:55:16Z","href":"/admin/conversions/cv_1"}],"tried":[]}`},
		},
		{name: "search/none", path: "/admin/search?q=nobody", sees: []string{"Nothing has that ID", "a transaction"}, answers: map[string]string{"GET /search": `{"query":"nobody","items":[],"tried":["a transaction"]}`}},
	}
}

// A list asks for what its address says, and only for that.
func TestLogsAsk(t *testing.T) {
	t.Parallel()
	a := &api{answers: map[string]string{"GET /deliveries": `{"items":[],"next":""}`, "GET /deliveries/export": `{"rows":0}`}}
	s := newScreens(t, a, mara)
	open(t, s, "/admin/outbound?status=dead&status=held&destination_id=&nonsense=1&since=2026-11-20&until=2026-11-21&cursor=c")
	want := []string{
		"GET /deliveries/export?count=true&since=2026-11-20T05%3A00%3A00Z&status=dead%2Cheld&until=2026-11-22T05%3A00%3A00Z",
		"GET /deliveries?cursor=c&limit=100&since=2026-11-20T05%3A00%3A00Z&status=dead%2Cheld&until=2026-11-22T05%3A00%3A00Z",
	}
	if diff := cmp.Diff(want, slices.DeleteFunc(a.calls, func(c string) bool { return c == "GET /now/counts" })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What is sent again waits ten seconds, and can be taken back by one button.
func TestReplayAndUndo(t *testing.T) {
	t.Parallel()
	a := &api{answers: map[string]string{
		"POST /replays":      `{"count":2,"refused":{},"value":{},"ids":["dl_8","dl_9"],"sample":{"created_at":"2026-11-24T09:00:00.123Z"}}`,
		"GET /deliveries":    `{"items":[{"delivery_id":"dl_8"},{"delivery_id":"dl_9"}],"next":""}`,
		"POST /replays/undo": `{"undone":["dl_8"],"left":{"dl_9":"sent"}}`,
	}}
	s := newScreens(t, a, mara)
	w := submit(t, s, "/admin/outbound/replay", "back=%2Fadmin%2Foutbound%3Fstatus%3Ddead&id=dl_1&id=dl_2&force=yes")
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/admin/outbound?status=dead" {
		t.Errorf("%d %s", w.Code, w.Header())
	}
	follow := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/admin/search", nil)
	follow.Header.Set("Cookie", strings.Split(w.Header().Get("Set-Cookie"), ";")[0])
	page := httptest.NewRecorder()
	s.Handler().ServeHTTP(page, follow)
	if body := page.Body.String(); !strings.Contains(body, "2 deliveries go out again in 10 seconds") || !strings.Contains(body, `action="/admin/outbound/undo?at=1795510800123"`) {
		t.Error(body)
	}
	submit(t, s, "/admin/outbound/undo?at=1795510800123", "back=%2Fadmin%2Foutbound")
	submit(t, s, "/admin/outbound/undo?at=x", "")
	submit(t, s, "/admin/outbound/replay", "since=2026-11-24T08%3A00%3A00Z&status=dead")
	want := []string{
		`POST /replays {"after":"10s","delivery_ids":["dl_1","dl_2"],"force":true}`,
		"GET /deliveries?limit=1000&since=2026-11-24T09%3A00%3A00.123Z&status=scheduled&until=2026-11-24T09%3A00%3A00.124Z",
		`POST /replays/undo {"delivery_ids":["dl_8","dl_9"]}`,
		`POST /replays {"after":"10s","since":"2026-11-24T08:00:00Z","status":"dead"}`,
	}
	if diff := cmp.Diff(want, slices.DeleteFunc(a.calls, func(c string) bool { return !strings.Contains(c, "/replays") && !strings.Contains(c, "/deliveries") })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Several filters that a replay does not know name what matches by its IDs.
func TestReplayOfAllThatMatch(t *testing.T) {
	t.Parallel()
	a := &api{answers: map[string]string{"GET /deliveries": deliveryRows, "GET /deliveries/export": `{"rows":3}`, "POST /replays": askedReplay, "GET /errors": `{"items":[]}`}}
	s := newScreens(t, a, mara)
	body := open(t, s, "/admin/outbound?replay=all&status=dead,held").Body.String()
	if !strings.Contains(body, `name="id" value="dl_1"`) || !strings.Contains(body, "These are the newest") {
		t.Error("the IDs are not named")
	}
	if last := a.calls[len(a.calls)-1]; !strings.HasPrefix(a.calls[len(a.calls)-1], "POST /replays") && !slices.ContainsFunc(a.calls, func(c string) bool {
		return c == `POST /replays {"delivery_ids":["dl_1","dl_2","dl_3"],"dry_run":true}`
	}) {
		t.Errorf("asked %s", last)
	}
}

// streams answers with a tail.
type streams struct{ api }

func (s *streams) ServeAs(w http.ResponseWriter, r *http.Request, who subfive.User) {
	if !strings.HasSuffix(r.URL.Path, "/tail") {
		s.api.ServeAs(w, r, who)
		return
	}
	s.calls = append(s.calls, r.URL.RequestURI()+" after "+r.Header.Get("Last-Event-ID"))
	w.Header().Set("Content-Type", "text/event-stream")
	for _, part := range []string{
		"retry: 1000\n\n", "event: dropped\ndata: 7\n\nevent: row\nid: 2026-11-24T09:00:00.000Z\nda",
		`ta: {"delivery_id":"dl_7","destination_id":"<img src=x>","status":"dead","created_at":"2026-11-24T08:59:59.000Z"}` + "\n\n", ": nothing new\n\n",
	} {
		if _, err := w.Write([]byte(part)); err != nil {
			return
		}
		w.(http.Flusher).Flush() // as the API's own writer does
	}
}

// A tail's rows are drawn as the page draws them, and lead to the page.
func TestTailDrawsRows(t *testing.T) {
	t.Parallel()
	a := &streams{api{t: t}}
	s := newScreens(t, &a.api, mara)
	s.cfg.API = a
	s.handler = s.newEngine()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/admin/outbound/tail?status=dead&range=7d", nil)
	r.Header.Set("Last-Event-ID", "2026-11-24T08:00:00.000Z")
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	body := w.Body.String()
	if !w.Flushed {
		t.Error("the rows are kept back")
	}
	for _, text := range []string{
		"retry: 1000\n\n", "event: dropped\ndata: 7\n\n", "event: row\nid: 2026-11-24T09:00:00.000Z\ndata: <tr>", "&lt;img src=x&gt;",
		`href="/admin/outbound?open=dl_7&amp;range=7d&amp;status=dead"`, "</tr> \n\n: nothing new\n\n",
	} {
		if !strings.Contains(body, text) {
			t.Errorf("no %q in %s", text, body)
		}
	}
	if diff := cmp.Diff([]string{"/api/v1/deliveries/tail?status=dead after 2026-11-24T08:00:00.000Z"}, a.calls); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A file, and a refusal, are the API's own answer.
func TestExportPassesThrough(t *testing.T) {
	t.Parallel()
	a := &api{answers: map[string]string{"GET /deliveries/export": "a,b\n"}}
	w := open(t, newScreens(t, a, mara), "/admin/outbound/export?since=2026-11-24T08%3A00%3A00Z&status=dead&format=csv&cursor=x")
	if w.Body.String() != "a,b\n" || !slices.Equal(a.calls, []string{"GET /deliveries/export?format=csv&since=2026-11-24T08%3A00%3A00Z&status=dead"}) {
		t.Errorf("%q, %v", w.Body, a.calls)
	}
}
