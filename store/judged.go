package store

import (
	"context"
	"database/sql"
	"encoding/json"

	"subfive"
)

// Judged returns a stored postback with what was decided about it, or
// subfive.ErrNotFound.
func (s *Store) Judged(ctx context.Context, postbackID string) (j subfive.Judged, err error) {
	err = s.read(ctx, s.intake, func(t *tx) error {
		found, err := t.postbacksByID(ctx, []string{postbackID})
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return subfive.ErrNotFound
		}
		p := found[0]
		j = subfive.Judged{
			Postback: p.Postback, Verdict: p.Verdict, GroupID: p.GroupID, ConversionID: p.ConversionID, DuplicateOf: p.DuplicateOf,
			PossibleDuplicateOf: p.PossibleDuplicateOf, Trace: p.Trace, SettledAs: p.SettledAs, SettledBy: p.SettledBy,
		}
		return nil
	})
	return j, wrap("read postback", err)
}

// Conversion returns a stored conversion, or subfive.ErrNotFound.
func (s *Store) Conversion(ctx context.Context, id string) (c subfive.Conversion, err error) {
	err = s.read(ctx, s.intake, func(t *tx) error {
		found := false
		err := t.query(ctx, "conversion", func() string {
			b := t.s.flavor.NewSelectBuilder()
			b.Select("conversion_id", "version", "doc").From("conversions").Where(b.EQ("conversion_id", ""))
			return text(b)
		}, []any{id}, func(r *sql.Rows) error {
			found = true
			var err error
			c, err = scanConversion(r)
			return err
		})
		if err == nil && !found {
			return subfive.ErrNotFound
		}
		return err
	})
	return c, wrap("read conversion", err)
}

// RawRequest returns the sealed bytes of the request that brought a click or a
// postback: its query string and body as they arrived.
func (s *Store) RawRequest(ctx context.Context, id string) (sealed string, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		for table, key := range map[string]string{"clicks": "click_id", "postbacks": "postback_id"} {
			err := t.query(ctx, "raw request in "+table, func() string {
				b := t.s.flavor.NewSelectBuilder()
				b.Select("doc").From(table).Where(b.EQ(key, ""))
				return text(b)
			}, []any{id}, func(r *sql.Rows) error {
				var doc []byte
				var has struct {
					Request subfive.Request `json:"request"`
				}
				if err := r.Scan(&doc); err != nil {
					return err
				}
				err := json.Unmarshal(doc, &has)
				sealed = has.Request.Raw
				return err
			})
			if err != nil || sealed != "" {
				return err
			}
		}
		return subfive.ErrNotFound
	})
	return sealed, wrap("read raw request", err)
}
