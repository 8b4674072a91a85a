package subfive

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Rejection says what is wrong with one row of an imported file.
type Rejection struct {
	Line   int    // of the file, from 1
	Column string // as the header has it; "": the row as a whole
	Value  string // clipped
	Reason string // what is wrong, and what to do
}

// Error returns line, column, value and reason.
func (r *Rejection) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "line %d", r.Line)
	if r.Column != "" {
		fmt.Fprintf(&b, ", column %s", r.Column)
	}
	if r.Value != "" {
		fmt.Fprintf(&b, ", %q", r.Value)
	}
	return b.String() + ": " + r.Reason
}

// Clip shortens what was written, for a message of one line.
func Clip(s string) string {
	const most = 60
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}
