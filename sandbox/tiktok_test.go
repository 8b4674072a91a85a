package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive/sandbox"
)

// ttPurchase is an event that TikTok takes.
func ttPurchase(id string) object {
	return object{
		"event": "Purchase", "event_time": noon.Add(-time.Hour).Unix(), "event_id": id,
		"user": object{
			"ttclid": "E.C.P.v3fQ2RHacdksKfofPmlyuStIIHJ4", "ip": "203.0.113.9", "user_agent": "Mozilla/5.0",
			"external_id": []string{strings.Repeat("0a", 32)},
		},
		"page":       object{"url": "https://lp.example.com/offer-1?ttclid=E.C.P.v3fQ2RHacdksKfofPmlyuStIIHJ4"},
		"properties": object{"currency": "USD", "value": 42.5, "order_id": "order-" + id},
	}
}

func ttEnvelope(events ...object) object {
	return object{"event_source": "web", "event_source_id": sandbox.TikTokPixel, "partner_name": "subfive", "data": events}
}

func ttRequest(method, url, body string) *http.Request {
	r := request(method, url, body)
	r.Header.Del("Authorization")
	r.Header.Set("Access-Token", sandbox.TikTokToken)
	return r
}

// ttVerdict is what an answer of TikTok's says. Code is -1 without one.
type ttVerdict struct {
	HTTP, Code int
	Field      string // that the message names first
}

func ttRead(t *testing.T, w *httptest.ResponseRecorder) ttVerdict {
	t.Helper()
	var body struct {
		Code      *int   `json:"code"`
		Message   string `json:"message"`
		RequestID string `json:"request_id"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || body.Code == nil || body.RequestID == "" {
		t.Fatalf("answer %q: %v", w.Body, err)
	}
	v := ttVerdict{HTTP: w.Code, Code: *body.Code}
	if field, _, ok := strings.Cut(body.Message, ":"); ok && strings.HasPrefix(field, "data.") {
		v.Field = strings.TrimPrefix(field, "data.")
	}
	return v
}

func ttSend(t *testing.T, h http.Handler, r *http.Request) ttVerdict {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return ttRead(t, w)
}

func TestTikTokRefusesWrongRequests(t *testing.T) {
	one := encode(t, ttEnvelope(ttPurchase("1")))
	many := make([]object, 1001)
	for i := range many {
		many[i] = ttPurchase(fmt.Sprint(i))
	}
	with := func(key string, v any) string {
		e := ttEnvelope(ttPurchase("1"))
		e[key] = v
		return encode(t, e)
	}
	without := func(key string) string {
		e := ttEnvelope(ttPurchase("1"))
		delete(e, key)
		return encode(t, e)
	}
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	bad := ttVerdict{HTTP: 200, Code: 40002}
	taken := ttVerdict{HTTP: 200, Code: 0}
	tests := map[string]struct {
		config sandbox.TikTokConfig
		method string
		url    string
		body   string
		change func(r *http.Request)
		want   ttVerdict
		kept   int
	}{
		"wrong token":       {change: header("Access-Token", "x"), want: ttVerdict{HTTP: 200, Code: 40105}},
		"token with Bearer": {change: header("Access-Token", "Bearer "+sandbox.TikTokToken), want: ttVerdict{HTTP: 200, Code: 40105}},
		"no token":          {change: func(r *http.Request) { r.Header.Del("Access-Token") }, want: ttVerdict{HTTP: 401, Code: 40104}},
		"token as Authorization": {change: func(r *http.Request) {
			r.Header.Del("Access-Token")
			r.Header.Set("Authorization", sandbox.TikTokToken)
		}, want: ttVerdict{HTTP: 401, Code: 40104}},
		"unknown pixel":           {body: with("event_source_id", "C999"), want: ttVerdict{HTTP: 200, Code: 40001}},
		"no slash at the end":     {url: "/open_api/v1.3/event/track", want: ttVerdict{HTTP: 404, Code: 40002}},
		"retired version":         {url: "/open_api/v1.2/event/track/", want: ttVerdict{HTTP: 404, Code: 40002}},
		"Events API 1.0":          {url: "/open_api/v1.3/pixel/track/", want: ttVerdict{HTTP: 404, Code: 40002}},
		"GET":                     {method: "GET", want: ttVerdict{HTTP: 405, Code: 40002}},
		"no content type":         {change: func(r *http.Request) { r.Header.Del("Content-Type") }, want: bad},
		"a form":                  {change: header("Content-Type", "application/x-www-form-urlencoded"), want: bad},
		"no JSON":                 {body: "data=[]", want: bad},
		"half of it":              {body: one[:len(one)-1], want: bad},
		"something after it":      {body: one + "{}", want: bad},
		"a list":                  {body: "[]", want: bad},
		"a key twice":             {body: `{"partner_name":"x",` + one[1:], want: bad},
		"not UTF-8":               {body: strings.Replace(one, "Mozilla", "Mo\xffzilla", 1), want: bad},
		"no data":                 {body: without("data"), want: bad},
		"data is an object":       {body: with("data", object{}), want: bad},
		"no event":                {body: encode(t, ttEnvelope([]object{}...)), want: bad},
		"an event that is null":   {body: with("data", []any{nil}), want: ttVerdict{HTTP: 200, Code: 40002, Field: "0"}},
		"1001 events":             {body: encode(t, ttEnvelope(many...)), want: bad},
		"no source":               {body: without("event_source"), want: bad},
		"no pixel":                {body: without("event_source_id"), want: bad},
		"pixel as a number":       {body: with("event_source_id", 17), want: bad},
		"source in capitals":      {body: with("event_source", "WEB"), want: bad},
		"a pixel sent as offline": {body: with("event_source", "offline"), want: bad},
		"unknown key":             {body: with("test_code", "T"), want: bad},
		"empty test code":         {body: with("test_event_code", ""), want: bad},
		"pixel_code of 1.0":       {body: with("pixel_code", sandbox.TikTokPixel), want: bad},
		"token in the body":       {body: with("access_token", sandbox.TikTokToken), want: bad},

		"one event":               {want: taken, kept: 1},
		"1000 events":             {body: encode(t, ttEnvelope(many[:1000]...)), want: taken, kept: 1000},
		"without a partner":       {body: without("partner_name"), want: taken, kept: 1},
		"unknown keys, leniently": {config: sandbox.TikTokConfig{Lenient: true}, body: with("x", 1), want: taken, kept: 1},
		"a second pixel":          {config: sandbox.TikTokConfig{Pixels: []string{"C2", sandbox.TikTokPixel}}, want: taken, kept: 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			tiktok := sandbox.NewTikTok(atNoon, test.config)
			if test.method == "" {
				test.method = "POST"
			}
			if test.url == "" {
				test.url = sandbox.TikTokPath
			}
			if test.body == "" {
				test.body = one
			}
			r := ttRequest(test.method, test.url, test.body)
			if test.change != nil {
				test.change(r)
			}
			if diff := cmp.Diff(test.want, ttSend(t, tiktok, r)); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if got := len(tiktok.Events()); got != test.kept {
				t.Errorf("%d events kept, want %d", got, test.kept)
			}
		})
	}
}

func TestTikTokKeepsTheFirstFor48Hours(t *testing.T) {
	now := noon
	tiktok := sandbox.NewTikTok(func() time.Time { return now }, sandbox.TikTokConfig{Pixels: []string{sandbox.TikTokPixel, "C2"}})
	named := func(name string) object { e := ttPurchase("a"); e["event"] = name; return e }
	elsewhere := ttEnvelope(ttPurchase("a"))
	elsewhere["event_source_id"] = "C2"
	steps := []struct {
		after      time.Duration
		body       object
		kept, dups int // in all
	}{
		{0, ttEnvelope(ttPurchase("a"), ttPurchase("a")), 1, 1},
		{0, ttEnvelope(named("Subscribe")), 2, 1},
		{0, ttEnvelope(named("CompletePayment")), 2, 2}, // the old name of Purchase
		{0, elsewhere, 3, 2},
		{4 * time.Minute, ttEnvelope(ttPurchase("a")), 3, 3},
		{48*time.Hour - time.Second, ttEnvelope(ttPurchase("a")), 3, 4},
		{48 * time.Hour, ttEnvelope(ttPurchase("a")), 4, 4},
		{50 * time.Hour, ttEnvelope(ttPurchase("a")), 4, 5},
	}
	for _, step := range steps {
		now = noon.Add(step.after)
		ttSend(t, tiktok, ttRequest("POST", sandbox.TikTokPath, encode(t, step.body)))
		if kept, dups := len(tiktok.Events()), len(tiktok.Duplicates()); kept != step.kept || dups != step.dups {
			t.Fatalf("after %s: %d kept, %d duplicates; want %d, %d", step.after, kept, dups, step.kept, step.dups)
		}
	}
}

func TestTikTokRecordsWithoutTheToken(t *testing.T) {
	tiktok := sandbox.NewTikTok(atNoon, sandbox.TikTokConfig{Lenient: true})
	body := ttEnvelope(ttPurchase("1"))
	body["test_event_code"], body["access_token"] = "TEST1", sandbox.TikTokToken
	text := encode(t, body)
	ttSend(t, tiktok, ttRequest("POST", sandbox.TikTokPath+"?access_token="+sandbox.TikTokToken, text))
	want := []sandbox.TikTokRequest{{
		ReceivedAt: noon, Method: "POST", Path: sandbox.TikTokPath, Query: "access_token=***", Header: http.Header{"Content-Type": {"application/json"}},
		Body: strings.ReplaceAll(text, sandbox.TikTokToken, "***"), Events: 1, Status: 200,
	}}
	if diff := cmp.Diff(want, tiktok.Requests()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	events := []sandbox.Event{{
		ReceivedAt: noon, Dataset: sandbox.TikTokPixel, EventName: "Purchase", EventID: "1", EventTime: noon.Add(-time.Hour).Unix(),
		OrderID: "order-1", Value: "42.5", Currency: "USD", TestCode: "TEST1", Raw: json.RawMessage(encode(t, ttPurchase("1"))),
	}}
	if diff := cmp.Diff(events, tiktok.TestEvents()); diff != "" {
		t.Errorf("test events (-want +got):\n%s", diff)
	}
	if n := len(tiktok.Events()); n != 0 {
		t.Errorf("%d test events among those that count", n)
	}
	tiktok.Reset()
	if n := len(tiktok.Requests()) + len(tiktok.TestEvents()); n != 0 {
		t.Errorf("%d records after a reset", n)
	}
}

func TestTikTokRevokesItsToken(t *testing.T) {
	tiktok := sandbox.NewTikTok(atNoon, sandbox.TikTokConfig{Keep: 2})
	body := encode(t, ttEnvelope(ttPurchase("1")))
	tiktok.SetToken("another")
	if got := ttSend(t, tiktok, ttRequest("POST", sandbox.TikTokPath, body)); got.Code != 40105 {
		t.Errorf("the revoked token: %+v", got)
	}
	tiktok.SetToken(sandbox.TikTokToken)
	for range 3 {
		ttSend(t, tiktok, ttRequest("POST", sandbox.TikTokPath, body))
	}
	if events, requests := len(tiktok.Events()), len(tiktok.Requests()); events != 1 || requests != 2 {
		t.Errorf("%d events and %d requests remembered, want 1 and 2", events, requests)
	}
}

func TestTikTokControl(t *testing.T) {
	s := sandbox.New(atNoon, sandbox.MetaConfig{})
	h := s.Handler()
	event := encode(t, ttEnvelope(ttPurchase("1")))
	const fail = "/_sandbox/tiktok/fail"
	steps := []struct {
		method, url, body string
		status            int
		answer            string // what it contains
	}{
		{"POST", fail, `{"mode":"too_many","requests":1}`, 200, `[{"mode":"too_many","requests":1}]`},
		{"GET", "/_sandbox/meta/fail", "", 200, `[]`},
		{"POST", sandbox.TikTokPath, event, 429, `"code":40100`},
		{"GET", fail, "", 200, `[]`},
		{"POST", sandbox.TikTokPath, event, 200, `{"code":0,"message":"OK","request_id":"`},
		{"POST", sandbox.TikTokPath, event, 200, `"code":0`},
		{"GET", "/_sandbox/tiktok/events", "", 200, `"duplicates":[{`},
		{"GET", "/_sandbox/tiktok/requests", "", 200, `"failure":"too_many","status":429,"code":40100`},
		{"GET", "/_sandbox/meta/events", "", 200, `"events":[]`},
		{"POST", fail, `{"mode":"html"}`, 200, `html`},
		{"POST", sandbox.TikTokPath, event, 502, `Bad Gateway`},
		{"DELETE", fail, "", 200, `[]`},
		{"POST", fail, `{"mode":"nonsense"}`, 400, `unknown failure mode`},
		{"POST", fail, `{"mode":"html","times":3}`, 400, `unknown field "times"`},
		{"GET", "/_sandbox/", "", 200, sandbox.TikTokPixel},
		{"GET", "/_sandbox/", "", 200, sandbox.TikTokToken},
		{"POST", "/open_api/v1.3/oauth2/access_token/", "", 404, `"code":40002`},
		{"POST", "/_sandbox/reset", "", 204, ``},
		{"GET", "/_sandbox/tiktok/events", "", 200, `"events":[]`},
	}
	for i, step := range steps {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, ttRequest(step.method, step.url, step.body))
		if w.Code != step.status || !strings.Contains(w.Body.String(), step.answer) {
			t.Fatalf("step %d, %s %s %s: %d %s; want %d with %s", i+1, step.method, step.url, step.body, w.Code, w.Body, step.status, step.answer)
		}
	}
}

// What the forwarder says is in its golden files: all of it is taken.
func TestTikTokTakesWhatTheForwarderSays(t *testing.T) {
	paths, err := filepath.Glob("../forwarders/tiktok/testdata/*/request.golden")
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }
	sent := 0
	for _, path := range paths {
		golden, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		head, body, ok := strings.Cut(string(golden), "\n\n")
		if !ok || strings.HasPrefix(head, "cannot be sent") {
			continue
		}
		sent++
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			tiktok := sandbox.NewTikTok(now, sandbox.TikTokConfig{Pixels: []string{"C4ABCDEF0123456789AB"}})
			w := httptest.NewRecorder()
			tiktok.ServeHTTP(w, ttRequest("POST", sandbox.TikTokPath, body))
			if got := ttRead(t, w); got != (ttVerdict{HTTP: 200}) {
				t.Errorf("%+v: %s", got, w.Body)
			}
		})
	}
	if sent < 12 {
		t.Errorf("%d requests found, want 12 or more", sent)
	}
}

func FuzzTikTok(f *testing.F) {
	f.Add([]byte(`{"event_source":"web","event_source_id":"` + sandbox.TikTokPixel + `","data":[{"event":"Lead","event_id":"1","event_time":1795172523,"user":{"ttclid":"E"},"page":{"url":"https://x.example"}}]}`))
	f.Add([]byte(`{"data":[{"user":{"email":[null]},"properties":{"contents":[[]]},"page":1}]}`))
	f.Add([]byte(`{"data":[null,1,"x",[]]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		tiktok := sandbox.NewTikTok(atNoon, sandbox.TikTokConfig{})
		got := ttSend(t, tiktok, ttRequest("POST", sandbox.TikTokPath, string(body)))
		if kept := len(tiktok.Events()) + len(tiktok.TestEvents()); (got.Code == 0) != (kept > 0) {
			t.Errorf("answer %+v, %d kept of %q", got, kept, body)
		}
	})
}
