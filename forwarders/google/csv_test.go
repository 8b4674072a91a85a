package google

import (
	"bytes"
	"encoding/csv"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

// owed is a delivery that a file has a row for.
func owed(id string, change func(*subfive.Delivery)) subfive.Delivery {
	at := time.Date(2026, 11, 23, 9, 5, 7, 0, time.UTC)
	d := subfive.Delivery{
		ID: "dl_" + id, ConversionID: id, EventID: id, Kind: subfive.KindConversion, Mode: subfive.ModeLive, Status: subfive.DeliveryDelivered,
		EventName: "Purchase", EventTime: at, CreatedAt: at.Add(time.Second), Value: &subfive.Money{Amount: 42_500_000, Currency: "USD"},
		Conversion: subfive.Conversion{ID: id, Status: subfive.StatusPending},
		Click:      &subfive.Click{ClickedAt: at.Add(-time.Hour), Params: map[string]string{"gclid": "Cj0KCQ-_x.y"}},
	}
	if change != nil {
		change(&d)
	}
	return d
}

// someOwed are rows of every form.
func someOwed() []subfive.Delivery {
	amount := func(m subfive.Micros, currency string) *subfive.Money {
		return &subfive.Money{Amount: m, Currency: currency}
	}
	return []subfive.Delivery{
		owed("cv_plain", nil),
		owed("cv_consent", func(d *subfive.Delivery) {
			d.Click.Consent = map[string]string{"consent_ad_user_data": "granted", "consent_ad_personalization": "DENIED"}
		}),
		owed("cv_other_words", func(d *subfive.Delivery) {
			d.Click.Consent = map[string]string{"consent_ad_user_data": "yes", "gpp": "DBAA"}
		}),
		owed("cv_dry_run", func(d *subfive.Delivery) { d.Status, d.Mode = subfive.DeliveryDryRun, subfive.ModeDryRun }),
		owed("cv_dead", func(d *subfive.Delivery) { d.Status = subfive.DeliveryDead }),
		owed("cv_no_value", func(d *subfive.Delivery) { d.Value = nil }),
		owed("cv_zero", func(d *subfive.Delivery) { d.Value = amount(0, "USD") }),
		owed("cv_yen", func(d *subfive.Delivery) { d.Value = amount(1_234_567_890_123, "jpy") }),
		owed("cv_formula_name", func(d *subfive.Delivery) { d.EventName = `=SUM("a",1)` }),
		owed("cv_comma_name", func(d *subfive.Delivery) { d.EventName = "Lead, import" }),
		owed("cv_non_ascii", func(d *subfive.Delivery) { d.EventName = "Käufe ✓" }),
		owed("cv_direct", func(d *subfive.Delivery) {
			d.Click = nil
			d.Conversion.DirectParam, d.Conversion.DirectValue = "gclid", "EAIaIQ_direct"
		}),
		owed("cv_within_the_click", func(d *subfive.Delivery) {
			d.Click.ClickedAt = d.EventTime.Add(-300 * time.Millisecond)
			d.EventTime = d.EventTime.Add(700 * time.Millisecond)
		}),
		owed("cv_after_click_of_that_second", func(d *subfive.Delivery) {
			d.Click.ClickedAt = d.EventTime.Add(200 * time.Millisecond)
			d.EventTime = d.EventTime.Add(700 * time.Millisecond)
		}),
		owed("cv_clock_ahead", func(d *subfive.Delivery) { d.EventTime = d.CreatedAt.Add(time.Hour) }),
		owed("test-cv_tested", func(d *subfive.Delivery) {
			d.Mode, d.Status, d.ConversionID = subfive.ModeTest, subfive.DeliveryTested, "cv_tested"
		}),
		// New York's clocks went back at 06:00 UTC that day: 01:30 was there twice.
		owed("cv_first_half_past_one", func(d *subfive.Delivery) { moveTo(d, time.Date(2026, 11, 1, 5, 30, 0, 0, time.UTC)) }),
		owed("cv_second_half_past_one", func(d *subfive.Delivery) { moveTo(d, time.Date(2026, 11, 1, 6, 30, 0, 0, time.UTC)) }),
	}
}

func moveTo(d *subfive.Delivery, at time.Time) {
	d.EventTime, d.CreatedAt, d.Click.ClickedAt = at, at.Add(time.Second), at.Add(-time.Hour)
}

func bulk() FileConfig { return FileConfig{Flavor: FlavorBulk, ClickID: "gclid", Now: noon} }

// conversionFile writes the deliveries and returns the file and what was left
// out, by conversion.
func conversionFile(t testing.TB, c FileConfig, ds ...subfive.Delivery) (string, map[string]string) {
	t.Helper()
	var b bytes.Buffer
	f, err := NewConversionFile(&b, c)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, d := range ds {
		why, err := f.Add(d)
		if err != nil {
			t.Fatal(err)
		}
		if why != "" {
			out[d.ConversionID] = why
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), out
}

// goldenFile compares a file with one in testdata/csv; -update writes it.
func goldenFile(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "csv", name+".golden")
	if u := flag.Lookup("update"); u != nil && u.Value.String() == "true" {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(got), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

func TestConversionFile(t *testing.T) {
	stands := func(param string) func(*subfive.Delivery) {
		return func(d *subfive.Delivery) { d.Click.Params = map[string]string{param: "0AAA-" + param} }
	}
	tests := map[string]struct {
		change func(*FileConfig)
		add    []subfive.Delivery
	}{
		"bulk":                  {func(*FileConfig) {}, someOwed()},
		"bulk-new-york":         {func(c *FileConfig) { c.TimeZone = "America/New_York" }, someOwed()},
		"bulk-offset":           {func(c *FileConfig) { c.TimeZone = "-0330" }, someOwed()[:1]},
		"bulk-one-name":         {func(c *FileConfig) { c.ConversionName = "Lead import" }, someOwed()[:2]},
		"data-manager":          {func(c *FileConfig) { c.Flavor = FlavorDataManager }, someOwed()},
		"data-manager-new-york": {func(c *FileConfig) { c.Flavor, c.TimeZone = FlavorDataManager, "America/New_York" }, someOwed()},
		"gbraid":                {func(c *FileConfig) { c.ClickID = "gbraid" }, []subfive.Delivery{owed("cv_1", stands("gbraid"))}},
		"wbraid":                {func(c *FileConfig) { c.ClickID = "wbraid" }, []subfive.Delivery{owed("cv_1", stands("wbraid"))}},
		"nothing":               {func(*FileConfig) {}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := bulk()
			tt.change(&c)
			got, out := conversionFile(t, c, tt.add...)
			if d := cmp.Diff(map[string]string{}, out); d != "" {
				t.Errorf("left out:\n%s", d)
			}
			goldenFile(t, name, got)
			for i, row := range readBack(t, got) {
				if len(row) != 8 {
					t.Errorf("row %d has %d columns: %q", i, len(row), row)
				}
			}
		})
	}
}

// readBack reads a file as others do, without Google's own first line.
func readBack(t testing.TB, file string) [][]string {
	t.Helper()
	if strings.HasPrefix(file, "Parameters:") {
		_, file, _ = strings.Cut(file, "\n")
	}
	rows, err := csv.NewReader(strings.NewReader(file)).ReadAll()
	if err != nil {
		t.Fatalf("%v in\n%s", err, file)
	}
	return rows
}

// Each time, read as Google reads it, is the moment it was, in summer and
// winter and when the clocks change.
func TestTimesAreExact(t *testing.T) {
	for _, zone := range []string{"", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "+0000", "+1245"} {
		for flavor, layout := range map[Flavor]string{FlavorBulk: "2006-01-02 15:04:05-0700", FlavorDataManager: time.RFC3339} {
			c := FileConfig{Flavor: flavor, ClickID: "gclid", TimeZone: zone, Now: noon}
			var want []time.Time
			var ds []subfive.Delivery
			for at := noon.AddDate(0, 0, -80); at.Before(noon); at = at.Add(59*time.Minute + 7*time.Second) {
				want = append(want, at)
				ds = append(ds, owed("cv_1", func(d *subfive.Delivery) { moveTo(d, at) }))
			}
			file, _ := conversionFile(t, c, ds...)
			var got []time.Time
			for _, row := range readBack(t, file)[1:] {
				at, err := time.Parse(layout, row[2])
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, at.UTC())
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%q %s:\n%s", zone, flavor, d)
			}
		}
	}
}

func TestLeftOut(t *testing.T) {
	gclid := func(id string) func(*subfive.Delivery) {
		return func(d *subfive.Delivery) { d.Click.Params = map[string]string{"gclid": id} }
	}
	tests := map[string]struct {
		change func(*subfive.Delivery)
		says   string // "" : it is in the file
	}{
		"512 characters":            {gclid(strings.Repeat("a", 512)), ""},
		"513 characters":            {gclid(strings.Repeat("a", 513)), "longer than 512"},
		"a formula":                 {gclid(`=HYPERLINK("http://x")`), "not one of Google's"},
		"begins with =":             {gclid("=1"), "not one of Google's"},
		"begins with +":             {gclid("+1"), "not one of Google's"},
		"begins with @":             {gclid("@x"), "not one of Google's"},
		"begins with -":             {gclid("-x"), "begins with -"},
		"a line end":                {gclid("a\nb"), "not one of Google's"},
		"a comma":                   {gclid("a,b"), "not one of Google's"},
		"a quote":                   {gclid(`a"b`), "not one of Google's"},
		"a tab":                     {gclid("\ta"), "not one of Google's"},
		"a NUL":                     {gclid("a\x00"), "not one of Google's"},
		"not UTF-8":                 {gclid("a\xff"), "no gclid, gbraid or wbraid"},
		"letters of another script": {gclid("аbc"), "not one of Google's"},
		"none":                      {gclid(""), "no gclid, gbraid or wbraid"},
		"no click":                  {func(d *subfive.Delivery) { d.Click = nil }, "no gclid, gbraid or wbraid"},
		"another platform's, direct": {func(d *subfive.Delivery) {
			d.Click = nil
			d.Conversion.DirectParam, d.Conversion.DirectValue = "fbclid", "x"
		}, "no gclid, gbraid or wbraid"},
		"a gbraid":            {func(d *subfive.Delivery) { d.Click.Params = map[string]string{"gbraid": "0AAA"} }, "has a gbraid"},
		"skipped":             {func(d *subfive.Delivery) { d.Status, d.ReasonCode = subfive.DeliverySkipped, "goal_unmapped" }, "skipped: goal_unmapped"},
		"a test":              {func(d *subfive.Delivery) { d.Conversion.IsTest = true }, "a test"},
		"rejected":            {func(d *subfive.Delivery) { d.Conversion.Status = subfive.StatusRejected }, "rejected"},
		"an approval":         {func(d *subfive.Delivery) { d.Kind = subfive.KindApproval }, "not the conversion itself"},
		"no name":             {func(d *subfive.Delivery) { d.EventName = "" }, "no conversion name"},
		"a name of two lines": {func(d *subfive.Delivery) { d.EventName = "a\nb" }, "conversion name"},
		"a name not UTF-8":    {func(d *subfive.Delivery) { d.EventName = "a\xff" }, "conversion name"},
		"a negative value":    {func(d *subfive.Delivery) { d.Value.Amount = -1 }, "negative"},
		"no currency":         {func(d *subfive.Delivery) { d.Value.Currency = "" }, "ISO 4217"},
		"no time":             {func(d *subfive.Delivery) { d.EventTime, d.Click.ClickedAt = time.Time{}, time.Time{} }, "no conversion time"},
		"an old click":        {func(d *subfive.Delivery) { d.Click.ClickedAt = noon.Add(-maxAge - time.Second) }, "90 days"},
		"just not too old":    {func(d *subfive.Delivery) { d.Click.ClickedAt = noon.Add(-maxAge) }, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			file, out := conversionFile(t, bulk(), owed("cv_1", tt.change))
			why, rows := out["cv_1"], len(readBack(t, file))-1
			if (why == "") != (tt.says == "") || !strings.Contains(why, tt.says) || rows != 1-len(out) {
				t.Errorf("%d rows, left out for %q; want %q", rows, why, tt.says)
			}
		})
	}
}

func TestAdjustmentFile(t *testing.T) {
	worth := &subfive.Money{Amount: 50_000_000, Currency: "USD"}
	at := noon.Add(-2 * time.Hour)
	rejected := func(d *subfive.Delivery) { d.Conversion.Status, d.Conversion.RejectedAt = subfive.StatusRejected, at }
	repaid := func(d *subfive.Delivery) { d.Conversion.PayoutChangedAt = at }
	micros := func(m subfive.Micros) *subfive.Micros { return &m }
	tests := map[string]struct {
		change func(*subfive.Delivery)
		now    *subfive.Money
		row    string // "" : none
		says   string // why it was left out
	}{
		"rejected":                     {rejected, worth, "cv_1,Purchase,2026-11-24 10:00:00+0000,RETRACT,,", ""},
		"worth something else":         {repaid, worth, "cv_1,Purchase,2026-11-24 10:00:00+0000,RESTATE,50.00,USD", ""},
		"nothing changed":              {nil, &subfive.Money{Amount: 42_500_000, Currency: "USD"}, "", ""},
		"changed, worth the same":      {repaid, &subfive.Money{Amount: 42_500_000, Currency: "USD"}, "", ""},
		"the buyer's rule changed":     {nil, worth, "", ""},
		"worth nothing known any more": {repaid, nil, "", ""},
		"a payout that came later": {func(d *subfive.Delivery) {
			d.Value, d.Conversion.Payout = nil, micros(50_000_000)
		}, worth, "cv_1,Purchase,2026-11-23 09:05:08+0000,RESTATE,50.00,USD", ""},
		"another payout, no time of the change": {func(d *subfive.Delivery) {
			d.Conversion.PayoutFirst, d.Conversion.Payout = micros(42_500_000), micros(50_000_000)
		}, worth, "cv_1,Purchase,2026-11-23 09:05:08+0000,RESTATE,50.00,USD", ""},
		"rejected, by a clock behind": {func(d *subfive.Delivery) {
			rejected(d)
			d.Conversion.RejectedAt = d.EventTime.Add(-time.Minute)
		}, worth, "cv_1,Purchase,2026-11-23 09:05:08+0000,RETRACT,,", ""},
		"withdrawn in time, but a file told it": {func(d *subfive.Delivery) {
			rejected(d)
			d.Status, d.ReasonCode, d.Conversion.FirstStatus = subfive.DeliverySkipped, "rejected", subfive.StatusPending
		}, worth, "cv_1,Purchase,2026-11-24 10:00:00+0000,RETRACT,,", ""},
		"rejected from the start": {func(d *subfive.Delivery) {
			rejected(d)
			d.Status, d.ReasonCode, d.Conversion.FirstStatus = subfive.DeliverySkipped, "rejected", subfive.StatusRejected
		}, worth, "", ""},
		"never owed": {func(d *subfive.Delivery) {
			rejected(d)
			d.Status, d.ReasonCode = subfive.DeliverySkipped, "goal_unmapped"
		}, worth, "", ""},
		"a test": {func(d *subfive.Delivery) {
			rejected(d)
			d.Conversion.IsTest = true
		}, worth, "", ""},
		"told by user data, by the API": {func(d *subfive.Delivery) {
			rejected(d)
			d.Click.Params = nil
		}, worth, "cv_1,Purchase,2026-11-24 10:00:00+0000,RETRACT,,", ""},
		"told by nobody": {func(d *subfive.Delivery) {
			rejected(d)
			d.Status, d.Click.Params = subfive.DeliveryDryRun, map[string]string{"gclid": "=x"}
		}, worth, "", "no click ID that is Google's"},
		"too old": {func(d *subfive.Delivery) {
			moveTo(d, noon.Add(-AdjustAge-time.Second))
			rejected(d)
		}, worth, "", "54 days"},
		"worth less than nothing": {repaid, &subfive.Money{Amount: -1, Currency: "USD"}, "", "negative"},
		"no name": {func(d *subfive.Delivery) {
			repaid(d)
			d.EventName = ""
		}, worth, "", "no conversion name"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			f, err := NewAdjustmentFile(&b, FileConfig{Flavor: FlavorBulk, Now: noon})
			if err != nil {
				t.Fatal(err)
			}
			why := ""
			if a, ok := AdjustmentOf(owed("cv_1", tt.change), tt.now); ok {
				if why, err = f.Add(a); err != nil {
					t.Fatal(err)
				}
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			want := "Order ID,Conversion Name,Adjustment Time,Adjustment Type,Adjusted Value,Adjusted Value Currency\n"
			if tt.row != "" {
				want += tt.row + "\n"
			}
			if d := cmp.Diff(want, b.String()); d != "" {
				t.Error(d)
			}
			if (why == "") != (tt.says == "") || !strings.Contains(why, tt.says) {
				t.Errorf("left out for %q, want %q", why, tt.says)
			}
		})
	}
}

func TestFileConfigRefused(t *testing.T) {
	tests := map[string]struct {
		change func(*FileConfig)
		says   string
	}{
		"no flavor":           {func(c *FileConfig) { c.Flavor = "" }, "bulk"},
		"another flavor":      {func(c *FileConfig) { c.Flavor = "sheet" }, "data-manager"},
		"another click ID":    {func(c *FileConfig) { c.ClickID = "fbclid" }, "gbraid"},
		"a zone of nowhere":   {func(c *FileConfig) { c.TimeZone = "Mars/Olympus" }, "America/New_York"},
		"this machine's zone": {func(c *FileConfig) { c.TimeZone = "Local" }, "-0300"},
		"two lines of zone":   {func(c *FileConfig) { c.TimeZone = "UTC\nx" }, "time zone"},
		"a colon in the zone": {func(c *FileConfig) { c.TimeZone = "+01:00" }, "-0300"},
		"two lines of name":   {func(c *FileConfig) { c.ConversionName = "a\r\nb" }, "Google Ads shows"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := bulk()
			tt.change(&c)
			var b bytes.Buffer
			if _, err := NewConversionFile(&b, c); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v, want one with %q", err, tt.says)
			}
		})
	}
}

// broken fails once its room is used up.
type broken struct{ room int }

var errFull = errors.New("disk full")

func (b *broken) Write(p []byte) (int, error) {
	if b.room -= len(p); b.room < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestFileOnFullDisk(t *testing.T) {
	f, err := NewConversionFile(&broken{room: 5000}, bulk())
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		if _, err = f.Add(owed("cv_1", nil)); err != nil {
			break
		}
	}
	if !errors.Is(err, errFull) || !errors.Is(f.Close(), errFull) {
		t.Errorf("a full disk went by: %v", err)
	}
}

// Whatever a click, a network or the buyer brings, a row is a row: eight cells
// that read back as they were, the first of them harmless.
func FuzzConversionFile(f *testing.F) {
	f.Add("Cj0", "Purchase", "cv_1", int64(42_500_000), "USD")
	f.Add("=1+1", "=HYPERLINK(\"x\")", "+cv", int64(-1), "€")
	f.Add("-a", " a,\"b\" ", "cv\n1", int64(1), "usd")
	f.Add("a\r\nb", "\ttab", "@", int64(0), "")
	f.Fuzz(func(t *testing.T, gclid, name, id string, amount int64, currency string) {
		d := owed("cv_1", func(d *subfive.Delivery) {
			d.Click.Params = map[string]string{"gclid": gclid}
			d.EventName, d.EventID, d.Value = name, id, &subfive.Money{Amount: subfive.Micros(amount), Currency: currency}
		})
		file, out := conversionFile(t, bulk(), d)
		rows := readBack(t, file)
		if len(out) == 1 {
			if len(rows) != 1 {
				t.Fatalf("left out, and yet there: %q", rows)
			}
			return
		}
		if len(rows) != 2 || len(rows[1]) != 8 {
			t.Fatalf("rows %q", rows)
		}
		if strings.ContainsAny(rows[1][0][:1], "=+-@\t\r") || rows[1][0] != gclid || rows[1][1] != name {
			t.Errorf("row %q", rows[1])
		}
	})
}
