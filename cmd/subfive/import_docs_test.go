package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each command in the pages about moving names a command, flags and arguments
// that there are, and each query runs.
func TestMigrationPages(t *testing.T) {
	pages, err := filepath.Glob("../../docs/migrate-*.md")
	if err != nil || len(pages) != 6 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	c := newCommands(t)
	for _, page := range pages {
		t.Run(filepath.Base(page), func(t *testing.T) {
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			commands := 0
			for line := range strings.Lines(string(text)) {
				words := shellWords(line)
				if !strings.HasPrefix(line, "    ") || len(words) == 0 || words[0] != "subfive" {
					continue
				}
				commands++
				root := newRoot(newApp(&bytes.Buffer{}, &bytes.Buffer{}))
				found, rest, err := root.Find(words[1:])
				if err == nil {
					err = found.ParseFlags(rest)
				}
				if err == nil {
					err = found.ValidateArgs(found.Flags().Args())
				}
				switch {
				case err != nil:
					t.Errorf("%s: %v", strings.TrimSpace(line), err)
				case !found.Runnable():
					t.Errorf("%s: it runs nothing", strings.TrimSpace(line))
				case found.Name() == "sql":
					c.run(exitDone, words[1:]...)
				}
			}
			if commands < 10 {
				t.Errorf("only %d commands are found", commands)
			}
		})
	}
}
