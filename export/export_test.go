package export

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"subfive"
)

// columns are one of each kind, in no alphabetical order.
func columns() []subfive.Column {
	return []subfive.Column{
		{Name: "text", Kind: subfive.ColumnText},
		{Name: "whole", Kind: subfive.ColumnWhole},
		{Name: "decimal", Kind: subfive.ColumnDecimal},
		{Name: "ratio", Kind: subfive.ColumnRatio},
		{Name: "at", Kind: subfive.ColumnTime},
	}
}

func rows() [][]any {
	at := time.Date(2026, 11, 1, 23, 30, 0, 5_000_000, time.FixedZone("", 3600))
	return [][]any{
		{"a", int64(1), subfive.Micros(42_500_000), 0.25, at},
		{nil, nil, nil, nil, nil},
		{"", int64(math.MinInt64), subfive.Micros(math.MinInt64), -1e300, time.UnixMilli(-1)},
		{"=1+1", int64(-1), subfive.Micros(-1), 1e-7, at},
		{"a \"b\",\r\nc\n", int64(0), subfive.Micros(0), 0.0, at},
		{"＝1+1", int64(0), subfive.Micros(math.MaxInt64), 3.0, at},
		{"ünï\xff", int64(0), subfive.Micros(120_000), 3.0, at},
	}
}

type file interface {
	Row([]any) error
	Close() error
}

// write writes rows and returns the file.
func write(t testing.TB, begin func(io.Writer) (file, error), rows [][]any) string {
	t.Helper()
	var b bytes.Buffer
	f, err := begin(&b)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := f.Row(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func beginCSV(w io.Writer) (file, error) { return NewCSV(w, columns()) }

func beginParquet(w io.Writer) (file, error) { return NewParquet(w, columns(), "1.2.3"), nil }

func TestCSV(t *testing.T) {
	want := strings.Join([]string{
		`text,whole,decimal,ratio,at`,
		`a,1,42.50,0.25,2026-11-01T22:30:00.005Z`,
		`,,,,`,
		`"",-9223372036854775808,-9223372036854.775808,-1e+300,1969-12-31T23:59:59.999Z`,
		`'=1+1,-1,-0.000001,1e-07,2026-11-01T22:30:00.005Z`,
		"\"a \"\"b\"\",\r\nc\n\",0,0.00,0,2026-11-01T22:30:00.005Z",
		`'＝1+1,0,9223372036854.775807,3,2026-11-01T22:30:00.005Z`,
		"ünï\xff,0,0.12,3,2026-11-01T22:30:00.005Z",
		"",
	}, "\r\n")
	if diff := cmp.Diff(want, write(t, beginCSV, rows())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFormulasAreDisarmed(t *testing.T) {
	for in, want := range map[string]string{
		"=A1": "'=A1", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", "\r=1": "'\r=1", "\n=1": "'\n=1",
		"＋1": "'＋1", "－1": "'－1", "＠x": "'＠x", "": "", "a=1": "a=1", " =1": " =1", "'=1": "'=1", "\xff": "\xff",
	} {
		if got := disarm(in); got != want {
			t.Errorf("%q is written %q, want %q", in, got, want)
		}
	}
}

// Every cell comes back from another's reader, but for the line ends that it
// makes its own.
func FuzzCSV(f *testing.F) {
	f.Add("a", "b")
	f.Add("", "=1")
	f.Add("\"", " x\r\n,")
	two := []subfive.Column{{Name: "a", Kind: subfive.ColumnText}, {Name: "b", Kind: subfive.ColumnText}}
	f.Fuzz(func(t *testing.T, a, b string) {
		text := write(t, func(w io.Writer) (file, error) { return NewCSV(w, two) }, [][]any{{a, b}})
		got, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		lines := strings.NewReplacer("\r\n", "\n")
		want := [][]string{{"a", "b"}, {lines.Replace(disarm(a)), lines.Replace(disarm(b))}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestParquetSchema(t *testing.T) {
	text := write(t, beginParquet, rows())
	f, err := parquet.OpenFile(strings.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	want := `message subfive {
	optional binary text (STRING);
	optional int64 whole (INT(64,true));
	optional fixed_len_byte_array(16) decimal (DECIMAL(38,6));
	optional double ratio;
	optional int64 at (TIMESTAMP(isAdjustedToUTC=true,unit=MILLIS));
}`
	if diff := cmp.Diff(want, f.Schema().String()); diff != "" {
		t.Errorf("schema (-want +got):\n%s", diff)
	}
	if got := f.Metadata().CreatedBy; got != "subfive version 1.2.3(build )" {
		t.Errorf("created by %q", got)
	}
}

// read returns a Parquet file's values as text, by its own reader.
func read(t *testing.T, text string) (all [][]string, groups []int64) {
	t.Helper()
	f, err := parquet.OpenFile(strings.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range f.RowGroups() {
		groups = append(groups, g.NumRows())
	}
	r := parquet.NewReader(f)
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	for {
		buffer := make([]parquet.Row, 100)
		n, err := r.ReadRows(buffer)
		for _, row := range buffer[:n] {
			cells := make([]string, len(row))
			for i, v := range row {
				cells[i] = v.String()
				if v.Kind() == parquet.FixedLenByteArray {
					cells[i] = unscaled(v.ByteArray()).String()
				}
			}
			all = append(all, cells)
		}
		if errors.Is(err, io.EOF) {
			return all, groups
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// unscaled reads two's complement.
func unscaled(b []byte) *big.Int {
	n := new(big.Int).SetBytes(b)
	if b[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n
}

func TestParquetValues(t *testing.T) {
	got, _ := read(t, write(t, beginParquet, rows()))
	const at = "1793572200005"
	want := [][]string{
		{"a", "1", "42500000", "0.25", at},
		{"<null>", "<null>", "<null>", "<null>", "<null>"},
		{"", "-9223372036854775808", "-9223372036854775808", "-1e+300", "-1"},
		{"=1+1", "-1", "-1", "1e-07", at},
		{"a \"b\",\r\nc\n", "0", "0", "0", at},
		{"＝1+1", "0", "9223372036854775807", "3", at},
		{"ünï\uFFFD", "0", "120000", "3", at},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// However many rows come, no group has more than fit into memory.
func TestParquetGroupsAreBounded(t *testing.T) {
	many := make([][]any, 2*groupRows+1)
	for i := range many {
		many[i] = []any{fmt.Sprint("row ", i), int64(i), nil, nil, nil}
	}
	got, groups := read(t, write(t, beginParquet, many))
	if diff := cmp.Diff([]int64{groupRows, groupRows, 1}, groups); diff != "" {
		t.Errorf("rows of groups (-want +got):\n%s", diff)
	}
	for i, row := range got {
		if want := fmt.Sprint("row ", i); row[0] != want {
			t.Fatalf("row %d is %q", i, row[0])
		}
	}
}

func TestEmptyFiles(t *testing.T) {
	if got := write(t, beginCSV, nil); got != "text,whole,decimal,ratio,at\r\n" {
		t.Errorf("CSV: %q", got)
	}
	if got, groups := read(t, write(t, beginParquet, nil)); len(got) != 0 || len(groups) != 0 {
		t.Errorf("Parquet: %v in %v", got, groups)
	}
}

func TestWrongRows(t *testing.T) {
	good := rows()[0]
	for name, begin := range map[string]func(io.Writer) (file, error){"csv": beginCSV, "parquet": beginParquet} {
		t.Run(name, func(t *testing.T) {
			f, err := begin(io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			if err := f.Row(good[:4]); err == nil || err.Error() != "a row of 4 values for 5 columns" {
				t.Errorf("a short row: %v", err)
			}
			for i, c := range columns() {
				bad := append([]any{}, good...)
				bad[i] = true
				want := fmt.Sprintf("column %s: bool is no %s", c.Name, c.Kind)
				if err := f.Row(bad); err == nil || err.Error() != want {
					t.Errorf("error %v, want %s", err, want)
				}
			}
		})
	}
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestAFullDiskIsTold(t *testing.T) {
	for name, begin := range map[string]func(io.Writer) (file, error){"csv": beginCSV, "parquet": beginParquet} {
		f, err := begin(full{})
		if err == nil {
			err = f.Row(rows()[0])
		}
		if err == nil {
			err = f.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "no space left") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
