package attribution

import (
	"time"

	"subfive"
)

// DecideAgain decides a delivery anew by today's rules, for a replay: mode,
// event, value, deadline, and whether it is owed at all. d carries its
// conversion and, if there is one, its click; the kind stays, and the event ID
// but for what tells a test's from the real one's.
func DecideAgain(d subfive.Delivery, r Rules, now time.Time) subfive.Delivery {
	c := d.Conversion
	k := subfive.Known{Clicks: map[string]subfive.Click{}}
	if d.Click != nil {
		k.Clicks[d.Click.ID] = *d.Click
	}
	b := newBook(r, k, now)
	to, ok := r.Setup.Destination(d.DestinationID)
	if !ok {
		d.Status, d.ReasonCode, d.Reason = subfive.DeliverySkipped, reasonArchived, "there is no destination "+d.DestinationID+" any more"
		return d
	}
	to.Delay = 0 // a person asked for it now
	again := b.delivery(c, to, d.Kind, d.Generation)
	again.Conversion, again.Click = d.Conversion, d.Click
	again.Value = value(c, to)
	var code, why string
	switch {
	case again.Status == subfive.DeliveryDryRun:
		again.EventName = b.eventAgain(c, to, d)
	case d.Kind == subfive.KindConversion:
		again.EventName = eventName(c, to)
		if code, why = b.skip(c, to, again); code == reasonPayoutMax {
			code = "" // whoever replays it has looked at it
		}
	default:
		again.EventName = b.eventAgain(c, to, d)
		sent := subfive.Delivery{Status: subfive.DeliveryDelivered} // else the store does not ask
		code, why = b.unfit(to, sent, again, d.Kind)
	}
	if code == "" {
		code, why = b.allow(c, to, &again)
	}
	if code != "" {
		again.Status, again.ReasonCode, again.Reason = subfive.DeliverySkipped, code, why
	}
	return again
}

// eventAgain is the event that today's settings name for a delivery.
func (b *book) eventAgain(c subfive.Conversion, to subfive.Destination, d subfive.Delivery) string {
	switch d.Kind {
	case subfive.KindApproval:
		return to.OnApproved
	case subfive.KindRetraction:
		return reversalEvent(to, eventName(c, to))
	case subfive.KindConversion, subfive.KindRestatement:
		return eventName(c, to)
	}
	return d.EventName
}
