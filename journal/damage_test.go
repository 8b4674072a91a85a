package journal

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

// pageSize is SQLite's.
const pageSize = 4096

// A segment of 200 records between two good ones is spoiled.
func TestDamagedSegment(t *testing.T) {
	foreign := foreignDatabase(t)
	for name, tt := range map[string]struct {
		spoil func(t *testing.T, path string)
		// least and most of its records come back.
		least, most int
		unreadable  int
		left        []string // of its files, by suffix
	}{
		"as it was":        {func(*testing.T, string) {}, 200, 200, 0, []string{""}},
		"empty":            {write(nil), 0, 0, 0, nil},
		"garbage":          {write(bytes.Repeat([]byte("garbage "), 5000)), 0, 0, 1, []string{unreadableSuffix}},
		"one byte":         {write([]byte("S")), 0, 0, 0, nil},
		"two bytes":        {write([]byte("SQ")), 0, 0, 1, []string{unreadableSuffix}},
		"other database":   {write(foreign), 0, 0, 1, []string{unreadableSuffix}},
		"without a table":  {emptyDatabase, 0, 0, 0, nil},
		"half is missing":  {cut(2), 20, 150, 0, []string{""}},
		"page of zeros":    {zero(5), 150, 199, 0, []string{""}},
		"root page zeroed": {zero(1), 0, 0, 1, []string{unreadableSuffix}},
		"one byte and a log": {
			func(t *testing.T, path string) {
				write([]byte("S"))(t, path)
				write([]byte("log"))(t, path+walSuffix)
			}, 0, 0, 1, []string{unreadableSuffix, unreadableSuffix + walSuffix},
		},
		"empty, but a log": {
			func(t *testing.T, path string) {
				write(nil)(t, path)
				write([]byte("log"))(t, path+walSuffix)
			}, 0, 0, 1, []string{unreadableSuffix, unreadableSuffix + walSuffix},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			j := open(t, dir)
			mustAppend(t, j, "before")
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			bad := filled(t, dir, 200)
			j = open(t, dir)
			mustAppend(t, j, "after")
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			tt.spoil(t, bad)
			read := readAll(t, dir, tt.least < 200 && tt.left != nil)

			j = open(t, dir)
			mustAppend(t, j, "new")
			var got []string
			for s := j.Stats(); len(got) == 0 || got[len(got)-1] != "new"; {
				es, err := j.Next(t.Context(), 64)
				if err != nil {
					t.Fatal(err)
				}
				if got = append(got, texts(es)...); int64(len(got)) > s.Unrecorded {
					t.Fatalf("%d records", len(got))
				}
			}
			idle(t, j)
			if got[0] != "before" || got[len(got)-2] != "after" {
				t.Errorf("the good segments' records are missing: %.50q", got)
			}
			if n := len(got) - 3; n < tt.least || n > tt.most {
				t.Errorf("%d of its records come back, not %d to %d", n, tt.least, tt.most)
			}
			if diff := cmp.Diff(got[:len(got)-1], read); diff != "" {
				t.Errorf("Read finds others (-Next +Read):\n%s", diff)
			}
			s := j.Stats()
			if s.Unreadable != tt.unreadable || (s.Lost > 0) != (name == "page of zeros") {
				t.Errorf("%+v", s)
			}
			left, err := filepath.Glob(bad + "*")
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, suffix := range tt.left {
				want = append(want, bad+suffix)
			}
			if diff := cmp.Diff(want, left); diff != "" {
				t.Errorf("files:\n%s", diff)
			}
		})
	}
}

// filled makes a segment of n records of 200 bytes and returns its path.
func filled(t testing.TB, dir string, n int) string {
	t.Helper()
	j := open(t, dir)
	var records []string
	for i := range n {
		records = append(records, strconv.Itoa(i)+strings.Repeat("x", 200))
	}
	appendEach(t, j, records)()
	path := j.active.seg.path
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// readAll returns what Read finds; damage says whether it must complain.
func readAll(t *testing.T, dir string, damage bool) (all []string) {
	t.Helper()
	before := snapshot(t, dir)
	err := Read(t.Context(), dir, func(e subfive.Entry) error {
		all = append(all, string(e.Data))
		return nil
	})
	if (err != nil) != damage {
		t.Errorf("Read: %v", err)
	}
	if diff := cmp.Diff(before, snapshot(t, dir)); diff != "" {
		t.Errorf("Read changed files:\n%s", diff)
	}
	return all
}

// snapshot returns the size of each file.
func snapshot(t *testing.T, dir string) map[string]int64 {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[string]int64{}
	for _, f := range files {
		if sizes[f.Name()], err = fileSize(filepath.Join(dir, f.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return sizes
}

func write(data []byte) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// cut leaves one part of that many.
func cut(parts int64) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		t.Helper()
		size, err := fileSize(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, size/parts/pageSize*pageSize); err != nil {
			t.Fatal(err)
		}
	}
}

// zero overwrites a page, counted from 0.
func zero(page int64) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.WriteAt(make([]byte, pageSize), page*pageSize)
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// emptyDatabase replaces a segment by what a crash leaves before its table is
// made.
func emptyDatabase(t *testing.T, path string) { execute(t, path, "PRAGMA journal_mode = WAL") }

// foreignDatabase returns a database that is no segment.
func foreignDatabase(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "foreign")
	execute(t, path, "CREATE TABLE records (name TEXT)")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func execute(t *testing.T, path, statement string) {
	t.Helper()
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	db, err := createFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), statement)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestSegmentDisappears(t *testing.T) {
	dir := t.TempDir()
	path := filled(t, dir, 3)
	j := open(t, dir)
	mustAppend(t, j, "new")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"new"}, texts(follow(t, j, 1))); diff != "" {
		t.Error(diff)
	}
	if s := j.Stats(); s.Lost != 3 {
		t.Errorf("%+v", s)
	}
}

func TestReadOfACrashedNode(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	want := []subfive.Entry{
		{Position: mustAppend(t, j, "1"), Data: []byte("1")},
		{Position: mustAppend(t, j, "2"), Data: []byte("2")},
	}
	dead := copyDir(t, dir) // all of it is in the log
	var got []subfive.Entry
	collect := func(e subfive.Entry) error { got = append(got, e); return nil }
	if err := Read(t.Context(), dead, collect); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	stop := errors.New("stop")
	n := 0
	if err := Read(t.Context(), dead, func(subfive.Entry) error { n++; return stop }); !errors.Is(err, stop) || n != 1 {
		t.Errorf("%v after %d calls", err, n)
	}
	if err := Read(t.Context(), filepath.Join(dead, "nowhere"), collect); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a directory that is not there: %v", err)
	}
}
