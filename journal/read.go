package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"subfive"
)

// readAtOnce is how many records Read holds in memory.
const readAtOnce = 256

// Read calls fn for every record in the segments of dir, a dead node's or a
// restored one: older segments first, each in its order. It changes nothing
// there, and reads from a copy of one segment at a time. A journal that a process
// has open is refused (ErrLocked).
//
// An error of fn or of ctx ends it. What can't be read is skipped, and the error
// at the end says what that was.
func Read(ctx context.Context, dir string, fn func(subfive.Entry) error) error {
	lock, err := shareDir(dir)
	if err != nil {
		return fmt.Errorf("read journal: %w", err)
	}
	if lock != nil {
		defer func() { _ = lock.Close() }() // gives the lock back; nothing was written
	}
	segments, err := listSegments(dir)
	if err != nil {
		return fmt.Errorf("read journal: %w", err)
	}
	var damage []error
	for _, seg := range segments {
		stop, err := readCopy(ctx, seg, fn)
		if stop {
			return err
		}
		if err != nil {
			damage = append(damage, fmt.Errorf("read %s: %w", filepath.Base(seg.path), err))
		}
	}
	return errors.Join(damage...)
}

// readCopy walks over a copy of the segment; stop says that err is fn's or
// ctx's.
func readCopy(ctx context.Context, seg *segment, fn func(subfive.Entry) error) (stop bool, err error) {
	tmp, err := os.MkdirTemp("", "subfive-journal-")
	if err != nil {
		return true, fmt.Errorf("read journal: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	twin := *seg
	twin.path = filepath.Join(tmp, filepath.Base(seg.path))
	for _, suffix := range []string{"", walSuffix} {
		if err := copyFile(seg.path+suffix, twin.path+suffix); err != nil {
			return false, err
		}
	}
	err = inspect(ctx, &twin)
	if errors.Is(err, errNoRecords) {
		return false, nil
	}
	if err != nil {
		return ctx.Err() != nil, err
	}
	stop, err = walk(ctx, &twin, fn)
	return stop, errors.Join(err, twin.damage)
}

// walk reads a segment from its first record to its last.
func walk(ctx context.Context, seg *segment, fn func(subfive.Entry) error) (stop bool, err error) {
	r, err := openReader(ctx, seg)
	if err != nil {
		return ctx.Err() != nil, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	var lost int64
	for after := int64(0); after < seg.last; {
		entries, upTo, err := r.next(ctx, after, seg.last, readAtOnce)
		if err != nil {
			return ctx.Err() != nil, err
		}
		for _, e := range entries {
			if err := fn(e); err != nil {
				return true, err
			}
		}
		lost += upTo - after - int64(len(entries))
		after = upTo
	}
	if lost > 0 {
		return false, fmt.Errorf("%d records are lost in damaged pages", lost)
	}
	return false, nil
}

// copyFile copies a file if there is one.
func copyFile(from, to string) (err error) {
	src, err := os.Open(from)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Close())
}
