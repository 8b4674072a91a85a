package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"time"

	"subfive"
)

// Rebuilt says what RebuildDays did.
type Rebuilt struct {
	Days int // looked at
	// Changed are the days whose sums were not what the records say.
	Changed int
	// Restamped are rows of clicks and conversions that got another day.
	Restamped int64
	// Kept is the first day that could be counted anew; of the days before it,
	// clicks are gone, and what was counted stays. "" if no click is gone.
	Kept string
}

// RebuildDays counts the days since that one anew from what is recorded, "" all
// of them, and corrects the sums by what is missing or too much. It stamps days
// on rows anew, as after a change of the reporting time zone. Serve may run: a
// day's records and its sums are read in one snapshot, in which both are of the
// same moment, and the difference is added to whatever the sums are by then. Of
// two that run at once, one fails with subfive.ErrConflict. progress is called
// before each day.
func (s *Store) RebuildDays(ctx context.Context, since string, at time.Time, progress func(day string)) (done Rebuilt, err error) {
	if since != "" {
		if _, err := time.Parse(time.DateOnly, since); err != nil {
			return done, fmt.Errorf("%w: the day %q is not written as 2026-01-31", ErrBadQuery, since)
		}
	}
	days, kept, err := s.daysSince(ctx, since)
	if err != nil {
		return done, wrap("find days", err)
	}
	done.Kept = kept
	for _, day := range days {
		progress(day)
		changed, err := s.rebuildDay(ctx, day, at)
		if err != nil {
			return done, fmt.Errorf("count %s anew: %w", day, err)
		}
		done.Days++
		if changed {
			done.Changed++
		}
		n, err := s.restamp(ctx, day)
		done.Restamped += n
		if err != nil {
			return done, fmt.Errorf("stamp %s: %w", day, err)
		}
	}
	if err := s.spreadAll(ctx, since, at); err != nil {
		return done, err
	}
	if since == "" {
		return done, wrap("note the reporting zone", s.putSetting(ctx, zoneSetting, s.zone.String()))
	}
	return done, nil
}

// StampedZone returns the time zone in which all days are stamped, "" while
// nobody counted: where it is another than the reporting zone, or "" though there
// are clicks, days are to be rebuilt.
func (s *Store) StampedZone(ctx context.Context) (zone string, err error) {
	zone, err = s.setting(ctx, zoneSetting)
	return zone, wrap("read the reporting zone", err)
}

// StampZone notes the reporting time zone on a database without records, and
// reports whether days must be rebuilt because they were counted in another, or
// not at all.
func (s *Store) StampZone(ctx context.Context) (rebuild bool, err error) {
	have, err := s.StampedZone(ctx)
	if err != nil || have == s.zone.String() {
		return false, err
	}
	first, _, err := s.recorded(ctx)
	if err != nil || first != 0 {
		return err == nil, wrap("look for records", err)
	}
	return false, wrap("note the reporting zone", s.putSetting(ctx, zoneSetting, s.zone.String()))
}

// recorded returns the first and the last moment of clicks and conversions; 0
// without any.
func (s *Store) recorded(ctx context.Context) (first, last int64, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		first, last = 0, 0
		for table, column := range map[string]string{"clicks": "clicked_at", "conversions": "converted_at"} {
			var from, to int64
			for word, into := range map[string]*int64{"min": &from, "max": &to} { // each alone is one look into the index
				if err := t.row(ctx, word+" of "+table, func() string {
					return "SELECT coalesce(" + word + "(" + column + "), 0) FROM " + table + " WHERE " + column + " > 0"
				}, nil, into); err != nil {
					return err
				}
			}
			if from != 0 && (first == 0 || from < first) {
				first = from
			}
			last = max(last, to)
		}
		return nil
	})
	return first, last, err
}

// daysSince lists the days to be counted: those of the records, and those that
// have sums.
func (s *Store) daysSince(ctx context.Context, since string) (days []string, kept string, err error) {
	first, last, err := s.recorded(ctx)
	if err != nil {
		return nil, "", err
	}
	var expired string
	err = s.read(ctx, s.screens, func(t *tx) error {
		days = nil
		if expired, err = s.settingIn(ctx, t, expiredSetting); err != nil {
			return err
		}
		return t.query(ctx, "days with sums", func() string { return "SELECT DISTINCT day FROM days" }, nil, collect(&days))
	})
	if err != nil {
		return nil, "", err
	}
	if kept, err = s.firstWhole(expired); err != nil {
		return nil, "", err
	}
	since = max(since, kept)
	if first != 0 {
		end := s.day(subfive.FromMillis(last))
		for at := subfive.FromMillis(first).Add(-time.Hour); ; at = at.Add(12 * time.Hour) {
			day := min(s.day(at), end)
			if len(days) == 0 || days[len(days)-1] != day {
				days = append(days, day)
			}
			if day == end {
				break
			}
		}
	}
	slices.Sort(days)
	days = slices.DeleteFunc(slices.Compact(days), func(day string) bool { return day < since })
	return days, kept, nil
}

// firstWhole returns the first day of which no click is gone by the setting of
// that; "" if none is gone.
func (s *Store) firstWhole(expired string) (day string, err error) {
	gone, err := millisOf(expired)
	if err != nil || gone.IsZero() {
		return "", err
	}
	return s.day(gone.AddDate(0, 0, 1)), nil // the day of that moment is not whole
}

// rebuildDay adds to a day's sums what they lack. A day that retention has
// reached since it was listed is left alone.
func (s *Store) rebuildDay(ctx context.Context, day string, at time.Time) (changed bool, err error) {
	from, to, err := s.bounds(day)
	if err != nil {
		return false, err
	}
	var mark string
	lack := s.newSums()
	err = s.snapshot(ctx, func(t *tx) error {
		lack = s.newSums()
		if mark, err = s.settingIn(ctx, t, rebuildSetting); err != nil {
			return err
		}
		expired, err := s.settingIn(ctx, t, expiredSetting)
		if err != nil {
			return err
		}
		if whole, err := s.firstWhole(expired); err != nil || day < whole {
			return err
		}
		if err := t.recount(ctx, lack, from, to); err != nil {
			return err
		}
		only(lack.days, func(k sumKey) bool { return k[0] == day })
		only(lack.hours, func(k sumKey) bool {
			hour, err := strconv.ParseInt(k[0], 10, 64)
			return err == nil && hour >= from && hour < to
		})
		return t.takeSums(ctx, lack, day, from, to)
	})
	if err != nil {
		return false, err
	}
	if len(sorted(lack.days))+len(sorted(lack.hours)) == 0 {
		return false, nil
	}
	err = s.write(ctx, s.screens, func(t *tx) error {
		if err := t.moveMark(ctx, mark); err != nil {
			return err
		}
		return t.addSums(ctx, lack, subfive.Millis(at))
	})
	return err == nil, err
}

// rebuildSetting counts the corrections: who read the sums before another
// corrected them would do it twice.
const rebuildSetting = "days_rebuilt"

func (t *tx) moveMark(ctx context.Context, mark string) error {
	n, err := strconv.ParseInt("0"+mark, 10, 64)
	if err != nil {
		return err
	}
	next := strconv.FormatInt(n+1, 10)
	changed, err := t.exec(ctx, "move rebuild mark", func() string {
		b := t.s.flavor.NewInsertBuilder()
		b.InsertInto("settings").Cols("name", "value").Values("", "").SQL("ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE settings.value = " + b.Var(""))
		return text(b)
	}, rebuildSetting, next, mark)
	if err == nil && changed == 0 {
		return subfive.ErrConflict
	}
	return err
}

// only leaves those keys that are wanted.
func only(of map[sumKey]tally, wanted func(sumKey) bool) {
	for key := range of {
		if !wanted(key) {
			delete(of, key)
		}
	}
}

// bounds returns the first moments of a day and of the next, in milliseconds.
func (s *Store) bounds(day string) (from, to int64, err error) {
	d, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return 0, 0, err
	}
	return s.begins(d), s.begins(d.AddDate(0, 0, 1)), nil
}

// begins returns the first moment of a day of reports.
func (s *Store) begins(d time.Time) int64 { return dayBegins(d, s.zone).UnixMilli() }

// dayBegins looks for the first moment of a day: where clocks change at midnight
// it has none that is called 00:00, or two.
func dayBegins(d time.Time, zone *time.Location) time.Time {
	day := d.Format(time.DateOnly)
	at := time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, zone).Add(-3 * time.Hour)
	for range 6 * 4 {
		if at.Format(time.DateOnly) >= day {
			break
		}
		at = at.Add(15 * time.Minute)
	}
	return at
}

// restamp writes a day on the rows of its records that have another.
func (s *Store) restamp(ctx context.Context, day string) (restamped int64, err error) {
	from, to, err := s.bounds(day)
	if err != nil {
		return 0, err
	}
	for _, c := range []struct{ table, key, at, day string }{
		{"clicks", "click_id", "clicked_at", "click_day"}, {"conversions", "conversion_id", "converted_at", "conversion_day"},
	} {
		for {
			var n int64
			err := s.single(ctx, s.screens, func(t *tx) error {
				n, err = t.exec(ctx, "restamp "+c.table, func() string {
					b := s.flavor.NewSelectBuilder()
					b.Select(c.key).From(c.table).Where(b.GE(c.at, 0), b.LT(c.at, 0), b.NE(c.day, "")).Limit(pageSize)
					u := s.flavor.NewUpdateBuilder()
					u.Update(c.table).Set(u.Assign(c.day, "")).Where(u.In(c.key, b))
					return text(u)
				}, day, from, to, day, pageSize)
				return err
			})
			restamped += n
			if err != nil {
				return restamped, err
			}
			if n < pageSize {
				break
			}
		}
	}
	return restamped, nil
}

// spreadAll spreads the costs of all days since that one anew.
func (s *Store) spreadAll(ctx context.Context, since string, at time.Time) error {
	var all []sourceDay
	err := s.read(ctx, s.screens, func(t *tx) error {
		all = nil
		return t.query(ctx, "cost days since", func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select("cost_day", "source_id").From("cost_days").Where(b.GE("cost_day", "")).OrderBy("cost_day", "source_id")
			return text(b)
		}, []any{since}, func(r *sql.Rows) error {
			var of sourceDay
			err := r.Scan(&of.day, &of.source)
			all = append(all, of)
			return err
		})
	})
	if err != nil {
		return wrap("find costs", err)
	}
	for _, of := range all {
		if err := s.respread(ctx, of, at); err != nil {
			return fmt.Errorf("spread costs of %s on %s: %w", of.source, of.day, err)
		}
	}
	return nil
}

// noteExpired writes down that clicks made before then are gone: of the days
// before it, sums can't be counted anew.
func (t *tx) noteExpired(ctx context.Context, before time.Time) error {
	return t.insertRows(ctx, "settings", []string{"name", "value"}, [][]any{{expiredSetting, strconv.FormatInt(subfive.Millis(before), 10)}},
		"ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE settings.value < excluded.value")
}

// millisOf reads a moment that a settings row holds.
func millisOf(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	ms, err := strconv.ParseInt(text, 10, 64)
	return subfive.FromMillis(ms), err
}
