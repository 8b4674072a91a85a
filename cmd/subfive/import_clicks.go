package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"subfive"
	"subfive/forwarders/all"
	"subfive/moving"
)

func newImportClicks(a *app) *cobra.Command {
	r := &reading{kind: moving.Clicks}
	var source, campaign string
	c := &cobra.Command{
		Use:   "clicks FILE",
		Short: "Take in another tracker's clicks, so that its postbacks find them",
		Long: `Reads an export of another tracker's clicks, or any CSV with a click ID and a time, and records each as
a click of the kind import. Its ID stays what it was: a postback that brings it is matched, those too
that came before and wait. A click that is there already is left alone.`,
		Example: `  subfive import clicks clicks.csv --source meta-us --dry-run
  subfive import clicks clicks.csv --source meta-us --timezone America/New_York --rejected rejected.csv
  subfive import clicks clicks.csv --from generic --map "Subscription=click_id" --map "When=time" --campaign spring`,
		Args: exactly(1, "the file"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(s session) error { return a.importClicks(c.Context(), s, r, args[0], source, campaign) })
		},
	}
	r.flags(c)
	c.Flags().StringVar(&source, "source", "", "the source they were bought from; else that of each click's campaign")
	c.Flags().StringVar(&campaign, "campaign", "", "our campaign they belong to; else the one that each row names, by ID, alias or name")
	return c
}

func (a *app) importClicks(ctx context.Context, s session, r *reading, path, source, campaign string) error {
	setup, err := s.Setup(ctx)
	if err != nil {
		return err
	}
	p := newPlaces(setup)
	if err := p.fix(source, campaign); err != nil {
		return err
	}
	zone := p.fixed.Source.Timezone
	if zone == "" {
		zone = s.file.Server.Reporting.Timezone
	}
	options, err := r.options(a.now(), zone)
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
	reader := moving.ClickReader{Options: options, Columns: columns, Params: clickParams(), Place: p.of}
	imported, homeless := 0, 0
	f.take = attributor.Take
	f.taken = func(b subfive.Batch) {
		imported += len(b.Clicks)
		for _, c := range b.Clicks {
			if c.SourceID == "" {
				homeless++
			}
		}
	}
	err = f.run(ctx, func(row moving.Row) (subfive.Record, error) {
		click, err := reader.Click(row)
		return subfive.Record{ID: click.ID, Kind: subfive.RecordClick, Click: &click}, err
	})
	if r.dryRun && err == nil {
		fmt.Fprintf(a.stdout, "dry run: %s can be read, %d can't; nothing was recorded\n", count(f.good, "click", "clicks"), f.rejected)
		return f.end()
	}
	fmt.Fprintf(a.stdout, "%s imported, %d there already, %d rejected\n", count(imported, "click", "clicks"), f.had, f.rejected)
	if homeless > 0 {
		fmt.Fprintf(a.stdout, "%d of them have no source: their conversions count, and no destination is told; name it with --source or --campaign\n", homeless)
	}
	if err != nil {
		return fmt.Errorf("import %s: %w; run it again: what was recorded is left alone", path, err)
	}
	return f.end()
}

// places finds our campaigns by what another tracker calls them.
type places struct {
	setup  subfive.Setup
	byName map[string]string // folded name, ID or alias → campaign ID
	fixed  moving.Place      // what flags say for all
}

func newPlaces(s subfive.Setup) *places {
	p := &places{setup: s, byName: map[string]string{}}
	for _, c := range s.Campaigns {
		for _, alias := range c.Aliases {
			p.byName[strings.ToLower(strings.Trim(alias, "/ "))] = c.ID
		}
	}
	for _, c := range s.Campaigns {
		p.byName[c.ID] = c.ID
	}
	return p
}

// fix sets what holds for all clicks.
func (p *places) fix(source, campaign string) error {
	if campaign != "" {
		c, ok := p.setup.Campaign(campaign)
		if !ok {
			return usagef("--campaign %s: there is no such campaign; subfive links lists them", campaign)
		}
		p.fixed.Campaign = c
		p.fixed = p.at(p.fixed, c.Source)
	}
	if source == "" {
		return nil
	}
	if _, ok := p.setup.Source(source); !ok {
		var ids []string
		for _, s := range p.setup.Sources {
			ids = append(ids, s.ID)
		}
		return usagef("--source %s: there is no such source; there is: %s", source, strings.Join(ids, ", "))
	}
	p.fixed = p.at(p.fixed, source)
	return nil
}

func (p *places) at(place moving.Place, source string) moving.Place {
	place.Source, _ = p.setup.Source(source)
	place.ExternalParam = ""
	if platform, ok := all.Find(place.Source.Platform); ok && len(platform.ClickParams) > 0 {
		place.ExternalParam = platform.ClickParams[0]
	}
	return place
}

// of is where a click belongs whose row names a campaign.
func (p *places) of(name string) moving.Place {
	place := p.fixed
	if place.Campaign.ID != "" || name == "" {
		return place
	}
	id, ok := p.byName[strings.ToLower(strings.Trim(name, "/ "))]
	if !ok {
		id, ok = p.byName[moving.Slug(name)]
	}
	if !ok {
		return place
	}
	place.Campaign, _ = p.setup.Campaign(id)
	if place.Source.ID == "" {
		place = p.at(place, place.Campaign.Source)
	}
	return place
}
