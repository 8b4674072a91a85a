package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/store"
)

// exportFile is a setup that buys on Google; DESTINATIONS is a campaign's.
const exportFile = `
public_url: https://trk.example.com
sources:
  - {id: google-us, platform: google}
  - {id: meta-us, platform: meta}
offers:
  - {id: ourdream, network_offer_id: "7", link: "https://track.example-network.com/A/B/", payout_max: "900"}
campaigns:
  - {id: search, source: google-us, offer: ourdream, destinations: [DESTINATIONS]}
  - {id: spring, source: meta-us, offer: ourdream}
destinations:
  - {id: hook, platform: relay, mode: dry_run, settings: {url: "https://hooks.example.com/hook"}}
GOOGLE`

const googleDestination = `  - id: ID
    platform: google
    mode: dry_run
    goals: {base: "Lead import", upsell: Upsell}
    value: {multiply: "0.5"}
    settings:
      customer_id: "1234567890"
      conversion_action_id: "6543210987"
      credentials: {client_id: c, client_secret: s, refresh_token: r}
`

// newExportCommands is a setup with those Google destinations, and what happened to it.
func newExportCommands(t *testing.T, google ...string) *commands {
	t.Helper()
	c := &commands{t: t, dir: t.TempDir(), env: map[string]string{"USER": "ann"}, now: noon()}
	var destinations strings.Builder
	for _, id := range google {
		destinations.WriteString(strings.Replace(googleDestination, "ID", id, 1))
	}
	file := strings.NewReplacer("DESTINATIONS", strings.Join(append([]string{"hook"}, google...), ", "), "GOOGLE", destinations.String()).Replace(exportFile)
	if err := os.WriteFile(filepath.Join(c.dir, "subfive.yaml"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	c.run(exitDone, "apply", "-f", filepath.Join(c.dir, "subfive.yaml"))
	c.record(googleClicks()...)
	return c
}

func (c *commands) record(records ...subfive.Record) {
	c.t.Helper()
	c.with(func(s session, a *app) error {
		attributor, err := s.attributor(c.t.Context(), a)
		if err != nil {
			return err
		}
		return attributor.Record(c.t.Context(), entries(c.t, records...))
	})
}

// googleClicks are clicks on Google's ads, a click on another's, and what the
// network said of them, in the order in which it did.
func googleClicks() []subfive.Record {
	var all []subfive.Record
	sold := func(n int, params map[string]string, change func(*subfive.Postback)) {
		id := fmt.Sprintf("01jd3c4z9y8x7w6v5t4s3r2q%02d", n)
		all = append(all, clickRecord(id, func(k *subfive.Click) {
			k.CampaignID, k.SourceID, k.Platform, k.Params = "search", "google-us", "google", params
			k.Consent = map[string]string{"consent_ad_user_data": "granted"}
		}), postbackRecord("g"+strconv.Itoa(n), id, "tx-g"+strconv.Itoa(n), func(p *subfive.Postback) {
			p.NetworkConversionID = "nc-" + strconv.Itoa(n)
			if change != nil {
				change(p)
			}
		}))
	}
	again := func(n int, change func(*subfive.Postback)) {
		id := fmt.Sprintf("01jd3c4z9y8x7w6v5t4s3r2q%02d", n)
		all = append(all, postbackRecord("again"+strconv.Itoa(n), id, "tx-g"+strconv.Itoa(n), func(p *subfive.Postback) {
			p.NetworkConversionID, p.ReceivedAt = "nc-"+strconv.Itoa(n), noon().Add(-10*time.Minute)
			change(p)
		}))
	}
	gclid := map[string]string{"gclid": "Cj0KCQ-_x.y"}
	sold(1, gclid, nil)
	sold(2, map[string]string{"gclid": "EAIaIQ", "gbraid": "0AAA"}, func(p *subfive.Postback) { p.GoalName = "upsell" })
	sold(3, map[string]string{"gbraid": "0AAAAAo"}, nil)
	sold(4, map[string]string{"gclid": `=HYPERLINK("http://x")`}, nil)
	sold(5, map[string]string{}, nil)
	sold(6, gclid, func(p *subfive.Postback) { p.GoalName = "trial" })
	sold(7, gclid, func(p *subfive.Postback) { p.Payout = micros(1_000_000_000) })
	sold(8, gclid, nil)
	again(8, func(p *subfive.Postback) { p.Status = subfive.StatusRejected })
	sold(9, gclid, nil)
	again(9, func(p *subfive.Postback) { p.Payout = micros(60_000_000) })
	return append(all, clickRecord(clickID, func(k *subfive.Click) { k.Params = gclid }), postbackRecord("meta", clickID, "tx-meta", nil))
}

// table reads a file: the cells of its rows by order ID, without the headers.
func table(t *testing.T, file string) map[string]string {
	t.Helper()
	all, err := csv.NewReader(strings.NewReader(file)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, row := range all[1:] {
		for _, cell := range row {
			if strings.HasPrefix(cell, subfive.PrefixConversion) {
				got[cell] = strings.Join(row, "|")
			}
		}
	}
	if len(got) != len(all)-1 {
		t.Errorf("%d rows of %d conversions", len(all)-1, len(got))
	}
	return got
}

func TestExportGoogleAds(t *testing.T) {
	setups := map[string]*commands{"one": newExportCommands(t, "google-main"), "none": newExportCommands(t)}
	for args, setup := range map[string]string{
		"":             "one",
		"--ids gbraid": "one",
		"--timezone America/New_York --conversion-name Sale": "one",
		"--flavor data-manager --since 1h":                   "one",
		"--until 1h":                                         "one",
		"--adjustments":                                      "one",
		"--adjustments --until 15m":                          "one",
		"--destination google-main":                          "one",
		"--ids gclid":                                        "none",
		"--ids wbraid":                                       "none",
		"--adjustments --since 1d":                           "none",
	} {
		t.Run(args, func(t *testing.T) {
			c := setups[setup]
			c.t = t
			stdout, stderr := c.run(exitDone, append([]string{"export", "google-ads"}, strings.Fields(args)...)...)
			name := "export_" + strings.Trim(strings.NewReplacer(" ", "_", "--", "", "/", "_").Replace(setup+" "+args), "_")
			golden(t, filepath.Join("testdata", "commands", name+".golden"), stdout+"---\n"+stderr)
			if strings.Contains(stdout, "HYPERLINK") || strings.Contains(stderr, "HYPERLINK") {
				t.Error("a formula got through")
			}
			if !strings.Contains(args, "timezone") {
				table(t, stdout)
			}
		})
	}
}

// What was told stays as it was told: a change goes into the other file alone.
func TestExportIsFrozen(t *testing.T) {
	for _, destinations := range [][]string{{"google-main"}, nil} {
		c := newExportCommands(t, destinations...)
		before, _ := c.run(exitDone, "export", "google-ads")
		c.now = c.now.Add(time.Hour)
		id := fmt.Sprintf("01jd3c4z9y8x7w6v5t4s3r2q%02d", 1)
		c.record(postbackRecord("more", id, "tx-g1", func(p *subfive.Postback) {
			p.NetworkConversionID, p.ReceivedAt, p.Payout = "nc-1", c.now, micros(77_000_000)
		}))
		after, _ := c.run(exitDone, "export", "google-ads")
		if d := cmp.Diff(table(t, before), table(t, after)); d != "" {
			t.Errorf("%v: the file changed:\n%s", destinations, d)
		}
		adjusted, _ := c.run(exitDone, "export", "google-ads", "--adjustments", "--since", "1m")
		if got := table(t, adjusted); len(got) != 1 || !strings.Contains(adjusted, ",2026-11-20 13:00:00+0000,RESTATE,") {
			t.Errorf("%v: adjusted:\n%s", destinations, adjusted)
		}
	}
}

// The file is there whole or not at all, and keeps who may read it.
func TestExportToFile(t *testing.T) {
	c := newExportCommands(t, "google-main")
	want, _ := c.run(exitDone, "export", "google-ads")
	dir := t.TempDir()
	path := filepath.Join(dir, "conversions.csv")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	stdout, stderr := c.run(exitDone, "export", "google-ads", "-o", path)
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, string(got)); d != "" || stdout != "" || !strings.HasPrefix(stderr, "rows: 3, left out: 6\n") {
		t.Errorf("wrote %q and %q; the file:\n%s", stdout, stderr, d)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o644 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	c.run(exitFailed, "export", "google-ads", "-o", filepath.Join(dir, "nowhere", "x.csv"))
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("%d files are left, %v", len(left), err)
	}
}

func TestExportUsage(t *testing.T) {
	c := newExportCommands(t, "google-main", "google-two")
	tests := map[string]struct {
		status int
		says   string
	}{
		"export":                                                        {exitUsage, "subfive export google-ads"},
		"export meta":                                                   {exitUsage, "export"},
		"export google-ads":                                             {exitUsage, "google-main, google-two"},
		"export google-ads conversions":                                 {exitUsage, "flags only"},
		"export google-ads --destination nobody":                        {exitUsage, "subfive destinations"},
		"export google-ads --destination hook":                          {exitUsage, "not on google"},
		"export google-ads --ids fbclid":                                {exitUsage, "gclid, gbraid and wbraid"},
		"export google-ads --ids gclid --adjustments":                   {exitUsage, "exclude each other"},
		"export google-ads --flavor sheet":                              {exitUsage, "data-manager"},
		"export google-ads --timezone Moon":                             {exitUsage, "America/New_York"},
		"export google-ads --since tomorrow":                            {exitUsage, "2026-11-20"},
		"export google-ads --since 1h --until 2h":                       {exitUsage, "is not before"},
		"export google-ads --destination google-main -o /nowhere/x.csv": {exitFailed, "make the file"},
	}
	for args, tt := range tests {
		t.Run(args, func(t *testing.T) {
			c.t = t
			stdout, stderr := c.run(tt.status, strings.Fields(args)...)
			if stdout != "" || !strings.Contains(stderr, tt.says) || strings.Count(stderr, "\n") != 1 {
				t.Errorf("wrote %q and %q, want one line with %q", stdout, stderr, tt.says)
			}
		})
	}
}

// What a visitor did not allow is in no file, with a Google destination or
// without.
func TestExportHeedsConsent(t *testing.T) {
	for _, destinations := range [][]string{{"google-main"}, nil} {
		c := newExportCommands(t, destinations...)
		before, _ := c.run(exitDone, "export", "google-ads")
		var records []subfive.Record
		for i, change := range []func(*subfive.Click){
			func(k *subfive.Click) { k.Consent = map[string]string{"consent_ad_user_data": "denied"} },
			func(k *subfive.Click) { k.Visitor.Country = "DE" },
		} {
			id := fmt.Sprintf("01jd3c4z9y8x7w6v5t4s3r2r%02d", i)
			records = append(records, clickRecord(id, func(k *subfive.Click) {
				k.CampaignID, k.SourceID, k.Platform, k.Params = "search", "google-us", "google", map[string]string{"gclid": "Cj0"}
				change(k)
			}), postbackRecord("unconsented"+strconv.Itoa(i), id, "tx-unconsented"+strconv.Itoa(i), nil))
		}
		c.record(records...)
		after, stderr := c.run(exitDone, "export", "google-ads")
		if d := cmp.Diff(before, after); d != "" || !strings.Contains(stderr, "consent_denied") || !strings.Contains(stderr, "consent_unknown") {
			t.Errorf("%v: the file has them:\n%s\n%s", destinations, d, stderr)
		}
	}
}

// A long file is read page by page, and each conversion is in it once.
func TestExportPages(t *testing.T) {
	c := newExportCommands(t, "google-main")
	n := store.MaxPage + 7
	var records []subfive.Record
	for i := range n {
		id := fmt.Sprintf("01jd3c4z9y8x7w6v5t4s3r%04d", i)
		records = append(records, clickRecord(id, func(k *subfive.Click) {
			k.CampaignID, k.SourceID, k.Platform, k.Params = "search", "google-us", "google", map[string]string{"gclid": "Cj0"}
		}), postbackRecord(fmt.Sprint("many", i), id, fmt.Sprint("tx-many", i), nil))
	}
	c.record(records...)
	stdout, stderr := c.run(exitDone, "export", "google-ads")
	if got := len(table(t, stdout)); got != n+3 || !strings.HasPrefix(stderr, fmt.Sprintf("rows: %d, left out: 6\n", n+3)) {
		t.Errorf("%d rows, want %d; %s", got, n+3, stderr)
	}
}
