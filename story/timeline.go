package story

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"subfive"
)

// EventKind is what happened.
type EventKind string

// The kinds of event, in the order in which they can happen.
const (
	EventClick     EventKind = "click"
	EventRedirect  EventKind = "redirect"
	EventLanding   EventKind = "landing"   // a landing page was seen
	EventLeft      EventKind = "left"      // its link to the offer was followed
	EventPostback  EventKind = "postback"  // a network told us
	EventDecision  EventKind = "decision"  // what it is, and who is told
	EventSettled   EventKind = "settled"   // by a person
	EventChange    EventKind = "change"    // of what is known of the conversion
	EventDryRun    EventKind = "dry_run"   // decided and rendered, not sent
	EventAttempt   EventKind = "attempt"   // an exchange with a platform
	EventConfirmed EventKind = "confirmed" // the platform said later what became of it
	EventGivenUp   EventKind = "given_up"  // without a last exchange
	EventNext      EventKind = "next"      // is still to come
)

// Event is one thing that happened, or is to come.
type Event struct {
	// At is when; absent for what is still to come at no known moment.
	At time.Time `json:"at,omitzero"`
	// AfterMS is how long after the event before; 0 for the first, and for what
	// is to come.
	AfterMS int64     `json:"after_ms"`
	Kind    EventKind `json:"kind"`
	Title   string    `json:"title"`
	// Sentence goes on from the title; Detail is prose below it.
	Sentence string `json:"sentence,omitempty"`
	Detail   string `json:"detail,omitempty"`
	// State is a reading, a verdict or a delivery's status.
	State string `json:"state,omitempty"`
	Lines []Line `json:"lines"`
	// URL is what was asked for or where the visitor was sent, Mark the part of it
	// that is ours; Curl asks for it again.
	URL  string `json:"url,omitempty"`
	Mark string `json:"mark,omitempty"`
	Curl string `json:"curl,omitempty"`
	Meaning

	ClickID       string `json:"click_id,omitempty"`
	PostbackID    string `json:"postback_id,omitempty"`
	ConversionID  string `json:"conversion_id,omitempty"`
	DeliveryID    string `json:"delivery_id,omitempty"`
	DestinationID string `json:"destination_id,omitempty"`
	Platform      string `json:"platform,omitempty"`
	AttemptID     string `json:"attempt_id,omitempty"`
}

// timeline is all that happened, in its order, and what is to come.
func (k Known) timeline() []Event {
	var all []Event
	for _, c := range k.Clicks {
		all = append(all, clickEvents(c)...)
	}
	for _, b := range k.Postbacks {
		all = append(all, k.postbackEvents(b)...)
	}
	all = append(all, k.changeEvents()...)
	for _, d := range k.Deliveries {
		all = append(all, k.deliveryEvents(d)...)
	}
	for _, c := range k.Conversions {
		if e, ok := k.undecided(c); ok {
			all = append(all, e)
		}
	}
	rank := func(e Event) int { // what is to come is last
		if e.Kind == EventNext {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(all, func(a, b Event) int {
		if n := cmp.Compare(rank(a), rank(b)); n != 0 || a.At.IsZero() && b.At.IsZero() {
			return n
		}
		if a.At.IsZero() || b.At.IsZero() { // of what is to come, what has a moment is first
			return cmp.Compare(b.At.Unix(), a.At.Unix())
		}
		return a.At.Compare(b.At)
	})
	var last time.Time
	for i := range all {
		if all[i].Lines == nil {
			all[i].Lines = []Line{}
		}
		if all[i].Kind == EventNext || all[i].At.IsZero() {
			continue
		}
		if !last.IsZero() {
			all[i].AfterMS = all[i].At.Sub(last).Milliseconds()
		}
		last = all[i].At
	}
	return all
}

func clickEvents(c subfive.Click) []Event {
	click := Event{
		At: c.ClickedAt, Kind: EventClick, Title: "Click", Sentence: joined(", ", named("on", c.CampaignID), named("bought from", platformOf(c))),
		Detail: visitor(c), Lines: clickLines(c), URL: addressOf(c.Request), ClickID: c.ID,
	}
	switch c.RecordKind {
	case subfive.ClickScript:
		click.Sentence += ", minted by the script on the page"
	case subfive.ClickLanding:
		click.Sentence += ", a visit of the landing page"
	case subfive.ClickImport:
		click.Sentence += ", imported"
	}
	all := []Event{click}
	if c.Location != "" {
		to := "to the offer"
		if c.LandingID != "" {
			to = "to landing page " + c.LandingID
		}
		mark := markOf(c.Location, c.ID)
		if name, _, ok := strings.Cut(mark, "="); ok {
			to += "; " + name + " was set"
		}
		all = append(all, Event{At: c.ClickedAt, Kind: EventRedirect, Title: "Sent on", Sentence: to, URL: c.Location, Mark: mark, ClickID: c.ID})
	}
	if !c.LandingViewedAt.IsZero() && c.RecordKind != subfive.ClickScript {
		all = append(all, Event{At: c.LandingViewedAt, Kind: EventLanding, Title: "Landing page", Sentence: joined(" ", c.LandingID, "seen"), URL: c.PageURL, ClickID: c.ID})
	}
	if !c.LandingClickedAt.IsZero() {
		all = append(all, Event{At: c.LandingClickedAt, Kind: EventLeft, Title: "On to the offer", Sentence: joined(" ", c.OfferID, "from the landing page"), ClickID: c.ID})
	}
	return all
}

func platformOf(c subfive.Click) string {
	if c.Platform == "" {
		return c.SourceID
	}
	return joined(" as ", platformName(c.Platform), c.SourceID)
}

// visitor says in prose who came and by which ad.
func visitor(c subfive.Click) string {
	v, ad := c.Visitor, c.Ad
	who := joined(", ", joined(" ", systemName(v.OS), v.Device), v.Browser, joined(" ", v.City, v.Region, v.Country), v.Carrier)
	what := joined(", ", quotedAs("Ad", ad.Name, ad.ID), quotedAs("ad set", ad.SetName, ad.SetID), quotedAs("campaign", ad.CampaignName, ad.CampaignID))
	visit := ""
	switch {
	case c.VisitNo == 1:
		visit = "First visit"
	case c.VisitNo > 1:
		visit = fmt.Sprintf("Visit %d", c.VisitNo)
	}
	marked := marks(c)
	if marked == "" {
		marked = "not a bot"
	}
	return joined(". ", who, what, capital(joined(", ", visit, marked))) + "."
}

// systemName is an operating system as it writes itself.
func systemName(os string) string {
	switch os {
	case "ios":
		return "iOS"
	case "macos":
		return "macOS"
	case "chromeos":
		return "ChromeOS"
	}
	return capital(os)
}

func quotedAs(word, name, id string) string {
	if name != "" {
		return word + " “" + name + "”"
	}
	return named(word, id)
}

// markOf is the parameter of a URL that has our click ID.
func markOf(address, clickID string) string {
	_, query, _ := strings.Cut(address, "?")
	query, _, _ = strings.Cut(query, "#")
	for _, pair := range strings.Split(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if value == clickID && name != "" {
			return pair
		}
	}
	if u, err := url.Parse(address); err == nil && strings.Contains(u.Path, clickID) {
		return clickID
	}
	return ""
}

func (k Known) postbackEvents(b Postback) []Event {
	p := b.Postback
	sentence := joined(" ", "from", p.NetworkID) + ", read as " + string(p.Reading)
	if p.Answered != 0 {
		sentence += fmt.Sprintf(", answered %d", p.Answered)
	}
	switch p.Via {
	case subfive.ViaPixel:
		sentence += ", by a pixel in the visitor's browser"
	case subfive.ViaAPI:
		sentence += ", fetched from the network's API"
	case subfive.ViaImport, subfive.ViaImportForward:
		sentence += ", imported"
	}
	var told lines
	for _, line := range postbackLines(b) {
		if line.Label != "why" && line.Label != "decide" && line.Label != "verdict" {
			told = append(told, line)
		}
	}
	all := []Event{{
		At: p.ReceivedAt, Kind: EventPostback, Title: "Postback", Sentence: sentence, Detail: p.Hint, State: string(p.Reading), Lines: told,
		URL: addressOf(p.Request), Curl: curlOf(p.Request), PostbackID: p.ID, ConversionID: b.ConversionID, ClickID: p.ClickID,
	}, {
		At: k.decidedAt(b), Kind: EventDecision, Title: "Decision", Sentence: k.decided(b), State: string(b.Verdict), Lines: k.decisionLines(b),
		PostbackID: p.ID, ConversionID: b.ConversionID, ClickID: p.ClickID,
	}}
	if b.SettledAs != "" && !b.SettledAt.IsZero() {
		all = append(all, Event{
			At: b.SettledAt, Kind: EventSettled, Title: "Settled", Sentence: joined(" ", "as", b.SettledAs, named("by", b.SettledBy)),
			State: string(b.Verdict), PostbackID: p.ID, ConversionID: b.ConversionID,
		})
	}
	return all
}

// judging is within what a postback is judged when nothing is behind.
const judging = time.Minute

// decidedAt is when a postback was judged. Nothing keeps that moment but the
// deliveries that were made of it.
func (k Known) decidedAt(b Postback) time.Time {
	heard := b.Postback.ReceivedAt
	for _, d := range k.Deliveries {
		if d.ConversionID == b.ConversionID && d.Generation == 1 && d.CreatedAt.After(heard) && d.CreatedAt.Sub(heard) < judging {
			return d.CreatedAt
		}
	}
	return heard
}

// decided goes on from "Decision": the verdict, and what it comes to.
func (k Known) decided(b Postback) string {
	c := k.conversion(b.ConversionID)
	switch b.Verdict {
	case subfive.VerdictMatched, subfive.VerdictDirect, subfive.VerdictOutsideWindow, subfive.VerdictBeforeClick:
		if c != nil {
			return joined(" ", string(b.Verdict)+byMatch(*c)+",", money(c.PayoutFirst, c.Currency), "credited")
		}
	case subfive.VerdictDuplicate:
		return joined(" ", "duplicate", named("of", b.DuplicateOf)) + ": it counts once"
	case subfive.VerdictPossibleDuplicate:
		return joined(" ", "possible duplicate", named("of", b.PossibleDuplicateOf)) + ": not counted until a person settles it"
	case subfive.VerdictStatusChange, subfive.VerdictPayoutChange:
		return joined(" ", strings.ReplaceAll(string(b.Verdict), "_", " "), named("of", b.ConversionID))
	case subfive.VerdictQuarantined:
		return "quarantined: kept, and credited only if a person accepts it"
	case subfive.VerdictNotAConversion:
		return "not a conversion: it reports a click"
	case subfive.VerdictWaiting, subfive.VerdictUnmatched, subfive.VerdictNoClickID, subfive.VerdictTest, subfive.VerdictBroken:
		if c != nil {
			return strings.ReplaceAll(string(b.Verdict), "_", " ") + ", " + countsAs(*c)
		}
	}
	return strings.ReplaceAll(string(b.Verdict), "_", " ")
}

// decisionLines are the trace as questions and answers, and what it changed.
func (k Known) decisionLines(b Postback) []Line {
	var l lines
	for _, s := range b.Trace {
		l.add(question(s), joined(": ", s.Result, s.Detail))
	}
	l.rows("Changed", k.changes(func(h subfive.Change) bool { return h.PostbackID == b.Postback.ID }))
	return l
}

// question is what a step of a trace asked.
func question(s subfive.Step) string {
	if to, ok := strings.CutPrefix(s.Step, "deliver "); ok {
		return "Tell " + to + "?"
	}
	switch s.Step {
	case "identify":
		return "Click ID"
	case "group":
		return "Told before?"
	case "match":
		return "Is the click known?"
	case "accept":
		return "Accepted?"
	case "count":
		return "Anything to count?"
	case "forward":
		return "Anybody to tell?"
	case "route":
		return "Told to"
	case "value":
		return "Payout"
	case "amount":
		return "Amount"
	case "status":
		return "Network status"
	case "payout":
		return "New payout"
	case "trust":
		return "Confirmed?"
	case "endpoint":
		return "Endpoint"
	case "attach":
		return "Attached to"
	case "settle":
		return "Settled as"
	}
	return s.Step
}

// changeEvents are the changes that no postback of this story brought.
func (k Known) changeEvents() (all []Event) {
	for _, h := range k.Changes {
		brought := slices.ContainsFunc(k.Postbacks, func(b Postback) bool { return b.Postback.ID == h.PostbackID })
		if brought || k.conversion(h.ConversionID) == nil {
			continue
		}
		all = append(all, Event{
			At: h.At, Kind: EventChange, Title: capital(strings.ReplaceAll(h.Field, "_", " ")),
			Sentence: changeText(h), ConversionID: h.ConversionID, PostbackID: h.PostbackID,
		})
	}
	return all
}

// undecided is that the network has not said yet whether it pays.
func (k Known) undecided(c subfive.Conversion) (Event, bool) {
	if c.Status != subfive.StatusPending || !c.Counts() {
		return Event{}, false
	}
	worth := money(c.Payout, c.Currency)
	if worth == "" {
		worth = "it"
	}
	return Event{
		Kind: EventNext, Title: "Waiting for the network", Sentence: "to approve or reject", ConversionID: c.ID,
		Detail: "If " + c.NetworkID + " rejects it, " + worth + " is taken back here, and each destination is told what its on_reversal says.",
	}, true
}
