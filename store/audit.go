package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"subfive"
)

// AuditID is the ID of the nth line, from 0, of the change that brought the setup
// to a version.
func AuditID(version int64, n int) string {
	return subfive.DeriveID("au_", strconv.FormatInt(version, 10), strconv.Itoa(n))
}

// sealedMark tells in the audit that what is kept sealed of a resource changed,
// and nothing of it.
const sealedMark = `,"sealed":"`

// marked is a resource's spec with what became of its secret.
func marked(spec, before, after string) string {
	var word string
	switch {
	case before == after:
		return spec
	case after == "":
		word = "removed"
	case before == "":
		word = "set"
	default:
		word = "changed"
	}
	return strings.TrimSuffix(spec, "}") + sealedMark + word + `"}`
}

// Unmarked is a line's Old or New without what became of the resource's secret,
// and whether anything did.
func Unmarked(spec string) (plain string, sealed bool) {
	for _, word := range []string{"set", "changed", "removed"} {
		if before, ok := strings.CutSuffix(spec, sealedMark+word+`"}`); ok {
			return before + "}", true
		}
	}
	return spec, false
}

// AuditLine is one line of the audit.
func (s *Store) AuditLine(ctx context.Context, id string) (l Audit, err error) {
	if err := checkValues([]any{id}); err != nil {
		return l, fmt.Errorf("audit %s: %w", id, subfive.ErrNotFound)
	}
	err = s.read(ctx, s.screens, func(t *tx) error {
		var at int64
		err := t.row(ctx, "audit line", func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select("id", "at", "actor", "action", "subject", "old_value", "new_value").From("audit").Where(b.EQ("id", ""))
			return text(b)
		}, []any{id}, &l.ID, &at, &l.Actor, &l.Action, &l.Subject, &l.Old, &l.New)
		l.At = subfive.FromMillis(at)
		if errors.Is(err, sql.ErrNoRows) {
			return subfive.ErrNotFound
		}
		return err
	})
	return l, wrap("audit "+id, err)
}

// SealedBy are the newest lines by which each subject's secret was set.
func (s *Store) SealedBy(ctx context.Context) (lines map[string]Audit, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		lines = map[string]Audit{}
		return t.query(ctx, "audit of secrets", func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select("id", "at", "actor", "action", "subject", "new_value").From("audit").
				Where(b.Like("new_value", "")).OrderBy("at", "id")
			return text(b)
		}, []any{"%" + sealedMark + "%"}, func(r *sql.Rows) error {
			var l Audit
			var at int64
			err := r.Scan(&l.ID, &at, &l.Actor, &l.Action, &l.Subject, &l.New)
			l.At = subfive.FromMillis(at)
			if _, sealed := Unmarked(l.New); sealed {
				lines[l.Subject] = l
			}
			return err
		})
	})
	return lines, wrap("read who set secrets", err)
}

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
