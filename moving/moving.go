// Package moving reads what other trackers export, for a move to this one: their
// clicks, their conversions and their campaigns become the words of the root.
//
// It reads values and says what is wrong with each row. It records nothing,
// opens no file and asks no tracker's API: what is read is decided by package
// attribution, and a person looks at the campaigns before they are applied.
package moving

import (
	"time"
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
