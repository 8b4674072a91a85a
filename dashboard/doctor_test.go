package dashboard

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDoctor(t *testing.T) {
	finding := object{
		"code": "wrong_macro", "severity": "error", "what": "w", "where": "click_id", "why": "y", "fix": "f", "level": "postback", "see": "s",
	}
	diagnosis := object{"form": "template", "url": "u", "findings": []any{finding}, "corrected": "c"}
	checkup := object{
		"checked_at": "2026-11-24T09:00:00Z", "since": "2026-11-23T09:00:00Z", "healthy": false, "findings": []any{finding},
		"failure_budget": []any{object{"endpoint_id": "default", "in_a_row": 1, "limit": 10, "last_at": "2026-11-24T09:00:00Z", "last_status": 503}},
		"looked_at":      object{"postbacks": 1, "clicks": 2, "deliveries": 3},
	}
	tests := map[string]struct {
		method, path, body string
		value              any
		code               int
		called             []call
		says               string
	}{
		"check-up":        {"GET", "/api/v1/doctor", "", checkup, 200, []call{{"CheckUp", nil}}, `"code":"wrong_macro"`},
		"examination":     {"POST", "/api/v1/doctor", `{"url":"https://x/?a=1"}`, diagnosis, 200, []call{{"Examine", []any{"https://x/?a=1"}}}, `"corrected":"c"`},
		"no URL":          {"POST", "/api/v1/doctor", "", nil, 400, nil, "url is missing"},
		"empty URL":       {"POST", "/api/v1/doctor", `{"url":""}`, nil, 400, nil, "url is empty"},
		"no text":         {"POST", "/api/v1/doctor", `{"url":"a\u0000"}`, nil, 400, nil, "NUL"},
		"unknown field":   {"POST", "/api/v1/doctor", `{"link":"x"}`, nil, 400, nil, `there is no field \"link\"`},
		"a query is none": {"GET", "/api/v1/doctor?url=x", "", nil, 400, nil, "takes no query"},
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
