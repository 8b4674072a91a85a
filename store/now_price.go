package store

import (
	"cmp"
	"context"
	"database/sql"
	"math/big"
	"slices"
	"time"

	"subfive"
)

// dayRate is what a currency was worth on a day, in trillionths.
type dayRate struct {
	day  string
	rate int64
}

// priced adds rows up by the hour, in the reporting currency.
func (t *tx) priced(ctx context.Context, rows []paceRow, from, until time.Time, unrated map[string]bool) ([]Pace, error) {
	reporting, err := t.s.settingIn(ctx, t, currencySetting)
	if err != nil {
		return nil, err
	}
	rates, err := t.dayRates(ctx, rows, reporting, from, until)
	if err != nil {
		return nil, err
	}
	known, err := t.linkCosts(ctx, rows, from, until)
	if err != nil {
		return nil, err
	}
	byHour := map[int64]*Pace{}
	for _, r := range rows {
		at := time.UnixMilli(r.hour).UTC()
		p := byHour[r.hour]
		if p == nil {
			p = &Pace{At: at}
			if known {
				p.Cost = new(subfive.Micros)
			}
			byHour[r.hour] = p
		}
		p.Clicks, p.Conversions = p.Clicks+r.clicks, p.Conversions+r.conversions
		if r.revenue == 0 && r.clickCost == 0 {
			continue
		}
		rate, ok := int64(trillion), r.currency == reporting
		if !ok {
			rate, ok = rateOn(rates[r.currency], t.s.day(at))
		}
		if !ok {
			unrated[cmp.Or(r.currency, noCurrency)] = true
			continue
		}
		p.Revenue += exchanged(r.revenue, rate)
		if known {
			*p.Cost += exchanged(r.clickCost, rate)
		}
	}
	all := make([]Pace, 0, len(byHour))
	for _, p := range byHour {
		all = append(all, *p)
	}
	slices.SortFunc(all, func(a, b Pace) int { return a.At.Compare(b.At) })
	return all, nil
}

// linkCosts reports whether all that was bought in these hours has its cost in
// the links. What is imported is known by days alone.
func (t *tx) linkCosts(ctx context.Context, rows []paceRow, from, until time.Time) (bool, error) {
	clicks, costs := map[string]int{}, map[string]subfive.Micros{}
	for _, r := range rows {
		clicks[r.source] += r.clicks
		costs[r.source] += r.clickCost
	}
	for source, n := range clicks {
		if source != "" && n > 0 && costs[source] == 0 {
			return false, nil
		}
	}
	imported := 0
	err := t.row(ctx, "days with costs", func() string {
		b := t.s.flavor.NewSelectBuilder()
		return text(b.Select("count(*)").From("cost_days").Where(b.GE("cost_day", ""), b.LE("cost_day", "")))
	}, []any{t.s.day(from), t.s.day(until)}, &imported)
	return imported == 0, err
}

const trillion = 1_000_000_000_000

// dayRates reads the rates for the rows' currencies, by currency, the latest day
// last.
func (t *tx) dayRates(ctx context.Context, rows []paceRow, reporting string, from, until time.Time) (map[string][]dayRate, error) {
	if !slices.ContainsFunc(rows, func(r paceRow) bool { return r.currency != reporting && r.revenue|r.clickCost != 0 }) {
		return nil, nil
	}
	rates := map[string][]dayRate{}
	err := t.query(ctx, "rates of a span", func() string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("currency", "rate_date", "rate_trillionths").From("fx_rates").
			Where(b.EQ("reporting_currency", ""), b.GE("rate_date", ""), b.LE("rate_date", "")).OrderBy("currency", "rate_date")
		return text(b)
	}, []any{reporting, t.s.day(from.AddDate(0, 0, 1-RateHolds)), t.s.day(until)}, func(r *sql.Rows) error {
		var currency string
		var one dayRate
		err := r.Scan(&currency, &one.day, &one.rate)
		rates[currency] = append(rates[currency], one)
		return err
	})
	return rates, err
}

// rateOn is the rate that holds on a day: the last one of the RateHolds days that
// end with it.
func rateOn(rates []dayRate, day string) (int64, bool) {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return 0, false
	}
	oldest := at.AddDate(0, 0, 1-RateHolds).Format(time.DateOnly)
	for _, r := range slices.Backward(rates) {
		if r.day <= day {
			return r.rate, r.day >= oldest
		}
	}
	return 0, false
}

// exchanged is an amount times a rate in trillionths, rounded half away from
// zero, as the views round.
func exchanged(m subfive.Micros, rate int64) subfive.Micros {
	if rate == trillion {
		return m
	}
	product := new(big.Int).Mul(big.NewInt(int64(m)), big.NewInt(rate))
	half := big.NewInt(trillion / 2)
	if product.Sign() < 0 {
		half.Neg(half)
	}
	return subfive.Micros(product.Add(product, half).Quo(product, big.NewInt(trillion)).Int64())
}
