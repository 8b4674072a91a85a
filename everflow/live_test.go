package everflow

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

var liveNow = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

// calm is a tracker in order: clicks and postbacks come in.
func calm() Traffic {
	t := Traffic{
		PublicURL: "https://trk.example.com", Since: liveNow.Add(-24 * time.Hour), AnyClick: true,
		Setup: subfive.Setup{
			Endpoints: []subfive.Endpoint{{ID: "default"}, {ID: "meta-only", Offers: []string{"ourdream"}}, {ID: "organic", EmptyClickID: subfive.EmptyOrganic}},
			Offers:    []subfive.Offer{{ID: "ourdream", NetworkOfferID: "1"}},
			Campaigns: []subfive.Campaign{{ID: "spring"}, {ID: "resting", Paused: true}},
			Destinations: []subfive.Destination{
				{ID: "meta-main", Platform: "meta", Mode: subfive.ModeLive}, {ID: "try", Platform: "meta", Mode: subfive.ModeDryRun},
			},
		},
		Heard:    map[string]bool{"default": true, "meta-only": true, "organic": true},
		Clicked:  map[string]bool{"spring": true},
		Failures: []Failures{{EndpointID: "default", Limit: FailureLimit}},
	}
	for i := range 20 {
		t.Postbacks = append(t.Postbacks, heard("default", fmt.Sprint("cv_", i), nil))
		t.Clicks = append(t.Clicks, subfive.Click{ID: fmt.Sprint("c", i), Request: subfive.Request{ClientAddr: fmt.Sprintf("203.0.113.%d", i)}})
	}
	return t
}

func heard(endpoint, conversion string, change func(*subfive.Judged)) subfive.Judged {
	j := subfive.Judged{
		Postback:     subfive.Postback{EndpointID: endpoint, Reading: subfive.ReadingOK, Request: subfive.Request{Params: []subfive.Param{{Name: "click_id", Value: "x"}}}},
		Verdict:      subfive.VerdictMatched,
		ConversionID: conversion,
	}
	if change != nil {
		change(&j)
	}
	return j
}

// some changes n postbacks.
func some(n int, change func(*subfive.Judged)) func(*Traffic) {
	return func(t *Traffic) {
		for i := range n {
			change(&t.Postbacks[i])
		}
	}
}

func hint(text string) func(*subfive.Judged) {
	return func(j *subfive.Judged) { j.Postback.Hint = text }
}

func reads(r subfive.Reading) func(*subfive.Judged) {
	return func(j *subfive.Judged) { j.Postback.Reading = r }
}

func stopped(destination string, status subfive.DeliveryStatus, reason string, n int) func(*Traffic) {
	return func(t *Traffic) {
		for range n {
			t.Deliveries = append(t.Deliveries, subfive.Delivery{
				DestinationID: destination, Status: status, ReasonCode: reason, Conversion: subfive.Conversion{GoalName: "Upgrade"},
			})
		}
	}
}

func pauses(p subfive.Pause) func(*Traffic) {
	return func(t *Traffic) { t.Pauses = []subfive.Pause{p} }
}

func TestCheckUp(t *testing.T) {
	tests := map[string]struct {
		change func(*Traffic)
		want   []string // "severity code where: part of what"
	}{
		"in order":      {nil, nil},
		"no public URL": {func(t *Traffic) { t.PublicURL = "" }, []string{"warning no_public_url public_url: not set"}},
		"key beside":    {func(t *Traffic) { t.KeyBesideDatabase = true }, []string{"note key_beside_database secret_key: beside the database"}},
		"clock off":     {func(t *Traffic) { t.Skew = -15 * time.Second }, []string{"error clock_skew clock: -15s off"}},
		"clock nearly right": {
			func(t *Traffic) { t.Skew = time.Second }, nil,
		},
		"failures": {
			func(t *Traffic) { t.Failures[0].InARow, t.Failures[0].LastStatus = 3, 503 },
			[]string{"warning failure_budget endpoint default: 3 of 10 failures in a row, the last with status 503"},
		},
		"many failures":          {func(t *Traffic) { t.Failures[0].InARow = 6 }, []string{"error failure_budget endpoint default: 6 of 10"}},
		"an endpoint is silent":  {func(t *Traffic) { delete(t.Heard, "meta-only") }, []string{"warning no_postbacks endpoint meta-only: no postback"}},
		"the default one, alone": {func(t *Traffic) { delete(t.Heard, "default") }, nil},
		"nothing came in yet": {
			func(t *Traffic) {
				*t = Traffic{PublicURL: t.PublicURL, Setup: subfive.Setup{Endpoints: t.Setup.Endpoints[:1], Campaigns: t.Setup.Campaigns}}
			},
			[]string{"warning no_postbacks endpoint default: yet", "warning campaign_without_clicks campaign spring: no click yet"},
		},
		"postbacks and no click": {
			func(t *Traffic) { t.AnyClick, t.Clicked = false, nil },
			[]string{"error postbacks_without_clicks links: no click was ever", "warning campaign_without_clicks campaign spring: no click yet"},
		},
		"literal macros": {
			some(5, func(j *subfive.Judged) { reads(subfive.ReadingLiteralMacro)(j); hint("write click_id={sub5}")(j) }),
			[]string{"error literal_macros endpoint default: 25 % (5 of 20)"},
		},
		"one empty click ID":   {some(1, reads(subfive.ReadingEmptyClickID)), nil},
		"some empty click IDs": {some(3, reads(subfive.ReadingEmptyClickID)), []string{"error empty_click_ids endpoint default: 15 % (3 of 20)"}},
		"empty where organic is meant": {
			some(20, func(j *subfive.Judged) {
				j.Postback.EndpointID = "organic"
				reads(subfive.ReadingEmptyClickID)(j)
			}), nil,
		},
		"another tracker's IDs": {some(8, reads(subfive.ReadingForeign)), []string{"warning foreign_click_ids endpoint default: 40 %"}},
		"a platform's IDs":      {some(2, reads(subfive.ReadingDirect)), []string{"warning platform_click_ids endpoint default: 10 %"}},
		"unknown clicks":        {some(2, func(j *subfive.Judged) { j.Verdict = subfive.VerdictUnmatched }), []string{"warning unmatched_click_ids endpoint default: 10 %"}},
		"malformed":             {some(1, reads(subfive.ReadingMalformed)), []string{"error malformed_postbacks endpoint default: 5 %"}},
		"paid clicks":           {some(1, func(j *subfive.Judged) { j.Postback.NotAConversion = true }), []string{"warning cpc_postbacks endpoint default: 5 %"}},
		"plain http":            {some(1, hint("it came over plain http; use https")), []string{"warning http_postbacks endpoint default: 5 %"}},
		"wrong path":            {some(2, hint("this is no postback path; use /conversion")), []string{"error wrong_path_postbacks endpoint default: 10 %"}},
		"no such endpoint":      {some(2, hint(`no endpoint is called "x"; check the path`)), []string{"error unknown_endpoint_postbacks endpoint default: 10 %"}},
		"wrong key":             {some(2, hint(`wrong key for endpoint "default"; copy the postback URL anew`)), []string{"error wrong_key_postbacks endpoint default: 10 %"}},
		"no key":                {some(2, hint(`no key: add key= of endpoint "default"`)), []string{"warning missing_key_postbacks endpoint default: 10 %"}},
		"too many":              {some(2, hint("too many postbacks from this address")), []string{"warning too_many_postbacks endpoint default: 10 %"}},
		"settled since": {
			some(2, func(j *subfive.Judged) {
				hint("too many postbacks from this address")(j)
				j.SettledAs = "accepted"
			}), nil,
		},
		"scope smell": {
			func(t *Traffic) {
				for i := range t.Postbacks {
					value := "{fbclid}"
					if i%8 == 0 {
						value = "IwAR2F4-dbP0l7Mn1IawQQGCINEz7PYXQvwjNwB"
					} else if i%2 == 0 {
						value = ""
					}
					t.Postbacks[i].Postback.Request.Params = append(t.Postbacks[i].Postback.Request.Params, subfive.Param{Name: "fbclid", Value: value})
				}
			},
			[]string{"warning scope_smell endpoint default, fbclid: 85 % of fires at endpoint default lack fbclid (17 of 20)"},
		},
		"a parameter that few bring": {
			func(t *Traffic) {
				for i := range 12 {
					t.Postbacks[i].Postback.Request.Params = []subfive.Param{{Name: "fbclid", Value: ""}}
				}
			}, nil,
		},
		"the same at a Specific endpoint": {
			func(t *Traffic) {
				for i := range t.Postbacks {
					t.Postbacks[i].Postback.EndpointID = "meta-only"
					t.Postbacks[i].Postback.Request.Params = []subfive.Param{{Name: "fbclid", Value: ""}}
				}
			}, nil,
		},
		"Global and Specific": {
			func(t *Traffic) {
				for i := range 4 {
					t.Postbacks = append(t.Postbacks, heard("meta-only", fmt.Sprint("cv_", i), nil))
				}
			},
			[]string{"warning both_fire endpoints default and meta-only: 4 conversions came in at endpoints default and meta-only"},
		},
		"private addresses": {
			func(t *Traffic) {
				for i := range 6 {
					t.Clicks[i].Request.ClientAddr = "10.0.0.2"
				}
			}, []string{"error proxy_addresses trusted_proxies: 30 % (6 of 20)"},
		},
		"a proxy that is not trusted": {
			func(t *Traffic) {
				for i := range t.Clicks {
					t.Clicks[i].Request.ClientAddr = "104.16.0.1"
					t.Clicks[i].Request.Headers = map[string]string{"X-Forwarded-For": "203.0.113.9"}
				}
			}, []string{"error proxy_addresses trusted_proxies: 100 % (20 of 20)"},
		},
		"a proxy that is trusted": {
			func(t *Traffic) {
				for i := range t.Clicks {
					t.Clicks[i].Request.Headers = map[string]string{"X-Forwarded-For": t.Clicks[i].Request.ClientAddr + ", 104.16.0.1"}
				}
			}, nil,
		},
		"one address for many": {
			func(t *Traffic) {
				for range 40 {
					t.Clicks = append(t.Clicks, subfive.Click{Request: subfive.Request{ClientAddr: "198.51.100.1"}})
				}
			}, []string{"error proxy_addresses trusted_proxies: 67 % (40 of 60)"},
		},
		"unmapped goals":       {stopped("meta-main", subfive.DeliverySkipped, "goal_unmapped", 2), []string{`warning unmapped_goals destination meta-main: 2 conversions with the goal "Upgrade"`}},
		"payouts above":        {stopped("meta-main", subfive.DeliverySkipped, "payout_above_max", 1), []string{"warning payout_above_max destination meta-main: 1 conversions"}},
		"dead":                 {stopped("meta-main", subfive.DeliveryDead, "rejected", 3), []string{"error dead_deliveries destination meta-main: 3 deliveries"}},
		"dry run":              {stopped("try", subfive.DeliveryDryRun, "dry_run", 3), []string{"warning destination_dry_run destination try: 3 conversions"}},
		"dry run, live since":  {stopped("meta-main", subfive.DeliveryDryRun, "dry_run", 3), nil},
		"paused by a person":   {pauses(subfive.Pause{DestinationID: "meta-main", Manual: true, Reason: "by ann: test"}), []string{"error destination_paused destination meta-main: paused by ann"}},
		"paused by a platform": {pauses(subfive.Pause{DestinationID: "meta-main", Until: liveNow, Reason: "throttled: 17"}), []string{"warning destination_paused destination meta-main: throttled"}},
		"refused by a platform": {
			pauses(subfive.Pause{DestinationID: "meta-main", Until: liveNow, Code: "190", Reason: "unauthorized: token"}),
			[]string{"error destination_misconfigured destination meta-main: unauthorized"},
		},
		"settings that can't be served": {
			pauses(subfive.Pause{DestinationID: "meta-main", Until: liveNow, Code: "settings", Reason: "can't be served: x"}),
			[]string{"error destination_misconfigured destination meta-main: can't be served"},
		},
		"paused in dry run": {pauses(subfive.Pause{DestinationID: "try", Until: liveNow, Reason: "unauthorized: token"}), nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			traffic := calm()
			if test.change != nil {
				test.change(&traffic)
			}
			found := CheckUp(traffic)
			var got []string
			for i, f := range found {
				if f.Fix == "" || f.Why == "" || f.Level == "" {
					t.Errorf("half a finding: %+v", f)
				}
				line := fmt.Sprintf("%s %s %s: %s", f.Severity, f.Code, f.Where, f.What)
				if i < len(test.want) && strings.HasPrefix(line, cutAt(test.want[i])) && strings.Contains(line, part(test.want[i])) {
					line = test.want[i]
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func cutAt(want string) string {
	head, _, _ := strings.Cut(want, ": ")
	return head + ": "
}

func part(want string) string {
	_, tail, _ := strings.Cut(want, ": ")
	return tail
}

func TestBothFireNamesTheSpecificOne(t *testing.T) {
	traffic := calm()
	traffic.Postbacks = append(traffic.Postbacks, heard("meta-only", "cv_1", nil))
	found := CheckUp(traffic)
	if len(found) != 1 || !strings.Contains(found[0].Fix, "remove the Specific postback to endpoint meta-only") {
		t.Errorf("%+v", found)
	}
}

// Every code has one rule, and the two lists share none.
func TestCodesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range append(Rules(), LiveRules()...) {
		if seen[r.Code] || r.Why == "" || !slices.Contains([]Level{LevelLink, LevelPostback, LevelTracker}, r.Level) || rank(r.Severity) < 0 {
			t.Errorf("%+v", r)
		}
		seen[r.Code] = true
	}
}

func TestUnpaste(t *testing.T) {
	const u = "https://trk.example.com/conversion?click_id={sub5}&payout={payout}"
	tests := map[string]struct {
		text string
		want pasted
	}{
		"HTML image":       {`<img width=1 src="https://trk.example.com/pixel?a=1&amp;b=2" height="1">`, pasted{url: "https://trk.example.com/pixel?a=1&b=2", entities: true}},
		"back quotes":      {"`" + u + "`", pasted{url: u}},
		"angle brackets":   {"<" + u + ">", pasted{url: u}},
		"end of sentence":  {u + ".", pasted{url: u}},
		"curly quotes":     {"“" + u + "”", pasted{url: u}},
		"curl with a body": {"curl -X POST 'https://trk.example.com/conversion' \\\n  -H 'Host: other.example.com' --data-raw 'a=1&b=2' -d c=3", pasted{url: "https://trk.example.com/conversion", host: "other.example.com", body: "a=1&b=2&c=3"}},
		"curl, agent":      {`curl -A "Mozilla 5" -o /dev/null "https://x.io/?a=1"`, pasted{url: "https://x.io/?a=1"}},
		"request": {
			"POST /conversion?a=1 HTTP/1.1\r\nHost: trk.example.com\r\nContent-Length: 3\r\n\r\nb=2",
			pasted{url: "/conversion?a=1", host: "trk.example.com", body: "b=2", captured: true},
		},
		"log line": {`x - - [d] "GET /conversion?a=1 HTTP/2.0" 301 0`, pasted{url: "/conversion?a=1", status: 301, captured: true}},
		"zero-width space": {
			"https://trk.example.com/conversion?a=\u200b1", pasted{url: "https://trk.example.com/conversion?a=1", spaced: true},
		},
		"space within a value": {"https://x.io/?a=b c", pasted{url: "https://x.io/?a=b%20c", spaced: true}},
		"Caddy's log": {
			`{"level":"info","request":{"host":"trk.example.com","uri":"/conversion?a=1","method":"GET"},"status":200}`,
			pasted{url: "/conversion?a=1", host: "trk.example.com", status: 200, captured: true},
		},
		"JSON with an address": {`{"url":"https://x.io/?a=1"}`, pasted{url: "https://x.io/?a=1"}},
		"JSON with none":       {`{"a":"b"}`, pasted{url: `{"a":"b"}`}},
		"broken curl":          {`curl -d`, pasted{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, unpaste(test.text), cmp.AllowUnexported(pasted{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
