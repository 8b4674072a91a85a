package story

import (
	"fmt"

	"subfive"
)

// deliveryEvents are the exchanges about one delivery, and what is to come. What
// was skipped is not among them: it is a "why not".
func (k Known) deliveryEvents(d subfive.Delivery) []Event {
	event := func(e Event) Event {
		e.ConversionID, e.DeliveryID, e.DestinationID, e.Platform = d.ConversionID, d.ID, d.DestinationID, d.Platform
		return e
	}
	name := joined(", ", platformName(d.Platform), joined(" ", string(onlyLater(d.Kind)), replayed(d)))
	var all []Event
	mine := k.exchanges(d)
	for i, a := range mine {
		all = append(all, event(k.attemptEvent(d, name, mine, i)))
		all[len(all)-1].AttemptID = a.ID
	}
	why := k.Delivery(d)
	switch d.Status {
	case subfive.DeliveryDryRun:
		all = append(all, event(Event{
			At: d.CreatedAt, Kind: EventDryRun, Title: name, Sentence: "dry run of " + joined(" ", d.EventName, "to", d.DestinationID) + ": nothing left",
			State: string(d.Status), Lines: k.deliveryLines(d), Meaning: why,
		}))
	case subfive.DeliveryScheduled:
		next := Event{At: d.NextAttemptAt, Kind: EventNext, Title: name, State: k.state(d), Lines: k.deliveryLines(d), Meaning: why}
		next.Sentence = "to " + d.DestinationID + ": next try " + k.nextTry(d)
		if next.State == Held {
			next.Sentence = "held for " + d.DestinationID + ", " + k.nextTry(d)
		}
		all = append(all, event(next))
	case subfive.DeliverySubmitted:
		all = append(all, event(Event{
			At: d.NextAttemptAt, Kind: EventNext, Title: name, State: string(d.Status), Lines: k.deliveryLines(d),
			Sentence: "submitted to " + d.DestinationID + ": the platform tells later what became of it",
		}))
	case subfive.DeliveryDead:
		if len(mine) == 0 || success(outcomeOf(mine[len(mine)-1], d.ID).Class) {
			all = append(all, event(Event{
				At: d.CreatedAt, Kind: EventGivenUp, Title: name, Sentence: joined(": ", "given up", d.Reason), State: string(d.Status),
				Lines: k.deliveryLines(d), Meaning: why,
			}))
		}
	case subfive.DeliveryDelivered, subfive.DeliveryTested, subfive.DeliverySkipped:
	}
	if !d.ConfirmedAt.IsZero() {
		all = append(all, event(Event{At: d.ConfirmedAt, Kind: EventConfirmed, Title: name, Sentence: "confirmed by the platform", State: string(d.Status)}))
	}
	return all
}

// onlyLater names a kind that is not the conversion itself.
func onlyLater(k subfive.Kind) subfive.Kind {
	if k == subfive.KindConversion {
		return ""
	}
	return k
}

func success(c subfive.Class) bool { return c == subfive.Accepted || c == subfive.Submitted }

// attemptEvent is the i-th exchange about a delivery.
func (k Known) attemptEvent(d subfive.Delivery, name string, mine []subfive.Attempt, i int) Event {
	a := mine[i]
	o := outcomeOf(a, d.ID)
	last := i == len(mine)-1
	e := Event{At: a.StartedAt, Kind: EventAttempt, Title: fmt.Sprintf("%s, %s try", name, ordinal(i+1))}
	if len(mine) == 1 {
		e.Title = name
	}
	took := " in " + span(a.Latency)
	switch {
	case success(o.Class) && last && d.Status == subfive.DeliveryTested:
		e.State, e.Sentence = string(d.Status), "sent to "+d.DestinationID+" as a test"+took
	case success(o.Class) && o.Class == subfive.Accepted:
		e.State, e.Sentence = string(subfive.DeliveryDelivered), "delivered to "+d.DestinationID+took
	case success(o.Class):
		e.State, e.Sentence = string(subfive.DeliverySubmitted), "taken by "+d.DestinationID+took+"; the verdict comes later"
	default:
		e.Sentence = joined(": ", joined(", ", answerText(a), named("code", joined("/", o.Code, a.Outcome.Subcode))), o.Message)
		e.State = string(subfive.DeliveryScheduled)
		if !last {
			e.Sentence += "; tried again after " + span(mine[i+1].StartedAt.Sub(a.StartedAt.Add(a.Latency))) + ", same event ID"
		} else {
			e.State = k.state(d)
		}
		e.Meaning = k.Answer(d.Platform, subfive.Outcome{Class: o.Class, Code: o.Code, Subcode: a.Outcome.Subcode})
	}
	if last {
		e.Lines = k.deliveryLines(d)
		e.Detail = joined(", ", joined(" ", d.EventName, named("with ID", d.EventID)), namedMoney("worth", d.Value))
		if d.LimitedUse {
			e.Detail = joined("; ", e.Detail, limitedUse)
		}
		e.Detail += "."
	}
	return e
}

func namedMoney(word string, m *subfive.Money) string {
	if m == nil {
		return ""
	}
	return named(word, money(&m.Amount, m.Currency))
}
