package subfive

import (
	"fmt"
	"strings"
)

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
