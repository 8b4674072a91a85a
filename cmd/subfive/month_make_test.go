package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// monthAd is an ad of the month, with all that its rows are keyed by.
type monthAd struct {
	source, account, platform, currency string
	campaign, offer                     string
	platformCampaign, set, id           string
	zone                                *time.Location // of the account
}

// monthClick is a click that is made in a slot, and what it is.
type monthClick struct {
	ad       monthAd
	slot     int
	isBot    bool
	prefetch bool
	again    int // the click by which the browser is known; -1: a new one
	v6       bool
	cents    int64 // what the account is billed for it

	clickID string // once it was made
}

// counts reports whether the click is a person's.
func (c *monthClick) counts() bool { return !c.isBot && !c.prefetch }

// monthConversion is a line of the network's books, and how we hear of it.
type monthConversion struct {
	id, session string
	click       *monthClick // nil: the network brought no click ID
	slot        int         // when it happens
	isUpsell    bool
	first       string // the status it comes with
	cents       int64
	lost        bool // no postback of it ever comes
	twice       bool // the same postback comes again

	later      string // a status that a second postback brings; "": none
	laterSlot  int
	laterTwice bool

	booked      string // the status in the books at the end
	bookedCents int64
}

// month is what happens in November 2026.
type month struct {
	slots       []time.Time
	clicks      []*monthClick
	conversions []*monthConversion
}

// monthSlots are the moments at which something happens. The last of each day is
// of the next day in Berlin.
func monthSlots() (slots []time.Time) {
	for day := range 30 {
		for _, at := range []time.Duration{3*time.Hour + 10*time.Minute, 11*time.Hour + 45*time.Minute, 19*time.Hour + 20*time.Minute, 23*time.Hour + 30*time.Minute} {
			slots = append(slots, time.Date(2026, 11, 1+day, 0, 0, 0, 0, time.UTC).Add(at))
		}
	}
	return slots
}

// monthAds are 40 ads in three campaigns of two accounts.
func monthAds(newYork, london *time.Location) (ads []monthAd) {
	for i := range 40 {
		ad := monthAd{
			source: "meta-us", account: "100200300", platform: "meta", currency: "USD", campaign: "spring", offer: "dream",
			platformCampaign: fmt.Sprint(12021000 + i/5), set: fmt.Sprint(12022000 + i/2), id: fmt.Sprint(12023000 + i), zone: newYork,
		}
		switch {
		case i >= 28:
			ad.source, ad.account, ad.platform, ad.currency, ad.campaign, ad.zone = "google-eu", "5551112222", "google", "GBP", "search", london
		case i >= 15:
			ad.campaign, ad.offer = "summer", "night"
		}
		ads = append(ads, ad)
	}
	return ads
}

// newMonth makes a month up: that many clicks, and base conversions.
func newMonth(seed uint64, ads []monthAd, clicks, conversions int) *month {
	r := rand.New(rand.NewPCG(seed, 11))
	percent := func(n int) bool { return r.IntN(100) < n }
	m := &month{slots: monthSlots()}
	for range clicks {
		// Few ads get most of the clicks.
		c := &monthClick{ad: ads[r.IntN(1+r.IntN(len(ads)))], slot: r.IntN(len(m.slots)), again: -1, v6: percent(20), cents: 20 + r.Int64N(180)}
		switch {
		case percent(4):
			c.isBot = true
		case percent(2):
			c.prefetch = true
		}
		m.clicks = append(m.clicks, c)
	}
	slices.SortStableFunc(m.clicks, func(a, b *monthClick) int { return a.slot - b.slot })
	for i, c := range m.clicks {
		if known := r.IntN(i + 1); c.counts() && percent(6) && m.clicks[known].counts() && m.clicks[known].again < 0 && m.clicks[known].slot < c.slot {
			c.again = known
		}
	}
	last := len(m.slots) - 1
	for _, i := range r.Perm(clicks)[:conversions] {
		click := m.clicks[i]
		if click.prefetch {
			continue
		}
		n := len(m.conversions)
		base := &monthConversion{
			id: fmt.Sprintf("c%05d", n), session: fmt.Sprintf("tx%05d", n), click: click,
			slot: min(click.slot+r.IntN(2+r.IntN(24)), last), cents: 1000 + r.Int64N(5000),
		}
		if percent(3) {
			base.click = nil
		}
		m.fate(r, base)
		m.conversions = append(m.conversions, base)
		if percent(15) {
			upsell := &monthConversion{
				id: base.id + "u", session: base.session, click: base.click, isUpsell: true,
				slot: min(base.slot+1+r.IntN(8), last), cents: 500 + r.Int64N(1500),
			}
			m.fate(r, upsell)
			m.conversions = append(m.conversions, upsell)
		}
	}
	return m
}

// fate says what becomes of a conversion: 8 % are rejected, half of those in the
// books alone; of the others most are approved; 5 % are never told, and 2 % are
// worth less in the books.
func (m *month) fate(r *rand.Rand, c *monthConversion) {
	percent := func(n int) bool { return r.IntN(100) < n }
	c.first = "pending"
	if percent(30) {
		c.first = "approved"
	}
	c.lost, c.twice = percent(5), percent(10)
	c.booked, c.bookedCents = c.first, c.cents
	told := percent(50)
	switch {
	case percent(8):
		c.booked = "rejected"
	case c.first == "pending" && percent(60):
		c.booked = "approved"
	default:
		if percent(5) { // 2 % of all
			c.bookedCents -= 55
		}
		return
	}
	if slot := c.slot + 1 + r.IntN(20); told && slot < len(m.slots) {
		c.later, c.laterSlot, c.laterTwice = c.booked, slot, percent(20)
	}
}

// is reports how many conversions are so.
func (m *month) is(so func(c *monthConversion) bool) (n int) {
	for _, c := range m.conversions {
		n += int(one(so(c)))
	}
	return n
}

func (m *month) lost() int { return m.is(func(c *monthConversion) bool { return c.lost }) }

// changed are those of which we heard, and not the last word.
func (m *month) changed() int {
	return m.is(func(c *monthConversion) bool {
		return !c.lost && (c.booked != c.ourStatus() || c.bookedCents != c.cents)
	})
}

// check ends the test when a kind of trouble is not in the month.
func (m *month) check(t *testing.T) {
	t.Helper()
	troubles := map[string]int{
		"lost":                 m.lost(),
		"lost and rejected":    m.is(func(c *monthConversion) bool { return c.lost && c.booked == "rejected" }),
		"rejected, as told":    m.is(func(c *monthConversion) bool { return c.later == "rejected" }),
		"rejected by the book": m.is(func(c *monthConversion) bool { return c.booked == "rejected" && c.later == "" }),
		"approved, as told":    m.is(func(c *monthConversion) bool { return c.later == "approved" }),
		"approved by the book": m.is(func(c *monthConversion) bool { return c.booked == "approved" && c.ourStatus() == "pending" }),
		"drifted":              m.is(func(c *monthConversion) bool { return c.bookedCents != c.cents }),
		"told twice":           m.is(func(c *monthConversion) bool { return c.twice }),
		"changed twice":        m.is(func(c *monthConversion) bool { return c.laterTwice }),
		"upsells, rejected":    m.is(func(c *monthConversion) bool { return c.isUpsell && c.click != nil && c.booked == "rejected" }),
		"upsells":              m.is(func(c *monthConversion) bool { return c.isUpsell }),
		"without a click":      m.is(func(c *monthConversion) bool { return c.click == nil }),
		"of bots":              m.is(func(c *monthConversion) bool { return c.click != nil && c.click.isBot }),
	}
	for what, n := range troubles {
		if n == 0 {
			t.Fatalf("nothing in the month is %s: take another seed", what)
		}
	}
	t.Logf("of %d conversions: %v", len(m.conversions), troubles)
}

// ourStatus is what the postbacks alone tell.
func (c *monthConversion) ourStatus() string {
	if c.later != "" {
		return c.later
	}
	return c.first
}

// event is the goal in the network's words.
func (c *monthConversion) event() string {
	if c.isUpsell {
		return "Upgrade"
	}
	return "Base"
}

// cents writes an amount.
func centsText(n int64) string { return fmt.Sprintf("%d.%02d", n/100, n%100) }
