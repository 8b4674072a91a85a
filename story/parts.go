package story

import (
	"slices"
	"strconv"
	"strings"

	"subfive"
)

// Part is all that is known about one thing of a story.
type Part struct {
	Title     string // CLICK 01jd…
	Lines     []Line
	Exchanges []subfive.Attempt // of a delivery
}

// Parts are a story's things, one after the other, for a page of text.
func (k Known) Parts() []Part {
	var all []Part
	for _, c := range k.Clicks {
		all = append(all, Part{Title: "CLICK " + c.ID, Lines: clickLines(c)})
	}
	if len(k.Clicks) == 0 {
		all = append(all, Part{Title: "CLICK none", Lines: []Line{{"", [][]string{{k.noClick()}}}}})
	}
	for _, b := range k.Postbacks {
		all = append(all, Part{Title: "POSTBACK " + b.Postback.ID, Lines: postbackLines(b)})
	}
	for _, c := range k.Conversions {
		all = append(all, Part{Title: "CONVERSION " + c.ID, Lines: k.conversionLines(c)})
	}
	for _, d := range k.Deliveries {
		all = append(all, Part{Title: "DELIVERY " + d.ID, Lines: k.deliveryLines(d), Exchanges: k.exchanges(d)})
	}
	return all
}

func clickLines(c subfive.Click) []Line {
	var l lines
	l.add("when", joined("  ", utc(c.ClickedAt), c.RecordKind))
	l.add("campaign", joined(" · ", c.CampaignID, named("source", c.SourceID), c.Platform, named("ad account", c.AdAccountID),
		named("offer", c.OfferID), named("landing page", c.LandingID), named("path", c.PathID), named("rule", c.RuleID)))
	l.rows("platform IDs", pairs(c.Params))
	l.add("page", c.PageURL)
	l.add("on the page", joined("  ", named("seen", utc(c.LandingViewedAt)), named("left for the offer", utc(c.LandingClickedAt))))
	l.add("referrer", c.Referrer)
	l.add("address", joined("  ", c.Request.ClientAddr, c.Language))
	l.add("user agent", c.Request.UserAgent)
	l.add("user data", sealedNames(c.UserData))
	l.rows("consent", pairs(c.Consent))
	l.add("request", requestLine(c.Request))
	l.rows("parameters", parameters(c.Request))
	l.add("sent to", c.Location)
	l.add("marked", marks(c))
	return l
}

func postbackLines(b Postback) []Line {
	var l lines
	p := b.Postback
	l.add("when", joined("  ", utc(p.ReceivedAt), "from "+joined(" ", p.NetworkID, p.Request.ClientAddr), "by "+p.Via, "at endpoint "+p.EndpointID))
	l.add("request", requestLine(p.Request))
	l.rows("parameters", parameters(p.Request))
	l.add("user data", sealedNames(p.UserData))
	l.rows("consent", pairs(p.Consent))
	l.add("reading", string(p.Reading))
	l.add("hint", p.Hint)
	if p.Answered != 0 {
		l.add("answered", strconv.Itoa(p.Answered))
	}
	l.add("verdict", joined(" ", string(b.Verdict), named("→", b.ConversionID), named("of", b.DuplicateOf), named("of", b.PossibleDuplicateOf)))
	l.add("tee", teeLine(b.Tee))
	if b.SettledAs != "" {
		l.add("settled", joined(" ", "as", b.SettledAs, named("by", b.SettledBy), named("at", utc(b.SettledAt))))
	}
	var rows [][]string
	for _, s := range b.Trace {
		rows = append(rows, []string{s.Step, joined(": ", s.Result, s.Detail)})
	}
	l.rows("why", rows)
	if act, ok := decide(b); ok {
		l.add("decide", joined("  ", act.Command, act.note()))
	}
	return l
}

func (k Known) conversionLines(c subfive.Conversion) []Line {
	var l lines
	l.add("verdict", joined(", ", string(c.Verdict)+byMatch(c), countsAs(c)))
	l.add("click", joined("  ", c.AttributedClickID, received(c)))
	l.add("happened", joined("  ", utc(c.ConvertedAt), named("as told by", timeSource(c.ConvertedAtFrom)), afterClick(c)))
	l.add("heard of", joined("  ", utc(c.ReceivedAt), named("by", c.Via), backfilled(c)))
	l.add("status", statusText(c))
	l.add("payout", payoutText(c))
	l.add("sale", amount(c.SaleAmount, c.Currency))
	l.add("goal", c.Goal())
	l.add("network", joined(" · ", c.NetworkID, named("transaction", c.TransactionID),
		named("conversion", strings.Join(c.NetworkConversionIDs, ", ")), named("order", c.OrderID), named("offer", c.NetworkOfferID)))
	l.add("credited to", joined(" · ", named("campaign", c.CampaignID), named("source", c.SourceID), named("offer", c.OfferID)))
	l.rows("sub IDs", pairs(c.Subs))
	l.add("also got by", strings.Join(c.AlsoReceivedBy, ", "))
	l.add("next look", utc(c.ReviewAt))
	l.rows("changes", k.changes(func(h subfive.Change) bool { return h.ConversionID == c.ID }))
	return l
}

// changes are what changed afterwards.
func (k Known) changes(which func(subfive.Change) bool) (rows [][]string) {
	for _, h := range k.Changes {
		if which(h) {
			rows = append(rows, []string{at(h.At), h.Field, changeText(h)})
		}
	}
	return rows
}

func changeText(h subfive.Change) string {
	return joined(" ", orNone(h.Old), "→", orNone(h.New), named("by", joined(" ", h.By, h.PostbackID)))
}

func (k Known) deliveryLines(d subfive.Delivery) []Line {
	var l lines
	l.add("to", joined("  ", d.DestinationID, "("+d.Platform+")", "mode "+string(d.Mode), replayed(d)))
	l.add("status", k.deliveryStatus(d))
	l.add("reason", joined(": ", d.ReasonCode, d.Reason))
	why := k.Delivery(d)
	l.add("means", why.Means)
	l.add("do", why.Do)
	l.add("more", why.More)
	l.add("tells", joined("  ", kindText(d.Kind), d.EventName, named("ID", d.EventID)))
	l.add("happened", utc(d.EventTime))
	if d.Value != nil {
		l.add("value", amount(&d.Value.Amount, d.Value.Currency))
	}
	l.add("page", d.PageURL)
	if d.LimitedUse {
		l.add("consent", limitedUse)
	}
	l.add("decided", utc(d.CreatedAt))
	if d.Status == subfive.DeliveryScheduled || d.Status == subfive.DeliverySubmitted {
		l.add("next try", k.nextTry(d))
		l.add("deadline", utc(d.DeadlineAt))
	}
	l.add("delivered", utc(d.DeliveredAt))
	l.add("confirmed", utc(d.ConfirmedAt))
	if !d.AmbiguousAt.IsZero() {
		l.add("unclear", "since "+utc(d.AmbiguousAt)+": a request whose answer we never learned; the platform may have it")
	}
	if d.Status == subfive.DeliveryDryRun {
		l.add("preview", "subfive preview "+d.ConversionID+" "+d.DestinationID)
	}
	var rows [][]string
	for _, a := range k.exchanges(d) {
		rows = append(rows, attemptRow(a, outcomeOf(a, d.ID)))
	}
	l.rows("attempts", rows)
	return l
}

const limitedUse = "limited data use: the platform is told to limit what it does with the event"

// exchanges are the attempts that carried a delivery.
func (k Known) exchanges(d subfive.Delivery) (mine []subfive.Attempt) {
	for _, a := range k.Attempts {
		if slices.ContainsFunc(a.Items, func(it subfive.AttemptItem) bool { return it.DeliveryID == d.ID }) {
			mine = append(mine, a)
		}
	}
	return mine
}

// outcomeOf is what an exchange meant for one of its deliveries.
func outcomeOf(a subfive.Attempt, deliveryID string) subfive.Outcome {
	for _, it := range a.Items {
		if it.DeliveryID == deliveryID {
			return it.Outcome
		}
	}
	return a.Outcome
}
