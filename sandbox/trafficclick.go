package sandbox

import (
	"fmt"
	"net/url"
	"slices"
	"time"
)

// AdClick is a visitor's click on an ad.
type AdClick struct {
	Platform  string // who sold it; "" is Meta
	Query     string // appended to the campaign's link by the platform
	Cookie    string // what the platform's pixel left in the browser, a Cookie header
	UserAgent string
	IP        string // of a documentation range
	// Raw is the platform's own ID of the click, as it is in Query.
	Raw string
	// ID is set for a click that did not come by the campaign's link: its record
	// was made elsewhere, under that ID.
	ID string
	// Late: that record comes after the postback. Age is how old the click is.
	Late bool
	Age  time.Duration
}

// The platforms that sell Traffic's clicks.
const (
	soldByMeta   = "meta"
	soldByTikTok = "tiktok"
	soldByReddit = "reddit"
	soldByGoogle = "google"
)

// Sellers returns the platforms that sell Traffic's clicks, in turn.
func Sellers() []string {
	return []string{soldByMeta, soldByTikTok, soldByReddit, soldByGoogle}
}

// directParam is the parameter in which a network gives a platform's own click
// ID back.
func directParam(platform string) string {
	switch platform {
	case soldByTikTok:
		return "ttclid"
	case soldByReddit:
		return "rdt_cid"
	case soldByGoogle:
		return "gclid"
	}
	return "fbclid"
}

const (
	base64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	lowerHex  = "0123456789abcdef"
	crockford = "0123456789abcdefghjkmnpqrstvwxyz"
)

// click makes up a click on an ad of a platform.
func (t *Traffic) click(platform string) AdClick {
	agents := []string{
		"Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS;FBAV/530.0.0]",
		"Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Mobile Safari/537.36",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36",
	}
	c := AdClick{Platform: platform, UserAgent: agents[t.rand.IntN(len(agents))]}
	c.IP = fmt.Sprintf("203.0.113.%d", 1+t.rand.IntN(254))
	if t.rand.IntN(3) == 0 {
		c.IP = fmt.Sprintf("2001:db8::%x", 1+t.rand.IntN(0xffff))
	}
	q := url.Values{"utm_campaign": {fmt.Sprintf("campaign %d", 1+t.rand.IntN(5))}}
	t.identify(&c, q)
	t.introduce(q)
	c.Query = q.Encode()
	return c
}

// identify adds what the platform itself knows the click and the browser by.
func (t *Traffic) identify(c *AdClick, q url.Values) {
	param := directParam(c.Platform)
	known := t.rand.IntN(2) == 0 // the pixel was there before
	ms := fmt.Sprint(1_795_000_000_000 + t.rand.IntN(400_000_000))
	switch c.Platform {
	case soldByTikTok:
		c.Raw = "E.C.P." + t.text(base64URL, 80)
		q.Set("ad_id", fmt.Sprint(1_700_000_000_000_000+t.rand.IntN(40)))
		if known {
			c.Cookie = "_ttp=" + t.text(base64URL, 27)
		}
	case soldByReddit:
		c.Raw = t.text("0123456789", 19)
		if known {
			c.Cookie = "_rdt_uuid=" + ms + "." + t.text(lowerHex, 8) + "-" + t.text(lowerHex, 4) + "-" + t.text(lowerHex, 4) + "-" +
				t.text(lowerHex, 4) + "-" + t.text(lowerHex, 12)
		}
	case soldByGoogle:
		c.Raw = "Cj0KCQ" + t.text(base64URL, 70)
		// An app on an iPhone leads to a gbraid or a wbraid instead of a gclid.
		if other := []string{"gclid", "gclid", "gbraid", "wbraid"}[t.rand.IntN(4)]; other != param {
			param, c.Raw = other, "0AAAAA"+t.text(base64URL, 40)
		}
		q.Set("gad_campaignid", fmt.Sprint(23_000_000+t.rand.IntN(10)))
	default:
		c.Raw = "IwAR" + t.text(base64URL, 57)
		q.Set("adset_id", fmt.Sprint(2300+t.rand.IntN(10)))
		q.Set("ad_id", fmt.Sprint(4500+t.rand.IntN(40)))
		if known {
			c.Cookie = "_fbp=fb.1." + ms + "." + t.text("123456789", 10)
		}
	}
	q.Set(param, c.Raw)
}

// introduce lets every third visitor be known by name: his own form sent him on
// with what he typed.
func (t *Traffic) introduce(q url.Values) {
	if t.rand.IntN(3) != 0 {
		return
	}
	n := 1 + t.rand.IntN(900)
	q.Set("email", fmt.Sprintf("Visitor.%d@Example.com", n))
	q.Set("phone", fmt.Sprintf("+1 415 555 0%03d", n))
	q.Set("first_name", "Zoë")
	q.Set("last_name", "Example")
	q.Set("consent_ad_user_data", "granted")
}

// Visit is a click and what comes of it.
type Visit struct {
	Click AdClick
	Story Story
}

// Visit makes up the next visit. The platforms take turns; so do the stories, until
// each was told once, and then half of the visits end in one sale and the others in
// any other story.
func (t *Traffic) Visit() Visit {
	n, stories := t.visits, Stories()
	t.visits++
	story := stories[0]
	switch {
	case n < len(stories):
		story = stories[n]
	case t.rand.IntN(2) == 0:
		story = stories[1+t.rand.IntN(len(stories)-1)]
	}
	return t.VisitTo(Sellers()[n%len(Sellers())], story)
}

// VisitTo makes up a visit by the ad of a platform, with that story.
func (t *Traffic) VisitTo(platform string, story Story) Visit {
	if !slices.Contains(Sellers(), platform) {
		platform = soldByMeta
	}
	c := t.click(platform)
	switch story {
	case StoryLateClick:
		c.ID, c.Late = t.clickID(), true
	case StoryOldClick:
		c.ID, c.Age = t.clickID(), 40*24*time.Hour
	case StoryBase, StoryRepeat, StorySecondURL, StoryUpsell, StoryRebill, StoryApproved, StoryRejected, StoryLiteralMacro,
		StoryEmptyClickID, StoryUnknownClick, StoryGarbage, StoryTooEarly, StoryDirect:
	}
	return Visit{c, story}
}

// clickID is an ID of the tracker's form.
func (t *Traffic) clickID() string { return "01" + t.text(crockford, 24) }
