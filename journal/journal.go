// Package journal is the durable intake log: what the receiver takes in is
// appended here and answered for once it is on disk, and attribution follows.
// It works while the database is down, its size is bounded, and a crash at any
// instant loses nothing that was acknowledged.
//
// It is no queue and no database: it knows neither what a record says nor who
// has done what with it. One process appends, one follower reads each record
// once, and what has been recorded elsewhere may be deleted.
//
// A segment is an SQLite file with a random UUID: new at every process start,
// when the last one is big enough, and after any I/O error. What is written
// here is the group commit around it: records that arrive while a commit is
// under way share the next one. After an error nobody can know what the old
// segment holds, so it is poisoned: never written again, still read, and the
// unacknowledged records go to a fresh one. They may then lie in both. That is
// harmless, for a record has an ID of its own and is never decided twice.
package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// ErrFull says that the record was not taken: the cap is reached, or the disk
// can't keep up with what is already queued.
var ErrFull = errors.New("the journal is full")

// ErrClosed says that the journal was closed.
var ErrClosed = errors.New("the journal is closed")

// ErrLocked says that another process, or another Journal of this one, has the
// directory.
var ErrLocked = errors.New("the journal is in use")

const (
	defaultCap         = 4 << 30
	defaultSegmentSize = 64 << 20
	minCap             = 1 << 20
	// segmentsPerCap keeps segments small against the cap, so that deleting
	// whole ones frees space soon enough.
	segmentsPerCap = 8
)

// Journal is an open journal. All methods may be called concurrently, but Next
// has one follower.
type Journal struct {
	dir         string
	now         func() time.Time
	log         *slog.Logger
	cap         int64
	segmentSize int64
	allowTmpfs  bool
	lock        *os.File
	// commit ends a group's transaction; tests let it fail.
	commit func(*appender) error

	wake    chan struct{} // something is queued, or the journal closes
	closing chan struct{} // closed when Close begins
	written chan struct{} // closed when the writer has ended

	// active is the open end of the last segment, nil when the next group needs
	// a fresh one. Only the writer uses it.
	active *appender
	// aged asks the writer to end the active segment when it has nothing to write.
	aged atomic.Bool

	// following serializes Next; reader is the file it reads from.
	following sync.Mutex
	reader    *reader

	// oldest remembers for Stats when the first unrecorded record was written.
	oldestMu sync.Mutex
	oldest   oldest

	mu       sync.Mutex // guards what follows
	closed   bool
	followed bool       // Next or Resume was called
	segments []*segment // by creation
	ordinal  int64      // the last segment's number
	bytes    int64      // of all segments
	free     int64      // of those that may be deleted
	queue    []*group
	queued   int64 // bytes in queue and in the group being written
	// recent are committed groups that Next has not yet returned, the newest
	// of them: what is older is read from its file.
	recent      []*group
	recentBytes int64
	unreadable  int
	lost        int64
	poisoned    int
	arrived     chan struct{} // closed and replaced when there is more to follow
	progress    chan struct{} // closed and replaced when more is recorded
}

// Option changes how a journal is kept.
type Option func(*Journal)

// WithCap bounds the journal's size on disk, 4 GiB unless given, at least 1 MiB.
// Clicks may use three quarters of it, so that postbacks always have room. It
// can be passed by what one write-ahead log holds, about 4 MiB.
func WithCap(bytes int64) Option { return func(j *Journal) { j.cap = bytes } }

// WithSegmentSize sets the size at which a new segment begins, 64 MiB unless
// given, and never more than an eighth of the cap.
func WithSegmentSize(bytes int64) Option { return func(j *Journal) { j.segmentSize = bytes } }

// AllowTmpfs lets the journal lie on a file system that a restart empties. For
// demos: nothing acknowledged survives the machine.
func AllowTmpfs() Option { return func(j *Journal) { j.allowTmpfs = true } }

// WithLog reports poisoned, damaged and deleted segments. Without it they show
// in Stats only.
func WithLog(l *slog.Logger) Option { return func(j *Journal) { j.log = l } }

// Open opens the journal in dir, and creates dir if need be. It takes an
// exclusive lock on it, held until Close (ErrLocked), and refuses a tmpfs unless
// AllowTmpfs is given. Segments left by a crash are recovered. A file that can't
// be read is renamed to *.unreadable, logged and counted in Stats: it never
// keeps the journal from starting. now says when a record was appended.
func Open(dir string, now func() time.Time, opts ...Option) (*Journal, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	j := &Journal{
		dir: abs, now: now, log: slog.New(slog.DiscardHandler),
		cap: defaultCap, segmentSize: defaultSegmentSize,
		commit:   (*appender).commit,
		wake:     make(chan struct{}, 1),
		closing:  make(chan struct{}),
		written:  make(chan struct{}),
		arrived:  make(chan struct{}),
		progress: make(chan struct{}),
	}
	for _, o := range opts {
		o(j)
	}
	if j.cap < minCap {
		return nil, fmt.Errorf("open journal: a cap of %d bytes is too small, it takes %d", j.cap, minCap)
	}
	if j.segmentSize <= 0 {
		return nil, fmt.Errorf("open journal: a segment of %d bytes holds nothing", j.segmentSize)
	}
	j.segmentSize = min(j.segmentSize, j.cap/segmentsPerCap)
	if err := j.claim(); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	if err := j.load(context.Background()); err != nil {
		return nil, errors.Join(fmt.Errorf("open journal: %w", err), j.lock.Close())
	}
	go j.write()
	return j, nil
}

// claim makes the directory and locks it.
func (j *Journal) claim() error {
	if err := os.MkdirAll(j.dir, 0o700); err != nil {
		return err
	}
	if err := syncDir(filepath.Dir(j.dir)); err != nil {
		return err
	}
	tmp, err := onTmpfs(j.dir)
	if err != nil {
		return fmt.Errorf("ask for the file system of %s: %w", j.dir, err)
	}
	if tmp && !j.allowTmpfs {
		return fmt.Errorf("%s is in memory (tmpfs): what is acknowledged there would not survive a restart", j.dir)
	}
	j.lock, err = lockDir(j.dir)
	return err
}

// Close answers every admitted Append, then ends the journal: Next and
// WaitCommitted return ErrClosed. Closing again does nothing.
func (j *Journal) Close() error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		<-j.written
		return nil
	}
	j.closed = true
	j.mu.Unlock()
	close(j.closing)
	j.poke()
	<-j.written

	err := j.finishActive(context.Background())
	j.following.Lock()
	defer j.following.Unlock()
	return errors.Join(err, j.closeReader(), j.lock.Close())
}

// Stats is the state of a journal at one moment.
type Stats struct {
	// Bytes is its size on disk, write-ahead logs included, and Cap the most it
	// may be.
	Bytes, Cap int64
	// Held is the part of Bytes that can't be freed because something in it is
	// not recorded yet. Near the cap, records will soon be refused.
	Held     int64
	Segments int
	// Unrecorded counts records of all segments that are not yet Committed.
	Unrecorded int64
	// OldestUnrecorded is when the first of them was appended; zero without one.
	OldestUnrecorded time.Time
	// Poisoned counts segments given up after an I/O error since Open.
	Poisoned int
	// Unreadable counts files that Open moved aside.
	Unreadable int
	// Lost counts records that Next skipped because their file is damaged.
	Lost int64
}

// Stats returns the journal's state.
func (j *Journal) Stats() Stats {
	s, first := j.stats()
	if s.Unrecorded > 0 {
		s.OldestUnrecorded = j.oldestUnrecorded(first)
	}
	return s
}

// stats returns all but OldestUnrecorded, and where the first unrecorded record
// is.
func (j *Journal) stats() (Stats, span) {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := Stats{
		Bytes: j.bytes, Cap: j.cap, Held: j.bytes - j.free, Segments: len(j.segments),
		Poisoned: j.poisoned, Unreadable: j.unreadable, Lost: j.lost,
	}
	var first span
	for _, seg := range j.segments {
		if n := seg.last - seg.recorded; n > 0 {
			if s.Unrecorded == 0 {
				first = span{seg: seg, after: seg.recorded, last: seg.last}
			}
			s.Unrecorded += n
		}
	}
	return s, first
}

// oldest is when the record after pos of a segment was written.
type oldest struct {
	segment string
	pos     int64
	at      time.Time
}

// oldestUnrecorded reads when the first record of s was written. If it can't,
// it returns what it last knew: too old is better than nothing.
func (j *Journal) oldestUnrecorded(s span) time.Time {
	j.oldestMu.Lock()
	defer j.oldestMu.Unlock()
	if j.oldest.segment == s.seg.id && j.oldest.pos == s.after && !j.oldest.at.IsZero() {
		return j.oldest.at
	}
	at, err := writtenAt(context.Background(), s.seg.path, s.after)
	if err != nil {
		j.log.Error("read age of journal", "segment", s.seg.id, "err", err)
		return j.oldest.at
	}
	j.oldest = oldest{segment: s.seg.id, pos: s.after, at: at}
	return at
}
