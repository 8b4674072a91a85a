package receiver

import (
	"slices"
	"strings"
	"time"

	"subfive"
)

// newCondition returns what tells whether a visitor fits all that c asks.
func newCondition(c subfive.Conditions, zone *time.Location) func(visitor) bool {
	if z, err := time.LoadLocation(c.Timezone); c.Timezone != "" && err == nil { // checked where it was written
		zone = z
	}
	var all []func(visitor) bool
	word := func(allowed []string, of func(visitor) string) {
		if len(allowed) == 0 {
			return
		}
		set := map[string]bool{}
		for _, a := range allowed {
			set[strings.ToLower(a)] = true
		}
		all = append(all, func(v visitor) bool { return set[strings.ToLower(of(v))] })
	}
	word(c.Country, func(v visitor) string { return v.Country })
	word(c.Device, func(v visitor) string { return v.Device })
	word(c.OS, func(v visitor) string { return v.OS })
	word(c.Browser, func(v visitor) string { return v.Browser })
	word(c.Days, func(v visitor) string { return v.at.In(zone).Format("Mon") })
	if len(c.Language) > 0 {
		all = append(all, func(v visitor) bool { return speaks(v.language, c.Language) })
	}
	if from, to, err := c.Clock(); err == nil && from != to {
		all = append(all, func(v visitor) bool { return within(v.at.In(zone), from, to) })
	}
	for name, values := range c.Params {
		all = append(all, func(v visitor) bool { return carries(v.params, name, values) })
	}
	return func(v visitor) bool {
		return !slices.ContainsFunc(all, func(fits func(visitor) bool) bool { return !fits(v) })
	}
}

// speaks reports whether the first language that a browser asks for is one of
// those: "en" is all of English, "en-US" only that.
func speaks(accept string, allowed []string) bool {
	first, _, _ := strings.Cut(accept, ",")
	first, _, _ = strings.Cut(first, ";")
	first = strings.ToLower(strings.TrimSpace(first))
	return slices.ContainsFunc(allowed, func(want string) bool {
		want = strings.ToLower(strings.ReplaceAll(want, "_", "-"))
		return want != "" && (first == want || strings.HasPrefix(first, want+"-"))
	})
}

// within reports whether t's clock is in a span of minutes after midnight, its
// end left out.
func within(t time.Time, from, to int) bool {
	minute := t.Hour()*60 + t.Minute()
	if from < to {
		return from <= minute && minute < to
	}
	return minute >= from || minute < to
}

// carries reports whether the link has a parameter of that name, with one of the
// values if any are given.
func carries(params []param, name string, values []string) bool {
	return slices.ContainsFunc(params, func(p param) bool {
		return strings.EqualFold(p.name, name) && (len(values) == 0 || slices.ContainsFunc(values, func(v string) bool { return strings.EqualFold(v, p.value) }))
	})
}
