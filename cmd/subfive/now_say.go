package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"subfive"
)

// nowVerdict is how things stand, in a word and in a sentence.
type nowVerdict struct {
	State string `json:"state"` // empty, working, attention or down
	Text  string `json:"text"`
}

// outlook says how things stand.
func (s *situation) outlook(channels []string) outlook {
	o := outlook{
		At: s.now.UTC(), Range: s.query.Period.String(), Zone: s.query.Zone.String(), Since: s.spans.Since.UTC(), Until: s.spans.Until.UTC(),
		Compared: nowSpan{s.spans.BeforeSince.UTC(), s.spans.BeforeUntil.UTC()},
		Facts:    s.facts(channels), Needs: s.needs(), Numbers: s.numbers(), Hours: s.stretches(),
	}
	o.Destinations, o.Total = s.destinations()
	o.Verdict = s.verdict(o)
	return o
}

// verdict is the first line: whether it works, then what needs a person, the most
// urgent first, three things at most.
func (s *situation) verdict(o outlook) nowVerdict {
	switch {
	case s.down:
		text := "The database does not answer."
		if n := s.node.Waiting; n > 0 {
			text += " " + capital(countWord(int(n), "record waits", "records wait")) + " in the journal, and none is lost."
		}
		return nowVerdict{"down", text}
	case s.node.Skewed:
		return nowVerdict{"down", "Nothing is sent: this machine's clock and the database's are apart."}
	case o.Facts.LastClick == nil && o.Facts.LastPostback == nil && len(o.Needs) == 0:
		return nowVerdict{"empty", "Nothing has come in yet."}
	case len(o.Needs) == 0:
		return nowVerdict{"working", "Working. Nothing needs a person."}
	}
	by := map[string]int{}
	for _, n := range o.Needs {
		kind := n.Kind
		if kind == "alert" && n.Severity == severityWarn {
			kind = "later"
		}
		by[kind] += n.Count
	}
	var said []string
	say := func(kind, one, many string) {
		if n := by[kind]; n > 0 {
			said = append(said, countWord(n, one, many))
		}
	}
	say("budget", "postback in a row failed", "postbacks in a row failed")
	say("postback_off", "postback is switched off at the network", "postbacks are switched off at the network")
	say("alert", "alert is open", "alerts are open")
	say("held", "destination is held", "destinations are held")
	say("dead", "delivery is dead", "deliveries are dead")
	say("unsettled", "possible duplicate waits for a decision", "possible duplicates wait for a decision")
	say("reading", "postback brought no click ID that can be used", "postbacks brought no click ID that can be used")
	say("later", "alert is open", "alerts are open")
	if len(said) > 3 {
		said = said[:3]
	}
	if len(said) == 0 {
		said = append(said, countWord(len(o.Needs), "thing needs a person", "things need a person"))
	}
	return nowVerdict{"attention", "Working. " + capital(enumerated(said)) + "."}
}

// enumerated joins texts as a sentence does: a, b and c. Two are joined by a comma, as
// each may be a clause of its own.
func enumerated(texts []string) string {
	if len(texts) < 3 {
		return strings.Join(texts, ", ")
	}
	return strings.Join(texts[:len(texts)-1], ", ") + " and " + texts[len(texts)-1]
}

// countWord is a count with its noun, in words up to twelve.
func countWord(n int, one, many string) string {
	small := []string{"no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"}
	word := thousands(n)
	if n >= 0 && n < len(small) {
		word = small[n]
	}
	if n == 1 {
		return word + " " + one
	}
	return word + " " + many
}

// counting is count with its thousands set apart.
func counting(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + many
}

// thousands writes 18402 as 18,402.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func capital(text string) string {
	r, n := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(r)) + text[n:]
}

// lowered makes a sentence part of another: its first letter is small, unless it
// begins a name, and its full stop goes.
func lowered(text string) string {
	text = strings.TrimRight(text, ".")
	r, n := utf8.DecodeRuneInString(text)
	if second, _ := utf8.DecodeRuneInString(text[n:]); !unicode.IsUpper(r) || unicode.IsUpper(second) || begins(text) {
		return text
	}
	return string(unicode.ToLower(r)) + text[n:]
}

// begins reports whether a text begins with a name.
func begins(text string) bool {
	return slices.ContainsFunc([]string{"Meta", "TikTok", "Google", "Reddit", "Everflow"}, func(name string) bool { return strings.HasPrefix(text, name) })
}

// longOf is how long something lasts, in its two largest units: 5 h 12 min.
func longOf(d time.Duration) string {
	unit := func(n int, name string, rest int, smaller string) string {
		text := strconv.Itoa(n) + " " + name
		if rest > 0 {
			text += " " + strconv.Itoa(rest) + " " + smaller
		}
		return text
	}
	switch {
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min"
	case d < 48*time.Hour:
		return unit(int(d.Hours()), "h", int(d.Minutes())%60, "min")
	}
	return unit(int(d.Hours())/24, "days", int(d.Hours())%24, "h")
}

// platformTitle is a platform as people write it.
func platformTitle(platform string) string {
	names := map[string]string{"meta": "Meta", "tiktok": "TikTok", "google": "Google", "reddit": "Reddit", "relay": "the other tracker", "sheets": "the sheet"}
	if name := names[platform]; name != "" {
		return name
	}
	return platform
}

// amounts are sums by currency as people read them: 127.50 USD.
func amounts(m subfive.Micros, currency string) string {
	whole, part, _ := strings.Cut(m.String(), ".")
	n, err := strconv.Atoi(whole)
	if err != nil {
		return strings.TrimSpace(m.String() + " " + currency)
	}
	return strings.TrimSpace(fmt.Sprintf("%s.%s %s", thousands(n), part, currency))
}
