package e2e

import (
	"flag"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"subfive/internal/chrometest"
)

// shots is a folder for pictures of the main pages: "make screens" fills it.
var shots = flag.String("shots", "", "folder for pictures of the main pages, of a demo with a day of traffic")

// demo is a demo that keeps running.
type demo struct {
	*process
	base, sandbox string
}

func startDemo(t *testing.T, args ...string) demo {
	t.Helper()
	p := start(t, nil, append([]string{"demo", "--stay"}, args...)...)
	return demo{p, p.says(`tracker\s+(http://\S+)`), p.says(`sandbox\s+(http://[^/]+)`)}
}

// link is the link that signs in once.
func (d demo) link() string { return d.says(`(http://\S+/admin/welcome\?key=\S+)`) }

// signIn signs a browser in.
func (d demo) signIn(t *testing.T) *chrometest.Tab {
	t.Helper()
	b := chrometest.Sit(t)
	b.Look(1440, "light")
	b.Open(d.link())
	b.Press("Sign in as demo")
	return b
}

// visitor signs a client in, who has no script.
func (d demo) visitor(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Jar: jar, Timeout: 30 * time.Second}
	at, err := url.Parse(d.link())
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.PostForm(d.base+"/admin/welcome", url.Values{"key": {at.Query().Get("key")}})
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("sign in: %v, %v", res, err)
	}
	_ = res.Body.Close()
	return c
}

// Every page that a link leads to answers, in time, and without a script: no
// link is dead, and no page fails on real data.
func TestEveryLinkLeadsSomewhere(t *testing.T) {
	t.Parallel()
	const most, slow = 400, 5 * time.Second
	d := startDemo(t)
	c := d.visitor(t)
	queue, seen, kinds := []string{"/admin/"}, map[string]string{"/admin/": "the start"}, map[string]int{}
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		began := time.Now()
		res, err := c.Get(d.base + path)
		if err != nil {
			t.Fatal(err)
		}
		root, err := html.Parse(res.Body)
		_ = res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK {
			t.Errorf("%s, which %s leads to, answers %d, %v", path, seen[path], res.StatusCode, err)
			continue
		}
		if took := time.Since(began); took > slow {
			t.Errorf("%s takes %s", path, took)
		}
		for _, to := range links(root) {
			kind := kindOf(to)
			if seen[to] != "" || len(seen) == most || kinds[kind] == 12 {
				continue
			}
			kinds[kind]++
			seen[to] = path
			queue = append(queue, to)
		}
	}
	t.Logf("%d pages", len(seen))
}

// links are the pages of ours that a page leads to.
func links(root *html.Node) (all []string) {
	for n := range root.Descendants() {
		if n.Type != html.ElementNode || n.Data != "a" {
			continue
		}
		for _, a := range n.Attr {
			u, err := url.Parse(a.Val)
			if a.Key == "href" && err == nil && u.Host == "" && strings.HasPrefix(u.Path, "/admin") && !strings.Contains(u.Path, "export") {
				u.Fragment = ""
				all = append(all, u.String())
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// kindOf is an address without what is different between those of a kind.
func kindOf(address string) string {
	path, query, _ := strings.Cut(address, "?")
	parts := strings.Split(path, "/")
	if len(parts) > 4 {
		parts = parts[:4]
	}
	var names []string
	for _, pair := range strings.Split(query, "&") {
		name, _, _ := strings.Cut(pair, "=")
		names = append(names, name)
	}
	if len(parts) == 4 {
		parts[3] = "ID"
	}
	return strings.Join(parts, "/") + "?" + strings.Join(names, "&")
}

// The main pages in a browser, with real data: policy kept, no wider than a
// phone.
func TestMainPagesInABrowser(t *testing.T) {
	t.Parallel()
	args := []string{}
	if *shots != "" {
		args = []string{"--hours", "24", "--clicks", "40"}
	}
	d := startDemo(t, args...)
	b := d.signIn(t)
	for name, path := range mainPages() {
		for _, look := range []struct {
			width  int64
			scheme string
			suffix string
		}{{1440, "light", ""}, {1440, "dark", "-dark"}, {360, "light", "-360"}} {
			b.Look(look.width, look.scheme)
			b.Open(d.base + path)
			b.Until("a heading", `document.querySelectorAll('h1').length === 1`)
			b.Until("it is no wider than the window: "+path, `document.documentElement.scrollWidth <= document.documentElement.clientWidth`)
			if *shots != "" && slices.Contains(pictured(), name) {
				time.Sleep(300 * time.Millisecond) // charts
				if err := os.WriteFile(filepath.Join(*shots, name+look.suffix+".png"), b.Picture(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if v := b.Violations(); v != "" {
		t.Error("the policy was violated:", v)
	}
}

// pictured are the pages that the docs show.
func pictured() []string {
	return []string{"now", "reports", "outbound", "conversions", "setup", "destinations", "endpoints", "doctor", "audit"}
}

func mainPages() map[string]string {
	return map[string]string{
		"now": "/admin/", "reports": "/admin/reports", "conversions": "/admin/conversions", "clicks": "/admin/clicks", "inbound": "/admin/inbound",
		"outbound": "/admin/outbound", "sources": "/admin/sources", "offers": "/admin/offers", "campaigns": "/admin/campaigns", "landing_pages": "/admin/landing_pages",
		"endpoints": "/admin/endpoints", "networks": "/admin/networks", "destinations": "/admin/destinations", "setup": "/admin/setup", "doctor": "/admin/doctor",
		"reconciliation": "/admin/reconciliation", "costs": "/admin/costs", "alerts": "/admin/alerts", "audit": "/admin/audit", "users": "/admin/users", "account": "/admin/account",
	}
}
