package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/huandu/go-sqlbuilder"

	"subfive"
)

// Finish records what ended together at a destination, in one transaction: the
// deliveries' new state, their schedule, and the attempts. A row no longer
// under its lease is left as it is and returned as lost; its attempts are kept.
// Those that stay in the outbox lose their lease.
//
// The same Finish twice changes nothing: a commit that was unclear is made
// certain by running it again.
func (s *Store) Finish(ctx context.Context, f subfive.Finish) (lost []string, err error) {
	unclear := false
	for try := 0; ; try++ {
		err = s.write(ctx, s.outbox, func(t *tx) (err error) {
			lost, err = t.finish(ctx, f)
			return err
		})
		if !errors.Is(err, errUnclear) || try == writeTries {
			break
		}
		unclear = true
	}
	if unclear && len(f.Attempts) == 0 {
		lost = nil // what the first commit ended is no longer under its lease
	}
	return lost, wrap("finish", err)
}

func (t *tx) finish(ctx context.Context, f subfive.Finish) (lost []string, err error) {
	fresh, err := t.insertAttempts(ctx, f)
	if err != nil || !fresh {
		return nil, err
	}
	held, err := t.leaveOrStay(ctx, f.Settled)
	if err != nil {
		return nil, err
	}
	var ours []subfive.Settled
	var ended []string
	for _, d := range f.Settled {
		if !held[d.DeliveryID] {
			lost = append(lost, d.DeliveryID)
			continue
		}
		ours = append(ours, d)
		if neverSentStatus(d.Status) {
			ended = append(ended, d.DeliveryID)
		}
	}
	if err := t.settle(ctx, f, ours); err != nil {
		return nil, err
	}
	if err := t.skipFollowers(ctx, ended); err != nil {
		return nil, err
	}
	return lost, t.revive(ctx, f.Revived, f.At)
}

var attemptColumns = []string{
	"attempt_id", "destination_id", "started_at", "latency_ms", "batch_size", "method", "url", "request_header", "request_body",
	"http_status", "answer_header", "answer_body", "class", "platform_code", "subcode", "message", "trace_id", "ambiguous", "retry_after_ms",
}

// insertAttempts writes the exchanges. fresh is false when they are stored
// already: then this Finish was committed before.
func (t *tx) insertAttempts(ctx context.Context, f subfive.Finish) (fresh bool, err error) {
	if len(f.Attempts) == 0 {
		return true, nil
	}
	var stored int
	err = t.row(ctx, "attempt exists", func() string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("count(*)").From("attempts").Where(b.EQ("attempt_id", ""))
		return text(b)
	}, []any{f.Attempts[0].ID}, &stored)
	if err != nil || stored > 0 {
		return false, err
	}
	rows := make([][]any, len(f.Attempts))
	var items [][]any
	for i, a := range f.Attempts {
		o := a.Outcome
		rows[i] = []any{
			a.ID, a.DestinationID, subfive.Millis(a.StartedAt), a.Latency.Milliseconds(), len(a.Items), clean(a.Method), clean(a.URL),
			clean(a.RequestHeader), clean(a.RequestBody), o.HTTP, clean(a.AnswerHeader), clean(a.AnswerBody), string(o.Class),
			clean(o.Code), clean(o.Subcode), clean(o.Message), clean(o.TraceID), flag(o.Ambiguous), o.RetryAfter.Milliseconds(),
		}
		for _, it := range a.Items {
			items = append(items, []any{a.ID, it.DeliveryID, string(it.Outcome.Class), clean(it.Outcome.Code), clean(it.Outcome.Message)})
		}
	}
	if err := t.insertRows(ctx, "attempts", attemptColumns, rows, ""); err != nil {
		return false, err
	}
	return true, t.insertRows(ctx, "attempt_items",
		[]string{"attempt_id", "delivery_id", "class", "item_code", "item_message"}, items, "")
}

// leaveOrStay takes what ended out of the outbox and schedules the rest anew,
// and returns which rows were still under their lease. Its writes are the fence:
// what they do not change, nobody changes.
func (t *tx) leaveOrStay(ctx context.Context, settled []subfive.Settled) (held map[string]bool, err error) {
	held = map[string]bool{}
	leave := map[string][]string{} // by lease
	var stay [][]any
	for _, d := range settled {
		switch d.Status {
		case subfive.DeliveryScheduled, subfive.DeliverySubmitted:
			stay = append(stay, []any{d.DeliveryID, d.LeaseID, subfive.Millis(d.NextAttemptAt), d.BatchLimit})
		case subfive.DeliveryDelivered, subfive.DeliveryDead, subfive.DeliverySkipped, subfive.DeliveryDryRun, subfive.DeliveryTested:
			leave[d.LeaseID] = append(leave[d.LeaseID], d.DeliveryID)
		}
	}
	for lease, ids := range leave {
		ours, err := t.deleteLeased(ctx, lease, ids)
		if err != nil {
			return nil, err
		}
		for _, id := range ours {
			held[id] = true
		}
	}
	err = t.updateEach(ctx, "outbox", []string{"TEXT", "TEXT", "BIGINT", "BIGINT"},
		"next_attempt_at = v.column3, batch_limit = v.column4, lease_id = '', crashes = 0",
		"outbox.delivery_id = v.column1 AND outbox.lease_id = v.column2", stay,
		func(id string) { held[id] = true })
	return held, err
}

// deleteLeased takes rows under a lease out of the outbox and returns those
// that were.
func (t *tx) deleteLeased(ctx context.Context, leaseID string, ids []string) (ours []string, err error) {
	err = t.queryIn(ctx, "leave outbox", []any{leaseID}, ids, func(ids []any) string {
		b := t.s.flavor.NewDeleteBuilder()
		b.DeleteFrom("outbox").Where(b.EQ("lease_id", ""), b.In("delivery_id", ids...)).Returning("delivery_id")
		return text(b)
	}, collect(&ours))
	return ours, err
}

// collect appends the only column of each row.
func collect(into *[]string) func(*sql.Rows) error {
	return func(r *sql.Rows) error {
		var id string
		err := r.Scan(&id)
		*into = append(*into, id)
		return err
	}
}

// updateEach gives each row of a table values of its own, many in a statement:
// UPDATE … FROM (VALUES …) AS v. The first value is the delivery's ID, and done
// is called for each that was changed.
func (t *tx) updateEach(ctx context.Context, table string, types []string, set, where string, rows [][]any, done func(id string)) error {
	limit := min(maxBucket, maxParams/len(types))
	for len(rows) > 0 {
		n := bucket(len(rows), limit)
		args := slices.Concat(rows[:n]...)
		if err := checkValues(args); err != nil {
			return err
		}
		err := t.query(ctx, "update each "+table+" "+set+" "+strconv.Itoa(n), func() string {
			return t.s.updateEachText(table, types, n, set, where)
		}, args, func(r *sql.Rows) error {
			var id string
			err := r.Scan(&id)
			done(id)
			return err
		})
		if err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

func (s *Store) updateEachText(table string, types []string, n int, set, where string) string {
	// PostgreSQL takes a bare parameter in VALUES for text, so each says what it is.
	casts := make([]string, len(types))
	for i, typ := range types {
		casts[i] = "CAST($? AS " + typ + ")"
	}
	row := "(" + strings.Join(casts, ", ") + ")"
	all := strings.Repeat(row+", ", n-1) + row
	format := fmt.Sprintf("UPDATE %s SET %s FROM (VALUES %s) AS v WHERE %s RETURNING %s.delivery_id", table, set, all, where, table)
	return text(sqlbuilder.WithFlavor(sqlbuilder.Build(format, make([]any, n*len(types))...), s.flavor))
}

// settle writes the deliveries' new state.
func (t *tx) settle(ctx context.Context, f subfive.Finish, settled []subfive.Settled) error {
	tried := map[string]time.Time{}
	for _, a := range f.Attempts {
		for _, it := range a.Items {
			tried[it.DeliveryID] = a.StartedAt
		}
	}
	rows := make([][]any, len(settled))
	for i, d := range settled {
		first := int64(0)
		if d.Tried {
			first = subfive.Millis(f.At)
			if at, ok := tried[d.DeliveryID]; ok {
				first = subfive.Millis(at)
			}
		}
		rows[i] = []any{
			d.DeliveryID, string(d.Status), clean(d.ReasonCode), clean(d.Reason), first, subfive.Millis(d.DeliveredAt),
			subfive.Millis(d.ConfirmedAt), flag(d.Counts), d.LastHTTP, clean(d.LastCode), clean(d.Ref), subfive.Millis(d.AmbiguousAt),
		}
	}
	return t.updateEach(ctx, "deliveries",
		[]string{"TEXT", "TEXT", "TEXT", "TEXT", "BIGINT", "BIGINT", "BIGINT", "BIGINT", "BIGINT", "TEXT", "TEXT", "BIGINT"},
		"status = v.column2, reason_code = v.column3, reason = v.column4, "+
			"first_attempt_at = CASE WHEN first_attempt_at = 0 THEN v.column5 ELSE first_attempt_at END, "+
			"delivered_at = v.column6, confirmed_at = v.column7, attempts = attempts + v.column8, last_http = v.column9, "+
			"last_code = v.column10, ref = v.column11, "+
			"ambiguous_at = CASE WHEN v.column12 > 0 THEN v.column12 ELSE ambiguous_at END",
		"deliveries.delivery_id = v.column1", rows, func(string) {})
}

// skip ends deliveries that were decided against.
func (t *tx) skip(ctx context.Context, ids []string, code, reason string) error {
	return t.execIn(ctx, "skip deliveries", []any{string(subfive.DeliverySkipped), code, reason}, ids, func(ids []any) string {
		b := t.s.flavor.NewUpdateBuilder()
		b.Update("deliveries").Set(b.Assign("status", ""), b.Assign("reason_code", ""), b.Assign("reason", "")).
			Where(b.In("delivery_id", ids...))
		return text(b)
	})
}

// revivedReason is why a dead delivery lives again.
const revivedReason = "refused like all others: the configuration was at fault, not this event"

// revive gives dead deliveries, and what was skipped because of them, their
// place in the outbox back. What still waits behind them waits for them again.
func (t *tx) revive(ctx context.Context, ids []string, at time.Time) error {
	revived, err := t.rise(ctx, ids, subfive.DeliveryDead, string(subfive.Misconfigured))
	if err != nil || len(revived) == 0 {
		return err
	}
	alive, err := t.links(ctx, "delivery_id", revived)
	if err != nil {
		return err
	}
	var before []string
	for _, l := range alive {
		before = append(before, l.waitsFor)
	}
	known, err := t.lineagesOf(ctx, unique(append(before, revived...)))
	if err != nil {
		return err
	}
	behind, err := t.followers(ctx, revived)
	if err != nil {
		return err
	}
	var skipped []string
	var waits [][]any
	for _, l := range behind {
		if _, read := known[l.id]; !read {
			known[l.id] = l
		}
		ahead, ok := known.ahead(l.waitsFor)
		switch {
		case !ok:
		case l.status == subfive.DeliverySkipped && l.reason == neverSentCode:
			alive, skipped = append(alive, l), append(skipped, l.id)
			known.end(l.id, subfive.DeliveryScheduled)
		case l.status == subfive.DeliveryScheduled && !l.tried:
			waits = append(waits, []any{l.id, ahead})
		}
	}
	if _, err := t.rise(ctx, skipped, subfive.DeliverySkipped, "revived"); err != nil {
		return err
	}
	var outbox [][]any
	for _, l := range alive {
		ahead := ""
		if l.waitsFor != "" {
			ahead, _ = known.ahead(l.waitsFor)
		}
		// Alone: it is no longer a fresh event that tells what is at fault.
		outbox = append(outbox, []any{l.id, l.destination, subfive.Millis(at), ahead, 1})
	}
	if err := t.insertRows(ctx, "outbox", []string{"delivery_id", "destination_id", "next_attempt_at", "waits_for", "batch_limit"}, outbox,
		"ON CONFLICT (delivery_id) DO NOTHING"); err != nil {
		return err
	}
	return t.waitFor(ctx, waits)
}

// rise schedules the deliveries anew that ended as from, and returns which did.
func (t *tx) rise(ctx context.Context, ids []string, from subfive.DeliveryStatus, code string) (risen []string, err error) {
	before := []any{string(subfive.DeliveryScheduled), code, revivedReason, string(from)}
	err = t.queryIn(ctx, "revive", before, ids, func(ids []any) string {
		b := t.s.flavor.NewUpdateBuilder()
		b.Update("deliveries").Set(b.Assign("status", ""), b.Assign("reason_code", ""), b.Assign("reason", "")).
			Where(b.EQ("status", ""), b.In("delivery_id", ids...)).Returning("delivery_id")
		return text(b)
	}, collect(&risen))
	return risen, err
}
