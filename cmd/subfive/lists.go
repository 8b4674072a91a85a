package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"subfive/store"
)

// listing is one of the four lists: what its table shows and what it can be
// narrowed by.
type listing struct {
	view    string // the store's name of the list, and the command's
	one     string
	short   string
	example string
	columns []column
	filters []filter
	// empty says what would be here and how to make it appear.
	empty func(s session) string
}

// column is a column of a list's table.
type column struct {
	head string
	text func(row map[string]any) string
}

// filter is a flag that narrows a list to one value of a view's column.
type filter struct {
	flag, column, usage string
	values              []string // all there are; nil: any
	yesNo               bool
}

// listFlags are the flags that all lists have.
type listFlags struct {
	since, until string
	limit        int
	all, json    bool
}

func newList(a *app, l listing) *cobra.Command {
	var f listFlags
	c := &cobra.Command{
		Use:     l.view,
		Short:   l.short,
		Example: l.example,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("%s takes flags, not %q; for the story of one: %s show ID", c.CommandPath(), args[0], c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error {
			q, err := f.query(a, l, c.Flags())
			if err != nil {
				return err
			}
			return a.with(c.Context(), func(s session) error { return a.list(c.Context(), s, l, q, f) })
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.since, "since", "", "not before: 24h or 7d ago, 2026-11-20, or 2026-11-20T15:04:05Z")
	flags.StringVar(&f.until, "until", "", "before that moment")
	flags.IntVar(&f.limit, "limit", 50, "the most lines, newest first")
	flags.BoolVar(&f.all, "all", false, "all there are")
	flags.BoolVar(&f.json, "json", false, "all columns, one JSON object a line")
	for _, n := range l.filters {
		usage := n.usage
		if n.values != nil {
			usage += ": " + strings.Join(n.values, ", ")
		}
		if n.yesNo {
			flags.Bool(n.flag, false, usage)
		} else {
			flags.String(n.flag, "", usage)
		}
	}
	c.AddCommand(newShow(a, l))
	return c
}

// query turns the flags into the store's question.
func (f listFlags) query(a *app, l listing, flags *pflag.FlagSet) (store.ListQuery, error) {
	q := store.ListQuery{View: l.view, Filters: map[string][]string{}}
	var err error
	if q.Since, q.Until, err = between(f.since, f.until, a.now()); err != nil {
		return q, err
	}
	if err := atMostOne(flags, "all", "limit"); err != nil {
		return q, err
	}
	if f.limit < 1 {
		return q, usagef("--limit %d: it must be at least 1; --all shows all there are", f.limit)
	}
	for _, n := range l.filters {
		flag := flags.Lookup(n.flag)
		if !flag.Changed {
			continue
		}
		value := flag.Value.String()
		switch {
		case n.yesNo && value == "true":
			value = "1"
		case n.yesNo:
			value = "0"
		case n.values != nil && !slices.Contains(n.values, value):
			return q, usagef("--%s %q: it is one of %s", n.flag, value, strings.Join(n.values, ", "))
		}
		q.Filters[n.column] = []string{value}
	}
	return q, nil
}

// atMostOne refuses flags that exclude each other.
func atMostOne(flags *pflag.FlagSet, names ...string) error {
	given := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !flags.Changed(name) })
	if len(given) > 1 {
		return usagef("--%s and --%s exclude each other", given[0], given[1])
	}
	return nil
}

// between reads --since and --until.
func between(since, until string, now time.Time) (from, to time.Time, err error) {
	if since != "" {
		if from, err = parseWhen(since, now); err != nil {
			return from, to, usagef("--since: %w", err)
		}
	}
	if until != "" {
		if to, err = parseWhen(until, now); err != nil {
			return from, to, usagef("--until: %w", err)
		}
	}
	if !from.IsZero() && !to.IsZero() && !from.Before(to) {
		return from, to, usagef("--since %s is not before --until %s", since, until)
	}
	return from, to, nil
}

// list writes the rows of a question, page by page.
func (a *app) list(ctx context.Context, s session, l listing, q store.ListQuery, f listFlags) error {
	out := &listWriter{listing: l, json: f.json, w: a.stdout, table: tableWriter{w: a.stdout}}
	shown := 0
	for f.all || shown < f.limit {
		q.Limit = store.MaxPage
		if !f.all {
			q.Limit = min(q.Limit, f.limit-shown)
		}
		rows, next, err := s.List(ctx, q)
		if errors.Is(err, store.ErrBadQuery) {
			return usageError{err}
		}
		if err != nil {
			return err
		}
		for _, row := range rows {
			if l.view == viewDeliveries {
				row[held] = cellText(row["is_held"]) == "1"
			}
			if err := out.row(row); err != nil {
				return err
			}
			shown++
		}
		if q.Cursor = next; next == "" {
			break
		}
	}
	if err := out.table.close(); err != nil {
		return err
	}
	switch {
	case shown == 0 && !f.json:
		a.sayEmpty(s, l, q)
	case q.Cursor != "":
		fmt.Fprintf(a.stderr, "the newest %d; there are more: --limit N or --all\n", shown)
	}
	return nil
}

// sayEmpty says why there is nothing to see.
func (a *app) sayEmpty(s session, l listing, q store.ListQuery) {
	if len(q.Filters) > 0 || !q.Since.IsZero() || !q.Until.IsZero() {
		fmt.Fprintf(a.stdout, "No %s matches. All of them: subfive %s\n", l.one, l.view)
		return
	}
	fmt.Fprintf(a.stdout, "No %s yet. %s", l.one, l.empty(s))
}

// listWriter writes a list's rows: all columns as JSON, or a table of some.
type listWriter struct {
	listing
	json  bool
	w     io.Writer
	table tableWriter
	begun bool
}

func (l *listWriter) row(row map[string]any) error {
	if l.json {
		return writeJSONLine(l.w, row)
	}
	if !l.begun {
		l.begun = true
		heads := make([]string, len(l.columns))
		for i, c := range l.columns {
			heads[i] = c.head
		}
		if err := l.table.head(heads); err != nil {
			return err
		}
	}
	cells := make([]any, len(l.columns))
	for i, c := range l.columns {
		cells[i] = c.text(row)
	}
	return l.table.row(cells)
}
