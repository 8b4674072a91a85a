package attribution

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

// What a conversion's delivery becomes by country, by what the click said, and
// by the platform: meta has limited data use, relay has not.
func TestConsentDecides(t *testing.T) {
	type decision struct {
		Status  subfive.DeliveryStatus
		Code    string
		Limited bool
	}
	send, limit := decision{Status: "scheduled"}, decision{Status: "scheduled", Limited: true}
	skip := func(code string) decision { return decision{Status: "skipped", Code: code} }
	row := func(when subfive.ConsentState, do subfive.ConsentAction, where ...string) subfive.ConsentRule {
		return subfive.ConsentRule{Where: where, When: when, Do: do}
	}
	said := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	granted, denied, gpc := said("consent_ad_user_data", "granted"), said("consent_ad_user_data", "denied"), said("sec_gpc", "1")
	both := said("consent_ad_user_data", "granted", "sec_gpc", "1")
	tests := map[string]struct {
		country     string // the click's
		network     string // the postback's
		said        map[string]string
		rows        []subfive.ConsentRule
		meta, relay decision
	}{
		"unknown, nowhere":                        {meta: send, relay: send},
		"unknown in the US":                       {country: "US", meta: send, relay: send},
		"unknown in Germany":                      {country: "DE", meta: skip("consent_unknown"), relay: skip("consent_unknown")},
		"unknown in Norway":                       {country: "NO", meta: skip("consent_unknown"), relay: skip("consent_unknown")},
		"unknown in Réunion":                      {country: "RE", meta: skip("consent_unknown"), relay: skip("consent_unknown")},
		"unknown in Britain":                      {country: "GB", meta: skip("consent_unknown"), relay: skip("consent_unknown")},
		"unknown in Switzerland":                  {country: "CH", meta: skip("consent_unknown"), relay: skip("consent_unknown")},
		"unknown in Germany, says the network":    {network: "DE", meta: skip("consent_unknown"), relay: skip("consent_unknown")},
		"the address wins over the network":       {country: "US", network: "DE", meta: send, relay: send},
		"gdpr=1, nowhere":                         {said: said("gdpr", "1"), meta: skip("consent_unknown"), relay: skip("consent_unknown")},
		"gdpr=1 in the US":                        {country: "US", said: said("gdpr", "1"), meta: send, relay: send},
		"gdpr=0 in Germany":                       {country: "DE", said: said("gdpr", "0"), meta: skip("consent_unknown"), relay: skip("consent_unknown")},
		"granted in Germany":                      {country: "DE", said: granted, meta: send, relay: send},
		"denied in the US":                        {country: "US", said: denied, meta: skip("consent_denied"), relay: skip("consent_denied")},
		"denied, nowhere":                         {said: denied, meta: skip("consent_denied"), relay: skip("consent_denied")},
		"opted out in the US":                     {country: "US", said: gpc, meta: limit, relay: skip("gpc")},
		"opted out, nowhere":                      {said: gpc, meta: limit, relay: skip("gpc")},
		"granted and opted out":                   {country: "DE", said: both, meta: limit, relay: skip("gpc")},
		"unknown and opted out in Germany":        {country: "DE", said: gpc, meta: skip("consent_unknown"), relay: skip("consent_unknown")},
		"denied and opted out":                    {said: said("consent_ad_user_data", "denied", "sec_gpc", "1"), meta: skip("consent_denied"), relay: skip("consent_denied")},
		"own: unknown in Germany is sent":         {country: "DE", rows: []subfive.ConsentRule{row("unknown", "send", "DE")}, meta: send, relay: send},
		"own: another country's row":              {country: "AT", rows: []subfive.ConsentRule{row("unknown", "send", "DE")}, meta: skip("consent_unknown"), relay: skip("consent_unknown")},
		"own: the EEA is sent":                    {country: "AT", rows: []subfive.ConsentRule{row("unknown", "send", "EEA")}, meta: send, relay: send},
		"own: the EEA is not Britain":             {country: "GB", rows: []subfive.ConsentRule{row("unknown", "send", "EEA")}, meta: skip("consent_unknown"), relay: skip("consent_unknown")},
		"own: an unknown country is skipped":      {rows: []subfive.ConsentRule{row("unknown", "skip", "unknown")}, meta: skip("consent_unknown"), relay: skip("consent_unknown")},
		"own: a known one is not unknown":         {country: "US", rows: []subfive.ConsentRule{row("unknown", "skip", "unknown")}, meta: send, relay: send},
		"own: the first row decides":              {country: "US", rows: []subfive.ConsentRule{row("unknown", "send", "US"), row("unknown", "skip", "*")}, meta: send, relay: send},
		"own: denied is sent":                     {country: "US", said: denied, rows: []subfive.ConsentRule{row("denied", "send", "US")}, meta: send, relay: send},
		"own: granted is skipped":                 {country: "US", said: granted, rows: []subfive.ConsentRule{row("granted", "skip", "*")}, meta: skip("consent_granted"), relay: skip("consent_granted")},
		"own: an opt-out is sent":                 {said: gpc, rows: []subfive.ConsentRule{row("gpc", "send", "*")}, meta: send, relay: send},
		"own: an opt-out frees from nothing else": {country: "DE", said: gpc, rows: []subfive.ConsentRule{row("gpc", "send", "*")}, meta: skip("consent_unknown"), relay: skip("consent_unknown")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tr := newTracker(t, func(s *subfive.Setup) {
				for i := range s.Destinations {
					s.Destinations[i].Consent = tt.rows
				}
			})
			tr.record(tr.click("c1", func(c *subfive.Click) { c.Visitor.Country, c.Consent = tt.country, tt.said }),
				tr.postback("1", "c1", "t1", func(p *subfive.Postback) {
					if tt.network != "" {
						p.UserData = map[string]subfive.Sealed{subfive.UserCountry: {Box: tt.network}}
					}
				}))
			got := map[string]decision{}
			for _, d := range tr.store.deliveries {
				got[d.Platform] = decision{d.Status, d.ReasonCode, d.LimitedUse}
			}
			if diff := cmp.Diff(map[string]decision{"meta": tt.meta, "relay": tt.relay}, got); diff != "" {
				t.Errorf("decided (-want +got):\n%s", diff)
			}
		})
	}
}

// Without a click, what the network passed on decides; with one, the more careful
// of both. A direct conversion is where the network says.
func TestConsentOfPostbacksDecides(t *testing.T) {
	type fields = map[string]string
	granted, denied := fields{"consent_ad_user_data": "granted"}, fields{"consent_ad_user_data": "CONSENT_DENIED"}
	tests := map[string]struct {
		direct          bool
		click, postback fields
		country         string // as the network says
		want            string
	}{
		"direct, nothing said":                {true, nil, nil, "", "scheduled"},
		"direct, denied":                      {true, nil, denied, "", "skipped consent_denied"},
		"direct, a refusing string":           {true, nil, fields{"gdpr": "1", "gdpr_consent": tcfRefused}, "", "skipped consent_denied"},
		"direct, where the GDPR applies":      {true, nil, fields{"gdpr": "1"}, "", "skipped consent_unknown"},
		"direct, in Germany":                  {true, nil, nil, "DE", "skipped consent_unknown"},
		"direct, granted in Germany":          {true, nil, granted, "DE", "scheduled"},
		"direct, opted out":                   {true, nil, fields{"sec_gpc": "1"}, "", "scheduled limited"},
		"the click granted, the network not":  {false, granted, denied, "", "skipped consent_denied"},
		"the network granted, the click not":  {false, denied, granted, "", "skipped consent_denied"},
		"the click was silent in Germany":     {false, nil, granted, "DE", "scheduled"},
		"the click granted, the network mute": {false, granted, nil, "DE", "scheduled"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tr := newTracker(t, func(s *subfive.Setup) { s.Endpoints[0].Destinations = []string{"meta-main"} })
			p := tr.postback("1", clickA, "t1", func(p *subfive.Postback) {
				p.Consent = tt.postback
				if tt.country != "" {
					p.UserData = map[string]subfive.Sealed{subfive.UserCountry: {Box: tt.country}}
				}
				if tt.direct {
					p.Reading, p.ClickID, p.ClickIDRaw, p.DirectParam = subfive.ReadingDirect, "IwAR1", "IwAR1", "fbclid"
				}
			})
			if !tt.direct {
				tr.record(tr.click(clickA, func(c *subfive.Click) { c.Consent = tt.click }))
			}
			tr.record(p)
			var got []string
			for _, d := range tr.store.deliveries {
				line := strings.TrimSpace(string(d.Status) + " " + d.ReasonCode)
				if d.LimitedUse {
					line += " limited"
				}
				got = append(got, line)
			}
			if diff := cmp.Diff([]string{tt.want}, got); diff != "" {
				t.Errorf("decided (-want +got):\n%s", diff)
			}
		})
	}
}

// Where a destination can't limit its use of the data, nothing is sent.
func TestLimitThatCantBeDoneSkips(t *testing.T) {
	tests := map[string]struct {
		country, address string
		rows             []subfive.ConsentRule
		said             map[string]string
		want             string
	}{
		"the country is known":     {country: "US", said: map[string]string{"sec_gpc": "1"}, want: "scheduled"},
		"the address is":           {address: "192.0.2.1", said: map[string]string{"sec_gpc": "1"}, want: "scheduled"},
		"nothing is":               {said: map[string]string{"sec_gpc": "1"}, want: "skipped gpc"},
		"a row of its own limits":  {rows: []subfive.ConsentRule{{Where: []string{"*"}, When: "unknown", Do: "limit"}}, want: "skipped consent_unknown"},
		"nothing is to be limited": {want: "scheduled"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tr := newTracker(t, func(s *subfive.Setup) {
				s.Campaigns[0].Destinations, s.Destinations[0].Consent = []string{"meta-main"}, tt.rows
			})
			r := *tr.rules.Load()
			r.Limits = map[string]func(country, address string) error{"meta-main": func(country, address string) error {
				if country+address == "" {
					return errors.New("who was it?")
				}
				return nil
			}}
			tr.SetRules(r)
			tr.record(tr.click("c1", func(c *subfive.Click) {
				c.Visitor.Country, c.Request.ClientAddr, c.Consent = tt.country, tt.address, tt.said
			}), tr.postback("1", "c1", "t1", nil))
			for _, d := range tr.store.deliveries {
				if got := strings.TrimSpace(string(d.Status) + " " + d.ReasonCode); got != tt.want {
					t.Errorf("it is %s, want %s", got, tt.want)
				}
				if d.Status == subfive.DeliverySkipped && !strings.HasSuffix(d.Reason, "which can't be done, so that it is skipped: who was it?") {
					t.Errorf("the reason is %q", d.Reason)
				}
			}
		})
	}
}

// The sentence names the country, what was said, the row, and what to change. It
// is the delivery's reason and the trace's.
func TestConsentIsExplained(t *testing.T) {
	tests := map[string]struct {
		country string
		said    map[string]string
		rows    []subfive.ConsentRule
		want    string
	}{
		"built-in, skipped": {
			"DE", nil, nil,
			"consent is unknown in DE: built-in row 3 says {where: [EEA, GB, CH], when: unknown, do: skip}" +
				"; to send all the same, put a row before it under consent of meta-main: {where: [DE], when: unknown, do: send}",
		},
		"the page says that the GDPR applies": {
			"",
			map[string]string{"gdpr": "1"},
			nil,
			"consent is unknown in an unknown country where the page says that the GDPR applies: built-in row 3 says {where: [EEA, GB, CH], when: unknown, do: skip}" +
				"; to send all the same, put a row before it under consent of meta-main: {where: [EEA], when: unknown, do: send}",
		},
		"built-in, limited": {
			"US",
			map[string]string{"sec_gpc": "1"},
			nil,
			"the visitor opted out (gpc) in US: built-in row 2 says {where: [\"*\"], when: gpc, do: limit}",
		},
		"built-in, sent": {
			"", nil, nil,
			"consent is unknown in an unknown country: built-in row 4 says {where: [\"*\"], when: unknown, do: send}",
		},
		"one of its own": {
			"US", nil,
			[]subfive.ConsentRule{{Where: []string{"CA"}, When: "unknown", Do: "skip"}, {Where: []string{"US", "unknown"}, When: "unknown", Do: "skip"}},
			"consent is unknown in US: row 2 of meta-main's consent says {where: [US, unknown], when: unknown, do: skip}" +
				"; to send all the same, put a row before it under consent of meta-main: {where: [US], when: unknown, do: send}",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tr := newTracker(t, func(s *subfive.Setup) { s.Destinations[0].Consent = tt.rows })
			tr.record(tr.click("c1", func(c *subfive.Click) { c.Visitor.Country, c.Consent = tt.country, tt.said }), tr.postback("1", "c1", "t1", nil))
			var told string
			for _, s := range tr.store.postbacks["pb_1"].Trace {
				if s.Step == "deliver meta-main" {
					told = s.Detail
				}
			}
			if !strings.HasSuffix(told, tt.want) {
				t.Errorf("the trace says %q, want %q", told, tt.want)
			}
			for _, d := range tr.store.deliveries {
				if d.DestinationID == "meta-main" && d.Status == subfive.DeliverySkipped && d.Reason != tt.want {
					t.Errorf("the reason is %q, want %q", d.Reason, tt.want)
				}
			}
		})
	}
}

// What follows a conversion goes by the consent rules of its own day.
func TestFollowUpsAskForConsentAgain(t *testing.T) {
	tests := map[string]struct {
		rows []subfive.ConsentRule // once the conversion was told
		want string
	}{
		"limited like the conversion": {nil, "scheduled limited"},
		"now it is skipped":           {[]subfive.ConsentRule{{Where: []string{"*"}, When: "gpc", Do: "skip"}}, "skipped gpc"},
		"now it is sent":              {[]subfive.ConsentRule{{Where: []string{"*"}, When: "gpc", Do: "send"}}, "scheduled"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tr := newTracker(t, func(s *subfive.Setup) { s.Destinations[0].OnApproved = "Approved" })
			tr.record(tr.click("c1", func(c *subfive.Click) { c.Consent = map[string]string{"sec_gpc": "1"} }), tr.postback("1", "c1", "t1", nil))
			r := *tr.rules.Load()
			r.Setup.Destinations[0].Consent = tt.rows
			tr.SetRules(r)
			tr.now = tr.now.Add(time.Hour)
			tr.record(tr.postback("2", "c1", "t1", func(p *subfive.Postback) { p.Status = subfive.StatusApproved }))
			got := ""
			for _, d := range tr.store.deliveries {
				if d.Kind != subfive.KindApproval {
					continue
				}
				got = strings.TrimSpace(string(d.Status) + " " + d.ReasonCode)
				if d.LimitedUse {
					got += " limited"
				}
			}
			if got != tt.want {
				t.Errorf("the approval is %q, want %q", got, tt.want)
			}
		})
	}
}
