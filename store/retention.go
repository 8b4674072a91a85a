package store

import (
	"context"
	"errors"
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
//
// What fails keeps nothing else from being taken: an error comes with the batch
// that took nothing.
func (s *Store) Expire(ctx context.Context, r Retention) (Expired, error) {
	var done Expired
	var failed []error
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
		if ctx.Err() != nil {
			return done, ctx.Err()
		}
		if err != nil {
			failed = append(failed, err)
		}
	}
	if done.Total() > 0 {
		return done, nil
	}
	return done, wrap("expire", errors.Join(failed...))
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
