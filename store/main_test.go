package store

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"subfive/internal/pgtest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := errors.Join(pgtest.Stop(), goleak.Find()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// each runs a test once on each database. Their schema is made once and copied.
func each(t *testing.T, test func(t *testing.T, s *Store)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "test.db")
		file, err := emptySQLite()
		if err == nil {
			err = os.WriteFile(path, file, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		test(t, openTest(t, path, WithoutMigrate()))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		dsn := pgtest.Prepared(t, "store", migrateAndClose)
		test(t, openTest(t, dsn, WithoutMigrate()))
	})
}

func migrateAndClose(dsn string) error {
	s, err := Open(context.Background(), dsn, AllowUnsafe())
	if err != nil {
		return err
	}
	return s.Close()
}

// emptySQLite returns the bytes of a database with our schema.
var emptySQLite = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "subfive-store-")
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "empty.db")
	if err := migrateAndClose(path); err != nil {
		return nil, err
	}
	file, err := os.ReadFile(path)
	return file, errors.Join(err, os.RemoveAll(dir))
})

func openTest(t *testing.T, dsn string, opts ...Option) *Store {
	t.Helper()
	s, err := Open(t.Context(), dsn, append([]Option{AllowUnsafe(), WithSealer(fakeSealer{})}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// fakeSealer is reversible and binds a box to its place, like the real one.
type fakeSealer struct{}

func (fakeSealer) SealBytes(plain []byte, where string) (string, error) {
	return where + "|" + hex.EncodeToString(plain), nil
}

func (fakeSealer) OpenBytes(box, where string) ([]byte, error) {
	body, ok := strings.CutPrefix(box, where+"|")
	if !ok {
		return nil, errors.New("a box from another place")
	}
	return hex.DecodeString(body)
}
