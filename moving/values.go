package moving

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"subfive"
)

// maxID is the most bytes of an ID: no tracker's is a quarter of that long.
const maxID = 512

// scientific is what a spreadsheet makes of a long number.
var scientific = regexp.MustCompile(`^\d[.,]?\d*[eE]\+\d+$`)

// readID returns an ID as it is, but for white space around it; one of our own
// form in lower case, as it is looked up.
func readID(s string) (string, error) {
	s = strings.TrimSpace(s)
	switch {
	case len(s) > maxID:
		return "", fmt.Errorf("it is longer than %d bytes: no ID", maxID)
	case scientific.MatchString(s):
		return "", errors.New("a spreadsheet has rounded it; export anew and do not open the file in one, or format the column as text first")
	case strings.IndexFunc(s, unicode.IsControl) >= 0:
		return "", errors.New("it has control characters: no ID")
	case strings.HasPrefix(s, "{") && strings.HasSuffix(s, "}"):
		return "", errors.New("it is a macro that nobody filled in")
	}
	if id, ok := subfive.ParseClickID(s); ok {
		return id, nil
	}
	return s, nil
}

// layouts are the forms of a moment that say their order of year, month and day.
// What has no offset is read in the options' zone.
var layouts = []string{
	time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 -07:00",
	"2006-01-02T15:04:05-0700", "2006-01-02 15:04:05 MST",
	"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02 03:04:05 PM", "2006-01-02 03:04 PM",
	"2006/01/02 15:04:05", "2006/01/02 15:04", "2006-01-02", "2006/01/02",
	"02.01.2006 15:04:05", "02.01.2006 15:04", "02.01.2006, 15:04:05", "02.01.2006",
	"Jan 2, 2006 15:04:05", "Jan 2, 2006 03:04:05 PM", "Jan 2, 2006, 3:04:05 PM", "2 Jan 2006 15:04:05",
}

// slashed are the forms with slashes, of which nobody sees which is the month.
var slashed = []string{"15:04:05", "15:04", "3:04:05 PM", "3:04 PM", ""}

// readTime reads a moment: Unix seconds or milliseconds, or one of the layouts.
func (o Options) readTime(s string) (time.Time, error) {
	s = strings.TrimSpace(s)
	t, err := o.parseTime(s)
	switch {
	case err != nil:
		return time.Time{}, err
	case t.Year() < 2000:
		return time.Time{}, errors.New("it is before the year 2000")
	case t.After(o.Now):
		return time.Time{}, fmt.Errorf("it is in the future (%s); is the time zone right? Say it: --timezone ZONE", t.UTC().Format(time.RFC3339))
	}
	return t.UTC(), nil
}

func (o Options) parseTime(s string) (time.Time, error) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > 0 {
		const millisecondsFrom = 100_000_000_000 // as seconds that would be the year 5138
		if n >= millisecondsFrom {
			return time.UnixMilli(n), nil
		}
		return time.Unix(n, 0), nil
	}
	for _, l := range layouts {
		t, err := time.ParseInLocation(l, s, o.zone())
		if err != nil {
			continue
		}
		if name, offset := t.Zone(); strings.HasSuffix(l, " MST") && offset == 0 && name != "UTC" && name != "GMT" {
			return time.Time{}, fmt.Errorf("nobody knows for sure which offset %s is; write +00:00 or the like instead", name)
		}
		return t, nil
	}
	if strings.Count(s, "/") == 2 {
		return o.slashedTime(s)
	}
	return time.Time{}, errors.New("it is no time; write it as 2026-11-24 09:30:00")
}

// slashedTime reads 03/04/2026 10:00, where it can mean one day only.
func (o Options) slashedTime(s string) (time.Time, error) {
	parse := func(date string) (time.Time, bool) {
		for _, clock := range slashed {
			for _, gap := range []string{" ", ", "} {
				layout := date
				if clock != "" {
					layout += gap + clock
				}
				if t, err := time.ParseInLocation(layout, s, o.zone()); err == nil {
					return t, true
				}
			}
		}
		return time.Time{}, false
	}
	month, isMonth := parse("1/2/2006")
	day, isDay := parse("2/1/2006")
	switch {
	case isMonth && (o.MonthFirst || !o.DayFirst && (!isDay || month.Equal(day))):
		return month, nil
	case isDay && (o.DayFirst || !o.MonthFirst && !isMonth):
		return day, nil
	case isMonth && isDay:
		return time.Time{}, errors.New("it may mean two days; say which with --dates mdy or --dates dmy")
	case isMonth || isDay:
		return time.Time{}, errors.New("it does not fit --dates")
	}
	return time.Time{}, errors.New("it is no time; write it as 2026-11-24 09:30:00")
}

// readAmount reads an amount as spreadsheets write one: with a currency's sign,
// spaces, and a point or a comma before the decimals.
func readAmount(s string) (subfive.Micros, error) {
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Sc, r) || r == '\'' {
			return -1
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
	comma, point := strings.LastIndexByte(s, ','), strings.LastIndexByte(s, '.')
	switch {
	case comma < 0:
	case point > comma: // 1,234.50
		s = strings.ReplaceAll(s, ",", "")
	case point >= 0: // 1.234,50
		s = strings.ReplaceAll(strings.ReplaceAll(s, ".", ""), ",", ".")
	case strings.Count(s, ",") > 1: // 1,234,567
		s = strings.ReplaceAll(s, ",", "")
	case len(s)-comma-1 == 3:
		return 0, errors.New("it may mean thousands or decimals; write it with a point, such as 1234.50")
	default: // 42,50
		s = strings.Replace(s, ",", ".", 1)
	}
	return subfive.ParseMicros(s)
}

// readAddress checks an IP address.
func readAddress(s string) (string, error) {
	a, err := netip.ParseAddr(strings.TrimSpace(s))
	if err != nil {
		return "", errors.New("it is no IP address; where they are hidden, leave the column out: --map COLUMN=ignore")
	}
	return a.Unmap().String(), nil
}

// device puts a tracker's word for a device into ours.
func device(word string) string {
	w := fold(word)
	switch {
	case w == "" || w == "unknown":
		return ""
	case strings.Contains(w, "tablet"):
		return subfive.DeviceTablet
	case strings.Contains(w, "phone"), strings.HasPrefix(w, "mobile"):
		return subfive.DevicePhone
	case strings.Contains(w, "desktop"), w == "pc", w == "computer", w == "laptop":
		return subfive.DeviceDesktop
	}
	return subfive.DeviceOther
}

// system puts a tracker's word for an operating system into ours.
func system(word string) string {
	w := fold(word)
	for _, s := range []struct{ prefix, os string }{
		{"ios", "ios"},
		{"ipados", "ios"},
		{"iphoneos", "ios"},
		{"android", "android"},
		{"windows", "windows"},
		{"macos", "macos"},
		{"osx", "macos"},
		{"mac", "macos"},
		{"linux", "linux"},
		{"ubuntu", "linux"},
		{"chromeos", "chromeos"},
		{"chromiumos", "chromeos"},
	} {
		if strings.HasPrefix(w, s.prefix) {
			return s.os
		}
	}
	if w == "unknown" {
		return ""
	}
	return strings.TrimSpace(word)
}

// missing reports a cell that says nothing.
func missing(cell string) bool {
	switch strings.ToLower(strings.TrimSpace(cell)) {
	case "", "-", "null", "n/a", "na", "none", "undefined", "\\n", "(empty)", "[empty]", "(not set)",
		"replace", "optional": // BeMob's, left in a postback URL
		return true
	}
	return false
}
