package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"
)

// Rates returns the rates of a currency in the reporting currency, of the days
// from since on, the latest first, at most limit; "" for any.
func (s *Store) Rates(ctx context.Context, currency, since string, limit int) (rates []Rate, err error) {
	key, args := "list rates", []any{}
	for _, given := range []string{currency, since} {
		if given != "" {
			args = append(args, given)
		}
	}
	if err := checkValues(args); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadQuery, err)
	}
	key = fmt.Sprintf("%s %t %t", key, currency != "", since != "")
	err = s.read(ctx, s.screens, func(t *tx) error {
		rates = []Rate{}
		return t.query(ctx, key, func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select("rate_date", "currency", "reporting_currency", "rate", "source").From("fx_rates").Where("reporting_currency = " + reportingSQL)
			if currency != "" {
				b.Where(b.EQ("currency", ""))
			}
			if since != "" {
				b.Where(b.GE("rate_date", ""))
			}
			return text(b.OrderBy("rate_date DESC", "currency").Limit(1))
		}, append(args, limit), func(r *sql.Rows) error {
			var rate Rate
			err := r.Scan(&rate.Date, &rate.Currency, &rate.Reporting, &rate.Rate, &rate.Source)
			rates = append(rates, rate)
			return err
		})
	})
	return rates, wrap("list rates of exchange", err)
}

// RateHolds is how many days a rate holds at most when none follows: none is
// published on weekends and holidays. The views are made with it.
const RateHolds = 7

// WithoutRate returns those of the days for which reports have no rate of a
// currency: none of that day, and none of the RateHolds-1 days before it.
func (s *Store) WithoutRate(ctx context.Context, currency string, days []string) (without []string, err error) {
	reporting, err := s.setting(ctx, currencySetting)
	if err != nil || currency == reporting || len(days) == 0 {
		return nil, wrap("look for rates of exchange", err)
	}
	days = slices.Clone(days)
	slices.Sort(days)
	before := func(day string) (string, error) {
		at, err := time.Parse(time.DateOnly, day)
		return at.AddDate(0, 0, 1-RateHolds).Format(time.DateOnly), err
	}
	first, err := before(days[0])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadQuery, err)
	}
	var rated []string
	err = s.read(ctx, s.screens, func(t *tx) error {
		rated = nil
		return t.query(ctx, "rated days", func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select("rate_date").From("fx_rates").
				Where(b.EQ("reporting_currency", ""), b.EQ("currency", ""), b.GE("rate_date", ""), b.LE("rate_date", "")).OrderBy("rate_date")
			return text(b)
		}, []any{reporting, currency, first, days[len(days)-1]}, func(r *sql.Rows) error {
			var day string
			err := r.Scan(&day)
			rated = append(rated, day)
			return err
		})
	})
	if err != nil {
		return nil, wrap("look for rates of exchange", err)
	}
	for _, day := range days {
		oldest, err := before(day)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrBadQuery, err)
		}
		i, exact := slices.BinarySearch(rated, day)
		if !exact && (i == 0 || rated[i-1] < oldest) {
			without = append(without, day)
		}
	}
	return without, nil
}
