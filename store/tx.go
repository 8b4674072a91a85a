package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"subfive"
)

// tx is one connection with the statements prepared on it. Handed out by write
// it is in a transaction; handed out by read each statement stands alone.
//
// Statements belong to the connection and not to a *sql.DB: a pool of one
// connection could not prepare a statement while its transaction runs.
type tx struct {
	s     *Store
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
	used  bool // it served before: a failure may be a connection gone stale
}

// pool is the connections of one concern. A slot holds an idle connection, or
// nil for one that is not open.
type pool struct {
	db    *sql.DB
	slots chan *tx
	begin string

	closed atomic.Bool
}

func newPool(db *sql.DB, size int, begin string) *pool {
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	p := &pool{db: db, slots: make(chan *tx, size), begin: begin}
	for range size {
		p.slots <- nil
	}
	return p
}

func (p *pool) take(ctx context.Context, s *Store) (*tx, error) {
	var t *tx
	select {
	case t = <-p.slots:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if t != nil {
		t.used = true
		return t, nil
	}
	conn, err := p.db.Conn(ctx)
	if err != nil {
		p.slots <- nil
		return nil, err
	}
	return &tx{s: s, conn: conn, stmts: map[string]*sql.Stmt{}}, nil
}

// give takes a connection back. One that failed is closed with all it holds: an
// open transaction, a statement whose plan went stale.
func (p *pool) give(t *tx, failed bool) {
	if failed {
		t.finalize()
		_ = t.conn.Raw(func(any) error { return driver.ErrBadConn }) // makes database/sql close it; it returns that same error
		t = nil
	}
	p.slots <- t
	if p.closed.Load() {
		_ = p.drain() // nobody waits for the error: Close has returned
	}
}

// finalize closes the statements, which database/sql leaves to us, and without
// which SQLite keeps the connection. PostgreSQL forgets them by itself, and
// asking it to would wait for a server that may be gone.
func (t *tx) finalize() {
	if t.s.dialect == dialectPostgres {
		return
	}
	for _, st := range t.stmts {
		_ = st.Close() // repeats the error of the statement's last run
	}
}

// close waits for no one: connections in use are closed when they are given
// back.
func (p *pool) close() error {
	p.closed.Store(true)
	return errors.Join(p.drain(), p.db.Close())
}

// drain closes the idle connections.
func (p *pool) drain() error {
	var errs []error
	for range cap(p.slots) {
		select {
		case t := <-p.slots:
			if t != nil {
				t.finalize()
				errs = append(errs, t.conn.Close())
			}
			defer func() { p.slots <- nil }() // who takes it learns that the database is closed
		default:
		}
	}
	return errors.Join(errs...)
}

// The time limits on our side; they hold when the server no longer answers.
const (
	statementTimeout = 25 * time.Second
	endTimeout       = 10 * time.Second // of a COMMIT or ROLLBACK
)

// writeTries bounds how often a transaction is run again; with the jittered
// waits between it gives up after about two seconds.
const writeTries = 8

// errUnclear says that the connection broke while it committed: the transaction
// may be recorded or not.
var errUnclear = errors.New("commit unclear")

// write runs fn in one transaction. It is run again when the database asks for
// it (serialization failure, deadlock, lock not available, busy), at most
// writeTries times; fn must therefore set its results and not add to them, and
// return the first error it meets. An error caused by the values is
// subfive.ErrBadData, one that left the outcome open errUnclear.
func (s *Store) write(ctx context.Context, p *pool, fn func(*tx) error) error {
	return s.retry(ctx, p, func(t *tx) error {
		if err := t.command(ctx, statementTimeout, p.begin); err != nil {
			return err
		}
		// Neither end is cut short by the caller: a commit under way would be
		// unclear, and a rollback is wanted all the more.
		ended := context.WithoutCancel(ctx)
		if err := fn(t); err != nil {
			if t.command(ended, endTimeout, "ROLLBACK") != nil {
				err = &brokenError{err}
			}
			return err
		}
		err := t.command(ended, endTimeout, "COMMIT")
		if err != nil && (classify(err) == failConnection || errors.Is(err, context.DeadlineExceeded)) {
			return fmt.Errorf("%w: %w", errUnclear, err)
		}
		return err
	})
}

// command runs a text that is not worth preparing.
func (t *tx) command(ctx context.Context, limit time.Duration, text string) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	_, err := t.conn.ExecContext(ctx, text)
	return err
}

// read runs fn, which only reads, outside a transaction. Like write it may run
// fn again.
func (s *Store) read(ctx context.Context, p *pool, fn func(*tx) error) error {
	if s.readers != nil {
		p = s.readers
	}
	return s.retry(ctx, p, fn)
}

// snapshot runs fn, which only reads, in a transaction that sees the database of
// one moment. Like read it may run fn again.
func (s *Store) snapshot(ctx context.Context, fn func(*tx) error) error {
	p, begin := s.screens, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
	if s.readers != nil {
		p, begin = s.readers, "BEGIN" // a reader of SQLite's log sees one moment
	}
	return s.retry(ctx, p, func(t *tx) error {
		if err := t.command(ctx, statementTimeout, begin); err != nil {
			return err
		}
		err := fn(t)
		if ended := t.command(context.WithoutCancel(ctx), endTimeout, "ROLLBACK"); ended != nil {
			return &brokenError{errors.Join(err, ended)}
		}
		return err
	})
}

// single runs fn, which is one statement that commits by itself.
func (s *Store) single(ctx context.Context, p *pool, fn func(*tx) error) error {
	return s.retry(ctx, p, fn)
}

func (s *Store) retry(ctx context.Context, p *pool, run func(*tx) error) error {
	stale := cap(p.slots) // every idle connection may have died with the server
	for try := 1; ; try++ {
		t, err := p.take(ctx, s)
		if err != nil {
			return err
		}
		err = run(t)
		why := classify(err)
		p.give(t, why != failNone && why != failOurs)
		switch why {
		case failNone:
			return nil
		case failOurs, failOther:
			return err
		case failData:
			return fmt.Errorf("%w: %w", subfive.ErrBadData, err)
		case failConnection:
			if !t.used || stale == 0 || ctx.Err() != nil || errors.Is(err, errUnclear) {
				return err
			}
			stale--
		case failAgain:
			if try >= writeTries {
				return err
			}
			if err := pause(ctx, try); err != nil {
				return err
			}
		}
	}
}

// pause waits with full jitter, at most 10 ms · 2^try.
func pause(ctx context.Context, try int) error {
	wait := time.NewTimer(time.Duration(rand.Int64N(int64(10*time.Millisecond) << try)))
	defer wait.Stop()
	select {
	case <-wait.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
