package sandbox

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
)

// Traffic makes up clicks and what Everflow later says about them, the good and
// the bad, together with the truth: which conversion each postback belongs to.
// The same seed makes the same traffic. It is not for concurrent use.
type Traffic struct {
	rand    *rand.Rand
	offerID string
	n       int
}

// Story is what happens in one click session.
type Story string

// The stories.
const (
	StoryBase         Story = "base"          // one sale
	StoryRepeat       Story = "repeat"        // the same postback up to three times
	StorySecondURL    Story = "second_url"    // a global and a specific postback, other parameters, either first
	StoryUpsell       Story = "upsell"        // a sale and two events, each repeated now and then
	StoryRebill       Story = "rebill"        // a second sale on the session
	StoryApproved     Story = "approved"      // pending, then approved
	StoryRejected     Story = "rejected"      // pending, then rejected, under a conversion ID of its own
	StoryLiteralMacro Story = "literal_macro" // the template says {Sub5}
	StoryEmptyClickID Story = "empty_click_id"
	StoryUnknownClick Story = "unknown_click"
	StoryGarbage      Story = "garbage" // nothing that could be read
)

// Stories returns all stories.
func Stories() []Story {
	return []Story{
		StoryBase, StoryRepeat, StorySecondURL, StoryUpsell, StoryRebill, StoryApproved,
		StoryRejected, StoryLiteralMacro, StoryEmptyClickID, StoryUnknownClick, StoryGarbage,
	}
}

// AdClick is a visitor's click on an ad of Meta's.
type AdClick struct {
	Query     string // appended to the campaign's link by the platform
	UserAgent string
	IP        string // of a documentation range
}

// Shot is one postback to fire: Simulator.Fire(ctx, PostbackID, Conversion).
type Shot struct {
	Story      Story
	PostbackID string
	Conversion Conversion
	Truth      Truth
}

// Truth is what a tracker should make of a postback.
type Truth struct {
	// Key is the conversion's, the same for all postbacks about it; empty: the
	// postback is about none.
	Key string
	// First: this postback makes the conversion known; later ones of its key
	// are duplicates or changes of status.
	First bool
	// Change: it moves the status of a conversion that is known.
	Change bool
	// Matched: its click is the one that the session was made for.
	Matched bool
}

// Expected is the sum of the truth about some shots.
type Expected struct {
	Postbacks   int
	Conversions int // distinct
	Matched     int // of them, those with a click: what platforms are told
	// Duplicates are repeats. In StorySecondURL one may bring the status that the
	// first lacked: a tracker can call that a change.
	Duplicates int
	Changes    int // of status
	Nothing    int // postbacks about no conversion
}

// NewTraffic returns the traffic of a seed for an offer, the network's ID.
func NewTraffic(seed uint64, offerID string) *Traffic {
	return &Traffic{rand: rand.New(rand.NewPCG(seed, 5)), offerID: offerID}
}

// The IDs of Traffic's postbacks.
const (
	postbackMain    = "main"
	postbackEvents  = "events"
	postbackGuide   = "guide"
	postbackWrong   = "wrong"
	postbackGarbage = "garbage"
)

// Postbacks are those that shots fire. address is where the tracker takes
// postbacks, https://trk.example.com/conversion; it may carry a query.
func (t *Traffic) Postbacks(address string) []Postback {
	sep := "?"
	if strings.Contains(address, "?") {
		sep = "&"
	}
	const guide = "click_id={sub5}&payout={payout}&offer_id={offer_id}&tx_id={transaction_id}"
	const full = guide + "&conversion_id={conversion_id}&event_id={event_id}&event_name={event_name}" +
		"&order_id={order_id}&sale_amount={sale_amount}&status={status}"
	at := address + sep
	return []Postback{
		{ID: postbackMain, URL: at + full, Type: TypeConversion, Scope: ScopeGlobal},
		{ID: postbackEvents, URL: at + full, Type: TypeEvent, Scope: ScopeGlobal},
		{ID: postbackGuide, URL: at + guide, Type: TypeConversion, Scope: ScopeSpecific, OfferID: t.offerID},
		{ID: postbackWrong, URL: at + strings.Replace(guide, "{sub5}", "{Sub5}", 1), Type: TypeConversion, Scope: ScopeGlobal},
		{ID: postbackGarbage, URL: at + "&&=%zz;%7B&?x=%FF%FE&<b>", Type: TypeConversion, Scope: ScopeGlobal},
	}
}

// Click makes up the next click.
func (t *Traffic) Click() AdClick {
	agents := []string{
		"Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS;FBAV/530.0.0]",
		"Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Mobile Safari/537.36",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36",
	}
	ip := fmt.Sprintf("203.0.113.%d", 1+t.rand.IntN(254))
	if t.rand.IntN(3) == 0 {
		ip = fmt.Sprintf("2001:db8::%x", 1+t.rand.IntN(0xffff))
	}
	q := url.Values{
		"fbclid":       {"IwAR" + t.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", 57)},
		"utm_campaign": {fmt.Sprintf("campaign %d", 1+t.rand.IntN(5))},
		"adset_id":     {fmt.Sprint(2300 + t.rand.IntN(10))},
		"ad_id":        {fmt.Sprint(4500 + t.rand.IntN(40))},
	}
	return AdClick{Query: q.Encode(), UserAgent: agents[t.rand.IntN(len(agents))], IP: ip}
}

// Session makes up what the network says about a click, in order: half of the
// time one sale, else any other story.
func (t *Traffic) Session(clickID string) []Shot {
	stories := Stories()
	story := stories[0]
	if t.rand.IntN(2) == 0 {
		story = stories[1+t.rand.IntN(len(stories)-1)]
	}
	return t.Tell(story, clickID)
}

// Tell makes up the shots of one story.
func (t *Traffic) Tell(story Story, clickID string) []Shot {
	base := t.sale(clickID)
	s := session{story: story, matched: true, known: map[string]bool{}}
	switch story {
	case StoryBase:
		s.add(postbackMain, base, "base")
	case StoryRepeat:
		for range 2 + t.rand.IntN(2) {
			s.add(postbackMain, base, "base")
		}
	case StorySecondURL:
		first, second := postbackMain, postbackGuide
		if t.rand.IntN(2) == 0 {
			first, second = second, first
		}
		s.add(first, base, "base")
		s.add(second, base, "base")
	case StoryUpsell:
		s.add(postbackMain, base, "base")
		for i, name := range []string{"Upgrade", "Add-on & extras"} {
			event := t.event(base, fmt.Sprint(7+i), name)
			for range 1 + t.rand.IntN(2) {
				s.add(postbackEvents, event, name)
			}
		}
	case StoryRebill:
		s.add(postbackMain, base, "base")
		again := t.sale(clickID)
		again.TransactionID = base.TransactionID
		s.add(postbackMain, again, "again")
		s.add(postbackMain, base, "base")
	case StoryApproved:
		s.add(postbackMain, base, "base")
		base.Status = "approved"
		s.change(postbackMain, base, "base")
	case StoryRejected:
		s.add(postbackMain, base, "base")
		base.Status, base.ConversionID = "rejected", t.id()
		s.change(postbackMain, base, "base")
	case StoryLiteralMacro:
		s.matched = false
		s.add(postbackWrong, base, "base")
	case StoryEmptyClickID:
		s.matched = false
		base.Sub[4] = ""
		s.add(postbackMain, base, "base")
	case StoryUnknownClick:
		s.matched = false
		base.Sub[4] = "01" + t.text("0123456789abcdefghjkmnpqrstvwxyz", 24)
		s.add(postbackMain, base, "base")
	case StoryGarbage:
		s.matched = false
		s.add(postbackGarbage, base, "")
	}
	return s.shots
}

// Expect adds up the truth of shots that were fired in their order.
func Expect(shots []Shot) Expected {
	e := Expected{Postbacks: len(shots)}
	for _, s := range shots {
		switch {
		case s.Truth.Key == "":
			e.Nothing++
		case s.Truth.First:
			e.Conversions++
			if s.Truth.Matched {
				e.Matched++
			}
		case s.Truth.Change:
			e.Changes++
		default:
			e.Duplicates++
		}
	}
	return e
}

// session collects the shots of one click session.
type session struct {
	story   Story
	matched bool
	known   map[string]bool
	shots   []Shot
}

func (s *session) add(postbackID string, c Conversion, goal string) {
	truth := Truth{Matched: s.matched}
	if goal != "" {
		truth.Key = c.TransactionID + " " + goal
		truth.First = !s.known[goal]
		s.known[goal] = true
	}
	s.shots = append(s.shots, Shot{Story: s.story, PostbackID: postbackID, Conversion: c, Truth: truth})
}

func (s *session) change(postbackID string, c Conversion, goal string) {
	s.add(postbackID, c, goal)
	s.shots[len(s.shots)-1].Truth.Change = true
}

// sale makes up a base conversion on a session of its own. Its payout is no
// other sale's, so that two sales of a session are never mistaken for one.
func (t *Traffic) sale(clickID string) Conversion {
	t.n++
	c := Conversion{
		Type: TypeConversion, TransactionID: t.id(), ConversionID: t.id(), OfferID: t.offerID,
		OrderID: fmt.Sprintf("order-%d", t.n), Payout: fmt.Sprintf("%d.%02d", 20+t.n/100%50, t.n%100),
		SaleAmount: "99.90", Status: "pending",
	}
	c.Sub[0], c.Sub[4] = "sfw", clickID
	return c
}

// event makes up something that followed a sale.
func (t *Traffic) event(sale Conversion, id, name string) Conversion {
	e := sale
	e.Type, e.ConversionID, e.EventID, e.EventName = TypeEvent, t.id(), id, name
	e.OrderID += "-" + id
	e.Payout = "5." + id + "0"
	return e
}

// id is 32 hex digits, as Everflow's IDs are.
func (t *Traffic) id() string {
	b := make([]byte, 16)
	for i := range b {
		b[i] = byte(t.rand.Uint32())
	}
	return hex.EncodeToString(b)
}

func (t *Traffic) text(alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[t.rand.IntN(len(alphabet))]
	}
	return string(b)
}
