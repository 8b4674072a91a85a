package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"subfive"
)

// free holds for an outbox row whose predecessor is not in the outbox.
const free = "(o.waits_for = '' OR NOT EXISTS (SELECT 1 FROM outbox p WHERE p.delivery_id = o.waits_for))"

// Take claims up to limit due deliveries of a destination in the order of their
// next attempt. Each gets the lease, and is due again at until; leaseID must be
// new. It claims nothing while the destination is paused at now, unless probe
// says that this worker won the probe; what a person paused is never claimed.
//
// A delivery that follows another is not claimed before that one left the
// outbox; if it turns out that the conversion was never sent, this one is skipped.
func (s *Store) Take(ctx context.Context, destinationID, leaseID string, now, until time.Time, limit int, probe bool) ([]subfive.Claim, error) {
	ids, err := s.peek(ctx, destinationID, now, limit)
	if err != nil || len(ids) == 0 {
		return nil, wrap("take", err)
	}
	err = s.lease(ctx, destinationID, leaseID, now, until, ids, probe)
	if err != nil && classify(err) != failConnection {
		return nil, wrap("take", err)
	}
	// After a broken connection too: what is under our lease was claimed.
	claims, orphans, err := s.claims(ctx, destinationID, leaseID, until)
	if err != nil {
		return nil, wrap("take", err)
	}
	if len(orphans) > 0 {
		if err := s.write(ctx, s.outbox, func(t *tx) error { return t.reorder(ctx, leaseID, subfive.Millis(now), orphans) }); err != nil {
			return nil, wrap("take", err)
		}
	}
	order := map[string]int{}
	for i, id := range ids {
		order[id] = i
	}
	slices.SortFunc(claims, func(a, b subfive.Claim) int { return order[a.Delivery.ID] - order[b.Delivery.ID] })
	return claims, nil
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// peek returns what is due, without a lock.
func (s *Store) peek(ctx context.Context, destinationID string, now time.Time, limit int) (ids []string, err error) {
	err = s.read(ctx, s.outbox, func(t *tx) error {
		ids = nil
		return t.query(ctx, "peek", func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select("o.delivery_id").From("outbox o").
				Where(b.EQ("o.destination_id", ""), b.LE("o.next_attempt_at", 0), free).
				OrderBy("o.next_attempt_at", "o.delivery_id").Limit(1)
			return text(b)
		}, []any{destinationID, subfive.Millis(now), limit}, func(r *sql.Rows) error {
			var id string
			err := r.Scan(&id)
			ids = append(ids, id)
			return err
		})
	})
	return ids, err
}

// lease takes those of the rows that are still due: one statement, which looks
// at the pause itself, so that none is claimed once a pause was committed. A
// row that still has a lease is one whose worker never said how it ended.
func (s *Store) lease(ctx context.Context, destinationID, leaseID string, now, until time.Time, ids []string, probe bool) error {
	at := subfive.Millis(now)
	key, before := "lease", []any{leaseID, subfive.Millis(until), at, destinationID, at}
	if probe {
		key, before = "lease probe", before[:4]
	}
	return s.single(ctx, s.outbox, func(t *tx) error {
		return t.execIn(ctx, key, before, ids, func(ids []any) string {
			b := s.flavor.NewUpdateBuilder()
			b.Update("outbox").
				Set("crashes = crashes + CASE WHEN lease_id <> '' THEN 1 ELSE 0 END", b.Assign("lease_id", ""), b.Assign("next_attempt_at", 0)).
				Where(b.LE("next_attempt_at", 0))
			paused := b.EQ("p.destination_id", "") + " AND "
			if probe {
				paused += "p.manual = 1"
			} else {
				paused += b.Or("p.manual = 1", b.GT("p.paused_until", 0))
			}
			b.Where("NOT EXISTS (SELECT 1 FROM pauses p WHERE "+paused+")", b.In("delivery_id", ids...))
			return text(b)
		})
	})
}

// claims reads what is under a lease, with all that is needed to render it.
// Orphans are those whose predecessor was never sent.
func (s *Store) claims(ctx context.Context, destinationID, leaseID string, until time.Time) (claims []subfive.Claim, orphans []string, err error) {
	err = s.read(ctx, s.outbox, func(t *tx) error {
		claims, orphans = nil, nil
		return t.query(ctx, "claims", s.claimsText, []any{destinationID, subfive.Millis(until), leaseID}, func(r *sql.Rows) error {
			c := subfive.Claim{LeaseID: leaseID}
			var before, click sql.NullString
			var conversion sql.NullString
			c.Delivery, err = scanDelivery(r, &c.Crashes, &c.BatchLimit, &before, &conversion, &click)
			if err != nil {
				return err
			}
			if neverSentStatus(subfive.DeliveryStatus(before.String)) {
				orphans = append(orphans, c.Delivery.ID)
				return nil
			}
			c.Delivery.NextAttemptAt = until
			if err := unmarshalPair(&c.Delivery, conversion, click); err != nil {
				return fmt.Errorf("delivery %s: %w", c.Delivery.ID, err)
			}
			claims = append(claims, c)
			return nil
		})
	})
	return claims, orphans, err
}

func (s *Store) claimsText() string {
	b := s.flavor.NewSelectBuilder()
	b.Select(append(prefixed("d.", deliveryColumns), "o.crashes", "o.batch_limit", maybeSent("w."), "v.doc", "c.doc")...).
		From("outbox o").
		Join("deliveries d", "d.delivery_id = o.delivery_id").
		JoinWithOption("LEFT", "deliveries w", "w.delivery_id = o.waits_for", "o.waits_for <> ''").
		JoinWithOption("LEFT", "conversions v", "v.conversion_id = d.conversion_id").
		JoinWithOption("LEFT", "clicks c", "c.click_id = v.attributed_click_id", "v.attributed_click_id <> ''").
		Where(b.EQ("o.destination_id", ""), b.EQ("o.next_attempt_at", 0), b.EQ("o.lease_id", ""))
	return text(b)
}

func prefixed(prefix string, columns []string) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = prefix + c
	}
	return out
}

// unmarshalPair reads a delivery's conversion and, if there is one, its click.
func unmarshalPair(d *subfive.Delivery, conversion, click sql.NullString) error {
	if conversion.Valid {
		if err := json.Unmarshal([]byte(conversion.String), &d.Conversion); err != nil {
			return err
		}
	}
	if click.Valid {
		d.Click = &subfive.Click{}
		return json.Unmarshal([]byte(click.String), d.Click)
	}
	return nil
}

// neverSentStatus reports whether a delivery ended without having been sent, so
// that there is nothing to follow up.
func neverSentStatus(s subfive.DeliveryStatus) bool {
	switch s {
	case subfive.DeliveryDead, subfive.DeliverySkipped, subfive.DeliveryDryRun:
		return true
	case subfive.DeliveryScheduled, subfive.DeliverySubmitted, subfive.DeliveryDelivered, subfive.DeliveryTested:
		return false
	}
	return false // "": it waits for none
}

// NextDue returns when the destination's earliest delivery is due; ok is false
// when it has none that could be sent.
func (s *Store) NextDue(ctx context.Context, destinationID string) (at time.Time, ok bool, err error) {
	var ms int64
	err = s.read(ctx, s.outbox, func(t *tx) error {
		return t.row(ctx, "next due", func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select("o.next_attempt_at").From("outbox o").Where(b.EQ("o.destination_id", ""), free).
				OrderBy("o.next_attempt_at").Limit(1)
			return text(b)
		}, []any{destinationID, 1}, &ms)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, false, nil
	}
	return subfive.FromMillis(ms), err == nil, wrap("next due", err)
}

// Pause returns the destination's stored pause; one never stored is zero but
// for its DestinationID.
func (s *Store) Pause(ctx context.Context, destinationID string) (subfive.Pause, error) {
	pauses, err := s.pauses(ctx, destinationID)
	if err != nil || len(pauses) == 0 {
		return subfive.Pause{DestinationID: destinationID}, wrap("read pause", err)
	}
	return pauses[0], nil
}

// Pauses returns all stored pauses, those that ended too.
func (s *Store) Pauses(ctx context.Context) ([]subfive.Pause, error) {
	all, err := s.pauses(ctx, "")
	return all, wrap("read pauses", err)
}

var pauseColumns = []string{"destination_id", "paused_until", "reason", "code", "manual", "failures", "streak", "version"}

// pauses reads one destination's pause, or with "" all.
func (s *Store) pauses(ctx context.Context, destinationID string) (all []subfive.Pause, err error) {
	err = s.read(ctx, s.outbox, func(t *tx) error {
		all = nil
		return t.query(ctx, "pauses", func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select(pauseColumns...).From("pauses").
				Where(b.Or(b.EQ("destination_id", ""), b.EQ("''", ""))).OrderBy("destination_id")
			return text(b)
		}, []any{destinationID, destinationID}, func(r *sql.Rows) error {
			var p subfive.Pause
			var until int64
			err := r.Scan(&p.DestinationID, &until, &p.Reason, &p.Code, &p.Manual, &p.Failures, &p.Streak, &p.Version)
			p.Until = subfive.FromMillis(until)
			all = append(all, p)
			return err
		})
	})
	return all, err
}

// SetPause writes p, with the next version, if the stored version is still
// p.Version; 0 is that of a pause never stored. It reports whether it did.
func (s *Store) SetPause(ctx context.Context, p subfive.Pause) (won bool, err error) {
	row := []any{
		p.DestinationID, subfive.Millis(p.Until), clean(p.Reason), clean(p.Code), flag(p.Manual), p.Failures, p.Streak, p.Version + 1,
	}
	suffix := "ON CONFLICT (destination_id) DO UPDATE SET " + replaceAll(pauseColumns[1:]) + " WHERE pauses.version = excluded.version - 1"
	err = s.write(ctx, s.outbox, func(t *tx) error {
		if p.Version != 0 { // it must be there: no insert
			var one int
			if err := t.row(ctx, "pause exists", func() string {
				b := s.flavor.NewSelectBuilder()
				b.Select("1").From("pauses").Where(b.EQ("destination_id", ""))
				return text(b)
			}, []any{p.DestinationID}, &one); err != nil {
				return err
			}
		}
		return t.upsertGuarded(ctx, "pauses", pauseColumns, [][]any{row}, suffix)
	})
	if errors.Is(err, subfive.ErrConflict) || errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, wrap("store pause", err)
}

// replaceAll is the SET part of an upsert that replaces columns.
func replaceAll(columns []string) string {
	set := make([]string, len(columns))
	for i, c := range columns {
		set[i] = c + " = excluded." + c
	}
	return strings.Join(set, ", ")
}

// clean makes a platform's text storable: it must never keep a delivery from
// being finished.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "\ufffd")
}
