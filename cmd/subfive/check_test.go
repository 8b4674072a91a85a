package main

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/sandbox"
	"subfive/store"
)

// checkFile has a destination for each thing that a check can find; %[1]s is the
// stand-ins' address.
const checkFile = `
public_url: https://trk.example.com
landing_pages:
  - {id: lp1, url: "https://lp.example.com/a"}
  - {id: lp2, url: "https://lp.example.com/b"}
destinations:
  - id: meta-dry
    platform: meta
    base_url: %[1]s
    settings: {dataset_id: "100000000000001", access_token: "${TEST_META_TOKEN}", test_event_code: TEST1, default_event_source_url: "https://shop.example.com/x"}
  - id: meta-codeless
    platform: meta
    mode: live
    base_url: %[1]s
    settings: {dataset_id: "100000000000001", access_token: "${TEST_META_TOKEN}"}
  - id: meta-refused
    platform: meta
    mode: live
    base_url: %[1]s
    settings: {dataset_id: "100000000000001", access_token: wrong-token, test_event_code: TEST1}
  - id: tiktok
    platform: tiktok
    base_url: %[1]s
    settings: {pixel_code: C0SANDBOXPIXEL000001, access_token: sandbox-tiktok-token, test_event_code: TEST1}
  - id: tiktok-codeless
    platform: tiktok
    base_url: %[1]s
    settings: {pixel_code: C0SANDBOXPIXEL000001, access_token: sandbox-tiktok-token}
  - id: reddit
    platform: reddit
    base_url: %[1]s
    settings: {pixel_id: a2_sandbox01, access_token: sandbox-reddit-token, test_id: t2_test}
  - id: google
    platform: google
    base_url: %[1]s
    settings:
      customer_id: "1234567890"
      conversion_action_id: "6543210987"
      credentials: {client_id: client, client_secret: client-secret, refresh_token: sandbox-google-refresh, token_url: "%[1]s/google/token"}
  - id: sheet
    platform: sheets
    base_url: %[1]s
    settings: {url: "https://script.google.com/macros/s/AKfycbSANDBOX/exec", secret: sandbox-sheets-secret}
  - id: hook
    platform: relay
    mode: live
    base_url: %[1]s
    settings: {url: "https://hook.example/hook", success: {body: "^ok"}}
`

// newChecks is the file applied, and the stand-ins it names.
func newChecks(t *testing.T) (*commands, *sandbox.Server) {
	t.Helper()
	stand := sandbox.New(noon, sandbox.MetaConfig{Token: "EAAtesttoken"})
	server := httptest.NewServer(stand.Handler())
	t.Cleanup(server.Close)
	c := &commands{t: t, dir: t.TempDir(), env: map[string]string{"TEST_META_TOKEN": "EAAtesttoken", "USER": "ann"}, now: noon()}
	path := filepath.Join(c.dir, "subfive.yaml")
	if err := os.WriteFile(path, fmt.Appendf(nil, checkFile, server.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	c.run(exitDone, "apply", "-f", path)
	return c, stand
}

// checkOf runs a check as a script does.
func (c *commands) checkOf(want int, args ...string) checked {
	c.t.Helper()
	stdout, _ := c.run(want, append([]string{"destinations", "check", "--json"}, args...)...)
	var got checked
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		c.t.Fatalf("%s: %v", stdout, err)
	}
	return got
}

func TestCheckSends(t *testing.T) {
	c, stand := newChecks(t)
	type found struct {
		Sent, OK bool
		Class    subfive.Class
		Says     string // in what a person reads of it
	}
	tests := map[string]struct {
		exit int
		args []string
		want found
	}{
		"in dry run, with a test code":      {exitDone, []string{"meta-dry"}, found{true, true, subfive.Accepted, "The destination is in dry run"}},
		"without a test code, and harmless": {exitDone, []string{"meta-codeless"}, found{true, true, subfive.Accepted, "sent as a real event"}},
		"a token that is refused":           {exitFailed, []string{"meta-refused"}, found{true, false, subfive.Unauthorized, "subfive errors meta 190"}},
		"TikTok":                            {exitDone, []string{"tiktok"}, found{true, true, subfive.Accepted, "test_event_code"}},
		"no test code, and none to guess":   {exitFailed, []string{"tiktok-codeless"}, found{false, false, "", "Test events shows the code"}},
		"Reddit":                            {exitDone, []string{"reddit"}, found{true, true, subfive.Accepted, "test_id"}},
		"Google":                            {exitDone, []string{"google"}, found{true, true, subfive.Accepted, "validateOnly"}},
		"a sheet":                           {exitDone, []string{"sheet"}, found{true, true, subfive.Accepted, "whose column test is true"}},
		"a relay":                           {exitDone, []string{"hook"}, found{false, true, "", "--send"}},
		"a relay, asked for":                {exitDone, []string{"hook", "--send"}, found{true, true, subfive.Accepted, "Delete it there"}},
		"only rendered":                     {exitDone, []string{"reddit", "--dry-run"}, found{false, true, "", "only rendered"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := c.checkOf(tt.exit, tt.args...)
			f := found{Sent: got.Sent, OK: got.OK}
			if got.Outcome != nil {
				f.Class = got.Outcome.Class
			}
			if all := strings.Join([]string{got.Problem, got.Note, got.Harmless, got.Request, got.Means, got.Do, got.More}, "\n"); strings.Contains(all, tt.want.Says) {
				f.Says = tt.want.Says
			}
			if diff := cmp.Diff(tt.want, f); diff != "" {
				t.Errorf("found (-want +got):\n%s\n%+v", diff, got)
			}
			if got.EventID != "" && !strings.HasPrefix(got.EventID, subfive.PrefixTest) {
				t.Errorf("event ID %s", got.EventID)
			}
			if strings.Contains(fmt.Sprint(got), "token=") || strings.Contains(got.Request, "EAAtesttoken") || strings.Contains(got.Request, "sandbox-") {
				t.Errorf("a credential is shown: %+v", got)
			}
		})
	}
	if tests, events := stand.Meta.TestEvents(), stand.Meta.Events(); len(tests) != 1 || len(events) != 1 || events[0].EventName != "SubfiveCheck" {
		t.Errorf("Meta got tests %+v, events %+v", tests, events)
	}
	if got := len(stand.Hook.Requests()); got != 1 {
		t.Errorf("the relay's receiver got %d requests, want 1", got)
	}
	c.with(func(s session, _ *app) error {
		for _, view := range []string{"deliveries", "attempts", "conversions"} {
			rows, _, err := s.List(t.Context(), store.ListQuery{View: view, Limit: 10})
			if err != nil || len(rows) > 0 {
				t.Errorf("%s: %v, %v: a check leaves nothing here", view, rows, err)
			}
		}
		return nil
	})
}

func TestCheckNamesDomains(t *testing.T) {
	c, _ := newChecks(t)
	got := c.checkOf(exitDone, "meta-dry", "--dry-run")
	if diff := cmp.Diff([]string{"trk.example.com", "lp.example.com", "shop.example.com"}, got.Domains); diff != "" || !strings.Contains(got.Allow, "Traffic permissions") {
		t.Errorf("domains (-want +got):\n%s\nallowed at %q", diff, got.Allow)
	}
	if got := c.checkOf(exitDone, "sheet", "--dry-run"); got.Domains != nil || got.Allow != "" {
		t.Errorf("a sheet is told no page: %+v", got)
	}
}

func TestCheckForPeople(t *testing.T) {
	c, _ := newChecks(t)
	stdout, stderr := c.run(exitFailed, "destinations", "check", "meta-refused")
	for _, want := range []string{
		"SubfiveCheck  ID test-cv_", "POST http", "HTTP 401", "unauthorized 190", "The token is not valid.", "Events Manager",
		"subfive errors meta 190", "1 destination checked, 1 event sent.",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in:\n%s", want, stdout)
		}
	}
	if !strings.Contains(stderr, "to be mended at 1 of 1") {
		t.Errorf("standard error: %s", stderr)
	}
}
