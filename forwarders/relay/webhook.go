package relay

import (
	"time"

	"subfive"
)

// webhook is the body that is sent when the settings have none. README.md
// documents it: fields are added, and never renamed.
type webhook struct {
	Kind          subfive.Kind    `json:"kind"`
	Test          bool            `json:"test"`
	EventID       string          `json:"event_id"`
	EventName     string          `json:"event_name"`
	EventTime     time.Time       `json:"event_time"`
	Value         *subfive.Micros `json:"value"` // null: the destination tells none
	ValueCurrency string          `json:"value_currency"`
	Conversion    conversion      `json:"conversion"`
	Click         *click          `json:"click"` // null: without one
}

type conversion struct {
	ID             string          `json:"id"`
	NetworkID      string          `json:"network_id"`
	TransactionID  string          `json:"transaction_id"`
	OrderID        string          `json:"order_id"`
	Goal           string          `json:"goal"`
	Seq            int             `json:"seq"`
	Status         subfive.Status  `json:"status"`
	Payout         *subfive.Micros `json:"payout"`
	SaleAmount     *subfive.Micros `json:"sale_amount"`
	Currency       string          `json:"currency"`
	ConvertedAt    time.Time       `json:"converted_at"`
	ClickID        string          `json:"click_id"`
	CampaignID     string          `json:"campaign_id"`
	SourceID       string          `json:"source_id"`
	OfferID        string          `json:"offer_id"`
	NetworkOfferID string          `json:"network_offer_id"`
}

type click struct {
	ID        string            `json:"id"`
	ClickedAt time.Time         `json:"clicked_at"`
	Platform  string            `json:"platform"`
	LandingID string            `json:"landing_id"`
	Params    map[string]string `json:"params"` // the platforms' click IDs
}

func webhookOf(d subfive.Delivery) webhook {
	c := d.Conversion
	w := webhook{
		Kind: d.Kind, Test: d.Mode == subfive.ModeTest,
		EventID: d.EventID, EventName: d.EventName, EventTime: d.EventTime.UTC(),
		Conversion: conversion{
			ID: d.ConversionID, NetworkID: c.NetworkID, TransactionID: c.TransactionID, OrderID: c.OrderID,
			Goal: c.Goal(), Seq: c.Seq, Status: c.Status, Payout: c.Payout, SaleAmount: c.SaleAmount, Currency: c.Currency,
			ConvertedAt: c.ConvertedAt.UTC(), ClickID: clickID(d),
			CampaignID: c.CampaignID, SourceID: c.SourceID, OfferID: c.OfferID, NetworkOfferID: c.NetworkOfferID,
		},
	}
	if d.Value != nil {
		w.Value, w.ValueCurrency = &d.Value.Amount, d.Value.Currency
	}
	if d.Click != nil {
		w.Click = &click{
			ID: d.Click.ID, ClickedAt: d.Click.ClickedAt.UTC(), Platform: d.Click.Platform,
			LandingID: d.Click.LandingID, Params: d.Click.Params,
		}
	}
	return w
}
