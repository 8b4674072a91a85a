package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// pageWidth is how wide prose is set. What must be copied whole, such as a
	// URL, is never broken.
	pageWidth = 100
	// labelWidth is the column of the labels, with the space around them.
	labelWidth = 16
	// minProse is the least width into which prose is wrapped.
	minProse = 24
)

// page is text for people: titles, labeled lines, and blocks as they are.
type page struct{ b strings.Builder }

func (p *page) String() string { return p.b.String() }

// title begins a part.
func (p *page) title(text string) {
	if p.b.Len() > 0 {
		p.b.WriteByte('\n')
	}
	p.b.WriteString(plain(text) + "\n")
}

// line is a labeled line; none when there is nothing to say.
func (p *page) line(label, text string) {
	if text != "" {
		p.rows(label, [][]string{{text}})
	}
}

// rows are lines under one label whose cells are aligned. Prose is in the last
// cell: it is wrapped.
func (p *page) rows(label string, rows [][]string) {
	var widths []int
	for _, r := range rows {
		for i, cell := range r[:len(r)-1] {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(plain(cell)))
		}
	}
	for i, r := range rows {
		if i > 0 {
			label = ""
		}
		start := pad("  "+label, labelWidth)
		for j, cell := range r[:len(r)-1] {
			start += pad(plain(cell), widths[j]+2)
		}
		hang := utf8.RuneCountInString(start)
		for _, part := range wrap(plain(r[len(r)-1]), max(minProse, pageWidth-hang)) {
			p.b.WriteString(strings.TrimRight(start+part, " ") + "\n")
			start = strings.Repeat(" ", hang)
		}
	}
}

// block is text as it is, but for what a terminal must not see. With a limit,
// further lines are only counted.
func (p *page) block(text string, limit int) {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, l := range lines {
		if limit > 0 && i == limit {
			fmt.Fprintf(&p.b, "    … %d more lines: --full\n", len(lines)-i)
			return
		}
		parts := strings.Split(strings.TrimSuffix(l, "\r"), "\t")
		for j := range parts {
			parts[j] = plain(parts[j])
		}
		p.b.WriteString(strings.TrimRight("    "+strings.Join(parts, "\t"), " ") + "\n")
	}
}

// wrap breaks text at spaces into lines of at most width characters, but for
// longer words. It returns at least one line.
func wrap(text string, width int) []string {
	var lines []string
	line, used := "", 0
	for i, word := range strings.Split(text, " ") {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
			line, used = word, n
		case used+1+n > width && strings.TrimSpace(line) != "":
			lines = append(lines, line)
			line, used = word, n
		default:
			line, used = line+" "+word, used+1+n
		}
	}
	return append(lines, line)
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}

// indented is a body for people: JSON with a field a line, all else as it is.
func indented(body string) string {
	var out bytes.Buffer
	if json.Indent(&out, []byte(body), "", "  ") != nil {
		return body
	}
	return out.String()
}

// utc is a moment with its zone, "" for none.
func utc(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return moment(t) + " UTC"
}

// span is a length of time in the two units that matter.
func span(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + span(-d)
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Hour:
		return d.Round(time.Second).String()
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%dm", int(d.Hours()), int(d.Minutes())%60)
	}
	days, hours := int(d.Hours())/24, int(d.Hours())%24
	if hours == 0 {
		return fmt.Sprintf("%dd", days)
	}
	return fmt.Sprintf("%dd%dh", days, hours)
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
