package store

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"subfive"
)

// Counts are the store's part of the metrics.
type Counts struct {
	// Ready and OldestAt are by destination: how many deliveries are due, and
	// since when the first of them is.
	Ready    map[string]int64
	OldestAt map[string]time.Time
	// Unmatched are postbacks whose click never came.
	Unmatched int64
	// Unsettled are possible duplicates that wait for a decision.
	Unsettled int64
	// Broken are records that could not be decided or stored.
	Broken int64
}

// Counts counts as of now.
func (s *Store) Counts(ctx context.Context, now time.Time) (c Counts, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		c = Counts{Ready: map[string]int64{}, OldestAt: map[string]time.Time{}}
		if err := t.ready(ctx, now, &c); err != nil {
			return err
		}
		for into, where := range map[*int64][2]string{
			&c.Unmatched: {"postbacks", "verdict = 'unmatched'"},
			&c.Unsettled: {"postbacks", "verdict = 'possible_duplicate'"},
			&c.Broken:    {"broken_records", ""},
		} {
			if err := t.row(ctx, strings.Join(where[:], " "), func() string {
				b := s.flavor.NewSelectBuilder()
				b.Select("count(*)").From(where[0])
				if where[1] != "" {
					b.Where(where[1])
				}
				return text(b)
			}, nil, into); err != nil {
				return err
			}
		}
		return nil
	})
	return c, wrap("count", err)
}

// DueDeliveries counts what is due as of now, and leaves the rest of Counts 0.
func (s *Store) DueDeliveries(ctx context.Context, now time.Time) (c Counts, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		c = Counts{Ready: map[string]int64{}, OldestAt: map[string]time.Time{}}
		return t.ready(ctx, now, &c)
	})
	return c, wrap("count what is due", err)
}

func (t *tx) ready(ctx context.Context, now time.Time, c *Counts) error {
	return t.query(ctx, "count ready", func() string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("destination_id", "count(*)", "min(next_attempt_at)").From("outbox").Where(b.LE("next_attempt_at", 0), "lease_id = ''").
			GroupBy("destination_id")
		return text(b)
	}, []any{subfive.Millis(now)}, func(r *sql.Rows) error {
		var id string
		var n, oldest int64
		err := r.Scan(&id, &n, &oldest)
		c.Ready[id], c.OldestAt[id] = n, subfive.FromMillis(oldest)
		return err
	})
}

// JournalPositions returns how far each journal segment is recorded, by the
// segment's name: the number of the last record.
func (s *Store) JournalPositions(ctx context.Context) (positions map[string]int64, err error) {
	err = s.read(ctx, s.intake, func(t *tx) error {
		positions = map[string]int64{}
		return t.query(ctx, "journal positions", func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select("segment", "pos").From("journal_segments")
			return text(b)
		}, nil, func(r *sql.Rows) error {
			var segment string
			var pos int64
			err := r.Scan(&segment, &pos)
			positions[segment] = pos
			return err
		})
	})
	return positions, wrap("read journal positions", err)
}
