// Package alerts tells a person when something is wrong, and when it is over.
//
// Judge compares the facts of a moment with its rules; it is pure. A Watch does
// so all the time, keeps one alert a rule and subject, and sends what changed
// through its channels: a webhook, e-mail, Telegram. Alerts lie in the database,
// so that a restart or a second node repeats nothing; what a process sees of
// itself is told while the database is down, too.
//
// It gathers no facts: cmd/subfive does, from the store and the running pieces.
// It is not for advice about the set-up: that is the doctor's.
package alerts

import (
	"slices"
	"time"

	"subfive"
)

// Rule names a condition that alerts.
type Rule string

// The rules. The first six are what a process sees of itself; the others are
// what all nodes of a database see.
const (
	DatabaseDown   Rule = "database_down"
	JournalFilling Rule = "journal_filling"
	ClicksAtRisk   Rule = "clicks_at_risk"
	FailedAnswers  Rule = "failed_answers"
	DiskSpace      Rule = "disk_space"
	Expiring       Rule = "expiring"

	DestinationPaused Rule = "destination_paused"
	Backlog           Rule = "backlog"
	DeadLetters       Rule = "dead_letters"
	UnmappedGoals     Rule = "unmapped_goals"
	NoClicks          Rule = "no_clicks"
	NoConversions     Rule = "no_conversions"
	NoPostbacks       Rule = "no_postbacks"
	MatchRate         Rule = "match_rate"
	Rejections        Rule = "rejections"
	SpendWithout      Rule = "spend_without_conversions"
	NetworkGap        Rule = "network_gap"
	PostbackOff       Rule = "postback_off"
)

// Finding is what a rule finds wrong.
type Finding struct {
	Rule    Rule
	Subject string
	// Node is the process's that sees it; "" where all see it.
	Node string
	What string // one sentence, with numbers
	Do   string
	See  string // a command that shows more
	// Since is since when it is so; zero: since it was found.
	Since time.Time
	// After is how long it must stay so before anybody is told.
	After time.Duration
}

func (f Finding) id() string { return subfive.AlertID(string(f.Rule), f.Subject, f.Node) }

// definition is a rule with what it takes to judge by it.
type definition struct {
	rule  Rule
	local bool
	// known reports whether the facts that it needs are there. Without them
	// nothing fires and nothing recovers.
	known func(Facts) bool
	judge func(Facts) []Finding
}

func always(Facts) bool { return true }

func definitions() []definition {
	queue := func(f Facts) bool { return f.Queue != nil }
	activity := func(f Facts) bool { return f.Activity != nil }
	return []definition{
		{DatabaseDown, true, always, databaseDown},
		{JournalFilling, true, always, journalFilling},
		{ClicksAtRisk, true, always, clicksAtRisk},
		{FailedAnswers, true, always, failedAnswers},
		{DiskSpace, true, func(f Facts) bool { return f.Local.Disk != nil }, diskSpace},
		{Expiring, true, always, expiring},
		{DestinationPaused, false, queue, destinationPaused},
		{Backlog, false, queue, backlog},
		{DeadLetters, false, activity, deadLetters},
		{UnmappedGoals, false, activity, unmappedGoals},
		{NoClicks, false, activity, noClicks},
		{NoConversions, false, activity, noConversions},
		{NoPostbacks, false, activity, noPostbacks},
		{MatchRate, false, activity, matchRate},
		{Rejections, false, activity, rejections},
		{SpendWithout, false, func(f Facts) bool { return f.Spend != nil }, spendWithout},
		{NetworkGap, false, func(f Facts) bool { return f.Gaps != nil }, networkGap},
		{PostbackOff, false, func(f Facts) bool { return f.Postbacks != nil }, postbackOff},
	}
}

// Rules lists all rules.
func Rules() []Rule {
	var all []Rule
	for _, d := range definitions() {
		all = append(all, d.rule)
	}
	return all
}

// IsLocal reports whether each process sees a rule's condition for itself alone.
func IsLocal(r Rule) bool {
	return slices.ContainsFunc(definitions(), func(d definition) bool { return d.rule == r && d.local })
}

// Judge returns what is wrong by the facts, but for rules that are off, and the
// rules that could be judged at all: of the others nothing is known.
func Judge(f Facts, off []Rule) (found []Finding, judged []Rule) {
	for _, d := range definitions() {
		if !d.known(f) {
			continue
		}
		judged = append(judged, d.rule)
		if slices.Contains(off, d.rule) {
			continue
		}
		for _, one := range d.judge(f) {
			one.Rule = d.rule
			if d.local {
				one.Node = f.Node
			}
			found = append(found, one)
		}
	}
	return found, judged
}
