package store

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"subfive"
)

// ExportQuery names rows of a view to be written to a file.
type ExportQuery struct {
	// View is one of ListQuery's, or clicks_private, which has what identifies
	// visitors.
	View string
	// Since and Until bound the row's own time, Until not included; zero: no
	// bound.
	Since, Until time.Time
	// Filters are a list's; see ListQuery.
	Filters map[string][]string
	// NewestFirst turns the order around, as lists have it.
	NewestFirst bool
}

// Export calls head once with the columns of a view, and row for each of its
// rows, oldest first unless asked otherwise. A value is nil or of its column's kind. It reads a page at
// a time and holds nothing open in between, so that a slow reader hinders nobody;
// a row is as it was when its page was read. An error of head or row ends it. A
// view that is not exported, or a wrong filter, is ErrBadQuery.
func (s *Store) Export(ctx context.Context, q ExportQuery, head func([]subfive.Column) error, row func([]any) error) error {
	l, ok := exports()[q.View]
	if !ok {
		return fmt.Errorf("%w: %q is not exported", ErrBadQuery, q.View)
	}
	n, err := l.narrow(ListQuery{View: q.View, Filters: q.Filters, Since: q.Since, Until: q.Until})
	if err != nil {
		return err
	}
	columns, err := s.columnsOf(ctx, l.view)
	if err != nil {
		return wrap("export "+q.View, err)
	}
	if err := head(columns); err != nil {
		return err
	}
	last := exportPlace{}
	for {
		var page [][]any
		err := s.read(ctx, s.screens, func(t *tx) (err error) {
			page, err = t.exportPage(ctx, n, columns, q.NewestFirst, last)
			return err
		})
		if err != nil {
			return wrap("export "+q.View, misfit(err))
		}
		for _, values := range page {
			if err := row(values); err != nil {
				return err
			}
		}
		if len(page) < MaxPage {
			return nil
		}
		last = placeOf(l, columns, page[len(page)-1])
	}
}

// exports are the views that are exported, and how they are paged.
func exports() map[string]list {
	all := lists()
	all["clicks_private"] = list{view: privateView, id: "click_id", at: "clicked_at_ms"}
	return all
}

// columnsOf returns a view's columns in their order.
func (s *Store) columnsOf(ctx context.Context, view string) (columns []subfive.Column, err error) {
	b := s.flavor.NewSelectBuilder()
	err = s.Query(ctx, text(b.Select("*").From(view).Where("1 = 0")), func(names []string) error {
		for _, name := range names {
			columns = append(columns, subfive.Column{Name: name, Kind: columnKind(name)})
		}
		return nil
	}, nil)
	return columns, err
}

// exportPlace is the row that a page ended with; its zero value is none.
type exportPlace struct {
	at int64
	id string
}

func placeOf(l list, columns []subfive.Column, values []any) (p exportPlace) {
	for i, c := range columns {
		switch c.Name {
		case l.at:
			p.at, _ = values[i].(int64)
		case l.id:
			p.id, _ = values[i].(string)
		}
	}
	return p
}

func (t *tx) exportPage(ctx context.Context, n narrowing, columns []subfive.Column, newestFirst bool, last exportPlace) (page [][]any, err error) {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = t.s.flavor.Quote(c.Name)
	}
	order, after := "", ">"
	if newestFirst {
		order, after = " DESC", "<"
	}
	args := slices.Clone(n.args)
	key := fmt.Sprintf("export %s%s %s %t", n.l.view, order, n.key, last.id != "")
	if last.id != "" {
		args = append(args, last.at, last.at, last.id)
	}
	build := func() string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select(names...).From(n.l.view).OrderBy(n.l.at+order, n.l.id+order)
		n.where(b)
		if last.id != "" {
			// The first half is implied by the second; an index can use it.
			b.Where(n.l.at+" "+after+"= "+b.Var(0), b.Or(n.l.at+" "+after+" "+b.Var(0), n.l.id+" "+after+" "+b.Var("")))
		}
		return text(b.Limit(1))
	}
	exact := exactColumns(columns)
	err = t.query(ctx, key, build, append(args, MaxPage), func(r *sql.Rows) error {
		raw, err := scanAll(r, len(columns))
		if err != nil {
			return err
		}
		values := make([]any, len(columns))
		for i, c := range columns {
			from := raw[i]
			if amount, ok := raw[exact[i]].(int64); ok && exact[i] != i {
				from = subfive.Micros(amount)
			}
			if values[i], err = valueOf(c.Kind, from); err != nil {
				return fmt.Errorf("column %s: %w", c.Name, err)
			}
		}
		page = append(page, values)
		return nil
	})
	return page, err
}

// exactColumns are, for each column, the place it is read from: an amount's is
// the one in millionths beside it, for SQLite divides in floating point.
func exactColumns(columns []subfive.Column) []int {
	from := make([]int, len(columns))
	for i, c := range columns {
		from[i] = i
		if c.Kind != subfive.ColumnDecimal {
			continue
		}
		if j := slices.IndexFunc(columns, func(o subfive.Column) bool { return o.Name == c.Name+"_micros" }); j >= 0 {
			from[i] = j
		}
	}
	return from
}

// valueOf makes what a database returns the kind's own Go type.
func valueOf(k subfive.ColumnKind, v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	switch k {
	case subfive.ColumnText:
		return fmt.Sprint(v), nil
	case subfive.ColumnWhole:
		switch v := v.(type) {
		case int64:
			return v, nil
		case string: // PostgreSQL's numeric
			return strconv.ParseInt(v, 10, 64)
		}
	case subfive.ColumnDecimal:
		switch v := v.(type) {
		case subfive.Micros:
			return v, nil
		case float64:
			return subfive.Micros(math.Round(v * 1e6)), nil
		case string:
			return subfive.ParseMicros(v)
		}
	case subfive.ColumnRatio:
		switch v := v.(type) {
		case float64:
			return v, nil
		case string:
			return strconv.ParseFloat(v, 64)
		}
	case subfive.ColumnTime:
		switch v := v.(type) {
		case time.Time:
			return v, nil
		case string:
			return time.Parse(time.RFC3339Nano, strings.TrimSpace(v))
		}
	}
	return nil, fmt.Errorf("%T is no %s", v, k)
}
