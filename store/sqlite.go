package store

import (
	"context"
	"database/sql"
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
	writer, err := sqlitePool(path, 1, url.Values{"_journal_mode": {"WAL"}, "_synchronous": {"FULL"}, "_txlock": {"immediate"}})
	if err != nil {
		return err
	}
	s.intake, s.outbox, s.screens = writer, writer, writer
	// The first connection makes the file and its log, which readers need.
	if err := writer.db.PingContext(ctx); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	s.readers, err = sqlitePool(path, sqliteReaders, url.Values{"mode": {"ro"}, "_query_only": {"1"}})
	return err
}

func sqlitePool(path string, size int, params url.Values) (*pool, error) {
	params.Set("_busy_timeout", "5000")
	params.Set("_foreign_keys", "0")
	params.Set("_dqs", "0") // a misspelled column is an error, not a text
	dsn := url.URL{Scheme: "file", Path: path, RawQuery: params.Encode()}
	c, err := sqlite.NewConnector(dsn.String())
	if err != nil {
		return nil, err
	}
	return newPool(sql.OpenDB(c), size, "BEGIN IMMEDIATE"), nil
}
