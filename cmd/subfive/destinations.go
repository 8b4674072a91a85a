package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"subfive"
	"subfive/store"
)

func newDestinations(a *app) *cobra.Command {
	var json bool
	c := &cobra.Command{
		Use:   "destinations",
		Short: "List the destinations and how they do; check, pause, resume or switch one",
		Example: `  subfive destinations
  subfive destinations check
  subfive destinations --json`,
		Args: exactly(0, "no arguments, but check, pause, resume or mode"),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.with(c.Context(), func(s session) error { return a.destinations(c.Context(), s, json) })
		},
	}
	c.Flags().BoolVar(&json, "json", false, "one JSON object a line")
	c.AddCommand(newCheck(a), newMode(a), newPause(a), newResume(a))
	return c
}

func (a *app) destinations(ctx context.Context, s session, json bool) error {
	rows, err := destinationRows(ctx, s.Store, a.now())
	if err != nil {
		return err
	}
	if json {
		for _, row := range rows {
			if err := writeJSONLine(a.stdout, row); err != nil {
				return err
			}
		}
		return nil
	}
	if len(rows) == 0 {
		fmt.Fprintln(a.stdout, "No destination yet. Each ad account that is told of conversions will be a line here: write it under\n"+
			"destinations (\"subfive config sample\" shows how), then: subfive apply -f subfive.yaml")
		return nil
	}
	t := &tableWriter{w: a.stdout}
	if err := t.head([]string{"destination", "platform", "account", "mode", "due", "oldest due", "state"}); err != nil {
		return err
	}
	for _, row := range rows {
		oldest := ""
		if at, ok := row["oldest_at"].(time.Time); ok {
			oldest = span(a.now().Sub(at))
		}
		if err := t.row([]any{
			row["destination_id"], row["platform"], row["account"], row["mode"], row["ready"], oldest, destinationState(row),
		}); err != nil {
			return err
		}
	}
	return t.close()
}

// destinationState says in words how a destination does.
func destinationState(row map[string]any) string {
	switch {
	case row["archived"] == true:
		return "archived"
	case row["pause_manual"] == true:
		return joined(": ", "paused until resumed", cellText(row["pause_reason"]))
	case row["pause_code"] == unservedCode:
		return cellText(row["pause_reason"])
	case row["paused"] == true:
		return joined(": ", "paused until "+cellText(row["paused_until"])+" UTC", cellText(row["pause_reason"]))
	}
	return "works"
}

func newMode(a *app) *cobra.Command {
	var to subfive.Switch
	c := &cobra.Command{
		Use:   "mode ID " + strings.Join(modes(), "|"),
		Short: "Switch a destination: dry_run sends nothing, test sends tests, live tells of what comes from now on",
		Long: `Switches a destination. A running serve takes it over within five seconds. What was decided before keeps the
mode it was decided in; to send earlier conversions too, see subfive replay. The mode of a destination that
comes from a file is changed there.`,
		Example: "  subfive destinations mode meta-main live\n  subfive destinations mode google-main live --confirmed secondary_action,no_smart_bidding,value_basis",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 2 || !slices.Contains(modes(), args[1]) {
				return usagef("%s takes a destination's ID and one of %s", c.CommandPath(), strings.Join(modes(), ", "))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(s session) error {
				to.Mode = subfive.Mode(args[1])
				err := setMode(c.Context(), s.Store, a.person(), args[0], to, a.now())
				if errors.Is(err, store.ErrFromFile) {
					return fmt.Errorf("%w: write mode: %s there, then subfive apply -f FILE", err, args[1])
				}
				if err != nil {
					return noDestination(err)
				}
				fmt.Fprintf(a.stdout, "destination %s is in mode %s now, for conversions from now on\n", args[0], args[1])
				if subfive.Mode(args[1]) == subfive.ModeLive {
					fmt.Fprintf(a.stdout, "earlier ones are not sent; to send them too: subfive replay --destination %s --since 24h --dry-run\n", args[0])
				}
				return nil
			})
		},
	}
	c.Flags().BoolVar(&to.CountsForReal, "counts-for-real", false, "mode test: tests may count, where the platform counts them")
	c.Flags().StringSliceVar(&to.Confirmed, "confirmed", nil, "mode live: what you vouch for, where the platform asks for it")
	return c
}

func newPause(a *app) *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use:     "pause ID",
		Short:   "Send a destination nothing until it is resumed; its deliveries wait",
		Example: "  subfive destinations pause meta-main --reason \"new token on Monday\"",
		Args:    exactly(1, "one destination's ID"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(s session) error {
				if err := (pausing{args[0], a.person(), reason, true}).apply(c.Context(), s.Store, a.now()); err != nil {
					return noDestination(err)
				}
				fmt.Fprintf(a.stdout, "destination %s is paused: its deliveries wait until: subfive destinations resume %s\n", args[0], args[0])
				return nil
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why, for those who come after you")
	return c
}

func newResume(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "resume ID",
		Short:   "End a destination's pause, whoever paused it",
		Example: "  subfive destinations resume meta-main",
		Args:    exactly(1, "one destination's ID"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(s session) error {
				if err := (pausing{destinationID: args[0], by: a.person()}).apply(c.Context(), s.Store, a.now()); err != nil {
					return noDestination(err)
				}
				fmt.Fprintf(a.stdout, "destination %s is not paused: a running serve sends what waits\n", args[0])
				return nil
			})
		},
	}
}

func noDestination(err error) error { return notFound(err, "see: subfive destinations") }
