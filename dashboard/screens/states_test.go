package screens

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"subfive"
)

// state is a page in one state: what the API answers, and what must be seen.
type state struct {
	name    string // page/state
	path    string
	answers map[string]string // by "GET /path?query" or "GET /path"
	who     subfive.User      // mara, if it has no name; nobody is not signed in
	people  func(*people)     // what accounts there are beside; nil: none
	form    string            // is sent to the path, if it is set
	status  int               // 200, if 0
	sees    []string
}

// states are all pages in all their states: nothing yet, no match, error, full,
// and those of their own. Tests draw each, and look at each in a browser.
func states(t testing.TB) []state {
	return slices.Concat(
		frameStates(t),
		nowStates(t),
		doorStates(t),
		accountStates(t),
		usersStates(t),
		auditStates(t),
		storyStates(t),
		reportStates(t),
		logStates(t),
		resourceStates(t),
		costsStates(t),
		reconciliationStates(t),
		alertsStates(t),
		doctorStates(t),
	)
}

// handler answers with the state's page, also where a browser asks for what a
// form was sent to.
func (st state) handler(t testing.TB) http.Handler {
	who, all := st.who, newPeople()
	if who.Name == "" {
		who = mara
	}
	if st.people != nil {
		st.people(all)
	}
	pages := screensOf(t, &api{answers: st.answers}, who, all).Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if st.form != "" && r.Method == http.MethodGet && r.URL.RequestURI() == st.path {
			r = httptest.NewRequestWithContext(r.Context(), http.MethodPost, st.path, strings.NewReader(st.form))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		pages.ServeHTTP(w, r)
	})
}

func frameStates(testing.TB) []state {
	return []state{
		{name: "frame/no-page", path: "/admin/nowhere", status: http.StatusNotFound, sees: []string{"There is no such page"}},
	}
}

func draw(t *testing.T, st state) string {
	t.Helper()
	w := httptest.NewRecorder()
	st.handler(t).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, st.path, nil))
	want := st.status
	if want == 0 {
		want = http.StatusOK
	}
	if w.Code != want {
		t.Fatalf("status %d, want %d: %s", w.Code, want, w.Body)
	}
	return w.Body.String()
}

// Every page is drawn whole in every state: nothing is left of a template,
// elements close, IDs are there once, and a heading says what it is.
func TestStates(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, st := range states(t) {
		if seen[st.name] {
			t.Errorf("two states are called %s", st.name)
		}
		seen[st.name] = true
		t.Run(st.name, func(t *testing.T) {
			t.Parallel()
			body := draw(t, st)
			for _, text := range st.sees {
				if !strings.Contains(body, text) {
					t.Errorf("it does not say %q", text)
				}
			}
			for _, text := range []string{"<no value>", "ZgotmplZ", "%!", "<script>alert", "<nil>"} {
				if strings.Contains(body, text) {
					t.Errorf("it says %q", text)
				}
			}
			checkMarkup(t, body)
		})
	}
}

// checkMarkup finds duplicate IDs, elements that are not closed, and a page
// without a heading.
func checkMarkup(t *testing.T, body string) {
	t.Helper()
	ids, open, headings := map[string]bool{}, []string{}, 0
	void := []string{"meta", "link", "input", "br", "wbr", "img", "hr"}
	z := html.NewTokenizer(strings.NewReader(body))
	for kind := z.Next(); kind != html.ErrorToken; kind = z.Next() {
		token := z.Token()
		switch kind {
		case html.StartTagToken:
			if token.Data == "h1" {
				headings++
			}
			if !slices.Contains(void, token.Data) {
				open = append(open, token.Data)
			}
			for _, a := range token.Attr {
				if a.Key == "id" && ids[a.Val] {
					t.Errorf("two elements have the ID %q", a.Val)
				}
				if a.Key == "id" {
					ids[a.Val] = true
				}
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
					t.Errorf("<%s> has %s, which the policy forbids", token.Data, a.Key)
				}
			}
		case html.EndTagToken:
			if len(open) == 0 || open[len(open)-1] != token.Data {
				t.Fatalf("</%s> closes none of %v", token.Data, open)
			}
			open = open[:len(open)-1]
		case html.ErrorToken, html.TextToken, html.SelfClosingTagToken, html.CommentToken, html.DoctypeToken:
		}
	}
	if len(open) > 0 || headings != 1 {
		t.Errorf("%v stay open; %d headings", open, headings)
	}
}
