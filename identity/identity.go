// Package identity normalizes, hashes and seals user data: what tells a
// platform who somebody is, and what nobody may read in passing.
//
// Normalizing turns the ways people write one value into one text, by the rules
// that the platforms publish; Hash makes the digest they match by. A Vault
// seals values at rest and lets equal ones be found without opening them.
//
// It knows the rules of form and nothing else: not where a value came from, not
// which fields a platform's request has, and not whether it may be sent.
//
// All normalizers return "" for a value that can't be used, and Hash returns ""
// for that: a wrong digest matches nobody, or somebody else.
package identity

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// The fields of user data, by the names under which they are received.
const (
	fieldEmail     = "email"
	fieldPhone     = "phone"
	fieldFirstName = "first_name"
	fieldLastName  = "last_name"
	fieldCity      = "city"
	fieldRegion    = "region"
	fieldZip       = "zip"
	fieldCountry   = "country"
	fieldBirthdate = "birthdate"
	fieldGender    = "gender"
	fieldUserID    = "user_id"
)

// Hash returns the SHA-256 of a normalized value as 64 lower-case hex digits.
// A value that is such a digest already is returned in lower case, and "" stays
// "": the digest of nothing would make all people without a value one person.
func Hash(normalized string) string {
	if normalized == "" {
		return ""
	}
	if IsHash(normalized) {
		return strings.ToLower(normalized)
	}
	sum := sha256.Sum256([]byte(normalized))
	return hex.EncodeToString(sum[:])
}

// IsHash reports whether s has the form of a SHA-256 digest: 64 hex digits.
func IsHash(s string) bool { return len(s) == 2*sha256.Size && isHex(s) }

// isMD5 reports whether s has the form of an MD5 digest. Some systems hand
// those out for user data; no platform matches by them.
func isMD5(s string) bool { return len(s) == 32 && isHex(s) }

func isHex(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}

// fold is where every rule begins: composed form, no white space around it,
// lower case. It returns "" for what is not UTF-8, and for an MD5 digest.
func fold(s string) string {
	if !utf8.ValidString(s) {
		return ""
	}
	s = norm.NFC.String(strings.ToLower(strings.TrimSpace(norm.NFC.String(s))))
	if isMD5(s) {
		return ""
	}
	return s
}

// only returns those characters of s that keep wants, composed anew: what was
// taken out may have stood between a letter and its accent.
func only(s string, keep func(rune) bool) string {
	return fold(strings.Map(func(r rune) rune {
		if keep(r) {
			return r
		}
		return -1
	}, s))
}

// isMark reports punctuation, symbols, white space and control characters: all
// that the platforms want removed from names.
func isMark(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsPunct(r) || unicode.IsSymbol(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && !isJoiner(r)
}

// isJoiner reports the two format characters that are part of how words of some
// scripts are spelled.
func isJoiner(r rune) bool { return r == '\u200c' || r == '\u200d' }
