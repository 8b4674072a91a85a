package subfive_test

import (
	"testing"

	"subfive"
)

// A row reads as it is written in a file.
func TestConsentRuleString(t *testing.T) {
	tests := map[string]struct {
		row  subfive.ConsentRule
		want string
	}{
		"countries":  {subfive.ConsentRule{Where: []string{"EEA", "GB"}, When: subfive.ConsentUnknown, Do: subfive.ConsentSkip}, `{where: [EEA, GB], when: unknown, do: skip}`},
		"everywhere": {subfive.ConsentRule{Where: []string{"*"}, When: subfive.ConsentGPC, Do: subfive.ConsentLimit}, `{where: ["*"], when: gpc, do: limit}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tt.row.String(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
