package story

import (
	"slices"
	"strings"

	"subfive"
)

// ActKind is what a person can do.
type ActKind string

// The acts.
const (
	ActSettle ActKind = "settle" // decide a possible duplicate
	ActAccept ActKind = "accept" // credit a quarantined postback
	ActAttach ActKind = "attach" // give a conversion to a click
	ActReplay ActKind = "replay" // send a delivery again
	ActResume ActKind = "resume" // end a destination's pause
)

// Act is something a person can decide now.
type Act struct {
	Kind ActKind `json:"kind"`
	// ID is the postback's, the delivery's or the destination's.
	ID      string   `json:"id"`
	Choices []string `json:"choices,omitempty"` // of ActSettle
	// Why says what it would do, and when it is right.
	Why string `json:"why"`
	// Warning says what may go wrong.
	Warning string `json:"warning,omitempty"`
	// Force: it is done only if a person insists.
	Force bool `json:"force,omitempty"`
	// Command is the same on the command line.
	Command string `json:"command"`
}

// note is what stands beside the command.
func (a Act) note() string {
	switch a.Kind {
	case ActAccept:
		return "(only if you trust it: it will be credited)"
	case ActAttach:
		return "(if you know whose it is)"
	case ActSettle, ActReplay, ActResume:
	}
	return ""
}

// decide is what a person can decide about a postback.
func decide(b Postback) (Act, bool) {
	id := b.Postback.ID
	switch b.Verdict {
	case subfive.VerdictPossibleDuplicate:
		choices := []string{"duplicate", "new", "correction"}
		return Act{
			Kind: ActSettle, ID: id, Choices: choices, Command: "subfive postbacks settle " + id + " " + strings.Join(choices, "|"),
			Why: "It may repeat " + b.PossibleDuplicateOf + ", be a conversion of its own, or correct what was said. It does not count until that is settled.",
		}, true
	case subfive.VerdictQuarantined:
		return Act{
			Kind: ActAccept, ID: id, Command: "subfive postbacks accept " + id,
			Why:     joined(": ", "It is kept and not credited", b.Postback.Hint) + ". Accept it only if you trust it.",
			Warning: "It will be credited, and destinations will be told.",
		}, true
	case subfive.VerdictUnmatched, subfive.VerdictNoClickID:
		if b.ConversionID == "" {
			return Act{}, false
		}
		return Act{
			Kind: ActAttach, ID: id, Command: "subfive postbacks attach " + id + " CLICK",
			Why: "If you know whose it is, give it to that click: it will be credited to its campaign, and destinations will be told.",
		}, true
	case subfive.VerdictMatched, subfive.VerdictDirect, subfive.VerdictWaiting, subfive.VerdictOutsideWindow, subfive.VerdictBeforeClick,
		subfive.VerdictTest, subfive.VerdictDuplicate, subfive.VerdictStatusChange, subfive.VerdictPayoutChange,
		subfive.VerdictNotAConversion, subfive.VerdictBroken:
	}
	return Act{}, false
}

// acts are all that a person can decide now, what waits for it first.
func (k Known) acts() []Act {
	all := []Act{}
	for _, b := range k.Postbacks {
		if act, ok := decide(b); ok {
			all = append(all, act)
		}
	}
	resumed := map[string]bool{}
	for _, d := range k.Deliveries {
		if k.state(d) == Held && !resumed[d.DestinationID] {
			resumed[d.DestinationID] = true
			all = append(all, Act{
				Kind: ActResume, ID: d.DestinationID, Command: "subfive destinations resume " + d.DestinationID,
				Why: "Ends the pause of " + d.DestinationID + ": all that it holds is sent.",
			})
		}
		if act, ok := k.replay(d); ok {
			all = append(all, act)
		}
	}
	return all
}

// replay is the replay of a delivery that has ended, and that no later one
// follows.
func (k Known) replay(d subfive.Delivery) (Act, bool) {
	act := Act{Kind: ActReplay, ID: d.ID, Command: "subfive replay " + d.ID, Why: "Sends it to " + d.DestinationID + " again by today's settings, with the event ID " + d.EventID + "."}
	switch d.Status {
	case subfive.DeliveryScheduled, subfive.DeliverySubmitted:
		return Act{}, false
	case subfive.DeliveryDelivered:
		act.Force, act.Command = true, act.Command+" --force"
		act.Warning = platformName(d.Platform) + " has it. It tells the repeat by the event ID only as long as it remembers it; after that it counts twice."
	case subfive.DeliveryDead, subfive.DeliverySkipped, subfive.DeliveryDryRun, subfive.DeliveryTested:
		if !d.AmbiguousAt.IsZero() {
			act.Warning = "The answer to a send was lost: " + platformName(d.Platform) + " may have it."
		}
	}
	return act, k.Now.Before(d.DeadlineAt) && !k.followed(d)
}

// followed reports whether a replay took a delivery's place.
func (k Known) followed(d subfive.Delivery) bool {
	return slices.ContainsFunc(k.Deliveries, func(other subfive.Delivery) bool {
		return other.ConversionID == d.ConversionID && other.DestinationID == d.DestinationID && other.Kind == d.Kind && other.Generation > d.Generation
	})
}
