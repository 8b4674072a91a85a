package config_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"subfive"
	"subfive/config"
)

const day = subfive.Duration(24 * time.Hour)

func amount(n subfive.Micros) *subfive.Micros { return &n }

func defaultServer() config.Server {
	return config.Server{
		Listen: "127.0.0.1:8080", DataDir: "./data",
		Ack: config.AckJournal, AckTimeout: subfive.Duration(800 * time.Millisecond),
		TLS: config.TLS{Mode: config.TLSNone, HTTPListen: ":80"}, LateClicks: 3 * day,
		Reporting: config.Reporting{Timezone: "UTC", Currency: "USD"},
		Retention: config.Retention{Clicks: 400 * day, Personal: 90 * day, Raw: 120 * day, Attempts: 60 * day},
	}
}

func defaultSetup() subfive.Setup {
	return subfive.Setup{
		Networks: []subfive.Network{{ID: "everflow", Region: "us"}},
		Endpoints: []subfive.Endpoint{{
			ID: "default", Network: "everflow", ClickParam: "click_id", DefaultStatus: subfive.StatusPending,
			EmptyClickID: subfive.EmptyFault, Repeats: subfive.RepeatsHold,
		}},
	}
}

func equal(t *testing.T, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestLoadWithoutAFileGivesTheDefaults(t *testing.T) {
	file, err := config.Load("", noEnv)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, config.File{Server: defaultServer(), Setup: defaultSetup(), Lines: map[string]int{}}, file)
}

func TestLoadReadsEverySetting(t *testing.T) {
	env := environment(map[string]string{"DB_PASSWORD": "pw", "SUBFIVE_SECRET": "seal", "META_TOKEN": "not read here"})
	file, err := config.Load("testdata/full.yaml", env, config.WithPlatforms(platforms()))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, config.Server{
		Listen: "0.0.0.0:8080", PublicURL: "https://trk.example.com", Domains: []config.Domain{{Host: "go.example.com", Role: config.RoleClick}},
		DataDir: "/var/lib/subfive", DatabaseURL: "postgres://u:pw@db:5432/subfive", SecretKey: "seal",
		Ack: config.AckDatabase, AckTimeout: subfive.Duration(time.Second),
		TLS:        config.TLS{Mode: config.TLSFiles, HTTPListen: ":80", CertFile: "/c.pem", KeyFile: "/k.pem"},
		LateClicks: 2 * day,
		TrustedProxies: []netip.Prefix{
			netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("2001:db8::1/128"),
		},
		Admin: config.Admin{Listen: "127.0.0.1:9000"}, Reporting: config.Reporting{Timezone: "America/New_York", Currency: "EUR"},
		Retention: config.Retention{Clicks: 500 * day, Personal: 30 * day, Attempts: 90 * day},
		Alerts: []config.Alert{
			{Kind: config.AlertWebhook, URL: "https://hooks.example.com/x"}, {Kind: config.AlertTelegram, Token: "123:abc", ChatID: "-100200"},
		},
		FallbackURL: "https://example.com/",
	}, file.Server)
	equal(t, subfive.Setup{
		Networks: []subfive.Network{{ID: "everflow", APIKey: "${EVERFLOW_KEY}", Region: "eu"}},
		Endpoints: []subfive.Endpoint{
			{
				ID: "meta-only", Network: "everflow", Key: "s3cret", ClickParam: "click_id", DefaultStatus: subfive.StatusPending,
				EmptyClickID: subfive.EmptyFault, Repeats: subfive.RepeatsCount, Offers: []string{"ourdream"}, Destinations: []string{"meta-main"},
			},
			defaultSetup().Endpoints[0],
		},
		Sources: []subfive.Source{{
			ID: "meta-us", Platform: "meta", AccountID: "0012345", Timezone: "America/Los_Angeles", Currency: "USD",
			Params: map[string]string{"ad_id": "{{ad.id}}", "n": "007"}, Names: map[string]string{"adset_id": "sub3"}, Destinations: []string{"meta-main"},
		}},
		LandingPages: []subfive.LandingPage{{ID: "lp1", URL: "https://lp.example.com/a"}},
		Offers: []subfive.Offer{{
			ID: "ourdream", Network: "everflow", NetworkOfferID: "12",
			Link:      "https://track.example-network.com/ABC123/XYZ/?sub1=sfw&x={source_id}&y=$${z}&u=%7B1%7D#frag",
			ClickSlot: "sub3", Window: 30 * day, Currency: "EUR", Payout: amount(42_500_000), PayoutMax: amount(100_000_000),
			SensitiveParams: []string{}, Paused: true, Cap: 50, Fallback: "second",
		}, {
			ID: "second", Network: "everflow", Link: "https://track.example-network.com/ABC123/ZZZ/", ClickSlot: "sub5", Currency: "USD",
			SensitiveParams: []string{"sub1", "sub2", "sub3", "sub4"},
		}},
		Campaigns: []subfive.Campaign{{
			ID: "spring", Source: "meta-us", Offer: "ourdream", Destinations: []string{"meta-main"}, Aliases: []string{"/promo", "5fz"}, Paused: true,
			Landing: "lp1", Paths: []subfive.Path{{ID: "a", Weight: new(30), Landing: "lp1"}, {ID: "b"}},
			Rules: []subfive.Rule{{
				ID: "r", When: subfive.Conditions{Country: []string{"de"}, Hours: "22:00-06:00", Params: map[string][]string{"x": {"1"}}},
				Paths: []subfive.Path{{ID: "c", Offer: "ourdream"}},
			}},
		}},
		Destinations: []subfive.Destination{{
			ID: "meta-main", Platform: "meta", Mode: subfive.ModeTest, SendOn: []subfive.Status{subfive.StatusApproved},
			Goals:     map[string]string{"base": "Purchase", "12": "Lead", "lp_click": "ViewContent"},
			Value:     subfive.ValueRule{From: subfive.ValueFixed, Multiply: amount(800_000), Amount: amount(30_000_000), Currency: "USD"},
			Unmatched: "hold 24h", OnApproved: "Approved", OnReversal: subfive.ReversalNone, OnPayoutChange: subfive.PayoutRestate,
			FanOut: true, Delay: subfive.Duration(90 * time.Second), MaxBatch: 50, BaseURL: "http://127.0.0.1:9100",
			CountsForReal: true,
			Settings: "# from the Events Manager\ndataset_id: 000123456789012345\naccess_token: ${META_TOKEN} # never here in the clear\n" +
				"consent: {ad: no, list: [1, \"two\"]}\n",
		}},
	}, file.Setup)
	lines := map[string]int{"networks/everflow": 21, "offers/ourdream": 36, "offers/ourdream/link": 38, "destinations/meta-main": 52, "destinations/meta-main/mode": 54}
	got := map[string]int{}
	for name := range lines {
		got[name] = file.Lines[name]
	}
	equal(t, lines, got)
	if _, ok := file.Lines["endpoints/default"]; ok {
		t.Error("an endpoint that exists by itself has a line")
	}
}

func TestParseFillsInTheDefaults(t *testing.T) {
	const text = `
offers: [{id: o, link: "https://n.example.com/A/B/"}]
sources: [{id: s, platform: google}]
campaigns: [{id: c, source: s, offer: o}]
destinations: [{id: g, platform: google, value: {currency: EUR}}, {id: t, platform: tiktok}, {id: none, platform: relay, goals: {}, settings: }]
`
	file, err := config.Parse("x.yaml", []byte(text), noEnv, config.WithPlatforms(platforms()))
	if err != nil {
		t.Fatal(err)
	}
	want := defaultSetup()
	want.Offers = []subfive.Offer{{
		ID: "o", Network: "everflow", Link: "https://n.example.com/A/B/", ClickSlot: "sub5", Currency: "USD",
		SensitiveParams: []string{"sub1", "sub2", "sub3", "sub4"},
	}}
	want.Sources = []subfive.Source{{ID: "s", Platform: "google", Currency: "USD"}}
	want.Campaigns = []subfive.Campaign{{ID: "c", Source: "s", Offer: "o"}}
	destination := func(id, platform string, batch int, goals map[string]string, currency string) subfive.Destination {
		return subfive.Destination{
			ID: id, Platform: platform, Mode: subfive.ModeDryRun, SendOn: []subfive.Status{subfive.StatusPending, subfive.StatusApproved},
			Goals: goals, Value: subfive.ValueRule{From: subfive.ValuePayout, Multiply: amount(1_000_000), Currency: currency},
			Unmatched: "never", OnReversal: subfive.ReversalRetract, OnPayoutChange: subfive.PayoutChangeNone, MaxBatch: batch,
		}
	}
	want.Destinations = []subfive.Destination{
		destination("g", "google", 100, map[string]string{"base": "purchase"}, "EUR"),
		destination("t", "tiktok", 50, map[string]string{"base": "Purchase"}, ""),
		destination("none", "relay", 100, map[string]string{}, ""),
	}
	equal(t, want, file.Setup)
	equal(t, file.Setup, config.Complete(file.Setup, platforms()))
}

// What people paste and what is meant by it without a doubt.
func TestParseTakesWhatIsClear(t *testing.T) {
	tests := map[string]struct {
		text string
		want func(*config.File)
	}{
		"nothing":                   {"", func(*config.File) {}},
		"comments only":             {"# nothing yet\n\n# soon\n", func(*config.File) {}},
		"document marks":            {"---\nlisten: :1\n...\n", func(f *config.File) { f.Server.Listen = ":1" }},
		"byte order mark":           {"\ufefflisten: :1\n", func(f *config.File) { f.Server.Listen = ":1" }},
		"Windows line ends":         {"listen: :1\r\ndata_dir: 'd'\r\n", func(f *config.File) { f.Server.Listen, f.Server.DataDir = ":1", "d" }},
		"old Mac line ends":         {"listen: :1\rdata_dir: d", func(f *config.File) { f.Server.Listen, f.Server.DataDir = ":1", "d" }},
		"tab before a comment":      {"listen: :1\t# all\n", func(f *config.File) { f.Server.Listen = ":1" }},
		"smart quotes in a comment": {"# “quoted”\u00a0text\nlisten: :1\n", func(f *config.File) { f.Server.Listen = ":1" }},
		"null keeps the default":    {"listen:\ndata_dir: ~\nretention: {raw: null}\nalerts:\ntls:\n", func(*config.File) {}},
		"numbers as text":           {"secret_key: 0123\nadmin: {token: 0x1F}\n", func(f *config.File) { f.Server.SecretKey, f.Server.Admin.Token = "0123", "0x1F" }},
		"a number beyond 64 bits":   {"secret_key: 123456789012345678901234567890\n", func(f *config.File) { f.Server.SecretKey = "123456789012345678901234567890" }},
		"words that look like bools": {"secret_key: no\nadmin: {token: true}\n", func(f *config.File) {
			f.Server.SecretKey, f.Server.Admin.Token = "no", "true"
		}},
		"text over several lines":                      {"secret_key: |\n  abc\n", func(f *config.File) { f.Server.SecretKey = "abc" }},
		"unset reference in a setting that is no text": {"late_clicks: ${LATE}\n", func(*config.File) {}},
		"literal reference":                            {"secret_key: a$${b}$c\n", func(f *config.File) { f.Server.SecretKey = "a${b}$c" }},
		"reference within text":                        {"data_dir: /x/${SET}/y/${UNSET}\n", func(f *config.File) { f.Server.DataDir = "/x/value/y/" }},
		"reference that holds one":                     {"secret_key: ${HOLDS}\n", func(f *config.File) { f.Server.SecretKey = "${SET}" }},
		"everflow itself":                              {"networks: [{id: everflow}]\n", func(*config.File) {}},
		"JSON":                                         {`{"listen": ":1", "retention": {"raw": "5d"}}`, func(f *config.File) { f.Server.Listen, f.Server.Retention.Raw = ":1", 5*day }},
	}
	env := environment(map[string]string{"SET": "value", "HOLDS": "${SET}"})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			file, err := config.Parse("x.yaml", []byte(test.text), env)
			if err != nil {
				t.Fatal(err)
			}
			want := config.File{Server: defaultServer(), Setup: defaultSetup()}
			test.want(&want)
			file.Lines = nil
			equal(t, want, file)
		})
	}
}

func TestLoadOfAMissingFile(t *testing.T) {
	_, err := config.Load(filepath.Join(t.TempDir(), "none.yaml"), noEnv)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want that the file does not exist", err)
	}
}

func TestFilesBeyondTheBoundsAreRefused(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"too large":          {strings.Repeat("# comment\n", 500_000), "big.yaml: the file is larger than 4 MiB — is it the right one?"},
		"brackets in braces": {"a: " + strings.Repeat("{a: [", 100_000), "big.yaml: the file is nested too deeply — is a bracket { or [ open that nobody closes?"},
		"dashes":             {strings.Repeat("- ", 100_000), "big.yaml: the file is nested too deeply — is a bracket { or [ open that nobody closes?"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := config.Parse("big.yaml", []byte(test.text), noEnv); err == nil || err.Error() != test.want {
				t.Errorf("got %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestManyProblemsAreShownInPart(t *testing.T) {
	_, err := config.Parse("x.yaml", []byte("sources:\n"+strings.Repeat("  - {id: a, platform: meta}\n", 150)), noEnv)
	var problems config.Problems
	if !errors.As(err, &problems) || len(problems) != 149 || !strings.HasSuffix(err.Error(), "\n… and 49 more") {
		t.Errorf("%d problems: %v", len(problems), err)
	}
}

func TestCheckWithoutAFileNamesTheResource(t *testing.T) {
	setup := config.Complete(subfive.Setup{
		Sources:      []subfive.Source{{ID: "s", Platform: "meta", Currency: "usd"}},
		Destinations: []subfive.Destination{{ID: "m", Platform: "meta", Value: subfive.ValueRule{From: subfive.ValueNone}, MaxBatch: 2000}},
	}, platforms())
	err := config.Check(setup, platforms())
	want := "destinations/m: max_batch 2000 is more than meta takes in one request — write 1000 or less\n" +
		"destinations/m: meta refuses Purchase without a value, and value.from is none — write from: payout, or map base to another event"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	if setup.Sources[0].Currency != "usd" {
		t.Error("Check changed what it was given")
	}
	if err := config.Check(config.Complete(subfive.Setup{}, nil), platforms()); err != nil {
		t.Errorf("an empty setup: %v", err)
	}
}

func ExampleParse() {
	const text = `
offers:
  - id: ourdream
    link: https://track.example-network.com/ABC123/XYZ/
campaigns:
  - {id: spring, ofer: ourdream}
`
	_, err := config.Parse("subfive.yaml", []byte(text), os.LookupEnv)
	fmt.Println(err)
	// Output:
	// subfive.yaml:6:18: unknown key "ofer" in campaigns[0] — did you mean "offer"?
	//     6 |   - {id: spring, ofer: ourdream}
	//       |                  ^
}

// TestCountTests lets tests count only where they would.
func TestCountTests(t *testing.T) {
	const text = "destinations:\n  - {id: m, platform: meta, mode: test}\n  - {id: own, platform: meta, mode: test, goals: {base: Mine}}\n" +
		"  - {id: dry, platform: meta}\n  - {id: t, platform: tiktok, mode: test}\n"
	f, err := config.Parse("x.yaml", []byte(text), noEnv, config.WithPlatforms(platforms()), config.CountTests())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, d := range f.Setup.Destinations {
		got[d.ID] = d.CountsForReal
	}
	if diff := cmp.Diff(map[string]bool{"m": true, "own": false, "dry": false, "t": false}, got); diff != "" {
		t.Error(diff)
	}
}
