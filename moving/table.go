package moving

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"subfive"
)

// The bounds of one row: what is beyond them is no row but a quote that nobody
// closed.
const (
	maxRowBytes = 1 << 20
	maxRowLines = 100
)

// Table reads a table row by row, whatever program wrote it: with commas,
// semicolons, tabs or bars; UTF-8 or UTF-16; with or without a byte order mark.
// It holds one row in memory.
type Table struct {
	Header []string

	comma   rune
	in      *bufio.Reader
	line    int      // of the last line read
	pending []string // lines read and not used
	cells   *bufio.Reader
}

// Row is one row of a table.
type Row struct {
	Line  int
	Cells []string // as many as the header has
	Raw   string   // as it was, without the line's end
}

// ErrNoHeader says that a table has no line that names its columns.
var ErrNoHeader = errors.New("the first line names no columns")

// commentPrefix begins a line that is no row: what WriteRejected wrote beside
// the rows.
const commentPrefix = "# line "

// NewTable reads the header.
func NewTable(r io.Reader) (*Table, error) {
	return NewTableBelow(r, func([]string) bool { return true })
}

// maxAbove is how many lines may stand above a header.
const maxAbove = 50

// NewTableBelow is NewTable for a report with a title and the like above its
// header, which is the first line whose cells isHeader takes for one.
func NewTableBelow(r io.Reader, isHeader func(cells []string) bool) (*Table, error) {
	in, err := utf8Reader(r)
	if err != nil {
		return nil, err
	}
	t := &Table{in: in, cells: bufio.NewReaderSize(strings.NewReader(""), 4096)}
	for said := false; ; {
		line, err := t.next()
		if errors.Is(err, io.EOF) || t.line > maxAbove {
			return nil, ErrNoHeader
		}
		if err != nil {
			return nil, err
		}
		trimmed := strings.TrimSpace(line)
		if given, ok := strings.CutPrefix(strings.ToLower(trimmed), "sep="); ok && len(given) == 1 {
			t.comma, said = rune(given[0]), true // Excel's own line
			continue
		}
		if trimmed == "" || isComment(trimmed) {
			continue
		}
		if !said {
			t.comma = separator(line)
		}
		header, err := t.split(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w: %w", t.line, ErrNoHeader, err)
		}
		for i := range header {
			header[i] = strings.TrimSpace(header[i])
		}
		t.Header = header
		if len(header) == 1 && strings.Contains(header[0], "://") {
			return nil, fmt.Errorf("line %d: %w: it is a URL", t.line, ErrNoHeader)
		}
		if isHeader(header) {
			return t, nil
		}
	}
}

// Next returns the next row, io.EOF after the last, or a *subfive.Rejection for a row
// that can't be read; the rows after that one can.
func (t *Table) Next() (Row, error) {
	for {
		raw, err := t.next()
		if err != nil {
			return Row{}, err
		}
		first := t.line
		if trimmed := strings.TrimSpace(raw); trimmed == "" || isComment(trimmed) || strings.Trim(trimmed, string(t.comma)) == "" {
			continue
		}
		row := Row{Line: first, Raw: raw}
		if row.Raw, err = t.whole(raw); err != nil {
			return row, &subfive.Rejection{Line: first, Value: subfive.Clip(raw), Reason: err.Error()}
		}
		if !utf8.ValidString(row.Raw) || strings.IndexByte(row.Raw, 0) >= 0 {
			return row, &subfive.Rejection{Line: first, Value: subfive.Clip(strings.ToValidUTF8(raw, "\ufffd")), Reason: "it is not UTF-8 text; save the file as CSV UTF-8"}
		}
		row.Cells, err = t.split(row.Raw)
		if err != nil {
			return row, &subfive.Rejection{Line: first, Value: subfive.Clip(raw), Reason: "its quotes do not pair: " + err.Error()}
		}
		if n := len(row.Cells); n != len(t.Header) {
			if n < len(t.Header) || strings.Join(row.Cells[len(t.Header):], "") != "" {
				return row, &subfive.Rejection{Line: first, Value: subfive.Clip(raw), Reason: fmt.Sprintf("it has %d cells, the header has %d: quote a cell that holds the separator %q", n, len(t.Header), t.comma)}
			}
			row.Cells = row.Cells[:len(t.Header)] // a separator too many at the end
		}
		return row, nil
	}
}

// whole adds the further lines of a row in whose cells lines break.
func (t *Table) whole(raw string) (string, error) {
	if !t.opens(raw) {
		return raw, nil
	}
	row, lines := raw, []string{}
	for len(lines) < maxRowLines && len(row) < maxRowBytes {
		more, err := t.next()
		if err != nil {
			break // the end: the quote is never closed
		}
		lines = append(lines, more)
		row += "\n" + more
		if !t.opens(row) {
			return row, nil
		}
	}
	t.pending = append(lines, t.pending...)
	t.line -= len(lines)
	return raw, errors.New("a quote opens in it and is never closed")
}

// opens reports whether a quoted cell begins in a row and does not end. A quote
// within a cell that begins with none is a quote.
func (t *Table) opens(row string) bool {
	quoted, begins := false, true
	for i := 0; i < len(row); i++ {
		switch c := row[i]; {
		case quoted && c == '"' && i+1 < len(row) && row[i+1] == '"':
			i++
		case quoted && c == '"':
			quoted = i+1 < len(row) && row[i+1] != byte(t.comma) && row[i+1] != '\n'
		case quoted:
		case begins && c == '"':
			quoted, begins = true, false
		default:
			begins = c == byte(t.comma)
		}
	}
	return quoted
}

// next returns the next line without its end.
func (t *Table) next() (string, error) {
	if len(t.pending) > 0 {
		line := t.pending[0]
		t.pending = t.pending[1:]
		t.line++
		return line, nil
	}
	var line []byte
	for {
		part, err := t.in.ReadSlice('\n')
		if len(line)+len(part) > maxRowBytes {
			return "", fmt.Errorf("line %d is longer than %d bytes: this is no table of rows", t.line+1, maxRowBytes)
		}
		line = append(line, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(line) > 0, err == nil:
			t.line++
			return strings.TrimRight(string(line), "\r\n"), nil
		case errors.Is(err, io.EOF):
			return "", io.EOF
		}
		return "", fmt.Errorf("read line %d: %w", t.line+1, err)
	}
}

// split reads the cells of a row.
func (t *Table) split(raw string) ([]string, error) {
	t.cells.Reset(strings.NewReader(raw))
	r := csv.NewReader(t.cells) // it reads from our buffer and makes none of its own
	r.Comma, r.FieldsPerRecord, r.LazyQuotes = t.comma, -1, true
	cells, err := r.Read()
	var wrong *csv.ParseError
	if errors.As(err, &wrong) {
		return nil, wrong.Err
	}
	return cells, err
}

func isComment(line string) bool {
	return strings.HasPrefix(strings.TrimPrefix(line, `"`), commentPrefix)
}

// separator is the one of the usual separators that stands most often outside
// of quotes.
func separator(header string) rune {
	counts := map[rune]int{}
	quoted := false
	for _, c := range header {
		switch {
		case c == '"':
			quoted = !quoted
		case !quoted:
			counts[c]++
		}
	}
	best := ','
	for _, c := range []rune{';', '\t', '|'} {
		if counts[c] > counts[best] {
			best = c
		}
	}
	return best
}

// Rejected writes the rows that were refused, each below a line that says why,
// as a table that can be mended and read again.
type Rejected struct {
	w      io.Writer
	header string
	begun  bool
}

// NewRejected returns a Rejected for rows of t.
func NewRejected(w io.Writer, t *Table) (*Rejected, error) {
	var b bytes.Buffer
	c := csv.NewWriter(&b)
	c.Comma = t.comma
	if err := errors.Join(c.Write(t.Header), flushed(c)); err != nil {
		return nil, fmt.Errorf("write the header: %w", err)
	}
	return &Rejected{w: w, header: b.String()}, nil
}

func flushed(c *csv.Writer) error {
	c.Flush()
	return c.Error()
}

// Write writes a row and why it was refused.
func (r *Rejected) Write(row Row, why error) error {
	if !r.begun {
		r.begun = true
		if _, err := io.WriteString(r.w, r.header); err != nil {
			return err
		}
	}
	reason := strings.ReplaceAll(why.Error(), "\n", " ")
	if !strings.HasPrefix(reason, strings.TrimPrefix(commentPrefix, "# ")) {
		reason = fmt.Sprintf("line %d: %s", row.Line, reason)
	}
	_, err := fmt.Fprintf(r.w, "# %s\n%s\n", reason, row.Raw)
	return err
}
