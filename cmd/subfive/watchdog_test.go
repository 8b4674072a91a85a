package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive/everflow"
)

// A postback that was replaced by an active one that does the same is not
// missing: it is neither told of nor switched on again.
func TestWhatIsOff(t *testing.T) {
	postback := func(active bool, endpoint, kind, scope, offer string) everflow.Watched {
		return everflow.Watched{Active: active, EndpointID: endpoint, Type: kind, Scope: scope, OfferID: offer}
	}
	off := postback(false, "default", "conversion", "specific", "5")
	tests := map[string]struct {
		other everflow.Watched
		off   bool
	}{
		"replaced":              {postback(true, "default", "conversion", "specific", "5"), false},
		"the other is off, too": {postback(false, "default", "conversion", "specific", "5"), true},
		"of another endpoint":   {postback(true, "meta", "conversion", "specific", "5"), true},
		"of another type":       {postback(true, "default", "post_conversion", "specific", "5"), true},
		"of another scope":      {postback(true, "default", "conversion", "global", "5"), true},
		"of another offer":      {postback(true, "default", "conversion", "specific", "6"), true},
	}
	type counted struct {
		Off         bool
		Active, Sum int
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := watched{Postbacks: []everflow.Watched{off, tt.other}}
			want := counted{Off: tt.off}
			for _, p := range w.Postbacks {
				if p.Active {
					want.Active++
				} else if tt.off {
					want.Sum++
				}
			}
			got := counted{Off: w.off(off)}
			got.Active, got.Sum = w.counts()
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
