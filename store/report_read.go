package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"subfive"
)

// Report is what a ReportQuery came to.
type Report struct {
	By      []ReportDimension `json:"by"`
	Metrics []ReportMetric    `json:"metrics"`
	// Time is conversion or click: the time by which conversions are counted.
	Time          string    `json:"time"`
	Since         time.Time `json:"since"`
	Until         time.Time `json:"until"`
	Zone          string    `json:"zone"`
	ReportingZone string    `json:"reporting_zone"`
	Currency      string    `json:"currency"`
	// ReadFrom is days, hours or rows.
	ReadFrom string      `json:"read_from"`
	Sort     string      `json:"sort"`
	Rows     []ReportRow `json:"rows"`
	// RowCount is how many rows there are; Rows may be fewer.
	RowCount int64         `json:"row_count"`
	Totals   ReportValues  `json:"totals"`
	Compare  *Comparison   `json:"compare"`
	Interval string        `json:"interval"`
	Series   []ReportPoint `json:"series"`
	// SQL is the statement of the rows, as subfive sql runs it.
	SQL      string          `json:"sql"`
	Warnings []ReportWarning `json:"warnings"`
}

// ReportValues are metrics by name: a whole number, an amount as text, or a
// ratio; nil for none.
type ReportValues map[string]any

// ReportRow is one row.
type ReportRow struct {
	Key map[string]string `json:"key"`
	// Names are what a platform calls what Key has the ID of, where that is known.
	Names  map[string]string `json:"names"`
	Values ReportValues      `json:"values"`
	// Compare are the values of the same row of the span before; nil: there is no
	// comparison.
	Compare ReportValues `json:"compare"`
	// CostStatus is known, part or missing; "" where no cost was asked for.
	CostStatus    string `json:"cost_status"`
	IsRateMissing bool   `json:"is_rate_missing"`
	// Since and Until are the row's piece of time; zero where it is all of it.
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
}

// Comparison is the span before.
type Comparison struct {
	Since  time.Time    `json:"since"`
	Until  time.Time    `json:"until"`
	Totals ReportValues `json:"totals"`
}

// ReportPoint is a piece of time of the series.
type ReportPoint struct {
	At      time.Time    `json:"at"`
	Values  ReportValues `json:"values"`
	Compare ReportValues `json:"compare"`
}

// reportGroup is what the database returns of a row.
type reportGroup struct {
	key  []string
	sums reportSums
}

// Report answers a query: a bad one is ErrBadQuery, and one that takes too long
// to be waited for ErrLongReport.
func (s *Store) Report(ctx context.Context, q ReportQuery) (Report, error) {
	p, err := s.planReport(ctx, q)
	if err != nil {
		return Report{}, err
	}
	if p.long() {
		return Report{}, ErrLongReport
	}
	out, err := s.report(ctx, p)
	return out, wrap("report", err)
}

func (s *Store) report(ctx context.Context, p *reportPlan) (Report, error) {
	out := s.newReport(p)
	// Beside each other: one has to wait for both.
	var groups []reportGroup
	var all reportAll
	both, within := errgroup.WithContext(ctx)
	both.Go(func() (err error) {
		groups, out.RowCount, err = s.groups(within, p, p.by, nil, true)
		return err
	})
	both.Go(func() (err error) {
		all, err = s.overall(within, p)
		return err
	})
	if err := both.Wait(); err != nil {
		return out, err
	}
	var before *reportBefore
	if p.q.Compare != "" {
		var err error
		if before, err = s.before(ctx, p, groups); err != nil {
			return out, err
		}
	}
	return out, s.fill(ctx, p, &out, groups, all, before)
}

// newReport is a report without numbers.
func (s *Store) newReport(p *reportPlan) Report {
	out := Report{
		By: p.by, Metrics: p.metrics, Time: "conversion", Since: p.q.Since, Until: p.q.Until, Zone: p.q.Zone.String(), ReportingZone: s.zone.String(),
		Currency: p.currency, ReadFrom: string(p.from), Sort: p.sort, Interval: p.q.Interval, Warnings: p.warnings,
	}
	if p.by == nil {
		out.By = []ReportDimension{}
	}
	if p.q.ClickTime {
		out.Time = "click"
	}
	if p.descending {
		out.Sort = "-" + p.sort
	}
	out.SQL, _ = s.reportText(p, p.by, nil, true, true)
	return out
}

// groups reads the rows of a plan by dimensions.
func (s *Store) groups(ctx context.Context, p *reportPlan, by []ReportDimension, only reportOnly, sorted bool) (groups []reportGroup, count int64, err error) {
	text, args := s.reportText(p, by, only, sorted, false)
	needs := p.needs()
	err = p.read(ctx, s, func(t *tx) error {
		groups, count = nil, 0
		return t.ask(ctx, statementTimeout, text, args, func(names []string, values []any) error {
			g := reportGroup{sums: reportSums{}}
			for i, name := range names {
				switch {
				case i < len(by):
					g.key = append(g.key, keyText(by[i], values[i], p.q.Zone))
				case slices.Contains(needs, name):
					g.sums[name], _ = values[i].(int64)
				case name == "row_count":
					count, _ = values[i].(int64)
				}
			}
			if groups = append(groups, g); len(groups) > maxReportRows {
				return badReport("it has more than %d rows: narrow it, or set a limit", maxReportRows)
			}
			return nil
		})
	})
	if len(by) == 0 {
		count = int64(len(groups))
	}
	return groups, count, err
}

// read runs fn where the plan reads: beside the screens, or apart from them.
func (p *reportPlan) read(ctx context.Context, s *Store, fn func(*tx) error) error {
	if p.apart {
		return s.retry(ctx, s.reports, fn)
	}
	return s.read(ctx, s.screens, fn)
}

// ask runs a statement that is not kept, and reads its rows whatever they are.
func (t *tx) ask(ctx context.Context, limit time.Duration, text string, args []any, row func(names []string, values []any) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var names []string
	return t.answer(ctx, text, args, func(r *sql.Rows) (err error) {
		if names == nil {
			if names, err = r.Columns(); err != nil {
				return err
			}
		}
		values, err := scanAll(r, len(names))
		if err != nil {
			return err
		}
		return row(names, values)
	})
}

// answer runs a statement that is not kept.
func (t *tx) answer(ctx context.Context, text string, args []any, scan func(*sql.Rows) error) (err error) {
	if err := checkValues(args); err != nil {
		return err
	}
	rows, err := t.conn.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// keyText is a dimension's value as reports show it.
func keyText(d ReportDimension, v any, zone *time.Location) string {
	if ms, ok := v.(int64); ok && d.Name == byHour {
		return time.UnixMilli(ms).In(zone).Format(time.RFC3339)
	}
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// reportAll is the series and what all rows add up to.
type reportAll struct {
	totals reportSums
	series map[string]reportSums
	plan   *reportPlan // of the series
}

// overall reads the series and the totals. Hours may have to be read from
// elsewhere than the rows: then the series has none of what they don't keep.
func (s *Store) overall(ctx context.Context, p *reportPlan) (reportAll, error) {
	d, _ := findDimension(p.q.Interval)
	of := *p
	of.by = []ReportDimension{d}
	of.choose(s)
	if p.from == fromRows {
		of.from = fromRows
	}
	all := reportAll{totals: reportSums{}, plan: &of}
	groups, _, err := s.groups(ctx, &of, of.by, nil, false)
	if err != nil {
		return all, err
	}
	all.series = make(map[string]reportSums, len(groups))
	for _, g := range groups {
		all.series[g.key[0]] = g.sums
		all.totals.add(g.sums)
	}
	if of.from == p.from {
		return all, nil
	}
	rows, _, err := s.groups(ctx, p, nil, nil, false)
	if err == nil && len(rows) > 0 {
		all.totals = rows[0].sums
	}
	return all, err
}

// reportBefore is what a report is compared with.
type reportBefore struct {
	plan *reportPlan
	all  reportAll
	rows map[string]reportSums // by the key of the row that they stand beside
}

// before reads what the rows are compared with.
func (s *Store) before(ctx context.Context, p *reportPlan, groups []reportGroup) (*reportBefore, error) {
	earlier := *p
	earlier.q.Since, earlier.q.Until = p.q.earlier()
	earlier.q.Limit = 0
	earlier.pieces = piecesOf(earlier.q.Since, earlier.q.Until, p.q.Zone, s.zone)
	b := &reportBefore{plan: &earlier}
	var err error
	if b.all, err = s.overall(ctx, &earlier); err != nil {
		return nil, err
	}
	only := reportOnly{}
	for i, d := range p.by {
		if d.Time {
			continue
		}
		for _, g := range groups {
			only[d.Name] = append(only[d.Name], g.key[i])
		}
		slices.Sort(only[d.Name])
		if only[d.Name] = slices.Compact(only[d.Name]); len(only[d.Name]) > MaxPage {
			delete(only, d.Name) // so many can't be named
		}
	}
	there, _, err := s.groups(ctx, &earlier, p.by, only, false)
	if err != nil {
		return nil, err
	}
	b.match(p, there)
	return b, nil
}

// match puts the rows of before beside those of the report: the third Monday
// beside the third.
func (b *reportBefore) match(p *reportPlan, there []reportGroup) {
	moved := map[string]map[string]string{}
	for _, d := range p.by {
		if !d.Time {
			continue
		}
		moved[d.Name] = map[string]string{}
		here := stretchesOf(d.Name, p.q.Since, p.q.Until, p.q.Zone)
		for i, was := range stretchesOf(d.Name, b.plan.q.Since, b.plan.q.Until, p.q.Zone) {
			if i < len(here) {
				moved[d.Name][was.label] = here[i].label
			}
		}
	}
	b.rows = make(map[string]reportSums, len(there))
	for _, g := range there {
		key := slices.Clone(g.key)
		for i, d := range p.by {
			if d.Time {
				key[i] = moved[d.Name][key[i]]
			}
		}
		b.rows[joinKey(key)] = g.sums
	}
}

// joinKey makes one text of a key that no other has.
func joinKey(key []string) string {
	text := ""
	for _, part := range key {
		text += strconv.Itoa(len(part)) + ":" + part
	}
	return text
}

// values are the metrics of sums.
func (p *reportPlan) values(of reportSums) ReportValues {
	values := make(ReportValues, len(p.metrics))
	for _, m := range p.metrics {
		var v any
		if !p.lacks(m) {
			v = m.value(of)
		}
		switch n := v.(type) {
		case subfive.Micros:
			v = n.String()
		case float64:
			v = math.Round(n*1e6) / 1e6
		}
		values[m.Name] = v
	}
	return values
}

// fill completes a report.
func (s *Store) fill(ctx context.Context, p *reportPlan, out *Report, groups []reportGroup, all reportAll, before *reportBefore) error {
	out.Totals = p.values(all.totals)
	if before != nil {
		out.Compare = &Comparison{before.plan.q.Since, before.plan.q.Until, p.values(before.all.totals)}
	}
	out.Rows = make([]ReportRow, len(groups))
	times := p.times()
	for i, g := range groups {
		out.Rows[i] = p.row(g, times, before)
	}
	out.Series = all.points(p.q, before)
	if err := s.nameRows(ctx, p, out.Rows); err != nil {
		return err
	}
	if err := s.warnOf(ctx, p, all.totals, out); err != nil {
		return err
	}
	if out.Warnings == nil {
		out.Warnings = []ReportWarning{}
	}
	return nil
}

// times are the pieces of time that rows may stand for, by dimension and name.
func (p *reportPlan) times() map[string]map[string]stretch {
	times := map[string]map[string]stretch{}
	for _, d := range p.by {
		if !d.Time {
			continue
		}
		times[d.Name] = map[string]stretch{}
		for _, at := range stretchesOf(d.Name, p.q.Since, p.q.Until, p.q.Zone) {
			times[d.Name][at.label] = at
		}
	}
	return times
}

func (p *reportPlan) row(g reportGroup, times map[string]map[string]stretch, before *reportBefore) ReportRow {
	row := ReportRow{Key: map[string]string{}, Names: map[string]string{}, Values: p.values(g.sums)}
	for i, d := range p.by {
		row.Key[d.Name] = g.key[i]
		at, ok := times[d.Name][g.key[i]]
		if ok && row.Since.Before(at.since) {
			row.Since = at.since
		}
		if ok && (row.Until.IsZero() || at.until.Before(row.Until)) {
			row.Until = at.until
		}
	}
	if before != nil {
		row.Compare = p.values(before.rows[joinKey(g.key)])
	}
	if slices.Contains(p.needs(), sumCost) {
		row.CostStatus = "known"
		switch {
		case g.sums[sumCostKnown] == 0, g.sums[sumUncosted] > 0 && g.sums[sumCost] == 0:
			row.CostStatus = "missing"
		case g.sums[sumUncosted] > 0:
			row.CostStatus = "part"
		}
	}
	row.IsRateMissing = g.sums[sumRevenueMissing]+g.sums[sumCostMissing] > 0
	return row
}

// points are the series, one a piece of time, empty ones too.
func (a reportAll) points(q ReportQuery, before *reportBefore) []ReportPoint {
	here := stretchesOf(q.Interval, q.Since, q.Until, q.Zone)
	points := make([]ReportPoint, len(here))
	var was []stretch
	if before != nil {
		was = stretchesOf(q.Interval, before.plan.q.Since, before.plan.q.Until, q.Zone)
	}
	for i, at := range here {
		points[i] = ReportPoint{At: at.since, Values: a.plan.values(a.series[at.label])}
		if i < len(was) {
			points[i].Compare = before.all.plan.values(before.all.series[was[i].label])
		}
	}
	return points
}
