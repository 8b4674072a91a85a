package journal

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSegmentNamesSortByCreation(t *testing.T) {
	dir := t.TempDir()
	var names []string
	for _, ordinal := range []int64{1, 2, 9, 10, 99, 1_000_000} {
		s := newSegment(dir, ordinal)
		names = append(names, filepath.Base(s.path))
		back, ok := parseSegment(dir, filepath.Base(s.path))
		if !ok {
			t.Fatalf("%s is not read", s.path)
		}
		if diff := cmp.Diff(s, back, cmp.AllowUnexported(segment{})); diff != "" {
			t.Error(diff)
		}
	}
	if !slices.IsSorted(names) {
		t.Errorf("not sorted: %q", names)
	}
	for _, name := range []string{"lock", "1.segment", "x-y.segment", names[0] + walSuffix, names[0] + unreadableSuffix, "0-" + names[0][11:]} {
		if _, ok := parseSegment(dir, name); ok {
			t.Errorf("%s counts as a segment", name)
		}
	}
}
