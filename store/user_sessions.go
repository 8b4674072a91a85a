package store

import (
	"context"
	"database/sql"
	"encoding/base64"
	"fmt"
	"time"

	"subfive"
)

// AddSession stores a session that begins, and that its user has signed in.
// Sessions that have run out are forgotten with it.
func (s *Store) AddSession(ctx context.Context, v subfive.UserSession) error {
	err := s.write(ctx, s.screens, func(t *tx) error {
		if _, err := t.exec(ctx, "expire sessions", func() string {
			b := s.flavor.NewDeleteBuilder()
			return text(b.DeleteFrom("user_sessions").Where(b.LE("expires_at", 0)))
		}, subfive.Millis(v.CreatedAt)); err != nil {
			return err
		}
		columns := []string{"hash", "user_id", "data", "address", "user_agent", "created_at", "seen_at", "expires_at"}
		values := []any{
			v.Hash, v.UserID, base64.StdEncoding.EncodeToString(v.Data), v.Address, v.UserAgent,
			subfive.Millis(v.CreatedAt), subfive.Millis(v.SeenAt), subfive.Millis(v.ExpiresAt),
		}
		if err := t.insertRows(ctx, "user_sessions", columns, [][]any{values}, ""); err != nil {
			return err
		}
		_, err := t.exec(ctx, "signed in", func() string {
			b := s.flavor.NewUpdateBuilder()
			return text(b.Update("users").Set(b.Assign("signed_in_at", 0)).Where(b.EQ("user_id", "")))
		}, subfive.Millis(v.CreatedAt), v.UserID)
		return err
	})
	return wrap("add session", err)
}

// KeepSession stores what a session remembers, and until when it lasts. One that
// has ended meanwhile stays so.
func (s *Store) KeepSession(ctx context.Context, hash string, data []byte, until time.Time) error {
	err := s.single(ctx, s.screens, func(t *tx) error {
		_, err := t.exec(ctx, "keep session", func() string {
			b := s.flavor.NewUpdateBuilder()
			return text(b.Update("user_sessions").Set(b.Assign("data", ""), b.Assign("expires_at", 0)).Where(b.EQ("hash", "")))
		}, base64.StdEncoding.EncodeToString(data), subfive.Millis(until), hash)
		return err
	})
	return wrap("keep session", err)
}

// SeeSession notes that a session was used.
func (s *Store) SeeSession(ctx context.Context, hash, address string, at time.Time) error {
	err := s.single(ctx, s.screens, func(t *tx) error {
		_, err := t.exec(ctx, "see session", func() string {
			b := s.flavor.NewUpdateBuilder()
			return text(b.Update("user_sessions").Set(b.Assign("seen_at", 0), b.Assign("address", "")).Where(b.EQ("hash", "")))
		}, subfive.Millis(at), address, hash)
		return err
	})
	return wrap("see session", err)
}

// restartSession makes a session one that begins at a moment.
func (t *tx) restartSession(ctx context.Context, hash string, at time.Time) error {
	_, err := t.exec(ctx, "restart session", func() string {
		b := t.s.flavor.NewUpdateBuilder()
		return text(b.Update("user_sessions").Set(b.Assign("created_at", 0)).Where(b.EQ("hash", "")))
	}, subfive.Millis(at), hash)
	return err
}

func (t *tx) sessions(ctx context.Context, key string, where func(conditions) []string, args ...any) (all []subfive.UserSession, err error) {
	err = t.query(ctx, key, func() string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("hash", "user_id", "data", "address", "user_agent", "created_at", "seen_at", "expires_at").From("user_sessions").
			OrderBy("created_at DESC", "hash")
		b.Where(where(b)...)
		return text(b)
	}, args, func(r *sql.Rows) error {
		var v subfive.UserSession
		var data string
		var created, seen, expires int64
		err := r.Scan(&v.Hash, &v.UserID, &data, &v.Address, &v.UserAgent, &created, &seen, &expires)
		if err != nil {
			return err
		}
		v.CreatedAt, v.SeenAt, v.ExpiresAt = subfive.FromMillis(created), subfive.FromMillis(seen), subfive.FromMillis(expires)
		if v.Data, err = base64.StdEncoding.DecodeString(data); err != nil {
			return fmt.Errorf("session of %s: %w", v.UserID, err)
		}
		all = append(all, v)
		return nil
	})
	return all, err
}

// Session returns the session of a hash that has not run out at now;
// subfive.ErrNotFound if there is none.
func (s *Store) Session(ctx context.Context, hash string, now time.Time) (v subfive.UserSession, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		all, err := t.sessions(ctx, "session", func(c conditions) []string { return []string{c.EQ("hash", ""), c.GT("expires_at", 0)} }, hash, subfive.Millis(now))
		if err == nil && len(all) == 0 {
			err = subfive.ErrNotFound
		}
		if err == nil {
			v = all[0]
		}
		return err
	})
	return v, wrap("read session", err)
}

// SessionsOf returns a user's sessions that have not run out at now, newest
// first.
func (s *Store) SessionsOf(ctx context.Context, userID string, now time.Time) (all []subfive.UserSession, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		all, err = t.sessions(ctx, "sessions of a user", func(c conditions) []string { return []string{c.EQ("user_id", ""), c.GT("expires_at", 0)} }, userID, subfive.Millis(now))
		return err
	})
	return all, wrap("read sessions", err)
}

// EndSession ends a session; one that is not there is no error.
func (s *Store) EndSession(ctx context.Context, hash string) error {
	err := s.single(ctx, s.screens, func(t *tx) error {
		_, err := t.exec(ctx, "end session", func() string {
			b := s.flavor.NewDeleteBuilder()
			return text(b.DeleteFrom("user_sessions").Where(b.EQ("hash", "")))
		}, hash)
		return err
	})
	return wrap("end session", err)
}

// endAccess ends a user's sessions but for one, and his links.
func (t *tx) endAccess(ctx context.Context, userID, keep string) error {
	if _, err := t.exec(ctx, "end sessions of a user", func() string {
		b := t.s.flavor.NewDeleteBuilder()
		return text(b.DeleteFrom("user_sessions").Where(b.EQ("user_id", ""), b.NE("hash", "")))
	}, userID, keep); err != nil {
		return err
	}
	return t.endLinks(ctx, userID)
}
