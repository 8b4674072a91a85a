package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/huandu/go-sqlbuilder"
	"modernc.org/sqlite"
)

// sqliteReaders is how many reads run beside the one writer. The driver does
// not get faster with more.
const sqliteReaders = 4

// openSQLite opens the file, with one writer that commits to disk and several
// readers that can't write. Foreign keys stay off: rows come in the order in
// which requests came, and a conversion may precede its click.
func (s *Store) openSQLite(ctx context.Context, path string) error {
	s.dialect, s.flavor = dialectSQLite, sqlbuilder.SQLite
	if path == "" {
		path = DefaultPath
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	s.connector, err = sqliteConnector(path, url.Values{
		"_journal_mode": {"WAL"}, "_synchronous": {"FULL"}, "_txlock": {"immediate"},
		"_pragma": {"journal_size_limit(67108864)"}, // after a burst the log's file shrinks again
	})
	if err != nil {
		return err
	}
	writer := newPool(sql.OpenDB(s.connector), 1, "BEGIN IMMEDIATE")
	s.intake, s.outbox, s.screens = writer, writer, writer
	if err := firstConnection(ctx, writer.db); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	reader, err := sqliteConnector(path, url.Values{"mode": {"ro"}, "_query_only": {"1"}})
	if err != nil {
		return err
	}
	s.readers = newPool(sql.OpenDB(reader), sqliteReaders, "BEGIN")
	s.reports = newPool(sql.OpenDB(reader), 1, "BEGIN")
	return nil
}

// firstConnection makes the file and its log, which readers need. While another
// process turns a new file's log on, SQLite answers busy at once, whatever the
// busy timeout: https://www.sqlite.org/wal.html#sometimes_queries_return_sqlite_busy_in_wal_mode
func firstConnection(ctx context.Context, db *sql.DB) error {
	for try := 1; ; try++ {
		err := db.PingContext(ctx)
		if classify(err) != failAgain || try == writeTries {
			return err
		}
		if err := pause(ctx, try); err != nil {
			return err
		}
	}
}

func sqliteConnector(path string, params url.Values) (driver.Connector, error) {
	params.Set("_busy_timeout", "5000")
	params.Set("_foreign_keys", "0")
	params.Set("_dqs", "0") // a misspelled column is an error, not a text
	dsn := url.URL{Scheme: "file", Path: path, RawQuery: params.Encode()}
	return sqlite.NewConnector(dsn.String())
}
