package store

import (
	"context"
	"database/sql"
	"time"

	"subfive"
)

// Told is what one destination was told, and is to be.
type Told struct {
	DestinationID string
	// Statuses is how many deliveries of the span have a status; dead ones that
	// were sent again are not among them.
	Statuses map[subfive.DeliveryStatus]int
	// Parts are those delivered, scheduled and submitted, by part of the grid.
	Parts []StatusCount
	// Open is how many are unfinished, whenever they were made. Waiting are the
	// oldest of them.
	Open    int
	Waiting []Waiting
	Dead    []Dead
	// Unmapped are skipped deliveries of the span by the goal that maps to nothing.
	Unmapped []Unmapped
	// Sent and SentBefore are the newest delivered ones of the spans.
	Sent, SentBefore []Sent
	LastAt           time.Time // when it last took one; zero: it never did
}

// StatusCount is how many deliveries made in a part have a status.
type StatusCount struct {
	Status subfive.DeliveryStatus
	Part   int // its number in the grid
	N      int
}

// Waiting is an unfinished delivery.
type Waiting struct {
	CreatedAt, NextAttemptAt, DeadlineAt time.Time
	Status                               subfive.DeliveryStatus
	ReasonCode, LastCode                 string
	Attempts                             int // that count
}

// Dead are deliveries of one reason that died, and were not sent again since.
type Dead struct {
	ReasonCode, LastCode string
	Reason               string // of one of them
	N                    int
	InSpan               int // of them, those made in the span
	// Fresh are those that the platform would still take, and can't have already.
	Fresh int
}

// Sent is when a delivery was made and when the platform took it.
type Sent struct{ CreatedAt, DeliveredAt time.Time }

const (
	// waitingMost, sentMost and skippedMost bound how many of a destination's
	// deliveries are looked at.
	waitingMost = 1000
	sentMost    = 5000
	skippedMost = 5000
)

func (t *tx) nowTold(ctx context.Context, q NowQuery, n *Now) error {
	for _, d := range q.Destinations {
		told, err := t.told(ctx, q, d)
		if err != nil {
			return err
		}
		n.Destinations = append(n.Destinations, told)
	}
	return nil
}

// told reads one destination. Each statement finds its rows by destination,
// status and time, for which there is an index.
func (t *tx) told(ctx context.Context, q NowQuery, d NowDestination) (Told, error) {
	told := Told{DestinationID: d.ID, Statuses: map[subfive.DeliveryStatus]int{}}
	for _, part := range []func(context.Context, NowQuery, NowDestination, *Told) error{t.toldByPart, t.toldOthers, t.toldWaiting, t.toldDead, t.toldUnmapped, t.toldSent} {
		if err := part(ctx, q, d, &told); err != nil {
			return told, err
		}
	}
	return told, nil
}

func (t *tx) toldByPart(ctx context.Context, q NowQuery, d NowDestination, told *Told) error {
	count := partCount{
		table: "deliveries", by: "status", values: []string{"delivered", "scheduled", "submitted"}, at: "created_at", where: "destination_id", is: d.ID,
	}
	return t.countParts(ctx, count, q.parts(), func(status string, part, n int) {
		told.Parts = append(told.Parts, StatusCount{subfive.DeliveryStatus(status), part, n})
		told.Statuses[subfive.DeliveryStatus(status)] += n
	})
}

func (t *tx) toldOthers(ctx context.Context, q NowQuery, d NowDestination, told *Told) error {
	if err := t.query(ctx, "deliveries of other statuses", func() string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("status", "count(*)").From("deliveries").
			Where(b.EQ("destination_id", ""), "status IN ('skipped', 'dry_run', 'tested')", b.GE("created_at", 0), b.LT("created_at", 0)).GroupBy("status")
		return text(b)
	}, []any{d.ID, subfive.Millis(q.Span.Since), subfive.Millis(q.Span.Until)}, func(r *sql.Rows) error {
		var status subfive.DeliveryStatus
		var n int
		err := r.Scan(&status, &n)
		told.Statuses[status] = n
		return err
	}); err != nil {
		return err
	}
	return t.row(ctx, "unfinished deliveries", func() string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("count(*)").From("deliveries").Where(b.EQ("destination_id", ""), "status IN ('scheduled', 'submitted')")
		return text(b)
	}, []any{d.ID}, &told.Open)
}

func (t *tx) toldWaiting(ctx context.Context, _ NowQuery, d NowDestination, told *Told) error {
	if told.Open == 0 {
		return nil
	}
	for _, status := range []subfive.DeliveryStatus{subfive.DeliveryScheduled, subfive.DeliverySubmitted} {
		if err := t.query(ctx, "oldest waiting deliveries", func() string {
			oldest := t.s.flavor.NewSelectBuilder()
			oldest.Select("delivery_id", "created_at", "deadline_at", "status", "reason_code", "last_code", "attempts").From("deliveries").
				Where(oldest.EQ("destination_id", ""), oldest.EQ("status", "")).OrderBy("created_at").Limit(1)
			b := t.s.flavor.NewSelectBuilder()
			b.Select("w.created_at", "coalesce(o.next_attempt_at, 0)", "w.deadline_at", "w.status", "w.reason_code", "w.last_code", "w.attempts").
				From(b.BuilderAs(oldest, "w")).JoinWithOption("LEFT", "outbox o", "o.delivery_id = w.delivery_id").OrderBy("w.created_at")
			return text(b)
		}, []any{d.ID, string(status), waitingMost}, func(r *sql.Rows) error {
			var w Waiting
			var created, next, deadline int64
			err := r.Scan(&created, &next, &deadline, &w.Status, &w.ReasonCode, &w.LastCode, &w.Attempts)
			w.CreatedAt, w.NextAttemptAt, w.DeadlineAt = subfive.FromMillis(created), subfive.FromMillis(next), subfive.FromMillis(deadline)
			told.Waiting = append(told.Waiting, w)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// notReplayed holds for a delivery d that has no later generation.
const notReplayed = "NOT EXISTS (SELECT 1 FROM deliveries n WHERE n.conversion_id = d.conversion_id AND n.destination_id = d.destination_id" +
	" AND n.kind = d.kind AND n.generation > d.generation)"

func (t *tx) toldDead(ctx context.Context, q NowQuery, d NowDestination, told *Told) error {
	youngest := int64(-1) // any event is young enough
	if d.MaxAge > 0 {
		youngest = subfive.Millis(q.At.Add(-d.MaxAge))
	}
	return t.query(ctx, "dead deliveries by reason", func() string {
		b := t.s.flavor.NewSelectBuilder()
		count := func(when string) string { return "sum(CASE WHEN " + when + " THEN 1 ELSE 0 END)" }
		b.Select("reason_code", "last_code", "min(reason)", "count(*)", count("created_at >= "+b.Var(0)+" AND created_at < "+b.Var(0)),
			count("event_time > "+b.Var(0)+" AND (ambiguous_at = 0 OR ambiguous_at >= "+b.Var(0)+" OR event_id LIKE '"+subfive.PrefixTest+"%')")).
			From("deliveries d").
			Where(b.EQ("destination_id", ""), "status = 'dead'", b.GE("created_at", 0), notReplayed).
			GroupBy("reason_code", "last_code").OrderBy("count(*) DESC", "reason_code", "last_code")
		return text(b)
	}, []any{
		subfive.Millis(q.Span.Since), subfive.Millis(q.Span.Until), youngest, subfive.Millis(q.At.Add(-d.DedupWindow)),
		d.ID, subfive.Millis(earlier(q.DeadSince, q.Span.Since)),
	}, func(r *sql.Rows) error {
		var dead Dead
		err := r.Scan(&dead.ReasonCode, &dead.LastCode, &dead.Reason, &dead.N, &dead.InSpan, &dead.Fresh)
		told.Dead = append(told.Dead, dead)
		told.Statuses[subfive.DeliveryDead] += dead.InSpan
		return err
	})
}

func (t *tx) toldUnmapped(ctx context.Context, q NowQuery, d NowDestination, told *Told) error {
	if told.Statuses[subfive.DeliverySkipped] == 0 {
		return nil
	}
	return t.query(ctx, "unmapped goals of a destination", func() string {
		newest := t.s.flavor.NewSelectBuilder()
		newest.Select("conversion_id", "reason_code").From("deliveries").
			Where(newest.EQ("destination_id", ""), "status = 'skipped'", newest.GE("created_at", 0), newest.LT("created_at", 0)).
			OrderBy("created_at DESC").Limit(1)
		b := t.s.flavor.NewSelectBuilder()
		b.Select("c.goal", "count(*)").From(b.BuilderAs(newest, "w")).Join("conversions c", "c.conversion_id = w.conversion_id").
			Where("w.reason_code = 'goal_unmapped'").GroupBy("c.goal").OrderBy("count(*) DESC", "c.goal")
		return text(b)
	}, []any{d.ID, subfive.Millis(q.Span.Since), subfive.Millis(q.Span.Until), skippedMost}, func(r *sql.Rows) error {
		u := Unmapped{DestinationID: d.ID}
		err := r.Scan(&u.Goal, &u.N)
		told.Unmapped = append(told.Unmapped, u)
		return err
	})
}

func (t *tx) toldSent(ctx context.Context, q NowQuery, d NowDestination, told *Told) (err error) {
	if told.Sent, err = t.sent(ctx, d.ID, q.Span, sentMost); err != nil {
		return err
	}
	if told.SentBefore, err = t.sent(ctx, d.ID, q.Before, sentMost); err != nil {
		return err
	}
	last := told.Sent
	if len(last) == 0 {
		if last, err = t.sent(ctx, d.ID, Span{Until: q.At}, 1); err != nil {
			return err
		}
	}
	for _, s := range last {
		told.LastAt = later(told.LastAt, s.DeliveredAt)
	}
	return nil
}

// sent reads the newest delivered ones of a span, at most so many.
func (t *tx) sent(ctx context.Context, destinationID string, span Span, most int) (all []Sent, err error) {
	err = t.query(ctx, "newest delivered", func() string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("created_at", "delivered_at").From("deliveries").
			Where(b.EQ("destination_id", ""), "status = 'delivered'", b.GE("created_at", 0), b.LT("created_at", 0)).OrderBy("created_at DESC").Limit(1)
		return text(b)
	}, []any{destinationID, subfive.Millis(span.Since), subfive.Millis(span.Until), most}, func(r *sql.Rows) error {
		var created, delivered int64
		err := r.Scan(&created, &delivered)
		all = append(all, Sent{subfive.FromMillis(created), subfive.FromMillis(delivered)})
		return err
	})
	return all, err
}

// NowCounts is what asks for a person, in numbers alone.
type NowCounts struct {
	Dead      int // deliveries since then that were not sent again
	Unsettled int // possible duplicates
}

// NowCounts counts what asks for a person. It is cheap enough for every page.
func (s *Store) NowCounts(ctx context.Context, destinationIDs []string, deadSince time.Time) (c NowCounts, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		c = NowCounts{}
		for _, id := range destinationIDs {
			n := 0
			if err := t.row(ctx, "dead deliveries", func() string {
				b := s.flavor.NewSelectBuilder()
				b.Select("count(*)").From("deliveries d").Where(b.EQ("destination_id", ""), "status = 'dead'", b.GE("created_at", 0), notReplayed)
				return text(b)
			}, []any{id, subfive.Millis(deadSince)}, &n); err != nil {
				return err
			}
			c.Dead += n
		}
		return t.row(ctx, "possible duplicates", func() string {
			b := s.flavor.NewSelectBuilder()
			return text(b.Select("count(*)").From("postbacks").Where("verdict = 'possible_duplicate'"))
		}, nil, &c.Unsettled)
	})
	return c, wrap("count what asks for a person", err)
}
