package journal

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

var errDisk = errors.New("the disk is on fire")

func TestPoison(t *testing.T) {
	// failing commits the group or not, and says that it didn't work.
	failing := func(really bool) func(*appender) error {
		return func(a *appender) error {
			if really {
				return errors.Join(a.commit(), errDisk)
			}
			return errDisk
		}
	}
	good := (*appender).commit
	for name, tt := range map[string]struct {
		commits  []func(*appender) error // of the second record, one after the other
		err      error                   // what its caller gets
		follow   []string                // in this process
		reopened []string                // after a restart
		want     Stats
	}{
		"first commit fails": {
			[]func(*appender) error{failing(false), good},
			nil,
			[]string{"1", "2", "3"},
			[]string{"1", "2", "3"},
			Stats{Segments: 2, Poisoned: 1, Unrecorded: 3},
		},
		"first commit says that it failed": {
			[]func(*appender) error{failing(true), good},
			nil,
			[]string{"1", "2", "3"},
			[]string{"1", "2", "2", "3"},
			Stats{Segments: 2, Poisoned: 1, Unrecorded: 3},
		},
		"second commit fails too": {
			[]func(*appender) error{failing(false), failing(false)},
			errDisk,
			[]string{"1", "3"},
			[]string{"1", "3"},
			Stats{Segments: 2, Poisoned: 2, Unrecorded: 2},
		},
		"both say that they failed": {
			[]func(*appender) error{failing(true), failing(true)},
			errDisk,
			[]string{"1", "3"},
			[]string{"1", "2", "3"},
			Stats{Segments: 2, Poisoned: 2, Unrecorded: 2},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			j := open(t, dir)
			mustAppend(t, j, "1")
			commits := tt.commits
			j.commit = func(a *appender) error {
				if len(commits) == 0 {
					return a.commit()
				}
				next := commits[0]
				commits = commits[1:]
				return next(a)
			}
			if _, err := j.Append(t.Context(), subfive.RecordPostback, []byte("2")); !errors.Is(err, tt.err) {
				t.Errorf("got %v, want %v", err, tt.err)
			}
			mustAppend(t, j, "3")
			got := j.Stats()
			tt.want.Bytes, tt.want.Held, tt.want.Cap, tt.want.OldestUnrecorded = got.Bytes, got.Held, got.Cap, noon
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("stats:\n%s", diff)
			}
			if diff := cmp.Diff(tt.follow, texts(follow(t, j, len(tt.follow)))); diff != "" {
				t.Errorf("followed:\n%s", diff)
			}
			idle(t, j)
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			j = open(t, dir)
			if diff := cmp.Diff(tt.reopened, texts(follow(t, j, len(tt.reopened)))); diff != "" {
				t.Errorf("after a restart:\n%s", diff)
			}
			idle(t, j)
		})
	}
}

func TestPoisonedSegmentIsReadFromItsFile(t *testing.T) {
	j := open(t, t.TempDir())
	mustAppend(t, j, "1")
	first := true
	j.commit = func(a *appender) error {
		if first {
			first = false
			return errDisk
		}
		return a.commit()
	}
	mustAppend(t, j, "2")
	j.mu.Lock()
	j.recent, j.recentBytes = nil, 0
	j.mu.Unlock()
	if diff := cmp.Diff(numbers(2), texts(follow(t, j, 2))); diff != "" {
		t.Error(diff)
	}
}

func TestNoSegmentCanBeCreated(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	j := open(t, dir)
	if err := os.Rename(dir, dir+"-away"); err != nil {
		t.Fatal(err)
	}
	if p, err := j.Append(t.Context(), subfive.RecordPostback, []byte("1")); err == nil {
		t.Errorf("appended at %s", p)
	}
	if err := os.Rename(dir+"-away", dir); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, j, "2")
	if diff := cmp.Diff([]string{"2"}, texts(follow(t, j, 1))); diff != "" {
		t.Error(diff)
	}
	if files, err := listSegments(dir); err != nil || len(files) != 1 {
		t.Errorf("%d segments, %v", len(files), err)
	}
}

func TestFullDiskFreesARecordedSegment(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	recorded := mustAppend(t, j, "1")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, dir)
	if err := j.Resume(map[string]int64{recorded.Segment: 1}); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, j, "2")
	if _, err := j.active.conn.ExecContext(t.Context(), "PRAGMA max_page_count = 3"); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 50_000)
	mustAppend(t, j, long)
	got := j.Stats()
	want := Stats{Segments: 2, Poisoned: 1, Unrecorded: 2, OldestUnrecorded: noon, Bytes: got.Bytes, Held: got.Bytes, Cap: got.Cap}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"2", long}, texts(follow(t, j, 2))); diff != "" {
		t.Error(diff)
	}
}

func TestDiskHangs(t *testing.T) {
	j := open(t, t.TempDir())
	hold, held := make(chan struct{}), make(chan struct{}, 100)
	j.commit = func(a *appender) error { held <- struct{}{}; <-hold; return a.commit() }
	big := make([]byte, 1<<20)
	first := appendEach(t, j, []string{"first"})
	<-held
	var full error
	var queued int
	for full == nil && queued < 1000 {
		_, _, full = j.admit(subfive.RecordPostback, big)
		queued++
	}
	if !errors.Is(full, ErrFull) || queued < 60 || queued > 65 {
		t.Errorf("%v after %d MiB", full, queued)
	}
	close(hold)
	first()
}

// copyDir copies a journal as it is on disk at this instant.
func copyDir(t testing.TB, from string) string {
	t.Helper()
	to := t.TempDir()
	files, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if err := copyFile(filepath.Join(from, f.Name()), filepath.Join(to, f.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// The commit is where a crash matters: each copy is what a kill right before or
// right after it would leave.
func TestCrashLosesNothingAcknowledged(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	type crash struct {
		dir   string
		acked []string
	}
	var mu sync.Mutex
	var acked []string
	var crashes []crash
	dir := t.TempDir()
	j := open(t, dir, WithCap(8<<20), WithSegmentSize(256<<10))
	snap := func() {
		mu.Lock()
		defer mu.Unlock()
		if len(crashes) < 12 && rng.IntN(12) == 0 {
			crashes = append(crashes, crash{copyDir(t, dir), slices.Clone(acked)})
		}
	}
	j.commit = func(a *appender) error {
		snap()
		err := a.commit()
		snap()
		return err
	}
	var wg sync.WaitGroup
	for c := range 16 {
		wg.Go(func() {
			for i := range 50 {
				data := strconv.Itoa(c) + "." + strconv.Itoa(i) + strings.Repeat(" ", 400)
				if _, err := j.Append(t.Context(), subfive.RecordPostback, []byte(data)); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				acked = append(acked, data)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(crashes) == 0 {
		crashes = append(crashes, crash{copyDir(t, dir), acked})
	}
	for i, c := range crashes {
		if i%2 == 0 {
			tearLogs(t, c.dir, rng)
		}
		j := open(t, c.dir)
		s := j.Stats()
		got := map[string]int{}
		for _, text := range texts(follow(t, j, int(s.Unrecorded))) {
			got[text]++
		}
		for _, text := range c.acked {
			if got[text] != 1 {
				t.Errorf("crash %d: %q is there %d times", i, strings.TrimSpace(text), got[text])
			}
		}
		if s.Unreadable+int(s.Lost) > 0 {
			t.Errorf("crash %d: %+v", i, s)
		}
	}
}

// tearLogs adds what a write that never became durable may leave behind a log.
func tearLogs(t *testing.T, dir string, rng *rand.Rand) {
	t.Helper()
	logs, err := filepath.Glob(filepath.Join(dir, "*"+walSuffix))
	if err != nil {
		t.Fatal(err)
	}
	for _, log := range logs {
		data, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		for range rng.IntN(5000) {
			data = append(data, byte(rng.Uint32()))
		}
		if err := os.WriteFile(log, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
