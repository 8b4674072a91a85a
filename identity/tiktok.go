package identity

import (
	"unicode"
	"unicode/utf8"
)

// TikTok returns the value of a field of user data (email, phone, …, user_id) in
// the form that TikTok matches by, or ok false if it can't be used. All are to
// be hashed but city, region and country: those TikTok takes in clear, so that a
// digest of one is of no use. It has no field for birthdate and gender.
//
// country is where the person is, as given or "": it decides how national
// telephone numbers and states are read. In the other fields a value of 64 hex
// digits is taken as hashed and passes in lower case.
//
// Rules: business-api.tiktok.com, Events API, "Parameters" (v1.3). A phone number
// keeps its "+" there: its digest is not Meta's.
func TikTok(field, value, country string) (normalized string, ok bool) {
	switch field {
	case fieldEmail, fieldPhone, fieldFirstName, fieldLastName, fieldUserID:
		normalized = normalize(field, value, country)
	case fieldZip:
		normalized = plainZip(value)
	case fieldCity:
		normalized = unhashed(only(fold(value), isPlain))
	case fieldRegion:
		normalized = unhashed(only(Region(value, country), isPlain))
	case fieldCountry:
		normalized = unhashed(Country(value))
	}
	return normalized, normalized != ""
}

// plainZip returns a postal code without punctuation and white space, whole:
// unlike Meta, TikTok does not say that the part after a hyphen goes.
func plainZip(s string) string {
	s = only(fold(s), func(r rune) bool { return !isMark(r) })
	if utf8.RuneCountInString(s) < 2 {
		return ""
	}
	return s
}

// isPlain reports letters, with their accents, and digits.
func isPlain(r rune) bool { return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r) }

// unhashed refuses a digest.
func unhashed(s string) string {
	if IsHash(s) {
		return ""
	}
	return s
}
