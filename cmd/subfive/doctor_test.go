package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/everflow"
)

const goodPostback = "https://trk.example.com/conversion?click_id={sub5}&payout={payout}&tx_id={transaction_id}"

func TestDoctorExamines(t *testing.T) {
	t.Parallel()
	c := newCommands(t)
	out, _ := c.run(0, "doctor", goodPostback)
	if !strings.Contains(out, "nothing wrong") {
		t.Errorf("%s", out)
	}
	out, errs := c.run(1, "doctor", strings.Replace(goodPostback, "{sub5}", "{Sub5}", 1))
	for _, want := range []string{"ERROR wrong_macro, click_id", "(postback level)", "PASTE THIS INSTEAD\n    " + goodPostback + "\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	if !strings.Contains(errs, "1 thing to fix") {
		t.Errorf("%s", errs)
	}
	_, errs = c.run(1, "doctor", "https://trk.example.com/conversion?click_id={sub5}") // what a shell leaves of it
	if !strings.Contains(errs, "single quotes") {
		t.Errorf("%s", errs)
	}
	var d everflow.Diagnosis
	out, _ = c.run(1, "doctor", "--json", "click_id=&payout=42.50&tx_id=9f2c1b7e44d04a51b6c6a1de01e2f3a4")
	if err := json.Unmarshal([]byte(out), &d); err != nil {
		t.Fatal(err)
	}
	if d.Form != everflow.FormCaptured || len(d.Findings) != 1 || d.Findings[0].Code != "empty_click_id" || d.Findings[0].Level != everflow.LevelLink {
		t.Errorf("%+v", d)
	}
}

// The catalogue is amended by a file in the data folder, or by a flag.
func TestDoctorMacros(t *testing.T) {
	t.Parallel()
	c := newCommands(t)
	mine := goodPostback + "&ref={click_ref}"
	c.run(1, "doctor", mine)
	write := func(name, text string) string {
		path := filepath.Join(c.dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("macros.tsv", "click_ref\tconfirmed\tseen in the form\n")
	c.run(0, "doctor", mine)
	c.run(1, "doctor", "--macros", write("other.tsv", "click_ref\tabsent\tnot for us\n"), mine)
	_, errs := c.run(2, "doctor", "--macros", write("bad.tsv", "click_ref\n"), mine)
	if !strings.Contains(errs, "bad.tsv: line 1: 1 columns") {
		t.Errorf("%s", errs)
	}
	c.run(2, "doctor", "--macros", filepath.Join(c.dir, "none.tsv"), mine)
}

// checkUpOf runs the check-up and returns what it says.
func checkUpOf(t *testing.T, c *commands, want int, args ...string) checkup {
	t.Helper()
	out, _ := c.run(want, append([]string{"doctor", "--json"}, args...)...)
	var got checkup
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return got
}

func foundCodes(all []everflow.Finding) (codes []string) {
	for _, f := range all {
		codes = append(codes, f.Code+" "+f.Where)
	}
	slices.Sort(codes)
	return codes
}

func TestDoctorChecksUp(t *testing.T) {
	t.Parallel()
	c := newCommands(t)
	got := checkUpOf(t, c, 1, "--offline")
	if diff := cmp.Diff([]everflow.Failures{{EndpointID: "default", Limit: 10}}, got.FailureBudget); diff != "" {
		t.Errorf("failure budget (-want +got):\n%s", diff)
	}
	want := []string{"campaign_without_clicks campaign spring", "key_beside_database secret_key", "no_postbacks endpoint default"}
	if diff := cmp.Diff(want, foundCodes(got.Findings)); diff != "" {
		t.Errorf("before anything came in (-want +got):\n%s", diff)
	}

	c.with(func(s session, a *app) error {
		records := []subfive.Record{clickRecord(clickID, nil), postbackRecord("a", clickID, "tx1", nil)}
		for i := range 3 {
			records = append(records, postbackRecord(fmt.Sprint("l", i), "", fmt.Sprint("txl", i), func(p *subfive.Postback) {
				p.Reading, p.ClickIDRaw, p.ClickID, p.Hint = subfive.ReadingLiteralMacro, "{Sub5}", "", "write click_id={sub5}."
			}))
		}
		attributor, err := s.attributor(t.Context(), a)
		if err != nil {
			return err
		}
		return attributor.Record(t.Context(), entries(t, records...))
	})
	budget := openBudget(c.dir, nil, func() time.Time { return c.now }, nil)
	budget.Answered("default", 503)
	got = checkUpOf(t, c, 1, "--offline")
	want = []string{
		"destination_dry_run destination hook", "failure_budget endpoint default", "key_beside_database secret_key",
		"literal_macros endpoint default",
	}
	if diff := cmp.Diff(want, foundCodes(got.Findings)); diff != "" {
		t.Errorf("with traffic (-want +got):\n%s", diff)
	}
	if got.Looked != (looked{Postbacks: 4, Clicks: 1, Deliveries: 1}) || got.FailureBudget[0].InARow != 1 || got.Healthy {
		t.Errorf("%+v", got)
	}
	out, _ := c.run(1, "doctor", "--offline")
	for _, want := range []string{"endpoint default: 1 of 10 failures in a row", "75 % (3 of 4)", "write click_id={sub5}. (postback level)"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
}

func TestDoctorAndABadFile(t *testing.T) {
	t.Parallel()
	c := newCommands(t)
	if err := os.WriteFile(filepath.Join(c.dir, "subfive.yaml"), []byte("public_ulr: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := checkUpOf(t, c, 1, "--offline")
	if len(got.Findings) != 1 || got.Findings[0].Code != "config_problem" || !strings.Contains(got.Findings[0].Where, "subfive.yaml:1") {
		t.Errorf("%+v", got)
	}
}

// TestDoctorCallsThePublicURL holds what is said about who answers there.
func TestDoctorCallsThePublicURL(t *testing.T) {
	t.Parallel()
	answer := func(status int, kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Location", "https://elsewhere.example.com/")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	tests := map[string]struct {
		handler http.Handler
		tls     bool
		want    []string
	}{
		"subfive":           {answer(200, "application/json", `{"status":"ok"}`), false, nil},
		"redirected":        {answer(301, "text/html", ""), false, []string{"self_redirect public_url"}},
		"challenged":        {answer(403, "text/html; charset=UTF-8", "<title>Just a moment...</title>"), false, []string{"self_challenge public_url"}},
		"a web page":        {answer(200, "text/html", "<h1>It works</h1>"), false, []string{"self_other_answer public_url"}},
		"another program":   {answer(200, "application/json", `{"hello":"world"}`), false, []string{"self_other_answer public_url"}},
		"an error":          {answer(502, "text/plain", "bad gateway"), false, []string{"self_other_answer public_url"}},
		"unknown authority": {answer(200, "application/json", `{"status":"ok"}`), true, []string{"self_tls public_url"}},
		"only the probe": {http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer(map[string]int{"GET": 200, "HEAD": 302}[r.Method], "application/json", `{"status":"ok"}`)(w, r)
		}), false, []string{"self_redirect public_url"}},
		"challenge by header": {http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cf-Mitigated", "challenge")
			w.WriteHeader(http.StatusForbidden)
		}), false, []string{"self_challenge public_url"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewUnstartedServer(test.handler)
			server.Config.ErrorLog = log.New(io.Discard, "", 0) // a refused handshake is what is wanted
			if test.tls {
				server.StartTLS()
			} else {
				server.Start()
			}
			defer server.Close()
			a := (&commands{t: t, now: noon()}).app(&bytes.Buffer{}, &bytes.Buffer{})
			got := foundCodes(selfTest(t.Context(), a, server.URL))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	t.Run("nobody", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewServer(http.NotFoundHandler())
		server.Close()
		a := (&commands{t: t, now: noon()}).app(&bytes.Buffer{}, &bytes.Buffer{})
		if got := foundCodes(selfTest(t.Context(), a, server.URL)); !slices.Equal(got, []string{"self_unreachable public_url"}) {
			t.Errorf("%v", got)
		}
	})
}

func TestPostbackURLCommand(t *testing.T) {
	t.Parallel()
	c := newCommands(t)
	out, _ := c.run(0, "postback-url")
	first, rest, _ := strings.Cut(out, "\n")
	if want := "https://trk.example.com/conversion?click_id={sub5}&payout={payout}&offer_id={offer_id}&tx_id={transaction_id}" +
		"&event_id={event_id}&event_name={event_name}&sale_amount={sale_amount}"; first != want {
		t.Errorf("got  %s\nwant %s", first, want)
	}
	for _, want := range []string{"Scope: Global", "&conversion_id={conversion_id}  unclear", "+ Postback (top right)"} {
		if !strings.Contains(rest, want) {
			t.Errorf("%q is missing in\n%s", want, rest)
		}
	}
	c.run(0, "doctor", first)
	out, _ = c.run(0, "postback-url", "--specific")
	if !strings.Contains(out, "Scope: Specific, and choose offer 7") {
		t.Errorf("%s", out)
	}
	out, _ = c.run(0, "postback-url", "--offer", "ourdream", "--json")
	if !strings.Contains(out, `"scope": "specific"`) || !strings.Contains(out, "{sub5}&payout") {
		t.Errorf("%s", out)
	}
	_, errs := c.run(2, "postback-url", "--endpoint", "none")
	if !strings.Contains(errs, `there is no endpoint "none"; there are default`) {
		t.Errorf("%s", errs)
	}
	_, errs = c.run(2, "postback-url", "--offer", "none")
	if !strings.Contains(errs, `does not take offer "none"; it takes ourdream`) {
		t.Errorf("%s", errs)
	}
}

// A key that is a variable is taken from this shell; without it no URL is
// printed, and no key is called wrong.
func TestPostbackURLWithAKeyFromTheEnvironment(t *testing.T) {
	t.Parallel()
	c := newCommands(t)
	path := filepath.Join(c.dir, "subfive.yaml")
	if err := os.WriteFile(path, []byte(commandsFile+"endpoints:\n  - {id: locked, key: \"${TEST_KEY}\"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.env["TEST_KEY"] = "s3cret"
	c.run(0, "apply", "-f", path)
	out, _ := c.run(0, "postback-url", "--endpoint", "locked")
	u, _, _ := strings.Cut(out, "\n")
	if !strings.Contains(u, "/conversion/locked?") || !strings.Contains(u, "&key=s3cret&") {
		t.Errorf("%s", u)
	}
	out, _ = c.run(0, "doctor", u)
	if strings.Contains(out, "s3cret") {
		t.Errorf("the key is shown: %s", out)
	}
	c.run(1, "doctor", strings.Replace(u, "s3cret", "other", 1))
	delete(c.env, "TEST_KEY")
	c.run(0, "doctor", u)
	_, errs := c.run(2, "postback-url", "--endpoint", "locked")
	if !strings.Contains(errs, "this shell has no such variable") {
		t.Errorf("%s", errs)
	}
}
