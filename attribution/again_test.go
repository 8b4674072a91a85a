package attribution

import (
	"testing"
	"time"

	"subfive"
)

// A replay decides a follow-up by today's settings, as it would be made now.
func TestDecideAgain(t *testing.T) {
	type settings = func(*subfive.Destination)
	tests := map[string]struct {
		kind     subfive.Kind
		settings settings
		change   func(*subfive.Delivery)
		want     string
	}{
		"a sale":                           {subfive.KindConversion, nil, nil, "scheduled Purchase"},
		"a sale whose goal is mapped anew": {subfive.KindConversion, func(d *subfive.Destination) { d.Goals = map[string]string{"base": "Subscribe"} }, nil, "scheduled Subscribe"},
		"a sale whose goal is not mapped":  {subfive.KindConversion, func(d *subfive.Destination) { d.Goals = nil }, nil, "skipped  goal_unmapped"},
		"a sale, and it was rejected": {subfive.KindConversion, nil, func(d *subfive.Delivery) {
			d.Conversion.Status = subfive.StatusRejected
		}, "skipped Purchase rejected"},
		"a reversal that Meta can't take":     {subfive.KindRetraction, nil, nil, "skipped Purchase unsupported"},
		"a reversal, on_reversal is none":     {subfive.KindRetraction, func(d *subfive.Destination) { d.OnReversal = "none" }, nil, "skipped Purchase not_wanted"},
		"a reversal with an event of its own": {subfive.KindRetraction, func(d *subfive.Destination) { d.OnReversal = "Refund" }, nil, "scheduled Refund"},
		"an approval nobody wants":            {subfive.KindApproval, nil, nil, "skipped  not_wanted"},
		"an approval":                         {subfive.KindApproval, func(d *subfive.Destination) { d.OnApproved = "Approved" }, nil, "scheduled Approved"},
		"a restatement nobody wants":          {subfive.KindRestatement, nil, nil, "skipped Purchase not_wanted"},
		"into a dry run":                      {subfive.KindConversion, func(d *subfive.Destination) { d.Mode = subfive.ModeDryRun }, nil, "dry_run Purchase dry_run"},
		"too old by now":                      {subfive.KindConversion, nil, func(d *subfive.Delivery) { d.Conversion.ConvertedAt = noon.Add(-8 * 24 * time.Hour) }, "skipped Purchase too_old"},
		"of an opt-out, limited":              {subfive.KindConversion, nil, said("sec_gpc", "1"), "scheduled Purchase limited"},
		"of a visitor who denied":             {subfive.KindConversion, nil, said("consent_ad_user_data", "denied"), "skipped Purchase consent_denied"},
		"an approval after he denied": {
			subfive.KindApproval, func(d *subfive.Destination) { d.OnApproved = "Approved" }, said("consent_ad_user_data", "denied"), "skipped Approved consent_denied",
		},
		"into a dry run after he denied": {
			subfive.KindConversion, func(d *subfive.Destination) { d.Mode = subfive.ModeDryRun }, said("consent_ad_user_data", "denied"), "skipped Purchase consent_denied",
		},
		"a payout above the maximum, after he denied": {subfive.KindConversion, nil, func(d *subfive.Delivery) {
			d.Conversion.OfferID, d.Conversion.Payout = "capped", amount("1000")
			said("consent_ad_user_data", "denied")(d)
		}, "skipped Purchase consent_denied"},
		"of a destination that is gone": {subfive.KindConversion, nil, func(d *subfive.Delivery) { d.DestinationID = "gone" }, "skipped Purchase archived"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := setup()
			s.Offers = append(s.Offers, subfive.Offer{ID: "capped", PayoutMax: amount("100")})
			if tt.settings != nil {
				tt.settings(&s.Destinations[0])
			}
			r := *newTracker(t, func(all *subfive.Setup) { *all = s }).rules.Load()
			d := subfive.Delivery{
				ConversionID: "cv_1", DestinationID: "meta-main", Platform: "meta", Kind: tt.kind, Generation: 1, EventName: "Purchase", EventID: "cv_1",
				Conversion: subfive.Conversion{
					ID: "cv_1", Verdict: subfive.VerdictMatched, EndpointID: "default", Payout: amount("42"), Currency: "USD", ConvertedAt: noon,
				},
			}
			if tt.change != nil {
				tt.change(&d)
			}
			again := DecideAgain(d, r, noon)
			got := string(again.Status) + " " + again.EventName
			if again.ReasonCode != "" {
				got += " " + again.ReasonCode
			}
			if again.LimitedUse {
				got += " limited"
			}
			if got != tt.want {
				t.Errorf("decided %q, want %q", got, tt.want)
			}
		})
	}
}

// said gives a delivery a click with one consent field.
func said(field, value string) func(*subfive.Delivery) {
	return func(d *subfive.Delivery) {
		d.Conversion.AttributedClickID = "c1"
		d.Click = &subfive.Click{ID: "c1", Platform: "meta", Consent: map[string]string{field: value}}
	}
}
