package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/config"
)

func (c *commands) write(name, text string) string {
	c.t.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return path
}

// query returns rows of cells divided by bars.
func (c *commands) query(sql string) string {
	c.t.Helper()
	out, _ := c.run(exitDone, "sql", sql, "--csv")
	_, rows, _ := strings.Cut(strings.TrimSpace(out), "\n")
	return rows
}

func last(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// A conversion that waits for another tracker's click gets it, once; refused rows
// are mended and imported again.
func TestImportClicks(t *testing.T) {
	c := newCommands(t)
	c.with(func(s session, a *app) error {
		attributor, err := s.attributor(t.Context(), a)
		if err != nil {
			return err
		}
		return attributor.Record(t.Context(), entries(t, postbackRecord("early", "6650f0c2a1d3e40001f0aaaa", "tx-1", func(p *subfive.Postback) {
			p.Reading = subfive.ReadingForeign
		})))
	})
	const matched = "SELECT verdict, match_method, campaign_id FROM v_conversions"
	if got := c.query(matched); got != "waiting,," {
		t.Fatalf("before: %s", got)
	}
	file := c.write("clicks.csv", "Click ID,Track time,Campaign,Ref ID,sub1\n"+
		"6650f0c2a1d3e40001f0aaaa,2026-11-20 09:00:00,Spring,IwAR0abc,120210\n"+
		"6650f0c2a1d3e40001f0aaab,soon,Spring,,\n"+
		"6650f0c2a1d3e40001f0aaaa,2026-11-20 09:30:00,Spring,other,\n")
	out, _ := c.run(exitFailed, "import", "clicks", file, "--dry-run", "--map", "sub1=ad_id", "--map", "Track time=ignore", "--map", "Campaign=campaign", "--map", "Ref ID=time")
	if !strings.Contains(out, "0 clicks can be read, 3 can't") {
		t.Errorf("--map: %s", out)
	}
	t.Run("a dry run records nothing", func(t *testing.T) {
		out, _ := c.run(exitFailed, "import", "clicks", file, "--dry-run")
		if !strings.Contains(out, "read as clicks of redtrack, by its header") || !strings.Contains(out, "Ref ID: external_id") || !strings.Contains(out, `"fbclid": "IwAR0abc"`) {
			t.Error(out)
		}
		if got := c.query("SELECT count(*) FROM v_clicks"); got != "0" {
			t.Errorf("%s clicks", got)
		}
	})
	rejected := filepath.Join(c.dir, "rejected.csv")
	out, errs := c.run(exitFailed, "import", "clicks", file, "--rejected", rejected)
	if want := "1 click imported, 1 there already, 1 rejected\nrejected: line 3, column Track time, \"soon\": it is no time; write it as 2026-11-24 09:30:00\n"; !strings.HasSuffix(out, want) ||
		!strings.Contains(errs, "mend them in "+rejected) {
		t.Errorf("it says %s%s", out, errs)
	}
	if got := c.query(matched); got != "matched,late,spring" {
		t.Errorf("after: %s", got)
	}
	if got := c.query("SELECT click_id, record_kind, source_id, platform, p1, has_fbclid FROM v_clicks"); !strings.HasPrefix(got, "6650f0c2a1d3e40001f0aaaa,import,meta-us,meta,120210,") {
		t.Errorf("the click: %s", got)
	}
	data, err := os.ReadFile(rejected)
	if err != nil {
		t.Fatal(err)
	}
	mended := c.write("mended.csv", strings.Replace(string(data), "b,soon", "b,2026-11-20 09:10:00", 1))
	for _, want := range []string{"1 click imported, 0 there already, 0 rejected", "0 clicks imported, 1 there already, 0 rejected"} {
		if out, _ := c.run(exitDone, "import", "clicks", mended); last(out) != want {
			t.Errorf("mended: %s", out)
		}
	}
	if got := c.query("SELECT count(*) FROM v_clicks"); got != "2" {
		t.Errorf("%s clicks", got)
	}
}

// Imported conversions are compared with received ones, keep their time, and
// nobody is told of them unless that is asked for.
func TestImportConversions(t *testing.T) {
	c := newCommands(t)
	c.fill()
	file := c.write("conversions.csv", "click_id;time;payout;status;transaction_id\n"+
		clickID+";2026-11-20 11:30:00;42,50;;tx-1\n"+ // received already
		clickID+";2026-11-20 11:40:00;7;approved;tx-9\n"+
		"foreign-1;2025-01-02 03:04:05;9;approved;tx-8\n"+
		";2026-11-20 11:40:00;7;approved;\n")
	out, _ := c.run(exitFailed, "import", "conversions", file)
	if want := "3 rows imported (1 matched, 1 waiting, 1 duplicate), 0 there already, 1 rejected"; !strings.Contains(out, want) {
		t.Errorf("it says %s", out)
	}
	out, _ = c.run(exitFailed, "import", "conversions", file)
	if want := "0 rows imported, 3 there already, 1 rejected"; !strings.Contains(out, want) {
		t.Errorf("the second time: %s", out)
	}
	if got := c.query("SELECT transaction_id, verdict, converted_at FROM v_conversions WHERE transaction_id IN ('tx-8', 'tx-9') ORDER BY 1"); !strings.HasPrefix(got, "tx-8,waiting,2025-01-02") {
		t.Errorf("recorded: %s", got)
	}
	states := "SELECT destination_id, status, reason_code FROM v_deliveries d JOIN v_conversions c ON c.conversion_id = d.conversion_id WHERE c.transaction_id = 'tx-9' ORDER BY 1"
	if diff := cmp.Diff("hook,skipped,imported\nmeta-main,skipped,imported", c.query(states)); diff != "" {
		t.Errorf("deliveries (-want +got):\n%s", diff)
	}
	// A person may send one all the same.
	c.run(exitDone, "replay", "--destination", "meta-main", "--status", "skipped")
	if got := c.query(strings.Replace(states, "WHERE", "WHERE d.generation = 2 AND", 1)); got != "meta-main,scheduled,replay" {
		t.Errorf("replayed: %s", got)
	}
	forward := c.write("forward.csv", "click_id,time,payout,transaction_id\n"+clickID+",2026-11-20 11:45:00,7,tx-10\n")
	out, _ = c.run(exitDone, "import", "conversions", forward, "--forward")
	if last(out) != "1 delivery scheduled" {
		t.Errorf("--forward: %s", out)
	}
}

// What is written is a part of subfive.yaml, and what is applied keeps the old
// links.
func TestImportCampaigns(t *testing.T) {
	c := newCommands(t)
	export := c.write("campaigns.csv", "ID,Name,Traffic channel,Track URL,Offer,Offer URL\n"+
		"64b7,Summer US,TikTok,https://go.example-rdtk.io/64b7f0?sub1=__CAMPAIGN_ID__&sub2=x,Dream,https://track.example-network.com/A/?sub5={clickid}&n=${X}\n"+
		"64b8,Spring,TikTok,,,\n")
	out, errs := c.run(exitDone, "import", "campaigns", export)
	if !strings.Contains(errs, "1 campaign, 1 source and 1 offer to look at; 0 rejected") || !strings.Contains(out, "campaign spring is there already") {
		t.Errorf("it says %s%s", out, errs)
	}
	f, err := config.Parse("fragment", []byte(out), func(string) (string, bool) { return "", false }, config.WithPlatforms(configPlatforms()))
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	campaign, _ := f.Setup.Campaign("summer-us")
	want := subfive.Campaign{ID: "summer-us", Source: "tiktok", Offer: "dream", Aliases: []string{"64b7f0"}}
	if diff := cmp.Diff(want, campaign); diff != "" {
		t.Errorf("campaign (-want +got):\n%s", diff)
	}
	source, _ := f.Setup.Source("tiktok")
	if diff := cmp.Diff(map[string]string{"platform_campaign_id": "sub1"}, source.Names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	moved := filepath.Join(c.dir, "moved.yaml")
	for range 2 { // the second time all is there
		_, errs = c.run(exitDone, "import", "campaigns", export, "--apply")
	}
	if !strings.Contains(errs, "0 campaigns, 0 sources and 0 offers") {
		t.Errorf("the second time: %s", errs)
	}
	links, _ := c.run(exitDone, "links", "summer-us")
	if !strings.Contains(links, "/64b7f0") || !strings.Contains(links, "sub1=__CAMPAIGN_ID__") {
		t.Errorf("links: %s", links)
	}
	list := c.write("links.txt", "https://go.example-rdtk.io/abc\nhttps://go.example-rdtk.io/postback?clickid=x\n")
	c.run(exitDone, "import", "campaigns", list, "--output", moved)
	data, err := os.ReadFile(moved)
	if err != nil || !strings.Contains(string(data), "- id: moved-abc\n    source: other\n    offer: \"\"\n    aliases: [abc]") || !strings.Contains(string(data), "postback URL as of RedTrack") {
		t.Errorf("%v\n%s", err, data)
	}
	if _, errs := c.run(exitUsage, "import", "campaigns", list, "--output", moved); !strings.Contains(errs, "name a new file") {
		t.Errorf("over an old one: %s", errs)
	}
	if _, errs := c.run(exitFailed, "import", "campaigns", list, "--apply"); !strings.Contains(errs, "campaigns/moved-abc: it names no offer") || strings.Contains(errs, "alias") {
		t.Errorf("without an offer: %s", errs)
	}
}

// What is wrong with how it was called is told, and what to do.
func TestImportUsage(t *testing.T) {
	c := newCommands(t)
	file := c.write("clicks.csv", "Click ID,Time\na,2026-11-20 09:00:00\n")
	for args, says := range map[string]string{
		"import":                                    "say what to import",
		"import clicks":                             "takes the file",
		"import clicks nowhere.csv":                 "no such file",
		"import clicks FILE --from nobody":          "--from nobody",
		"import clicks FILE --map x":                "write COLUMN=FIELD",
		"import clicks FILE --map x=time":           `no column "x"`,
		"import clicks FILE --source x":             "there is: meta-us",
		"import clicks FILE --campaign x":           "no such campaign",
		"import clicks FILE --timezone Mars":        "--timezone Mars",
		"import clicks FILE --dates ymd":            "mdy",
		"import clicks FILE --rejected FILE":        "there already",
		"import conversions FILE --endpoint nobody": "no such endpoint",
		"import campaigns FILE --map Time=payout":   "can't be taken",
	} {
		t.Run(args, func(t *testing.T) {
			if _, errs := c.run(exitUsage, strings.Fields(strings.ReplaceAll(args, "FILE", file))...); !strings.Contains(errs, says) {
				t.Errorf("it says %s", errs)
			}
		})
	}
}

// An import beside a running serve: clicks that come while postbacks of theirs
// come in are matched and told, on both databases.
func TestImportWhileServing(t *testing.T) {
	onEach(t, func(t *testing.T, dsn string) {
		s := newSite(t, dsn)
		s.start()
		at := time.Now().UTC().Add(-time.Hour).Format(time.RFC3339)
		var rows strings.Builder
		rows.WriteString("click_id,time,campaign,fbclid\n")
		const n = 2500
		name := func(i int) string { return "Foreign-" + string(rune('a'+i%26)) + strings.Repeat("x", i/26) }
		for i := range n {
			rows.WriteString(name(i) + "," + at + ",spring,IwAR" + name(i) + "\n")
		}
		file := filepath.Join(s.dir, "clicks.csv")
		if err := os.WriteFile(file, []byte(rows.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		told := func(i int) {
			url := "http://" + s.address + "/postback?cid=" + name(i) + "&payout=1&txid=t" + name(i)
			if status, body, err := s.postback(http.DefaultClient, url); err != nil || status != http.StatusOK {
				t.Errorf("postback: %d %s %v", status, body, err)
			}
		}
		told(0)
		s.until("the first is recorded", 20*time.Second, func() bool { return s.count("SELECT count(*) FROM v_conversions") == 1 })
		done := make(chan struct{})
		go func() {
			defer close(done)
			for i := 1; i < 20; i++ {
				told(i)
			}
		}()
		if out := s.command(exitDone, "import", "clicks", file, "--campaign", "spring"); !strings.HasSuffix(out, "2500 clicks imported, 0 there already, 0 rejected\n") {
			t.Errorf("it says %s", out)
		}
		<-done
		s.until("all are matched and told", 60*time.Second, func() bool {
			return s.count("SELECT count(*) FROM v_conversions WHERE verdict = 'matched'") == 20 &&
				s.count("SELECT count(*) FROM v_deliveries WHERE status = 'delivered'") == 20
		})
		s.stop()
	})
}
