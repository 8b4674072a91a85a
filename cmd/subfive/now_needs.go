package main

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"subfive"
	"subfive/alerts"
	"subfive/everflow"
	"subfive/store"
)

// need is something that needs a person.
type need struct {
	Key      string     `json:"key"`
	Kind     string     `json:"kind"`     // database, budget, postback_off, alert, held, dead, unsettled, reading, unmapped, rates or broken
	Severity string     `json:"severity"` // bad or warn
	Title    string     `json:"title"`
	Detail   string     `json:"detail"` // what is at stake, how much, until when, what to do
	Count    int        `json:"count"`
	Since    *time.Time `json:"since,omitempty"`
	Until    *time.Time `json:"until,omitempty"` // after it nothing can be done
	Action   nowAction  `json:"action"`
	AlertID  string     `json:"alert_id,omitempty"` // the alert that tells of the same, to be muted

	rank int
}

// nowAction is the button that leads to where it is put right: a page, to be got,
// or a call of this API.
type nowAction struct {
	Label  string `json:"label"`
	Method string `json:"method"`
	Href   string `json:"href"`
}

func goTo(label, path string, query ...string) nowAction {
	v := url.Values{}
	for i := 0; i+1 < len(query); i += 2 {
		v.Set(query[i], query[i+1])
	}
	if len(v) > 0 {
		path += "?" + v.Encode()
	}
	return nowAction{label, "GET", "/admin" + path}
}

const (
	severityBad  = "bad"
	severityWarn = "warn"
)

// The ranks of needs: the least is the worst.
const (
	rankTracker = iota
	rankSilence
	rankLosing // what is lost unless somebody acts within a day
	rankHeld
	rankDead
	rankMoney
	rankReading
	rankLater
)

// needs are what needs a person, the worst first.
func (s *situation) needs() []need {
	found := slices.Concat(s.trackerNeeds(), s.alertNeeds(), s.heldNeeds(), s.deadNeeds(), s.unsettledNeeds(), s.readingNeeds(), s.unmappedNeeds(), s.otherNeeds())
	slices.SortStableFunc(found, func(a, b need) int { return cmp.Compare(a.rank, b.rank) })
	if found == nil {
		return []need{}
	}
	return found
}

// trackerNeeds are of the process itself and of the network's view of it.
func (s *situation) trackerNeeds() (found []need) {
	if s.down {
		found = append(found, need{
			Key: "database", Kind: "database", Severity: severityBad, Title: "The database does not answer", Count: 1, Since: s.node.OldestAt,
			Detail: counting(int(s.node.Waiting), "record waits", "records wait") + " in the journal, which is " + strconv.Itoa(s.node.Percent) +
				" % full: nothing is lost, and nothing is told to platforms. Start the database, or mend the way to it.",
			Action: goTo("Open the doctor", "/doctor"),
		})
	}
	if s.node.Skewed {
		found = append(found, need{
			Key: "clock", Kind: "database", Severity: severityBad, Title: "This machine's clock is off the database's", Count: 1,
			Detail: "Nothing is sent while they are apart. Run NTP on both machines.", Action: goTo("Open the doctor", "/doctor"),
		})
	}
	for _, f := range s.failures {
		if f.InARow == 0 {
			continue
		}
		severity := severityWarn
		if f.InARow*2 >= f.Limit {
			severity = severityBad
		}
		found = append(found, need{
			Key: "budget/" + f.EndpointID, Kind: "budget", Severity: severity, Count: f.InARow, rank: rankSilence,
			Title: fmt.Sprintf("%d of %d failures in a row at endpoint %s", f.InARow, f.Limit, f.EndpointID),
			Detail: fmt.Sprintf("The last one answered %d. At %d within %.0f h the network switches the postback off; one success sets the count to 0. See in the log why nothing could be written.",
				f.LastStatus, f.Limit, everflow.FailureWindow.Hours()),
			Since: &f.LastAt, Action: goTo("Open the doctor", "/doctor"), AlertID: s.alertOf(alerts.FailedAnswers, f.EndpointID),
		})
	}
	for _, w := range s.watched {
		active, off := w.counts()
		if active > 0 && off == 0 {
			continue
		}
		title := counting(off, "postback of ours is switched off at "+w.NetworkID, "postbacks of ours are switched off at "+w.NetworkID)
		if active+off == 0 {
			title = w.NetworkID + " has no postback that leads here"
		}
		found = append(found, need{
			Key: "postback_off/" + w.NetworkID, Kind: "postback_off", Severity: severityBad, Title: title, Count: max(off, 1), rank: rankSilence,
			Detail: "What it converts is not told to us. " + w.do(), Action: goTo("Open the doctor", "/doctor"), AlertID: s.alertOf(alerts.PostbackOff, w.NetworkID),
		})
	}
	return found
}

// alertOf is the ID of the open alert of a rule about a subject, "" if there is
// none.
func (s *situation) alertOf(rule alerts.Rule, subject string) string {
	for _, a := range s.open() {
		if a.Rule == string(rule) && a.Subject == subject {
			return a.ID
		}
	}
	return ""
}

// alertNeeds are the open alerts that nothing else here tells of.
func (s *situation) alertNeeds() (found []need) {
	told := []alerts.Rule{
		alerts.FailedAnswers, alerts.PostbackOff, alerts.DestinationPaused, alerts.DeadLetters, alerts.UnmappedGoals,
	}
	if s.down {
		told = append(told, alerts.DatabaseDown)
	}
	for _, a := range s.open() {
		rule := alerts.Rule(a.Rule)
		if slices.Contains(told, rule) {
			continue
		}
		n := need{Key: "alert/" + a.ID, Kind: "alert", Severity: severityWarn, Count: 1, Detail: a.Do, AlertID: a.ID, rank: rankLater, Since: &a.FiredAt}
		n.Title, n.Detail = firstSentence(a.What, a.Do)
		if !a.Since.IsZero() {
			n.Since = &a.Since
		}
		n.Action = alertAction(rule, a)
		switch rule {
		case alerts.DatabaseDown, alerts.JournalFilling, alerts.ClicksAtRisk, alerts.DiskSpace:
			n.Severity, n.rank = severityBad, rankTracker
		case alerts.NoClicks, alerts.NoConversions, alerts.NoPostbacks, alerts.MatchRate, alerts.SpendWithout:
			n.Severity, n.rank = severityBad, rankSilence
		case alerts.Backlog, alerts.NetworkGap, alerts.Rejections, alerts.Expiring:
		case alerts.FailedAnswers, alerts.PostbackOff, alerts.DestinationPaused, alerts.DeadLetters, alerts.UnmappedGoals:
		}
		found = append(found, n)
	}
	return found
}

func alertAction(rule alerts.Rule, a subfive.Alert) nowAction {
	switch rule {
	case alerts.NoClicks, alerts.SpendWithout:
		return goTo("See the campaign", "/campaigns/"+url.PathEscape(a.Subject))
	case alerts.NoConversions, alerts.NoPostbacks, alerts.MatchRate:
		return goTo("Open the doctor", "/doctor")
	case alerts.Backlog:
		return goTo("Look at them", "/outbound", "status", "scheduled", "destination_id", a.Subject, "range", "30d")
	case alerts.Rejections:
		return goTo("Look at them", "/conversions", "network_status", "rejected", "source_id", a.Subject, "range", "7d")
	case alerts.NetworkGap:
		return goTo("Compare", "/reconciliation")
	case alerts.DatabaseDown, alerts.JournalFilling, alerts.ClicksAtRisk, alerts.DiskSpace, alerts.FailedAnswers, alerts.Expiring, alerts.PostbackOff,
		alerts.DestinationPaused, alerts.DeadLetters, alerts.UnmappedGoals:
	}
	return goTo("Open the alert", "/alerts/"+url.PathEscape(a.ID))
}

// firstSentence splits what an alert says into a title and the rest, before what
// to do.
func firstSentence(what, do string) (title, detail string) {
	title, rest, more := strings.Cut(what, "; ")
	if !more {
		if i := strings.Index(what, ". "); i > 0 {
			title, rest = what[:i], what[i+2:]
		}
	}
	title = strings.TrimRight(title, ".")
	if rest != "" {
		rest = strings.TrimRight(capital(rest), ".") + ". "
	}
	return title, rest + do
}

func (s *situation) unsettledNeeds() []need {
	total := 0
	var sums []string
	for _, u := range s.counts.Unsettled {
		total += u.N
		if u.Payout != 0 {
			sums = append(sums, amounts(u.Payout, u.Currency))
		}
	}
	if total == 0 {
		return nil
	}
	title := counting(total, "possible duplicate", "possible duplicates")
	if len(sums) > 0 {
		title += ", " + strings.Join(sums, " and ") + " unsettled"
	}
	return []need{{
		Key: "unsettled", Kind: "unsettled", Severity: severityWarn, Title: title, Count: total, rank: rankMoney,
		Detail: "Same transaction and goal, and something about them differs. They count as nothing until someone decides.",
		Action: goTo("Settle", "/inbound", "verdict", string(subfive.VerdictPossibleDuplicate), "range", "year"),
	}}
}

// readingNeeds are faults of postbacks, by endpoint and reading, with the
// commonest hint.
func (s *situation) readingNeeds() (found []need) {
	type key struct {
		endpoint string
		reading  subfive.Reading
	}
	byKey := map[key]int{} // where in found
	for _, f := range s.counts.Faults {
		e, _ := s.setup.Endpoint(f.EndpointID)
		if f.Reading == subfive.ReadingEmptyClickID && e.EmptyClickID == subfive.EmptyOrganic {
			continue
		}
		k := key{f.EndpointID, f.Reading}
		if i, ok := byKey[k]; ok {
			found[i].Count += f.N
			continue
		}
		byKey[k] = len(found)
		found = append(found, s.readingNeed(f)) // the commonest comes first
	}
	for i := range found {
		n := &found[i]
		n.Title = counting(n.Count, "postback ", "postbacks ") + n.Title
	}
	return found
}

// readingNeed has in its title all but the count.
func (s *situation) readingNeed(f store.Fault) need {
	hint := strings.ReplaceAll(cmp.Or(f.Hint, "look at one for what could not be read"), ".; ", "; ")
	n := need{
		Key: "reading/" + string(f.Reading) + "/" + f.EndpointID, Kind: "reading", Severity: severityWarn, Count: f.N, rank: rankReading,
		Detail: "Endpoint " + f.EndpointID + ". " + capital(strings.TrimRight(hint, ".")) + ".",
	}
	endpoint := "/endpoints/" + url.PathEscape(f.EndpointID)
	switch f.Reading {
	case subfive.ReadingLiteralMacro:
		n.Title, n.Action = "brought the text "+f.Brought+" instead of a click ID", goTo("Copy the right URL", endpoint)
		if f.Brought == "" {
			n.Title = "brought a macro as it is written"
		}
	case subfive.ReadingEmptyClickID:
		n.Title, n.Action = "came without a click ID", goTo("See the links", "/campaigns")
	case subfive.ReadingQuarantined:
		n.Title = "kept aside, credited to nobody"
		n.Action = goTo("Look at them", "/inbound", "verdict", string(subfive.VerdictQuarantined), "endpoint_id", f.EndpointID, "range", s.query.Period.String())
	case subfive.ReadingMalformed, subfive.ReadingOK, subfive.ReadingDirect, subfive.ReadingForeign:
		n.Title = "could not be read whole"
		n.Action = goTo("Look at them", "/inbound", "reading", string(f.Reading), "endpoint_id", f.EndpointID, "range", s.query.Period.String())
	}
	return n
}

// unmappedNeeds are destinations with goals of the network that they map to
// nothing. A goal whose alert somebody muted is meant so.
func (s *situation) unmappedNeeds() (found []need) {
	for _, told := range s.counts.Destinations {
		total, alert := 0, ""
		var goals []string
		for _, u := range told.Unmapped {
			subject := u.DestinationID + " " + u.Goal
			if s.isMuted(alerts.UnmappedGoals, subject) {
				continue
			}
			total += u.N
			goals = append(goals, fmt.Sprintf("%q %s", u.Goal, thousands(u.N)))
			alert = s.alertOf(alerts.UnmappedGoals, subject)
		}
		if len(goals) == 0 {
			continue
		}
		n := need{
			Key: "unmapped/" + told.DestinationID, Kind: "unmapped", Severity: severityWarn, Count: total, rank: rankLater,
			Title:  told.DestinationID + " was not told of " + counting(total, "conversion", "conversions") + ": it maps " + plainly(len(goals), "the goal", "their goals") + " to nothing",
			Detail: strings.Join(goals, ", ") + ". Map what it should know to an event, and send those again; what is not wanted is left as it is.",
			Action: goTo("Map it", "/destinations/"+url.PathEscape(told.DestinationID)),
		}
		if len(goals) == 1 {
			n.AlertID = alert
		}
		found = append(found, n)
	}
	return found
}

// plainly is one or many, without the number.
func plainly(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// isMuted reports whether somebody muted the alert of a rule about a subject.
func (s *situation) isMuted(rule alerts.Rule, subject string) bool {
	return slices.ContainsFunc(s.alerts, func(a subfive.Alert) bool {
		return a.Rule == string(rule) && a.Subject == subject && a.MutedUntil.After(s.now)
	})
}

func (s *situation) otherNeeds() (found []need) {
	if n := len(s.counts.Unrated); n > 0 {
		found = append(found, need{
			Key: "rates", Kind: "rates", Severity: severityWarn, Count: n, rank: rankMoney,
			Title:  "No rate of exchange for " + enumerated(s.counts.Unrated),
			Detail: "What came in that currency is in no amount here and in no report. Rates come by themselves from the ECB where it has them; others can be entered.",
			Action: goTo("Enter a rate", "/costs"),
		})
	}
	if n := s.counts.Broken; n > 0 {
		found = append(found, need{
			Key: "broken", Kind: "broken", Severity: severityBad, Count: n, rank: rankLater,
			Title:  counting(n, "record could not be decided or stored", "records could not be decided or stored"),
			Detail: "They are kept as they came. Report it as a bug, with the program's log.", Action: goTo("Open the doctor", "/doctor"),
		})
	}
	return found
}
