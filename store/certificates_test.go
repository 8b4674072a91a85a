package store

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

func TestCertificates(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		for i, v := range []struct{ name, value string }{
			{"certificates/ca/a.example/a.key", "old"}, {"certificates/ca/a.example/a.key", "private\x00key"}, {"acme/ca/users/default", "account"},
		} {
			if err := s.PutCertificate(ctx, v.name, []byte(v.value), noon.Add(time.Duration(i)*time.Second)); err != nil {
				t.Fatal(err)
			}
		}
		got, err := s.Certificate(ctx, "certificates/ca/a.example/a.key")
		if string(got) != "private\x00key" || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
		if _, err := s.Certificate(ctx, "certificates/ca/b.example/b.key"); !errors.Is(err, subfive.ErrNotFound) {
			t.Errorf("one that is not there: %v", err)
		}
		var stored []string
		err = s.Query(ctx, "SELECT value FROM certificates", func([]string) error { return nil }, func(row []any) error {
			stored = append(stored, row[0].(string))
			return nil
		})
		if text := strings.Join(stored, " "); err != nil || strings.Contains(text, "private") || len(stored) != 2 {
			t.Errorf("a key lies in the clear: %q, %v", text, err)
		}
		all, err := s.CertificateNames(ctx)
		want := []CertificateName{
			{Name: "acme/ca/users/default", Size: 7, UpdatedAt: noon.Add(2 * time.Second)},
			{Name: "certificates/ca/a.example/a.key", Size: 11, UpdatedAt: noon.Add(time.Second)},
		}
		if diff := cmp.Diff(want, all); diff != "" || err != nil {
			t.Error(diff, err)
		}
		if err := s.DeleteCertificates(ctx, []string{"acme/ca/users/default", "not there"}); err != nil {
			t.Error(err)
		}
		if all, err = s.CertificateNames(ctx); len(all) != 1 || err != nil {
			t.Errorf("after it was deleted: %v, %v", all, err)
		}
	})
}

func TestCertificateLock(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		lock := func(owner string, now time.Time) bool {
			t.Helper()
			won, err := s.LockCertificate(t.Context(), "issue a.example", owner, now, now.Add(time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			return won
		}
		unlock := func(owner string) {
			t.Helper()
			if err := s.UnlockCertificate(t.Context(), "issue a.example", owner); err != nil {
				t.Fatal(err)
			}
		}
		got := []bool{lock("one", noon), lock("two", noon), lock("one", noon.Add(30*time.Second)), lock("two", noon.Add(time.Minute))}
		if diff := cmp.Diff([]bool{true, false, true, false}, got); diff != "" {
			t.Error("taken, refused, extended, refused: " + diff)
		}
		unlock("two")
		if lock("two", noon.Add(time.Minute)) {
			t.Error("another's lock was given up")
		}
		if !lock("two", noon.Add(90*time.Second)) {
			t.Error("a lock that ran out is still somebody's")
		}
		unlock("two")
		if !lock("three", noon.Add(91*time.Second)) {
			t.Error("a lock that was given up is still somebody's")
		}
	})
}
