package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"subfive"
	"subfive/store"
)

// spreadEvery is how often imported costs are spread anew over the clicks that
// came after them.
const spreadEvery = 5 * time.Minute

func newRebuild(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "rebuild",
		Short: "Count reports' sums anew from what is recorded",
	}
	c.AddCommand(newRebuildDays(a))
	return c
}

func newRebuildDays(a *app) *cobra.Command {
	var since string
	c := &cobra.Command{
		Use:   "days",
		Short: "Count the sums by day and hour anew",
		Long: `Counts the sums that v_daily and the screens read anew from clicks and conversions, a day at a time, and
corrects those that differ. It also stamps clicks and conversions with their day anew: run it after you changed
reporting.timezone, once all processes run with the new one. Serve may run meanwhile, and it may be broken off and
run again. Days whose clicks retention has deleted keep what was counted.`,
		Example: `  subfive rebuild days
  subfive rebuild days --since 2026-11-01
  subfive rebuild days --since 3d`,
		Args: exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.with(c.Context(), func(s session) error {
				day, err := sinceDay(since, s.file.Server.Reporting.Timezone, a.now())
				if err != nil {
					return err
				}
				return a.rebuildDays(c.Context(), s, day)
			})
		},
	}
	c.Flags().StringVar(&since, "since", "", "the first day, as 2026-11-01, or how long ago, as 3d; all days without it")
	return c
}

// sinceDay reads --since as a day in the reporting time zone.
func sinceDay(text, timezone string, now time.Time) (string, error) {
	if text == "" {
		return "", nil
	}
	if _, err := time.Parse(time.DateOnly, text); err == nil {
		return text, nil
	}
	ago, err := subfive.ParseDuration(text)
	if err != nil || ago < 0 {
		return "", usagef("--since %s: write a day as 2026-11-01, or how long ago, as 3d", text)
	}
	zone, err := time.LoadLocation(timezone)
	if err != nil {
		return "", fmt.Errorf("reporting.timezone: %w", err)
	}
	return now.Add(-ago).In(zone).Format(time.DateOnly), nil
}

func (a *app) rebuildDays(ctx context.Context, s session, since string) error {
	done, err := s.RebuildDays(ctx, since, a.now(), func(day string) { fmt.Fprintln(a.stderr, day) })
	if errors.Is(err, subfive.ErrConflict) {
		return fmt.Errorf("%w; another rebuild runs: wait for its end", err)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "%d days counted anew, %d of them differed; %d clicks and conversions got another day\n", done.Days, done.Changed, done.Restamped)
	if done.Kept != "" {
		fmt.Fprintf(a.stdout, "days before %s stay as they were counted: their clicks are deleted\n", done.Kept)
	}
	return nil
}

// daysKeeper is what keeps sums by day in order.
type daysKeeper interface {
	StampZone(ctx context.Context) (rebuild bool, err error)
	SpreadCosts(ctx context.Context, at time.Time) (int, error)
}

var _ daysKeeper = (*store.Store)(nil)

// stampZone notes the time zone of a new database's days, and says when they
// were counted in another one. It comes before anything is recorded.
func (t *tracker) stampZone(ctx context.Context, k daysKeeper) {
	rebuild, err := k.StampZone(ctx)
	switch {
	case err != nil && ctx.Err() == nil:
		t.log.ErrorContext(ctx, "look up in which time zone days are counted", "err", err)
	case rebuild:
		t.log.WarnContext(ctx, "reports by day are not counted in the reporting time zone yet; run: subfive rebuild days", "timezone", t.zone.String())
	}
}

// spreadCosts spreads costs over the clicks that came after them, until ctx
// ends.
func (t *tracker) spreadCosts(ctx context.Context, k daysKeeper) {
	tick := time.NewTicker(spreadEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if _, err := k.SpreadCosts(ctx, t.app.now()); err != nil && ctx.Err() == nil {
			t.log.ErrorContext(ctx, "spread costs over later clicks; it is tried again", "err", err)
		}
	}
}
