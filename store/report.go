package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ReportQuery asks for sums and ratios of a span, broken down.
type ReportQuery struct {
	// By are dimensions, one inside the other; none: all in one row.
	By []string
	// Metrics are those that are shown, in that order.
	Metrics []string
	// Filters narrow what is counted: each dimension to one of its values.
	Filters []ReportFilter
	// Since and Until bound what is counted, Until not included; both are taken to
	// whole hours of Zone.
	Since, Until time.Time
	// Zone is the one of days and hours; nil: that of reports, in which days are
	// stamped.
	Zone *time.Location
	// ClickTime counts a conversion when its click was, and not when it happened:
	// what the clicks of the span have brought until now. Those without a click of
	// ours are not there.
	ClickTime bool
	// Sort is a metric or a dimension, with a - before it the other way round; "":
	// the first metric, the highest first, or time.
	Sort string
	// Limit is the most rows; 0: all.
	Limit int
	// Compare is "", previous (the span before, as long) or year (a year before).
	Compare string
	// Interval is hour, day, week or month, of the series; "": as the span is long.
	Interval string
}

// ReportFilter is a dimension and the values it may have; an empty one is that
// of what has none.
type ReportFilter struct {
	Name   string
	Values []string
}

// What a report is compared with.
const (
	ComparePrevious = "previous"
	CompareYear     = "year"
)

// ErrLongReport says that rows would be counted one by one, and too many of them
// for one who waits: ask for a background report.
var ErrLongReport = errors.New("too much to be counted while one waits")

const (
	maxReportBy = 4
	// maxReportSpan is how long a span may be.
	maxReportSpan = 3 * 366 * 24 * time.Hour
	// maxReportScan is how much is counted row by row while somebody waits: a day,
	// that of 25 hours too, widened to the whole hours of another zone.
	maxReportScan = 26 * time.Hour
	// maxReportRows is how many rows a report may have that nobody limits.
	maxReportRows = 100_000
	// maxHours is how long a span may be whose series is by hour.
	maxHours = 31*24*time.Hour + time.Hour
)

// reportFrom is what a report is read from.
type reportFrom string

const (
	fromDays  reportFrom = "days"
	fromHours reportFrom = "hours"
	fromRows  reportFrom = "rows"
)

// reportPlan is a query that was looked through, and how it is answered.
type reportPlan struct {
	q          ReportQuery
	by         []ReportDimension
	filters    []reportFilter
	metrics    []ReportMetric
	sort       string
	descending bool
	from       reportFrom
	pieces     []piece
	currency   string // of reports
	apart      bool   // read on a connection of its own
	warnings   []ReportWarning
}

type reportFilter struct {
	of     ReportDimension
	values []string
}

// ReportWarning is what a reader of the numbers has to know.
type ReportWarning struct {
	Kind string `json:"kind"`
	What string `json:"what"`
	Do   string `json:"do"`
}

// piece is a part of the span in which neither the day of the report nor that of
// the stamps changes.
type piece struct {
	day, stamped string
	since, until time.Time
}

func badReport(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrBadQuery, fmt.Sprintf(format, args...))
}

// planReport looks a query through.
func (s *Store) planReport(ctx context.Context, q ReportQuery) (p *reportPlan, err error) {
	if q.Zone == nil {
		q.Zone = s.zone
	}
	p = &reportPlan{q: q}
	if p.currency, err = s.setting(ctx, currencySetting); err != nil {
		return nil, err
	}
	for _, step := range []func() error{p.readBy, p.readFilters, p.readMetrics, p.readSort, p.readSpan} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	p.choose(s)
	p.tell(s)
	return p, p.readInterval()
}

func (p *reportPlan) readBy() error {
	if len(p.q.By) > maxReportBy {
		return badReport("by has %d dimensions: name %d at most", len(p.q.By), maxReportBy)
	}
	for _, name := range p.q.By {
		d, ok := findDimension(name)
		switch {
		case !ok:
			return badReport("there is no dimension %q: there are %s", name, dimensionNames())
		case slices.ContainsFunc(p.by, func(o ReportDimension) bool { return o.Name == name }):
			return badReport("by names %s twice", name)
		}
		p.by = append(p.by, d)
	}
	return nil
}

func dimensionNames() string {
	var names []string
	for _, d := range ReportDimensions() {
		names = append(names, d.Name)
	}
	return strings.Join(names, ", ")
}

func (p *reportPlan) readFilters() error {
	for _, f := range p.q.Filters {
		d, ok := findDimension(f.Name)
		switch {
		case !ok:
			return badReport("there is no dimension %q to filter by: there are %s", f.Name, dimensionNames())
		case d.Time:
			return badReport("a filter can't be %s: narrow since and until", f.Name)
		case len(f.Values) == 0 || len(f.Values) > maxBucket:
			return badReport("the filter %s has %d values: give 1 to %d", f.Name, len(f.Values), maxBucket)
		}
		for _, v := range f.Values {
			if checkValues([]any{v}) != nil {
				return badReport("a value of the filter %s is no text", f.Name)
			}
		}
		p.filters = append(p.filters, reportFilter{d, f.Values})
	}
	return nil
}

// usualMetrics are shown when none are asked for.
func usualMetrics() []string {
	return []string{"clicks", "conversions", "cr", "revenue", "cost", "profit", "roi", "epc", "cpa", "approve_rate"}
}

func (p *reportPlan) readMetrics() error {
	if len(p.q.Metrics) == 0 {
		p.q.Metrics = usualMetrics()
	}
	for _, name := range p.q.Metrics {
		m, ok := findMetric(name)
		switch {
		case !ok:
			return badReport("there is no metric %q: there are %s", name, strings.Join(metricNames(), ", "))
		case slices.ContainsFunc(p.metrics, func(o ReportMetric) bool { return o.Name == name }):
			return badReport("metrics names %s twice", name)
		}
		p.metrics = append(p.metrics, m)
	}
	return nil
}

func findMetric(name string) (ReportMetric, bool) {
	all := ReportMetrics()
	i := slices.IndexFunc(all, func(m ReportMetric) bool { return m.Name == name })
	if i < 0 {
		return ReportMetric{}, false
	}
	return all[i], true
}

func metricNames() []string {
	var names []string
	for _, m := range ReportMetrics() {
		names = append(names, m.Name)
	}
	return names
}

func (p *reportPlan) readSort() error {
	name, reversed := strings.CutPrefix(p.q.Sort, "-")
	if name == "" {
		p.sort, p.descending = p.metrics[0].Name, true
		if len(p.by) > 0 && p.by[0].Time {
			p.sort, p.descending = p.by[0].Name, false
		}
		return nil
	}
	_, isMetric := findMetric(name)
	if !isMetric && !slices.Contains(p.q.By, name) {
		return badReport("sort is %q: name a metric, or one of the dimensions in by", name)
	}
	p.sort, p.descending = name, reversed
	return nil
}

func (p *reportPlan) readSpan() error {
	q := &p.q
	if q.Limit < 0 {
		return badReport("limit is %d", q.Limit)
	}
	if !slices.Contains([]string{"", ComparePrevious, CompareYear}, q.Compare) {
		return badReport("compare is %q: there are %s and %s", q.Compare, ComparePrevious, CompareYear)
	}
	since, until := hourBegins(q.Since, q.Zone), hourBegins(q.Until, q.Zone)
	if until.Before(q.Until) {
		until = until.Add(time.Hour)
	}
	if !since.Equal(q.Since) || !until.Equal(q.Until) {
		p.warn("whole_hours", "the span was widened to whole hours", "")
	}
	q.Since, q.Until = since, until
	switch {
	case !since.Before(until):
		return badReport("since, %s, is not before until, %s", since.Format(time.RFC3339), until.Format(time.RFC3339))
	case until.Sub(since) > maxReportSpan:
		return badReport("the span is longer than three years")
	}
	return nil
}

func (p *reportPlan) warn(kind, what, do string) {
	p.warnings = append(p.warnings, ReportWarning{kind, what, do})
}

// hourBegins returns the first moment of an hour of a zone.
func hourBegins(at time.Time, zone *time.Location) time.Time {
	return time.UnixMilli(hourOf(at.In(zone))).In(zone)
}

// choose says what the report is read from.
func (p *reportPlan) choose(s *Store) {
	p.pieces = piecesOf(p.q.Since, p.q.Until, p.q.Zone, s.zone)
	days := wholeDays(p.q.Since, p.q.Until, s.zone)
	hours := true
	for _, piece := range p.pieces {
		days = days && piece.day == piece.stamped
		hours = hours && hourBegins(piece.since, s.zone).Equal(piece.since)
	}
	for _, d := range p.dimensions() {
		days, hours = days && d.days, hours && d.hours
	}
	switch {
	case days:
		p.from = fromDays
	case hours:
		p.from = fromHours
	default:
		p.from = fromRows
	}
}

// dimensions are those that the report breaks down by, and those it filters by.
func (p *reportPlan) dimensions() []ReportDimension {
	all := slices.Clone(p.by)
	for _, f := range p.filters {
		all = append(all, f.of)
	}
	return all
}

// long reports whether rows would be counted for longer than one may wait.
func (p *reportPlan) long() bool {
	return p.from == fromRows && p.q.Until.Sub(p.q.Since) > maxReportScan
}

// tell warns of what can be known before anything is counted.
func (p *reportPlan) tell(s *Store) {
	if p.q.Zone.String() != s.zone.String() {
		p.warn("zone", "days and hours are those of "+p.q.Zone.String()+"; rates of exchange and costs are kept by the day of "+s.zone.String(), "")
	}
	if p.from == fromDays {
		return
	}
	var lost []string
	cost := false
	for _, m := range p.metrics {
		switch {
		case p.lacks(m):
			lost = append(lost, m.Name)
		case slices.Contains(m.sums(), sumCost):
			cost = true
		}
	}
	if lost != nil {
		p.warn("not_kept", "what platforms say is kept by day and ad: there is no "+strings.Join(lost, ", "), "leave out "+p.finer())
	}
	if cost {
		p.warn("link_costs", "what platforms billed is kept by day and ad: the cost here is what links said", "leave out "+p.finer())
	}
	if p.from == fromRows && slices.ContainsFunc(p.metrics, func(m ReportMetric) bool { return strings.HasPrefix(m.Name, "lp_") }) {
		p.warn("landing_pages", "views and clicks of landing pages are on the time of their click", "")
	}
}

// lacks reports whether nothing that is read has the metric.
func (p *reportPlan) lacks(m ReportMetric) bool {
	return p.from != fromDays && slices.ContainsFunc(m.sums(), func(c string) bool { return c != sumUnallocated && slices.Contains(platformSums, c) })
}

// finer is what a report by days would have to leave out.
func (p *reportPlan) finer() string {
	var names []string
	for _, d := range p.dimensions() {
		if !d.days && !slices.Contains(names, d.Name) {
			names = append(names, d.Name)
		}
	}
	if names == nil {
		return "hours and other time zones: ask for whole days"
	}
	return strings.Join(names, ", ")
}

func (p *reportPlan) readInterval() error {
	span := p.q.Until.Sub(p.q.Since)
	switch p.q.Interval {
	case byDay, byWeek, byMonth:
	case byHour:
		if span > maxHours {
			return badReport("a series by hour is of 31 days at most")
		}
	case "":
		p.q.Interval = byMonth
		switch {
		case span <= 49*time.Hour && (p.from != fromDays || p.hourly()):
			p.q.Interval = byHour
		case span <= 93*24*time.Hour:
			p.q.Interval = byDay
		case span <= 366*24*time.Hour:
			p.q.Interval = byWeek
		}
	default:
		return badReport("interval is %q: there are %s, %s, %s and %s", p.q.Interval, byHour, byDay, byWeek, byMonth)
	}
	return nil
}

// hourly reports whether a series by hour can be read from sums.
func (p *reportPlan) hourly() bool {
	return !slices.ContainsFunc(p.filters, func(f reportFilter) bool { return !f.of.hours })
}
