package store

import (
	"slices"
	"strings"

	"subfive"
)

// ReportMetric is a number that a report can show. A ratio is made of sums, and
// none at a zero divisor.
type ReportMetric struct {
	Name       string             `json:"name"`
	Title      string             `json:"title"`
	Definition string             `json:"definition"`
	Kind       subfive.ColumnKind `json:"kind"`

	num, den term // den: of a ratio alone
	money    bool // a ratio of an amount to a count
}

// term is a number made of sums. It is none where a sum of missing is not 0, or
// one of known is; where part is, it may be a part of the whole, and is none if
// that part is 0: nothing is not a cost of nothing.
type term struct {
	plus, minus, missing, known []string
	part                        string
}

// The sums that terms are made of, beside the columns of the rollups.
const (
	sumRevenueMissing = "revenue_missing"     // rows of which a rate of exchange is missing
	sumCostMissing    = "cost_missing"        // the same, of costs
	sumCost           = "cost_micros"         // what is known of the cost
	sumCostKnown      = "cost_known"          // rows whose cost is known
	sumUncosted       = "clicks_without_cost" // clicks of rows whose cost is not known
	sumUnallocated    = "unallocated_micros"  // of the cost: of ads without a click of ours
	sumUndelivered    = "undelivered"
)

// The sums that are kept by day alone: of what platforms say.
var platformSums = []string{"impressions", "platform_clicks", "platform_conversions", "platform_value_micros", sumUnallocated}

func count(column string) term { return term{plus: []string{column}} }

func revenueOf(columns ...string) term {
	return term{plus: columns, missing: []string{sumRevenueMissing}}
}

var (
	revenueTerm = revenueOf("revenue_pending_micros", "revenue_approved_micros")
	// partCost is the cost as far as it is known, wholeCost is none unless all of it
	// is.
	partCost  = term{plus: []string{sumCost}, missing: []string{sumCostMissing}, known: []string{sumCostKnown}, part: sumUncosted}
	wholeCost = term{plus: []string{sumCost}, missing: []string{sumCostMissing, sumUncosted}, known: []string{sumCostKnown}}
	profit    = term{
		plus: revenueTerm.plus, minus: []string{sumCost},
		missing: []string{sumRevenueMissing, sumCostMissing, sumUncosted}, known: []string{sumCostKnown},
	}
)

// ReportMetrics are all metrics, those of v_daily, in its order.
func ReportMetrics() []ReportMetric {
	var all []ReportMetric
	add := func(name, title, definition string, kind subfive.ColumnKind, num, den term, money bool) {
		all = append(all, ReportMetric{name, title, definition, kind, num, den, money})
	}
	counts := func(name, title, definition string) {
		add(name, title, definition, subfive.ColumnWhole, count(name), term{}, false)
	}
	amount := func(name, title, definition string, of term) {
		add(name, title, definition, subfive.ColumnDecimal, of, term{}, false)
	}
	ratio := func(name, title, definition string, num, den term, money bool) {
		add(name, title, definition, subfive.ColumnRatio, num, den, money)
	}
	counts("clicks", "Clicks", "clicks of people: bots, prefetches and tests left out")
	counts("bots", "Bots", "clicks that look like a bot's")
	counts("prefetches", "Prefetches", "clicks a browser fetched ahead")
	counts("tests", "Test clicks", "test clicks")
	counts("visitors", "Visitors", "clicks that were the first of their browser")
	counts("lp_views", "LP views", "clicks whose landing page was seen")
	counts("lp_clicks", "LP clicks", "clicks that went on to the offer")
	counts("conversions", "Conversions", "conversions that count, of the base goal; a bot's too")
	counts("events", "Events", "conversions that count, of another goal")
	counts("upsells", "Upsells", "those events that have a payout")
	counts("pending", "Pending", "conversions not decided yet")
	counts("approved", "Approved", "conversions approved")
	counts("rejected", "Rejected", "conversions rejected")
	counts("bot_conversions", "Bots' conv.", "conversions and events of clicks that look like a bot's")
	counts("test_conversions", "Test conv.", "test conversions, which count nowhere else")
	amount("revenue_pending", "Rev. pending", "payouts not decided yet, of conversions and events", revenueOf("revenue_pending_micros"))
	amount("revenue_approved", "Rev. approved", "payouts approved", revenueOf("revenue_approved_micros"))
	amount("revenue_rejected", "Rev. rejected", "payouts rejected, in no other sum", revenueOf("revenue_rejected_micros"))
	amount("revenue", "Revenue", "payouts pending and approved together; none where a rate of exchange is missing", revenueTerm)
	amount("cost", "Cost", "what it cost, as platforms billed it, else as links said, as far as it is known; none where nothing is", partCost)
	amount("profit", "Profit", "revenue less cost; none unless the cost of all its clicks is known", profit)
	ratio("roi", "ROI", "profit to cost", profit, wholeCost, false)
	ratio("cr", "CR", "conversions to clicks", count("conversions"), count("clicks"), false)
	ratio("epc", "EPC", "revenue a click", revenueTerm, count("clicks"), true)
	ratio("cpc", "CPC", "cost a click; none unless the cost of all clicks is known", wholeCost, count("clicks"), true)
	ratio("cpa", "CPA", "cost a conversion; none unless the cost of all clicks is known", wholeCost, count("conversions"), true)
	ratio("approve_rate", "Approve rate", "approved to decided conversions", count("approved"), term{plus: []string{"approved", "rejected"}}, false)
	counts("impressions", "Impressions", "as the platform counted them")
	counts("platform_clicks", "Platform clicks", "clicks, as the platform counted them")
	counts("platform_conversions", "Platform conv.", "conversions the platform claims")
	amount("platform_value", "Platform value", "what the platform says its conversions were worth", term{plus: []string{"platform_value_micros"}, missing: []string{sumCostMissing}})
	ratio("traffic_loss", "Traffic loss", "the share of the platform's clicks that did not reach us as people",
		term{plus: []string{"platform_clicks"}, minus: []string{"clicks"}}, count("platform_clicks"), false)
	counts(sumUndelivered, "Undelivered", "conversions that a destination still has to be told of, or was never told of")
	return all
}

// sums are those that the metric is made of.
func (m ReportMetric) sums() []string {
	return slices.Concat(m.num.sums(), m.den.sums())
}

func (t term) sums() []string { return slices.Concat(t.plus, t.minus, t.missing, t.known) }

// sql is the metric over the sums of a row; decimal and ratio are words of the
// database.
func (m ReportMetric) sql(decimal func(string) string, ratio func(a, b string) string) string {
	switch {
	case len(m.den.plus) > 0 && m.money:
		return ratio(m.num.sql(), m.den.sql()+" * 1000000")
	case len(m.den.plus) > 0:
		return ratio(m.num.sql(), m.den.sql())
	case m.Kind == subfive.ColumnDecimal:
		return decimal(m.num.sql())
	}
	return m.num.sql()
}

func (t term) sql() string {
	text := strings.Join(t.plus, " + ")
	for _, c := range t.minus {
		text += " - " + c
	}
	var when []string
	for _, c := range t.missing {
		when = append(when, c+" = 0")
	}
	for _, c := range t.known {
		when = append(when, c+" > 0")
	}
	if t.part != "" {
		when = append(when, "("+t.part+" = 0 OR "+text+" <> 0)")
	}
	if when != nil {
		return "(CASE WHEN " + strings.Join(when, " AND ") + " THEN " + text + " END)"
	}
	if len(t.plus)+len(t.minus) > 1 {
		return "(" + text + ")"
	}
	return text
}

// reportSums are what a row, a bucket or all of a report add up to.
type reportSums map[string]int64

func (s reportSums) add(o reportSums) {
	for name, n := range o {
		s[name] += n
	}
}

// value is the metric of sums, in its kind's Go type; nil: none.
func (m ReportMetric) value(of reportSums) any {
	n, ok := m.num.value(of)
	if !ok {
		return nil
	}
	if len(m.den.plus) > 0 {
		by, ok := m.den.value(of)
		switch {
		case !ok || by == 0:
			return nil
		case m.money:
			return float64(n) / float64(by) / 1e6
		}
		return float64(n) / float64(by)
	}
	if m.Kind == subfive.ColumnDecimal {
		return subfive.Micros(n)
	}
	return n
}

// number is the metric as it is sorted by.
func (m ReportMetric) number(of reportSums) (float64, bool) {
	switch v := m.value(of).(type) {
	case int64:
		return float64(v), true
	case subfive.Micros:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

func (t term) value(of reportSums) (n int64, ok bool) {
	for _, c := range t.missing {
		if of[c] != 0 {
			return 0, false
		}
	}
	for _, c := range t.known {
		if of[c] == 0 {
			return 0, false
		}
	}
	for _, c := range t.plus {
		n += of[c]
	}
	for _, c := range t.minus {
		n -= of[c]
	}
	return n, t.part == "" || of[t.part] == 0 || n != 0
}
