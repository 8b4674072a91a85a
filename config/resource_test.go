package config_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/config"
)

func TestParseResource(t *testing.T) {
	amount := subfive.Micros(42_500_000)
	weight := 30
	keyed := subfive.Endpoint{ID: "default", Key: "k3y", Tee: "https://other.example/in?token=t0k"}
	sends := subfive.Destination{ID: "meta", Platform: "meta", Settings: "access_token: t0k\n"}
	tests := map[string]struct {
		list, id, data string
		stored         any
		want           any
	}{
		"an offer": {
			"offers", "ourdream", `{"link": "https:\/\/trk.example\/A\/?x=\u00e9&y=1", "payout": "42.50", "window": "30d", "network_offer_id": "007", "sensitive_params": []}`, nil,
			subfive.Offer{ID: "ourdream", Link: "https://trk.example/A/?x=é&y=1", Payout: &amount, Window: subfive.Duration(30 * 24 * time.Hour), NetworkOfferID: "007", SensitiveParams: []string{}},
		},
		"an amount as a number": {"offers", "o", `{"link": "https://a.example/", "payout": 42.5}`, nil, subfive.Offer{ID: "o", Link: "https://a.example/", Payout: &amount}},
		"what is shown, sent back": {
			"sources", "meta-us", `{"id": "meta-us", "platform": "meta", "origin": "api", "archived_at": "2026-11-24T09:00:00Z", "params": {"p1": "{{ad.id}}"}}`, nil,
			subfive.Source{ID: "meta-us", Platform: "meta", Params: map[string]string{"p1": "{{ad.id}}"}},
		},
		"a campaign": {
			"campaigns", "spring", `{"source": "meta-us", "paths": [{"id": "a", "weight": 30}], "rules": [{"id": "de", "when": {"country": ["DE"], "params": {"x": ["1"]}}, "paths": [{"id": "b"}]}], "paused": true}`, nil,
			subfive.Campaign{ID: "spring", Source: "meta-us", Paused: true, Paths: []subfive.Path{{ID: "a", Weight: &weight}}, Rules: []subfive.Rule{{
				ID: "de", When: subfive.Conditions{Country: []string{"DE"}, Params: map[string][]string{"x": {"1"}}}, Paths: []subfive.Path{{ID: "b"}},
			}}},
		},
		"a page":                      {"landing_pages", "lp", `{"url": "https://lp.example/$${x}"}`, nil, subfive.LandingPage{ID: "lp", URL: "https://lp.example/$${x}"}},
		"a key of a new network":      {"networks", "ef", `{"api_key": "s3cret"}`, nil, subfive.Network{ID: "ef", APIKey: "s3cret"}},
		"a key that is left out":      {"endpoints", "default", `{"repeats": "count"}`, keyed, subfive.Endpoint{ID: "default", Key: "k3y", Repeats: "count"}},
		"a key as it is shown":        {"endpoints", "default", `{"key": "***", "tee": "https://other.example/in?***"}`, keyed, keyed},
		"a key that is empty":         {"endpoints", "default", `{"key": ""}`, keyed, subfive.Endpoint{ID: "default"}},
		"a key of another":            {"endpoints", "default", `{"key": "new", "tee": "https://else.example/"}`, keyed, subfive.Endpoint{ID: "default", Key: "new", Tee: "https://else.example/"}},
		"settings":                    {"destinations", "meta", `{"platform": "meta", "settings": {"access_token": "new", "dataset_id": "007"}}`, sends, subfive.Destination{ID: "meta", Platform: "meta", Settings: `{"access_token": "new", "dataset_id": "007"}` + "\n"}},
		"settings that are left out":  {"destinations", "meta", `{"platform": "meta", "mode": "live", "account": "meta:1"}`, sends, subfive.Destination{ID: "meta", Platform: "meta", Mode: "live", Settings: "access_token: t0k\n"}},
		"settings of a new address":   {"destinations", "meta", `{"platform": "meta", "base_url": "https://x.example", "settings": {}}`, sends, subfive.Destination{ID: "meta", Platform: "meta", BaseURL: "https://x.example", Settings: "{}\n"}},
		"no settings and none stored": {"destinations", "hook", `{"platform": "relay"}`, nil, subfive.Destination{ID: "hook", Platform: "relay"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := config.ParseResource(test.list, test.id, []byte(test.data), test.stored)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseResourceRefuses(t *testing.T) {
	sends := subfive.Destination{ID: "meta", Platform: "meta", Settings: "access_token: t0k\n"}
	tests := map[string]struct {
		list, data string
		stored     any
		want       config.Problem
	}{
		"a misspelt field":      {"offers", `{"lnk": "https://a.example/"}`, nil, config.Problem{What: `unknown key "lnk" in offers/x`, Do: `did you mean "link"?`}},
		"one deep inside":       {"campaigns", `{"paths": [{"id": "a", "wait": 3}]}`, nil, config.Problem{What: `unknown key "wait" in campaigns/x.paths[0]`, Do: "known here: id, landing, offer, weight"}},
		"another kind of value": {"offers", `{"link": ["a"]}`, nil, config.Problem{What: "offers/x.link is a list, where text is wanted"}},
		"a field twice":         {"offers", `{"link": "a", "link": "b"}`, nil, config.Problem{What: `"link" is written twice in offers/x`, Do: "keep one; the other is in line 1"}},
		"another's id":          {"offers", `{"id": "y", "link": "a"}`, nil, config.Problem{What: `the address names offers/x, and its id is "y"`, Do: "leave id out, or write the same"}},
		"no amount":             {"offers", `{"payout": "a lot"}`, nil, config.Problem{What: `offers/x.payout: "a lot" is not a plain decimal number such as 42.50`, Do: "write digits with a dot: 42.50"}},
		"nothing":               {"offers", ``, nil, config.Problem{What: "there is nothing in the body", Do: "send the resource as the file has it"}},
		"a list":                {"offers", `[]`, nil, config.Problem{What: "offers/x is a list, where keys with values are wanted", Do: "write  key: value  lines below it"}},
		"the environment": {
			"offers", `{"link": "https://a.example/${SUBFIVE_SECRET_KEY}"}`, nil,
			config.Problem{What: "offers/x: link holds a reference", Do: "send the value itself, secrets are kept sealed; ${NAME} works in the file alone"},
		},
		"the environment in settings": {
			"destinations", `{"platform": "relay", "settings": {"url": "https://a.example/${HOME}"}}`, nil,
			config.Problem{What: "destinations/x: settings hold a reference", Do: "send the value itself, secrets are kept sealed; ${NAME} works in the file alone"},
		},
		"what is hidden, and not stored": {
			"networks", `{"api_key": "***"}`, nil,
			config.Problem{What: "networks/x: api_key holds ***, which stands for what is hidden", Do: "send the real value, or leave it out to keep what is stored"},
		},
		"what is hidden, of another address": {
			"endpoints", `{"tee": "https://else.example/in?***"}`,
			subfive.Endpoint{ID: "x", Tee: "https://other.example/in?token=t0k"},
			config.Problem{What: "endpoints/x: tee holds ***, which stands for what is hidden", Do: "send the real value, or leave it out to keep what is stored"},
		},
		"stored secrets for another address": {
			"destinations", `{"platform": "meta", "base_url": "https://x.example"}`, sends,
			config.Problem{What: "destinations/x: platform or base_url changes, and settings are left out", Do: "send settings too: stored secrets are not sent to another address"},
		},
		"stored secrets for another platform": {
			"destinations", `{"platform": "relay"}`, sends,
			config.Problem{What: "destinations/x: platform or base_url changes, and settings are left out", Do: "send settings too: stored secrets are not sent to another address"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := config.ParseResource(test.list, "x", []byte(test.data), test.stored)
			var problems config.Problems
			if !errors.As(err, &problems) || got != nil {
				t.Fatalf("%v, %v", got, err)
			}
			if diff := cmp.Diff(config.Problems{test.want}, problems); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if _, err := config.ParseResource("alerts", "x", []byte("{}"), nil); err == nil {
		t.Error("a list that there is not has resources")
	}
}

func TestShown(t *testing.T) {
	tests := map[string]struct{ value, want any }{
		"network":     {subfive.Network{ID: "n", APIKey: "s3cret"}, subfive.Network{ID: "n", APIKey: "***"}},
		"a reference": {subfive.Network{ID: "n", APIKey: "${KEY}"}, subfive.Network{ID: "n", APIKey: "${KEY}"}},
		"no key":      {subfive.Endpoint{ID: "e"}, subfive.Endpoint{ID: "e"}},
		"endpoint":    {subfive.Endpoint{ID: "e", Key: "k", Tee: "https://u:p@x.example/?t=1"}, subfive.Endpoint{ID: "e", Key: "***", Tee: "https://***@x.example/?***"}},
		"destination": {subfive.Destination{ID: "d", Settings: "token: x"}, subfive.Destination{ID: "d"}},
		"offer":       {subfive.Offer{ID: "o"}, subfive.Offer{ID: "o"}},
	}
	for name, test := range tests {
		if diff := cmp.Diff(test.want, config.Shown(test.value)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestReview(t *testing.T) {
	got, problems := config.Review(subfive.Setup{Offers: []subfive.Offer{{ID: "o", Link: "https://a.example/", Currency: "eur"}}}, nil)
	if len(problems) > 0 || got.Offers[0].Currency != "EUR" || got.Offers[0].ClickSlot != "sub5" {
		t.Errorf("%+v, %v", got.Offers, problems)
	}
	_, problems = config.Review(subfive.Setup{Campaigns: []subfive.Campaign{{ID: "c", Offer: "none"}}}, nil)
	if len(problems) == 0 || problems[0].Line != 0 {
		t.Errorf("a campaign of no offer: %v", problems)
	}
}

// Whatever is sent, it is read or refused.
func FuzzParseResource(f *testing.F) {
	for _, seed := range []string{`{"link": "https://a.example/", "payout": 1}`, `{"settings": {"a": ["b", {"c": null}]}}`, `{"id": "x", "rules": [{}]}`, `[`, "a: &x b"} {
		f.Add("offers", []byte(seed))
		f.Add("destinations", []byte(seed))
		f.Add("campaigns", []byte(seed))
	}
	f.Fuzz(func(t *testing.T, list string, data []byte) {
		value, err := config.ParseResource(list, "x", data, nil)
		if (value == nil) == (err == nil) {
			t.Errorf("%v, %v", value, err)
		}
	})
}
