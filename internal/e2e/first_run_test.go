package e2e

import (
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"subfive/internal/chrometest"
	"subfive/sandbox"
)

// A newcomer follows the screen, from an empty folder to a loop that is closed:
// the platform, a strict stand-in, was told of the conversion.
func TestFirstRun(t *testing.T) {
	t.Parallel()
	stand := freeAddress(t)
	start(t, nil, "sandbox", "--listen", stand)
	address := freeAddress(t)
	p := start(t, []string{"SUBFIVE_LISTEN=" + address}, "serve", "--data-dir", filepath.Join(t.TempDir(), "data"))
	b := chrometest.Sit(t)
	step := func(title string) {
		t.Helper()
		b.Open("http://" + address + "/admin/setup")
		b.Until("the step is "+title, `document.querySelector('.check [aria-current=step] b')?.innerText.startsWith('`+title+`')`)
	}
	b.Look(1440, "light")
	b.Open(p.says(`(http://\S+/admin/welcome\?key=\S+)`))
	b.Fill("#name", "ann")
	b.Fill("#password", "correct horse battery staple")
	b.Fill("#again", "correct horse battery staple")
	b.Press("Begin")
	b.Sees("Set up: 1 of 12 done")

	b.Press("Skip for now") // a domain
	b.Sees("we see you as 127.0.0.1")
	b.Press("That is right")

	b.Press("Go there") // a source
	b.Fill("#id", "meta-us")
	b.Fill("#f-choice-platform", "meta")
	b.Press("Save at once")

	step("Everflow link")
	b.Press("Go there")
	b.Fill("#id", "ourdream")
	b.Fill("#f-text-link", "https://track.network.example/ABC/XYZ/?sub1=sfw&sub5=cid_abc123")
	b.Press("See the change")
	b.Sees("Only sub5 changes")
	b.Until("the file's lines are shown", `[...document.querySelectorAll('.diff ins')].some(line => line.textContent.includes('id: ourdream'))`)
	b.Press("Save")

	step("Campaign link")
	b.Press("Go there")
	b.Fill("#id", "spring")
	b.Fill("#f-choice-source", "meta-us")
	b.Fill("#f-choice-offer", "ourdream")
	b.Press("Save at once")
	b.Sees("/c/spring?")

	step("Test click")
	b.Press("Simulate a click")
	step("Postback URL")
	b.Sees("{transaction_id}")
	b.Press("It is done")
	step("Test conversion")
	b.Press("Simulate a conversion")

	step("Destination, dry run")
	b.Press("Go there")
	b.Press("Go on") // with Meta
	b.Fill("#id", "meta-main")
	b.Fill("#f-text-settings-dataset_id", sandbox.MetaDataset)
	b.Fill("#f-secret-settings-access_token", sandbox.MetaToken)
	b.Fill("#f-text-settings-default_event_source_url", "https://lp.example.com/")
	b.Fill("#f-text-base_url", "http://"+stand)
	b.Press("Save at once")
	b.Sees("meta-main")
	step("Destination, dry run")
	b.Sees("tick it at the source")
	b.Press("Go there")
	b.Click("input[value=meta-main]")
	b.Press("Save at once")

	step("Platform check")
	b.Press("Go there")
	b.Press("Check with the platform")
	b.Sees("took it")
	step("Live")
	b.Press("Go there")
	b.Press("Switch: now dry run")
	b.Press("See what that does")
	b.Press("Switch to live")
	b.Open("http://" + address + "/admin/setup")
	b.Sees("Set up: all 12 done")

	// A visitor, and what the network says of him.
	click := visit(t, "http://"+address+"/c/spring?fbclid=IwAR1&ad_id=77")
	text(t, strings.NewReplacer("{sub5}", click, "{payout}", "42.50", "{offer_id}", "1", "{transaction_id}", "tx-1").Replace(
		p.says(`postback URL\s+(\S+?)&event_id`)))
	b.OpenUntil("http://"+address+"/admin/conversions/"+click, "delivered to meta-main")
	b.Sees("$42.50 from ourdream, credited to spring")
	if v := b.Violations(); v != "" {
		t.Error("the policy was violated:", v)
	}
}

// visit clicks an ad's link as a visitor does, and returns the click ID that he
// carries on.
func visit(t *testing.T, link string) string {
	t.Helper()
	c := &http.Client{Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := c.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	to, err := url.Parse(res.Header.Get("Location"))
	if err != nil || to.Query().Get("sub5") == "" {
		t.Fatalf("%s to %q, %v", res.Status, res.Header.Get("Location"), err)
	}
	return to.Query().Get("sub5")
}

// text is what a page that answers 200 says.
func text(t *testing.T, address string) string {
	t.Helper()
	res, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", address, res.Status, err)
	}
	return string(body)
}
