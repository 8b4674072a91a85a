package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/config"
)

// Whatever is in a file, it is either understood, and then complete and in
// order, or all that is wrong with it is said with a place in it.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(files, "testdata/full.yaml") {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(config.Sample()))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := config.Parse("f.yaml", data, noEnv, config.WithPlatforms(platforms()))
		if err != nil {
			var problems config.Problems
			if !errors.As(err, &problems) || len(problems) == 0 {
				t.Fatalf("%T %v, want problems", err, err)
			}
			for _, p := range problems {
				if p.What == "" || p.File == "" || p.Line < 0 {
					t.Fatalf("%#v says nothing", p)
				}
			}
			return
		}
		if err := config.Check(file.Setup, platforms()); err != nil {
			t.Fatalf("parsed, and then: %v", err)
		}
		if diff := cmp.Diff(file.Setup, config.Complete(file.Setup, platforms())); diff != "" {
			t.Fatal(diff)
		}
		for _, d := range file.Setup.Destinations {
			var tree map[string]any
			if err := config.DecodeSettingsAnywhere(d.Settings, noEnv, &tree); err != nil {
				t.Fatalf("settings %q: %v", d.Settings, err)
			}
		}
		if differences := config.Diff(subfive.Setup{}, file.Setup); len(differences) == 0 {
			t.Fatal("nothing was added")
		}
	})
}
