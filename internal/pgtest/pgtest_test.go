//go:build unix

package pgtest_test

import (
	"context"
	"database/sql"
	"testing"

	"subfive/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func open(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func run(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(context.Background(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func TestDatabasesAreApart(t *testing.T) {
	t.Parallel()
	prepare := func(dsn string) error {
		db, err := sql.Open("postgres", dsn)
		if err != nil {
			return err
		}
		if _, err := db.ExecContext(context.Background(), "CREATE TABLE words (word TEXT)"); err != nil {
			return err
		}
		return db.Close()
	}
	one := open(t, pgtest.Prepared(t, "words", prepare))
	two := open(t, pgtest.Prepared(t, "words", prepare))
	run(t, one, "INSERT INTO words VALUES ('one')")
	var n int
	if err := two.QueryRowContext(context.Background(), "SELECT count(*) FROM words").Scan(&n); err != nil || n != 0 {
		t.Errorf("the second copy has %d rows, err %v; want none", n, err)
	}
	run(t, open(t, pgtest.Database(t)), "CREATE TABLE words (word TEXT)")
}

func TestWhatIsDurable(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]string{pgtest.Database(t): "off", pgtest.DurableDatabase(t): "on"} {
		var got string
		if err := open(t, dsn).QueryRowContext(t.Context(), "SHOW fsync").Scan(&got); err != nil || got != want {
			t.Errorf("fsync is %s, %v; want %s", got, err, want)
		}
	}
}

func TestDurableServerKeepsCommitsThroughAnImmediateStop(t *testing.T) {
	t.Parallel()
	s, err := pgtest.Start(pgtest.Durable())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	db := open(t, s.DSN("postgres"))
	run(t, db, "CREATE TABLE words (word TEXT)")
	run(t, db, "INSERT INTO words VALUES ('kept')")
	if err := s.Stop(true); err != nil {
		t.Fatal(err)
	}
	if err := db.PingContext(context.Background()); err == nil {
		t.Error("a stopped server answers")
	}
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	var word string
	if err := open(t, s.DSN("postgres")).QueryRowContext(context.Background(), "SELECT word FROM words").Scan(&word); err != nil || word != "kept" {
		t.Errorf("after the stop: %q, %v", word, err)
	}
}
