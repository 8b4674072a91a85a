package costs

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"

	"subfive"
)

// Decimal is the mark before the decimals of a table's numbers.
type Decimal string

// The marks. DecimalUnknown: no number of the table tells.
const (
	DecimalUnknown Decimal = ""
	DecimalPoint   Decimal = "point"
	DecimalComma   Decimal = "comma"
)

// What is wrong with a table as a whole.
var (
	// ErrMixed: its numbers have points and commas before their decimals.
	ErrMixed = errors.New("some numbers have a point before the decimals and some a comma")
	// ErrRounded: the last digits of all its IDs are zeros.
	ErrRounded = errors.New("a spreadsheet has rounded the IDs, whose last digits are all zeros; export anew and do not open the file in one")
)

// bare takes what is no part of a number away: white space, currencies, quotes
// that keep a spreadsheet from reading it.
func bare(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.Is(unicode.Sc, r), r == '\'', r == '’':
			return -1
		case r == '−':
			return '-'
		}
		return r
	}, s)
	if n := len(s); n > 3 {
		if _, ok := subfive.Currency(s[n-3:]); ok {
			s = s[:n-3]
		} else if _, ok := subfive.Currency(s[:3]); ok {
			s = s[3:]
		}
	}
	return s
}

// isNone reports a cell that says nothing: empty, or a dash as the platforms
// write one.
func isNone(cell string) bool {
	switch strings.ToLower(strings.TrimSpace(cell)) {
	case "", "-", "--", "—", "–", "n/a", "na", "null", "none":
		return true
	}
	return false
}

// marks says what one number tells of the mark before the decimals: whole is for
// a number that has none. What is no number tells nothing.
func marks(number string, whole bool) Decimal {
	d := marksOf(number, whole)
	if d == DecimalUnknown {
		return d
	}
	if _, err := readNumber(number, d); err != nil {
		return DecimalUnknown
	}
	return d
}

func marksOf(number string, whole bool) Decimal {
	s := strings.TrimLeft(bare(number), "-+")
	point, comma := strings.Count(s, "."), strings.Count(s, ",")
	switch {
	case point == 0 && comma == 0:
		return DecimalUnknown
	case point > 0 && comma > 0:
		if strings.LastIndexByte(s, '.') > strings.LastIndexByte(s, ',') {
			return DecimalPoint
		}
		return DecimalComma
	case point > 1:
		return DecimalComma
	case comma > 1:
		return DecimalPoint
	}
	mark, other, at := DecimalPoint, DecimalComma, strings.IndexAny(s, ".,")
	if s[at] == ',' {
		mark, other = other, mark
	}
	grouped := len(s)-at-1 == 3 && at >= 1 && at <= 3 && s[0] != '0'
	switch {
	case !grouped:
		return mark
	case whole:
		return other
	}
	return DecimalUnknown
}

// readNumber reads a number exactly, with a mark or none before its decimals,
// and thousands apart or not.
func readNumber(cell string, d Decimal) (subfive.Micros, error) {
	s := bare(cell)
	if d == DecimalUnknown {
		if d = marks(s, false); d == DecimalUnknown && strings.ContainsAny(s, ".,") {
			return 0, errors.New("it may mean thousands or decimals, and no other number of the table tells; say it: --decimal point or --decimal comma")
		}
	}
	group, decimal := ",", "."
	if d == DecimalComma {
		group, decimal = decimal, group
	}
	whole, frac, hasFrac := strings.Cut(s, decimal)
	if strings.Contains(whole, group) {
		parts := strings.Split(strings.TrimLeft(whole, "-+"), group)
		for i, part := range parts {
			fits := len(part) == 3 // the last is; in India those before it have two digits
			switch {
			case i == 0:
				fits = part != "" && len(part) <= 3
			case i < len(parts)-1:
				fits = fits || len(part) == 2
			}
			if !fits {
				return 0, fmt.Errorf("it is no number with a %s before its decimals", d)
			}
		}
		whole = strings.ReplaceAll(whole, group, "")
	}
	if hasFrac {
		whole += "." + frac
	}
	n, err := subfive.ParseMicros(whole)
	if err != nil {
		return 0, fmt.Errorf("it is %w", err)
	}
	return n, nil
}

const unit = 1_000_000

// readCount reads a whole number that is not negative; with round, parts are
// rounded half up.
func readCount(cell string, d Decimal, round bool) (int64, error) {
	if isNone(cell) {
		return 0, nil
	}
	if marks(cell, true) != DecimalUnknown && d == DecimalUnknown && !round {
		d = marks(cell, true)
	}
	n, err := readNumber(cell, d)
	switch {
	case err != nil:
		return 0, err
	case n < 0:
		return 0, errors.New("it is negative")
	case !round && n%unit != 0:
		return 0, errors.New("it is no whole number")
	}
	return (int64(n) + unit/2) / unit, nil
}

// scientific is what a spreadsheet makes of a long number.
var scientific = regexp.MustCompile(`^\d[.,]?\d*[eE]\+\d+$`)

// typed are IDs as Meta's bulk export writes them: cg:123 (campaign), c:123 (ad
// set), a:123 (ad).
var typed = regexp.MustCompile(`^(?:cg|c|a):(\d+)$`)

// readID returns an ID as a link brings it.
func readID(cell string) (string, error) {
	s := unquoted(cell)
	if isNone(s) {
		return "", nil
	}
	if m := typed.FindStringSubmatch(s); m != nil {
		s = m[1]
	}
	switch {
	case len(s) > subfive.MaxKeyBytes:
		return "", fmt.Errorf("it is longer than %d bytes: no ID", subfive.MaxKeyBytes)
	case scientific.MatchString(s):
		return "", errors.New("a spreadsheet has rounded it; export anew and do not open the file in one")
	case strings.IndexFunc(s, unicode.IsControl) >= 0:
		return "", errors.New("it has control characters: no ID")
	}
	return s, nil
}

// unquoted takes away how a table keeps a spreadsheet from reading a number:
// ="123" and '123.
func unquoted(cell string) string {
	s := strings.TrimSpace(cell)
	if inner, ok := strings.CutPrefix(s, `="`); ok && strings.HasSuffix(inner, `"`) {
		return strings.TrimSuffix(inner, `"`)
	}
	return strings.TrimPrefix(s, "'")
}

// Dates says what 03/04/2026 means.
type Dates string

// The orders. DatesUnknown: such a date is refused where it may mean two days.
const (
	DatesUnknown Dates = ""
	MonthFirst   Dates = "mdy"
	DayFirst     Dates = "dmy"
)

// layouts are the forms of a day that say their order of year, month and day.
var layouts = []string{
	time.DateOnly, "2006-01-02 15:04:05", "2006-01-02T15:04:05", time.RFC3339, "2006-01-02 15:04", "20060102", "2006/01/02", "2006/1/2",
	"Jan 2, 2006", "January 2, 2006", "Monday, January 2, 2006", "Mon, Jan 2, 2006", "2 Jan 2006", "2-Jan-2006", "02.01.2006", "2.1.2006",
}

// readDay reads a day. No day can be later than latest.
func readDay(cell string, order Dates, latest time.Time) (string, error) {
	t, err := parseDay(unquoted(cell), order)
	switch {
	case err != nil:
		return "", err
	case t.Year() < 2000:
		return "", errors.New("it is before the year 2000")
	case t.After(latest):
		return "", errors.New("it is in the future")
	}
	return t.Format(time.DateOnly), nil
}

func parseDay(s string, order Dates) (time.Time, error) {
	for _, l := range layouts {
		if t, err := time.Parse(l, s); err == nil {
			return t, nil
		}
	}
	month, isMonth := parses("1/2/2006", s)
	day, isDay := parses("2/1/2006", s)
	switch {
	case !isMonth && !isDay:
		return time.Time{}, errors.New("it is no day; write it as 2026-11-24")
	case isMonth && (order == MonthFirst || order == DatesUnknown && !isDay || isDay && day.Equal(month)):
		return month, nil
	case isDay && (order == DayFirst || order == DatesUnknown && !isMonth):
		return day, nil
	case order == DatesUnknown:
		return time.Time{}, errors.New("it may mean two days; say which: --dates mdy or --dates dmy")
	}
	return time.Time{}, errors.New("it does not fit --dates")
}

func parses(layout, s string) (time.Time, bool) {
	t, err := time.Parse(layout, s)
	return t, err == nil
}

var (
	errSpan          = errors.New("the row spans several days; export with a breakdown by day")
	errCurrency      = errors.New("it is no currency; write its code, such as USD")
	errTwoCurrencies = errors.New("it is not the currency that the header of the spend names")
)
