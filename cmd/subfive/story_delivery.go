package main

import (
	"slices"
	"strconv"
	"strings"

	"subfive"
)

// bodyLines is how much of a body is shown without --full: a request may carry
// many conversions.
const bodyLines = 80

func (t telling) delivery(p *page, d subfive.Delivery) {
	p.title("DELIVERY " + d.ID)
	p.line("to", joined("  ", d.DestinationID, "("+d.Platform+")", "mode "+string(d.Mode), replayed(d)))
	p.line("status", t.deliveryStatus(d))
	if d.ReasonCode != "" || d.Reason != "" {
		p.line("reason", joined(": ", d.ReasonCode, d.Reason))
	}
	why := explainDelivery(d, t.Attempts)
	p.line("means", why.Means)
	p.line("do", why.Do)
	p.line("more", why.More)
	p.line("tells", joined("  ", kindText(d.Kind), d.EventName, named("ID", d.EventID)))
	p.line("happened", utc(d.EventTime))
	if d.Value != nil {
		p.line("value", amountText(&d.Value.Amount, d.Value.Currency))
	}
	p.line("page", d.PageURL)
	if d.LimitedUse {
		p.line("consent", "limited data use: the platform is told to limit what it does with the event")
	}
	p.line("decided", utc(d.CreatedAt))
	if d.Status == subfive.DeliveryScheduled || d.Status == subfive.DeliverySubmitted {
		p.line("next try", t.nextTry(d))
		p.line("deadline", utc(d.DeadlineAt))
	}
	p.line("delivered", utc(d.DeliveredAt))
	p.line("confirmed", utc(d.ConfirmedAt))
	if !d.AmbiguousAt.IsZero() {
		p.line("unclear", "since "+utc(d.AmbiguousAt)+": a request whose answer we never learned; the platform may have it")
	}
	t.attempts(p, d)
	if d.Status == subfive.DeliveryDryRun {
		p.line("preview", "subfive preview "+d.ConversionID+" "+d.DestinationID)
	}
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

// deliveryStatus is a delivery's status in words: one that waits for its paused
// destination is held.
func (t telling) deliveryStatus(d subfive.Delivery) string {
	if _, is := t.paused[d.DestinationID]; is && d.Status == subfive.DeliveryScheduled {
		return held + " (destination " + d.DestinationID + " is paused)"
	}
	return string(d.Status)
}

func (t telling) nextTry(d subfive.Delivery) string {
	switch _, paused := t.paused[d.DestinationID]; {
	case d.WaitsFor != "":
		return joined(", ", utc(d.NextAttemptAt), "once "+d.WaitsFor+" has ended")
	case paused:
		return "once the destination works again"
	case !d.NextAttemptAt.IsZero() && !d.NextAttemptAt.After(t.now):
		return "now (a running serve sends it)"
	}
	return utc(d.NextAttemptAt)
}

// attempts lists a delivery's exchanges, and shows what was said in the last
// one, or in all.
func (t telling) attempts(p *page, d subfive.Delivery) {
	var mine []subfive.Attempt
	var rows [][]string
	for _, a := range t.Attempts {
		i := slices.IndexFunc(a.Items, func(it subfive.AttemptItem) bool { return it.DeliveryID == d.ID })
		if i < 0 {
			continue
		}
		mine = append(mine, a)
		rows = append(rows, attemptRow(a, a.Items[i].Outcome))
	}
	p.rows("attempts", rows)
	if len(mine) == 0 {
		return
	}
	limit := bodyLines
	if t.full {
		limit = 0
	} else {
		mine = mine[len(mine)-1:]
	}
	for _, a := range mine {
		p.line("request", "in "+a.ID)
		p.block(a.Method+" "+a.URL+"\n"+a.RequestHeader, 0)
		p.block("\n"+indented(a.RequestBody), limit)
		if a.AnswerHeader+a.AnswerBody == "" {
			p.line("answer", "none")
			continue
		}
		p.line("answer", joined(" ", "HTTP", strconv.Itoa(a.Outcome.HTTP)))
		p.block(a.AnswerHeader+"\n"+indented(a.AnswerBody), limit)
	}
}

// attemptRow is one exchange: when, how long, what came back, and what that
// meant for this delivery.
func attemptRow(a subfive.Attempt, o subfive.Outcome) []string {
	answer := "no answer"
	if a.Outcome.HTTP != 0 {
		answer = "HTTP " + strconv.Itoa(a.Outcome.HTTP)
	}
	said := joined(": ", joined(" ", string(o.Class), joined("/", o.Code, a.Outcome.Subcode)), o.Message)
	if a.Outcome.Ambiguous {
		said = joined("; ", said, "it may have arrived")
	}
	if a.Outcome.RetryAfter > 0 {
		said = joined("; ", said, "asked to wait "+span(a.Outcome.RetryAfter))
	}
	return []string{moment(a.StartedAt), span(a.Latency), answer, joined("; ", said, named("trace", a.Outcome.TraceID))}
}

// whyNot says, for each destination that was told nothing and each postback that
// made no conversion, why.
func (t telling) whyNot(p *page) {
	rows := t.heldBack()
	for _, b := range t.Postbacks {
		if b.ConversionID == "" {
			rows = append(rows, []string{b.ID, joined(": ", string(b.Verdict), lastDetail(b.Trace))})
		}
	}
	for _, c := range t.Conversions {
		rows = append(rows, t.untold(c)...)
	}
	if len(rows) == 0 {
		return
	}
	p.title("WHY NOT")
	p.rows("", rows)
}

func lastDetail(trace []subfive.Step) string {
	if len(trace) == 0 {
		return ""
	}
	return trace[len(trace)-1].Detail
}

// heldBack says why deliveries wait for their paused destinations, and how to
// end it.
func (t telling) heldBack() [][]string {
	var rows [][]string
	for _, d := range t.Deliveries {
		pause, is := t.paused[d.DestinationID]
		if !is || d.Status != subfive.DeliveryScheduled {
			continue
		}
		until := "until a person resumes it"
		switch {
		case pause.Manual:
		case pause.Until.After(t.now):
			until = "until " + utc(pause.Until) + ", then one event tries whether it works again"
		default:
			until = "until one event, due now, shows that it works again"
		}
		rows = append(rows, []string{d.DestinationID, joined(": ", "holds "+d.ID, joined(", ", named("paused", orUnexplained(pause.Reason)), until)) +
			". End it now: subfive destinations resume " + d.DestinationID})
	}
	return rows
}

func orUnexplained(reason string) string {
	if reason == "" {
		return "without a reason"
	}
	return "(" + reason + ")"
}

// untold gives the newest reason for each destination without a delivery of
// this conversion.
func (t telling) untold(c subfive.Conversion) [][]string {
	told := map[string]bool{}
	for _, d := range t.Deliveries {
		if d.ConversionID == c.ID {
			told[d.DestinationID] = true
		}
	}
	why := map[string]string{}
	var order []string
	for _, b := range t.Postbacks {
		if b.ConversionID != c.ID {
			continue
		}
		for _, s := range b.Trace {
			to, ok := strings.CutPrefix(s.Step, "deliver ")
			switch {
			case ok && !told[to]:
			case s.Step == "route" && s.Result == "nowhere" && len(told) == 0, s.Step == "forward" && s.Result == "no":
				to = "nobody"
			default:
				continue
			}
			if _, seen := why[to]; !seen {
				order = append(order, to)
			}
			why[to] = joined(": ", s.Result, s.Detail)
		}
	}
	var rows [][]string
	for _, to := range order {
		if len(order) > 1 && to == "nobody" {
			continue // routed later: the destinations say it better
		}
		rows = append(rows, []string{to, why[to]})
	}
	return rows
}
