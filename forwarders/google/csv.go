package google

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"subfive"
)

// Flavor is who reads a file: Google has two readers, and they differ.
type Flavor string

// The flavors of a file.
const (
	// FlavorBulk is for Goals > Conversions > Uploads, by hand or on a schedule.
	// (Google Ads Help, answer 7014069.)
	FlavorBulk Flavor = "bulk"
	// FlavorDataManager is for the connectors of Google Ads' Data manager: the
	// headers come first, and times are ISO 8601. (Google Ads Data Manager Help,
	// answer 14184381.)
	FlavorDataManager Flavor = "data-manager"
)

// FileConfig says what a file looks like.
type FileConfig struct {
	Flavor Flavor
	// ClickID is the one kind of click ID in the file: gclid, gbraid or wbraid.
	// Sources disagree on files that mix them. A file of adjustments has none.
	ClickID string
	// ConversionName is the conversion action's name as Google Ads shows it; it
	// is case-sensitive. Empty: each delivery's event name.
	ConversionName string
	// TimeZone is what times are written in: a name of the tz database, or an
	// offset such as -0300. Each time has its offset, so that none is ambiguous
	// when clocks go back. Empty: UTC.
	TimeZone string
	// Now is when the file is made: Google takes nothing that is too old then.
	Now time.Time
}

// file is what both kinds of file share.
type file struct {
	c    FileConfig
	zone *time.Location
	out  *bufio.Writer
}

func newFile(w io.Writer, c FileConfig, head ...string) (*file, error) {
	zone, err := parseZone(c.TimeZone)
	if err != nil {
		return nil, err
	}
	switch c.Flavor {
	case FlavorBulk, FlavorDataManager:
	default:
		return nil, fmt.Errorf("flavor %q is neither %s nor %s", c.Flavor, FlavorBulk, FlavorDataManager)
	}
	if bad := checkActionName(c.ConversionName); c.ConversionName != "" && bad != "" {
		return nil, fmt.Errorf("%s: it is the name that Google Ads shows", bad)
	}
	f := &file{c: c, zone: zone, out: bufio.NewWriter(w)}
	if c.Flavor == FlavorBulk && c.TimeZone != "" {
		if _, err := f.out.WriteString("Parameters:TimeZone=" + c.TimeZone + "\n"); err != nil {
			return nil, err
		}
	}
	return f, f.row(head...)
}

// parseZone reads what Google takes as a time zone.
func parseZone(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	if at, err := time.Parse("-0700", name); err == nil {
		_, seconds := at.Zone()
		return time.FixedZone("", seconds), nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, fmt.Errorf("time zone %q is neither a name such as America/New_York nor an offset such as -0300", name)
	}
	return zone, nil
}

func (f *file) row(cells ...string) error {
	line := make([]string, len(cells))
	for i, c := range cells {
		line[i] = csvCell(c)
	}
	_, err := f.out.WriteString(strings.Join(line, ",") + "\n")
	return err
}

// csvCell is a cell by RFC 4180. A text that a spreadsheet might take for a
// formula is quoted as well: Google wants it unchanged.
func csvCell(s string) string {
	if s == "" || !strings.ContainsAny(s, "\",\r\n") && !strings.ContainsRune("=+-@\t ", rune(s[0])) && !strings.HasSuffix(s, " ") {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

// Close writes what is left. It does not close the writer.
func (f *file) Close() error { return f.out.Flush() }

// at is a moment as the flavor wants it, to the second.
func (f *file) at(t time.Time) string {
	layout := "2006-01-02 15:04:05-0700"
	if f.c.Flavor == FlavorDataManager {
		layout = time.RFC3339
	}
	return t.In(f.zone).Format(layout)
}

// name is the conversion action's, or why there is none.
func (f *file) name(d subfive.Delivery) (name, bad string) {
	if f.c.ConversionName != "" {
		return f.c.ConversionName, ""
	}
	return d.EventName, checkActionName(d.EventName)
}

func checkActionName(name string) (bad string) {
	switch {
	case name == "":
		return "no conversion name"
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return "the conversion name holds what no name in Google Ads can"
	}
	return ""
}

// ConversionFile writes Google's file of conversions from clicks, row by row.
type ConversionFile struct{ *file }

// NewConversionFile begins a file, with its headers. A wrong flavor, kind of
// click ID, name or time zone is an error.
func NewConversionFile(w io.Writer, c FileConfig) (*ConversionFile, error) {
	head := map[string]string{paramGCLID: "Google Click ID", paramGBRAID: "GBRAID", paramWBRAID: "WBRAID"}[c.ClickID]
	if head == "" {
		return nil, fmt.Errorf("click ID %q is none of %s, %s and %s", c.ClickID, paramGCLID, paramGBRAID, paramWBRAID)
	}
	f, err := newFile(w, c, head, "Conversion Name", "Conversion Time", "Conversion Value", "Conversion Currency", "Order ID", "Ad User Data", "Ad Personalization")
	if err != nil {
		return nil, err
	}
	return &ConversionFile{f}, nil
}

// Add writes a delivery's conversion as one row, with the value and time that
// were frozen on it, whatever became of the delivery: Google tells repeats by
// the order ID, and the API's by the same. leftOut says why there is no row.
func (f *ConversionFile) Add(d subfive.Delivery) (leftOut string, err error) {
	at := second(d)
	id, badID := f.clickID(d)
	name, badName := f.name(d)
	amount, currency, badValue := moneyCells(d.Value)
	if leftOut = cmp.Or(unowed(d), badID, badName, f.untimely(d, at), badValue); leftOut != "" {
		return leftOut, nil
	}
	return "", f.row(id, name, f.at(at), amount, currency, fileOrderID(d), consentCell(d, consentUserData), consentCell(d, consentPersonalization))
}

// unowed says why Google is owed no row for a delivery, or "".
func unowed(d subfive.Delivery) string {
	switch {
	case d.Kind != subfive.KindConversion:
		return "not the conversion itself"
	case d.Status == subfive.DeliverySkipped:
		return "skipped: " + d.ReasonCode
	case d.Conversion.IsTest:
		return "a test"
	case d.Conversion.Status == subfive.StatusRejected:
		return "the network rejected it; if Google has it already, a file of adjustments takes it back"
	}
	return ""
}

// untimely says why Google takes nothing of that time, or "".
func (f *ConversionFile) untimely(d subfive.Delivery, at time.Time) string {
	switch {
	case at.Year() < 2000 || at.Year() > 9999:
		return "no conversion time, or one before the year 2000"
	case d.Click != nil && f.c.Now.Sub(d.Click.ClickedAt) > maxAge:
		return "the click is more than 90 days old, and Google takes nothing of it any more"
	}
	return ""
}

// clickID returns the click's ID if the file is for its kind: Google takes one,
// and a gclid says more than the others.
func (f *ConversionFile) clickID(d subfive.Delivery) (id, leftOut string) {
	param, id := clickOf(d).param()
	switch {
	case param == "":
		return "", "no gclid, gbraid or wbraid"
	case param != f.c.ClickID:
		return "", "its click has a " + param + ": that is another file"
	case !safeClickID(id):
		return "", "its " + param + " is not one of Google's: it holds other characters than letters, digits and _.-, is longer than 512, or begins with -"
	}
	return id, ""
}

// param is the parameter that brought the ID, "" for none.
func (c clickID) param() (name, id string) {
	switch {
	case c.GCLID != "":
		return paramGCLID, c.GCLID
	case c.GBRAID != "":
		return paramGBRAID, c.GBRAID
	case c.WBRAID != "":
		return paramWBRAID, c.WBRAID
	}
	return "", ""
}

// safeClickID reports whether a click ID may stand in a file that people open: it
// came from a public URL, and anybody can write a formula there.
func safeClickID(id string) bool {
	if id == "" || len(id) > 512 || id[0] == '-' {
		return false
	}
	return strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == ""
}

// fileOrderID is what Google tells repeats by, in the API's words the transaction
// ID: what is told in a test has one of its own, and a file is no test.
func fileOrderID(d subfive.Delivery) string {
	if d.Mode == subfive.ModeTest || d.EventID == "" {
		return d.ConversionID
	}
	return d.EventID
}

// moneyCells are a value's two cells, or why it has none. No value leaves it to
// the conversion action.
func moneyCells(v *subfive.Money) (amount, currency, bad string) {
	amount, currency, err := worth(v)
	if err != nil {
		return "", "", err.Error()
	}
	return amount, currency, ""
}

// consentCell is what the visitor said, in the file's words.
func consentCell(d subfive.Delivery, name string) string {
	return map[string]string{"GRANTED": "Granted", "DENIED": "Denied"}[consented(d, name)]
}
