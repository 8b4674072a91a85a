package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"subfive"
	"subfive/store"
)

// telling is a story with what is needed to tell it.
type telling struct {
	store.Story
	paused map[string]subfive.Pause
	now    time.Time
	// full shows the request and answer of every attempt, not of the last alone.
	full bool
}

// String tells the story on one page: what was clicked, what the network said,
// what was decided and why, who was told what, and who was not.
func (t telling) String() string {
	p := &page{}
	for _, c := range t.Clicks {
		p.click(c)
	}
	if len(t.Clicks) == 0 {
		p.title("CLICK none")
		p.line("", t.noClick())
	}
	for _, b := range t.Postbacks {
		p.postback(b)
	}
	for _, c := range t.Conversions {
		p.conversion(c, t.Changes)
	}
	for _, d := range t.Deliveries {
		t.delivery(p, d)
	}
	t.whyNot(p)
	return p.String()
}

// noClick says why a story has no click.
func (t telling) noClick() string {
	for _, b := range t.Postbacks {
		switch {
		case b.DirectParam != "":
			return "The network gave the platform's own " + b.DirectParam + ": no click of ours is needed."
		case b.ClickIDRaw != "":
			return "No click " + strconv.Quote(b.ClickIDRaw) + " was recorded here."
		}
	}
	return "Nothing says which click it was."
}

func (p *page) click(c subfive.Click) {
	p.title("CLICK " + c.ID)
	p.line("when", utc(c.ClickedAt)+"  "+c.RecordKind)
	p.line("campaign", joined(" · ", c.CampaignID, named("source", c.SourceID), c.Platform, named("ad account", c.AdAccountID),
		named("offer", c.OfferID), named("landing page", c.LandingID), named("path", c.PathID), named("rule", c.RuleID)))
	p.pairs("platform IDs", c.Params)
	p.line("page", c.PageURL)
	p.line("on the page", joined("  ", named("seen", utc(c.LandingViewedAt)), named("left for the offer", utc(c.LandingClickedAt))))
	p.line("referrer", c.Referrer)
	p.line("address", joined("  ", c.Request.ClientAddr, c.Language))
	p.line("user agent", c.Request.UserAgent)
	p.line("user data", sealedNames(c.UserData))
	p.pairs("consent", c.Consent)
	p.line("request", requestLine(c.Request))
	p.parameters(c.Request)
	p.line("sent to", c.Location)
	var marks []string
	if c.IsBot {
		marks = append(marks, joined(": ", "looks like a bot", c.BotReason))
	}
	if c.IsPrefetch {
		marks = append(marks, "fetched ahead by the browser")
	}
	if c.IsTest {
		marks = append(marks, "a test")
	}
	p.line("marked", strings.Join(marks, "; "))
}

func (p *page) pairs(label string, values map[string]string) {
	var rows [][]string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		rows = append(rows, []string{name, values[name]})
	}
	p.rows(label, rows)
}

func (p *page) parameters(r subfive.Request) {
	var rows [][]string
	for _, param := range r.Params {
		rows = append(rows, []string{param.Name, param.Value})
	}
	p.rows("parameters", rows)
}

func requestLine(r subfive.Request) string {
	if r.Method == "" && r.Host == "" && r.Path == "" {
		return ""
	}
	return r.Method + " " + r.Scheme + "://" + r.Host + r.Path
}

// sealedNames names the user data there is; the values are sealed.
func sealedNames(data map[string]subfive.Sealed) string {
	if len(data) == 0 {
		return ""
	}
	return strings.Join(slices.Sorted(maps.Keys(data)), ", ") + " (sealed)"
}

func (p *page) postback(b store.StoredPostback) {
	p.title("POSTBACK " + b.ID)
	p.line("when", joined("  ", utc(b.ReceivedAt), "from "+joined(" ", b.NetworkID, b.Request.ClientAddr), "by "+b.Via, "at endpoint "+b.EndpointID))
	p.line("request", requestLine(b.Request))
	p.parameters(b.Request)
	p.line("user data", sealedNames(b.UserData))
	p.pairs("consent", b.Consent)
	p.line("reading", string(b.Reading))
	p.line("hint", b.Hint)
	if b.Answered != 0 {
		p.line("answered", strconv.Itoa(b.Answered))
	}
	p.line("verdict", joined(" ", string(b.Verdict), named("→", b.ConversionID), named("of", b.DuplicateOf), named("of", b.PossibleDuplicateOf)))
	p.line("tee", teeLine(b.Tee))
	if b.SettledAs != "" {
		p.line("settled", joined(" ", "as", b.SettledAs, named("by", b.SettledBy), named("at", utc(b.SettledAt))))
	}
	var rows [][]string
	for _, s := range b.Trace {
		rows = append(rows, []string{s.Step, joined(": ", s.Result, s.Detail)})
	}
	p.rows("why", rows)
	switch b.Verdict {
	case subfive.VerdictPossibleDuplicate:
		p.line("decide", "subfive postbacks settle "+b.ID+" duplicate|new|correction")
	case subfive.VerdictQuarantined:
		p.line("decide", "subfive postbacks accept "+b.ID+"  (only if you trust it: it will be credited)")
	case subfive.VerdictUnmatched, subfive.VerdictNoClickID:
		if b.ConversionID != "" {
			p.line("decide", "subfive postbacks attach "+b.ID+" CLICK  (if you know whose it is)")
		}
	case subfive.VerdictMatched, subfive.VerdictDirect, subfive.VerdictWaiting, subfive.VerdictOutsideWindow, subfive.VerdictBeforeClick,
		subfive.VerdictTest, subfive.VerdictDuplicate, subfive.VerdictStatusChange, subfive.VerdictPayoutChange,
		subfive.VerdictNotAConversion, subfive.VerdictBroken:
	}
}

func (p *page) conversion(c subfive.Conversion, changes []subfive.Change) {
	p.title("CONVERSION " + c.ID)
	p.line("verdict", joined(", ", string(c.Verdict)+byMatch(c), countsAs(c)))
	p.line("click", joined("  ", c.AttributedClickID, received(c)))
	p.line("happened", joined("  ", utc(c.ConvertedAt), named("as told by", timeSource(c.ConvertedAtFrom)), afterClick(c)))
	p.line("heard of", joined("  ", utc(c.ReceivedAt), named("by", c.Via), backfilled(c)))
	p.line("status", statusText(c))
	p.line("payout", payoutText(c))
	p.line("sale", amountText(c.SaleAmount, c.Currency))
	p.line("goal", c.Goal())
	p.line("network", joined(" · ", c.NetworkID, named("transaction", c.TransactionID),
		named("conversion", strings.Join(c.NetworkConversionIDs, ", ")), named("order", c.OrderID), named("offer", c.NetworkOfferID)))
	p.line("credited to", joined(" · ", named("campaign", c.CampaignID), named("source", c.SourceID), named("offer", c.OfferID)))
	p.pairs("sub IDs", c.Subs)
	p.line("also got by", strings.Join(c.AlsoReceivedBy, ", "))
	p.line("next look", utc(c.ReviewAt))
	var rows [][]string
	for _, h := range changes {
		if h.ConversionID == c.ID {
			rows = append(rows, []string{moment(h.At), h.Field, joined(" ", orNone(h.Old), "→", orNone(h.New), named("by", joined(" ", h.By, h.PostbackID)))})
		}
	}
	p.rows("changes", rows)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func byMatch(c subfive.Conversion) string {
	switch c.MatchMethod {
	case subfive.MatchClick:
		return " by its click"
	case subfive.MatchLate:
		return " by its click, which came later"
	case subfive.MatchDirect:
		return " by the platform's own " + c.DirectParam
	case subfive.MatchManual:
		return " by a person"
	}
	return ""
}

func countsAs(c subfive.Conversion) string {
	switch {
	case !c.Counts():
		return "does not count"
	case c.AttributedClickID == "" && c.DirectParam == "":
		return "counts as an unattributed conversion and as revenue"
	}
	return "counts as a conversion and as revenue"
}

// received says which click ID the network brought, where it is not the one
// that the conversion counts for.
func received(c subfive.Conversion) string {
	switch {
	case c.DirectValue != "":
		return c.DirectParam + " " + c.DirectValue
	case c.ReceivedClickID == c.AttributedClickID:
		return ""
	case c.ReceivedClickID == "":
		return "(the postback brought none)"
	}
	return "(the postback brought " + c.ReceivedClickID + ")"
}

func timeSource(from string) string {
	if from == subfive.FromArrival {
		return "its arrival"
	}
	return named("the network's", from)
}

func afterClick(c subfive.Conversion) string {
	if c.ClickedAt.IsZero() {
		return ""
	}
	return span(c.ConvertedAt.Sub(c.ClickedAt)) + " after the click"
}

func backfilled(c subfive.Conversion) string {
	if c.Backfilled {
		return "fetched later"
	}
	return ""
}

func statusText(c subfive.Conversion) string {
	text := string(c.Status)
	if c.StatusWord != "" && c.StatusWord != text {
		text = joined(" ", text, strconv.Quote(c.StatusWord))
	}
	if c.FirstStatus != c.Status {
		text = joined(", ", text, "first "+orNone(string(c.FirstStatus)))
	}
	return joined(", ", text, named("approved", utc(c.ApprovedAt)), named("rejected", utc(c.RejectedAt)))
}

func payoutText(c subfive.Conversion) string {
	text := joined(", ", amountText(c.Payout, c.Currency), named("from the", strings.ReplaceAll(c.ValueFrom, "_", " ")))
	if c.Payout != nil && c.PayoutFirst != nil && *c.Payout != *c.PayoutFirst {
		text = fmt.Sprintf("%s, first %s", text, amountText(c.PayoutFirst, c.Currency))
	}
	return text
}
