package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/config"
)

func TestDiff(t *testing.T) {
	then := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	before := subfive.Setup{
		Networks:  []subfive.Network{{ID: "everflow", APIKey: "old-secret"}},
		Endpoints: []subfive.Endpoint{{ID: "default", Key: "old-secret"}},
		Sources:   []subfive.Source{{ID: "gone"}, {ID: "same", Params: map[string]string{"a": "1", "b": "2"}}},
		Campaigns: []subfive.Campaign{{ID: "spring", Offer: "a"}, {ID: "archived", ArchivedAt: &then}, {ID: "back", ArchivedAt: &then}},
		Destinations: []subfive.Destination{{
			ID: "m", Mode: subfive.ModeDryRun, SendOn: []subfive.Status{subfive.StatusPending},
			Value:    subfive.ValueRule{From: subfive.ValuePayout, Multiply: amount(1_000_000)},
			Settings: "dataset_id: \"1\"\naccess_token: EAAB-old\nurl: https://u:p@h.example.com/x?k=secret\nheaders: {X-Any: secret}\ncredentials: {refresh_token: secret}\noptions: [a]\n",
		}},
	}
	after := subfive.Setup{
		Version:   7,
		Networks:  []subfive.Network{{ID: "everflow", APIKey: "${EVERFLOW_KEY}"}},
		Endpoints: []subfive.Endpoint{{ID: "default", Key: "new-secret", Destinations: []string{}}},
		Sources:   []subfive.Source{{ID: "same", Params: map[string]string{"b": "2", "a": "1"}}},
		Campaigns: []subfive.Campaign{{ID: "back"}, {ID: "new"}, {ID: "spring", Offer: "b", Paused: true, Aliases: []string{"x", "y"}}},
		Destinations: []subfive.Destination{{
			ID: "m", Mode: subfive.ModeLive, SendOn: []subfive.Status{subfive.StatusPending, subfive.StatusApproved}, Delay: subfive.Duration(time.Hour),
			Value:    subfive.ValueRule{From: subfive.ValuePayout, Multiply: amount(800_000)},
			Settings: "dataset_id: \"2\"\naccess_token: EAAB-new # changed\nurl: https://u:p@h.example.com/y?k=secret\nheaders: {X-Any: other}\ncredentials: {refresh_token: other}\noptions: [a, b]\n",
		}},
	}
	var got []string
	for _, d := range config.Diff(before, after) {
		got = append(got, d.String())
	}
	want := []string{
		"~ networks/everflow: api_key: *** → ${EVERFLOW_KEY}",
		"~ endpoints/default: key: *** → ***",
		"- sources/gone (archived)",
		"+ campaigns/back",
		"+ campaigns/new",
		"~ campaigns/spring: aliases: \"\" → [x, y]",
		"~ campaigns/spring: offer: a → b",
		"~ campaigns/spring: paused: \"\" → true",
		"~ destinations/m: delay: \"\" → 1h",
		"~ destinations/m: mode: dry_run → live",
		"~ destinations/m: send_on: [pending] → [pending, approved]",
		"~ destinations/m: settings.access_token: *** → ***",
		"~ destinations/m: settings.credentials.refresh_token: *** → ***",
		"~ destinations/m: settings.dataset_id: 1 → 2",
		"~ destinations/m: settings.headers.X-Any: *** → ***",
		"~ destinations/m: settings.options[1]: \"\" → b",
		"~ destinations/m: settings.url: https://***@h.example.com/x?*** → https://***@h.example.com/y?***",
		"~ destinations/m: value.multiply: 1.00 → 0.80",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if same := config.Diff(after, after); same != nil {
		t.Errorf("a setup differs from itself: %v", same)
	}
}

func TestSampleIsAFileOfDefaults(t *testing.T) {
	file, err := config.Parse("sample.yaml", []byte(config.Sample()), noEnv, config.WithPlatforms(platforms()))
	if err != nil {
		t.Fatal(err)
	}
	server := defaultServer()
	server.PublicURL, server.Domains, server.Alerts = "https://trk.example.com", []config.Domain{}, []config.Alert{}
	server.AlertsOff = []string{}
	equal(t, server, file.Server)

	// What the sample writes out is what is left open.
	bare := subfive.Setup{
		Sources:   []subfive.Source{{ID: "meta-us", Platform: "meta"}},
		Offers:    []subfive.Offer{{ID: "ourdream", Link: "https://track.example-network.com/ABC123/XYZ/?sub1=sfw"}},
		Campaigns: []subfive.Campaign{{ID: "spring", Source: "meta-us", Offer: "ourdream"}},
		Destinations: []subfive.Destination{{
			ID: "meta-main", Platform: "meta", Settings: "dataset_id: \"123456789012345\"\naccess_token: ${META_TOKEN}\n",
		}},
	}
	if differences := config.Diff(config.Complete(bare, platforms()), file.Setup); differences != nil {
		t.Errorf("the sample is not the default: %v", differences)
	}
}

func TestSampleHasASlotForEachPlatform(t *testing.T) {
	text := config.Sample(
		config.PlatformSample{Name: "tiktok", Settings: "# where to find it\npixel_code: C123   # yours\n\naccess_token: ${TIKTOK_TOKEN}\n"},
		config.PlatformSample{Name: "relay", Settings: "body: |\n  {\"a\": 1}\nurl: https://example.com/"},
		config.PlatformSample{Name: "sheets", Settings: "# nothing to set"},
	)
	text = strings.Replace(text, "max_batch: 100", "max_batch: 50 ", 1)
	file, err := config.Parse("sample.yaml", []byte(text), noEnv, config.WithPlatforms(platforms()))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, d := range file.Setup.Destinations {
		got[d.ID] = d.Settings
	}
	want := map[string]string{
		"tiktok-main": "# where to find it\npixel_code: C123 # yours\n\naccess_token: ${TIKTOK_TOKEN}\n",
		"relay-main":  "body: |\n  {\"a\": 1}\nurl: https://example.com/\n",
		"sheets-main": "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDiffOfPathsAndRules(t *testing.T) {
	campaign := func(weight int, country string) subfive.Setup {
		return subfive.Setup{Campaigns: []subfive.Campaign{{
			ID: "c", Paths: []subfive.Path{{ID: "a", Weight: new(weight), Landing: "lp1"}, {ID: "b"}},
			Rules: []subfive.Rule{{ID: "r", When: subfive.Conditions{Country: []string{country}, Params: map[string][]string{"x": {"1"}, "a": nil}}, Paths: []subfive.Path{{ID: "p"}}}},
		}}}
	}
	if got := config.Diff(campaign(0, "DE"), campaign(0, "DE")); len(got) > 0 {
		t.Errorf("the same twice differs: %v", got)
	}
	var got []string
	for _, d := range config.Diff(campaign(0, "DE"), campaign(70, "US")) {
		got = append(got, d.String())
	}
	want := []string{
		"~ campaigns/c: paths: [{id: a, weight: 0, landing: lp1}, {id: b}] → [{id: a, weight: 70, landing: lp1}, {id: b}]",
		"~ campaigns/c: rules: [{id: r, when: {country: [DE], params: {a: , x: [1]}}, paths: [{id: p}]}] → " +
			"[{id: r, when: {country: [US], params: {a: , x: [1]}}, paths: [{id: p}]}]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
