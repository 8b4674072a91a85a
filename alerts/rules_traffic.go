package alerts

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"subfive"
)

const (
	// rare is how seldom chance alone may look like what we alert about.
	rare = 0.001
	// quietHours is how far back silence is looked at: longer tells no more.
	quietHours = 24
	// historyDays are those that say what is usual, and minHistory how many of
	// them must be there.
	historyDays = 7
	minHistory  = 2

	// A match rate is compared when it rests on so many postbacks, and alerts
	// when it fell by so much.
	matchNow, matchBefore = 30, 100
	matchDrop             = 0.10
	// matchSigma is how many standard errors the drop must be; 3.1 is rare.
	matchSigma = 3.1

	rejectionsDecided = 20
	rejectionsShare   = 0.25

	deadCount, deadOf = 10, 20
	deadShare         = 0.05

	unmappedCount = 3

	gapCount = 20
	gapShare = 0.05
	// spendFactor is how many conversions the spend should have brought: with
	// 7 expected, none is rare.
	spendFactor = 7
)

// usual returns how many an hour usually has: the average of the same hour on
// the days before, and what it had a week before. started is the first hour
// that had any; what lies before it says nothing.
func (s *Series) usual(i, started int) (average, weekAgo float64) {
	sum, days := 0, 0
	for day := 1; day <= historyDays; day++ {
		if at := i - 24*day; at >= started {
			sum += s[at]
			days++
		}
	}
	if days < minHistory {
		return 0, 0
	}
	average = float64(sum) / float64(days)
	if at := i - 24*historyDays; at >= started {
		return average, float64(s[at])
	}
	return average, average
}

// silence returns for how many hours there was nothing, the one that runs
// included, and how many there should have been: for the hours of the day and
// of the week that passed, the smaller counts.
func (s *Series) silence() (hours int, expected float64) {
	started := slices.IndexFunc(s[:], func(n int) bool { return n > 0 })
	if started < 0 {
		return 0, 0
	}
	var average, weekAgo float64
	for hours < quietHours && s[len(s)-1-hours] == 0 {
		if hours > 0 { // the hour that runs may have just begun
			a, w := s.usual(len(s)-1-hours, started)
			average, weekAgo = average+a, weekAgo+w
		}
		hours++
	}
	return hours, min(average, weekAgo)
}

// isRare reports whether nothing at all is rare where so many are expected, as
// Poisson has it.
func isRare(expected float64) bool { return math.Exp(-expected) < rare }

func (s *Series) sum(from, to int) int {
	n := 0
	for _, v := range s[from:to] {
		n += v
	}
	return n
}

// quietSince is when the last of so many quiet hours began.
func quietSince(at time.Time, hours int) time.Time {
	return at.Truncate(time.Hour).Add(-time.Duration(hours-1) * time.Hour)
}

func noClicks(f Facts) []Finding {
	var all []Finding
	for _, c := range f.Activity.Campaigns {
		hours, expected := c.Clicks.silence()
		if !isRare(expected) {
			continue
		}
		all = append(all, Finding{
			Subject: c.ID,
			What:    fmt.Sprintf("Campaign %s has had no click since %s UTC; at these hours about %.0f are usual.", c.ID, hour(f.At, hours), expected),
			Do:      "See in the ad platform whether the ads run and what link they have, and whether the link still leads here: subfive links.",
			See:     "subfive clicks --campaign " + c.ID + " --since 2d",
			Since:   quietSince(f.At, hours),
		})
	}
	return all
}

func hour(at time.Time, hours int) string {
	return quietSince(at, hours).UTC().Format("2006-01-02 15:04")
}

func noConversions(f Facts) []Finding {
	var all []Finding
	for _, c := range f.Activity.Campaigns {
		hours, expected := c.Conversions.silence()
		if hours == 0 {
			continue
		}
		// With fewer clicks than usual there are fewer conversions to expect.
		last := len(c.Clicks) - 1
		began := slices.IndexFunc(c.Clicks[:], func(n int) bool { return n > 0 })
		usual := 0.0
		for i := 1; i < hours; i++ {
			a, _ := c.Clicks.usual(last-i, max(began, 0))
			usual += a
		}
		clicks := c.Clicks.sum(last-hours+1, last+1)
		if usual > 0 {
			expected *= min(1, float64(clicks)/usual)
		}
		if !isRare(expected) {
			continue
		}
		all = append(all, Finding{
			Subject: c.ID,
			What: fmt.Sprintf("Campaign %s has had no conversion since %s UTC from %s; about %.0f are usual.",
				c.ID, hour(f.At, hours), count(int64(clicks), "click", "clicks"), expected),
			Do:    "See whether the offer is still on and the postback still set: subfive doctor, then open the link yourself.",
			See:   "subfive postbacks --since 2d",
			Since: quietSince(f.At, hours),
		})
	}
	return all
}

func noPostbacks(f Facts) []Finding {
	var all []Finding
	for _, e := range f.Activity.Endpoints {
		hours, expected := e.Postbacks.silence()
		if !isRare(expected) {
			continue
		}
		all = append(all, Finding{
			Subject: e.ID,
			What:    fmt.Sprintf("Endpoint %s has had no postback since %s UTC; at these hours about %.0f are usual.", e.ID, hour(f.At, hours), expected),
			Do:      "See in the network whether the postback is active: it is switched off after ten failures. Then subfive doctor.",
			See:     "subfive postbacks --endpoint " + e.ID + " --since 2d",
			Since:   quietSince(f.At, hours),
		})
	}
	return all
}

func matchRate(f Facts) []Finding {
	var all []Finding
	const today = HistoryHours - 24
	for _, e := range f.Activity.Endpoints {
		n, before := e.Postbacks.sum(today, HistoryHours), e.Postbacks.sum(0, today)
		if n < matchNow || before < matchBefore {
			continue
		}
		now, then := float64(e.Matched.sum(today, HistoryHours))/float64(n), float64(e.Matched.sum(0, today))/float64(before)
		both := float64(e.Matched.sum(0, HistoryHours)) / float64(n+before)
		sigma := math.Sqrt(both * (1 - both) * (1/float64(n) + 1/float64(before)))
		if then-now < matchDrop || then-now < matchSigma*sigma {
			continue
		}
		all = append(all, Finding{
			Subject: e.ID,
			What: fmt.Sprintf("Of the postbacks at endpoint %s, %.0f %% found their click in the last 24 h (%d); in the 7 days before it were %.0f %% (%d).",
				e.ID, now*100, n, then*100, before),
			Do:  "Compare the link in your ads and the postback URL with what subfive prints: the click ID gets lost between them. Then subfive doctor.",
			See: "subfive postbacks --endpoint " + e.ID + " --verdict unmatched --since 24h",
		})
	}
	return all
}

func rejections(f Facts) []Finding {
	var all []Finding
	for _, s := range f.Activity.Sources {
		n := s.Approved + s.Rejected
		if n < rejectionsDecided || float64(s.Rejected) < rejectionsShare*float64(n) {
			continue
		}
		all = append(all, Finding{
			Subject: s.ID,
			What: fmt.Sprintf("The network rejected %d of %d conversions of source %s that it decided about in 7 days (%d %%).",
				s.Rejected, n, s.ID, percent(int64(s.Rejected), int64(n))),
			Do:  "Ask your network's manager why, and look which campaign or ad they come from, before it costs the account.",
			See: "subfive conversions --status rejected --source " + s.ID + " --since 7d",
		})
	}
	return all
}

func deadLetters(f Facts) []Finding {
	var all []Finding
	for _, d := range f.Activity.Destinations {
		many := d.Dead >= deadCount || d.Deliveries >= deadOf && float64(d.Dead) >= deadShare*float64(d.Deliveries)
		if d.Poison == 0 && (!many || d.Dead == 0) {
			continue
		}
		what := fmt.Sprintf("%d of %s of the last 24 h to destination %s are dead; the most frequent reason: %s.",
			d.Dead, count(int64(d.Deliveries), "delivery", "deliveries"), d.ID, d.Reason)
		if d.Poison > 0 {
			what += fmt.Sprintf(" %d of them kept ending the program.", d.Poison)
		}
		all = append(all, Finding{
			Subject: d.ID, What: what,
			Do:  "Look the reason up with subfive errors, mend it, then send them again: subfive replay --destination " + d.ID + " --status dead --since 24h --dry-run",
			See: "subfive deliveries --status dead --destination " + d.ID + " --since 24h",
		})
	}
	return all
}

func unmappedGoals(f Facts) []Finding {
	var all []Finding
	for _, d := range f.Activity.Destinations {
		for _, goal := range slices.Sorted(maps.Keys(d.Unmapped)) {
			n := d.Unmapped[goal]
			if n < unmappedCount {
				continue
			}
			all = append(all, Finding{
				Subject: d.ID + " " + goal,
				What:    fmt.Sprintf("Destination %s was not told of %s with goal %q in the last 24 h: its goals do not have it.", d.ID, count(int64(n), "conversion", "conversions"), goal),
				Do:      fmt.Sprintf("Add %q to goals of %s, or say that it is not wanted: subfive alerts mute unmapped_goals %s 365d", goal, d.ID, shellWord(d.ID+" "+goal)),
				See:     "subfive deliveries --destination " + d.ID + " --reason goal_unmapped --since 24h",
			})
		}
	}
	return all
}

func spendWithout(f Facts) []Finding {
	var all []Finding
	for _, s := range f.Spend {
		if s.Conversions > 0 || s.Usual == nil || s.Usual.Currency != s.Spent.Currency || s.Usual.Amount <= 0 || s.Spent.Amount < spendFactor*s.Usual.Amount {
			continue
		}
		all = append(all, Finding{
			Subject: s.Subject,
			What:    fmt.Sprintf("Campaign %s spent %s since yesterday without a conversion; one usually costs %s.", s.Subject, money(s.Spent), money(*s.Usual)),
			Do:      "Pause the ads, then see whether clicks still arrive and the offer is still on: subfive doctor.",
			See:     "subfive clicks --campaign " + shellWord(s.Subject) + " --since 24h",
		})
	}
	return all
}

func money(m subfive.Money) string { return m.Amount.String() + " " + m.Currency }

func networkGap(f Facts) []Finding {
	var all []Finding
	for _, g := range f.Gaps {
		if missing := g.Theirs - g.Ours; g.Theirs < gapCount || float64(missing) < gapShare*float64(g.Theirs) {
			continue
		}
		all = append(all, Finding{
			Subject: g.NetworkID,
			What: fmt.Sprintf("Network %s counts %d conversions and we %d: %d %% are missing here.",
				g.NetworkID, g.Theirs, g.Ours, percent(int64(g.Theirs-g.Ours), int64(g.Theirs))),
			Do:  "See whether its postback fires for each offer and event, then back-fill.",
			See: "subfive doctor",
		})
	}
	return all
}

func postbackOff(f Facts) []Finding {
	var all []Finding
	for _, p := range f.Postbacks {
		if p.Active > 0 && p.Off == 0 {
			continue
		}
		what := fmt.Sprintf("Network %s has %s of ours switched off: what it converts is not told to us.", p.NetworkID, count(int64(p.Off), "postback", "postbacks"))
		if p.Active+p.Off == 0 {
			what = fmt.Sprintf("Network %s has no postback that leads to this tracker.", p.NetworkID)
		}
		all = append(all, Finding{Subject: p.NetworkID, What: what, Do: p.Do, See: "subfive watchdog"})
	}
	return all
}
