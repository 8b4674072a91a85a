// Package costs reads what ads cost, as the platforms' ads managers export it,
// and rates of exchange, as central banks publish them.
//
// It reads values and says what is wrong with each row. It opens no file, asks
// no platform and records nothing: whose account a table is of, and what becomes
// of a day that is there already, is decided by who calls it. Amounts are exact.
package costs

import (
	"strings"

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
