package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"subfive"
)

// ResourceChange is one thing to do to the setup: to store a resource, new or
// not, or to archive one.
type ResourceChange struct {
	Kind ResourceKind
	ID   string
	// Value is what it shall be, one of the root's types by value; nil archives.
	Value any
	// Origin is OriginAPI, or the file and line it came from.
	Origin string
}

// Audit is one line of who changed what. Old and New hold no secret.
type Audit struct {
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`
	Action  string    `json:"action"` // create, update, archive, restore, mode, …
	Subject string    `json:"subject"`
	Old     string    `json:"old,omitempty"`
	New     string    `json:"new,omitempty"`
}

// errUnchanged ends a transaction that had nothing to write.
var errUnchanged = errors.New("nothing changed")

// archivedCode is the reason code of deliveries whose destination was archived
// before they were sent.
const archivedCode = "destination_archived"

// Apply brings the setup to what the changes say, all or nothing. What is so
// already is left alone, so that applying twice changes nothing; else the
// setup's version grows and each change leaves a line in the audit. Unsent
// deliveries of a destination that is archived are skipped.
//
// It refuses with ErrHistory to point a destination that has deliveries at
// another account, and with ErrFromFile to change over the API what a file
// says.
func (s *Store) Apply(ctx context.Context, actor string, changes []ResourceChange, at time.Time) error {
	_, err := s.apply(ctx, actor, changes, at, applying{})
	return wrap("apply", err)
}

// ApplyChecked is Apply for changes that were checked against the setup of a
// version. When the setup has moved since, it changes nothing and answers
// subfive.ErrConflict: they are to be checked again.
func (s *Store) ApplyChecked(ctx context.Context, version int64, actor string, changes []ResourceChange, at time.Time) error {
	_, err := s.apply(ctx, actor, changes, at, applying{checked: &version})
	return wrap("apply", err)
}

// Plan returns what Apply would write in the audit, and changes nothing.
func (s *Store) Plan(ctx context.Context, actor string, changes []ResourceChange, at time.Time) ([]Audit, error) {
	lines, err := s.apply(ctx, actor, changes, at, applying{dry: true})
	return lines, wrap("plan", err)
}

// applying is how changes are applied.
type applying struct {
	dry     bool
	checked *int64 // the version that the changes were checked against; nil: none
}

func (s *Store) apply(ctx context.Context, actor string, changes []ResourceChange, at time.Time, how applying) (lines []Audit, err error) {
	err = s.write(ctx, s.screens, func(t *tx) error {
		lines = nil
		version, err := t.nextVersion(ctx) // locks the setup
		if err != nil {
			return err
		}
		if how.checked != nil && version != *how.checked+1 {
			return fmt.Errorf("the setup changed since it was checked: %w", subfive.ErrConflict)
		}
		rows, err := t.rows(ctx)
		if err != nil {
			return err
		}
		have := map[string]row{}
		for _, r := range rows {
			have[string(r.kind)+" "+r.id] = r
		}
		for _, c := range changes {
			subject := string(c.Kind) + " " + c.ID
			line, err := t.change(ctx, c, have, at)
			if err != nil {
				return fmt.Errorf("%s: %w", subject, err)
			}
			if line.Action == "" {
				continue
			}
			line.ID = AuditID(version, len(lines))
			line.At, line.Actor, line.Subject = at, actor, subject
			lines = append(lines, line)
		}
		if how.dry || len(lines) == 0 {
			return errUnchanged
		}
		return t.audit(ctx, lines)
	})
	if errors.Is(err, errUnchanged) {
		err = nil
	}
	return lines, err
}

// nextVersion moves the setup's version. The row it writes is the lock under
// which changes to the setup exclude each other.
func (t *tx) nextVersion(ctx context.Context) (int64, error) { return t.advance(ctx, versionSetting) }

// advance moves a setting that is a number by one, and returns it. Who moves
// the same setting waits until this transaction has ended.
func (t *tx) advance(ctx context.Context, setting string) (int64, error) {
	if err := t.insertRows(ctx, "settings", []string{"name", "value"}, [][]any{{setting, "1"}},
		"ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(settings.value AS BIGINT) + 1 AS TEXT)"); err != nil {
		return 0, err
	}
	return t.advanced(ctx, setting)
}

// change does one change and returns its line, empty when it was so already.
func (t *tx) change(ctx context.Context, c ResourceChange, have map[string]row, at time.Time) (Audit, error) {
	key := string(c.Kind) + " " + c.ID
	old, exists := have[key]
	if exists && c.Origin == OriginAPI && fromFile(old.origin) {
		return Audit{}, fmt.Errorf("%w: change it at %s", ErrFromFile, old.origin)
	}
	if c.Value == nil {
		return t.archive(ctx, c, old, exists, at)
	}
	r, err := takeApart(c.Kind, c.Value)
	if err != nil {
		return Audit{}, err
	}
	if r.id != c.ID {
		return Audit{}, fmt.Errorf("the value's id is %q", r.id)
	}
	r.origin = c.Origin
	if exists && c.Kind == KindDestination {
		if r, err = t.guardAccount(ctx, old, r); err != nil {
			return Audit{}, err
		}
	}
	if exists && r == old {
		return Audit{}, nil
	}
	line := Audit{Action: "create", New: marked(r.spec, old.secret, r.secret)}
	switch {
	case exists && !old.archivedAt.IsZero():
		line.Action, line.Old = "restore", old.spec
	case exists:
		line.Action, line.Old = "update", old.spec
	}
	have[key] = r
	return line, t.store(ctx, r, at)
}

func fromFile(origin string) bool { return origin != OriginAPI && origin != OriginDefault }

// guardAccount refuses another account or platform for a destination that has
// deliveries. An account nobody named yet stays what it was.
func (t *tx) guardAccount(ctx context.Context, old, new row) (row, error) {
	was, err := old.putTogether()
	if err != nil {
		return new, err
	}
	is, err := new.putTogether()
	if err != nil {
		return new, err
	}
	before, after := was.Value.(subfive.Destination), is.Value.(subfive.Destination)
	if after.Account == "" && after.Platform == before.Platform {
		after.Account = before.Account
		origin := new.origin
		new, err = takeApart(KindDestination, after)
		new.origin = origin
		return new, err
	}
	if after.Platform == before.Platform && (before.Account == "" || before.Account == after.Account) {
		return new, nil
	}
	var one int
	err = t.row(ctx, "destination has deliveries", func() string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("1").From("deliveries").Where(b.EQ("destination_id", "")).Limit(1)
		return text(b)
	}, []any{new.id, 1}, &one)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return new, nil
	case err != nil:
		return new, err
	}
	return new, fmt.Errorf("%w: it wrote to %s and would write to %s; give the new account a destination of its own", ErrHistory,
		account(before), account(after))
}

func account(d subfive.Destination) string {
	if d.Account == "" {
		return d.Platform
	}
	return d.Account
}

func (t *tx) archive(ctx context.Context, c ResourceChange, old row, exists bool, at time.Time) (Audit, error) {
	if !exists {
		return Audit{}, subfive.ErrNotFound
	}
	if !old.archivedAt.IsZero() {
		return Audit{}, nil
	}
	old.archivedAt = at
	if err := t.store(ctx, old, at); err != nil {
		return Audit{}, err
	}
	if c.Kind == KindDestination {
		if _, err := t.skipArchived(ctx, at); err != nil {
			return Audit{}, err
		}
	}
	return Audit{Action: "archive", Old: old.spec}, nil
}

func (t *tx) store(ctx context.Context, r row, at time.Time) error {
	box, err := t.s.seal(r)
	if err != nil {
		return err
	}
	columns := []string{"kind", "id", "spec", "sealed", "origin", "archived_at", "updated_at"}
	values := []any{string(r.kind), r.id, r.spec, box, r.origin, subfive.Millis(r.archivedAt), subfive.Millis(at)}
	return t.insertRows(ctx, "resources", columns, [][]any{values}, "ON CONFLICT (kind, id) DO UPDATE SET "+replaceAll(columns[2:]))
}

func (t *tx) audit(ctx context.Context, lines []Audit) error {
	rows := make([][]any, len(lines))
	for i, l := range lines {
		rows[i] = []any{l.ID, subfive.Millis(l.At), l.Actor, l.Action, l.Subject, l.Old, l.New}
	}
	return t.insertRows(ctx, "audit", []string{"id", "at", "actor", "action", "subject", "old_value", "new_value"}, rows, "")
}

// Audits returns the newest lines of the audit, newest first.
func (s *Store) Audits(ctx context.Context, limit int) (lines []Audit, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		lines = nil
		return t.query(ctx, "audit", func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select("id", "at", "actor", "action", "subject", "old_value", "new_value").From("audit").OrderBy("at DESC", "id DESC").Limit(1)
			return text(b)
		}, []any{limit}, func(r *sql.Rows) error {
			var l Audit
			var at int64
			err := r.Scan(&l.ID, &at, &l.Actor, &l.Action, &l.Subject, &l.Old, &l.New)
			l.At = subfive.FromMillis(at)
			lines = append(lines, l)
			return err
		})
	})
	return lines, wrap("read audit", err)
}

// SkipArchived skips what was still to be sent to archived destinations and is
// held by no worker at now, and returns how many there were. Apply does it when
// it archives one; what a worker held then is found later.
func (s *Store) SkipArchived(ctx context.Context, now time.Time) (skipped int, err error) {
	err = s.write(ctx, s.screens, func(t *tx) error {
		skipped, err = t.skipArchived(ctx, now)
		return err
	})
	return skipped, wrap("skip deliveries of archived destinations", err)
}

func (t *tx) skipArchived(ctx context.Context, now time.Time) (int, error) {
	var ids []string
	err := t.query(ctx, "skip archived", func() string {
		b := t.s.flavor.NewDeleteBuilder()
		b.DeleteFrom("outbox").Where(
			"destination_id IN (SELECT id FROM resources WHERE kind = 'destination' AND archived_at > 0)",
			b.Or("lease_id = ''", b.LE("next_attempt_at", 0))).Returning("delivery_id")
		return text(b)
	}, []any{subfive.Millis(now)}, collect(&ids))
	if err != nil {
		return 0, err
	}
	if err := t.skip(ctx, ids, archivedCode, "its destination was archived before it was sent"); err != nil {
		return 0, err
	}
	return len(ids), t.skipFollowers(ctx, ids)
}
