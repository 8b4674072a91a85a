package costs_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/costs"
	"subfive/moving"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// read reads a file as the command does.
func read(t testing.TB, p costs.Platform, name string, given map[string]costs.Field) (good []costs.Cost, totals int, rejected []string) {
	t.Helper()
	r := costs.Reader{Now: now}
	rows := table(t, p, name, given, &r)
	for _, row := range rows {
		r.Learn(row)
	}
	if err := r.Learned(); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if r.IsTotal(row.Cells) {
			totals++
			continue
		}
		c, err := r.Cost(row)
		var wrong *subfive.Rejection
		switch {
		case errors.As(err, &wrong):
			rejected = append(rejected, wrong.Error())
		case err != nil:
			t.Fatal(err)
		default:
			good = append(good, c)
		}
	}
	return good, totals, rejected
}

func table(t testing.TB, p costs.Platform, name string, given map[string]costs.Field, r *costs.Reader) (rows []costs.Row) {
	t.Helper()
	file, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	table, err := moving.NewTableBelow(file, func(cells []string) bool { return p.IsHeader(cells, given) })
	if err != nil {
		t.Fatal(err)
	}
	if r.Columns, err = p.Columns(table.Header, given); err != nil {
		t.Fatal(err)
	}
	for {
		row, err := table.Next()
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, costs.Row{Line: row.Line, Cells: row.Cells})
	}
}

func money(text, currency string) subfive.Money {
	m, err := subfive.ParseMicros(text)
	if err != nil {
		panic(err)
	}
	return subfive.Money{Amount: m, Currency: currency}
}

func TestExports(t *testing.T) {
	metaAd := func(id, name string) subfive.Ad {
		return subfive.Ad{CampaignID: "120210000000000111", CampaignName: "Spring, US", SetID: "120210000000000211", SetName: "Broad 25+", ID: id, Name: name}
	}
	tiktokAd := func(id, name string) subfive.Ad {
		return subfive.Ad{CampaignID: "1780000000000111", CampaignName: "TT Winter", SetID: "1780000000000211", SetName: "Interest", ID: id, Name: name}
	}
	googleAd := func(id string) subfive.Ad {
		return subfive.Ad{CampaignID: "20111", CampaignName: "Search - Brand", SetID: "30111", SetName: "Brand terms", ID: id}
	}
	google := []costs.Cost{
		{"2026-11-20", "1234567890", googleAd("700111"), money("1204.50", "EUR"), 48210, 1930, 97, 9_120_000_000},
		{"2026-11-21", "1234567890", googleAd("700111"), money("33.335", "EUR"), 1000, 40, 2, 60_000_000},
		{"2026-11-21", "1234567890", googleAd("700112"), money("0", "EUR"), 0, 0, 0, 0},
	}
	tests := map[string]struct {
		platform costs.Platform
		file     string
		want     []costs.Cost
		totals   int
	}{
		"meta, with its summary row": {costs.Meta, "meta.csv", []costs.Cost{
			{"2026-11-20", "", metaAd("120210000000000311", `Video "A"`), money("41.07", "USD"), 8123, 210, 3, 126_500_000},
			{"2026-11-20", "", metaAd("120210000000000312", "Video B"), money("0.10", "USD"), 12, 0, 0, 0},
			{"2026-11-21", "", metaAd("120210000000000311", `Video "A"`), money("39.999999", "USD"), 7901, 199, 1, 42_000_000},
		}, 1},
		"tiktok, with its totals row": {costs.TikTok, "tiktok.csv", []costs.Cost{
			{"2026-11-20", "", tiktokAd("1780000000000311", "UGC 1"), money("120.50", "USD"), 20310, 210, 5, 212_500_000},
			{"2026-11-20", "", tiktokAd("1780000000000312", "UGC 2"), money("0", "USD"), 0, 0, 0, 0},
		}, 1},
		"google, below a title, thousands apart, totals": {costs.Google, "google.csv", google, 2},
		"google, UTF-16": {costs.Google, "google_utf16.csv", google, 2},
		"reddit": {costs.Reddit, "reddit.csv", []costs.Cost{{
			"2026-11-20", "",
			subfive.Ad{CampaignID: "2100111", CampaignName: "Launch", SetID: "2200111", SetName: "r/gadgets", ID: "2300111", Name: "Post 1"},
			money("18.42", "USD"), 5210, 61, 2, 85_000_000,
		}}, 0},
		"generic, semicolons and decimal commas": {costs.Generic, "german.csv", []costs.Cost{
			{"2026-11-20", "77", subfive.Ad{CampaignID: "11", SetID: "22", ID: "33"}, money("1234.56", "EUR"), 12345, 321, 2, 85_000_000},
			{"2026-11-20", "77", subfive.Ad{CampaignID: "11", SetID: "22", ID: "34"}, money("0.5", "EUR"), 1000, 3, 0, 0},
			{"2026-11-21", "77", subfive.Ad{CampaignID: "11", SetID: "22", ID: "33"}, money("1234", "EUR"), 999, 3, 0, 0}, // as the other numbers tell
		}, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, totals, rejected := read(t, tt.platform, tt.file, nil)
			if diff := cmp.Diff(tt.want, got); diff != "" || totals != tt.totals || rejected != nil {
				t.Errorf("%d totals, rejected %q, costs (-want +got):\n%s", totals, rejected, diff)
			}
		})
	}
}

func TestHostileRows(t *testing.T) {
	good, totals, rejected := read(t, costs.Meta, "hostile.csv", nil)
	if diff := cmp.Diff([]costs.Cost{{Day: "2026-11-20", Ad: subfive.Ad{CampaignID: "111", ID: "322", Name: "fine"}, Spend: money("1.00", "USD"), Impressions: 5, Clicks: 1}}, good); diff != "" || totals != 1 {
		t.Errorf("%d totals, costs (-want +got):\n%s", totals, diff)
	}
	want := []string{
		`line 2, column Ad ID, "1.20E+17": a spreadsheet has rounded it; export anew and do not open the file in one`,
		`line 3, column Ad ID, "a\tb": it has control characters: no ID`,
		`line 4, column Currency, "EUR": it is not the currency that the header of the spend names`,
		`line 5, column Impressions, "-5": it is negative`,
		`line 6, column Link clicks, "1.5": it is no whole number`,
		`line 7, column Amount spent (USD), "12 apples": it is not a plain decimal number such as 42.50`,
		`line 8, column Amount spent (USD), "99999999999999": it is not a plain decimal number such as 42.50: too large`,
		`line 9, column Amount spent (USD): it is empty though the ad was shown`,
		`line 10: it names neither ad, ad set nor campaign by ID; if it is a sum, delete the line`,
		`line 11, column Day, "2031-01-01": it is in the future`,
		`line 12, column Day, "1999-01-01": it is before the year 2000`,
		`line 13, column Day, "03/04/2026": it may mean two days; say which: --dates mdy or --dates dmy`,
		`line 14, column Day, "soon": it is no day; write it as 2026-11-24`,
		`line 15, column Amount spent (USD), "1,2,3": it is no number with a point before its decimals`,
	}
	if diff := cmp.Diff(want, rejected); diff != "" {
		t.Errorf("rejected (-want +got):\n%s", diff)
	}
}

// What a number may mean hangs on the others of its table.
func TestDecimals(t *testing.T) {
	tests := map[string]struct {
		spends, impressions []string
		want                []string // "" is refused
		mixed               bool
	}{
		"points":                   {[]string{"1234.56", "1,234.56", "1,234,567.8"}, nil, []string{"1234.56", "1234.56", "1234567.80"}, false},
		"commas":                   {[]string{"1234,56", "1.234,56", "1.234.567,8"}, nil, []string{"1234.56", "1234.56", "1234567.80"}, false},
		"nobody tells":             {[]string{"1,234", "1.234", "7"}, nil, []string{"", "", "7.00"}, false},
		"another tells: point":     {[]string{"1,234", "1.234", "0.5"}, nil, []string{"1234.00", "1.234", "0.50"}, false},
		"another tells: comma":     {[]string{"1,234", "1.234", "0,5"}, nil, []string{"1.234", "1234.00", "0.50"}, false},
		"impressions tell":         {[]string{"1,234"}, []string{"48,210"}, []string{"1234.00"}, false},
		"impressions tell: comma":  {[]string{"1,234"}, []string{"48.210"}, []string{"1.234"}, false},
		"no thousands":             {[]string{"0,123"}, nil, []string{"0.123"}, false},
		"four before are none":     {[]string{"1234,567"}, nil, []string{"1234.567"}, false},
		"signs and spaces":         {[]string{"$ 1 234.50", "USD 3.25", "3.25 USD", "−2.10", "1’000.00", "€5.10"}, nil, []string{"1234.50", "3.25", "3.25", "-2.10", "1000.00", "5.10"}, false},
		"Indian thousands":         {[]string{"12,34,567.89"}, nil, []string{"1234567.89"}, false},
		"both":                     {[]string{"1.5", "1,5"}, nil, nil, true},
		"words and empty brackets": {[]string{"1e5", "()", "(12.00)", ".", "1..2", "0x10", "NaN", "1,23.4", ",1.0"}, nil, []string{"", "", "", "", "", "", "", "", ""}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			columns, err := costs.Generic.Columns([]string{"day", "ad_id", "spend", "impressions"}, nil)
			if err != nil {
				t.Fatal(err)
			}
			r := costs.Reader{Columns: columns, Now: now}
			var rows []costs.Row
			for i, s := range tt.spends {
				row := costs.Row{Line: i + 2, Cells: []string{"2026-11-20", "1", s, "0"}}
				if i < len(tt.impressions) {
					row.Cells[3] = tt.impressions[i]
				}
				rows = append(rows, row)
				r.Learn(row)
			}
			err = r.Learned()
			if errors.Is(err, costs.ErrMixed) != tt.mixed {
				t.Fatalf("learned: %v", err)
			}
			if tt.mixed {
				return
			}
			var got []string
			for _, row := range rows {
				c, err := r.Cost(row)
				text := c.Spend.Amount.String()
				if err != nil {
					text = ""
				}
				got = append(got, text)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDays(t *testing.T) {
	tests := map[string]struct {
		order costs.Dates
		want  string
	}{
		"2026-11-20": {"", "2026-11-20"}, "2026-11-20 00:00:00": {"", "2026-11-20"}, "20261120": {"", "2026-11-20"},
		"Nov 20, 2026": {"", "2026-11-20"}, "Friday, November 20, 2026": {"", "2026-11-20"}, "20.11.2026": {"", "2026-11-20"}, "2026/11/20": {"", "2026-11-20"},
		"11/20/2026": {"", "2026-11-20"}, "20/11/2026": {"", "2026-11-20"}, "5/5/2026": {"", "2026-05-05"},
		"3/4/2026": {costs.MonthFirst, "2026-03-04"}, "03/04/2026": {costs.DayFirst, "2026-04-03"}, "4/13/2026": {costs.DayFirst, ""},
		"2026-11-25": {"", "2026-11-25"}, // begun in the account's zone
		"2026-11-26": {"", ""}, "2026-02-30": {"", ""}, "2026-11": {"", ""}, "": {"", ""},
	}
	for text, tt := range tests {
		columns, err := costs.Generic.Columns([]string{"day", "ad_id", "spend"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		r := costs.Reader{Columns: columns, Now: now, Dates: tt.order}
		c, err := r.Cost(costs.Row{Line: 2, Cells: []string{text, "1", "2"}})
		if c.Day != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%q is %q, %v; want %q", text, c.Day, err, tt.want)
		}
	}
}

func TestColumns(t *testing.T) {
	words := func(all []costs.Column) (s []string) {
		for _, c := range all {
			if c.Field != costs.FieldNone {
				s = append(s, c.Words())
			}
		}
		return s
	}
	tests := map[string]struct {
		platform costs.Platform
		header   []string
		given    map[string]costs.Field
		want     []string
		err      string
	}{
		"the best of several": {
			costs.Meta,
			[]string{"Date", "Day", "Clicks (all)", "Link clicks", "Results", "Purchases", "Amount Spent (EUR)", "Reporting Starts"},
			nil,
			[]string{"Day: day", "Link clicks: platform_clicks", "Purchases: platform_conversions", "Amount Spent (EUR): spend in EUR"},
			"",
		},
		"a person knows better": {
			costs.Meta,
			[]string{"Day", "Link clicks", "Results", "Purchases", "Amount spent"},
			map[string]costs.Field{"results": costs.FieldConversions, "Link Clicks": costs.FieldNone},
			[]string{"Day: day", "Results: platform_conversions (as you say)", "Amount spent: spend"},
			"",
		},
		"in other words": {
			costs.Generic,
			[]string{"Datum", "Kosten", "Anzeige"},
			map[string]costs.Field{"Datum": costs.FieldDay, "Kosten": costs.FieldSpend, "Anzeige": costs.FieldAd},
			[]string{"Datum: day (as you say)", "Kosten: spend (as you say)", "Anzeige: ad_id (as you say)"},
			"",
		},
		"no day":         {costs.Google, []string{"Campaign", "Cost"}, nil, nil, "no column is known to be day; export with a breakdown by day"},
		"no spend":       {costs.TikTok, []string{"By Day", "Impressions"}, nil, nil, "no column is known to be spend"},
		"no such column": {costs.Generic, []string{"day", "spend"}, map[string]costs.Field{"ad": costs.FieldAd}, nil, `there is no column "ad"; there are: day, spend`},
		"no such field":  {costs.Generic, []string{"day", "spend"}, map[string]costs.Field{"day": "date"}, nil, `column "day" can't be taken for "date"`},
		"one field twice": {
			costs.Generic,
			[]string{"day", "a", "b"},
			map[string]costs.Field{"a": costs.FieldSpend, "b": costs.FieldSpend},
			nil,
			`columns "a" and "b" can't both be taken for spend`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := tt.platform.Columns(tt.header, tt.given)
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Fatalf("err %v, want %q", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, words(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestLevelOf(t *testing.T) {
	tests := map[string]struct {
		header   []string
		level    costs.Level
		nameless string
	}{
		"ads":               {[]string{"day", "spend", "campaign_id", "adset_id", "ad_id", "ad_name"}, costs.ByAd, ""},
		"names of ads only": {[]string{"day", "spend", "campaign_id", "adset_name", "ad_name"}, costs.ByCampaign, "ad"},
		"ad sets":           {[]string{"day", "spend", "adset_id"}, costs.BySet, ""},
		"days":              {[]string{"day", "spend"}, costs.ByAccount, ""},
		"names only":        {[]string{"day", "spend", "campaign"}, costs.ByAccount, "campaign"},
	}
	for name, tt := range tests {
		columns, err := costs.Generic.Columns(tt.header, nil)
		if err != nil {
			t.Fatal(err)
		}
		if level, nameless := costs.LevelOf(columns); level != tt.level || nameless != tt.nameless {
			t.Errorf("%s: %s, %q", name, level, nameless)
		}
	}
}

// One ID may end in zeros; that all do is a spreadsheet's doing.
func TestRoundedIDs(t *testing.T) {
	columns, err := costs.Generic.Columns([]string{"day", "ad_id", "spend"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		ids  []string
		want error
	}{
		"all":             {[]string{"120210000000311000", "120210000000312000", "120210000000313000"}, costs.ErrRounded},
		"one is not":      {[]string{"120210000000311000", "120210000000312000", "120210000000313000", "120210000000314159"}, nil},
		"the same thrice": {[]string{"120210000000311000", "120210000000311000", "120210000000311000"}, nil},
		"short ones":      {[]string{"31000", "32000", "33000"}, nil},
	}
	for name, tt := range tests {
		r := costs.Reader{Columns: columns, Now: now}
		for i, id := range tt.ids {
			r.Learn(costs.Row{Line: i + 2, Cells: []string{"2026-11-20", id, "1.00"}})
		}
		if err := r.Learned(); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAccountID(t *testing.T) {
	for in, want := range map[string]string{"act_12345": "12345", "123-456-7890": "1234567890", " 77 ": "77", "t2_abc-d": "t2_abc-d", "": ""} {
		if got := costs.AccountID(in); got != want {
			t.Errorf("AccountID(%q) = %q", in, got)
		}
	}
}

// Whatever a cell holds, a row is read or refused: nothing else happens, and a
// spend that is read is what the cell says.
func FuzzCost(f *testing.F) {
	for _, seed := range []string{"1,234.56", "1.234,56", "--", "2026-11-20", "$1", "=\"12\"", "\xff", "9223372036854.775807", "-0.0000005"} {
		f.Add(seed, seed, seed, seed)
	}
	columns, err := costs.Meta.Columns([]string{"Day", "Reporting ends", "Ad ID", "Amount spent (USD)", "Impressions", "Results"}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, day, id, spend, n string) {
		r := costs.Reader{Columns: columns, Now: now}
		row := costs.Row{Line: 1, Cells: []string{day, day, id, spend, n, n}}
		r.Learn(row)
		if r.Learned() != nil || r.IsTotal(row.Cells) {
			return
		}
		c, err := r.Cost(row)
		var wrong *subfive.Rejection
		if err != nil && !errors.As(err, &wrong) {
			t.Fatalf("%T %v", err, err)
		}
		if err != nil {
			return
		}
		if _, bad := time.Parse(time.DateOnly, c.Day); bad != nil || c.Impressions < 0 || c.Conversions < 0 || len(c.Ad.ID) > 128 {
			t.Fatalf("%+v", c)
		}
		if plain, err := subfive.ParseMicros(spend); err == nil && r.Decimal != costs.DecimalComma && plain != c.Spend.Amount {
			t.Fatalf("%q is %s, read as %s", spend, plain, c.Spend.Amount)
		}
	})
}
