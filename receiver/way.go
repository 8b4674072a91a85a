package receiver

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"strings"
	"time"

	"subfive"
)

// way is where a visitor goes, and why.
type way struct {
	rule, path string
	offer      subfive.Offer
	landing    subfive.LandingPage // the zero value: straight to the offer
}

// plan is a campaign as clicks are sent through it: its conditions are read
// once, when the set-up changes.
type plan struct {
	subfive.Campaign
	rules []rule
	paths []subfive.Path
	// script is what its landing pages load; it is written when the first asks.
	script func() (script, error)
}

type rule struct {
	id    string
	fits  func(visitor) bool
	paths []subfive.Path
}

// visitor is what a rule may look at. There is no more to it: who seems to be a
// crawler or a reviewer goes where everyone goes.
type visitor struct {
	subfive.Visitor
	language string
	at       time.Time
	params   []param
}

// commonest fills in what a visitor does not tell of himself, for the rules
// alone: who says nothing, as crawlers do, goes where most people go.
func (v visitor) commonest() visitor {
	for _, one := range []struct {
		of     *string
		common string
	}{{&v.OS, "windows"}, {&v.Browser, "chrome"}, {&v.language, "en"}} {
		if *one.of == "" {
			*one.of = one.common
		}
	}
	if v.Device == "" || v.Device == subfive.DeviceOther {
		v.Device = subfive.DeviceDesktop
	}
	return v
}

// newPlan reads a campaign. zone is that of its days and hours, where a rule
// names none.
func newPlan(c subfive.Campaign, zone *time.Location) plan {
	p := plan{Campaign: c, paths: c.Paths}
	for _, r := range c.Rules {
		p.rules = append(p.rules, rule{id: r.ID, fits: newCondition(r.When, zone), paths: r.Paths})
	}
	return p
}

// choose returns the path of a visitor: that of the first rule that fits him,
// else one of the campaign's, else the campaign's landing page and offer. The
// same key goes the same way as long as the paths stay as they are.
func (p plan) choose(v visitor, key string) (ruleID string, path subfive.Path) {
	paths := p.paths
	v = v.commonest()
	for _, r := range p.rules {
		if r.fits(v) {
			ruleID, paths = r.id, r.paths
			break
		}
	}
	path = split(paths, p.ID, key)
	if path.Offer == "" {
		path.Offer = p.Offer
	}
	if path.ID == "" {
		path.Landing = p.Landing
	}
	return ruleID, path
}

// split picks a path by weight. Each path draws a number of its own from the
// key, so that a weight that is changed moves no more visitors than it must
// (rendezvous hashing, weighted by -w/ln u).
func split(paths []subfive.Path, campaign, key string) subfive.Path {
	var chosen subfive.Path
	best := math.Inf(-1)
	for _, p := range paths {
		weight := float64(subfive.DefaultWeight)
		if p.Weight != nil {
			weight = float64(*p.Weight)
		}
		if weight <= 0 {
			continue
		}
		if score := -weight / math.Log(draw(campaign, p.ID, key)); score > best {
			chosen, best = p, score
		}
	}
	return chosen
}

// draw returns a number between 0 and 1 that depends on its arguments alone.
func draw(campaign, path, key string) float64 {
	sum := sha256.Sum256([]byte(campaign + "\x00" + path + "\x00" + key))
	return (float64(binary.BigEndian.Uint64(sum[:])>>11) + 0.5) / (1 << 53)
}

// way sends a visitor through a campaign, past offers that take nobody now. It is
// false when no offer is left.
func (r *Receiver) way(t *table, p plan, v visitor, key string) (way, bool) {
	ruleID, path := p.choose(v, key)
	offer, ok := r.taking(t, path.Offer)
	w := way{rule: ruleID, path: path.ID, offer: offer, landing: t.landings[path.Landing]}
	return w, ok
}

// taking returns the offer of that ID if it takes visitors, else the first of
// its fallbacks that does.
func (r *Receiver) taking(t *table, id string) (subfive.Offer, bool) {
	capped := *r.capped.Load()
	for range len(t.offers) { // a circle of fallbacks ends here
		offer, ok := t.offers[strings.ToLower(id)]
		if !ok {
			return subfive.Offer{}, false
		}
		if offer.Link != "" && !offer.Paused && !capped[offer.ID] {
			return offer, true
		}
		id = offer.Fallback
	}
	return subfive.Offer{}, false
}
