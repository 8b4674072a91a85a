package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/dashboard"
)

// costSources are ad accounts to import the costs of.
func costSources(c *commands) {
	c.t.Helper()
	c.write("sources.yaml", strings.Replace(commandsFile, "  - {id: meta-us, platform: meta}\n", `  - {id: meta-us, platform: meta, account_id: act_1, timezone: America/New_York}
  - {id: google-eu, platform: google, account_id: 123-456-7890, timezone: UTC, currency: EUR}
  - {id: google-us, platform: google, account_id: 222-222-2222}
  - {id: native, platform: other}
`, 1))
	c.run(exitDone, "apply", "-f", filepath.Join(c.dir, "sources.yaml"))
}

const keptCosts = "SELECT day, source_id, ad_id, cost_micros, platform_clicks FROM v_daily WHERE platform_clicks > 0 OR cost_micros > 0 ORDER BY 1, 2, 3"

// Each ads manager's export is kept by source, day and ad, to the cent; again, it
// is the same; an ad that is gone from it is gone.
func TestImportCosts(t *testing.T) {
	c := newCommands(t)
	costSources(c)
	c.with(func(s session, a *app) error {
		attributor, err := s.attributor(t.Context(), a)
		if err != nil {
			return err
		}
		return attributor.Record(t.Context(), entries(t, clickRecord(clickID, func(click *subfive.Click) {
			click.ClickedAt = noon().Add(-time.Hour)
			click.Ad = subfive.Ad{CampaignID: "120210000000000111", SetID: "120210000000000211", ID: "120210000000000311"}
		})))
	})
	meta, google := "../../costs/testdata/meta.csv", "../../costs/testdata/google_utf16.csv"
	want := strings.Join([]string{
		"2026-11-20,google-eu,700111,,1930", // no rate yet
		"2026-11-20,meta-us,120210000000000311,41070000,210",
		"2026-11-20,meta-us,120210000000000312,100000,0",
		"2026-11-21,google-eu,700111,,40",
		"2026-11-21,meta-us,120210000000000311,39999999,199",
	}, "\n")
	for _, turn := range []string{"once", "again"} {
		out, _ := c.run(exitDone, "import", "costs", meta, "--platform", "meta")
		for _, says := range []string{
			"  Amount spent (USD): spend in USD\n", "\n3 rows of 2 days imported (81.169999 USD), 0 rejected\n1 line left out: totals\n",
			"warning: the days of source meta-us are those of America/New_York, reports' are of UTC",
		} {
			if !strings.Contains(out, says) {
				t.Errorf("%s: %q is not in %s", turn, says, out)
			}
		}
		out, _ = c.run(exitDone, "import", "costs", google, "--platform", "google")
		if says := "there is no rate for 2 days (2026-11-20, 2026-11-21)"; !strings.Contains(out, says) || strings.Contains(out, "time zone") {
			t.Errorf("%s: %q is not in %s", turn, says, out)
		}
		if diff := cmp.Diff(want, c.query(keptCosts)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", turn, diff)
		}
	}
	statuses := "SELECT DISTINCT ad_id, cost_status, campaign_id FROM v_daily WHERE day = '2026-11-20' AND source_id = 'meta-us' ORDER BY 1"
	if got := c.query(statuses); got != "120210000000000311,imported,spring\n120210000000000312,unallocated," {
		t.Errorf("statuses %s", got)
	}

	fewer := c.write("fewer.csv", "Day,Ad ID,Amount spent (USD),Link clicks\n2026-11-20,120210000000000311,50.00,211\n")
	c.run(exitDone, "import", "costs", fewer, "--source", "meta-us")
	if got := c.query(keptCosts + " LIMIT 2"); got != "2026-11-20,google-eu,700111,,1930\n2026-11-20,meta-us,120210000000000311,50000000,211" {
		t.Errorf("fewer: %s", got)
	}

	out, _ := c.run(exitFailed, "import", "rates", "../../costs/testdata/ecb.csv")
	if !strings.Contains(out, "the European Central Bank's rates, crossed to USD\n4 rates of 1 day imported, from 2026-11-20 to 2026-11-20\nrejected: line 4, column JPY") {
		t.Errorf("rates: %s", out)
	}
	if got := c.query("SELECT cost_micros FROM v_daily WHERE source_id = 'google-eu' AND ad_id = '700111' ORDER BY day"); got != "1267254450\n35071754" { // × 1.0521, the 21st by the day before's
		t.Errorf("with rates: %s", got)
	}
}

// A day is taken whole or not at all: mended, its rejected rows are the whole day.
func TestImportCostsOfABrokenDay(t *testing.T) {
	c := newCommands(t)
	costSources(c)
	header := "Day,Ad ID,Amount spent (USD),Link clicks\n"
	good := c.write("good.csv", header+"2026-11-18,1,1.00,1\n2026-11-19,1,2.00,1\n2026-11-19,2,3.00,1\n")
	c.run(exitDone, "import", "costs", good, "--source", "meta-us")
	broken := c.write("broken.csv", header+"2026-11-18,1,10.00,1\n2026-11-19,1,20.00,1\n2026-11-19,2,a lot,1\n2026-11-19,2,1.00,1\n")
	rejected := filepath.Join(c.dir, "rejected.csv")
	out, errs := c.run(exitFailed, "import", "costs", broken, "--source", "meta-us", "--rejected", rejected)
	if !strings.Contains(out, "1 row of 1 day imported (10.00 USD), 1 rejected\n") || !strings.Contains(out, "left as they were, as a row of theirs is rejected: 2026-11-19 of meta-us\n") ||
		!strings.Contains(out, `rejected: line 4, column Amount spent (USD), "a lot": it is not a plain decimal`) || !strings.Contains(errs, "mend them in "+rejected) {
		t.Errorf("it says %s%s", out, errs)
	}
	if got := c.query(keptCosts); got != "2026-11-18,meta-us,1,10000000,1\n2026-11-19,meta-us,1,2000000,1\n2026-11-19,meta-us,2,3000000,1" {
		t.Errorf("kept %s", got)
	}
	data, err := os.ReadFile(rejected)
	if err != nil {
		t.Fatal(err)
	}
	want := header + "# line 3: nothing is wrong with it, but another row of its day is refused\n2026-11-19,1,20.00,1\n" +
		"# line 4, column Amount spent (USD), \"a lot\": it is not a plain decimal number such as 42.50\n2026-11-19,2,a lot,1\n" +
		"# line 5: nothing is wrong with it, but another row of its day is refused\n2026-11-19,2,1.00,1\n"
	if diff := cmp.Diff(want, string(data)); diff != "" {
		t.Errorf("rejected (-want +got):\n%s", diff)
	}
	mended := c.write("mended.csv", strings.Replace(string(data), "\n2026-11-19,2,a lot", "\n2026-11-19,2,30.00", 1))
	out, _ = c.run(exitDone, "import", "costs", mended, "--source", "meta-us")
	if !strings.Contains(out, "1 row added to another of the same ad and day") {
		t.Errorf("it says %s", out)
	}
	if got := c.query(keptCosts); got != "2026-11-18,meta-us,1,10000000,1\n2026-11-19,meta-us,1,20000000,1\n2026-11-19,meta-us,2,31000000,2" {
		t.Errorf("mended %s", got)
	}

	// Whose day is not known may be of any: none is taken.
	dayless := c.write("dayless.csv", header+"2026-11-18,1,11.00,1\nsoon,1,20.00,1\n")
	if out, _ := c.run(exitFailed, "import", "costs", dayless, "--source", "meta-us"); !strings.Contains(out, "0 rows of 0 days imported, 1 rejected\n") || !strings.Contains(out, "all days are left as they were") {
		t.Errorf("it says %s", out)
	}
	if got := c.query(keptCosts + " LIMIT 1"); got != "2026-11-18,meta-us,1,10000000,1" {
		t.Errorf("kept %s", got)
	}
}

// However many rows are held in memory, each day is replaced as one.
func TestImportCostsInParts(t *testing.T) {
	c := newCommands(t)
	costSources(c)
	file := c.write("costs.csv", "Day,Ad ID,Cost\n2026-11-17,1,1.00\n2026-11-18,1,2.00\n2026-11-17,2,3.00\n2026-11-19,1,4.00\n2026-11-18,2,5.00\n2026-11-18,3,6.00\n")
	for _, atOnce := range []int{1, 2, 3, 4, 100} {
		c.run(exitDone, "import", "costs", c.write("none.csv", "Day,Ad ID,Cost\n2026-11-17,9,0\n2026-11-18,9,0\n2026-11-19,9,0\n"), "--source", "native")
		c.with(func(s session, a *app) error {
			a.stdout = &bytes.Buffer{}
			return a.importCosts(t.Context(), s, costFlags{source: "native", atOnce: atOnce}, file)
		})
		got := c.query("SELECT day, ad_id, cost_micros FROM v_daily WHERE cost_micros > 0 ORDER BY 1, 2")
		if want := "2026-11-17,1,1000000\n2026-11-17,2,3000000\n2026-11-18,1,2000000\n2026-11-18,2,5000000\n2026-11-18,3,6000000\n2026-11-19,1,4000000"; got != want {
			t.Errorf("%d at once: %s", atOnce, got)
		}
	}
}

func TestImportCostsRefused(t *testing.T) {
	c := newCommands(t)
	costSources(c)
	const header = "Day,Customer ID,Ad ID,Cost\n"
	tests := map[string]struct {
		text  string
		flags []string
		code  int
		says  string
	}{
		"no platform":           {header, nil, exitUsage, "say whose export it is: --platform, or --source for one of"},
		"unknown platform":      {header, []string{"--platform", "bing"}, exitUsage, "there is meta, tiktok, google, reddit and generic"},
		"no source there":       {header, []string{"--platform", "tiktok"}, exitUsage, "no source is bought there; there is: google-eu"},
		"unknown source":        {header, []string{"--source", "meta-eu"}, exitUsage, "there is no such source"},
		"another's source":      {header, []string{"--platform", "google", "--source", "meta-us"}, exitUsage, "--source meta-us is bought on meta, not on google"},
		"no day":                {"Campaign,Cost\nx,1\n", []string{"--platform", "google"}, exitUsage, "no column is known to be day; export with a breakdown by day"},
		"nothing":               {"", []string{"--platform", "google"}, exitUsage, "names no columns"},
		"bad map":               {header, []string{"--platform", "google", "--map", "Cost"}, exitUsage, "write COLUMN=FIELD"},
		"map to nothing":        {header, []string{"--platform", "google", "--map", "Cost=money"}, exitUsage, `column "Cost" can't be taken for "money"`},
		"bad dates":             {header, []string{"--platform", "google", "--dates", "ymd"}, exitUsage, "there is mdy (month first)"},
		"bad decimal":           {header, []string{"--platform", "google", "--decimal", "dot"}, exitUsage, "there is point"},
		"bad currency":          {header, []string{"--platform", "google", "--currency", "dollar"}, exitUsage, "such as USD"},
		"points and commas":     {header + "2026-11-20,1234567890,1,\"1,5\"\n2026-11-20,1234567890,1,1.5\n", []string{"--platform", "google"}, exitUsage, "--decimal point or --decimal comma"},
		"thousands or decimals": {header + "2026-11-20,1234567890,1,\"1,500\"\n", []string{"--platform", "google"}, exitFailed, "1 row rejected"},
		"unknown account":       {header + "2026-11-20,333,1,1\n", []string{"--platform", "google"}, exitFailed, "1 row rejected"},
		"another account":       {header + "2026-11-20,2222222222,1,1\n", []string{"--source", "google-eu"}, exitFailed, "1 row rejected"},
		"no account":            {"Day,Cost\n2026-11-20,1\n", []string{"--platform", "google"}, exitFailed, "1 row rejected"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			out, errs := c.run(tt.code, append([]string{"import", "costs", c.write("costs.csv", tt.text)}, tt.flags...)...)
			if !strings.Contains(errs, tt.says) {
				t.Errorf("it says %s%s", out, errs)
			}
			if got := c.query("SELECT count(*) FROM v_daily"); got != "0" {
				t.Errorf("%s rows", got)
			}
		})
	}
}

func TestImportCostsSays(t *testing.T) {
	c := newCommands(t)
	costSources(c)
	tests := map[string]struct {
		text  string
		flags []string
		says  []string
	}{
		"a dry run": {
			"day,ad_id,spend\n2026-11-20,1,1.50\n",
			[]string{"--source", "native", "--dry-run"},
			[]string{`"spend": "1.50"`, `"currency": "USD"`, "dry run: 1 row can be read (1.50 USD), 0 can't; 1 day would be replaced; nothing was recorded\n"},
		},
		"names without IDs": {
			"Day,Campaign ID,Ad name,Cost\n2026-11-20,1,Video,1.50\n",
			[]string{"--source", "google-us", "--dry-run"},
			[]string{"note: the file names each ad but not its ID, which links bring: costs are known by campaign", "note: source google-us does not say its account's time zone"},
		},
		"no ads": {
			"Day,Cost\n2026-11-20,1.50\n",
			[]string{"--source", "google-us", "--dry-run"},
			[]string{"note: the file tells no ads apart: costs are spread over all clicks of the day"},
		},
		"another currency": {
			"Day,Currency code,Cost\n2026-11-20,GBP,1.50\n",
			[]string{"--source", "google-us", "--dry-run"},
			[]string{"warning: amounts are in GBP, and source google-us says that its account is in USD", "there is no rate for 1 day (2026-11-20)"},
		},
		"a currency that is said": {
			"day,spend\n2026-11-20,\"1,50\"\n",
			[]string{"--source", "native", "--currency", "eur", "--dry-run"},
			[]string{"(1.50 EUR)"},
		},
		"a column that is said": {
			"When,What\n03/04/2026,\"1,500\"\n",
			[]string{"--source", "native", "--map", "When=day", "--map", "What=spend", "--dates", "dmy", "--decimal", "comma", "--dry-run"},
			[]string{"  What: spend (as you say)\n", `"day": "2026-04-03"`, `"spend": "1.50"`},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			out, _ := c.run(exitDone, append([]string{"import", "costs", c.write("costs.csv", tt.text)}, tt.flags...)...)
			for _, says := range tt.says {
				if !strings.Contains(out, says) {
					t.Errorf("%q is not in\n%s", says, out)
				}
			}
			if got := c.query("SELECT count(*) FROM v_daily"); got != "0" {
				t.Errorf("a dry run kept %s rows", got)
			}
		})
	}
}

func TestSameDays(t *testing.T) {
	tests := map[string]struct {
		one, other, day string
		want            bool
	}{
		"the same zone":           {"Europe/Berlin", "Europe/Berlin", "2026-11-20", true},
		"the same hours":          {"Europe/Berlin", "Europe/Paris", "2026-11-20", true},
		"in winter":               {"Europe/London", "UTC", "2026-11-20", true},
		"in summer":               {"Europe/London", "UTC", "2026-07-20", false},
		"half an hour apart":      {"Asia/Kolkata", "Asia/Karachi", "2026-11-20", false},
		"a zone nobody knows":     {"Mars/Olympus", "UTC", "2026-11-20", false},
		"a zone nobody knows, us": {"Mars/Olympus", "Mars/Olympus", "2026-11-20", true},
	}
	for name, tt := range tests {
		if got := sameDays(tt.one, tt.other, []string{"2026-11-20", tt.day}); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// What the API takes and lists is what the command keeps.
func TestCostsOverTheAPI(t *testing.T) {
	c := newCommands(t)
	costSources(c)
	c.with(func(s session, a *app) error {
		tr := &tracker{app: a, file: s.file}
		tr.store.Store(s.Store)
		b := &backend{t: tr}
		ctx := t.Context()
		rows := []dashboard.Cost{
			{SourceID: "google-eu", Day: "2026-11-20", AdID: "7", AdName: "Ad", Spend: 12_340_000, Impressions: 100, Clicks: 9, Conversions: 1, Value: 42_500_000},
			{SourceID: "native", Day: "2026-11-19", AdAccountID: "n1", CampaignID: "c", Spend: 1, Currency: "GBP"},
		}
		var answers []any
		for range 2 {
			kept, err := b.ReplaceCosts(ctx, rows)
			if err != nil {
				return err
			}
			page, err := b.Costs(ctx, dashboard.CostQuery{Limit: 10})
			if err != nil {
				return err
			}
			answers = append(answers, []any{kept, page})
		}
		if diff := cmp.Diff(answers[0], answers[1]); diff != "" {
			t.Errorf("once and again (-once +again):\n%s", diff)
		}
		rows[0].Currency, rows[0].AdAccountID = "EUR", "123-456-7890" // the source's
		id := answers[0].([]any)[0].(map[string]any)["import_id"].(string)
		want := map[string]any{"next": "", "items": []keptCost{{rows[0], "google", id, noon()}, {rows[1], "other", id, noon()}}}
		if diff := cmp.Diff(want, answers[0].([]any)[1]); diff != "" {
			t.Errorf("listed (-want +got):\n%s", diff)
		}
		for what, row := range map[string]dashboard.Cost{
			"there is no source": {SourceID: "x", Day: "2026-11-20"}, "the day is": {SourceID: "native", Day: "20.11.2026"}, "in the future": {SourceID: "native", Day: "2026-12-20"},
			"three capitals": {SourceID: "native", Day: "2026-11-20", Currency: "euro"}, "a count is negative": {SourceID: "native", Day: "2026-11-20", Clicks: -1},
		} {
			if _, err := b.ReplaceCosts(ctx, []dashboard.Cost{row}); !isInvalid(err, what) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if _, err := b.Costs(ctx, dashboard.CostQuery{Limit: 10, Cursor: "x"}); !isInvalid(err, "the cursor is none of ours") {
			t.Error(err)
		}

		if kept, err := b.PutRates(ctx, "bank", []dashboard.Rate{{Date: "2026-11-20", Currency: "EUR", Rate: "1.0521"}}); err != nil || kept.(map[string]any)["rates"] != 1 {
			t.Error(kept, err)
		}
		rates, err := b.Rates(ctx, dashboard.RateQuery{Limit: 10})
		if diff := cmp.Diff(map[string]any{"items": []map[string]string{
			{"date": "2026-11-20", "currency": "EUR", "reporting_currency": "USD", "rate": "1.0521", "source": "bank"},
		}}, rates); diff != "" || err != nil {
			t.Errorf("%v, rates (-want +got):\n%s", err, diff)
		}
		if _, err := b.PutRates(ctx, "bank", []dashboard.Rate{{Date: "2026-11-20", Currency: "EUR", Rate: "1,05"}}); !isInvalid(err, "is not a plain decimal") {
			t.Error(err)
		}
		if _, err := (&backend{t: &tracker{}}).Costs(ctx, dashboard.CostQuery{}); !errors.Is(err, errNoDatabase) {
			t.Errorf("without a database: %v", err)
		}
		return nil
	})
}

func isInvalid(err error, what string) bool {
	r, ok := errors.AsType[dashboard.Refusal](err)
	return ok && r.Invalid && strings.Contains(r.What, what)
}

// Each command of the page about costs names flags and arguments that there are,
// its query runs, and its setting is one.
func TestCostsPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/costs.md")
	if err != nil {
		t.Fatal(err)
	}
	c := newCommands(t)
	commands := 0
	for line := range strings.Lines(string(page)) {
		words := shellWords(line)
		if !strings.HasPrefix(line, "    ") || len(words) == 0 || words[0] != "subfive" {
			continue
		}
		commands++
		found, rest, err := newRoot(newApp(&bytes.Buffer{}, &bytes.Buffer{})).Find(words[1:])
		if err == nil {
			err = found.ParseFlags(rest)
		}
		if err == nil {
			err = found.ValidateArgs(found.Flags().Args())
		}
		if err != nil || !found.Runnable() {
			t.Errorf("%s: %v", strings.TrimSpace(line), err)
		} else if found.Name() == "sql" {
			c.run(exitDone, words[1:]...)
		}
	}
	if commands != 7 {
		t.Errorf("%d commands are found", commands)
	}
	_, setting, ok := strings.Cut(string(page), "```yaml\n")
	setting, _, _ = strings.Cut(setting, "```")
	if !ok {
		t.Fatal("no setting")
	}
	c.run(exitDone, "config", "check", c.write("rates.yaml", setting))
}
