package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"subfive"
	"subfive/sandbox"
	"subfive/store"
)

// listenerOf is a destination as the truth about the traffic sees it.
func listenerOf(d subfive.Destination) sandbox.Listener {
	standIn := standInOf(d)
	l := sandbox.Listener{Events: map[string]string{}, Approved: d.OnApproved, Patient: d.Delay > 0}
	l.Unmatched, _ = d.Unmatched.Hold()
	for goal, event := range d.Goals {
		l.Events[goal] = standIn.called(event)
	}
	if slices.Contains(sandbox.Sellers(), d.Platform) {
		l.Platform = d.Platform
	}
	switch d.OnReversal {
	case subfive.ReversalNone:
		l.Kept = sandbox.WhyNotWanted
	case subfive.ReversalRetract:
		l.Kept = sandbox.WhyUnsupported
	default:
		l.Rejected = standIn.called(d.OnReversal)
	}
	return l
}

// demoAccount is what became of all that one destination was owed.
type demoAccount struct {
	destination subfive.Destination
	want        sandbox.Owed
	wantDead    int // refused for good
	wantWaiting int

	delivered, dead, waiting, skipped int
	reasons                           map[sandbox.Why]int
	has                               map[string]int // at the stand-in, by sandbox.Told
	twice                             int
}

// owed is how much there was to tell.
func (c demoAccount) owed() int { return sumOf(c.want.Events) + c.wantDead + c.wantWaiting }

func sumOf[K comparable](counts map[K]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

// account draws up what became of a destination's deliveries, what its stand-in has,
// and what the truth is.
func (a *demoActs) account(ctx context.Context, st *store.Store, d subfive.Destination) (demoAccount, error) {
	l := listenerOf(d)
	c := demoAccount{destination: d, want: l.Owed(a.shots), reasons: map[sandbox.Why]int{}}
	if d.Platform == "tiktok" && a.refused != nil {
		c.wantDead += c.want.Without(l.Told(*a.refused))
	}
	if d.Platform == "google" {
		c.wantWaiting += c.want.Without(l.Told(a.recent))
	}
	query := fmt.Sprintf("SELECT status, reason_code, count(*) FROM v_deliveries WHERE destination_id = '%s' GROUP BY 1, 2", d.ID)
	err := eachRow(ctx, st, query, func(v []any) error {
		many, _ := v[2].(int64)
		n := int(many)
		switch subfive.DeliveryStatus(cellText(v[0])) {
		case subfive.DeliveryDelivered:
			c.delivered += n
		case subfive.DeliveryDead:
			c.dead += n
		case subfive.DeliverySkipped:
			c.skipped += n
			c.reasons[sandbox.Why(cellText(v[1]))] += n
		case subfive.DeliveryScheduled, subfive.DeliverySubmitted, subfive.DeliveryTested, subfive.DeliveryDryRun:
			c.waiting += n
		}
		return nil
	})
	if err != nil {
		return c, err
	}
	c.has, c.twice, err = standInOf(d).has(a.d)
	return c, err
}

// check says what is not as it should be.
func (c demoAccount) check() error {
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf(c.destination.ID+": "+format, args...))
	}
	for _, n := range []struct {
		what      string
		got, want int
	}{
		{"delivered", c.delivered, sumOf(c.want.Events)},
		{"refused", c.dead, c.wantDead},
		{"waiting", c.waiting, c.wantWaiting},
		{"there twice", c.twice, 0},
	} {
		if n.got != n.want {
			wrong("%d are %s, and %d should be", n.got, n.what, n.want)
		}
	}
	for _, why := range keysOfBoth(c.reasons, c.want.Skipped) {
		if got, want := c.reasons[why], c.want.Skipped[why]; got != want {
			wrong("%d are skipped as %s, and %d should be", got, why, want)
		}
	}
	for _, event := range keysOfBoth(c.has, c.want.Events) {
		if got, want := c.has[event], c.want.Events[event]; got != want {
			wrong("its stand-in has %q %d times, and %d were owed", event, got, want)
		}
	}
	return errors.Join(errs...)
}

// keysOfBoth returns the keys of both, sorted.
func keysOfBoth[K cmp.Ordered](a, b map[K]int) []K {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}

// report prints what came of it, and fails when it is not what should have.
func (a *demoActs) report(ctx context.Context) error {
	st := a.d.tracker.store.Load()
	if err := errors.Join(a.counts(ctx, st), a.checkVerdicts(ctx, st)); err != nil {
		return err
	}
	var accounts []demoAccount
	var errs []error
	for _, d := range a.d.tracker.file.Setup.Destinations {
		c, err := a.account(ctx, st, d)
		if err != nil {
			return err
		}
		accounts = append(accounts, c)
		errs = append(errs, c.check())
	}
	if a.failed > 0 {
		errs = append(errs, fmt.Errorf("%d postbacks were refused", a.failed))
	}
	if err := errors.Join(a.table(accounts), a.reasons(ctx, st, accounts)); err != nil {
		return err
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("it does not add up:\n%w", err)
	}
	want := sandbox.Expect(a.shots)
	a.d.sayf("\nIt adds up, event by event: %d conversions of %d postbacks, each told once to whom it concerns. The story of one:",
		want.Conversions, want.Postbacks)
	return a.d.example(ctx, st)
}

// counts prints how many postbacks and conversions there are of each verdict.
func (a *demoActs) counts(ctx context.Context, st *store.Store) error {
	a.d.sayf("")
	for _, view := range []string{"postbacks", "conversions"} {
		var cells []string
		err := eachRow(ctx, st, "SELECT verdict, count(*) FROM v_"+view+" GROUP BY verdict ORDER BY 2 DESC, 1", func(v []any) error {
			cells = append(cells, fmt.Sprintf("%v %v", v[1], v[0]))
			return nil
		})
		if err != nil {
			return err
		}
		a.d.sayf("  %-12s %s", view, strings.Join(cells, " · "))
	}
	return nil
}

// verdictOf is what a tracker says of a conversion of that fate.
func verdictOf(f sandbox.Fate) subfive.Verdict {
	switch f {
	case sandbox.FateMatched:
		return subfive.VerdictMatched
	case sandbox.FateDirect:
		return subfive.VerdictDirect
	case sandbox.FateUnknown:
		return subfive.VerdictWaiting
	case sandbox.FateNone:
		return subfive.VerdictNoClickID
	case sandbox.FateOld:
		return subfive.VerdictOutsideWindow
	case sandbox.FateEarly:
		return subfive.VerdictBeforeClick
	}
	return ""
}

// checkVerdicts holds the conversions against the truth about their clicks.
func (a *demoActs) checkVerdicts(ctx context.Context, st *store.Store) error {
	got, want := map[subfive.Verdict]int{}, map[subfive.Verdict]int{}
	for fate, n := range sandbox.Fates(a.shots) {
		want[verdictOf(fate)] += n
	}
	err := eachRow(ctx, st, "SELECT verdict, count(*) FROM v_conversions GROUP BY verdict", func(v []any) error {
		n, _ := v[1].(int64)
		got[subfive.Verdict(cellText(v[0]))] = int(n)
		return nil
	})
	errs := []error{err}
	for _, verdict := range keysOfBoth(got, want) {
		if got[verdict] != want[verdict] {
			errs = append(errs, fmt.Errorf("%d conversions are %s, and %d should be", got[verdict], verdict, want[verdict]))
		}
	}
	return errors.Join(errs...)
}

// table prints a line a destination.
func (a *demoActs) table(accounts []demoAccount) error {
	a.d.sayf("")
	t := tableWriter{w: a.d.app.stdout}
	if err := t.head([]string{"told to", "owed", "delivered", "waiting", "refused", "skipped", "its stand-in has", "of them twice"}); err != nil {
		return err
	}
	for _, c := range accounts {
		if err := t.row([]any{c.destination.ID, c.owed(), c.delivered, c.waiting, c.dead, c.skipped, sumOf(c.has), c.twice}); err != nil {
			return err
		}
	}
	return t.close()
}

// whyWords are what a buyer reads for a reason.
var whyWords = map[sandbox.Why]string{
	sandbox.WhyPlatform:    "another platform sold the click",
	sandbox.WhyGoal:        "the goal is mapped to none of its events",
	sandbox.WhyOld:         "the click is older than the offer's window",
	sandbox.WhyEarly:       "it happened before its click",
	sandbox.WhyRejected:    "taken back before it was told",
	sandbox.WhyNeverSent:   "nothing was told that could be taken back",
	sandbox.WhyNotWanted:   "taken back, and on_reversal is none",
	sandbox.WhyUnsupported: "taken back, and it takes nothing back",
}

// reasons prints why something was skipped, refused, or waits.
func (a *demoActs) reasons(ctx context.Context, st *store.Store, accounts []demoAccount) error {
	a.d.sayf("")
	for _, c := range accounts {
		for _, why := range slices.Sorted(maps.Keys(c.reasons)) {
			a.d.sayf("  %-8s skipped  %d  %s", c.destination.ID, c.reasons[why], cmp.Or(whyWords[why], string(why)))
		}
	}
	return eachRow(ctx, st, `SELECT destination_id, status, reason, next_attempt_at FROM v_deliveries
		WHERE status IN ('dead', 'scheduled', 'submitted') ORDER BY 2, 1`, func(v []any) error {
		word, next := "refused", ""
		if cellText(v[1]) != string(subfive.DeliveryDead) {
			word, next = "waiting", "; next try "+cellText(v[3])
		}
		a.d.sayf("  %-8s %s  1  %s%s", cellText(v[0]), word, cellText(v[2]), next)
		return nil
	})
}

// longBody is how much of a request is shown in the demo's story: one that carries
// many events hides it.
const longBody = 3000

// example prints the story of a conversion that was retried, or of any.
func (d *demo) example(ctx context.Context, st *store.Store) error {
	var id string
	err := eachRow(ctx, st, `SELECT conversion_id FROM v_deliveries WHERE status = 'delivered' AND destination_id = 'meta'
		ORDER BY attempts DESC, created_at LIMIT 1`, func(v []any) error {
		id = cellText(v[0])
		return nil
	})
	if err != nil || id == "" {
		return err
	}
	d.sayf("\n$ subfive conversions show %s --data-dir %s\n", id, d.dir)
	t, err := tellingOf(ctx, st, id, d.app.now())
	if err != nil {
		return err
	}
	for i, at := range t.Attempts {
		if n := len(at.RequestBody); n > longBody {
			t.Attempts[i].RequestBody = fmt.Sprintf("(%d bytes, of many conversions)", n)
		}
	}
	_, err = fmt.Fprint(d.app.stdout, t)
	return err
}
