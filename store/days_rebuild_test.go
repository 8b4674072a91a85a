package store

import (
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"subfive"
)

func rebuild(t *testing.T, s *Store, since string) Rebuilt {
	t.Helper()
	done, err := s.RebuildDays(t.Context(), since, noon, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func command(t *testing.T, s *Store, statements ...string) {
	t.Helper()
	err := s.write(t.Context(), s.screens, func(tx *tx) error {
		for _, text := range statements {
			if err := tx.command(t.Context(), statementTimeout, text); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

const clicksByDay = "SELECT day, clicks, conversions, cost_micros FROM v_daily WHERE clicks + conversions > 0 ORDER BY day, ad_id, campaign_id"

func TestRebuildCorrectsSums(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		traffic(t, s)
		if err := s.ReplaceCosts(t.Context(), "im", noon, []Cost{spentOn("ad1", 9, "USD")}); err != nil {
			t.Fatal(err)
		}
		want := reported(t, s, clicksByDay)
		same(t, "nothing to do", rebuild(t, s, ""), Rebuilt{Days: 2})
		command(t, s, "DELETE FROM days WHERE ad_id = 'ad1'", "UPDATE days SET clicks = 7", "INSERT INTO days (day, source_id, campaign_id, offer_id, ad_account_id, "+
			"platform, platform_campaign_id, adset_id, ad_id, currency, conversions) VALUES ('2026-05-07', '', '', '', '', '', '', '', '', '', 3)", "DELETE FROM hours")
		same(t, "since the second day", rebuild(t, s, "2026-05-05"), Rebuilt{Days: 2, Changed: 2})
		same(t, "all", rebuild(t, s, ""), Rebuilt{Days: 3, Changed: 1})
		same(t, "sums", reported(t, s, clicksByDay), want)
		same(t, "again", rebuild(t, s, ""), Rebuilt{Days: 3})
	})
}

// After a change of the reporting zone the same clicks are on other days.
func TestRebuildInAnotherZone(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		evening := time.Date(2026, 10, 24, 22, 30, 0, 0, time.UTC) // half past midnight in Berlin, and in Kolkata four
		record(t, s, subfive.Batch{
			At: noon, Clicks: []subfive.Click{on(1, "ad1", func(c *subfive.Click) { c.ClickedAt = evening }), on(2, "ad1", func(c *subfive.Click) { c.ClickedAt = evening.Add(-4 * time.Hour) })},
			Conversions: []subfive.Conversion{paid(1, "click1", 1, "USD", subfive.StatusPending, evening.Add(25*time.Hour))},
		})
		const query = "SELECT day, sum(clicks), sum(conversions) FROM v_daily GROUP BY day HAVING sum(clicks) + sum(conversions) > 0 ORDER BY day"
		const stamps = "SELECT click_day FROM v_clicks UNION ALL SELECT conversion_day FROM v_conversions ORDER BY 1"
		same(t, "UTC", reported(t, s, query), []string{"2026-10-24 2 0", "2026-10-25 0 1"})
		for _, z := range []struct {
			name         string
			days, stamps []string
			restamped    int64
		}{
			{"Europe/Berlin", []string{"2026-10-24 1 0", "2026-10-25 1 0", "2026-10-26 0 1"}, []string{"2026-10-24", "2026-10-25", "2026-10-26"}, 2},
			{"Asia/Kolkata", []string{"2026-10-25 2 0", "2026-10-26 0 1"}, []string{"2026-10-25", "2026-10-25", "2026-10-26"}, 1},
			{"America/New_York", []string{"2026-10-24 2 0", "2026-10-25 0 1"}, []string{"2026-10-24", "2026-10-24", "2026-10-25"}, 3},
		} {
			s.zone = zoneOf(t, z.name)
			if wanted, err := s.StampZone(t.Context()); err != nil || !wanted {
				t.Errorf("%s: a rebuild is asked for: %t, %v", z.name, wanted, err)
			}
			if got := rebuild(t, s, "").Restamped; got != z.restamped {
				t.Errorf("%s: %d rows got another day, want %d", z.name, got, z.restamped)
			}
			if wanted, err := s.StampZone(t.Context()); err != nil || wanted {
				t.Errorf("%s: a rebuild is asked for again: %t, %v", z.name, wanted, err)
			}
			same(t, z.name, reported(t, s, query), z.days)
			same(t, z.name+" stamps", reported(t, s, stamps), z.stamps)
		}
	})
}

func TestZoneOfANewDatabase(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		if wanted, err := s.StampZone(t.Context()); err != nil || wanted {
			t.Errorf("a rebuild is asked for: %t, %v", wanted, err)
		}
		s.zone = zoneOf(t, "Asia/Kolkata") // nothing is counted yet
		if wanted, err := s.StampZone(t.Context()); err != nil || wanted {
			t.Errorf("a rebuild is asked for: %t, %v", wanted, err)
		}
		if zone, err := s.StampedZone(t.Context()); err != nil || zone != "Asia/Kolkata" {
			t.Errorf("zone %q, %v", zone, err)
		}
	})
}

// A rebuild while others write loses nothing and counts nothing twice.
func TestRebuildBesideWriters(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		traffic(t, s)
		command(t, s, "DELETE FROM days", "DELETE FROM hours")
		var writers sync.WaitGroup
		for w := range 3 {
			writers.Go(func() {
				for i := range 15 {
					b := sale(1000*(w+1) + i)
					if err := s.RecordBatch(t.Context(), b); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for range 5 {
			if _, err := s.RebuildDays(t.Context(), "", noon, func(string) {}); err != nil {
				t.Error(err)
			}
		}
		writers.Wait()
		rebuild(t, s, "")
		same(t, "counted anew", rebuild(t, s, ""), Rebuilt{Days: 2})
		same(t, "clicks", reported(t, s, "SELECT sum(clicks), sum(conversions) FROM v_daily"), []string{"49 48"})
	})
}

// Two rebuilds that found the same difference add it once.
func TestTwoRebuilds(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		traffic(t, s)
		command(t, s, "DELETE FROM days", "DELETE FROM hours")
		var second error
		_, err := s.RebuildDays(t.Context(), "", noon, func(day string) {
			if day == "2026-05-04" {
				return
			}
			_, second = s.RebuildDays(t.Context(), "", noon, func(string) {})
		})
		if err != nil || second != nil {
			t.Fatal(err, second)
		}
		same(t, "counted anew", rebuild(t, s, ""), Rebuilt{Days: 2})
		err = s.write(t.Context(), s.screens, func(tx *tx) error { return tx.moveMark(t.Context(), "999") })
		if !errors.Is(err, subfive.ErrConflict) {
			t.Errorf("a mark that moved: %v", err)
		}
	})
}

// Days whose clicks retention took keep what was counted.
func TestRebuildKeepsDaysWithoutClicks(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		for day := range 3 {
			record(t, s, subfive.Batch{At: noon, Clicks: []subfive.Click{on(day, "ad1", func(c *subfive.Click) { c.ClickedAt = noon.AddDate(0, 0, day) })}})
		}
		if _, err := s.Expire(t.Context(), Retention{Clicks: noon.AddDate(0, 0, 1).Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		same(t, "rebuilt", rebuild(t, s, ""), Rebuilt{Days: 1, Kept: "2026-05-06"})
		same(t, "clicks", reported(t, s, "SELECT day, clicks FROM v_daily ORDER BY day"), []string{"2026-05-04 1", "2026-05-05 1", "2026-05-06 1"})
	})
}

// Retention takes a day's clicks while a rebuild that has listed the day runs.
func TestRebuildBesideRetention(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		for day := range 2 {
			record(t, s, subfive.Batch{At: noon, Clicks: []subfive.Click{on(day, "ad1", func(c *subfive.Click) { c.ClickedAt = noon.AddDate(0, 0, day) })}})
		}
		done, err := s.RebuildDays(t.Context(), "", noon, func(day string) {
			if day != "2026-05-04" {
				return
			}
			if _, err := s.Expire(t.Context(), Retention{Clicks: noon.Add(time.Hour)}); err != nil {
				t.Error(err)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "rebuilt", done, Rebuilt{Days: 2})
		same(t, "clicks", reported(t, s, "SELECT day, clicks FROM v_daily ORDER BY day"), []string{"2026-05-04 1", "2026-05-05 1"})
	})
}

// A day that has more records than a page is held a page at a time, and a click
// of the day before that has visits on two pages counts once.
func TestRebuildHoldsAPage(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		const n = pageSize + 10
		evening := noon.Add(-13 * time.Hour)
		b := subfive.Batch{At: noon, Clicks: []subfive.Click{on(1, "ad1", func(c *subfive.Click) { c.ClickedAt, c.LandingViewedAt = evening, noon })}}
		for i := range n {
			v := subfive.Visit{ID: fmt.Sprintf("vs_%05d", i), ClickID: "nobody", Kind: subfive.GoalLandingView, At: noon}
			if i == 0 || i == n-1 {
				v.ClickID = "click1"
			}
			b.Visits = append(b.Visits, v)
		}
		record(t, s, b)
		const query = "SELECT day, clicks, lp_views FROM v_daily ORDER BY day"
		same(t, "to begin with", reported(t, s, query), []string{"2026-05-03 1 0", "2026-05-04 0 1"})
		same(t, "nothing to do", rebuild(t, s, ""), Rebuilt{Days: 2})
		command(t, s, "DELETE FROM days", "DELETE FROM hours")
		same(t, "counted anew", rebuild(t, s, "2026-05-03"), Rebuilt{Days: 1, Changed: 1})
		err := s.snapshot(t.Context(), func(tx *tx) error {
			held, most := 0, 0
			err := tx.pages(t.Context(), "visits", "visit_id", "visited_at", "click_id", 0, noon.UnixMilli()+1, func(r *sql.Rows) (at int64, id string, err error) {
				var click string
				held++
				most = max(most, held)
				return at, id, r.Scan(&at, &id, &click)
			}, func() error { held = 0; return nil })
			if most != pageSize || held != 0 {
				t.Errorf("%d are held at most, and %d at the end", most, held)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestHours(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		s.zone = zoneOf(t, "Asia/Kolkata")
		from := func(country, device string) func(*subfive.Click) {
			return func(c *subfive.Click) { c.Visitor = subfive.Visitor{Country: country, Device: device} }
		}
		record(t, s, subfive.Batch{
			At: noon, Clicks: []subfive.Click{on(1, "ad1", from("IN", "phone")), on(2, "ad2", from("IN", "phone")), on(3, "ad1", from("US", "desktop"))},
			Conversions: []subfive.Conversion{paid(1, "click3", 5, "USD", subfive.StatusApproved, noon.Add(time.Hour))},
		})
		half := noon.Add(-30 * time.Minute).UnixMilli()
		same(t, "hours", reported(t, s, "SELECT hour, campaign_id, source_id, offer_id, country, device, clicks, approved, revenue_approved_micros FROM hours WHERE clicks + conversions > 0 ORDER BY hour, country"), []string{
			fmt.Sprint(half, " spring meta-us dream IN phone 2 0 0"), fmt.Sprint(half, " spring meta-us dream US desktop 1 0 0"),
			fmt.Sprint(half+3600_000, " spring meta-us dream US desktop 0 1 5"),
		})
	})
}

func TestRebuildRefusesWhatIsNoDay(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		if _, err := s.RebuildDays(t.Context(), "yesterday", noon, func(string) {}); !errors.Is(err, ErrBadQuery) {
			t.Error(err)
		}
	})
}

func TestRates(t *testing.T) {
	t.Parallel()
	good := Rate{Date: "2026-05-04", Currency: "EUR", Reporting: "USD", Rate: "1.0842", Source: "test"}
	with := func(change func(*Rate)) Rate {
		r := good
		change(&r)
		return r
	}
	tests := map[string]struct {
		rate Rate
		want string
	}{
		"good":                {good, ""},
		"no date":             {with(func(r *Rate) { r.Date = "4.5.2026" }), `rate 1, EUR of 4.5.2026: not a rate of exchange: the date "4.5.2026" is not written as 2026-01-31`},
		"no currency":         {with(func(r *Rate) { r.Currency = "eur" }), `rate 1, eur of 2026-05-04: not a rate of exchange: the currency "eur" is not three capitals, such as EUR`},
		"the reporting one":   {with(func(r *Rate) { r.Currency = "USD" }), "rate 1, USD of 2026-05-04: not a rate of exchange: USD is the reporting currency itself, which is always worth 1"},
		"no number":           {with(func(r *Rate) { r.Rate = "1,08" }), `rate 1, EUR of 2026-05-04: not a rate of exchange: "1,08" is not a plain decimal such as 1.0842`},
		"negative":            {with(func(r *Rate) { r.Rate = "-1" }), `rate 1, EUR of 2026-05-04: not a rate of exchange: "-1" is not a plain decimal such as 1.0842`},
		"nothing":             {with(func(r *Rate) { r.Rate = "0.000" }), "rate 1, EUR of 2026-05-04: not a rate of exchange: it is 0"},
		"too exact":           {with(func(r *Rate) { r.Rate = "1.1234567890123" }), `rate 1, EUR of 2026-05-04: not a rate of exchange: "1.1234567890123" has more than 12 digits after the point: round it`},
		"larger than can be":  {with(func(r *Rate) { r.Rate = "99999999" }), `rate 1, EUR of 2026-05-04: not a rate of exchange: "99999999" is too large`},
		"empty":               {with(func(r *Rate) { r.Rate = " " }), `rate 1, EUR of 2026-05-04: not a rate of exchange: " " is not a plain decimal such as 1.0842`},
		"twelve digits go in": {with(func(r *Rate) { r.Rate = "0.000000000001" }), ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := tt.rate.check()
			got := ""
			if err != nil {
				got = fmt.Sprintf("rate 1, %s of %s: %v", tt.rate.Currency, tt.rate.Date, err)
			}
			same(t, "error", got, tt.want)
		})
	}
}

func FuzzParseRate(f *testing.F) {
	for _, s := range []string{"1.0842", "0.000000000001", "12", ".5", "1.", "", "1e5", "-1", "9223372.036854775806"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := parseRate(s)
		if err != nil {
			return
		}
		again, err := parseRate(fmt.Sprintf("%d.%012d", n/1_000_000_000_000, n%1_000_000_000_000))
		if n <= 0 || err != nil || again != n {
			t.Errorf("%q is %d, and that %d, %v", s, n, again, err)
		}
	})
}
