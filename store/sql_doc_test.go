package store

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

// owedTo is a delivery of a story: to whom, and where it stands.
type owedTo struct {
	destination, platform string
	status                subfive.DeliveryStatus
}

// happened records a click and its conversion, which change makes what they are:
// one that it empties is not recorded.
func happened(t *testing.T, s *Store, n int, clicked, converted time.Time, change func(*subfive.Click, *subfive.Conversion), deliveries ...owedTo) {
	t.Helper()
	b := sale(n)
	click, conv := &b.Clicks[0], &b.Conversions[0]
	click.ClickedAt, conv.ClickedAt = clicked, clicked
	conv.ConvertedAt, conv.ReceivedAt, b.At = converted, converted, converted
	b.Postbacks[0].Postback.ReceivedAt = converted
	change(click, conv)
	conv.SourceID, conv.CampaignID = click.SourceID, click.CampaignID
	ends := map[string]subfive.DeliveryStatus{}
	for _, to := range deliveries {
		d := delivery(n, to.destination, subfive.KindConversion)
		d.Platform, d.Status, d.CreatedAt = to.platform, to.status, converted
		d.NextAttemptAt, d.DeadlineAt = converted, converted.Add(7*24*time.Hour)
		if to.status == subfive.DeliveryDelivered || to.status == subfive.DeliveryDead {
			ends[d.ID], d.Status = to.status, subfive.DeliveryScheduled
		}
		b.Deliveries = append(b.Deliveries, d)
	}
	if conv.ID == "" { // nothing was bought
		b.Conversions, b.Postbacks, b.Groups, b.Versions = nil, nil, nil, map[string]int64{}
	}
	if click.ID == "" { // nobody knows who bought
		b.Clicks = nil
	}
	record(t, s, b)
	for _, d := range b.Deliveries {
		end, ok := ends[d.ID]
		if !ok {
			continue
		}
		take(t, s, d.DestinationID, "lease "+d.ID, converted)
		settled := subfive.Settled{DeliveryID: d.ID, LeaseID: "lease " + d.ID, Status: end, Tried: true, LastHTTP: 200}
		if end == subfive.DeliveryDelivered {
			settled.DeliveredAt = converted.Add(time.Second)
		} else {
			settled.ReasonCode, settled.LastCode, settled.LastHTTP = "rejected", "100", 400
		}
		finish(t, s, subfive.Finish{At: converted, Settled: []subfive.Settled{settled}})
	}
}

// november is the truth that docs/sql.md is asked about.
func november(t *testing.T, s *Store) {
	t.Helper()
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 11, day, hour, minute, 0, 0, time.UTC) }
	ad := func(c *subfive.Click, id, set, page string) {
		c.Ad = subfive.Ad{CampaignID: "camp", SetID: set, SetName: "Set " + set, ID: id}
		c.PageURL = "https://" + page + "/a?b=c"
	}
	const delivered, scheduled, dead = subfive.DeliveryDelivered, subfive.DeliveryScheduled, subfive.DeliveryDead
	happened(t, s, 1, at(1, 10, 0), at(1, 10, 30), func(c *subfive.Click, v *subfive.Conversion) {
		ad(c, "ad-1", "set-1", "one.example.com")
		c.VisitorID, c.VisitNo, c.Params["_fbp"] = "visitor", 1, "fb.1.2.3"
		v.Status = subfive.StatusApproved
	}, owedTo{"meta-eu", "meta", delivered}, owedTo{"google-main", "google", delivered}, owedTo{"trial", "reddit", subfive.DeliveryDryRun})
	happened(t, s, 2, at(1, 11, 0), at(2, 13, 0), func(c *subfive.Click, v *subfive.Conversion) {
		ad(c, "ad-1", "set-1", "one.example.com")
		v.Status = subfive.StatusRejected
	}, owedTo{"meta-eu", "meta", dead})
	happened(t, s, 3, at(1, 12, 0), at(1, 14, 10), func(c *subfive.Click, v *subfive.Conversion) {
		ad(c, "ad-2", "set-2", "two.example.com")
		v.Subs = map[string]string{"sub1": "blue", "sub2": "x"}
	}, owedTo{"meta-eu", "meta", scheduled}, owedTo{"meta-us", "meta", subfive.DeliverySkipped})
	happened(t, s, 4, at(2, 9, 0), at(2, 9, 5), func(c *subfive.Click, v *subfive.Conversion) {
		ad(c, "ad-3", "set-3", "two.example.com")
		c.SourceID, c.CampaignID, c.Platform, c.Params = "tiktok-us", "summer", "tiktok", nil
		c.VisitorID, c.VisitNo = "visitor", 2
		v.Status, v.Backfilled, v.Subs = subfive.StatusApproved, true, nil
	}, owedTo{"tiktok-main", "tiktok", delivered})
	happened(t, s, 5, at(2, 10, 0), at(2, 10, 0), func(c *subfive.Click, v *subfive.Conversion) {
		*c = subfive.Click{}
		v.Verdict, v.AttributedClickID, v.ReceivedClickID, v.MatchMethod, v.ClickedAt = subfive.VerdictNoClickID, "", "", "", time.Time{}
		v.Currency = "EUR" // nobody gave its rate
	})
	happened(t, s, 6, at(1, 16, 0), at(1, 16, 0), func(c *subfive.Click, v *subfive.Conversion) {
		ad(c, "ad-1", "set-1", "one.example.com")
		*v = subfive.Conversion{}
	})
	happened(t, s, 7, at(1, 17, 0), at(1, 17, 1), func(c *subfive.Click, v *subfive.Conversion) {
		ad(c, "ad-1", "set-1", "one.example.com")
		c.IsTest, v.IsTest, v.Verdict = true, true, subfive.VerdictTest
	})
	cost := func(day, ad, set string, amount subfive.Micros) Cost {
		return Cost{
			SourceID: "meta-us", Day: day, Platform: "meta", Ad: subfive.Ad{CampaignID: "camp", SetID: set, ID: ad},
			Spend: subfive.Money{Amount: amount, Currency: "USD"}, Clicks: 4, Conversions: 3,
		}
	}
	if err := s.ReplaceCosts(t.Context(), "import", noon, []Cost{
		cost("2026-11-01", "ad-1", "set-1", 10_000_000), cost("2026-11-01", "ad-2", "set-2", 50_000_000), cost("2026-11-02", "ad-1", "set-1", 3_000_000),
	}); err != nil {
		t.Fatal(err)
	}
}

// documented are the queries of docs/sql.md, by their headlines.
func documented(t *testing.T) map[string]string {
	t.Helper()
	b, err := os.ReadFile("../docs/sql.md")
	if err != nil {
		t.Fatal(err)
	}
	queries := map[string]string{}
	for _, part := range regexp.MustCompile("(?s)\n## ([^\n]+)\n[^#]*?```sql\n(.*?)```").FindAllStringSubmatch(string(b), -1) {
		queries[part[1]] = part[2]
	}
	return queries
}

// answerOf is a query's answer, its numbers alike from both databases.
func answerOf(t *testing.T, s *Store, query string) (rows []string) {
	t.Helper()
	err := s.Query(t.Context(), query, func(columns []string) error {
		rows = append(rows, strings.Join(columns, " "))
		return nil
	}, func(values []any) error {
		cells := make([]string, len(values))
		for i, v := range values {
			cells[i] = fmt.Sprint(v)
			if n, err := strconv.ParseFloat(cells[i], 64); err == nil {
				cells[i] = strconv.FormatFloat(n, 'f', 3, 64)
				cells[i] = strings.TrimSuffix(strings.TrimRight(cells[i], "0"), ".")
			}
			if v == nil {
				cells[i] = "NULL"
			}
		}
		rows = append(rows, strings.Join(cells, " | "))
		return nil
	})
	if err != nil {
		t.Errorf("%v", err)
	}
	return rows
}

// Each query of docs/sql.md answers, on both databases, what happened.
func TestDocumentedQueries(t *testing.T) {
	t.Parallel()
	want := map[string][]string{
		"Profit by ad": {
			"platform ad_id clicks conversions revenue cost profit roi days_without_cost",
			"meta | ad-1 | 3 | 2 | 42.5 | 13 | 29.5 | 2.269 | 0",
			"meta | ad-2 | 1 | 1 | 42.5 | 50 | -7.5 | -0.15 | 0",
			"tiktok | ad-3 | 1 | 1 | 42.5 | NULL | NULL | NULL | 1",
		},
		"Approve rate by ad set": {
			"platform adset_id adset_name conversions approved rejected approve_rate",
			"meta | set-1 | Set set-1 | 2 | 1 | 1 | 0.5",
			"meta | set-2 | Set set-2 | 1 | 0 | 0 | NULL",
			"tiktok | set-3 | Set set-3 | 1 | 1 | 0 | 1",
		},
		"Hours to convert": {"hours conversions share", "0 | 2 | 0.5", "2 | 1 | 0.75", "26 | 1 | 1"},
		"Which sub1…4 convert": {
			"sub1 sub2 sub3 sub4 conversions revenue without_rate",
			"red | NULL | NULL | NULL | 3 | 42.5 | 1",
			"NULL | NULL | NULL | NULL | 1 | 42.5 | 0",
			"blue | x | NULL | NULL | 1 | 42.5 | 0",
		},
		"What opens and what closes": {
			"source_id campaign_id opens closes of_equal_parts by_position share_with_visitor_id",
			"meta-us | spring | 2 | 1 | 1.5 | 1.5 | 0.333",
			"tiktok-us | summer | 0 | 1 | 0.5 | 0.5 | 0.333",
		},
		"Conversions two platforms claimed": {
			"conversion_id conversion_day source_id platforms one another payout",
			"cv_1 | 2026-11-01 | meta-us | 2 | google | meta | 42.5",
		},
		"What was owed and not sent, and why": {
			"destination_id kind status reason_code last_code deliveries conversions oldest_ms",
			"meta-eu | conversion | dead | rejected | 100 | 1 | 1 | 1793624400000",
			"meta-eu | conversion | scheduled |  |  | 1 | 1 | 1793542200000",
		},
		"Match keys by landing page": {
			"landing_host destination_id sent click_id fbp ip email phone",
			"one.example.com | google-main | 1 | 0 | 0 | 1 | 0 | 0",
			"one.example.com | meta-eu | 1 | 1 | 1 | 1 | 0 | 0",
			"two.example.com | tiktok-main | 1 | 0 | 0 | 1 | 0 | 0",
		},
		"Cohort payback": {
			"click_day days_to_convert earned_so_far cost paid_back",
			"2026-11-01 | 0 | 85 | 60 | 1.417",
			"2026-11-01 | 1 | 85 | 60 | 1.417",
			"2026-11-02 | 0 | 42.5 | NULL | NULL",
		},
		"The gap to the network by day": {
			"conversion_day network conversions never_posted gap payout_never_posted",
			"2026-11-01 | everflow | 2 | 0 | 0 | 0",
			"2026-11-02 | everflow | 3 | 1 | 0.333 | 42.5",
		},
	}
	each(t, func(t *testing.T, s *Store) {
		november(t, s)
		queries := documented(t)
		got := map[string][]string{}
		for name, query := range queries {
			got[name] = answerOf(t, s, query)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
