package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"subfive"
)

// Retention says what is too old to keep. A zero moment keeps all of its kind
// for ever.
type Retention struct {
	// Clicks: clicks made before it go, unless a conversion knows them, and with
	// them what landing pages told of them.
	Clicks time.Time
	// Personal: what came before it loses address, user agent, user data and the
	// platforms' click IDs.
	Personal time.Time
	// Raw: of requests before it the sealed raw bytes go.
	Raw time.Time
	// Attempts: exchanges with platforms that began before it go.
	Attempts time.Time
	// Live: a conversion received since then may still have to be told, taken
	// back or told again, so it and its click keep their personal data, whatever
	// Personal says.
	Live time.Time
}

// Expired counts rows that lost something.
type Expired struct {
	Clicks   int64 // deleted, and visits
	Personal int64 // clicks, visits, postbacks and conversions without personal data now
	Raw      int64 // clicks, visits, postbacks and broken records without raw bytes now
	Attempts int64 // deleted
}

// Total is the sum.
func (e Expired) Total() int64 { return e.Clicks + e.Personal + e.Raw + e.Attempts }

// Add adds another's counts.
func (e *Expired) Add(o Expired) {
	e.Clicks += o.Clicks
	e.Personal += o.Personal
	e.Raw += o.Raw
	e.Attempts += o.Attempts
}

// expireBatch is how many rows one transaction of Expire changes: few enough
// that a record coming in does not wait for it.
const expireBatch = 200

// Expire takes away one batch of each kind that is too old, each in a short
// transaction of its own, and returns what it took. Call it until it takes
// nothing. It takes nothing that a live row reaches: not the click of a
// conversion, nor personal data or an attempt that an unfinished delivery needs.
func (s *Store) Expire(ctx context.Context, r Retention) (Expired, error) {
	var done Expired
	part := func(d docs, p part) func(context.Context, Retention) (int64, error) {
		return func(ctx context.Context, r Retention) (int64, error) { return s.expireDocs(ctx, d, p, p.until(r)) }
	}
	for _, step := range []struct {
		until time.Time
		count *int64
		run   func(context.Context, Retention) (int64, error)
	}{
		// A conversion's go first: its click's and its postbacks' go after it.
		{r.Personal, &done.Personal, s.expireConversions},
		{r.Personal, &done.Personal, part(clickDocs, personalPart)},
		{r.Personal, &done.Personal, part(visitDocs, personalPart)},
		{r.Personal, &done.Personal, part(postbackDocs, personalPart)},
		{r.Raw, &done.Raw, part(clickDocs, rawPart)},
		{r.Raw, &done.Raw, part(visitDocs, rawPart)},
		{r.Raw, &done.Raw, part(postbackDocs, rawPart)},
		{r.Raw, &done.Raw, s.expireBroken},
		{r.Clicks, &done.Clicks, s.expireClicks},
		{r.Clicks, &done.Clicks, s.expireVisits},
		{r.Attempts, &done.Attempts, s.expireAttempts},
	} {
		if step.until.IsZero() {
			continue
		}
		n, err := step.run(ctx, r)
		*step.count += n
		if err != nil {
			return done, wrap("expire", err)
		}
	}
	return done, nil
}

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
		table: "clicks", key: "click_id", at: "clicked_at", moves: "version = version + 1", forgets: "visitor_id = ''",
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

// expireDocs takes a part from old rows that have it.
func (s *Store) expireDocs(ctx context.Context, d docs, p part, before time.Time) (int64, error) {
	dead := "1 = 1"
	if p == personalPart {
		dead = d.dead
	}
	var found []document
	key := "expire " + p.name + " of " + d.table
	err := s.read(ctx, s.screens, func(t *tx) error {
		found = nil
		return t.query(ctx, key, func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select(d.key, "doc", "kept").From(d.table).Where("kept > 0", p.in, b.LT(d.at, 0), dead).Limit(expireBatch)
			return text(b)
		}, []any{subfive.Millis(before), expireBatch}, func(r *sql.Rows) error {
			var f document
			err := r.Scan(&f.id, &f.doc, &f.kept)
			found = append(found, f)
			return err
		})
	})
	if err != nil || len(found) == 0 {
		return 0, err
	}
	var changed int64
	err = s.write(ctx, s.screens, func(t *tx) error {
		changed = 0
		for _, f := range found {
			doc, err := d.strip(f.doc, p)
			if err != nil {
				return fmt.Errorf("%s %s: %w", d.table, f.id, err)
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
			changed += n
		}
		return nil
	})
	return changed, err
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
	var found []document
	err := s.read(ctx, s.screens, func(t *tx) error {
		found = nil
		return t.query(ctx, "expire conversions", func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select("conversion_id", "doc", "version").From("conversions").
				Where("kept > 0", "kept IN (2)", b.LT("received_at", 0), settledConversion).Limit(expireBatch)
			return text(b)
		}, []any{subfive.Millis(before), expireBatch}, func(r *sql.Rows) error {
			var f document
			err := r.Scan(&f.id, &f.doc, &f.kept)
			found = append(found, f)
			return err
		})
	})
	if err != nil || len(found) == 0 {
		return 0, err
	}
	var changed int64
	err = s.write(ctx, s.screens, func(t *tx) error {
		changed = 0
		for _, f := range found {
			doc, err := restyle(f.doc, func(c *subfive.Conversion) { stripConversion(c, false) })
			if err != nil {
				return fmt.Errorf("conversion %s: %w", f.id, err)
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
			changed += n
			if err := t.stripPages(ctx, []string{f.id}); err != nil {
				return err
			}
		}
		return nil
	})
	return changed, err
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

// expireBroken empties old records that could not be stored; that they were
// there stays.
func (s *Store) expireBroken(ctx context.Context, r Retention) (changed int64, err error) {
	err = s.single(ctx, s.screens, func(t *tx) error {
		changed, err = t.exec(ctx, "expire broken", func() string {
			b := s.flavor.NewUpdateBuilder()
			b.Update("broken_records").Set("data = ''").Where(b.LT("recorded_at", 0), "data <> ''")
			return text(b)
		}, subfive.Millis(r.Raw))
		return err
	})
	return changed, err
}

// unknownClick is a click that no conversion knows.
const unknownClick = "NOT EXISTS (SELECT 1 FROM conversions c WHERE c.attributed_click_id = clicks.click_id AND c.attributed_click_id <> '') AND " +
	"NOT EXISTS (SELECT 1 FROM conversions c WHERE c.received_click_id = clicks.click_id AND c.attributed_click_id = '' AND c.received_click_id <> '')"

// expireClicks deletes old clicks that brought nothing.
func (s *Store) expireClicks(ctx context.Context, r Retention) (int64, error) {
	ids, err := s.expiring(ctx, "expire clicks", func() string {
		b := s.flavor.NewSelectBuilder()
		b.Select("click_id").From("clicks").Where(b.LT("clicked_at", 0), unknownClick).OrderBy("clicked_at").Limit(expireBatch)
		return text(b)
	}, r.Clicks)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	var changed int64
	err = s.write(ctx, s.screens, func(t *tx) error {
		changed = 0
		for _, id := range ids {
			n, err := t.exec(ctx, "delete click", func() string {
				b := s.flavor.NewDeleteBuilder()
				b.DeleteFrom("clicks").Where(b.EQ("click_id", ""), unknownClick)
				return text(b)
			}, id)
			if err != nil {
				return err
			}
			changed += n
		}
		return t.noteExpired(ctx, r.Clicks)
	})
	return changed, err
}

// expireVisits deletes what landing pages told of clicks that are gone.
func (s *Store) expireVisits(ctx context.Context, r Retention) (int64, error) {
	const orphan = "NOT EXISTS (SELECT 1 FROM clicks k WHERE k.click_id = visits.click_id)"
	ids, err := s.expiring(ctx, "expire visits", func() string {
		b := s.flavor.NewSelectBuilder()
		b.Select("visit_id").From("visits").Where(b.LT("visited_at", 0), orphan).OrderBy("visited_at").Limit(expireBatch)
		return text(b)
	}, r.Clicks)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	err = s.write(ctx, s.screens, func(t *tx) error {
		return t.execIn(ctx, "delete visits", nil, ids, func(ids []any) string {
			b := s.flavor.NewDeleteBuilder()
			b.DeleteFrom("visits").Where(b.In("visit_id", ids...), orphan)
			return text(b)
		})
	})
	return int64(len(ids)), err
}

// finishedAttempt is an attempt of which no delivery is unfinished.
const finishedAttempt = "NOT EXISTS (SELECT 1 FROM attempt_items i JOIN outbox o ON o.delivery_id = i.delivery_id WHERE i.attempt_id = attempts.attempt_id)"

// expireAttempts deletes old exchanges with platforms.
func (s *Store) expireAttempts(ctx context.Context, r Retention) (int64, error) {
	ids, err := s.expiring(ctx, "expire attempts", func() string {
		b := s.flavor.NewSelectBuilder()
		b.Select("attempt_id").From("attempts").Where(b.LT("started_at", 0), finishedAttempt).OrderBy("started_at").Limit(expireBatch)
		return text(b)
	}, r.Attempts)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	err = s.write(ctx, s.screens, func(t *tx) error {
		for _, table := range []string{"attempt_items", "attempts"} {
			if err := t.execIn(ctx, "delete "+table, nil, ids, func(ids []any) string {
				b := s.flavor.NewDeleteBuilder()
				b.DeleteFrom(table).Where(b.In("attempt_id", ids...))
				return text(b)
			}); err != nil {
				return err
			}
		}
		return nil
	})
	return int64(len(ids)), err
}

// expiring returns the IDs that a query finds before a moment.
func (s *Store) expiring(ctx context.Context, key string, build func() string, before time.Time) (ids []string, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		ids = nil
		return t.query(ctx, key, build, []any{subfive.Millis(before), expireBatch}, collect(&ids))
	})
	return ids, err
}
