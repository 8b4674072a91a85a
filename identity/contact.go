package identity

import (
	"net/netip"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Phone returns a telephone number in E.164: "+", country code, number. country
// is the country the person is in, in any form that Country reads, or "".
//
// A number says its country itself by "+", by "00", or by being written without
// them and yet right and at least eleven digits long. Shorter ones may as well
// be national: without a country they are refused. An extension is dropped, and
// so is the "(0)" of "+44 (0)20".
func Phone(s, country string) string {
	s = fold(s)
	if IsHash(s) {
		return s
	}
	if len(s) > 64 {
		return ""
	}
	region := strings.ToUpper(Country(country))
	if len(region) != 2 {
		region = ""
	}
	plain := strings.TrimLeft(s, " (")
	if strings.HasPrefix(plain, "+") {
		return e164(s, "", phonenumbers.IsPossibleNumber)
	}
	if region != "" {
		if n := e164(s, region, phonenumbers.IsValidNumber); n != "" {
			return n
		}
	}
	if strings.HasPrefix(plain, "00") {
		return e164("+"+strings.TrimLeft(plain, "0"), "", phonenumbers.IsPossibleNumber)
	}
	if strings.HasPrefix(plain, "0") {
		return ""
	}
	if n := e164("+"+plain, "", phonenumbers.IsValidNumber); len(n) >= len("+16505551212") {
		return n
	}
	return ""
}

// e164 parses s and formats it if it passes. A number that is right only
// without its "(0)" is read without it: Italy's zero belongs there, others'
// does not.
func e164(s, region string, passes func(*phonenumbers.PhoneNumber) bool) string {
	candidates := []string{s}
	if strings.Contains(s, "(0)") {
		candidates = []string{s, strings.Replace(s, "(0)", "", 1)}
	}
	for _, c := range candidates {
		n, err := phonenumbers.Parse(c, region)
		if err == nil && phonenumbers.IsValidNumber(n) {
			return bounded(phonenumbers.Format(n, phonenumbers.E164))
		}
	}
	n, err := phonenumbers.Parse(candidates[len(candidates)-1], region)
	if err != nil || !passes(n) {
		return ""
	}
	return bounded(phonenumbers.Format(n, phonenumbers.E164))
}

// bounded refuses what E.164 does not allow: more than 15 digits, to which
// letters of an international freephone number can lead, or fewer than 7.
func bounded(n string) string {
	if len(n) < len("+1234567") || len(n) > len("+123456789012345") {
		return ""
	}
	again, err := phonenumbers.Parse(n, "")
	if err != nil || phonenumbers.Format(again, phonenumbers.E164) != n {
		return "" // a number that reads as another one would hash to two people
	}
	return n
}

// Address returns a visitor's IP address as text, without port, brackets and
// zone; of a list, as proxies write it, the first public one. Addresses that no
// visitor on the Internet has (private, loopback, link-local, …) are refused.
func Address(s string) string {
	for part := range strings.SplitSeq(s, ",") {
		if a := address(strings.TrimSpace(part)); a != "" {
			return a
		}
	}
	return ""
}

func address(s string) string {
	text := s
	if ap, err := netip.ParseAddrPort(s); err == nil {
		text = ap.Addr().String()
	}
	text = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	a, err := netip.ParseAddr(text)
	if err != nil {
		return ""
	}
	shared := netip.MustParsePrefix("100.64.0.0/10") // RFC 6598: carriers' inside
	u := a.Unmap().WithZone("")
	if !u.IsGlobalUnicast() || u.IsPrivate() || shared.Contains(u) {
		return ""
	}
	if u != a {
		return u.String()
	}
	return text
}
