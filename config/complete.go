package config

import (
	"maps"
	"slices"

	"subfive"
)

// Platform is what a platform knows of itself that a destination's settings
// must fit.
type Platform struct {
	// Goals are what a destination without goals maps; nil: base to Purchase.
	Goals map[string]string
	// NeedsValue are events that the platform refuses without a value.
	NeedsValue []string
	// MaxBatch is how many events a request may carry; 0: no limit known.
	MaxBatch int
	// ClickParams are its click parameters; without one it can't be an
	// endpoint's direct platform.
	ClickParams []string
	// LimitedUse: it can be told to limit its use of an event's data.
	LimitedUse bool
	// TestsCount are the events that it counts as real ones even when they are
	// tests.
	TestsCount []string
	// BeforeLive is what a person confirms before a destination goes live.
	BeforeLive []Confirmation
}

// Confirmation is a fact that no program can see, by the name that a
// destination's confirmed lists, and as a sentence.
type Confirmation struct{ ID, Text string }

// defaultBatch is a destination's max_batch unless its platform takes less.
const defaultBatch = 100

// Complete returns setup with the defaults for all that it leaves open, and
// with the network and the endpoint that exist by themselves. It changes
// nothing of setup, and completing twice is completing once. platforms may be
// nil.
func Complete(setup subfive.Setup, platforms map[string]Platform) subfive.Setup {
	s := clone(setup).Setup
	s.Campaigns = slices.Clone(s.Campaigns)
	if !slices.ContainsFunc(s.Networks, func(n subfive.Network) bool { return n.ID == subfive.DefaultNetwork }) {
		s.Networks = append(s.Networks, subfive.Network{ID: subfive.DefaultNetwork})
	}
	if _, ok := s.Endpoint(subfive.DefaultEndpoint); !ok {
		s.Endpoints = append(s.Endpoints, subfive.Endpoint{ID: subfive.DefaultEndpoint})
	}
	for i := range s.Networks {
		fill(&s.Networks[i].Region, "us")
	}
	for i := range s.Endpoints {
		completeEndpoint(&s.Endpoints[i])
	}
	for i := range s.Sources {
		fill(&s.Sources[i].Currency, "USD")
	}
	for i := range s.Offers {
		completeOffer(&s.Offers[i])
	}
	for i := range s.Destinations {
		d := &s.Destinations[i]
		completeDestination(d, platforms[d.Platform])
	}
	return s
}

func completeEndpoint(e *subfive.Endpoint) {
	fill(&e.Network, subfive.DefaultNetwork)
	fill(&e.ClickParam, "click_id")
	fill(&e.DefaultStatus, subfive.StatusPending)
	fill(&e.EmptyClickID, subfive.EmptyFault)
	fill(&e.Repeats, subfive.RepeatsHold)
}

func completeOffer(o *subfive.Offer) {
	fill(&o.Network, subfive.DefaultNetwork)
	fill(&o.ClickSlot, "sub5")
	fill(&o.Currency, "USD")
	if o.SensitiveParams == nil { // an empty list is a decision
		o.SensitiveParams = []string{"sub1", "sub2", "sub3", "sub4"}
	}
}

func completeDestination(d *subfive.Destination, p Platform) {
	fill(&d.Mode, subfive.ModeDryRun)
	fill(&d.Value.From, subfive.ValuePayout)
	fill(&d.Unmatched, "never")
	fill(&d.OnReversal, subfive.ReversalRetract)
	fill(&d.OnPayoutChange, subfive.PayoutChangeNone)
	if d.SendOn == nil {
		d.SendOn = []subfive.Status{subfive.StatusPending, subfive.StatusApproved}
	}
	if d.Goals == nil {
		d.Goals = map[string]string{subfive.GoalBase: "Purchase"}
		if p.Goals != nil {
			d.Goals = maps.Clone(p.Goals)
		}
	}
	if d.Value.Multiply == nil {
		one := subfive.Micros(1_000_000)
		d.Value.Multiply = &one
	}
	if d.MaxBatch == 0 {
		d.MaxBatch = defaultBatch
		if p.MaxBatch > 0 {
			d.MaxBatch = min(defaultBatch, p.MaxBatch)
		}
	}
}

// fill gives an empty field its default.
func fill[T ~string](field *T, value T) {
	if *field == "" {
		*field = value
	}
}
