package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/forwarders"
)

// chain serves the hops of a link on one loopback server, and keeps what was
// called.
type chain struct {
	*httptest.Server
	called []string
}

// page is what one path of a chain answers: a status and where it leads, or a
// page.
type answerOf func(w http.ResponseWriter, r *http.Request, base string)

func leads(status int, to string) answerOf {
	return func(w http.ResponseWriter, r *http.Request, base string) {
		to := strings.NewReplacer("BASE", base, "QUERY", r.URL.RawQuery).Replace(to)
		w.Header().Set("Location", to)
		w.WriteHeader(status)
	}
}

func shows(page string) answerOf {
	return func(w http.ResponseWriter, _ *http.Request, base string) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, strings.ReplaceAll(page, "BASE", base))
	}
}

func newChain(t *testing.T, hops map[string]answerOf) *chain {
	c := &chain{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.called = append(c.called, r.URL.RequestURI())
		if answer, ok := hops[r.URL.Path]; ok {
			answer(w, r, c.URL)
			return
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(c.Close)
	return c
}

// The network is known by its host alone, so the tests' network has another name
// for the loopback.
func networkOf(c *chain) string { return strings.Replace(c.URL, "127.0.0.1", "localhost", 1) }

func TestLink(t *testing.T) {
	t.Parallel()
	click := "01jd3c4z9y8x7w6v5t4s3r2q1z"
	tests := map[string]struct {
		hops  map[string]answerOf
		flags linkFlags
		codes []string
		value string // in the slot
		how   []string
	}{
		"to the network": {
			map[string]answerOf{"/c/spring": leads(302, "NET/A/B/?sub1=x&sub5="+click)},
			linkFlags{allowPrivate: true},
			nil, click,
			[]string{"redirect"},
		},
		"on to the network": {
			map[string]answerOf{"/c/spring": leads(302, "NET/A/B/?sub5="+click), "/A/B/": shows("the offer")},
			linkFlags{allowPrivate: true, followNetwork: true},
			nil, click,
			[]string{"redirect", ""},
		},
		"slot lost": {
			map[string]answerOf{"/c/spring": leads(302, "BASE/lp?sub5="+click), "/lp": leads(302, "NET/A/B/")},
			linkFlags{allowPrivate: true},
			[]string{"link_slot_missing sub5"},
			"",
			[]string{"redirect", "redirect"},
		},
		"slot replaced": {
			map[string]answerOf{"/c/spring": leads(302, "NET/A/B/?sub5=other")},
			linkFlags{allowPrivate: true},
			[]string{"link_slot_changed sub5"},
			"other",
			[]string{"redirect"},
		},
		"meta refresh and script": {
			map[string]answerOf{
				"/c/spring": shows(`<META content='0; url=BASE/two?a=1&amp;sub5=` + click + `' http-equiv="refresh">`),
				"/two":      shows(`<script>window.location.href = "NET\/A\/B\/?sub5=` + click + `"</script>`),
			},
			linkFlags{allowPrivate: true},
			[]string{"link_page_redirect hop 1", "link_page_redirect hop 2"},
			click,
			[]string{"meta refresh", "script"},
		},
		"many hops": {
			map[string]answerOf{
				"/c/spring": leads(301, "/1"), "/1": leads(302, "/2"), "/2": leads(307, "NET/A/B/?sub5="+click),
			},
			linkFlags{allowPrivate: true},
			[]string{"link_hops chain"},
			click,
			[]string{"redirect", "redirect", "redirect"},
		},
		"a loop": {
			map[string]answerOf{"/c/spring": leads(302, "/c/spring?QUERY")},
			linkFlags{allowPrivate: true},
			[]string{"link_loop BASE/c/spring?fbclid=abc", "link_not_network BASE/c/spring?fbclid=abc"},
			"",
			[]string{"redirect"},
		},
		"unknown campaign": {nil, linkFlags{allowPrivate: true}, []string{"link_status hop 1"}, "", []string{""}},
		"a landing page": {
			map[string]answerOf{"/c/spring": leads(302, "/lp?cid="+click), "/lp": shows("<a href=go>go</a>")},
			linkFlags{allowPrivate: true},
			[]string{"link_not_network BASE/lp?cid=" + click},
			"",
			[]string{"redirect", ""},
		},
		"a private address": {nil, linkFlags{}, []string{"link_unreachable hop 1"}, "", []string{""}},
		"nowhere": {
			map[string]answerOf{"/c/spring": leads(302, "mailto:x@example.com")},
			linkFlags{allowPrivate: true},
			[]string{"link_unreachable hop 1"},
			"",
			[]string{"redirect"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newChain(t, nil)
			for path, answer := range test.hops {
				test.hops[path] = func(w http.ResponseWriter, r *http.Request, base string) {
					rec := httptest.NewRecorder()
					answer(rec, r, base)
					network := networkOf(c)
					w.Header().Set("Content-Type", rec.Header().Get("Content-Type"))
					w.Header().Set("Location", strings.ReplaceAll(rec.Header().Get("Location"), "NET", network))
					w.WriteHeader(rec.Code)
					fmt.Fprint(w, strings.ReplaceAll(rec.Body.String(), "NET", network))
				}
			}
			hops := test.hops
			c.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if answer, ok := hops[r.URL.Path]; ok {
					answer(w, r, c.URL)
					return
				}
				http.NotFound(w, r)
			})
			sender := forwarders.NewSender(forwarders.SenderConfig{Now: time.Now})
			defer sender.Close()
			w := &walker{
				now: noon, client: sender.AuthClient, flags: test.flags, ours: func(string) bool { return false },
				offers: []subfive.Offer{{ID: "o", Link: networkOf(c) + "/A/B/?sub1=x"}},
			}
			start, err := url.Parse(c.URL + "/c/spring?fbclid=abc")
			if err != nil {
				t.Fatal(err)
			}
			r := w.walk(t.Context(), start)
			var codes, how []string
			for _, f := range r.Findings {
				if f.Code != "link_plain_http" { // the loopback has no TLS
					codes = append(codes, strings.ReplaceAll(f.Code+" "+f.Where, c.URL, "BASE"))
				}
			}
			for _, h := range r.Hops {
				how = append(how, h.How)
			}
			if diff := cmp.Diff(test.codes, codes); diff != "" {
				t.Errorf("findings (-want +got):\n%s%+v", diff, r)
			}
			if diff := cmp.Diff(test.how, how); diff != "" {
				t.Errorf("hops (-want +got):\n%s", diff)
			}
			if r.SlotValue != test.value {
				t.Errorf("the slot holds %q, want %q", r.SlotValue, test.value)
			}
			if r.Network && r.Stopped == test.flags.followNetwork {
				t.Errorf("stopped %t with follow-network %t", r.Stopped, test.flags.followNetwork)
			}
		})
	}
}

func TestPageTarget(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ refresh, page, target, how string }{
		"none":               {"", "<p>hello</p>", "", ""},
		"header":             {"0; URL='https://X.example.com/a?b=C'", "", "https://X.example.com/a?b=C", howMeta},
		"meta":               {"", `<meta http-equiv="refresh" content="0;url=https://x.example.com/?a=1&amp;b=2">`, "https://x.example.com/?a=1&b=2", howMeta},
		"meta, quoted":       {"", `<meta http-equiv=refresh content="1; url='/next'">`, "/next", howMeta},
		"meta of a reload":   {"", `<meta http-equiv="refresh" content="30">`, "", ""},
		"location":           {"", `<script>location="/a"</script>`, "/a", howScript},
		"location.href":      {"", `top.location.href='https://x.example.com/a'`, "https://x.example.com/a", howScript},
		"replace":            {"", `window.location.replace("https:\/\/x.example.com\/a");`, "https://x.example.com/a", howScript},
		"computed":           {"", `location.href = base + "/a"`, "", ""},
		"another's location": {"", `my.mylocation = "/a"`, "", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			target, how := pageTarget(test.refresh, test.page)
			if target != test.target || how != test.how {
				t.Errorf("%q by %q, want %q by %q", target, how, test.target, test.how)
			}
		})
	}
}

// On our own host the click is marked, and nothing of the chain is called that
// the operator did not ask for.
func TestLinkCommand(t *testing.T) {
	t.Parallel()
	c := newCommands(t)
	site := newChain(t, map[string]answerOf{"/c/spring": leads(302, "https://track.example-network.com/A/B/?sub5=01jd3c4z9y8x7w6v5t4s3r2q1z")})
	path := filepath.Join(c.dir, "subfive.yaml")
	if err := os.WriteFile(path, []byte(strings.Replace(commandsFile, "https://trk.example.com", site.URL, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ := c.run(1, "doctor", "link", "--allow-private", site.URL+"/c/spring?fbclid=abc", "--json")
	var r linkReport
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if codes := foundCodes(r.Findings); !slices.Equal(codes, []string{"link_plain_http hop 1"}) || !r.Stopped || len(r.Hops) != 1 {
		t.Errorf("%s", out)
	}
	if diff := cmp.Diff([]string{"/c/spring?fbclid=abc&test=1"}, site.called); diff != "" {
		t.Errorf("called (-want +got):\n%s", diff)
	}
	out, _ = c.run(1, "doctor", "link", "--allow-private", site.URL+"/c/spring?fbclid=abc")
	for _, want := range []string{"HOP 1", "302 Found", "kept here     fbclid, test", "stopped", "01jd3c4z9y8x7w6v5t4s3r2q1z"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	c.run(2, "doctor", "link", "trk.example.com/c/spring")
	c.run(2, "doctor", "link")
}

func TestNetworkTestsAreFew(t *testing.T) {
	t.Parallel()
	dir, now := filepath.Join(t.TempDir(), "data"), noon()
	for range networkTestsADay {
		if err := spendNetworkTest(dir, now); err != nil {
			t.Fatal(err)
		}
	}
	if err := spendNetworkTest(dir, now.Add(time.Hour)); err == nil || !strings.Contains(err.Error(), "3 times today") {
		t.Errorf("one more: %v", err)
	}
	if err := spendNetworkTest(dir, now.Add(24*time.Hour)); err != nil {
		t.Errorf("the next day: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, networkTestsName), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := spendNetworkTest(dir, now); err == nil {
		t.Error("a broken count is taken for none")
	}
}
