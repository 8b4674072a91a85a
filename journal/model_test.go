package journal

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"subfive"
)

// model is a journal as a list: what was acknowledged, how far it was returned,
// and how far the database has recorded it.
type model struct {
	dir string
	j   *Journal

	records            []subfive.Entry
	returned, recorded int
	committed          map[string]int64 // what the database would tell Resume
	faults             int              // commits that are to fail
}

func (m *model) open(t *rapid.T) {
	j, err := Open(m.dir, atNoon, WithCap(1<<20))
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Resume(maps.Clone(m.committed)); err != nil {
		t.Fatal(err)
	}
	j.commit = func(a *appender) error {
		if m.faults > 0 {
			m.faults--
			return errDisk
		}
		return a.commit()
	}
	m.j = j
}

func (m *model) close(t *rapid.T) {
	if err := m.j.Close(); err != nil {
		t.Fatal(err)
	}
}

func (m *model) append(t *rapid.T) {
	data := fmt.Sprintf("%d %s", len(m.records), strings.Repeat("x", rapid.IntRange(0, 60_000).Draw(t, "size")))
	refused := m.faults > 1
	p, err := m.j.Append(t.Context(), subfive.RecordPostback, []byte(data))
	switch {
	case errors.Is(err, ErrFull):
		if s := m.j.Stats(); s.Held+weight(1, len(data)) <= s.Cap {
			t.Fatalf("full with %+v", s)
		}
	case refused:
		if !errors.Is(err, errDisk) {
			t.Fatalf("two commits failed, but: %v", err)
		}
	case err != nil:
		t.Fatal(err)
	default:
		m.records = append(m.records, subfive.Entry{Position: p, Data: []byte(data)})
	}
}

func (m *model) next(t *rapid.T) {
	if m.returned == len(m.records) {
		t.Skip("it would wait")
	}
	limit := rapid.IntRange(1, 20).Draw(t, "limit")
	got, err := m.j.Next(t.Context(), limit)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) == 0 || len(got) > limit || m.returned+len(got) > len(m.records) {
		t.Fatalf("%d records, %d of %d were returned before", len(got), m.returned, len(m.records))
	}
	if diff := cmp.Diff(m.records[m.returned:m.returned+len(got)], got, cmp.Comparer(bytes.Equal)); diff != "" {
		t.Fatalf("next:\n%.500s", diff)
	}
	m.returned += len(got)
}

func (m *model) commit(t *rapid.T) {
	if m.recorded == m.returned {
		t.Skip("nothing to record")
	}
	last := map[string]int64{}
	to := rapid.IntRange(m.recorded+1, m.returned).Draw(t, "to")
	for _, e := range m.records[m.recorded:to] {
		last[e.Segment] = e.Pos
	}
	var ps []subfive.Position
	for segment, pos := range last {
		ps = append(ps, subfive.Position{Segment: segment, Pos: pos})
		m.committed[segment] = pos
	}
	m.recorded = to
	m.j.Committed(ps)
	if s := m.j.Stats(); s.OldestUnrecorded.IsZero() != (s.Unrecorded == 0) {
		t.Fatalf("%+v", s)
	}
}

func (m *model) reopen(t *rapid.T) {
	m.close(t)
	m.returned = m.recorded
	m.open(t)
}

func (m *model) check(t *rapid.T) {
	s, _ := m.j.stats()
	if want := int64(len(m.records) - m.recorded); s.Unrecorded != want {
		t.Fatalf("unrecorded %d, want %d", s.Unrecorded, want)
	}
	if s.Lost+int64(s.Unreadable) > 0 || s.Bytes > s.Cap*5/4 {
		t.Fatalf("%+v", s)
	}
}

func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "journal-model-")
		if err != nil {
			t.Fatal(err)
		}
		m := &model{dir: dir, committed: map[string]int64{}}
		defer func() {
			m.close(t)
			if err := os.RemoveAll(dir); err != nil {
				t.Error(err)
			}
		}()
		m.open(t)
		t.Repeat(map[string]func(*rapid.T){
			"":        m.check,
			"append":  m.append,
			"append2": m.append,
			"append3": m.append,
			"next":    m.next,
			"next2":   m.next,
			"commit":  m.commit,
			"reopen":  m.reopen,
			"fault":   func(t *rapid.T) { m.faults = rapid.IntRange(0, 2).Draw(t, "faults") },
		})
	})
}
