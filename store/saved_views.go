package store

import (
	"context"
	"database/sql"
	"errors"

	"subfive"
)

// SavedViews returns what an owner saved, of one page or, if page is "", of all,
// by page and name.
func (s *Store) SavedViews(ctx context.Context, owner, page string) (all []subfive.View, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		all = nil
		key, args := "views", []any{owner}
		if page != "" {
			key, args = "views of a page", append(args, page)
		}
		return t.query(ctx, key, func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select("view_id", "owner", "page", "name", "query", "created_at").From("saved_views").Where(b.EQ("owner", "")).OrderBy("page", "name")
			if page != "" {
				b.Where(b.EQ("page", ""))
			}
			return text(b)
		}, args, func(r *sql.Rows) error {
			var v subfive.View
			var created int64
			err := r.Scan(&v.ID, &v.Owner, &v.Page, &v.Name, &v.Query, &created)
			v.CreatedAt = subfive.FromMillis(created)
			all = append(all, v)
			return err
		})
	})
	return all, wrap("read saved views", err)
}

// SaveView stores a view in place of the owner's one of the same page and name,
// whose ID it takes, and returns it.
func (s *Store) SaveView(ctx context.Context, v subfive.View) (subfive.View, error) {
	err := s.write(ctx, s.screens, func(t *tx) error {
		columns := []string{"view_id", "owner", "page", "name", "query", "created_at"}
		values := []any{v.ID, v.Owner, v.Page, v.Name, v.Query, subfive.Millis(v.CreatedAt)}
		if err := t.insertRows(ctx, "saved_views", columns, [][]any{values},
			"ON CONFLICT (owner, page, name) DO UPDATE SET query = excluded.query, created_at = excluded.created_at"); err != nil {
			return err
		}
		return t.row(ctx, "view's ID", func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select("view_id").From("saved_views").Where(b.EQ("owner", ""), b.EQ("page", ""), b.EQ("name", ""))
			return text(b)
		}, []any{v.Owner, v.Page, v.Name}, &v.ID)
	})
	return v, wrap("save view", err)
}

// DeleteView forgets a view of the owner's, and returns it;
// subfive.ErrNotFound if he has none of that ID.
func (s *Store) DeleteView(ctx context.Context, owner, id string) (v subfive.View, err error) {
	err = s.write(ctx, s.screens, func(t *tx) error {
		var created int64
		err := t.row(ctx, "delete view", func() string {
			b := s.flavor.NewDeleteBuilder()
			b.DeleteFrom("saved_views").Where(b.EQ("owner", ""), b.EQ("view_id", "")).Returning("view_id", "owner", "page", "name", "query", "created_at")
			return text(b)
		}, []any{owner, id}, &v.ID, &v.Owner, &v.Page, &v.Name, &v.Query, &created)
		if errors.Is(err, sql.ErrNoRows) {
			err = subfive.ErrNotFound
		}
		v.CreatedAt = subfive.FromMillis(created)
		return err
	})
	return v, wrap("delete view", err)
}
