package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// onlooker is a browser that looks at the screens.
type onlooker struct {
	t      *testing.T
	base   string
	client *http.Client
}

func newOnlooker(t *testing.T, base string) onlooker {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return onlooker{t, base, &http.Client{Jar: jar, Timeout: 20 * time.Second}}
}

// anyStatus: what the page itself comes to is tested elsewhere.
const anyStatus = 0

// sees wants the page that a request leads to, by its path, and what it says.
func (v onlooker) sees(method, address string, form url.Values, status int, path, says string) string {
	v.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = v.base + address
	}
	req, err := http.NewRequest(method, address, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := v.client.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	if status != anyStatus && res.StatusCode != status || res.Request.URL.Path != path || !strings.Contains(string(body), says) {
		v.t.Fatalf("%s %s: %d at %s; want %d at %s with %q; it says\n%s", method, address, res.StatusCode, res.Request.URL.Path, status, path, says, body)
	}
	return string(body)
}

var welcomeLink = regexp.MustCompile(`http://\S+/admin/welcome\?key=[0-9a-z]{26}`)

// From the link that serve prints to a second user who may not do everything.
func TestFirstOwnerAndOthers(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.start()
	defer func() { s.stop() }()
	printed := func() []string {
		t.Helper()
		log, err := os.ReadFile(s.log.Name())
		if err != nil {
			t.Fatal(err)
		}
		return welcomeLink.FindAllString(string(log), -1)
	}
	s.until("the link is printed", 10*time.Second, func() bool { return len(printed()) == 1 })
	base, password := "http://"+s.address, "correct horse battery"
	own := newOnlooker(t, base)
	own.sees("GET", "/admin/users", nil, 200, "/admin/login", "Nobody has set a password yet")
	own.sees("GET", printed()[0], nil, 200, "/admin/welcome", "You are the first owner")
	key, _ := url.Parse(printed()[0])
	entry := url.Values{"key": {key.Query().Get("key")}, "name": {"Ann"}, "password": {password}, "again": {password}, "zone": {"Europe/Berlin"}}
	own.sees("POST", "/admin/welcome", entry, anyStatus, "/admin/setup", "")
	own.sees("GET", "/admin/account", nil, 200, "/admin/account", "You are ann, an owner")
	newOnlooker(t, base).sees("POST", "/admin/welcome", entry, 410, "/admin/welcome", "This link works no more")

	added := own.sees("POST", "/admin/users", url.Values{"name": {"bob"}, "role": {"analyst"}}, 200, "/admin/users", "Give this link to bob.")
	link := welcomeLink.FindString(strings.ReplaceAll(added, "&amp;", "&"))
	bob := newOnlooker(t, base)
	bob.sees("GET", link, nil, 200, "/admin/welcome", "Set your password, bob")
	key, _ = url.Parse(link)
	bob.sees("POST", "/admin/welcome", url.Values{"key": {key.Query().Get("key")}, "password": {password}, "again": {password}}, anyStatus, "/admin/", "")
	bob.sees("GET", "/admin/audit", nil, 200, "/admin/audit", "user bob")
	bob.sees("GET", "/admin/users", nil, 403, "/admin/users", "this needs the role owner, and bob has analyst")
	bob.sees("POST", "/admin/users", url.Values{"name": {"eve"}, "role": {"owner"}}, 403, "/admin/users", "this needs the role owner")
	bob.sees("POST", "/admin/users/tokens", url.Values{"name": {"x"}, "scope": {"owner"}}, 403, "/admin/users/tokens", "this needs the role owner")
	bob.sees("POST", "/admin/account", url.Values{"zone": {"Asia/Tokyo"}, "theme": {"dark"}}, 200, "/admin/account", `data-theme="dark"`)

	made := own.sees("POST", "/admin/users/tokens", url.Values{"name": {"nightly"}, "scope": {"read"}}, 200, "/admin/users/tokens", "Copy the token nightly now")
	secret := regexp.MustCompile(`sf_[0-9a-z]{52}`).FindString(made)
	req, err := http.NewRequest(http.MethodGet, base+"/api/v1/session", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+secret)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("the token shown is answered %d", res.StatusCode)
	}
	// A session is no key to the API: a form of another site could use it.
	own.sees("GET", "/api/v1/users", nil, 401, "/api/v1/users", "no bearer token was sent")

	own.sees("POST", "/admin/logout", url.Values{}, 200, "/admin/login", "Sign in")
	own.sees("POST", "/admin/login", url.Values{"name": {"ann"}, "password": {"wrong horse battery"}}, 401, "/admin/login", "not right")
	own.sees("POST", "/admin/login", url.Values{"name": {"ann"}, "password": {password}, "next": {"/admin/users"}}, 200, "/admin/users", "2 people may sign in")
	s.stop()
	s.start()
	own.sees("GET", "/admin/users", nil, 200, "/admin/users", "2 people may sign in") // sessions outlive the process
	if links := printed(); len(links) != 1 {
		t.Errorf("with an owner, a link is printed still: %v", links)
	}
}

// shouting calls a function once with what was written, as soon as it has a line
// that fits.
type shouting struct {
	mu   sync.Mutex
	text bytes.Buffer
	want *regexp.Regexp
	call func(found string)
}

func (s *shouting) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(p)
	if found := s.want.Find(s.text.Bytes()); found != nil && s.call != nil {
		go s.call(string(found))
		s.call = nil
	}
	return len(p), nil
}

// The demo prints a link that signs in, once.
func TestDemoInvites(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	found := make(chan string, 1)
	out := &shouting{want: welcomeLink, call: func(link string) { found <- link }}
	a := newApp(out, io.Discard)
	d := demo{app: a, clock: &movedClock{now: a.now}, dir: t.TempDir(), clicks: 1, seed: 1, stay: true}
	ended := make(chan error, 1)
	go func() { ended <- d.run(ctx) }()
	select {
	case link := <-found:
		at, err := url.Parse(link)
		if err != nil {
			t.Fatal(err)
		}
		v := newOnlooker(t, "http://"+at.Host)
		v.sees("GET", link, nil, 200, "/admin/welcome", "Sign in as demo")
		v.sees("POST", "/admin/welcome", url.Values{"key": {at.Query().Get("key")}}, anyStatus, "/admin/", "")
		v.sees("GET", "/admin/account", nil, 200, "/admin/account", "You are demo, an owner")
		v.sees("GET", link, nil, 410, "/admin/welcome", "This link works no more")
	case err := <-ended:
		t.Fatalf("it ended with %v:\n%s", err, out.text.String())
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
