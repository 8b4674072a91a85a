package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

// A report tells who saw the landing page, who left it for the offer, and who
// did neither.
func TestVisitsInReports(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		b := sale(1, "meta-eu")
		c := &b.Clicks[0]
		c.LandingViewedAt, c.LandingClickedAt = noon.Add(time.Second), noon.Add(1500*time.Millisecond)
		b.Visits = []subfive.Visit{
			{
				ID: "vs_1", ClickID: c.ID, Kind: subfive.GoalLandingView, At: noon, LandingID: "lp1", PageURL: "https://lp.example.com/a", Referrer: "https://m.facebook.com/",
				Consent: map[string]string{"consent_ad_user_data": "granted"},
			},
			{ID: "vs_2", ClickID: "not-yet", Kind: subfive.GoalLandingClick, At: noon, OfferID: "dream"},
		}
		record(t, s, b)
		record(t, s, sale(2, "meta-eu"))
		read := func(query string) (rows []string) {
			t.Helper()
			err := s.Query(t.Context(), query, func([]string) error { return nil }, func(row []any) error {
				rows = append(rows, fmt.Sprint(row))
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			return rows
		}
		want := []string{
			"[vs_1 " + c.ID + " lp_view lp1  lp.example.com m.facebook.com granted " + c.CampaignID + " 0]",
			"[vs_2 not-yet lp_click  dream <nil> <nil> <nil>  0]",
		}
		got := read("SELECT visit_id, click_id, kind, landing_id, offer_id, landing_host, referrer_host, consent_ad_user_data, campaign_id, is_bot FROM v_visits ORDER BY visit_id")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("v_visits (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"[" + c.ID + "]"}, read("SELECT click_id FROM v_clicks WHERE lp_viewed_at > clicked_at AND lp_clicked_at > lp_viewed_at")); diff != "" {
			t.Errorf("clicks that saw the page (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"[click2]"}, read("SELECT click_id FROM v_clicks WHERE lp_viewed_at IS NULL AND lp_clicked_at IS NULL")); diff != "" {
			t.Errorf("clicks that did not (-want +got):\n%s", diff)
		}
	})
}
