package dashboard

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSetup(t *testing.T) {
	type m = map[string]any
	preview := m{"destination_id": "meta", "platform": "meta", "made_up": false, "would_send": true, "keys": []any{}, "rules": []any{}, "warnings": []any{}}
	steps := m{"done": 1, "total": 1, "complete": true, "here": "", "steps": []any{m{"id": "source", "title": "Source", "state": "done"}}}
	sent := m{"url": "https://trk.example", "ok": true, "verdict": "test"}
	links := m{"pasted": "a", "ours": "b", "slot": "sub5", "parameters": 1, "changed": []any{"sub5"}, "notes": []any{}}
	address := m{"url": "https://trk.example/conversion?click_id={sub5}", "endpoint_id": "default", "scope": "global", "menus": []any{}, "macros": []any{}, "extras": []any{}}
	undone := m{"dry_run": false, "differences": []any{}, "yaml": m{"before": "", "after": ""}, "audit_id": "au_2", "note": "x"}
	const remote = "192.0.2.1:1234"
	tests := map[string]struct {
		method, path, body string
		value              any
		code               int
		called             []call
		says               string
	}{
		"platforms":                {"GET", "/api/v1/platforms", "", m{"items": []any{}, "sources": []any{}}, 200, []call{{"Platforms", nil}}, `"items":[]`},
		"platforms and a query":    {"GET", "/api/v1/platforms?name=meta", "", nil, 400, nil, "this call takes no query"},
		"preview":                  {"GET", "/api/v1/conversions/cv_1/preview?destination=meta", "", preview, 200, []call{{"Preview", []any{Preview{DestinationID: "meta", ConversionID: "cv_1"}}}}, `"would_send":true`},
		"preview for nobody":       {"GET", "/api/v1/conversions/cv_1/preview", "", nil, 400, nil, "destination is missing"},
		"preview, misspelt":        {"GET", "/api/v1/conversions/cv_1/preview?dest=meta", "", nil, 400, nil, "use some of destination"},
		"preview of the stored":    {"POST", "/api/v1/destinations/meta/preview", "", preview, 200, []call{{"Preview", []any{Preview{DestinationID: "meta"}}}}, `"keys":[]`},
		"preview of a draft":       {"POST", "/api/v1/destinations/meta/preview?conversion=cv_1", `{"platform":"meta"}`, preview, 200, []call{{"Preview", []any{Preview{DestinationID: "meta", ConversionID: "cv_1", Draft: []byte(`{"platform":"meta"}`)}}}}, "rules"},
		"preview of a list":        {"POST", "/api/v1/destinations/meta/preview", `[]`, nil, 400, nil, "not a JSON object"},
		"setup":                    {"GET", "/api/v1/setup", "", steps, 200, []call{{"Checklist", []any{"api", remote}}}, `"complete":true`},
		"skip":                     {"PUT", "/api/v1/setup/source", `{"mark":"skipped"}`, steps, 200, []call{{"MarkStep", []any{Step{ID: "source", Mark: "skipped", By: "api"}}}, {"Checklist", []any{"api", remote}}}, "steps"},
		"skip, in other words":     {"PUT", "/api/v1/setup/source", `{"mark":"later"}`, nil, 400, nil, "say one of skipped, confirmed, none"},
		"simulate":                 {"POST", "/api/v1/simulate", `{"campaign_id":"spring","goal":"Upgrade","payout":"17.25"}`, sent, 200, []call{{"Simulate", []any{Simulation{CampaignID: "spring", Goal: "Upgrade", Payout: "17.25", By: "api"}}}}, `"verdict":"test"`},
		"simulate after a click":   {"POST", "/api/v1/simulate", `{"campaign_id":"spring","click_id":"` + strings.ToUpper(clickID) + `"}`, sent, 200, []call{{"Simulate", []any{Simulation{CampaignID: "spring", ClickID: clickID, By: "api"}}}}, "ok"},
		"simulate nothing":         {"POST", "/api/v1/simulate", `{}`, nil, 400, nil, "campaign_id is missing"},
		"simulate no amount":       {"POST", "/api/v1/simulate", `{"campaign_id":"x","payout":"120,00"}`, nil, 400, nil, "payout"},
		"simulate half of it":      {"POST", "/api/v1/simulate", `{"campaign_id":"x","only_click":true,"click_id":"y"}`, nil, 400, nil, "exclude each other"},
		"links":                    {"POST", "/api/v1/links", `{"link":"https://a.example/","click_slot":"sub3"}`, links, 200, []call{{"CompareLinks", []any{"https://a.example/", "sub3"}}}, "sub5"},
		"no link":                  {"POST", "/api/v1/links", `{}`, nil, 400, nil, "link is missing"},
		"postback URL":             {"POST", "/api/v1/endpoints/default/url", "", address, 200, []call{{"PostbackURL", []any{"default", ""}}}, "{sub5}"},
		"postback URL of an offer": {"POST", "/api/v1/endpoints/default/url", `{"offer_id":"dream"}`, address, 200, []call{{"PostbackURL", []any{"default", "dream"}}}, "menus"},
		"undo":                     {"POST", "/api/v1/audit/au_1/undo", "", undone, 200, []call{{"Undo", []any{"au_1", "api"}}}, `"audit_id":"au_2"`},
		"undo in part":             {"POST", "/api/v1/audit/au_1/undo", `{"field":"mode"}`, nil, 400, nil, "send no body"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := &backend{value: test.value}
			d, _ := open(b)
			w := ask(t, d, request(test.method, test.path, test.body))
			if w.Code != test.code || !strings.Contains(w.Body.String(), test.says) {
				t.Errorf("%d %s; want %d with %q", w.Code, w.Body, test.code, test.says)
			}
			if diff := cmp.Diff(test.called, b.calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}
