package store

import (
	"context"
	"database/sql"

	"subfive"
)

// deliveryColumns are a delivery's own, in the order scanDelivery reads them.
var deliveryColumns = []string{
	"delivery_id", "conversion_id", "destination_id", "platform", "kind", "generation", "mode", "event_name", "event_id",
	"event_time", "value_micros", "currency", "page_url", "status", "reason_code", "reason", "created_at", "deadline_at",
	"first_attempt_at", "delivered_at", "confirmed_at", "attempts", "last_http", "last_code", "ref", "ambiguous_at", "waits_for",
	"limited_use",
}

// scanDelivery reads deliveryColumns, and what follows them into rest.
func scanDelivery(r *sql.Rows, rest ...any) (subfive.Delivery, error) {
	var d subfive.Delivery
	var value sql.NullInt64
	var currency string
	var limited int
	var at [7]int64 // event, created, deadline, first attempt, delivered, confirmed, ambiguous
	err := r.Scan(append([]any{
		&d.ID, &d.ConversionID, &d.DestinationID, &d.Platform, &d.Kind, &d.Generation, &d.Mode, &d.EventName, &d.EventID,
		&at[0], &value, &currency, &d.PageURL, &d.Status, &d.ReasonCode, &d.Reason, &at[1], &at[2],
		&at[3], &at[4], &at[5], &d.Attempts, &d.LastHTTP, &d.LastCode, &d.Ref, &at[6], &d.WaitsFor,
		&limited,
	}, rest...)...)
	if value.Valid {
		d.Value = &subfive.Money{Amount: subfive.Micros(value.Int64), Currency: currency}
	}
	d.EventTime, d.CreatedAt, d.DeadlineAt = subfive.FromMillis(at[0]), subfive.FromMillis(at[1]), subfive.FromMillis(at[2])
	d.FirstAttemptAt, d.DeliveredAt, d.ConfirmedAt = subfive.FromMillis(at[3]), subfive.FromMillis(at[4]), subfive.FromMillis(at[5])
	d.AmbiguousAt, d.LimitedUse = subfive.FromMillis(at[6]), limited == 1
	return d, err
}

// deliveriesOf returns the conversions' deliveries in the order they were made.
func (t *tx) deliveriesOf(ctx context.Context, conversionIDs []string) ([]subfive.Delivery, error) {
	var ds []subfive.Delivery
	err := t.queryIn(ctx, "deliveries of conversions", nil, unique(conversionIDs), func(ids []any) string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select(deliveryColumns...).From("deliveries").Where(b.In("conversion_id", ids...)).OrderBy("created_at", "generation", "delivery_id")
		return text(b)
	}, func(r *sql.Rows) error {
		d, err := scanDelivery(r)
		ds = append(ds, d)
		return err
	})
	return ds, err
}

// deliveriesByID returns the deliveries of those IDs in no particular order.
func (t *tx) deliveriesByID(ctx context.Context, ids []string) ([]subfive.Delivery, error) {
	var ds []subfive.Delivery
	seen := map[string]bool{}
	err := t.queryIn(ctx, "deliveries by id", nil, unique(ids), func(ids []any) string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select(deliveryColumns...).From("deliveries").Where(b.In("delivery_id", ids...))
		return text(b)
	}, func(r *sql.Rows) error {
		d, err := scanDelivery(r)
		if !seen[d.ID] {
			seen[d.ID] = true
			ds = append(ds, d)
		}
		return err
	})
	return ds, err
}
