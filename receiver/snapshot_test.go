package receiver_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive/receiver"
)

func TestSnapshot(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "routes.json")
	if _, err := receiver.ReadSnapshot(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before there is one: %v", err)
	}
	given := setup()
	for range 2 { // the second replaces the first
		given.Version++
		if err := receiver.WriteSnapshot(path, given); err != nil {
			t.Fatal(err)
		}
	}
	want := setup()
	want.Version = 2
	want.Networks[0].APIKey = ""
	want.Destinations[0].Settings = ""
	got, err := receiver.ReadSnapshot(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("set-up (-want +got):\n%s", diff)
	}
	if given.Networks[0].APIKey == "" || given.Destinations[0].Settings == "" {
		t.Error("the caller's set-up was changed")
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 {
		t.Errorf("mode %s, want 0600", info.Mode())
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Errorf("%d files left, %v", len(files), err)
	}
}

func TestSnapshotThatCannotBe(t *testing.T) {
	dir := t.TempDir()
	if err := receiver.WriteSnapshot(filepath.Join(dir, "none", "routes.json"), setup()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in no folder: %v", err)
	}
	occupied := filepath.Join(dir, "routes.json")
	if err := os.MkdirAll(filepath.Join(occupied, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := receiver.WriteSnapshot(occupied, setup()); err == nil {
		t.Error("over a folder: no error")
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("%d files left, %v", len(files), err)
	}
	bad := filepath.Join(dir, "bad.json")
	if err := os.WriteFile(bad, []byte(`{"version":`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := receiver.ReadSnapshot(bad); err == nil {
		t.Error("cut off: no error")
	}
}
