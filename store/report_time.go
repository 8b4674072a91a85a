package store

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// piecesOf cuts a span where a day begins, in the report's zone or in that of
// the stamps.
func piecesOf(since, until time.Time, zone, stamps *time.Location) (all []piece) {
	cuts := []time.Time{since, until}
	for _, z := range []*time.Location{zone, stamps} {
		for d := dayIn(since, z).AddDate(0, 0, 1); ; d = d.AddDate(0, 0, 1) {
			at := dayBegins(d, z)
			if !at.Before(until) {
				break
			}
			cuts = append(cuts, at)
		}
	}
	slices.SortFunc(cuts, time.Time.Compare)
	cuts = slices.CompactFunc(cuts, time.Time.Equal)
	for i := range len(cuts) - 1 {
		all = append(all, piece{
			cuts[i].In(zone).Format(time.DateOnly), cuts[i].In(stamps).Format(time.DateOnly), cuts[i].In(zone), cuts[i+1].In(zone),
		})
	}
	return all
}

// dayIn is the day of a moment, as a moment of UTC that counts in days.
func dayIn(at time.Time, zone *time.Location) time.Time {
	y, m, d := at.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// wholeDays reports whether a span begins and ends where days do.
func wholeDays(since, until time.Time, zone *time.Location) bool {
	return dayBegins(dayIn(since, zone), zone).Equal(since) && dayBegins(dayIn(until, zone), zone).Equal(until)
}

// stretch is a piece of time that a row or a point of the series stands for.
type stretch struct {
	label        string
	since, until time.Time
}

// stretchesOf cuts a span into hours, days, weeks or months; the first and the last
// may be cut short.
func stretchesOf(kind string, since, until time.Time, zone *time.Location) (all []stretch) {
	for at := since; at.Before(until); {
		label, next := stretchAt(kind, at, zone)
		if next.After(until) {
			next = until
		}
		all = append(all, stretch{label, at.In(zone), next.In(zone)})
		at = next
	}
	return all
}

// stretchAt returns the name of the piece of time that a moment is in, and when
// the next begins.
func stretchAt(kind string, at time.Time, zone *time.Location) (label string, next time.Time) {
	day := dayIn(at, zone)
	switch kind {
	case byHour:
		begins := hourBegins(at, zone)
		return begins.Format(time.RFC3339), begins.Add(time.Hour)
	case byWeek:
		monday := day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
		return monday.Format(time.DateOnly), dayBegins(monday.AddDate(0, 0, 7), zone)
	case byMonth:
		first := day.AddDate(0, 0, 1-day.Day())
		return first.Format("2006-01"), dayBegins(first.AddDate(0, 1, 0), zone)
	}
	return day.Format(time.DateOnly), dayBegins(day.AddDate(0, 0, 1), zone)
}

// earlier is the span that a report is compared with.
func (q ReportQuery) earlier() (since, until time.Time) {
	first, last := dayIn(q.Since, q.Zone), dayIn(q.Until, q.Zone)
	move := func(d time.Time) time.Time { return d.AddDate(-1, 0, 0) }
	if q.Compare == ComparePrevious {
		days := int(last.Sub(first).Hours() / 24)
		if !wholeDays(q.Since, q.Until, q.Zone) {
			return q.Since.Add(-q.Until.Sub(q.Since)), q.Since
		}
		move = func(d time.Time) time.Time { return d.AddDate(0, 0, -days) }
	}
	into := func(at, day time.Time) time.Time {
		return dayBegins(move(day), q.Zone).Add(at.Sub(dayBegins(day, q.Zone)))
	}
	return into(q.Since, first), into(q.Until, last)
}

// The pieces of time as SQL says them, of a day and of a moment in milliseconds.

func (s *Store) weekOf(day string) string {
	if s.dialect == dialectPostgres {
		return "to_char(date_trunc('week', " + day + "::date), 'YYYY-MM-DD')"
	}
	return "date(" + day + ", 'weekday 0', '-6 days')"
}

func monthOf(day string) string { return "substr(" + day + ", 1, 7)" }

// hourSQL is the first moment of an hour of the zone, in milliseconds.
func hourSQL(ms string, since time.Time) string {
	_, offset := since.Zone()
	into := ((offset % 3600) + 3600) % 3600 * 1000
	return "(" + ms + " - (" + ms + " + " + strconv.Itoa(into) + ") % 3600000)"
}

// piecesSQL are the pieces of a span as a table.
func piecesSQL(pieces []piece) string {
	rows := make([]string, len(pieces))
	for i, p := range pieces {
		rows[i] = "('" + p.day + "', '" + p.stamped + "', " + strconv.FormatInt(p.since.UnixMilli(), 10) + ", " + strconv.FormatInt(p.until.UnixMilli(), 10) + ")"
	}
	return "span(day, stamped_day, since, until) AS (VALUES " + strings.Join(rows, ", ") + ")"
}
