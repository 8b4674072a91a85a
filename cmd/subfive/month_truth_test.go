package main

import (
	"fmt"
	"math/big"
	"strings"
	"time"
)

// monthRates are what a US dollar and a British pound were worth in euros, by
// day. The first day has none, and nor has the one in the middle of the month,
// which the day before it speaks for.
type monthRates map[string]map[string]string

const (
	monthFirstDay   = "2026-11-01" // in Berlin
	monthNoRateDay  = "2026-11-15"
	monthNoCostsDay = "2026-11-20" // google-eu's export lacks it
)

func newMonthRates() monthRates {
	rates := monthRates{"USD": {}, "GBP": {}}
	for i := range 31 {
		day := time.Date(2026, 11, 1+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
		if day == monthFirstDay || day == monthNoRateDay {
			continue
		}
		rates["USD"][day] = fmt.Sprintf("0.86%04d", (i*2713)%10000)
		rates["GBP"][day] = fmt.Sprintf("1.14%05d", (i*31337)%100000)
	}
	return rates
}

// on returns the rate of a day and the day it is of; "" for none.
func (r monthRates) on(currency, day string) (rate, of string) {
	if day == monthNoRateDay {
		day = "2026-11-14"
	}
	if rate = r[currency][day]; rate == "" {
		return "", ""
	}
	return rate, day
}

// euros converts micros of a currency, rounded half away from zero; nil without
// a rate.
func (r monthRates) euros(micros int64, currency, day string) *big.Int {
	rate, _ := r.on(currency, day)
	if micros == 0 {
		return new(big.Int)
	}
	if rate == "" {
		return nil
	}
	f, ok := new(big.Rat).SetString(rate)
	if !ok {
		return nil
	}
	f.Mul(f, new(big.Rat).SetInt64(micros))
	// None of the month's amounts is negative.
	twice := new(big.Int).Add(new(big.Int).Mul(f.Num(), big.NewInt(2)), f.Denom())
	return twice.Quo(twice, new(big.Int).Mul(f.Denom(), big.NewInt(2)))
}

// monthTruth is what reports must say.
type monthTruth struct {
	m        *month
	berlin   *time.Location
	rates    monthRates
	end      time.Time // when the books were compared
	backfill bool      // they were
	billed   bool      // costs were imported
}

func (t monthTruth) day(slot int) string { return t.m.slots[slot].In(t.berlin).Format(time.DateOnly) }

// status and cents are what we know of a conversion now, and heard whether we
// know of it.
func (t monthTruth) now(c *monthConversion) (status string, cents int64, heard bool) {
	if t.backfill {
		return c.booked, c.bookedCents, true
	}
	return c.ourStatus(), c.cents, !c.lost
}

// dayKey is what a row of v_daily is keyed by, joined.
func dayKey(day string, ad monthAd) string {
	return strings.Join([]string{day, ad.source, ad.campaign, ad.offer, ad.account, ad.platform, ad.platformCampaign, ad.set, ad.id}, " ")
}

// adOf is the ad that a conversion counts for.
func adOf(c *monthConversion) monthAd {
	if c.click == nil {
		return monthAd{offer: "dream"}
	}
	return c.click.ad
}

// monthDay is a row of v_daily, in what adds up: counts, and US cents by status.
type monthDay struct {
	day string
	ad  monthAd

	clicks, bots, prefetches, visitors                                               int64
	conversions, events, upsells, pending, approved, rejected, botConversions        int64
	pendingCents, approvedCents, rejectedCents                                       int64
	spendCents, impressions, platformClicks, platformConversions, platformValueCents int64
}

// bill is what an account's export says of an ad and a day of its own zone.
type bill struct {
	day                                               string
	ad                                                monthAd
	cents, impressions, clicks, purchases, valueCents int64
}

// bills adds the clicks up by account day and ad.
func (t monthTruth) bills() map[string]*bill {
	all := map[string]*bill{}
	if !t.billed {
		return all
	}
	for i, c := range t.m.clicks {
		day := t.m.slots[c.slot].In(c.ad.zone).Format(time.DateOnly)
		if c.ad.source == "google-eu" && day == monthNoCostsDay {
			continue
		}
		b := all[dayKey(day, c.ad)]
		if b == nil {
			b = &bill{day: day, ad: c.ad}
			all[dayKey(day, c.ad)] = b
		}
		b.cents += c.cents
		b.impressions += int64(20 + i%7)
		b.clicks++
		if i%50 == 0 {
			b.purchases++
			b.valueCents += 1999
		}
	}
	return all
}

// days adds everything up.
func (t monthTruth) days() map[string]*monthDay {
	all := map[string]*monthDay{}
	row := func(day string, ad monthAd) *monthDay {
		ad.currency, ad.zone = "", nil
		d := all[dayKey(day, ad)]
		if d == nil {
			d = &monthDay{day: day, ad: ad}
			all[dayKey(day, ad)] = d
		}
		return d
	}
	for _, c := range t.m.clicks {
		d := row(t.day(c.slot), c.ad)
		switch {
		case c.isBot:
			d.bots++
		case c.prefetch:
			d.prefetches++
		default:
			d.clicks++
			if c.again < 0 {
				d.visitors++
			}
		}
	}
	for _, c := range t.m.conversions {
		if status, cents, heard := t.now(c); heard {
			row(t.day(c.slot), adOf(c)).add(c, status, cents)
		}
	}
	for _, b := range t.bills() {
		d := all[dayKey(b.day, b.ad)]
		if d == nil || d.clicks == 0 { // nobody of ours clicked it on that day
			d = row(b.day, monthAd{source: b.ad.source, account: b.ad.account, platform: b.ad.platform, platformCampaign: b.ad.platformCampaign, set: b.ad.set, id: b.ad.id})
		}
		d.spendCents, d.impressions, d.platformClicks = b.cents, b.impressions, b.clicks
		d.platformConversions, d.platformValueCents = b.purchases, b.valueCents
	}
	return all
}

// add counts a conversion.
func (d *monthDay) add(c *monthConversion, status string, cents int64) {
	count, sum := &d.pending, &d.pendingCents
	switch status {
	case "approved":
		count, sum = &d.approved, &d.approvedCents
	case "rejected":
		count, sum = &d.rejected, &d.rejectedCents
	}
	*sum += cents
	if c.isUpsell {
		d.events++
		d.upsells++
	} else {
		d.conversions++
		*count++
	}
	if c.click != nil && c.click.isBot {
		d.botConversions++
	}
}

// none writes an amount that may be unknown.
func none(n *big.Int) string {
	if n == nil {
		return ""
	}
	return n.String()
}

// ratio writes a quotient, "" at a zero divisor and of what is unknown.
func ratio(a, b *big.Int) string {
	if a == nil || b == nil || b.Sign() == 0 {
		return ""
	}
	return new(big.Rat).SetFrac(a, b).FloatString(6)
}

// daily are the rows of v_daily as they must be, in the order of dailyColumns.
func (t monthTruth) daily(costDays map[string]bool, currencies map[string]string) map[string][]string {
	rows := map[string][]string{}
	for key, d := range t.days() {
		n := func(n int64) *big.Int { return big.NewInt(n) }
		money := func(cents int64, currency string) *big.Int { return t.rates.euros(cents*10_000, currency, d.day) }
		pending, approved, rejected := money(d.pendingCents, "USD"), money(d.approvedCents, "USD"), money(d.rejectedCents, "USD")
		missing := 0
		if pending == nil || approved == nil || rejected == nil {
			pending, approved, rejected, missing = nil, nil, nil, 1
		}
		var revenue, cost, profit *big.Int
		if pending != nil {
			revenue = new(big.Int).Add(pending, approved)
		}
		currency := currencies[d.ad.source]
		value := money(d.platformValueCents, currency)
		cost = money(d.spendCents, currency)
		if cost == nil || value == nil {
			cost, value, missing = nil, nil, 1
		}
		status := "imported"
		switch imported := costDays[d.day+" "+d.ad.source]; {
		case imported && d.ad.campaign == "" && d.spendCents > 0:
			status = "unallocated"
		case imported:
		case d.ad.source == "":
			status = "none"
		default:
			status, cost = "missing", nil
		}
		if revenue != nil && cost != nil {
			profit = new(big.Int).Sub(revenue, cost)
		}
		million := func(n int64) *big.Int { return big.NewInt(n * 1_000_000) }
		rows[key] = []string{
			fmt.Sprint(d.clicks), fmt.Sprint(d.bots), fmt.Sprint(d.prefetches), "0", fmt.Sprint(d.visitors), "0", "0",
			fmt.Sprint(d.conversions), fmt.Sprint(d.events), fmt.Sprint(d.upsells), fmt.Sprint(d.pending), fmt.Sprint(d.approved), fmt.Sprint(d.rejected),
			fmt.Sprint(d.botConversions), "0", none(pending), none(approved), none(rejected), none(revenue), none(cost), none(profit), none(value),
			status, fmt.Sprint(missing), "EUR", fmt.Sprint(d.impressions), fmt.Sprint(d.platformClicks), fmt.Sprint(d.platformConversions), "0",
			ratio(profit, cost), ratio(n(d.conversions), n(d.clicks)), ratio(revenue, million(d.clicks)), ratio(cost, million(d.clicks)), ratio(cost, million(d.conversions)),
			ratio(n(d.approved), n(d.approved+d.rejected)), ratio(n(d.platformClicks-d.clicks), n(d.platformClicks)),
		}
	}
	return rows
}
