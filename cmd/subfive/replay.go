package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"subfive"
	"subfive/store"
)

// replayFlags are what deliveries are named by.
type replayFlags struct {
	filter              store.DeliveryFilter
	status, kind        string
	since, until        string
	force, dryRun, json bool
}

func newReplay(a *app) *cobra.Command {
	var f replayFlags
	c := &cobra.Command{
		Use:   "replay [DELIVERY…] [filters]",
		Short: "Send again what the filter names, with the same event IDs",
		Long: `Sends deliveries again, decided anew with today's settings: mode, event and value. The event ID stays, so
that a platform that remembers it counts nothing twice. What a platform has, or may have and does not
remember, is left alone unless --force. A delivery of a dry run is sent if its destination is live now.
A running serve sends them. Name at least one filter; try it with --dry-run first.`,
		Example: `  subfive replay --destination meta-main --status dead --since 24h --dry-run
  subfive replay --destination meta-main --status dry_run --since 7d
  subfive replay dl_0123456789abcdefghjkmnpqrs`,
		Args: func(_ *cobra.Command, args []string) error {
			for _, id := range args {
				if !strings.HasPrefix(id, subfive.PrefixDelivery) {
					return usagef("replay: %q is no delivery's ID (%s…); for all of a conversion: --conversion %s", id, subfive.PrefixDelivery, id)
				}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			r, err := f.replay(a, args)
			if err != nil {
				return err
			}
			return a.with(c.Context(), func(s session) error { return a.replay(c.Context(), s, r, f.json) })
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.filter.DestinationID, "destination", "", "who is told")
	flags.StringVar(&f.filter.Platform, "platform", "", "on which platform")
	flags.StringVar(&f.filter.ConversionID, "conversion", "", "what it is about")
	flags.StringVar(&f.status, "status", "", "where it stands: "+strings.Join(deliveryStatuses(), ", "))
	flags.StringVar(&f.filter.ReasonCode, "reason", "", "why, by its code")
	flags.StringVar(&f.kind, "kind", "", "what is told: "+strings.Join(kinds(), ", "))
	flags.StringVar(&f.since, "since", "", "decided not before: 24h or 7d ago, 2026-11-20, or 2026-11-20T15:04:05Z")
	flags.StringVar(&f.until, "until", "", "decided before that moment")
	flags.IntVar(&f.filter.Limit, "limit", 0, "the most, newest first; 0 is no limit")
	flags.BoolVar(&f.dryRun, "dry-run", false, "say what would be sent and change nothing")
	flags.BoolVar(&f.force, "force", false, "also what the platform has, or may have: it may count it twice")
	flags.BoolVar(&f.json, "json", false, "the answer as JSON")
	return c
}

// replay turns the flags into the store's question.
func (f replayFlags) replay(a *app, ids []string) (store.Replay, error) {
	r := store.Replay{Filter: f.filter, Force: f.force, DryRun: f.dryRun, At: a.now(), DedupWindow: dedupWindow}
	r.Filter.IDs = ids
	var err error
	if r.Filter.Since, r.Filter.Until, err = between(f.since, f.until, r.At); err != nil {
		return r, err
	}
	if f.status != "" && !slices.Contains(deliveryStatuses(), f.status) {
		return r, usagef("--status %q: it is one of %s", f.status, strings.Join(deliveryStatuses(), ", "))
	}
	if f.kind != "" && !slices.Contains(kinds(), f.kind) {
		return r, usagef("--kind %q: it is one of %s", f.kind, strings.Join(kinds(), ", "))
	}
	if f.filter.Limit < 0 {
		return r, usagef("--limit %d: it must not be negative", f.filter.Limit)
	}
	r.Filter.Status, r.Filter.Kind = subfive.DeliveryStatus(f.status), subfive.Kind(f.kind)
	names := []string{f.filter.DestinationID, f.filter.Platform, f.filter.ConversionID, f.filter.ReasonCode, f.status, f.kind, f.since, f.until}
	if len(ids) == 0 && strings.Join(names, "") == "" {
		return r, usagef("replay needs a filter, or it would send all there is again; see subfive replay -h")
	}
	return r, nil
}

func (a *app) replay(ctx context.Context, s session, r store.Replay, json bool) error {
	setup, err := s.Setup(ctx)
	if err != nil {
		return err
	}
	if id := r.Filter.DestinationID; id != "" {
		if _, ok := setup.Destination(id); !ok {
			return usagef("there is no destination %q; see: subfive destinations", id)
		}
	}
	r.Decide, r.By = a.decideAgain(setup, s.vault), a.person()
	done, err := s.Replay(ctx, r)
	if errors.Is(err, store.ErrBadQuery) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	if json {
		return writeJSONLine(a.stdout, done)
	}
	p := &page{}
	p.replayed(done, r.DryRun, a.now())
	if done.Sample != nil {
		p.line("sample", done.Sample.ID+" to "+done.Sample.DestinationID)
		sample, err := s.preview(ctx, a, *done.Sample)
		if err != nil {
			p.line("", "it can't be shown here: "+strings.ReplaceAll(err.Error(), "\n", "; "))
		} else {
			p.block(sample, bodyLines)
		}
	}
	_, err = fmt.Fprint(a.stdout, p)
	return err
}

// replayed says what a replay did or would do.
func (p *page) replayed(done store.Replayed, dry bool, now time.Time) {
	verb := "scheduled again, with the same event IDs; a running serve sends them"
	if dry {
		verb = "would be sent again, with the same event IDs (dry run: nothing was changed)"
	}
	p.title(count(done.Count, "delivery", "deliveries") + " " + verb)
	if done.Count > 0 {
		p.line("oldest", utc(done.Oldest)+"  "+span(now.Sub(done.Oldest))+" ago")
		p.line("newest", utc(done.Newest)+"  "+span(now.Sub(done.Newest))+" ago")
	}
	var worth []string
	for _, currency := range slices.Sorted(maps.Keys(done.Value)) {
		worth = append(worth, done.Value[currency].String()+" "+currency)
	}
	p.line("value", strings.Join(worth, ", "))
	var refused [][]string
	for _, why := range slices.Sorted(maps.Keys(done.Refused)) {
		refused = append(refused, []string{strconv.Itoa(done.Refused[why]), why, refusal(why)})
	}
	p.rows("left alone", refused)
	if done.Count == 0 && len(refused) == 0 {
		p.line("", "No delivery matches. See what there is: subfive deliveries")
	}
}

// refusal explains why deliveries are left alone.
func refusal(why string) string {
	switch why {
	case store.RefusedUnfinished:
		return "still being sent"
	case store.RefusedDelivered:
		return "the platform has it (--force sends it again: it may count twice)"
	case store.RefusedAmbiguous:
		return "the platform may have it and no longer remembers the ID (--force sends it: it may count twice)"
	case store.RefusedNotOwed:
		return "today's settings would not send it: see subfive preview CONVERSION DESTINATION"
	}
	return ""
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
