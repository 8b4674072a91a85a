package dashboard

import (
	"strconv"
	"strings"
	"time"
)

// Period is a span of time as a person asks for it: it means another one at each
// moment, and in each time zone.
type Period struct {
	text   string
	kind   periodKind
	n      int    // of the last hours or days
	since  string // of a span that is given, as it was written
	until  string
	byDays bool // it is days alone
}

type periodKind int

const (
	lastHours periodKind = iota
	lastDays             // the one that runs and those before it
	yesterday
	thisMonth
	thisYear
	between
)

const (
	// DefaultPeriod is the one that is meant where none is named.
	DefaultPeriod = "24h"

	maxPeriodDays  = 800
	maxPeriodHours = 96
	howPeriod      = "write 24h, 7d, 30d, today, yesterday, month, year, or two days as 2026-11-01..2026-11-07"
)

// String returns it as it was asked for.
func (p Period) String() string { return p.text }

// ParsePeriod reads 24h (or another number of hours), 7d (or another number of
// days), today, yesterday, month, year, or SINCE..UNTIL: two days, of which the last is
// included, or two moments.
func ParsePeriod(text string) (Period, error) {
	p := Period{text: text, byDays: true}
	since, until, isSpan := strings.Cut(text, "..")
	number := func(unit string, most int) (int, bool) {
		digits, ok := strings.CutSuffix(text, unit)
		n, err := strconv.Atoi(digits)
		return n, ok && err == nil && n >= 1 && n <= most && digits == strconv.Itoa(n)
	}
	if n, ok := number("h", maxPeriodHours); ok {
		p.kind, p.n, p.byDays = lastHours, n, false
		return p, nil
	}
	if n, ok := number("d", maxPeriodDays); ok {
		p.kind, p.n = lastDays, n
		return p, nil
	}
	switch {
	case text == "today":
		p.kind, p.n = lastDays, 1
	case text == "yesterday":
		p.kind = yesterday
	case text == "month":
		p.kind = thisMonth
	case text == "year":
		p.kind = thisYear
	case isSpan:
		p.kind, p.since, p.until = between, since, until
		a, b := isDay("range", since), isDay("range", until)
		p.byDays = a == nil && b == nil && since != "" && until != ""
		if _, _, err := p.ends(time.UTC); err != nil {
			return p, err
		}
	default:
		return p, bad(howPeriod, "range is %q", text)
	}
	return p, nil
}

// ends are the moments of a span that is given, until not included.
func (p Period) ends(zone *time.Location) (since, until time.Time, err error) {
	var ok [2]bool
	since, ok[0] = momentIn(p.since, zone, false)
	until, ok[1] = momentIn(p.until, zone, true)
	switch {
	case !ok[0] || !ok[1]:
		err = bad(howPeriod, "range is %q", p.text)
	case !since.Before(until):
		err = bad("exchange them", "range %q ends before it begins", p.text)
	case until.Sub(since) > maxPeriodDays*24*time.Hour:
		err = bad("ask for "+strconv.Itoa(maxPeriodDays)+" days at most", "range %q is too long", p.text)
	}
	return since, until, err
}

// momentIn reads a day in a zone, its beginning or its end, or a moment.
func momentIn(text string, zone *time.Location, end bool) (time.Time, bool) {
	if day, err := time.ParseInLocation(time.DateOnly, text, zone); err == nil {
		if end {
			day = day.AddDate(0, 0, 1)
		}
		return day, day.Unix() > 0
	}
	at, err := time.Parse(time.RFC3339, text)
	return at.In(zone), err == nil && at.Unix() > 0
}

// Spans are what a Period means at a moment: the span, and the one before it that
// it is compared with, as far as the first has come. Neither end lies after the
// moment, and no end is included.
type Spans struct {
	Since, Until             time.Time
	BeforeSince, BeforeUntil time.Time
	// ByDays: it begins with a day of the zone, and ends with one or now.
	ByDays bool
}

// In returns what p means in a zone at a moment. Hours are whole ones, of which
// the last runs.
func (p Period) In(zone *time.Location, now time.Time) (Spans, error) {
	now = now.In(zone)
	y, m, d := now.Date()
	day := func(back int) time.Time { return time.Date(y, m, d-back, 0, 0, 0, 0, zone) }
	s := Spans{Until: now, ByDays: p.byDays}
	days := p.n // that the comparison lies back
	switch p.kind {
	case lastHours:
		into := time.Duration(now.Minute())*time.Minute + time.Duration(now.Second())*time.Second + time.Duration(now.Nanosecond())
		s.Since = now.Add(-into - time.Duration(p.n-1)*time.Hour)
		back := -time.Duration(p.n) * time.Hour
		s.BeforeSince, s.BeforeUntil = s.Since.Add(back), s.Until.Add(back)
		return s, nil
	case lastDays:
		s.Since = day(p.n - 1)
	case yesterday:
		s.Since, s.Until, days = day(1), day(0), 1
	case thisMonth:
		s.Since = time.Date(y, m, 1, 0, 0, 0, 0, zone)
		return s.against(s.Since.AddDate(0, -1, 0)), nil
	case thisYear:
		s.Since = time.Date(y, 1, 1, 0, 0, 0, 0, zone)
		return s.against(s.Since.AddDate(-1, 0, 0)), nil
	case between:
		var err error
		if s.Since, s.Until, err = p.ends(zone); err != nil {
			return s, err
		}
		if !s.Since.Before(now) {
			return s, bad("name a day that has begun", "range %q lies ahead", p.text)
		}
		if !p.byDays {
			long := s.Until.Sub(s.Since)
			s.BeforeSince, s.BeforeUntil = s.Since.Add(-long), s.Until.Add(-long)
		}
		for at := s.Since; p.byDays && at.Before(s.Until); at = at.AddDate(0, 0, 1) {
			days++
		}
		if s.Until.After(now) {
			s.BeforeUntil, s.Until = s.BeforeUntil.Add(now.Sub(s.Until)), now
		}
		if !p.byDays {
			return s, nil
		}
	}
	s.BeforeSince, s.BeforeUntil = s.Since.AddDate(0, 0, -days), s.Until.AddDate(0, 0, -days)
	return s, nil
}

// against compares with what began then and ended no later than s began: the
// month before may have been shorter.
func (s Spans) against(before time.Time) Spans {
	s.BeforeSince, s.BeforeUntil = before, before.Add(s.Until.Sub(s.Since))
	if s.BeforeUntil.After(s.Since) {
		s.BeforeUntil = s.Since
	}
	return s
}
