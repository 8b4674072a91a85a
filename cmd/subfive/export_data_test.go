package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"subfive"
)

// newDataExport is a setup with a little of everything, and a click whose ad's
// name is a formula.
func newDataExport(t *testing.T, dsn string) *commands {
	t.Helper()
	c := &commands{t: t, dir: t.TempDir(), env: map[string]string{"TEST_META_TOKEN": "EAAtesttoken", "USER": "ann"}, now: noon()}
	if dsn != "" {
		c.env["SUBFIVE_DATABASE_URL"] = dsn
	}
	if err := os.WriteFile(filepath.Join(c.dir, "subfive.yaml"), []byte(commandsFile), 0o600); err != nil {
		t.Fatal(err)
	}
	c.run(exitDone, "apply", "-f", filepath.Join(c.dir, "subfive.yaml"))
	id := "01jd3c4z9y8x7w6v5t4s3r2q99"
	c.record(clickRecord(id, func(k *subfive.Click) {
		k.Ad.ID, k.Ad.Name = "123", `=HYPERLINK("http://x.example.com","free")`
		k.Cost = &subfive.Money{Amount: 420_001, Currency: "USD"}
	}), postbackRecord("ad", id, "tx-ad", nil))
	return c
}

// Both databases write the same file, byte for byte.
func TestExportData(t *testing.T) {
	onEach(t, func(t *testing.T, dsn string) {
		c := newDataExport(t, dsn)
		for _, args := range []string{"clicks", "conversions", "deliveries", "clicks --private", "clicks --until 3h", "deliveries --since 1h --format csv"} {
			t.Run(args, func(t *testing.T) {
				c.t = t
				stdout, stderr := c.run(exitDone, append([]string{"export"}, strings.Fields(args)...)...)
				name := "export_" + strings.NewReplacer(" --", "_", " ", "_").Replace(args)
				golden(t, filepath.Join("testdata", "commands", name+".golden"), strings.ReplaceAll(stdout, "\r\n", "\n")+"---\n"+stderr)
				if n := strings.Count(stdout, "\n"); n != strings.Count(stdout, "\r\n") {
					t.Error("a line does not end in CR LF")
				}
				private := strings.Contains(stdout, "203.0.113.9") || strings.Contains(stdout, "Mozilla") || strings.Contains(stdout, "IwAR1")
				if private != strings.Contains(args, "--private") {
					t.Errorf("what identifies a visitor is there: %t", private)
				}
			})
		}
	})
}

// A Parquet file has the columns of the CSV in the same order, and their values.
func TestExportParquet(t *testing.T) {
	c := newDataExport(t, "")
	for _, view := range []string{"clicks", "conversions", "deliveries"} {
		t.Run(view, func(t *testing.T) {
			c.t = t
			text, _ := c.run(exitDone, "export", view)
			want, err := csv.NewReader(strings.NewReader(text)).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), view+".parquet")
			stdout, stderr := c.run(exitDone, "export", view, "-o", path)
			if stdout != "" || stderr != fmt.Sprintf("rows: %d\n", len(want)-1) {
				t.Errorf("said %q and %q", stdout, stderr)
			}
			if diff := cmp.Diff(want, readParquet(t, path)); diff != "" {
				t.Errorf("(-CSV +Parquet):\n%s", diff)
			}
		})
	}
}

// readParquet returns a file's names and values as the CSV writes them.
func readParquet(t *testing.T, path string) [][]string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}()
	st, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(file, st.Size())
	if err != nil {
		t.Fatal(err)
	}
	fields := f.Schema().Fields()
	all := make([][]string, 1, f.NumRows()+1)
	for _, field := range fields {
		all[0] = append(all[0], field.Name())
	}
	rows := make([]parquet.Row, f.NumRows())
	for _, g := range f.RowGroups() {
		r := g.Rows()
		n, err := r.ReadRows(rows)
		if n == 0 {
			t.Fatal(err)
		}
		for _, row := range rows[:n] {
			all = append(all, cells(fields, row))
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func cells(fields []parquet.Field, row parquet.Row) []string {
	all := make([]string, len(row))
	for i, v := range row {
		kind := fields[i].Type().String()
		switch {
		case v.IsNull():
		case strings.HasPrefix(kind, "TIMESTAMP"):
			all[i] = time.UnixMilli(v.Int64()).UTC().Format("2006-01-02T15:04:05.000Z")
		case strings.HasPrefix(kind, "DECIMAL"):
			b := v.ByteArray()
			n := int64(0)
			for _, digit := range b[8:] {
				n = n<<8 | int64(digit)
			}
			all[i] = subfive.Micros(n).String()
		default:
			if all[i] = v.String(); strings.HasPrefix(all[i], "=") {
				all[i] = "'" + all[i] // as the CSV has it
			}
		}
	}
	return all
}

func TestExportDataIsAskedWrongly(t *testing.T) {
	c := newDataExport(t, "")
	dir := t.TempDir()
	for args, want := range map[string]string{
		"clicks --format xml":          "--format xml: there are csv and parquet\n",
		"clicks --since then":          "--since: \"then\" is not a time",
		"clicks --since 1h --until 2h": "is not before --until 2h\n",
		"clicks everything":            "flags only",
		"conversions --private":        "unknown flag: --private",
		"postbacks":                    "name of what to export",
		"":                             "say what to export: subfive export clicks, conversions or deliveries, or subfive export google-ads\n",
	} {
		t.Run(args, func(t *testing.T) {
			c.t = t
			stdout, stderr := c.run(exitUsage, append([]string{"export"}, strings.Fields(args)...)...)
			if stdout != "" || !strings.Contains(stderr, want) {
				t.Errorf("said %q and %q", stdout, stderr)
			}
		})
	}
	t.Run("no such folder", func(t *testing.T) {
		c.t = t
		_, stderr := c.run(exitFailed, "export", "clicks", "-o", filepath.Join(dir, "none", "clicks.csv"))
		if !strings.HasPrefix(stderr, "make the file: ") {
			t.Errorf("said %q", stderr)
		}
	})
}
