// Package consent reads what a click says about the use of its visitor's data:
// the link's own words, a TCF string, a GPP string, and Global Privacy Control.
//
// It says what was said, and nothing more: what can't be read is unknown, and
// nothing is granted by default. What follows from it for a platform is
// attribution's to decide.
package consent

import (
	"strings"

	"subfive"
)

// The click's fields, as the receiver keeps them.
const (
	fieldUserData        = "consent_ad_user_data"
	fieldPersonalization = "consent_ad_personalization"
	fieldGPP             = "gpp"
	fieldGDPR            = "gdpr"
	fieldTCF             = "gdpr_consent"
	fieldGPC             = "sec_gpc"
)

// Read returns what a click's consent fields say together. The link's own words,
// consent_ad_user_data and consent_ad_personalization, win over strings; of two
// strings that contradict each other the more careful wins. gdpr=0 grants
// nothing: it only says which law does not apply.
func Read(fields map[string]string) subfive.Consent {
	c := readTCF(fields[fieldTCF])
	sections, optOut := readGPP(fields[fieldGPP])
	c.UserData = careful(c.UserData, sections.UserData)
	c.Personalization = careful(c.Personalization, sections.Personalization)
	if said := word(fields[fieldUserData]); said != subfive.ConsentUnknown {
		c.UserData = said
	}
	if said := word(fields[fieldPersonalization]); said != subfive.ConsentUnknown {
		c.Personalization = said
	}
	// Sec-GPC has one value: https://www.w3.org/TR/gpc/#the-sec-gpc-header-field-for-http-requests
	c.OptOut = optOut || strings.TrimSpace(fields[fieldGPC]) == "1"
	c.GDPR = strings.TrimSpace(fields[fieldGDPR]) == "1"
	return c
}

// word reads granted or denied, in Google's spelling or the API's, whatever the
// case.
func word(s string) subfive.ConsentState {
	switch strings.TrimPrefix(strings.ToLower(strings.TrimSpace(s)), "consent_") {
	case "granted":
		return subfive.ConsentGranted
	case "denied":
		return subfive.ConsentDenied
	}
	return subfive.ConsentUnknown
}

// careful returns the more careful of two answers: denied before granted, and
// any answer before none.
func careful(a, b subfive.ConsentState) subfive.ConsentState {
	for _, s := range []subfive.ConsentState{subfive.ConsentDenied, subfive.ConsentGranted} {
		if a == s || b == s {
			return s
		}
	}
	return subfive.ConsentUnknown
}
