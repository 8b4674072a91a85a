package subfive

import "strings"

// StatusOf returns what a network's or another tracker's word for a status means.
// Letters' case, spaces, "_" and "-" do not matter. A word nobody knows counts as
// pending; "" is StatusUnknown.
func StatusOf(word string) Status {
	switch strings.NewReplacer(" ", "", "_", "", "-", "").Replace(strings.ToLower(word)) {
	case "":
		return StatusUnknown
	case "approved", "approve", "sale", "confirmed", "confirm", "paid", "payable", "accepted", "valid", "completed",
		"deposit", "rebill", "upsell":
		return StatusApproved
	case "rejected", "reject", "declined", "decline", "reversed", "reversal", "chargeback", "refund", "refunded",
		"scrubbed", "scrub", "cancelled", "canceled", "invalid", "void", "voided", "fraud", "trash":
		return StatusRejected
	}
	return StatusPending // pending, hold, on_hold, new, lead, and all others
}
