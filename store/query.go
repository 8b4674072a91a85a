package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// queryTimeout is how long an analyst's query may take.
const queryTimeout = 5 * time.Minute

// Query runs one read-only statement and calls row for each row of its answer;
// head is called once before them with the columns' names. Values are int64,
// float64, string, bool, time.Time or nil. Whatever the statement tries, it
// changes nothing. An error of head or row ends it.
//
// Only statements that read are taken: SQLite would let ATTACH and VACUUM INTO
// make files although the database itself is read-only.
func (s *Store) Query(ctx context.Context, statement string, head func(columns []string) error, row func(values []any) error) error {
	if !reads(statement) {
		return fmt.Errorf("%w: only SELECT, WITH, VALUES, TABLE, SHOW and EXPLAIN are run here", ErrBadQuery)
	}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	p := s.readers
	if p == nil {
		p = s.screens
	}
	t, err := p.take(ctx, s)
	if err != nil {
		return wrap("query", err)
	}
	defer p.give(t, true) // a statement may have left settings behind
	if s.dialect == dialectPostgres {
		if err := t.command(ctx, statementTimeout, "BEGIN READ ONLY"); err != nil {
			return wrap("query", err)
		}
	}
	return wrap("query", t.stream(ctx, statement, head, row))
}

// reads reports whether a statement begins like one that reads.
func reads(statement string) bool {
	for {
		statement = strings.TrimSpace(statement)
		switch {
		case strings.HasPrefix(statement, "--"):
			_, statement, _ = strings.Cut(statement, "\n")
		case strings.HasPrefix(statement, "/*"):
			_, statement, _ = strings.Cut(statement, "*/")
		case strings.HasPrefix(statement, "("):
			statement = statement[1:]
		default:
			word := strings.ToUpper(statement)
			if end := strings.IndexFunc(word, func(r rune) bool { return r < 'A' || r > 'Z' }); end >= 0 {
				word = word[:end]
			}
			return slices.Contains([]string{"SELECT", "WITH", "VALUES", "TABLE", "SHOW", "EXPLAIN"}, word)
		}
	}
}

// stream prepares the statement, so that it can be only one.
func (t *tx) stream(ctx context.Context, statement string, head func([]string) error, row func([]any) error) (err error) {
	st, err := t.conn.PrepareContext(ctx, statement)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	rows, err := st.QueryContext(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	if err := head(columns); err != nil {
		return err
	}
	for rows.Next() {
		values, err := scanAll(rows, len(columns))
		if err != nil {
			return err
		}
		if err := row(values); err != nil {
			return err
		}
	}
	return rows.Err()
}

// scanAll reads a row of any columns, texts as strings and times in UTC.
func scanAll(rows *sql.Rows, n int) ([]any, error) {
	values, into := make([]any, n), make([]any, n)
	for i := range values {
		into[i] = &values[i]
	}
	if err := rows.Scan(into...); err != nil {
		return nil, fmt.Errorf("read row: %w", err)
	}
	for i, v := range values {
		switch v := v.(type) {
		case []byte:
			values[i] = string(v)
		case time.Time:
			values[i] = v.UTC()
		}
	}
	return values, nil
}
