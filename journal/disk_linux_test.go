package journal

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTmpfsIsRefusedUnlessAllowed(t *testing.T) {
	dir, err := os.MkdirTemp("/dev/shm", "journal-") // Linux mounts a tmpfs there
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if _, err := Open(dir, atNoon); err == nil || !strings.Contains(err.Error(), "tmpfs") {
		t.Errorf("got %v", err)
	}
	j := open(t, dir, AllowTmpfs())
	mustAppend(t, j, "1")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// What SQLite promises depends on these.
func TestSegmentIsDurable(t *testing.T) {
	j := open(t, t.TempDir())
	mustAppend(t, j, "1")
	got := map[string]string{}
	for _, name := range []string{"journal_mode", "synchronous"} {
		var value string
		if err := j.active.conn.QueryRowContext(t.Context(), "PRAGMA "+name).Scan(&value); err != nil {
			t.Fatal(err)
		}
		got[name] = value
	}
	want := map[string]string{"journal_mode": "wal", "synchronous": "2"} // FULL
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCreateLeavesNothingBehindWhenItFails(t *testing.T) {
	s := newSegment(t.TempDir(), 1)
	if err := os.Mkdir(s.path, 0o700); err != nil { // a directory is in the way
		t.Fatal(err)
	}
	if _, err := create(t.Context(), s); err == nil {
		t.Error("no error")
	}
	if _, err := os.Stat(s.path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("still there: %v", err)
	}
}
