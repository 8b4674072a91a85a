package screens

import (
	"slices"
	"strings"
	"time"
)

// Shows reports whether there is a report.
func (p reportsPage) Shows() bool { return p.report != nil }

// HasChart reports whether there is something to draw over time.
func (p reportsPage) HasChart() bool { return p.report != nil && p.Charts.JSON != "" }

// FirstDay and LastDay are those of the report.
func (p reportsPage) FirstDay() string {
	if p.report == nil {
		return p.Address.q.Get("since")
	}
	return p.Since.Format(time.DateOnly)
}

// LastDay is the last day of the report.
func (p reportsPage) LastDay() string {
	if p.report == nil {
		return p.Address.q.Get("until")
	}
	return p.Until.Add(-time.Millisecond).Format(time.DateOnly)
}

// Intervals are those that a series can have.
func (p reportsPage) Intervals() []string {
	if p.Until.Sub(p.Since) > 31*24*time.Hour {
		return []string{"day", "week", "month"}
	}
	return []string{"hour", "day", "week", "month"}
}

// File is the address of the report as a file.
func (p reportsPage) File(form string) string {
	to := p.Address
	to.path += "/export"
	return to.With("format", form)
}

// Explained is the address of the report with what a metric is made of.
func (p reportsPage) Explained(metric string) string { return p.Address.With("explain", metric) }

// Earlier and Later are the address of the range before and after.
func (p reportsPage) Earlier() string { return p.shifted(-1) }

// Later is the address of the range after.
func (p reportsPage) Later() string { return p.shifted(1) }

func (p reportsPage) shifted(times int) string {
	since, until := p.Shift(times)
	return p.Address.With("range", "", "since", since, "until", until)
}

// reportChip is a filter that is set.
type reportChip struct{ Title, Value, Href string }

// Chips are the filters.
func (p reportsPage) Chips() (all []reportChip) {
	for _, f := range p.Address.q["filter"] {
		name, value, _ := strings.Cut(f, ":")
		if value == "" {
			value = "none"
		}
		all = append(all, reportChip{p.Fields.title(name), value, p.Address.Without(f)})
	}
	return all
}

// Levels are the dimensions chosen, and empty places up to four.
func (p reportsPage) Levels() []string {
	levels := p.Address.by()
	for len(levels) < maxBy {
		levels = append(levels, "")
	}
	return levels[:maxBy]
}

// Chosen reports whether a metric is shown.
func (p reportsPage) Chosen(metric string) bool {
	if p.report == nil {
		return slices.Contains(strings.Split(p.Address.q.Get("metrics"), ","), metric)
	}
	return slices.ContainsFunc(p.Metrics, func(m reportField) bool { return m.Name == metric })
}

// ByTitles are the dimensions in words.
func (p reportsPage) ByTitles() string {
	var titles []string
	for _, name := range p.Address.by() {
		titles = append(titles, p.Fields.title(name))
	}
	return strings.Join(titles, ", ")
}

// SortBy is the address of the report sorted by a column, the other way round if
// it is sorted by it already.
func (p reportsPage) SortBy(name string, metric bool) string {
	to := name
	if metric {
		to = "-" + name
	}
	if p.Sort == to {
		to, _ = strings.CutPrefix(to, "-")
		if !metric {
			to = "-" + name
		}
	}
	return p.Address.With("sort", to)
}

// Sorted is how a column is sorted: ascending, descending or none.
func (p reportsPage) Sorted(name string) string {
	switch p.Sort {
	case name:
		return "ascending"
	case "-" + name:
		return "descending"
	}
	return "none"
}
