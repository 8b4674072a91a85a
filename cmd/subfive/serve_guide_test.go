package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive/config"
	"subfive/everflow"
	"subfive/journal"
	"subfive/sandbox"
	"subfive/store"
)

// The guide, step by step: a click gets its ID, the network sells, and fires the
// URL that we print, the same with the guide's mistakes in it, and twice. Each is
// answered 200 at the first try, and one sale is one conversion.
func TestFromTheFormToTheConversion(t *testing.T) {
	t.Parallel()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + l.Addr().String()
	c := &commands{t: t, dir: t.TempDir(), now: noon()}
	a := c.app(&bytes.Buffer{}, &bytes.Buffer{})
	a.now = time.Now
	f, err := config.Parse("subfive.yaml", fmt.Appendf(nil, `
public_url: %s
data_dir: %s
ack: database
ack_timeout: 20s
sources:
  - {id: meta-us, platform: meta}
offers:
  - {id: ourdream, network_offer_id: "1", link: "https://track.network.example/A/B/?sub1=sfw"}
campaigns:
  - {id: spring, source: meta-us, offer: ourdream}
`, base, filepath.Join(c.dir, "data")), a.env, config.WithPlatforms(configPlatforms()))
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

	visitor := demo{base: base}
	id, err := visitor.click(ctx, sandbox.AdClick{Query: "fbclid=IwAR1", UserAgent: "Mozilla/5.0 (iPhone)", IP: "203.0.113.7"})
	if err != nil {
		t.Fatal(err)
	}
	endpoint, _ := f.Setup.Endpoint("default")
	form := everflow.PostbackURL(base, endpoint, everflow.Options{}) + "&sub1={sub1}"
	templates := map[string]string{
		"as printed":       form,
		"the same again":   form,
		"wrong macro":      strings.Replace(form, "{sub5}", "{Sub5}", 1),
		"one source's":     form + "&fbclid={fbclid}",
		"encoded braces":   strings.Replace(form, "{sub5}", "%7Bsub5%7D", 1),
		"edited by hand":   strings.Replace(form, "&payout", "&&payout", 1),
		"a trailing slash": strings.Replace(form, "/conversion?", "/conversion/?", 1),
		"wrong path":       strings.Replace(form, "/conversion?", "/conversions?", 1),
		"nothing in it":    base + "/conversion",
	}
	var postbacks []sandbox.Postback
	for name, template := range templates {
		postbacks = append(postbacks, sandbox.Postback{ID: name, URL: template, Type: sandbox.TypeConversion, Scope: sandbox.ScopeGlobal})
	}
	postbacks = append(postbacks, sandbox.Postback{ID: "events", URL: form, Type: sandbox.TypeEvent, Scope: sandbox.ScopeGlobal})
	network, err := sandbox.NewSimulator(time.Now, sandbox.SimulatorConfig{Postbacks: postbacks})
	if err != nil {
		t.Fatal(err)
	}
	sell := func(s sandbox.Conversion, slot string) {
		t.Helper()
		s.OfferID, s.SourceID, s.Sub = "1", "x", [10]string{0: "sfw", 4: slot}
		fires, err := network.Convert(ctx, s)
		if err != nil {
			t.Fatal(err)
		}
		for _, fire := range fires {
			if fire.Outcome != sandbox.OutcomeDelivered || fire.Last.Try != 1 || fire.Last.Status != 200 || !strings.HasPrefix(fire.Last.Body, `{"status":"accepted","id":"pb_`) {
				t.Errorf("%s: %s at try %d: %d %s", fire.PostbackID, fire.Outcome, fire.Last.Try, fire.Last.Status, fire.Last.Body)
			}
		}
	}
	const tx = "0f2c1b7e44d04a51b6c6a1de01e2f3a4"
	sell(sandbox.Conversion{Type: sandbox.TypeConversion, TransactionID: tx, EventID: "0", EventName: "Base", Payout: "42.50"}, id)
	sell(sandbox.Conversion{Type: sandbox.TypeEvent, TransactionID: tx, EventID: "3", EventName: "Upgrade", Payout: "0"}, id)
	sell(sandbox.Conversion{Type: sandbox.TypeConversion, TransactionID: "1" + tx[1:], EventID: "0", EventName: "Base", Payout: "10"}, "")

	st, err := store.Open(ctx, filepath.Join(c.dir, "data", "subfive.db"), store.WithoutMigrate())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	read := func(query string) (rows []string) {
		t.Helper()
		err := eachRow(ctx, st, query, func(values []any) error {
			rows = append(rows, fmt.Sprint(values...))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	want := []string{
		"matched Upgrade 0 USD by click of spring, sub1 sfw",
		"matched base 42500000 USD by click of spring, sub1 sfw",
		"no_click_id base 10000000 USD by  of , sub1 sfw",
	}
	got := read(`SELECT verdict || ' ' || CASE WHEN lower(goal) = 'base' THEN 'base' ELSE goal END || ' ' || payout_micros || ' ' || payout_currency || ' by ' || coalesce(match_method, '')
		|| ' of ' || coalesce(campaign_id, '') || ', sub1 ' || coalesce(sub1, '') FROM v_conversions WHERE counts_conversion = 1 ORDER BY 1`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("conversions (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"19"}, read("SELECT count(*) FROM v_postbacks WHERE answered_status = 200")); diff != "" {
		t.Errorf("postbacks (-want +got):\n%s", diff)
	}
	for _, failures := range tr.budget.Failures() {
		if failures.InARow != 0 {
			t.Errorf("failures %+v", failures)
		}
	}
	for _, p := range network.Postbacks() {
		if !p.Active || p.Failed != 0 {
			t.Errorf("%s: active %t, %d failures", p.ID, p.Active, p.Failed)
		}
	}
}
