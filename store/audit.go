package store

import (
	"context"
	"database/sql"
	"fmt"

	"subfive"
)

// AuditPage returns one page of the audit, newest first, and the cursor of the
// following page, empty at the end. cursor is empty for the first page; one that
// is none of ours, or a limit that is not 1 to MaxPage, is ErrBadQuery.
func (s *Store) AuditPage(ctx context.Context, limit int, after string) (lines []Audit, next string, err error) {
	if limit < 1 || limit > MaxPage {
		return nil, "", fmt.Errorf("%w: limit must be 1 to %d", ErrBadQuery, MaxPage)
	}
	var args []any
	if after != "" {
		ms, id, err := readCursor(after)
		if err != nil {
			return nil, "", err
		}
		args = append(args, ms, ms, id)
	}
	args = append(args, limit+1) // one more tells whether there is a next page
	err = s.read(ctx, s.screens, func(t *tx) error {
		lines = nil
		return t.query(ctx, fmt.Sprintf("audit page %t", after != ""), func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select("id", "at", "actor", "action", "subject", "old_value", "new_value").From("audit")
			if after != "" {
				b.Where(b.LE("at", 0), b.Or("at < "+b.Var(0), b.LT("id", "")))
			}
			return text(b.OrderBy("at DESC", "id DESC").Limit(1))
		}, args, func(r *sql.Rows) error {
			var l Audit
			var at int64
			err := r.Scan(&l.ID, &at, &l.Actor, &l.Action, &l.Subject, &l.Old, &l.New)
			l.At = subfive.FromMillis(at)
			lines = append(lines, l)
			return err
		})
	})
	if err != nil {
		return nil, "", wrap("read audit", err)
	}
	if len(lines) > limit {
		lines = lines[:limit]
		last := lines[limit-1]
		next = cursor(subfive.Millis(last.At), last.ID)
	}
	return lines, next, nil
}
