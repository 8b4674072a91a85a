package story

import (
	"fmt"
	"strconv"

	"subfive"
)

// headline is the story in a sentence.
func (k Known) headline(m main) string {
	switch {
	case m.conversion != nil && m.conversion.IsOwnGoal():
		what := "Landing page seen"
		if m.conversion.GoalName == subfive.GoalLandingClick {
			what = "Landing page left for the offer"
		}
		return joined(" ", what, named("on", m.conversion.CampaignID))
	case m.conversion != nil:
		return k.conversionHeadline(*m.conversion)
	case m.postback != nil:
		return postbackHeadline(*m.postback)
	case m.click != nil:
		return joined(" ", "A click", named("on", m.click.CampaignID)) + ", no conversion yet"
	case len(k.Attempts) > 0:
		return "A request to " + k.Attempts[0].DestinationID + ", about no conversion"
	}
	return "Nothing is known of it but its ID"
}

func (k Known) conversionHeadline(c subfive.Conversion) string {
	worth := money(c.Payout, c.Currency)
	if worth == "" {
		worth = "A conversion"
	}
	if !c.IsBase() {
		worth += " for " + strconv.Quote(c.Goal())
	}
	from := c.OfferID
	if from == "" {
		from = joined(" ", c.NetworkID, named("offer", c.NetworkOfferID))
	}
	text := joined(" ", worth, named("from", from)) + ", " + k.became(c)
	if n := k.others(c); n > 0 {
		text += fmt.Sprintf(" (%d of %d of its click session)", c.Seq, n+1)
	}
	return text
}

// others counts the other conversions of its click session.
func (k Known) others(c subfive.Conversion) (n int) {
	for _, other := range k.Conversions {
		if other.ID != c.ID && c.GroupID != "" && other.GroupID == c.GroupID {
			n++
		}
	}
	return n
}

// became says what became of a conversion.
func (k Known) became(c subfive.Conversion) string {
	to := c.CampaignID
	if to == "" {
		to = c.SourceID
	}
	if c.Status == subfive.StatusRejected {
		return joined(" ", "taken back by", c.NetworkID)
	}
	switch c.Verdict {
	case subfive.VerdictMatched:
		if to == "" {
			return "credited to its click"
		}
		return "credited to " + to
	case subfive.VerdictDirect:
		if to == "" {
			return "credited by the platform's own " + c.DirectParam
		}
		return "credited to " + to
	case subfive.VerdictWaiting:
		return "waiting for its click"
	case subfive.VerdictUnmatched:
		return "its click never came"
	case subfive.VerdictNoClickID:
		return "without a click ID"
	case subfive.VerdictOutsideWindow:
		return joined(" ", "credited to", to) + ", outside the offer's window"
	case subfive.VerdictBeforeClick:
		return joined(" ", "credited to", to) + ", before its click"
	case subfive.VerdictTest:
		return "a test: it counts nowhere"
	case subfive.VerdictDuplicate, subfive.VerdictPossibleDuplicate, subfive.VerdictStatusChange, subfive.VerdictPayoutChange,
		subfive.VerdictNotAConversion, subfive.VerdictQuarantined, subfive.VerdictBroken:
	}
	return string(c.Verdict)
}

func postbackHeadline(b Postback) string {
	p := b.Postback
	text := joined(" ", "A postback", named("from", p.NetworkID))
	if worth := money(p.Payout, p.Currency); worth != "" {
		text += " of " + worth
	}
	switch b.Verdict {
	case subfive.VerdictPossibleDuplicate:
		return text + ", possibly told before: decide what it is"
	case subfive.VerdictQuarantined:
		return joined(": ", text+", quarantined", p.Hint)
	case subfive.VerdictNotAConversion:
		return text + ", no conversion: it reports a click"
	case subfive.VerdictNoClickID:
		return text + ", with nothing to count"
	case subfive.VerdictBroken:
		return text + ", unreadable"
	case subfive.VerdictDuplicate:
		return text + ", told before"
	case subfive.VerdictMatched, subfive.VerdictDirect, subfive.VerdictWaiting, subfive.VerdictUnmatched, subfive.VerdictOutsideWindow,
		subfive.VerdictBeforeClick, subfive.VerdictTest, subfive.VerdictStatusChange, subfive.VerdictPayoutChange:
	}
	return joined(": ", text, string(b.Verdict))
}
