// Package costs reads what ads cost, as the platforms' ads managers export it,
// and rates of exchange, as central banks publish them.
//
// It reads values and says what is wrong with each row. It opens no file, asks
// no platform and records nothing: whose account a table is of, and what becomes
// of a day that is there already, is decided by who calls it. Amounts are exact.
package costs

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"subfive"
)

// Platform is whose ads manager wrote a table.
type Platform string

// The platforms. Generic is any table whose columns have plain names.
const (
	Meta    Platform = "meta"
	TikTok  Platform = "tiktok"
	Google  Platform = "google"
	Reddit  Platform = "reddit"
	Generic Platform = "generic"
)

// Platforms lists them, Generic last.
func Platforms() []Platform { return []Platform{Meta, TikTok, Google, Reddit, Generic} }

// Row is one row of a table.
type Row struct {
	Line  int
	Cells []string // as many as the table has columns
}

// Cost is what one row says.
type Cost struct {
	Day       string // 2006-01-02, in the account's own time zone
	AccountID string // "" where the table has none; digits alone where the platform's are
	Ad        subfive.Ad
	// Spend's currency is "" where the table does not say.
	Spend       subfive.Money
	Impressions int64
	Clicks      int64 // those that led to the page, where the platform counts them apart
	Conversions int64 // as the platform counts them; parts of one are rounded
	Value       subfive.Micros
}

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

// AccountID brings a platform's account ID into one form: act_123, 123-456-7890
// and 1234567890 are the same account, whoever wrote it.
func AccountID(id string) string {
	id = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(id)), "act_")
	if plain := strings.ReplaceAll(id, "-", ""); isDigits(plain) {
		return plain
	}
	return id
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
