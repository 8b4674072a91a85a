package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"subfive"
)

// Rate is what one unit of a currency was worth in the reporting currency on a
// day.
type Rate struct {
	Date      string // 2006-01-02
	Currency  string // ISO 4217, in capitals
	Reporting string // the currency of reports, as well
	// Rate is a plain positive decimal with at most 12 digits after the point.
	Rate   string
	Source string // who says so: ecb, manual, …
}

// ErrBadRate says that a rate is not one: it names the field and what it must
// be.
var ErrBadRate = errors.New("not a rate of exchange")

// rateDigits is how many digits after the point a rate may have.
const rateDigits = 12

// PutRates writes rates; one that is there for the same day and currencies is
// replaced. Of bad ones nothing is written, and the error, ErrBadRate, names the
// first. Reports use them at once.
func (s *Store) PutRates(ctx context.Context, rates []Rate) error {
	rows := make([][]any, len(rates))
	for i, r := range rates {
		n, err := r.check()
		if err != nil {
			return fmt.Errorf("rate %d, %s of %s: %w", i+1, r.Currency, r.Date, err)
		}
		rows[i] = []any{r.Reporting, r.Currency, r.Date, strings.TrimSpace(r.Rate), n, clean(r.Source)}
	}
	columns := []string{"reporting_currency", "currency", "rate_date", "rate", "rate_trillionths", "source"}
	err := s.write(ctx, s.screens, func(t *tx) error {
		for _, row := range rows { // one at a time: a file may name a day twice
			if err := t.insertRows(ctx, "fx_rates", columns, [][]any{row}, "ON CONFLICT (reporting_currency, currency, rate_date) DO UPDATE SET "+
				"rate = excluded.rate, rate_trillionths = excluded.rate_trillionths, source = excluded.source"); err != nil {
				return err
			}
		}
		return nil
	})
	return wrap("write rates of exchange", err)
}

// check returns the rate in trillionths.
func (r Rate) check() (int64, error) {
	if _, err := time.Parse(time.DateOnly, r.Date); err != nil {
		return 0, fmt.Errorf("%w: the date %q is not written as 2026-01-31", ErrBadRate, r.Date)
	}
	for _, code := range []string{r.Currency, r.Reporting} {
		if !isCurrency(code) {
			return 0, fmt.Errorf("%w: the currency %q is not three capitals, such as EUR", ErrBadRate, code)
		}
	}
	if r.Currency == r.Reporting {
		return 0, fmt.Errorf("%w: %s is the reporting currency itself, which is always worth 1", ErrBadRate, r.Currency)
	}
	return parseRate(r.Rate)
}

func isCurrency(code string) bool {
	capitals, ok := subfive.Currency(code)
	return ok && capitals == code
}

// parseRate reads a plain positive decimal as trillionths.
func parseRate(text string) (int64, error) {
	whole, part, _ := strings.Cut(strings.TrimSpace(text), ".")
	digits := whole + part
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, fmt.Errorf("%w: %q is not a plain decimal such as 1.0842", ErrBadRate, text)
	}
	if len(part) > rateDigits {
		return 0, fmt.Errorf("%w: %q has more than %d digits after the point: round it", ErrBadRate, text, rateDigits)
	}
	n, err := strconv.ParseInt(digits+strings.Repeat("0", rateDigits-len(part)), 10, 64)
	if err != nil || n == math.MaxInt64 {
		return 0, fmt.Errorf("%w: %q is too large", ErrBadRate, text)
	}
	if n == 0 {
		return 0, fmt.Errorf("%w: it is 0", ErrBadRate)
	}
	return n, nil
}

// The settings rows of reports.
const (
	currencySetting = "reporting_currency"
	zoneSetting     = "reporting_zone" // in which all days were stamped
	expiredSetting  = "clicks_expired" // clicks made before it are gone, Unix milliseconds
)

// DefaultCurrency is that of reports while nobody has named another.
const DefaultCurrency = "USD"

// setCurrency writes down for the views in which currency they report. Who names
// none changes none.
func (s *Store) setCurrency(ctx context.Context) error {
	have, err := s.setting(ctx, currencySetting)
	if err != nil || have == s.currency || have != "" && !s.named {
		return err
	}
	return s.putSetting(ctx, currencySetting, s.currency)
}

func (s *Store) putSetting(ctx context.Context, name, value string) error {
	return s.write(ctx, s.screens, func(t *tx) error { return t.putSetting(ctx, name, value) })
}

func (t *tx) putSetting(ctx context.Context, name, value string) error {
	return t.insertRows(ctx, "settings", []string{"name", "value"}, [][]any{{name, value}}, "ON CONFLICT (name) DO UPDATE SET value = excluded.value")
}

// reportingSQL is the reporting currency, for views.
const reportingSQL = "(SELECT value FROM settings WHERE name = '" + currencySetting + "')"

// fxFuncs are the words of views for money in the reporting currency.
func (s *Store) fxFuncs() map[string]any {
	// Whole numbers alone, rounded half away from zero: m times f trillionths.
	convert := func(m string) string {
		const f = "f.rate_trillionths"
		abs := "abs(" + m + ")"
		return "CAST((CASE WHEN " + m + " < 0 THEN -1 ELSE 1 END) * (" + abs + " * (" + f + " / 1000000000000) + (" +
			abs + " * (" + f + " % 1000000000000 / 1000000) + " + abs + " * (" + f + " % 1000000) / 1000000 + 500000) / 1000000) AS INTEGER)"
	}
	holds := strconv.Itoa(RateHolds)
	before := func(day string) string { return "date(" + day + ", '-" + holds + " days')" }
	ratio := func(a, b string) string { return "(1.0 * (" + a + ") / nullif(" + b + ", 0))" }
	between := func(from, to string) string {
		return "CAST(round(julianday(" + to + ") - julianday(" + from + ")) AS INTEGER)"
	}
	whole := func(sum string) string { return "(" + sum + ")" }
	if s.dialect == dialectPostgres {
		convert = func(m string) string { return "round((" + m + ")::numeric * f.rate::numeric)::bigint" }
		before = func(day string) string { return "to_char(" + day + "::date - " + holds + ", 'YYYY-MM-DD')" }
		ratio = func(a, b string) string { return "round((" + a + ")::numeric / nullif((" + b + ")::numeric, 0), 6)" }
		between = func(from, to string) string { return "(" + to + "::date - " + from + "::date)" }
		whole = func(sum string) string { return "(" + sum + ")::bigint" } // sum() is numeric
	}
	rate := func(day, currency, what string) string {
		return "(SELECT " + what + " FROM fx_rates f WHERE f.reporting_currency = " + reportingSQL + " AND f.currency = " + currency +
			" AND f.rate_date <= " + day + " AND f.rate_date > " + before(day) + " ORDER BY f.rate_date DESC LIMIT 1)"
	}
	return map[string]any{
		"reporting": func() string { return reportingSQL },
		"rate":      rate,
		"inreporting": func(micros, day, currency string) string {
			return "(CASE WHEN coalesce(" + micros + ", 0) = 0 OR " + currency + " = " + reportingSQL + " THEN " + micros +
				" ELSE " + rate(day, currency, convert(micros)) + " END)"
		},
		"norate": func(amounts, day, currency string) string {
			return "(CASE WHEN " + currency + " = " + reportingSQL + " OR (" + amounts + ") THEN 0 WHEN " + rate(day, currency, "1") + " = 1 THEN 0 ELSE 1 END)"
		},
		"ratio": ratio, "daysbetween": between, "whole": whole,
	}
}
