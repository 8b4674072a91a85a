package story

import (
	"strings"

	"subfive"
)

// The states of a WhyNot that are no delivery's and no postback's.
const (
	NotYet  = "not_yet" // its time has not come
	Nowhere = "nowhere" // nobody is to be told
)

// WhyNot is something that did not happen, and why.
type WhyNot struct {
	// Who was not told: a destination; or a postback that made no conversion.
	DestinationID string `json:"destination_id,omitempty"`
	Platform      string `json:"platform,omitempty"`
	PostbackID    string `json:"postback_id,omitempty"`
	ConversionID  string `json:"conversion_id,omitempty"`
	DeliveryID    string `json:"delivery_id,omitempty"` // where there is one
	// State is a delivery's status, Held, NotYet, Nowhere, or a verdict.
	State  string `json:"state"`
	Code   string `json:"code,omitempty"`
	Reason string `json:"reason"`
	Meaning
	// Setting would have to change for it to happen; nil: none would help, or it
	// happens by itself.
	Setting *Setting `json:"setting,omitempty"`
	// Replayable: a replay sends it with today's settings. Note says until when, or
	// why not.
	Replayable bool   `json:"replayable"`
	Note       string `json:"note,omitempty"`

	result string // a step's, before its reason on a page of text
}

// title is what it is about, on a page of text.
func (w WhyNot) title() string {
	switch {
	case w.DestinationID != "":
		return w.DestinationID
	case w.PostbackID != "":
		return w.PostbackID
	}
	return "nobody"
}

// WhyNot says, for each destination that was told nothing and each postback that
// made no conversion, why.
func (k Known) WhyNot() []WhyNot {
	all := []WhyNot{}
	for _, d := range k.Deliveries {
		if w, ok := k.notDelivered(d); ok {
			all = append(all, w)
		}
	}
	for _, b := range k.Postbacks {
		if b.ConversionID == "" {
			all = append(all, WhyNot{PostbackID: b.Postback.ID, State: string(b.Verdict), Reason: lastDetail(b.Trace), result: string(b.Verdict)})
		}
	}
	for _, c := range k.Conversions {
		all = append(all, k.untold(c)...)
	}
	return all
}

// WhyNotRows are those that no delivery's own lines tell already.
func (k Known) WhyNotRows() (rows [][]string) {
	for _, w := range k.WhyNot() {
		switch {
		case w.State == Held:
			rows = append(rows, []string{w.title(), "holds " + w.DeliveryID + ": " + w.Reason + ". End it now: subfive destinations resume " + w.DestinationID})
		case w.DeliveryID == "":
			rows = append(rows, []string{w.title(), joined(": ", w.result, w.Reason)})
		}
	}
	return rows
}

func lastDetail(trace []subfive.Step) string {
	if len(trace) == 0 {
		return ""
	}
	return trace[len(trace)-1].Detail
}

// notDelivered says why a delivery did not reach its destination, unless it did,
// is on its way, or a later one took its place.
func (k Known) notDelivered(d subfive.Delivery) (WhyNot, bool) {
	act, replayable := k.replay(d)
	w := WhyNot{
		DestinationID: d.DestinationID, Platform: d.Platform, ConversionID: d.ConversionID, DeliveryID: d.ID, State: k.state(d),
		Code: d.ReasonCode, Reason: d.Reason, Meaning: k.Delivery(d),
	}
	switch d.Status {
	case subfive.DeliveryDelivered, subfive.DeliveryTested, subfive.DeliverySubmitted:
		return w, false
	case subfive.DeliveryScheduled:
		w.Reason = k.holding(d)
		return w, w.State == Held
	case subfive.DeliveryDead, subfive.DeliverySkipped, subfive.DeliveryDryRun:
	}
	if k.followed(d) {
		return w, false
	}
	w.Setting = k.setting(d)
	w.Replayable = replayable && (d.Status != subfive.DeliverySkipped || d.ReasonCode == "imported" || d.ReasonCode == "payout_above_max")
	switch {
	case !k.Now.Before(d.DeadlineAt):
		w.Note = platformName(d.Platform) + " takes it no more: it is too old."
	case d.Status == subfive.DeliverySkipped && w.Setting != nil && !w.Replayable:
		w.Note = "A change holds for later conversions. After it this one can be replayed until " + utc(d.DeadlineAt) + "."
	case w.Replayable:
		w.Note = joined(" ", "It can be replayed until "+utc(d.DeadlineAt)+".", act.Warning)
	}
	return w, true
}

// holding says why a delivery waits for its paused destination, and until when.
func (k Known) holding(d subfive.Delivery) string {
	pause := k.Paused[d.DestinationID]
	until := "until a person resumes it"
	switch {
	case pause.Manual:
	case pause.Until.After(k.Now):
		until = "until " + utc(pause.Until) + ", then one event tries whether it works again"
	default:
		until = "until one event, due now, shows that it works again"
	}
	why := "without a reason"
	if pause.Reason != "" {
		why = "(" + pause.Reason + ")"
	}
	return "paused " + why + ", " + until
}

// untold gives the newest reason for each destination without a delivery of
// this conversion.
func (k Known) untold(c subfive.Conversion) []WhyNot {
	told := map[string]bool{}
	for _, d := range k.Deliveries {
		if d.ConversionID == c.ID {
			told[d.DestinationID] = true
		}
	}
	why := map[string]subfive.Step{}
	var order []string
	for _, b := range k.Postbacks {
		if b.ConversionID != c.ID {
			continue
		}
		for _, s := range b.Trace {
			to, ok := strings.CutPrefix(s.Step, "deliver ")
			switch {
			case ok && !told[to]:
			case s.Step == "route" && s.Result == "nowhere" && len(told) == 0, s.Step == "forward" && s.Result == "no":
				to = ""
			default:
				continue
			}
			if _, seen := why[to]; !seen {
				order = append(order, to)
			}
			why[to] = s
		}
	}
	var all []WhyNot
	for _, to := range order {
		if len(order) > 1 && to == "" {
			continue // routed later: the destinations say it better
		}
		w := WhyNot{DestinationID: to, ConversionID: c.ID, State: NotYet, Reason: why[to].Detail, result: why[to].Result}
		if to == "" {
			w.State = Nowhere
			w.Setting = k.routing(c)
		}
		if d, ok := k.Setup.Destination(to); ok {
			w.Platform = d.Platform
			w.Setting = k.sending(c, d)
		}
		all = append(all, w)
	}
	return all
}
