package dashboard

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

func TestAlerts(t *testing.T) {
	alert := subfive.Alert{
		ID: "al_1", Rule: "backlog", Subject: "meta-main", Node: "n", State: subfive.AlertFiring, What: "w", Do: "d", See: "s", Since: now,
		FiredAt: now, ToldAt: now, RecoveredAt: now, MutedUntil: now, UpdatedAt: now,
		Owed: []subfive.AlertMessage{{Channel: "webhook", Event: subfive.EventFired, At: now, NextAt: now, Tries: 1, Error: "answered 500"}},
	}
	tests := map[string]struct {
		method, path, body string
		value              any
		code               int
		called             []call
		says               string
	}{
		"list":          {"GET", "/api/v1/alerts", "", map[string]any{"items": []subfive.Alert{alert}}, 200, []call{{"Alerts", nil}}, `"error":"answered 500"`},
		"one":           {"GET", "/api/v1/alerts/al_1", "", alert, 200, []call{{"Story", []any{"alerts", "al_1"}}}, `"rule":"backlog"`},
		"mute":          {"POST", "/api/v1/alerts/al_1/mute", `{"for":"30d"}`, alert, 200, []call{{"MuteAlert", []any{"al_1", 720 * time.Hour}}}, `"muted_until"`},
		"speak again":   {"POST", "/api/v1/alerts/al_1/mute", `{"for":"0"}`, alert, 200, []call{{"MuteAlert", []any{"al_1", time.Duration(0)}}}, `"al_1"`},
		"no duration":   {"POST", "/api/v1/alerts/al_1/mute", "", nil, 400, nil, "for is missing"},
		"bad duration":  {"POST", "/api/v1/alerts/al_1/mute", `{"for":"soon"}`, nil, 400, nil, "not a duration"},
		"unknown field": {"POST", "/api/v1/alerts/al_1/mute", `{"until":"soon"}`, nil, 400, nil, `there is no field \"until\"`},
		"no query":      {"GET", "/api/v1/alerts?state=firing", "", nil, 400, nil, "takes no query"},
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
