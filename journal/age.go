package journal

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// activeAge is how old the first record of the segment that is written to may
// be: then Expire ends it, so that little traffic does not keep it for months.
const activeAge = 24 * time.Hour

// Expire deletes the segments that are wholly recorded and whose last record was
// appended before a moment, and returns how many. What is not recorded yet
// stays, however old it is.
func (j *Journal) Expire(ctx context.Context, before time.Time) (deleted int, err error) {
	j.mu.Lock()
	var old []span
	var active span
	for _, s := range j.segments {
		switch {
		case s.freeable():
			old = append(old, span{seg: s, after: s.last - 1, last: s.last})
		case !s.finished && s.last > 0:
			active = span{seg: s, after: 0, last: s.last}
		}
	}
	j.mu.Unlock()
	var errs []error
	age := func(s span) time.Time {
		at, err := writtenAt(ctx, s.seg.path, s.after)
		if err != nil {
			errs = append(errs, fmt.Errorf("read age of journal segment %s: %w", s.seg.id, err))
			return j.now()
		}
		return at
	}
	for _, s := range old {
		if age(s).Before(before) && j.remove(ctx, s.seg) {
			deleted++
		}
	}
	if active.seg != nil && j.now().Sub(age(active)) > activeAge {
		j.aged.Store(true)
		j.poke()
	}
	return deleted, errors.Join(errs...)
}

// endAged ends the active segment if Expire found it old. Only the writer calls
// it, when it has nothing to write.
func (j *Journal) endAged(ctx context.Context) {
	if !j.aged.Swap(false) {
		return
	}
	if err := j.finishActive(ctx); err != nil {
		// Its records are durable and readable as they are.
		j.log.ErrorContext(ctx, "finish journal segment", "err", err)
	}
}
