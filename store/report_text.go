package store

import (
	"slices"
	"strconv"
	"strings"
)

// reportText writes the statement of a report: to be run, with its values apart,
// or to be shown, with its values in it.
type reportText struct {
	s     *Store
	p     *reportPlan
	by    []ReportDimension
	needs []string // the sums
	shown bool
	args  []any
}

// only is a narrowing of dimensions to the rows that are shown, for a report to
// be compared with.
type reportOnly map[string][]string

// text returns the statement that sums up a plan by dimensions, its rows in the
// plan's order where sorted, and at most limit of them.
func (s *Store) reportText(p *reportPlan, by []ReportDimension, only reportOnly, sorted, shown bool) (string, []any) {
	x := &reportText{s: s, p: p, by: by, needs: p.needs(), shown: shown}
	var with string
	if x.pieces() {
		with = "WITH " + piecesSQL(p.pieces) + "\n"
	}
	var keys, sums []string
	for _, d := range by {
		keys = append(keys, d.Name)
	}
	for _, c := range x.needs {
		sums = append(sums, x.s.word("whole")("coalesce(sum("+c+"), 0)")+" AS "+c)
	}
	inner := "SELECT " + strings.Join(slices.Concat(keys, sums), ", ") + "\n  FROM (\n" + strings.Join(x.facts(only), "\n  UNION ALL\n") + "\n  ) facts"
	if len(keys) > 0 {
		inner += "\n  GROUP BY " + strings.Join(keys, ", ")
	}
	columns := []string{"t.*"}
	for _, m := range p.metrics {
		if !slices.Contains(x.needs, m.Name) && !p.lacks(m) {
			columns = append(columns, m.sql(x.s.word("decimal"), x.ratio)+" AS "+m.Name)
		}
	}
	if len(keys) > 0 && sorted {
		columns = append(columns, "count(*) OVER () AS row_count")
	}
	text := with + "SELECT " + strings.Join(columns, ",\n  ") + "\nFROM (\n  " + inner + "\n) t"
	if len(keys) > 0 && sorted {
		text += "\nORDER BY " + x.order(keys)
		if p.q.Limit > 0 {
			text += "\nLIMIT " + strconv.Itoa(p.q.Limit)
		}
	}
	return text, x.args
}

func (x *reportText) ratio(a, b string) string {
	return x.s.viewFuncs()["ratio"].(func(a, b string) string)(a, b)
}

// order is that of the rows: what has no value comes last.
func (x *reportText) order(keys []string) string {
	way := ""
	if x.p.descending {
		way = " DESC"
	}
	if slices.Contains(keys, x.p.sort) {
		return strings.Join(append([]string{x.p.sort + way}, slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return k == x.p.sort })...), ", ")
	}
	m, _ := findMetric(x.p.sort)
	if x.p.lacks(m) {
		return strings.Join(keys, ", ")
	}
	by := m.sql(func(micros string) string { return micros }, x.ratio)
	return "CASE WHEN " + by + " IS NULL THEN 1 ELSE 0 END, " + by + way + ", " + strings.Join(keys, ", ")
}

// needs are the sums that the metrics and the sort are made of, each once.
func (p *reportPlan) needs() []string {
	var asked []string
	for _, m := range p.metrics {
		asked = append(asked, m.sums()...)
	}
	if m, ok := findMetric(p.sort); ok {
		asked = append(asked, m.sums()...)
	}
	if slices.Contains(asked, sumCost) {
		asked = append(asked, sumCostKnown, sumCostMissing, sumUncosted, sumUnallocated)
	}
	var needs []string
	for _, c := range slices.Concat(tallyColumns[:countTestConversions+1], []string{
		"revenue_pending_micros", "revenue_approved_micros", "revenue_rejected_micros", sumRevenueMissing,
		sumCost, sumCostKnown, sumCostMissing, sumUncosted, sumUnallocated,
		"impressions", "platform_clicks", "platform_conversions", "platform_value_micros", sumUndelivered,
	}) {
		kept := p.from == fromDays || !slices.Contains(platformSums, c)
		if kept && slices.Contains(asked, c) {
			needs = append(needs, c)
		}
	}
	return needs
}

func (x *reportText) need(sums ...string) bool {
	return slices.ContainsFunc(sums, func(c string) bool { return slices.Contains(x.needs, c) })
}

// What conversions bring to a report by the time of clicks.
var conversionSums = slices.Concat(tallyColumns[countConversions:countTestConversions+1], []string{
	"revenue_pending_micros", "revenue_approved_micros", "revenue_rejected_micros", sumRevenueMissing,
})

// facts are the parts whose rows are added up.
func (x *reportText) facts(only reportOnly) []string {
	var parts []string
	if x.p.from == fromRows {
		parts = append(parts, x.clicks(only))
	} else {
		parts = append(parts, x.rollup(only))
	}
	if (x.p.from == fromRows || x.p.q.ClickTime) && x.need(conversionSums...) {
		parts = append(parts, x.conversions(only))
	}
	if x.need(sumUndelivered) {
		parts = append(parts, x.undelivered(only))
	}
	return parts
}

// pieces reports whether the statement needs the span cut into days.
func (x *reportText) pieces() bool {
	for _, d := range x.by {
		if d.Time && d.Name != byHour && (x.p.from != fromDays || x.p.q.ClickTime || x.need(sumUndelivered)) {
			return true
		}
	}
	return x.p.from == fromHours
}

// value is one as the statement has it.
func (x *reportText) value(v string) string {
	if x.shown {
		quoted := "'" + strings.ReplaceAll(v, "'", "''") + "'"
		if x.s.dialect == dialectPostgres && strings.Contains(v, `\`) {
			quoted = " E" + strings.ReplaceAll(quoted, `\`, `\\`)
		}
		return quoted
	}
	x.args = append(x.args, v)
	if x.s.dialect == dialectPostgres {
		return "$" + strconv.Itoa(len(x.args))
	}
	return "?" + strconv.Itoa(len(x.args))
}

// narrow are the conditions of the filters; of returns a dimension's expression.
func (x *reportText) narrow(only reportOnly, of func(ReportDimension) string) []string {
	var conditions []string
	in := func(d ReportDimension, values []string) {
		list := make([]string, len(values))
		for i, v := range values {
			list[i] = x.value(v)
		}
		conditions = append(conditions, of(d)+" IN ("+strings.Join(list, ", ")+")")
	}
	for _, f := range x.p.filters {
		in(f.of, f.values)
	}
	for _, d := range x.by {
		if values := only[d.Name]; values != nil {
			in(d, values)
		}
	}
	return conditions
}

// fact is one part: its dimensions, its sums, and where they are from.
func (x *reportText) fact(of func(ReportDimension) string, sums map[string]string, from string, where []string) string {
	var columns []string
	for _, d := range x.by {
		columns = append(columns, of(d)+" AS "+d.Name)
	}
	for _, c := range x.needs {
		expression, ok := sums[c]
		if !ok {
			expression = "0"
		}
		columns = append(columns, expression+" AS "+c)
	}
	return "    SELECT " + strings.Join(columns, ", ") + "\n    FROM " + from + "\n    WHERE " + strings.Join(where, " AND ")
}
