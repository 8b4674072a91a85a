package journal

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"subfive"
)

func TestMain(m *testing.M) {
	// A check of the model writes hundreds of files; the command line may ask
	// for more of them.
	if err := flag.Set("rapid.checks", "20"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// noon is what the journal's clock shows unless a test moves it.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func atNoon() time.Time { return noon }

// open opens a journal that closes when the test ends.
func open(t testing.TB, dir string, opts ...Option) *Journal {
	t.Helper()
	j, err := Open(dir, atNoon, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return j
}

func mustAppend(t testing.TB, j *Journal, data string) subfive.Position {
	t.Helper()
	p, err := j.Append(t.Context(), subfive.RecordPostback, []byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// follow returns the next n entries, which must be there.
func follow(t testing.TB, j *Journal, n int) []subfive.Entry {
	t.Helper()
	var all []subfive.Entry
	for len(all) < n {
		es, err := j.Next(t.Context(), n-len(all))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, es...)
	}
	return all
}

func texts(es []subfive.Entry) []string {
	var all []string
	for _, e := range es {
		all = append(all, string(e.Data))
	}
	return all
}

// numbers returns "1" to n.
func numbers(n int) []string {
	var all []string
	for i := range n {
		all = append(all, strconv.Itoa(i+1))
	}
	return all
}

// idle checks that Next has nothing to return.
func idle(t testing.TB, j *Journal) {
	t.Helper()
	_, unread, arrived, err := j.upcoming(1)
	if err != nil || unread.seg != nil || arrived == nil {
		t.Errorf("there is something to follow: %+v, %v", unread, err)
	}
}

func TestManyCallersGetTheirOwnPositionsAndAllIsFollowedInOrder(t *testing.T) {
	const callers, each = 64, 30
	j := open(t, t.TempDir(), WithCap(2<<20), WithSegmentSize(64<<10))
	var mu sync.Mutex
	want := map[subfive.Position]string{}
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for i := range each {
				data := fmt.Sprintf("%d/%d %s", c, i, strings.Repeat("x", 200))
				p, err := j.Append(t.Context(), subfive.RecordPostback, []byte(data))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if other, taken := want[p]; taken {
					t.Errorf("%s is given to %q and %q", p, other, data)
				}
				want[p] = data
				mu.Unlock()
			}
		})
	}
	got := map[subfive.Position]string{}
	last := map[string]int64{}
	var segments []string
	for _, e := range follow(t, j, callers*each) {
		if e.Pos != last[e.Segment]+1 {
			t.Errorf("%s follows %d", e.Position, last[e.Segment])
		}
		if e.Pos == 1 {
			segments = append(segments, e.Segment)
		} else if segments[len(segments)-1] != e.Segment {
			t.Errorf("%s comes between others", e.Position)
		}
		last[e.Segment] = e.Pos
		got[e.Position] = string(e.Data)
	}
	wg.Wait()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("followed (-appended +followed):\n%s", diff)
	}
	if len(segments) < 2 {
		t.Errorf("%d segments: none was full", len(segments))
	}
	idle(t, j)
}

func TestSizesOfGroups(t *testing.T) {
	for _, n := range []int{1, 2, 3, 255, 256, 257, 1023} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			j := open(t, t.TempDir())
			hold, held := make(chan struct{}), make(chan struct{})
			j.commit = func(a *appender) error { held <- struct{}{}; <-hold; return a.commit() }
			wait := appendEach(t, j, []string{"first"})
			<-held
			wait2 := appendEach(t, j, numbers(n)) // one group: the writer is busy
			close(hold)
			<-held
			wait()
			wait2()
			if diff := cmp.Diff(append([]string{"first"}, numbers(n)...), texts(follow(t, j, n+1))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// appendEach queues the records in their order, each by a caller of its own, and
// returns what waits for the answers.
func appendEach(t testing.TB, j *Journal, data []string) (wait func()) {
	t.Helper()
	var wg sync.WaitGroup
	for _, d := range data {
		g, _, err := j.admit(subfive.RecordPostback, []byte(d))
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			<-g.done
			if g.err != nil {
				t.Error(g.err)
			}
		})
	}
	j.poke()
	return wg.Wait
}

func TestRecordsOfAnySizeComeBack(t *testing.T) {
	for name, data := range map[string]string{
		"nothing at all":           "",
		"zero byte":                "\x00",
		"not UTF-8":                "\xff\xfe",
		"larger than a group":      strings.Repeat("g", maxGroup+1),
		"many pages":               strings.Repeat("p", 100_000),
		"a quote and a semicolon;": "';--",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			j := open(t, dir)
			p := mustAppend(t, j, data)
			got := follow(t, j, 1)[0]
			if got.Position != p || string(got.Data) != data {
				t.Errorf("from memory: %s %.100q", got.Position, got.Data)
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			got = follow(t, open(t, dir), 1)[0]
			if got.Position != p || string(got.Data) != data {
				t.Errorf("from the file: %s %.100q", got.Position, got.Data)
			}
		})
	}
}

func TestAppendCopiesItsRecord(t *testing.T) {
	j := open(t, t.TempDir())
	data := []byte("before")
	if _, err := j.Append(t.Context(), subfive.RecordClick, data); err != nil {
		t.Fatal(err)
	}
	copy(data, "after!")
	if diff := cmp.Diff([]string{"before"}, texts(follow(t, j, 1))); diff != "" {
		t.Error(diff)
	}
}

func TestStats(t *testing.T) {
	now := noon
	var mu sync.Mutex
	dir := t.TempDir()
	j, err := Open(dir, func() time.Time { mu.Lock(); defer mu.Unlock(); return now })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	check := func(when string, want Stats) {
		t.Helper()
		got := j.Stats()
		if onDisk := diskUsage(t, dir); got.Bytes != onDisk {
			t.Errorf("%s: %d bytes, on disk %d", when, got.Bytes, onDisk)
		}
		want.Cap, want.Bytes, want.Held = defaultCap, got.Bytes, got.Bytes
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", when, diff)
		}
	}
	check("empty", Stats{})
	p1 := mustAppend(t, j, "1")
	mu.Lock()
	now = noon.Add(time.Minute)
	mu.Unlock()
	p2 := mustAppend(t, j, "2")
	check("two records", Stats{Segments: 1, Unrecorded: 2, OldestUnrecorded: noon})
	check("asked again", Stats{Segments: 1, Unrecorded: 2, OldestUnrecorded: noon})
	j.Committed([]subfive.Position{p1})
	check("the first recorded", Stats{Segments: 1, Unrecorded: 1, OldestUnrecorded: noon.Add(time.Minute)})
	j.Committed([]subfive.Position{p2})
	check("all recorded", Stats{Segments: 1})
}

// diskUsage adds up what the segments of dir take.
func diskUsage(t testing.TB, dir string) int64 {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"+segmentSuffix+"*"))
	if err != nil {
		t.Fatal(err)
	}
	var sum int64
	for _, f := range files {
		n, err := fileSize(f)
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	return sum
}

func TestSecondJournalIsRefused(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	mustAppend(t, j, "1")
	if _, err := Open(dir, atNoon); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), dir) {
		t.Errorf("second Open: %v", err)
	}
	none := func(subfive.Entry) error { return errors.New("called") }
	if err := Read(t.Context(), dir, none); !errors.Is(err, ErrLocked) {
		t.Errorf("Read of an open journal: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	open(t, dir)
}

func TestOpenRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		dir  string
		opts []Option
		want string
	}{
		"cap too small":       {t.TempDir(), []Option{WithCap(1000)}, "1000 bytes is too small"},
		"segment of no bytes": {t.TempDir(), []Option{WithSegmentSize(0)}, "0 bytes holds nothing"},
		"not a directory":     {file, nil, "not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Open(tt.dir, atNoon, tt.opts...); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestAppendRefuses(t *testing.T) {
	j := open(t, t.TempDir())
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := j.Append(ended, subfive.RecordClick, []byte("1")); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %v", err)
	}
	if _, err := j.Append(t.Context(), "nonsense", []byte("1")); err == nil || !strings.Contains(err.Error(), `"nonsense"`) {
		t.Errorf("unknown kind: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Append(t.Context(), subfive.RecordClick, []byte("1")); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	if _, err := j.Next(t.Context(), 1); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

func TestCallerLeavesButTheRecordIsWritten(t *testing.T) {
	j := open(t, t.TempDir())
	ctx, leave := context.WithCancel(t.Context())
	j.commit = func(a *appender) error { leave(); return a.commit() }
	p, err := j.Append(ctx, subfive.RecordClick, []byte("1"))
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("%s, %v", p, err)
	}
	if diff := cmp.Diff([]string{"1"}, texts(follow(t, j, 1))); diff != "" {
		t.Error(diff)
	}
}

func TestCloseAnswersAllAdmitted(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	hold, held := make(chan struct{}), make(chan struct{}, 10)
	j.commit = func(a *appender) error { held <- struct{}{}; <-hold; return a.commit() }
	wait := appendEach(t, j, []string{"1"})
	<-held
	wait2 := appendEach(t, j, []string{"2", "3"})
	closed := make(chan error)
	go func() { closed <- j.Close() }()
	<-j.closing
	close(hold)
	wait()
	wait2()
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(numbers(3), texts(follow(t, open(t, dir), 3))); diff != "" {
		t.Error(diff)
	}
}
