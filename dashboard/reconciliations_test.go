package dashboard

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReconciliations(t *testing.T) {
	side := object{"conversions": 2, "rejected": 1, "payout": object{"USD": "30.00"}}
	one := object{
		"reconciliation_id": "rc_1", "network_id": "everflow", "state": "done", "dry_run": false, "started_at": "2026-11-24T09:00:00Z",
		"finished_at": "2026-11-24T09:00:05Z", "network_conversions": 1, "our_conversions": 0, "result": object{"totals": object{"network": side}},
		"differences": []any{object{"outcome": "missing_here", "day": "2026-11-23", "goal": "base", "at": "2026-11-23T09:00:00Z", "their_payout": "30.00", "mended": true}},
	}
	rates := object{"approved": 1, "rejected": 1, "pending": 0, "chargebacks": 0, "rejected_percent": 50.5}
	standing := object{
		"network_id": "everflow", "approved": 1, "next_level": 20, "to_go": 19, "rates_since": "2026-08-26", "total": rates, "parts": []any{rates}, "warnings": []any{"w"},
	}
	items := func(v object) object { return object{"items": []any{v}} }
	tests := map[string]struct {
		method, path, body string
		value              any
		code               int
		called             []call
		says               string
	}{
		"list":            {"GET", "reconciliations", "", items(one), 200, []call{{"Reconciliations", nil}}, `"rc_1"`},
		"one":             {"GET", "reconciliations/rc_1", "", one, 200, []call{{"Story", []any{"reconciliations", "rc_1"}}}, `"missing_here"`},
		"begin":           {"POST", "reconciliations", `{}`, one, 200, []call{{"Reconcile", []any{Reconciliation{Since: 7 * 24 * time.Hour}}}}, `"state":"done"`},
		"begin a dry run": {"POST", "reconciliations", `{"network_id":"other","since":"30d","dry_run":true}`, one, 200, []call{{"Reconcile", []any{Reconciliation{"other", 30 * 24 * time.Hour, true}}}}, `"rc_1"`},
		"how far":         {"POST", "reconciliations", `{"since":"yesterday"}`, nil, 400, nil, "write how far back"},
		"too far":         {"POST", "reconciliations", `{"since":"365d"}`, nil, 400, nil, "less than 365 days"},
		"back in time":    {"POST", "reconciliations", `{"since":"-1d"}`, nil, 400, nil, "since"},
		"unknown field":   {"POST", "reconciliations", `{"until":"1d"}`, nil, 400, nil, `there is no field \"until\"`},
		"no text":         {"POST", "reconciliations", `{"network_id":"a\u0000"}`, nil, 400, nil, "network_id"},
		"standing":        {"GET", "standing", "", items(standing), 200, []call{{"Standing", nil}}, `"to_go":19`},
		"a query is none": {"GET", "standing?network=x", "", nil, 400, nil, "takes no query"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := &backend{value: test.value}
			d, _ := open(b)
			w := ask(t, d, request(test.method, "/api/v1/"+test.path, test.body))
			if w.Code != test.code || !strings.Contains(w.Body.String(), test.says) {
				t.Errorf("%d %s; want %d with %q", w.Code, w.Body, test.code, test.says)
			}
			if diff := cmp.Diff(test.called, b.calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}
