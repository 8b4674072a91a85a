package moving_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/moving"
)

func readAll(t testing.TB, in io.Reader) (header []string, rows [][]string, wrong []string) {
	table, err := moving.NewTable(in)
	if err != nil {
		t.Fatal(err)
	}
	for {
		r, err := table.Next()
		var bad *subfive.Rejection
		switch {
		case errors.Is(err, io.EOF):
			return table.Header, rows, wrong
		case errors.As(err, &bad):
			wrong = append(wrong, bad.Error())
		case err != nil:
			t.Fatal(err)
		default:
			rows = append(rows, append([]string{fmt.Sprint(r.Line)}, r.Cells...))
		}
	}
}

func TestTable(t *testing.T) {
	tests := map[string]struct {
		in     string
		header []string
		rows   [][]string
		wrong  []string
	}{
		"commas": {"a,b\n1,2\n", []string{"a", "b"}, [][]string{{"2", "1", "2"}}, nil},
		"a separator too many at the end, CRLF, empty lines": {"a,b\r\n\r\n1,2,\r\n,\r\n3,4", []string{"a", "b"}, [][]string{{"3", "1", "2"}, {"5", "3", "4"}}, nil},
		"Excel names the separator":                          {"sep=;\na;b,c\n1;2\n", []string{"a", "b,c"}, [][]string{{"3", "1", "2"}}, nil},
		"bars":                                               {" a | b \n1|2", []string{"a", "b"}, [][]string{{"2", "1", "2"}}, nil},
		"UTF-8 with a mark":                                  {"\xef\xbb\xbfa\tb\n1\t2", []string{"a", "b"}, [][]string{{"2", "1", "2"}}, nil},
		"UTF-16, big end first, without a mark":              {"\x00a\x00,\x00b\x00\n\x00x\x00,\xd8\x3d\xde\x00", []string{"a", "b"}, [][]string{{"2", "x", "😀"}}, nil},
		"lines break in quotes":                              {"a,b\n\"1\n,\"\"\",2\n3,4\n", []string{"a", "b"}, [][]string{{"2", "1\n,\"", "2"}, {"4", "3", "4"}}, nil},
		"a quote is never closed":                            {"a,b\n\"1,2\n3,4\n", []string{"a", "b"}, [][]string{{"3", "3", "4"}}, []string{`line 2, "\"1,2": a quote opens in it and is never closed`}},
		"quotes within cells":                                {"a,b\n5\" x,2\n", []string{"a", "b"}, [][]string{{"2", `5" x`, "2"}}, nil},
		"too few, too many": {
			"a,b\n1\n1,2,3\n",
			[]string{"a", "b"},
			nil,
			[]string{
				`line 2, "1": it has 1 cells, the header has 2: quote a cell that holds the separator ','`,
				`line 3, "1,2,3": it has 3 cells, the header has 2: quote a cell that holds the separator ','`,
			},
		},
		"not UTF-8": {"a,b\n1,\xe9\n", []string{"a", "b"}, nil, []string{"line 2, \"1,\ufffd\": it is not UTF-8 text; save the file as CSV UTF-8"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			header, rows, wrong := readAll(t, strings.NewReader(tt.in))
			if diff := cmp.Diff([]any{tt.header, tt.rows, tt.wrong}, []any{header, rows, wrong}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoTable(t *testing.T) {
	for name, in := range map[string]string{"empty": "", "a workbook": "PK\x03\x04rest", "links": "https://a.example/x\n"} {
		if _, err := moving.NewTable(strings.NewReader(in)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// Rows that were refused, mended, are read as a table.
func TestRejectedRowsAreReadAgain(t *testing.T) {
	table, err := moving.NewTable(strings.NewReader("a;b\n1\n2;\"x;y\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	rejected, err := moving.NewRejected(&out, table)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		row, err := table.Next()
		if err == nil {
			err = &subfive.Rejection{Line: row.Line, Column: "b", Reason: "no"}
		}
		if err := rejected.Write(row, err); err != nil {
			t.Fatal(err)
		}
	}
	want := "a;b\n# line 2, \"1\": it has 1 cells, the header has 2: quote a cell that holds the separator ';'\n1\n# line 3, column b: no\n2;\"x;y\"\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Fatal(diff)
	}
	_, rows, _ := readAll(t, strings.NewReader(strings.Replace(out.String(), "\n1\n", "\n1;mended\n", 1)))
	if diff := cmp.Diff([][]string{{"3", "1", "mended"}, {"5", "2", "x;y"}}, rows); diff != "" {
		t.Error(diff)
	}
}

// Values that only one reading has are read, others refused.
func TestValues(t *testing.T) {
	columns, err := moving.Columns(moving.Conversions, moving.Generic, []string{"click_id", "time", "payout"}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		time, payout  string
		dates         string
		want, amounts string // or the refusal's words in want
	}{
		"plain":                   {"2026-11-20 10:00:00", "1.5", "", "2026-11-20T15:00:00Z", "1.50"},
		"an offset":               {"2026-11-20T10:00:00+02:00", "USD 1,234.50", "", "2026-11-20T08:00:00Z", "1234.50"},
		"Unix seconds":            {"1795169700", "-3", "", "2026-11-20T10:15:00Z", "-3.00"},
		"Unix milliseconds":       {"1795169700500", "1.234,5 €", "", "2026-11-20T10:15:00.5Z", "1234.50"},
		"a month after the 12th":  {"11/20/2026 10:00", "1,234,567", "", "2026-11-20T15:00:00Z", "1234567.00"},
		"a day after the 12th":    {"20/11/2026 10:00 PM", "12'000.5", "", "2026-11-21T03:00:00Z", "12000.50"},
		"the same either way":     {"11/11/2026", "", "", "2026-11-11T05:00:00Z", ""},
		"month first":             {"03/04/2026 10:00", "1", "mdy", "2026-03-04T15:00:00Z", "1.00"},
		"day first":               {"03/04/2026 10:00", "1", "dmy", "2026-04-03T15:00:00Z", "1.00"},
		"two days":                {"03/04/2026 10:00", "1", "", "it may mean two days", ""},
		"not month first":         {"20/11/2026", "1", "mdy", "does not fit --dates", ""},
		"the future":              {"2026-11-25 10:00:00", "1", "", "in the future", ""},
		"long ago":                {"1999-11-25 10:00:00", "1", "", "before the year 2000", ""},
		"a zone that nobody sees": {"2026-11-20 10:00:00 IST", "1", "", "offset IST", ""},
		"thousands or decimals":   {"2026-11-20", "1,234", "", "thousands or decimals", ""},
		"a macro":                 {"2026-11-20", "{payout}", "", "not a plain decimal number", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o := options()
			o.DayFirst, o.MonthFirst = tt.dates == "dmy", tt.dates == "mdy"
			r := moving.ConversionReader{Options: o, Columns: columns}
			p, err := r.Postback(moving.Row{Line: 2, Cells: []string{"c1", tt.time, tt.payout}})
			if err != nil {
				if !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want %s", err, tt.want)
				}
				return
			}
			amount := ""
			if p.Payout != nil {
				amount = p.Payout.String()
			}
			if got := p.NetworkAt.Format("2006-01-02T15:04:05.999Z"); got != tt.want || amount != tt.amounts {
				t.Errorf("got %s and %s, want %s and %s", got, amount, tt.want, tt.amounts)
			}
		})
	}
}

// A row's postback has the same ID each time, and another when it says something
// else.
func TestPostbackIDs(t *testing.T) {
	columns, err := moving.Columns(moving.Conversions, moving.Generic, []string{"click_id", "time", "status"}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	id := func(endpoint string, cells ...string) string {
		r := moving.ConversionReader{Options: options(), Columns: columns, Endpoint: subfive.Endpoint{ID: endpoint}}
		p, err := r.Postback(moving.Row{Cells: cells})
		if err != nil {
			t.Fatal(err)
		}
		return p.ID
	}
	first := id("default", "c1", "2026-11-20", "approved")
	if first != id("default", " c1 ", "2026-11-20 00:00:00", "Confirmed") {
		t.Error("the same has another ID")
	}
	for _, other := range []string{id("other", "c1", "2026-11-20", "approved"), id("default", "c2", "2026-11-20", "approved"), id("default", "c1", "2026-11-20", "pending")} {
		if other == first {
			t.Error("another has the same ID")
		}
	}
}

func TestColumns(t *testing.T) {
	header := []string{"Click ID", "cid", "When", "Time", "note"}
	tests := map[string]struct {
		given map[string]moving.Field
		want  []string
		err   string
	}{
		"taken for once": {nil, []string{"Click ID: click_id", "cid: left out, Click ID is taken for click_id already", "When: left out, not known", "Time: time", "note: left out, not known"}, ""},
		"as a person says": {
			map[string]moving.Field{"when": "time", "NOTE": "order_id"},
			[]string{"Click ID: click_id", "cid: left out, Click ID is taken for click_id already", "When: time (as you say)", "Time: left out, when is taken for time already", "note: order_id (as you say)"},
			"",
		},
		"no such column": {map[string]moving.Field{"nowhere": "time"}, nil, `there is no column "nowhere"`},
		"no such field":  {map[string]moving.Field{"note": "fbclid"}, nil, `can't be taken for "fbclid"`},
		"nothing left":   {map[string]moving.Field{"Time": moving.FieldNone}, nil, "--map COLUMN=time"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			columns, err := moving.Columns(moving.Conversions, moving.Generic, header, params, tt.given)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got %v, want %s", err, tt.err)
				}
				return
			}
			var got []string
			for _, c := range columns {
				got = append(got, c.Words())
			}
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// A table of any size is read row by row: its rows are not kept.
func FuzzTable(f *testing.F) {
	for _, seed := range []string{"a,b\n1,2\n", "sep=;\na;\"b\n\"\n1;2", "\xff\xfea\x00", "a\tb\n\"\"\"\t\"x\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		table, err := moving.NewTable(bytes.NewReader(data))
		if err != nil {
			return
		}
		columns, err := moving.Columns(moving.Clicks, moving.Generic, table.Header, params, nil)
		last := 0
		for range len(data) + 1 {
			row, next := table.Next()
			var wrong *subfive.Rejection
			switch {
			case errors.Is(next, io.EOF):
				return
			case errors.As(next, &wrong):
				row.Line = wrong.Line
			case next != nil:
				return
			case len(row.Cells) != len(table.Header):
				t.Fatalf("%d cells, the header has %d", len(row.Cells), len(table.Header))
			case err == nil:
				click, err := moving.ClickReader{Options: options(), Columns: columns, Params: params, Place: place}.Click(row)
				if err == nil && (click.ID == "" || click.ClickedAt.IsZero()) {
					t.Fatalf("a click without an ID or a time: %+v", click)
				}
			}
			if row.Line <= last {
				t.Fatalf("line %d after line %d", row.Line, last)
			}
			last = row.Line
		}
		t.Fatal("it does not end")
	})
}
