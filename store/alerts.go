package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"subfive"
)

var alertColumns = []string{
	"alert_id", "rule", "subject", "node", "state", "what", "todo", "see", "since", "fired_at", "told_at", "recovered_at", "muted_until",
	"updated_at", "owed", "version",
}

// Alerts returns all alerts that are kept, the one that changed last first.
func (s *Store) Alerts(ctx context.Context) (all []subfive.Alert, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		all = nil
		return t.query(ctx, "alerts", func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select(alertColumns...).From("alerts").OrderBy("updated_at DESC", "alert_id")
			return text(b)
		}, nil, func(r *sql.Rows) error {
			a, err := scanAlert(r)
			all = append(all, a)
			return err
		})
	})
	return all, wrap("read alerts", err)
}

func scanAlert(r *sql.Rows) (a subfive.Alert, err error) {
	var at [6]int64
	var owed []byte
	if err := r.Scan(&a.ID, &a.Rule, &a.Subject, &a.Node, &a.State, &a.What, &a.Do, &a.See, &at[0], &at[1], &at[2], &at[3], &at[4], &at[5],
		&owed, &a.Version); err != nil {
		return a, err
	}
	for i, into := range []*time.Time{&a.Since, &a.FiredAt, &a.ToldAt, &a.RecoveredAt, &a.MutedUntil, &a.UpdatedAt} {
		*into = subfive.FromMillis(at[i])
	}
	if err := json.Unmarshal(owed, &a.Owed); err != nil {
		return a, fmt.Errorf("read the messages of alert %s: %w", a.ID, err)
	}
	return a, nil
}

// KeepAlert writes a, with the next version, if the stored version is still
// a.Version; 0 is that of an alert never stored. It reports whether it did.
func (s *Store) KeepAlert(ctx context.Context, a subfive.Alert) (won bool, err error) {
	owed, err := json.Marshal(a.Owed)
	if err != nil {
		return false, wrap("keep alert", err)
	}
	row := []any{
		a.ID, clean(a.Rule), clean(a.Subject), clean(a.Node), string(a.State), clean(a.What), clean(a.Do), clean(a.See),
		subfive.Millis(a.Since), subfive.Millis(a.FiredAt), subfive.Millis(a.ToldAt), subfive.Millis(a.RecoveredAt), subfive.Millis(a.MutedUntil),
		subfive.Millis(a.UpdatedAt), strings.ReplaceAll(string(owed), `\u0000`, `\ufffd`), a.Version + 1,
	}
	err = s.write(ctx, s.screens, func(t *tx) error {
		if a.Version != 0 { // it must be there: no insert
			var one int
			if err := t.row(ctx, "alert exists", func() string {
				b := s.flavor.NewSelectBuilder()
				b.Select("1").From("alerts").Where(b.EQ("alert_id", ""))
				return text(b)
			}, []any{a.ID}, &one); err != nil {
				return err
			}
		}
		return t.upsertGuarded(ctx, "alerts", alertColumns, [][]any{row},
			"ON CONFLICT (alert_id) DO UPDATE SET "+replaceAll(alertColumns[1:])+" WHERE alerts.version = excluded.version - 1")
	})
	if errors.Is(err, subfive.ErrConflict) || errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, wrap("keep alert", err)
}

// ForgetAlerts deletes alerts that nothing happened to since before, and that
// nobody muted for longer. One that still fires is told anew each day, so none
// of those is among them, unless its process is gone.
func (s *Store) ForgetAlerts(ctx context.Context, before time.Time) error {
	return wrap("forget alerts", s.write(ctx, s.screens, func(t *tx) error {
		_, err := t.exec(ctx, "forget alerts", func() string {
			b := s.flavor.NewDeleteBuilder()
			b.DeleteFrom("alerts").Where(b.LT("updated_at", 0), b.LT("muted_until", 0))
			return text(b)
		}, subfive.Millis(before), subfive.Millis(before))
		return err
	}))
}

// Hourly is how many of a subject there were in an hour.
type Hourly struct {
	Subject string
	// Hour begins it, in UTC.
	Hour time.Time
	N    int
}

// Traffic is what alerts are judged by.
type Traffic struct {
	Conversions []Hourly // that count, by campaign
	Postbacks   []Hourly // that are conversions, by endpoint
	Matched     []Hourly // of Postbacks, those whose click is known
	Decided     []Decided
	Deliveries  []Delivered
	Unmapped    []Unmapped
}

// Decided is how many conversions of a source the network decided one way.
type Decided struct {
	SourceID string
	Status   subfive.Status
	N        int
}

// Delivered is how many deliveries to a destination have a status and a reason.
type Delivered struct {
	DestinationID string
	Status        subfive.DeliveryStatus
	ReasonCode    string
	N             int
}

// Unmapped is how many deliveries were skipped as their goal maps to nothing.
type Unmapped struct {
	DestinationID string
	Goal          string
	N             int
}

const hourMillis = int64(time.Hour / time.Millisecond)

// ClicksByHour counts clicks since then by campaign, without those of bots,
// prefetches and tests.
func (s *Store) ClicksByHour(ctx context.Context, since time.Time) (all []Hourly, err error) {
	err = s.read(ctx, s.screens, func(t *tx) (err error) {
		all, err = t.hourly(ctx, "clicks", "campaign_id", "clicked_at", since, "is_bot = 0 AND is_prefetch = 0 AND is_test = 0")
		return err
	})
	return all, wrap("count clicks by hour", err)
}

// Traffic counts what happened: by the hour since long, what the network decided
// since week, deliveries since day.
func (s *Store) Traffic(ctx context.Context, long, week, day time.Time) (f Traffic, err error) {
	const verdicts = "verdict IN ('matched', 'direct', 'outside_window', 'before_click', 'unmatched', 'waiting', 'no_click_id')"
	err = s.read(ctx, s.screens, func(t *tx) (err error) {
		f = Traffic{}
		if f.Conversions, err = t.hourly(ctx, "conversions", "campaign_id", "received_at", long, "counts = 1 AND is_test = 0"); err != nil {
			return err
		}
		if f.Postbacks, err = t.hourly(ctx, "postbacks", "endpoint_id", "received_at", long, verdicts); err != nil {
			return err
		}
		if f.Matched, err = t.hourly(ctx, "postbacks", "endpoint_id", "received_at", long, "verdict IN ('matched', 'direct', 'outside_window', 'before_click')"); err != nil {
			return err
		}
		if err := t.query(ctx, "decided by source", func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select("source_id", "network_status", "count(*)").From("conversions").
				Where(b.GE("received_at", 0), "counts = 1", "is_test = 0", "network_status IN ('approved', 'rejected')").GroupBy("source_id", "network_status")
			return text(b)
		}, []any{subfive.Millis(week)}, func(r *sql.Rows) error {
			var d Decided
			err := r.Scan(&d.SourceID, &d.Status, &d.N)
			f.Decided = append(f.Decided, d)
			return err
		}); err != nil {
			return err
		}
		return t.delivered(ctx, day, &f)
	})
	return f, wrap("count traffic", err)
}

func (t *tx) delivered(ctx context.Context, since time.Time, f *Traffic) error {
	if err := t.query(ctx, "deliveries by reason", func() string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("destination_id", "status", "reason_code", "count(*)").From("deliveries").Where(b.GE("created_at", 0), "mode = 'live'").
			GroupBy("destination_id", "status", "reason_code")
		return text(b)
	}, []any{subfive.Millis(since)}, func(r *sql.Rows) error {
		var d Delivered
		err := r.Scan(&d.DestinationID, &d.Status, &d.ReasonCode, &d.N)
		f.Deliveries = append(f.Deliveries, d)
		return err
	}); err != nil {
		return err
	}
	return t.query(ctx, "unmapped goals", func() string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("d.destination_id", "c.goal", "count(*)").From("deliveries d").Join("conversions c", "c.conversion_id = d.conversion_id").
			Where(b.GE("d.created_at", 0), "d.status = 'skipped'", "d.reason_code = 'goal_unmapped'").GroupBy("d.destination_id", "c.goal")
		return text(b)
	}, []any{subfive.Millis(since)}, func(r *sql.Rows) error {
		var u Unmapped
		err := r.Scan(&u.DestinationID, &u.Goal, &u.N)
		f.Unmapped = append(f.Unmapped, u)
		return err
	})
}

// hourly counts the rows of a table that fulfil where, by subject and hour.
func (t *tx) hourly(ctx context.Context, table, subject, at string, since time.Time, where string) (all []Hourly, err error) {
	hour := fmt.Sprintf("%s / %d", at, hourMillis)
	err = t.query(ctx, "hourly "+table+" "+where, func() string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select(subject, hour, "count(*)").From(table).Where(b.GE(at, 0), where, subject+" <> ''").GroupBy(subject, hour).OrderBy(subject, hour)
		return text(b)
	}, []any{subfive.Millis(since)}, func(r *sql.Rows) error {
		var h Hourly
		var n int64
		err := r.Scan(&h.Subject, &n, &h.N)
		h.Hour = subfive.FromMillis(n * hourMillis)
		all = append(all, h)
		return err
	})
	return all, err
}
