package store

import (
	"context"
	"database/sql"
	"strconv"
	"time"

	"github.com/huandu/go-sqlbuilder"

	"subfive"
)

// text builds a statement whose arguments are given when it runs.
func text(b sqlbuilder.Builder) string {
	s, _ := b.Build()
	return s
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// micros is an optional amount as a column holds it.
func micros(m *subfive.Micros) any {
	if m == nil {
		return nil
	}
	return int64(*m)
}

// day is the day of t in the reporting time zone, as it is stamped on a row.
func (s *Store) day(t time.Time) string { return t.In(s.zone).Format(time.DateOnly) }

// The reason of a delivery whose conversion was never sent.
const (
	neverSentCode = "never_sent"
	neverSent     = "the conversion itself was never sent: there is nothing to follow up"
)

// withdraw takes deliveries back that were never tried, and looks after what
// waits for them. One that is claimed right now, or was tried, is left alone.
func (t *tx) withdraw(ctx context.Context, b subfive.Batch) error {
	var withdrawn []string
	for _, w := range b.Withdrawals {
		n, err := t.exec(ctx, "withdraw", func() string {
			d := t.s.flavor.NewDeleteBuilder()
			d.DeleteFrom("outbox").Where(d.EQ("delivery_id", ""), "lease_id = ''", untried)
			return text(d)
		}, w.DeliveryID)
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		if err := t.skip(ctx, []string{w.DeliveryID}, w.ReasonCode, w.Reason); err != nil {
			return err
		}
		withdrawn = append(withdrawn, w.DeliveryID)
	}
	return t.skipFollowers(ctx, withdrawn)
}

// untried holds for an outbox row whose delivery was never tried.
const untried = "EXISTS (SELECT 1 FROM deliveries d WHERE d.delivery_id = outbox.delivery_id AND d.status = 'scheduled' AND d.first_attempt_at = 0)"

func (t *tx) recordDeliveries(ctx context.Context, b subfive.Batch) error {
	if err := t.limitUse(ctx, b.Limited); err != nil {
		return err
	}
	return t.deliver(ctx, b.Deliveries)
}

// limitUse makes deliveries that were never tried ones with limited use of their
// data. One that is claimed right now is left as it is sent.
func (t *tx) limitUse(ctx context.Context, ids []string) error {
	return t.execIn(ctx, "limit use", nil, unique(ids), func(ids []any) string {
		b := t.s.flavor.NewUpdateBuilder()
		b.Update("deliveries").Set("limited_use = 1").
			Where(b.In("delivery_id", ids...), "status = 'scheduled'", "first_attempt_at = 0",
				"EXISTS (SELECT 1 FROM outbox o WHERE o.delivery_id = deliveries.delivery_id AND o.lease_id = '')")
		return text(b)
	})
}

var deliveryInsertColumns = []string{
	"delivery_id", "conversion_id", "destination_id", "platform", "kind", "generation", "mode", "event_name", "event_id",
	"event_time", "value_micros", "currency", "page_url", "status", "reason_code", "reason", "created_at", "deadline_at", "waits_for",
	"limited_use",
}

// deliver inserts deliveries, and schedules those that are new and to be sent.
// One that follows another waits for it, or for the one before where that one was
// not sent; when the conversion itself never was, it is skipped.
func (t *tx) deliver(ctx context.Context, ds []subfive.Delivery) error {
	if len(ds) == 0 {
		return nil
	}
	known, err := t.predecessors(ctx, ds)
	if err != nil {
		return err
	}
	rows := make([][]any, len(ds))
	schedule := map[string][]any{}
	for i, d := range ds {
		waits := ""
		if d.WaitsFor != "" && d.Status == subfive.DeliveryScheduled {
			switch ahead, ok := known.ahead(d.WaitsFor); {
			case !ok:
				d.Status, d.ReasonCode, d.Reason = subfive.DeliverySkipped, neverSentCode, neverSent
			case known.open(ahead):
				waits = ahead
			}
		}
		known[d.ID] = link{id: d.ID, kind: d.Kind, status: d.Status, waitsFor: d.WaitsFor} // a later one of the same batch may wait for it
		var value *subfive.Micros
		currency := ""
		if d.Value != nil {
			value, currency = &d.Value.Amount, d.Value.Currency
		}
		rows[i] = []any{
			d.ID, d.ConversionID, d.DestinationID, d.Platform, string(d.Kind), d.Generation, string(d.Mode), d.EventName, d.EventID,
			subfive.Millis(d.EventTime), micros(value), currency, d.PageURL, string(d.Status), d.ReasonCode, d.Reason,
			subfive.Millis(d.CreatedAt), subfive.Millis(d.DeadlineAt), d.WaitsFor, flag(d.LimitedUse),
		}
		if d.Status == subfive.DeliveryScheduled {
			schedule[d.ID] = []any{d.ID, d.DestinationID, subfive.Millis(d.NextAttemptAt), waits}
		}
	}
	return t.schedule(ctx, rows, schedule)
}

// schedule inserts the rows, and an outbox row for each that was not there yet.
func (t *tx) schedule(ctx context.Context, rows [][]any, schedule map[string][]any) error {
	const once = "ON CONFLICT DO NOTHING RETURNING delivery_id"
	var outbox [][]any
	limit := min(maxBucket, maxParams/len(deliveryInsertColumns))
	for len(rows) > 0 {
		n := bucket(len(rows), limit)
		var args []any
		for _, r := range rows[:n] {
			args = append(args, r...)
		}
		if err := checkValues(args); err != nil {
			return err
		}
		err := t.query(ctx, "insert deliveries "+strconv.Itoa(n), func() string {
			return t.s.insertText("deliveries", deliveryInsertColumns, n, once)
		}, args, func(r *sql.Rows) error {
			var id string
			if err := r.Scan(&id); err != nil {
				return err
			}
			if row := schedule[id]; row != nil {
				outbox = append(outbox, row)
			}
			return nil
		})
		if err != nil {
			return err
		}
		rows = rows[n:]
	}
	return t.insertRows(ctx, "outbox", []string{"delivery_id", "destination_id", "next_attempt_at", "waits_for"}, outbox, "")
}

// maybeSent is a delivery's status, as its followers see it: one that died after
// a send whose answer was lost may be there, so that what follows it is told.
func maybeSent(prefix string) string {
	return "CASE WHEN " + prefix + "status = 'dead' AND " + prefix + "ambiguous_at > 0 THEN 'delivered' ELSE " + prefix + "status END"
}

// predecessors returns the lineages of the deliveries that others wait for.
func (t *tx) predecessors(ctx context.Context, ds []subfive.Delivery) (lineages, error) {
	var ids []string
	for _, d := range ds {
		ids = append(ids, d.WaitsFor)
	}
	return t.lineagesOf(ctx, unique(ids))
}
