package attribution

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

// One postback URL serves every source and every offer: who is told is the
// click's matter, not the URL's.
func TestOneURLForAllSourcesAndOffers(t *testing.T) {
	tr := newTracker(t, func(s *subfive.Setup) {
		search := s.Destinations[0]
		search.ID, search.Platform = "google-main", "google"
		s.Destinations = append(s.Destinations, search)
		s.Sources = append(s.Sources, subfive.Source{ID: "google-us", Platform: "google"}, subfive.Source{ID: "newsletter"})
		s.Offers = append(s.Offers, subfive.Offer{ID: "other", Network: "everflow", NetworkOfferID: "8"})
		s.Campaigns[0].Destinations = []string{"meta-main"}
		s.Campaigns = append(s.Campaigns,
			subfive.Campaign{ID: "search", Source: "google-us", Offer: "other", Destinations: []string{"google-main"}},
			subfive.Campaign{ID: "letter", Source: "newsletter", Offer: "ourdream"},
		)
	})
	const search, letter = "01jd3c4z9y8x7w6v5t4s3r2q2a", "01jd3c4z9y8x7w6v5t4s3r2q2b"
	tr.record(
		tr.click(clickA, nil),
		tr.click(search, func(c *subfive.Click) {
			c.CampaignID, c.SourceID, c.Platform, c.OfferID = "search", "google-us", "google", "other"
			c.Params = map[string]string{"gclid": "Cj0K"}
		}),
		tr.click(letter, func(c *subfive.Click) {
			c.CampaignID, c.SourceID, c.Platform, c.Params = "letter", "newsletter", "", nil
		}),
	)
	offer := func(number, payout string) func(*subfive.Postback) {
		return func(p *subfive.Postback) { p.NetworkOfferID, p.Payout = number, amount(payout) }
	}
	tr.record(
		tr.postback("meta", clickA, "t1", offer("7", "42")),
		tr.postback("search", search, "t2", offer("8", "7")),
		tr.postback("letter", letter, "t3", offer("7", "5")),
		tr.postback("nobody", "", "t4", offer("7", "3")),
	)
	tr.want(
		"pb_meta matched", "pb_search matched", "pb_letter matched", "pb_nobody no_click_id",
		"conversion matched 42.00", "conversion matched 7.00", "conversion matched 5.00", "conversion no_click_id 3.00",
		"meta-main conversion Purchase 42.00 USD scheduled", "google-main conversion Purchase 7.00 USD scheduled",
	)
	var credited []string
	for _, c := range tr.store.conversions {
		credited = append(credited, c.OfferID+" "+c.SourceID+" "+c.CampaignID)
	}
	slices.Sort(credited)
	want := []string{"other google-us search", "ourdream  ", "ourdream meta-us spring", "ourdream newsletter letter"}
	if diff := cmp.Diff(want, credited); diff != "" {
		t.Errorf("credited (-want +got):\n%s", diff)
	}
}

// Organic visitors bring no platform's click ID. By a link of ours they have a
// click, and a sheet or webhook is told of them, an ad platform only with
// fan_out; without a click their conversions count and nobody is told.
func TestOrganicConversionsCount(t *testing.T) {
	tr := newTracker(t, func(s *subfive.Setup) {
		s.Endpoints = append(s.Endpoints, subfive.Endpoint{
			ID: "organic", Network: "everflow", EmptyClickID: subfive.EmptyOrganic, Destinations: []string{"meta-main", "hook"},
		})
		s.Destinations[1].Unmatched = "send"
		s.Sources = append(s.Sources, subfive.Source{ID: "newsletter", Platform: "email"})
		s.Campaigns = append(s.Campaigns, subfive.Campaign{ID: "letter", Source: "newsletter", Offer: "ourdream", Destinations: []string{"meta-main", "hook"}})
	})
	tr.record(
		tr.click(clickA, func(c *subfive.Click) {
			c.CampaignID, c.SourceID, c.Platform, c.Params = "letter", "newsletter", "email", nil
		}),
		tr.postback("link", clickA, "t1", nil),
		tr.postback("none", "", "t2", func(p *subfive.Postback) { p.EndpointID, p.Payout = "organic", amount("7") }),
	)
	tr.want(
		"pb_link matched", "conversion matched 42.00", "meta-main conversion Purchase 42.00 USD skipped other_platform", "hook conversion sale 42.00 USD scheduled",
		"pb_none no_click_id", "conversion no_click_id 7.00",
	)
	for _, c := range tr.store.conversions {
		if !c.Counts() {
			t.Errorf("it does not count: %+v", c)
		}
	}
}

// An event after the sale is a conversion of its own, with or without a payout.
func TestEventsAreNeverTheBase(t *testing.T) {
	tr := newTracker(t, func(s *subfive.Setup) { s.Campaigns[0].Destinations = []string{"hook"} })
	event := func(id, payout string) func(*subfive.Postback) {
		return func(p *subfive.Postback) { p.GoalID, p.Payout = id, amount(payout) }
	}
	tr.record(
		tr.click(clickA, nil),
		tr.postback("base", clickA, "t1", func(p *subfive.Postback) { p.GoalID, p.GoalName = "base", "base" }),
		tr.postback("free", clickA, "t1", event("3", "0")),
		tr.postback("again", clickA, "t1", event("3", "0")),
		tr.postback("silent", clickA, "t1", event("4", "")),
	)
	tr.want(
		"pb_base matched", "pb_free matched", "pb_again duplicate", "pb_silent matched",
		"conversion matched 42.00", "conversion matched 0.00", "conversion matched",
		"hook conversion sale 42.00 USD scheduled",
		"hook conversion  0.00 USD skipped goal_unmapped", "hook conversion  skipped goal_unmapped",
	)
}

// When it happened is the network's word, if it can be true, and when we heard
// of it is kept beside it.
func TestWhenItHappenedAndWhenWeHeard(t *testing.T) {
	tests := map[string]struct {
		network time.Duration // before arrival; 0: it says nothing
		want    time.Duration
		from    string
	}{
		"nothing said":           {0, 0, subfive.FromArrival},
		"held back five minutes": {5 * time.Minute, 5 * time.Minute, subfive.FromMacro},
		"29 days ago":            {29 * 24 * time.Hour, 29 * 24 * time.Hour, subfive.FromMacro},
		"31 days ago":            {31 * 24 * time.Hour, 0, subfive.FromArrival},
		"in an hour":             {-time.Hour, 0, subfive.FromArrival},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tr := newTracker(t, nil)
			tr.record(tr.postback("1", "", "t1", func(p *subfive.Postback) {
				if tt.network != 0 {
					p.NetworkAt = tr.now.Add(-tt.network)
				}
			}))
			tr.want("pb_1 no_click_id", "conversion no_click_id 42.00")
			for _, c := range tr.store.conversions {
				if !c.ConvertedAt.Equal(noon.Add(-tt.want)) || c.ConvertedAtFrom != tt.from || !c.ReceivedAt.Equal(noon) {
					t.Errorf("converted %s (%s), received %s", c.ConvertedAt, c.ConvertedAtFrom, c.ReceivedAt)
				}
			}
		})
	}
}

// A payout without a currency is in the offer's, and in dollars where the offer
// names none; the postback's own word comes first.
func TestPayoutsCurrency(t *testing.T) {
	tests := map[string]struct{ offers, postbacks, want string }{
		"nobody says":      {"", "", "USD"},
		"the offer's":      {"EUR", "", "EUR"},
		"the postback's":   {"EUR", "GBP", "GBP"},
		"the offer's, USD": {"USD", "", "USD"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tr := newTracker(t, func(s *subfive.Setup) {
				s.Offers[0].Currency, s.Campaigns[0].Destinations = tt.offers, []string{"hook"}
			})
			tr.record(tr.click(clickA, nil), tr.postback("1", clickA, "t1", func(p *subfive.Postback) { p.Currency = tt.postbacks }))
			tr.want("pb_1 matched", "conversion matched 42.00", "hook conversion sale 42.00 "+tt.want+" scheduled")
		})
	}
}

// The other sub-parameters are kept with the conversion, under one name each.
func TestSubParametersAreKept(t *testing.T) {
	tr := newTracker(t, nil)
	tr.record(tr.postback("1", "", "t1", func(p *subfive.Postback) {
		p.Request.Params = []subfive.Param{
			{Name: "sub1", Value: "sfw"},
			{Name: "Sub2", Value: "female"},
			{Name: "sub_3", Value: ""},
			{Name: "SUB-3", Value: "chat"},
			{Name: "sub1", Value: "second"},
			{Name: "adv10", Value: "x"},
			{Name: "sub11", Value: "none of Everflow's"},
			{Name: "mine", Value: "y"},
		}
	}))
	want := map[string]string{"sub1": "sfw", "sub2": "female", "sub3": "chat", "adv10": "x"}
	for _, c := range tr.store.conversions {
		if diff := cmp.Diff(want, c.Subs); diff != "" {
			t.Errorf("subs (-want +got):\n%s", diff)
		}
	}
	if len(tr.store.conversions) != 1 {
		t.Errorf("%d conversions", len(tr.store.conversions))
	}
}

// A conversion that came by two postbacks is one, and names the endpoint that
// could be spared.
func TestWhoElseReceivedIt(t *testing.T) {
	tr := newTracker(t, func(s *subfive.Setup) { s.Campaigns[0].Destinations = []string{"hook"} })
	elsewhere := func(p *subfive.Postback) { p.EndpointID = "meta-only" }
	tr.record(
		tr.click(clickA, nil), tr.postback("1", clickA, "t1", nil), tr.postback("2", clickA, "t1", elsewhere),
		tr.postback("3", clickA, "t1", nil), tr.postback("4", clickA, "t1", elsewhere),
	)
	tr.want("pb_1 matched", "pb_2 duplicate", "pb_3 duplicate", "pb_4 duplicate", "conversion matched 42.00", "hook conversion sale 42.00 USD scheduled")
	for _, c := range tr.store.conversions {
		if diff := cmp.Diff([]string{"meta-only"}, c.AlsoReceivedBy); diff != "" {
			t.Errorf("also received by (-want +got):\n%s", diff)
		}
	}
}
