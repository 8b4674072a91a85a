package store

import (
	"testing"

	"subfive"
)

// A click's conversions are found with their deliveries, and each is held back
// or limited only if nobody has tried it.
func TestCreditedToAClick(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *Store) {
		b := sale(1, "meta-eu", "meta-us", "meta-uk")
		record(t, s, b, sale(2, "meta-eu"))
		take(t, s, "meta-uk", "lease", noon)
		k := look(t, s, subfive.Lookup{CreditedTo: []string{"click1", "nobody", ""}})
		var conversions, deliveries []string
		for _, c := range k.Credited {
			conversions = append(conversions, c.ID)
		}
		for _, d := range k.Deliveries {
			deliveries = append(deliveries, d.DestinationID)
		}
		same(t, "conversions", conversions, []string{"cv_1"})
		same(t, "deliveries", deliveries, []string{"meta-eu", "meta-uk", "meta-us"})
		record(t, s, subfive.Batch{
			At: noon, Limited: []string{b.Deliveries[1].ID, b.Deliveries[2].ID},
			Withdrawals: []subfive.Withdrawal{{DeliveryID: b.Deliveries[0].ID, ReasonCode: "consent_denied", Reason: "taken back"}},
		})
		got := map[string]bool{}
		for _, d := range b.Deliveries {
			got[stands(t, s, d.ID)+" to "+d.DestinationID] = stored(t, s, d.ID).LimitedUse
		}
		same(t, "deliveries then", got, map[string]bool{
			"skipped consent_denied to meta-eu": false, "scheduled  to meta-us": true, "scheduled  to meta-uk": false, // it is being sent
		})
	})
}
