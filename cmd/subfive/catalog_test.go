package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

// call is operate for calls that may be refused: it returns the status and the
// answer.
func (s *site) call(method, path, body string) (int, map[string]any) {
	s.t.Helper()
	req, err := http.NewRequest(method, "http://"+s.address+"/api/v1/"+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer test-token")
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var answer map[string]any
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		s.t.Fatal(err)
	}
	return res.StatusCode, answer
}

// wants calls, and demands that status and each of the words in the answer.
func (s *site) wants(status int, method, path, body string, words ...string) map[string]any {
	s.t.Helper()
	got, answer := s.call(method, path, body)
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(answer); err != nil {
		s.t.Fatal(err)
	}
	if got != status {
		s.t.Fatalf("%s %s: %d %s; want %d", method, path, got, &text, status)
	}
	plain := strings.ReplaceAll(text.String(), `\"`, `"`)
	for _, word := range words {
		if !strings.Contains(plain, word) {
			s.t.Errorf("%s %s: no %q in %s", method, path, word, &text)
		}
	}
	return answer
}

// leadsTo waits, as long as a changed setup may take, until the campaign's link
// leads to an address that begins so.
func (s *site) leadsTo(prefix string) {
	const path = "/c/autumn"
	s.t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	s.until(path+" leads to "+prefix, 3*time.Second, func() bool {
		res, err := client.Get("http://" + s.address + path)
		if err != nil {
			return false
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		return res.StatusCode == http.StatusFound && strings.HasPrefix(res.Header.Get("Location"), prefix)
	})
}

// A campaign is made over the API alone: its link works, its offer's link
// changes, it is archived, and the audit tells it all.
func TestResourcesOverTheAPI(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, dsn string) {
		s := newSite(t, dsn)
		s.start()

		s.wants(200, "PUT", "sources/tt-us", `{"platform": "tiktok", "account_id": "123", "currency": "eur"}`, `"currency":"EUR"`, `"origin":"api"`, `"action":"add"`)
		dry := s.wants(200, "PUT", "offers/dream?dry_run=true", `{"link": "https://one.example/A/"}`, `"dry_run":true`, `"action":"add"`)
		if _, shown := dry["resource"]; shown {
			t.Errorf("a dry run answers more than what differs: %v", dry)
		}
		s.wants(404, "GET", "offers/dream", "")
		s.wants(200, "PUT", "offers/dream", `{"link": "https://one.example/A/", "payout": 42.5}`, `"click_slot":"sub5"`, `"payout":"42.50"`)
		s.wants(200, "PUT", "campaigns/autumn", `{"source": "tt-us", "offer": "dream", "destinations": ["meta-main"]}`)
		s.leadsTo("https://one.example/A/")
		s.wants(200, "GET", "campaigns/autumn/links", "", "/c/autumn?", "__CAMPAIGN_ID__", "TikTok Ads Manager")

		got := s.wants(200, "GET", "offers/dream", "")
		want := map[string]any{
			"id": "dream", "network": "everflow", "link": "https://one.example/A/", "click_slot": "sub5", "currency": "USD", "payout": "42.50",
			"sensitive_params": []any{"sub1", "sub2", "sub3", "sub4"}, "origin": "api",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the offer (-want +got):\n%s", diff)
		}
		got["link"] = "https://two.example/B/"
		changed, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		s.wants(200, "PUT", "offers/dream?dry_run=true", string(changed), `"field":"link","id":"dream","kind":"offers","new":"https://two.example/B/","old":"https://one.example/A/"`)
		s.leadsTo("https://one.example/A/")
		s.wants(200, "PUT", "offers/dream", string(changed))
		s.leadsTo("https://two.example/B/")
		s.wants(200, "PUT", "offers/dream", string(changed), `"differences":[]`)

		s.wants(422, "PUT", "offers/dream", `{"lnk": "https://x.example/"}`, `unknown key "lnk" in offers/dream`, `did you mean "link"?`)
		s.wants(422, "PUT", "campaigns/winter", `{"source": "tt-us", "offer": "draem"}`, "draem", "did you mean dream?")
		s.wants(422, "PUT", "offers/none", `{"link": "https://x.example/${HOME}"}`, "holds a reference")
		s.wants(409, "PUT", "offers/ourdream", `{"link": "https://x.example/"}`, "subfive.yaml:8", "subfive apply")
		s.wants(409, "PUT", "offers/ourdream?dry_run=true", `{"link": "https://x.example/"}`, "subfive.yaml:8")
		s.wants(409, "DELETE", "campaigns/spring", "", "subfive.yaml:10")
		s.wants(409, "DELETE", "offers/dream", "", "offers/dream is in use", "campaigns/autumn")
		s.wants(409, "DELETE", "endpoints/default", "", "exists by itself")
		s.wants(404, "DELETE", "offers/none", "")

		s.wants(200, "DELETE", "campaigns/autumn?dry_run=true", "", `"action":"archive"`)
		s.wants(200, "DELETE", "campaigns/autumn", "", `"archived_at"`)
		s.wants(200, "DELETE", "offers/dream", "", `"archived_at"`)
		if live, all := s.ids("campaigns"), s.ids("campaigns?archived=true"); !slices.Equal(live, []string{"spring"}) || !slices.Equal(all, []string{"autumn", "spring"}) {
			t.Errorf("campaigns %v, with archived ones %v", live, all)
		}
		s.wants(200, "GET", "campaigns/autumn", "", `"archived_at"`, `"offer":"dream"`)
		s.leadsTo("https://two.example/B/") // old ads keep working
		s.audited()

		if out := s.command(0, "campaigns", "--archived"); !strings.Contains(out, "api, archived") || !strings.Contains(out, "subfive.yaml:10") {
			t.Errorf("campaigns:\n%s", out)
		}
		s.stop()
		s.start() // the file says nothing of what was made elsewhere
		s.wants(200, "GET", "sources/tt-us", "", `"origin":"api"`)
	})
}

// audited demands that the audit tells who did what, page by page.
func (s *site) audited() {
	s.t.Helper()
	type line struct{ Actor, Action, Subject string }
	var all []line
	var link string
	for path := "audit?limit=2"; path != ""; {
		page := s.wants(200, "GET", path, "")
		for _, item := range page["items"].([]any) {
			l := item.(map[string]any)
			text := func(name string) string { t, _ := l[name].(string); return t }
			if text("actor") == "file" {
				continue
			}
			all = append(all, line{text("actor"), text("action"), text("subject")})
			if text("action") == "update" {
				link = text("old") + " → " + text("new")
			}
		}
		path = ""
		if next, _ := page["next"].(string); next != "" {
			path = "audit?limit=2&cursor=" + next
		}
	}
	want := []line{
		{"api", "archive", "offer dream"},
		{"api", "archive", "campaign autumn"},
		{"api", "update", "offer dream"},
		{"api", "create", "campaign autumn"},
		{"api", "create", "offer dream"},
		{"api", "create", "source tt-us"},
	}
	if diff := cmp.Diff(want, all); diff != "" {
		s.t.Errorf("audit (-want +got):\n%s", diff)
	}
	if before, after, _ := strings.Cut(link, " → "); !strings.Contains(before, "https://one.example/A/") || !strings.Contains(after, "https://two.example/B/") {
		s.t.Errorf("the audit tells %s", link)
	}
	s.wants(422, "GET", "audit?cursor=none", "", "the cursor is none of ours")
}

// ids are those of a list.
func (s *site) ids(path string) []string {
	s.t.Helper()
	var ids []string
	for _, item := range s.wants(200, "GET", path, "")["items"].([]any) {
		id, _ := item.(map[string]any)["id"].(string)
		ids = append(ids, id)
	}
	return ids
}

// No answer and no file of the tracker shows a secret that was sent.
func TestResourcesKeepSecrets(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.start()
	const secret = "s3cretvalue"
	put := func(path, body string) {
		t.Helper()
		if _, answer := s.call("PUT", path, body); strings.Contains(jsonText(t, answer), secret) || answer["error"] != nil {
			t.Errorf("PUT %s answers %v", path, answer)
		}
	}
	put("networks/second", `{"region": "eu", "api_key": "`+secret+`"}`)
	put("endpoints/in", `{"network": "second", "key": "`+secret+`", "tee": "https://other.example/?token=`+secret+`"}`)
	put("endpoints/in", `{"network": "second", "key": "***", "repeats": "count", "tee": "https://other.example/?***"}`)
	put("destinations/hook", `{"platform": "relay", "settings": {"url": "https://hooks.example.com/in?t={secret.t}", "secrets": {"t": "`+secret+`"}}}`)
	put("destinations/hook", `{"platform": "relay", "fan_out": true}`)
	s.wants(200, "GET", "destinations/hook", "", `"fan_out":true`, `"origin":"api"`, `"account":"relay:hooks.example.com/in"`)
	s.wants(422, "PUT", "destinations/hook", `{"platform": "relay", "base_url": "http://127.0.0.1:9"}`, "stored secrets are not sent to another address")
	s.wants(422, "PUT", "destinations/bad", `{"platform": "relay", "settings": {"webhook": "x"}}`, "webhook", "subfive config sample relay")
	for _, path := range []string{"networks", "networks/second", "endpoints", "endpoints/in", "destinations", "destinations/hook", "audit"} {
		if _, answer := s.call("GET", path, ""); strings.Contains(jsonText(t, answer), secret) {
			t.Errorf("GET %s shows a secret: %v", path, answer)
		}
	}
	if out := s.command(0, "endpoints", "show", "in"); strings.Contains(out, secret) || !strings.Contains(out, "repeats: count") {
		t.Errorf("endpoints show:\n%s", out)
	}
	setup := setupOf(t, s)
	endpoint, ok := setup.Endpoint("in")
	if !ok || endpoint.Key != secret || endpoint.Tee != "https://other.example/?token="+secret || endpoint.Repeats != "count" {
		t.Errorf("the endpoint is %+v", endpoint)
	}
	hook, ok := setup.Destination("hook")
	if !ok || !hook.FanOut || !strings.Contains(hook.Settings, secret) || hook.Account == "" {
		t.Errorf("the destination is %+v", hook)
	}
	s.wants(200, "DELETE", "destinations/hook", "")
	s.stop()
	if log, err := os.ReadFile(filepath.Join(s.dir, "log")); err != nil || bytes.Contains(log, []byte(secret)) {
		t.Errorf("the log shows a secret, or %v", err)
	}
}

func jsonText(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestResourceCommands(t *testing.T) {
	t.Parallel()
	c := newCommands(t)
	path := filepath.Join(c.dir, "subfive.yaml")
	if err := os.WriteFile(path, []byte(commandsFile+"endpoints:\n  - {id: in, key: s3cret}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.run(exitDone, "apply", "-f", path)
	tests := map[string]struct {
		args []string
		want []string
	}{
		"campaigns":     {[]string{"campaigns"}, []string{"CAMPAIGN", "spring    meta-us  ourdream", "meta-main,hook", "subfive.yaml:8"}},
		"offers":        {[]string{"offers"}, []string{"ourdream  everflow  7", "https://track.example-network.com/A/B/"}},
		"sources":       {[]string{"sources", "--json"}, []string{`"id":"meta-us"`, `"platform":"meta"`, `subfive.yaml:4"`}},
		"endpoints":     {[]string{"endpoints"}, []string{"default   everflow", "in        everflow  ***", "click_id", "subfive.yaml:19", "subfive.yaml:20"}},
		"show campaign": {[]string{"campaigns", "show", "spring"}, []string{"# from: ", "id: spring\n", "destinations:\n- meta-main\n"}},
		"show endpoint": {[]string{"endpoints", "show", "in"}, []string{"key: \"***\"", "click_param: click_id"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			out, _ := c.run(exitDone, test.args...)
			for _, want := range test.want {
				if !strings.Contains(out, want) {
					t.Errorf("no %q in:\n%s", want, out)
				}
			}
		})
	}
	if _, errs := c.run(exitFailed, "offers", "show", "none"); !strings.Contains(errs, "subfive offers --archived") {
		t.Errorf("an offer that there is not: %s", errs)
	}
}

// setupOf opens a site's database with its key.
func setupOf(t *testing.T, s *site) subfive.Setup {
	t.Helper()
	a := newApp(&bytes.Buffer{}, &bytes.Buffer{})
	a.configPath, a.dataDir = s.config, filepath.Join(s.dir, "data")
	var setup subfive.Setup
	if err := a.with(t.Context(), func(open session) (err error) {
		setup, err = open.Setup(t.Context())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return setup
}
