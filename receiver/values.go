package receiver

import (
	"fmt"
	"strings"

	"subfive"
)

// clickID reads the click ID and says, in Reading, what it is.
func (r *Receiver) clickID(p *subfive.Postback, all fields, e subfive.Endpoint) (hint string) {
	m, present := all.click()
	if present && m.field == fieldUpdate && p.PayoutRaw == "" && p.StatusWord == "" && p.Goal() == subfive.GoalBase {
		p.NotAConversion = true // Binom's update of a click
	}
	switch {
	case present && m.literal:
		p.Reading, p.ClickIDRaw = subfive.ReadingLiteralMacro, m.value
		return "" // the macro's own hint says it
	case !present || m.missing:
		p.Reading = subfive.ReadingEmptyClickID
		switch {
		case e.EmptyClickID == subfive.EmptyOrganic:
			return ""
		case !present:
			return "no click ID: the postback URL needs click_id={sub5}; if it has that, fix the link, not the postback"
		}
		return "the click ID is empty: fix the link, not the postback; the click reached the network without one"
	}
	p.ClickIDRaw, p.ClickID = m.value, m.text()
	if id, ok := subfive.ParseClickID(p.ClickID); ok {
		p.Reading, p.ClickID = subfive.ReadingOK, id
		if m.field != fieldClickID && m.field != fieldUpdate {
			return fmt.Sprintf("the click ID was found in %q", m.name)
		}
		return ""
	}
	if p.DirectParam = r.directParam(m, e); p.DirectParam != "" {
		p.Reading, p.ClickID = subfive.ReadingDirect, m.value // byte for byte
		return ""
	}
	p.Reading = subfive.ReadingForeign
	return ""
}

// directParam returns the platform's click parameter that a click ID belongs to,
// or "" for another tracker's ID: by its parameter's name, by its shape, or
// because the endpoint says so.
func (r *Receiver) directParam(m meant, e subfive.Endpoint) string {
	if m.direct != "" && m.field != fieldClickID {
		return m.direct
	}
	if shape := directShape(m.text()); shape != "" {
		return shape
	}
	return r.cfg.DirectParams[e.Direct]
}

// identify reads what tells one conversion from another.
func (all fields) identify(p *subfive.Postback) {
	p.TransactionID = all.get(fieldTransaction)
	p.NetworkConversionID = all.get(fieldConversion)
	p.OrderID = all.get(fieldOrderID)
	p.NetworkOfferID = all.get(fieldOfferID)
	p.NetworkAt = networkTime(all.get(fieldTimestamp))
	if c, ok := subfive.Currency(all.get(fieldCurrency)); ok {
		p.Currency = c
	}
	p.NotAConversion = isCPC(all.get(fieldType)) || isCPC(all.get(fieldGoalType))
}

// goal reads the goal. One that is there and empty, 0 or Base is the conversion
// itself; a literal macro is no goal at all.
func (all fields) goal(p *subfive.Postback) {
	if isFalse(all.get(fieldIsEvent)) {
		p.GoalID, p.GoalName = subfive.GoalBase, subfive.GoalBase
		return
	}
	p.GoalID = all.goalIn(fieldEventID)
	p.GoalName = all.goalIn(fieldEventName)
	if p.GoalID != "" || p.GoalName != "" {
		return
	}
	p.GoalName = goalOfType(all.get(fieldGoalType))
	if slot, ok := all.find(fieldEventSlot); ok && p.GoalName == "" && !slot.missing && slot.text() != "0" {
		p.GoalName = strings.TrimPrefix(fold(slot.name), "add")
	}
}

func (all fields) goalIn(f field) string {
	m, present := all.find(f)
	switch {
	case !present || m.literal:
		return ""
	case isBase(m.text()):
		return subfive.GoalBase
	}
	return m.text()
}

// status reads the network's opinion. Keitaro's postback may bring its own list
// of what each word means.
func (all fields) status(p *subfive.Postback) {
	p.StatusWord = all.get(fieldStatus)
	p.Status = status(p.StatusWord)
	if p.StatusWord == "" {
		return
	}
	for _, list := range []struct {
		words  field
		status subfive.Status
	}{
		{fieldSaleWords, subfive.StatusApproved},
		{fieldLeadWords, subfive.StatusPending},
		{fieldRejectWords, subfive.StatusRejected},
	} {
		if all.lists(list.words, p.StatusWord) {
			p.Status = list.status
		}
	}
	if all.lists(fieldIgnoreWords, p.StatusWord) {
		p.NotAConversion = true
	}
}

// lists reports whether word is in a comma-separated list.
func (all fields) lists(f field, word string) bool {
	for w := range strings.SplitSeq(all.get(f), ",") {
		if strings.EqualFold(strings.TrimSpace(w), word) {
			return true
		}
	}
	return false
}

// money reads the amounts; problems name those that are no numbers.
func (all fields) money(p *subfive.Postback) (problems []string) {
	p.PayoutRaw = all.get(fieldPayout)
	p.Payout, problems = amount("payout", p.PayoutRaw, problems)
	p.SaleAmount, problems = amount("sale_amount", all.get(fieldSaleAmount), problems)
	return problems
}

func amount(name, raw string, problems []string) (*subfive.Micros, []string) {
	if raw == "" {
		return nil, problems
	}
	m, err := subfive.ParseMicros(raw)
	if err != nil {
		return nil, append(problems, fmt.Sprintf("%s %q is %v", name, cut(raw, 40), err))
	}
	return &m, problems
}

// cut shortens s for a message.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
