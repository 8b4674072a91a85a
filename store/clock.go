package store

import (
	"context"
	"time"

	"subfive"
)

// Clock returns the database's time, to compare a node's clock with. On SQLite
// there is no other clock than ours: ok is false.
func (s *Store) Clock(ctx context.Context) (at time.Time, ok bool, err error) {
	if s.dialect == dialectSQLite {
		return time.Time{}, false, nil
	}
	var ms int64
	err = s.read(ctx, s.screens, func(t *tx) error {
		return t.row(ctx, "clock", func() string {
			return "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"
		}, nil, &ms)
	})
	return subfive.FromMillis(ms), err == nil, wrap("read the database's clock", err)
}
