package attribution

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"subfive"
)

// Journal is what Worker follows.
type Journal interface {
	// Next returns up to max entries not returned before; it waits for one.
	Next(ctx context.Context, max int) ([]subfive.Entry, error)
	// Committed says that the database has recorded all up to these.
	Committed(ps []subfive.Position)
}

// batchSize is how many records are decided in one transaction: enough to share
// its cost, few enough to keep a click's way to the database short.
const batchSize = 1000

// nextSweep is how often Worker looks for due reviews.
const nextSweep = 15 * time.Second

// Worker follows the journal and records what it finds. While the database is
// down it waits; the journal keeps what comes in.
type Worker struct {
	journal    Journal
	attributor *Attributor
	log        *slog.Logger
	// recorded is called after each commit, to wake those who deliver.
	recorded func()
}

// NewWorker returns a Worker; recorded is called after each commit.
func NewWorker(j Journal, a *Attributor, recorded func()) *Worker {
	return &Worker{journal: j, attributor: a, log: a.log, recorded: recorded}
}

// Run follows the journal until ctx ends, and reviews waiting conversions
// besides. What it had taken but not recorded is found again at the next start.
func (w *Worker) Run(ctx context.Context) error {
	swept := make(chan struct{})
	go func() {
		defer close(swept)
		w.sweep(ctx)
	}()
	defer func() { <-swept }()
	for {
		entries, err := w.journal.Next(ctx, batchSize)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("follow the journal: %w", err)
		}
		if !w.persist(ctx, entries) {
			return nil
		}
	}
}

// persist records the entries, however long the database is down. It reports
// false when ctx ended first.
func (w *Worker) persist(ctx context.Context, entries []subfive.Entry) bool {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		err := w.attributor.Record(ctx, entries)
		if err == nil {
			w.journal.Committed(last(entries))
			w.recorded()
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		w.log.ErrorContext(ctx, "record a batch; the journal keeps it", "records", len(entries), "err", err)
		select {
		case <-ctx.Done():
			return false
		case <-time.After(wait):
		}
	}
}

// sweep reviews waiting conversions.
func (w *Worker) sweep(ctx context.Context) {
	tick := time.NewTicker(nextSweep)
	defer tick.Stop()
	for {
		n, err := w.attributor.Review(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			w.log.ErrorContext(ctx, "review waiting conversions", "err", err)
		case n > 0:
			w.recorded()
			if n == reviewBatch {
				continue // there may be more
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Record decides and records entries of the journal. Entries already recorded
// change nothing. An entry that can't be read, decided or stored even alone is
// kept as it is, as broken: one bad record can't hold up its neighbors.
func (a *Attributor) Record(ctx context.Context, entries []subfive.Entry) error {
	err := a.record(ctx, entries)
	if !errors.Is(err, subfive.ErrBadData) {
		return err
	}
	if len(entries) > 1 {
		a.log.WarnContext(ctx, "a batch is refused; its records are tried one by one", "records", len(entries), "err", err)
		for _, e := range entries {
			if err := a.Record(ctx, []subfive.Entry{e}); err != nil {
				return err
			}
		}
		return nil
	}
	e := entries[0]
	a.log.ErrorContext(ctx, "a record is broken and kept as it is", "position", e.String(), "err", err)
	return a.store.RecordBatch(ctx, subfive.Batch{
		At:        a.now(),
		Positions: last(entries),
		Broken:    []subfive.Broken{{Position: e.Position, Data: e.Data, Reason: err.Error()}},
	})
}

// record decides and records a batch of the journal's.
func (a *Attributor) record(ctx context.Context, entries []subfive.Entry) error {
	records, err := read(entries)
	if err != nil {
		return err
	}
	_, err = a.take(ctx, records, last(entries))
	return err
}

// judge decides a batch. A record that trips the rules up is bad data, not the
// end of the tracker: it would trip them up again at every start.
func (a *Attributor) judge(records []subfive.Record, k subfive.Known) (b subfive.Batch, err error) {
	err = deciding(func() { b = decide(records, k, *a.rules.Load(), a.now()) })
	return b, err
}

// deciding runs what decides by the rules, and returns what trips them up as bad
// data.
func deciding(fn func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("decide: %v: %w", r, subfive.ErrBadData)
		}
	}()
	fn()
	return nil
}

// mayBeLate names the clicks for which a conversion or a visit may wait: those of
// the click and visit records, whether they are new or were recorded by a try
// that broke off before late, and those that new conversions wait for.
func mayBeLate(records []subfive.Record, b subfive.Batch) []string {
	var ids []string
	for _, r := range records {
		switch r.Kind {
		case subfive.RecordClick:
			ids = append(ids, r.Click.ID)
		case subfive.RecordVisit:
			if r.Visit.ClickID != "" {
				ids = append(ids, r.Visit.ClickID)
			}
		case subfive.RecordPostback: // a waiting conversion is swept
		}
	}
	for _, c := range b.Conversions {
		if c.Verdict == subfive.VerdictWaiting {
			ids = append(ids, c.ReceivedClickID)
		}
	}
	return ids
}

// read decodes the entries.
func read(entries []subfive.Entry) ([]subfive.Record, error) {
	records := make([]subfive.Record, len(entries))
	for i, e := range entries {
		r := &records[i]
		if err := json.Unmarshal(e.Data, r); err != nil {
			return nil, fmt.Errorf("read record %s: %w: %w", e.Position, err, subfive.ErrBadData)
		}
		switch {
		case r.Kind == subfive.RecordClick && r.Click != nil:
		case r.Kind == subfive.RecordPostback && r.Postback != nil:
		case r.Kind == subfive.RecordVisit && r.Visit != nil:
		default:
			return nil, fmt.Errorf("read record %s: no %q in it: %w", e.Position, r.Kind, subfive.ErrBadData)
		}
	}
	return records, nil
}

// last returns the last position of each segment among the entries.
func last(entries []subfive.Entry) []subfive.Position {
	var ps []subfive.Position
	for _, e := range entries {
		if n := len(ps); n > 0 && ps[n-1].Segment == e.Segment {
			ps[n-1] = e.Position
			continue
		}
		ps = append(ps, e.Position)
	}
	return ps
}
