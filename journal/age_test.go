package journal

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

func TestExpireDeletesWhatIsRecordedAndOld(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := open(t, dir)
	p := mustAppend(t, first, "recorded")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := open(t, dir)
	mustAppend(t, second, "not recorded")
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	j := open(t, dir)
	if err := j.Resume(map[string]int64{p.Segment: p.Pos}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		before time.Time
		want   int
	}{{noon, 0}, {noon.Add(time.Second), 1}, {noon.Add(time.Hour), 0}} {
		if got, err := j.Expire(t.Context(), step.before); err != nil || got != step.want {
			t.Errorf("before %s: %d deleted, %v; want %d", step.before, got, err, step.want)
		}
	}
	if diff := cmp.Diff([]string{"not recorded"}, texts(follow(t, j, 1))); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

// With little traffic a segment would be written to for months, and never be
// deleted.
func TestExpireEndsAnOldActiveSegment(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var late atomic.Bool
		j, err := Open(dir, func() time.Time {
			if late.Load() {
				return noon.Add(25 * time.Hour)
			}
			return noon
		})
		if err != nil {
			t.Fatal(err)
		}
		p := mustAppend(t, j, "a")
		j.Committed([]subfive.Position{p})
		if n, err := j.Expire(t.Context(), noon.Add(time.Hour)); n != 0 || err != nil {
			t.Errorf("young: %d deleted, %v", n, err)
		}
		late.Store(true)
		for want := range 2 { // once it is ended, and once it is deleted
			if n, err := j.Expire(t.Context(), noon.Add(time.Hour)); n != want || err != nil {
				t.Errorf("old: %d deleted, %v; want %d", n, err, want)
			}
			synctest.Wait()
		}
		if q := mustAppend(t, j, "b"); q.Segment == p.Segment {
			t.Error("the deleted segment is written to")
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
}

// Rewrite works beside the journal's own process, and leaves nothing in any
// file.
func TestRewriteLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	closed := open(t, dir)
	mustAppend(t, closed, "jane, of a closed segment")
	mustAppend(t, closed, "joe")
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	j := open(t, dir)
	mustAppend(t, j, "jane, of the open one "+strings.Repeat("jane ", 5000))
	n, err := Rewrite(t.Context(), dir, false, func(e subfive.Entry) ([]byte, error) {
		if bytes.Contains(e.Data, []byte("jane")) {
			return []byte("gone"), nil
		}
		return nil, nil
	})
	if err != nil || n != 2 {
		t.Fatalf("%d rewritten, %v", n, err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte("jane")) {
			t.Errorf("%s still holds it", filepath.Base(f))
		}
	}
	mustAppend(t, j, "after")
	if s := j.Stats(); s.Poisoned > 0 {
		t.Error("the open segment was poisoned")
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	var all []string
	if err := Read(t.Context(), dir, func(e subfive.Entry) error {
		all = append(all, string(e.Data))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"gone", "joe", "gone", "after"}, all); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

// While somebody reads the log, what was there stays in it; done again it goes,
// though no record is left to change.
func TestRewriteAgainAfterABusyLog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir)
	mustAppend(t, j, "jane")
	strip := func(e subfive.Entry) ([]byte, error) {
		if bytes.Contains(e.Data, []byte("jane")) {
			return []byte("gone"), nil
		}
		return nil, nil
	}
	if n, err := Rewrite(t.Context(), dir, true, strip); n != 1 || err != nil {
		t.Errorf("a dry run: %d, %v", n, err)
	}
	segments, err := listSegments(dir)
	if err != nil || len(segments) != 1 {
		t.Fatal(segments, err)
	}
	db, err := openFile(segments[0].path, "rw", "query_only(ON)")
	if err != nil {
		t.Fatal(err)
	}
	reader, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := reader.QueryRowContext(t.Context(), "SELECT count(*) FROM records").Scan(&n); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	if n, err := Rewrite(t.Context(), dir, false, strip); n != 1 || err == nil || !strings.Contains(err.Error(), "do it again") {
		t.Errorf("busy: %d, %v", n, err)
	}
	if err := errors.Join(reader.Rollback(), db.Close()); err != nil {
		t.Fatal(err)
	}
	if n, err := Rewrite(t.Context(), dir, false, strip); n != 0 || err != nil {
		t.Errorf("again: %d, %v", n, err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if b, err := os.ReadFile(f); err != nil || bytes.Contains(b, []byte("jane")) {
			t.Errorf("%s still holds it, %v", filepath.Base(f), err)
		}
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}

func TestRewriteSaysWhatItCouldNot(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "0000000001-x.segment"+unreadableSuffix), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Rewrite(t.Context(), dir, false, nil); err == nil || !strings.Contains(err.Error(), "delete it") {
		t.Errorf("a file moved aside: %v", err)
	}
	stop := errors.New("enough")
	j := open(t, t.TempDir())
	mustAppend(t, j, "a")
	if _, err := Rewrite(t.Context(), j.dir, false, func(subfive.Entry) ([]byte, error) { return nil, stop }); !errors.Is(err, stop) {
		t.Errorf("fn's error: %v", err)
	}
}
