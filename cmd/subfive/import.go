package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"subfive"
	"subfive/forwarders/all"
	"subfive/identity"
	"subfive/moving"
)

func newImport(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "import",
		Short: "Take in what another tracker, an ads manager or a central bank exports",
		Long: `Takes clicks, conversions and campaigns of another tracker in, what ads cost from the ads managers, and
rates of exchange, while serve runs or not. Doing it twice changes nothing. docs/migrate-….md has the order
of steps for each tracker, docs/costs.md is about costs and rates.`,
		Example: "  subfive import clicks clicks.csv --source meta-us --dry-run",
		Args:    exactly(0, "what to import: clicks, conversions, campaigns, costs or rates"),
		RunE: func(*cobra.Command, []string) error {
			return usagef("say what to import: subfive import clicks FILE, conversions FILE, campaigns FILE, costs FILE or rates FILE")
		},
	}
	c.AddCommand(newImportClicks(a), newImportConversions(a), newImportCampaigns(a), newImportCosts(a), newImportRates(a))
	return c
}

// reading is how a table is read, as the flags say.
type reading struct {
	kind                    moving.Kind
	from                    string
	maps                    []string
	timezone, dates, reject string
	dryRun                  bool
}

func (r *reading) flags(c *cobra.Command) {
	var names []string
	for _, rival := range moving.Rivals() {
		names = append(names, string(rival))
	}
	c.Flags().StringVar(&r.from, "from", "", "whose export it is: "+strings.Join(names, ", ")+"; guessed when left out")
	c.Flags().StringArrayVar(&r.maps, "map", nil, "COLUMN=FIELD: what a column is taken for; ignore leaves it out; may be repeated")
	if r.kind == moving.Campaigns {
		return
	}
	c.Flags().StringVar(&r.timezone, "timezone", "", "of times that name none, such as America/New_York; else the source's, else the reporting one")
	c.Flags().StringVar(&r.dates, "dates", "", "what 03/04/2026 means: mdy or dmy")
	c.Flags().StringVar(&r.reject, "rejected", "", "a new file for the rows that are refused, to be mended and imported again")
	c.Flags().BoolVar(&r.dryRun, "dry-run", false, "read all, show the first 5 as read, and record nothing")
}

// columns says what a header's columns are taken for.
func (r *reading) columns(header []string) (moving.Rival, []moving.Column, error) {
	rival := moving.Rival(r.from)
	switch {
	case r.from == "":
		rival = moving.Guess(r.kind, header)
	case !slices.Contains(moving.Rivals(), rival):
		return "", nil, usagef("--from %s: there is redtrack, voluum, bemob, binom, anytrack, keitaro and generic", r.from)
	}
	given := map[string]moving.Field{}
	for _, m := range r.maps {
		i := strings.LastIndexByte(m, '=')
		if i <= 0 || i == len(m)-1 {
			return "", nil, usagef("--map %s: write COLUMN=FIELD, such as --map \"Click time=time\"", m)
		}
		given[m[:i]] = moving.Field(m[i+1:])
	}
	columns, err := moving.Columns(r.kind, rival, header, clickParams(), given)
	if err != nil {
		return "", nil, usageError{err}
	}
	return rival, columns, nil
}

// options are for the values; fallback is the time zone where no flag names one.
func (r *reading) options(now time.Time, fallback string) (moving.Options, error) {
	o := moving.Options{Now: now, DayFirst: r.dates == "dmy", MonthFirst: r.dates == "mdy", Country: func(word string) string {
		return strings.ToUpper(identity.Country(word))
	}}
	if r.dates != "" && !o.DayFirst && !o.MonthFirst {
		return o, usagef("--dates %s: there is mdy (month first) and dmy (day first)", r.dates)
	}
	zone := r.timezone
	if zone == "" {
		zone = fallback
	}
	var err error
	if o.Zone, err = time.LoadLocation(zone); err != nil {
		return o, usagef("--timezone %s: there is no such zone; write it as America/New_York or UTC", zone)
	}
	return o, nil
}

// clickParams are the click parameters of all platforms.
func clickParams() []string {
	var params []string
	for _, p := range all.Platforms() {
		params = append(params, p.ClickParams...)
	}
	return params
}

// feed takes a table's rows in, batch by batch.
type feed struct {
	a     *app
	r     *reading
	table *moving.Table
	file  *os.File
	bar   *progressbar.ProgressBar // nil where nobody watches
	bad   *moving.Rejected         // nil until there is one
	out   *os.File

	rows     []moving.Row
	records  []subfive.Record
	shown    int // of --dry-run
	good     int // of --dry-run
	had      int
	rejected int
	reasons  []string
	// take records; taken looks at what came of it.
	take  func(ctx context.Context, records []subfive.Record) (subfive.Batch, error)
	taken func(subfive.Batch)
}

const (
	shownRows    = 5  // of --dry-run
	shownReasons = 20 // of rejected rows; the rest is in the file
)

// openFeed opens a table and says what its columns are taken for.
func (a *app) openFeed(r *reading, path string) (*feed, []moving.Column, error) {
	if r.reject != "" && exists(r.reject) {
		return nil, nil, usagef("--rejected %s: it is there already; name a new file", r.reject)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, usageError{err}
	}
	f := &feed{a: a, r: r, file: file}
	in := io.Reader(file)
	if st, err := file.Stat(); err == nil && isTerminal(a.stderr) && !r.dryRun {
		f.bar = progressbar.NewOptions64(st.Size(), progressbar.OptionSetWriter(a.stderr), progressbar.OptionShowBytes(true),
			progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond))
		reader := progressbar.NewReader(file, f.bar)
		in = &reader
	}
	table, err := moving.NewTable(in)
	if err != nil {
		return nil, nil, errors.Join(usageError{fmt.Errorf("%s: %w", path, err)}, file.Close())
	}
	f.table = table
	rival, columns, err := r.columns(table.Header)
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	a.sayColumns(path, r, rival, columns)
	return f, columns, nil
}

// sayColumns says what each column is taken for.
func (a *app) sayColumns(path string, r *reading, rival moving.Rival, columns []moving.Column) {
	how := ""
	if r.from == "" {
		how = ", by its header; --from says otherwise"
	}
	fmt.Fprintf(a.stdout, "%s is read as %s of %s%s:\n", path, r.kind, rival, how)
	for _, c := range columns {
		fmt.Fprintf(a.stdout, "  %s\n", plain(c.Words()))
	}
}

// run reads all rows; make turns one into a record.
func (f *feed) run(ctx context.Context, recordOf func(moving.Row) (subfive.Record, error)) (err error) {
	defer func() { err = errors.Join(err, f.close()) }()
	for {
		row, err := f.table.Next()
		if errors.Is(err, io.EOF) {
			return f.flush(ctx)
		}
		var record subfive.Record
		if err == nil {
			record, err = recordOf(row)
		}
		var wrong *subfive.Rejection
		switch {
		case errors.As(err, &wrong):
			if err := f.refuse(row, wrong); err != nil {
				return err
			}
			continue
		case err != nil:
			return err
		}
		if f.r.dryRun {
			if err := f.show(record); err != nil {
				return err
			}
			continue
		}
		f.rows, f.records = append(f.rows, row), append(f.records, record)
		if len(f.records) == importBatch {
			if err := f.flush(ctx); err != nil {
				return err
			}
		}
	}
}

func (f *feed) close() error {
	err := f.file.Close()
	if f.bar != nil {
		err = errors.Join(err, f.bar.Finish())
	}
	if f.out != nil {
		err = errors.Join(err, f.out.Close())
	}
	return err
}

// flush records the batch. Where the database refuses a value, its records are
// tried one by one.
func (f *feed) flush(ctx context.Context) error {
	if len(f.records) == 0 {
		return ctx.Err()
	}
	rows, records := f.rows, f.records
	f.rows, f.records = nil, nil
	err := f.record(ctx, records)
	if !errors.Is(err, subfive.ErrBadData) {
		return err
	}
	for i := range records {
		err := f.record(ctx, records[i:i+1])
		if errors.Is(err, subfive.ErrBadData) {
			err = f.refuse(rows[i], &subfive.Rejection{Line: rows[i].Line, Reason: err.Error()})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *feed) record(ctx context.Context, records []subfive.Record) error {
	b, err := f.take(ctx, records)
	if err != nil {
		return err
	}
	f.had += len(records) - len(b.Clicks) - len(b.Postbacks)
	f.taken(b)
	return nil
}

// refuse keeps a row that is refused, and why.
func (f *feed) refuse(row moving.Row, why *subfive.Rejection) (err error) {
	f.rejected++
	if len(f.reasons) < shownReasons {
		f.reasons = append(f.reasons, why.Error())
	}
	if f.r.reject == "" || f.r.dryRun {
		return nil
	}
	if f.bad == nil {
		if f.out, err = os.OpenFile(f.r.reject, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
			return fmt.Errorf("keep rejected rows: %w", err)
		}
		if f.bad, err = moving.NewRejected(f.out, f.table); err != nil {
			return err
		}
	}
	if err := f.bad.Write(row, why); err != nil {
		return fmt.Errorf("keep rejected rows: %w", err)
	}
	return nil
}

// show shows a record as it was read.
func (f *feed) show(r subfive.Record) error {
	f.good++
	if f.shown == shownRows {
		return nil
	}
	f.shown++
	value := any(r.Click)
	if r.Postback != nil {
		value = r.Postback
	}
	return writeJSON(f.a.stdout, value)
}

// end says what was refused, as an error if anything was.
func (f *feed) end() error {
	for _, reason := range f.reasons {
		fmt.Fprintf(f.a.stdout, "rejected: %s\n", plain(reason))
	}
	if f.rejected > len(f.reasons) {
		fmt.Fprintf(f.a.stdout, "rejected: and %d more\n", f.rejected-len(f.reasons))
	}
	if f.rejected == 0 {
		return nil
	}
	do := "name a file with --rejected to get them all"
	if f.bad != nil {
		do = "mend them in " + f.r.reject + " and import that file"
	}
	return fmt.Errorf("%s rejected: %s", count(f.rejected, "row", "rows"), do)
}
