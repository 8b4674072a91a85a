package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/alerts"
	"subfive/store"
)

// What was spent since yesterday, and what a conversion cost before that.
func TestSpendOfCampaigns(t *testing.T) {
	onEach(t, func(t *testing.T, dsn string) {
		if dsn == "" {
			dsn = t.TempDir() + "/test.db"
		}
		st, err := store.Open(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = st.Close() }()
		now := noon()
		click := func(id string, daysAgo int) subfive.Click {
			return subfive.Click{
				ID: id, RecordKind: subfive.ClickRedirect, ClickedAt: now.AddDate(0, 0, -daysAgo), CampaignID: "spring", SourceID: "meta-us", OfferID: "o",
				Cost: &subfive.Money{Amount: 70_000_000, Currency: "USD"},
			}
		}
		before := click("before", 3)
		sold := subfive.Conversion{
			ID: "cv_1", NetworkID: "everflow", EndpointID: "default", PostbackID: "pb_1", Verdict: subfive.VerdictMatched, ReceivedClickID: before.ID,
			AttributedClickID: before.ID, CampaignID: "spring", SourceID: "meta-us", OfferID: "o", ConvertedAt: before.ClickedAt.Add(time.Hour),
			ReceivedAt: before.ClickedAt.Add(time.Hour), ClickedAt: before.ClickedAt, Currency: "USD",
		}
		err = st.RecordBatch(t.Context(), subfive.Batch{At: now, Clicks: []subfive.Click{before, click("today", 0), click("yesterday", 1)}, Conversions: []subfive.Conversion{sold}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := spend(t.Context(), st, now, time.UTC, "USD")
		if err != nil {
			t.Fatal(err)
		}
		want := []alerts.Spend{{
			Subject: "spring", Spent: subfive.Money{Amount: 140_000_000, Currency: "USD"}, Usual: &subfive.Money{Amount: 70_000_000, Currency: "USD"},
		}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}
