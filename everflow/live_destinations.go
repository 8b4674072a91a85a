package everflow

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"subfive"
)

// destinations judges what stands between conversions and platforms.
func (l *live) destinations() {
	paused := map[string]subfive.Pause{}
	for _, p := range l.Pauses {
		if p.Manual || !p.Until.IsZero() {
			paused[p.DestinationID] = p
		}
	}
	waiting := map[string]map[string]int{}
	for _, d := range l.Deliveries {
		what := d.ReasonCode
		if d.Status == subfive.DeliveryDead || d.Status == subfive.DeliveryDryRun {
			what = string(d.Status)
		}
		if what == "goal_unmapped" {
			what += " " + d.Conversion.Goal()
		}
		if waiting[d.DestinationID] == nil {
			waiting[d.DestinationID] = map[string]int{}
		}
		waiting[d.DestinationID][what]++
	}
	for _, d := range l.Setup.Destinations {
		if d.ArchivedAt != nil {
			continue
		}
		l.destination(d, paused[d.ID])
		for _, what := range slices.Sorted(maps.Keys(waiting[d.ID])) {
			l.waiting(d, what, waiting[d.ID][what])
		}
	}
}

func (l *live) destination(d subfive.Destination, p subfive.Pause) {
	where := "destination " + d.ID
	broken := p.Code == "settings" || strings.HasPrefix(p.Reason, string(subfive.Misconfigured)) || strings.HasPrefix(p.Reason, string(subfive.Unauthorized))
	switch {
	case p.DestinationID == "" || d.Mode == subfive.ModeDryRun:
	case p.Manual:
		l.add("destination_paused", where, where+" is paused "+p.Reason, "once that is settled: subfive destinations resume "+d.ID, "subfive destinations")
	case broken:
		l.add("destination_misconfigured", where, where+" is paused: "+p.Reason, "mend its settings, then: subfive destinations check "+d.ID, "subfive destinations")
	default:
		l.add("destination_paused", where, where+" is paused: "+p.Reason, "it goes on by itself once its platform answers", "subfive destinations")
		l.found[len(l.found)-1].Severity = SeverityWarning
	}
}

func (l *live) waiting(d subfive.Destination, what string, n int) {
	where, list := "destination "+d.ID, "subfive deliveries --since 24h --destination "+d.ID
	goal, unmapped := strings.CutPrefix(what, "goal_unmapped ")
	switch {
	case unmapped:
		l.add("unmapped_goals", where, fmt.Sprintf("%d conversions with the goal %q were skipped", n, show(goal)), "map it under goals of "+where+", or to nothing on purpose; then: subfive replay", list+" --status skipped")
	case what == "payout_above_max":
		l.add("payout_above_max", where, fmt.Sprintf("%d conversions had a payout above the offer's payout_max", n), "look at them; raise payout_max if they are right, then: subfive replay", list+" --status skipped")
	case what == string(subfive.DeliveryDead):
		l.add("dead_deliveries", where, fmt.Sprintf("%d deliveries were given up", n), "see their reason, mend it, then: subfive replay --destination "+d.ID+" --status dead", list+" --status dead")
	case what == string(subfive.DeliveryDryRun) && d.Mode == subfive.ModeDryRun:
		l.add("destination_dry_run", where, fmt.Sprintf("%d conversions were decided in dry run", n), "look at one with subfive preview, then set mode: live", list+" --status dry_run")
	}
}
