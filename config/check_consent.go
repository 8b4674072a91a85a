package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"subfive"
)

var countryPattern = regexp.MustCompile(`^[A-Z]{2}$`)

// consent checks the rows of a destination's own. limits: its platform can be
// told to limit its use of the data.
func (r resource) consent(d *subfive.Destination, limits bool) {
	for i, row := range d.Consent {
		field := fmt.Sprintf("consent[%d]", i)
		if len(row.Where) == 0 {
			r.wrong(field+".where", field+" names no place", `write where: ["*"] for everywhere, or [EEA], [US], [DE, AT], [unknown]`)
		}
		for n, word := range row.Where {
			r.place(fmt.Sprintf("%s.where[%d]", field, n), word)
		}
		r.oneOf(field+".when", string(row.When), string(subfive.ConsentGranted), string(subfive.ConsentDenied),
			string(subfive.ConsentUnknown), string(subfive.ConsentGPC))
		r.oneOf(field+".do", string(row.Do), string(subfive.ConsentSend), string(subfive.ConsentLimit), string(subfive.ConsentSkip))
		if row.Do == subfive.ConsentLimit && !limits {
			r.wrong(field+".do", fmt.Sprintf("%s says do: limit, and %s has no limited data use", field, d.Platform), "write do: skip, or do: send")
		}
		r.idle(field, d.Consent[:i], row, d.Consent[i+1:])
	}
}

// idle reports a row that never decides anything.
func (r resource) idle(field string, before []subfive.ConsentRule, row subfive.ConsentRule, after []subfive.ConsentRule) {
	everywhere := func(o subfive.ConsentRule) bool {
		return o.When == row.When && slices.Contains(o.Where, subfive.RegionAny)
	}
	if slices.ContainsFunc(before, everywhere) {
		r.wrong(field, fmt.Sprintf(`%s is never reached: a row before it has when: %s and where: ["*"]`, field, row.When), "put it before that row, or delete it")
		return
	}
	other := func(o subfive.ConsentRule) bool { return o.When == row.When && o.Do != row.Do }
	if row.When == subfive.ConsentGranted && row.Do == subfive.ConsentSend && !slices.ContainsFunc(after, other) {
		r.wrong(field, field+" says when: granted, do: send, which is so without it", "delete it; to send without consent, name the state: when: unknown")
	}
}

// place checks a word of where.
func (r resource) place(field, word string) {
	switch {
	case word == subfive.RegionAny, word == subfive.RegionEEA, word == subfive.RegionUnknown:
		return
	case word == "UK":
		r.wrong(field, fmt.Sprintf("%s %q is not a country's code", field, word), "write GB")
	case word == "EU":
		r.wrong(field, fmt.Sprintf("%s %q is not a country's code", field, word), "write EEA: the European Union, Iceland, Liechtenstein and Norway")
	case countryPattern.MatchString(word):
		return
	default:
		do := `write a code of two capitals such as US, EEA, unknown, or "*"`
		for _, known := range []string{strings.ToUpper(word), strings.ToLower(word)} {
			if countryPattern.MatchString(known) || known == subfive.RegionEEA || known == subfive.RegionUnknown {
				do = "did you mean " + known + "?"
			}
		}
		r.wrong(field, fmt.Sprintf("%s %q is no place we know", field, clip(word)), do)
	}
}
