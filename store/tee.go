package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"subfive"
)

var teeColumns = []string{
	"postback_id", "endpoint_id", "state", "made_at", "attempts", "next_attempt_at", "ended_at", "last_http", "last_error", "lease_id",
}

// insertTees keeps the copies that other trackers are to get.
func (t *tx) insertTees(ctx context.Context, b subfive.Batch) error {
	rows := make([][]any, len(b.Tees))
	for i, c := range b.Tees {
		rows[i] = []any{
			c.PostbackID, c.EndpointID, string(c.State), subfive.Millis(c.MadeAt), c.Attempts, subfive.Millis(c.NextAttemptAt),
			subfive.Millis(c.EndedAt), c.LastHTTP, clean(c.LastError), c.LeaseID,
		}
	}
	return t.insertRows(ctx, "tees", teeColumns, rows, "ON CONFLICT (postback_id) DO NOTHING")
}

// waiting are the tees that a worker may take; the index is of them alone.
const waiting = "state = 'waiting'"

// ClaimTees takes up to limit of an endpoint's due copies, the longest due
// first, each with its postback's request. Each counts as tried and is due again
// at until: if the caller dies, it is simply due then. leaseID must be new.
func (s *Store) ClaimTees(ctx context.Context, endpointID, leaseID string, now, until time.Time, limit int) (claimed []subfive.Tee, err error) {
	var ids []string
	err = s.read(ctx, s.outbox, func(t *tx) error {
		ids = nil
		return t.query(ctx, "due tees", func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select("postback_id").From("tees").Where(b.EQ("endpoint_id", ""), b.LE("next_attempt_at", 0), waiting).
				OrderBy("next_attempt_at", "postback_id").Limit(1)
			return text(b)
		}, []any{endpointID, subfive.Millis(now), limit}, collect(&ids))
	})
	if err != nil || len(ids) == 0 {
		return nil, wrap("claim copies", err)
	}
	err = s.single(ctx, s.outbox, func(t *tx) error {
		before := []any{leaseID, subfive.Millis(until), subfive.Millis(now)}
		return t.execIn(ctx, "claim tees", before, ids, func(ids []any) string {
			b := s.flavor.NewUpdateBuilder()
			b.Update("tees").Set(b.Assign("lease_id", ""), b.Assign("next_attempt_at", 0), "attempts = attempts + 1").
				Where(b.LE("next_attempt_at", 0), waiting, b.In("postback_id", ids...))
			return text(b)
		})
	})
	if err != nil {
		return nil, wrap("claim copies", err)
	}
	err = s.read(ctx, s.outbox, func(t *tx) error {
		claimed = nil
		return t.queryIn(ctx, "claimed tees", []any{leaseID}, ids, func(ids []any) string {
			b := s.flavor.NewSelectBuilder()
			b.Select(append(prefixed("t.", teeColumns), "p.doc")...).From("tees t").
				Join("postbacks p", "p.postback_id = t.postback_id").
				Where(b.EQ("t.lease_id", ""), b.In("t.postback_id", ids...))
			return text(b)
		}, func(r *sql.Rows) error {
			var p subfive.Postback
			c, err := scanTee(func(into ...any) error { return scanDoc(r, &p, into...) })
			c.Request = p.Request
			claimed = append(claimed, c)
			return err
		})
	})
	return claimed, wrap("claim copies", err)
}

// scanTee reads a row in the order of teeColumns.
func scanTee(scan func(into ...any) error) (subfive.Tee, error) {
	var c subfive.Tee
	var made, next, ended int64
	err := scan(&c.PostbackID, &c.EndpointID, &c.State, &made, &c.Attempts, &next, &ended, &c.LastHTTP, &c.LastError, &c.LeaseID)
	c.MadeAt, c.NextAttemptAt, c.EndedAt = subfive.FromMillis(made), subfive.FromMillis(next), subfive.FromMillis(ended)
	return c, err
}

// FinishTee writes down how a try ended. It changes nothing once another worker
// took the copy.
func (s *Store) FinishTee(ctx context.Context, c subfive.Tee) error {
	err := s.single(ctx, s.outbox, func(t *tx) error {
		_, err := t.exec(ctx, "finish tee", func() string {
			b := s.flavor.NewUpdateBuilder()
			b.Update("tees").Set(
				b.Assign("state", ""), b.Assign("next_attempt_at", 0), b.Assign("ended_at", 0), b.Assign("last_http", 0),
				b.Assign("last_error", ""), "lease_id = ''",
			).Where(b.EQ("postback_id", ""), b.EQ("lease_id", ""))
			return text(b)
		}, string(c.State), subfive.Millis(c.NextAttemptAt), subfive.Millis(c.EndedAt), c.LastHTTP, clean(c.LastError), c.PostbackID, c.LeaseID)
		return err
	})
	return wrap("finish copy", err)
}

// ExpireTees ends the copies that were made before a moment and still wait, of
// endpoints that have no tee any more too. It returns how many.
func (s *Store) ExpireTees(ctx context.Context, madeBefore, now time.Time) (expired int64, err error) {
	err = s.single(ctx, s.outbox, func(t *tx) error {
		expired, err = t.exec(ctx, "expire tees", func() string {
			b := s.flavor.NewUpdateBuilder()
			b.Update("tees").Set(b.Assign("state", ""), "next_attempt_at = 0", b.Assign("ended_at", 0), "lease_id = ''").
				Where(b.LT("made_at", 0), waiting)
			return text(b)
		}, string(subfive.TeeExpired), subfive.Millis(now), subfive.Millis(madeBefore))
		return err
	})
	return expired, wrap("expire copies", err)
}

// WaitingTees returns how many copies wait, by endpoint.
func (s *Store) WaitingTees(ctx context.Context) (counts map[string]int64, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		counts = map[string]int64{}
		return t.query(ctx, "waiting tees", func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select("endpoint_id", "COUNT(*)").From("tees").Where(waiting).GroupBy("endpoint_id")
			return text(b)
		}, nil, func(r *sql.Rows) error {
			var id string
			var n int64
			err := r.Scan(&id, &n)
			counts[id] = n
			return err
		})
	})
	return counts, wrap("count copies", err)
}

// addTees gives the postbacks of a story what became of their copies.
func (t *tx) addTees(ctx context.Context, postbacks []StoredPostback) error {
	ids := make([]string, len(postbacks))
	for i, p := range postbacks {
		ids[i] = p.ID
	}
	tees := map[string]subfive.Tee{}
	err := t.queryIn(ctx, "tees of postbacks", nil, ids, func(ids []any) string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select(teeColumns...).From("tees").Where(b.In("postback_id", ids...))
		return text(b)
	}, func(r *sql.Rows) error {
		c, err := scanTee(r.Scan)
		tees[c.PostbackID] = c
		return err
	})
	if err != nil {
		return fmt.Errorf("copies of postbacks: %w", err)
	}
	for i := range postbacks {
		if c, ok := tees[postbacks[i].ID]; ok {
			postbacks[i].Tee = &c
		}
	}
	return nil
}
