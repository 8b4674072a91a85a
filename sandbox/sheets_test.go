package sandbox_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive/sandbox"
)

// shRow is a row that the sheet takes.
func shRow(id string) object {
	return object{
		"id": id, "kind": "conversion", "test": false, "event_name": "Purchase", "event_time": "2026-11-20T11:00:00Z",
		"value": 42.5, "value_currency": "USD", "order_id": "order-" + id, "param.fbclid": "IwAR2F4", "seq": 1,
	}
}

func shBody(t *testing.T, rows ...object) string {
	t.Helper()
	if rows == nil {
		rows = []object{}
	}
	return encode(t, object{"secret": sandbox.SheetsSecret, "rows": rows})
}

func shRequest(method, url, body string) *http.Request {
	r := request(method, url, body)
	r.Header.Del("Authorization")
	return r
}

// shVerdict is what the first answer says, and the words behind its redirect.
type shVerdict struct {
	HTTP  int
	To    string // the host that it redirects to, when that is another
	Words string
}

// shSend makes a request, and the second one if there is to be one.
func shSend(t *testing.T, h http.Handler, r *http.Request) shVerdict {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	v := shVerdict{HTTP: w.Code}
	if w.Code != http.StatusFound {
		return v
	}
	to, err := url.Parse(w.Header().Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	if to.Host != r.Host {
		v.To = to.Host
		return v
	}
	w = httptest.NewRecorder()
	h.ServeHTTP(w, shRequest("GET", to.RequestURI(), ""))
	v.Words = w.Body.String()
	return v
}

func TestSheetsRefusesWrongRequests(t *testing.T) {
	with := func(key string, v any) string {
		r := shRow("1")
		r[key] = v
		return shBody(t, r)
	}
	without := func(key string) string {
		r := shRow("1")
		delete(r, key)
		return shBody(t, r)
	}
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	many := make([]object, 101)
	for i := range many {
		many[i] = shRow(fmt.Sprint(i))
	}
	one := shBody(t, shRow("1"))
	const rows = "bad_request"
	tests := map[string]struct {
		method string
		url    string
		body   string
		change func(*http.Request)
		status int
		word   string // the script's, or "ok"
		kept   int
	}{
		"another deployment":  {url: "/macros/s/AKfycbOTHER/exec", status: 404},
		"no deployment":       {url: "/macros/d/x/exec", status: 404},
		"GET":                 {method: "GET", status: 200},
		"secret in the query": {url: sandbox.SheetsPath + "?secret=" + sandbox.SheetsSecret, word: rows},
		"secret in a header":  {change: header("X-Secret", sandbox.SheetsSecret), word: rows},
		"bearer token":        {change: header("Authorization", "Bearer x"), word: rows},
		"a form":              {change: header("Content-Type", "application/x-www-form-urlencoded"), word: rows},
		"no content type":     {change: func(r *http.Request) { r.Header.Del("Content-Type") }, word: rows},
		"no JSON":             {body: "rows=1", word: rows},
		"half of it":          {body: one[:len(one)-1], word: rows},
		"a list":              {body: "[]", word: rows},
		"a key twice":         {body: `{"secret":"x",` + one[1:], word: rows},
		"no secret":           {body: encode(t, object{"rows": []object{shRow("1")}}), word: "bad_secret"},
		"wrong secret":        {body: encode(t, object{"secret": "x", "rows": []object{shRow("1")}}), word: "bad_secret"},
		"secret is a number":  {body: encode(t, object{"secret": 1, "rows": []object{shRow("1")}}), word: "bad_secret"},
		"unknown key":         {body: encode(t, object{"secret": sandbox.SheetsSecret, "rows": []object{shRow("1")}, "test": true}), word: rows},
		"no rows":             {body: encode(t, object{"secret": sandbox.SheetsSecret}), word: rows},
		"empty rows":          {body: shBody(t), word: rows},
		"rows is an object":   {body: encode(t, object{"secret": sandbox.SheetsSecret, "rows": object{}}), word: rows},
		"a row that is null":  {body: encode(t, object{"secret": sandbox.SheetsSecret, "rows": []any{nil}}), word: rows},
		"101 rows":            {body: shBody(t, many...), word: rows},
		"no id":               {body: without("id"), word: rows},
		"empty id":            {body: with("id", ""), word: rows},
		"id is a number":      {body: with("id", 7), word: rows},
		"no kind":             {body: without("kind"), word: rows},
		"unknown kind":        {body: with("kind", "refund"), word: rows},
		"no time":             {body: without("event_time"), word: rows},
		"time in seconds":     {body: with("event_time", 1795172523), word: rows},
		"time with an offset": {body: with("event_time", "2026-11-20T11:00:00+01:00"), word: rows},
		"value is a text":     {body: with("value", "42,50"), word: rows},
		"value in nothing":    {body: without("value_currency"), word: rows},
		"test is a text":      {body: with("test", "no"), word: rows},
		"email":               {body: with("email", "jane@example.com"), word: rows},
		"address":             {body: with("client_ip_address", "203.0.113.9"), word: rows},
		"sub11":               {body: with("sub11", "x"), word: rows},
		"an empty text":       {body: with("order_id", ""), word: rows},
		"null":                {body: with("order_id", nil), word: rows},
		"an object":           {body: with("order_id", object{}), word: rows},
		"longer than a cell":  {body: with("order_id", strings.Repeat("x", 50_001)), word: rows},
		"one bad row of two":  {body: shBody(t, shRow("1"), object{"id": "2"}), word: rows},

		"a row":              {word: "ok", kept: 1},
		"as plain text":      {change: header("Content-Type", "text/plain;charset=utf-8"), word: "ok", kept: 1},
		"100 rows":           {body: shBody(t, many[:100]...), word: "ok", kept: 100},
		"sub parameters":     {body: with("sub1", "=1+1"), word: "ok", kept: 1},
		"just what it needs": {body: shBody(t, object{"id": "1", "kind": "retraction", "event_time": "2026-11-20T11:00:00Z"}), word: "ok", kept: 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := sandbox.NewSheets(atNoon, sandbox.SheetsConfig{})
			if tt.method == "" {
				tt.method = "POST"
			}
			if tt.url == "" {
				tt.url = sandbox.SheetsPath
			}
			if tt.body == "" {
				tt.body = one
			}
			if tt.status == 0 {
				tt.status = 302
			}
			r := shRequest(tt.method, tt.url, tt.body)
			if tt.change != nil {
				tt.change(r)
			}
			got := shSend(t, s, r)
			said := `"error":"` + tt.word + `"`
			if tt.word == "ok" {
				said = `{"ok":true,`
			}
			if got.HTTP != tt.status || tt.word != "" && !strings.Contains(got.Words, said) || got.To != "" || len(s.Events()) != tt.kept {
				t.Errorf("%+v, %d rows; want %d, %q, %d rows", got, len(s.Events()), tt.status, tt.word, tt.kept)
			}
			if strings.Contains(fmt.Sprint(s.Requests()), sandbox.SheetsSecret) && tt.change == nil {
				t.Error("the record holds the secret")
			}
		})
	}
}

func TestSheetsDeveloperURLNeedsALogin(t *testing.T) {
	s := sandbox.NewSheets(atNoon, sandbox.SheetsConfig{})
	got := shSend(t, s, shRequest("POST", strings.Replace(sandbox.SheetsPath, "/exec", "/dev", 1), shBody(t, shRow("1"))))
	if diff := cmp.Diff(shVerdict{HTTP: 302, To: "accounts.google.com"}, got); diff != "" || len(s.Events()) != 0 {
		t.Errorf("%d rows (-want +got):\n%s", len(s.Events()), diff)
	}
}

func TestSheetsEcho(t *testing.T) {
	const words = `{"ok":true,"received":1,"written":1}`
	tests := map[string]struct {
		method, url, body string
		change            func(*http.Request)
		status            int
	}{
		"fetched":       {status: 200},
		"POST":          {method: "POST", body: "{}", status: 405},
		"with a body":   {body: "{}", status: 400},
		"another key":   {url: "/macros/echo?user_content_key=x", status: 404},
		"with Referer":  {change: func(r *http.Request) { r.Header.Set("Referer", "https://script.google.com/") }, status: 400},
		"with a secret": {change: func(r *http.Request) { r.Header.Set("X-Secret", "x") }, status: 400},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := sandbox.NewSheets(atNoon, sandbox.SheetsConfig{EchoURL: "https://echo.example"})
			w := httptest.NewRecorder()
			s.ServeHTTP(w, shRequest("POST", sandbox.SheetsPath, shBody(t, shRow("1"))))
			path, ok := strings.CutPrefix(w.Header().Get("Location"), "https://echo.example/macros/echo?")
			if !ok {
				t.Fatalf("redirected to %s", w.Header().Get("Location"))
			}
			if tt.url == "" {
				tt.url = "/macros/echo?" + path
			}
			if tt.method == "" {
				tt.method = "GET"
			}
			r := shRequest(tt.method, tt.url, tt.body)
			if tt.change != nil {
				tt.change(r)
			}
			w = httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code != tt.status || (w.Body.String() == words) != (tt.status == 200) {
				t.Errorf("%d %s, want %d", w.Code, w.Body, tt.status)
			}
		})
	}
}

func TestSheetsWritesAnIDOnce(t *testing.T) {
	s := sandbox.New(atNoon, sandbox.MetaConfig{})
	h := s.Handler()
	test := shRow("b")
	test["test"] = true
	want := []string{`{"ok":true,"received":2,"written":1}`, `{"ok":true,"received":2,"written":1}`, `{"ok":true,"received":1,"written":0}`}
	for i, rows := range [][]object{{shRow("a"), shRow("a")}, {test, shRow("a")}, {shRow("b")}} {
		if got := shSend(t, h, shRequest("POST", sandbox.SheetsPath, shBody(t, rows...))); got.Words != want[i] {
			t.Errorf("request %d: %s, want %s", i, got.Words, want[i])
		}
	}
	if rows, tests, again := len(s.Sheets.Events()), len(s.Sheets.TestEvents()), len(s.Sheets.Duplicates()); rows != 1 || tests != 1 || again != 3 {
		t.Errorf("%d rows, %d test rows, %d duplicates; want 1, 1, 3", rows, tests, again)
	}
	steps := []struct{ method, url, body, answer string }{
		{"POST", "/_sandbox/sheets/fail", `{"mode":"too_many","requests":1}`, `[{"mode":"too_many","requests":1}]`},
		{"POST", "/_sandbox/sheets/fail", `{"mode":"nonsense"}`, `unknown failure mode`},
		{"GET", "/_sandbox/sheets/fail", "", `[{"mode":"too_many","requests":1}]`},
		{"DELETE", "/_sandbox/sheets/fail", "", `[]`},
		{"GET", "/_sandbox/sheets/events", "", `"test_events":[{`},
		{"GET", "/_sandbox/sheets/requests", "", `"secret\":\"***\"`},
		{"GET", "/_sandbox/", "", sandbox.SheetsPath},
		{"POST", "/_sandbox/reset", "", ""},
		{"GET", "/_sandbox/sheets/requests", "", `[]`},
	}
	for _, step := range steps {
		if got := call(h, step.method, step.url, step.body).Body.String(); !strings.Contains(got, step.answer) {
			t.Errorf("%s %s: %s, want %s", step.method, step.url, got, step.answer)
		}
	}
}

// shSeen is what a client that follows the redirect makes of an answer.
type shSeen struct {
	HTTP    int
	Says    string // part of the text
	Header  string // Retry-After
	Problem string
	Kept    []string
}

func TestSheetsFailuresAreObservable(t *testing.T) {
	both := []string{"a", "b"}
	tests := map[string]struct {
		failure sandbox.Failure
		want    shSeen
	}{
		"refuse":             {sandbox.Failure{Mode: sandbox.ModeRefuse}, shSeen{Problem: "reset"}},
		"hang":               {sandbox.Failure{Mode: sandbox.ModeHang}, shSeen{Problem: "timeout"}},
		"reset after":        {sandbox.Failure{Mode: sandbox.ModeResetAfter}, shSeen{Problem: "reset", Kept: both}},
		"server error":       {sandbox.Failure{Mode: sandbox.ModeServerError, Status: 503}, shSeen{HTTP: 503, Says: "a server error"}},
		"server error alone": {sandbox.Failure{Mode: sandbox.ModeServerError}, shSeen{HTTP: 500, Says: "a server error"}},
		"HTML":               {sandbox.Failure{Mode: sandbox.ModeHTML}, shSeen{HTTP: 502, Says: "Bad Gateway"}},
		"Retry-After":        {sandbox.Failure{Mode: sandbox.ModeRetryAfter, WaitSeconds: 17}, shSeen{HTTP: 429, Header: "17"}},
		"Retry-After date":   {sandbox.Failure{Mode: sandbox.ModeRetryAfterDate, WaitSeconds: 90}, shSeen{HTTP: 429, Header: "Fri, 20 Nov 2026 12:01:30 GMT"}},
		"Retry-After junk":   {sandbox.Failure{Mode: sandbox.ModeRetryAfterJunk}, shSeen{HTTP: 429, Header: "soon, -1; NaN"}},
		"too many":           {sandbox.Failure{Mode: sandbox.ModeTooMany}, shSeen{HTTP: 429}},
		"scripts at once":    {sandbox.Failure{Mode: sandbox.ModeThrottleApp}, shSeen{HTTP: 200, Says: "too many scripts running simultaneously"}},
		"quota of a day":     {sandbox.Failure{Mode: sandbox.ModeThrottleUser}, shSeen{HTTP: 200, Says: "Service invoked too many times"}},
		"busy":               {sandbox.Failure{Mode: sandbox.ModeThrottleCase}, shSeen{HTTP: 200, Says: `"error":"busy"`}},
		"unauthorized":       {sandbox.Failure{Mode: sandbox.ModeUnauthorized}, shSeen{HTTP: 200, Says: `"error":"bad_secret"`}},
		"misconfigured":      {sandbox.Failure{Mode: sandbox.ModeMisconfigured}, shSeen{HTTP: 302, Says: "Moved Temporarily"}},
		"poison":             {sandbox.Failure{Mode: sandbox.ModePoison, EventIDs: []string{"b"}}, shSeen{HTTP: 200, Says: "rows.1: the row is refused"}},
		"exception":          {sandbox.Failure{Mode: sandbox.ModeErrorInOK}, shSeen{HTTP: 200, Says: "TypeError"}},
		"truncated":          {sandbox.Failure{Mode: sandbox.ModeTruncated}, shSeen{HTTP: 200, Problem: "truncated", Kept: both}},
		"huge":               {sandbox.Failure{Mode: sandbox.ModeHuge}, shSeen{HTTP: 200, Problem: "too large", Kept: both}},
		"gzip bomb":          {sandbox.Failure{Mode: sandbox.ModeGzipBomb}, shSeen{HTTP: 200, Problem: "too large", Kept: both}},
		"wrong count":        {sandbox.Failure{Mode: sandbox.ModeWrongCount}, shSeen{HTTP: 200, Says: `"received":1`, Kept: []string{"a"}}},
		"slow":               {sandbox.Failure{Mode: sandbox.ModeSlow, LatencyMS: []int{1}}, shSeen{HTTP: 200, Says: `"received":2`, Kept: both}},
	}
	tested := map[sandbox.Mode]bool{}
	for name, tt := range tests {
		tested[tt.failure.Mode] = true
		t.Run(name, func(t *testing.T) {
			s := sandbox.NewSheets(atNoon, sandbox.SheetsConfig{})
			server := httptest.NewServer(s)
			defer server.Close()
			if err := s.Fail(tt.failure); err != nil {
				t.Fatal(err)
			}
			got := shExchange(t, server, tt.failure.Mode == sandbox.ModeHang)
			if tt.want.Says == "" || strings.Contains(got.Says, tt.want.Says) {
				got.Says = tt.want.Says
			}
			for _, e := range s.Events() {
				got.Kept = append(got.Kept, e.EventID)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("seen (-want +got):\n%s", diff)
			}
		})
	}
	for _, mode := range sandbox.Modes() {
		if !tested[mode] {
			t.Errorf("mode %s is not tested", mode)
		}
	}
}

// A failure that spoils an answer does not make a bad request a good one.
func TestSheetsSpoilsNoRefusal(t *testing.T) {
	s := sandbox.NewSheets(atNoon, sandbox.SheetsConfig{})
	if err := s.Fail(sandbox.Failure{Mode: sandbox.ModeTruncated, Requests: 1}); err != nil {
		t.Fatal(err)
	}
	got := shSend(t, s, shRequest("POST", sandbox.SheetsPath, shBody(t, object{"id": "1"})))
	if !strings.Contains(got.Words, "bad_request") || len(s.Events()) != 0 || len(s.Failures()) != 0 {
		t.Errorf("%+v, %d rows, failures %v", got, len(s.Events()), s.Failures())
	}
}

// shExchange sends two rows, a and b, follows the stand-in's own redirects, and
// reads at most 1 MiB of the answer.
func shExchange(t *testing.T, server *httptest.Server, impatient bool) shSeen {
	t.Helper()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+sandbox.SheetsPath, strings.NewReader(shBody(t, shRow("a"), shRow("b"))))
	if err != nil {
		t.Fatal(err)
	}
	r.GetBody = nil // no silent second try
	r.Header.Set("Content-Type", "application/json")
	client := &http.Client{Transport: transport, CheckRedirect: func(next *http.Request, _ []*http.Request) error {
		next.Header.Del("Referer")
		if "http://"+next.URL.Host != server.URL {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	if impatient {
		client.Timeout = 200 * time.Millisecond
	}
	resp, err := client.Do(r)
	if err != nil {
		return shSeen{Problem: problem(err)}
	}
	defer func() {
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
	}()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	got := shSeen{HTTP: resp.StatusCode, Header: resp.Header.Get("Retry-After"), Says: string(text)}
	switch {
	case err != nil:
		got.Problem, got.Says = problem(err), ""
	case len(text) == 1<<20:
		got.Problem, got.Says = "too large", ""
	}
	return got
}

func FuzzSheets(f *testing.F) {
	f.Add(`{"secret":"` + sandbox.SheetsSecret + `","rows":[{"id":"1","kind":"conversion","event_time":"2026-11-20T11:00:00Z"}]}`)
	f.Add(`{"secret":"x","rows":[null]}`)
	f.Add(`[[[`)
	f.Fuzz(func(t *testing.T, body string) {
		s := sandbox.NewSheets(atNoon, sandbox.SheetsConfig{})
		got := shSend(t, s, shRequest("POST", sandbox.SheetsPath, body))
		ok := strings.HasPrefix(got.Words, `{"ok":true,`)
		if rows := len(s.Events()) + len(s.TestEvents()); ok != (rows > 0) || got.HTTP != 302 {
			t.Errorf("%+v, and %d rows", got, rows)
		}
		for _, e := range append(s.Events(), s.TestEvents()...) {
			if e.EventID == "" || e.EventTime == 0 && !strings.Contains(body, "1970") {
				t.Errorf("wrote %+v", e)
			}
		}
	})
}
