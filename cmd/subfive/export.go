package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"subfive"
	"subfive/config"
	"subfive/forwarders/google"
	"subfive/store"
)

func newExport(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:     "export",
		Short:   "Write a file for others to read",
		Example: "  subfive export conversions -o conversions.parquet\n  subfive export google-ads --conversion-name \"Lead import\" -o conversions.csv",
		Args:    exactly(0, "no arguments, but the name of what to export"),
		RunE: func(*cobra.Command, []string) error {
			return usagef("say what to export: subfive export clicks, conversions or deliveries, or subfive export google-ads")
		},
	}
	c.AddCommand(newExportData(a, "clicks", "clicked"), newExportData(a, "conversions", "converted"),
		newExportData(a, viewDeliveries, "decided"), newExportGoogleAds(a))
	return c
}

// googleExport is what "export google-ads" was asked for.
type googleExport struct {
	destination, since, until string
	from, to                  time.Time
	adjustments               bool
	form                      google.FileConfig
	flavor, out               string
}

func newExportGoogleAds(a *app) *cobra.Command {
	var e googleExport
	c := &cobra.Command{
		Use:   "google-ads",
		Short: "Write Google Ads' file of conversions from clicks, or of their adjustments",
		Long: `Writes the file by which Google Ads takes in conversions of its clicks, for Goals > Conversions > Uploads or for
a connector of its Data manager. A row is a conversion that a Google destination is owed, a dry run's too, with
the value that was decided then; its order ID is what the API is told as the transaction ID, so that nothing
counts twice. Without a Google destination it is each matched conversion of a click from a source on
google, by the rules of a destination with the defaults.

--adjustments writes the other file: what the network rejected since is taken back, and what it pays otherwise
now is restated. --since and --until are then when that happened.

What is left out is said on standard error, and why. The file can be written anew each hour: Google takes a row
once. Have it reach back some days more than you need.`,
		Example: `  subfive export google-ads --conversion-name "Lead import" -o conversions.csv
  subfive export google-ads --since 3d --timezone America/New_York
  subfive export google-ads --adjustments --since 7d -o adjustments.csv
  subfive export google-ads --ids gbraid --flavor data-manager`,
		Args: exactly(0, "flags only"),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := atMostOne(c.Flags(), "adjustments", "ids"); err != nil {
				return err
			}
			var err error
			if e.from, e.to, err = between(e.since, e.until, a.now()); err != nil {
				return err
			}
			e.form.Flavor, e.form.Now = google.Flavor(e.flavor), a.now()
			if _, err := e.begin(io.Discard); err != nil {
				return usageError{err}
			}
			return a.with(c.Context(), func(s session) error { return e.run(c.Context(), a, s) })
		},
	}
	flags := c.Flags()
	flags.StringVar(&e.destination, "destination", "", "the Google destination, where there are several")
	flags.StringVar(&e.since, "since", "", "decided not before: 24h or 7d ago, 2026-11-20, or 2026-11-20T15:04:05Z")
	flags.StringVar(&e.until, "until", "", "decided before that moment")
	flags.StringVar(&e.form.ConversionName, "conversion-name", "", "the conversion action's name as Google Ads shows it, instead of the event that goals name")
	flags.BoolVar(&e.adjustments, "adjustments", false, "what is taken back or restated, instead of the conversions")
	flags.StringVar(&e.form.ClickID, "ids", "gclid", "the click IDs in the file: gclid, gbraid or wbraid; a file has one kind")
	flags.StringVar(&e.flavor, "flavor", string(google.FlavorBulk), "who reads it: bulk (Uploads) or data-manager (a connector)")
	flags.StringVar(&e.form.TimeZone, "timezone", "", "what times are written in: America/New_York, or -0300; each has its offset (default UTC)")
	flags.StringVarP(&e.out, "output", "o", "", "the file, which is replaced when all is written (default standard output)")
	return c
}

// rows takes deliveries and makes rows of them.
type rows interface {
	add(d subfive.Delivery) (written bool, leftOut string, err error)
	Close() error
}

type conversionRows struct{ *google.ConversionFile }

func (r conversionRows) add(d subfive.Delivery) (bool, string, error) {
	leftOut, err := r.Add(d)
	return leftOut == "", leftOut, err
}

// adjustmentRows are of conversions that changed in a time.
type adjustmentRows struct {
	*google.AdjustmentFile
	from, to time.Time
	worth    func(subfive.Delivery) *subfive.Money // today
}

func (r adjustmentRows) add(d subfive.Delivery) (bool, string, error) {
	adjustment, ok := google.AdjustmentOf(d, r.worth(d))
	if !ok || adjustment.At.Before(r.from) || !r.to.IsZero() && !adjustment.At.Before(r.to) {
		return false, "", nil
	}
	leftOut, err := r.Add(adjustment)
	return leftOut == "", leftOut, err
}

// begin writes the headers.
func (e *googleExport) begin(w io.Writer) (rows, error) {
	if e.adjustments {
		f, err := google.NewAdjustmentFile(w, e.form)
		return adjustmentRows{AdjustmentFile: f, from: e.from, to: e.to}, err
	}
	f, err := google.NewConversionFile(w, e.form)
	return conversionRows{f}, err
}

func (e *googleExport) run(ctx context.Context, a *app, s session) error {
	setup, err := s.Setup(ctx)
	if err != nil {
		return err
	}
	to, configured, err := e.choose(setup)
	if err != nil {
		return err
	}
	if !configured {
		setup = withStandIn(setup, to)
		fmt.Fprintln(a.stderr, "there is no google destination: the file has conversions of clicks from sources on google, worth their payout")
	}
	decide := a.decideAgain(setup, s.vault)
	t := tally{out: map[string]*leftOut{}, names: map[string]int{}}
	err = writeTo(e.out, a.stdout, func(w io.Writer) error {
		rows, err := e.begin(w)
		if err != nil {
			return err
		}
		if r, ok := rows.(adjustmentRows); ok {
			r.worth = func(d subfive.Delivery) *subfive.Money { return decide(d).Value }
			rows = r
		}
		add := func(d subfive.Delivery) error { return t.add(rows, d) }
		if configured {
			err = s.EachDelivery(ctx, e.filter(to), add)
		} else {
			err = e.eachClicked(ctx, s, setup, to, decide, add)
		}
		if err != nil {
			return err
		}
		return rows.Close()
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(a.stderr, t.text(e))
	return err
}

// choose returns the destination whose conversions are meant; configured is
// false for one that the setup does not have.
func (e *googleExport) choose(setup subfive.Setup) (to subfive.Destination, configured bool, err error) {
	if e.destination != "" {
		to, ok := setup.Destination(e.destination)
		switch {
		case !ok:
			return to, false, usagef("there is no destination %q; see: subfive destinations", e.destination)
		case to.Platform != "google":
			return to, false, usagef("destination %s is on %s, not on google", to.ID, to.Platform)
		}
		return to, true, nil
	}
	var all []subfive.Destination
	for _, d := range setup.Destinations {
		if d.Platform == "google" && d.ArchivedAt == nil {
			all = append(all, d)
		}
	}
	switch len(all) {
	case 0:
		// No destination's ID has a space: it is nobody's.
		return subfive.Destination{ID: "google file", Platform: "google", Mode: subfive.ModeLive}, false, nil
	case 1:
		return all[0], true, nil
	}
	ids := make([]string, len(all))
	for i, d := range all {
		ids[i] = d.ID
	}
	return to, false, usagef("there are several google destinations: name one with --destination: %s", strings.Join(ids, ", "))
}

// withStandIn adds a destination with the defaults of a Google one, so that what
// it would be owed is decided by the same rules.
func withStandIn(setup subfive.Setup, to subfive.Destination) subfive.Setup {
	setup.Destinations = append(slices.Clone(setup.Destinations), to)
	return config.Complete(setup, configPlatforms())
}

// filter names the deliveries to look at. What was decided too long ago to be
// adjusted is not read for adjustments.
func (e *googleExport) filter(to subfive.Destination) store.DeliveryFilter {
	f := store.DeliveryFilter{DestinationID: to.ID, Kind: subfive.KindConversion, NewestOnly: true, Since: e.from, Until: e.to}
	if e.adjustments {
		f.Since, f.Until = e.form.Now.Add(-google.AdjustAge), time.Time{}
	}
	return f
}

// eachClicked makes the deliveries that the stand-in would be owed: with the
// payout that each conversion came with, as one frozen then.
func (e *googleExport) eachClicked(ctx context.Context, s session, setup subfive.Setup, to subfive.Destination, decide func(subfive.Delivery) subfive.Delivery, add func(subfive.Delivery) error) error {
	f := e.filter(to)
	return s.EachClicked(ctx, store.ClickedFilter{Platform: to.Platform, Since: f.Since, Until: f.Until}, func(c subfive.Conversion, click subfive.Click) error {
		first := c
		if c.PayoutFirst != nil {
			first.Payout = c.PayoutFirst
		}
		d := decide(subfive.Delivery{
			ConversionID: c.ID, DestinationID: to.ID, Platform: to.Platform, Kind: subfive.KindConversion, Generation: 1,
			Conversion: first, Click: &click,
		})
		offer, _ := setup.Offer(c.OfferID)
		if d.Status != subfive.DeliverySkipped && offer.PayoutMax != nil && c.Payout != nil && *c.Payout > *offer.PayoutMax {
			d.Status, d.ReasonCode = subfive.DeliverySkipped, "payout_above_max" // a replay, which decides again, is a person's word
		}
		d.CreatedAt, d.Conversion = c.ReceivedAt, c
		return add(d)
	})
}

// tally counts rows, and what became none.
type tally struct {
	rows, outCount int
	names          map[string]int
	out            map[string]*leftOut // by reason
}

type leftOut struct {
	count int
	ids   []string // the first few conversions
}

// shownIDs is how many conversions of a reason are named.
const shownIDs = 3

func (t *tally) add(r rows, d subfive.Delivery) error {
	written, why, err := r.add(d)
	switch {
	case err != nil:
		return err
	case written:
		t.rows++
		t.names[d.EventName]++
	case why != "":
		t.outCount++
		o := t.out[why]
		if o == nil {
			o = &leftOut{}
			t.out[why] = o
		}
		if o.count++; len(o.ids) < shownIDs {
			o.ids = append(o.ids, d.ConversionID)
		}
	}
	return nil
}

// text is the summary, the most frequent reason first.
func (t *tally) text(e *googleExport) string {
	var b strings.Builder
	fmt.Fprintf(&b, "rows: %d, left out: %d\n", t.rows, t.outCount)
	reasons := slices.Sorted(maps.Keys(t.out))
	slices.SortStableFunc(reasons, func(x, y string) int { return t.out[y].count - t.out[x].count })
	for _, why := range reasons {
		o := t.out[why]
		more := ""
		if o.count > len(o.ids) {
			more = ", …"
		}
		fmt.Fprintf(&b, "  %d: %s (%s%s)\n", o.count, plain(why), strings.Join(o.ids, ", "), more)
	}
	if t.outCount > 0 {
		b.WriteString("why one was decided so: subfive conversions show ID\n")
	}
	if e.form.ConversionName == "" && t.rows > 0 {
		names := slices.Sorted(maps.Keys(t.names))
		for i, n := range names {
			names[i] = fmt.Sprintf("%q", n)
		}
		fmt.Fprintf(&b, "the file names %s: that must be the conversion action's name, exactly; else give --conversion-name\n", strings.Join(names, ", "))
	}
	if !e.adjustments && e.form.ClickID != "gclid" {
		fmt.Fprintf(&b, "Google's pages disagree on the header of %ss: hold the file against the template of Goals > Conversions > Uploads first\n", e.form.ClickID)
	}
	return b.String()
}

// writeTo writes to stdout, or to a file that is replaced only when all of it is
// written: whoever fetches it on a schedule never sees half of one.
func writeTo(path string, stdout io.Writer, write func(io.Writer) error) (err error) {
	if path == "" || path == "-" {
		return write(stdout)
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // a link stays one
	}
	if st, err := os.Stat(path); err == nil && !st.Mode().IsRegular() {
		return writeInto(path, write) // a pipe or a device is no file to replace
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("make the file: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // what went wrong is told already
		}
	}()
	if st, statErr := os.Stat(path); statErr == nil {
		err = f.Chmod(st.Mode().Perm()) // a web server may read it
	}
	if err == nil {
		err = write(f)
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// writeInto writes to what is there and is no regular file.
func writeInto(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("open the file: %w", err)
	}
	return errors.Join(write(f), f.Close())
}
