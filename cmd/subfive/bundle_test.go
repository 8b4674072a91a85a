package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"subfive"
)

const bundleFile = `
public_url: https://trk.example.com
fallback_url: https://fallback.example.com/?planted=fallback-secret
admin: {token: "planted-admin-token"}
trusted_proxies: [198.51.100.0/24]
alerts:
  - {kind: webhook, url: "https://alerts.example.com/planted-hook"}
  - {kind: email, to: planted-to@example.com, from: planted-from@example.com, smtp: "127.0.0.1:25", username: planted-user, password: planted-password}
  - {kind: telegram, token: "planted-bot-token", chat_id: "planted-chat"}
networks:
  - {id: everflow, api_key: "planted-api-key"}
endpoints:
  - {id: default, key: "planted-endpoint-key"}
sources:
  - {id: meta-us, platform: meta}
offers:
  - {id: ourdream, network_offer_id: "7", link: "https://track.example-network.com/PLANTED/B/?sub1=planted-label"}
campaigns:
  - {id: spring, source: meta-us, offer: ourdream, destinations: [meta-main, hook]}
destinations:
  - id: meta-main
    platform: meta
    mode: live
    settings: {dataset_id: "1234", access_token: "planted-meta-token", default_event_source_url: "https://lp.example.com/"}
  - id: hook
    platform: relay
    mode: live
    fan_out: true
    settings: {url: "https://hooks.example.com/planted-path?t={secret.hook}", secrets: {hook: planted-hook-token}}
`

func TestSupportBundleHasNoSecretAndNobody(t *testing.T) {
	c := newCommands(t)
	if err := os.WriteFile(filepath.Join(c.dir, "subfive.yaml"), []byte(bundleFile), 0o600); err != nil {
		t.Fatal(err)
	}
	c.run(exitDone, "apply", "-f", filepath.Join(c.dir, "subfive.yaml"))
	c.with(func(s session, a *app) error {
		attributor, err := s.attributor(t.Context(), a)
		if err != nil {
			return err
		}
		box, mac, err := s.vault.Seal(subfive.UserEmail, "planted-jane@example.com")
		if err != nil {
			return err
		}
		if err := attributor.Record(t.Context(), entries(t,
			clickRecord(clickID, func(k *subfive.Click) {
				k.UserData = map[string]subfive.Sealed{subfive.UserEmail: {Box: box, Mac: mac}}
				k.Params = map[string]string{"fbclid": "IwARplanted"}
				k.Request.Params = []subfive.Param{{Name: "fbclid", Value: "IwARplanted"}}
			}),
			postbackRecord("good", clickID, "planted-tx", nil),
			postbackRecord("direct", "IwARplanted2", "planted-tx2", func(p *subfive.Postback) { p.Reading, p.Hint = subfive.ReadingMalformed, "planted-hint" }),
		)); err != nil {
			return err
		}
		claims, err := s.Take(t.Context(), "meta-main", "lease", a.now(), a.now().Add(time.Minute), 10, false)
		if err != nil || len(claims) != 1 {
			t.Fatalf("claims %v, %v", claims, err)
		}
		outcome := subfive.Outcome{
			Class: subfive.Rejected, HTTP: 400, Code: "100", Subcode: "2804003", Message: "planted-message for planted-jane@example.com", TraceID: "AbcTrace",
		}
		attempt := func(id string, o subfive.Outcome) subfive.Attempt {
			return subfive.Attempt{
				ID: id, DestinationID: "meta-main", StartedAt: a.now(), Method: "POST", URL: "https://graph.example.com/?cid=planted-url",
				RequestBody: "planted-body", AnswerBody: "planted-answer", Outcome: o, Items: []subfive.AttemptItem{{DeliveryID: claims[0].Delivery.ID, Outcome: o}},
			}
		}
		odd := []subfive.Attempt{attempt("at_1", outcome)}
		for id, code := range map[string]string{"at_2": "203.0.113.9", "at_3": "planted-jane@example.com", "at_4": "2001:db8::77", "at_5": "+1 415 555 0123"} {
			o := outcome
			o.Code, o.TraceID = code, code
			odd = append(odd, attempt(id, o))
		}
		_, err = s.Finish(t.Context(), subfive.Finish{
			At: a.now(), Attempts: odd,
			Settled: []subfive.Settled{{
				DeliveryID: claims[0].Delivery.ID, LeaseID: "lease", Status: subfive.DeliveryDead, ReasonCode: "rejected", Reason: "planted-reason", Tried: true, Counts: true,
			}},
		})
		return err
	})
	path := filepath.Join(t.TempDir(), "bundle.txt")
	c.run(exitDone, "support-bundle", path)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, planted := range []string{
		"planted", "PLANTED", "IwAR", "203.0.113.9", "198.51.100", "2001:db8", "415 555", "Mozilla", clickID, "pb_good",
		"@", // no address of anybody
	} {
		for line := range strings.Lines(text) {
			if strings.Contains(line, planted) {
				t.Errorf("%q is in it: %s", planted, line)
			}
		}
	}
	for _, wanted := range []string{
		"subfive " + subfive.Version, "https://trk.example.com/conversion?", "meta:1234", "relay:hooks.example.com", "2804003", "AbcTrace", "malformed",
		"admin.token      set", "dead", "rejected", "400", "200", "retention        clicks 400d", "key=KEY", "== Doctor",
	} {
		if !strings.Contains(text, wanted) {
			t.Errorf("%q is not in it", wanted)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
	if _, stderr := c.run(exitUsage, "support-bundle", path); !strings.Contains(stderr, "name a new file") {
		t.Errorf("over an old one: %s", stderr)
	}
}
