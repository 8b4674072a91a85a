// Package store keeps everything that outlives the process and is not the
// journal: clicks, postbacks, conversions, deliveries, the outbox, the buyer's
// setup, and the views that analysts read. It is the only package that knows
// SQL, and it speaks it to SQLite, the embedded default, and to PostgreSQL.
//
// It decides nothing. What a postback means is attribution's, what follows from
// an answer is the outbox's; the store writes both down, each in one
// transaction, so that running the same thing twice changes nothing. It reads
// no clock: every moment is passed in.
//
// The SQL is portable: no sequences, triggers, advisory locks, LISTEN or
// row locks, so that it works behind PgBouncer and on the engines that speak
// PostgreSQL's protocol. Writers exclude each other by compare-and-set.
package store

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/huandu/go-sqlbuilder"
)

// Sealer hides what must not lie in the clear: a destination's settings. where
// names the place of the value, so that a box moved elsewhere does not open.
type Sealer interface {
	SealBytes(plain []byte, where string) (string, error)
	OpenBytes(box, where string) ([]byte, error)
}

// dialect is which of the two databases is spoken to.
type dialect string

const (
	dialectSQLite   dialect = "sqlite"
	dialectPostgres dialect = "postgres"
)

// Store is one open database. Its methods may be called concurrently.
type Store struct {
	dialect  dialect
	flavor   sqlbuilder.Flavor
	texts    texts
	sealer   Sealer
	zone     *time.Location // of reports: days are stamped in it
	currency string         // of reports
	named    bool           // by WithCurrency, and so by the database too

	// connector opens connections beside the pools, for migrations.
	connector driver.Connector

	// One pool a concern, so that a screen's slow report can't starve the
	// intake. SQLite has one writer: there the first three are the same pool,
	// and reads have readers of their own.
	intake, outbox, screens *pool
	readers                 *pool // nil on PostgreSQL: each pool reads for itself
	reports                 *pool // one connection, for what counts row by row
}

type settings struct {
	sealer      Sealer
	zone        *time.Location
	currency    string
	skipMigrate bool
	allowUnsafe bool
}

// Option changes how Open opens.
type Option func(*settings)

// WithSealer gives the sealer for destinations' settings. Without one, a
// destination that has settings can be neither stored nor read.
func WithSealer(s Sealer) Option { return func(o *settings) { o.sealer = s } }

// WithZone sets the reporting time zone, in which days are stamped on rows; UTC
// by default.
func WithZone(z *time.Location) Option { return func(o *settings) { o.zone = z } }

// WithCurrency sets the reporting currency, in which views add amounts up: an
// ISO 4217 code. Without it the database's stays, DefaultCurrency at first.
func WithCurrency(code string) Option { return func(o *settings) { o.currency = code } }

// WithoutMigrate leaves the schema as it is, for Migrate to bring up to date if
// at all: that may take longer than to open.
func WithoutMigrate() Option { return func(o *settings) { o.skipMigrate = true } }

// AllowUnsafe accepts a PostgreSQL that runs with fsync or synchronous_commit
// off. It loses what was acknowledged when the power fails; for tests.
func AllowUnsafe() Option { return func(o *settings) { o.allowUnsafe = true } }

// DefaultPath is the SQLite file that an empty DSN names.
const DefaultPath = "data/subfive.db"

// Open opens a database and brings its schema up to date. dsn is a
// postgres:// URL, or the path of a SQLite file with or without "sqlite:"
// before it; empty means DefaultPath. A PostgreSQL that would lose
// acknowledged commits (fsync or synchronous_commit off) is refused.
func Open(ctx context.Context, dsn string, opts ...Option) (*Store, error) {
	set := settings{zone: time.UTC}
	for _, o := range opts {
		o(&set)
	}
	s := &Store{sealer: set.sealer, zone: set.zone, currency: cmp.Or(set.currency, DefaultCurrency), named: set.currency != ""}
	var err error
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		err = s.openPostgres(ctx, dsn, set.allowUnsafe)
	} else {
		err = s.openSQLite(ctx, strings.TrimPrefix(dsn, "sqlite:"))
	}
	if err == nil && !set.skipMigrate {
		err = s.Migrate(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open database: %w", err), s.Close())
	}
	return s, nil
}

// Dialect returns "sqlite" or "postgres".
func (s *Store) Dialect() string { return string(s.dialect) }

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	return s.read(ctx, s.intake, func(t *tx) error {
		var one int
		return t.row(ctx, "ping", func() string { return "SELECT 1" }, nil, &one)
	})
}

// Close closes all connections. Calls under way fail.
func (s *Store) Close() error {
	var errs []error
	closed := map[*pool]bool{nil: true}
	for _, p := range []*pool{s.reports, s.readers, s.screens, s.outbox, s.intake} {
		if !closed[p] {
			closed[p] = true
			errs = append(errs, p.close())
		}
	}
	return errors.Join(errs...)
}
