package identity

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Email returns an address in lower case; dots and +tags stay. It must have one
// @, no white space, and a dot in its domain.
func Email(s string) string {
	s = fold(s)
	if IsHash(s) {
		return s
	}
	local, domain, _ := strings.Cut(s, "@")
	if local == "" || strings.Contains(domain, "@") || len(s) > 320 {
		return ""
	}
	if strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return ""
	}
	labels := strings.Split(domain, ".")
	for _, l := range labels {
		if l == "" {
			return ""
		}
	}
	if len(labels) < 2 {
		return ""
	}
	return s
}

// Name returns a first or last name in lower case without punctuation and white
// space; letters of all scripts stay.
func Name(s string) string {
	return only(fold(s), func(r rune) bool { return !isMark(r) })
}

// Birthdate returns a date as YYYYMMDD. It reads 1997-02-16 with any of - / .
// between, 19970216, and day and month before the year. Of those two the day
// comes first if it must (16/02/1997), or if dots stand between; else the month
// does, as in Meta's own library. A year of two digits is refused.
func Birthdate(s string) string {
	s = fold(s)
	if IsHash(s) {
		return s
	}
	if len(s) == 8 && allDigits(s) {
		return date(s[:4], s[4:6], s[6:])
	}
	for _, sep := range []string{"-", "/", "."} {
		p := strings.Split(s, sep)
		if len(p) != 3 {
			continue
		}
		switch {
		case len(p[0]) == 4:
			return date(p[0], p[1], p[2])
		case sep == ".":
			return date(p[2], p[1], p[0])
		}
		if d := date(p[2], p[0], p[1]); d != "" {
			return d
		}
		return date(p[2], p[1], p[0])
	}
	return ""
}

// date returns YYYYMMDD, or "" if there is no such day in a living person's
// life.
func date(year, month, day string) string {
	if len(year) != 4 || len(month) > 2 || len(day) > 2 || !allDigits(year+month+day) {
		return ""
	}
	if len(month) == 1 {
		month = "0" + month
	}
	if len(day) == 1 {
		day = "0" + day
	}
	const form = "20060102"
	t, err := time.Parse(form, year+month+day)
	if err != nil || t.Year() < 1900 || t.Year() > 2100 {
		return ""
	}
	return t.Format(form)
}

func allDigits(s string) bool {
	_, err := strconv.ParseUint(s, 10, 64)
	return err == nil && s[0] != '+'
}

// Gender returns f or m. Platforms know no other word: anything else is "".
func Gender(s string) string {
	switch s = fold(s); s {
	case "f", "female", "woman", "girl", "w", "weiblich", "frau", "femme", "féminin", "feminin", "mujer", "femenino", "feminino", "femmina":
		return "f"
	case "m", "male", "man", "boy", "männlich", "mann", "homme", "masculin", "hombre", "masculino", "maschio":
		return "m"
	}
	if IsHash(s) {
		return s
	}
	return ""
}

// UserID returns an ID without white space around it, its case unchanged: it
// must stay the text that the buyer's pixel was given.
func UserID(s string) string {
	if s = strings.TrimSpace(s); !utf8.ValidString(s) {
		return ""
	}
	if IsHash(s) {
		return strings.ToLower(s)
	}
	return s
}
