package google

import (
	"io"
	"time"

	"subfive"
)

// AdjustAge is how long after a conversion Google changes it.
// (CONVERSION_EXPIRED of the Google Ads API.)
const AdjustAge = 54 * 24 * time.Hour

// Adjustment is what became of a conversion that Google may have: it is taken
// back, or is worth something else.
type Adjustment struct {
	Delivery subfive.Delivery // of the conversion
	At       time.Time
	// Value is what it is worth now; nil: it is taken back.
	Value *subfive.Money
}

// AdjustmentOf returns the adjustment that a delivery's conversion needs, or
// false for none. now is what the conversion is worth today by the rules of its
// destination. A delivery that was withdrawn when the network rejected the
// conversion counts as told: a file may have told it before.
func AdjustmentOf(d subfive.Delivery, now *subfive.Money) (Adjustment, bool) {
	c := d.Conversion
	withdrawn := d.ReasonCode == "rejected" && c.FirstStatus != subfive.StatusRejected
	if d.Kind != subfive.KindConversion || c.IsTest || d.Status == subfive.DeliverySkipped && !withdrawn {
		return Adjustment{}, false
	}
	if c.Status == subfive.StatusRejected {
		return Adjustment{Delivery: d, At: afterSale(d, c.RejectedAt)}, true
	}
	if now == nil || !repriced(c) || d.Value != nil && *d.Value == *now {
		return Adjustment{}, false
	}
	return Adjustment{Delivery: d, At: afterSale(d, c.PayoutChangedAt), Value: now}, true
}

// repriced reports whether the network changed what it pays. A rule that the
// buyer changed is no reason to tell Google anything.
func repriced(c subfive.Conversion) bool {
	if !c.PayoutChangedAt.IsZero() {
		return true
	}
	return c.Payout != nil && (c.PayoutFirst == nil || *c.PayoutFirst != *c.Payout)
}

// afterSale is when it was adjusted: Google wants that after the conversion.
func afterSale(d subfive.Delivery, at time.Time) time.Time {
	at = at.Truncate(time.Second)
	if told := second(d); !at.After(told) {
		return told.Add(time.Second)
	}
	return at
}

// AdjustmentFile writes Google's file of adjustments, row by row.
type AdjustmentFile struct{ *file }

// NewAdjustmentFile begins a file, with its headers. A wrong flavor, name or
// time zone is an error.
func NewAdjustmentFile(w io.Writer, c FileConfig) (*AdjustmentFile, error) {
	f, err := newFile(w, c, "Order ID", "Conversion Name", "Adjustment Time", "Adjustment Type", "Adjusted Value", "Adjusted Value Currency")
	if err != nil {
		return nil, err
	}
	return &AdjustmentFile{f}, nil
}

// Add writes an adjustment as one row. leftOut says why there is none.
func (f *AdjustmentFile) Add(a Adjustment) (leftOut string, err error) {
	d := a.Delivery
	_, id := clickOf(d).param()
	name, bad := f.name(d)
	switch {
	case d.Status != subfive.DeliveryDelivered && !safeClickID(id):
		return "neither the API nor a file can have told Google of it: it has no click ID that is Google's", nil
	case bad != "":
		return bad, nil
	case f.c.Now.Sub(second(d)) > AdjustAge:
		return "it is more than 54 days old, and Google adjusts it no more", nil
	}
	if a.Value == nil {
		return "", f.row(fileOrderID(d), name, f.at(a.At), "RETRACT", "", "")
	}
	amount, currency, bad := moneyCells(a.Value)
	if bad != "" {
		return bad, nil
	}
	return "", f.row(fileOrderID(d), name, f.at(a.At), "RESTATE", amount, currency)
}
