package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"subfive"
	"subfive/config"
	"subfive/dashboard/screens"
	"subfive/journal"
	"subfive/receiver"
	"subfive/sandbox"
)

// mara is let in as an owner.
type mara struct{}

func (mara) User(*http.Request) (subfive.User, error) {
	return subfive.User{ID: "us_mara", Name: "mara", Role: subfive.RoleOwner}, nil
}

// person is somebody before the screens.
type person struct {
	t       *testing.T
	handler http.Handler
}

// opens gets a page, and demands its words.
func (p person) opens(path string, words ...string) {
	p.t.Helper()
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, httptest.NewRequestWithContext(p.t.Context(), http.MethodGet, path, nil))
	p.sees("GET "+path, w, http.StatusOK, words)
}

func (p person) sees(what string, w *httptest.ResponseRecorder, status int, words []string) {
	p.t.Helper()
	if w.Code != status {
		p.t.Fatalf("%s: %d %s", what, w.Code, w.Body)
	}
	for _, word := range words {
		if !strings.Contains(w.Body.String(), word) {
			p.t.Errorf("%s: no %q in %s", what, word, mainOf(w.Body.String()))
		}
	}
}

// mainOf is a page without its frame.
func mainOf(page string) string {
	_, rest, _ := strings.Cut(page, `<main`)
	rest, _, _ = strings.Cut(rest, "</main>")
	return rest
}

// sends sends a form and follows to the page that comes of it.
func (p person) sends(path string, form map[string]string, status int, words ...string) string {
	p.t.Helper()
	values := url.Values{}
	for name, value := range form {
		for v := range strings.SplitSeq(value, "|") {
			values.Add(name, v)
		}
	}
	r := httptest.NewRequestWithContext(p.t.Context(), http.MethodPost, path, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r)
	if status != http.StatusSeeOther {
		p.sees("POST "+path, w, status, words)
		return w.Body.String()
	}
	if w.Code != status {
		p.t.Fatalf("POST %s: %d %s", path, w.Code, mainOf(w.Body.String()))
	}
	next := httptest.NewRequestWithContext(p.t.Context(), http.MethodGet, w.Header().Get("Location"), nil)
	for _, c := range w.Result().Cookies() {
		next.AddCookie(c)
	}
	w = httptest.NewRecorder()
	p.handler.ServeHTTP(w, next)
	p.sees("POST "+path+", then "+next.URL.Path, w, http.StatusOK, words)
	return w.Body.String()
}

var undoAddress = regexp.MustCompile(`action="(/admin/audit/[^"]+/undo)"`)

// undoes takes back what a page says was just done.
func (p person) undoes(page string, words ...string) {
	p.t.Helper()
	m := undoAddress.FindStringSubmatch(page)
	if m == nil {
		p.t.Fatalf("nothing to undo on %s", mainOf(page))
	}
	p.sends(m[1], map[string]string{"back": "/admin/setup"}, http.StatusSeeOther, words...)
}

// From an empty database to a verified loop, by forms alone.
func TestFirstRunOnScreens(t *testing.T) {
	t.Parallel()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stand := sandbox.New(func() time.Time { return time.Now().UTC() }, sandbox.MetaConfig{})
	platform := httptest.NewServer(stand.Handler())
	t.Cleanup(func() { stand.Close(); platform.Close() })
	c := &commands{t: t, dir: t.TempDir(), now: noon()}
	a := c.app(&bytes.Buffer{}, &bytes.Buffer{})
	a.now = func() time.Time { return time.Now().UTC() }
	f, err := config.Parse("subfive.yaml", fmt.Appendf(nil, "public_url: http://%s\ndata_dir: %s\n", l.Addr(), filepath.Join(c.dir, "data")), a.env, config.WithPlatforms(configPlatforms()))
	if err != nil {
		t.Fatal(err)
	}
	tr, err := newTracker(a, f, journal.AllowTmpfs())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- tr.run(ctx, l, nil) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	for tr.store.Load() == nil {
		time.Sleep(10 * time.Millisecond)
	}
	p := person{t, screens.New(screens.Config{
		API: tr.admin, Door: mara{}, Client: receiver.Client(nil), Log: slog.New(slog.DiscardHandler), Now: a.now, Zone: time.UTC,
	}).Handler()}
	const other = http.StatusSeeOther

	p.opens("/admin/setup", "Set up: 2 of 12 done", "That is right", "we see you as 192.0.2.1")
	p.sends("/admin/setup/address", map[string]string{"mark": "confirmed"}, other, "Set up: 3 of 12 done", "Go there")
	source := p.sends("/admin/sources/new", map[string]string{"step": "save", "id": "meta-us", "choice:platform": "meta"}, other, "meta-us is saved", "{{campaign.id}}")
	p.undoes(source, "Put back")
	p.opens("/admin/sources/meta-us", "It is archived")
	p.sends("/admin/sources/meta-us", map[string]string{"step": "save", "choice:platform": "meta"}, other, "meta-us is saved")

	offer := map[string]string{"step": "review", "id": "ourdream", "text:link": "https://track.example/A/?sub1=sfw&sub5=cid_abc123", "number:payout_max": "120,00"}
	p.sends("/admin/offers/new", offer, http.StatusUnprocessableEntity, "120,00", `aria-invalid="true"`)
	offer["number:payout_max"] = "120.00"
	p.sends("/admin/offers/new", offer, http.StatusOK, "<ins>  - id: ourdream</ins>", "<ins>    payout_max:", "<mark>sub5=‹click ID›</mark>")
	offer["step"] = "save"
	p.sends("/admin/offers/new", offer, other, "ourdream is saved")
	p.sends("/admin/destinations/new", map[string]string{
		"step": "review", "id": "meta-main", "platform": "meta", "text:base_url": platform.URL, "text:settings.dataset_id": "100000000000001",
	}, http.StatusUnprocessableEntity, "access_token is missing")
	destination := map[string]string{
		"step": "preview", "id": "meta-main", "platform": "meta", "text:base_url": platform.URL, "text:settings.dataset_id": "100000000000001",
		"secret:settings.access_token": "sandbox-meta-token", "text:settings.default_event_source_url": "https://lp.example.com/", "map:goals": "base: Purchase",
	}
	p.sends("/admin/destinations/new", destination, http.StatusOK, "What meta would get", "of a conversion that never was", "fb.1.")
	destination["step"] = "save"
	p.sends("/admin/destinations/new", destination, other, "meta-main is saved", "ending in <code>oken</code>, by mara")
	p.sends("/admin/campaigns/new", map[string]string{
		"step": "save", "id": "spring", "choice:source": "meta-us", "choice:offer": "ourdream", "checks:destinations": "meta-main",
		"text:paths.0.id": "a", "number:paths.0.weight": "70", "text:paths.1.id": "b", "text:paths.2.id": "",
	}, other, "spring is saved", "/c/spring?", `value="70"`)

	p.opens("/admin/setup", "Set up: 7 of 12 done", "Simulate a click")
	until(t, "the campaign is routed", func() bool {
		return strings.Contains(p.sends("/admin/setup/simulate", map[string]string{"campaign": "spring", "only": "click", "step": "click"}, other), "A test click went through the public address")
	})
	p.sends("/admin/setup/simulate", map[string]string{"campaign": "spring"}, other, "A test click and its postback went through the public address", "Set up: 10 of 12 done")
	p.opens("/admin/endpoints/default", "<mark>{sub5}</mark>", "&amp;key=")
	p.sends("/admin/destinations/meta-main/check", nil, http.StatusOK, "The platform took it")
	p.opens("/admin/destinations/meta-main", "What meta would get", "of this conversion", "In dry run")
	p.sends("/admin/destinations/meta-main/mode", map[string]string{"mode": "live", "last": "24h", "step": "look"}, http.StatusOK, "of the last 24h", "Switch to live")
	live := p.sends("/admin/destinations/meta-main/mode", map[string]string{"mode": "live", "looked_mode": "live", "step": "switch"}, other, "meta-main is in mode live")
	p.opens("/admin/setup", "Set up: all 12 done", "The loop is closed")
	p.undoes(live, "Set up: 11 of 12 done")
	p.opens("/admin/destinations", "1 destination", "dry run")
	for _, list := range []string{"networks", "landing_pages", "audit"} {
		p.opens("/admin/" + list)
	}
}

// until waits for what takes a moment.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if so() {
			return
		}
	}
	t.Fatalf("%s: not within 10 s", what)
}
