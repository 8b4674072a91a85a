package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

// Migrate brings the schema and the views up to date. Several processes may
// call it at once.
func (s *Store) Migrate(ctx context.Context) error {
	p, err := s.provider()
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if err := s.createViews(ctx); err != nil {
		return fmt.Errorf("create views: %w", err)
	}
	return nil
}

func (s *Store) provider() (*goose.Provider, error) {
	dir, err := fs.Sub(migrations, "migrations/"+string(s.dialect))
	if err != nil {
		return nil, err
	}
	opts := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true), goose.WithSlog(slog.New(slog.DiscardHandler))}
	if s.dialect == dialectSQLite {
		return goose.NewProvider(goose.DialectSQLite3, s.intake.db, dir, opts...)
	}
	// A lock that is a row: an advisory lock would need a session, which a
	// pooler does not give.
	l, err := lock.NewPostgresTableLocker(lock.WithTableLockTimeout(200*time.Millisecond, 300))
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, s.screens.db, dir, append(opts, goose.WithLocker(l))...)
}
