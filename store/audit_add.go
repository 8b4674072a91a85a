package store

import (
	"context"
	"time"

	"subfive"
)

// AddAudit leaves a line in the audit of what a person decided about something that
// came in.
func (s *Store) AddAudit(ctx context.Context, a Audit) error {
	if a.ID == "" {
		a.ID = subfive.DeriveID("au_", a.Action, a.Subject, a.New, a.At.UTC().Format(time.RFC3339Nano))
	}
	return wrap("audit "+a.Action, s.write(ctx, s.screens, func(t *tx) error { return t.audit(ctx, []Audit{a}) }))
}
