package identity

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// The IDs of mobile devices, by the names that Reddit has for them. They are no
// fields of user data: no network and no landing page brings them.
const (
	fieldIDFA = "idfa" // Apple's
	fieldAAID = "aaid" // Android's
)

// Reddit returns the value of a field of user data (email, phone, user_id, and
// the devices' idfa and aaid) in the form whose Hash Reddit matches by, or ok
// false if it can't be used. Reddit has no other fields.
//
// country is where the person is, as given or "": it decides how national
// telephone numbers are read. A value of 64 hex digits is taken as hashed and
// passes in lower case.
//
// Rules: Reddit's help, "Manual advanced matching". Of an address's local part
// only letters and digits before the first "+" count, with every provider: the
// digest is another one than Meta's. A phone number keeps its "+".
func Reddit(field, value, country string) (normalized string, ok bool) {
	if IsHash(value) {
		return strings.ToLower(value), true
	}
	switch field {
	case fieldEmail:
		normalized = redditEmail(value)
	case fieldPhone:
		normalized = Phone(value, country)
	case fieldUserID:
		normalized = UserID(value)
	case fieldIDFA:
		normalized = strings.ToUpper(device(value))
	case fieldAAID:
		normalized = strings.ToLower(device(value))
	}
	return normalized, normalized != ""
}

// redditEmail leaves only letters and digits of the local part, up to a "+".
func redditEmail(s string) string {
	s = Email(s)
	if IsHash(s) {
		return s
	}
	local, domain, _ := strings.Cut(s, "@")
	local, _, _ = strings.Cut(local, "+")
	local = norm.NFC.String(strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, local))
	if local == "" {
		return ""
	}
	return local + "@" + domain
}

var uuidForm = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)

// device returns the ID of a device, or "" for what is none: all zeros is what a
// device says whose owner did not allow tracking.
func device(s string) string {
	s = strings.TrimSpace(s)
	if !uuidForm.MatchString(s) || strings.Trim(s, "0-") == "" {
		return ""
	}
	return s
}
