package screens

import (
	"html/template"
	"net/url"
	"slices"
	"strings"
	"time"
)

// reportAddress is what the address of the reports' page says, in one spelling:
// what its forms send apart is put together.
type reportAddress struct {
	path string
	q    url.Values
}

// maxBy is how many dimensions a report has at most.
const maxBy = 4

func (r *request) reportAddress() reportAddress {
	given := r.Request.URL.Query()
	a := reportAddress{Root + "/reports", url.Values{}}
	for _, name := range []string{"by", "metrics", "range", "since", "until", "zone", "time", "sort", "compare", "interval", "chart", "explain"} {
		if v := given.Get(name); v != "" {
			a.q.Set(name, v)
		}
	}
	if picked := compact(given["level"]); picked != nil {
		a.q.Set("by", strings.Join(picked, ","))
	}
	if picked := compact(given["metric"]); picked != nil {
		a.q.Set("metrics", strings.Join(picked, ","))
	}
	for _, f := range given["filter"] {
		if f != "" {
			a.q.Add("filter", f)
		}
	}
	if d := given.Get("dimension"); d != "" {
		a.q.Add("filter", d+":"+given.Get("value"))
	}
	if !a.q.Has("by") {
		a.q.Set("by", "campaign_id")
	}
	return a
}

// compact are the texts that are not empty, each once.
func compact(all []string) (some []string) {
	for _, s := range all {
		if s != "" && !slices.Contains(some, s) {
			some = append(some, s)
		}
	}
	return some
}

// Get is one of its values.
func (a reportAddress) Get(name string) string { return a.q.Get(name) }

func (a reportAddress) by() []string { return compact(strings.Split(a.q.Get("by"), ",")) }

// With is the address with other values: name, value, … An empty value takes a
// name out.
func (a reportAddress) With(pairs ...string) string {
	return a.changed(func(q url.Values) {
		for i := 0; i+1 < len(pairs); i += 2 {
			q.Set(pairs[i], pairs[i+1])
			if pairs[i+1] == "" {
				q.Del(pairs[i])
			}
		}
	})
}

func (a reportAddress) changed(change func(url.Values)) string {
	q := url.Values{}
	for name, values := range a.q {
		q[name] = slices.Clone(values)
	}
	q.Del("explain")
	change(q)
	return a.path + "?" + q.Encode()
}

// Without is the address without one of its filters, broken down by that one
// again.
func (a reportAddress) Without(filter string) string {
	return a.changed(func(q url.Values) {
		q["filter"] = slices.DeleteFunc(q["filter"], func(f string) bool { return f == filter })
		name, _, _ := strings.Cut(filter, ":")
		by := a.by()
		if !slices.Contains(by, name) && len(by) < maxBy {
			q.Set("by", strings.Join(append([]string{name}, by...), ","))
		}
	})
}

// Fields are its values as hidden fields, for a form that changes those named.
func (a reportAddress) Fields(but ...string) template.HTML {
	var b strings.Builder
	for _, name := range sortedNames(a.q) {
		if slices.Contains(but, name) || name == "explain" {
			continue
		}
		for _, v := range a.q[name] {
			b.WriteString(`<input type="hidden" name="` + template.HTMLEscapeString(name) + `" value="` + template.HTMLEscapeString(v) + `">`)
		}
	}
	return template.HTML(b.String())
}

// Query is the address's query, to be saved.
func (a reportAddress) Query() string {
	q := url.Values{}
	for name, values := range a.q {
		if name != "explain" {
			q[name] = values
		}
	}
	return q.Encode()
}

// deeper is where one goes from a dimension of which one value was chosen.
var deeper = map[string]string{
	"source_id": "campaign_id", "campaign_id": "ad_id", "offer_id": "campaign_id", "ad_account_id": "platform_campaign_id", "platform": "source_id",
	"platform_campaign_id": "adset_id", "adset_id": "ad_id", "ad_id": "day", "country": "device",
}

// drill is the address of a row's cell: its dimensions up to there are filters,
// and what is left, or comes next, breaks it down.
func (a reportAddress) drill(key []keyPart, left []reportField) string {
	return a.changed(func(q url.Values) {
		var by []string
		for _, d := range left {
			by = append(by, d.Name)
		}
		for _, part := range key {
			if part.Time {
				q.Set("since", part.since.Format(time.DateOnly))
				q.Set("until", part.until.Add(-time.Millisecond).Format(time.DateOnly))
				q.Del("range")
				continue
			}
			if f := part.Name + ":" + part.Value; !slices.Contains(q["filter"], f) {
				q.Add("filter", f)
			}
		}
		if len(by) == 0 {
			next := deeper[key[len(key)-1].Name]
			if next == "" || slices.ContainsFunc(q["filter"], func(f string) bool { return strings.HasPrefix(f, next+":") }) {
				next = "day"
			}
			if key[len(key)-1].Time {
				next = "campaign_id"
			}
			by = []string{next}
		}
		q.Set("by", strings.Join(by, ","))
		q.Del("sort")
	})
}

// asked is the address as the API is asked.
func (r *request) asked(a reportAddress) url.Values {
	q := url.Values{}
	for _, name := range []string{"by", "metrics", "zone", "time", "sort", "compare", "interval"} {
		if v := a.q.Get(name); v != "" {
			q.Set(name, v)
		}
	}
	q["filter"] = a.q["filter"]
	zone := r.s.cfg.Zone
	if a.q.Get("zone") != "" {
		zone = r.zone
	}
	since, until := reportDays(a.q, r.now.In(zone))
	q.Set("since", since)
	if until != "" {
		q.Set("until", until)
	}
	return q
}

// reportDays is a range as days of reports: 7d are seven days of the calendar.
func reportDays(q url.Values, now time.Time) (since, until string) {
	if first, err := time.Parse(time.DateOnly, q.Get("since")); err == nil {
		if last, err := time.Parse(time.DateOnly, q.Get("until")); err == nil && !last.Before(first) {
			return q.Get("since"), last.AddDate(0, 0, 1).Format(time.DateOnly)
		}
	}
	day := func(t time.Time) string { return t.Format(time.DateOnly) }
	switch name := q.Get("range"); name {
	case "today":
		return "1d", ""
	case "yesterday":
		return day(now.AddDate(0, 0, -1)), day(now)
	case "month":
		return day(now.AddDate(0, 0, 1-now.Day())), ""
	case "year":
		return day(now.AddDate(0, 0, 1-now.YearDay())), ""
	case "24h", "30d", "90d":
		return name, ""
	}
	return "7d", ""
}
