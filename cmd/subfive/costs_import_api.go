package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"

	"subfive/costs"
	"subfive/dashboard"
)

// costsRead is how an export was read, for the REST API.
type costsRead struct {
	DryRun   bool              `json:"dry_run"`
	ImportID string            `json:"import_id,omitempty"`
	Platform costs.Platform    `json:"platform"`
	Columns  []string          `json:"columns"`
	Decimal  costs.Decimal     `json:"decimal,omitempty"`
	Rows     int               `json:"rows"`
	Days     int               `json:"days"`
	Spend    map[string]string `json:"spend"`
	Rejected int               `json:"rejected"`
	Reasons  []string          `json:"reasons"`
	Left     []string          `json:"left"`
	Totals   int               `json:"totals"`
	Sample   []dashboard.Cost  `json:"sample"`
	Notes    []string          `json:"notes"`
}

// ImportCosts reads an export as "import costs" does, for the REST API.
func (b *backend) ImportCosts(ctx context.Context, f dashboard.CostFile) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	setup, err := st.Setup(ctx)
	if err != nil {
		return nil, err
	}
	i := newCostImport(session{Store: st, file: b.t.file, vault: b.t.vault}, costFlags{
		platform: f.Platform, source: f.SourceID, currency: f.Currency, dates: f.Dates, decimal: f.Decimal, dryRun: f.DryRun, atOnce: costRows,
	})
	i.feed = &feed{a: &app{now: b.t.app.now, stdout: io.Discard, stderr: io.Discard}, r: &reading{dryRun: f.DryRun}}
	if err := i.prepare(i.a, setup); err != nil {
		return nil, misread(err)
	}
	if err := i.read(bytes.NewReader(f.Data)); err != nil {
		return nil, misread(usageError{err})
	}
	if err := i.judge(ctx); err != nil {
		return nil, misread(err)
	}
	return i.result(ctx)
}

// misread is what is said to who sent an export that can't be read.
func misread(err error) error {
	if usage, ok := errors.AsType[usageError](err); ok {
		what := strings.ReplaceAll(usage.Error(), "--", "") // flags are fields here
		return dashboard.Refusal{Invalid: true, What: what, Do: "say what it is, or export it again: docs/costs.md says which columns to choose"}
	}
	return err
}

// result keeps the whole days unless it is a dry run, and says what came of it.
func (i *costImport) result(ctx context.Context) (costsRead, error) {
	whole := i.whole()
	_, sample, err := i.sample(ctx)
	if err != nil {
		return costsRead{}, err
	}
	out := costsRead{
		DryRun: i.flags.dryRun, Platform: i.platform, Columns: []string{}, Decimal: i.reader.Decimal, Days: len(whole), Spend: map[string]string{},
		Rejected: i.rejected, Reasons: append([]string{}, i.reasons...), Left: i.left(), Totals: i.totals, Sample: sample,
	}
	for _, c := range i.columns {
		out.Columns = append(out.Columns, c.Words())
	}
	for _, of := range whole {
		out.Rows += i.days[of].rows
	}
	if !i.flags.dryRun {
		clear(i.sums) // of what is kept alone
		added, err := i.keep(ctx, whole)
		if err != nil {
			return out, err
		}
		out.ImportID = i.id
		if added > 0 {
			out.Notes = append(out.Notes, addedNote(added))
		}
	}
	for code, sum := range i.sums {
		out.Spend[code] = sum.String()
	}
	notes, err := i.notes(ctx, whole)
	out.Notes = append(out.Notes, notes...)
	if i.broken {
		out.Notes = append(out.Notes, noWholeDay)
	}
	return out, err
}
