package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// dump runs a query and returns its columns and its rows as text, one a line.
func dump(ctx context.Context, s *Store, statement string) (columns []string, rows string, err error) {
	var b strings.Builder
	err = s.Query(ctx, statement, func(c []string) error {
		columns = c
		return nil
	}, func(values []any) error {
		_, err := fmt.Fprintln(&b, values...)
		return err
	})
	return columns, b.String(), err
}

func TestQuery(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		record(t, s, sale(1, "meta-eu"))
		columns, rows, err := dump(t.Context(), s, "SELECT conversion_id, payout_micros, click_id FROM v_conversions")
		if err != nil {
			t.Fatal(err)
		}
		same(t, "columns", columns, []string{"conversion_id", "payout_micros", "click_id"})
		same(t, "rows", rows, "cv_1 42500000 click1\n")
		stop := errors.New("enough")
		if err := s.Query(t.Context(), "SELECT 1", func([]string) error { return stop }, nil); !errors.Is(err, stop) {
			t.Errorf("head's error: %v", err)
		}
	})
}

func TestQueryChangesNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		record(t, s, sale(1, "meta-eu"))
		for _, statement := range []string{
			"DELETE FROM conversions",
			"DELETE FROM conversions RETURNING conversion_id",
			"SELECT 1; DELETE FROM conversions",
			"COMMIT; DELETE FROM conversions",
			"PRAGMA query_only = 0; DELETE FROM conversions",
			"PRAGMA query_only = 0",
			"COMMIT",
			"SET TRANSACTION READ WRITE",
			"DROP TABLE conversions",
		} {
			if _, _, err := dump(t.Context(), s, statement); err == nil && strings.Contains(statement, "conversions") {
				t.Errorf("%s: no error", statement)
			}
		}
		_, rows, err := dump(t.Context(), s, "SELECT count(*) FROM conversions")
		if err != nil {
			t.Fatal(err)
		}
		same(t, "conversions left", rows, "1\n")
	})
}

func TestQueryTakesOnlyWhatReads(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		run := func(statement string) error {
			return s.Query(t.Context(), statement, func([]string) error { return nil }, func([]any) error { return nil })
		}
		file := filepath.Join(t.TempDir(), "new.db")
		for _, bad := range []string{
			"ATTACH DATABASE '" + file + "' AS x", "VACUUM INTO '" + file + "'", "PRAGMA wal_checkpoint(TRUNCATE)", "/* SELECT */ DELETE FROM clicks",
			"COPY clicks TO '" + file + "'", "", "-- SELECT 1",
		} {
			if err := run(bad); !errors.Is(err, ErrBadQuery) {
				t.Errorf("%q: %v", bad, err)
			}
		}
		if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a file was made: %v", err)
		}
		for _, good := range []string{"SELECT 1", "-- why\nwith x as (select 1) select * from x", "VALUES (1)", "EXPLAIN SELECT 1"} {
			if err := run(good); err != nil {
				t.Errorf("%q: %v", good, err)
			}
		}
	})
}
