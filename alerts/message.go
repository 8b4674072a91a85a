package alerts

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"subfive"
)

// Message is what a channel is given: one alert, or a digest of several.
type Message struct {
	SentAt time.Time
	Host   string
	Items  []Item
}

// Item is what a message tells of one alert.
type Item struct {
	Event   subfive.AlertEvent `json:"event"`
	ID      string             `json:"alert_id,omitempty"`
	Rule    string             `json:"rule,omitempty"`
	Subject string             `json:"subject,omitempty"`
	What    string             `json:"what"` // of one that recovered: what it was
	Do      string             `json:"do,omitempty"`
	See     string             `json:"see,omitempty"`
	Link    string             `json:"link,omitempty"`
	Since   time.Time          `json:"since,omitzero"` // since when it is, or was, so
	At      time.Time          `json:"at"`             // when it fired, was repeated, or recovered
}

// Title is one line.
func (m Message) Title() string {
	if len(m.Items) != 1 {
		return fmt.Sprintf("subfive: %d alerts", len(m.Items))
	}
	i := m.Items[0]
	title := "subfive: " + word(i.Event)
	if i.Rule != "" {
		title += " " + strings.TrimSpace(strings.ReplaceAll(i.Rule, "_", " ")+" "+i.Subject)
	}
	return title
}

func word(e subfive.AlertEvent) string {
	switch e {
	case subfive.EventFired:
		return "alert"
	case subfive.EventStill:
		return "still"
	case subfive.EventRecovered:
		return "recovered"
	case subfive.EventTest:
		return "test"
	}
	return string(e)
}

// Text is the message for people, without its title.
func (m Message) Text() string {
	var b strings.Builder
	for n, i := range m.Items {
		if n > 0 {
			b.WriteString("\n")
		}
		if len(m.Items) > 1 {
			fmt.Fprintln(&b, strings.TrimPrefix(Message{Items: m.Items[n : n+1]}.Title(), "subfive: "))
		}
		if i.Event == subfive.EventRecovered {
			fmt.Fprintf(&b, "It is over since %s, after %s. It was: %s\n", utc(i.At), span(i.At, i.Since), i.What)
			continue
		}
		fmt.Fprintf(&b, "%s\n", i.What)
		if i.Event != subfive.EventTest {
			fmt.Fprintf(&b, "Since: %s\n", utc(i.Since))
		}
		fmt.Fprintf(&b, "What to do: %s\n", i.Do)
		fmt.Fprintf(&b, "See: %s\n", i.See)
		if i.Link != "" {
			fmt.Fprintln(&b, i.Link)
		}
	}
	if m.Host != "" {
		fmt.Fprintf(&b, "-- subfive on %s\n", m.Host)
	}
	return b.String()
}

func utc(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") + " UTC" }

// shellWord returns text from outside as one word of a command line: a shell
// that it is pasted into runs nothing of it.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r)
	}
	if s != "" && strings.TrimLeftFunc(s, plain) == "" {
		return s
	}
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) { // pasted, such a character may end the paste
		escaped := strconv.Quote(s)
		return "$'" + strings.ReplaceAll(escaped[1:len(escaped)-1], "'", `\'`) + "'"
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
