package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"subfive"
)

// part is one bit of the column kept.
type part struct {
	name  string
	in    string // the values of kept that have it
	clear int64  // its bit
}

// until is when the part is too old.
func (p part) until(r Retention) time.Time {
	if p == rawPart {
		return r.Raw
	}
	return r.Personal
}

var (
	rawPart      = part{"raw", "kept IN (1, 3)", 1}
	personalPart = part{"personal", "kept IN (2, 3)", 2}
)

// docs is a table of documents that lose a part.
type docs struct {
	table, key, at string
	moves          string // what else is set: whoever read the row before, decides again
	forgets        string // what else is set when personal data goes
	// dead holds for rows whose personal data nothing needs any more.
	dead  string
	strip func(doc []byte, p part) ([]byte, error)
}

// The conditions spell out what the partial indexes of conversions demand.
var (
	clickDocs = docs{
		table: "clicks", key: "click_id", at: "clicked_at", moves: "version = version + 1", forgets: "visitor_id = '', platform_click = 0",
		dead: "NOT EXISTS (SELECT 1 FROM conversions c WHERE c.attributed_click_id = clicks.click_id AND c.attributed_click_id <> '' AND c.kept > 0) AND " +
			"NOT EXISTS (SELECT 1 FROM conversions c WHERE c.received_click_id = clicks.click_id AND c.attributed_click_id = '' AND c.received_click_id <> '' AND c.kept > 0)",
		strip: func(doc []byte, p part) ([]byte, error) {
			return restyle(doc, func(c *subfive.Click) {
				if p == rawPart {
					c.Request.Raw = ""
					return
				}
				stripClick(c, false)
			})
		},
	}
	visitDocs = docs{
		table: "visits", key: "visit_id", at: "visited_at",
		dead: "NOT EXISTS (SELECT 1 FROM clicks k WHERE k.click_id = visits.click_id AND k.kept IN (2, 3))",
		strip: func(doc []byte, p part) ([]byte, error) {
			return restyle(doc, func(v *subfive.Visit) {
				if p == rawPart {
					v.Request.Raw = ""
					return
				}
				stripVisit(v, false)
			})
		},
	}
	postbackDocs = docs{
		table: "postbacks", key: "postback_id", at: "received_at",
		dead: "NOT EXISTS (SELECT 1 FROM conversions c WHERE c.conversion_id = postbacks.conversion_id AND c.kept > 0) AND " +
			"postbacks.verdict <> 'possible_duplicate'",
		strip: func(doc []byte, p part) ([]byte, error) {
			return restyle(doc, func(b *subfive.Postback) {
				if p == rawPart {
					b.Request.Raw = ""
					return
				}
				stripPostback(b, false)
			})
		},
	}
)

// restyle changes a document.
func restyle[T any](doc []byte, change func(*T)) ([]byte, error) {
	var v T
	if err := json.Unmarshal(doc, &v); err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	change(&v)
	return json.Marshal(v)
}

// document is a row that is to lose something.
type document struct {
	id   string
	doc  []byte
	kept int64
}

// stripped is what became of a batch of documents.
type stripped struct {
	found, unreadable int
	changed           int64
	first             error // what is wrong with the first that is unreadable
}

func (b *stripped) skip(id string, err error) {
	if b.unreadable++; b.first == nil {
		b.first = fmt.Errorf("%s: %w", id, err)
	}
}

// stripping strips the first batch in which something can be. Documents that
// can't be read stay, and are passed over: how many they are is told at the end.
func stripping(table string, strip func(skip int) (stripped, error)) (int64, error) {
	var first error
	for skip := 0; ; {
		batch, err := strip(skip)
		if err != nil {
			return 0, err
		}
		if skip += batch.unreadable; first == nil {
			first = batch.first
		}
		if batch.changed == 0 && batch.unreadable > 0 && batch.found == expireBatch {
			continue
		}
		if first != nil {
			err = fmt.Errorf("%d documents of %s can't be read, such as %w", skip, table, first)
		}
		return batch.changed, err
	}
}

// expireDocs takes a part from old rows that have it.
func (s *Store) expireDocs(ctx context.Context, d docs, p part, before time.Time) (int64, error) {
	return stripping(d.table, func(skip int) (stripped, error) { return s.stripDocs(ctx, d, p, before, skip) })
}

func (s *Store) stripDocs(ctx context.Context, d docs, p part, before time.Time, skip int) (batch stripped, err error) {
	dead := "1 = 1"
	if p == personalPart {
		dead = d.dead
	}
	var found []document
	key := "expire " + p.name + " of " + d.table
	err = s.read(ctx, s.screens, func(t *tx) error {
		found = nil
		return t.query(ctx, key, func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select(d.key, "doc", "kept").From(d.table).Where("kept > 0", p.in, b.LT(d.at, 0), dead).Limit(expireBatch).Offset(skip)
			return text(b)
		}, []any{subfive.Millis(before), expireBatch, skip}, func(r *sql.Rows) error {
			var f document
			err := r.Scan(&f.id, &f.doc, &f.kept)
			found = append(found, f)
			return err
		})
	})
	if err != nil || len(found) == 0 {
		return batch, err
	}
	err = s.write(ctx, s.screens, func(t *tx) error {
		batch = stripped{found: len(found)}
		for _, f := range found {
			doc, err := d.strip(f.doc, p)
			if err != nil {
				batch.skip(f.id, err)
				continue
			}
			// Who changed the row since it was read, or made it live, wins.
			n, err := t.exec(ctx, "strip "+key, func() string {
				b := s.flavor.NewUpdateBuilder()
				set := []string{b.Assign("doc", ""), b.Assign("kept", 0)}
				if d.moves != "" {
					set = append(set, d.moves)
				}
				if p == personalPart && d.forgets != "" {
					set = append(set, d.forgets)
				}
				b.Update(d.table).Set(set...).Where(b.EQ(d.key, ""), b.EQ("doc", ""), b.EQ("kept", 0), dead)
				return text(b)
			}, string(doc), f.kept-p.clear, f.id, string(f.doc), f.kept)
			if err != nil {
				return err
			}
			batch.changed += n
		}
		return nil
	})
	return batch, err
}

// settledConversion is what a conversion must be to lose its personal data:
// nothing waits for it, and nothing of it is to be sent.
const settledConversion = "verdict <> 'waiting' AND review_at = 0 AND NOT EXISTS (" +
	"SELECT 1 FROM outbox o JOIN deliveries d ON d.delivery_id = o.delivery_id WHERE d.conversion_id = conversions.conversion_id)"

// expireConversions takes the personal data of conversions, and of the pages
// that were named for them.
func (s *Store) expireConversions(ctx context.Context, r Retention) (int64, error) {
	before := r.Personal
	if r.Live.Before(before) {
		before = r.Live
	}
	return stripping("conversions", func(skip int) (stripped, error) { return s.stripConversions(ctx, before, skip) })
}

func (s *Store) stripConversions(ctx context.Context, before time.Time, skip int) (batch stripped, err error) {
	var found []document
	err = s.read(ctx, s.screens, func(t *tx) error {
		found = nil
		return t.query(ctx, "expire conversions", func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select("conversion_id", "doc", "version").From("conversions").
				Where("kept > 0", "kept IN (2)", b.LT("received_at", 0), settledConversion).Limit(expireBatch).Offset(skip)
			return text(b)
		}, []any{subfive.Millis(before), expireBatch, skip}, func(r *sql.Rows) error {
			var f document
			err := r.Scan(&f.id, &f.doc, &f.kept)
			found = append(found, f)
			return err
		})
	})
	if err != nil || len(found) == 0 {
		return batch, err
	}
	err = s.write(ctx, s.screens, func(t *tx) error {
		batch = stripped{found: len(found)}
		for _, f := range found {
			doc, err := restyle(f.doc, func(c *subfive.Conversion) { stripConversion(c, false) })
			if err != nil {
				batch.skip(f.id, err)
				continue
			}
			n, err := t.exec(ctx, "strip conversion", func() string {
				b := s.flavor.NewUpdateBuilder()
				b.Update("conversions").Set(b.Assign("doc", ""), "kept = 0", "version = version + 1").
					Where(b.EQ("conversion_id", ""), b.EQ("version", 0), settledConversion)
				return text(b)
			}, string(doc), f.id, f.kept)
			if err != nil {
				return err
			}
			if n == 0 {
				continue
			}
			batch.changed += n
			if err := t.stripPages(ctx, []string{f.id}); err != nil {
				return err
			}
		}
		return nil
	})
	return batch, err
}

// stripPages forgets the pages named for conversions: their queries hold click
// IDs.
func (t *tx) stripPages(ctx context.Context, conversionIDs []string) error {
	return t.execIn(ctx, "strip pages", nil, conversionIDs, func(ids []any) string {
		b := t.s.flavor.NewUpdateBuilder()
		b.Update("deliveries").Set("page_url = ''").Where(b.In("conversion_id", ids...), "page_url <> ''")
		return text(b)
	})
}
