package screens

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// report is what the API answers, and what the page makes of it.
type report struct {
	By            []reportField  `json:"by"`
	Metrics       []reportField  `json:"metrics"`
	Time          string         `json:"time"`
	Since         time.Time      `json:"since"`
	Until         time.Time      `json:"until"`
	ZoneName      string         `json:"zone"`
	ReportingZone string         `json:"reporting_zone"`
	Currency      string         `json:"currency"`
	ReadFrom      string         `json:"read_from"`
	Sort          string         `json:"sort"`
	RowCount      int            `json:"row_count"`
	Totals        map[string]any `json:"totals"`
	Compare       *struct {
		Since  time.Time      `json:"since"`
		Until  time.Time      `json:"until"`
		Totals map[string]any `json:"totals"`
	} `json:"compare"`
	Interval string        `json:"interval"`
	Series   []reportPoint `json:"series"`
	SQL      string        `json:"sql"`
	Warnings []struct {
		Kind string `json:"kind"`
		What string `json:"what"`
		Do   string `json:"do"`
	} `json:"warnings"`
	Answered []struct {
		Key     map[string]string `json:"key"`
		Names   map[string]string `json:"names"`
		Values  map[string]any    `json:"values"`
		Compare map[string]any    `json:"compare"`
		Cost    string            `json:"cost_status"`
		Since   time.Time         `json:"since"`
		Until   time.Time         `json:"until"`
	} `json:"rows"`

	Rows   []reportRow  `json:"-"`
	Total  []reportCell `json:"-"`
	Charts chartData    `json:"-"`
}

type reportPoint struct {
	At      time.Time      `json:"at"`
	Values  map[string]any `json:"values"`
	Compare map[string]any `json:"compare"`
}

// keyPart is a dimension's value in a row.
type keyPart struct {
	Name, Value, Text, Under, Href string
	Time                           bool
	since, until                   time.Time
}

type reportRow struct {
	Key   []keyPart
	Cells []reportCell
}

// reportCell is a number of a table. Title is what it is exactly, or why it is not
// there; Change is how it differs from the time before.
type reportCell struct {
	Text, Title, Change string
	Zero                bool
}

// chartData is one metric over time.
type chartData struct {
	Metric reportField
	Total  string
	JSON   string
	Points []chartPoint
}

type chartPoint struct {
	At           time.Time
	Value, Other string
}

// prepare makes what the page draws.
func (p *report) prepare(a reportAddress) {
	var before map[string]any
	if p.Compare != nil {
		before = p.Compare.Totals
	}
	for _, m := range p.Metrics {
		p.Total = append(p.Total, p.compared(m, p.Totals, before))
	}
	for _, row := range p.Answered {
		var out reportRow
		for i, d := range p.By {
			part := keyPart{Name: d.Name, Value: row.Key[d.Name], Text: row.Key[d.Name], Time: d.Time, since: row.Since, until: row.Until}
			switch name := row.Names[d.Name]; {
			case name != "":
				part.Text, part.Under = name, part.Value
			case part.Text == "":
				part.Text = "none"
			case d.Name == "hour":
				part.Text = row.Since.Format("2 Jan 15:04")
			case d.Name == "day":
				part.Text = row.Since.Format("Mon 2 Jan 2006")
			}
			out.Key = append(out.Key, part)
			if d.Name != "hour" {
				out.Key[len(out.Key)-1].Href = a.drill(out.Key, p.By[i+1:])
			}
		}
		for _, m := range p.Metrics {
			c := p.compared(m, row.Values, row.Compare)
			if m.Name == "cost" && row.Cost == "part" {
				c.Title = "the cost of some of its clicks is not known"
			}
			out.Cells = append(out.Cells, c)
		}
		p.Rows = append(p.Rows, out)
	}
	p.chart(a.q.Get("chart"))
}

// ratiosOfMoney are ratios that are amounts.
var ratiosOfMoney = []string{"epc", "cpc", "cpa"}

// cell is a metric as the page writes it.
func (p *report) cell(m reportField, values map[string]any) reportCell {
	v := values[m.Name]
	switch x := v.(type) {
	case nil:
		return reportCell{Text: "–", Title: "not known", Zero: true}
	case string:
		rounded := cents(x)
		c := reportCell{Text: money(rounded, p.Currency), Zero: strings.Trim(x, "-0.") == ""}
		if rounded != x {
			c.Title = x + " " + p.Currency
		}
		return c
	case float64:
		c := reportCell{Zero: x == 0}
		switch {
		case slices.Contains(ratiosOfMoney, m.Name):
			c.Text, c.Title = money(strconv.FormatFloat(x, 'f', 4, 64), p.Currency), strconv.FormatFloat(x, 'f', -1, 64)
		case m.Kind == "ratio":
			c.Text, c.Title = percent(x), strconv.FormatFloat(x, 'f', -1, 64)
		default:
			c.Text = number(x)
		}
		return c
	}
	return reportCell{Text: number(v)}
}

// cents rounds an amount to two digits after the point.
func cents(amount string) string {
	whole, part, _ := strings.Cut(amount, ".")
	if len(part) <= 2 {
		return amount
	}
	n, err := strconv.ParseInt(whole+part[:2], 10, 64)
	if err != nil {
		return amount
	}
	if part[2] >= '5' {
		if strings.HasPrefix(whole, "-") {
			n--
		} else {
			n++
		}
	}
	sign := ""
	if n < 0 || n == 0 && strings.HasPrefix(whole, "-") {
		sign, n = "-", -n
	}
	if n == 0 {
		sign = ""
	}
	text := strconv.FormatInt(n, 10)
	for len(text) < 3 {
		text = "0" + text
	}
	return sign + text[:len(text)-2] + "." + text[len(text)-2:]
}

// compared is a cell with its change.
func (p *report) compared(m reportField, values, before map[string]any) reportCell {
	c := p.cell(m, values)
	if p.Compare == nil {
		return c
	}
	is, ok := amount(values[m.Name])
	was, had := amount(before[m.Name])
	switch {
	case !ok:
	case !had:
		c.Change = "not known before"
	case was == is:
		c.Change = "as before"
	case was == 0:
		c.Change = "none before"
	default:
		c.Change = strings.Replace(english.Sprintf("%+.1f", 100*(is-was)/math.Abs(was)), "-", "−", 1) + " %"
	}
	return c
}

func amount(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case string:
		f, err := strconv.ParseFloat(v, 64)
		return f, err == nil
	}
	return 0, false
}

// chart prepares one metric over time, the first unless another is asked for.
func (p *report) chart(name string) {
	if len(p.Metrics) == 0 || len(p.Series) == 0 {
		return
	}
	at := max(0, slices.IndexFunc(p.Metrics, func(m reportField) bool { return m.Name == name }))
	m := p.Metrics[at]
	type line struct {
		Label  string     `json:"label"`
		Color  string     `json:"color"`
		Dash   []int      `json:"dash,omitempty"`
		Values []*float64 `json:"values"`
	}
	now, then := line{Label: m.Title, Color: "accent"}, line{Label: "before", Color: "ink-3", Dash: []int{4, 4}}
	times := make([]int64, len(p.Series))
	value := func(values map[string]any) *float64 {
		if f, ok := amount(values[m.Name]); ok {
			return &f
		}
		return nil
	}
	for i, point := range p.Series {
		times[i] = point.At.Unix()
		now.Values, then.Values = append(now.Values, value(point.Values)), append(then.Values, value(point.Compare))
		p.Charts.Points = append(p.Charts.Points, chartPoint{point.At, p.cell(m, point.Values).Text, p.cell(m, point.Compare).Text})
	}
	lines := []line{now}
	if p.Compare != nil {
		lines = append(lines, then)
	}
	data, err := json.Marshal(map[string]any{"series": lines, "times": times, "zone": p.ZoneName})
	if err != nil {
		return // of texts and finite numbers: it can't be
	}
	p.Charts.Metric, p.Charts.Total, p.Charts.JSON = m, p.cell(m, p.Totals).Text, string(data)
}

// Sentence is the answer in one line: what came of what.
func (p *report) Sentence() string {
	var parts []string
	add := func(name, one, many string) {
		i := slices.IndexFunc(p.Metrics, func(m reportField) bool { return m.Name == name })
		if i < 0 {
			return
		}
		switch v := p.Totals[name].(type) {
		case float64:
			parts = append(parts, plural(v, one, many))
		case string:
			parts = append(parts, p.cell(p.Metrics[i], p.Totals).Text+" "+one)
		}
	}
	add("clicks", "click", "clicks")
	add("conversions", "conversion", "conversions")
	add("revenue", "revenue", "")
	add("profit", "profit", "")
	if len(parts) == 0 {
		return "Reports"
	}
	text := strings.Join(parts, ", ")
	if i := strings.LastIndex(text, ", "); i >= 0 {
		text = text[:i] + " and " + text[i+2:]
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// Titles are the dimensions in words.
func (p *report) Titles() string {
	var titles []string
	for _, d := range p.By {
		titles = append(titles, d.Title)
	}
	return strings.Join(titles, ", ")
}

// Span is the report's span in words, its last day included.
func (p *report) Span() string { return spanOfDays(p.Since, p.Until) }

// Before is the span that it is compared with.
func (p *report) Before() string { return spanOfDays(p.Compare.Since, p.Compare.Until) }

func spanOfDays(since, until time.Time) string {
	first, last := since, until.Add(-time.Millisecond)
	layout := "2 Jan 2006"
	if until.Sub(since) <= 26*time.Hour && (first.Hour() != 0 || until.Hour() != 0) {
		return first.Format("2 Jan 15:04") + " to " + until.Format("2 Jan 15:04")
	}
	if first.Format(layout) == last.Format(layout) {
		return first.Format("Mon " + layout)
	}
	return first.Format(layout) + " to " + last.Format(layout)
}

// Source says what the report was read from.
func (p *report) Source() string {
	switch p.ReadFrom {
	case "days":
		return "sums by day and ad"
	case "hours":
		return "sums by hour, country and device"
	}
	return "every click and conversion, one by one"
}

// Empty reports whether there is nothing in all of it.
func (p *report) Empty() bool {
	for _, c := range p.Total {
		if !c.Zero {
			return false
		}
	}
	return true
}

// Shift is the range that many times its own length later, as days.
func (p *report) Shift(times int) (since, until string) {
	days := max(1, int(math.Round(p.Until.Sub(p.Since).Hours()/24))) * times
	return p.Since.AddDate(0, 0, days).Format(time.DateOnly), p.Until.Add(-time.Millisecond).AddDate(0, 0, days).Format(time.DateOnly)
}

// Sparks is a metric's series, as far as it is known.
func (p *report) Sparks(metric string) (values []float64) {
	for _, point := range p.Series {
		f, _ := amount(point.Values[metric])
		values = append(values, f)
	}
	return values
}

// Mends is the page on which a warning can be seen to; empty: there is none.
func (p *report) Mends(kind string) string {
	switch kind {
	case "rate_missing", "cost_missing", "unallocated":
		return "/costs"
	case "zone_changed":
		return "/doctor"
	}
	return ""
}
