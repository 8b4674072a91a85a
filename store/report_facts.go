package store

import (
	"slices"
	"strconv"
	"strings"
)

// rollup is the part that days or hours have: all, or by the time of clicks what
// clicks bring.
func (x *reportText) rollup(only reportOnly) string {
	sums := map[string]string{}
	for _, c := range x.needs {
		if c != sumUnallocated && (slices.Contains(tallyColumns, c) || slices.Contains(platformSums, c)) {
			sums[c] = "r." + c
		}
	}
	day := "r.day"
	if x.p.from == fromHours {
		day = "span.stamped_day"
	}
	for _, c := range []string{"revenue_pending_micros", "revenue_approved_micros", "revenue_rejected_micros", "platform_value_micros"} {
		sums[c] = "coalesce(" + x.inReporting("r."+c, day, "r.currency") + ", 0)"
	}
	sums[sumRevenueMissing] = x.noRate("r.revenue_pending_micros = 0 AND r.revenue_approved_micros = 0 AND r.revenue_rejected_micros = 0", day, "r.currency")
	for _, c := range conversionSums {
		if x.p.q.ClickTime {
			delete(sums, c)
		}
	}
	from, where := x.rollupRows()
	of := func(d ReportDimension) string { return x.rollupColumn(d, "r", "span.day") }
	where = append(where, x.narrow(only, of)...)
	switch {
	case !x.need(sumCost, "platform_value_micros"):
	case x.p.from == fromHours:
		from = x.linkCosts(sums, from)
	default:
		return x.costed(sums, from, where)
	}
	return x.fact(of, sums, from, where)
}

// rollupRows are the rows of the span.
func (x *reportText) rollupRows() (from string, where []string) {
	if x.p.from == fromHours {
		return "span JOIN hours r ON r.hour >= span.since AND r.hour < span.until", []string{"1 = 1"}
	}
	first, last := x.p.pieces[0].day, x.p.pieces[len(x.p.pieces)-1].day
	return "days r", []string{"r.day >= '" + first + "'", "r.day <= '" + last + "'"}
}

func (x *reportText) rollupColumn(d ReportDimension, table, day string) string {
	if x.p.from == fromDays {
		day = table + ".day"
	}
	switch d.Name {
	case byDay:
		return day
	case byWeek:
		return x.s.weekOf(day)
	case byMonth:
		return monthOf(day)
	}
	return table + "." + d.Name
}

// costed are days with their cost, as v_daily has it: what platforms billed for
// a source's day, else what links said. That is known of all currencies of a row
// together.
func (x *reportText) costed(sums map[string]string, from string, where []string) string {
	key := daysTable.key[:len(daysTable.key)-1]
	var inner, group []string
	for _, c := range key {
		group = append(group, "r."+c)
	}
	outer := map[string]string{}
	for _, name := range x.needs {
		if expression := sums[name]; expression != "" {
			inner, outer[name] = append(inner, "sum("+expression+") AS "+name), "d."+name
		}
	}
	if !x.need("clicks") {
		inner = append(inner, "sum(r.clicks) AS clicks")
	}
	const amounts = "r.click_cost_micros = 0 AND r.cost_micros = 0 AND r.platform_value_micros = 0"
	inner = append(inner, "coalesce(sum("+x.inReporting("r.click_cost_micros", "r.day", "r.currency")+"), 0) AS link_micros",
		"coalesce(sum("+x.inReporting("r.cost_micros", "r.day", "r.currency")+"), 0) AS spend_micros",
		"max("+x.noRate(amounts, "r.day", "r.currency")+") AS cost_missing")
	outer[sumCostMissing] = "d.cost_missing"
	outer[sumCost] = "CASE WHEN c.source_id IS NULL THEN d.link_micros ELSE d.spend_micros END"
	outer[sumCostKnown] = "CASE WHEN c.source_id IS NOT NULL OR d.link_micros <> 0 OR d.source_id = '' THEN 1 ELSE 0 END"
	outer[sumUncosted] = "CASE WHEN c.source_id IS NULL AND d.link_micros = 0 AND d.source_id <> '' THEN d.clicks ELSE 0 END"
	outer[sumUnallocated] = "CASE WHEN c.source_id IS NOT NULL AND d.campaign_id = '' AND d.clicks = 0 THEN d.spend_micros ELSE 0 END"
	of := func(d ReportDimension) string { return x.rollupColumn(d, "d", "") }
	rows := "(\n      SELECT " + strings.Join(slices.Concat(group, inner), ", ") + "\n      FROM " + from + "\n      WHERE " + strings.Join(where, " AND ") +
		"\n      GROUP BY " + strings.Join(group, ", ") + "\n    ) d LEFT JOIN cost_days c ON c.cost_day = d.day AND c.source_id = d.source_id"
	return x.fact(of, outer, rows, []string{"1 = 1"})
}

// linkCosts adds to hours what links said of the cost, of a source's days that no
// costs were imported of.
func (x *reportText) linkCosts(sums map[string]string, from string) string {
	sums[sumCost] = "CASE WHEN c.source_id IS NULL THEN coalesce(" + x.inReporting("r.click_cost_micros", "span.stamped_day", "r.currency") + ", 0) ELSE 0 END"
	sums[sumCostMissing] = "CASE WHEN c.source_id IS NULL THEN " + x.noRate("r.click_cost_micros = 0", "span.stamped_day", "r.currency") + " ELSE 0 END"
	sums[sumCostKnown] = "CASE WHEN c.source_id IS NULL AND l.source_id IS NOT NULL OR r.source_id = '' THEN 1 ELSE 0 END"
	sums[sumUncosted] = "CASE WHEN (c.source_id IS NOT NULL OR l.source_id IS NULL) AND r.source_id <> '' THEN r.clicks ELSE 0 END"
	first, last := x.p.pieces[0].stamped, x.p.pieces[len(x.p.pieces)-1].stamped
	return from + "\n      LEFT JOIN cost_days c ON c.cost_day = span.stamped_day AND c.source_id = r.source_id" +
		"\n      LEFT JOIN (SELECT DISTINCT day, source_id FROM days WHERE day >= '" + first + "' AND day <= '" + last + "' AND click_cost_micros <> 0) l" +
		" ON l.day = span.stamped_day AND l.source_id = r.source_id"
}

// inReporting is an amount in the reporting currency, which is written out: it is
// the same for all rows.
func (x *reportText) inReporting(micros, day, currency string) string {
	convert := x.s.viewFuncs()["inreporting"].(func(micros, day, currency string) string)
	return strings.ReplaceAll(convert(micros, day, currency), reportingSQL, "'"+x.p.currency+"'")
}

func (x *reportText) noRate(amounts, day, currency string) string {
	missing := x.s.viewFuncs()["norate"].(func(amounts, day, currency string) string)
	return strings.ReplaceAll(missing(amounts, day, currency), reportingSQL, "'"+x.p.currency+"'")
}

// rowColumn is a dimension of rows that stand for a moment, of clicks k or of
// conversions v and their clicks k.
func (x *reportText) rowColumn(d ReportDimension, at string, conversions bool) string {
	switch d.Name {
	case byDay:
		return "span.day"
	case byWeek:
		return x.s.weekOf("span.day")
	case byMonth:
		return monthOf("span.day")
	case byHour:
		return hourSQL(at, x.p.q.Since)
	}
	of := d.click
	if conversions && d.conversion != nil {
		of = d.conversion
	}
	if of == nil {
		return "''" // a click has none
	}
	return "coalesce(CAST(" + of(x.s) + " AS TEXT), '')"
}

// within bounds rows by their moment: by the pieces of the span where they are
// needed, else as a whole.
func (x *reportText) within(table, at string) (from string, where []string) {
	for _, d := range x.by {
		if d.Time && d.Name != byHour {
			return "span, " + table, []string{at + " >= span.since", at + " < span.until"}
		}
	}
	since, until := x.p.q.Since.UnixMilli(), x.p.q.Until.UnixMilli()
	return table, []string{at + " >= " + strconv.FormatInt(since, 10), at + " < " + strconv.FormatInt(until, 10)}
}

// clicks is the part that clicks bring, one by one.
func (x *reportText) clicks(only reportOnly) string {
	person := "k.is_test = 0 AND k.is_bot = 0 AND k.is_prefetch = 0"
	when := func(condition string) string { return "CASE WHEN " + condition + " THEN 1 ELSE 0 END" }
	json := x.s.jsonText
	amount, currency := "("+x.s.word("micros")(json("k.doc", "cost", "amount"))+")", "coalesce("+json("k.doc", "cost", "currency")+", '"+noCurrency+"')"
	linked := json("k.doc", "cost", "amount") + " IS NOT NULL"
	sums := map[string]string{
		"clicks":     when(person),
		"bots":       when("k.is_test = 0 AND k.is_bot = 1"),
		"prefetches": when("k.is_test = 0 AND k.is_bot = 0 AND k.is_prefetch = 1"),
		"tests":      when("k.is_test = 1"),
		"visitors":   when(person + " AND coalesce(CAST(" + json("k.doc", "visit_no") + " AS INTEGER), 0) <= 1"),
		"lp_views":   when(person + " AND " + json("k.doc", "landing_viewed_at") + " IS NOT NULL"),
		"lp_clicks":  when(person + " AND " + json("k.doc", "landing_clicked_at") + " IS NOT NULL"),
		sumCost:      "CASE WHEN c.source_id IS NULL AND k.is_test = 0 AND " + linked + " THEN coalesce(" + x.inReporting(amount, "k.click_day", currency) + ", 0) ELSE 0 END",
		sumCostMissing: "CASE WHEN c.source_id IS NULL AND k.is_test = 0 AND " + linked + " THEN " +
			x.noRate(amount+" = 0", "k.click_day", currency) + " ELSE 0 END",
		sumCostKnown: when("c.source_id IS NULL AND " + linked + " OR k.source_id = ''"),
		sumUncosted:  when(person + " AND k.source_id <> '' AND (c.source_id IS NOT NULL OR NOT (" + linked + "))"),
	}
	from, where := x.within("clicks k", "k.clicked_at")
	if x.need(sumCost) {
		from += " LEFT JOIN cost_days c ON c.cost_day = k.click_day AND c.source_id = k.source_id"
	}
	of := func(d ReportDimension) string { return x.rowColumn(d, "k.clicked_at", false) }
	return x.fact(of, sums, from, append(where, x.narrow(only, of)...))
}

// conversions is the part that conversions bring, one by one: by their own time,
// or by that of their clicks.
func (x *reportText) conversions(only reportOnly) string {
	const (
		counts = "v.counts = 1 AND v.is_test = 0 AND v.verdict <> 'test'"
		base   = counts + " AND lower(v.goal) = 'base'"
		event  = counts + " AND lower(v.goal) <> 'base'"
	)
	when := func(condition string) string { return "CASE WHEN " + condition + " THEN 1 ELSE 0 END" }
	payout := func(status string) string {
		return "CASE WHEN " + counts + " AND " + status + " THEN coalesce(" + x.inReporting("v.payout_micros", "v.conversion_day", "v.currency") + ", 0) ELSE 0 END"
	}
	open := "v.network_status NOT IN ('approved', 'rejected')"
	sums := map[string]string{
		"conversions":             when(base),
		"events":                  when(event),
		"upsells":                 when(event + " AND coalesce(v.payout_micros, 0) <> 0"),
		"pending":                 when(base + " AND " + open),
		"approved":                when(base + " AND v.network_status = 'approved'"),
		"rejected":                when(base + " AND v.network_status = 'rejected'"),
		"bot_conversions":         when(counts + " AND k.is_bot = 1"),
		"test_conversions":        when("v.is_test = 1 OR v.verdict = 'test'"),
		"revenue_pending_micros":  payout(open),
		"revenue_approved_micros": payout("v.network_status = 'approved'"),
		"revenue_rejected_micros": payout("v.network_status = 'rejected'"),
		sumRevenueMissing:         "CASE WHEN " + counts + " THEN " + x.noRate("coalesce(v.payout_micros, 0) = 0", "v.conversion_day", "v.currency") + " ELSE 0 END",
	}
	return x.conversionRows(only, sums, "conversions v", []string{"(v.counts = 1 OR v.is_test = 1 OR v.verdict = 'test')"})
}

// undelivered is the part of conversions that a destination was not told of.
func (x *reportText) undelivered(only reportOnly) string {
	const open = "(SELECT DISTINCT o.conversion_id AS undelivered_id FROM deliveries o WHERE o.status IN ('scheduled', 'submitted', 'dead') AND o.kind = 'conversion' AND o.mode = 'live') o" +
		" JOIN conversions v ON v.conversion_id = o.undelivered_id"
	return x.conversionRows(only, map[string]string{sumUndelivered: "1"}, open, []string{"v.counts = 1", "v.is_test = 0"})
}

func (x *reportText) conversionRows(only reportOnly, sums map[string]string, table string, where []string) string {
	at := "v.converted_at"
	if x.p.q.ClickTime {
		at, where = "v.clicked_at", append(where, "v.attributed_click_id <> ''")
	}
	of := func(d ReportDimension) string { return x.rowColumn(d, at, true) }
	joined := x.need("bot_conversions")
	for _, d := range append(slices.Clone(x.by), x.p.dimensions()...) {
		joined = joined || d.click != nil && d.conversion == nil
	}
	from, bounds := x.within(table, at)
	if joined {
		from += " LEFT JOIN clicks k ON k.click_id = v.attributed_click_id AND v.attributed_click_id <> ''"
	}
	return x.fact(of, sums, from, slices.Concat(bounds, where, x.narrow(only, of)))
}
