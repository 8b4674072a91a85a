package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"

	"subfive"
	"subfive/store"
)

// certificateStore is what shared certificates need of the database.
type certificateStore interface {
	PutCertificate(ctx context.Context, name string, value []byte, at time.Time) error
	Certificate(ctx context.Context, name string) ([]byte, error)
	CertificateNames(ctx context.Context) ([]store.CertificateName, error)
	DeleteCertificates(ctx context.Context, names []string) error
	LockCertificate(ctx context.Context, name, owner string, now, until time.Time) (bool, error)
	UnlockCertificate(ctx context.Context, name, owner string) error
}

const (
	// certificateLock is how long a node that died holds up the others; who works
	// longer renews it.
	certificateLock = 5 * time.Minute
	lockPoll        = time.Second
)

// sharedStorage keeps certificates in the database. Names are paths with
// slashes; a folder is there while something is in it.
type sharedStorage struct {
	open func() (certificateStore, bool)
	now  func() time.Time

	mu     sync.Mutex
	owners map[string]string // of the locks that are ours
}

func newSharedStorage(open func() (certificateStore, bool), now func() time.Time) *sharedStorage {
	return &sharedStorage{open: open, now: now, owners: map[string]string{}}
}

// errNoDatabaseYet is why certificates can't be read before the first
// connection.
var errNoDatabaseYet = errors.New("the database was not reached yet")

func (s *sharedStorage) store() (certificateStore, error) {
	st, ok := s.open()
	if !ok {
		return nil, errNoDatabaseYet
	}
	return st, nil
}

// Lock waits for the lock of a name.
func (s *sharedStorage) Lock(ctx context.Context, name string) error {
	owner := rand.Text() // not the process's: its goroutines exclude each other, too
	for {
		st, err := s.store()
		if err != nil {
			return err
		}
		now := s.now()
		won, err := st.LockCertificate(ctx, name, owner, now, now.Add(certificateLock))
		if err != nil {
			return err
		}
		if won {
			s.mu.Lock()
			s.owners[name] = owner
			s.mu.Unlock()
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lockPoll):
		}
	}
}

// RenewLockLease keeps a lock that is ours for longer.
func (s *sharedStorage) RenewLockLease(ctx context.Context, name string, lease time.Duration) error {
	st, err := s.store()
	if err != nil {
		return err
	}
	now := s.now()
	won, err := st.LockCertificate(ctx, name, s.owner(name), now, now.Add(lease))
	if err == nil && !won {
		err = fmt.Errorf("the lock %s was lost", name)
	}
	return err
}

func (s *sharedStorage) owner(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.owners[name]
}

// Unlock gives up a lock that Lock gave.
func (s *sharedStorage) Unlock(ctx context.Context, name string) error {
	st, err := s.store()
	if err != nil {
		return err
	}
	return st.UnlockCertificate(ctx, name, s.owner(name))
}

// Store keeps a value.
func (s *sharedStorage) Store(ctx context.Context, key string, value []byte) error {
	st, err := s.store()
	if err != nil {
		return err
	}
	return st.PutCertificate(ctx, key, value, s.now())
}

// Load returns a value; fs.ErrNotExist if there is none.
func (s *sharedStorage) Load(ctx context.Context, key string) ([]byte, error) {
	st, err := s.store()
	if err != nil {
		return nil, err
	}
	value, err := st.Certificate(ctx, key)
	if errors.Is(err, subfive.ErrNotFound) {
		return nil, fmt.Errorf("%s: %w", key, fs.ErrNotExist)
	}
	return value, err
}

// under returns what is stored under a name, and below it as a folder.
func (s *sharedStorage) under(ctx context.Context, key string) ([]store.CertificateName, error) {
	st, err := s.store()
	if err != nil {
		return nil, err
	}
	all, err := st.CertificateNames(ctx)
	return slices.DeleteFunc(all, func(c store.CertificateName) bool {
		return key != "" && c.Name != key && !strings.HasPrefix(c.Name, key+"/")
	}), err
}

// Delete forgets a value, or a folder with all in it.
func (s *sharedStorage) Delete(ctx context.Context, key string) error {
	found, err := s.under(ctx, key)
	if err != nil || len(found) == 0 {
		return err
	}
	st, err := s.store()
	if err != nil {
		return err
	}
	return st.DeleteCertificates(ctx, ids(found, func(c store.CertificateName) string { return c.Name }))
}

// Exists reports whether a value or a folder is there, as far as that is known.
func (s *sharedStorage) Exists(ctx context.Context, key string) bool {
	found, err := s.under(ctx, key)
	return err == nil && len(found) > 0
}

// List returns the keys in a folder, with recursive those in its folders too.
func (s *sharedStorage) List(ctx context.Context, path string, recursive bool) ([]string, error) {
	found, err := s.under(ctx, strings.Trim(path, "/"))
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, c := range found {
		rest := strings.TrimPrefix(strings.TrimPrefix(c.Name, strings.Trim(path, "/")), "/")
		first, _, deeper := strings.Cut(rest, "/")
		switch {
		case rest == "":
			continue // the value of that very name
		case recursive:
			keys = append(keys, c.Name)
		case deeper:
			keys = append(keys, strings.TrimSuffix(c.Name, strings.TrimPrefix(rest, first)))
		default:
			keys = append(keys, c.Name)
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s: %w", path, fs.ErrNotExist)
	}
	return slices.Compact(keys), nil // they come in their order
}

// Stat describes a value or a folder.
func (s *sharedStorage) Stat(ctx context.Context, key string) (certmagic.KeyInfo, error) {
	found, err := s.under(ctx, key)
	if err != nil {
		return certmagic.KeyInfo{}, err
	}
	for _, c := range found {
		if c.Name == key {
			return certmagic.KeyInfo{Key: key, Modified: c.UpdatedAt, Size: c.Size, IsTerminal: true}, nil
		}
	}
	if len(found) == 0 {
		return certmagic.KeyInfo{}, fmt.Errorf("%s: %w", key, fs.ErrNotExist)
	}
	return certmagic.KeyInfo{Key: key}, nil
}
