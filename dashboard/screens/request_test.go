package screens

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

// A form that was sent is answered by the page it came from, which says what was
// done; a refusal is said there, too.
func TestAct(t *testing.T) {
	for name, tt := range map[string]struct {
		answer, back, to, says string
	}{
		"done":             {`{"subject":"offer/dream"}`, "/admin/audit?cursor=a", "/admin/audit?cursor=a", "Put back as it was: offer/dream"},
		"refused":          {`409 {"error":{"what":"it changed since","do":"look at it again"}}`, "/admin/audit", "/admin/audit", "it changed since: look at it again"},
		"back is not ours": {`{"subject":"offer/dream"}`, "//evil.example/admin/", "/admin/", "Put back"},
		"nor is this":      {`{"subject":"offer/dream"}`, `/admin/\evil.example`, "/admin/", "Put back"},
	} {
		t.Run(name, func(t *testing.T) {
			a := &api{answers: map[string]string{"POST /audit/au_1/undo": tt.answer, "GET /audit": `{"items":[]}`}}
			s := newScreens(t, a, mara)
			w := submit(t, s, "/admin/audit/au_1/undo", "back="+strings.NewReplacer("?", "%3F", "=", "%3D", `\`, "%5C").Replace(tt.back))
			if w.Code != http.StatusSeeOther || w.Header().Get("Location") != tt.to {
				t.Fatalf("%d to %q, want %q", w.Code, w.Header().Get("Location"), tt.to)
			}
			if diff := cmp.Diff([]string{"POST /audit/au_1/undo {}"}, a.calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/admin/audit", nil)
			for _, c := range w.Result().Cookies() {
				r.AddCookie(c)
			}
			page := httptest.NewRecorder()
			s.Handler().ServeHTTP(page, r)
			if !strings.Contains(page.Body.String(), tt.says) {
				t.Errorf("the page does not say %q", tt.says)
			}
			if c := page.Result().Cookies(); len(c) != 1 || c[0].MaxAge >= 0 {
				t.Errorf("it would be said again: %v", c)
			}
		})
	}
}

// Forms of other sites do nothing; who is not signed in signs in first.
func TestStrangers(t *testing.T) {
	a := &api{answers: map[string]string{"POST /audit/au_1/undo": `{}`}}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/admin/audit/au_1/undo", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	newScreens(t, a, mara).Handler().ServeHTTP(w, r)
	if w.Code != http.StatusForbidden || len(a.calls) > 0 {
		t.Errorf("from another site: %d, %v", w.Code, a.calls)
	}
	nobody := newScreens(t, a, subfive.User{})
	if w := open(t, nobody, "/admin/audit?cursor=a"); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/admin/login?next=%2Fadmin%2Faudit%3Fcursor%3Da" {
		t.Errorf("a stranger gets %d, %v", w.Code, w.Header())
	}
	if w := submit(t, nobody, "/admin/audit/au_1/undo", ""); w.Code != http.StatusSeeOther || len(a.calls) > 0 {
		t.Errorf("a stranger's form: %d, %v", w.Code, a.calls)
	}
}

// Every answer keeps others out of the page, and the page in its place.
func TestHeaders(t *testing.T) {
	w := open(t, newScreens(t, &api{}, mara), "/admin/nowhere")
	for name, want := range map[string]string{
		"Content-Security-Policy": policy, "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Error("the policy has an unsafe source")
	}
}

// endless is a form that does not end for long, and how much of it was read.
type endless struct {
	head io.Reader
	read int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.read > 3*maxForm {
		return 0, io.EOF
	}
	n, err := e.head.Read(p)
	if err != nil {
		n = len(p)
	}
	e.read += n
	return n, nil
}

// A form that does not end fills neither memory nor disk, not even that of who is
// not signed in.
func TestEndlessForm(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/admin/login", "/admin/costs/rates", "/admin/costs/preview"} {
		body := &endless{head: strings.NewReader("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n")}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, body)
		r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
		newScreens(t, &api{answers: map[string]string{"GET /sources": `{"items":[]}`}}, mara).Handler().ServeHTTP(httptest.NewRecorder(), r)
		if body.read < maxForm || body.read > maxForm+1<<20 {
			t.Errorf("%s: %d bytes were read, and %d are the most", path, body.read, maxForm)
		}
	}
}
