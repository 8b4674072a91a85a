package crawlers_test

import (
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive/internal/crawlers"
)

func TestMatch(t *testing.T) {
	tests := map[string]struct {
		agent  string
		reason string
		bot    bool
	}{
		"Google's ad review": {"AdsBot-Google (+http://www.google.com/adsbot.html)", "AdsBot-Google", true},
		"Google's ad review on a phone": {
			"Mozilla/5.0 (iPhone; CPU iPhone OS 14_7_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/14.1.2 Mobile/15E148 Safari/604.1 (compatible; AdsBot-Google-Mobile; +http://www.google.com/mobile/adsbot.html)",
			"AdsBot-Google-Mobile", true,
		},
		"Google's search":    {"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot", true},
		"Meta's preview":     {"facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "facebookexternalhit", true},
		"Meta's ad crawler":  {"meta-externalads/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)", "meta-externalads", true},
		"TikTok's crawler":   {"Mozilla/5.0 (Linux; Android 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari/537.36 (compatible; Bytespider; spider-feedback@bytedance.com)", "Bytespider", true},
		"Reddit's preview":   {"Mozilla/5.0 (compatible; redditbot/1.0; +http://www.reddit.com/feedback)", "redditbot", true},
		"Snapchat's review":  {"Mozilla/5.0 (compatible; SnapchatAds/1.0; +https://businesshelp.snapchat.com/s/article/adsbot-crawler)", "SnapchatAds", true},
		"an AI's crawler":    {"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)", "GPTBot", true},
		"another AI's":       {"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)", "ClaudeBot", true},
		"its other spelling": {"claudebot", "ClaudeBot", true},
		"command line":       {"curl/8.5.0", "curl", true},
		"another one":        {"Wget/1.21.4", "Wget", true},
		"Python":             {"python-requests/2.32.3", "python-requests", true},
		"Go":                 {"Go-http-client/2.0", "Go-http-client", true},
		"Java, Android":      {"okhttp/4.12.0", "okhttp", true},
		"browser without a person": {
			"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0.0.0 Safari/537.36",
			"HeadlessChrome", true,
		},
		"page test": {
			"Mozilla/5.0 (Linux; Android 11; moto g power (2022)) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 Mobile Safari/537.36 Chrome-Lighthouse",
			"Chrome-Lighthouse", true,
		},
		"two names, first of the list counts":   {"facebookexternalhit/1.1 Facebot Twitterbot/1.0", "facebookexternalhit", true},
		"two names, wherever they are":          {"Twitterbot/1.0 Facebot facebookexternalhit/1.1", "facebookexternalhit", true},
		"crawler of a browser's maker":          {"Sogou web spider/4.0(+http://www.sogou.com/docs/help/webmasters.htm#07)", "Sogou", true},
		"name at the end only":                  {"SSL Labs", "SSL Labs", true},
		"a name that must be at the end is not": {"SSL Labs/1", "", false},
		"name at the start only, is not":        {"Mozilla/5.0 curl/8.5.0", "", false},
		"needle twice, but not what follows it": {"Current/1.0 Current/1.0", "", false},
		"case counts":                           {"GOOGLEBOT/2.1", "", false},
		"no user agent":                         {"", "", false},
		"two letters":                           {"BW", "", false},
		"not UTF-8":                             {"\xff\xfe\x00", "", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if reason, bot := crawlers.Match(tt.agent); reason != tt.reason || bot != tt.bot {
				t.Errorf("got %q, %t; want %q, %t", reason, bot, tt.reason, tt.bot)
			}
		})
	}
}

// TestPeople holds that whoever sees our ads in an app or a browser is none.
func TestPeople(t *testing.T) {
	for _, file := range []string{"testdata/in-app.txt", "testdata/browsers.txt", "testdata/mistaken.txt"} {
		t.Run(file, func(t *testing.T) {
			agents := lines(t, file)
			if len(agents) < 20 {
				t.Fatalf("%d user agents, want 20 or more", len(agents))
			}
			for _, agent := range agents {
				if reason, bot := crawlers.Match(agent); bot {
					t.Errorf("taken for %s: %s", reason, agent)
				}
			}
		})
	}
}

// TestExcluded names the samples of the package that are people's: Meta's in-app
// browsers on Android.
func TestExcluded(t *testing.T) {
	excluded := []string{
		"Mozilla/5.0 (Linux; Android 16; Pixel 10 Pro XL Build/CP1A.260305.018; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/146.0.7680.174 Mobile Safari/537.36 MetaIAB Facebook",
		"Mozilla/5.0 (Linux; Android 15; CPH2557 Build/AP3A.240617.008; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/142.0.7444.142 Mobile Safari/537.36 Instagram 406.0.0.58.159 Android (35/15; 480dpi; 1080x2400; OPPO; CPH2557; OP573DL1; mt6833; en_MY; 822918295; IABMV/1) NV/1",
	}
	for _, agent := range excluded {
		if reason, bot := crawlers.Match(agent); bot {
			t.Errorf("taken for %s: %s", reason, agent)
		}
	}
}

// TestSamples holds Match to what the package's regular expressions, tried one
// after the other, say about all its samples.
func TestSamples(t *testing.T) {
	samples := lines(t, "testdata/samples.tsv")
	if len(samples) < 2000 {
		t.Fatalf("%d samples, want 2000 or more", len(samples))
	}
	for _, line := range samples {
		agent, want, _ := strings.Cut(line, "\t")
		reason, bot := crawlers.Match(agent)
		if diff := cmp.Diff(want, reason); diff != "" || !bot {
			t.Errorf("%s: bot %t, (-want +got):\n%s", agent, bot, diff)
		}
	}
}

// TestMetaInAppIsNever holds that Meta's in-app browser is no crawler whatever
// else its user agent says: a phone may be called like a crawler.
func TestMetaInAppIsNever(t *testing.T) {
	const phone = "Mozilla/5.0 (Linux; Android 15; Adventurer Build/Googlebot/; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/142.0.7444.142 Mobile Safari/537.36"
	if _, bot := crawlers.Match(phone); !bot {
		t.Fatal("the phone's name alone must match, or this test holds nothing")
	}
	tests := map[string]string{
		"Facebook on Android":       phone + " [FB_IAB/FB4A;FBAV/541.0.0.49.79;IABMV/1;]",
		"Facebook on Android, lite": phone + " [FBAN/EMA;FBLC/en_US;]",
		"Facebook, version alone":   phone + " [FBAV/541.0.0.49.79;]",
		"since 2025":                phone + " MetaIAB Facebook",
		"Instagram":                 phone + " Instagram 406.0.0.58.159 Android (35/15; 480dpi)",
		"Threads":                   phone + " Barcelona 377.0.0.41.112 Android (34/14; 450dpi; IABMV/1)",
	}
	for name, agent := range tests {
		t.Run(name, func(t *testing.T) {
			if reason, bot := crawlers.Match(agent); bot {
				t.Errorf("taken for %s", reason)
			}
		})
	}
}

func TestMatchAtOnce(t *testing.T) {
	samples := lines(t, "testdata/samples.tsv")[:200]
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for _, line := range samples {
				agent, want, _ := strings.Cut(line, "\t")
				if reason, _ := crawlers.Match(agent); reason != want {
					t.Errorf("%s: got %q, want %q", agent, reason, want)
				}
			}
		})
	}
	wait.Wait()
}

// lines returns a file's lines but the empty ones and the comments.
func lines(t testing.TB, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSuffix(line, "\n"); line != "" && !strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	return out
}
