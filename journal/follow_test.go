package journal

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

func TestReopenFollowsOldSegmentsFirst(t *testing.T) {
	dir := t.TempDir()
	for run := range 3 {
		j := open(t, dir)
		mustAppend(t, j, fmt.Sprintf("%d.1", run))
		mustAppend(t, j, fmt.Sprintf("%d.2", run))
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	j := open(t, dir)
	mustAppend(t, j, "3.1")
	want := []string{"0.1", "0.2", "1.1", "1.2", "2.1", "2.2", "3.1"}
	if diff := cmp.Diff(want, texts(follow(t, j, 7))); diff != "" {
		t.Error(diff)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*"+walSuffix)); err != nil || len(left) != 1 {
		t.Errorf("logs %q, %v: only the active segment has one", left, err)
	}
}

func TestResumeInTheMiddle(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	first := mustAppend(t, j, "a1")
	mustAppend(t, j, "a2")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, dir)
	second := mustAppend(t, j, "b1")
	mustAppend(t, j, "b2")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		committed map[string]int64
		want      []string
	}{
		"nothing recorded":               {nil, []string{"a1", "a2", "b1", "b2"}},
		"first of the first segment":     {map[string]int64{first.Segment: 1}, []string{"a2", "b1", "b2"}},
		"all of the first":               {map[string]int64{first.Segment: 2}, []string{"b1", "b2"}},
		"one of each":                    {map[string]int64{first.Segment: 1, second.Segment: 1}, []string{"a2", "b2"}},
		"another node's segment":         {map[string]int64{"elsewhere": 7}, []string{"a1", "a2", "b1", "b2"}},
		"more than the first ever held":  {map[string]int64{first.Segment: 9}, []string{"b1", "b2"}},
		"all but the last of the second": {map[string]int64{first.Segment: 2, second.Segment: 1}, []string{"b2"}},
	} {
		t.Run(name, func(t *testing.T) {
			j := open(t, dir)
			if err := j.Resume(tt.committed); err != nil {
				t.Fatal(err)
			}
			if got := j.Stats().Unrecorded; got != int64(len(tt.want)) {
				t.Errorf("unrecorded %d, want %d", got, len(tt.want))
			}
			if diff := cmp.Diff(tt.want, texts(follow(t, j, len(tt.want)))); diff != "" {
				t.Error(diff)
			}
			idle(t, j)
			if err := j.Resume(nil); err == nil {
				t.Error("resumed twice")
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
	if err := open(t, dir).Resume(map[string]int64{first.Segment: -1}); err == nil {
		t.Error("resumed at a negative position")
	}
}

func TestWhatWasForgottenIsReadFromTheFile(t *testing.T) {
	j := open(t, t.TempDir(), WithSegmentSize(5<<20))
	const n = 40
	data := func(i int) string { return strconv.Itoa(i) + strings.Repeat("x", 512<<10) }
	for i := range n { // 20 MiB: more than is kept, in several segments
		mustAppend(t, j, data(i))
	}
	j.mu.Lock()
	kept := j.recentBytes
	j.mu.Unlock()
	if kept > maxRecent {
		t.Errorf("%d bytes are kept in memory", kept)
	}
	for i, e := range follow(t, j, n) {
		if string(e.Data) != data(i) {
			t.Fatalf("entry %d is %.10q…", i, e.Data)
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.recentBytes != 0 || len(j.recent) != 0 {
		t.Errorf("%d bytes of %d groups stay in memory", j.recentBytes, len(j.recent))
	}
}

func TestNextWaits(t *testing.T) {
	j := open(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := j.Next(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %v", err)
	}
	got := make(chan []subfive.Entry)
	go func() {
		defer close(got)
		es, err := j.Next(t.Context(), 0)
		if err != nil {
			t.Error(err)
		}
		got <- es
		if _, err := j.Next(t.Context(), 1); !errors.Is(err, ErrClosed) {
			t.Errorf("closed while waiting: %v", err)
		}
	}()
	mustAppend(t, j, "here")
	if diff := cmp.Diff([]string{"here"}, texts(<-got)); diff != "" {
		t.Error(diff)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	<-got
}

func TestWaitCommitted(t *testing.T) {
	j := open(t, t.TempDir())
	p1, p2 := mustAppend(t, j, "1"), mustAppend(t, j, "2")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := j.WaitCommitted(ended, p1); !errors.Is(err, context.Canceled) {
		t.Errorf("before it is recorded: %v", err)
	}
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { first <- j.WaitCommitted(t.Context(), p1) }()
	go func() { second <- j.WaitCommitted(t.Context(), p2) }()
	j.Committed([]subfive.Position{p1, {Segment: "unknown", Pos: 3}})
	if err := <-first; err != nil {
		t.Error(err)
	}
	if err := j.WaitCommitted(t.Context(), p1); err != nil {
		t.Errorf("once recorded: %v", err)
	}
	if err := j.WaitCommitted(ended, p2); !errors.Is(err, context.Canceled) {
		t.Errorf("the second is not recorded: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-second; !errors.Is(err, ErrClosed) {
		t.Errorf("closed while waiting: %v", err)
	}
}
