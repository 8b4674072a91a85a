package journal

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

// fill appends until the journal is full.
func fill(t *testing.T, j *Journal, kind subfive.RecordKind) (ps []subfive.Position) {
	t.Helper()
	data := []byte(strings.Repeat("x", 6000))
	for {
		p, err := j.Append(t.Context(), kind, data)
		if errors.Is(err, ErrFull) {
			return ps
		}
		if err != nil {
			t.Fatal(err)
		}
		ps = append(ps, p)
		if s := j.Stats(); s.Bytes > s.Cap+s.Cap/segmentsPerCap {
			t.Fatalf("%d bytes pass the cap of %d", s.Bytes, s.Cap)
		}
	}
}

func TestCap(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, WithCap(1<<20))
	clicks := fill(t, j, subfive.RecordClick)
	if s := j.Stats(); s.Held < s.Cap/2 || s.Held > s.Cap*7/8 {
		t.Errorf("clicks fill %d of %d bytes", s.Held, s.Cap)
	}
	postbacks := fill(t, j, subfive.RecordPostback)
	if len(clicks) == 0 || len(postbacks) == 0 {
		t.Fatalf("%d clicks, %d postbacks", len(clicks), len(postbacks))
	}
	full := j.Stats()
	if _, err := j.Append(t.Context(), subfive.RecordClick, nil); !errors.Is(err, ErrFull) {
		t.Errorf("a click in a full journal: %v", err)
	}
	if _, err := j.Append(t.Context(), subfive.RecordVisit, nil); !errors.Is(err, ErrFull) {
		t.Errorf("a visit in a full journal: %v", err)
	}

	all := slices.Concat(clicks, postbacks)
	follow(t, j, len(all))
	order := segmentIDs(t, dir)
	j.Committed(all)
	if s := j.Stats(); s.Segments != full.Segments || s.Unrecorded != 0 || s.Held > s.Cap/4 {
		t.Errorf("segments go before anybody needs the space: %+v", s)
	}
	mustAppend(t, j, "one more")
	left := segmentIDs(t, dir)
	if left[0] == order[0] {
		t.Errorf("nothing was deleted: %q", left)
	}
	if !slices.Equal(order[len(order)-len(left)+1:], left[:len(left)-1]) && !slices.Equal(order[len(order)-len(left):], left) {
		t.Errorf("not the oldest were deleted: of %q %q are left", order, left)
	}
	if err := j.WaitCommitted(t.Context(), all[0]); err != nil {
		t.Errorf("its segment is gone because it was recorded: %v", err)
	}
	if s := j.Stats(); s.Bytes != diskUsage(t, dir) {
		t.Errorf("%d bytes, on disk %d", s.Bytes, diskUsage(t, dir))
	}
	if diff := cmp.Diff([]string{"one more"}, texts(follow(t, j, 1))); diff != "" {
		t.Error(diff)
	}
	fill(t, j, subfive.RecordPostback)
}

func TestUnrecordedSegmentIsNeverDeleted(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, WithCap(1<<20))
	all := fill(t, j, subfive.RecordPostback)
	first := slices.IndexFunc(all, func(p subfive.Position) bool { return p.Segment != all[0].Segment })
	j.Committed([]subfive.Position{all[first-2]}) // all of the first segment but its last record
	if _, err := j.Append(t.Context(), subfive.RecordPostback, nil); !errors.Is(err, ErrFull) {
		t.Errorf("got %v", err)
	}
	j.Committed([]subfive.Position{all[first-1]})
	mustAppend(t, j, "1")
	if slices.Contains(segmentIDs(t, dir), all[0].Segment) {
		t.Error("the recorded segment is still there")
	}
}

func segmentIDs(t *testing.T, dir string) (ids []string) {
	t.Helper()
	segments, err := listSegments(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range segments {
		ids = append(ids, s.id)
	}
	return ids
}
