package config

import (
	"fmt"
	"slices"
	"strings"

	"subfive"
)

// testsCount refuses tests that the platform would count as real events, unless
// a person wants them.
func (r resource) testsCount(d *subfive.Destination, p Platform) {
	if d.Mode != subfive.ModeTest || d.CountsForReal {
		return
	}
	if event := countedTest(d, p); event != "" {
		r.wrong("mode", fmt.Sprintf("%s counts a test of %s as a real one: campaigns would learn from it", d.Platform, event),
			"map the goal to an event of your own, such as Test"+event+", while you test; or write counts_for_real: true if that is meant")
	}
}

// countedTest is an event of the destination's that its platform counts though
// it is a test, or "".
func countedTest(d *subfive.Destination, p Platform) string {
	for _, event := range sorted(d.Goals) {
		if slices.Contains(p.TestsCount, event) {
			return event
		}
	}
	if slices.Contains(p.TestsCount, d.OnApproved) {
		return d.OnApproved
	}
	return ""
}

// CountTests lets the tests of all destinations count where their platforms
// count them, as if each said counts_for_real.
func CountTests() Option { return func(r *reader) { r.countTests = true } }

func (r *reader) letTestsCount(s subfive.Setup) {
	for i := range s.Destinations {
		d := &s.Destinations[i]
		if r.countTests && d.Mode == subfive.ModeTest && countedTest(d, r.platforms[d.Platform]) != "" {
			d.CountsForReal = true
		}
	}
}

// confirmed refuses to go live before a person vouched for what the platform's
// numbers rest on.
func (r resource) confirmed(d *subfive.Destination, p Platform) {
	var ids, missing, texts []string
	for _, c := range p.BeforeLive {
		ids = append(ids, c.ID)
		if !slices.Contains(d.Confirmed, c.ID) {
			missing = append(missing, c.ID)
			texts = append(texts, c.ID+": "+c.Text)
		}
	}
	for i, id := range d.Confirmed {
		if len(ids) == 0 {
			r.wrong("confirmed", d.Platform+" asks for nothing to be confirmed", "leave confirmed out")
			return
		}
		r.oneOf(fmt.Sprintf("confirmed[%d]", i), id, ids...)
	}
	if d.Mode == subfive.ModeLive && len(missing) > 0 {
		r.wrong("mode", d.Platform+" goes live once you have confirmed: "+strings.Join(texts, " "),
			"see to it, then write confirmed: ["+strings.Join(ids, ", ")+"]")
	}
}
