package sandbox_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive/sandbox"
)

// call makes a request to the whole sandbox.
func call(h http.Handler, method, url, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request(method, url, body))
	return w
}

func TestIndexNamesEverything(t *testing.T) {
	s := sandbox.New(atNoon, sandbox.MetaConfig{})
	w := call(s.Handler(), "GET", "/_sandbox/", "")
	if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
		t.Fatalf("%d %s", w.Code, w.Header().Get("Content-Type"))
	}
	words := []string{metaURL, sandbox.MetaToken, "/hook", "/_sandbox/meta/fail", "/_sandbox/meta/events", "/_sandbox/meta/requests", "/_sandbox/hook/answer", "/_sandbox/reset"}
	for _, mode := range sandbox.Modes() {
		words = append(words, "  "+string(mode)+" ")
	}
	for _, word := range words {
		if !strings.Contains(w.Body.String(), word) {
			t.Errorf("the index does not name %q", word)
		}
	}
	if got := call(s.Handler(), "GET", "/_sandbox/nothing", "").Code; got != 404 {
		t.Errorf("unknown page: %d", got)
	}
}

func TestControl(t *testing.T) {
	s := sandbox.New(atNoon, sandbox.MetaConfig{})
	h := s.Handler()
	event := batch(t, purchase("1"))
	steps := []struct {
		method, url, body string
		status            int
		answer            string // what it contains
	}{
		{"POST", "/_sandbox/meta/fail", `{"mode":"too_many","requests":1}`, 200, `[{"mode":"too_many","requests":1}]`},
		{"GET", "/_sandbox/meta/fail", "", 200, `[{"mode":"too_many","requests":1}]`},
		{"POST", metaURL, event, 429, `"code":613`},
		{"GET", "/_sandbox/meta/fail", "", 200, `[]`},
		{"POST", metaURL, event, 200, `"events_received":1`},
		{"POST", metaURL, event, 200, `"events_received":1`},
		{"GET", "/_sandbox/meta/events", "", 200, `"duplicates":[{`},
		{"GET", "/_sandbox/meta/events", "", 200, `"event_id":"1"`},
		{"GET", "/_sandbox/meta/events", "", 200, `"test_events":[]`},
		{"GET", "/_sandbox/meta/requests", "", 200, `"failure":"too_many","status":429`},
		{"POST", "/_sandbox/meta/fail", `{"mode":"html"}`, 200, `html`},
		{"POST", metaURL, event, 502, `Bad Gateway`},
		{"DELETE", "/_sandbox/meta/fail", "", 200, `[]`},
		{"POST", metaURL, event, 200, `"events_received":1`},
		{"POST", "/_sandbox/meta/fail", `{"mode":"nonsense"}`, 400, `unknown failure mode`},
		{"POST", "/_sandbox/meta/fail", `{"mode":"html","times":3}`, 400, `unknown field "times"`},
		{"POST", "/_sandbox/meta/fail", `{"mode":"html"}{}`, 400, `more than one`},
		{"POST", "/_sandbox/meta/fail", `mode=html`, 400, `read the switch`},
		{"PUT", "/_sandbox/meta/fail", `{"mode":"html"}`, 404, `nothing here`},
		{"GET", "/hook/a?x=1", "", 200, `ok`},
		{"POST", "/_sandbox/hook/answer", `{"status":503,"body":"busy"}`, 200, `busy`},
		{"POST", "/hook", `{"a":1}`, 503, `busy`},
		{"POST", "/_sandbox/hook/answer", `{"status":42}`, 400, `not one of`},
		{"GET", "/_sandbox/hook/requests", "", 200, `"url":"/hook/a?x=1"`},
		{"POST", "/_sandbox/reset", "", 204, ``},
		{"GET", "/_sandbox/meta/events", "", 200, `"events":[]`},
		{"GET", "/_sandbox/hook/requests", "", 200, `[]`},
		{"GET", "/hook", "", 200, `ok`},
		{"GET", "/elsewhere", "", 400, `"code":2500`},
	}
	for i, step := range steps {
		w := call(h, step.method, step.url, step.body)
		if w.Code != step.status || !strings.Contains(w.Body.String(), step.answer) {
			t.Fatalf("step %d, %s %s %s: %d %s; want %d with %s", i+1, step.method, step.url, step.body, w.Code, w.Body, step.status, step.answer)
		}
	}
}

func TestHookRecordsAll(t *testing.T) {
	hook := sandbox.NewHook(atNoon, 2)
	for _, method := range []string{"GET", "POST", "PUT"} {
		call(hook, method, "/hook/x?a=%20b", "body of "+method)
	}
	header := http.Header{"Authorization": {"Bearer " + sandbox.MetaToken}, "Content-Type": {"application/json"}}
	want := []sandbox.HookRequest{
		{At: noon, Method: "POST", URL: "/hook/x?a=%20b", Header: header, Body: "body of POST"},
		{At: noon, Method: "PUT", URL: "/hook/x?a=%20b", Header: header, Body: "body of PUT"},
	}
	if diff := cmp.Diff(want, hook.Requests()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestHookAnswersWithoutABody(t *testing.T) {
	hook := sandbox.NewHook(atNoon, 0)
	if err := hook.Answer(sandbox.HookAnswer{Status: 204}); err != nil {
		t.Fatal(err)
	}
	if w := call(hook, "POST", "/hook", "x"); w.Code != 204 || w.Body.Len() != 0 {
		t.Errorf("%d %q, want 204 and nothing", w.Code, w.Body)
	}
}

// All that the control surface says is JSON that a script can read.
func TestRecordsAreJSON(t *testing.T) {
	s := sandbox.New(atNoon, sandbox.MetaConfig{})
	call(s.Handler(), "POST", metaURL, "\xff{")
	for _, url := range []string{"/_sandbox/meta/events", "/_sandbox/meta/requests", "/_sandbox/hook/requests", "/_sandbox/meta/fail"} {
		if w := call(s.Handler(), "GET", url, ""); !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s: %s", url, w.Body)
		}
	}
}

// What StandIns lists is there: its path takes events, its switches are switches,
// and the index names both.
func TestStandIns(t *testing.T) {
	h := sandbox.New(atNoon, sandbox.MetaConfig{}).Handler()
	index := call(h, "GET", "/_sandbox/", "").Body.String()
	for _, s := range sandbox.StandIns() {
		if w := call(h, "POST", s.Path, "{}"); w.Code == 404 || strings.Contains(w.Body.String(), `"code":2500`) {
			t.Errorf("%s: POST %s: %d %s", s.Name, s.Path, w.Code, w.Body)
		}
		if w := call(h, "POST", s.Switches+"fail", `{"mode":"html"}`); w.Code != 200 {
			t.Errorf("%s: POST %sfail: %d %s", s.Name, s.Switches, w.Code, w.Body)
		}
		if w := call(h, "GET", s.Switches+"requests", ""); w.Code != 200 {
			t.Errorf("%s: GET %srequests: %d %s", s.Name, s.Switches, w.Code, w.Body)
		}
		if !strings.Contains(index, s.Path) || !strings.Contains(index, s.Switches) {
			t.Errorf("%s: the index does not name %s and %s", s.Name, s.Path, s.Switches)
		}
	}
}
