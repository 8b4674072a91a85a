package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"subfive"
	"subfive/moving"
)

func newImportConversions(a *app) *cobra.Command {
	r := &reading{kind: moving.Conversions}
	var endpoint string
	var forward bool
	c := &cobra.Command{
		Use:   "conversions FILE",
		Short: "Take in another tracker's conversions",
		Long: `Reads an export of another tracker's conversions, or any CSV with a click ID or transaction ID and a
time, and takes each row for a postback of the endpoint: one that repeats what was received is no second
conversion. Their time is kept, however old. No destination is told of them: the other tracker has done
that; --forward tells those that still take them.`,
		Example: `  subfive import conversions conversions.csv --dry-run
  subfive import conversions conversions.csv --timezone America/New_York --rejected rejected.csv`,
		Args: exactly(1, "the file"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(s session) error { return a.importConversions(c.Context(), s, r, args[0], endpoint, forward) })
		},
	}
	r.flags(c)
	c.Flags().StringVar(&endpoint, "endpoint", subfive.DefaultEndpoint, "the endpoint they belong to, and with it the network")
	c.Flags().BoolVar(&forward, "forward", false, "tell destinations of them as of any others")
	return c
}

func (a *app) importConversions(ctx context.Context, s session, r *reading, path, endpointID string, forward bool) error {
	setup, err := s.Setup(ctx)
	if err != nil {
		return err
	}
	endpoint, ok := setup.Endpoint(endpointID)
	if !ok {
		return usagef("--endpoint %s: there is no such endpoint", endpointID)
	}
	options, err := r.options(a.now(), s.file.Server.Reporting.Timezone)
	if err != nil {
		return err
	}
	attributor, err := s.attributor(ctx, a)
	if err != nil {
		return err
	}
	f, columns, err := a.openFeed(r, path)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "times that name no zone are read in %s\n", options.Zone)
	reader := moving.ConversionReader{Options: options, Columns: columns, Endpoint: endpoint, Forward: forward}
	verdicts := map[subfive.Verdict]int{}
	owed, imported := 0, 0
	f.take = attributor.Take
	f.taken = func(b subfive.Batch) {
		imported += len(b.Postbacks)
		for _, j := range b.Postbacks {
			verdicts[j.Verdict]++
		}
		for _, d := range b.Deliveries {
			if d.Status == subfive.DeliveryScheduled {
				owed++
			}
		}
	}
	err = f.run(ctx, func(row moving.Row) (subfive.Record, error) {
		p, err := reader.Postback(row)
		return subfive.Record{ID: p.ID, Kind: subfive.RecordPostback, Postback: &p}, err
	})
	if r.dryRun && err == nil {
		fmt.Fprintf(a.stdout, "dry run: %s can be read, %d can't; nothing was recorded\n", count(f.good, "conversion", "conversions"), f.rejected)
		return f.end()
	}
	fmt.Fprintf(a.stdout, "%s imported%s, %d there already, %d rejected\n", count(imported, "row", "rows"), byVerdict(verdicts), f.had, f.rejected)
	switch {
	case forward:
		fmt.Fprintf(a.stdout, "%s scheduled\n", count(owed, "delivery", "deliveries"))
	case imported > 0:
		fmt.Fprintln(a.stdout, "no destination is told of them (reason imported); subfive replay sends single ones")
	}
	if err != nil {
		return fmt.Errorf("import %s: %w; run it again: what was recorded is left alone", path, err)
	}
	return f.end()
}

// byVerdict says what came of the rows, in the order in which people meet the
// words.
func byVerdict(n map[subfive.Verdict]int) string {
	var parts []string
	for _, v := range verdicts() {
		if n[subfive.Verdict(v)] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[subfive.Verdict(v)], v))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(slices.Clip(parts), ", ") + ")"
}
