package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// errNoRecords says that a segment was never finished being created, or that
// nothing was written to it.
var errNoRecords = errors.New("the segment has no records")

// load takes in the segments that earlier processes left, by crash or not.
func (j *Journal) load(ctx context.Context) error {
	found, err := listSegments(j.dir)
	if err != nil {
		return err
	}
	for _, seg := range found {
		j.ordinal = max(j.ordinal, seg.ordinal)
		err := inspect(ctx, seg)
		switch {
		case errors.Is(err, errNoRecords):
			err = removeSegment(seg.path)
		case err != nil:
			j.unreadable++
			j.log.ErrorContext(ctx, "journal segment is unreadable and moved aside", "segment", seg.id, "err", err)
			err = moveAside(seg.path)
		default:
			j.segments = append(j.segments, seg)
			if seg.damage != nil {
				j.log.ErrorContext(ctx, "journal segment is damaged", "segment", seg.id, "kept_up_to", seg.last, "err", seg.damage)
			}
		}
		if err != nil {
			j.log.ErrorContext(ctx, "clear journal segment away", "segment", seg.id, "err", err)
		}
	}
	j.account()
	return nil
}

// inspect recovers a segment and fills in how far it goes.
func inspect(ctx context.Context, seg *segment) error {
	if err := checkEmpty(seg.path); err != nil {
		return err
	}
	if err := findEnd(ctx, seg); err != nil {
		return err
	}
	if seg.last == 0 {
		return errNoRecords
	}
	var err error
	seg.size, err = segmentSize(seg.path)
	return err
}

// findEnd opens and closes a segment, which moves a write-ahead log that a crash
// left into the file, and fills in its last position.
func findEnd(ctx context.Context, seg *segment) (err error) {
	r, err := openReader(ctx, seg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	seg.finished = true
	seg.last, seg.damage, err = r.end(ctx)
	return err
}

// checkEmpty looks at a file of no bytes, or of one: SQLite takes that for none. A
// crash may leave it during creation. Its log must then be empty too; SQLite would
// delete it unread.
func checkEmpty(path string) error {
	size, err := fileSize(path)
	if err != nil || size > 1 {
		return err
	}
	wal, err := fileSize(path + walSuffix)
	if err != nil {
		return err
	}
	if wal > 0 {
		return fmt.Errorf("the file is empty, but its log has %d bytes", wal)
	}
	return errNoRecords
}

// moveAside renames a segment's file and its log, so that they stay a pair.
func moveAside(path string) error {
	for _, suffix := range []string{walSuffix, ""} {
		err := os.Rename(path+suffix, path+unreadableSuffix+suffix)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
