package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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
	"subfive/costs"
	"subfive/moving"
	"subfive/store"
)

// costFlags are the flags of import costs.
type costFlags struct {
	platform, source, currency, dates, decimal, reject string

	maps   []string
	dryRun bool
	atOnce int // how many rows are held in memory
}

func newImportCosts(a *app) *cobra.Command {
	f := costFlags{atOnce: costRows}
	c := &cobra.Command{
		Use:   "costs FILE",
		Short: "Take in what ads cost, from an ads manager's own export",
		Long: `Reads an ads manager's CSV export with a breakdown by day, or any CSV with a day and a spend, and keeps
what each ad cost on each day. A day of a source is replaced as a whole: import again and it is corrected,
never doubled, and an ad that is gone from the export is gone. A day with a row that can't be read is left
as it was. docs/costs.md says which columns to export.`,
		Example: `  subfive import costs meta.csv --platform meta --source meta-us --dry-run
  subfive import costs google.csv --platform google --rejected rejected.csv
  subfive import costs spend.csv --source native-1 --map "Media cost=spend" --map "Banner=ad_id"`,
		Args: exactly(1, "the file"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(s session) error { return a.importCosts(c.Context(), s, f, args[0]) })
		},
	}
	var platforms []string
	for _, p := range costs.Platforms() {
		platforms = append(platforms, string(p))
	}
	c.Flags().StringVar(&f.platform, "platform", "", "whose export it is: "+strings.Join(platforms, ", ")+"; else the source's platform")
	c.Flags().StringVar(&f.source, "source", "", "the source whose account it is of; else found by each row's account ID, or the platform's only one")
	c.Flags().StringVar(&f.currency, "currency", "", "of amounts that name none; else the source's")
	c.Flags().StringArrayVar(&f.maps, "map", nil, "COLUMN=FIELD: what a column is taken for; ignore leaves it out; may be repeated")
	c.Flags().StringVar(&f.dates, "dates", "", "what 03/04/2026 means: mdy or dmy")
	c.Flags().StringVar(&f.decimal, "decimal", "", "the mark before decimals: point or comma; else seen from the numbers")
	c.Flags().StringVar(&f.reject, "rejected", "", "a new file for the days that are refused, to be mended and imported again")
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "read all, show the first 5 as read, and record nothing")
	return c
}

// costRows is how many rows of whole days are held in memory at a time. The file
// is read again for each so many.
const costRows = 50_000

// costImport is one file on its way in. Its rows are read several times: to see
// how numbers are written, to see which days are whole, and to keep those.
type costImport struct {
	*feed
	src      io.ReadSeeker
	s        session
	flags    costFlags
	platform costs.Platform
	given    map[string]costs.Field
	columns  []costs.Column
	reader   costs.Reader
	sources  []subfive.Source // that a row may be of

	id     string // of the import: the same file, the same ID
	days   map[costDay]*costDayRows
	broken bool // a row's day can't be read: no day is known to be whole
	totals int  // lines that only add up
	sums   map[string]subfive.Micros
}

// costDay is what is replaced as one.
type costDay struct{ day, source string }

type costDayRows struct {
	rows   int
	broken bool
}

func (a *app) importCosts(ctx context.Context, s session, flags costFlags, path string) error {
	i := newCostImport(s, flags)
	setup, err := s.Setup(ctx)
	if err != nil {
		return err
	}
	if err := i.prepare(a, setup); err != nil {
		return err
	}
	if err := i.open(a, path); err != nil {
		return err
	}
	err = i.run(ctx)
	if err := errors.Join(err, i.close()); err != nil {
		return fmt.Errorf("import %s: %w", path, err)
	}
	return i.end()
}

func newCostImport(s session, flags costFlags) *costImport {
	return &costImport{s: s, flags: flags, days: map[costDay]*costDayRows{}, sums: map[string]subfive.Micros{}}
}

// open opens the file and says what its columns are taken for.
func (i *costImport) open(a *app, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return usageError{err}
	}
	i.feed = &feed{a: a, r: &reading{reject: i.flags.reject, dryRun: i.flags.dryRun}, file: file}
	if err := i.read(file); err != nil {
		return errors.Join(usageError{fmt.Errorf("%s: %w", path, err)}, file.Close())
	}
	fmt.Fprintf(a.stdout, "%s is read as costs of %s:\n", path, i.platform)
	for _, c := range i.columns {
		fmt.Fprintf(a.stdout, "  %s\n", plain(c.Words()))
	}
	return nil
}

// read takes a table as the one to read: its bytes make the import's ID.
func (i *costImport) read(src io.ReadSeeker) error {
	i.src = src
	hash := sha256.New()
	if _, err := io.Copy(hash, src); err != nil {
		return err
	}
	i.id = subfive.DeriveID(prefixImport, hex.EncodeToString(hash.Sum(nil)))
	return i.rewind()
}

// prefixImport begins the ID of an import of costs.
const prefixImport = "im_"

// rewind reads the file from its beginning, below its header.
func (i *costImport) rewind() (err error) {
	table := func(isHeader func([]string) bool) error {
		if _, err := i.src.Seek(0, io.SeekStart); err != nil {
			return err
		}
		i.table, err = moving.NewTableBelow(i.src, isHeader)
		return err
	}
	if err = table(func(cells []string) bool { return i.platform.IsHeader(cells, i.given) }); errors.Is(err, moving.ErrNoHeader) {
		err = table(func(cells []string) bool { return len(cells) > 1 }) // to say what it lacks
	}
	if err != nil {
		return err
	}
	i.columns, err = i.platform.Columns(i.table.Header, i.given)
	i.reader.Columns = i.columns
	return err
}

// each reads all rows but totals. wrong is what is wrong with a row that can't be
// read; it then has no cost but perhaps its day.
func (i *costImport) each(ctx context.Context, fn func(row moving.Row, c costs.Cost, wrong *subfive.Rejection) error) error {
	if err := i.rewind(); err != nil {
		return err
	}
	i.totals = 0
	for {
		row, err := i.table.Next()
		if errors.Is(err, io.EOF) {
			return ctx.Err()
		}
		var wrong *subfive.Rejection
		if err != nil && !errors.As(err, &wrong) || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		cells := row.Cells
		if wrong != nil {
			cells = strings.Split(row.Raw, ",")
		}
		if i.reader.IsTotal(cells) {
			i.totals++
			continue
		}
		var c costs.Cost
		if wrong == nil {
			c, err = i.reader.Cost(costs.Row{Line: row.Line, Cells: row.Cells})
			if err != nil && !errors.As(err, &wrong) {
				return err
			}
		}
		if err := fn(row, c, wrong); err != nil {
			return err
		}
	}
}

// judge reads the file to see how numbers are written and which days are whole.
func (i *costImport) judge(ctx context.Context) error {
	if err := i.each(ctx, func(row moving.Row, _ costs.Cost, _ *subfive.Rejection) error {
		if len(row.Cells) == len(i.columns) {
			i.reader.Learn(costs.Row{Line: row.Line, Cells: row.Cells})
		}
		return nil
	}); err != nil {
		return err
	}
	err := i.reader.Learned()
	if errors.Is(err, costs.ErrMixed) {
		err = fmt.Errorf("%w; say which is right: --decimal point or --decimal comma", err)
	}
	if err != nil {
		return usageError{err}
	}
	return i.each(ctx, i.look)
}

// run reads the file and keeps its whole days.
func (i *costImport) run(ctx context.Context) error {
	if err := i.judge(ctx); err != nil {
		return err
	}
	if err := i.keepRejected(ctx); err != nil {
		return err
	}
	whole := i.whole()
	if i.flags.dryRun {
		return i.dryRun(ctx, whole)
	}
	added, err := i.keep(ctx, whole)
	i.say(whole, added)
	if err != nil {
		return fmt.Errorf("%w; run it again: the days that were kept are replaced by the same", err)
	}
	return i.warn(ctx, whole)
}

// warn prints what a reader of reports should know.
func (i *costImport) warn(ctx context.Context, whole []costDay) error {
	notes, err := i.notes(ctx, whole)
	for _, note := range notes {
		fmt.Fprintln(i.a.stdout, note)
	}
	return err
}

// look notes a row's day, and whether it can be read.
func (i *costImport) look(row moving.Row, c costs.Cost, wrong *subfive.Rejection) error {
	source, why := i.place(c)
	if wrong == nil && why != "" {
		wrong = &subfive.Rejection{Line: row.Line, Reason: why}
	}
	switch {
	case wrong == nil:
	case c.Day == "" || why != "":
		i.broken = true
	}
	if c.Day != "" && why == "" {
		of := costDay{c.Day, source.ID}
		if i.days[of] == nil {
			i.days[of] = &costDayRows{}
		}
		i.days[of].rows++
		i.days[of].broken = i.days[of].broken || wrong != nil
	}
	if wrong != nil {
		i.rejected++
		if len(i.reasons) < shownReasons {
			i.reasons = append(i.reasons, wrong.Error())
		}
	}
	return nil
}

// whole are the days that can be kept, the first day first.
func (i *costImport) whole() []costDay {
	var all []costDay
	for of, d := range i.days {
		if !d.broken && !i.broken {
			all = append(all, of)
		}
	}
	slices.SortFunc(all, func(a, b costDay) int { return strings.Compare(a.day+" "+a.source, b.day+" "+b.source) })
	return all
}

// keepRejected writes the rows of days that are not kept, those too that could be
// read: only all of them together replace the day.
func (i *costImport) keepRejected(ctx context.Context) error {
	if i.rejected == 0 || i.flags.reject == "" {
		return nil
	}
	n, reasons := i.rejected, i.reasons
	defer func() { i.rejected, i.reasons = n, reasons }()
	return i.each(ctx, func(row moving.Row, c costs.Cost, wrong *subfive.Rejection) error {
		source, why := i.place(c)
		d := i.days[costDay{c.Day, source.ID}]
		switch {
		case wrong != nil:
		case why != "":
			wrong = &subfive.Rejection{Line: row.Line, Reason: why}
		case i.broken:
			wrong = &subfive.Rejection{Line: row.Line, Reason: "nothing is wrong with it, but no day is known to be whole"}
		case d.broken:
			wrong = &subfive.Rejection{Line: row.Line, Reason: "nothing is wrong with it, but another row of its day is refused"}
		default:
			return nil
		}
		return i.refuse(row, wrong)
	})
}

// cost is a row as it is kept.
func (i *costImport) cost(c costs.Cost, source subfive.Source) store.Cost {
	k := store.Cost{
		SourceID: source.ID, Day: c.Day, AdAccountID: source.AccountID, Platform: source.Platform, Ad: c.Ad, Spend: c.Spend,
		Impressions: c.Impressions, Clicks: c.Clicks, Conversions: c.Conversions, Value: c.Value,
	}
	if k.AdAccountID == "" {
		k.AdAccountID = c.AccountID
	}
	for _, code := range []string{i.flags.currency, source.Currency} {
		if k.Spend.Currency == "" {
			k.Spend.Currency = code
		}
	}
	return k
}

// keep keeps whole days, so many at a time as fit. added is how many rows were
// added to another of the same ad and day.
func (i *costImport) keep(ctx context.Context, whole []costDay) (added int, err error) {
	var bar *progressbar.ProgressBar
	if isTerminal(i.a.stderr) {
		bar = progressbar.NewOptions(len(whole), progressbar.OptionSetWriter(i.a.stderr), progressbar.OptionSetDescription("days"),
			progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond))
	}
	for len(whole) > 0 {
		n, rows := 0, 0
		for n < len(whole) && (n == 0 || rows+i.days[whole[n]].rows <= i.flags.atOnce) {
			rows += i.days[whole[n]].rows
			n++
		}
		twice, err := i.keepSome(ctx, whole[:n])
		added += twice
		if err != nil {
			return added, err
		}
		whole = whole[n:]
		if bar != nil {
			if err := bar.Add(n); err != nil {
				return added, err
			}
		}
	}
	return added, nil
}

func (i *costImport) keepSome(ctx context.Context, some []costDay) (added int, err error) {
	wanted := map[costDay]bool{}
	for _, of := range some {
		wanted[of] = true
	}
	var rows []store.Cost
	keys := map[store.Cost]bool{}
	err = i.each(ctx, func(_ moving.Row, c costs.Cost, _ *subfive.Rejection) error {
		source, _ := i.place(c)
		if !wanted[costDay{c.Day, source.ID}] {
			return nil
		}
		k := i.cost(c, source)
		key := store.Cost{SourceID: k.SourceID, Day: k.Day, Ad: subfive.Ad{CampaignID: k.Ad.CampaignID, SetID: k.Ad.SetID, ID: k.Ad.ID}}
		if keys[key] {
			added++
		}
		keys[key] = true
		rows = append(rows, k)
		return nil
	})
	if err != nil {
		return 0, err
	}
	if err := i.s.ReplaceCosts(ctx, i.id, i.a.now(), rows); err != nil {
		return 0, err
	}
	for _, k := range rows {
		i.sums[k.Spend.Currency] += k.Spend.Amount
	}
	return added, nil
}
