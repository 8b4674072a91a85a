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

// Read returns what a click's consent fields say together. The link's own words,
// consent_ad_user_data and consent_ad_personalization, win over strings; of two
// strings that contradict each other the more careful wins. gdpr=0 grants
// nothing: it only says which law does not apply.
func Read(fields map[string]string) subfive.Consent {
	c := readTCF(fields[subfive.FieldTCF])
	sections, optOut := readGPP(fields[subfive.FieldGPP])
	c.UserData = c.UserData.Careful(sections.UserData)
	c.Personalization = c.Personalization.Careful(sections.Personalization)
	if said := subfive.ConsentWord(fields[subfive.FieldAdUserData]); said != subfive.ConsentUnknown {
		c.UserData = said
	}
	if said := subfive.ConsentWord(fields[subfive.FieldAdPersonalization]); said != subfive.ConsentUnknown {
		c.Personalization = said
	}
	// Sec-GPC has one value: https://www.w3.org/TR/gpc/#the-sec-gpc-header-field-for-http-requests
	c.OptOut = optOut || strings.TrimSpace(fields[subfive.FieldGPC]) == "1"
	c.GDPR = strings.TrimSpace(fields[subfive.FieldGDPR]) == "1"
	return c
}
