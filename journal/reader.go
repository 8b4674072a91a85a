package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"subfive"
)

// maxRead bounds the bytes that one read brings into memory.
const maxRead = 8 << 20

// errOrder says that a damaged file has its records in no order, or in a circle.
var errOrder = errors.New("the records are out of order")

// reader reads the records of one segment, of one that is being written too.
type reader struct {
	seg  *segment
	db   *sql.DB
	rows *sql.Stmt
}

// openReader opens a segment that exists. It returns errNoRecords for a database
// without any table: a crash may leave one during creation.
func openReader(ctx context.Context, seg *segment) (*reader, error) {
	if _, err := os.Stat(seg.path); err != nil {
		return nil, err
	}
	db, err := readFile(seg.path)
	if err != nil {
		return nil, err
	}
	rows, err := prepareRead(ctx, db)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open segment %s: %w", seg.id, err), db.Close())
	}
	return &reader{seg: seg, db: db, rows: rows}, nil
}

func prepareRead(ctx context.Context, db *sql.DB) (*sql.Stmt, error) {
	var tables int
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		return nil, err
	}
	if tables == 0 {
		return nil, errNoRecords
	}
	return db.PrepareContext(ctx, "SELECT pos, record FROM records WHERE pos > ? AND pos <= ? ORDER BY pos LIMIT ?")
}

func (r *reader) close() error { return errors.Join(r.rows.Close(), r.db.Close()) }

// next returns up to limit records after one position up to and with last, and
// the position up to which that was all that can be read.
func (r *reader) next(ctx context.Context, after, last int64, limit int) ([]subfive.Entry, int64, error) {
	entries, upTo, err := r.read(ctx, after, last, limit)
	if damaged(err) {
		entries, upTo, err = r.salvage(ctx, after, last, limit)
	}
	if err != nil {
		return nil, after, fmt.Errorf("read segment %s after %d: %w", r.seg.id, after, err)
	}
	return entries, upTo, nil
}

func (r *reader) read(ctx context.Context, after, last int64, limit int) (entries []subfive.Entry, upTo int64, err error) {
	rows, err := r.rows.QueryContext(ctx, after, last, limit)
	if err != nil {
		return nil, after, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	size, previous := 0, after
	for size < maxRead && rows.Next() {
		e := subfive.Entry{Position: subfive.Position{Segment: r.seg.id}}
		if err := rows.Scan(&e.Pos, &e.Data); err != nil {
			return nil, after, err
		}
		if e.Pos <= previous || e.Pos > last {
			return nil, after, errOrder
		}
		previous = e.Pos
		entries = append(entries, e)
		size += len(e.Data)
	}
	if err := rows.Err(); err != nil {
		return nil, after, err
	}
	if size < maxRead && len(entries) < limit {
		return entries, last, nil
	}
	return entries, entries[len(entries)-1].Pos, nil
}

// salvage reads record by record and skips those in damaged pages.
func (r *reader) salvage(ctx context.Context, after, last int64, limit int) ([]subfive.Entry, int64, error) {
	var entries []subfive.Entry
	upTo := min(after+int64(limit), last)
	for pos := after; pos < upTo; {
		one, next, err := r.read(ctx, pos, upTo, 1)
		switch {
		case damaged(err):
			next = pos + 1
		case err != nil:
			return nil, after, err
		}
		entries = append(entries, one...)
		pos = next
	}
	return entries, upTo, nil
}

// end returns the last position that can be found, 0 if there are no records. In
// a damaged file it is the last before the damage, which it returns too. A record
// takes some bytes: a position beyond the file's size is damage and no record.
func (r *reader) end(ctx context.Context) (last int64, damage, err error) {
	size, err := segmentSize(r.seg.path)
	if err != nil {
		return 0, nil, err
	}
	const highest = "SELECT coalesce(max(pos), 0) FROM records WHERE pos BETWEEN 1 AND ?"
	err = r.db.QueryRowContext(ctx, highest, size).Scan(&last)
	if !damaged(err) {
		return last, nil, err
	}
	damage = err
	last, err = r.beforeDamage(ctx, size)
	if err != nil || last == 0 {
		return 0, nil, errors.Join(damage, err)
	}
	return last, damage, nil
}

// beforeDamage walks to the last position that can be reached from the first; 0
// if there is none.
func (r *reader) beforeDamage(ctx context.Context, size int64) (last int64, err error) {
	rows, err := r.db.QueryContext(ctx, "SELECT pos FROM records WHERE pos BETWEEN 1 AND ? ORDER BY pos", size)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var pos int64
		if err := rows.Scan(&pos); err != nil {
			return 0, err
		}
		if pos <= last {
			return last, nil
		}
		last = pos
	}
	if err := rows.Err(); !damaged(err) {
		return last, err
	}
	return last, nil
}

// writtenAt returns when the first record after that position was appended.
func writtenAt(ctx context.Context, path string, after int64) (at time.Time, err error) {
	db, err := readFile(path)
	if err != nil {
		return time.Time{}, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var ms int64
	row := db.QueryRowContext(ctx, "SELECT at FROM records WHERE pos > ? ORDER BY pos LIMIT 1", after)
	if err := row.Scan(&ms); err != nil {
		return time.Time{}, err
	}
	return subfive.FromMillis(ms), nil
}

// code returns SQLite's extended result code, 0 if err has none.
func code(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

// damaged reports whether err says that the file is not what was written:
// trying again won't help.
func damaged(err error) bool {
	if errors.Is(err, errOrder) {
		return true
	}
	switch c := code(err); c {
	case sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_CORRUPTFS, sqlite3.SQLITE_IOERR_DATA:
		return true
	default:
		return c&0xff == sqlite3.SQLITE_CORRUPT || c&0xff == sqlite3.SQLITE_NOTADB || c&0xff == sqlite3.SQLITE_TOOBIG
	}
}

// diskFull reports whether err says that there is no space left.
func diskFull(err error) bool { return code(err)&0xff == sqlite3.SQLITE_FULL }
