package dashboard

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestChecks(t *testing.T) {
	const read = `{"dry_run":true,"platform":"meta","columns":["\"Day\" is the day"],"rows":1,"days":1,"spend":{"USD":"4.20"},"rejected":0,
		"reasons":[],"left":[],"totals":0,"sample":[{"source_id":"meta-us","day":"2026-11-23","spend":"4.20"}],"notes":[]}`
	const followed = `{"hops":[{"url":"https://trk.example.com/c/spring?test=1","status":302,"location":"https://x.example.com/","how":"redirect",
		"first_byte_ms":12,"lost":["test"],"ours":true}],"ends_at":"https://x.example.com/","network":true,"stopped":true,"slot":"sub5","slot_value":"","findings":[]}`
	const channels = `{"items":[{"channel":"webhook","kind":"webhook","to":"hooks.example.com"}],"rules":[{"rule":"backlog","off":false}]}`
	tests := map[string]struct {
		method, path, body string
		value              string
		code               int
		called             []call
		says               string
	}{
		"costs": {
			"POST", "/api/v1/costs/import", `{"csv":"Day,Spend","platform":"meta","source_id":"meta-us","dry_run":true}`, read, 200,
			[]call{{"ImportCosts", []any{CostFile{Data: []byte("Day,Spend"), Platform: "meta", SourceID: "meta-us", DryRun: true}}}},
			`"4.20"`,
		},
		"costs as bytes": {
			"POST", "/api/v1/costs/import", `{"csv_base64":"//5E","platform":"meta"}`, read, 200,
			[]call{{"ImportCosts", []any{CostFile{Data: []byte{0xff, 0xfe, 'D'}, Platform: "meta"}}}},
			`"4.20"`,
		},
		"costs of nothing": {"POST", "/api/v1/costs/import", `{"platform":"meta"}`, "", 400, nil, "one of csv and csv_base64"},
		"costs twice":      {"POST", "/api/v1/costs/import", `{"csv":"a","csv_base64":"YQ=="}`, "", 400, nil, "one of csv and csv_base64"},
		"no base64":        {"POST", "/api/v1/costs/import", `{"csv_base64":"?"}`, "", 400, nil, "base64"},
		"link": {
			"POST", "/api/v1/doctor/link", `{"url":"https://trk.example.com/c/spring"}`, followed, 200,
			[]call{{"FollowLink", []any{"https://trk.example.com/c/spring", false}}},
			`"stopped":true`,
		},
		"link into the network": {
			"POST", "/api/v1/doctor/link", `{"url":"https://trk.example.com/c/spring","follow_network":true}`, followed, 200,
			[]call{{"FollowLink", []any{"https://trk.example.com/c/spring", true}}},
			`"hops"`,
		},
		"no link":  {"POST", "/api/v1/doctor/link", `{}`, "", 400, nil, "url is missing"},
		"channels": {"GET", "/api/v1/alert_channels", "", channels, 200, []call{{"AlertChannels", nil}}, "hooks.example.com"},
		"test": {
			"POST", "/api/v1/alert_channels/test", "", `{"items":[{"channel":"webhook","sent":false,"error":"answered 500"}]}`, 200,
			[]call{{"TestAlerts", nil}},
			"answered 500",
		},
		"test of one": {"POST", "/api/v1/alert_channels/test", `{"channel":"webhook"}`, "", 400, nil, `there is no field \"channel\"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := &backend{}
			if test.value != "" {
				b.value = json.RawMessage(test.value)
			}
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
