package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
	_ "modernc.org/sqlite" // the driver
)

const (
	segmentSuffix    = ".segment"
	unreadableSuffix = ".unreadable"
	walSuffix        = "-wal"
	shmSuffix        = "-shm"
)

// segment is one file of the journal. The Journal's mutex guards all but id,
// ordinal and path.
type segment struct {
	id      string // its UUID
	ordinal int64  // grows with each segment of the directory
	path    string
	// last is the highest position that is known to be durable, returned the
	// highest that Next gave out, recorded the highest that was Committed.
	last, returned, recorded int64
	size                     int64 // on disk, write-ahead log included
	finished                 bool  // nothing will be appended
	damage                   error // what Open found: records behind last may be lost
}

// freeable reports whether the segment may be deleted.
func (s *segment) freeable() bool { return s.finished && s.recorded >= s.last }

// newSegment names the segment of that number in dir.
func newSegment(dir string, ordinal int64) *segment {
	id := uuid.NewString()
	return &segment{
		id: id, ordinal: ordinal,
		path: filepath.Join(dir, fmt.Sprintf("%010d-%s%s", ordinal, id, segmentSuffix)),
	}
}

// parseSegment reads a segment's file name; ok is false for any other file.
func parseSegment(dir, name string) (s *segment, ok bool) {
	base, found := strings.CutSuffix(name, segmentSuffix)
	number, id, dash := strings.Cut(base, "-")
	ordinal, err := strconv.ParseInt(number, 10, 64)
	if !found || !dash || err != nil || ordinal < 1 || uuid.Validate(id) != nil {
		return nil, false
	}
	return &segment{id: id, ordinal: ordinal, path: filepath.Join(dir, name)}, true
}

// listSegments returns dir's segments by creation.
func listSegments(dir string) ([]*segment, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []*segment
	for _, f := range files {
		if s, ok := parseSegment(dir, f.Name()); ok && f.Type().IsRegular() {
			all = append(all, s)
		}
	}
	slices.SortStableFunc(all, func(a, b *segment) int { return int(min(max(a.ordinal-b.ordinal, -1), 1)) })
	return all, nil
}

// fileSize returns the size of a file that may not exist: then it is 0.
func fileSize(path string) (int64, error) {
	st, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

// segmentSize returns what the segment of that path takes on disk, with its
// write-ahead log and that one's index.
func segmentSize(path string) (int64, error) {
	var sum int64
	for _, suffix := range []string{"", walSuffix, shmSuffix} {
		n, err := fileSize(path + suffix)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// removeSegment deletes a segment's files, the one with the records last.
func removeSegment(path string) error {
	for _, suffix := range []string{walSuffix, shmSuffix, ""} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// createFile opens the SQLite file of that path with one connection, and creates
// it if need be.
func createFile(path string) (*sql.DB, error) {
	return openFile(path, "rwc", "synchronous(FULL)")
}

// readFile opens the SQLite file of that path, which must exist, to read from it.
// The connection may write: only then can it take over a log that a crash left.
// With a writable schema SQLite reads what there is of a file that was cut short.
func readFile(path string) (*sql.DB, error) {
	return openFile(path, "rw", "writable_schema(ON)")
}

func openFile(path, mode, pragma string) (*sql.DB, error) {
	u := url.URL{Scheme: "file", Path: path, RawQuery: url.Values{
		"mode":    {mode},
		"_pragma": {"busy_timeout(5000)", pragma},
	}.Encode()}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// appender is the open end of a segment.
type appender struct {
	seg     *segment
	db      *sql.DB
	conn    *sql.Conn
	begin   *sql.Stmt
	end     *sql.Stmt
	inserts [maxBucket + 1]*sql.Stmt // of 1, 2, 4 … rows; prepared when first needed
	args    []any
}

// maxBucket is the exponent of the most rows that one statement inserts.
const maxBucket = 8

// create makes the segment's file and makes it durable, name and all.
func create(ctx context.Context, s *segment) (*appender, error) {
	db, err := createFile(s.path)
	if err != nil {
		return nil, err
	}
	a := &appender{seg: s, db: db}
	if err := a.prepare(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("create segment: %w", err), a.abandon(), removeSegment(s.path))
	}
	return a, nil
}

func (a *appender) prepare(ctx context.Context) (err error) {
	if a.conn, err = a.db.Conn(ctx); err != nil {
		return err
	}
	var mode string
	if err := a.conn.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" { // the file system has no shared memory
		return fmt.Errorf("no write-ahead log, but %q", mode)
	}
	const table = "CREATE TABLE records (pos INTEGER PRIMARY KEY, at INTEGER NOT NULL, record BLOB NOT NULL)"
	if _, err := a.conn.ExecContext(ctx, table); err != nil {
		return err
	}
	if a.begin, err = a.conn.PrepareContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if a.end, err = a.conn.PrepareContext(ctx, "COMMIT"); err != nil {
		return err
	}
	return syncDir(filepath.Dir(a.seg.path))
}

// insert writes the group's records in a transaction that commit ends, after
// the position last. at is in Unix milliseconds.
func (a *appender) insert(ctx context.Context, g *group, last, at int64) error {
	if _, err := a.begin.ExecContext(ctx); err != nil {
		return err
	}
	when := any(at)
	for done := 0; done < g.len(); {
		bucket := maxBucket
		for 1<<bucket > g.len()-done {
			bucket--
		}
		stmt, err := a.inserting(ctx, bucket)
		if err != nil {
			return err
		}
		a.args = a.args[:0]
		for i := range 1 << bucket {
			a.args = append(a.args, when, g.record(done+i))
		}
		result, err := stmt.ExecContext(ctx, a.args...)
		if err != nil {
			return err
		}
		done += 1 << bucket
		// SQLite numbers the rows: each is one more than the highest.
		pos, err := result.LastInsertId()
		if err != nil {
			return err
		}
		if want := last + int64(done); pos != want {
			return fmt.Errorf("the last position is %d, not %d: somebody else wrote to the segment", pos, want)
		}
	}
	return nil
}

// inserting returns the statement that inserts 1<<bucket rows.
func (a *appender) inserting(ctx context.Context, bucket int) (*sql.Stmt, error) {
	if a.inserts[bucket] == nil {
		stmt, err := a.conn.PrepareContext(ctx,
			"INSERT INTO records (at, record) VALUES (?, ?)"+strings.Repeat(", (?, ?)", 1<<bucket-1))
		if err != nil {
			return nil, err
		}
		a.inserts[bucket] = stmt
	}
	return a.inserts[bucket], nil
}

// commit makes the transaction durable.
func (a *appender) commit() error {
	_, err := a.end.ExecContext(context.Background())
	return err
}

// close moves the write-ahead log into the file and closes it. A reader that is
// still there may keep the log from being deleted; it does that when it closes.
func (a *appender) close(ctx context.Context) error {
	_, err := a.conn.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	return errors.Join(err, a.abandon())
}

// abandon closes the file as it is; an open transaction is lost.
func (a *appender) abandon() error {
	var errs []error
	for _, stmt := range append(a.inserts[:], a.begin, a.end) {
		if stmt != nil {
			errs = append(errs, stmt.Close())
		}
	}
	if a.conn != nil {
		errs = append(errs, a.conn.Close())
	}
	return errors.Join(append(errs, a.db.Close())...)
}
