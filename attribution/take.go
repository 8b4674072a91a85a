package attribution

import (
	"context"
	"errors"
	"fmt"

	"subfive"
)

// Take decides and records what comes by no journal: an import. Records already
// recorded change nothing. It returns what was decided: what is in neither its
// Clicks nor its Postbacks was there already. An error that wraps
// subfive.ErrBadData says that the values of one of the records are refused; then
// none is recorded.
func (a *Attributor) Take(ctx context.Context, records []subfive.Record) (subfive.Batch, error) {
	return a.take(ctx, records, nil)
}

// take decides and records a batch, again and again while others write the same
// sessions.
func (a *Attributor) take(ctx context.Context, records []subfive.Record, to []subfive.Position) (subfive.Batch, error) {
	for {
		known, err := a.store.Lookup(ctx, lookup(records))
		if err != nil {
			return subfive.Batch{}, fmt.Errorf("look up a batch: %w", err)
		}
		batch, err := a.judge(records, known)
		if err != nil {
			return subfive.Batch{}, err
		}
		batch.Positions = to
		err = a.store.RecordBatch(ctx, batch)
		switch {
		case err == nil:
			return batch, a.late(ctx, mayBeLate(records, batch))
		case !errors.Is(err, subfive.ErrConflict):
			return subfive.Batch{}, fmt.Errorf("record a batch: %w", err)
		case ctx.Err() != nil:
			return subfive.Batch{}, ctx.Err()
		}
	}
}
