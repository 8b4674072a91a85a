package story

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"subfive"
)

// Held is how a scheduled delivery looks while its destination is paused.
const Held = "held"

func pairs(values map[string]string) (rows [][]string) {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		rows = append(rows, []string{name, values[name]})
	}
	return rows
}

func parameters(r subfive.Request) (rows [][]string) {
	for _, param := range r.Params {
		rows = append(rows, []string{param.Name, param.Value})
	}
	return rows
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

// marks are what a click is marked as.
func marks(c subfive.Click) string {
	var all []string
	if c.IsBot {
		all = append(all, joined(": ", "looks like a bot", c.BotReason))
	}
	if c.IsPrefetch {
		all = append(all, "fetched ahead by the browser")
	}
	if c.IsTest {
		all = append(all, "a test")
	}
	return strings.Join(all, "; ")
}

// noClick says why a story has no click.
func (k Known) noClick() string {
	for _, b := range k.Postbacks {
		switch {
		case b.Postback.DirectParam != "":
			return "The network gave the platform's own " + b.Postback.DirectParam + ": no click of ours is needed."
		case b.Postback.ClickIDRaw != "":
			return "No click " + strconv.Quote(b.Postback.ClickIDRaw) + " was recorded here."
		}
	}
	return "Nothing says which click it was."
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
	text := joined(", ", amount(c.Payout, c.Currency), named("from the", strings.ReplaceAll(c.ValueFrom, "_", " ")))
	if c.Payout != nil && c.PayoutFirst != nil && *c.Payout != *c.PayoutFirst {
		text = fmt.Sprintf("%s, first %s", text, amount(c.PayoutFirst, c.Currency))
	}
	return text
}

// teeLine says what became of a postback's copy; "" if there is none.
func teeLine(c *subfive.Tee) string {
	if c == nil {
		return ""
	}
	answer := c.LastError
	if c.LastHTTP != 0 {
		answer = fmt.Sprint("answered ", c.LastHTTP)
	}
	line := joined("  ", string(c.State), fmt.Sprint(c.Attempts, " tries"), answer)
	switch c.State {
	case subfive.TeeWaiting:
		return joined("  ", line, named("next", utc(c.NextAttemptAt)))
	case subfive.TeeSent, subfive.TeeExpired, subfive.TeeGone:
		return joined("  ", line, named("at", utc(c.EndedAt)))
	}
	return line
}

func replayed(d subfive.Delivery) string {
	if d.Generation > 1 {
		return "replay " + strconv.Itoa(d.Generation-1)
	}
	return ""
}

func kindText(k subfive.Kind) string {
	switch k {
	case subfive.KindConversion:
		return ""
	case subfive.KindApproval, subfive.KindRetraction, subfive.KindRestatement:
		return "of its " + string(k) + ":"
	}
	return ""
}

// state is a delivery's status, or Held.
func (k Known) state(d subfive.Delivery) string {
	if _, is := k.Paused[d.DestinationID]; is && d.Status == subfive.DeliveryScheduled {
		return Held
	}
	return string(d.Status)
}

// deliveryStatus is a delivery's status in words: one that waits for its paused
// destination is held.
func (k Known) deliveryStatus(d subfive.Delivery) string {
	if k.state(d) == Held {
		return Held + " (destination " + d.DestinationID + " is paused)"
	}
	return string(d.Status)
}

func (k Known) nextTry(d subfive.Delivery) string {
	switch {
	case d.WaitsFor != "":
		return joined(", ", utc(d.NextAttemptAt), "once "+d.WaitsFor+" has ended")
	case k.state(d) == Held:
		return "once the destination works again"
	case !d.NextAttemptAt.IsZero() && !d.NextAttemptAt.After(k.Now):
		return "now (a running serve sends it)"
	}
	return utc(d.NextAttemptAt)
}

func answerText(a subfive.Attempt) string {
	if a.Outcome.HTTP == 0 {
		return "no answer"
	}
	return "HTTP " + strconv.Itoa(a.Outcome.HTTP)
}

// attemptRow is one exchange: when, how long, what came back, and what that
// meant for this delivery.
func attemptRow(a subfive.Attempt, o subfive.Outcome) []string {
	said := joined(": ", joined(" ", string(o.Class), joined("/", o.Code, a.Outcome.Subcode)), o.Message)
	if a.Outcome.Ambiguous {
		said = joined("; ", said, "it may have arrived")
	}
	if a.Outcome.RetryAfter > 0 {
		said = joined("; ", said, "asked to wait "+span(a.Outcome.RetryAfter))
	}
	return []string{at(a.StartedAt), span(a.Latency), answerText(a), joined("; ", said, named("trace", a.Outcome.TraceID))}
}
