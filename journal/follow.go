package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"subfive"
)

// span is the records of a segment after one position, up to and with another.
type span struct {
	seg         *segment
	after, last int64
}

// Resume tells the journal what the database has recorded, segment → position,
// so that Next goes on behind it. It is called once, before the first Next;
// segments it doesn't name were not recorded at all. Segments of other
// directories are ignored.
func (j *Journal) Resume(committed map[string]int64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.followed {
		return errors.New("resume journal: it is being followed already")
	}
	for id, pos := range committed {
		if pos < 0 {
			return fmt.Errorf("resume journal: segment %s at position %d", id, pos)
		}
	}
	j.followed = true
	for _, s := range j.segments {
		s.recorded = min(committed[s.id], s.last)
		s.returned = s.recorded
	}
	j.account()
	return nil
}

// Next returns up to limit records that it has not returned before, at least
// one: it waits for it. Older segments come first, each in its order. It never
// holds up an Append. A record that can't be read because its file is damaged is
// logged, counted in Stats and skipped; for any other error call it again.
func (j *Journal) Next(ctx context.Context, limit int) ([]subfive.Entry, error) {
	j.following.Lock()
	defer j.following.Unlock()
	limit = max(limit, 1)
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		entries, unread, arrived, err := j.upcoming(limit)
		if err == nil && unread.seg != nil {
			entries, err = j.readFile(ctx, unread, limit)
		}
		if err != nil {
			return nil, fmt.Errorf("follow journal: %w", err)
		}
		if len(entries) > 0 {
			return entries, nil
		}
		if arrived == nil {
			continue // what was to be read is lost
		}
		select {
		case <-arrived:
		case <-j.closing:
		case <-ctx.Done():
		}
	}
}

// upcoming returns what comes next: entries that are still in memory, else what
// to read from a file, else the channel to wait on.
func (j *Journal) upcoming(limit int) (entries []subfive.Entry, unread span, arrived <-chan struct{}, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil, span{}, nil, ErrClosed
	}
	j.followed = true
	i := slices.IndexFunc(j.segments, func(s *segment) bool { return s.returned < s.last })
	if i < 0 {
		return nil, span{}, j.arrived, nil
	}
	j.forgetReturned()
	seg := j.segments[i]
	if len(j.recent) > 0 && j.recent[0].seg == seg && j.recent[0].first <= seg.returned+1 {
		return j.fromMemory(limit), span{}, nil, nil
	}
	return nil, span{seg: seg, after: seg.returned, last: seg.last}, nil, nil
}

// fromMemory returns recent records. They have no gap: only the oldest are ever
// forgotten.
func (j *Journal) fromMemory(limit int) []subfive.Entry {
	var entries []subfive.Entry
	for len(j.recent) > 0 && len(entries) < limit {
		g := j.recent[0]
		n := min(g.last(), g.seg.returned+int64(limit-len(entries)))
		for pos := g.seg.returned + 1; pos <= n; pos++ {
			entries = append(entries, subfive.Entry{
				Position: subfive.Position{Segment: g.seg.id, Pos: pos},
				Data:     g.record(int(pos - g.first)),
			})
		}
		g.seg.returned = n
		j.forgetReturned()
	}
	return entries
}

// forgetReturned drops the groups that Next is done with.
func (j *Journal) forgetReturned() {
	for len(j.recent) > 0 && j.recent[0].last() <= j.recent[0].seg.returned {
		j.forgetOldest()
	}
}

// forgetOldest drops the oldest recent group.
func (j *Journal) forgetOldest() {
	j.recentBytes -= j.recent[0].weight()
	j.recent[0] = nil
	j.recent = j.recent[1:]
}

// readFile reads a span from its segment's file, on a connection of its own, and
// counts it as returned.
func (j *Journal) readFile(ctx context.Context, s span, limit int) ([]subfive.Entry, error) {
	entries, upTo, err := j.readSpan(ctx, s, limit)
	switch {
	case damaged(err) || errors.Is(err, os.ErrNotExist):
		j.log.ErrorContext(ctx, "open journal segment", "segment", s.seg.id, "err", err)
		entries, upTo = nil, s.last // no record in it can be read
	case err != nil:
		return nil, err
	}
	if lost := upTo - s.after - int64(len(entries)); lost > 0 {
		j.log.ErrorContext(ctx, "records of a damaged journal segment are lost",
			"segment", s.seg.id, "after", s.after, "up_to", upTo, "lost", lost)
		j.mu.Lock()
		j.lost += lost
		j.mu.Unlock()
	}
	j.mu.Lock()
	s.seg.returned = max(s.seg.returned, upTo)
	j.mu.Unlock()
	if upTo < s.last {
		return entries, nil
	}
	if err := j.closeReader(); err != nil {
		j.log.ErrorContext(ctx, "close journal segment", "segment", s.seg.id, "err", err)
	}
	return entries, nil
}

// readSpan reads from the segment's reader, which it opens if need be.
func (j *Journal) readSpan(ctx context.Context, s span, limit int) ([]subfive.Entry, int64, error) {
	if j.reader != nil && j.reader.seg != s.seg {
		if err := j.closeReader(); err != nil {
			j.log.ErrorContext(ctx, "close journal segment", "err", err)
		}
	}
	if j.reader == nil {
		r, err := openReader(ctx, s.seg)
		if err != nil {
			return nil, 0, err
		}
		j.reader = r
	}
	return j.reader.next(ctx, s.after, s.last, limit)
}

// closeReader closes the file that Next reads from, which may delete its
// write-ahead log.
func (j *Journal) closeReader() error {
	if j.reader == nil {
		return nil
	}
	r := j.reader
	j.reader = nil
	err := r.close()
	j.mu.Lock()
	finished := slices.Contains(j.segments, r.seg) && r.seg.finished
	j.mu.Unlock()
	if finished {
		j.measure(context.Background(), r.seg)
	}
	return err
}

// Committed says that the database has recorded all records up to and with these
// positions of their segments. Segments that are wholly recorded are deleted
// when the cap needs the space, not before.
func (j *Journal) Committed(ps []subfive.Position) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, p := range ps {
		seg := j.find(p.Segment)
		if seg == nil || p.Pos <= seg.recorded {
			continue
		}
		seg.recorded = min(p.Pos, seg.last)
		seg.returned = max(seg.returned, seg.recorded)
		if seg.freeable() {
			j.account()
		}
	}
	close(j.progress)
	j.progress = make(chan struct{})
}

// find returns the segment of that UUID, nil if it is not, or no longer, here.
func (j *Journal) find(id string) *segment {
	i := slices.IndexFunc(j.segments, func(s *segment) bool { return s.id == id })
	if i < 0 {
		return nil
	}
	return j.segments[i]
}

// WaitCommitted waits until the record at p, as Append returned it, is
// Committed. It returns ctx.Err() or ErrClosed if that comes first.
func (j *Journal) WaitCommitted(ctx context.Context, p subfive.Position) error {
	for {
		recorded, progress := j.isRecorded(p)
		if recorded {
			return nil
		}
		select {
		case <-progress:
		case <-j.closing:
			return fmt.Errorf("wait for %s: %w", p, ErrClosed)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// isRecorded reports whether p is recorded, and else what to wait on. A segment
// that is gone was deleted because all of it was.
func (j *Journal) isRecorded(p subfive.Position) (bool, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	seg := j.find(p.Segment)
	return seg == nil || p.Pos <= seg.recorded, j.progress
}
