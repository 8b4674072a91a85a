package store

import (
	"context"
	"database/sql"
	"strconv"
	"strings"

	"subfive"
)

// changes are what one transaction writes that the rollups count: the new rows,
// and for each conversion what it was before.
type changes struct {
	sums   *sums
	clicks map[string]subfive.Click // written in this transaction
	before []subfive.Conversion
	after  []subfive.Conversion
}

func (s *Store) newChanges() *changes {
	return &changes{sums: s.newSums(), clicks: map[string]subfive.Click{}}
}

// clickChanged notes a click that was written, and what it was before.
func (c *changes) clickChanged(before, after subfive.Click, existed bool) {
	if existed {
		c.sums.click(before, -1)
	}
	c.sums.click(after, 1)
	c.clicks[after.ID] = after
}

// count writes the differences into the rollups. It comes last in its
// transaction, so that the rows of today, which all writers want, are held for
// the shortest time.
func (t *tx) count(ctx context.Context, b subfive.Batch, c *changes) error {
	var missing []string
	for _, all := range [][]subfive.Conversion{c.before, c.after} {
		for _, v := range all {
			if _, known := c.clicks[v.AttributedClickID]; !known {
				missing = append(missing, v.AttributedClickID)
			}
		}
	}
	if err := t.clicksByID(ctx, missing, c.clicks); err != nil {
		return err
	}
	for _, v := range c.before {
		c.sums.conversion(v, c.clickOf(v), -1)
	}
	for _, v := range c.after {
		c.sums.conversion(v, c.clickOf(v), 1)
	}
	return t.addSums(ctx, c.sums, subfive.Millis(b.At))
}

func (c *changes) clickOf(v subfive.Conversion) *subfive.Click {
	if click, ok := c.clicks[v.AttributedClickID]; ok {
		return &click
	}
	return nil
}

// addSums adds to the rows of the rollups.
func (t *tx) addSums(ctx context.Context, s *sums, at int64) error {
	if err := t.addTo(ctx, daysTable, s.days, at); err != nil {
		return err
	}
	return t.addTo(ctx, hoursTable, s.hours, at)
}

func (t *tx) addTo(ctx context.Context, r rollup, of map[sumKey]tally, at int64) error {
	keys := sorted(of)
	rows := make([][]any, len(keys))
	for i, key := range keys {
		row := make([]any, 0, len(r.key)+tallySize+1)
		for _, part := range key[:len(r.key)] {
			row = append(row, part)
		}
		if r.table == hoursTable.table {
			hour, err := strconv.ParseInt(key[0], 10, 64)
			if err != nil {
				return err
			}
			row[0] = hour
		}
		for _, n := range of[key] {
			row = append(row, n)
		}
		rows[i] = append(row, at)
	}
	return t.insertRows(ctx, r.table, r.columns(), rows, r.upsert())
}

func (r rollup) columns() []string {
	return append(append(append([]string{}, r.key...), tallyColumns...), "refreshed_at")
}

// upsert ends the statement that adds to rows.
func (r rollup) upsert() string {
	set := make([]string, 0, tallySize+1)
	for _, c := range tallyColumns {
		set = append(set, c+" = "+r.table+"."+c+" + excluded."+c)
	}
	set = append(set, "refreshed_at = excluded.refreshed_at")
	return "ON CONFLICT (" + strings.Join(r.key, ", ") + ") DO UPDATE SET " + strings.Join(set, ", ")
}

// insertClicks inserts those clicks that are not there yet.
func (t *tx) insertClicks(ctx context.Context, b subfive.Batch, c *changes) error {
	rows := make([][]any, len(b.Clicks))
	first := make(map[string]subfive.Click, len(b.Clicks))
	for i, click := range b.Clicks {
		row, err := t.s.clickRow(click)
		if err != nil {
			return err
		}
		rows[i] = row
		if _, twice := first[click.ID]; !twice {
			first[click.ID] = click
		}
	}
	const once = "ON CONFLICT (click_id) DO NOTHING RETURNING click_id"
	return t.insertReturning(ctx, "clicks", clickColumns, rows, once, func(r *sql.Rows) error {
		var id string
		err := r.Scan(&id)
		c.clickChanged(subfive.Click{}, first[id], false)
		return err
	})
}

// insertReturning is insertRows for a suffix that returns rows.
func (t *tx) insertReturning(ctx context.Context, table string, columns []string, rows [][]any, suffix string, scan func(*sql.Rows) error) error {
	limit := min(maxBucket, maxParams/len(columns))
	for len(rows) > 0 {
		n := bucket(len(rows), limit)
		args := make([]any, 0, n*len(columns))
		for _, r := range rows[:n] {
			args = append(args, r...)
		}
		if err := checkValues(args); err != nil {
			return err
		}
		err := t.query(ctx, "insert returning "+table+" "+strconv.Itoa(n), func() string { return t.s.insertText(table, columns, n, suffix) }, args, scan)
		if err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// conversionsBefore notes what the conversions were before they are written.
func (t *tx) conversionsBefore(ctx context.Context, cs []subfive.Conversion, c *changes) error {
	var ids []string
	for _, v := range cs {
		if v.Version > 0 {
			ids = append(ids, v.ID)
		}
	}
	seen := map[string]bool{}
	return t.queryIn(ctx, "conversions before", nil, unique(ids), func(ids []any) string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("conversion_id", "version", "doc").From("conversions").Where(b.In("conversion_id", ids...))
		return text(b)
	}, func(r *sql.Rows) error {
		v, err := scanConversion(r)
		if err == nil && !seen[v.ID] {
			seen[v.ID] = true
			c.before = append(c.before, v)
		}
		return err
	})
}
