package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"subfive"
)

// auditedToken is what the audit keeps of a token.
func auditedToken(v subfive.APIToken) string {
	spec, err := json.Marshal(struct {
		Name  string        `json:"name"`
		Scope subfive.Scope `json:"scope"`
		Last4 string        `json:"last4"`
	}{v.Name, v.Scope, v.Last4})
	if err != nil { // text alone: it can't be
		return err.Error()
	}
	return string(spec)
}

// AddToken stores an API token, of whose secret hash is the hash. ErrTaken if
// one of its name is in use: the audit names tokens.
func (s *Store) AddToken(ctx context.Context, v subfive.APIToken, hash string) error {
	err := s.changeAccounts(ctx, v.CreatedBy, v.CreatedAt, func(t *tx) ([]Audit, error) {
		all, err := t.tokens(ctx, "token by name", func(c conditions) []string { return []string{c.EQ("name", ""), c.EQ("revoked_at", 0)} }, v.Name, 0)
		if err == nil && len(all) > 0 {
			err = fmt.Errorf("token %s: %w", v.Name, ErrTaken)
		}
		if err != nil {
			return nil, err
		}
		columns := []string{"token_id", "name", "scope", "hash", "last4", "created_by", "created_at", "last_used_at", "revoked_at"}
		values := []any{v.ID, v.Name, string(v.Scope), hash, v.Last4, v.CreatedBy, subfive.Millis(v.CreatedAt), int64(0), int64(0)}
		line := Audit{Action: "create", Subject: v.Actor(), New: auditedToken(v)}
		return []Audit{line}, t.insertRows(ctx, "api_tokens", columns, [][]any{values}, "")
	})
	return wrap("add token", err)
}

func (t *tx) tokens(ctx context.Context, key string, where func(conditions) []string, args ...any) (all []subfive.APIToken, err error) {
	err = t.query(ctx, key, func() string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("token_id", "name", "scope", "last4", "created_by", "created_at", "last_used_at", "revoked_at").From("api_tokens").
			OrderBy("created_at DESC", "token_id")
		if where != nil {
			b.Where(where(b)...)
		}
		return text(b)
	}, args, func(r *sql.Rows) error {
		var v subfive.APIToken
		var created, used, revoked int64
		err := r.Scan(&v.ID, &v.Name, &v.Scope, &v.Last4, &v.CreatedBy, &created, &used, &revoked)
		v.CreatedAt, v.LastUsedAt, v.RevokedAt = subfive.FromMillis(created), subfive.FromMillis(used), subfive.FromMillis(revoked)
		all = append(all, v)
		return err
	})
	return all, err
}

// Tokens returns all API tokens, newest first, revoked ones too.
func (s *Store) Tokens(ctx context.Context) (all []subfive.APIToken, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		all, err = t.tokens(ctx, "tokens", nil)
		return err
	})
	return all, wrap("read tokens", err)
}

// Token returns the API token of whose secret this is the hash;
// subfive.ErrNotFound if there is none, or it was revoked.
func (s *Store) Token(ctx context.Context, hash string) (v subfive.APIToken, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		all, err := t.tokens(ctx, "token", func(c conditions) []string { return []string{c.EQ("hash", ""), c.EQ("revoked_at", 0)} }, hash, 0)
		if err == nil && len(all) == 0 {
			err = subfive.ErrNotFound
		}
		if err == nil {
			v = all[0]
		}
		return err
	})
	return v, wrap("read token", err)
}

// TokenUsed notes when a token was last used.
func (s *Store) TokenUsed(ctx context.Context, id string, at time.Time) error {
	err := s.single(ctx, s.screens, func(t *tx) error {
		_, err := t.exec(ctx, "token used", func() string {
			b := s.flavor.NewUpdateBuilder()
			return text(b.Update("api_tokens").Set(b.Assign("last_used_at", 0)).Where(b.EQ("token_id", ""), b.LT("last_used_at", 0)))
		}, subfive.Millis(at), id, subfive.Millis(at))
		return err
	})
	return wrap("note the use of a token", err)
}

// RevokeToken ends a token, and returns it. One that was revoked stays as it is.
func (s *Store) RevokeToken(ctx context.Context, by, id string, at time.Time) (v subfive.APIToken, err error) {
	err = s.changeAccounts(ctx, by, at, func(t *tx) ([]Audit, error) {
		all, err := t.tokens(ctx, "token by ID", func(c conditions) []string { return []string{c.EQ("token_id", "")} }, id)
		if err == nil && len(all) == 0 {
			err = subfive.ErrNotFound
		}
		if err != nil {
			return nil, err
		}
		if v = all[0]; !v.RevokedAt.IsZero() {
			return nil, nil
		}
		v.RevokedAt = at
		_, err = t.exec(ctx, "revoke token", func() string {
			b := s.flavor.NewUpdateBuilder()
			return text(b.Update("api_tokens").Set(b.Assign("revoked_at", 0)).Where(b.EQ("token_id", "")))
		}, subfive.Millis(at), id)
		return []Audit{{Action: "revoke", Subject: v.Actor(), Old: auditedToken(v)}}, err
	})
	return v, wrap("revoke token", err)
}
