package store

import (
	"errors"
	"testing"
)

func FuzzCursor(f *testing.F) {
	f.Add("", "")
	f.Add("MTc3Nzg5NjAwMDAwMHxjdl8x", "cv_1")
	f.Add("eA", "a|b")
	f.Fuzz(func(t *testing.T, c, id string) {
		if _, _, err := readCursor(c); err != nil && !errors.Is(err, ErrBadQuery) {
			t.Errorf("%q: %v", c, err)
		}
		if checkValues([]any{id}) != nil {
			return
		}
		ms, back, err := readCursor(cursor(int64(-7), id))
		if err != nil || ms != -7 || back != id {
			t.Errorf("%q came back as %d, %q, %v", id, ms, back, err)
		}
	})
}
