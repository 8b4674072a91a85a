package store

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

// What reports tell clicks apart by is read from the click as it was recorded.
func TestClickDimensions(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		b := sale(1, "meta-eu")
		c := &b.Clicks[0]
		c.VisitorID, c.VisitNo = "visitor", 2
		c.Ad = subfive.Ad{CampaignID: "11", CampaignName: "ünï", SetID: "12", SetName: "b", ID: "13", Name: "c", Placement: "feed", Keyword: "k", MatchType: "e"}
		c.Tokens = map[string]string{"p1": "x", "p20": "y"}
		c.Visitor = subfive.Visitor{Country: "DE", Region: "BE", Carrier: "net", Device: "phone", OS: "ios", Browser: "safari"}
		c.Request.ClientAddr, c.Referrer, c.PageURL = "2001:db8::1", "https://m.facebook.com?x=/", "https://lp.example.com:8443/a/b#c"
		c.Cost = &subfive.Money{Amount: 420_001, Currency: "EUR"}
		plain := sale(2, "meta-eu")
		record(t, s, b)
		record(t, s, plain)
		columns := "visitor_id, visit_no, is_repeat, platform_campaign_id, platform_campaign_name, adset_id, adset_name, ad_id, ad_name, placement, keyword, match_type, " +
			"p1, p2, p20, ip_family, country, region, carrier, device, os, browser, referrer_host, landing_host, cost_micros, cost, cost_currency"
		want := map[string]string{
			"click1": "[visitor 2 1 11 ünï 12 b 13 c feed k e x <nil> y 6 DE BE net phone ios safari m.facebook.com lp.example.com:8443 420001 0.420001 EUR]",
		}
		got := map[string]string{}
		err := s.Query(t.Context(), "SELECT click_id, "+columns+" FROM v_clicks WHERE click_id = 'click1'", func([]string) error { return nil }, func(row []any) error {
			got[fmt.Sprint(row[0])] = fmt.Sprint(row[1:])
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		err = s.Query(t.Context(), "SELECT ad_id, country, p20, landing_host FROM v_conversions WHERE click_id = 'click1'", func([]string) error { return nil }, func(row []any) error {
			if got := fmt.Sprint(row); got != "[13 DE y lp.example.com:8443]" {
				t.Errorf("its conversion: %s", got)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		err = s.Query(t.Context(), "SELECT is_repeat, ip_family, referrer_host, cost FROM v_clicks WHERE click_id = 'click2'", func([]string) error { return nil }, func(row []any) error {
			if fmt.Sprint(row[0]) != "0" || row[2] != nil || row[3] != nil {
				t.Errorf("a click that says nothing: %v", row)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
