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

// rdPurchase is an event that Reddit takes.
func rdPurchase(id string) object {
	return object{
		"event_at": noon.Add(-time.Hour).UnixMilli(), "action_source": "WEBSITE", "event_source_url": "https://lp.example.com/offer-1?rdt_cid=aB-1",
		"type":     object{"tracking_type": "PURCHASE"},
		"click_id": "aB-1_~",
		"user":     object{"ip_address": "203.0.113.9", "user_agent": "Mozilla/5.0", "email": strings.Repeat("0a", 32)},
		"metadata": object{"conversion_id": id, "value": 42.5, "currency": "USD"},
	}
}

func rdBatch(t *testing.T, events ...object) string {
	t.Helper()
	return encode(t, object{"data": object{"partner": "SUBFIVE", "events": events}})
}

func rdRequest(method, url, body string) *http.Request {
	r := request(method, url, body)
	r.Header.Set("Authorization", "Bearer "+sandbox.RedditToken)
	return r
}

// rdVerdict is what an answer of Reddit's says.
type rdVerdict struct {
	HTTP    int
	Message string
	Reason  string   // the gateway's shape
	Invalid []string // what is wrong with each of the events that are named
}

func rdRead(w *httptest.ResponseRecorder) rdVerdict {
	var body struct {
		Data    struct{ Message string }
		Message string
		Invalid []struct {
			Message string `json:"error_message"`
		} `json:"invalid_events"`
		Error struct {
			Code                         int
			Message, Reason, Explanation string
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		return rdVerdict{HTTP: w.Code, Message: w.Body.String()} // text
	}
	v := rdVerdict{HTTP: w.Code, Reason: body.Error.Reason, Message: body.Data.Message + body.Message + body.Error.Message + body.Error.Explanation}
	for _, e := range body.Invalid {
		v.Invalid = append(v.Invalid, e.Message)
	}
	return v
}

func rdSend(h http.Handler, r *http.Request) rdVerdict {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return rdRead(w)
}

func rdTaken(n int) rdVerdict {
	return rdVerdict{HTTP: 200, Message: fmt.Sprintf("Successfully processed %d conversion events.", n)}
}

func TestRedditRefusesWrongRequests(t *testing.T) {
	one := rdBatch(t, rdPurchase("1"))
	many := make([]object, 1001)
	for i := range many {
		many[i] = rdPurchase(fmt.Sprint(i))
	}
	with := func(key string, value any) string {
		return encode(t, object{"data": object{"events": []object{rdPurchase("1")}, key: value}})
	}
	header := func(name, value string) func(r *http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	tests := map[string]struct {
		method, url, body string
		change            func(r *http.Request)
		status            int
		says              string // in its message or reason
	}{
		"no token":                   {change: func(r *http.Request) { r.Header.Del("Authorization") }, status: 401, says: "No bearer token provided."},
		"token without Bearer":       {change: header("Authorization", sandbox.RedditToken), status: 401, says: "Authorization Required"},
		"wrong token":                {change: header("Authorization", "Bearer x"), status: 401, says: "UNAUTHORIZED"},
		"another's pixel":            {url: strings.Replace(sandbox.RedditPath, sandbox.RedditPixel, "a2_other", 1), status: 403, says: "pixel"},
		"another path":               {url: "/api/v3/pixels/" + sandbox.RedditPixel + "/events", status: 404, says: "Not Found"},
		"slash at the end":           {url: sandbox.RedditPath + "/", status: 404, says: "Not Found"},
		"version 2":                  {url: "/api/v2.0/conversions/events/" + sandbox.RedditPixel, status: 410, says: "retired"},
		"GET":                        {method: "GET", status: 405, says: "Method"},
		"no content type":            {change: func(r *http.Request) { r.Header.Del("Content-Type") }, status: 400, says: "application/json"},
		"text":                       {change: header("Content-Type", "text/plain"), status: 400, says: "application/json"},
		"no JSON":                    {body: "data=[]", status: 400, says: "not JSON"},
		"half of it":                 {body: one[:len(one)-1], status: 400, says: "not JSON"},
		"something after it":         {body: one + "{}", status: 400, says: "follows"},
		"a list":                     {body: "[]", status: 400, says: "must be an object"},
		"a key twice":                {body: `{"data":{},"data":{}}`, status: 400, says: "twice"},
		"not UTF-8":                  {body: strings.Replace(one, "Mozilla", "Mo\xffzilla", 1), status: 400, says: "UTF-8"},
		"no data":                    {body: `{}`, status: 400, says: "missing events"},
		"data is a list":             {body: `{"data":[]}`, status: 400, says: "must be an object"},
		"events at the top, as in 2": {body: encode(t, object{"events": []object{rdPurchase("1")}}), status: 400, says: "unknown field"},
		"events is an object":        {body: `{"data":{"events":{}}}`, status: 400, says: "must be an array"},
		"no event":                   {body: `{"data":{"events":[]}}`, status: 400, says: "0 events"},
		"an event that is null":      {body: `{"data":{"events":[null]}}`, status: 400, says: "must be an object"},
		"1001 events":                {body: rdBatch(t, many...), status: 400, says: "1001 events"},
		"version 2's test mode":      {body: with("test_mode", true), status: 400, says: "unknown field"},
		"capitals in a key":          {body: encode(t, object{"Data": object{"events": []object{rdPurchase("1")}}}), status: 400, says: "unknown field"},
		"empty test ID":              {body: with("test_id", ""), status: 400, says: "data.test_id"},
		"numeric test ID":            {body: with("test_id", 5), status: 400, says: "data.test_id"},
		"partner in lower case":      {body: with("partner", "subfive"), status: 400, says: "data.partner"},
		"too large":                  {body: strings.Repeat(" ", 33<<20), status: 413, says: "too large"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			reddit := sandbox.NewReddit(atNoon, sandbox.RedditConfig{})
			if test.method == "" {
				test.method = "POST"
			}
			if test.url == "" {
				test.url = sandbox.RedditPath
			}
			if test.body == "" {
				test.body = one
			}
			r := rdRequest(test.method, test.url, test.body)
			if test.change != nil {
				test.change(r)
			}
			got := rdSend(reddit, r)
			if got.HTTP != test.status || !strings.Contains(got.Message+got.Reason, test.says) {
				t.Errorf("answer %+v, want %d with %q", got, test.status, test.says)
			}
			if n := len(reddit.Events()); n != 0 {
				t.Errorf("%d events kept", n)
			}
		})
	}
	reddit := sandbox.NewReddit(atNoon, sandbox.RedditConfig{})
	if diff := cmp.Diff(rdTaken(1000), rdSend(reddit, rdRequest("POST", sandbox.RedditPath, rdBatch(t, many[:1000]...)))); diff != "" {
		t.Errorf("1000 events (-want +got):\n%s", diff)
	}
}

func TestRedditKeepsTheFirstFor48Hours(t *testing.T) {
	now := noon
	reddit := sandbox.NewReddit(func() time.Time { return now }, sandbox.RedditConfig{Pixels: []string{sandbox.RedditPixel, "a2_2"}})
	of := func(kind object) object {
		e := rdPurchase("a")
		e["type"] = kind
		return e
	}
	second := strings.Replace(sandbox.RedditPath, sandbox.RedditPixel, "a2_2", 1)
	steps := []struct {
		after      time.Duration
		url        string
		events     []object
		kept, dups int // in all
	}{
		{0, sandbox.RedditPath, []object{rdPurchase("a"), rdPurchase("a")}, 1, 1},
		{0, sandbox.RedditPath, []object{of(object{"tracking_type": "LEAD"})}, 2, 1},
		{0, sandbox.RedditPath, []object{of(object{"tracking_type": "CUSTOM", "custom_event_name": "PURCHASE"})}, 3, 1},
		{0, sandbox.RedditPath, []object{of(object{"tracking_type": "CUSTOM", "custom_event_name": "Refund"})}, 4, 1},
		{0, second, []object{rdPurchase("a")}, 5, 1},
		{48*time.Hour - time.Second, sandbox.RedditPath, []object{rdPurchase("a")}, 5, 2},
		{48 * time.Hour, sandbox.RedditPath, []object{rdPurchase("a")}, 6, 2},
		{50 * time.Hour, sandbox.RedditPath, []object{rdPurchase("a")}, 6, 3},
	}
	for _, step := range steps {
		now = noon.Add(step.after)
		rdSend(reddit, rdRequest("POST", step.url, rdBatch(t, step.events...)))
		if kept, dups := len(reddit.Events()), len(reddit.Duplicates()); kept != step.kept || dups != step.dups {
			t.Fatalf("after %s: %d kept, %d duplicates; want %d, %d", step.after, kept, dups, step.kept, step.dups)
		}
	}
}

func TestRedditRecordsWithoutTheToken(t *testing.T) {
	reddit := sandbox.NewReddit(atNoon, sandbox.RedditConfig{Keep: 2})
	e := rdPurchase("1")
	e["type"] = object{"tracking_type": "CUSTOM", "custom_event_name": "Refund"}
	test := encode(t, object{"data": object{"test_id": "t2_x", "events": []object{e}}})
	for range 3 {
		rdSend(reddit, rdRequest("POST", sandbox.RedditPath+"?t="+sandbox.RedditToken, test))
	}
	recorded := sandbox.RedditRequest{
		ReceivedAt: noon, Method: "POST", Path: sandbox.RedditPath, Query: "t=***", Header: http.Header{"Content-Type": {"application/json"}},
		Body: test, Events: 1, Status: 200,
	}
	if diff := cmp.Diff([]sandbox.RedditRequest{recorded, recorded}, reddit.Requests()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	events := []sandbox.Event{{
		ReceivedAt: noon, Dataset: sandbox.RedditPixel, EventName: "Refund", EventID: "1", EventTime: noon.Add(-time.Hour).Unix(),
		Value: "42.5", Currency: "USD", TestCode: "t2_x", Raw: json.RawMessage(encode(t, e)),
	}}
	if diff := cmp.Diff(events, reddit.TestEvents()); diff != "" {
		t.Errorf("test events (-want +got):\n%s", diff)
	}
	if n := len(reddit.Events()); n != 0 {
		t.Errorf("%d test events among those that count", n)
	}
	reddit.Reset()
	if n := len(reddit.Requests()) + len(reddit.TestEvents()) + len(reddit.Duplicates()); n != 0 {
		t.Errorf("%d records after a reset", n)
	}
}

// What our adapter says is what the stand-in takes.
func TestRedditTakesOurRequests(t *testing.T) {
	paths, err := filepath.Glob("../forwarders/reddit/testdata/*/request.golden")
	if err != nil {
		t.Fatal(err)
	}
	sent := 0
	for _, path := range paths {
		golden, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, body, ok := strings.Cut(string(golden), "\n\n")
		if !ok {
			continue // it is not sent, and the file says why
		}
		sent++
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			// The latest of them, a refund, is of the 22nd.
			now := func() time.Time { return noon.Add(3 * 24 * time.Hour) }
			reddit := sandbox.NewReddit(now, sandbox.RedditConfig{})
			if diff := cmp.Diff(rdTaken(1), rdSend(reddit, rdRequest("POST", sandbox.RedditPath, body))); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
	if sent < 12 {
		t.Errorf("%d requests, want 12 at least", sent)
	}
}

func FuzzReddit(f *testing.F) {
	f.Add([]byte(`{"data":{"events":[{"event_at":1795172523000,"action_source":"WEBSITE","type":{"tracking_type":"LEAD"},"click_id":"a","metadata":{"conversion_id":"1"}}]}}`))
	f.Add([]byte(`{"data":{"events":[{"event_at":"x","type":[],"user":{"screen_dimensions":{"width":0}},"metadata":{"products":[1]}}]}}`))
	f.Add([]byte(`{"data":{"events":[null,1,"x",[]]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		reddit := sandbox.NewReddit(atNoon, sandbox.RedditConfig{})
		got := rdSend(reddit, rdRequest("POST", sandbox.RedditPath, string(body)))
		if kept := len(reddit.Events()) + len(reddit.TestEvents()); (got.HTTP == 200) != (kept > 0) {
			t.Errorf("answer %+v to %q, %d events kept", got, body, kept)
		}
	})
}
