package attribution

import (
	"time"

	"subfive"
)

// DecideAgain decides a delivery anew by today's rules, for a replay: mode,
// event, value, deadline, and whether it is owed at all. d carries its
// conversion and, if there is one, its click; kind and event ID stay.
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
	again.EventName, again.Value = d.EventName, value(c, to)
	if d.Kind == subfive.KindConversion {
		again.EventName = eventName(c, to)
	}
	if again.Status == subfive.DeliveryDryRun {
		return again
	}
	code, why := b.skip(c, to, again)
	switch {
	case code == "":
	case code == reasonPayoutMax: // whoever replays it has looked at it
	case code == reasonRejected && d.Kind != subfive.KindConversion: // that is what it tells
	default:
		again.Status, again.ReasonCode, again.Reason = subfive.DeliverySkipped, code, why
	}
	return again
}
