package config_test

import (
	"testing"

	"subfive"
	"subfive/config"
)

func TestConsentRows(t *testing.T) {
	row := func(when subfive.ConsentState, do subfive.ConsentAction, where ...string) subfive.ConsentRule {
		return subfive.ConsentRule{Where: where, When: when, Do: do}
	}
	tests := map[string]struct {
		text string
		want []subfive.ConsentRule
	}{
		"none":  {"", nil},
		"empty": {"consent: []", []subfive.ConsentRule{}},
		"all words": {
			`consent: [{where: [EEA, GB, CH], when: unknown, do: send}, {where: ["*"], when: denied, do: limit}, {where: [unknown], when: gpc, do: skip}]`,
			[]subfive.ConsentRule{row("unknown", "send", "EEA", "GB", "CH"), row("denied", "limit", "*"), row("gpc", "skip", "unknown")},
		},
		"granted is sent in one place only": {
			`consent: [{where: [DE], when: granted, do: send}, {where: ["*"], when: granted, do: skip}]`,
			[]subfive.ConsentRule{row("granted", "send", "DE"), row("granted", "skip", "*")},
		},
		"another legal basis": {"consent: [{where: [US], when: denied, do: send}]", []subfive.ConsentRule{row("denied", "send", "US")}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			file, err := config.Parse("x.yaml", []byte("destinations:\n  - id: m\n    platform: meta\n    "+tt.text+"\n"), noEnv, config.WithPlatforms(platforms()))
			if err != nil {
				t.Fatal(err)
			}
			equal(t, tt.want, file.Setup.Destinations[0].Consent)
		})
	}
}

// An empty list is no list: nothing differs. Rows differ as they are written.
func TestConsentRowsThatDiffer(t *testing.T) {
	none := subfive.Setup{Destinations: []subfive.Destination{{ID: "m"}}}
	empty := subfive.Setup{Destinations: []subfive.Destination{{ID: "m", Consent: []subfive.ConsentRule{}}}}
	equal(t, []config.Difference(nil), config.Diff(none, empty))
	rows := subfive.Setup{Destinations: []subfive.Destination{{ID: "m", Consent: []subfive.ConsentRule{{Where: []string{"US"}, When: "denied", Do: "send"}}}}}
	want := []config.Difference{{
		Action: config.ActionChange, Kind: "destinations", ID: "m", Field: "consent", New: "[{where: [US], when: denied, do: send}]",
	}}
	equal(t, want, config.Diff(none, rows))
}
