package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

// sqliteMigrateTries is how often the migration of a SQLite file is tried. There
// is no lock for it: of two processes that start at once, one finds the work
// done by the other, and its own undone.
const sqliteMigrateTries = 6

// migrateWait is how often, and migrateWaits how many times, a process asks on
// PostgreSQL whether another one has done migrating: for a week, since an index
// over every click takes what it takes. The lock of one that died runs out.
const (
	migrateWait  = 200 * time.Millisecond
	migrateWaits = uint64(7 * 24 * time.Hour / migrateWait)
)

// Migrate brings the schema and the views up to date. Several processes may
// call it at once: the others wait for the first, as long as ctx lets them.
func (s *Store) Migrate(ctx context.Context) error {
	if err := s.migrateTables(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if err := s.createViews(ctx); err != nil {
		return fmt.Errorf("create views: %w", err)
	}
	return wrap("note the reporting currency", s.setCurrency(ctx))
}

// migrateTables uses connections of its own: those of the pools may all be
// taken.
func (s *Store) migrateTables(ctx context.Context) (err error) {
	db := sql.OpenDB(s.connector)
	defer func() { err = errors.Join(err, db.Close()) }()
	p, err := s.provider(db)
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		_, err = p.Up(ctx)
		if err == nil || s.dialect == dialectPostgres || try == sqliteMigrateTries {
			return err
		}
		if err := pause(ctx, try); err != nil {
			return err
		}
	}
}

func (s *Store) provider(db *sql.DB) (*goose.Provider, error) {
	dir, err := fs.Sub(migrations, "migrations/"+string(s.dialect))
	if err != nil {
		return nil, err
	}
	opts := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true), goose.WithSlog(slog.New(slog.DiscardHandler))}
	if s.dialect == dialectSQLite {
		db.SetMaxOpenConns(1)
		return goose.NewProvider(goose.DialectSQLite3, db, dir, opts...)
	}
	// A lock that is a row: an advisory lock would need a session, which a
	// pooler does not give.
	l, err := lock.NewPostgresTableLocker(lock.WithTableLockTimeout(migrateWait, migrateWaits))
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, db, dir, append(opts, goose.WithLocker(l))...)
}
