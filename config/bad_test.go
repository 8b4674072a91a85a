package config_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive/config"
)

var update = flag.Bool("update", false, "write the golden files")

// platforms are facts like those of the real ones.
func platforms() map[string]config.Platform {
	return map[string]config.Platform{
		"meta":   {NeedsValue: []string{"Purchase"}, MaxBatch: 1000, ClickParams: []string{"fbclid"}, LimitedUse: true, TestsCount: []string{"Purchase", "Lead"}},
		"tiktok": {MaxBatch: 50, ClickParams: []string{"ttclid"}},
		"google": {
			Goals: map[string]string{"base": "purchase"}, MaxBatch: 2000, ClickParams: []string{"gclid"},
			BeforeLive: []config.Confirmation{{ID: "secondary_action", Text: "It is secondary."}, {ID: "value_basis", Text: "The value is agreed."}},
		},
		"relay":  {},
		"sheets": {},
	}
}

func noEnv(string) (string, bool) { return "", false }

func environment(values map[string]string) config.Env {
	return func(name string) (string, bool) {
		value, ok := values[name]
		return value, ok
	}
}

// Each file is something that people write, with all that they are told.
func TestBadFilesAreExplained(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, err = config.Parse(filepath.Base(file), data, noEnv, config.WithPlatforms(platforms()))
			var problems config.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("got %v, want problems", err)
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			got := problems.Error() + "\n"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(got, "hunter2") || strings.Contains(got, "EAABsecret") {
				t.Error("a secret shows")
			}
		})
	}
}
