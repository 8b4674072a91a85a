package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"subfive"
	"subfive/config"
	"subfive/forwarders/all"
	"subfive/moving"
	"subfive/sources"
	"subfive/store"
)

func newImportCampaigns(a *app) *cobra.Command {
	r := &reading{kind: moving.Campaigns}
	var apply bool
	var output string
	c := &cobra.Command{
		Use:   "campaigns FILE",
		Short: "Write another tracker's campaigns as a part of subfive.yaml",
		Long: `Reads an export of another tracker's campaigns, or a list of live links and postback URLs, one a line,
and writes the sources, offers and campaigns that are not there yet as a part of subfive.yaml, with notes
on what to check. The links' paths become aliases and their parameters the source's names: ads that run
keep their URLs. Nothing is applied unless --apply says so.`,
		Example: `  subfive import campaigns campaigns.csv --output moved.yaml
  subfive import campaigns links.txt
  subfive import campaigns campaigns.csv --apply`,
		Args: exactly(1, "the file"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.importCampaigns(c.Context(), r, args[0], output, apply)
		},
	}
	r.flags(c)
	c.Flags().StringVar(&output, "output", "", "a new file for the fragment, instead of standard output")
	c.Flags().BoolVar(&apply, "apply", false, "bring them into the database, too, if they are complete")
	return c
}

func (a *app) importCampaigns(ctx context.Context, r *reading, path, output string, apply bool) error {
	if output != "" && exists(output) {
		return usagef("--output %s: it is there already; name a new file", output)
	}
	f, err := a.file()
	if err != nil {
		return err
	}
	if !apply && f.Server.DatabaseURL == "" && !exists(filepath.Join(f.Server.DataDir, "subfive.db")) {
		_, err := a.fragment(r, path, output, f.Setup) // nothing was ever applied: the file is all there is
		return err
	}
	vault, err := a.vault(f.Server)
	if err != nil {
		return err
	}
	st, err := a.open(ctx, f.Server, vault)
	if err != nil {
		return err
	}
	defer func() { _ = st.Close() }() // nothing was promised after Apply returned
	has, err := st.Setup(ctx)
	if err != nil {
		return err
	}
	fragment, err := a.fragment(r, path, output, has)
	if err != nil || !apply {
		return err
	}
	return uncontested(func() error { return a.applyFragment(ctx, st, fragment) })
}

// fragment reads the file and writes the fragment.
func (a *app) fragment(r *reading, path, output string, has subfive.Setup) (*moving.Fragment, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, usageError{err}
	}
	defer func() { _ = file.Close() }() // it was only read
	in := bufio.NewReader(file)
	head, err := in.Peek(4096)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	fragment := moving.NewFragment(has)
	reader := moving.CampaignReader{Params: clickParams(), Token: tokens()}
	var refused []*subfive.Rejection
	if moving.IsLinks(string(head)) {
		refused, err = reader.Links(fragment, in)
	} else {
		refused, err = a.campaignRows(r, path, reader, fragment, in)
	}
	if err != nil {
		return nil, err
	}
	for _, wrong := range refused {
		fmt.Fprintf(a.stderr, "rejected: %s\n", plain(wrong.Error()))
	}
	w := a.stdout
	if output != "" {
		out, err := os.OpenFile(output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return nil, fmt.Errorf("write the fragment: %w", err)
		}
		_, err = io.WriteString(out, fragment.YAML())
		if err := errors.Join(err, out.Close()); err != nil {
			return nil, fmt.Errorf("write the fragment: %w", err)
		}
	} else if _, err := io.WriteString(w, fragment.YAML()); err != nil {
		return nil, fmt.Errorf("write the fragment: %w", err)
	}
	fmt.Fprintf(a.stderr, "%s, %s and %s to look at; %d rejected\n", count(len(fragment.Setup.Campaigns), "campaign", "campaigns"),
		count(len(fragment.Setup.Sources), "source", "sources"), count(len(fragment.Setup.Offers), "offer", "offers"), len(refused))
	return fragment, nil
}

func (a *app) campaignRows(r *reading, path string, reader moving.CampaignReader, f *moving.Fragment, in io.Reader) ([]*subfive.Rejection, error) {
	table, err := moving.NewTable(in)
	if err != nil {
		return nil, usageError{fmt.Errorf("%s: %w", path, err)}
	}
	_, columns, err := r.columns(table.Header)
	if err != nil {
		return nil, err
	}
	reader.Columns = columns
	for _, c := range columns {
		fmt.Fprintf(a.stderr, "  %s\n", plain(c.Words()))
	}
	var refused []*subfive.Rejection
	for {
		row, err := table.Next()
		if errors.Is(err, io.EOF) {
			return refused, nil
		}
		if err == nil {
			err = reader.Row(f, row)
		}
		var wrong *subfive.Rejection
		switch {
		case errors.As(err, &wrong):
			refused = append(refused, wrong)
		case err != nil:
			return refused, err
		}
	}
}

// tokens says whose macro a value is, and which dimension it fills in.
func tokens() func(string) (platform, dimension string) {
	known := map[string][2]string{}
	for _, p := range all.Platforms() {
		for _, t := range sources.Find(p.Name).Tokens {
			known[t.Token] = [2]string{p.Name, t.Dimension}
		}
	}
	return func(value string) (string, string) { return known[value][0], known[value][1] }
}

// applyFragment brings what the fragment adds into the database.
func (a *app) applyFragment(ctx context.Context, st *store.Store, f *moving.Fragment) error {
	has, err := st.Setup(ctx)
	if err != nil {
		return err
	}
	whole := has
	whole.Sources = append(whole.Sources[:len(whole.Sources):len(whole.Sources)], f.Setup.Sources...)
	whole.Offers = append(whole.Offers[:len(whole.Offers):len(whole.Offers)], f.Setup.Offers...)
	whole.Campaigns = append(whole.Campaigns[:len(whole.Campaigns):len(whole.Campaigns)], f.Setup.Campaigns...)
	whole = config.Complete(whole, configPlatforms())
	if err := config.Check(whole, configPlatforms()); err != nil {
		return err
	}
	var changes []store.ResourceChange
	each(whole, func(kind store.ResourceKind, _, id string, value any) {
		_, source := f.Setup.Source(id)
		_, offer := f.Setup.Offer(id)
		_, campaign := f.Setup.Campaign(id)
		if kind == store.KindSource && source || kind == store.KindOffer && offer || kind == store.KindCampaign && campaign {
			changes = append(changes, store.ResourceChange{Kind: kind, ID: id, Value: value, Origin: store.OriginAPI})
		}
	})
	if err := st.ApplyChecked(ctx, has.Version, "import", changes, a.now()); err != nil {
		return err
	}
	for _, d := range differences(has, changes) {
		fmt.Fprintln(a.stderr, d)
	}
	return nil
}
