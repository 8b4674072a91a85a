package main

import (
	"net/url"
	"strings"
	"testing"
)

func field(v any, path ...string) any {
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

// The whole first run over the API: what is set up shows as done, a simulation
// goes through the tracker's own address, and what a platform would get is seen.
func TestSetupOverTheAPI(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, dsn string) {
		s := newSite(t, dsn)
		s.start()

		s.wants(200, "GET", "platforms", "", `"name":"meta"`, `"path":"access_token"`, `"token":"{{campaign.id}}"`)
		first := s.wants(200, "GET", "setup", "", "we see you as 127.0.0.1")
		if got := states(first); got != "admin done, domain here, address todo, source done, offer done, campaign done, click todo, postback todo, conversion todo, destination done, check todo, live done" {
			t.Errorf("the first run: %s", got)
		}
		s.wants(422, "PUT", "setup/click", `{"mark":"confirmed"}`, "seen to be done")
		s.wants(404, "PUT", "setup/none", `{"mark":"skipped"}`)
		s.wants(200, "PUT", "setup/domain", `{"mark":"skipped"}`)
		s.wants(200, "PUT", "setup/address", `{"mark":"confirmed"}`, `"here":"click"`, `"confirmed":true`, "127.0.0.1")
		s.wants(200, "PUT", "setup/domain", `{"mark":"none"}`, `"here":"domain"`)

		s.wants(404, "POST", "simulate", `{"campaign_id":"none"}`)
		click := s.wants(200, "POST", "simulate", `{"campaign_id":"spring","only_click":true}`, `"ok":true`, `"status":302`, "track.network.example")
		id, _ := click["click_id"].(string)
		after := s.wants(200, "POST", "simulate", `{"campaign_id":"spring","click_id":"`+id+`","payout":"17.25"}`, `"ok":true`, `"verdict":"test"`, "key=***")
		whole := s.wants(200, "POST", "simulate", `{"campaign_id":"spring","goal":"Upgrade"}`, `"verdict":"test"`, `"click_id":"`)
		conversion, _ := after["conversion_id"].(string)
		if id == "" || conversion == "" || whole["conversion_id"] == "" || whole["click_id"] == id {
			t.Fatalf("simulated %v, then %v, then %v", click, after, whole)
		}
		s.wants(200, "GET", "conversions/"+conversion, "", `"payout":"17.25"`, id, `"is_test":true`)
		if got := states(s.wants(200, "GET", "setup", "", "click seen, phone, ios")); !strings.Contains(got, "click done, postback done, conversion done") {
			t.Errorf("after the simulation: %s", got)
		}

		preview := s.wants(200, "GET", "conversions/"+conversion+"/preview?destination=meta-main", "", `"would_send":false`, `"reason_code"`, `"event_name":"Purchase"`, "17.25", "/100000000000001/events")
		if strings.Contains(jsonText(t, preview), "sandbox-meta-token") {
			t.Error("the preview shows the token")
		}
		if keys := presentKeys(preview); !strings.Contains(keys, "fbc=true") || !strings.Contains(keys, "em=false") {
			t.Errorf("keys: %s", keys)
		}
		s.wants(404, "GET", "conversions/none/preview?destination=meta-main", "")
		s.wants(404, "GET", "conversions/"+conversion+"/preview?destination=none", "")
		s.wants(400, "GET", "conversions/"+conversion+"/preview", "", "destination is missing")
		s.wants(200, "POST", "destinations/meta-main/preview", "", `"made_up":false`)
		draft := `{"platform":"tiktok","goals":{"base":"CompletePayment"},"settings":{"pixel_code":"C4ABCDEF0123456789AB","access_token":"t0ken-of-tiktok","default_event_source_url":"https://lp.example.com/"}}`
		s.wants(200, "POST", "destinations/tt/preview", draft, `"mode":"dry_run"`, `"event_name":"CompletePayment"`, "business-api.tiktok.com", `"name":"ttclid"`)
		s.wants(200, "POST", "destinations/tt/preview?conversion="+conversion, draft, `"conversion_id":"`+conversion+`"`)
		s.wants(422, "POST", "destinations/tt/preview", `{"platform":"tiktok","settings":{"pixl_code":"x"}}`, "pixl_code")
		s.wants(404, "GET", "destinations/tt", "")
		s.wants(200, "POST", "destinations/meta-main/check", "{}")
		s.wants(200, "GET", "setup", "", `"evidence":"meta-main took it"`)

		s.wants(200, "POST", "links", `{"link":"https://n.example/A/?sub1=a&sub5=cid_abc&x=%7by%7d"}`, `"replaced":"cid_abc"`, `"parameters":2`, "sub5=‹click ID›&x=%7by%7d")
		s.wants(422, "POST", "links", `{"link":"n.example/A"}`, "no https://")
		s.wants(200, "POST", "endpoints/default/url", `{"offer_id":"ourdream"}`, "/conversion?click_id={sub5}&payout={payout}", "key=", `"scope":"specific"`, "finding the click")
		s.wants(404, "POST", "endpoints/none/url", "")
		s.wants(409, "POST", "endpoints/default/url", `{"offer_id":"none"}`, "does not take offer")
	})
}

// states are the steps with their states.
func states(list map[string]any) string {
	var all []string
	steps, _ := list["steps"].([]any)
	for _, s := range steps {
		id, _ := field(s, "id").(string)
		state, _ := field(s, "state").(string)
		all = append(all, id+" "+state)
	}
	return strings.Join(all, ", ")
}

func presentKeys(preview map[string]any) string {
	var all []string
	keys, _ := preview["keys"].([]any)
	for _, k := range keys {
		word := "=false"
		if field(k, "present") == true {
			word = "=true"
		}
		all = append(all, field(k, "name").(string)+word)
	}
	return strings.Join(all, " ")
}

// What a change replaced comes back, unless it changed since or is not kept.
func TestUndo(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.start()
	change := func(method, path, body string, words ...string) string {
		t.Helper()
		id, _ := s.wants(200, method, path, body, words...)["audit_id"].(string)
		return id
	}
	undo := func(status int, id string, words ...string) map[string]any {
		t.Helper()
		return s.wants(status, "POST", "audit/"+url.PathEscape(id)+"/undo", "", words...)
	}
	made := change("PUT", "offers/dream", `{"link":"https://one.example/A/"}`, "offers:\\n  - id: dream\\n    network: everflow\\n")
	changed := change("PUT", "offers/dream", `{"link":"https://two.example/B/","payout":3}`, "link: https://one.example/A/", "link: https://two.example/B/")
	if same := change("PUT", "offers/dream", `{"link":"https://two.example/B/","payout":3}`); same != "" || made == "" || changed == "" {
		t.Fatalf("lines %q, %q; of no change %q", made, changed, same)
	}
	undo(409, made, "changed again since")
	undone := undo(200, changed, `"link":"https://one.example/A/"`)
	undo(409, changed, "changed again since")
	again, _ := undone["audit_id"].(string)
	undo(200, again, `"link":"https://two.example/B/"`)

	campaign := change("PUT", "campaigns/autumn", `{"source":"meta-us","offer":"dream"}`)
	back, _ := undo(200, campaign, "nothing that was made is ever deleted")["audit_id"].(string)
	undo(200, back, `"offer":"dream"`)
	archived := change("DELETE", "campaigns/autumn", "")
	restored, _ := undo(200, archived, `"action":"add"`)["audit_id"].(string)
	undo(200, restored)
	s.wants(200, "GET", "campaigns/autumn", "", "archived_at")

	hook := `{"platform":"relay","settings":{"url":"https://hooks.example.com/in?t={secret.t}","secrets":{"t":"0123456789abcdef"}}%s}`
	with := func(more string) string { return strings.Replace(hook, "%s", more, 1) }
	s.wants(200, "PUT", "destinations/hook", with(""), `"last":"cdef"`, `"set_by":"api"`, `secrets:\n        t: "***"`)
	delayed := change("PUT", "destinations/hook", `{"platform":"relay","delay":"1h"}`, `"set_by":"api"`, `delay: 1h`)
	undo(200, delayed, `"field":"delay"`)
	secret := change("PUT", "destinations/hook", `{"platform":"relay","settings":{"url":"https://hooks.example.com/in?***","secrets":{"t":"fedcba9876543210"}}}`, `"last":"3210"`)
	undo(409, secret, "the old ones are not kept")
	s.wants(200, "PUT", "destinations/hook", `{"platform":"relay","settings":{"url":"https://hooks.example.com/in?***","method":"GET"}}`, `"last":"3210"`, "method: GET")
	undo(404, "au_none")

	var fromFile string
	for _, item := range s.wants(200, "GET", "audit?limit=100", "")["items"].([]any) {
		if field(item, "subject") == "campaign spring" {
			fromFile, _ = field(item, "id").(string)
		}
	}
	undo(409, fromFile, "subfive.yaml:10")
}
