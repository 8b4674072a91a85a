package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// texts keeps the SQL that was built, by key: building costs more than running
// it.
type texts struct{ byKey sync.Map }

func (c *texts) get(key string, build func() string) string {
	if text, ok := c.byKey.Load(key); ok {
		return text.(string)
	}
	text, _ := c.byKey.LoadOrStore(key, build())
	return text.(string)
}

// stmt returns the statement of that key, prepared on this connection once. The
// same key must always build the same text.
func (t *tx) stmt(ctx context.Context, key string, build func() string) (*sql.Stmt, error) {
	if st, ok := t.stmts[key]; ok {
		return st, nil
	}
	st, err := t.conn.PrepareContext(ctx, t.s.texts.get(key, build))
	if err != nil {
		return nil, fmt.Errorf("prepare %s: %w", key, err)
	}
	t.stmts[key] = st
	return st, nil
}

// exec runs a prepared statement and returns how many rows it changed.
func (t *tx) exec(ctx context.Context, key string, build func() string, args ...any) (int64, error) {
	if err := checkValues(args); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	st, err := t.stmt(ctx, key, build) //nolint:sqlclosecheck // it lives as long as its connection
	if err != nil {
		return 0, err
	}
	res, err := st.ExecContext(ctx, args...)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", key, err)
	}
	return res.RowsAffected()
}

// query runs a prepared query and calls scan for each of its rows.
func (t *tx) query(ctx context.Context, key string, build func() string, args []any, scan func(*sql.Rows) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	st, err := t.stmt(ctx, key, build) //nolint:sqlclosecheck // it lives as long as its connection
	if err != nil {
		return err
	}
	rows, err := st.QueryContext(ctx, args...)
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

// row runs a prepared query and scans its first row; sql.ErrNoRows when there
// is none.
func (t *tx) row(ctx context.Context, key string, build func() string, args []any, dest ...any) error {
	found := false
	err := t.query(ctx, key, build, args, func(r *sql.Rows) error {
		if found {
			return nil
		}
		found = true
		return r.Scan(dest...)
	})
	if err == nil && !found {
		return sql.ErrNoRows
	}
	return err
}

// maxBucket is the most rows of a statement, or IDs of an IN list.
const maxBucket = 256

// maxParams stays below SQLite's 32,766 and PostgreSQL's 65,535.
const maxParams = 32_000

// bucket returns the largest power of two that is at most n and limit: texts
// are prepared for those sizes alone.
func bucket(n, limit int) int {
	b := 1
	for b*2 <= n && b*2 <= limit {
		b *= 2
	}
	return b
}

// insertRows inserts rows in statements of 256, 128, … 1 of them. suffix ends
// each, such as "ON CONFLICT (id) DO NOTHING".
func (t *tx) insertRows(ctx context.Context, table string, columns []string, rows [][]any, suffix string) error {
	limit := min(maxBucket, maxParams/len(columns))
	for len(rows) > 0 {
		n := bucket(len(rows), limit)
		args := make([]any, 0, n*len(columns))
		for _, r := range rows[:n] {
			if len(r) != len(columns) {
				return fmt.Errorf("insert %s: %d values for %d columns", table, len(r), len(columns))
			}
			args = append(args, r...)
		}
		key := "insert " + table + " " + strconv.Itoa(n) + " " + suffix
		if _, err := t.exec(ctx, key, func() string { return t.s.insertText(table, columns, n, suffix) }, args...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

func (s *Store) insertText(table string, columns []string, n int, suffix string) string {
	ib := s.flavor.NewInsertBuilder()
	ib.InsertInto(table).Cols(columns...)
	for range n {
		ib.Values(make([]any, len(columns))...)
	}
	if suffix != "" {
		ib.SQL(suffix)
	}
	text, _ := ib.Build()
	return text
}

// queryIn runs a query over many IDs in chunks and calls scan for each row.
// build gets as many placeholders' values as the chunk has and returns the text;
// the query's arguments are before, then the IDs. A chunk is filled up with its
// last ID, so that few texts serve all sizes; an ID that is named twice may give
// its rows twice.
func (t *tx) queryIn(ctx context.Context, key string, before []any, ids []string, build func(ids []any) string, scan func(*sql.Rows) error) error {
	return t.chunks(key, before, ids, func(key string, size int, args []any) error {
		return t.query(ctx, key, func() string { return build(make([]any, size)) }, args, scan)
	})
}

// execIn is queryIn for a statement without rows.
func (t *tx) execIn(ctx context.Context, key string, before []any, ids []string, build func(ids []any) string) error {
	return t.chunks(key, before, ids, func(key string, size int, args []any) error {
		_, err := t.exec(ctx, key, func() string { return build(make([]any, size)) }, args...)
		return err
	})
}

// chunks calls run for each part of the IDs with the key and the arguments of a
// statement for size of them.
func (t *tx) chunks(key string, before []any, ids []string, run func(key string, size int, args []any) error) error {
	for len(ids) > 0 {
		n := min(len(ids), maxBucket)
		size := bucket(n, maxBucket)
		if size < n {
			size *= 2
		}
		if err := run(key+" "+strconv.Itoa(size), size, inArgs(before, ids[:n], size)); err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

func inArgs(before []any, ids []string, size int) []any {
	args := make([]any, 0, len(before)+size)
	args = append(args, before...)
	for i := range size {
		args = append(args, ids[min(i, len(ids)-1)])
	}
	return args
}

// errBadValue says which values no database takes.
var errBadValue = errors.New("text with a NUL or not valid UTF-8")

// checkValues refuses what PostgreSQL refuses on both databases, so that one
// can be moved to the other.
func checkValues(args []any) error {
	for _, a := range args {
		if s, ok := a.(string); ok && (!utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0) {
			return errBadValue
		}
	}
	return nil
}
