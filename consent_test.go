package subfive_test

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

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

// read reads the words alone, and an opt-out.
func read(fields map[string]string) subfive.Consent {
	return subfive.Consent{
		UserData:        subfive.ConsentWord(fields[subfive.FieldAdUserData]),
		Personalization: subfive.ConsentWord(fields[subfive.FieldAdPersonalization]),
		OptOut:          fields[subfive.FieldGPC] == "1",
		GDPR:            fields[subfive.FieldGDPR] == "1",
	}
}

func TestMergeConsent(t *testing.T) {
	type fields = map[string]string
	const data, ads = subfive.FieldAdUserData, subfive.FieldAdPersonalization
	tests := map[string]struct{ first, second, want fields }{
		"nothing":                      {nil, nil, nil},
		"only the first":               {fields{data: "granted"}, nil, fields{data: "granted"}},
		"only the second":              {nil, fields{data: "Denied"}, fields{data: "Denied"}},
		"granted, then denied":         {fields{data: "granted"}, fields{data: "CONSENT_DENIED"}, fields{data: "denied"}},
		"denied, then granted":         {fields{data: "CONSENT_DENIED"}, fields{data: "granted"}, fields{data: "CONSENT_DENIED"}},
		"of two the first stays":       {fields{subfive.FieldGPP: "a"}, fields{subfive.FieldGPP: "b"}, fields{subfive.FieldGPP: "a"}},
		"an empty one is filled in":    {fields{subfive.FieldGPP: ""}, fields{subfive.FieldGPP: "b"}, fields{subfive.FieldGPP: "b"}},
		"a word that says nothing":     {fields{data: "yes"}, fields{data: "granted"}, fields{data: "granted"}},
		"each is looked at":            {fields{data: "granted", ads: "denied"}, fields{data: "denied", ads: "granted"}, fields{data: "denied", ads: "denied"}},
		"opted out":                    {fields{subfive.FieldGPC: "0"}, fields{subfive.FieldGPC: "1"}, fields{subfive.FieldGPC: "1"}},
		"the GDPR applies":             {fields{subfive.FieldGDPR: "0"}, fields{subfive.FieldGDPR: "1"}, fields{subfive.FieldGDPR: "1"}},
		"what the GDPR does not undo":  {fields{subfive.FieldGDPR: "1"}, fields{subfive.FieldGDPR: "0"}, fields{subfive.FieldGDPR: "1"}},
		"a field that nobody can read": {fields{"x": "1"}, fields{data: "granted"}, fields{"x": "1", data: "granted"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			first, second := maps.Clone(tt.first), maps.Clone(tt.second)
			if diff := cmp.Diff(tt.want, subfive.MergeConsent(read, tt.first, tt.second)); diff != "" {
				t.Errorf("merged (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(first, tt.first) + cmp.Diff(second, tt.second); diff != "" {
				t.Errorf("what was given changed: %s", diff)
			}
		})
	}
}
