package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/huandu/go-sqlbuilder"

	"subfive"
)

// narrowing is what a list's filters and bounds come to: which conditions there
// are, and apart from them their arguments in the same order.
type narrowing struct {
	l            list
	columns      []narrowed
	since, until bool
	key          string
	args         []any
}

// narrowed is a column and of how many values it must have one.
type narrowed struct {
	name   string
	values int
	held   bool // or it is a delivery that is held
}

// narrow reads a query's filters and bounds.
func (l list) narrow(q ListQuery) (narrowing, error) {
	n := narrowing{l: l, since: !q.Since.IsZero(), until: !q.Until.IsZero()}
	for _, name := range slices.Sorted(maps.Keys(q.Filters)) {
		if !slices.Contains(l.filters, name) {
			return n, fmt.Errorf("%w: %s can't be filtered by %q, but by %s", ErrBadQuery, q.View, name, strings.Join(l.filters, ", "))
		}
		values := slices.Compact(slices.Sorted(slices.Values(q.Filters[name])))
		if len(values) == 0 || len(values) > maxValues {
			return n, fmt.Errorf("%w: %s is given %d values, and takes 1 to %d", ErrBadQuery, name, len(values), maxValues)
		}
		c := narrowed{name: name}
		if l.view == "v_deliveries" && name == "status" {
			all := len(values)
			values = slices.DeleteFunc(values, func(v string) bool { return v == statusHeld })
			c.held = len(values) < all
		}
		if len(values) > 0 {
			for c.values = 1; c.values < len(values); {
				c.values *= 2 // few statements are kept: the last value is said again
			}
			n.args = append(n.args, inArgs(nil, values, c.values)...)
		}
		n.columns = append(n.columns, c)
	}
	if err := checkValues(n.args); err != nil {
		return n, fmt.Errorf("%w: %w", ErrBadQuery, err)
	}
	if n.since {
		n.args = append(n.args, subfive.Millis(q.Since))
	}
	if n.until {
		n.args = append(n.args, subfive.Millis(q.Until))
	}
	n.key = fmt.Sprintf("%v %t %t", n.columns, n.since, n.until)
	return n, nil
}

// where adds the conditions, in the order of the arguments.
func (n narrowing) where(b *sqlbuilder.SelectBuilder) {
	const held = "status = 'scheduled' AND is_held = 1"
	for _, c := range n.columns {
		switch {
		case c.values == 0:
			b.Where(held)
		case c.held:
			b.Where(b.Or(b.In(c.name, inArgs(nil, []string{""}, c.values)...), "("+held+")"))
		case c.values == 1:
			b.Where(b.EQ(c.name, ""))
		default:
			b.Where(b.In(c.name, inArgs(nil, []string{""}, c.values)...))
		}
	}
	if n.since {
		b.Where(b.GE(n.l.at, 0))
	}
	if n.until {
		b.Where(b.LT(n.l.at, 0))
	}
}

// Count returns how many rows a list has, whatever its limit and cursor.
func (s *Store) Count(ctx context.Context, q ListQuery) (rows int, err error) {
	l, err := q.list()
	if err != nil {
		return 0, err
	}
	n, err := l.narrow(q)
	if err != nil {
		return 0, err
	}
	err = s.read(ctx, s.screens, func(t *tx) error {
		return t.row(ctx, "count "+l.view+" "+l.at+" "+n.key, func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select("count(*)").From(l.view)
			n.where(b)
			return text(b)
		}, n.args, &rows)
	})
	return rows, wrap("count "+q.View, misfit(err))
}

// misfit says of a value that the database refuses that it was the caller's.
func misfit(err error) error {
	if errors.Is(err, subfive.ErrBadData) {
		return fmt.Errorf("%w: a filter's value does not fit its column", ErrBadQuery)
	}
	return err
}
