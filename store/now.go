package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"subfive"
)

// Span is a span of time, Until not included.
type Span struct{ Since, Until time.Time }

// NowQuery asks how things stand.
type NowQuery struct {
	At time.Time // now
	// Span is what is looked at, Before what it is compared with.
	Span, Before Span
	// ByDay: Span is days of reports, of which the last may still run; else it
	// begins with an hour of reports. ByHour: it is told by the hour all the same.
	ByDay, ByHour bool
	// Grid are the beginnings of the parts in which Span is counted, the first of
	// them Span's.
	Grid []time.Time
	// DeadSince is from when on deliveries that died, and were not sent again,
	// need a person.
	DeadSince    time.Time
	Destinations []NowDestination
}

// NowDestination is a destination, with its platform's limits.
type NowDestination struct {
	ID string
	// MaxAge is how old an event the platform takes, 0: any; DedupWindow how long
	// it remembers one.
	MaxAge, DedupWindow time.Duration
}

// Now is how things stand: all of one moment, so that the numbers agree.
type Now struct {
	LastClick    Seen // its campaign
	LastPostback Seen // its endpoint
	// Paces and PacesBefore are the spans' hours, or days where asked by day, with
	// anything in them.
	Paces, PacesBefore []Pace
	// Cost and CostBefore are what the spans cost; nil: not all of it is known.
	Cost, CostBefore *subfive.Micros
	// Unrated are the currencies of amounts for which a rate of exchange is
	// missing: those amounts are left out.
	Unrated []string
	// Postbacks are those of Grid's parts, PostbacksBefore all in one.
	Postbacks, PostbacksBefore []VerdictCount
	Faults                     []Fault
	Unsettled                  []Unsettled
	Broken                     int    // records that could not be decided or stored, ever
	Destinations               []Told // in the order in which they were asked for
}

// Seen is the last of something.
type Seen struct {
	At time.Time // zero: there is none
	ID string    // where it belongs to
}

// VerdictCount is how many postbacks of a part have a verdict.
type VerdictCount struct {
	Verdict subfive.Verdict
	Part    int // its number in the grid
	N       int
}

// Fault is how many postbacks came in at an endpoint with the same fault.
type Fault struct {
	EndpointID string
	Reading    subfive.Reading
	Hint       string // what to fix
	Brought    string // what came in the click ID's place
	N          int
}

// Unsettled is how many possible duplicates wait for a person, and what they
// say they pay.
type Unsettled struct {
	Currency string // "": not known
	N        int
	Payout   subfive.Micros
}

// faultsMost bounds how many faulty postbacks are looked at, the newest of them.
const faultsMost = 10_000

// ReadNow says how things stand. It scans no clicks.
func (s *Store) ReadNow(ctx context.Context, q NowQuery) (n Now, err error) {
	err = s.snapshot(ctx, func(t *tx) (err error) {
		n = Now{}
		for _, part := range []func(context.Context, NowQuery, *Now) error{t.nowSeen, t.nowPaces, t.nowPostbacks, t.nowOpen, t.nowTold} {
			if err := part(ctx, q, &n); err != nil {
				return err
			}
		}
		return nil
	})
	return n, wrap("say how things stand", err)
}

func (t *tx) nowSeen(ctx context.Context, _ NowQuery, n *Now) error {
	for _, last := range []struct {
		table, at, id string
		into          *Seen
	}{{"clicks", "clicked_at", "campaign_id", &n.LastClick}, {"postbacks", "received_at", "endpoint_id", &n.LastPostback}} {
		var ms int64
		err := t.row(ctx, "last of "+last.table, func() string {
			b := t.s.flavor.NewSelectBuilder()
			return text(b.Select(last.at, last.id).From(last.table).OrderBy(last.at + " DESC").Limit(1))
		}, []any{1}, &ms, &last.into.ID)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		last.into.At = subfive.FromMillis(ms)
	}
	return nil
}

func (t *tx) nowPostbacks(ctx context.Context, q NowQuery, n *Now) (err error) {
	if n.Postbacks, err = t.verdicts(ctx, q.parts()); err != nil {
		return err
	}
	if n.PostbacksBefore, err = t.verdicts(ctx, []Span{q.Before}); err != nil {
		return err
	}
	return t.query(ctx, "faulty postbacks", func() string {
		newest := t.s.flavor.NewSelectBuilder()
		// A fault leaves one of these verdicts, by which there is an index.
		newest.Select("endpoint_id", "reading", "hint", "click_id_raw").From("postbacks").
			Where("verdict IN ('no_click_id', 'quarantined')", newest.GE("received_at", 0), newest.LT("received_at", 0), "settled_as = ''",
				"reading IN ('literal_macro', 'empty_click_id', 'malformed', 'quarantined')").
			OrderBy("received_at DESC").Limit(faultsMost)
		b := t.s.flavor.NewSelectBuilder()
		b.Select("endpoint_id", "reading", "hint", "click_id_raw", "count(*)").From(b.BuilderAs(newest, "newest")).
			GroupBy("endpoint_id", "reading", "hint", "click_id_raw").OrderBy("count(*) DESC", "endpoint_id", "reading", "hint", "click_id_raw")
		return text(b)
	}, []any{subfive.Millis(q.Span.Since), subfive.Millis(q.Span.Until), faultsMost}, func(r *sql.Rows) error {
		var f Fault
		err := r.Scan(&f.EndpointID, &f.Reading, &f.Hint, &f.Brought, &f.N)
		n.Faults = append(n.Faults, f)
		return err
	})
}

// parts are the spans that the grid cuts Span into.
func (q NowQuery) parts() []Span {
	parts := make([]Span, len(q.Grid))
	for i, at := range q.Grid {
		parts[i] = Span{at, q.Span.Until}
		if i > 0 {
			parts[i-1].Until = at
		}
	}
	return parts
}

// verdicts counts postbacks by part and verdict, from an index alone.
func (t *tx) verdicts(ctx context.Context, parts []Span) (all []VerdictCount, err error) {
	count := partCount{table: "postbacks", by: "verdict", values: everyVerdict(), at: "received_at"}
	err = t.countParts(ctx, count, parts, func(verdict string, part, n int) {
		all = append(all, VerdictCount{subfive.Verdict(verdict), part, n})
	})
	return all, err
}

func everyVerdict() []string {
	return []string{
		"matched", "direct", "waiting", "unmatched", "no_click_id", "outside_window", "before_click", "test", "duplicate",
		"possible_duplicate", "status_change", "payout_change", "not_a_conversion", "quarantined", "broken",
	}
}

// partCount says what countParts counts: rows of a table by some values of a
// column and by a moment. There is an index on them in this order, before which it
// may have another column, where, that must have the one value is.
type partCount struct {
	table, by string
	values    []string
	at        string
	where, is string
}

// countParts counts in each part the rows of each value, and tells of those that
// there are. Each of these counts steps through the index; to group them all
// would be to sort them all.
func (t *tx) countParts(ctx context.Context, c partCount, parts []Span, tell func(value string, part, n int)) error {
	if len(parts) == 0 {
		return nil
	}
	var args []any
	if c.where != "" {
		args = append(args, c.is)
	}
	for _, p := range parts {
		args = append(args, subfive.Millis(p.Since), subfive.Millis(p.Until))
	}
	key := fmt.Sprint("count parts of ", c.table, c.by, c.values, len(parts))
	return t.query(ctx, key, func() string { return t.s.partsText(c, len(parts)) }, args, func(r *sql.Rows) error {
		var value string
		var part, n int
		err := r.Scan(&value, &part, &n)
		if n > 0 {
			tell(value, part, n)
		}
		return err
	})
}

func (s *Store) partsText(c partCount, parts int) string {
	b := s.flavor.NewSelectBuilder()
	where := ""
	if c.where != "" {
		where = c.where + " = " + b.Var("") + " AND "
	}
	b.Select("v.column1", "p.column1", "(SELECT count(*) FROM "+c.table+" WHERE "+where+c.by+" = v.column1 AND "+c.at+" >= p.column2 AND "+c.at+" < p.column3)")
	rows := make([]string, parts)
	for i := range parts {
		rows[i] = fmt.Sprintf("(%d, CAST(%s AS BIGINT), CAST(%s AS BIGINT))", i, b.Var(0), b.Var(0))
	}
	return text(b.From("(VALUES "+strings.Join(rows, ", ")+") p", "(VALUES ('"+strings.Join(c.values, "'), ('")+"')) v").OrderBy("1", "2"))
}

// nowOpen reads what waits for a person, whenever it came.
func (t *tx) nowOpen(ctx context.Context, _ NowQuery, n *Now) error {
	if err := t.query(ctx, "unsettled by currency", func() string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("coalesce(c.currency, '')", "count(*)", "CAST(coalesce(sum(p.payout_micros), 0) AS BIGINT)").From("postbacks p").
			JoinWithOption("LEFT", "conversions c", "c.conversion_id = p.possible_duplicate_of").
			Where("p.verdict = 'possible_duplicate'").GroupBy("1").OrderBy("1")
		return text(b)
	}, nil, func(r *sql.Rows) error {
		var u Unsettled
		err := r.Scan(&u.Currency, &u.N, &u.Payout)
		n.Unsettled = append(n.Unsettled, u)
		return err
	}); err != nil {
		return err
	}
	return t.row(ctx, "count broken", func() string {
		b := t.s.flavor.NewSelectBuilder()
		return text(b.Select("count(*)").From("broken_records"))
	}, nil, &n.Broken)
}
