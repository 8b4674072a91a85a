// Package attribution decides which click a conversion belongs to, whether it
// counts, and whom it is owed to.
//
// The rules are pure functions over values: no I/O, no clock, so that a batch
// decided twice is decided alike. Attributor reads what they need, lets them
// decide, and records the whole decision in one transaction; Worker follows the
// journal with it. Nothing here speaks to a network or to a platform.
package attribution

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"subfive"
)

// Store is what attribution needs of the database.
type Store interface {
	// Lookup reads what the rules must know about a batch.
	Lookup(ctx context.Context, l subfive.Lookup) (subfive.Known, error)
	// RecordBatch writes a decision in one transaction. It returns an error that
	// wraps subfive.ErrConflict when a session moved since Lookup, and one that
	// wraps subfive.ErrBadData when the values themselves are refused.
	RecordBatch(ctx context.Context, b subfive.Batch) error
	// Due returns conversions whose review has come, earliest first.
	Due(ctx context.Context, now time.Time, limit int) ([]subfive.Conversion, error)
	// Judged returns a stored postback with its decision, or subfive.ErrNotFound.
	Judged(ctx context.Context, postbackID string) (subfive.Judged, error)
	// Conversion returns a stored conversion, or subfive.ErrNotFound.
	Conversion(ctx context.Context, id string) (subfive.Conversion, error)
}

// Platform is what the rules must know of a platform.
type Platform struct {
	Kinds []subfive.Kind
	// ClickParams are its click parameters, the click ID first; none: it is told
	// about clicks of every platform.
	ClickParams []string
	// NeedsValue are events that it refuses without a value.
	NeedsValue []string
	// MaxAge is how old a conversion it takes; 0: no limit of its own.
	MaxAge time.Duration
	// LimitedUse: it can be told to limit its use of an event's data.
	LimitedUse bool
}

// Rules are what a batch is decided by.
type Rules struct {
	Setup     subfive.Setup
	Platforms map[string]Platform
	// Kinds are what a destination can be told, by its ID, where its settings
	// decide that; else its platform's hold.
	Kinds map[string][]subfive.Kind
	// Limits says, by destination ID, why one that can limit its use of data can't
	// for a visitor of that country and address, nil if it can. One that is not
	// named always can.
	Limits map[string]func(country, address string) error
	// LateClicks is how long a conversion waits for its click.
	LateClicks time.Duration
	// ReadConsent reads what a click's consent fields say.
	ReadConsent func(fields map[string]string) subfive.Consent
	// Country opens the country that a postback brought, an ISO 3166 code in
	// capitals; "" if it is none.
	Country func(subfive.Sealed) string
}

// ageLimit is how long after the conversion a platform without a limit of its
// own is still told.
const ageLimit = 30 * 24 * time.Hour

// Attributor decides and records.
type Attributor struct {
	store Store
	rules atomic.Pointer[Rules]
	now   func() time.Time
	log   *slog.Logger
}

// New returns an Attributor that decides by the given rules until SetRules.
func New(s Store, r Rules, now func() time.Time, log *slog.Logger) *Attributor {
	a := &Attributor{store: s, now: now, log: log}
	a.SetRules(r)
	return a
}

// SetRules makes later batches be decided by r.
func (a *Attributor) SetRules(r Rules) { a.rules.Store(&r) }
