package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"subfive"
	"subfive/config"
	"subfive/store"
)

func newApply(a *app) *cobra.Command {
	var path string
	var dryRun, prune, countTests bool
	c := &cobra.Command{
		Use:   "apply -f FILE",
		Short: "Bring campaigns, offers and destinations to what a file says",
		Long: `Brings the resources (networks and below) to what the file says and prints the differences. Applying
twice changes nothing. A running serve takes the change over within five seconds. What the file does not
name is left alone, unless --prune archives what an earlier file named.`,
		Example: `  subfive apply -f subfive.yaml --dry-run
  subfive apply -f subfive.yaml`,
		Args: exactly(0, "no arguments, but -f FILE"),
		RunE: func(c *cobra.Command, _ []string) error {
			if path != "" {
				a.configPath = path
			}
			if a.path() == "" {
				return usagef("apply: name the file with -f")
			}
			var options []config.Option
			if countTests {
				options = append(options, config.CountTests())
			}
			return a.apply(c, dryRun, prune, options...)
		},
	}
	c.Flags().StringVarP(&path, "file", "f", "", "the file")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "print the differences and change nothing")
	c.Flags().BoolVar(&countTests, "counts-for-real", false, "this once, let tests count where the platform counts them; counts_for_real: true in the file says it for good")
	c.Flags().BoolVar(&prune, "prune", false, "archive what came from a file and is in it no more")
	return c
}

func (a *app) apply(c *cobra.Command, dryRun, prune bool, options ...config.Option) error {
	f, err := a.file(options...)
	if err != nil {
		return err
	}
	vault, err := a.vault(f.Server)
	if err != nil {
		return err
	}
	st, err := a.open(c.Context(), f.Server, vault)
	if err != nil {
		return err
	}
	defer func() { _ = st.Close() }() // nothing was promised after Apply returned
	var said bytes.Buffer
	err = uncontested(func() error {
		said.Reset()
		return a.applyFile(c.Context(), &said, f, st, dryRun, prune)
	})
	_, unsaid := said.WriteTo(a.stdout)
	return errors.Join(err, unsaid)
}

// applyFile applies the file, and says what that changes.
func (a *app) applyFile(ctx context.Context, w io.Writer, f config.File, st *store.Store, dryRun, prune bool) error {
	before, err := st.Setup(ctx)
	if err != nil {
		return err
	}
	changes, err := a.changes(ctx, f, st, prune)
	if err != nil {
		return err
	}
	all := differences(before, changes)
	for _, d := range all {
		fmt.Fprintln(w, d)
	}
	if len(all) == 0 {
		fmt.Fprintln(w, "nothing to change")
	}
	for _, d := range f.Setup.Destinations {
		if old, ok := before.Destination(d.ID); d.Mode == subfive.ModeLive && (!ok || old.Mode != subfive.ModeLive) {
			fmt.Fprintf(w, "destination %s goes live: conversions from now on are sent, earlier ones are not (subfive replay)\n", d.ID)
		}
	}
	if dryRun {
		fmt.Fprintln(w, "dry run: nothing was changed")
		_, err := st.Plan(ctx, "file", changes, a.now())
		return err
	}
	err = st.ApplyChecked(ctx, before.Version, "file", changes, a.now())
	if errors.Is(err, store.ErrHistory) {
		return usageError{err}
	}
	return err
}
