package main

import (
	"context"
	"time"

	"subfive"
	"subfive/alerts"
	"subfive/store"
)

// spend reads what each campaign cost since yesterday began, and what a
// conversion of it cost in the seven days before: costs come by days.
func spend(ctx context.Context, st *store.Store, now time.Time, zone *time.Location, currency string) ([]alerts.Spend, error) {
	day := func(back int) string { return now.In(zone).AddDate(0, 0, -back).Format(time.DateOnly) }
	campaigns, err := st.Spend(ctx, day(8), day(1))
	if err != nil {
		return nil, err
	}
	all := []alerts.Spend{}
	for _, c := range campaigns {
		s := alerts.Spend{Subject: c.CampaignID, Spent: subfive.Money{Amount: c.Cost, Currency: currency}, Conversions: c.Conversions}
		if c.Before > 0 {
			s.Usual = &subfive.Money{Amount: c.CostBefore / subfive.Micros(c.Before), Currency: currency}
		}
		all = append(all, s)
	}
	return all, nil
}
