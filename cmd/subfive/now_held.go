package main

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"subfive"
	"subfive/alerts"
	"subfive/forwarders"
	"subfive/forwarders/all"
	"subfive/store"
)

// heldNeeds are paused destinations. One that the platform asked to go slower, and
// that goes on by itself, needs nobody, unless there is an alert of it.
func (s *situation) heldNeeds() (found []need) {
	for _, told := range s.counts.Destinations {
		d, _ := s.setup.Destination(told.DestinationID)
		pause := s.paused[d.ID]
		alert := s.alertOf(alerts.DestinationPaused, d.ID)
		if !s.isHeld(d) || !pause.Manual && pause.Code == "" && alert == "" {
			continue
		}
		means := pauseMeans(d, pause)
		n := need{
			Key: "held/" + d.ID, Kind: "held", Severity: severityWarn, Title: d.ID + " is held", Count: 1, rank: rankHeld, AlertID: alert,
			Action: goTo("Mend it", "/destinations/"+url.PathEscape(d.ID)),
		}
		if means != "" {
			n.Title += ": " + lowered(means)
		}
		if a := s.alert(alert); a != nil {
			since := a.FiredAt
			if !a.Since.IsZero() {
				since = a.Since
			}
			n.Since = &since
		}
		n.Detail = s.heldDetail(d, pause, told, &n)
		if n.Until != nil && n.Until.Sub(s.now) < 24*time.Hour {
			n.Severity, n.rank = severityBad, rankLosing
		}
		found = append(found, n)
	}
	return found
}

func (s *situation) alert(id string) *subfive.Alert {
	if i := slices.IndexFunc(s.alerts, func(a subfive.Alert) bool { return a.ID == id }); id != "" && i >= 0 {
		return &s.alerts[i]
	}
	return nil
}

// heldDetail says what waits and until when, and sets the need's end and button.
func (s *situation) heldDetail(d subfive.Destination, pause subfive.Pause, told store.Told, n *need) string {
	name := platformTitle(d.Platform)
	var said []string
	class := subfive.Class("")
	switch {
	case pause.Manual:
		n.Action = nowAction{"Resume", "POST", "/api/v1/destinations/" + url.PathEscape(d.ID) + "/resume"}
	case pause.Code != "":
		said = append(said, capital(name)+" answers "+pause.Code+".")
		if e, known := errorEntryOf(d.Platform, pause.Code); known {
			class = e.Class
		}
	}
	switch class {
	case subfive.Unauthorized:
		n.Action.Label = "Paste a new token"
	case subfive.Misconfigured:
		n.Action.Label = "Mend the settings"
	case "", subfive.Accepted, subfive.Submitted, subfive.Deferred, subfive.Transient, subfive.Throttled, subfive.Rejected:
	}
	if told.Open == 0 {
		return strings.Join(append(said, "No delivery waits."), " ")
	}
	waits := counting(told.Open, "delivery waits", "deliveries wait") + " and none is lost"
	p, _ := all.Find(d.Platform)
	for _, w := range told.Waiting {
		if !w.DeadlineAt.IsZero() && (n.Until == nil || w.DeadlineAt.Before(*n.Until)) {
			n.Until = &w.DeadlineAt
		}
	}
	switch {
	case p.MaxAge > 0 && n.Until != nil:
		waits += fmt.Sprintf(": %s takes events up to %s old, the oldest of these until %s.", name, longOf(p.MaxAge.Round(time.Hour)), s.clock(*n.Until))
	case n.Until != nil:
		waits += ", the oldest can be sent until " + s.clock(*n.Until) + "."
	default:
		waits += "."
	}
	return strings.Join(append(said, waits), " ")
}

// clock is a moment in the zone that was asked for.
func (s *situation) clock(at time.Time) string { return at.In(s.query.Zone).Format("2 Jan 15:04") }

// deadNeeds are the deliveries that died and were not sent again.
func (s *situation) deadNeeds() []need {
	type reason struct {
		text string
		n    int
	}
	total, inSpan, fresh := 0, 0, 0
	var reasons []reason
	destinations := map[string]bool{}
	for _, told := range s.counts.Destinations {
		d, _ := s.setup.Destination(told.DestinationID)
		for _, dead := range told.Dead {
			total, inSpan, fresh = total+dead.N, inSpan+dead.InSpan, fresh+dead.Fresh
			destinations[d.ID] = true
			text := s.deadMeans(d, dead)
			if i := slices.IndexFunc(reasons, func(r reason) bool { return r.text == text }); i >= 0 {
				reasons[i].n += dead.N
				continue
			}
			reasons = append(reasons, reason{text, dead.N})
		}
	}
	if total == 0 {
		return nil
	}
	slices.SortStableFunc(reasons, func(a, b reason) int { return b.n - a.n })
	n := need{
		Key: "dead", Kind: "dead", Severity: severityBad, Count: total, rank: rankDead,
		Title:  counting(total, "delivery is dead", "deliveries are dead"),
		Action: goTo("Look at them", "/outbound", "status", "dead", "range", "7d"),
	}
	if inSpan < total {
		n.Title = counting(total, "delivery of the last 7 days is dead", "deliveries of the last 7 days are dead")
	}
	if s.spans.Until.Sub(s.spans.Since) > deadFor {
		n.Action = goTo("Look at them", "/outbound", "status", "dead", "range", s.query.Period.String())
	}
	if len(destinations) == 1 {
		for id := range destinations {
			n.AlertID = s.alertOf(alerts.DeadLetters, id)
		}
	}
	switch {
	case total == 1 && fresh == 1:
		n.Title += ", and can be sent again"
	case fresh == total:
		n.Title += ", all of them can be sent again"
	case fresh == 0:
		n.Title += ", none of them can be sent again"
	default:
		n.Title += ", " + thousands(fresh) + " of them can be sent again"
	}
	var said []string
	for i, r := range reasons {
		if i == 3 {
			said = append(said, fmt.Sprintf("And %d reasons more.", len(reasons)-3))
			break
		}
		said = append(said, thousands(r.n)+": "+lowered(r.text)+".")
	}
	n.Detail = strings.Join(said, " ")
	return []need{n}
}

// deadMeans is why deliveries died, with the code as the platform writes it.
func (s *situation) deadMeans(d subfive.Destination, dead store.Dead) string {
	code := cmp.Or(dead.LastCode, dead.ReasonCode)
	means := meaning(d.Platform, code, dead.Reason)
	return strings.TrimRight(means, ".") + " (" + platformTitle(d.Platform) + " " + code + ")"
}

// meaning is what a code means by the dictionary, or what the platform said where
// the dictionary has no entry for it alone.
func meaning(platform, code, said string) string {
	p, _ := all.Find(platform)
	for _, entries := range [][]forwarders.Entry{p.Errors, forwarders.OwnErrors()} {
		if e, ok := forwarders.Find(entries, code, ""); ok && !strings.ContainsAny(e.Code, "?*") {
			return e.Means
		}
	}
	return said
}
