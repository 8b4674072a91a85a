package identity

import "strings"

// Meta returns the value of a field of user data (email, phone, …, user_id) in
// the form whose Hash Meta matches by, or ok false if it can't be used.
//
// country is where the person is, as given or "": it decides how national
// telephone numbers, states and postal codes are read. A value of 64 hex digits
// is taken as hashed and passes in lower case.
//
// Rules: developers.facebook.com, Conversions API, "Customer information
// parameters". A phone number has no "+" there.
func Meta(field, value, country string) (normalized string, ok bool) {
	if IsHash(value) {
		return strings.ToLower(value), true
	}
	normalized = normalize(field, value, country)
	if field == fieldPhone {
		normalized = strings.TrimPrefix(normalized, "+")
	}
	return normalized, normalized != ""
}

// normalize applies the rule of a field; one that has none is unusable.
func normalize(field, value, country string) string {
	switch field {
	case fieldEmail:
		return Email(value)
	case fieldPhone:
		return Phone(value, country)
	case fieldFirstName, fieldLastName:
		return Name(value)
	case fieldCity:
		return City(value)
	case fieldRegion:
		return Region(value, country)
	case fieldZip:
		return Zip(value, country)
	case fieldCountry:
		return Country(value)
	case fieldBirthdate:
		return Birthdate(value)
	case fieldGender:
		return Gender(value)
	case fieldUserID:
		return UserID(value)
	}
	return ""
}
