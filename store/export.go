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
	// View is clicks, conversions, deliveries, or clicks_private, which has what
	// identifies visitors.
	View string
	// Since and Until bound the row's own time, Until not included; zero: no
	// bound. It is clicked_at, converted_at, or created_at.
	Since, Until time.Time
}

// Export calls head once with the columns of a view, and row for each of its
// rows, oldest first. A value is nil or of its column's kind. It reads a page at
// a time and holds nothing open in between, so that a slow reader hinders nobody;
// a row is as it was when its page was read. An error of head or row ends it. A
// view that is not exported is ErrBadQuery.
func (s *Store) Export(ctx context.Context, q ExportQuery, head func([]subfive.Column) error, row func([]any) error) error {
	l, ok := exports()[q.View]
	if !ok {
		return fmt.Errorf("%w: %q is not exported", ErrBadQuery, q.View)
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
			page, err = t.exportPage(ctx, l, columns, q, last)
			return err
		})
		if err != nil {
			return wrap("export "+q.View, err)
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
	all := map[string]list{"clicks_private": {view: privateView, id: "click_id", at: "clicked_at_ms"}}
	for _, view := range []string{"clicks", "conversions", "deliveries"} {
		all[view] = lists()[view]
	}
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

func (t *tx) exportPage(ctx context.Context, l list, columns []subfive.Column, q ExportQuery, last exportPlace) (page [][]any, err error) {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = t.s.flavor.Quote(c.Name)
	}
	key, args := "export "+l.view, []any{}
	b := t.s.flavor.NewSelectBuilder()
	b.Select(names...).From(l.view).OrderBy(l.at, l.id)
	if !q.Since.IsZero() {
		b.Where(b.GE(l.at, 0))
		key, args = key+" since", append(args, subfive.Millis(q.Since))
	}
	if !q.Until.IsZero() {
		b.Where(b.LT(l.at, 0))
		key, args = key+" until", append(args, subfive.Millis(q.Until))
	}
	if last.id != "" {
		// The first half is implied by the second; an index can use it.
		b.Where(b.GE(l.at, 0), b.Or(l.at+" > "+b.Var(0), b.GT(l.id, "")))
		key, args = key+" after", append(args, last.at, last.at, last.id)
	}
	b.Limit(1)
	exact := exactColumns(columns)
	err = t.query(ctx, key, func() string { return text(b) }, append(args, MaxPage), func(r *sql.Rows) error {
		raw, err := scanAll(r, len(columns))
		if err != nil {
			return err
		}
		values := make([]any, len(columns))
		for i, c := range columns {
			from := raw[i]
			if n, ok := raw[exact[i]].(int64); ok && exact[i] != i {
				from = subfive.Micros(n)
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
