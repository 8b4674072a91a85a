package attribution

import (
	"testing"

	"subfive"
)

// What a destination can be told by its settings goes before what its platform
// can: under whatever name, nothing else is sent.
func TestKindsOfADestination(t *testing.T) {
	all := []subfive.Kind{subfive.KindConversion, subfive.KindApproval, subfive.KindRetraction, subfive.KindRestatement}
	tests := map[string]struct {
		platform, own []subfive.Kind // own nil: its settings do not decide
		reversal      string
		want          string // the reason's code
	}{
		"the platform can":              {all, nil, subfive.ReversalRetract, ""},
		"the platform can't":            {all[:2], nil, subfive.ReversalRetract, reasonUnsupported},
		"the settings can":              {all[:1], all, subfive.ReversalRetract, ""},
		"the settings can't":            {all, all[:2], subfive.ReversalRetract, reasonUnsupported},
		"the settings can't, by a name": {all, all[:2], "Refund", reasonUnsupported},
		"the settings can't, as wanted": {all, all[:2], subfive.ReversalNone, reasonNotWanted},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			to := subfive.Destination{ID: "google-us", Platform: "google", OnReversal: tt.reversal}
			r := Rules{Platforms: map[string]Platform{"google": {Kinds: tt.platform}}}
			if tt.own != nil {
				r.Kinds = map[string][]subfive.Kind{to.ID: tt.own}
			}
			b := newBook(r, subfive.Known{}, noon)
			d := subfive.Delivery{DeadlineAt: noon.Add(1)}
			if code, why := b.unfit(to, subfive.Delivery{Status: subfive.DeliveryDelivered}, d, subfive.KindRetraction); code != tt.want || (code == "") != (why == "") {
				t.Errorf("unfit: %q, %q; want %q", code, why, tt.want)
			}
		})
	}
}
