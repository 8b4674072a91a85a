package screens

import (
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// custom is the range of two days that the address names.
const custom = "custom"

// preset is a range that has a name in the address.
type preset struct{ Name, Text, Key string }

// presets are the ranges that the top bar offers; the rest have letters alone.
func presets() []preset {
	return []preset{
		{"24h", "24 h", "H"}, {"7d", "7 d", "W"}, {"30d", "30 d", "T"},
	}
}

// bounds is a range of time, its end not included.
type bounds struct {
	Name         string
	Since, Until time.Time
}

// bounds are those that the address asks for: a range that has a name, or two days
// of the zone, both included. Without one it is the last 24 hours. They are what
// the API takes the same words for: hours are whole ones, of which the last runs,
// and days begin at midnight, so that the numbers of all pages agree.
func (r *request) bounds() bounds {
	b, _ := r.readBounds()
	return b
}

func (r *request) readBounds() (b bounds, misread string) {
	first, last := r.Query("since"), r.Query("until")
	if first != "" || last != "" {
		since, err := time.ParseInLocation(time.DateOnly, first, r.zone)
		until, errUntil := time.ParseInLocation(time.DateOnly, last, r.zone)
		switch {
		case err != nil || errUntil != nil:
			misread = "Name two days as 2026-11-01; this is the last 24 hours"
		case until.Before(since):
			misread = "The last day lies before the first; this is the last 24 hours"
		default:
			return bounds{custom, since, until.AddDate(0, 0, 1)}, ""
		}
	}
	name := r.Query("range")
	if name == "" || misread != "" {
		name = lastDay
	}
	if b, ok := r.named(name); ok {
		return b, misread
	}
	b, _ = r.named(lastDay)
	return b, "There is no range " + strconv.Quote(name) + "; this is the last 24 hours"
}

// lastDay is the range of who names none.
const lastDay = "24h"

// named are the bounds of a range that has a name.
func (r *request) named(name string) (b bounds, ok bool) {
	here := r.now.In(r.zone)
	midnight := time.Date(here.Year(), here.Month(), here.Day(), 0, 0, 0, 0, r.zone)
	b = bounds{Name: name, Since: midnight, Until: r.now}
	switch name {
	case "today":
		return b, true
	case "yesterday":
		b.Since, b.Until = midnight.AddDate(0, 0, -1), midnight
		return b, true
	case "month":
		b.Since = midnight.AddDate(0, 0, 1-here.Day())
		return b, true
	case "year":
		b.Since = midnight.AddDate(0, 0, 1-here.YearDay())
		return b, true
	}
	count := func(unit string, most int) int {
		digits, ok := strings.CutSuffix(name, unit)
		n, err := strconv.Atoi(digits)
		if !ok || err != nil || n > most || digits != strconv.Itoa(n) {
			return 0
		}
		return n
	}
	if n := count("h", 96); n > 0 {
		into := time.Duration(here.Minute())*time.Minute + time.Duration(here.Second())*time.Second + time.Duration(here.Nanosecond())
		b.Since = r.now.Add(-into - time.Duration(n-1)*time.Hour)
		return b, true
	}
	n := count("d", 800)
	b.Since = midnight.AddDate(0, 0, 1-n)
	return b, n > 0
}

// period is the range as the API takes it.
func (r *request) period() string {
	b := r.bounds()
	if b.Name == custom {
		return b.Since.Format(time.DateOnly) + ".." + b.Until.AddDate(0, 0, -1).Format(time.DateOnly)
	}
	return b.Name
}

// misread says what of the address could not be read, "" if all could.
func (r *request) misread() string {
	if name := r.Query("zone"); name != "" && zoneOf(name, "", nil) == nil {
		return "There is no time zone " + strconv.Quote(name) + ": times are in " + zoneName(r.zone)
	}
	_, misread := r.readBounds()
	return misread
}

// RangeText is the present range in words, for heads.
func (v *view) RangeText() string {
	b := v.bounds()
	switch digits, unit := b.Name[:len(b.Name)-1], b.Name[len(b.Name)-1:]; {
	case b.Name == custom:
		return b.Since.Format("2 Jan") + " to " + b.Until.AddDate(0, 0, -1).Format("2 Jan")
	case b.Name == "month" || b.Name == "year":
		return "This " + b.Name
	case b.Name == "today" || b.Name == "yesterday":
		return strings.ToUpper(b.Name[:1]) + b.Name[1:]
	case unit == "h":
		return plural(digits, "hour", "hours")
	default:
		return plural(digits, "day", "days")
	}
}

// Earlier and Later are this address with as many days before the present range,
// and after it; "" where that would lie ahead.
func (v *view) Earlier() string { return v.shifted(-1) }

// Later is this address with as many days after the present range.
func (v *view) Later() string { return v.shifted(1) }

func (v *view) shifted(by int) string {
	b := v.bounds()
	first, last := b.Since.In(v.zone), b.Until.Add(-time.Millisecond).In(v.zone)
	if b.Name != "month" && strings.HasSuffix(b.Name, "h") { // hours go on by days
		first = last
	}
	days := 1
	for at := first; at.Format(time.DateOnly) < last.Format(time.DateOnly); at = at.AddDate(0, 0, 1) {
		days++
	}
	first = first.AddDate(0, 0, by*days)
	if first.After(v.now) {
		return ""
	}
	return v.With("range", "", "since", first.Format(time.DateOnly), "until", first.AddDate(0, 0, days-1).Format(time.DateOnly))
}

// RangeName is the present range's name.
func (v *view) RangeName() string { return v.bounds().Name }

// Ranges are those that have a name.
func (v *view) Ranges() []preset { return presets() }

// SinceDay and UntilDay are the first and the last day of the present range.
func (v *view) SinceDay() string { return v.bounds().Since.In(v.zone).Format(time.DateOnly) }

// UntilDay is the last day of the present range.
func (v *view) UntilDay() string {
	return v.bounds().Until.Add(-time.Millisecond).In(v.zone).Format(time.DateOnly)
}

// Kept are the address's other values as hidden fields, for a form that changes
// those that are named.
func (v *view) Kept(but ...string) template.HTML {
	var fields strings.Builder
	q := v.Request.URL.Query()
	for _, name := range sortedNames(q) {
		if name == "part" || slices.Contains(but, name) {
			continue
		}
		for _, value := range q[name] {
			fields.WriteString(`<input type="hidden" name="` + template.HTMLEscapeString(name) + `" value="` + template.HTMLEscapeString(value) + `">`)
		}
	}
	return template.HTML(fields.String())
}

func sortedNames(q url.Values) []string {
	names := make([]string, 0, len(q))
	for name := range q {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
