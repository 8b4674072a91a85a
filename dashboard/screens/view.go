package screens

import (
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"subfive"
)

// view is what a template is given: its page's Data, and what every page needs.
// In a template $ is the view and .Data what the page's handler gave.
type view struct {
	*request
	Title, Page string
	Data        any
	Said        *said
	Marks       map[string]mark
}

// mark stands beside a page's name in the navigation: "7 dead".
type mark struct {
	Text string
	Hot  bool // it needs a person
}

// marks are the navigation's marks, by page. That they can't be had is no reason
// to show no page.
func (r *request) marks() map[string]mark {
	var c struct {
		Dead, Held, Unsettled, Alerts int
		Missing                       *int
	}
	if err := r.get("/now/counts", nil, &c); err != nil {
		return nil
	}
	marks := map[string]mark{}
	say := func(path string, n int, word string, hot bool) {
		if n > 0 {
			marks[path] = mark{number(n) + " " + word, hot}
		}
	}
	say("/outbound", c.Dead, "dead", true)
	say("/inbound", c.Unsettled, "to settle", false)
	say("/destinations", c.Held, "held", false)
	say("/alerts", c.Alerts, "open", false)
	if c.Missing != nil && *c.Missing != 0 {
		marks["/reconciliation"] = mark{Text: less(*c.Missing)}
	}
	return marks
}

// link is one entry of the navigation.
type link struct{ Name, Path string }

// group is a part of the navigation.
type group struct {
	Name  string
	Links []link
}

func navigation() []group {
	return []group{
		{"", []link{
			{"Now", "/"}, {"Reports", "/reports"}, {"Conversions", "/conversions"}, {"Clicks", "/clicks"}, {"Inbound", "/inbound"}, {"Outbound", "/outbound"},
		}},
		{"Set up", []link{
			{"Sources", "/sources"},
			{"Offers", "/offers"},
			{"Campaigns", "/campaigns"},
			{"Landing pages", "/landing_pages"},
			{"Endpoints", "/endpoints"},
			{"Networks", "/networks"},
			{"Destinations", "/destinations"},
			{"First run", "/setup"},
		}},
		{"Check", []link{
			{"Doctor", "/doctor"}, {"Reconciliation", "/reconciliation"}, {"Costs", "/costs"}, {"Alerts", "/alerts"}, {"Audit log", "/audit"}, {"Users", "/users"},
		}},
	}
}

// Groups are the navigation's groups, of what the person may see.
func (v *view) Groups() []group {
	groups := navigation()
	if v.user.Role == subfive.RoleOwner {
		return groups
	}
	last := &groups[len(groups)-1]
	last.Links = slices.DeleteFunc(last.Links, func(l link) bool { return l.Path == "/users" })
	return groups
}

// Here reports whether a page of the navigation is the present one, or holds it.
func (v *view) Here(path string) bool {
	at := strings.TrimPrefix(v.Request.URL.Path, Root)
	return at == path || path != "/" && strings.HasPrefix(at, path+"/")
}

// To is a page's address, with the range and the zone that were chosen.
func (v *view) To(path string) string {
	kept := url.Values{}
	for _, name := range []string{"range", "since", "until", "zone"} {
		if value := v.Query(name); value != "" {
			kept.Set(name, value)
		}
	}
	if len(kept) == 0 {
		return Root + path
	}
	mark := "?"
	if strings.Contains(path, "?") {
		mark = "&"
	}
	return Root + path + mark + kept.Encode()
}

// With is the present address with other values: name, value, name, value, … An
// empty value takes a name out. The page begins anew: its cursor goes.
func (v *view) With(pairs ...string) string {
	q := v.Request.URL.Query()
	q.Del("cursor")
	q.Del("part")
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			q.Del(pairs[i])
			continue
		}
		q.Set(pairs[i], pairs[i+1])
	}
	if len(q) == 0 {
		return v.Request.URL.Path
	}
	return v.Request.URL.Path + "?" + q.Encode()
}

// Address is the present one, for a form to come back to.
func (v *view) Address() string { return v.With() }

// User is who is signed in.
func (v *view) User() subfive.User { return v.user }

// May reports whether the person may change things.
func (v *view) May() bool { return v.user.Role != subfive.RoleAnalyst }

// TLS is "s" where the browser speaks TLS, for an address of ours.
func (v *view) TLS() string {
	if _, safe := v.s.cfg.Client(v.Request); safe {
		return "s"
	}
	return ""
}

// Theme is the person's own: light, dark, or "" for the system's.
func (v *view) Theme() string {
	if v.user.Theme == "light" || v.user.Theme == "dark" {
		return v.user.Theme
	}
	return ""
}

// Now is the present moment.
func (v *view) Now() time.Time { return v.now }

// Zone is the name of the zone that times are in: "New York".
func (v *view) Zone() string { return zoneName(v.zone) }

// ZoneID is its IANA name, and Offset how far it is from UTC now: "UTC−5".
func (v *view) ZoneID() string { return v.zone.String() }

// Offset is how far the zone is from UTC now: "UTC−5".
func (v *view) Offset() string { return offset(v.now.In(v.zone)) }

// Clock is a moment as hour, minute and second, with its day if that is not
// today. UTC is shown on hover.
func (v *view) Clock(t any) template.HTML { return v.stamp(t, "15:04:05") }

// Milli is a moment with its milliseconds.
func (v *view) Milli(t any) template.HTML { return v.stamp(t, "15:04:05.000") }

// Second is a moment as hour, minute and second, where its day stands above it.
func (v *view) Second(t any) template.HTML {
	at, ok := moment(t)
	if !ok {
		return "–"
	}
	return stamped(at, at.In(v.zone).Format("15:04:05"))
}

// TimeOfDay is a moment with its milliseconds and without its day.
func (v *view) TimeOfDay(t any) template.HTML {
	at, ok := moment(t)
	if !ok {
		return "–"
	}
	return stamped(at, at.In(v.zone).Format("15:04:05.000"))
}

// Minute is a moment as hour and minute, with its day if that is not today.
func (v *view) Minute(t any) template.HTML { return v.stamp(t, "15:04") }

// Day is a moment's day: "Mon 23 Nov 2026".
func (v *view) Day(t any) string {
	at, ok := moment(t)
	if !ok {
		return "–"
	}
	return at.In(v.zone).Format("Mon 2 Jan 2006")
}

// DayTime is a moment with its day, always.
func (v *view) DayTime(t any) template.HTML {
	at, ok := moment(t)
	if !ok {
		return "–"
	}
	return stamped(at, at.In(v.zone).Format("Mon 2 Jan 2006, 15:04:05"))
}

// Ago is how long ago a moment is, or how long until it.
func (v *view) Ago(t any) template.HTML {
	at, ok := moment(t)
	if !ok {
		return "never"
	}
	text := "in " + span(at.Sub(v.now))
	if !at.After(v.now) {
		text = span(v.now.Sub(at)) + " ago"
	}
	return stamped(at, text)
}

// For is for how long something is so, since a moment: 5 h 12 min.
func (v *view) For(t any) template.HTML {
	at, ok := moment(t)
	if !ok {
		return "–"
	}
	return stamped(at, span(v.now.Sub(at)))
}

func (v *view) stamp(t any, layout string) template.HTML {
	at, ok := moment(t)
	if !ok {
		return "–"
	}
	here, today := at.In(v.zone), v.now.In(v.zone)
	text := here.Format(layout)
	switch {
	case here.Year() != today.Year():
		text = here.Format("2 Jan 2006 ") + text
	case here.YearDay() != today.YearDay():
		text = here.Format("2 Jan ") + text
	}
	return stamped(at, text)
}

// stamped is a moment as a time element, with UTC on hover.
func stamped(at time.Time, text string) template.HTML {
	utc := at.UTC().Format("2006-01-02 15:04:05.000")
	return template.HTML(`<time datetime="` + at.UTC().Format(time.RFC3339Nano) + `" title="` + utc + ` UTC">` + template.HTMLEscapeString(text) + `</time>`)
}

// moment reads a moment from a time or from the API's text.
func moment(t any) (time.Time, bool) {
	switch t := t.(type) {
	case time.Time:
		return t, !t.IsZero()
	case *time.Time:
		if t == nil {
			return time.Time{}, false
		}
		return *t, !t.IsZero()
	case string:
		at, err := time.Parse(time.RFC3339Nano, t)
		return at, err == nil && !at.IsZero()
	}
	return time.Time{}, false
}

// Method is the request's, for forms that show what was sent.
func (v *view) Posted() bool { return v.Request.Method == http.MethodPost }
