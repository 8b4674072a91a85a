package store

import (
	"context"
	"database/sql"
	"time"

	"subfive"
)

// RecentPostbacks returns the newest postbacks received since then, newest
// first, at most limit, with what was decided about each but its trace. Their
// raw bytes are left out.
func (s *Store) RecentPostbacks(ctx context.Context, since time.Time, limit int) (all []subfive.Judged, err error) {
	err = s.recent(ctx, "postbacks", "received_at", []string{"verdict", "conversion_id", "settled_as"}, since, limit, func(r *sql.Rows) error {
		var j subfive.Judged
		err := scanDoc(r, &j.Postback, &j.Verdict, &j.ConversionID, &j.SettledAs)
		j.Postback.Request.Raw = ""
		all = append(all, j)
		return err
	})
	return all, wrap("read recent postbacks", err)
}

// RecentClicks returns the newest clicks made since then, newest first, at most
// limit. Their raw bytes are left out.
func (s *Store) RecentClicks(ctx context.Context, since time.Time, limit int) (all []subfive.Click, err error) {
	err = s.recent(ctx, "clicks", "clicked_at", nil, since, limit, func(r *sql.Rows) error {
		var c subfive.Click
		err := scanDoc(r, &c)
		c.Request.Raw = ""
		all = append(all, c)
		return err
	})
	return all, wrap("read recent clicks", err)
}

func (s *Store) recent(ctx context.Context, table, at string, columns []string, since time.Time, limit int, row func(*sql.Rows) error) error {
	return s.read(ctx, s.screens, func(t *tx) error {
		return t.query(ctx, "recent "+table, func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select(append(columns, "doc")...).From(table).Where(b.GE(at, 0)).OrderBy(at + " DESC").Limit(1)
			return text(b)
		}, []any{subfive.Millis(since), limit}, row)
	})
}
