package attribution

import (
	"slices"

	"subfive"
)

// What we told one destination about one conversion is a lineage: the
// conversion first, then what became of it. Each later delivery waits for the
// one before. Where that one was not sent it waits for what was before that, and
// is skipped when the conversion itself was never sent.

// approve tells those who wait for approval, and sends the event that a
// destination wants for it.
func (b *book) approve(j *judgement, c subfive.Conversion) {
	earlier := b.told(c.ID)
	b.forward(j, c)
	for _, original := range earlier {
		to, ok := b.rules.Setup.Destination(original.DestinationID)
		if !ok || to.OnApproved == "" {
			continue
		}
		b.follow(j, c, to, original, subfive.KindApproval, to.OnApproved)
	}
}

// reverse takes back what was not sent yet, and tells the others.
func (b *book) reverse(j *judgement, c subfive.Conversion) {
	originals := b.told(c.ID)
	for _, d := range b.deliveries[c.ID] {
		b.withdraw(d, reasonRejected, "the network rejected it before it was sent")
	}
	for _, original := range originals {
		to, ok := b.rules.Setup.Destination(original.DestinationID)
		if !ok {
			continue
		}
		b.follow(j, c, to, original, subfive.KindRetraction, reversalEvent(to, original.EventName))
	}
}

// reversalEvent is what a destination is told of a reversal: an event of its own
// if on_reversal names one, else the original's, taken back.
func reversalEvent(to subfive.Destination, original string) string {
	switch to.OnReversal {
	case "", subfive.ReversalRetract, subfive.ReversalNone:
		return original
	}
	return to.OnReversal
}

// restate tells what the conversion is worth now.
func (b *book) restate(j *judgement, c subfive.Conversion) {
	for _, original := range b.told(c.ID) {
		to, ok := b.rules.Setup.Destination(original.DestinationID)
		if !ok || to.OnPayoutChange != subfive.PayoutRestate {
			continue
		}
		b.follow(j, c, to, original, subfive.KindRestatement, original.EventName)
	}
}

// withdraw takes a delivery back that was never tried. Only the store knows
// whether it is being sent right now: then it stays. One that this batch made is
// not stored yet, and nobody can have sent it.
func (b *book) withdraw(d subfive.Delivery, code, why string) {
	if d.Status != subfive.DeliveryScheduled || !d.FirstAttemptAt.IsZero() {
		return
	}
	if i, made := b.owed[d.ID]; made {
		own := &b.batch.Deliveries[i]
		own.Status, own.ReasonCode, own.Reason = subfive.DeliverySkipped, code, why
		b.know(*own)
		return
	}
	b.batch.Withdrawals = append(b.batch.Withdrawals, subfive.Withdrawal{DeliveryID: d.ID, ReasonCode: code, Reason: why})
}

// know keeps what became of a delivery, for what is decided after it.
func (b *book) know(d subfive.Delivery) {
	for i, known := range b.deliveries[d.ConversionID] {
		if known.ID == d.ID {
			b.deliveries[d.ConversionID][i] = d
		}
	}
}

// told returns the conversion deliveries that were sent or may still be, one a
// destination: the newest. One that died after a send whose answer was lost may
// be there; a dry run counts where nothing was ever sent.
func (b *book) told(conversion string) []subfive.Delivery {
	newest := map[string]subfive.Delivery{}
	var order []string
	for _, d := range b.deliveries[conversion] {
		if d.Kind != subfive.KindConversion || !mayBeThere(d) {
			continue
		}
		best, seen := newest[d.DestinationID]
		if !seen {
			order = append(order, d.DestinationID)
		}
		dry, bestDry := d.Status == subfive.DeliveryDryRun, best.Status == subfive.DeliveryDryRun
		if !seen || bestDry && !dry || bestDry == dry && d.Generation > best.Generation {
			newest[d.DestinationID] = d
		}
	}
	told := make([]subfive.Delivery, len(order))
	for i, id := range order {
		told[i] = newest[id]
	}
	return told
}

func mayBeThere(d subfive.Delivery) bool {
	switch d.Status {
	case subfive.DeliveryScheduled, subfive.DeliverySubmitted, subfive.DeliveryDelivered, subfive.DeliveryTested, subfive.DeliveryDryRun:
		return true
	case subfive.DeliveryDead:
		return !d.AmbiguousAt.IsZero()
	case subfive.DeliverySkipped:
	}
	return false
}

// follow makes a delivery that comes after original in its lineage.
func (b *book) follow(j *judgement, c subfive.Conversion, to subfive.Destination, original subfive.Delivery, kind subfive.Kind, event string) {
	prior, _ := b.newest(c.ID, to.ID, kind)
	if prior.ID != "" && kind != subfive.KindRestatement {
		return
	}
	d := b.delivery(c, to, kind, prior.Generation+1)
	d.EventName, d.Value, d.WaitsFor = event, value(c, to), original.ID
	d.Mode = original.Mode // what was told in a test is taken back in a test
	d.EventID = eventID(c, to, kind, original.Mode)
	if latest := b.latest(c.ID, to.ID); latest.ID != "" {
		d.WaitsFor = latest.ID
	}
	code, why := b.unfit(to, original, d, kind)
	if code == "" {
		code, why = b.allow(c, to, &d)
	}
	if code == "" && b.untold(c) {
		code, why = reasonImported, whyImported
	}
	if code != "" {
		d.Status, d.ReasonCode, d.Reason = subfive.DeliverySkipped, code, why
	}
	j.note(string(kind)+" "+to.ID, string(d.Status), why)
	b.owe(d)
}

// latest returns the last delivery of the lineage that is not finished: the one
// with the most before it.
func (b *book) latest(conversion, destination string) subfive.Delivery {
	before := map[string]string{}
	for _, d := range b.deliveries[conversion] {
		before[d.ID] = d.WaitsFor
	}
	var latest subfive.Delivery
	most := 0
	for _, d := range b.deliveries[conversion] {
		if d.DestinationID != destination || d.Status != subfive.DeliveryScheduled && d.Status != subfive.DeliverySubmitted {
			continue
		}
		depth := 1
		for id := d.WaitsFor; id != "" && depth <= len(before); id = before[id] {
			depth++
		}
		if depth >= most {
			latest, most = d, depth
		}
	}
	return latest
}

// unfit says why a follow-up is not sent, or "".
func (b *book) unfit(to subfive.Destination, original, d subfive.Delivery, kind subfive.Kind) (code, why string) {
	kinds, bySettings := b.rules.Kinds[to.ID]
	if !bySettings {
		kinds = b.rules.Platforms[to.Platform].Kinds
	}
	can := slices.Contains(kinds, kind)
	ownEvent := kind == subfive.KindApproval ||
		kind == subfive.KindRetraction && to.OnReversal != subfive.ReversalRetract && to.OnReversal != ""
	switch {
	case to.ArchivedAt != nil:
		return reasonArchived, "destination " + to.ID + " is archived"
	case original.Status == subfive.DeliveryDryRun:
		return reasonNeverSent, "the conversion itself was a dry run: there is nothing to follow up"
	case kind == subfive.KindApproval && to.OnApproved == "":
		return reasonNotWanted, "on_approved names no event"
	case kind == subfive.KindRestatement && to.OnPayoutChange != subfive.PayoutRestate:
		return reasonNotWanted, "on_payout_change is not restate"
	case kind == subfive.KindRetraction && to.OnReversal == subfive.ReversalNone:
		return reasonNotWanted, "it is no conversion any more; on_reversal is none, so " + to.ID + " keeps it"
	case !can && bySettings:
		return reasonUnsupported, "the network changed it, but with these settings " + to.Platform + " has no " + string(kind) + ": " + to.ID + " keeps it, unless you change it there"
	case !can && !ownEvent:
		return reasonUnsupported, "the network changed it, but " + to.Platform + " has no " + string(kind) + ": on_reversal can name an event to send instead"
	case !d.DeadlineAt.After(b.now):
		return reasonTooOld, "too old for " + to.Platform
	}
	return "", ""
}
