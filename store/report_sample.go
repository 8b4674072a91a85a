package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ReportSample are rows behind a number.
type ReportSample struct {
	View  string           `json:"view"` // or the table
	SQL   string           `json:"sql"`  // as subfive sql runs it
	Items []map[string]any `json:"items"`
	Note  string           `json:"note"`
}

const (
	sampleRows = 20
	// sampleOf is of how many of the latest rows of the span a sample is: what is
	// rare would else be looked for everywhere.
	sampleOf = 20_000
)

// sampled is where the rows of a metric are, and which they are.
type sampled struct {
	view, id, at string
	columns      []string // that where names
	where        string
}

func sampledOf(metric string) sampled {
	clicks := func(where string) sampled {
		return sampled{"v_clicks", "click_id", "clicked_at_ms", []string{"is_test", "is_bot", "is_prefetch", "visit_no", "lp_viewed_at", "lp_clicked_at"}, where}
	}
	conversions := func(where string) sampled {
		return sampled{"v_conversions", "conversion_id", "converted_at_ms", []string{"counts_conversion", "is_test", "is_base", "is_bot", "payout_micros", "network_status", "verdict"}, where}
	}
	const (
		person  = "is_test = 0 AND is_bot = 0 AND is_prefetch = 0"
		counts  = "counts_conversion = 1 AND is_test = 0"
		base    = counts + " AND is_base = 1"
		payout  = counts + " AND payout_micros <> 0"
		pending = " AND network_status NOT IN ('approved', 'rejected')"
		decided = " AND network_status IN ('approved', 'rejected')"
	)
	switch metric {
	case "clicks":
		return clicks(person)
	case "bots":
		return clicks("is_test = 0 AND is_bot = 1")
	case "prefetches":
		return clicks("is_test = 0 AND is_bot = 0 AND is_prefetch = 1")
	case "tests":
		return clicks("is_test = 1")
	case "visitors":
		return clicks(person + " AND coalesce(visit_no, 0) <= 1")
	case "lp_views":
		return clicks(person + " AND lp_viewed_at IS NOT NULL")
	case "lp_clicks":
		return clicks(person + " AND lp_clicked_at IS NOT NULL")
	case "conversions", "cr":
		return conversions(base)
	case "events":
		return conversions(counts + " AND is_base = 0")
	case "upsells":
		return conversions(payout + " AND is_base = 0")
	case "pending":
		return conversions(base + pending)
	case "approved":
		return conversions(base + " AND network_status = 'approved'")
	case "rejected":
		return conversions(base + " AND network_status = 'rejected'")
	case "approve_rate":
		return conversions(base + decided)
	case "bot_conversions":
		return conversions(counts + " AND is_bot = 1")
	case "test_conversions":
		return conversions("(is_test = 1 OR verdict = 'test')")
	case "revenue_pending":
		return conversions(payout + pending)
	case "revenue_approved":
		return conversions(payout + " AND network_status = 'approved'")
	case "revenue_rejected":
		return conversions(payout + " AND network_status = 'rejected'")
	case "revenue", "epc":
		return conversions(payout + " AND network_status <> 'rejected'")
	case sumUndelivered:
		return conversions(counts + " AND conversion_id IN (SELECT conversion_id FROM deliveries WHERE status IN ('scheduled', 'submitted', 'dead') AND kind = 'conversion' AND mode = 'live')")
	}
	return sampled{view: "costs"} // of the platforms, and what is made of the cost
}

// ReportSample returns 20 of the latest rows that a metric of a report counts.
func (s *Store) ReportSample(ctx context.Context, q ReportQuery, metric string) (ReportSample, error) {
	if _, ok := findMetric(metric); !ok {
		return ReportSample{}, badReport("there is no metric %q: there are %s", metric, strings.Join(metricNames(), ", "))
	}
	p, err := s.planReport(ctx, q)
	if err != nil {
		return ReportSample{}, err
	}
	of := sampledOf(metric)
	out := ReportSample{View: of.view, Items: []map[string]any{}}
	x := &reportText{s: s, p: p}
	write := x.sample
	if of.view == "costs" {
		write = x.sampleCosts
	}
	var text string
	if text, out.Note, err = write(of); err != nil {
		return out, err
	}
	shown := &reportText{s: s, p: p, shown: true}
	write = shown.sample
	if of.view == "costs" {
		write = shown.sampleCosts
	}
	if out.SQL, _, err = write(of); err != nil {
		return out, err
	}
	err = s.read(ctx, s.screens, func(t *tx) error {
		out.Items = []map[string]any{}
		return t.answer(ctx, text, x.args, func(r *sql.Rows) error {
			item, err := scanItem(r)
			delete(item, of.at)
			out.Items = append(out.Items, item)
			return err
		})
	})
	return out, wrap("read a sample of rows", err)
}

func (x *reportText) sample(of sampled) (text, note string, err error) {
	since, until := strconv.FormatInt(x.p.q.Since.UnixMilli(), 10), strconv.FormatInt(x.p.q.Until.UnixMilli(), 10)
	latest := of.at + " >= " + since + " AND " + of.at + " < " + until
	note = fmt.Sprintf("of the latest %d of the span", sampleOf)
	if x.p.q.ClickTime && of.view == "v_conversions" {
		latest = fmt.Sprintf("conversion_id IN (SELECT conversion_id FROM conversions WHERE clicked_at >= %s AND clicked_at < %s AND attributed_click_id <> '' ORDER BY clicked_at DESC LIMIT %d)", since, until, sampleOf)
	}
	columns := slices.Concat([]string{of.id, of.at}, of.columns)
	where := []string{of.where}
	for _, f := range x.p.filters {
		name := f.of.Name
		switch {
		case of.view == "v_clicks" && f.of.click == nil:
			name = "''" // a click has none
		case of.view == "v_conversions" && slices.Contains([]string{"carrier", "bot_reason", "consent_ad_user_data", "consent_ad_personalization"}, name):
			return "", "", badReport("a sample of conversions can't be narrowed by %s", name)
		case !slices.Contains(columns, name):
			columns = append(columns, name)
		}
		var values []string
		for _, v := range f.values {
			values = append(values, x.value(v))
		}
		where = append(where, "coalesce("+name+", '') IN ("+strings.Join(values, ", ")+")")
	}
	return "SELECT * FROM " + of.view + "\nWHERE " + of.id + " IN (\n  SELECT " + of.id + " FROM (\n    SELECT " + strings.Join(columns, ", ") + " FROM " + of.view +
		"\n    WHERE " + latest + "\n    ORDER BY " + of.at + " DESC LIMIT " + strconv.Itoa(sampleOf) + "\n  ) latest\n  WHERE " + strings.Join(where, " AND ") +
		"\n  ORDER BY " + of.at + " DESC LIMIT " + strconv.Itoa(sampleRows) + "\n)\nORDER BY " + of.at + " DESC", note, nil
}

// sampleCosts are rows of what platforms billed, which know neither our campaigns
// nor anything of clicks.
func (x *reportText) sampleCosts(sampled) (text, note string, err error) {
	first, last := x.p.pieces[0].stamped, x.p.pieces[len(x.p.pieces)-1].stamped
	where := []string{"cost_day >= '" + first + "'", "cost_day <= '" + last + "'"}
	var left []string
	for _, f := range x.p.filters {
		if !slices.Contains([]string{"source_id", "ad_account_id", "platform", "platform_campaign_id", "adset_id", "ad_id"}, f.of.Name) {
			left = append(left, f.of.Name)
			continue
		}
		var values []string
		for _, v := range f.values {
			values = append(values, x.value(v))
		}
		where = append(where, f.of.Name+" IN ("+strings.Join(values, ", ")+")")
	}
	note = "as platforms billed it: each is spread over our rows by their clicks"
	if left != nil {
		note += "; they are not narrowed by " + strings.Join(left, ", ")
	}
	return "SELECT source_id, cost_day, platform_campaign_id, platform_campaign_name, adset_id, adset_name, ad_id, ad_name, spend_micros, currency, impressions, platform_clicks, platform_conversions, platform_value_micros\nFROM costs\nWHERE " +
		strings.Join(where, " AND ") + "\nORDER BY cost_day DESC, spend_micros DESC, source_id, ad_id LIMIT " + strconv.Itoa(sampleRows), note, nil
}
