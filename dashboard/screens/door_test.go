package screens

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"subfive"
)

const rightPassword = "correct horse battery"

// desk is Screens with their own door, and browsers that come to it.
type desk struct {
	t      *testing.T
	people *people
	api    *api
	clock  time.Time
	log    strings.Builder
	s      *Screens
}

// newDesk has mara, whose password is rightPassword.
func newDesk(t *testing.T) *desk {
	d := &desk{t: t, people: newPeople(mara), api: &api{t: t, answers: map[string]string{"GET /audit": `{"items":[]}`, "PUT /session": `{}`}}, clock: now}
	hash, err := cheap().Hash(t.Context(), rightPassword)
	if err != nil {
		t.Fatal(err)
	}
	d.people.passwords[mara.ID] = hash
	d.s = New(Config{
		API: d.api, Accounts: d.people.asked, Passwords: cheap(), NewID: func() string { return "us_new" }, Client: client, Currency: "EUR",
		Log: slog.New(slog.NewTextHandler(&d.log, nil)), Now: func() time.Time { return d.clock }, Zone: time.UTC,
	})
	return d
}

// browse is one browser: it keeps its cookies.
type browse struct {
	*desk
	cookies map[string]string
	header  http.Header
}

func (d *desk) browser() *browse {
	return &browse{desk: d, cookies: map[string]string{}, header: http.Header{"User-Agent": {"Mozilla/5.0 (X11; Linux x86_64) Firefox/150.0"}}}
}

func (b *browse) do(method, path string, form url.Values) *httptest.ResponseRecorder {
	b.t.Helper()
	r := httptest.NewRequestWithContext(b.t.Context(), method, path, strings.NewReader(form.Encode()))
	for name, values := range b.header {
		r.Header[name] = values
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	b.s.Handler().ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	return w
}

func (b *browse) get(path string) *httptest.ResponseRecorder {
	b.t.Helper()
	return b.do(http.MethodGet, path, nil)
}

func (b *browse) post(path string, pairs ...string) *httptest.ResponseRecorder {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return b.do(http.MethodPost, path, form)
}

// wants demands a status, and what the page says, or where it leads.
func wants(t *testing.T, what string, w *httptest.ResponseRecorder, status int, says string) {
	t.Helper()
	got := w.Body.String()
	if status == http.StatusSeeOther {
		got = w.Header().Get("Location")
		if got != says {
			t.Errorf("%s: it leads to %q, want %q", what, got, says)
		}
	}
	if w.Code != status || !strings.Contains(got, says) {
		t.Errorf("%s: %d %s; want %d with %q", what, w.Code, got, status, says)
	}
}

func (b *browse) signIn() {
	b.t.Helper()
	wants(b.t, "sign in", b.post("/admin/login", "name", "Mara", "password", rightPassword), http.StatusSeeOther, "/admin/")
}

func (b *browse) isIn(want bool) {
	b.t.Helper()
	if w := b.get("/admin/audit"); (w.Code == http.StatusOK) != want {
		b.t.Errorf("in: %t, want %t: %d", !want, want, w.Code)
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.browser()
	wants(t, "a stranger", b.get("/admin/audit?cursor=a"), http.StatusSeeOther, "/admin/login?next=%2Fadmin%2Faudit%3Fcursor%3Da")
	wants(t, "the form", b.get("/admin/login?next=%2Fadmin%2Faudit%3Fcursor%3Da"), http.StatusOK, `value="/admin/audit?cursor=a"`)
	for name, form := range map[string][]string{
		"wrong password": {"name", "mara", "password", "correct horse"},
		"wrong name":     {"name", "nobody", "password", rightPassword},
		"a long one":     {"name", "mara", "password", strings.Repeat(rightPassword, 500)},
		"a NUL":          {"name", "mara\x00", "password", rightPassword},
	} {
		wants(t, name, b.post("/admin/login", form...), http.StatusUnauthorized, "The name or the password is not right.")
	}
	wants(t, "nothing", b.post("/admin/login", "name", "mara"), http.StatusUnprocessableEntity, "Type your name and your password.")
	b.isIn(false)
	wants(t, "right", b.post("/admin/login", "name", " MARA ", "password", rightPassword, "next", "/admin/audit?cursor=a"), http.StatusSeeOther, "/admin/audit?cursor=a")
	b.isIn(true)
	wants(t, "signed in already", b.get("/admin/login?next=/admin/users"), http.StatusSeeOther, "/admin/users")
	wants(t, "sign out", b.post("/admin/logout"), http.StatusSeeOther, "/admin/login")
	b.isIn(false)
	if len(d.people.sessions) != 0 || len(b.cookies) != 0 {
		t.Errorf("left: %v, %v", d.people.sessions, b.cookies)
	}
	if strings.Contains(d.log.String(), "correct") {
		t.Errorf("a password is in the log: %s", d.log.String())
	}
}

// Who signs in goes to a page of ours, whatever the address says.
func TestNextIsOurs(t *testing.T) {
	t.Parallel()
	for next, want := range map[string]string{
		"/admin/users?a=b": "/admin/users?a=b", "/admin": "/admin",
		"": "/admin/", "https://evil.example/": "/admin/", "//evil.example/admin/": "/admin/", `/\evil.example`: "/admin/", `/admin/\evil.example`: "/admin/",
		"javascript:alert(1)": "/admin/", "/api/v1/users": "/admin/", "/administrator": "/admin/", "/admin/login?next=x": "/admin/", "/admin/\tx": "/admin/",
		"https:evil.example": "/admin/", "/admin/logout": "/admin/", "http:///admin/": "/admin/",
	} {
		d := newDesk(t)
		wants(t, next, d.browser().post("/admin/login", "name", "mara", "password", rightPassword, "next", next), http.StatusSeeOther, want)
	}
}

// Cookies are the browser's alone, and where it speaks TLS, this host's.
func TestCookies(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		proto, cookie, path string
		secure              bool
	}{
		"plain":                     {"", "subfive_session", "/admin", false},
		"TLS, by a trusted proxy":   {"https", "__Host-subfive_session", "/", true},
		"plain, says the proxy too": {"http", "subfive_session", "/admin", false},
	} {
		d := newDesk(t)
		b := d.browser()
		b.header.Set("X-Forwarded-Proto", tt.proto)
		w := b.post("/admin/login", "name", "mara", "password", rightPassword)
		cookies := w.Result().Cookies()
		if len(cookies) != 1 {
			t.Fatalf("%s: cookies %v", name, cookies)
		}
		c := cookies[0]
		if c.Name != tt.cookie || c.Path != tt.path || c.Secure != tt.secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Domain != "" || c.MaxAge < 13*24*3600 {
			t.Errorf("%s: %s", name, w.Header().Get("Set-Cookie"))
		}
		b.isIn(true)
		if len(d.people.sessions) != 1 || d.people.sessions[c.Value].Hash != "" || d.people.sessions[subfive.SecretHash(c.Value)].UserID != mara.ID {
			t.Errorf("%s: the cookie itself is kept: %v", name, d.people.sessions)
		}
	}
}

// A session that somebody planted in the browser is not the one signed in to.
func TestSessionFixation(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b, thief := d.browser(), d.browser()
	b.cookies["subfive_session"], thief.cookies["subfive_session"] = "planted", "planted"
	b.signIn()
	if b.cookies["subfive_session"] == "planted" {
		t.Error("the planted session is signed in to")
	}
	thief.isIn(false)
	first := b.cookies["subfive_session"]
	b.signIn()
	if second := b.cookies["subfive_session"]; second == first {
		t.Error("the session's name stayed the same")
	}
	thief.cookies["subfive_session"] = first
	thief.isIn(false)
	b.isIn(true)
}

func TestThrottle(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.browser()
	for range triesOfName {
		wants(t, "wrong", b.post("/admin/login", "name", "mara", "password", "guess"), http.StatusUnauthorized, "not right")
	}
	w := b.post("/admin/login", "name", "mara", "password", rightPassword)
	wants(t, "too often", w, http.StatusTooManyRequests, "Wait 15 seconds")
	if w.Header().Get("Retry-After") != "15" {
		t.Errorf("Retry-After %q", w.Header().Get("Retry-After"))
	}
	d.clock = d.clock.Add(16 * time.Second)
	b.signIn()
	for range 3 * triesOfName { // each that succeeds makes room
		b.signIn()
	}
	other := d.browser()
	other.header.Set("X-Forwarded-For", "198.51.100.9")
	refused := 0
	for i := range triesOfAddress + 5 { // names are tried one after another
		if w := other.post("/admin/login", "name", fmt.Sprint("user", i), "password", "guess"); w.Code == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused != 5 {
		t.Errorf("of one address %d tries are refused", refused)
	}
}

func TestThrottleForgets(t *testing.T) {
	t.Parallel()
	th := newThrottle()
	for i := range maxThrottled {
		th.try(fmt.Sprint(i), fmt.Sprint(i), now)
	}
	if len(th.kept) > maxThrottled {
		t.Errorf("%d are kept", len(th.kept))
	}
	th.try("late", "late", now.Add(time.Hour))
	if len(th.kept) > 2 {
		t.Errorf("%d are kept after an hour", len(th.kept))
	}
}

// Who was archived, or whose password was changed, is out at once.
func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.browser()
	b.signIn()
	u := d.people.users[mara.ID]
	u.ArchivedAt = now
	d.people.users[mara.ID] = u
	b.isIn(false)
	wants(t, "archived", b.post("/admin/login", "name", "mara", "password", rightPassword), http.StatusUnauthorized, "not right")
	u.ArchivedAt = time.Time{}
	d.people.users[mara.ID] = u
	b.isIn(false) // it is not begun anew
	b.signIn()
	u.SessionsFrom = now.Add(time.Minute) // the command line changed his password
	d.people.users[mara.ID] = u
	b.isIn(false)
	u.SessionsFrom = time.Time{}
	d.people.users[mara.ID] = u
	b.signIn()
	d.clock = d.clock.Add(sessionLife)
	b.isIn(false)
}

func TestSessionIsSeen(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.browser()
	b.signIn()
	seen := func() time.Time { return d.people.sessions[subfive.SecretHash(b.cookies["subfive_session"])].SeenAt }
	d.clock = now.Add(4 * time.Minute)
	b.isIn(true)
	if !seen().Equal(now) {
		t.Errorf("seen %v", seen())
	}
	d.clock = now.Add(5 * time.Minute)
	b.isIn(true)
	if !seen().Equal(d.clock) {
		t.Errorf("seen %v", seen())
	}
}

// While the database does not answer, the page says so, and no secret of it.
func TestNobodyComesInWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.browser()
	b.signIn()
	d.people.fall()
	for what, w := range map[string]*httptest.ResponseRecorder{
		"a page": b.get("/admin/audit"), "the form": b.get("/admin/login"), "sign in": b.post("/admin/login", "name", "mara", "password", rightPassword),
		"a link": b.get("/admin/welcome?key=x"), "the account": b.get("/admin/account"),
	} {
		wants(t, what, w, http.StatusServiceUnavailable, "database")
		if strings.Contains(w.Body.String(), "10.0.0.1") {
			t.Errorf("%s tells where it is", what)
		}
	}
	if !strings.Contains(d.log.String(), "connection refused") {
		t.Error("the log does not say why")
	}
}

func TestWelcome(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	delete(d.people.passwords, mara.ID)
	b := d.browser()
	wants(t, "nobody yet", b.get("/admin/login"), http.StatusOK, "subfive users link")
	d.people.offer("k", subfive.LinkFirst, "")
	wants(t, "no key", b.get("/admin/welcome"), http.StatusGone, "This link works no more")
	for range 2 { // to look uses nothing up
		wants(t, "the form", b.get("/admin/welcome?key=k"), http.StatusOK, `value="EUR"`)
	}
	right := []string{"key", "k", "name", "Ann", "password", rightPassword, "again", rightPassword, "zone", "Europe/Berlin"}
	for name, tt := range map[string]struct{ field, value, says string }{
		"short":     {"password", "short", "has 5 characters: take 12"},
		"differ":    {"again", rightPassword + "x", "The two passwords differ"},
		"no name":   {"name", "a b", "none to sign in with"},
		"no zone":   {"zone", "Mars/Olympus", "is not a time zone"},
		"our zone":  {"zone", "Local", "is not a time zone"},
		"the name":  {"password", "ann-ann-ann-2026", "little more than the name"},
		"an attack": {"name", `"><script>alert(1)</script>`, "&#34;&gt;&lt;script&gt;"},
	} {
		form := append([]string{}, right...)
		for i := 0; i < len(form); i += 2 {
			if form[i] == tt.field {
				form[i+1] = tt.value
			}
		}
		w := b.post("/admin/welcome", form...)
		wants(t, name, w, http.StatusUnprocessableEntity, tt.says)
		if strings.Contains(w.Body.String(), rightPassword) {
			t.Errorf("%s: the password is sent back", name)
		}
	}
	wants(t, "right", b.post("/admin/welcome", right...), http.StatusSeeOther, "/admin/setup")
	b.isIn(true)
	ann := d.people.users["us_new"]
	if ann.Name != "ann" || ann.Role != subfive.RoleOwner || ann.Zone != "Europe/Berlin" {
		t.Errorf("the first owner is %+v", ann)
	}
	wants(t, "used", d.browser().post("/admin/welcome", right...), http.StatusGone, "This link works no more")
	wants(t, "her password", d.browser().post("/admin/login", "name", "ann", "password", rightPassword), http.StatusSeeOther, "/admin/")
}

func TestLinks(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.browser()
	d.people.offer("p", subfive.LinkPassword, mara.ID)
	wants(t, "whose", b.get("/admin/welcome?key=p"), http.StatusOK, "Set your password, mara")
	wants(t, "another's name", b.post("/admin/welcome", "key", "p", "name", "eve", "password", "another horse battery", "again", "another horse battery"), http.StatusSeeOther, "/admin/")
	b.isIn(true)
	if len(d.people.users) != 1 {
		t.Errorf("users %v", d.people.users)
	}
	wants(t, "the old password", d.browser().post("/admin/login", "name", "mara", "password", rightPassword), http.StatusUnauthorized, "not right")

	demo := d.browser()
	d.people.offer("s", subfive.LinkSignIn, mara.ID)
	wants(t, "sign in", demo.get("/admin/welcome?key=s"), http.StatusOK, "Sign in as mara")
	demo.isIn(false)
	wants(t, "signed in", demo.post("/admin/welcome", "key", "s"), http.StatusSeeOther, "/admin/")
	demo.isIn(true)
	wants(t, "once", d.browser().post("/admin/welcome", "key", "s"), http.StatusGone, "works no more")

	d.people.offer("late", subfive.LinkSignIn, mara.ID)
	d.clock = now.Add(subfive.LinkLife)
	wants(t, "expired", d.browser().post("/admin/welcome", "key", "late"), http.StatusGone, "works no more")
}

func TestAccount(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	here, there := d.browser(), d.browser()
	there.header.Set("User-Agent", "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0) Version/19.0 Safari/604.1")
	here.signIn()
	there.signIn()
	w := here.get("/admin/account")
	for _, says := range []string{"Firefox on Linux <b>(this one)</b>", "Safari on iPhone", "Sign out everywhere else"} {
		wants(t, "account", w, http.StatusOK, says)
	}
	wants(t, "zone", here.post("/admin/account", "zone", "Europe/Berlin", "theme", "dark"), http.StatusSeeOther, "/admin/account")
	if last := d.api.calls[len(d.api.calls)-1]; last != `PUT /session {"zone":"Europe/Berlin","theme":"dark"}` {
		t.Errorf("called %s", last)
	}
	wants(t, "wrong", here.post("/admin/account/password", "old", "guess", "password", "another horse battery", "again", "another horse battery"), http.StatusUnprocessableEntity, "not your present password")
	wants(t, "short", here.post("/admin/account/password", "old", rightPassword, "password", "x", "again", "x"), http.StatusUnprocessableEntity, "has 1 characters")
	wants(t, "differ", here.post("/admin/account/password", "old", rightPassword, "password", "another horse battery", "again", "x"), http.StatusUnprocessableEntity, "The two passwords differ")
	there.isIn(true)
	before := here.cookies["subfive_session"]
	wants(t, "changed", here.post("/admin/account/password", "old", rightPassword, "password", "another horse battery", "again", "another horse battery"), http.StatusSeeOther, "/admin/account")
	here.isIn(true)
	there.isIn(false)
	if here.cookies["subfive_session"] == before {
		t.Error("the session's name stayed the same")
	}
	wants(t, "the new one", there.post("/admin/login", "name", "mara", "password", "another horse battery"), http.StatusSeeOther, "/admin/")
	hash := subfive.SecretHash(there.cookies["subfive_session"])
	d.people.sessions["other's"] = subfive.UserSession{Hash: "other's", UserID: "us_bob", ExpiresAt: now.Add(time.Hour)}
	wants(t, "another's", here.post("/admin/account/sessions/other%27s/end"), http.StatusSeeOther, "/admin/account")
	if _, still := d.people.sessions["other's"]; !still {
		t.Error("another's session was ended")
	}
	wants(t, "end", here.post("/admin/account/sessions/"+hash+"/end"), http.StatusSeeOther, "/admin/account")
	there.isIn(false)
	there.post("/admin/login", "name", "mara", "password", "another horse battery")
	wants(t, "end all others", here.post("/admin/account/sessions/end"), http.StatusSeeOther, "/admin/account")
	there.isIn(false)
	here.isIn(true)
}

func TestBrowserName(t *testing.T) {
	t.Parallel()
	for agent, want := range map[string]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0 Safari/537.36 Edg/150.0": "Edge on Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Safari/605.1.15": "Safari on macOS",
		"Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0 Mobile Safari/537.36":              "Chrome on Android",
		"Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0":                                                "Firefox on Linux",
		"curl/8.1": "Another program", "": "Another program", "Linux": "A browser on Linux", "Firefox/1": "Firefox",
	} {
		if got := browserName(agent); got != want {
			t.Errorf("%q: %q, want %q", agent, got, want)
		}
	}
}

func TestClip(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{"abc": "abc", "abcdef": "abcd", "abc€": "abc", "a€": "a€", "\xff\x00a": "?a", "": ""} {
		if got := clip(given, 4); got != want {
			t.Errorf("%q: %q, want %q", given, got, want)
		}
	}
}

// What is refused of a form is said at it; what was made is shown once.
func TestUsersAndTokens(t *testing.T) {
	t.Parallel()
	const bob = `{"user_id":"us_bob","name":"bob","role":"buyer","created_at":"2026-11-24T08:00:00Z"}`
	a := &api{answers: map[string]string{
		"GET /users": `{"items":[` + bob + `]}`, "POST /users": bob, "POST /users/us_bob/link": `{"url":"https://trk.example/admin/welcome?key=abc","expires_at":"2026-11-24T09:30:00Z","user":` + bob + `}`,
		"PATCH /users/us_bob": bob, "DELETE /users/us_bob": bob,
		"GET /tokens": `{"items":[]}`, "POST /tokens": `{"token":{"token_id":"tk_1","name":"nightly"},"secret":"sf_secret"}`, "DELETE /tokens/tk_1": `{"name":"nightly"}`,
	}}
	s := newScreens(t, a, mara)
	wants(t, "add", submit(t, s, "/admin/users", "name=bob&role=buyer"), http.StatusOK, "https://trk.example/admin/welcome?key=abc")
	wants(t, "link", submit(t, s, "/admin/users/us_bob/link", ""), http.StatusOK, "Give this link to bob.")
	wants(t, "role", submit(t, s, "/admin/users/us_bob/role", "role=analyst"), http.StatusSeeOther, "/admin/users")
	wants(t, "archive", submit(t, s, "/admin/users/us_bob/archive", ""), http.StatusSeeOther, "/admin/users")
	wants(t, "token", submit(t, s, "/admin/users/tokens", "name=nightly&scope=read"), http.StatusOK, "sf_secret")
	wants(t, "revoke", submit(t, s, "/admin/users/tokens/tk_1/revoke", ""), http.StatusSeeOther, "/admin/users/tokens")
	calls := strings.Join(a.calls, "\n")
	for _, call := range []string{`POST /users {"name":"bob","role":"buyer"}`, `POST /users/us_bob/link {}`, `PATCH /users/us_bob {"role":"analyst"}`, `DELETE /users/us_bob`, `POST /tokens {"name":"nightly","scope":"read"}`, `DELETE /tokens/tk_1`} {
		if !strings.Contains(calls, call) {
			t.Errorf("no call %s in\n%s", call, calls)
		}
	}
	a.answers["POST /users"] = `409 {"error":{"what":"user bob: the name is taken","do":"take another name"}}`
	a.answers["POST /tokens"] = `409 {"error":{"what":"token nightly: the name is taken","do":"take another name"}}`
	a.answers["PATCH /users/us_bob"] = `409 {"error":{"what":"nobody else is an owner with a password","do":"make somebody else an owner first"}}`
	wants(t, "taken", submit(t, s, "/admin/users", "name=bob&role=owner"), http.StatusUnprocessableEntity, "User bob: the name is taken: take another name.")
	wants(t, "token taken", submit(t, s, "/admin/users/tokens", "name=nightly&scope=owner"), http.StatusUnprocessableEntity, "Token nightly: the name is taken")
	w := submit(t, s, "/admin/users/us_bob/role", "role=analyst&back=%2Fadmin%2Fusers")
	wants(t, "the last owner", w, http.StatusSeeOther, "/admin/users")
	if len(w.Result().Cookies()) != 1 {
		t.Error("nothing is said of it")
	}
}
