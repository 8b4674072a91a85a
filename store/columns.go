package store

import (
	"slices"
	"strings"

	"subfive"
)

// columnKind says what a column of a view holds, by its name: SQLite does not say
// what an expression's type is. A name means the same in each view.
func columnKind(name string) subfive.ColumnKind {
	switch {
	case strings.HasSuffix(name, "_at"), name == "at", name == "event_time":
		return subfive.ColumnTime
	case slices.Contains(decimalColumns(), name):
		return subfive.ColumnDecimal
	case slices.Contains(ratioColumns(), name), strings.HasPrefix(name, "w_"):
		return subfive.ColumnRatio
	case slices.Contains(wholeColumns(), name):
		return subfive.ColumnWhole
	}
	for _, end := range []string{"_micros", "_ms", "_s", "_rejected", "_conversions", "_clicks"} {
		if strings.HasSuffix(name, end) {
			return subfive.ColumnWhole
		}
	}
	for _, begin := range []string{"is_", "has_", "n_", "counts_", "deliveries_", "sent_", "lp_"} {
		if strings.HasPrefix(name, begin) {
			return subfive.ColumnWhole
		}
	}
	return subfive.ColumnText
}

// decimalColumns are amounts; beside each is one in millionths.
func decimalColumns() []string {
	return []string{
		"cost", "cost_reporting", "click_cost", "payout", "payout_first", "payout_reporting", "sale_amount", "value", "profit",
		"revenue", "revenue_pending", "revenue_approved", "revenue_rejected", "platform_value",
	}
}

func ratioColumns() []string {
	return []string{"roi", "cr", "epc", "cpc", "cpa", "approve_rate", "traffic_loss", "share_with_visitor_id"}
}

func wholeColumns() []string {
	return []string{
		"ambiguous", "answered_status", "approved", "attempts", "backfilled", "batch_size", "bots", "clicks", "conversions",
		"days_to_convert", "delay_seconds", "events", "generation", "http_status", "impressions", "ip_family", "last_http",
		"limited_use", "owed", "pending", "prefetches", "rejected", "seconds_before", "seconds_to_convert", "sent", "seq_in_click",
		"tests", "touch_no", "touches", "undelivered", "upsells", "visit_no", "visitors",
	}
}
