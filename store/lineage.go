package store

import (
	"context"
	"database/sql"

	"subfive"
)

// What one destination is told about one conversion is a lineage: each delivery
// names in waits_for the one it was made after, for good. What it waits for now
// is the outbox's: the nearest one before it that was or may still be sent. Only
// a conversion that was never sent ends what follows it; a restatement or an
// approval that was not is passed over.

// link is a delivery as those behind it see it.
type link struct {
	id, destination string
	kind            subfive.Kind
	status          subfive.DeliveryStatus // delivered, too, if it may be there
	reason          string
	waitsFor        string
	tried           bool
}

// lineages are links by their delivery's ID.
type lineages map[string]link

// ahead returns what a delivery that was made after id waits for: the nearest
// one that was or may still be sent. ok is false when the conversion itself
// never was.
func (l lineages) ahead(id string) (ahead string, ok bool) {
	for range len(l) + 1 {
		before := l[id]
		switch {
		case !neverSentStatus(before.status): // of one that is gone from the database nothing speaks against it
			return id, true
		case before.kind == subfive.KindConversion:
			return "", false
		}
		id = before.waitsFor
	}
	return "", false
}

// open reports whether a delivery is unfinished.
func (l lineages) open(id string) bool {
	s := l[id].status
	return s == subfive.DeliveryScheduled || s == subfive.DeliverySubmitted
}

// end notes how a delivery ended.
func (l lineages) end(id string, status subfive.DeliveryStatus) {
	before := l[id]
	before.status = status
	l[id] = before
}

// links reads the deliveries where column is one of the values.
func (t *tx) links(ctx context.Context, column string, values []string) (found []link, err error) {
	err = t.queryIn(ctx, "links by "+column, nil, unique(values), func(ids []any) string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("delivery_id", "destination_id", "kind", maybeSent(""), "reason_code", "waits_for", "first_attempt_at").From("deliveries").
			Where(b.In(column, ids...), column+" <> ''") // the index of waits_for is partial
		return text(b)
	}, func(r *sql.Rows) error {
		var l link
		var tried int64
		err := r.Scan(&l.id, &l.destination, &l.kind, &l.status, &l.reason, &l.waitsFor, &tried)
		l.tried = tried > 0
		found = append(found, l)
		return err
	})
	return found, err
}

// lineagesOf reads the deliveries, and of each that was never sent those before
// it.
func (t *tx) lineagesOf(ctx context.Context, ids []string) (lineages, error) {
	known := lineages{}
	for len(ids) > 0 {
		found, err := t.links(ctx, "delivery_id", ids)
		if err != nil {
			return nil, err
		}
		ids = nil
		for _, l := range found {
			known[l.id] = l
			if _, read := known[l.waitsFor]; !read && neverSentStatus(l.status) && l.waitsFor != "" {
				ids = append(ids, l.waitsFor)
			}
		}
	}
	return known, nil
}

// followers returns all that was made after the deliveries, and after that, in
// this order.
func (t *tx) followers(ctx context.Context, ids []string) (all []link, err error) {
	seen := map[string]bool{}
	for len(ids) > 0 {
		found, err := t.links(ctx, "waits_for", ids)
		if err != nil {
			return nil, err
		}
		ids = nil
		for _, l := range found {
			if !seen[l.id] {
				seen[l.id] = true
				all, ids = append(all, l), append(ids, l.id)
			}
		}
	}
	return all, nil
}

// skipFollowers looks after what waits for deliveries that ended unsent: it waits for
// what was before them, or ends with the conversion.
func (t *tx) skipFollowers(ctx context.Context, ended []string) error {
	if len(ended) == 0 {
		return nil
	}
	known, err := t.lineagesOf(ctx, ended)
	if err != nil {
		return err
	}
	behind, err := t.followers(ctx, ended)
	if err != nil {
		return err
	}
	var gone []string
	var waits [][]any
	for _, l := range behind {
		known[l.id] = l
		if l.status != subfive.DeliveryScheduled || l.tried {
			continue
		}
		ahead, ok := known.ahead(l.waitsFor)
		if ok {
			waits = append(waits, []any{l.id, ahead})
			continue
		}
		gone = append(gone, l.id)
		known.end(l.id, subfive.DeliverySkipped)
	}
	if err := t.execIn(ctx, "followers leave outbox", nil, gone, func(ids []any) string {
		b := t.s.flavor.NewDeleteBuilder()
		b.DeleteFrom("outbox").Where(b.In("delivery_id", ids...))
		return text(b)
	}); err != nil {
		return err
	}
	if err := t.skip(ctx, gone, neverSentCode, neverSent); err != nil {
		return err
	}
	return t.waitFor(ctx, waits)
}

// waitFor says of rows of the outbox what they wait for: each is a delivery's ID
// and that of the other.
func (t *tx) waitFor(ctx context.Context, rows [][]any) error {
	return t.updateEach(ctx, "outbox", []string{"TEXT", "TEXT"}, "waits_for = v.column2", "outbox.delivery_id = v.column1", rows, func(string) {})
}

// reorder looks after what we claimed although the delivery it waited for was
// never sent: it was recorded at the moment in which that one ended, so that
// neither saw the other. With the conversion it ends; else it is given back, due
// at once, and waits for what was before.
func (t *tx) reorder(ctx context.Context, leaseID string, now int64, ids []string) error {
	claimed, err := t.links(ctx, "delivery_id", ids)
	if err != nil {
		return err
	}
	var before []string
	for _, l := range claimed {
		before = append(before, l.waitsFor)
	}
	known, err := t.lineagesOf(ctx, before)
	if err != nil {
		return err
	}
	var gone []string
	var waits [][]any
	for _, l := range claimed {
		if ahead, ok := known.ahead(l.waitsFor); ok {
			waits = append(waits, []any{l.id, ahead, leaseID, now})
		} else {
			gone = append(gone, l.id)
		}
	}
	err = t.updateEach(ctx, "outbox", []string{"TEXT", "TEXT", "TEXT", "BIGINT"},
		"waits_for = v.column2, lease_id = '', next_attempt_at = v.column4",
		"outbox.delivery_id = v.column1 AND outbox.lease_id = v.column3", waits, func(string) {})
	if err != nil {
		return err
	}
	ours, err := t.deleteLeased(ctx, leaseID, gone)
	if err != nil {
		return err
	}
	if err := t.skip(ctx, ours, neverSentCode, neverSent); err != nil {
		return err
	}
	return t.skipFollowers(ctx, ours)
}
