package store

import (
	"context"
	"database/sql"
	"slices"

	"subfive"
)

// pageSize is how many records of a snapshot one query reads.
const pageSize = 2000

// recount adds what the records of a time count, and what happened then on the
// landing pages of other clicks.
func (t *tx) recount(ctx context.Context, into *sums, from, to int64) error {
	err := t.pages(ctx, "clicks", "click_id", "clicked_at", "doc", from, to, func(r *sql.Rows) (at int64, id string, err error) {
		var c subfive.Click
		if err := scanDoc(r, &c, &at, &id); err != nil {
			return 0, "", err
		}
		into.click(c, 1)
		return at, id, nil
	}, nil)
	if err != nil {
		return err
	}
	var visited []string
	counted := map[string]bool{} // the few whose clicks are of another time
	flush := func() error {
		others := map[string]subfive.Click{}
		if err := t.clicksByID(ctx, visited, others); err != nil {
			return err
		}
		for id, c := range others {
			if at := subfive.Millis(c.ClickedAt); at >= from && at < to || counted[id] {
				continue
			}
			counted[id] = true
			into.click(c, 1)
		}
		visited = visited[:0]
		return nil
	}
	err = t.pages(ctx, "visits", "visit_id", "visited_at", "click_id", from, to, func(r *sql.Rows) (at int64, id string, err error) {
		var click string
		err = r.Scan(&at, &id, &click)
		visited = append(visited, click)
		return at, id, err
	}, flush)
	if err != nil {
		return err
	}
	return t.recountConversions(ctx, into, from, to)
}

func (t *tx) recountConversions(ctx context.Context, into *sums, from, to int64) error {
	var page []subfive.Conversion
	flush := func() error {
		var ids []string
		for _, v := range page {
			ids = append(ids, v.AttributedClickID)
		}
		c := changes{sums: into, clicks: map[string]subfive.Click{}}
		if err := t.clicksByID(ctx, ids, c.clicks); err != nil {
			return err
		}
		for _, v := range page {
			into.conversion(v, c.clickOf(v), 1)
		}
		page = page[:0]
		return nil
	}
	return t.pages(ctx, "conversions", "conversion_id", "converted_at", "doc", from, to, func(r *sql.Rows) (at int64, id string, err error) {
		var v subfive.Conversion
		err = scanDoc(r, &v, &at, &id)
		page = append(page, v)
		return at, id, err
	}, flush)
}

// pages reads the rows of a table between two moments, a page at a time: no
// statement runs long. After each page it calls flush, if there is one: so little
// need be held.
func (t *tx) pages(ctx context.Context, table, key, at, what string, from, to int64, scan func(*sql.Rows) (int64, string, error), flush func() error) error {
	after := ""
	for {
		n := 0
		err := t.query(ctx, "page of "+table, func() string {
			b := t.s.flavor.NewSelectBuilder()
			b.Select(at, key, what).From(table).
				Where(b.GE(at, 0), b.LT(at, 0), b.Or(at+" > "+b.Var(0), b.GT(key, ""))).OrderBy(at, key).Limit(1)
			return text(b)
		}, []any{from, to, from, after, pageSize}, func(r *sql.Rows) (err error) {
			n++
			from, after, err = scan(r)
			return err
		})
		if err == nil && flush != nil {
			err = flush()
		}
		if err != nil || n < pageSize {
			return err
		}
	}
}

// takeSums takes away what the rollups have of a day.
func (t *tx) takeSums(ctx context.Context, from *sums, day string, begin, end int64) error {
	if err := t.takeFrom(ctx, daysTable, day, day, from.days); err != nil {
		return err
	}
	return t.takeFrom(ctx, hoursTable, begin, end-1, from.hours)
}

// takeFrom takes away the rows whose first key is between two values, both
// included.
func (t *tx) takeFrom(ctx context.Context, r rollup, first, last any, from map[sumKey]tally) error {
	return t.query(ctx, "sums of "+r.table, func() string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select(slices.Concat(r.key, tallyColumns)...).From(r.table).Where(b.GE(r.key[0], 0), b.LE(r.key[0], 0))
		return text(b)
	}, []any{first, last}, func(rows *sql.Rows) error {
		var key sumKey
		var n tally
		into := make([]any, 0, len(r.key)+tallySize)
		for i := range r.key {
			into = append(into, &key[i])
		}
		for i := range n {
			into = append(into, &n[i])
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		had := from[key]
		for i := range n {
			had[i] -= n[i]
		}
		from[key] = had
		return nil
	})
}
