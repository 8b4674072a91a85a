package export

import (
	"bufio"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"subfive"
)

// timeLayout is how a file says a moment: ISO 8601, in UTC.
const timeLayout = "2006-01-02T15:04:05.000Z"

// CSV writes comma-separated values by RFC 4180, in UTF-8, with a line of
// headers. A value that is missing is empty, an empty text is "".
//
// A text that a spreadsheet would run as a formula has a ' before it, since
// much of what is exported came from a public URL:
// https://owasp.org/www-community/attacks/CSV_Injection
type CSV struct {
	w       *bufio.Writer
	columns []subfive.Column
}

// NewCSV begins a file with the columns' names.
func NewCSV(w io.Writer, columns []subfive.Column) (*CSV, error) {
	c := &CSV{w: bufio.NewWriter(w), columns: columns}
	cells := make([]string, len(columns))
	for i, column := range columns {
		cells[i] = quote(column.Name)
	}
	return c, c.line(cells)
}

// Row writes one row, a value for each column.
func (c *CSV) Row(values []any) error {
	if err := size(c.columns, values); err != nil {
		return err
	}
	cells := make([]string, len(values))
	for i, v := range values {
		cell, err := csvCell(c.columns[i], v)
		if err != nil {
			return err
		}
		cells[i] = cell
	}
	return c.line(cells)
}

// Close ends the file; w stays open.
func (c *CSV) Close() error { return c.w.Flush() }

func (c *CSV) line(cells []string) error {
	_, err := c.w.WriteString(strings.Join(cells, ",") + "\r\n")
	return err
}

func csvCell(c subfive.Column, v any) (string, error) {
	if v == nil {
		return "", nil
	}
	switch c.Kind {
	case subfive.ColumnText:
		if s, ok := v.(string); ok {
			return quote(disarm(s)), nil
		}
	case subfive.ColumnWhole:
		if n, ok := v.(int64); ok {
			return strconv.FormatInt(n, 10), nil
		}
	case subfive.ColumnDecimal:
		if m, ok := v.(subfive.Micros); ok {
			return m.String(), nil
		}
	case subfive.ColumnRatio:
		if f, ok := v.(float64); ok {
			return strconv.FormatFloat(f, 'g', -1, 64), nil
		}
	case subfive.ColumnTime:
		if t, ok := v.(time.Time); ok {
			return t.UTC().Format(timeLayout), nil
		}
	}
	return "", wrong(c, v)
}

// disarm puts a ' before what a spreadsheet takes for a formula; full-width
// signs are one to those set to Japanese.
func disarm(s string) string {
	first, _ := utf8.DecodeRuneInString(s)
	if strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) {
		return "'" + s
	}
	return s
}

// quote quotes a cell that needs it. An empty text does: it is not a missing one.
func quote(s string) string {
	if s != "" && !strings.ContainsAny(s, "\",\r\n") && s[0] != ' ' && s[len(s)-1] != ' ' {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}
