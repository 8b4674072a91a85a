package identity

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Google returns the value of a field of user data (email, phone, first_name,
// last_name, zip, country) in the form that Google matches by, or ok false if it
// can't be used. Email, phone and names go out as their Hash; zip and country go
// out in the clear, and a digest of them is refused. Google has no other fields.
//
// country is where the person is, as given or "": it decides how national
// telephone numbers are read. A value of 64 hex digits is taken
// as hashed and passes in lower case.
//
// Rules: developers.google.com, Data Manager API, "Format user data". Dots and
// the part after "+" go only at gmail.com and googlemail.com, whose names stay
// as they are; white space goes everywhere. A phone number keeps its "+".
func Google(field, value, country string) (normalized string, ok bool) {
	switch field {
	case fieldEmail:
		normalized = googleEmail(value)
	case fieldPhone:
		normalized = Phone(value, country)
	case fieldFirstName, fieldLastName:
		normalized = googleName(value)
	case fieldZip:
		normalized = inClear(googleZip(value))
	case fieldCountry:
		normalized = inClear(strings.ToUpper(Country(value)))
	}
	return normalized, normalized != ""
}

// googleZip takes white space from around a postal code; Google reads the rest.
func googleZip(s string) string {
	if s = strings.TrimSpace(s); !utf8.ValidString(s) {
		return ""
	}
	return s
}

// inClear refuses a digest where a text is wanted.
func inClear(s string) string {
	if IsHash(s) {
		return ""
	}
	return s
}

// googleEmail takes white space out of an address, and at Gmail what Gmail
// ignores.
func googleEmail(s string) string {
	s = Email(norm.NFC.String(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)))
	local, domain, _ := strings.Cut(s, "@")
	if domain != "gmail.com" && domain != "googlemail.com" {
		return s
	}
	local, _, _ = strings.Cut(local, "+")
	local = norm.NFC.String(strings.ReplaceAll(local, ".", ""))
	if local == "" {
		return ""
	}
	return local + "@" + domain
}

// googleName is Name, and a digest as it came.
func googleName(s string) string {
	if IsHash(s) {
		return strings.ToLower(s)
	}
	return Name(s)
}
