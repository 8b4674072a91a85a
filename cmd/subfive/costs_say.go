package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"subfive"
	"subfive/costs"
	"subfive/dashboard"
	"subfive/moving"
)

// say says what was kept.
func (i *costImport) say(whole []costDay, added int) {
	rows := 0
	for _, of := range whole {
		rows += i.days[of].rows
	}
	w := i.a.stdout
	if i.reader.Decimal != costs.DecimalUnknown {
		fmt.Fprintf(w, "decimals have a %s before them\n", i.reader.Decimal)
	}
	fmt.Fprintf(w, "%s of %s imported%s, %d rejected\n", count(rows, "row", "rows"), count(len(whole), "day", "days"), i.spent(), i.rejected)
	if i.totals > 0 {
		fmt.Fprintf(w, "%s left out: totals\n", count(i.totals, "line", "lines"))
	}
	if added > 0 {
		fmt.Fprintln(w, addedNote(added))
	}
	i.sayRefusedDays()
}

// addedNote says that rows were added to others.
func addedNote(n int) string {
	return count(n, "row", "rows") + " added to another of the same ad and day; if the file holds the same rows twice, mend it and import it again"
}

func (i *costImport) spent() string {
	var parts []string
	for _, code := range slices.Sorted(maps.Keys(i.sums)) {
		parts = append(parts, i.sums[code].String()+" "+code)
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// sayRefusedDays says which days are left as they were.
func (i *costImport) sayRefusedDays() {
	if i.broken {
		fmt.Fprintln(i.a.stdout, noWholeDay)
		return
	}
	if days := i.left(); len(days) > 0 {
		fmt.Fprintf(i.a.stdout, "left as they were, as a row of theirs is rejected: %s\n", clip(strings.Join(days, ", "), 400))
	}
}

const noWholeDay = "a row's day or source is not known, so that no day is known to be whole: all days are left as they were"

// left are the days of which a row is rejected.
func (i *costImport) left() []string {
	days := []string{}
	for of, d := range i.days {
		if d.broken || i.broken {
			days = append(days, of.day+" of "+of.source)
		}
	}
	slices.Sort(days)
	return days
}

// dryRun shows the first rows as they are read.
func (i *costImport) dryRun(ctx context.Context, whole []costDay) error {
	rows, sample, err := i.sample(ctx)
	if err != nil {
		return err
	}
	for _, c := range sample {
		if err := writeJSON(i.a.stdout, c); err != nil {
			return err
		}
	}
	fmt.Fprintf(i.a.stdout, "dry run: %s can be read%s, %d can't; %s would be replaced; nothing was recorded\n",
		count(rows, "row", "rows"), i.spent(), i.rejected, count(len(whole), "day", "days"))
	i.sayRefusedDays()
	return i.warn(ctx, whole)
}

// sample reads all rows, adds them up, and returns the first ones.
func (i *costImport) sample(ctx context.Context) (rows int, first []dashboard.Cost, err error) {
	first = []dashboard.Cost{}
	err = i.each(ctx, func(_ moving.Row, c costs.Cost, wrong *subfive.Rejection) error {
		source, why := i.place(c)
		readable := wrong == nil && why == ""
		if !readable {
			return nil
		}
		rows++
		k := i.cost(c, source)
		i.sums[k.Spend.Currency] += k.Spend.Amount
		if len(first) < shownRows {
			first = append(first, costItem(k))
		}
		return nil
	})
	return rows, first, err
}

// notes say what a reader of reports should know: where IDs are missing, where
// the account's days or money are not those of reports.
func (i *costImport) notes(ctx context.Context, whole []costDay) ([]string, error) {
	notes := []string{}
	note := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	level, nameless := costs.LevelOf(i.columns)
	if nameless != "" {
		note("note: the file names each %s but not its ID, which links bring: costs are known by %s; add the ID's column to the export", nameless, level)
	} else if level == costs.ByAccount {
		note("note: the file tells no ads apart: costs are spread over all clicks of the day")
	}
	reporting := i.s.file.Server.Reporting
	days := map[string][]string{} // by source
	for _, of := range whole {
		days[of.source] = append(days[of.source], of.day)
	}
	for _, s := range i.sources {
		if len(days[s.ID]) == 0 {
			continue
		}
		switch {
		case s.Timezone == "":
			note("note: source %s does not say its account's time zone; if it is not %s, set timezone on it", s.ID, reporting.Timezone)
		case !sameDays(s.Timezone, reporting.Timezone, days[s.ID]):
			note("warning: the days of source %s are those of %s, reports' are of %s: costs and clicks of a day are not of the same hours; set reporting.timezone to %s if you can",
				s.ID, s.Timezone, reporting.Timezone, s.Timezone)
		}
	}
	var all []string
	for _, of := range whole {
		all = append(all, of.day)
	}
	slices.Sort(all)
	err := i.money(ctx, slices.Compact(all), note)
	return notes, err
}

// money notes which amounts reports can't convert.
func (i *costImport) money(ctx context.Context, days []string, note func(string, ...any)) error {
	reporting := i.s.file.Server.Reporting.Currency
	for _, code := range slices.Sorted(maps.Keys(i.sums)) {
		for _, s := range i.sources {
			if len(i.sources) == 1 && s.Currency != "" && s.Currency != code {
				note("warning: amounts are in %s, and source %s says that its account is in %s", code, s.ID, s.Currency)
			}
		}
		if code == reporting {
			continue
		}
		without, err := i.s.WithoutRate(ctx, code, days)
		if err != nil {
			return err
		}
		if len(without) == 0 {
			note("note: amounts are in %s; reports convert them to %s by each day's rate", code, reporting)
			continue
		}
		note("warning: amounts are in %s and reports in %s, and there is no rate for %s (%s): they show no cost there; subfive import rates",
			code, reporting, count(len(without), "day", "days"), clip(strings.Join(without, ", "), 80))
	}
	return nil
}

// sameDays reports whether the days are the same hours in both zones.
func sameDays(one, other string, days []string) bool {
	a, errA := time.LoadLocation(one)
	b, errB := time.LoadLocation(other)
	if errA != nil || errB != nil {
		return one == other
	}
	return !slices.ContainsFunc(days, func(day string) bool {
		begins, err := time.ParseInLocation(time.DateOnly, day, a)
		also, errAlso := time.ParseInLocation(time.DateOnly, day, b)
		return err != nil || errAlso != nil || !begins.Equal(also)
	})
}
