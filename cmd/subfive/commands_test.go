package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"subfive"
	"subfive/journal"
	"subfive/store"
)

// keyless leaves the default endpoint without the key that the first run makes.
const keyless = "endpoints: [{id: default, key: \"\"}]\n"

const commandsFile = `
public_url: https://trk.example.com
sources:
  - {id: meta-us, platform: meta}
offers:
  - {id: ourdream, network_offer_id: "7", link: "https://track.example-network.com/A/B/"}
campaigns:
  - {id: spring, source: meta-us, offer: ourdream, destinations: [meta-main, hook]}
destinations:
  - id: meta-main
    platform: meta
    mode: live
    settings: {dataset_id: "1234", access_token: "${TEST_META_TOKEN}", default_event_source_url: "https://lp.example.com/"}
  - id: hook
    platform: relay
    mode: dry_run
    fan_out: true
    settings: {url: "https://hooks.example.com/hook"}
`

// commands is a database with a little in it, and the commands that look at it.
type commands struct {
	t   *testing.T
	dir string
	env map[string]string
	now time.Time
}

func newCommands(t *testing.T) *commands {
	c := &commands{t: t, dir: t.TempDir(), env: map[string]string{"TEST_META_TOKEN": "EAAtesttoken", "USER": "ann"}, now: noon()}
	if err := os.WriteFile(filepath.Join(c.dir, "subfive.yaml"), []byte(commandsFile+keyless), 0o600); err != nil {
		t.Fatal(err)
	}
	c.run(0, "apply", "-f", filepath.Join(c.dir, "subfive.yaml"))
	return c
}

func (c *commands) app(stdout, stderr *bytes.Buffer) *app {
	a := newApp(stdout, stderr)
	a.now = func() time.Time { return c.now }
	a.env = func(name string) (string, bool) {
		v, ok := c.env[name]
		return v, ok
	}
	return a
}

// run runs a command and returns what it wrote.
func (c *commands) run(want int, args ...string) (stdout, stderr string) {
	c.t.Helper()
	var out, errs bytes.Buffer
	args = append(args, "--data-dir", c.dir, "--config", filepath.Join(c.dir, "subfive.yaml"))
	root := newRoot(c.app(&out, &errs))
	root.SetArgs(args)
	root.SetOut(&out)
	root.SetErr(&errs)
	got := exitDone
	if err := root.ExecuteContext(c.t.Context()); err != nil {
		errs.WriteString(err.Error() + "\n")
		got = exitFailed
		var usage usageError
		if errors.As(err, &usage) {
			got = exitUsage
		}
	}
	if got != want {
		c.t.Fatalf("subfive %s: exit status %d, want %d\n%s%s", strings.Join(args, " "), got, want, out.String(), errs.String())
	}
	return out.String(), errs.String()
}

// with runs fn with the open database.
func (c *commands) with(fn func(s session, a *app) error) {
	c.t.Helper()
	var out, errs bytes.Buffer
	a := c.app(&out, &errs)
	a.configPath, a.dataDir = filepath.Join(c.dir, "subfive.yaml"), c.dir
	if err := a.with(c.t.Context(), func(s session) error { return fn(s, a) }); err != nil {
		c.t.Fatal(err, errs.String())
	}
}

// sealedRaw is what the receiver keeps of a request's bytes.
func sealedRaw(t *testing.T, s session, raw string) string {
	t.Helper()
	box, err := sealer{s.vault}.SealBytes([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func clickRecord(id string, change func(*subfive.Click)) subfive.Record {
	click := subfive.Click{
		ID: id, RecordKind: subfive.ClickRedirect, ClickedAt: noon().Add(-time.Hour), CampaignID: "spring", SourceID: "meta-us", Platform: "meta",
		OfferID: "ourdream", Params: map[string]string{"fbclid": "IwAR1"},
		Request: subfive.Request{Method: "GET", Scheme: "https", Host: "trk.example.com", Path: "/c/spring", ClientAddr: "203.0.113.9", UserAgent: "Mozilla/5.0"},
	}
	if change != nil {
		change(&click)
	}
	return subfive.Record{ID: id, Kind: subfive.RecordClick, Click: &click}
}

func postbackRecord(name, click, tx string, change func(*subfive.Postback)) subfive.Record {
	p := subfive.Postback{
		ID: "pb_" + name, ReceivedAt: noon().Add(-30 * time.Minute), NetworkID: "everflow", EndpointID: "default", Via: subfive.ViaS2S,
		Reading: subfive.ReadingOK, Answered: 200, ClickIDRaw: click, ClickID: click, TransactionID: tx, NetworkOfferID: "7",
		PayoutRaw: "42.50", Payout: micros(42_500_000),
		Request: subfive.Request{Method: "GET", Scheme: "https", Host: "trk.example.com", Path: "/conversion", ClientAddr: "198.51.100.7"},
	}
	if change != nil {
		change(&p)
	}
	return subfive.Record{ID: p.ID, Kind: subfive.RecordPostback, Postback: &p}
}

func entries(t *testing.T, records ...subfive.Record) []subfive.Entry {
	t.Helper()
	var all []subfive.Entry
	for i, r := range records {
		data, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, subfive.Entry{Position: subfive.Position{Segment: "5f3c1a52-0000-4000-8000-000000000001", Pos: int64(i + 1)}, Data: data})
	}
	return all
}

// fill records a little of everything.
func (c *commands) fill() {
	c.t.Helper()
	c.with(func(s session, a *app) error {
		attributor, err := s.attributor(c.t.Context(), a)
		if err != nil {
			return err
		}
		return attributor.Record(c.t.Context(), entries(
			c.t,
			clickRecord(clickID, func(k *subfive.Click) { k.Request.Raw = sealedRaw(c.t, s, "fbclid=IwAR1&email=a@example.com\n") }),
			clickRecord("01jd3c4z9y8x7w6v5t4s3r2q1z", func(k *subfive.Click) { k.IsBot, k.BotReason = true, "data center" }),
			postbackRecord("good", clickID, "tx-1", nil),
			postbackRecord("again", clickID, "tx-1", nil),
			postbackRecord("more", clickID, "tx-1", func(p *subfive.Postback) { p.PayoutRaw, p.Payout = "43", micros(43_000_000) }),
			postbackRecord("late", "01jd3c4z9y8x7w6v5t4s3r2q22", "tx-2", nil),
			postbackRecord("locked", clickID, "tx-3", func(p *subfive.Postback) {
				p.Reading, p.Hint = subfive.ReadingQuarantined, "the endpoint's key is wrong"
			}),
		))
	})
}

// The first output of each command, on a database with a little in it.
func TestCommands(t *testing.T) {
	c := newCommands(t)
	c.fill()
	for _, args := range []string{
		"postbacks", "clicks", "conversions", "deliveries",
		"postbacks --verdict possible_duplicate --json", "clicks --bot --json", "clicks --bot=false", "conversions --verdict waiting", "conversions --counts --test=false", "deliveries --status dry_run",
		"postbacks --limit 2", "postbacks --since 10m", "postbacks --until 2026-11-21 --reading quarantined", "deliveries --status held",
		"conversions show tx-1", "postbacks show pb_late", "clicks show " + strings.ToUpper(clickID), "clicks show " + clickID + " --raw",
		"preview pb_good meta-main", "preview tx-1 hook", "preview pb_late hook",
		"replay --destination hook --dry-run", "replay --destination hook --status dry_run", "replay --platform meta --dry-run",
		"destinations", "destinations check --dry-run", "destinations check hook --json",
	} {
		t.Run(args, func(t *testing.T) {
			stdout, stderr := c.run(exitDone, strings.Fields(args)...)
			name := strings.Trim(strings.NewReplacer(" ", "_", "--", "", "=", "_").Replace(args), "_")
			golden(t, filepath.Join("testdata", "commands", name+".golden"), stdout+stderr)
			if strings.Contains(stdout+stderr, "EAAtesttoken") {
				t.Error("a token is shown")
			}
			if strings.Contains(stdout, "a@example.com") != strings.Contains(args, "--raw") {
				t.Error("personal data is where it must not be, or is not where it must")
			}
		})
	}
}

// What is wrong with how a command was called is status 2, all else is 1; both
// say what to do.
func TestCommandErrors(t *testing.T) {
	c := newCommands(t)
	c.fill()
	tests := map[string]struct {
		status int
		says   string
	}{
		"postbacks --verdict mached":                        {exitUsage, "one of matched, direct"},
		"postbacks --limit 0":                               {exitUsage, "--all"},
		"postbacks --all --limit 3":                         {exitUsage, "exclude each other"},
		"postbacks --since yesterday":                       {exitUsage, "2026-11-20"},
		"postbacks --since 1h --until 2h":                   {exitUsage, "is not before"},
		"postbacks --nonsense":                              {exitUsage, "subfive postbacks -h"},
		"postbacks pb_good":                                 {exitUsage, "show ID"},
		"postbacks show":                                    {exitUsage, "one ID"},
		"postbacks show pb_good --raw --json":               {exitUsage, "exclude each other"},
		"postbacks show pb_none":                            {exitFailed, "see what there is"},
		"postbacks show pb_good --raw":                      {exitFailed, "--raw takes"},
		"postbacks settle pb_more maybe":                    {exitUsage, "duplicate, new, correction"},
		"postbacks settle pb_good new":                      {exitFailed, "show pb_good"},
		"postbacks settle pb_none new":                      {exitFailed, "not found"},
		"postbacks accept pb_good":                          {exitFailed, "not an open question"},
		"postbacks attach pb_locked " + clickID:             {exitFailed, "made no conversion"},
		"postbacks attach pb_good " + clickID:               {exitFailed, "already"},
		"postbacks attach pb_late 01jd3c4z9y8x7w6v5t4s":     {exitFailed, "not found"},
		"postbacks attach pb_none " + clickID:               {exitFailed, "not found"},
		"replay":                                            {exitUsage, "needs a filter"},
		"replay pb_good":                                    {exitUsage, "no delivery's ID"},
		"replay --destination nobody":                       {exitUsage, "subfive destinations"},
		"replay --status held":                              {exitUsage, "one of scheduled"},
		"replay --kind sale":                                {exitUsage, "one of conversion"},
		"replay --limit -1 --destination hook":              {exitUsage, "negative"},
		"preview tx-1 nobody":                               {exitUsage, "subfive destinations"},
		"preview none meta-main":                            {exitFailed, "subfive conversions"},
		"preview pb_locked meta-main":                       {exitFailed, "made no conversion"},
		"preview pb_late meta-main":                         {exitFailed, "nothing is known of the visitor"},
		"preview tx-1 meta-main --kind sale":                {exitUsage, "one of conversion"},
		"preview tx-1 meta-main --kind retraction":          {exitFailed, "no retraction"},
		"preview " + clickID:                                {exitUsage, "a destination's"},
		"destinations mode meta-main on":                    {exitUsage, "dry_run, test, live"},
		"destinations mode meta-main test":                  {exitFailed, "subfive apply"},
		"destinations mode nobody live":                     {exitFailed, "subfive destinations"},
		"destinations pause nobody":                         {exitFailed, "subfive destinations"},
		"destinations resume nobody":                        {exitFailed, "subfive destinations"},
		"destinations check nobody":                         {exitFailed, "subfive destinations"},
		"destinations check a b":                            {exitUsage, "at most one"},
		"sql":                                               {exitUsage, "in quotes"},
		"sql --csv --json SELECT":                           {exitUsage, "exclude each other"},
		"sql SELECT":                                        {exitFailed, "v_conversions"},
		"journal":                                           {exitUsage, "journal import"},
		"journal export":                                    {exitUsage, "import DIR"},
		"journal import " + filepath.Join(c.dir, "nowhere"): {exitUsage, "is no folder"},
		"migrate now":                                       {exitUsage, "no arguments"},
		"version --long":                                    {exitUsage, "version -h"},
	}
	for args, tt := range tests {
		t.Run(args, func(t *testing.T) {
			stdout, stderr := c.run(tt.status, strings.Fields(args)...)
			if stdout != "" || !strings.Contains(stderr, tt.says) || strings.Count(stderr, "\n") != 1 {
				t.Errorf("wrote %q and %q, want one line with %q", stdout, stderr, tt.says)
			}
		})
	}
}

func (c *commands) verdict(id string) (verdict, conversion string) {
	c.t.Helper()
	c.with(func(s session, _ *app) error {
		j, err := s.Judged(c.t.Context(), id)
		verdict, conversion = string(j.Verdict), j.ConversionID
		return err
	})
	return verdict, conversion
}

func TestPeopleDecide(t *testing.T) {
	c := newCommands(t)
	c.fill()
	_, late := c.verdict("pb_late")
	tests := []struct{ args, says, postback, verdict string }{
		{"postbacks settle pb_more new", "postback pb_more is matched now: conversion ", "pb_more", "matched"},
		{"postbacks accept pb_locked", "postback pb_locked is matched now: conversion ", "pb_locked", "matched"},
		{"postbacks attach pb_late " + strings.ToUpper(clickID), "conversion " + late + " counts for click " + clickID + " now", "pb_late", "matched"},
	}
	for _, tt := range tests {
		stdout, _ := c.run(exitDone, strings.Fields(tt.args)...)
		if !strings.HasPrefix(stdout, tt.says) {
			t.Errorf("%s says %q, want %q", tt.args, stdout, tt.says)
		}
		if got, _ := c.verdict(tt.postback); got != tt.verdict {
			t.Errorf("after %s the verdict is %s, want %s", tt.args, got, tt.verdict)
		}
	}
	story, _ := c.run(exitDone, "postbacks", "show", "pb_more")
	if !strings.Contains(story, "as new by ann at 2026-11-20 12:00:00 UTC") {
		t.Errorf("the story does not say who decided:\n%s", story)
	}
}

// What waits for a paused destination looks held until it is resumed.
func TestPauseHolds(t *testing.T) {
	c := newCommands(t)
	c.fill()
	c.run(exitDone, "destinations", "pause", "meta-main", "--reason", "new token on Monday")
	for args, want := range map[string]string{
		"destinations":                 "paused until resumed: by ann: new token on Monday",
		"deliveries --status held":     "held",
		"conversions show tx-1":        "paused (by ann: new token on",
		"deliveries --json":            `"held":true`,
		"destinations --json":          `"pause_manual":true`,
		"conversions --json":           `"deliveries_held":1`,
		"deliveries --status dead":     "No delivery matches.",
		"deliveries --event-id x":      "No delivery matches.",
		"deliveries --kind retraction": "No delivery matches.",
	} {
		if got, _ := c.run(exitDone, strings.Fields(args)...); !strings.Contains(got, want) {
			t.Errorf("%s does not say %q:\n%s", args, want, got)
		}
	}
	c.run(exitDone, "destinations", "resume", "meta-main")
	if got, _ := c.run(exitDone, "deliveries", "--status", "held"); !strings.Contains(got, "No delivery matches.") {
		t.Errorf("held though resumed:\n%s", got)
	}
}

// What a dry run kept back is sent once the destination is live and a person
// asks for it, with the event ID it had.
func TestReplay(t *testing.T) {
	c := newCommands(t)
	c.fill()
	file := filepath.Join(c.dir, "subfive.yaml")
	live := strings.Replace(commandsFile, "mode: dry_run", "mode: live", 1)
	if err := os.WriteFile(file, []byte(live), 0o600); err != nil {
		t.Fatal(err)
	}
	c.run(exitDone, "apply", "-f", file)
	const told = "SELECT generation, status, event_id FROM v_deliveries WHERE destination_id = 'hook' ORDER BY generation"
	before, _ := c.run(exitDone, "sql", "--csv", told)
	c.now = c.now.Add(time.Hour)
	dry, _ := c.run(exitDone, "replay", "--destination", "hook", "--dry-run")
	golden(t, "testdata/commands/replay_live_dry-run.golden", dry)
	if after, _ := c.run(exitDone, "sql", "--csv", told); after != before {
		t.Errorf("a dry run changed something:\n%s", cmp.Diff(before, after))
	}
	done, _ := c.run(exitDone, "replay", "--destination", "hook")
	golden(t, "testdata/commands/replay_live.golden", done)
	row := strings.Split(strings.TrimSpace(before), ",")
	want := before + "2,scheduled," + row[len(row)-1] + "\n"
	if after, _ := c.run(exitDone, "sql", "--csv", told); after != want {
		t.Errorf("(-want +got):\n%s", cmp.Diff(want, after))
	}
	again, _ := c.run(exitDone, "replay", "--destination", "hook", "--json")
	var answer store.Replayed
	if err := json.Unmarshal([]byte(again), &answer); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{store.RefusedUnfinished: 1}, answer.Refused); diff != "" || answer.Count != 0 {
		t.Errorf("the second replay sends %d; refused (-want +got):\n%s", answer.Count, diff)
	}
}

// A destination made on screen is switched here; those of a file are not.
func TestMode(t *testing.T) {
	c := newCommands(t)
	c.with(func(s session, a *app) error {
		made := subfive.Destination{ID: "by-hand", Platform: "relay", Mode: subfive.ModeDryRun, Settings: "url: https://hooks.example.com/other\n"}
		return s.Apply(t.Context(), "ann", []store.ResourceChange{{Kind: store.KindDestination, ID: made.ID, Value: made, Origin: store.OriginAPI}}, a.now())
	})
	stdout, _ := c.run(exitDone, "destinations", "mode", "by-hand", "live")
	if !strings.Contains(stdout, "subfive replay --destination by-hand") {
		t.Errorf("it does not say that earlier conversions stay unsent:\n%s", stdout)
	}
	if got, _ := c.run(exitDone, "destinations"); !strings.Contains(got, "by-hand      relay                                   live ") {
		t.Errorf("it is not live:\n%s", got)
	}
}

// A list goes on page by page, and says when it does not.
func TestListPages(t *testing.T) {
	c := newCommands(t)
	n := store.MaxPage + 7
	c.with(func(s session, a *app) error {
		var records []subfive.Record
		for i := range n {
			records = append(records, clickRecord("click-"+strconv.Itoa(i), nil))
		}
		attributor, err := s.attributor(t.Context(), a)
		if err != nil {
			return err
		}
		return attributor.Record(t.Context(), entries(t, records...))
	})
	tests := map[string]struct {
		lines int
		hint  string
	}{
		"clicks --json":              {50, "the newest 50; there are more: --limit N or --all\n"},
		"clicks --json --limit 1003": {1003, "the newest 1003; there are more: --limit N or --all\n"},
		"clicks --json --limit 2000": {n, ""},
		"clicks --json --all":        {n, ""},
		"clicks --all":               {n + 1, ""},
	}
	for args, tt := range tests {
		stdout, stderr := c.run(exitDone, strings.Fields(args)...)
		if lines := strings.Count(stdout, "\n"); lines != tt.lines || stderr != tt.hint {
			t.Errorf("%s wrote %d lines and %q, want %d and %q", args, lines, stderr, tt.lines, tt.hint)
		}
	}
}

func TestCheckExplains(t *testing.T) {
	c := newCommands(t)
	delete(c.env, "TEST_META_TOKEN")
	stdout, stderr := c.run(exitFailed, "destinations", "check")
	for text, want := range map[string]string{stdout: "TEST_META_TOKEN", stderr: "to be mended at 1 of 2"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
	if !strings.Contains(stdout, "0 events sent") {
		t.Errorf("it does not say that nothing was sent:\n%s", stdout)
	}
}

func TestSQL(t *testing.T) {
	c := newCommands(t)
	c.fill()
	const query = "SELECT verdict, count(*) AS n FROM v_postbacks GROUP BY verdict ORDER BY verdict"
	tests := map[string]string{
		"":       "VERDICT             N\nduplicate           1\nmatched             1\npossible_duplicate  1\nquarantined         1\nwaiting             1\n",
		"--csv":  "verdict,n\nduplicate,1\nmatched,1\npossible_duplicate,1\nquarantined,1\nwaiting,1\n",
		"--json": `{"verdict":"duplicate","n":1}` + "\n" + `{"verdict":"matched","n":1}` + "\n" + `{"verdict":"possible_duplicate","n":1}` + "\n" + `{"verdict":"quarantined","n":1}` + "\n" + `{"verdict":"waiting","n":1}` + "\n",
	}
	for flag, want := range tests {
		got, _ := c.run(exitDone, append([]string{"sql", query}, strings.Fields(flag)...)...)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", flag, diff)
		}
	}
	if _, stderr := c.run(exitFailed, "sql", "DELETE FROM clicks"); stderr == "" {
		t.Error("a write is not refused")
	}
	if got, _ := c.run(exitDone, "sql", "SELECT count(*) AS n FROM v_clicks", "--csv"); got != "n\n2\n" {
		t.Errorf("after a refused write there are %q clicks", got)
	}
}

// A dead node's journal is taken in once, however often it is imported.
func TestJournalImport(t *testing.T) {
	c := newCommands(t)
	dir := filepath.Join(t.TempDir(), "journal")
	j, err := journal.Open(dir, c.app(nil, nil).now, journal.AllowTmpfs())
	if err != nil {
		t.Fatal(err)
	}
	n := importBatch + 3
	var appends errgroup.Group // together, for they share commits
	for i := range n {
		data, err := json.Marshal(clickRecord("click-"+strconv.Itoa(i), nil))
		if err != nil {
			t.Fatal(err)
		}
		appends.Go(func() error {
			_, err := j.Append(t.Context(), subfive.RecordClick, data)
			return err
		})
	}
	if err := appends.Wait(); err != nil {
		t.Fatal(err)
	}
	if _, stderr := c.run(exitFailed, "journal", "import", dir); !strings.Contains(stderr, "stop it first") {
		t.Errorf("an open journal is not refused: %s", stderr)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		stdout, stderr := c.run(exitDone, "journal", "import", dir)
		if want := "1003 records in " + dir + " recorded; what the database had already was left alone\n"; stdout != want || stderr != "" {
			t.Errorf("import says %q and %q, want %q and nothing", stdout, stderr, want)
		}
	}
	if got, _ := c.run(exitDone, "sql", "SELECT count(*) AS n FROM v_clicks", "--csv"); got != "n\n1003\n" {
		t.Errorf("there are %q clicks", got)
	}
}

// Every example of every command names flags and arguments that it takes.
func TestExamplesParse(t *testing.T) {
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Runnable() && c.Example == "" && c.Name() != "journal" && c.Name() != "help" && c.Name() != "completion" && c.Parent() != nil && c.Parent().Name() != "completion" {
			t.Errorf("%s has no example", c.CommandPath())
		}
		for line := range strings.Lines(strings.ReplaceAll(c.Example, "\\\n", " ")) {
			words := shellWords(line)
			for len(words) > 0 && strings.Contains(words[0], "=") {
				words = words[1:] // a variable
			}
			if len(words) == 0 || words[0] != "subfive" {
				continue
			}
			root := newRoot(newApp(&bytes.Buffer{}, &bytes.Buffer{}))
			found, rest, err := root.Find(words[1:])
			if err != nil {
				t.Errorf("%s: %v", line, err)
				continue
			}
			if err := found.ParseFlags(rest); err != nil {
				t.Errorf("%s: %v", line, err)
				continue
			}
			if err := found.ValidateArgs(found.Flags().Args()); err != nil {
				t.Errorf("%s: %v", line, err)
			}
		}
		for _, child := range c.Commands() {
			walk(child)
		}
	}
	walk(newRoot(newApp(&bytes.Buffer{}, &bytes.Buffer{})))
}

// shellWords splits a line as a shell does, up to a redirection.
func shellWords(line string) []string {
	var words []string
	var word strings.Builder
	var quote rune
	begun := false
	for _, r := range strings.TrimSpace(line) + " " {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote, begun = r, true
		case quote == 0 && r == ' ':
			if begun {
				if slices.Contains([]string{">", "<", "|", "#"}, word.String()) {
					return words
				}
				words = append(words, word.String())
			}
			word.Reset()
			begun = false
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	return words
}
