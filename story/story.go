// Package story tells in words what became of a click, a postback or a
// conversion: what came in, what was decided and why, who was told, what they
// answered, and why others were told nothing.
//
// It is handed what is known and puts it into words, once, for the command line,
// the REST API and the screens. It reads no database and decides nothing.
package story

import (
	"slices"
	"strings"
	"time"

	"subfive"
)

// Postback is a postback with what was decided about it.
type Postback struct {
	subfive.Judged

	SettledAt time.Time
	Tee       *subfive.Tee // its copy for the endpoint's other tracker; nil: there is none
}

// Known is what a story is told from. All lists are in the order in which things
// happened.
type Known struct {
	// ID is what was asked for.
	ID          string
	Clicks      []subfive.Click
	Postbacks   []Postback
	Conversions []subfive.Conversion
	Changes     []subfive.Change
	Deliveries  []subfive.Delivery
	Attempts    []subfive.Attempt
	// Setup and Paused are today's.
	Setup  subfive.Setup
	Paused map[string]subfive.Pause
	Now    time.Time
	// Delivery and Answer look up what a delivery's last code and a platform's
	// answer mean.
	Delivery func(subfive.Delivery) Meaning
	Answer   func(platform string, o subfive.Outcome) Meaning
}

// Meaning is what a code means, what to do, and the command that says more; all
// empty where nothing is wrong.
type Meaning struct {
	Means string `json:"means,omitempty"`
	Do    string `json:"do,omitempty"`
	More  string `json:"more,omitempty"`
}

// Told is a story in words.
type Told struct {
	// Headline is the story in a sentence.
	Headline string `json:"headline"`
	// State is where its subject stands: a verdict; "" for a click alone.
	State   subfive.Verdict `json:"state,omitempty"`
	Subject Subject         `json:"subject"`
	Timing  Timing          `json:"timing"`
	// Timeline is what happened, in its order, and what is still to come.
	Timeline []Event `json:"timeline"`
	// WhyNot is what did not happen.
	WhyNot []WhyNot `json:"why_not"`
	// Facts are the conversion's, else the postback's or the click's.
	Facts []Line `json:"facts"`
	// Acts are what a person can decide now.
	Acts []Act `json:"acts"`
}

// Subject is what a story is mainly about. An ID is "" where there is none.
type Subject struct {
	ConversionID string    `json:"conversion_id,omitempty"`
	PostbackID   string    `json:"postback_id,omitempty"`
	ClickID      string    `json:"click_id,omitempty"`
	At           time.Time `json:"at,omitzero"` // when it happened
}

// Timing says how long it took, in milliseconds; nil: it did not happen.
type Timing struct {
	ClickToPostback *int64 `json:"click_to_postback_ms,omitempty"`
	ClickToSent     *int64 `json:"click_to_sent_ms,omitempty"`
	// Ours is from the postback to the platform's answer.
	Ours *int64 `json:"ours_ms,omitempty"`
}

// Tell tells a story.
func Tell(k Known) Told {
	m := k.main()
	return Told{
		Headline: k.headline(m), State: m.verdict(), Subject: m.subject(), Timing: k.timing(m),
		Timeline: k.timeline(), WhyNot: k.WhyNot(), Facts: m.facts(), Acts: k.acts(),
	}
}

// main is what a story is mainly about; any of them may be nil.
type main struct {
	conversion *subfive.Conversion
	postback   *Postback
	click      *subfive.Click
	delivery   *subfive.Delivery
}

// main finds the conversion that was asked for, else the first one, and what
// belongs to it.
func (k Known) main() main {
	var m main
	asked := k.ID
	if i := slices.IndexFunc(k.Deliveries, func(d subfive.Delivery) bool { return d.ID == k.ID }); i >= 0 {
		m.delivery, asked = &k.Deliveries[i], k.Deliveries[i].ConversionID
	}
	if i := slices.IndexFunc(k.Postbacks, func(b Postback) bool { return b.Postback.ID == k.ID }); i >= 0 {
		m.postback, asked = &k.Postbacks[i], k.Postbacks[i].ConversionID
		if asked == "" { // the story is about it alone
			m.click = k.click(m.postback.Postback.ClickID)
			return m
		}
	}
	i := slices.IndexFunc(k.Conversions, func(c subfive.Conversion) bool { return c.ID == asked })
	if i < 0 { // what a network pays for is more than what happened on our pages
		i = max(0, slices.IndexFunc(k.Conversions, func(c subfive.Conversion) bool { return !c.IsOwnGoal() }))
	}
	if i < len(k.Conversions) {
		m.conversion = &k.Conversions[i]
		m.click = k.click(m.conversion.AttributedClickID)
	}
	if m.postback == nil && len(k.Postbacks) > 0 {
		first := 0
		if m.conversion != nil {
			first = max(0, slices.IndexFunc(k.Postbacks, func(b Postback) bool { return b.Postback.ID == m.conversion.PostbackID }))
		}
		m.postback = &k.Postbacks[first]
	}
	if m.click == nil && len(k.Clicks) > 0 && m.conversion == nil {
		m.click = &k.Clicks[0]
	}
	return m
}

func (k Known) click(id string) *subfive.Click {
	i := slices.IndexFunc(k.Clicks, func(c subfive.Click) bool { return c.ID == id })
	if i < 0 {
		return nil
	}
	return &k.Clicks[i]
}

func (k Known) conversion(id string) *subfive.Conversion {
	i := slices.IndexFunc(k.Conversions, func(c subfive.Conversion) bool { return c.ID == id })
	if i < 0 {
		return nil
	}
	return &k.Conversions[i]
}

func (m main) verdict() subfive.Verdict {
	switch {
	case m.conversion != nil:
		return m.conversion.Verdict
	case m.postback != nil:
		return m.postback.Verdict
	}
	return ""
}

func (m main) subject() Subject {
	var s Subject
	if m.click != nil {
		s.ClickID, s.At = m.click.ID, m.click.ClickedAt
	}
	if m.postback != nil {
		s.PostbackID, s.At = m.postback.Postback.ID, m.postback.Postback.ReceivedAt
	}
	if m.conversion != nil {
		s.ConversionID, s.At = m.conversion.ID, m.conversion.ConvertedAt
	}
	return s
}

func (m main) facts() []Line {
	switch {
	case m.conversion != nil:
		return conversionFacts(*m.conversion, m.click)
	case m.postback != nil:
		return slices.DeleteFunc(postbackLines(*m.postback), func(l Line) bool { return l.Label == "why" || l.Label == "decide" })
	case m.click != nil:
		return clickLines(*m.click)
	}
	return []Line{}
}

// conversionFacts are what a person looks up, one fact a line.
func conversionFacts(c subfive.Conversion, click *subfive.Click) []Line {
	var l lines
	l.add("payout", payoutText(c))
	l.add("sale", amount(c.SaleAmount, c.Currency))
	l.add("status", statusText(c))
	l.add("counts", countsAs(c))
	l.add("goal", c.Goal())
	l.add("network", joined(", ", c.NetworkID, named("offer", c.NetworkOfferID)))
	l.add("transaction", c.TransactionID)
	l.add("their ID", strings.Join(c.NetworkConversionIDs, ", "))
	l.add("order", c.OrderID)
	l.add("match", strings.TrimPrefix(byMatch(c), " "))
	l.add("click", joined("  ", c.AttributedClickID, received(c)))
	l.add("happened", afterClick(c))
	l.add("source", c.SourceID)
	path := ""
	if click != nil {
		path = click.PathID
	}
	l.add("campaign", joined(", ", c.CampaignID, named("path", path)))
	l.add("offer", c.OfferID)
	if click != nil {
		l.add("ad", joined(", ", click.Ad.Name, click.Ad.ID))
		l.rows("platform IDs", pairs(click.Params))
		l.rows("consent", pairs(click.Consent))
		if click.Cost != nil {
			l.add("click cost", money(&click.Cost.Amount, click.Cost.Currency))
		}
	}
	l.rows("sub IDs", pairs(c.Subs))
	l.add("also got by", strings.Join(c.AlsoReceivedBy, ", "))
	return l
}

// timing measures the first delivery that reached its platform.
func (k Known) timing(m main) Timing {
	var t Timing
	if m.conversion == nil {
		return t
	}
	between := func(from, to time.Time) *int64 {
		if from.IsZero() || to.IsZero() || to.Before(from) {
			return nil
		}
		ms := to.Sub(from).Milliseconds()
		return &ms
	}
	var clicked, heard, sent time.Time
	if m.click != nil {
		clicked = m.click.ClickedAt
	}
	if m.postback != nil {
		heard = m.postback.Postback.ReceivedAt
	}
	for _, d := range k.Deliveries {
		if d.ConversionID == m.conversion.ID && d.Generation == 1 && !d.DeliveredAt.IsZero() && (sent.IsZero() || d.DeliveredAt.Before(sent)) {
			sent = d.DeliveredAt
		}
	}
	t.ClickToPostback, t.ClickToSent, t.Ours = between(clicked, heard), between(clicked, sent), between(heard, sent)
	return t
}
