package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"subfive"
)

func newVersion(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version, the commit it was built from, and Go's",
		Example: "  subfive version",
		Args:    exactly(0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			built, _ := debug.ReadBuildInfo()
			_, err := fmt.Fprintf(a.stdout, "subfive %s%s %s %s/%s\n", subfive.Version, commit(built), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

// commit is the one that a binary was built from, where it knows.
func commit(built *debug.BuildInfo) string {
	if built == nil {
		return ""
	}
	var revision, modified string
	for _, s := range built.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = " " + s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = "+changes"
		}
	}
	if revision == "" {
		return ""
	}
	return revision + modified
}
