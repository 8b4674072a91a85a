package store

import (
	"cmp"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"subfive"
)

// The counts of a row of days and hours, in the order of tallyColumns.
const (
	countClicks = iota
	countBots
	countPrefetches
	countTests
	countVisitors
	countLandingViews
	countLandingClicks
	countConversions
	countEvents
	countUpsells
	countPending
	countApproved
	countRejected
	countBotConversions
	countTestConversions
	sumPending
	sumApproved
	sumRejected
	sumClickCost
	tallySize
)

// tallyColumns are the columns of days and hours that intake adds to.
var tallyColumns = []string{
	"clicks", "bots", "prefetches", "tests", "visitors", "lp_views", "lp_clicks", "conversions", "events", "upsells",
	"pending", "approved", "rejected", "bot_conversions", "test_conversions",
	"revenue_pending_micros", "revenue_approved_micros", "revenue_rejected_micros", "click_cost_micros",
}

// tally is what a row of days or hours counts.
type tally [tallySize]int64

// sumKey is the key of a row, in the order of its table's columns.
type sumKey [10]string

// rollup is a table of sums.
type rollup struct {
	table string
	key   []string
}

var (
	daysTable = rollup{"days", []string{
		"day", "source_id", "campaign_id", "offer_id", "ad_account_id", "platform", "platform_campaign_id", "adset_id", "ad_id", "currency",
	}}
	hoursTable = rollup{"hours", []string{"hour", "campaign_id", "source_id", "offer_id", "country", "device", "currency"}}
)

// sums are contributions to the rollups, added up. They are differences: what a
// row counted before is taken away, what it counts now is added.
type sums struct {
	zone  *time.Location
	plain string // the currency on whose rows things without an amount are counted: mostly there are no others
	days  map[sumKey]tally
	hours map[sumKey]tally
}

// noCurrency stands for an amount whose currency nobody told (ISO 4217).
const noCurrency = "XXX"

func (s *Store) newSums() *sums {
	return &sums{zone: s.zone, plain: s.currency, days: map[sumKey]tally{}, hours: map[sumKey]tally{}}
}

// spot is where something is counted: the dimensions of the click, and of what
// has none.
type spot struct {
	source, campaign, offer, account, platform string
	ad                                         subfive.Ad
	country, device                            string
}

func spotOf(c subfive.Click) spot {
	return spot{
		source: c.SourceID, campaign: c.CampaignID, offer: c.OfferID, account: c.AdAccountID, platform: c.Platform,
		ad: c.Ad, country: c.Visitor.Country, device: c.Visitor.Device,
	}
}

// click adds what a click counts, times sign: itself on its own day, and what
// happened on its landing page on the day it happened. Bots, prefetches and
// tests are counted apart, and nothing further of them but what bots and
// prefetches cost.
func (s *sums) click(c subfive.Click, sign int64) {
	kind := countClicks
	switch {
	case c.IsTest:
		kind = countTests
	case c.IsBot:
		kind = countBots
	case c.IsPrefetch:
		kind = countPrefetches
	}
	at := spotOf(c)
	s.add(c.ClickedAt, at, "", sign, kind)
	if c.Cost != nil && !c.IsTest {
		s.add(c.ClickedAt, at, cmp.Or(c.Cost.Currency, noCurrency), sign*int64(c.Cost.Amount), sumClickCost)
	}
	if kind != countClicks {
		return
	}
	if c.VisitNo <= 1 {
		s.add(c.ClickedAt, at, "", sign, countVisitors)
	}
	s.add(c.LandingViewedAt, at, "", sign, countLandingViews)
	s.add(c.LandingClickedAt, at, "", sign, countLandingClicks)
}

// conversion adds what a conversion counts, times sign, on the day it happened
// and with the dimensions of the click it counts for; click is nil without one.
func (s *sums) conversion(v subfive.Conversion, click *subfive.Click, sign int64) {
	at := spot{source: v.SourceID, campaign: v.CampaignID, offer: v.OfferID}
	if click != nil {
		at = spotOf(*click)
		if v.OfferID != "" {
			at.offer = v.OfferID
		}
	}
	var payout int64
	currency := ""
	if v.Payout != nil {
		payout, currency = int64(*v.Payout), cmp.Or(v.Currency, noCurrency)
	}
	if v.IsTest || v.Verdict == subfive.VerdictTest {
		s.add(v.ConvertedAt, at, currency, sign, countTestConversions)
		return
	}
	if !v.Counts() {
		return
	}
	state, revenue := countPending, sumPending
	switch v.Status {
	case subfive.StatusApproved:
		state, revenue = countApproved, sumApproved
	case subfive.StatusRejected:
		state, revenue = countRejected, sumRejected
	case subfive.StatusPending, subfive.StatusUnknown:
	}
	counts := []int{countEvents}
	switch {
	case v.IsBase():
		counts = []int{countConversions, state}
	case payout != 0:
		counts = append(counts, countUpsells)
	}
	if click != nil && click.IsBot {
		counts = append(counts, countBotConversions)
	}
	s.add(v.ConvertedAt, at, currency, sign, counts...)
	s.add(v.ConvertedAt, at, currency, sign*payout, revenue)
}

// add adds n to counts of the rows of a moment; currency is "" for what has no
// amount. What has no moment is counted nowhere.
func (s *sums) add(moment time.Time, at spot, currency string, n int64, counts ...int) {
	if moment.IsZero() || n == 0 {
		return
	}
	currency = cmp.Or(currency, s.plain)
	local := moment.In(s.zone)
	day := sumKey{
		local.Format(time.DateOnly), at.source, at.campaign, at.offer, at.account, at.platform, at.ad.CampaignID, at.ad.SetID, at.ad.ID, currency,
	}
	hour := sumKey{
		strconv.FormatInt(hourOf(local), 10), at.campaign, at.source, at.offer, at.country, at.device, currency,
	}
	for i := range day {
		day[i], hour[i] = keyPart(day[i]), keyPart(hour[i])
	}
	d, h := s.days[day], s.hours[hour]
	for _, c := range counts {
		d[c] += n
		h[c] += n
	}
	s.days[day], s.hours[hour] = d, h
}

// hourOf returns the first moment of a local time's hour. Where an offset is not
// of whole hours it is not an hour of UTC.
func hourOf(local time.Time) int64 {
	into := time.Duration(local.Minute())*time.Minute + time.Duration(local.Second())*time.Second + time.Duration(local.Nanosecond())
	return local.Add(-into).UnixMilli()
}

// keyPart makes a text from outside part of a key: no database refuses it.
func keyPart(text string) string {
	text = clean(text)
	if len(text) <= subfive.MaxKeyBytes {
		return text
	}
	end := subfive.MaxKeyBytes
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// sorted returns the keys that count something, in the one order in which all
// writers lock rows.
func sorted(of map[sumKey]tally) []sumKey {
	keys := make([]sumKey, 0, len(of))
	for key, n := range of {
		if n != (tally{}) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b sumKey) int { return slices.Compare(a[:], b[:]) })
	return keys
}
