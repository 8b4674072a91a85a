package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Copy writes copies of dir's segments to the folder to, each as it is at one
// moment, and returns how many. Of those that recorded names, only the ones that
// go on after that position are copied. It works beside the process that has the
// journal open; what that one frees meanwhile was recorded, and is left out.
func Copy(ctx context.Context, dir, to string, recorded map[string]int64) (copied int, err error) {
	segments, err := listSegments(dir)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("copy journal: %w", err)
	}
	for _, seg := range segments {
		done, err := copySegment(ctx, seg, filepath.Join(to, filepath.Base(seg.path)), recorded[seg.id])
		if err != nil && !exists(seg.path) {
			continue
		}
		if err != nil {
			return copied, fmt.Errorf("copy journal segment %s: %w", seg.id, err)
		}
		if done {
			copied++
		}
	}
	return copied, nil
}

func copySegment(ctx context.Context, seg *segment, to string, recorded int64) (done bool, err error) {
	db, err := openFile(seg.path, "rw", "synchronous(FULL)")
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	last, err := lastOf(ctx, db)
	if err != nil || last <= recorded {
		return false, err
	}
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", to)
	return err == nil, err
}

// lastOf returns a segment's last position, 0 while it has no record.
func lastOf(ctx context.Context, db *sql.DB) (last int64, err error) {
	var tables int
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master WHERE name = 'records'").Scan(&tables); err != nil || tables == 0 {
		return 0, err
	}
	err = db.QueryRowContext(ctx, "SELECT coalesce(max(pos), 0) FROM records").Scan(&last)
	return last, err
}
