package sandbox

// Listener is one who is told about conversions, as far as the truth about shots
// depends on him.
type Listener struct {
	// Platform's clicks alone concern him; "": all do.
	Platform string
	// Events are the event, as his stand-in records it, of each goal that he is told
	// of.
	Events map[string]string
	// Approved and Rejected are the events that he is told when a conversion he was
	// told of is approved or rejected; "": he is not told.
	Approved, Rejected string
	// Kept is why he is not told that one was rejected: a tracker's word.
	Kept Why
	// Unmatched: he is told of conversions too whose click nobody heard of.
	Unmatched bool
	// Patient: he is told so late that a rejection comes first.
	Patient bool
}

// Why is why somebody is not told, in the tracker's words.
type Why string

// The reasons.
const (
	WhyPlatform    Why = "other_platform"
	WhyGoal        Why = "goal_unmapped"
	WhyOld         Why = "outside_window"
	WhyEarly       Why = "before_click"
	WhyRejected    Why = "rejected"
	WhyNeverSent   Why = "never_sent"
	WhyNotWanted   Why = "not_wanted"
	WhyUnsupported Why = "unsupported"
)

// Owed is what a listener must have been told in the end, and what not.
type Owed struct {
	// Events are how often each event must be there, by Told.
	Events  map[string]int
	Skipped map[Why]int
}

// Without takes one event back out, if it is there, and returns how many that were.
func (o Owed) Without(event string) int {
	n := o.Events[event]
	if n == 0 {
		return 0
	}
	if o.Events[event]--; n == 1 {
		delete(o.Events, event)
	}
	return 1
}

// Told names an event with its worth, by which it is found at a stand-in.
func Told(event, value, currency string) string { return event + " " + value + " " + currency }

// Told names the event by which the listener is told of a shot's conversion, "" if
// he is not.
func (l Listener) Told(s Shot) string {
	if event := l.Events[s.Truth.Goal]; event != "" {
		return Told(event, s.Truth.Value, "USD")
	}
	return ""
}

// Owed adds up what he is owed of shots: those of the truth's First, and what
// became of them after he was told.
func (l Listener) Owed(shots []Shot) Owed {
	o := Owed{Events: map[string]int{}, Skipped: map[Why]int{}}
	told := map[string]bool{}
	for _, s := range shots {
		switch {
		case s.Truth.First && l.concerned(s):
			told[s.Truth.Key] = l.begin(o, s)
		case s.Truth.Change && told[s.Truth.Key]:
			l.change(o, s)
		}
	}
	return o
}

// concerned reports whether a conversion is any business of his: that of a click
// whose campaign names him, or one that is told to all.
func (l Listener) concerned(s Shot) bool {
	switch s.Truth.Fate {
	case FateNone:
		return false
	case FateUnknown:
		return l.Unmatched
	case FateDirect:
		return true
	case FateMatched, FateOld, FateEarly:
	}
	return l.Platform == "" || l.Platform == s.Truth.Platform
}

// begin adds a new conversion, and reports whether he is told of it.
func (l Listener) begin(o Owed, s Shot) bool {
	if why := l.skips(s); why != "" {
		o.Skipped[why]++
		return false
	}
	o.Events[l.Told(s)]++
	return true
}

func (l Listener) skips(s Shot) Why {
	switch {
	case s.Truth.Fate == FateOld:
		return WhyOld
	case s.Truth.Fate == FateEarly:
		return WhyEarly
	case l.Told(s) == "":
		return WhyGoal
	case s.Truth.Fate == FateDirect && l.Platform != "" && l.Platform != s.Truth.Platform:
		return WhyPlatform
	}
	return ""
}

// change adds what he is told of an approval or a rejection.
func (l Listener) change(o Owed, s Shot) {
	event, why := l.Approved, Why("")
	if s.Conversion.Status == statusRejected {
		event, why = l.Rejected, l.Kept
		if l.Patient { // he never hears of it, nor that it is void
			o.Without(l.Told(s))
			o.Skipped[WhyRejected]++
			event, why = "", WhyNeverSent
		}
	}
	switch {
	case event != "":
		o.Events[Told(event, s.Truth.Value, "USD")]++
	case why != "":
		o.Skipped[why]++
	}
}
