package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"

	"subfive"
)

var visitColumns = []string{"visit_id", "click_id", "kind", "visited_at", "landing_id", "offer_id", "doc"}

// insertVisits keeps what landing pages told.
func (t *tx) insertVisits(ctx context.Context, b subfive.Batch) error {
	rows := make([][]any, len(b.Visits))
	for i, v := range b.Visits {
		doc, err := json.Marshal(v)
		if err != nil {
			return err
		}
		rows[i] = []any{v.ID, v.ClickID, v.Kind, subfive.Millis(v.At), v.LandingID, v.OfferID, string(doc)}
	}
	return t.insertRows(ctx, "visits", visitColumns, rows, "ON CONFLICT (visit_id) DO NOTHING")
}

// enrichClicks replaces clicks that a landing page told more of. One that moved
// since it was read is a conflict.
func (t *tx) enrichClicks(ctx context.Context, b subfive.Batch, changed *changes) error {
	rows := make([][]any, len(b.Enriched))
	ids := make([]string, len(b.Enriched))
	for i, c := range b.Enriched {
		ids[i] = c.ID
		row, err := t.s.clickRow(c)
		if err != nil {
			return err
		}
		rows[i] = append(row, c.Version+1)
	}
	before := map[string]subfive.Click{}
	if err := t.clicksByID(ctx, ids, before); err != nil {
		return err
	}
	for _, c := range b.Enriched {
		old, existed := before[c.ID]
		changed.clickChanged(old, c, existed)
	}
	return t.upsertGuarded(ctx, "clicks", append(slices.Clone(clickColumns), "version"), rows,
		"ON CONFLICT (click_id) DO UPDATE SET landing_id = excluded.landing_id, visitor_id = excluded.visitor_id, platform_click = excluded.platform_click, doc = excluded.doc, version = excluded.version, kept = 3 "+
			"WHERE clicks.version = excluded.version - 1")
}

func (t *tx) storedVisits(ctx context.Context, ids []string, into map[string]bool) error {
	return t.queryIn(ctx, "stored visits", nil, unique(ids), func(ids []any) string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("visit_id").From("visits").Where(b.In("visit_id", ids...))
		return text(b)
	}, func(r *sql.Rows) error {
		var id string
		err := r.Scan(&id)
		into[id] = true
		return err
	})
}

// visitsOf returns what was told of the clicks, the earliest first.
func (t *tx) visitsOf(ctx context.Context, clickIDs []string) (all []subfive.Visit, err error) {
	err = t.queryIn(ctx, "visits of clicks", nil, unique(clickIDs), func(ids []any) string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("doc").From("visits").Where(b.In("click_id", ids...)).OrderBy("visited_at", "visit_id")
		return text(b)
	}, func(r *sql.Rows) error {
		var v subfive.Visit
		err := scanDoc(r, &v)
		all = append(all, v)
		return err
	})
	return all, err
}
