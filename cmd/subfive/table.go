package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"subfive"
)

// timeLayout is how people see a moment: always UTC.
const timeLayout = "2006-01-02 15:04:05"

// rowWriter writes an answer row by row in one of the forms that commands know.
// Nothing is certain to be out before close.
type rowWriter interface {
	head(columns []string) error
	row(values []any) error
	close() error
}

// widthRows is how many rows decide how wide a table's columns are: an answer of
// any length needs no more memory than these.
const widthRows = 1000

// maxCell is the most characters of a table's cell. IDs and times are shorter;
// whoever needs all of a longer one takes --json.
const maxCell = 80

// tableWriter aligns columns for people.
type tableWriter struct {
	w      io.Writer
	rows   [][]string // not yet written, the head first
	widths []int      // nil until known
}

func (t *tableWriter) head(columns []string) error {
	cells := make([]string, len(columns))
	for i, c := range columns {
		cells[i] = strings.ToUpper(plain(c))
	}
	t.rows = append(t.rows, cells)
	return nil
}

func (t *tableWriter) row(values []any) error {
	cells := make([]string, len(values))
	for i, v := range values {
		cells[i] = clip(plain(cellText(v)), maxCell)
	}
	if t.widths != nil {
		return t.write(cells)
	}
	t.rows = append(t.rows, cells)
	if len(t.rows) <= widthRows {
		return nil
	}
	return t.flush()
}

func (t *tableWriter) flush() error {
	for _, r := range t.rows {
		for i, cell := range r {
			if i == len(t.widths) {
				t.widths = append(t.widths, 0)
			}
			t.widths[i] = max(t.widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, r := range t.rows {
		if err := t.write(r); err != nil {
			return err
		}
	}
	t.rows = nil
	return nil
}

func (t *tableWriter) write(cells []string) error {
	var line strings.Builder
	for i, cell := range cells {
		if i > 0 {
			line.WriteString("  ")
		}
		line.WriteString(cell)
		line.WriteString(strings.Repeat(" ", max(0, t.widths[i]-utf8.RuneCountInString(cell))))
	}
	_, err := fmt.Fprintln(t.w, strings.TrimRight(line.String(), " "))
	return err
}

func (t *tableWriter) close() error { return t.flush() }

// csvWriter writes comma-separated values as RFC 4180 has them, but with plain
// line ends. Values are exact: nothing is put before a "=".
type csvWriter struct{ w *csv.Writer }

func newCSVWriter(w io.Writer) *csvWriter { return &csvWriter{csv.NewWriter(w)} }

func (c *csvWriter) head(columns []string) error { return c.w.Write(columns) }

func (c *csvWriter) row(values []any) error {
	cells := make([]string, len(values))
	for i, v := range values {
		cells[i] = cellText(v)
	}
	return c.w.Write(cells)
}

func (c *csvWriter) close() error {
	c.w.Flush()
	return c.w.Error()
}

// jsonWriter writes one object a line, its keys in the columns' order.
type jsonWriter struct {
	w    io.Writer
	keys [][]byte
}

func (j *jsonWriter) head(columns []string) error {
	seen := map[string]bool{}
	for _, c := range columns {
		if seen[c] {
			return fmt.Errorf("two columns are called %q: name them apart with AS", c)
		}
		seen[c] = true
		key, err := json.Marshal(c)
		if err != nil {
			return err
		}
		j.keys = append(j.keys, key)
	}
	return nil
}

func (j *jsonWriter) row(values []any) error {
	line := []byte{'{'}
	for i, v := range values {
		if i > 0 {
			line = append(line, ',')
		}
		if at, ok := v.(time.Time); ok {
			v = at.UTC().Format("2006-01-02T15:04:05.000Z") // as the lists have them
		}
		value, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("column %s: %w", j.keys[i], err)
		}
		line = append(append(append(line, j.keys[i]...), ':'), value...)
	}
	_, err := j.w.Write(append(line, '}', '\n'))
	return err
}

func (j *jsonWriter) close() error { return nil }

// writeJSONLine writes v on one line.
func writeJSONLine(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// writeJSON writes v indented.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// cellText is a value as text: nothing for NULL, moments in UTC.
func cellText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case time.Time:
		return moment(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	}
	return fmt.Sprint(v)
}

// moment is a time for people, "" for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeLayout)
}

// plain makes text from outside safe for a terminal: whoever sends a postback
// or a click could otherwise move the cursor or recolor the screen.
func plain(s string) string {
	if strings.IndexFunc(s, unprintable) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unprintable(r):
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// clip shortens s to at most n characters.
func clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// isTerminal reports whether a person sees w, so that progress is welcome.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}

// parseWhen reads a moment as people give it: a length of time before now (24h,
// 7d), a day in UTC, or an RFC 3339 time.
func parseWhen(s string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339Nano} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	d, err := subfive.ParseDuration(s)
	if err != nil || d <= 0 {
		return time.Time{}, fmt.Errorf("%q is not a time such as 24h, 7d, 2026-11-20 or 2026-11-20T15:04:05Z", s)
	}
	return now.Add(-d), nil
}
