package everflow

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"subfive"
)

// loose is a field that may come as a text, a number or a flag. An object or a
// list is none.
type loose string

// UnmarshalJSON reads any scalar as text, a number digit by digit.
func (l *loose) UnmarshalJSON(b []byte) error {
	switch b[0] {
	case '"':
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		*l = loose(strings.TrimSpace(strings.ReplaceAll(s, "\x00", "")))
	case '{', '[', 'n':
		*l = ""
	default:
		*l = loose(b)
	}
	return nil
}

// relation is the part of a row that tells of its offer.
type relation struct {
	Relationship struct {
		Offer struct {
			ID       loose `json:"network_offer_id"`
			Currency loose `json:"currency_id"`
		} `json:"offer"`
	} `json:"relationship"`
}

// errScrubbed says that the network withholds a conversion: it neither tells
// nor pays it.
var errScrubbed = errors.New("scrubbed")

// read reads a row of the conversions' report: what is needed strictly, and no
// more of it. ID, request and arrival are left to who records it.
func (a *API) read(raw json.RawMessage) (p subfive.Postback, err error) {
	var row map[string]loose
	var rel relation
	if err := json.Unmarshal(raw, &row); err != nil {
		return p, err
	}
	if err := json.Unmarshal(raw, &rel); err != nil {
		return p, err
	}
	get := func(name string) string { return string(row[name]) }
	p = subfive.Postback{
		NetworkID: a.config.NetworkID, EndpointID: a.config.EndpointID, Via: subfive.ViaAPI, Reading: subfive.ReadingOK,
		NetworkConversionID: get("conversion_id"), TransactionID: get("transaction_id"), OrderID: get("order_id"),
		NetworkOfferID: string(rel.Relationship.Offer.ID), StatusWord: get("status"), Status: subfive.StatusOf(get("status")),
	}
	switch {
	case p.NetworkConversionID == "":
		return p, errors.New("it has no conversion_id")
	case p.Status == subfive.StatusUnknown:
		return p, fmt.Errorf("conversion %s has no status", p.NetworkConversionID)
	case isTrue(get("is_scrub")):
		return p, errScrubbed
	}
	if p.NetworkAt, err = unixTime(get("conversion_unix_timestamp")); err != nil {
		return p, fmt.Errorf("conversion %s: conversion_unix_timestamp: %w", p.NetworkConversionID, err)
	}
	p.GoalName = get("event")
	if !isTrue(get("is_event")) || p.GoalName == "" || strings.EqualFold(p.GoalName, subfive.GoalBase) {
		p.GoalID, p.GoalName = subfive.GoalBase, subfive.GoalBase
	}
	// What a partner earns is called payout in one description of the affiliate
	// API and revenue in its answers.
	p.PayoutRaw = get("payout")
	if p.PayoutRaw == "" {
		p.PayoutRaw = get("revenue")
	}
	if p.Payout, err = exactly(p.PayoutRaw); err != nil {
		return p, fmt.Errorf("conversion %s: payout: %w", p.NetworkConversionID, err)
	}
	if p.SaleAmount, err = exactly(get("sale_amount")); err != nil {
		return p, fmt.Errorf("conversion %s: sale_amount: %w", p.NetworkConversionID, err)
	}
	if p.SaleAmount != nil && *p.SaleAmount == 0 {
		p.SaleAmount = nil // the report has 0 where none was told
	}
	for _, code := range []string{get("currency_id"), string(rel.Relationship.Offer.Currency)} {
		if currency, ok := subfive.Currency(code); ok && p.Currency == "" {
			p.Currency = currency
		}
	}
	a.slots(&p, row)
	return p, a.contact(&p, row)
}

// slots takes the click ID, and keeps the sub and adv parameters.
func (a *API) slots(p *subfive.Postback, row map[string]loose) {
	for _, family := range []string{"sub", "adv"} {
		for i := 1; i <= 10; i++ {
			name := family + strconv.Itoa(i)
			if v := string(row[name]); v != "" {
				p.Request.Params = append(p.Request.Params, subfive.Param{Name: name, Value: v})
			}
		}
	}
	slot := ""
	if a.config.ClickSlot != nil {
		slot = a.config.ClickSlot(p.NetworkOfferID)
	}
	if slot == "" {
		slot = "sub5"
	}
	p.ClickIDRaw = string(row[slot])
	id, ours := subfive.ParseClickID(p.ClickIDRaw)
	switch {
	case ours:
		p.ClickID = id
	case p.ClickIDRaw == "":
		p.Reading = subfive.ReadingEmptyClickID
	default:
		p.ClickID, p.Reading = p.ClickIDRaw, subfive.ReadingForeign
	}
}

// contact keeps the e-mail address, if that is wanted.
func (a *API) contact(p *subfive.Postback, row map[string]loose) error {
	address := string(row["email"])
	if a.config.Contact == nil || address == "" {
		return nil
	}
	sealed, err := a.config.Contact(subfive.UserEmail, address, "")
	if err != nil {
		return fmt.Errorf("seal the address of conversion %s: %w", p.NetworkConversionID, err)
	}
	p.UserData = map[string]subfive.Sealed{subfive.UserEmail: sealed}
	return nil
}

func isTrue(word string) bool { return word == "1" || strings.EqualFold(word, "true") }

// unixTime reads Unix seconds of this century.
func unixTime(text string) (time.Time, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 946_684_800 || n > 4_102_444_800 {
		return time.Time{}, fmt.Errorf("%q is no Unix time in seconds", text)
	}
	return time.Unix(n, 0).UTC(), nil
}

// exactly reads an amount, digit by digit; "" is none. JSON may write a small
// one with an exponent.
func exactly(text string) (*subfive.Micros, error) {
	if text == "" {
		return nil, nil
	}
	m, err := subfive.ParseMicros(text)
	if err == nil {
		return &m, nil
	}
	digits, exponent, ok := strings.Cut(strings.ToLower(text), "e")
	power, powerErr := strconv.Atoi(exponent)
	if !ok || powerErr != nil || power < -30 || power > 12 {
		return nil, fmt.Errorf("%q: %w", text, err)
	}
	r, ok := new(big.Rat).SetString(digits + "e" + exponent)
	if !ok {
		return nil, fmt.Errorf("%q: %w", text, err)
	}
	if m, err = subfive.ParseMicros(r.FloatString(7)); err != nil {
		return nil, fmt.Errorf("%q: %w", text, err)
	}
	return &m, nil
}
