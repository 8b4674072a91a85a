package store

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"subfive"
)

// season records sales over 90 days, each with its click, its postback, and
// deliveries to six destinations: four take it, one is not owed it, and of the
// last one in fifty died.
func season(t *testing.T, s *Store, sales int) (destinations []string) {
	t.Helper()
	for i := range 6 {
		destinations = append(destinations, fmt.Sprint("destination-", i))
	}
	const size = 1000
	step := 90 * 24 * time.Hour / time.Duration(sales)
	for from := 0; from < sales; from += size {
		all := subfive.Batch{At: noon, Versions: map[string]int64{}}
		for i := from; i < min(sales, from+size); i++ {
			at := noon.AddDate(0, 0, -90).Add(step * time.Duration(i))
			b := sale(i, destinations...)
			b.Clicks[0].ClickedAt, b.Clicks[0].CampaignID = at.Add(-time.Hour), fmt.Sprint("campaign-", i%12)
			b.Clicks[0].Visitor = subfive.Visitor{Country: []string{"US", "DE", "FR"}[i%3], Device: subfive.DevicePhone}
			b.Postbacks[0].Postback.ReceivedAt, b.Conversions[0].ConvertedAt, b.Conversions[0].ReceivedAt = at, at, at
			for k := range b.Deliveries {
				d := &b.Deliveries[k]
				d.CreatedAt, d.EventTime, d.Status = at, at, subfive.DeliveryDelivered
				switch {
				case k == 4:
					d.Status, d.ReasonCode = subfive.DeliverySkipped, "other_platform"
				case k == 5 && i%50 == 0:
					d.Status, d.ReasonCode = subfive.DeliveryDead, "rejected"
				}
			}
			all.Positions = b.Positions
			all.Clicks = append(all.Clicks, b.Clicks...)
			all.Postbacks = append(all.Postbacks, b.Postbacks...)
			all.Groups = append(all.Groups, b.Groups...)
			all.Conversions = append(all.Conversions, b.Conversions...)
			all.Deliveries = append(all.Deliveries, b.Deliveries...)
			for k, v := range b.Versions {
				all.Versions[k] = v
			}
		}
		record(t, s, all)
	}
	for day := range 91 { // all at once may take too long
		since := noon.AddDate(0, 0, day-91).UnixMilli()
		if err := s.write(t.Context(), s.screens, func(tx *tx) error {
			return tx.command(t.Context(), statementTimeout, fmt.Sprintf(
				"UPDATE deliveries SET delivered_at = created_at + 2000 WHERE status = 'delivered' AND created_at >= %d AND created_at < %d", since, since+24*hourMillis))
		}); err != nil {
			t.Fatal(err)
		}
	}
	if s.dialect == dialectPostgres {
		if err := s.write(t.Context(), s.screens, func(tx *tx) error { return tx.command(t.Context(), statementTimeout, "ANALYZE") }); err != nil {
			t.Fatal(err)
		}
	}
	return destinations
}

// With 200,000 conversions over 90 days on SQLite, which SUBFIVE_LOAD=full makes, a day is
// told within 150 ms, and all of it within 900 ms: the page has a bit more.
func TestNowIsFast(t *testing.T) {
	sales, runs, scale := 1_000, 1, time.Duration(1000) // times say nothing on a busy machine
	if os.Getenv("SUBFIVE_LOAD") == "full" {
		sales, runs, scale = 200_000, 5, 1
	}
	each(t, func(t *testing.T, s *Store) {
		started := time.Now()
		destinations := season(t, s, sales)
		t.Logf("recorded in %s", time.Since(started).Round(time.Second))
		day := dayAround(destinations...)
		quarter := day
		quarter.ByDay, quarter.Grid, day.Grid = true, nil, nil
		for i := range 24 {
			day.Grid = append(day.Grid, day.Span.Since.Add(time.Duration(i)*time.Hour))
		}
		for i := range 90 {
			quarter.Grid = append(quarter.Grid, noon.AddDate(0, 0, i-89).Truncate(24*time.Hour))
		}
		quarter.Span = Span{noon.AddDate(0, 0, -89).Truncate(24 * time.Hour), quarter.At}
		quarter.Before = Span{noon.AddDate(0, 0, -179).Truncate(24 * time.Hour), quarter.At.AddDate(0, 0, -90)}
		hours := quarter
		hours.ByDay = false
		for name, c := range map[string]struct {
			q     NowQuery
			limit time.Duration
		}{"a day": {day, 150 * time.Millisecond}, "90 days": {quarter, 900 * time.Millisecond}, "90 days by the hour": {hours, 900 * time.Millisecond}} {
			best := time.Hour
			for range runs {
				started := time.Now()
				n := standing(t, s, c.q)
				best = min(best, time.Since(started))
				if len(n.Paces) == 0 || len(n.Postbacks) == 0 || len(n.Destinations) != len(destinations) {
					t.Errorf("%s: %d paces, %d postbacks, %d destinations", name, len(n.Paces), len(n.Postbacks), len(n.Destinations))
				}
			}
			t.Logf("%s: %d ms", name, best.Milliseconds())
			if best > c.limit*scale && s.dialect == dialectSQLite { // PostgreSQL, beside its own test's load, is only told of
				t.Errorf("%s took %s", name, best)
			}
		}
		started = time.Now()
		if _, err := s.NowCounts(t.Context(), destinations, day.DeadSince); err != nil {
			t.Fatal(err)
		}
		t.Logf("counts alone: %d ms", time.Since(started).Milliseconds())
	})
}

// Nothing of it reads clicks, postbacks, conversions or deliveries from one end
// to the other.
func TestNowScansNothing(t *testing.T) {
	t.Parallel()
	s := openTest(t, t.TempDir()+"/test.db")
	standing(t, s, dayAround("meta-eu"))
	byDay := dayAround("meta-eu")
	byDay.ByDay = true
	standing(t, s, byDay)
	if _, err := s.NowCounts(t.Context(), []string{"meta-eu"}, noon); err != nil {
		t.Fatal(err)
	}
	s.texts.byKey.Range(func(key, text any) bool {
		if !reads(text.(string)) || key == "paces by day" { // the report by day has tests of its own
			return true
		}
		lines, err := explained(t.Context(), s, text.(string))
		if err != nil {
			t.Errorf("%s: %v", key, err)
		}
		for _, line := range lines {
			for _, table := range []string{"clicks", "postbacks", "conversions", "deliveries", "hours"} {
				if _, by, scans := strings.Cut(line, "SCAN "+table); scans && (by == "" || by[0] == ' ') && !strings.Contains(by, "INDEX") {
					t.Errorf("%s: %s\n%s", key, strings.Join(lines, "\n"), text)
				}
			}
		}
		return true
	})
}

// explained is how SQLite would run a statement, whatever its arguments.
func explained(ctx context.Context, s *Store, statement string) (lines []string, err error) {
	return plan(ctx, s, strings.ReplaceAll(statement, "?", "NULL"))
}
