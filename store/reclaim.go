package store

import (
	"context"
	"time"

	"subfive"
)

// Abandon gives back at now whatever a Take of that lease claimed, when its
// answer was lost: nothing of it was sent.
func (s *Store) Abandon(ctx context.Context, destinationID, leaseID string, now time.Time) error {
	err := s.single(ctx, s.outbox, func(t *tx) error {
		_, err := t.exec(ctx, "abandon", func() string {
			b := s.flavor.NewUpdateBuilder()
			b.Update("outbox").Set("lease_id = ''", b.Assign("next_attempt_at", 0)).
				Where(b.EQ("destination_id", ""), b.EQ("lease_id", ""))
			return text(b)
		}, subfive.Millis(now), destinationID, leaseID)
		return err
	})
	return wrap("abandon", err)
}

// Reclaim makes due at once what an earlier process of this node had claimed
// when it died. It knows its leases by their beginning: the node's name, and not
// the running process's, which is node, a dot and something of its own. Their
// crashes are counted when they are claimed again, as if the lease had run out.
// A claim of the dead process may still commit for a moment: ask again later.
func (s *Store) Reclaim(ctx context.Context, node, process string, now time.Time) (reclaimed int64, err error) {
	at := subfive.Millis(now)
	err = s.single(ctx, s.outbox, func(t *tx) error {
		reclaimed, err = t.exec(ctx, "reclaim", func() string {
			b := s.flavor.NewUpdateBuilder()
			b.Update("outbox").Set(b.Assign("next_attempt_at", 0)).Where(b.Like("lease_id", ""), b.NotLike("lease_id", ""), b.GT("next_attempt_at", 0))
			return text(b)
		}, at, node+".%", process+".%", at)
		return err
	})
	return reclaimed, wrap("reclaim", err)
}
