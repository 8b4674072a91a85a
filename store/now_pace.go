package store

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"time"

	"subfive"
)

// Pace is what an hour or a day brought.
type Pace struct {
	At time.Time // its first moment
	// Clicks are those of people; Conversions count, and are of the base goal.
	Clicks, Conversions int
	// Revenue is pending and approved, of events too; in the reporting currency.
	Revenue subfive.Micros
	// Cost is in the reporting currency; nil: not known, or not by the hour.
	Cost *subfive.Micros
}

func (t *tx) nowPaces(ctx context.Context, q NowQuery, n *Now) (err error) {
	unrated := map[string]bool{}
	for _, one := range []struct {
		span  Span
		paces *[]Pace
		cost  **subfive.Micros
	}{{q.Span, &n.Paces, &n.Cost}, {q.Before, &n.PacesBefore, &n.CostBefore}} {
		if *one.paces, err = t.paces(ctx, one.span, q.ByDay, q.At, unrated); err != nil {
			return err
		}
		*one.cost = costOf(*one.paces)
		if q.ByDay && q.ByHour {
			if *one.paces, err = t.paces(ctx, one.span, false, q.At, unrated); err != nil {
				return err
			}
		}
	}
	n.Unrated = slices.Sorted(maps.Keys(unrated))
	return nil
}

// costOf adds up what hours or days cost, nil if it is not known of all of them.
func costOf(paces []Pace) *subfive.Micros {
	sum := subfive.Micros(0)
	for _, p := range paces {
		if p.Cost == nil {
			return nil
		}
		sum += *p.Cost
	}
	return &sum
}

// paces reads a span: whole days from the report by day, whole hours from the
// sums by hour, and what is left of an hour from what came in it. An hour or day
// that runs is whole.
func (t *tx) paces(ctx context.Context, span Span, byDay bool, now time.Time, unrated map[string]bool) (all []Pace, err error) {
	from, until := span.Since.In(t.s.zone), span.Until.In(t.s.zone)
	if byDay {
		y, m, d := until.Date()
		end := time.Date(y, m, d, 0, 0, 0, 0, t.s.zone)
		if !until.Before(now) {
			end = time.Date(y, m, d+1, 0, 0, 0, 0, t.s.zone)
		}
		if all, err = t.pacesByDay(ctx, from, end, unrated); err != nil {
			return nil, err
		}
		from = end
	}
	if !from.Before(until) {
		return all, nil
	}
	rows, err := t.pacesByHour(ctx, from, until, now)
	if err != nil {
		return nil, err
	}
	byTheHour, err := t.priced(ctx, rows, from, until, unrated)
	if err != nil {
		return nil, err
	}
	if byDay { // the part of a day
		byTheHour = oneDay(byTheHour, from)
	}
	return append(all, byTheHour...), nil
}

// oneDay adds hours up to the day they are of, whose cost then is not known.
func oneDay(hours []Pace, at time.Time) []Pace {
	day := Pace{At: at.UTC()}
	for _, h := range hours {
		day.Clicks, day.Conversions, day.Revenue = day.Clicks+h.Clicks, day.Conversions+h.Conversions, day.Revenue+h.Revenue
	}
	return []Pace{day}
}

// pacesByDay reads what the report by day says.
func (t *tx) pacesByDay(ctx context.Context, from, until time.Time, unrated map[string]bool) (all []Pace, err error) {
	days := []any{t.s.day(from), t.s.day(until)}
	lacking := false
	err = t.query(ctx, "paces by day", func() string {
		whole := func(sum string) string { return "CAST(coalesce(" + sum + ", 0) AS BIGINT)" }
		b := t.s.flavor.NewSelectBuilder()
		b.Select("day", whole("sum(clicks)"), whole("sum(conversions)"), whole("sum(revenue_micros)"), whole("sum(cost_micros)"),
			"max(CASE WHEN cost_micros IS NULL AND clicks + bots + prefetches > 0 THEN 1 ELSE 0 END)", "max(is_rate_missing)").
			From("v_daily").Where(b.GE("day", ""), b.LT("day", "")).GroupBy("day").OrderBy("day")
		return text(b)
	}, days, func(r *sql.Rows) error {
		var p Pace
		var day string
		var cost subfive.Micros
		var unknown, missing int
		if err := r.Scan(&day, &p.Clicks, &p.Conversions, &p.Revenue, &cost, &unknown, &missing); err != nil {
			return err
		}
		at, err := time.ParseInLocation(time.DateOnly, day, t.s.zone)
		p.At = at.UTC()
		if unknown == 0 {
			p.Cost = &cost
		}
		lacking = lacking || missing == 1
		all = append(all, p)
		return err
	})
	if err != nil || !lacking {
		return all, err
	}
	return all, t.query(ctx, "currencies without a rate", func() string {
		norate := t.s.fxFuncs()["norate"].(func(amounts, day, currency string) string)
		b := t.s.flavor.NewSelectBuilder()
		b.Select("currency").Distinct().From("days r").Where(b.GE("day", ""), b.LT("day", ""),
			norate("r.revenue_pending_micros = 0 AND r.revenue_approved_micros = 0 AND r.revenue_rejected_micros = 0 AND r.click_cost_micros = 0 AND r.cost_micros = 0 AND r.platform_value_micros = 0",
				"r.day", "r.currency")+" = 1")
		return text(b)
	}, days, func(r *sql.Rows) error {
		var currency string
		err := r.Scan(&currency)
		unrated[currency] = true
		return err
	})
}

// paceRow is what an hour brought of one source, in one currency.
type paceRow struct {
	hour                int64
	source, currency    string
	clicks, conversions int
	revenue, clickCost  subfive.Micros
}

func scanPace(r *sql.Rows) (p paceRow, err error) {
	err = r.Scan(&p.hour, &p.source, &p.currency, &p.clicks, &p.conversions, &p.revenue, &p.clickCost)
	return p, err
}

// pacesByHour reads whole hours from their sums, and the ends of the span, where
// they cut an hour, from clicks and conversions.
func (t *tx) pacesByHour(ctx context.Context, from, until, now time.Time) (all []paceRow, err error) {
	first, last := time.UnixMilli(hourOf(from)).In(t.s.zone), until
	if first.Before(from) {
		first = first.Add(time.Hour)
	}
	if until.Before(now) {
		last = time.UnixMilli(hourOf(until))
	}
	collect := func(r *sql.Rows) error {
		p, err := scanPace(r)
		all = append(all, p)
		return err
	}
	if first.Before(last) {
		err = t.query(ctx, "paces by hour", func() string {
			sum := func(columns string) string { return "CAST(sum(" + columns + ") AS BIGINT)" }
			b := t.s.flavor.NewSelectBuilder()
			b.Select("hour", "source_id", "currency", sum("clicks"), sum("conversions"), sum("revenue_pending_micros + revenue_approved_micros"), sum("click_cost_micros")).
				From("hours").Where(b.GE("hour", 0), b.LT("hour", 0)).GroupBy("hour", "source_id", "currency").OrderBy("hour", "source_id", "currency")
			return text(b)
		}, []any{subfive.Millis(first), subfive.Millis(last)}, collect)
	}
	for _, part := range []Span{{from, earlier(first, until)}, {later(first, last), until}} {
		if err == nil && part.Since.Before(part.Until) {
			err = t.pacesWithin(ctx, part, collect)
		}
	}
	return all, err
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// pacesWithin counts what came within less than an hour, as the sums do.
func (t *tx) pacesWithin(ctx context.Context, part Span, scan func(*sql.Rows) error) error {
	hour := hourOf(part.Since.In(t.s.zone))
	args := []any{hour, subfive.Millis(part.Since), subfive.Millis(part.Until)}
	sum := func(columns string) string { return "CAST(coalesce(sum(" + columns + "), 0) AS BIGINT)" }
	if err := t.query(ctx, "clicks within an hour", func() string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("CAST("+b.Var(0)+" AS BIGINT)", "source_id", "''", "count(*)", "0", "0", "0").From("clicks").
			Where(b.GE("clicked_at", 0), b.LT("clicked_at", 0), "is_bot = 0", "is_prefetch = 0", "is_test = 0").GroupBy("source_id")
		return text(b)
	}, args, scan); err != nil {
		return err
	}
	return t.query(ctx, "conversions within an hour", func() string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("CAST("+b.Var(0)+" AS BIGINT)", "source_id", "currency", "0", sum("CASE WHEN lower(goal) = 'base' THEN 1 ELSE 0 END"),
			sum("CASE WHEN network_status <> 'rejected' THEN payout_micros END"), "0").From("conversions").
			Where(b.GE("converted_at", 0), b.LT("converted_at", 0), "counts = 1", "is_test = 0").GroupBy("source_id", "currency")
		return text(b)
	}, args, scan)
}
