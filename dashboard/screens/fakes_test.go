package screens

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"subfive"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	os.Exit(m.Run())
}

var now = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

var mara = subfive.User{ID: "us_mara", Name: "mara", Role: subfive.RoleOwner, Zone: "America/New_York"}

// signed is a door that lets everybody in as one person.
type signed struct{ user subfive.User }

func (s signed) User(*http.Request) (subfive.User, error) {
	if s.user.ID == "" {
		return s.user, subfive.ErrNotFound
	}
	return s.user, nil
}

// api answers each call with what it was given for "GET /audit?limit=50", or for
// "GET /audit", whatever the query; it keeps the calls.
type api struct {
	t       testing.TB
	answers map[string]string
	calls   []string
}

func (a *api) ServeAs(w http.ResponseWriter, r *http.Request, _ subfive.User) {
	path := strings.TrimPrefix(r.URL.RequestURI(), "/api/v1")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		a.t.Error(err)
	}
	a.calls = append(a.calls, strings.TrimSpace(r.Method+" "+path+" "+string(body)))
	bare, _, _ := strings.Cut(path, "?")
	for _, key := range []string{r.Method + " " + path, r.Method + " " + bare} {
		if answer, ok := a.answers[key]; ok {
			status, text := http.StatusOK, answer
			if rest, ok := strings.CutPrefix(answer, "409 "); ok {
				status, text = http.StatusConflict, rest
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
			return
		}
	}
	w.WriteHeader(http.StatusNotFound)
	_, _ = io.WriteString(w, `{"error":{"what":"there is nothing of that ID","do":"check the IDs you sent"}}`)
}

// newScreens makes Screens that ask a.
func newScreens(t testing.TB, a *api, who subfive.User) *Screens {
	t.Helper()
	return screensOf(t, a, who, newPeople(who))
}

func screensOf(t testing.TB, a *api, who subfive.User, all *people) *Screens {
	t.Helper()
	a.t = t
	return New(Config{
		API: a, Accounts: all.asked, Passwords: cheap(), NewID: func() string { return "us_new" }, Client: client, Currency: "USD", Door: signed{who}, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Now: func() time.Time { return now }, Zone: time.UTC,
	})
}

// open gets a page.
func open(t testing.TB, s *Screens, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return w
}

// submit sends a form.
func submit(t testing.TB, s *Screens, path, form string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

// asked is a page's request as its handler gets it.
func (s *Screens) asked(t testing.TB, path string) *request {
	t.Helper()
	c, _ := gin.CreateTestContext(httptest.NewRecorder())
	c.Request = httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	c.Set(userKey, mara)
	return s.request(c)
}
