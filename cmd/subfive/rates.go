package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"subfive"
	"subfive/costs"
	"subfive/store"
)

// rateFlags are the flags of import rates.
type rateFlags struct {
	since, dates string
	dryRun       bool
}

func newImportRates(a *app) *cobra.Command {
	var f rateFlags
	c := &cobra.Command{
		Use:   "rates FILE",
		Short: "Take in rates of exchange, for reports in one currency",
		Long: `Reads rates of exchange: a CSV of date, currency and rate, what one unit was worth in the reporting
currency; or the European Central Bank's eurofxref-hist.csv or XML, whose rates against the euro are
crossed. A rate that is there already for the same day is replaced. Reports use them at once: each amount
by the rate of its own day, else by the last one of the six days before, as none is published on weekends.`,
		Example: `  subfive import rates eurofxref-hist.csv --since 2026-01-01
  subfive import rates rates.csv --dry-run`,
		Args: exactly(1, "the file"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(s session) error { return a.importRates(c.Context(), s, f, args[0]) })
		},
	}
	c.Flags().StringVar(&f.since, "since", "", "leave out the days before this one (2026-01-31)")
	c.Flags().StringVar(&f.dates, "dates", "", "what 03/04/2026 means: mdy or dmy")
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "read all and record nothing")
	return c
}

func (a *app) importRates(ctx context.Context, s session, f rateFlags, path string) (err error) {
	if f.dates != "" && f.dates != string(costs.MonthFirst) && f.dates != string(costs.DayFirst) {
		return usagef("--dates %s: there is mdy (month first) and dmy (day first)", f.dates)
	}
	if f.since != "" {
		since, err := parseWhen(f.since, a.now())
		if err != nil {
			return usagef("--since %s: %w", f.since, err)
		}
		f.since = since.Format(time.DateOnly)
	}
	file, err := os.Open(path)
	if err != nil {
		return usageError{err}
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	k := &rateKeeper{
		st: s.Store, since: f.since, dryRun: f.dryRun,
		reader: costs.RateReader{Reporting: s.file.Server.Reporting.Currency, Dates: costs.Dates(f.dates), Now: a.now()},
	}
	form, err := k.read(ctx, file)
	if errors.Is(err, costs.ErrRates) {
		return usageError{fmt.Errorf("%s: %w", path, err)}
	}
	if err != nil {
		return fmt.Errorf("import %s: %w; run it again: what was recorded is left alone", path, err)
	}
	what := "a table of rates in " + k.reader.Reporting
	if form != costs.RatesPlain {
		what = "the European Central Bank's rates, crossed to " + k.reader.Reporting
	}
	done := "imported"
	if f.dryRun {
		done = "can be read; nothing was recorded"
	}
	fmt.Fprintf(a.stdout, "%s is read as %s\n%s of %s %s%s\n", path, what, count(k.kept, "rate", "rates"), count(k.days, "day", "days"), done, k.span())
	for _, reason := range k.reasons {
		fmt.Fprintf(a.stdout, "rejected: %s\n", plain(reason))
	}
	if k.kept == 0 && k.rejected == 0 {
		return fmt.Errorf("no rate was found: has the file one of %s, and of a day since --since?", k.reader.Reporting)
	}
	if k.rejected > 0 {
		return fmt.Errorf("%s rejected: mend them and import the file again", count(k.rejected, "row", "rows"))
	}
	return nil
}

// rateBatch is how many rates are kept in one transaction.
const rateBatch = 2000

// rateKeeper keeps the rates that are read.
type rateKeeper struct {
	st     *store.Store
	reader costs.RateReader
	since  string // a day; "": all
	dryRun bool

	batch       []store.Rate
	kept, days  int
	day         string // the last one read
	first, last string
	rejected    int
	reasons     []string
}

// rateSource is who says so.
func rateSource(form costs.RateForm) string {
	if form == costs.RatesPlain {
		return "import"
	}
	return "ecb"
}

// read reads a table and keeps its rates.
func (k *rateKeeper) read(ctx context.Context, in io.Reader) (costs.RateForm, error) {
	form, err := k.reader.Read(in, func(r costs.Rate) error {
		if r.Date < k.since {
			return nil
		}
		if r.Date != k.day {
			k.days++
			k.day = r.Date
		}
		if k.first == "" || r.Date < k.first {
			k.first = r.Date
		}
		k.last = max(k.last, r.Date)
		k.kept++
		k.batch = append(k.batch, store.Rate{Date: r.Date, Currency: r.Currency, Reporting: k.reader.Reporting, Rate: r.Rate, Source: rateSource(r.Form)})
		if len(k.batch) < rateBatch {
			return nil
		}
		return k.flush(ctx)
	}, func(wrong *subfive.Rejection) error {
		k.rejected++
		if len(k.reasons) < shownReasons {
			k.reasons = append(k.reasons, wrong.Error())
		}
		return nil
	})
	if err != nil {
		return form, err
	}
	return form, k.flush(ctx)
}

func (k *rateKeeper) flush(ctx context.Context) error {
	batch := k.batch
	k.batch = nil
	if k.dryRun || len(batch) == 0 {
		return ctx.Err()
	}
	return k.st.PutRates(ctx, batch)
}

func (k *rateKeeper) span() string {
	if k.kept == 0 {
		return ""
	}
	return ", from " + k.first + " to " + k.last
}
