package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"subfive"
	"subfive/internal/pgtest"
)

func TestOpenAndMigrateTwice(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		if err := s.Migrate(t.Context()); err != nil {
			t.Error(err)
		}
		if err := s.Ping(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestViewsAreMadeAgainWhenTheirTextChanged(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		if err := s.write(t.Context(), s.screens, func(tx *tx) error {
			for _, text := range []string{
				"DROP VIEW v_attempts",
				"CREATE VIEW v_attempts AS SELECT 1 AS old",
				"UPDATE settings SET value = 'older' WHERE name = 'views'",
			} {
				if err := tx.command(t.Context(), time.Minute, text); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		columns, _, err := dump(t.Context(), s, "SELECT * FROM v_attempts")
		if err != nil || columns[0] != "attempt_id" {
			t.Errorf("columns %v, %v", columns, err)
		}
	})
}

// Two processes that start at once on an empty database both come up.
func TestTwoOpenAtOnce(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]string{"sqlite": filepath.Join(t.TempDir(), "new", "test.db"), "postgres": pgtest.Database(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			errs := make(chan error)
			for range 2 {
				go func() {
					s, err := Open(t.Context(), dsn, AllowUnsafe())
					if err == nil {
						err = errors.Join(s.Ping(t.Context()), s.Close())
					}
					errs <- err
				}()
			}
			for range 2 {
				if err := <-errs; err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestOpenRefusesWhatForgets(t *testing.T) {
	t.Parallel()
	_, err := Open(t.Context(), pgtest.Database(t))
	if err == nil || !strings.Contains(err.Error(), "fsync = off") {
		t.Errorf("err %v", err)
	}
}

func TestOpenFails(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]string{
		"nobody listens":    "postgres://u:s3cret@127.0.0.1:1/db",
		"not a URL":         "postgres://u:s3cret@[::/db%zz",
		"an unknown option": "postgres://u:s3cret@127.0.0.1:1/db?sslmode=perhaps",
		"a directory":       t.TempDir(),
	} {
		s, err := Open(t.Context(), dsn)
		if err == nil {
			t.Errorf("%s: opened", name)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			continue
		}
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the error holds the password: %v", name, err)
		}
	}
}

// Closed means closed: SQLite folds its log into the file when the last
// connection goes, which a forgotten statement would keep.
func TestCloseLeavesOneFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open(t.Context(), filepath.Join(dir, "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	record(t, s, sale(1, "meta-eu"))
	take(t, s, "meta-eu", "lease", noon)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "files", left, []string{filepath.Join(dir, "test.db")})
	if err := s.Ping(t.Context()); err == nil {
		t.Error("a closed store answers")
	}
}

func TestSSLModeIsExplicit(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]string{
		"postgres://db.example.com/x":                    "postgres://db.example.com/x?sslmode=prefer",
		"postgres://db.example.com/x?sslmode=require":    "postgres://db.example.com/x?sslmode=require",
		"postgres://127.0.0.1:5432/x":                    "postgres://127.0.0.1:5432/x?sslmode=disable",
		"postgres://u:p%40ss@[::1]/x":                    "postgres://u:p%40ss@[::1]/x?sslmode=disable",
		"postgres:///x?host=/run/postgresql":             "postgres:///x?host=%2Frun%2Fpostgresql&sslmode=disable",
		"postgres://localhost/x?application_name=a":      "postgres://localhost/x?application_name=a&sslmode=disable",
		"postgres://localhost/x?host=db.example.com&a=b": "postgres://localhost/x?a=b&host=db.example.com&sslmode=prefer",
	} {
		got, err := withSSLMode(dsn)
		if err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", dsn, got, err, want)
		}
	}
}

func TestWriteIsRunAgain(t *testing.T) {
	t.Parallel()
	again := &pq.Error{Code: "40001"}
	cases := map[string]struct {
		fails []error
		tries int
		want  error
	}{
		"at once":                 {nil, 1, nil},
		"after two conflicts":     {[]error{again, fmt.Errorf("step: %w", again)}, 3, nil},
		"never":                   {[]error{again, again, again, again, again, again, again, again, again}, writeTries, again},
		"somebody else was first": {[]error{subfive.ErrConflict}, 1, subfive.ErrConflict},
		"refused values":          {[]error{&pq.Error{Code: "23514"}}, 1, subfive.ErrBadData},
	}
	each(t, func(t *testing.T, s *Store) {
		for name, c := range cases {
			tries := 0
			err := s.write(t.Context(), s.intake, func(tx *tx) error {
				tries++
				if err := tx.insertRows(t.Context(), "settings", []string{"name", "value"}, [][]any{{name, "x"}}, ""); err != nil {
					return err
				}
				if tries <= len(c.fails) {
					return c.fails[tries-1]
				}
				return nil
			})
			if !errors.Is(err, c.want) || tries != c.tries {
				t.Errorf("%s: %d tries, err %v; want %d, %v", name, tries, err, c.tries, c.want)
			}
			value, err := s.setting(t.Context(), name)
			if err != nil || (value == "x") != (c.want == nil) {
				t.Errorf("%s: stored %q, %v", name, value, err)
			}
		}
	})
}

func TestWriteRefusesBadValues(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		for name, value := range map[string]any{"NUL": "a\x00b", "no UTF-8": "a\xffb", "nothing": nil} {
			err := s.write(t.Context(), s.intake, func(tx *tx) error {
				return tx.insertRows(t.Context(), "settings", []string{"name", "value"}, [][]any{{"bad", value}}, "")
			})
			if !errors.Is(err, subfive.ErrBadData) || Down(err) {
				t.Errorf("%s: %v", name, err)
			}
		}
		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.write(canceled, s.intake, func(*tx) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("canceled: %v", err)
		}
		if err := s.Ping(t.Context()); err != nil {
			t.Errorf("after all that: %v", err)
		}
	})
}

func TestInsertRowsOfAnyNumber(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		want := 0
		for _, n := range []int{0, 1, 2, 3, 255, 256, 300, 700} {
			want += n
			var rows [][]any
			var ids []string
			for i := range n {
				ids = append(ids, fmt.Sprintf("n%d-%d", n, i))
				rows = append(rows, []any{ids[i], "v"})
			}
			if err := s.write(t.Context(), s.intake, func(tx *tx) error {
				return tx.insertRows(t.Context(), "settings", []string{"name", "value"}, rows, "ON CONFLICT (name) DO NOTHING")
			}); err != nil {
				t.Fatal(err)
			}
			found := map[string]bool{}
			if err := s.read(t.Context(), s.intake, func(tx *tx) error {
				return tx.queryIn(t.Context(), "names", []any{"v"}, ids, func(ids []any) string {
					b := s.flavor.NewSelectBuilder()
					return text(b.Select("name").From("settings").Where(b.EQ("value", ""), b.In("name", ids...)))
				}, func(r *sql.Rows) error {
					var id string
					err := r.Scan(&id)
					found[id] = true
					return err
				})
			}); err != nil {
				t.Fatal(err)
			}
			if len(found) != n {
				t.Errorf("found %d of %d", len(found), n)
			}
		}
	})
}

func TestClassify(t *testing.T) {
	t.Parallel()
	got := map[string]failure{}
	for _, code := range []string{"40001", "40P01", "55P03", "40003", "57P01", "08006", "22021", "23505", "21000", "54000", "42P01", "57014", ""} {
		got[code] = classify(&pq.Error{Code: pqerror.Code(code)})
	}
	want := map[string]failure{
		"40001": failAgain, "40P01": failAgain, "55P03": failAgain, "40003": failConnection, "57P01": failConnection, "08006": failConnection,
		"22021": failData, "23505": failData, "21000": failData, "54000": failData, "42P01": failOther, "57014": failOther, "": failOther,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The database stops as if the power failed, and comes back: what was
// acknowledged is there, and every pool works again without being told.
func TestOutage(t *testing.T) {
	t.Parallel()
	server, err := pgtest.Start(pgtest.Durable())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	s, err := Open(t.Context(), server.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	record(t, s, sale(1, "meta-eu"))
	var wg sync.WaitGroup
	for range 20 { // so that many connections are open when it stops
		wg.Go(func() {
			if _, _, err := s.NextDue(t.Context(), "meta-eu"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := server.Stop(true); err != nil {
		t.Fatal(err)
	}
	if err := s.RecordBatch(t.Context(), sale(2, "meta-eu")); !Down(err) {
		t.Errorf("recorded while it is down: %v", err)
	}
	if _, err := s.Take(t.Context(), "meta-eu", "lease", noon, noon.Add(time.Minute), 10, false); !Down(err) {
		t.Errorf("taken while it is down: %v", err)
	}
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	record(t, s, sale(2, "meta-eu"))
	same(t, "claims", claimed(take(t, s, "meta-eu", "lease", noon)), []string{"dl_1_meta-eu_conversion", "dl_2_meta-eu_conversion"})
	if _, err := s.Story(t.Context(), "tx1"); err != nil {
		t.Error(err)
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		at, ok, err := s.Clock(t.Context())
		if err != nil || ok != (s.Dialect() == "postgres") {
			t.Fatalf("Clock: %v, %v", ok, err)
		}
		if ok && time.Until(at).Abs() > time.Minute {
			t.Errorf("the database's time is %s", at)
		}
	})
}

func TestReclaim(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		now := time.UnixMilli(1_800_000_000_000)
		later := now.Add(2 * time.Minute)
		rows := [][]any{}
		for i, lease := range []string{"node.1.a", "node.2.b", "other.c", "", "node.3.d"} {
			rows = append(rows, []any{fmt.Sprint("dl_", i), "d", later.UnixMilli(), lease})
		}
		err := s.write(t.Context(), s.outbox, func(t2 *tx) error {
			return t2.insertRows(t.Context(), "outbox", []string{"delivery_id", "destination_id", "next_attempt_at", "lease_id"}, rows, "")
		})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := s.Reclaim(t.Context(), "node", "node.3", now); n != 2 || err != nil {
			t.Errorf("reclaimed %d, %v; want the node's two", n, err)
		}
		if at, ok, err := s.NextDue(t.Context(), "d"); !at.Equal(now) || !ok || err != nil {
			t.Errorf("next due %s, %v, %v", at, ok, err)
		}
		if err := s.Abandon(t.Context(), "d", "node.3.d", now); err != nil {
			t.Fatal(err)
		}
		if claims, err := s.Take(t.Context(), "d", "new", now, later, 10, false); err != nil || len(claims) != 0 {
			t.Errorf("took %v, %v: these rows have no delivery", claims, err)
		}
	})
}
