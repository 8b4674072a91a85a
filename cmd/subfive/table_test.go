package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRowWriters(t *testing.T) {
	columns := []string{"id", "what", "n", "worth", "at"}
	rows := [][]any{
		{"a", "plain", int64(1), 0.1, noon()},
		{"längst", "two\nlines, \"quoted\"", nil, 1e21, noon().Add(time.Millisecond)},
		{"=1+1", strings.Repeat("x", 100), int64(-9007199254740993), false, nil},
	}
	line := func(cells ...any) string {
		return strings.TrimRight(fmt.Sprintf("%-6s  %-80s  %-17s  %-22s  %s", cells...), " ") + "\n"
	}
	tests := map[string]struct {
		w    func(*bytes.Buffer) rowWriter
		want string
	}{
		"table": {func(b *bytes.Buffer) rowWriter { return &tableWriter{w: b} }, "" +
			line("ID", "WHAT", "N", "WORTH", "AT") +
			line("a", "plain", "1", "0.1", "2026-11-20 12:00:00") +
			line("längst", `two\nlines, "quoted"`, "", "1000000000000000000000", "2026-11-20 12:00:00") +
			line("=1+1", strings.Repeat("x", 79)+"…", "-9007199254740993", "false", "")},
		"csv": {func(b *bytes.Buffer) rowWriter { return newCSVWriter(b) }, "" +
			"id,what,n,worth,at\n" +
			"a,plain,1,0.1,2026-11-20 12:00:00\n" +
			"längst,\"two\nlines, \"\"quoted\"\"\",,1000000000000000000000,2026-11-20 12:00:00\n" +
			"=1+1," + strings.Repeat("x", 100) + ",-9007199254740993,false,\n"},
		"json": {func(b *bytes.Buffer) rowWriter { return &jsonWriter{w: b} }, "" +
			`{"id":"a","what":"plain","n":1,"worth":0.1,"at":"2026-11-20T12:00:00.000Z"}` + "\n" +
			`{"id":"längst","what":"two\nlines, \"quoted\"","n":null,"worth":1e+21,"at":"2026-11-20T12:00:00.001Z"}` + "\n" +
			`{"id":"=1+1","what":"` + strings.Repeat("x", 100) + `","n":-9007199254740993,"worth":false,"at":null}` + "\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			w := tt.w(&out)
			if err := w.head(columns); err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				if err := w.row(r); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.close(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, out.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// An answer of any length is written as it comes: only its first rows decide
// the widths.
func TestTableStreams(t *testing.T) {
	var out bytes.Buffer
	w := &tableWriter{w: &out}
	if err := w.head([]string{"a", "b"}); err != nil {
		t.Fatal(err)
	}
	for range widthRows - 1 {
		if err := w.row([]any{"x", "y"}); err != nil {
			t.Fatal(err)
		}
	}
	if out.Len() != 0 {
		t.Fatal("written before the widths were known")
	}
	for _, cell := range []string{"1234567", "x"} {
		if err := w.row([]any{cell, "y"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.row([]any{"wider than before", "y"}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	want := []string{"1234567  y", "x        y", "wider than before  y", ""}
	if diff := cmp.Diff(want, lines[len(lines)-4:]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(w.rows) != 0 {
		t.Errorf("%d rows are kept", len(w.rows))
	}
}

func TestJSONWriterRefusesTwoColumnsOfOneName(t *testing.T) {
	if err := (&jsonWriter{w: &bytes.Buffer{}}).head([]string{"a", "b", "a"}); err == nil {
		t.Error("taken: one of the values would be lost")
	}
}

func TestPlain(t *testing.T) {
	tests := map[string]struct{ in, want string }{
		"nothing to do":           {"fbclid=IwAR1 ü €", "fbclid=IwAR1 ü €"},
		"an escape sequence":      {"\x1b[2Jgone", `\x1b[2Jgone`},
		"line breaks and a tab":   {"a\r\nb\tc", `a\r\nb\tc`},
		"bytes that are no UTF-8": {"a\xffb\xc3", `a\xffb\xc3`},
		"a replacement character": {"a\ufffdb", "a\ufffdb"},
		"right to left":           {"a\u202eb", `a\u202eb`},
		"a quotation mark":        {"'\x00'", `'\x00'`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := plain(tt.in); got != tt.want {
				t.Errorf("plain(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func FuzzPlain(f *testing.F) {
	f.Add("a\x1b[31m\xff\u202e\ufffd")
	f.Fuzz(func(t *testing.T, s string) {
		once := plain(s)
		if strings.ContainsFunc(once, unprintable) {
			t.Errorf("plain(%q) = %q holds what a terminal must not see", s, once)
		}
		if again := plain(once); again != once {
			t.Errorf("plain(%q) is not stable: %q, then %q", s, once, again)
		}
	})
}

func TestParseWhen(t *testing.T) {
	tests := map[string]struct {
		in   string
		want time.Time
	}{
		"hours ago":          {"24h", noon().Add(-24 * time.Hour)},
		"days ago":           {"7d", noon().AddDate(0, 0, -7)},
		"a day":              {"2026-11-19", time.Date(2026, 11, 19, 0, 0, 0, 0, time.UTC)},
		"a moment":           {"2026-11-19T15:04:05Z", time.Date(2026, 11, 19, 15, 4, 5, 0, time.UTC)},
		"a moment elsewhere": {"2026-11-19T15:04:05.5+01:00", time.Date(2026, 11, 19, 14, 4, 5, 5e8, time.UTC)},
		"nothing":            {"", time.Time{}},
		"no time at all":     {"0h", time.Time{}},
		"the future":         {"-24h", time.Time{}},
		"a word":             {"yesterday", time.Time{}},
		"no day":             {"2026-02-30", time.Time{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := parseWhen(tt.in, noon())
			if (err != nil) != tt.want.IsZero() || err == nil && !got.Equal(tt.want) {
				t.Errorf("parseWhen(%q) = %v, %v, want %v", tt.in, got, err, tt.want)
			}
		})
	}
}

func FuzzParseWhen(f *testing.F) {
	for _, s := range []string{"24h", "7d", "2026-11-20", noonText, "1e9h", "65535d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := parseWhen(s, noon())
		if err == nil && got.Location() != time.UTC {
			t.Errorf("parseWhen(%q) = %v: not in UTC", s, got)
		}
	})
}

func TestSpan(t *testing.T) {
	tests := map[time.Duration]string{
		0: "0s", 1500 * time.Microsecond: "2ms", 61500 * time.Millisecond: "1m2s", 5*time.Hour + 3*time.Minute + 59*time.Second: "5h3m",
		51 * time.Hour: "2d3h", 48 * time.Hour: "2d", -time.Minute: "-1m0s",
	}
	for d, want := range tests {
		if got := span(d); got != want {
			t.Errorf("span(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestWrap(t *testing.T) {
	tests := map[string]struct {
		in   string
		want []string
	}{
		"nothing":              {"", []string{""}},
		"fits":                 {"a b", []string{"a b"}},
		"at the width":         {"1234 67890", []string{"1234 67890"}},
		"over it":              {"1234 678901", []string{"1234", "678901"}},
		"a word longer":        {"a 123456789012345 b", []string{"a", "123456789012345", "b"}},
		"two spaces stay":      {"a  b", []string{"a  b"}},
		"counts characters":    {"äöüß äöüßä", []string{"äöüß äöüßä"}},
		"nothing before words": {"  1234567890", []string{"  1234567890"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, wrap(tt.in, 10)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
