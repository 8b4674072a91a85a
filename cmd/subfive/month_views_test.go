package main

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// dailyColumns are those of v_daily that are compared as they are; dailyRatios
// come after them.
const (
	dailyKey     = "day, source_id, campaign_id, offer_id, ad_account_id, platform, platform_campaign_id, adset_id, ad_id"
	dailyColumns = "clicks, bots, prefetches, tests, visitors, lp_views, lp_clicks, conversions, events, upsells, pending, approved, rejected, " +
		"bot_conversions, test_conversions, revenue_pending_micros, revenue_approved_micros, revenue_rejected_micros, revenue_micros, cost_micros, " +
		"profit_micros, platform_value_micros, cost_status, is_rate_missing, currency, impressions, platform_clicks, platform_conversions, undelivered"
	dailyRatios = "roi, cr, epc, cpc, cpa, approve_rate, traffic_loss"
)

// table reads a query's answer: the first keys columns of a row are its name. A
// NULL is empty.
func (s *monthSite) table(keys int, query string) map[string][]string {
	s.t.Helper()
	rows := map[string][]string{}
	if err := eachRow(s.t.Context(), s.tracker.store.Load(), query, func(values []any) error {
		cells := make([]string, len(values))
		for i, v := range values {
			switch v := v.(type) {
			case nil:
			case float64:
				cells[i] = strconv.FormatFloat(v, 'f', -1, 64)
			default:
				cells[i] = fmt.Sprint(v)
			}
		}
		key := strings.Join(cells[:keys], " ")
		if rows[key] != nil {
			return fmt.Errorf("two rows of %s", key)
		}
		rows[key] = cells[keys:]
		return nil
	}); err != nil {
		s.t.Fatal(err)
	}
	return rows
}

// near compares cells: those beyond exact are ratios, which the databases round
// in their own ways.
func near(exact int) cmp.Option {
	return cmp.Comparer(func(a, b []string) bool {
		if len(a) != len(b) {
			return false
		}
		for i := range a {
			if a[i] == b[i] {
				continue
			}
			x, errX := strconv.ParseFloat(a[i], 64)
			y, errY := strconv.ParseFloat(b[i], 64)
			if i < exact || errX != nil || errY != nil || x-y > 1e-6 || y-x > 1e-6 {
				return false
			}
		}
		return true
	})
}

// same compares a view with the truth.
func same(t *testing.T, view string, want, got map[string][]string, opts ...cmp.Option) {
	t.Helper()
	if len(want) == 0 {
		t.Errorf("%s: the truth has no rows: nothing is compared", view)
	}
	all := map[string]bool{}
	for key := range want {
		all[key] = true
	}
	for key := range got {
		all[key] = true
	}
	differ := 0
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if cmp.Equal(want[key], got[key], opts...) {
			continue
		}
		if differ++; differ <= 5 {
			t.Errorf("%s, %s\n truth %s\n view  %s", view, key, strings.Join(want[key], "|"), strings.Join(got[key], "|"))
		}
	}
	if differ > 0 {
		t.Errorf("%s: %d rows differ; it has %d, the truth has %d", view, differ, len(got), len(want))
	}
}

// compare compares every view with the truth.
func (s *monthSite) compare(truth monthTruth) {
	t := s.t
	t.Helper()
	bills := map[string]bool{}
	currencies := map[string]string{}
	for _, b := range truth.bills() {
		bills[b.day+" "+b.ad.source] = true
		currencies[b.ad.source] = b.ad.currency
	}
	same(t, "v_daily", truth.daily(bills, currencies), s.table(9, "SELECT "+dailyKey+", "+dailyColumns+", "+dailyRatios+" FROM v_daily"), near(len(strings.Split(dailyColumns, ","))))
	same(t, "v_clicks", truth.clicked(), s.table(5, "SELECT click_day, source_id, campaign_id, platform, ad_id, count(*), count(DISTINCT visitor_id), CAST(sum(is_bot) AS BIGINT), "+
		"CAST(sum(is_prefetch) AS BIGINT), CAST(sum(is_repeat) AS BIGINT), CAST(sum(has_fbclid) AS BIGINT), CAST(sum(has_gclid) AS BIGINT), CAST(sum(CASE WHEN ip_family = 6 THEN 1 ELSE 0 END) AS BIGINT) "+
		"FROM v_clicks GROUP BY click_day, source_id, campaign_id, platform, ad_id"))
	same(t, "v_conversions", truth.credited(), s.table(1, "SELECT network_conversion_id, click_id, verdict, counts_conversion, counts_revenue, is_base, backfilled, network_status, payout_micros, "+
		"payout_currency, fx_rate, fx_date, payout_reporting_micros, conversion_day, click_day, source_id, campaign_id, offer_id, ad_id, deliveries_delivered, deliveries_dead FROM v_conversions"))
	same(t, "v_cohort", truth.cohorts(), s.table(4, "SELECT click_day, days_to_convert, source_id, campaign_id, clicks, conversions, rejected, revenue_micros, is_rate_missing FROM v_cohort"))
	same(t, "v_postbacks", truth.verdicts(), s.table(2, "SELECT via, verdict, count(*) FROM v_postbacks GROUP BY via, verdict"))
	same(t, "v_deliveries", truth.deliveries(), s.table(6, "SELECT destination_id, kind, event_name, status, reason_code, currency, count(*), CAST(sum(value_micros) AS BIGINT) FROM v_deliveries "+
		"GROUP BY destination_id, kind, event_name, status, reason_code, currency"))
	same(t, "v_match_quality", truth.quality(), s.table(4, "SELECT day, destination_id, event_name, source_id, conversions, owed, sent, n_click_id, n_fbp, n_ip, n_ipv6, n_ua, "+
		"n_email, n_phone, n_user_id, n_consent_granted, n_consent_denied, n_consent_unknown, n_estimated_click_time, n_late_1h, n_skipped_no_key, n_rejected FROM v_match_quality"))
}

// tallies are rows of counts.
type tallies map[string][]int64

func (c tallies) add(key string, counts ...int64) {
	if c[key] == nil {
		c[key] = make([]int64, len(counts))
	}
	for i, n := range counts {
		c[key][i] += n
	}
}

func (c tallies) rows() map[string][]string {
	rows := map[string][]string{}
	for key, counts := range c {
		for _, n := range counts {
			rows[key] = append(rows[key], fmt.Sprint(n))
		}
	}
	return rows
}

func one(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// clicked are clicks by day and ad.
func (t monthTruth) clicked() map[string][]string {
	all, browsers := tallies{}, map[string]map[int]bool{}
	for i, c := range t.m.clicks {
		key := strings.Join([]string{t.day(c.slot), c.ad.source, c.ad.campaign, c.ad.platform, c.ad.id}, " ")
		if browsers[key] == nil {
			browsers[key] = map[int]bool{}
		}
		browser := i
		if c.again >= 0 {
			browser = c.again
		}
		fresh := !browsers[key][browser]
		browsers[key][browser] = true
		all.add(key, 1, one(fresh), one(c.isBot), one(c.prefetch), one(c.again >= 0), one(c.ad.platform == "meta"), one(c.ad.platform == "google"), one(c.v6))
	}
	return all.rows()
}

// credited are the conversions.
func (t monthTruth) credited() map[string][]string {
	rows := map[string][]string{}
	for _, c := range t.m.conversions {
		status, cents, heard := t.now(c)
		if !heard {
			continue
		}
		day, ad, clickID, clickDay, verdict := t.day(c.slot), adOf(c), "", "", "no_click_id"
		if c.click != nil {
			clickID, clickDay, verdict = c.click.clickID, t.day(c.click.slot), "matched"
		}
		rate, of := t.rates.on("USD", day)
		delivered := 0
		if _, state, _ := t.promise(c); state == "delivered" {
			delivered = 1
		}
		rows[c.id] = []string{
			clickID, verdict, "1", "1", fmt.Sprint(one(!c.isUpsell)), fmt.Sprint(one(c.lost)), status, fmt.Sprint(cents * 10_000),
			"USD", strings.TrimRight(rate, "0"), of, none(t.rates.euros(cents*10_000, "USD", day)), day, clickDay, ad.source, ad.campaign, ad.offer, ad.id, fmt.Sprint(delivered), "0",
		}
	}
	return rows
}

// cohorts are clicks by day, and what became of them by days.
func (t monthTruth) cohorts() map[string][]string {
	all, revenue := tallies{}, map[string]*big.Int{}
	key := func(c *monthClick, day string) string {
		from, err := time.Parse(time.DateOnly, t.day(c.slot))
		to, errTo := time.Parse(time.DateOnly, day)
		if err != nil || errTo != nil {
			return "no day"
		}
		return fmt.Sprintf("%s %d %s %s", t.day(c.slot), int(to.Sub(from).Hours()/24), c.ad.source, c.ad.campaign)
	}
	for _, c := range t.m.clicks {
		if c.counts() {
			all.add(key(c, t.day(c.slot)), 1, 0, 0)
		}
	}
	unknown := map[string]bool{}
	for _, c := range t.m.conversions {
		status, cents, heard := t.now(c)
		if !heard || c.click == nil {
			continue
		}
		at := key(c.click, t.day(c.slot))
		all.add(at, 0, one(!c.isUpsell), one(!c.isUpsell && status == "rejected"))
		if status == "rejected" {
			continue
		}
		worth := t.rates.euros(cents*10_000, "USD", t.day(c.slot))
		if worth == nil {
			unknown[at] = true
			continue
		}
		if revenue[at] == nil {
			revenue[at] = new(big.Int)
		}
		revenue[at].Add(revenue[at], worth)
	}
	rows := all.rows()
	for at := range rows {
		switch {
		case unknown[at]:
			rows[at] = append(rows[at], "", "1")
		case revenue[at] == nil:
			rows[at] = append(rows[at], "0", "0")
		default:
			rows[at] = append(rows[at], revenue[at].String(), "0")
		}
	}
	return rows
}

// verdicts are what was decided about each request, and about each line of the
// books that told something new.
func (t monthTruth) verdicts() map[string][]string {
	all := tallies{}
	for _, c := range t.m.conversions {
		via, first := "s2s", "matched"
		if c.click == nil {
			first = "no_click_id"
		}
		if c.lost {
			if via = "api"; !t.backfill {
				continue
			}
		}
		all.add(via+" "+first, 1)
		if c.lost {
			continue
		}
		if c.twice {
			all.add("s2s duplicate", 1)
		}
		if c.later != "" {
			all.add("s2s status_change", 1)
			if c.laterTwice {
				all.add("s2s duplicate", 1)
			}
		}
		if t.backfill && c.booked != c.ourStatus() {
			all.add("api status_change", 1)
		}
		if t.backfill && c.bookedCents != c.cents {
			all.add("api payout_change", 1)
		}
	}
	return all.rows()
}

// promise is what a destination is owed of a conversion: "" for nobody.
func (t monthTruth) promise(c *monthConversion) (destination, status, reason string) {
	if c.click == nil || c.lost && !t.backfill {
		return "", "", ""
	}
	destination, status, reason = "meta-main", "delivered", "accepted"
	if c.click.ad.platform == "google" {
		destination, status, reason = "hook", "dry_run", "dry_run"
	}
	const metaTakes = 7*24*time.Hour - 5*time.Minute
	switch {
	case !c.lost:
	case c.booked == "rejected":
		status, reason = "skipped", "rejected"
	case destination == "meta-main" && t.end.Sub(t.m.slots[c.slot]) >= metaTakes:
		status, reason = "skipped", "too_old"
	}
	return destination, status, reason
}

// toldAs is the event that a destination is told, and what it is worth there: a
// change that comes later changes nothing of it.
func (t monthTruth) toldAs(c *monthConversion, destination string) (event string, cents int64) {
	event = map[string]string{"meta-main Base": "Purchase", "meta-main Upgrade": "Subscribe", "hook Base": "sale", "hook Upgrade": "upgrade"}[destination+" "+c.event()]
	if c.lost {
		return event, c.bookedCents
	}
	return event, c.cents
}

func (t monthTruth) deliveries() map[string][]string {
	all := tallies{}
	for _, c := range t.m.conversions {
		if destination, status, reason := t.promise(c); destination != "" {
			event, cents := t.toldAs(c, destination)
			all.add(strings.Join([]string{destination, "conversion", event, status, reason, "USD"}, " "), 1, cents*10_000)
			// Taken back later: the one does not want to hear of it, and the other
			// never heard of the conversion.
			why := map[string]string{"delivered": "not_wanted", "dry_run": "never_sent"}[status]
			if now, _, _ := t.now(c); why != "" && now == "rejected" {
				all.add(strings.Join([]string{destination, "retraction", event, "skipped", why, "USD"}, " "), 1, cents*10_000)
			}
		}
	}
	return all.rows()
}

func (t monthTruth) quality() map[string][]string {
	all := tallies{}
	for _, c := range t.m.conversions {
		destination, status, _ := t.promise(c)
		if destination == "" {
			continue
		}
		event, _ := t.toldAs(c, destination)
		sent := one(status == "delivered")
		late := one(status == "delivered" && c.lost && t.end.Sub(t.m.slots[c.slot]) > time.Hour)
		all.add(strings.Join([]string{t.day(c.slot), destination, event, c.click.ad.source}, " "),
			1, sent, sent, sent, 0, sent, sent*one(c.click.v6), sent, 0, 0, 0, 0, 0, sent, 0, late, 0, 0)
	}
	return all.rows()
}
