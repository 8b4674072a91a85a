package story

import (
	"slices"
	"strings"

	"subfive"
)

// Setting is a field of a resource, and what it would have to be.
type Setting struct {
	Kind  string `json:"kind"` // destinations, offers, campaigns, endpoints
	ID    string `json:"id"`
	Field string `json:"field"`
	Now   string `json:"now,omitempty"` // its value as YAML; "": not set
	To    string `json:"to"`
	// Effect says what that would mean.
	Effect string `json:"effect"`
}

// setting is what would have to change for a skipped delivery, or one of a dry
// run, to be sent; nil where nothing a person sets would do that.
func (k Known) setting(d subfive.Delivery) *Setting {
	to, ok := k.Setup.Destination(d.DestinationID)
	if !ok || d.Status == subfive.DeliveryDead {
		return nil
	}
	of := func(field, now, then, effect string) *Setting {
		return &Setting{Kind: "destinations", ID: to.ID, Field: field, Now: now, To: then, Effect: effect}
	}
	var c subfive.Conversion
	if known := k.conversion(d.ConversionID); known != nil {
		c = *known
	}
	switch d.ReasonCode {
	case "other_platform":
		return of("fan_out", "false", "true", "If "+to.ID+" should hear of every platform's clicks, with whatever match keys they have:")
	case "unmatched":
		return of("unmatched", string(to.Unmatched), "send", "If "+to.ID+" should hear of conversions whose click never came, with what the postback alone says of the visitor:")
	case "test":
		return of("mode", string(to.Mode), string(subfive.ModeTest), "If "+to.ID+" should be sent tests; nothing real is sent to it meanwhile:")
	case "dry_run":
		if to.Mode != subfive.ModeDryRun {
			return nil // it is on by now
		}
		return of("mode", string(to.Mode), string(subfive.ModeLive), "If what "+to.ID+" is told should leave:")
	case "goal_unmapped":
		return of("goals."+c.Goal(), "", "Purchase", "If "+to.ID+" should hear of the goal "+c.Goal()+", as the event you name:")
	case "no_value":
		return of("value.from", to.Value.From, subfive.ValueFixed, "If "+to.ID+" should be told a fixed value where the network tells none; name its amount and currency, too:")
	case "unsupported":
		return of("on_reversal", to.OnReversal, "Refund", "If "+to.ID+" should hear of reversals as an event of its own, which you name:")
	case "not_wanted":
		return notWanted(of, d.Kind, to)
	case "gpc", "consent_denied", "consent_unknown", "consent_granted":
		return of("consent", "", "[{when: …, send: …}]", "If the rules of "+to.ID+" for consent should say otherwise:")
	case "outside_window":
		if o, ok := k.Setup.Offer(c.OfferID); ok {
			return &Setting{Kind: "offers", ID: o.ID, Field: "window", Now: o.Window.String(), To: `""`, Effect: "If conversions should be told however long after the click they come:"}
		}
	case "payout_above_max":
		if o, ok := k.Setup.Offer(c.OfferID); ok && o.PayoutMax != nil && c.Payout != nil {
			return &Setting{Kind: "offers", ID: o.ID, Field: "payout_max", Now: o.PayoutMax.String(), To: c.Payout.String(), Effect: "If payouts as high are right; a replay of this one needs no change:"}
		}
	}
	return nil
}

func notWanted(of func(field, now, then, effect string) *Setting, kind subfive.Kind, to subfive.Destination) *Setting {
	switch kind {
	case subfive.KindApproval:
		return of("on_approved", to.OnApproved, "Approved", "If "+to.ID+" should hear of approvals, as the event you name:")
	case subfive.KindRetraction:
		return of("on_reversal", to.OnReversal, subfive.ReversalRetract, "If "+to.ID+" should hear of what the network takes back:")
	case subfive.KindRestatement:
		return of("on_payout_change", to.OnPayoutChange, subfive.PayoutRestate, "If "+to.ID+" should hear of changed payouts:")
	case subfive.KindConversion:
	}
	return nil
}

// sending is what would have to change for a destination that waits for the
// network's status to be told at once.
func (k Known) sending(c subfive.Conversion, to subfive.Destination) *Setting {
	status := c.Status
	if status == subfive.StatusUnknown {
		if e, ok := k.Setup.Endpoint(c.EndpointID); ok {
			status = e.DefaultStatus
		}
	}
	if status == subfive.StatusUnknown || status == subfive.StatusRejected || slices.Contains(to.SendOn, status) {
		return nil // it waits for something else
	}
	list := func(all []subfive.Status) string {
		words := make([]string, len(all))
		for i, s := range all {
			words[i] = string(s)
		}
		return "[" + strings.Join(words, ", ") + "]"
	}
	return &Setting{
		Kind: "destinations", ID: to.ID, Field: "send_on", Now: list(to.SendOn), To: list(append([]subfive.Status{status}, to.SendOn...)),
		Effect: "If " + to.ID + " should be told as soon as a conversion is " + string(status) + ":",
	}
}

// routing is what would have to change for a conversion that goes nowhere to
// have somebody to tell.
func (k Known) routing(c subfive.Conversion) *Setting {
	if len(k.Setup.Destinations) == 0 || c.Verdict == subfive.VerdictNoClickID {
		return nil
	}
	to := "[" + k.Setup.Destinations[0].ID + "]"
	if campaign, ok := k.Setup.Campaign(c.CampaignID); ok && c.AttributedClickID != "" {
		return &Setting{Kind: "campaigns", ID: campaign.ID, Field: "destinations", Now: "[]", To: to, Effect: "If somebody should be told of the conversions of " + campaign.ID + ":"}
	}
	if c.AttributedClickID != "" {
		return nil
	}
	return &Setting{Kind: "endpoints", ID: c.EndpointID, Field: "destinations", Now: "[]", To: to, Effect: "If somebody should be told of conversions without a click of ours:"}
}
