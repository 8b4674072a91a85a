package store

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"time"

	"subfive"
)

// DeliveryFilter names deliveries; a field left empty does not narrow.
type DeliveryFilter struct {
	IDs           []string // at most 256
	ConversionID  string
	DestinationID string
	Platform      string
	Kind          subfive.Kind
	Status        subfive.DeliveryStatus
	ReasonCode    string
	// Since and Until bound CreatedAt, Until not included.
	Since, Until time.Time
	// NewestOnly leaves out those that were replayed since.
	NewestOnly bool
	Limit      int // 0: MaxPage

	after *subfive.Delivery // only those that come after it
}

// Deliveries returns deliveries with their conversions and clicks, newest
// first.
func (s *Store) Deliveries(ctx context.Context, f DeliveryFilter) (all []subfive.Delivery, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		all, err = t.deliveries(ctx, f)
		return err
	})
	return all, wrap("read deliveries", err)
}

func (t *tx) deliveries(ctx context.Context, f DeliveryFilter) (all []subfive.Delivery, err error) {
	if len(f.IDs) > maxBucket {
		return nil, fmt.Errorf("%w: at most %d ids", ErrBadQuery, maxBucket)
	}
	key, args := "deliveries", []any{}
	b := t.s.flavor.NewSelectBuilder()
	b.Select(append(prefixed("d.", deliveryColumns), "v.doc", "c.doc")...).From("deliveries d").
		JoinWithOption("LEFT", "conversions v", "v.conversion_id = d.conversion_id").
		JoinWithOption("LEFT", "clicks c", "c.click_id = v.attributed_click_id", "v.attributed_click_id <> ''").
		OrderBy("d.created_at DESC", "d.delivery_id DESC")
	for _, c := range []struct{ column, value string }{
		{"d.conversion_id", f.ConversionID},
		{"d.destination_id", f.DestinationID},
		{"d.platform", f.Platform},
		{"d.kind", string(f.Kind)},
		{"d.status", string(f.Status)},
		{"d.reason_code", f.ReasonCode},
	} {
		if c.value != "" {
			b.Where(b.EQ(c.column, ""))
			key, args = key+" "+c.column, append(args, c.value)
		}
	}
	if !f.Since.IsZero() {
		b.Where(b.GE("d.created_at", 0))
		key, args = key+" since", append(args, subfive.Millis(f.Since))
	}
	if !f.Until.IsZero() {
		b.Where(b.LT("d.created_at", 0))
		key, args = key+" until", append(args, subfive.Millis(f.Until))
	}
	if len(f.IDs) > 0 {
		b.Where(b.In("d.delivery_id", inArgs(nil, f.IDs, len(f.IDs))...))
		key, args = key+" ids "+strconv.Itoa(len(f.IDs)), append(args, inArgs(nil, f.IDs, len(f.IDs))...)
	}
	if f.after != nil {
		at := subfive.Millis(f.after.CreatedAt)
		b.Where(b.LE("d.created_at", 0), b.Or("d.created_at < "+b.Var(0), b.LT("d.delivery_id", "")))
		key, args = key+" after", append(args, at, at, f.after.ID)
	}
	if f.NewestOnly {
		b.Where(notReplayed)
		key += " newest"
	}
	limit := f.Limit
	if limit <= 0 || limit > MaxPage {
		limit = MaxPage
	}
	b.Limit(1)
	if err := checkValues(args); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadQuery, err)
	}
	err = t.query(ctx, key, func() string { return text(b) }, append(args, limit), func(r *sql.Rows) error {
		var conversion, click sql.NullString
		d, err := scanDelivery(r, &conversion, &click)
		if err != nil {
			return err
		}
		if err := unmarshalPair(&d, conversion, click); err != nil {
			return fmt.Errorf("delivery %s: %w", d.ID, err)
		}
		all = append(all, d)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, t.nextAttempts(ctx, all)
}

// nextAttempts fills in when those that are unfinished are due, and what they
// wait for now.
func (t *tx) nextAttempts(ctx context.Context, ds []subfive.Delivery) error {
	var ids []string
	at, waits := map[string]int64{}, map[string]string{}
	for _, d := range ds {
		if d.Status == subfive.DeliveryScheduled || d.Status == subfive.DeliverySubmitted {
			ids = append(ids, d.ID)
		}
	}
	err := t.queryIn(ctx, "next attempts", nil, ids, func(ids []any) string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("delivery_id", "next_attempt_at", "waits_for").From("outbox").Where(b.In("delivery_id", ids...))
		return text(b)
	}, func(r *sql.Rows) error {
		var id, before string
		var ms int64
		err := r.Scan(&id, &ms, &before)
		at[id], waits[id] = ms, before
		return err
	})
	for i := range ds {
		ds[i].NextAttemptAt = subfive.FromMillis(at[ds[i].ID])
		if before, unfinished := waits[ds[i].ID]; unfinished {
			ds[i].WaitsFor = before
		}
	}
	return err
}
