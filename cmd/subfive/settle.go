package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"subfive"
	"subfive/attribution"
)

func newSettle(a *app) *cobra.Command {
	answers := words(attribution.SettleDuplicate, attribution.SettleNew, attribution.SettleCorrection)
	return &cobra.Command{
		Use:   "settle ID " + strings.Join(answers, "|"),
		Short: "Decide a possible duplicate",
		Long: `Decides what a possible duplicate is: a duplicate (the same conversion, told again), new (a conversion of
its own, which is then credited and told), or a correction (the same conversion, and what it says is right).`,
		Example: `  subfive postbacks --verdict possible_duplicate
  subfive postbacks settle pb_0123456789abcdefghjkmnpqrs duplicate`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 2 || !slices.Contains(answers, args[1]) {
				return usagef("%s takes a postback's ID and one of %s; see %s -h", c.CommandPath(), strings.Join(answers, ", "), c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			return a.decide(c.Context(), args[0], func(by *attribution.Attributor) (subfive.Judged, error) {
				return by.Settle(c.Context(), args[0], attribution.Settlement(args[1]), a.person())
			})
		},
	}
}

func newAccept(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "accept ID",
		Short: "Credit a quarantined postback",
		Long:  `Credits a quarantined postback as if nothing had been wrong with it. Do it only for one that you trust.`,
		Example: `  subfive postbacks --verdict quarantined
  subfive postbacks accept pb_0123456789abcdefghjkmnpqrs`,
		Args: exactly(1, "a postback's ID"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.decide(c.Context(), args[0], func(by *attribution.Attributor) (subfive.Judged, error) {
				return by.Accept(c.Context(), args[0], a.person())
			})
		},
	}
}

// decide lets a person decide about a postback, and says what came of it.
func (a *app) decide(ctx context.Context, id string, fn func(*attribution.Attributor) (subfive.Judged, error)) error {
	return a.with(ctx, func(s session) error {
		attributor, err := s.attributor(ctx, a)
		if err != nil {
			return err
		}
		j, err := fn(attributor)
		if err != nil {
			return undecided(err, id)
		}
		fmt.Fprintf(a.stdout, "postback %s is %s\n", id, joined(": ", string(j.Verdict)+" now", named("conversion", j.ConversionID)))
		return nil
	})
}

func newAttach(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "attach ID CLICK",
		Short: "Give a conversion without a click to one",
		Long: `Gives the conversion that a postback made to a click, as you know better: it is credited to the click's
campaign, and its destinations are told.`,
		Example: `  subfive postbacks --verdict unmatched
  subfive postbacks attach pb_0123456789abcdefghjkmnpqrs 01jd3c4z9y8x7w6v5t4s3r2q1p`,
		Args: exactly(2, "a postback's (or conversion's) ID and a click's"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(s session) error { return a.attach(c.Context(), s, args[0], args[1]) })
		},
	}
}

func (a *app) attach(ctx context.Context, s session, id, click string) error {
	conversion := id
	if !strings.HasPrefix(id, subfive.PrefixConversion) {
		j, err := s.Judged(ctx, id)
		if err != nil {
			return undecided(fmt.Errorf("postback %s: %w", id, err), id)
		}
		if conversion = j.ConversionID; conversion == "" {
			return fmt.Errorf("postback %s is %s and made no conversion: only a conversion can be given a click", id, j.Verdict)
		}
	}
	if ours, ok := subfive.ParseClickID(click); ok {
		click = ours
	}
	attributor, err := s.attributor(ctx, a)
	if err != nil {
		return err
	}
	if err := attributor.Attach(ctx, conversion, click, a.person()); err != nil {
		return undecided(err, id)
	}
	fmt.Fprintf(a.stdout, "conversion %s counts for click %s now\n", conversion, click)
	return nil
}

// undecided says what to do about a decision that can't be made.
func undecided(err error, id string) error {
	if errors.Is(err, attribution.ErrNotSettleable) {
		return fmt.Errorf("%w; see subfive postbacks show %s", err, id)
	}
	return notFound(err, "see subfive postbacks and subfive clicks")
}

// person names who decides at this terminal.
func (a *app) person() string {
	if name, ok := a.env("USER"); ok && name != "" {
		return name
	}
	return "a person"
}
