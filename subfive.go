// Package subfive holds the words that the whole tracker speaks: a Record comes
// in, a Click or a Postback is read from it, a Conversion is credited, and a
// Delivery tells one Destination about it.
//
// It is values and their rules of form only. It reads no clock, opens no file
// and imports nothing of this module: every other package imports it, and they
// meet in cmd/subfive.
//
// The data runs one way:
//
//	receiver → journal → attribution → store → outbox → forwarders.Sender
//
// and only an Outcome comes back.
package subfive

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

// Version is the program's version; release builds set it with -ldflags -X.
var Version = "0.1.0-dev"

// idEncoding is Crockford's base32 in lower case: no i, l, o or u, and safe in
// any URL, file name or column.
var idEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// The prefixes of the IDs we derive or mint. A click ID has none: it travels in
// other people's links and stays short.
const (
	PrefixPostback   = "pb_"
	PrefixGroup      = "gr_"
	PrefixConversion = "cv_"
	PrefixDelivery   = "dl_"
	PrefixAttempt    = "at_"
)

// PrefixTest begins the event ID of a test, so that a platform does not take the
// real event for its repeat.
const PrefixTest = "test-"

// ClickIDLength is the length of a click ID that we minted.
const ClickIDLength = 26

// ParseClickID reports whether s has the form of a click ID of ours, 26
// characters of Crockford's base32 of which the first is at most 7, and returns
// it in lower case: click IDs are matched case-folded.
func ParseClickID(s string) (id string, ok bool) {
	if len(s) != ClickIDLength {
		return "", false
	}
	id = strings.ToLower(s)
	if id[0] > '7' {
		return "", false
	}
	for _, c := range []byte(id) {
		if !strings.ContainsRune("0123456789abcdefghjkmnpqrstvwxyz", rune(c)) {
			return "", false
		}
	}
	return id, true
}

// DeriveID returns an ID that is always the same for the same parts: prefix and
// 26 characters of their SHA-256. Records are decided again after a crash or a
// restore, and must then get the IDs they had.
func DeriveID(prefix string, parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0}) // so that ("ab","c") and ("a","bc") differ
	}
	return prefix + idEncoding.EncodeToString(h.Sum(nil))[:26]
}
