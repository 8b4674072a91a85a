package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"subfive"
)

// AddLink stores a one-time link. Earlier ones of the same user end. ErrNotFound
// if there is no such user who could come in.
func (s *Store) AddLink(ctx context.Context, by string, l subfive.OneTimeLink) error {
	err := s.changeAccounts(ctx, by, l.CreatedAt, func(t *tx) ([]Audit, error) {
		var lines []Audit
		if l.Purpose != subfive.LinkFirst {
			a, err := t.liveUser(ctx, l.UserID)
			if err != nil {
				return nil, err
			}
			if err := t.endLinks(ctx, l.UserID); err != nil {
				return nil, err
			}
			lines = []Audit{{Action: "link", Subject: "user " + a.Name}}
		}
		if _, err := t.exec(ctx, "forget links", func() string {
			b := s.flavor.NewDeleteBuilder()
			return text(b.DeleteFrom("setup_links").Where(b.LE("expires_at", 0)))
		}, subfive.Millis(l.CreatedAt.Add(-subfive.LinkLife))); err != nil {
			return nil, err
		}
		columns := []string{"hash", "purpose", "user_id", "created_at", "expires_at", "used_at"}
		values := []any{l.Hash, string(l.Purpose), l.UserID, subfive.Millis(l.CreatedAt), subfive.Millis(l.ExpiresAt), int64(0)}
		return lines, t.insertRows(ctx, "setup_links", columns, [][]any{values}, "")
	})
	return wrap("add link", err)
}

// endLinks ends what links a user still has.
func (t *tx) endLinks(ctx context.Context, userID string) error {
	_, err := t.exec(ctx, "end links", func() string {
		b := t.s.flavor.NewDeleteBuilder()
		return text(b.DeleteFrom("setup_links").Where(b.EQ("user_id", ""), b.EQ("used_at", 0)))
	}, userID, 0)
	return err
}

// Link returns a one-time link that works at now, and the user it is for, if it
// is for one. Else subfive.ErrLinkOver.
func (s *Store) Link(ctx context.Context, hash string, now time.Time) (l subfive.OneTimeLink, u subfive.User, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		var a userRow
		l, a, err = t.link(ctx, hash, now)
		u = a.User
		return err
	})
	return l, u, wrap("read link", err)
}

func (t *tx) link(ctx context.Context, hash string, now time.Time) (l subfive.OneTimeLink, a userRow, err error) {
	var created, expires int64
	err = t.row(ctx, "link", func() string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("hash", "purpose", "user_id", "created_at", "expires_at").From("setup_links").
			Where(b.EQ("hash", ""), b.EQ("used_at", 0), b.GT("expires_at", 0))
		return text(b)
	}, []any{hash, 0, subfive.Millis(now)}, &l.Hash, &l.Purpose, &l.UserID, &created, &expires)
	if errors.Is(err, sql.ErrNoRows) {
		err = subfive.ErrLinkOver
	}
	if err != nil {
		return l, a, err
	}
	l.CreatedAt, l.ExpiresAt = subfive.FromMillis(created), subfive.FromMillis(expires)
	switch l.Purpose {
	case subfive.LinkFirst:
		owners, err := t.owners(ctx)
		if err == nil && len(owners) > 0 {
			err = fmt.Errorf("%w: an owner has set his password meanwhile", subfive.ErrLinkOver)
		}
		return l, a, err
	case subfive.LinkPassword, subfive.LinkSignIn:
		a, err = t.liveUser(ctx, l.UserID)
		if errors.Is(err, subfive.ErrNotFound) {
			err = subfive.ErrLinkOver
		}
	}
	return l, a, err
}

// UseLink uses a one-time link up, and returns who came in by it. subfive.ErrLinkOver if
// it works no more: of two who have it, one comes in.
func (s *Store) UseLink(ctx context.Context, hash string, e subfive.Arrival, now time.Time) (u subfive.User, err error) {
	err = s.changeAccounts(ctx, "", now, func(t *tx) ([]Audit, error) {
		l, a, err := t.link(ctx, hash, now)
		if err != nil {
			return nil, err
		}
		if n, err := t.exec(ctx, "use link", func() string {
			b := s.flavor.NewUpdateBuilder()
			return text(b.Update("setup_links").Set(b.Assign("used_at", 0)).Where(b.EQ("hash", ""), b.EQ("used_at", 0)))
		}, subfive.Millis(now), hash, 0); err != nil || n == 0 {
			return nil, errors.Join(err, subfive.ErrLinkOver)
		}
		var lines []Audit
		if l.Purpose == subfive.LinkFirst {
			var line Audit
			if a, line, err = t.firstOwner(ctx, e.First, now); err != nil {
				return nil, err
			}
			lines = append(lines, line)
		}
		if l.Purpose != subfive.LinkSignIn {
			if e.Zone != "" {
				a.Zone = e.Zone
			}
			line, err := t.setPassword(ctx, a, e.Password, "", now)
			if err != nil {
				return nil, err
			}
			lines = append(lines, line)
		}
		u, err = t.entered(ctx, a.ID)
		for i := range lines {
			lines[i].Actor = a.Name
		}
		return lines, err
	})
	return u, wrap("use link", err)
}

func (t *tx) entered(ctx context.Context, id string) (subfive.User, error) {
	a, err := t.userOf(ctx, id)
	return a.User, err
}

// firstOwner makes the first owner: a new user, or one who has no password yet.
func (t *tx) firstOwner(ctx context.Context, first subfive.User, at time.Time) (userRow, Audit, error) {
	line := Audit{Action: "create", Subject: "user " + first.Name}
	a, err := t.userNamed(ctx, first.Name)
	switch {
	case errors.Is(err, subfive.ErrNotFound):
		a = userRow{User: first}
		a.CreatedAt = at
	case err != nil:
		return a, line, err
	default:
		line.Action, line.Old = "update", a.audited()
		if !a.ArchivedAt.IsZero() {
			line.Action = "restore"
		}
	}
	a.Role, a.ArchivedAt = subfive.RoleOwner, time.Time{}
	line.New = a.audited()
	return a, line, nil
}
