package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/config"
	"subfive/dashboard"
	"subfive/store"
)

// backendOf is the API's backend over a session, without a running tracker.
func backendOf(s session, a *app) *backend {
	tr := &tracker{app: a, file: s.file}
	tr.store.Store(s.Store)
	return &backend{t: tr}
}

// An export that is uploaded is kept as "import costs" keeps it: a dry run shows
// what would be, and a day with a bad row is left as it was.
func TestImportCostsOverTheAPI(t *testing.T) {
	c := newCommands(t)
	costSources(c)
	meta, err := os.ReadFile("../../costs/testdata/meta.csv")
	if err != nil {
		t.Fatal(err)
	}
	utf16, err := os.ReadFile("../../costs/testdata/google_utf16.csv")
	if err != nil {
		t.Fatal(err)
	}
	c.with(func(s session, a *app) error {
		b, ctx := backendOf(s, a), t.Context()
		read := func(f dashboard.CostFile) costsRead {
			t.Helper()
			answer, err := b.ImportCosts(ctx, f)
			if err != nil {
				t.Fatal(err)
			}
			return answer.(costsRead)
		}
		dry := read(dashboard.CostFile{Data: meta, Platform: "meta", DryRun: true})
		if len(dry.Sample) != 3 || dry.ImportID != "" || dry.Rows != 3 || dry.Totals != 1 || dry.Columns[0] == "" {
			t.Errorf("dry run: %+v", dry)
		}
		kept, _, err := s.Costs(ctx, store.CostQuery{Limit: 1})
		if err != nil || len(kept) != 0 {
			t.Errorf("a dry run kept %v (%v)", kept, err)
		}
		got := read(dashboard.CostFile{Data: meta, Platform: "meta"})
		if diff := cmp.Diff(map[string]string{"USD": "81.169999"}, got.Spend); diff != "" || got.Days != 2 || got.ImportID == "" || got.Rejected != 0 {
			t.Errorf("%s%+v", diff, got)
		}
		if !strings.Contains(strings.Join(got.Notes, "\n"), "the days of source meta-us are those of America/New_York") {
			t.Errorf("notes %q", got.Notes)
		}
		if got := read(dashboard.CostFile{Data: utf16, Platform: "google"}); got.Rows != 3 || !strings.Contains(strings.Join(got.Notes, "\n"), "there is no rate for 2 days") {
			t.Errorf("as bytes: %+v", got)
		}
		half := read(dashboard.CostFile{SourceID: "meta-us", Data: []byte("Day,Ad ID,Amount spent (USD)\n2026-11-19,1,5.00\n2026-11-20,1,6.00\n2026-11-20,2,six\n")})
		if diff := cmp.Diff([]string{"2026-11-20 of meta-us"}, half.Left); diff != "" || half.Rows != 1 || half.Rejected != 1 || !strings.Contains(half.Reasons[0], "line 4") {
			t.Errorf("%s%+v", diff, half)
		}
		if half.Spend["USD"] != "5.00" {
			t.Errorf("of what was kept: %v", half.Spend)
		}
		for what, f := range map[string]dashboard.CostFile{
			"platform x: there is":            {Data: meta, Platform: "x"},
			"say whose export it is":          {Data: meta},
			"there is no such source":         {Data: meta, SourceID: "x"},
			"decimal x: there is point":       {Data: meta, Platform: "meta", Decimal: "x"},
			"is bought on google, not on":     {Data: meta, Platform: "meta", SourceID: "google-eu"},
			"no column is known to be day":    {Data: []byte("a,b\n1,2\n"), Platform: "meta"},
			"currency dollars: write an ISO ": {Data: meta, Platform: "meta", Currency: "dollars"},
		} {
			if _, err := b.ImportCosts(ctx, f); !isInvalid(err, what) {
				t.Errorf("%s: %v", what, err)
			}
		}
		return nil
	})
}

// A link is followed as far as the network; of private addresses only our own.
func TestFollowLinkOverTheAPI(t *testing.T) {
	calls := newChain(t, map[string]answerOf{
		"/c/spring": leads(http.StatusFound, "https://track.example-network.com/ABC123/XYZ/?sub5="+clickID),
	})
	host := strings.TrimPrefix(calls.URL, "http://")
	b := &backend{&tracker{app: newApp(io.Discard, io.Discard), file: config.File{
		Server: config.Server{PublicURL: calls.URL, DataDir: t.TempDir()},
		Setup:  subfive.Setup{Offers: []subfive.Offer{{ID: "ourdream", Link: "https://track.example-network.com/ABC123/XYZ/"}}},
	}}}
	answer, err := b.FollowLink(t.Context(), " "+calls.URL+"/c/spring", false)
	if err != nil {
		t.Fatal(err)
	}
	r := answer.(linkReport)
	if len(r.Hops) != 1 || !r.Hops[0].Ours || !r.Stopped || r.SlotValue != clickID || calls.called[0] != "/c/spring?test=1" {
		t.Errorf("called %v: %+v", calls.called, r)
	}
	b.t.file.Server.PublicURL = "https://trk.example.com"
	answer, err = b.FollowLink(t.Context(), calls.URL+"/c/spring", false)
	if err != nil || len(calls.called) != 1 || answer.(linkReport).Hops[0].Failed == "" {
		t.Errorf("%s is private, and not ours: %+v (%v)", host, answer, err)
	}
	if _, err := b.FollowLink(t.Context(), "trk.example.com/c/spring", false); !isInvalid(err, "is no URL") {
		t.Error(err)
	}
	for range networkTestsADay {
		if err := spendNetworkTest(b.t.file.Server.DataDir, b.t.app.now()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.FollowLink(t.Context(), calls.URL+"/c/spring", true); err == nil || !strings.Contains(err.Error(), "click fraud: try again tomorrow") {
		t.Errorf("into the network once more: %v", err)
	}
}

// Channels are shown without what opens them, and tried.
func TestAlertChannelsOverTheAPI(t *testing.T) {
	good := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer good.Close()
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	defer bad.Close()
	b := &backend{&tracker{app: newApp(io.Discard, io.Discard), file: config.File{Server: config.Server{
		Alerts: []config.Alert{
			{Kind: config.AlertWebhook, URL: good.URL + "/secret-path", Secret: "s3cret"},
			{Kind: config.AlertWebhook, URL: bad.URL + "/secret-path"},
		},
		AlertsOff: []string{"no_clicks"},
	}}}}
	said := func(answer any, err error) string {
		t.Helper()
		text, fault := json.Marshal(answer)
		if err != nil || fault != nil {
			t.Fatal(err, fault)
		}
		return string(text)
	}
	shown := said(b.AlertChannels(t.Context()))
	for _, word := range []string{`{"channel":"webhook","kind":"webhook","to":"` + strings.TrimPrefix(good.URL, "http://") + `"}`, `"channel":"webhook-2"`, `{"rule":"no_clicks","off":true}`, `{"rule":"backlog","off":false}`} {
		if !strings.Contains(shown, word) {
			t.Errorf("no %s in %s", word, shown)
		}
	}
	if strings.Contains(shown, "secret") || strings.Contains(shown, "s3cret") {
		t.Errorf("a secret is shown: %s", shown)
	}
	tried := said(b.TestAlerts(t.Context()))
	if !strings.Contains(tried, `{"channel":"webhook","sent":true}`) || !strings.Contains(tried, `"channel":"webhook-2","sent":false,"error":"`) || strings.Contains(tried, "secret-path") {
		t.Errorf("tried: %s", tried)
	}
	b.t.file.Server.Alerts = nil
	if got := said(b.TestAlerts(t.Context())); got != `{"items":[]}` {
		t.Errorf("without channels: %s", got)
	}
}
