package store

import (
	"context"
	"time"

	"subfive"
)

// Reclaim makes due at once what an earlier process of this node had claimed
// when it died. It knows its leases by the node's name, with which they begin;
// the caller knows that the process is dead. Their crashes are counted when they
// are claimed again, as if the lease had run out.
func (s *Store) Reclaim(ctx context.Context, node string, now time.Time) (reclaimed int64, err error) {
	at := subfive.Millis(now)
	err = s.single(ctx, s.outbox, func(t *tx) error {
		reclaimed, err = t.exec(ctx, "reclaim", func() string {
			b := s.flavor.NewUpdateBuilder()
			b.Update("outbox").Set(b.Assign("next_attempt_at", 0)).Where(b.Like("lease_id", ""), b.GT("next_attempt_at", 0))
			return text(b)
		}, at, node+".%", at)
		return err
	})
	return reclaimed, wrap("reclaim", err)
}
