package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"subfive"
	"subfive/config"
	"subfive/dashboard"
	"subfive/forwarders"
	"subfive/forwarders/all"
	"subfive/store"
)

// previewed is the request that would go out, and what the platform makes of it.
type previewed struct {
	DestinationID string          `json:"destination_id"`
	Platform      string          `json:"platform"`
	Account       string          `json:"account,omitempty"`
	Mode          subfive.Mode    `json:"mode,omitempty"`
	ConversionID  string          `json:"conversion_id,omitempty"`
	MadeUp        bool            `json:"made_up"`
	EventName     string          `json:"event_name,omitempty"`
	EventID       string          `json:"event_id,omitempty"`
	Value         string          `json:"value,omitempty"`
	Currency      string          `json:"currency,omitempty"`
	WouldSend     bool            `json:"would_send"`
	ReasonCode    string          `json:"reason_code,omitempty"`
	Reason        string          `json:"reason,omitempty"`
	Problem       string          `json:"problem,omitempty"`
	Request       *previewedCall  `json:"request,omitempty"`
	Keys          []previewedKey  `json:"keys"`
	Rules         []previewedRule `json:"rules"`
	Warnings      []string        `json:"warnings"`
}

type previewedCall struct {
	Method  string `json:"method"`
	URL     string `json:"url"`
	Headers string `json:"headers"`
	Body    string `json:"body"`
}

type previewedKey struct {
	keyFacts
	Present bool `json:"present"`
}

type previewedRule struct {
	Rule string `json:"rule"`
	// Holds is nil where nobody looks here.
	Holds *bool  `json:"holds,omitempty"`
	Note  string `json:"note,omitempty"`
}

// Preview shows a request, for the REST API.
func (b *backend) Preview(ctx context.Context, p dashboard.Preview) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	setup, err := st.Setup(ctx)
	if err != nil {
		return nil, err
	}
	to, setup, err := b.previewTarget(ctx, st, setup, p)
	if err != nil {
		return nil, err
	}
	s := session{Store: st, file: b.t.file, vault: b.t.vault}
	d, madeUp, err := b.previewDelivery(ctx, s, to, p.ConversionID)
	if err != nil {
		return nil, err
	}
	d = b.t.app.decideAgain(setup, b.t.vault)(d)
	return b.previewOf(ctx, to, d, madeUp)
}

// previewTarget is the destination that is meant, and the setup with it.
func (b *backend) previewTarget(ctx context.Context, st *store.Store, setup subfive.Setup, p dashboard.Preview) (subfive.Destination, subfive.Setup, error) {
	to, ok := setup.Destination(p.DestinationID)
	if p.Draft == nil {
		if !ok {
			return to, setup, fmt.Errorf("destination %s: %w", p.DestinationID, subfive.ErrNotFound)
		}
		return to, setup, nil
	}
	var old any
	switch r, err := resourceOf(ctx, st, "destinations", p.DestinationID); {
	case err == nil:
		old = r.Value
	case !errors.Is(err, subfive.ErrNotFound):
		return to, setup, err
	}
	change := store.ResourceChange{Kind: store.KindDestination, ID: p.DestinationID, Origin: store.OriginAPI}
	value, err := b.t.app.revised(setup, dashboard.ResourceChange{Kind: "destinations", ID: p.DestinationID, Body: p.Draft}, change, old)
	if err != nil {
		return to, setup, unchangeable(err)
	}
	change.Value = value
	setup = changedSetup(setup, []store.ResourceChange{change})
	to, _ = setup.Destination(p.DestinationID)
	return to, setup, nil
}

// previewDelivery is the delivery of a conversion: of the one that is named, else
// of the newest, else of one that never was.
func (b *backend) previewDelivery(ctx context.Context, s session, to subfive.Destination, id string) (d subfive.Delivery, madeUp bool, err error) {
	if id == "" {
		for _, filters := range []map[string][]string{{"platform": {to.Platform}}, {}} {
			items, _, err := s.List(ctx, store.ListQuery{View: "conversions", Filters: filters, Limit: 1})
			if err != nil {
				return d, false, err
			}
			if len(items) == 1 {
				id, _ = items[0]["conversion_id"].(string)
				break
			}
		}
	}
	if id == "" {
		return b.imagined(to), true, nil
	}
	d, err = s.wouldBe(ctx, id, to, subfive.KindConversion)
	switch {
	case errors.Is(err, subfive.ErrNotFound):
		return d, false, fmt.Errorf("conversion %s: %w", id, subfive.ErrNotFound)
	case err != nil:
		return d, false, dashboard.Refusal{Invalid: true, What: err.Error(), Do: "name one conversion; GET /api/v1/conversions lists them"}
	}
	return d, false, nil
}

// imagined is a delivery of a conversion that never was, as the check's, with
// what a real one mostly brings.
func (b *backend) imagined(to subfive.Destination) subfive.Delivery {
	platform, _ := all.Find(to.Platform)
	d := madeUp(to, platform, b.t.app.now())
	payout := subfive.Micros(42_000_000)
	d.Conversion.IsTest, d.Conversion.Payout, d.Conversion.Currency, d.Conversion.ValueFrom = false, &payout, "USD", subfive.FromPostback
	d.Conversion.CampaignID = "made-up"
	return d
}

// previewOf renders what was decided.
func (b *backend) previewOf(ctx context.Context, to subfive.Destination, d subfive.Delivery, madeUp bool) (previewed, error) {
	platform, _ := all.Find(to.Platform)
	p := previewed{
		DestinationID: to.ID, Platform: to.Platform, Account: to.Account, Mode: to.Mode, ConversionID: d.ConversionID, MadeUp: madeUp,
		EventName: d.EventName, EventID: d.EventID, WouldSend: d.Status == subfive.DeliveryScheduled,
		Keys: []previewedKey{}, Rules: []previewedRule{}, Warnings: []string{},
	}
	if madeUp {
		p.ConversionID = ""
		p.warn("There is no conversion yet: this is of one that never was, and its address is one kept for documentation.")
	}
	if d.Value != nil {
		p.Value, p.Currency = d.Value.Amount.String(), d.Value.Currency
	}
	if !p.WouldSend {
		p.ReasonCode, p.Reason = d.ReasonCode, d.Reason
	}
	sender := newSender(b.t.vault, b.t.file.Server, b.t.app)
	defer sender.Close()
	request, err := b.rendered(ctx, sender, to, d)
	if err != nil {
		p.Problem = err.Error()
	} else {
		p.Request = &previewedCall{request.Method, request.URL, request.Header, request.Indented()}
	}
	p.match(platform, request)
	p.judge(platform, d, b.t.app.now())
	return p, nil
}

// rendered is a delivery's request by the destination as it is, stored or not.
func (b *backend) rendered(ctx context.Context, sender *forwarders.Sender, to subfive.Destination, d subfive.Delivery) (forwarders.Captured, error) {
	if resolved, err := config.Resolve(subfive.Setup{Destinations: []subfive.Destination{to}}, b.t.app.env); err == nil {
		to = resolved.Destinations[0]
	}
	made, err := configureOne(to, b.t.app.env, sender.AuthClient(hosts(to)...), config.DecodeSettingsAnywhere)
	if err != nil {
		return forwarders.Captured{}, err
	}
	if err := sender.SetDestinations([]forwarders.Configured{made}); err != nil {
		return forwarders.Captured{}, err
	}
	return sender.Preview(ctx, to.ID, d)
}

func (p *previewed) warn(text string) { p.Warnings = append(p.Warnings, text) }

// match says which keys the request has.
func (p *previewed) match(platform forwarders.Platform, request forwarders.Captured) {
	some := false
	for _, k := range platform.Keys {
		key := previewedKey{keyFacts{k.Name, k.Is, k.Sent}, k.In([]byte(request.Body))}
		some = some || key.Present
		p.Keys = append(p.Keys, key)
	}
	if len(platform.Keys) > 0 && !p.Keys[0].Present && p.Problem == "" {
		p.warn("It has no " + p.Keys[0].Name + ", the surest key: " + platform.Name + " finds fewer visitors without it.")
	}
	if !some && len(platform.Keys) > 0 && p.Problem == "" {
		p.warn("It has none of the keys by which " + platform.Name + " finds a visitor.")
	}
	if p.Request == nil {
		return
	}
	if u, err := url.Parse(p.Request.URL); err == nil && u.Scheme == "http" {
		p.warn("It goes without TLS: " + u.Host + " is named as an http:// address.")
	}
}

// holds is a rule that is looked at here.
func holds(rule string, so bool, note string) previewedRule { return previewedRule{rule, &so, note} }

// judge says which of the platform's rules hold.
func (p *previewed) judge(platform forwarders.Platform, d subfive.Delivery, now time.Time) {
	if platform.MaxAge > 0 {
		age := now.Sub(d.EventTime)
		p.Rules = append(p.Rules, holds("Not older than "+span(platform.MaxAge)+".", age <= platform.MaxAge, "this one is "+span(max(age, 0))+" old"))
	}
	if slices.Contains(platform.NeedsValue, p.EventName) {
		note := "it has none"
		if p.Value != "" {
			note = p.Value + " " + p.Currency
		}
		p.Rules = append(p.Rules, holds(p.EventName+" has a value and a currency.", p.Value != "", note))
	}
	if platform.DedupWindow > 0 {
		p.Rules = append(p.Rules, previewedRule{Rule: "A repeat within " + span(platform.DedupWindow) + " is told by its event ID, the same on every try and replay.", Note: p.EventID})
	}
	if p.Mode == subfive.ModeTest && slices.Contains(platform.TestsCount, p.EventName) {
		p.warn(p.EventName + " counts as a real event even in mode test.")
	}
	for _, rule := range platform.Rules {
		p.Rules = append(p.Rules, previewedRule{Rule: rule})
	}
	if p.Mode != subfive.ModeLive && strings.TrimSpace(p.EventName) != "" && len(platform.BeforeLive) > 0 {
		for _, c := range platform.BeforeLive {
			p.warn("Before it goes live, confirm " + c.ID + ": " + c.Text)
		}
	}
}
