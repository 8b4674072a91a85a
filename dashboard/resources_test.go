package dashboard

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

func TestResources(t *testing.T) {
	offer := map[string]any{"id": "ourdream", "link": "https://a.example/", "payout": "42.50", "origin": "subfive.yaml:12"}
	stored := map[string]any{"dry_run": false, "yaml": map[string]any{"before": "", "after": "offers:\n"}, "differences": []any{map[string]any{"action": "add", "kind": "offers", "id": "ourdream"}}, "resource": offer}
	line := map[string]any{"id": "au_1", "at": "2026-11-24T09:00:00Z", "actor": "api", "action": "update", "subject": "offer ourdream", "old": "{}", "new": "{}"}
	link := map[string]any{"campaign_id": "spring", "url": "https://trk.example/c/spring", "where": "Ads Manager"}
	sent := ResourceChange{Kind: "offers", ID: "our/dream", Body: []byte(`{"lnk": ""}`), By: "api"}
	tests := map[string]struct {
		method, path, body string
		value              any
		code               int
		called             []call
		says               string
	}{
		"list":              {"GET", "/api/v1/offers", "", map[string]any{"items": []any{offer}}, 200, []call{{"Resources", []any{"offers", false}}}, `"origin":"subfive.yaml:12"`},
		"list archived":     {"GET", "/api/v1/campaigns?archived=true", "", map[string]any{"items": []any{}}, 200, []call{{"Resources", []any{"campaigns", true}}}, `"items":[]`},
		"no flag":           {"GET", "/api/v1/sources?archived=maybe", "", nil, 400, nil, `archived is \"maybe\"`},
		"unknown name":      {"GET", "/api/v1/sources?platform=meta", "", nil, 400, nil, `it can't be asked for by \"platform\"`},
		"one":               {"GET", "/api/v1/offers/our%2Fdream", "", offer, 200, []call{{"Resource", []any{"offers", "our/dream"}}}, "42.50"},
		"one and a query":   {"GET", "/api/v1/offers/x?archived=true", "", nil, 400, nil, "this call takes no query"},
		"put":               {"PUT", "/api/v1/offers/our%2Fdream", `{"lnk": ""}`, stored, 200, []call{{"ChangeResource", []any{sent}}}, `"action":"add"`},
		"dry run":           {"PUT", "/api/v1/destinations/meta?dry_run=true", `{"platform":"meta"}`, map[string]any{"dry_run": true, "differences": []any{}}, 200, []call{{"ChangeResource", []any{ResourceChange{Kind: "destinations", ID: "meta", Body: []byte(`{"platform":"meta"}`), DryRun: true, By: "api"}}}}, `"dry_run":true`},
		"a misspelt flag":   {"PUT", "/api/v1/offers/x?dryrun=true", `{}`, nil, 400, nil, "use some of dry_run"},
		"an empty flag":     {"PUT", "/api/v1/offers/x?dry_run=", `{}`, nil, 400, nil, "dry_run is empty"},
		"put nothing":       {"PUT", "/api/v1/offers/x", "", nil, 400, nil, "the body is not a JSON object"},
		"put a list":        {"PUT", "/api/v1/offers/x", "[]", nil, 400, nil, "the body is not a JSON object"},
		"put YAML":          {"PUT", "/api/v1/offers/x", "{link: x}", nil, 400, nil, "the body is not a JSON object"},
		"put too much":      {"PUT", "/api/v1/offers/x", `{"link":"` + strings.Repeat("x", maxBody) + `"}`, nil, 413, nil, "longer than 64 KiB"},
		"archive":           {"DELETE", "/api/v1/landing_pages/lp?dry_run=false", "", stored, 200, []call{{"ChangeResource", []any{ResourceChange{Kind: "landing_pages", ID: "lp", By: "api"}}}}, "differences"},
		"archive with more": {"DELETE", "/api/v1/networks/x", "{}", nil, 400, nil, "send no body"},
		"links":             {"GET", "/api/v1/campaigns/spring/links", "", link, 200, []call{{"Links", []any{"spring"}}}, "/c/spring"},
		"audit":             {"GET", "/api/v1/audit?limit=2&cursor=c", "", map[string]any{"items": []any{line}, "next": "c2"}, 200, []call{{"Audit", []any{AuditQuery{2, "c"}}}}, `"actor":"api"`},
		"audit of old":      {"GET", "/api/v1/audit?since=7d", "", nil, 400, nil, "use some of limit, cursor"},
		"audit too far":     {"GET", "/api/v1/audit?limit=1001", "", nil, 400, nil, `limit is \"1001\"`},
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

func TestResourceIsRefused(t *testing.T) {
	tests := map[string]struct {
		err  error
		code int
		says string
	}{
		"from the file": {Refusal{What: "offer x: it comes from the file: change it at subfive.yaml:12", Do: "change it there"}, 409, "subfive.yaml:12"},
		"wrong":         {Refusal{Invalid: true, What: `unknown key "lnk"`, Do: `did you mean "link"?`}, 422, "did you mean"},
		"none":          {subfive.ErrNotFound, 404, "nothing of that ID"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d, _ := open(&backend{err: test.err})
			for _, method := range []string{"PUT", "DELETE"} {
				body := map[string]string{"PUT": "{}"}[method]
				if w := ask(t, d, request(method, "/api/v1/offers/x", body)); w.Code != test.code || !strings.Contains(w.Body.String(), test.says) {
					t.Errorf("%s: %d %s", method, w.Code, w.Body)
				}
			}
		})
	}
}

// TestDocumentAndResources holds that the document tells each resource's fields.
func TestDocumentAndResources(t *testing.T) {
	s := document(t)
	whole := map[string]any{
		"Network": subfive.Network{}, "Endpoint": subfive.Endpoint{}, "Source": subfive.Source{}, "LandingPage": subfive.LandingPage{},
		"Offer": subfive.Offer{}, "Campaign": subfive.Campaign{}, "DestinationBody": subfive.Destination{},
	}
	for name, v := range whole {
		want := append(written(v), "origin", "archived_at")
		if slices.Contains([]string{"Network", "Endpoint", "DestinationBody"}, name) {
			want = append(want, "secrets")
		}
		if name == "DestinationBody" {
			want = append(want, "settings", "account")
		}
		told(t, s, name, want)
	}
	for name, v := range map[string]any{"Path": subfive.Path{}, "Rule": subfive.Rule{}, "Conditions": subfive.Conditions{}} {
		told(t, s, name, written(v))
	}
}

// written are a type's fields as the file names them.
func written(v any) []string {
	var names []string
	for i := range reflect.TypeOf(v).NumField() {
		if name := reflect.TypeOf(v).Field(i).Tag.Get("yaml"); name != "-" {
			names = append(names, name)
		}
	}
	return names
}

func told(t *testing.T, s spec, name string, want []string) {
	t.Helper()
	slices.Sort(want)
	schema := s.at(s.root, "components", "schemas", name)
	got := slices.Sorted(maps.Keys(s.at(schema, "properties")))
	if diff := cmp.Diff(want, got); diff != "" || schema["additionalProperties"] != false {
		t.Errorf("%s (-read +told):\n%s", name, diff)
	}
}
