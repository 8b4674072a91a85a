package screens

import (
	"html/template"
	"net/url"
	"slices"
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

// bounds are those that the address asks for: a preset, or two days of the zone,
// both included. Without one it is the last 24 hours.
func (r *request) bounds() bounds {
	if b, ok := r.customBounds(); ok {
		return b
	}
	here := r.now.In(r.zone)
	midnight := time.Date(here.Year(), here.Month(), here.Day(), 0, 0, 0, 0, r.zone)
	name := r.Query("range")
	var since time.Time
	until := r.now
	switch name {
	case "today":
		since = midnight
	case "yesterday":
		since, until = midnight.AddDate(0, 0, -1), midnight
	case "7d":
		since = r.now.AddDate(0, 0, -7)
	case "30d":
		since = r.now.AddDate(0, 0, -30)
	case "90d":
		since = r.now.AddDate(0, 0, -90)
	case "month":
		since = midnight.AddDate(0, 0, 1-here.Day())
	case "year":
		since = midnight.AddDate(0, 0, 1-here.YearDay())
	default:
		name, since = "24h", r.now.Add(-24*time.Hour)
	}
	return bounds{name, since, until}
}

func (r *request) customBounds() (bounds, bool) {
	since, err := time.ParseInLocation(time.DateOnly, r.Query("since"), r.zone)
	if err != nil {
		return bounds{}, false
	}
	last, err := time.ParseInLocation(time.DateOnly, r.Query("until"), r.zone)
	if err != nil || last.Before(since) {
		return bounds{}, false
	}
	return bounds{custom, since, last.AddDate(0, 0, 1)}, true
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
