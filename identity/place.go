package identity

import (
	_ "embed"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// City returns a city's name in lower case, its letters only.
func City(s string) string {
	s = fold(s)
	if IsHash(s) {
		return s
	}
	return only(s, func(r rune) bool { return !isMark(r) && !unicode.IsDigit(r) })
}

// Region returns a state or province in lower case without punctuation and white
// space. In the United States it is the two-letter code, which full names are
// mapped to; an unknown country (country "") is taken for it if the name is a
// state's.
func Region(s, country string) string {
	s = fold(s)
	if IsHash(s) {
		return s
	}
	s = only(s, func(r rune) bool { return !isMark(r) })
	if c := Country(country); c == "us" || c == "" {
		if code, ok := states()[s]; ok {
			return code
		}
	}
	return s
}

// Zip returns a postal code in lower case without white space, up to its first
// hyphen; of a code of the United States the first five characters. It is text:
// leading zeros stay. One with fewer than two characters is refused.
func Zip(s, country string) string {
	s = fold(s)
	if IsHash(s) {
		return s
	}
	s = only(s, func(r rune) bool { return !unicode.IsSpace(r) && !unicode.IsControl(r) })
	s, _, _ = strings.Cut(s, "-")
	if Country(country) == "us" && len(s) > 5 && allDigits(s) {
		s = s[:5]
	}
	if s = fold(s); utf8.RuneCountInString(s) < 2 {
		return ""
	}
	return s
}

// Country returns a country's ISO 3166-1 alpha-2 code in lower case. It reads
// alpha-2, alpha-3 and names; "uk" is gb. A word that is no country's is refused.
func Country(s string) string {
	if len(s) == 2 { // nearly always: spare it the table of names
		if code, ok := countries()[strings.ToLower(s)]; ok {
			return code
		}
		return ""
	}
	s = fold(s)
	if IsHash(s) {
		return s
	}
	return countries()[countryKey(s)]
}

//go:embed countries.txt
var countryList string

// countries maps codes and names, as countryKey writes them, to alpha-2.
var countries = sync.OnceValue(func() map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(countryList) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		if len(f) != 3 {
			continue
		}
		all[f[0]], all[f[1]] = f[0], f[0]
		for name := range strings.SplitSeq(f[2], ";") {
			all[countryKey(fold(name))] = f[0]
		}
	}
	return all
})

// countryKey leaves only the letters of a name: "St. Kitts & Nevis" and "st
// kitts and nevis" are one.
func countryKey(s string) string {
	s = strings.ReplaceAll(s, "&", "and")
	return only(s, unicode.IsLetter)
}

// states maps the names of the United States' states and territories to their
// codes; names as Region writes them.
var states = sync.OnceValue(func() map[string]string {
	all := map[string]string{}
	for line := range strings.SplitSeq(stateList, ",") {
		code, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		all[only(name, unicode.IsLetter)] = code
	}
	return all
})

const stateList = `al alabama, ak alaska, az arizona, ar arkansas, ca california, co colorado, ct connecticut,
de delaware, dc district of columbia, dc washington dc, fl florida, ga georgia, hi hawaii, id idaho, il illinois,
in indiana, ia iowa, ks kansas, ky kentucky, la louisiana, me maine, md maryland, ma massachusetts, mi michigan,
mn minnesota, ms mississippi, mo missouri, mt montana, ne nebraska, nv nevada, nh new hampshire, nj new jersey,
nm new mexico, ny new york, nc north carolina, nd north dakota, oh ohio, ok oklahoma, or oregon, pa pennsylvania,
ri rhode island, sc south carolina, sd south dakota, tn tennessee, tx texas, ut utah, vt vermont, va virginia,
wa washington, wa washington state, wv west virginia, wi wisconsin, wy wyoming, as american samoa, gu guam,
mp northern mariana islands, pr puerto rico, vi us virgin islands, vi virgin islands`
