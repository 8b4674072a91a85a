package store

import (
	"context"
	"database/sql"
	"time"

	"subfive"
)

// ConversionsSince counts, by offer, the conversions that happened since then and
// that the network has not rejected.
func (s *Store) ConversionsSince(ctx context.Context, since time.Time) (byOffer map[string]int, err error) {
	byOffer = map[string]int{}
	err = s.read(ctx, s.screens, func(t *tx) error {
		return t.query(ctx, "count conversions by offer", func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select("offer_id", "count(*)").From("conversions").
				Where(b.GE("converted_at", 0), "counts = 1", "is_test = 0", "network_status <> '"+string(subfive.StatusRejected)+"'").
				GroupBy("offer_id")
			return text(b)
		}, []any{subfive.Millis(since)}, func(r *sql.Rows) error {
			var id string
			var n int
			err := r.Scan(&id, &n)
			byOffer[id] = n
			return err
		})
	})
	return byOffer, err
}
