package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"subfive"
)

// rewriteAtOnce is how many records Rewrite holds in memory.
const rewriteAtOnce = 256

// Rewrite calls fn for every record in the segments of dir and puts what it
// returns in the record's place; nil leaves the record. What was there is
// overwritten on disk, the write-ahead log included. It works beside the process
// that has the journal open, and returns how many records it changed; with dryRun
// it changes nothing, and returns how many it would.
//
// Each segment is written anew though no record changes: a call before this one
// may have been cut short after it changed them. An error of fn or of ctx ends it. What can't be rewritten, and what Open moved
// aside as unreadable, is named in the error at the end.
func Rewrite(ctx context.Context, dir string, dryRun bool, fn func(subfive.Entry) ([]byte, error)) (changed int, err error) {
	segments, err := listSegments(dir)
	if err != nil {
		return 0, fmt.Errorf("rewrite journal: %w", err)
	}
	var left []error
	for _, seg := range segments {
		n, err := rewriteSegment(ctx, seg, dryRun, fn)
		changed += n
		if ctx.Err() != nil {
			return changed, ctx.Err()
		}
		if err != nil && exists(seg.path) { // else the journal freed it meanwhile
			left = append(left, fmt.Errorf("rewrite %s: %w", filepath.Base(seg.path), err))
		}
	}
	aside, err := filepath.Glob(filepath.Join(dir, "*"+unreadableSuffix+"*"))
	for _, path := range aside {
		left = append(left, fmt.Errorf("rewrite %s: it can't be read; delete it if it must not hold anything", filepath.Base(path)))
	}
	return changed, errors.Join(append(left, err)...)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func rewriteSegment(ctx context.Context, seg *segment, dryRun bool, fn func(subfive.Entry) ([]byte, error)) (changed int, err error) {
	db, err := openFile(seg.path, "rw", "secure_delete(ON)")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	last, err := lastOf(ctx, db)
	if err != nil {
		return 0, err
	}
	for after := int64(0); after < last; {
		entries, err := readPiece(ctx, db, seg.id, after)
		if err != nil {
			return changed, err
		}
		if len(entries) == 0 {
			break // the last of them are lost
		}
		after = entries[len(entries)-1].Pos
		for _, e := range entries {
			data, err := fn(e)
			if err != nil {
				return changed, err
			}
			if data == nil {
				continue
			}
			if changed++; dryRun {
				continue
			}
			if _, err := db.ExecContext(ctx, "UPDATE records SET record = ? WHERE pos = ?", data, e.Pos); err != nil {
				return changed - 1, err
			}
		}
	}
	if dryRun {
		return changed, nil
	}
	// A row that moved within the file has left a copy in the free part of a page,
	// whatever secure_delete says. A file that is written anew has none.
	if _, err := db.ExecContext(ctx, "VACUUM"); err != nil {
		return changed, err
	}
	// The log still has the pages as they were; it goes when nobody reads them.
	var busy, pages, moved int
	if err := db.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &moved); err != nil {
		return changed, err
	}
	if busy != 0 {
		return changed, errors.New("its write-ahead log is in use and still holds what was there; do it again")
	}
	return changed, nil
}

func readPiece(ctx context.Context, db *sql.DB, segment string, after int64) (entries []subfive.Entry, err error) {
	rows, err := db.QueryContext(ctx, "SELECT pos, record FROM records WHERE pos > ? ORDER BY pos LIMIT ?", after, rewriteAtOnce)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		e := subfive.Entry{Position: subfive.Position{Segment: segment}}
		if err := rows.Scan(&e.Pos, &e.Data); err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, rows.Err()
}
