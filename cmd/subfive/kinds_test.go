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
