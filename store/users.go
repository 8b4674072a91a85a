package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"subfive"
)

// ErrLastOwner says that nobody would be left who may do everything.
var ErrLastOwner = errors.New("nobody else is an owner with a password")

// ErrTaken says that a name is somebody's already.
var ErrTaken = errors.New("the name is taken")

// accountsSetting is the settings row that grows with each change of users,
// tokens and links. To write it is the lock under which these exclude each other.
const accountsSetting = "accounts_version"

// UserChange says what shall be different about a user; nil leaves it.
type UserChange struct {
	Role  *subfive.Role
	Zone  *string
	Theme *string
}

// userRow is a user with the hash of his password.
type userRow struct {
	subfive.User
	password string
}

// audited is what the audit keeps of a user.
func (a userRow) audited() string {
	spec, err := json.Marshal(struct {
		Name  string       `json:"name"`
		Role  subfive.Role `json:"role"`
		Zone  string       `json:"zone,omitempty"`
		Theme string       `json:"theme,omitempty"`
	}{a.Name, a.Role, a.Zone, a.Theme})
	if err != nil { // text alone: it can't be
		return err.Error()
	}
	return string(spec)
}

// conditions are what a query asks of its rows.
type conditions interface {
	EQ(column string, value any) string
	GT(column string, value any) string
}

// users reads users by name, all of them or those that where asks for.
func (t *tx) users(ctx context.Context, key string, where func(conditions) []string, args ...any) (all []userRow, err error) {
	err = t.query(ctx, key, func() string {
		b := t.s.flavor.NewSelectBuilder()
		b.Select("user_id", "name", "role", "password", "zone", "theme", "created_at", "signed_in_at", "archived_at", "sessions_from").From("users").OrderBy("name")
		if where != nil {
			b.Where(where(b)...)
		}
		return text(b)
	}, args, func(r *sql.Rows) error {
		var a userRow
		var created, signedIn, archived, from int64
		err := r.Scan(&a.ID, &a.Name, &a.Role, &a.password, &a.Zone, &a.Theme, &created, &signedIn, &archived, &from)
		a.CreatedAt, a.SignedInAt = subfive.FromMillis(created), subfive.FromMillis(signedIn)
		a.ArchivedAt, a.SessionsFrom = subfive.FromMillis(archived), subfive.FromMillis(from)
		a.HasPassword = a.password != ""
		all = append(all, a)
		return err
	})
	return all, err
}

func one(all []userRow, err error) (userRow, error) {
	if err == nil && len(all) == 0 {
		err = subfive.ErrNotFound
	}
	if err != nil {
		return userRow{}, err
	}
	return all[0], nil
}

func (t *tx) userOf(ctx context.Context, id string) (userRow, error) {
	return one(t.users(ctx, "user", func(c conditions) []string { return []string{c.EQ("user_id", "")} }, id))
}

func (t *tx) userNamed(ctx context.Context, name string) (userRow, error) {
	return one(t.users(ctx, "user by name", func(c conditions) []string { return []string{c.EQ("name", "")} }, name))
}

// putUser stores a user, new or not.
func (t *tx) putUser(ctx context.Context, a userRow) error {
	columns := []string{"user_id", "name", "role", "password", "zone", "theme", "created_at", "signed_in_at", "archived_at", "sessions_from"}
	values := []any{
		a.ID, a.Name, string(a.Role), a.password, a.Zone, a.Theme, subfive.Millis(a.CreatedAt), subfive.Millis(a.SignedInAt),
		subfive.Millis(a.ArchivedAt), subfive.Millis(a.SessionsFrom),
	}
	return t.insertRows(ctx, "users", columns, [][]any{values}, "ON CONFLICT (user_id) DO UPDATE SET "+replaceAll(columns[1:]))
}

// Users returns all users by name, archived ones too.
func (s *Store) Users(ctx context.Context) (users []subfive.User, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		all, err := t.users(ctx, "users", nil)
		users = make([]subfive.User, len(all))
		for i, a := range all {
			users[i] = a.User
		}
		return err
	})
	return users, wrap("read users", err)
}

// User returns the user of that ID, archived or not.
func (s *Store) User(ctx context.Context, id string) (subfive.User, error) {
	var a userRow
	err := s.read(ctx, s.screens, func(t *tx) (err error) {
		a, err = t.userOf(ctx, id)
		return err
	})
	return a.User, wrap("read user", err)
}

// UserNamed returns the user of that name, archived or not, and the hash of his
// password, "" if he has none.
func (s *Store) UserNamed(ctx context.Context, name string) (u subfive.User, password string, err error) {
	var a userRow
	err = s.read(ctx, s.screens, func(t *tx) (err error) {
		a, err = t.userNamed(ctx, name)
		return err
	})
	return a.User, a.password, wrap("read user", err)
}

// changeAccounts runs fn while nobody else changes users, tokens or links, and
// writes the lines it returns to the audit.
func (s *Store) changeAccounts(ctx context.Context, by string, at time.Time, fn func(*tx) ([]Audit, error)) error {
	return s.write(ctx, s.screens, func(t *tx) error {
		version, err := t.advance(ctx, accountsSetting)
		if err != nil {
			return err
		}
		lines, err := fn(t)
		if err != nil || len(lines) == 0 {
			return err
		}
		for i := range lines {
			lines[i].ID = subfive.DeriveID("au_", accountsSetting, strconv.FormatInt(version, 10), strconv.Itoa(i))
			lines[i].At = at
			if lines[i].Actor == "" {
				lines[i].Actor = by
			}
		}
		return t.audit(ctx, lines)
	})
}

// AddUser stores a new user without a password. One of his name that was archived
// is he: he comes back, and starts anew. ErrTaken if there is one that was not.
func (s *Store) AddUser(ctx context.Context, by string, u subfive.User, at time.Time) (subfive.User, error) {
	var added userRow
	err := s.changeAccounts(ctx, by, at, func(t *tx) ([]Audit, error) {
		line := Audit{Action: "create", Subject: "user " + u.Name}
		added = userRow{User: u}
		added.CreatedAt, added.SessionsFrom = at, at
		old, err := t.userNamed(ctx, u.Name)
		switch {
		case errors.Is(err, subfive.ErrNotFound):
		case err != nil:
			return nil, err
		case old.ArchivedAt.IsZero():
			return nil, fmt.Errorf("user %s: %w", u.Name, ErrTaken)
		default:
			line.Action, line.Old, added.ID = "restore", old.audited(), old.ID
		}
		line.New = added.audited()
		return []Audit{line}, t.putUser(ctx, added)
	})
	return added.User, wrap("add user", err)
}

// ChangeUser changes a user who is not archived, and returns him. ErrLastOwner if
// no owner would be left.
func (s *Store) ChangeUser(ctx context.Context, by, id string, change UserChange, at time.Time) (subfive.User, error) {
	var now userRow
	err := s.changeAccounts(ctx, by, at, func(t *tx) ([]Audit, error) {
		old, err := t.liveUser(ctx, id)
		if err != nil {
			return nil, err
		}
		now = old
		if change.Role != nil {
			now.Role = *change.Role
		}
		if change.Zone != nil {
			now.Zone = *change.Zone
		}
		if change.Theme != nil {
			now.Theme = *change.Theme
		}
		if now == old {
			return nil, nil
		}
		if old.Role == subfive.RoleOwner && now.Role != subfive.RoleOwner {
			if err := t.anotherOwner(ctx, id); err != nil {
				return nil, err
			}
		}
		line := Audit{Action: "update", Subject: "user " + old.Name, Old: old.audited(), New: now.audited()}
		return []Audit{line}, t.putUser(ctx, now)
	})
	return now.User, wrap("change user", err)
}

// liveUser is a user who is not archived.
func (t *tx) liveUser(ctx context.Context, id string) (userRow, error) {
	a, err := t.userOf(ctx, id)
	if err == nil && !a.ArchivedAt.IsZero() {
		err = fmt.Errorf("user %s is archived: %w", a.Name, subfive.ErrNotFound)
	}
	return a, err
}

// owners are those who may do everything and can sign in.
func (t *tx) owners(ctx context.Context) ([]userRow, error) {
	return t.users(ctx, "owners", func(c conditions) []string {
		return []string{c.EQ("role", ""), c.EQ("archived_at", 0), "password <> ''"}
	}, string(subfive.RoleOwner), 0)
}

// anotherOwner is an error if nobody but this one is an owner.
func (t *tx) anotherOwner(ctx context.Context, id string) error {
	owners, err := t.owners(ctx)
	if err != nil {
		return err
	}
	for _, o := range owners {
		if o.ID != id {
			return nil
		}
	}
	return ErrLastOwner
}

// HasOwner reports whether there is an owner who can sign in.
func (s *Store) HasOwner(ctx context.Context) (has bool, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		owners, err := t.owners(ctx)
		has = len(owners) > 0
		return err
	})
	return has, wrap("read owners", err)
}

// ArchiveUser lets a user in no more: his password is forgotten, his sessions and
// links end. ErrLastOwner if no owner would be left.
func (s *Store) ArchiveUser(ctx context.Context, by, id string, at time.Time) (subfive.User, error) {
	var a userRow
	err := s.changeAccounts(ctx, by, at, func(t *tx) ([]Audit, error) {
		var err error
		if a, err = t.liveUser(ctx, id); err != nil {
			return nil, err
		}
		if a.Role == subfive.RoleOwner {
			if err := t.anotherOwner(ctx, id); err != nil {
				return nil, err
			}
		}
		line := Audit{Action: "archive", Subject: "user " + a.Name, Old: a.audited()}
		a.password, a.HasPassword, a.ArchivedAt, a.SessionsFrom = "", false, at, at
		if err := t.endAccess(ctx, id, ""); err != nil {
			return nil, err
		}
		return []Audit{line}, t.putUser(ctx, a)
	})
	return a.User, wrap("archive user", err)
}

// SetPassword gives a user another password, of which hash is the hash. His
// sessions and links end, but for the session of the hash keep.
func (s *Store) SetPassword(ctx context.Context, by, id, hash, keep string, at time.Time) error {
	err := s.changeAccounts(ctx, by, at, func(t *tx) ([]Audit, error) {
		a, err := t.liveUser(ctx, id)
		if err != nil {
			return nil, err
		}
		line, err := t.setPassword(ctx, a, hash, keep, at)
		return []Audit{line}, err
	})
	return wrap("set password", err)
}

func (t *tx) setPassword(ctx context.Context, a userRow, hash, keep string, at time.Time) (Audit, error) {
	a.password, a.SessionsFrom = hash, at
	if err := t.endAccess(ctx, a.ID, keep); err != nil {
		return Audit{}, err
	}
	if keep != "" {
		if err := t.restartSession(ctx, keep, at); err != nil {
			return Audit{}, err
		}
	}
	return Audit{Action: "password", Subject: "user " + a.Name}, t.putUser(ctx, a)
}
