// Package moving reads what other trackers export, for a move to this one: their
// clicks, their conversions and their campaigns become the words of the root.
//
// It reads values and says what is wrong with each row. It records nothing,
// opens no file and asks no tracker's API: what is read is decided by package
// attribution, and a person looks at the campaigns before they are applied.
package moving

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Rival is a tracker that is moved from.
type Rival string

// The rivals. Generic is any table whose columns have plain names.
const (
	RedTrack Rival = "redtrack"
	Voluum   Rival = "voluum"
	BeMob    Rival = "bemob"
	Binom    Rival = "binom"
	AnyTrack Rival = "anytrack"
	Keitaro  Rival = "keitaro"
	Generic  Rival = "generic"
)

// Rivals lists them, Generic last.
func Rivals() []Rival {
	return []Rival{RedTrack, Voluum, BeMob, Binom, AnyTrack, Keitaro, Generic}
}

// Kind is what a table holds.
type Kind string

// The kinds.
const (
	Clicks      Kind = "clicks"
	Conversions Kind = "conversions"
	Campaigns   Kind = "campaigns"
)

// Rejection says what is wrong with one row.
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

// maxShown is how much of a value a rejection shows.
const maxShown = 60

func clip(s string) string {
	if utf8.RuneCountInString(s) <= maxShown {
		return s
	}
	return string([]rune(s)[:maxShown-1]) + "…"
}

// Options say how a table's values are read.
type Options struct {
	// Zone is that of times that name none; nil: UTC.
	Zone *time.Location
	// DayFirst and MonthFirst say what 03/04/2026 means; with neither such a date
	// is refused where it may mean both.
	DayFirst, MonthFirst bool
	// Now is when the table is read: nothing in it can be later.
	Now time.Time
	// Country returns an ISO 3166 code in capitals for a code or a name, "" for
	// what is no country.
	Country func(string) string
}

func (o Options) zone() *time.Location {
	if o.Zone == nil {
		return time.UTC
	}
	return o.Zone
}
