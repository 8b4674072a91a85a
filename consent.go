package subfive

import (
	"fmt"
	"maps"
	"strings"
)

// The fields in which a click, a visit or a postback says what its visitor
// agreed to. They are links' parameters but for FieldGPC, which is the header
// Sec-GPC, too.
const (
	FieldAdUserData        = "consent_ad_user_data"
	FieldAdPersonalization = "consent_ad_personalization"
	FieldGPP               = "gpp"
	FieldGDPR              = "gdpr"
	FieldTCF               = "gdpr_consent"
	FieldGPC               = "sec_gpc"
)

// ConsentFields lists the fields.
func ConsentFields() []string {
	return []string{FieldAdUserData, FieldAdPersonalization, FieldGPP, FieldGDPR, FieldTCF, FieldGPC}
}

// ConsentState is what a visitor said about one use of his data.
type ConsentState string

// The states. ConsentGPC comes beside one of the others: the visitor opted out
// by Global Privacy Control or by a US state's law. Rules name it, answers do
// not.
const (
	ConsentGranted ConsentState = "granted"
	ConsentDenied  ConsentState = "denied"
	ConsentUnknown ConsentState = "unknown"
	ConsentGPC     ConsentState = "gpc"
)

// ConsentWord reads granted or denied, in Google's spelling (CONSENT_DENIED) or
// the API's, whatever the case. Anything else is unknown.
func ConsentWord(s string) ConsentState {
	switch strings.TrimPrefix(strings.ToLower(strings.TrimSpace(s)), "consent_") {
	case "granted":
		return ConsentGranted
	case "denied":
		return ConsentDenied
	}
	return ConsentUnknown
}

// Careful returns the more careful of two answers: denied before granted, and any
// answer before none.
func (s ConsentState) Careful(other ConsentState) ConsentState {
	for _, first := range []ConsentState{ConsentDenied, ConsentGranted} {
		if s == first || other == first {
			return first
		}
	}
	return ConsentUnknown
}

// Consent is what a click says about the use of its visitor's data. Nothing is
// granted that the click did not say.
type Consent struct {
	// UserData: it may be sent to an ad platform. Personalization: ads may be
	// chosen by it. Both are granted, denied or unknown.
	UserData        ConsentState
	Personalization ConsentState
	// OptOut: no sale, no sharing, no targeted advertising.
	OptOut bool
	// GDPR: the page said that the GDPR applies.
	GDPR bool
}

// Careful returns the more careful of both in each of the four.
func (c Consent) Careful(other Consent) Consent {
	return Consent{
		UserData: c.UserData.Careful(other.UserData), Personalization: c.Personalization.Careful(other.Personalization),
		OptOut: c.OptOut || other.OptOut, GDPR: c.GDPR || other.GDPR,
	}
}

// Refused reports whether the visitor said no: to the use of his data at all, or
// by opting out.
func (c Consent) Refused() bool { return c.OptOut || c.UserData == ConsentDenied }

// MergeConsent returns the fields that two sources gave for one visitor, a link
// and a landing page for example. Those of first stay, second fills in what it
// lacks; where both together would then be read as less careful than either
// alone, a plain word says the more careful. Neither map is changed.
func MergeConsent(read func(map[string]string) Consent, first, second map[string]string) map[string]string {
	if len(second) == 0 {
		return first
	}
	merged := maps.Clone(second)
	for name, value := range first {
		if value != "" {
			merged[name] = value
		}
	}
	want, got := read(first).Careful(read(second)), read(merged)
	if got.UserData != want.UserData {
		merged[FieldAdUserData] = string(want.UserData)
	}
	if got.Personalization != want.Personalization {
		merged[FieldAdPersonalization] = string(want.Personalization)
	}
	if want.OptOut && !got.OptOut {
		merged[FieldGPC] = "1"
	}
	if want.GDPR && !got.GDPR {
		merged[FieldGDPR] = "1"
	}
	return merged
}

// ConsentAction is what is done with a conversion, as far as consent goes.
type ConsentAction string

// The actions, the least careful first.
const (
	ConsentSend  ConsentAction = "send"
	ConsentLimit ConsentAction = "limit" // send with the platform's limited data use
	ConsentSkip  ConsentAction = "skip"
)

// ConsentRule is a row of a destination's own, which comes before the built-in
// ones.
type ConsentRule struct {
	// Where are ISO 3166 codes in capitals, RegionEEA, RegionUnknown, or
	// RegionAny.
	Where []string      `json:"where" yaml:"where"`
	When  ConsentState  `json:"when" yaml:"when"`
	Do    ConsentAction `json:"do" yaml:"do"`
}

// String returns the row as a file has it.
func (r ConsentRule) String() string {
	where := strings.ReplaceAll(strings.Join(r.Where, ", "), RegionAny, `"`+RegionAny+`"`) // YAML reads a bare * as something else
	return fmt.Sprintf("{where: [%s], when: %s, do: %s}", where, r.When, r.Do)
}

// The words of ConsentRule.Where that are no country's code.
const (
	RegionAny     = "*"
	RegionEEA     = "EEA"
	RegionUnknown = "unknown" // the visitor's country is not known
)
