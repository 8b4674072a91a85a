package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"subfive"
	"subfive/reconcile"
	"subfive/store"
)

// reconcileFlags are the flags of reconcile.
type reconcileFlags struct {
	network, since, until, by    string
	dryRun, email, differs, json bool
}

func newReconcile(a *app) *cobra.Command {
	var f reconcileFlags
	c := &cobra.Command{
		Use:   "reconcile",
		Short: "Compare the network's own books with ours, and bring ours into line",
		Long: `Asks Everflow's API for its conversions and compares them with those received here and those delivered to
platforms. Conversions whose postback never came are back-filled and forwarded as usual, unless they are too old for
the platform; changes of status and of payout are taken over; possible duplicates are settled. Run again, it changes
nothing more. Set api_key under networks in the file; with one, subfive serve does this every night by itself.

The last 15 minutes are left out, as their postbacks may be on the way, unless --until says otherwise. The visitor's address that the API tells is never
kept, his e-mail only with --email. SUBFIVE_EVERFLOW_URL replaces the API's address, as for the sandbox.`,
		Example: `  subfive reconcile --dry-run
  subfive reconcile --since 30d --by day
  subfive reconcile --differences --json
  subfive reconcile list`,
		Args: exactly(0, "no arguments, but list or show"),
		RunE: func(c *cobra.Command, _ []string) error { return a.reconcile(c.Context(), f) },
	}
	flags := c.Flags()
	flags.StringVar(&f.network, "network", "", "the network, if several have an api_key")
	flags.StringVar(&f.since, "since", "7d", "conversions not before: 7d ago, or 2026-11-20; at most 365d")
	flags.StringVar(&f.until, "until", "15m", "and before: what is younger may be on its way")
	flags.BoolVar(&f.dryRun, "dry-run", false, "compare, and change nothing")
	flags.StringVar(&f.by, "by", "", "rows besides: day, ad or offer")
	flags.BoolVar(&f.differs, "differences", false, "each conversion on which the books differ")
	flags.BoolVar(&f.email, "email", false, "keep the e-mail addresses of back-filled conversions, sealed, and tell them to platforms hashed")
	c.PersistentFlags().BoolVar(&f.json, "json", false, "one JSON object")
	c.AddCommand(newReconcileList(a, &f), newReconcileShow(a, &f))
	return c
}

func newReconcileList(a *app, f *reconcileFlags) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the comparisons that were made", Example: "  subfive reconcile list",
		Args: exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.with(c.Context(), func(s session) error { return a.listReconciliations(c.Context(), s, f.json) })
		},
	}
}

func newReconcileShow(a *app, f *reconcileFlags) *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Show what a comparison came to, and what differed",
		Example: "  subfive reconcile show rc_0123456789abcdefghjkmnpqrs",
		Args:    exactly(1, "a comparison's ID"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(s session) error {
				kept, differing, err := s.Reconciliation(c.Context(), args[0])
				if err != nil {
					return notFound(err, "see subfive reconcile list")
				}
				out, err := readReconciled(kept, differing)
				if err != nil {
					return err
				}
				return a.tellReconciled(out, reconcileFlags{json: f.json, differs: true})
			})
		},
	}
}

// readReconciled puts a kept comparison together again.
func readReconciled(kept store.Reconciliation, differing []json.RawMessage) (reconciled, error) {
	out := reconciled{ID: kept.ID, NetworkID: kept.NetworkID, DryRun: kept.DryRun}
	if kept.Result == nil {
		out.Error = "it is " + kept.State + ": there is no result"
		return out, nil
	}
	if err := json.Unmarshal(kept.Result, &out); err != nil {
		return out, fmt.Errorf("read reconciliation %s: %w", kept.ID, err)
	}
	for _, doc := range differing {
		var d reconcile.Difference
		if err := json.Unmarshal(doc, &d); err != nil {
			return out, fmt.Errorf("read a difference of %s: %w", kept.ID, err)
		}
		out.Differences = append(out.Differences, d)
	}
	return out, nil
}

func (a *app) listReconciliations(ctx context.Context, s session, asJSON bool) error {
	const most = 50
	all, err := s.Reconciliations(ctx, "", most)
	if err != nil {
		return err
	}
	if asJSON {
		for _, one := range all {
			if err := writeJSONLine(a.stdout, one); err != nil {
				return err
			}
		}
		return nil
	}
	t := &tableWriter{w: a.stdout}
	if err := t.head([]string{"reconciliation", "network", "state", "started (utc)", "network has", "we had", "dry run"}); err != nil {
		return err
	}
	for _, one := range all {
		if err := t.row([]any{one.ID, one.NetworkID, one.State, moment(one.StartedAt), one.Theirs, one.Ours, yesNo(one.DryRun)}); err != nil {
			return err
		}
	}
	return t.close()
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func (a *app) reconcile(ctx context.Context, f reconcileFlags) error {
	if f.by != "" && !slices.Contains([]string{"day", "ad", "offer"}, f.by) {
		return usagef("--by %q: it is day, ad or offer", f.by)
	}
	since, until, err := between(f.since, f.until, a.now())
	if err != nil {
		return err
	}
	if !since.Before(until) {
		return usagef("--since must lie before --until")
	}
	return a.with(ctx, func(s session) error {
		setup, err := s.Setup(ctx)
		if err != nil {
			return err
		}
		network, err := networkToAsk(setup, f.network, a.env)
		if err != nil {
			return err
		}
		attributor, err := s.attributor(ctx, a)
		if err != nil {
			return err
		}
		r := &reconciler{
			app: a, file: s.file, store: s.Store, attributor: attributor, contact: sealer{s.vault}.Seal, log: a.log(),
			owner: "command " + a.now().String(), wake: func() {}, // serve looks for what is due by itself
		}
		out, err := r.run(ctx, reconciling{networkID: network.ID, since: since, until: until, dryRun: f.dryRun, email: f.email})
		if err != nil {
			return err
		}
		return a.tellReconciled(out, f)
	})
}

// tellReconciled says in words and numbers what a comparison came to.
func (a *app) tellReconciled(out reconciled, f reconcileFlags) error {
	if f.json {
		if !f.differs {
			out.Differences = nil
		}
		return writeJSON(a.stdout, out)
	}
	p := &page{}
	p.title("RECONCILIATION with " + out.NetworkID + ", " + moment(out.Since) + " to " + moment(out.Until) + " UTC")
	p.line("id", out.ID)
	if out.Error != "" {
		p.line("failed", out.Error)
	}
	t := out.Totals
	p.line("network says", side(t.Theirs))
	p.line("received here", side(t.Received))
	p.line("delivered", side(t.Delivered))
	if t.Claimed > 0 {
		p.line("claimed", count(t.Claimed, "conversion", "conversions")+" by the platforms, as their reports have it")
	}
	p.line("gap", fmt.Sprintf("%.2f %%: of %s of the network's no postback ever came", t.GapPercent, count(t.Unheard, "conversion", "conversions")))
	for _, o := range slices.Sorted(maps.Keys(t.Outcomes)) {
		p.line(strings.ReplaceAll(string(o), "_", " "), outcomeText(o, t.Outcomes[o]))
	}
	if out.Scrubbed > 0 {
		p.line("scrubbed", count(out.Scrubbed, "conversion that the network withholds is", "conversions that the network withholds are")+" left out")
	}
	if out.DryRun {
		p.line("done", "nothing: it was a dry run; without --dry-run it mends what can be mended")
	} else if out.Error == "" {
		p.line("done", fmt.Sprintf("%d back-filled, %d changed, %d settled", out.Backfilled, out.Changed, out.Settled))
		p.line("now", side(out.After)+fmt.Sprintf("; %d of theirs missing", out.MissingAfter))
	}
	if out.Refused > 0 {
		p.line("refused", count(out.Refused, "row", "rows")+" of theirs our database can't keep; the log says which")
	}
	fmt.Fprint(a.stdout, p)
	return errors.Join(breakdownRows(a.stdout, out, f.by), differingRows(a.stdout, out.Differences, f.differs))
}

// side says what one side's books come to.
func side(s reconcile.Side) string {
	text := count(s.Conversions, "conversion", "conversions")
	if s.Rejected > 0 {
		text += fmt.Sprintf(" (%d rejected)", s.Rejected)
	}
	return text + " worth " + sums(s.Payout)
}

func sums(by map[string]subfive.Micros) string {
	var all []string
	for _, currency := range slices.Sorted(maps.Keys(by)) {
		all = append(all, strings.TrimSpace(by[currency].String()+" "+currency))
	}
	if len(all) == 0 {
		return "nothing"
	}
	return strings.Join(all, " + ")
}

// outcomeText says what a difference means, with how many there are.
func outcomeText(o reconcile.Outcome, n int) string {
	switch o {
	case reconcile.MissingHere:
		return count(n, "is", "are") + " in their list, and no postback came"
	case reconcile.MissingThere:
		return count(n, "is", "are") + " here and not in their list: the network may have removed it"
	case reconcile.StatusFlip:
		return count(n, "has", "have") + " another status there"
	case reconcile.PayoutDrift:
		return count(n, "has", "have") + " another amount there"
	case reconcile.PossibleDuplicate:
		return count(n, "is", "are") + " answered by their list"
	case reconcile.Matched:
		return count(n, "agrees", "agree")
	}
	return fmt.Sprint(n)
}

// breakdownRows writes the rows that were asked for.
func breakdownRows(w io.Writer, out reconciled, by string) error {
	rows := map[string][]reconcile.Row{"day": out.Days, "ad": out.Ads, "offer": out.Offers}[by]
	if by == "" {
		return nil
	}
	fmt.Fprintln(w)
	t := &tableWriter{w: w}
	if err := t.head([]string{by, "network", "worth", "received", "worth", "delivered", "claimed", "missing here"}); err != nil {
		return err
	}
	for _, r := range rows {
		key := r.Key
		if key == "" {
			key = "(not known)"
		}
		if err := t.row([]any{key, r.Theirs.Conversions, sums(r.Theirs.Payout), r.Received.Conversions, sums(r.Received.Payout), r.Delivered.Conversions, r.Claimed, r.Missing}); err != nil {
			return err
		}
	}
	return t.close()
}

// differingRows writes each conversion on which the books differ.
func differingRows(w io.Writer, all []reconcile.Difference, wanted bool) error {
	if !wanted || len(all) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	t := &tableWriter{w: w}
	if err := t.head([]string{"day", "outcome", "network's id", "conversion", "goal", "theirs", "ours", "mended", "note"}); err != nil {
		return err
	}
	for _, d := range all {
		theirs, ours := joined(" ", string(d.TheirStatus), amountOf(d.TheirPayout)), joined(" ", string(d.OurStatus), amountOf(d.OurPayout))
		if err := t.row([]any{d.Day, string(d.Outcome), d.NetworkConversionID, d.ConversionID, d.Goal, theirs, ours, yesNo(d.Mended), joined("; ", d.Settled, d.Note)}); err != nil {
			return err
		}
	}
	return t.close()
}

func amountOf(m *subfive.Micros) string {
	if m == nil {
		return ""
	}
	return m.String()
}
