package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"subfive/attribution"
)

func newTest(a *app) *cobra.Command {
	var undo, retract, asJSON bool
	c := &cobra.Command{
		Use:   "test ID",
		Short: "Mark a conversion as a test, or take that back",
		Long: `Marks a conversion as a test: it counts nowhere, and what was to be sent of it is not. What platforms were told
already is named, and taken back with --retract where the platform can. With --undo it is again what it was, and
what was not sent is owed again.`,
		Example: `  subfive conversions test cv_0123456789abcdefghjkmnpqrs
  subfive conversions test cv_0123456789abcdefghjkmnpqrs --undo`,
		Args: exactly(1, "a conversion's ID"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := atMostOne(c.Flags(), "undo", "retract"); err != nil {
				return err
			}
			m := attribution.TestMark{Test: !undo, Retract: retract, By: a.person()}
			return a.with(c.Context(), func(s session) error { return a.markTest(c.Context(), s, args[0], m, asJSON) })
		},
	}
	c.Flags().BoolVar(&undo, "undo", false, "it is no test after all")
	c.Flags().BoolVar(&retract, "retract", false, "take back what platforms were told")
	c.Flags().BoolVar(&asJSON, "json", false, "the answer as JSON")
	return c
}

func (a *app) markTest(ctx context.Context, s session, id string, m attribution.TestMark, asJSON bool) error {
	attributor, err := s.attributor(ctx, a)
	if err != nil {
		return err
	}
	done, err := markTest(ctx, attributor, s.Store, id, m, a.now())
	if errors.Is(err, attribution.ErrNotSettleable) {
		return fmt.Errorf("%w; see subfive conversions show %s", err, id)
	}
	if err != nil {
		return notFound(err, "see subfive conversions")
	}
	if asJSON {
		return writeJSONLine(a.stdout, done)
	}
	fmt.Fprintf(a.stdout, "conversion %s is %s now\n", id, done.Verdict)
	for _, l := range []struct {
		what string
		ids  []string
	}{{"not sent", done.Skipped}, {"platforms have", done.Told}, {"made", done.Made}} {
		if len(l.ids) > 0 {
			fmt.Fprintf(a.stdout, "  %-14s %s\n", l.what, strings.Join(l.ids, " "))
		}
	}
	return nil
}
