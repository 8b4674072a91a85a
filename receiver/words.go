package receiver

import (
	"strconv"
	"strings"
	"time"

	"subfive"
)

// status returns what a network's or a rival's word means.
func status(word string) subfive.Status { return subfive.StatusOf(innermost(word)) }

// isCPC reports whether a type says that a click was paid, not a conversion.
func isCPC(word string) bool {
	switch fold(word) {
	case "cpc", "click", "clicks":
		return true
	}
	return false
}

// isBase reports whether a goal that was given is the conversion itself.
func isBase(word string) bool {
	return word == "" || word == "0" || strings.EqualFold(word, subfive.GoalBase)
}

// goalOfType returns the goal in a rival's conversion type; words that only say
// "a conversion" are none.
func goalOfType(word string) string {
	switch fold(word) {
	case "", "conversion", "event", "cpc", "click", "clicks":
		return ""
	case subfive.GoalBase:
		return subfive.GoalBase
	}
	return word
}

func isTrue(word string) bool {
	switch strings.ToLower(word) {
	case "1", "true", "yes":
		return true
	}
	return false
}

func isFalse(word string) bool {
	switch strings.ToLower(word) {
	case "0", "false", "no":
		return true
	}
	return false
}

// networkTime reads Unix seconds or milliseconds, or RFC 3339; anything else is
// the zero time.
func networkTime(s string) time.Time {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		const (
			millisecondsFrom = 100_000_000_000     // as seconds that would be the year 5138
			millisecondsTo   = 100_000_000_000_000 // as milliseconds too
		)
		switch {
		case n <= 0 || n >= millisecondsTo:
			return time.Time{}
		case n >= millisecondsFrom:
			return time.UnixMilli(n).UTC()
		}
		return time.Unix(n, 0).UTC()
	}
	// In a query, the "+" of an offset arrives as a space.
	if i := strings.LastIndexByte(s, ' '); i > len("2006-01-02 ") {
		s = s[:i] + "+" + s[i+1:]
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.Year() < 1970 {
		return time.Time{}
	}
	return t.UTC()
}
