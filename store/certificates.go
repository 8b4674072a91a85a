package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"subfive"
)

// CertificateName is one stored value of the certificates, without it.
type CertificateName struct {
	Name      string
	Size      int64 // of the value, in bytes
	UpdatedAt time.Time
}

// certificatePlace is the place of a sealed value, so that it opens under its
// own name alone.
func certificatePlace(name string) string { return "certificates/" + name }

// PutCertificate keeps a value of the certificates under its name, sealed: it
// may be a private key.
func (s *Store) PutCertificate(ctx context.Context, name string, value []byte, at time.Time) error {
	if s.sealer == nil {
		return errors.New("keep certificate: the store has no key to seal it with")
	}
	box, err := s.sealer.SealBytes(value, certificatePlace(name))
	if err != nil {
		return fmt.Errorf("seal certificate: %w", err)
	}
	err = s.write(ctx, s.screens, func(t *tx) error {
		return t.insertRows(ctx, "certificates", []string{"name", "value", "size", "updated_at"},
			[][]any{{name, box, int64(len(value)), subfive.Millis(at)}},
			"ON CONFLICT (name) DO UPDATE SET value = excluded.value, size = excluded.size, updated_at = excluded.updated_at")
	})
	return wrap("keep certificate", err)
}

// Certificate returns the value of a name; subfive.ErrNotFound if there is none.
func (s *Store) Certificate(ctx context.Context, name string) ([]byte, error) {
	if s.sealer == nil {
		return nil, errors.New("read certificate: the store has no key to open it with")
	}
	var box string
	err := s.read(ctx, s.screens, func(t *tx) error {
		return t.row(ctx, "certificate", func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select("value").From("certificates").Where(b.EQ("name", ""))
			return text(b)
		}, []any{name}, &box)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("certificate %s: %w", name, subfive.ErrNotFound)
	}
	if err != nil {
		return nil, wrap("read certificate", err)
	}
	value, err := s.sealer.OpenBytes(box, certificatePlace(name))
	return value, wrap("open certificate", err)
}

// CertificateNames returns all names in their order.
func (s *Store) CertificateNames(ctx context.Context) (all []CertificateName, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		all = nil
		return t.query(ctx, "certificate names", func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select("name", "size", "updated_at").From("certificates").OrderBy("name")
			return text(b)
		}, nil, func(r *sql.Rows) error {
			var c CertificateName
			var at int64
			err := r.Scan(&c.Name, &c.Size, &at)
			c.UpdatedAt = subfive.FromMillis(at)
			all = append(all, c)
			return err
		})
	})
	return all, wrap("list certificates", err)
}

// DeleteCertificates forgets the values of these names; one that is not there is
// no error.
func (s *Store) DeleteCertificates(ctx context.Context, names []string) error {
	err := s.write(ctx, s.screens, func(t *tx) error {
		return t.execIn(ctx, "delete certificates", nil, names, func(ids []any) string {
			b := s.flavor.NewDeleteBuilder()
			b.DeleteFrom("certificates").Where(b.In("name", ids...))
			return text(b)
		})
	})
	return wrap("delete certificates", err)
}

// LockCertificate gives owner the lock of that name until a moment, or longer if
// it has it already. It reports false while another has it. A lock that ran out
// at now is nobody's.
func (s *Store) LockCertificate(ctx context.Context, name, owner string, now, until time.Time) (won bool, err error) {
	err = s.write(ctx, s.screens, func(t *tx) error {
		if _, err := t.exec(ctx, "end certificate lock", func() string {
			b := s.flavor.NewDeleteBuilder()
			b.DeleteFrom("certificate_locks").Where(b.EQ("name", ""), b.LE("expires_at", 0))
			return text(b)
		}, name, subfive.Millis(now)); err != nil {
			return err
		}
		err := t.upsertGuarded(ctx, "certificate_locks", []string{"name", "owner", "expires_at"}, [][]any{{name, owner, subfive.Millis(until)}},
			"ON CONFLICT (name) DO UPDATE SET expires_at = excluded.expires_at WHERE certificate_locks.owner = excluded.owner")
		if won = err == nil; errors.Is(err, subfive.ErrConflict) {
			return nil
		}
		return err
	})
	return won, wrap("lock certificate", err)
}

// UnlockCertificate gives up a lock, if owner still has it.
func (s *Store) UnlockCertificate(ctx context.Context, name, owner string) error {
	err := s.single(ctx, s.screens, func(t *tx) error {
		_, err := t.exec(ctx, "unlock certificate", func() string {
			b := s.flavor.NewDeleteBuilder()
			b.DeleteFrom("certificate_locks").Where(b.EQ("name", ""), b.EQ("owner", ""))
			return text(b)
		}, name, owner)
		return err
	})
	return wrap("unlock certificate", err)
}
