package screens

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const alertsTold = `{"items":[{"channel":"webhook","kind":"webhook","to":"hooks.example.com"},{"channel":"email","kind":"email","to":"mara@example.com"}],
	"rules":[{"rule":"backlog","off":false},{"rule":"no_clicks","off":true}]}`

func alertsStates(testing.TB) []state {
	full := `{"items":[
		{"alert_id":"al_1","rule":"destination_paused","subject":"meta-main","state":"firing","what":"meta-main is paused since 12 min: 190 the access token has expired","do":"put a valid token into its settings, then resume it","see":"subfive destinations","since":"2026-11-24T08:48:00Z","told_at":"2026-11-24T08:48:10Z","owed":[{"channel":"email","event":"fired","at":"2026-11-24T08:48:10Z","tries":2,"error":"<script>alert(1)</script>"}]},
		{"alert_id":"al_2","rule":"no_conversions","subject":"spring","state":"firing","what":"no conversion for 9 h","do":"look","since":"2026-11-24T00:00:00Z","muted_until":"2026-11-24T21:00:00Z"},
		{"alert_id":"al_3","rule":"backlog","subject":"hook","state":"recovered","what":"a delivery was due for 20 min","since":"2026-11-23T00:00:00Z","recovered_at":"2026-11-23T01:00:00Z"}]}`
	return []state{
		{name: "alerts/error", path: "/admin/alerts", status: http.StatusNotFound, sees: []string{"there is nothing of that ID"}},
		{
			name: "alerts/empty", path: "/admin/alerts", sees: []string{"Nothing is wrong", "No alert is open", "Nobody is told", "kind: webhook"},
			answers: map[string]string{"GET /alerts": `{"items":[]}`, "GET /alert_channels": `{"items":[],"rules":[{"rule":"backlog","off":false}]}`},
		},
		{
			name: "alerts/full", path: "/admin/alerts", answers: map[string]string{"GET /alerts": full, "GET /alert_channels": alertsTold},
			sees: []string{"1 alert is open", "Destination paused meta-main", "Open meta-main", "<p>meta-main is paused", "Muted", "Tell it again", "What was", "2 channels", "<s>no clicks</s>"},
		},
		{name: "alerts/one", path: "/admin/alerts/al_1", answers: map[string]string{"GET /alerts": full, "GET /alert_channels": alertsTold}, sees: []string{`id="al_1"`}},
		{name: "alerts/none of that ID", path: "/admin/alerts/al_9", status: http.StatusNotFound, answers: map[string]string{"GET /alerts": full, "GET /alert_channels": alertsTold}, sees: []string{"There is no such alert any more"}},
		{name: "alerts/for an analyst", path: "/admin/alerts", who: analyst, answers: map[string]string{"GET /alerts": full, "GET /alert_channels": alertsTold}, sees: []string{"1 alert is open"}},
	}
}

func TestAlertActs(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		path, form string
		answers    map[string]string
		calls      []string
		says       string
	}{
		"mute": {
			"al_1/mute", "for=12h",
			map[string]string{"POST /alerts/al_1/mute": `{"alert_id":"al_1","rule":"backlog","subject":"hook","state":"firing"}`},
			[]string{`POST /alerts/al_1/mute {"for":"12h"}`},
			"Nothing is said of Backlog hook for 12h",
		},
		"speak again": {
			"al_1/mute", "for=0",
			map[string]string{"POST /alerts/al_1/mute": `{"alert_id":"al_1","rule":"backlog","state":"firing"}`},
			[]string{`POST /alerts/al_1/mute {"for":"0"}`},
			"Backlog is told again",
		},
		"test": {
			"test", "",
			map[string]string{"POST /alert_channels/test": `{"items":[{"channel":"webhook","sent":true},{"channel":"email","sent":false,"error":"no login"}]}`},
			[]string{"POST /alert_channels/test {}"},
			"webhook: sent; email: not sent: no login",
		},
		"test of nothing": {"test", "", map[string]string{"POST /alert_channels/test": `{"items":[]}`}, []string{"POST /alert_channels/test {}"}, "There is no channel to test"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &api{answers: tt.answers}
			checkAct(t, a, "/admin/alerts/"+tt.path, tt.form+"&back=/admin/alerts", "/admin/alerts", tt.says)
			if diff := cmp.Diff(tt.calls, a.calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}
