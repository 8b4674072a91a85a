package story

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"subfive"
)

// Line is what is known under one name: rows whose cells belong together, prose
// in the last one.
type Line struct {
	Label string     `json:"label"`
	Rows  [][]string `json:"rows"`
}

// lines collects lines that say something.
type lines []Line

func (l *lines) add(label, text string) {
	if text != "" {
		*l = append(*l, Line{label, [][]string{{text}}})
	}
}

func (l *lines) rows(label string, rows [][]string) {
	if len(rows) > 0 {
		*l = append(*l, Line{label, rows})
	}
}

// joined puts the parts that say something after each other.
func joined(sep string, parts ...string) string {
	var said []string
	for _, part := range parts {
		if part != "" {
			said = append(said, part)
		}
	}
	return strings.Join(said, sep)
}

// named is a word before a text, "" for no text.
func named(word, text string) string {
	if text == "" {
		return ""
	}
	return word + " " + text
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// at is a moment, "" for none.
func at(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateTime)
}

// utc is a moment with its zone, "" for none.
func utc(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return at(t) + " UTC"
}

// span is a length of time in the two units that matter.
func span(d time.Duration) string {
	two := func(a time.Duration, unit string, b time.Duration, small string) string {
		text := fmt.Sprintf("%d %s", a, unit)
		if b > 0 {
			text += fmt.Sprintf(" %d %s", b, small)
		}
		return text
	}
	switch {
	case d < 0:
		return "-" + span(-d)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", d.Seconds()), ".0") + " s"
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return two(d/time.Minute, "min", d%time.Minute/time.Second, "s")
	case d < 48*time.Hour:
		return two(d/time.Hour, "h", d%time.Hour/time.Minute, "min")
	}
	return two(d/(24*time.Hour), "d", d%(24*time.Hour)/time.Hour, "h")
}

// amount is money with its code, "" for none.
func amount(m *subfive.Micros, currency string) string {
	if m == nil {
		return ""
	}
	return strings.TrimSpace(m.String() + " " + currency)
}

// money is an amount as a headline has it, "" for none.
func money(m *subfive.Micros, currency string) string {
	sign, known := map[string]string{"USD": "$", "EUR": "€", "GBP": "£"}[currency]
	if m == nil || !known {
		return amount(m, currency)
	}
	text := m.String()
	if negative, is := strings.CutPrefix(text, "-"); is {
		return "-" + sign + negative
	}
	return sign + text
}

// ordinal is a number's word where it has a short one.
func ordinal(n int) string {
	words := []string{"first", "second", "third", "fourth", "fifth"}
	if n >= 1 && n <= len(words) {
		return words[n-1]
	}
	return fmt.Sprintf("%d.", n)
}

// platformName is a platform as it writes itself.
func platformName(platform string) string {
	switch platform {
	case "tiktok":
		return "TikTok"
	case "google":
		return "Google Ads"
	case "":
		return "The destination"
	}
	return capital(platform)
}

// capital begins a sentence.
func capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return ""
	}
	return string(unicode.ToUpper(r)) + s[n:]
}
