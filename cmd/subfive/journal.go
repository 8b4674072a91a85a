package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"subfive"
	"subfive/attribution"
	"subfive/journal"
)

// importBatch is how many records are recorded in one transaction.
const importBatch = 1000

func newJournal(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "journal",
		Short: "Take in the intake journal of another node or an earlier time",
		Args:  exactly(0, "no arguments, but import DIR"),
		RunE: func(*cobra.Command, []string) error {
			return usagef("say what to do with the journal: subfive journal import DIR")
		},
	}
	c.AddCommand(&cobra.Command{
		Use:   "import DIR",
		Short: "Record what a journal holds and the database does not",
		Long: `Reads a journal's segments, those of a dead node or of this one after the database was restored from a
backup, and records each click and postback that the database does not have. Doing it twice changes
nothing, and nothing changes in DIR. The journal of a running serve is refused: it records its own.`,
		Example: "  subfive journal import /mnt/dead-node/data/journal",
		Args:    exactly(1, "the journal's folder"),
		RunE: func(c *cobra.Command, args []string) error {
			if st, err := os.Stat(args[0]); err != nil || !st.IsDir() {
				return usagef("journal import: %s is no folder; name the journal folder in a data folder", args[0])
			}
			return a.with(c.Context(), func(s session) error { return a.importJournal(c.Context(), s, args[0]) })
		},
	})
	return c
}

func (a *app) importJournal(ctx context.Context, s session, dir string) error {
	attributor, err := s.attributor(ctx, a)
	if err != nil {
		return err
	}
	in := &intake{attributor: attributor, recorded: func(n int) {
		if isTerminal(a.stderr) {
			fmt.Fprintf(a.stderr, "\r%d records", n)
		}
	}}
	damage := journal.Read(ctx, dir, func(e subfive.Entry) error { return in.add(ctx, e) })
	if errors.Is(damage, journal.ErrLocked) {
		return fmt.Errorf("%w: a serve has %s open and records it itself; stop it first if it can't", damage, dir)
	}
	if in.err == nil { // what could be read is recorded, whatever could not be
		in.err = in.flush(ctx)
	}
	if isTerminal(a.stderr) {
		fmt.Fprintln(a.stderr)
	}
	if in.err != nil {
		return fmt.Errorf("import %s: after %d records: %w; run it again: what was recorded is left alone", dir, in.done, in.err)
	}
	fmt.Fprintf(a.stdout, "%s in %s recorded; what the database had already was left alone\n", count(in.done, "record", "records"), dir)
	if damage != nil {
		return fmt.Errorf("import %s: some of it can't be read: %w", dir, damage)
	}
	return nil
}

// intake records entries batch by batch.
type intake struct {
	attributor *attribution.Attributor
	batch      []subfive.Entry
	done       int
	recorded   func(n int)
	err        error // of recording, as opposed to reading
}

func (in *intake) add(ctx context.Context, e subfive.Entry) error {
	in.batch = append(in.batch, e)
	if len(in.batch) < importBatch {
		return nil
	}
	in.err = in.flush(ctx)
	return in.err
}

func (in *intake) flush(ctx context.Context) error {
	if len(in.batch) == 0 {
		return ctx.Err()
	}
	if err := in.attributor.Record(ctx, in.batch); err != nil {
		return err
	}
	in.done += len(in.batch)
	in.batch = nil
	in.recorded(in.done)
	return nil
}
