package main

import (
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/config"
)

// What Google can be told hangs on the API in a destination's settings; where the
// settings can't be read here, and for other platforms, the platform's kinds hold.
func TestRulesKnowWhatADestinationCanBeTold(t *testing.T) {
	const account = "customer_id: \"1\"\nconversion_action_id: \"2\"\ncredentials: {client_id: c, client_secret: s, refresh_token: \"${R}\"}\n"
	setup := subfive.Setup{Destinations: []subfive.Destination{
		{ID: "newer", Platform: "google", Settings: account},
		{ID: "older", Platform: "google", Settings: account + "api: google_ads\n"},
		{ID: "broken", Platform: "google", Settings: "api: google_ads\n"},
		{ID: "hook", Platform: "relay", Settings: "url: https://example.com/\n"},
	}}
	a := newApp(io.Discard, io.Discard)
	a.env = func(string) (string, bool) { return "", false }
	want := map[string][]subfive.Kind{
		"newer": {subfive.KindConversion, subfive.KindApproval, subfive.KindRestatement},
		"older": {subfive.KindConversion, subfive.KindApproval, subfive.KindRetraction, subfive.KindRestatement},
	}
	if diff := cmp.Diff(want, a.rules(config.Server{}, setup, nil).Kinds); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
}

// Whether a destination can limit its use of data hangs on what is known of the
// visitor, and on its settings.
func TestRulesKnowWhereADestinationCanLimit(t *testing.T) {
	const reddit, meta = "pixel_id: a2_x\naccess_token: \"${R}\"\n", "dataset_id: \"1\"\naccess_token: \"${R}\"\n"
	setup := subfive.Setup{Destinations: []subfive.Destination{
		{ID: "reddit", Platform: "reddit", Settings: reddit},
		{ID: "reddit-us", Platform: "reddit", Settings: reddit + "data_processing_options_country: US\n"},
		{ID: "meta", Platform: "meta", Settings: meta},
		{ID: "meta-ca", Platform: "meta", Settings: meta + "data_processing_options_country: 1\ndata_processing_options_state: 1000\n"},
		{ID: "hook", Platform: "relay", Settings: "url: https://example.com/\n"},
	}}
	a := newApp(io.Discard, io.Discard)
	a.env = func(string) (string, bool) { return "", false }
	got := map[string]string{}
	for id, limits := range a.rules(config.Server{}, setup, nil).Limits {
		for what, err := range map[string]error{"nobody": limits("", ""), "country": limits("US", ""), "address": limits("", "192.0.2.1")} {
			if err == nil {
				got[id+" "+what] = "can"
			}
		}
	}
	want := map[string]string{
		"reddit country": "can", "reddit-us nobody": "can", "reddit-us country": "can", "reddit-us address": "can",
		"meta address": "can", "meta-ca nobody": "can", "meta-ca country": "can", "meta-ca address": "can",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("limits (-want +got):\n%s", diff)
	}
}
