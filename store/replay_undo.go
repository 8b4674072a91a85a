package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"subfive"
)

// UndoneReplay is what became of the deliveries of a replay.
type UndoneReplay struct {
	// Undone are gone again, as if they had not been made.
	Undone []string `json:"undone"`
	// Left are those that stay, and why: sent, no_replay, followed, unknown.
	Left map[string]string `json:"left"`
}

// The reasons for which a delivery can't be taken back.
const (
	LeftSent     = "sent"      // it was sent, is being sent at this moment, or ended
	LeftNoReplay = "no_replay" // no replay made it
	LeftFollowed = "followed"  // something that was decided since waits for it
	LeftUnknown  = "unknown"   // there is none of that ID
)

// UndoReplay takes deliveries back that a replay made and nobody tried to send:
// their rows go, so that all is as before the replay. by names who does it, for
// the audit.
func (s *Store) UndoReplay(ctx context.Context, ids []string, by string, at time.Time) (done UndoneReplay, err error) {
	if len(ids) > MaxPage {
		return done, fmt.Errorf("%w: at most %d ids", ErrBadQuery, MaxPage)
	}
	if err := checkValues(inArgs(nil, append([]string{""}, ids...), len(ids)+1)); err != nil {
		return done, fmt.Errorf("%w: %w", ErrBadQuery, err)
	}
	err = s.write(ctx, s.screens, func(t *tx) error {
		done = UndoneReplay{Undone: []string{}, Left: map[string]string{}}
		return t.undoReplay(ctx, ids, by, at, &done)
	})
	return done, wrap("undo a replay", err)
}

func (t *tx) undoReplay(ctx context.Context, ids []string, by string, at time.Time, done *UndoneReplay) error {
	for _, id := range ids {
		done.Left[id] = LeftUnknown
	}
	var fresh []string
	err := t.queryIn(ctx, "replayed deliveries", nil, unique(ids), func(ids []any) string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("delivery_id", "generation", "reason_code", "status", "first_attempt_at").From("deliveries").Where(b.In("delivery_id", ids...))
		return text(b)
	}, func(r *sql.Rows) error {
		var id, code string
		var status subfive.DeliveryStatus
		var generation, first int64
		if err := r.Scan(&id, &generation, &code, &status, &first); err != nil {
			return err
		}
		switch {
		case status != subfive.DeliveryScheduled || first > 0:
			done.Left[id] = LeftSent
		case generation < 2 || code != replayCode:
			done.Left[id] = LeftNoReplay
		default:
			done.Left[id] = LeftSent // unless the outbox lets go of it
			fresh = append(fresh, id)
		}
		return nil
	})
	if err != nil {
		return err
	}
	behind, err := t.links(ctx, "waits_for", fresh)
	if err != nil {
		return err
	}
	for _, l := range behind {
		done.Left[l.waitsFor] = LeftFollowed
		fresh = slices.DeleteFunc(fresh, func(id string) bool { return id == l.waitsFor })
	}
	// The outbox's row is the fence: who claimed it has it.
	err = t.queryIn(ctx, "undo leaves outbox", nil, unique(fresh), func(ids []any) string {
		b := t.s.flavor.NewDeleteBuilder()
		b.DeleteFrom("outbox").Where(b.In("delivery_id", ids...), "lease_id = ''", untried).Returning("delivery_id")
		return text(b)
	}, collect(&done.Undone))
	if err != nil {
		return err
	}
	done.Undone = append([]string{}, unique(done.Undone)...)
	if err := t.execIn(ctx, "undo deliveries", nil, done.Undone, func(ids []any) string {
		b := t.s.flavor.NewDeleteBuilder()
		b.DeleteFrom("deliveries").Where(b.In("delivery_id", ids...))
		return text(b)
	}); err != nil {
		return err
	}
	for _, id := range done.Undone {
		delete(done.Left, id)
	}
	if len(done.Undone) == 0 {
		return nil
	}
	return t.audit(ctx, []Audit{{
		ID: subfive.DeriveID("au_", "undo replay", at.Format(time.RFC3339Nano), strings.Join(done.Undone, " ")), At: at, Actor: by, Action: "undo_replay",
		Subject: deliveriesText(len(done.Undone)), Old: strings.Join(done.Undone, " "),
	}})
}

// auditReplay leaves a line in the audit of what a person sent again.
func (s *Store) auditReplay(ctx context.Context, r Replay, done Replayed) error {
	if r.By == "" || r.DryRun || done.Count == 0 {
		return nil
	}
	return s.write(ctx, s.screens, func(t *tx) error {
		return t.audit(ctx, []Audit{{
			ID: subfive.DeriveID("au_", "replay", r.At.Format(time.RFC3339Nano), strings.Join(done.IDs, " ")), At: r.At, Actor: r.By, Action: "replay",
			Subject: deliveriesText(done.Count), New: clip(strings.Join(done.IDs, " ")),
		}})
	})
}

func deliveriesText(n int) string { return fmt.Sprintf("%d deliveries", n) }

// clip cuts a long text: the audit need not name thousands.
func clip(s string) string {
	const most = 4000
	if len(s) > most {
		return s[:most] + " …"
	}
	return s
}
