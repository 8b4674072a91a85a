package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"subfive"
	"subfive/journal"
	"subfive/store"
)

// The ways to say whose data is meant.
const (
	asID     = "id"
	asEmail  = subfive.UserEmail
	asPhone  = subfive.UserPhone
	asUserID = subfive.UserID
)

func newForget(a *app) *cobra.Command {
	var as string
	var dryRun bool
	c := &cobra.Command{
		Use:   "forget CLICK_ID|EMAIL|PHONE",
		Short: "Erase a person's data",
		Long: `Erases what is known of a person: address, user agent, user data, platform click IDs and parameters on clicks
and postbacks, in the journal, and in what was captured of exchanges with platforms. What was still to be sent is
not sent. Conversions, their money and their click and transaction IDs stay: by those a repeat is told from a sale.

A person is named by a click's, postback's or conversion's ID, by an e-mail address, or by a phone number with + and
the country in front. Anything else is ambiguous: say what it is with --as. An e-mail address, a phone number and a
user ID are found sealed, in whatever way they are written. A SQLite file is then written anew, so that nothing is
left in it: that takes as much free space as it has, and deliveries wait meanwhile; what comes in does not. One request to a platform may tell of many people: its
captured body goes for all of them, the record that it was sent stays.

Run it on each machine that serves: each has a journal of its own. Backups made before hold the data still: delete
them, or run forget again after a restore. Platforms that were told keep what they have: ask them.`,
		Example: `  subfive forget jane@example.com --dry-run
  subfive forget +14155550123
  subfive forget 01jd3c4z9y8x7w6v5t4s3r2q1p
  subfive forget 4711 --as user_id`,
		Args: exactly(1, "one ID, e-mail address or phone number"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(s session) error { return a.forget(c.Context(), s, args[0], as, dryRun) })
		},
	}
	c.Flags().StringVar(&as, "as", "", "what the argument is: id, email, phone or user_id")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "say what would be erased, and erase nothing")
	return c
}

// whose reads how a person was named.
func whose(s session, named, as string) (store.Person, error) {
	if as == "" {
		_, ours := subfive.ParseClickID(named)
		switch {
		case strings.Contains(named, "@"):
			as = asEmail
		case strings.HasPrefix(named, "+"):
			as = asPhone
		case ours, strings.HasPrefix(named, subfive.PrefixPostback), strings.HasPrefix(named, subfive.PrefixConversion):
			as = asID
		default:
			return store.Person{}, usagef("forget: %q may be several things; say which with --as id, --as phone, --as email or --as user_id", named)
		}
	}
	switch as {
	case asID:
		id := named
		if folded, ok := subfive.ParseClickID(named); ok {
			id = folded
		}
		return store.Person{IDs: []string{id}}, nil
	case asEmail, asPhone, asUserID:
		mac := s.vault.Mac(as, named)
		if mac == "" {
			return store.Person{}, usagef("forget: %q is empty", named)
		}
		return store.Person{Macs: []string{mac}}, nil
	}
	return store.Person{}, usagef("forget: --as is %q; it takes id, email, phone or user_id", as)
}

func (a *app) forget(ctx context.Context, s session, named, as string, dryRun bool) error {
	person, err := whose(s, named, as)
	if err != nil {
		return err
	}
	dir := filepath.Join(s.file.Server.DataDir, journalDir)
	found, records, unread, err := a.search(ctx, s, dir, &person)
	if err != nil {
		return err
	}
	verb := "would erase"
	if !dryRun {
		verb = "erased"
		// The journal goes first: what is not in the database yet comes from there.
		// What of it can't be read keeps nothing else from being erased.
		ids := found.Records(person)
		records, unread = rewriteJournal(ctx, dir, false, func(data []byte) bool { return person.In(data, ids) })
	}
	if found.Empty() && records == 0 {
		return errors.Join(a.finishErase(ctx, s, dryRun), unread)
	}
	if !dryRun {
		if found, err = a.erase(ctx, s, person, found); err != nil {
			return errors.Join(err, unread)
		}
	}
	fmt.Fprintf(a.stdout, "%s the personal data of %s, %s and %s, of %s in the journal, and the captured bodies of %s\n", verb,
		count(len(found.Clicks), "click", "clicks"), count(len(found.Postbacks), "postback", "postbacks"),
		count(len(found.Conversions), "conversion", "conversions"), count(records+len(found.Broken), "record", "records"),
		count(len(found.Attempts), "request", "requests"))
	if found.Unsent > 0 {
		fmt.Fprintf(a.stdout, "not sent any more: %s\n", count(found.Unsent, "delivery", "deliveries"))
	}
	if dryRun {
		a.listFound(found)
		return unread
	}
	if found.Sending > 0 {
		fmt.Fprintf(a.stdout, "%s on the way at this moment: run it again in a minute, for what is captured of that\n",
			count(found.Sending, "delivery is", "deliveries are"))
	}
	fmt.Fprintln(a.stdout, "Backups made before still hold it: delete them, or run forget again after a restore.")
	if s.Dialect() != "sqlite" {
		fmt.Fprintln(a.stdout, "PostgreSQL keeps the old rows on disk until it vacuums: VACUUM clicks, postbacks, conversions, deliveries, attempts.")
	}
	return unread
}

func (a *app) listFound(found store.Traces) {
	for _, list := range []struct {
		what string
		ids  []string
	}{{"clicks", found.Clicks}, {"visits", found.Visits}, {"postbacks", found.Postbacks}, {"conversions", found.Conversions}} {
		if len(list.ids) > 0 {
			fmt.Fprintf(a.stdout, "  %-11s %s\n", list.what, strings.Join(list.ids, " "))
		}
	}
}

// search finds a person in the database and in the journal, each by what the
// other knows, until nothing is new; then person has all IDs. unread says what of
// the journal can't be read.
func (a *app) search(ctx context.Context, s session, dir string, person *store.Person) (found store.Traces, records int, unread, err error) {
	for known := -1; known != len(person.IDs); {
		known = len(person.IDs)
		if found, err = s.Trace(ctx, *person, a.now()); err != nil {
			return found, 0, nil, err
		}
		ids := found.Records(*person)
		records, unread = rewriteJournal(ctx, dir, true, func(data []byte) bool {
			matches := person.In(data, ids)
			if matches {
				nameClicks(data, ids)
			}
			return matches
		})
		person.IDs = slices.Sorted(maps.Keys(ids))
	}
	return found, records, unread, nil
}

// nameClicks adds the IDs that a journal record names.
func nameClicks(data []byte, ids map[string]bool) {
	var r subfive.Record
	if json.Unmarshal(data, &r) != nil {
		return
	}
	named := []string{r.ID}
	if r.Visit != nil {
		named = append(named, r.Visit.ClickID)
	}
	if r.Postback != nil {
		named = append(named, r.Postback.ClickID)
	}
	for _, id := range named {
		if id != "" {
			ids[id] = true
		}
	}
}

// erase erases what was found, and then what was recorded since: of that the
// journal still told. It returns both.
func (a *app) erase(ctx context.Context, s session, person store.Person, found store.Traces) (store.Traces, error) {
	first := s.Erase(ctx, found, a.person(), a.now())
	again, err := s.Trace(ctx, person, a.now())
	if err != nil {
		return found, errors.Join(first, err)
	}
	since := again.Minus(found)
	if since.Empty() && len(since.Deliveries)+len(since.Attempts) == 0 {
		return found, first
	}
	return found.Plus(since), errors.Join(first, s.Erase(ctx, since, a.person(), a.now()))
}

// finishErase does what an earlier run could not.
func (a *app) finishErase(ctx context.Context, s session, dryRun bool) error {
	unfinished, err := s.EraseUnfinished(ctx)
	switch {
	case err != nil:
		return err
	case unfinished && dryRun:
		fmt.Fprintln(a.stdout, "an earlier run did not finish: the database's file still holds what it erased, and would be written anew")
		return nil
	case unfinished:
		if err := s.FinishErase(ctx); err != nil {
			return err
		}
		fmt.Fprintln(a.stdout, "finished what an earlier run erased: the database's file is written anew")
		return nil
	}
	fmt.Fprintln(a.stdout, "nothing is known of that person here")
	return nil
}

// rewriteJournal takes the person out of the journal's records that match, or with
// dryRun counts them.
func rewriteJournal(ctx context.Context, dir string, dryRun bool, match func([]byte) bool) (n int, err error) {
	n, err = journal.Rewrite(ctx, dir, dryRun, func(e subfive.Entry) ([]byte, error) {
		if !match(e.Data) {
			return nil, nil
		}
		return store.StripRecord(e.Data)
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // no serve ran here
	}
	return n, err
}
