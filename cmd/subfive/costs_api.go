package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"subfive"
	"subfive/dashboard"
	"subfive/store"
)

// costItem is a cost as the API shows it.
func costItem(c store.Cost) dashboard.Cost {
	return dashboard.Cost{
		SourceID: c.SourceID, Day: c.Day, AdAccountID: c.AdAccountID, CampaignID: c.Ad.CampaignID, CampaignName: c.Ad.CampaignName,
		SetID: c.Ad.SetID, SetName: c.Ad.SetName, AdID: c.Ad.ID, AdName: c.Ad.Name, Spend: c.Spend.Amount, Currency: c.Spend.Currency,
		Impressions: c.Impressions, Clicks: c.Clicks, Conversions: c.Conversions, Value: c.Value,
	}
}

// keptCost is a cost as it is listed.
type keptCost struct {
	dashboard.Cost

	Platform   string    `json:"platform"`
	ImportID   string    `json:"import_id"`
	ImportedAt time.Time `json:"imported_at"`
}

// ReplaceCosts keeps what ads cost, for the REST API.
func (b *backend) ReplaceCosts(ctx context.Context, costs []dashboard.Cost) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	setup, err := st.Setup(ctx)
	if err != nil {
		return nil, err
	}
	now := b.t.app.now()
	days := map[costDay]bool{}
	rows := make([]store.Cost, len(costs))
	for i, c := range costs {
		source, ok := setup.Source(c.SourceID)
		day, bad := time.Parse(time.DateOnly, c.Day)
		switch {
		case !ok:
			return nil, dashboard.Refusal{Invalid: true, What: fmt.Sprintf("rows[%d]: there is no source %q", i, c.SourceID), Do: "there is " + sourceIDs(setup.Sources)}
		case bad != nil:
			return nil, dashboard.Refusal{Invalid: true, What: fmt.Sprintf("rows[%d]: the day is %q", i, c.Day), Do: "write it as 2026-11-24"}
		case day.After(now.Add(24 * time.Hour)):
			return nil, dashboard.Refusal{Invalid: true, What: fmt.Sprintf("rows[%d]: %s is in the future", i, c.Day), Do: "give the day in the account's own time zone"}
		}
		rows[i] = store.Cost{
			SourceID: source.ID, Day: c.Day, AdAccountID: c.AdAccountID, Platform: source.Platform,
			Ad:    subfive.Ad{CampaignID: c.CampaignID, CampaignName: c.CampaignName, SetID: c.SetID, SetName: c.SetName, ID: c.AdID, Name: c.AdName},
			Spend: subfive.Money{Amount: c.Spend, Currency: c.Currency}, Impressions: c.Impressions, Clicks: c.Clicks, Conversions: c.Conversions, Value: c.Value,
		}
		if rows[i].AdAccountID == "" {
			rows[i].AdAccountID = source.AccountID
		}
		if rows[i].Spend.Currency == "" {
			rows[i].Spend.Currency = source.Currency
		}
		days[costDay{c.Day, source.ID}] = true
	}
	said, err := json.Marshal(costs)
	if err != nil {
		return nil, err
	}
	id := subfive.DeriveID(prefixImport, string(said))
	err = st.ReplaceCosts(ctx, id, now, rows)
	if errors.Is(err, store.ErrBadCost) {
		return nil, dashboard.Refusal{Invalid: true, What: err.Error(), Do: "mend the row and send all of its day again"}
	}
	if err != nil {
		return nil, err
	}
	return map[string]any{"import_id": id, "rows": len(rows), "days": len(days)}, nil
}

// Costs lists what ads cost, for the REST API.
func (b *backend) Costs(ctx context.Context, q dashboard.CostQuery) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	kept, next, err := st.Costs(ctx, store.CostQuery(q))
	if errors.Is(err, store.ErrBadQuery) {
		return nil, dashboard.Refusal{Invalid: true, What: err.Error(), Do: "see /api/v1/openapi.json"}
	}
	if err != nil {
		return nil, err
	}
	items := make([]keptCost, len(kept))
	for i, k := range kept {
		items[i] = keptCost{costItem(k.Cost), k.Platform, k.ImportID, k.ImportedAt}
	}
	return map[string]any{"items": items, "next": next}, nil
}

// PutRates keeps rates of exchange, for the REST API.
func (b *backend) PutRates(ctx context.Context, source string, rates []dashboard.Rate) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	all := make([]store.Rate, len(rates))
	for i, r := range rates {
		all[i] = store.Rate{Date: r.Date, Currency: r.Currency, Reporting: b.t.file.Server.Reporting.Currency, Rate: r.Rate, Source: source}
	}
	err = st.PutRates(ctx, all)
	if errors.Is(err, store.ErrBadRate) {
		return nil, dashboard.Refusal{Invalid: true, What: err.Error(), Do: "mend it and send them all again: none was kept"}
	}
	if err != nil {
		return nil, err
	}
	return map[string]any{"rates": len(all)}, nil
}

// Rates lists rates of exchange, for the REST API.
func (b *backend) Rates(ctx context.Context, q dashboard.RateQuery) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	rates, err := st.Rates(ctx, q.Currency, q.Since, q.Limit)
	if err != nil {
		return nil, err
	}
	items := make([]map[string]string, len(rates))
	for i, r := range rates {
		items[i] = map[string]string{"date": r.Date, "currency": r.Currency, "reporting_currency": r.Reporting, "rate": r.Rate, "source": r.Source}
	}
	return map[string]any{"items": items}, nil
}
