package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"subfive"
)

// Turn is who may compare a network's books.
type Turn struct {
	NetworkID, Owner string
	// Until is when it ends by itself, should its owner be gone.
	Until time.Time
	// Due: take it only if it was not done by itself since then. Zero: take it.
	Due time.Time
}

// TakeTurn takes a network's turn at now, or makes one's own longer. It reports
// false while another has it, or when it is not due.
func (s *Store) TakeTurn(ctx context.Context, turn Turn, now time.Time) (won bool, err error) {
	due := int64(1) << 62
	if !turn.Due.IsZero() {
		due = subfive.Millis(turn.Due)
	}
	err = s.write(ctx, s.screens, func(t *tx) error {
		if err := t.insertRows(ctx, "reconciliation_turns", []string{"network_id", "owner", "until", "nightly_at"},
			[][]any{{turn.NetworkID, "", 0, 0}}, "ON CONFLICT (network_id) DO NOTHING"); err != nil {
			return err
		}
		n, err := t.exec(ctx, "take turn", func() string {
			u := s.flavor.NewUpdateBuilder()
			u.Update("reconciliation_turns").Set(u.Assign("owner", ""), u.Assign("until", 0)).
				Where(u.EQ("network_id", ""), u.LT("nightly_at", 0), u.Or(u.LE("until", 0), u.EQ("owner", "")))
			return text(u)
		}, turn.Owner, subfive.Millis(turn.Until), turn.NetworkID, due, subfive.Millis(now), turn.Owner)
		won = n == 1
		return err
	})
	return won, wrap("take the turn to reconcile", err)
}

// FailReconciliations ends a network's comparisons that began till then and are
// running still, but dry runs, which take no turn: they failed at now.
func (s *Store) FailReconciliations(ctx context.Context, networkID string, till, now time.Time) error {
	return wrap("end reconciliations that were cut short", s.single(ctx, s.screens, func(t *tx) error {
		_, err := t.exec(ctx, "fail reconciliations", func() string {
			u := s.flavor.NewUpdateBuilder()
			u.Update("reconciliations").Set(u.Assign("state", ""), u.Assign("finished_at", 0)).
				Where(u.EQ("network_id", ""), u.EQ("state", ""), u.LE("started_at", 0), "dry_run = 0")
			return text(u)
		}, ReconciliationFailed, subfive.Millis(now), networkID, ReconciliationRunning, subfive.Millis(till))
		return err
	}))
}

// EndTurn gives a turn back, if owner still has it. nightlyAt is when it was
// done by itself; zero: it was not.
func (s *Store) EndTurn(ctx context.Context, networkID, owner string, nightlyAt time.Time) error {
	key, args := "end turn", []any{networkID, owner}
	if !nightlyAt.IsZero() {
		key, args = "end nightly turn", []any{subfive.Millis(nightlyAt), networkID, owner}
	}
	return wrap("end the turn to reconcile", s.single(ctx, s.screens, func(t *tx) error {
		_, err := t.exec(ctx, key, func() string {
			u := s.flavor.NewUpdateBuilder()
			u.Update("reconciliation_turns").Set("until = 0", "owner = ''")
			if !nightlyAt.IsZero() {
				u.SetMore(u.Assign("nightly_at", 0))
			}
			u.Where(u.EQ("network_id", ""), u.EQ("owner", ""))
			return text(u)
		}, args...)
		return err
	}))
}

// KeepPostbackWatch keeps what was seen of the postbacks at a network.
func (s *Store) KeepPostbackWatch(ctx context.Context, networkID string, seenAt time.Time, doc json.RawMessage) error {
	return wrap("keep what was seen of postbacks", s.write(ctx, s.screens, func(t *tx) error {
		return t.insertRows(ctx, "postback_watch", []string{"network_id", "seen_at", "doc"},
			[][]any{{networkID, subfive.Millis(seenAt), string(doc)}},
			"ON CONFLICT (network_id) DO UPDATE SET seen_at = excluded.seen_at, doc = excluded.doc")
	}))
}

// PostbackWatch returns what was last seen of the postbacks at a network, and
// when; subfive.ErrNotFound if nobody looked yet.
func (s *Store) PostbackWatch(ctx context.Context, networkID string) (seenAt time.Time, doc json.RawMessage, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		var at int64
		var raw []byte
		err := t.row(ctx, "postback watch", func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select("seen_at", "doc").From("postback_watch").Where(b.EQ("network_id", ""))
			return text(b)
		}, []any{networkID}, &at, &raw)
		seenAt, doc = subfive.FromMillis(at), raw
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = subfive.ErrNotFound
	}
	return seenAt, doc, wrap("read what was seen of postbacks", err)
}

// Stood is how many conversions of a source and ad have a status now.
type Stood struct {
	SourceID, AdID string
	Status         subfive.Status
	// WasApproved: the network had approved them. With Status rejected they are
	// refunds and chargebacks.
	WasApproved bool
	N           int
}

// Standing counts a network's base conversions that count, since a moment, by
// source, ad and status.
func (s *Store) Standing(ctx context.Context, networkID string, since time.Time) (all []Stood, err error) {
	json := sqliteJSON
	if s.dialect == dialectPostgres {
		json = postgresJSON
	}
	err = s.read(ctx, s.screens, func(t *tx) error {
		all = nil
		return t.query(ctx, "standing", func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select("v.source_id", "coalesce("+json("c.doc", "ad", "id")+", '')", "v.network_status",
				"CASE WHEN "+json("v.doc", "approved_at")+" IS NULL THEN 0 ELSE 1 END", "count(*)").
				From("conversions v").
				JoinWithOption("LEFT", "clicks c", "c.click_id = v.attributed_click_id", "v.attributed_click_id <> ''").
				Where(b.EQ("v.network_id", ""), b.GE("v.converted_at", 0), "v.counts = 1", "v.is_test = 0", "lower(v.goal) = 'base'").
				GroupBy("1", "2", "3", "4").OrderBy("1", "2", "3", "4")
			return text(b)
		}, []any{networkID, subfive.Millis(since)}, func(r *sql.Rows) error {
			var one Stood
			var approved int
			err := r.Scan(&one.SourceID, &one.AdID, &one.Status, &approved, &one.N)
			one.WasApproved = approved == 1
			all = append(all, one)
			return err
		})
	})
	return all, wrap("count where one stands", err)
}
