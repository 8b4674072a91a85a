package sandbox_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"subfive/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func atNoon() time.Time { return noon }

const metaURL = "/v26.0/" + sandbox.MetaDataset + "/events"

type object = map[string]any

// purchase is an event that Meta takes.
func purchase(id string) object {
	return object{
		"event_name": "Purchase", "event_time": noon.Add(-time.Hour).Unix(), "event_id": id,
		"action_source": "website", "event_source_url": "https://lp.example.com/offer-1",
		"user_data": object{
			"client_ip_address": "203.0.113.9", "client_user_agent": "Mozilla/5.0",
			"fbc":         "fb.1.1789990000123.IwAR2F4-dbP0l7Mn1Iaw",
			"em":          []string{strings.Repeat("0a", 32)},
			"external_id": []string{"user-1"},
		},
		"custom_data": object{"currency": "USD", "value": 42.5, "order_id": "order-" + id, "plan": "yearly"},
	}
}

func request(method, url, body string) *http.Request {
	r := httptest.NewRequestWithContext(context.Background(), method, url, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+sandbox.MetaToken)
	r.Header.Set("Content-Type", "application/json")
	return r
}

func encode(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func batch(t *testing.T, events ...object) string {
	t.Helper()
	return encode(t, object{"data": events, "partner_agent": "subfive-1.0"})
}

// verdict is what an answer of Graph says.
type verdict struct {
	HTTP, Code, Subcode, Received int
	Field                         string // of an event, that is blamed
}

func read(t *testing.T, w *httptest.ResponseRecorder) verdict {
	t.Helper()
	var body struct {
		EventsReceived int `json:"events_received"`
		Error          struct {
			Code    int `json:"code"`
			Subcode int `json:"error_subcode"`
			Data    struct {
				Blame [][]string `json:"blame_field_specs"`
			} `json:"error_data"`
		} `json:"error"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("answer %q: %v", w.Body, err)
	}
	v := verdict{HTTP: w.Code, Code: body.Error.Code, Subcode: body.Error.Subcode, Received: body.EventsReceived}
	if blame := body.Error.Data.Blame; len(blame) > 0 && len(blame[0]) > 2 {
		v.Field = strings.Join(blame[0][1:], ".")
	}
	return v
}

func send(t *testing.T, h http.Handler, r *http.Request) verdict {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return read(t, w)
}

func user(e object) object   { return e["user_data"].(object) }
func custom(e object) object { return e["custom_data"].(object) }

func TestMetaRefusesWrongRequests(t *testing.T) {
	const secret = "app-secret"
	one := batch(t, purchase("1"))
	many := make([]object, 1001)
	for i := range many {
		many[i] = purchase(fmt.Sprint(i))
	}
	sized := func(events []object) string { return batch(t, events...) }
	noToken := func(r *http.Request) { r.Header.Del("Authorization") }
	tests := map[string]struct {
		config sandbox.MetaConfig
		method string
		url    string
		body   string
		change func(r *http.Request)
		want   verdict
	}{
		"wrong token":               {change: func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, want: verdict{HTTP: 401, Code: 190}},
		"no token":                  {change: noToken, want: verdict{HTTP: 401, Code: 190}},
		"token without Bearer":      {change: func(r *http.Request) { r.Header.Set("Authorization", "Token "+sandbox.MetaToken) }, want: verdict{HTTP: 401, Code: 190}},
		"wrong token in the query":  {url: metaURL + "?access_token=x", change: noToken, want: verdict{HTTP: 401, Code: 190}},
		"two tokens that differ":    {url: metaURL + "?access_token=x", want: verdict{HTTP: 401, Code: 190}},
		"token of another type":     {body: encode(t, object{"data": []object{purchase("1")}, "access_token": 5}), change: noToken, want: verdict{HTTP: 401, Code: 190}},
		"no proof":                  {config: sandbox.MetaConfig{AppSecret: secret}, want: verdict{HTTP: 400, Code: 104}},
		"wrong proof":               {config: sandbox.MetaConfig{AppSecret: secret}, url: metaURL + "?appsecret_proof=" + proof("other"), want: verdict{HTTP: 400, Code: 104}},
		"proof of nothing":          {url: metaURL + "?appsecret_proof=" + proof(secret), want: verdict{HTTP: 400, Code: 104}},
		"unknown dataset":           {url: "/v26.0/999/events", want: verdict{HTTP: 400, Code: 100, Subcode: 33}},
		"no version":                {url: "/" + sandbox.MetaDataset + "/events", want: verdict{HTTP: 400, Code: 2500}},
		"retired version":           {url: "/v20.0/" + sandbox.MetaDataset + "/events", want: verdict{HTTP: 400, Code: 2635}},
		"another edge":              {url: "/v26.0/" + sandbox.MetaDataset + "/event", want: verdict{HTTP: 400, Code: 2500}},
		"slash at the end":          {url: metaURL + "/", want: verdict{HTTP: 400, Code: 2500}},
		"GET":                       {method: "GET", want: verdict{HTTP: 400, Code: 100}},
		"PUT":                       {method: "PUT", want: verdict{HTTP: 400, Code: 100}},
		"no content type":           {change: func(r *http.Request) { r.Header.Del("Content-Type") }, want: verdict{HTTP: 400, Code: 100}},
		"text":                      {change: func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, want: verdict{HTTP: 400, Code: 100}},
		"no JSON":                   {body: "data=[]", want: verdict{HTTP: 400, Code: 100}},
		"half of it":                {body: one[:len(one)-1], want: verdict{HTTP: 400, Code: 100}},
		"something after it":        {body: one + "{}", want: verdict{HTTP: 400, Code: 100}},
		"a list":                    {body: "[]", want: verdict{HTTP: 400, Code: 100}},
		"a key twice":               {body: `{"partner_agent":"subfive","data":[],` + one[1:], want: verdict{HTTP: 400, Code: 100}},
		"not UTF-8":                 {body: strings.Replace(one, "Mozilla", "Mo\xffzilla", 1), want: verdict{HTTP: 400, Code: 100}},
		"nested without end":        {body: `{"data":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`, want: verdict{HTTP: 400, Code: 100}},
		"no data":                   {body: `{}`, want: verdict{HTTP: 400, Code: 100}},
		"data is an object":         {body: `{"data":{}}`, want: verdict{HTTP: 400, Code: 100}},
		"data as text":              {body: encode(t, object{"data": `[]`}), want: verdict{HTTP: 400, Code: 100}},
		"no event":                  {body: `{"data":[]}`, want: verdict{HTTP: 400, Code: 100}},
		"an event that is a number": {body: `{"data":[1]}`, want: verdict{HTTP: 400, Code: 100}},
		"an event that is null":     {body: `{"data":[null]}`, want: verdict{HTTP: 400, Code: 100}},
		"1001 events":               {body: sized(many), want: verdict{HTTP: 400, Code: 100}},
		"unknown key":               {body: encode(t, object{"data": []object{purchase("1")}, "test_code": "T"}), want: verdict{HTTP: 400, Code: 100}},
		"empty test code":           {body: encode(t, object{"data": []object{purchase("1")}, "test_event_code": ""}), want: verdict{HTTP: 400, Code: 100}},
		"partner without letters":   {body: encode(t, object{"data": []object{purchase("1")}, "partner_agent": "1.0"}), want: verdict{HTTP: 400, Code: 100}},
		"partner of 23 characters":  {body: encode(t, object{"data": []object{purchase("1")}, "partner_agent": strings.Repeat("a", 23)}), want: verdict{HTTP: 400, Code: 100}},

		"1000 events":        {body: sized(many[:1000]), want: verdict{HTTP: 200, Received: 1000}},
		"token in the query": {url: metaURL + "?access_token=" + sandbox.MetaToken, change: noToken, want: verdict{HTTP: 200, Received: 1}},
		"token in the body":  {body: encode(t, object{"data": []object{purchase("1")}, "access_token": sandbox.MetaToken}), change: noToken, want: verdict{HTTP: 200, Received: 1}},
		"proof in the query": {config: sandbox.MetaConfig{AppSecret: secret}, url: metaURL + "?appsecret_proof=" + proof(secret), want: verdict{HTTP: 200, Received: 1}},
		"proof in the body": {
			config: sandbox.MetaConfig{AppSecret: secret},
			body:   encode(t, object{"data": []object{purchase("1")}, "appsecret_proof": proof(secret)}), want: verdict{HTTP: 200, Received: 1},
		},
		"unknown keys, leniently": {config: sandbox.MetaConfig{Lenient: true}, body: encode(t, object{"data": []object{purchase("1")}, "x": 1}), want: verdict{HTTP: 200, Received: 1}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			meta := sandbox.NewMeta(atNoon, test.config)
			if test.method == "" {
				test.method = "POST"
			}
			if test.url == "" {
				test.url = metaURL
			}
			if test.body == "" {
				test.body = one
			}
			r := request(test.method, test.url, test.body)
			if test.change != nil {
				test.change(r)
			}
			if diff := cmp.Diff(test.want, send(t, meta, r)); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if got := len(meta.Events()); got != test.want.Received {
				t.Errorf("%d events kept, want %d", got, test.want.Received)
			}
		})
	}
}

func proof(secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(sandbox.MetaToken))
	return hex.EncodeToString(mac.Sum(nil))
}

func TestMetaKeepsTheFirstFor48Hours(t *testing.T) {
	now := noon
	meta := sandbox.NewMeta(func() time.Time { return now }, sandbox.MetaConfig{Datasets: []string{sandbox.MetaDataset, "2"}})
	other := purchase("a")
	other["event_name"] = "Subscribe"
	anonymous := purchase("")
	delete(anonymous, "event_id")
	steps := []struct {
		after      time.Duration
		url        string
		events     []object
		kept, dups int // in all
	}{
		{0, metaURL, []object{purchase("a"), purchase("a")}, 1, 1},
		{0, metaURL, []object{other}, 2, 1},
		{0, "/v26.0/2/events", []object{purchase("a")}, 3, 1},
		{0, metaURL, []object{anonymous, anonymous}, 5, 1},
		{48*time.Hour - time.Second, metaURL, []object{purchase("a")}, 5, 2},
		{48 * time.Hour, metaURL, []object{purchase("a")}, 6, 2},
		{50 * time.Hour, metaURL, []object{purchase("a")}, 6, 3},
	}
	for _, step := range steps {
		now = noon.Add(step.after)
		send(t, meta, request("POST", step.url, batch(t, step.events...)))
		if kept, dups := len(meta.Events()), len(meta.Duplicates()); kept != step.kept || dups != step.dups {
			t.Fatalf("after %s: %d kept, %d duplicates; want %d, %d", step.after, kept, dups, step.kept, step.dups)
		}
	}
}

func TestMetaRecordsWithoutTheToken(t *testing.T) {
	meta := sandbox.NewMeta(atNoon, sandbox.MetaConfig{})
	test := encode(t, object{"data": []object{purchase("1")}, "test_event_code": "TEST1", "access_token": sandbox.MetaToken})
	send(t, meta, request("POST", metaURL+"?access_token="+sandbox.MetaToken, test))
	if records := encode(t, meta.Requests()); strings.Contains(records, sandbox.MetaToken) {
		t.Errorf("the record holds the token: %s", records)
	}
	want := []sandbox.MetaRequest{{
		ReceivedAt: noon, Method: "POST", Path: metaURL, Query: "access_token=***", Header: http.Header{"Content-Type": {"application/json"}},
		Body: strings.ReplaceAll(test, sandbox.MetaToken, "***"), Events: 1, Status: 200,
	}}
	if diff := cmp.Diff(want, meta.Requests()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	events := []sandbox.Event{{
		ReceivedAt: noon, Dataset: sandbox.MetaDataset, EventName: "Purchase", EventID: "1", EventTime: noon.Add(-time.Hour).Unix(),
		OrderID: "order-1", Value: "42.5", Currency: "USD", TestCode: "TEST1", Raw: json.RawMessage(encode(t, purchase("1"))),
	}}
	if diff := cmp.Diff(events, meta.TestEvents()); diff != "" {
		t.Errorf("test events (-want +got):\n%s", diff)
	}
	if n := len(meta.Events()); n != 0 {
		t.Errorf("%d test events among those that count", n)
	}
	meta.Reset()
	if n := len(meta.Requests()) + len(meta.TestEvents()); n != 0 {
		t.Errorf("%d records after a reset", n)
	}
}

func TestMetaForgetsTheOldest(t *testing.T) {
	meta := sandbox.NewMeta(atNoon, sandbox.MetaConfig{Keep: 2})
	for _, id := range []string{"1", "2", "3", "4", "5"} {
		send(t, meta, request("POST", metaURL, batch(t, purchase(id))))
	}
	var ids []string
	for _, e := range meta.Events() {
		ids = append(ids, e.EventID)
	}
	if diff := cmp.Diff([]string{"4", "5"}, ids); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if n := len(meta.Requests()); n != 2 {
		t.Errorf("%d requests remembered, want 2", n)
	}
}

func FuzzMeta(f *testing.F) {
	f.Add([]byte(`{"data":[{"event_name":"Lead","event_time":1790000000,"action_source":"website","user_data":{"fbc":"fb.1.1789990000123.a"}}]}`))
	f.Add([]byte(`{"data":[{"user_data":{"em":[null]},"custom_data":{"contents":[[]]},"app_data":{"extinfo":[1]},"action_source":"app"}]}`))
	f.Add([]byte(`{"data":[null,1,"x",[]]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		meta := sandbox.NewMeta(atNoon, sandbox.MetaConfig{})
		got := send(t, meta, request("POST", metaURL, string(body)))
		if (got.HTTP == 200) != (got.Code == 0 && got.Received > 0) {
			t.Errorf("answer %+v to %q", got, body)
		}
	})
}
