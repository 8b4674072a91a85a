package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"subfive"
	"subfive/export"
	"subfive/store"
)

// The forms of a file for analysts.
const (
	formCSV     = "csv"
	formParquet = "parquet"
)

// dataExport is what "export clicks" and the like were asked for.
type dataExport struct {
	store.ExportQuery
	form, since, until, out string
	private                 bool
}

func newExportData(a *app, view, at string) *cobra.Command {
	e := dataExport{ExportQuery: store.ExportQuery{View: view}}
	c := &cobra.Command{
		Use:   view,
		Short: "Write the view v_" + view + " as CSV or Parquet",
		Long: `Writes all columns of the view v_` + view + `, oldest first, as docs/views.md has them. It can run while serve does,
and needs little memory however many rows there are. A file is replaced when all of it is written.

CSV is by RFC 4180, in UTF-8: NULL is empty, an empty text is "", a moment is ISO 8601 in UTC, and a text that a
spreadsheet would run as a formula has a ' before it. Parquet has the texts as they are: STRING, INT64,
DECIMAL(38, 6), and TIMESTAMP in UTC. DuckDB reads it as it is:

  duckdb -c "SELECT * FROM '` + view + `.parquet' LIMIT 10"`,
		Example: "  subfive export " + view + " -o " + view + ".parquet\n" +
			"  subfive export " + view + " --format csv --since 7d > " + view + ".csv",
		Args: exactly(0, "flags only"),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := e.check(a); err != nil {
				return err
			}
			return a.with(c.Context(), func(s session) error { return e.run(c.Context(), a, s) })
		},
	}
	flags := c.Flags()
	flags.StringVar(&e.form, "format", "", "csv or parquet (default: as the file is called, else csv)")
	flags.StringVar(&e.since, "since", "", at+" not before: 24h or 7d ago, 2026-11-20, or 2026-11-20T15:04:05Z")
	flags.StringVar(&e.until, "until", "", at+" before that moment")
	flags.StringVarP(&e.out, "output", "o", "", "the file, which is replaced when all is written (default standard output)")
	if view == "clicks" {
		flags.BoolVar(&e.private, "private", false, "v_clicks_private instead: addresses, user agents and raw parameters, for the owner alone")
	}
	return c
}

// check completes what was asked for.
func (e *dataExport) check(a *app) (err error) {
	if e.Since, e.Until, err = between(e.since, e.until, a.now()); err != nil {
		return err
	}
	if e.form == "" {
		e.form = formCSV
		if strings.HasSuffix(strings.ToLower(e.out), ".parquet") {
			e.form = formParquet
		}
	}
	if e.form != formCSV && e.form != formParquet {
		return usagef("--format %s: there are csv and parquet", e.form)
	}
	if e.form == formParquet && (e.out == "" || e.out == "-") && isTerminal(a.stdout) {
		return usagef("a Parquet file is none for a screen: name one with -o %s.parquet", e.View)
	}
	if e.private {
		e.View = "clicks_private"
	}
	return nil
}

// rowFile is a file that takes rows.
type rowFile interface {
	Row(values []any) error
	Close() error
}

// begin makes the file of the columns.
func (e *dataExport) begin(w io.Writer, columns []subfive.Column) (rowFile, error) {
	if e.form == formParquet {
		return export.NewParquet(w, columns, subfive.Version), nil
	}
	return export.NewCSV(w, columns)
}

func (e *dataExport) run(ctx context.Context, a *app, s session) error {
	var bar *progressbar.ProgressBar // nil where nobody watches
	if isTerminal(a.stderr) && (e.out != "" || !isTerminal(a.stdout)) {
		bar = progressbar.NewOptions64(-1, progressbar.OptionSetWriter(a.stderr), progressbar.OptionSetDescription(e.View),
			progressbar.OptionShowIts(), progressbar.OptionShowCount(), progressbar.OptionSetItsString("rows"),
			progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond))
	}
	n := 0
	err := writeTo(e.out, a.stdout, func(w io.Writer) error {
		var f rowFile
		err := s.Export(ctx, e.ExportQuery, func(columns []subfive.Column) (err error) {
			f, err = e.begin(w, columns)
			return err
		}, func(values []any) error {
			n++
			if bar != nil {
				if err := bar.Add(1); err != nil {
					return err
				}
			}
			return f.Row(values)
		})
		if err != nil {
			return err
		}
		return f.Close()
	})
	if bar != nil {
		if finishErr := bar.Finish(); err == nil {
			err = finishErr
		}
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stderr, "rows: %d\n", n)
	return err
}
