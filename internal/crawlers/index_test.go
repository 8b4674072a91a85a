package crawlers

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// read is a pattern in a form that cmp can compare.
type read struct{ Needle, Name, Exact string }

func TestParse(t *testing.T) {
	tests := map[string]struct {
		file string
		want []read
		err  string
	}{
		"needle alone":              {"Googlebot/\tGooglebot\n", []read{{"Googlebot/", "Googlebot", ""}}, ""},
		"needle with an expression": {"curl\tcurl\t^curl\n", []read{{"curl", "curl", "^curl"}}, ""},
		"order, comments and gaps":  {"# MIT\n\nds9 \tds9\nBW/\tBW", []read{{"ds9 ", "ds9", ""}, {"BW/", "BW", ""}}, ""},
		"nothing":                   {"", nil, ""},
		"one field":                 {"# MIT\nGooglebot\n", nil, "line 2: 1 fields, want 2 or 3"},
		"four fields":               {"curl\tcurl\t^curl\t\n", nil, "line 1: 4 fields, want 2 or 3"},
		"short needle":              {"BW\tBW\n", nil, `line 1: needle "BW" is shorter than 3 bytes`},
		"no name":                   {"curl\t\n", nil, "line 1: no name"},
		"broken expression":         {"curl\tcurl\t(\n", nil, "line 1: error parsing regexp: missing closing ): `(`"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			patterns, err := parse(tt.file)
			message := ""
			if err != nil {
				message = err.Error()
			}
			var got []read
			for _, p := range patterns {
				r := read{Needle: p.needle, Name: p.name}
				if p.exact != nil {
					r.Exact = p.exact.String()
				}
				got = append(got, r)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || message != tt.err {
				t.Errorf("error %q, want %q (-want +got):\n%s", message, tt.err, diff)
			}
		})
	}
}

// TestFileParses holds that what is embedded can't make the first Match panic.
func TestFileParses(t *testing.T) {
	patterns, err := parse(patternsFile)
	if err != nil {
		t.Fatal(err)
	}
	if len(patterns) < 1400 {
		t.Errorf("%d patterns, want 1400 or more", len(patterns))
	}
	if !strings.Contains(patternsFile, "# The MIT License") {
		t.Error("the license is missing; it must go with the patterns")
	}
}

// TestFindIsLinear holds that a needle repeated a hundred thousand times, each
// time with the wrong thing after it, costs one look at it and no more: tried
// each time, the expression would read 80 GB.
func TestFindIsLinear(t *testing.T) {
	patterns, err := parse("Current\tCurrent\tCurrent[\\s\\S]*RSS Reader\n")
	if err != nil {
		t.Fatal(err)
	}
	if name, found := newIndex(patterns).find(strings.Repeat("Current ", 100_000)); found {
		t.Errorf("found %q", name)
	}
}

// slowly is what find must agree with: each pattern's expression in turn.
func slowly(patterns []pattern, expressions []*regexp.Regexp, userAgent string) (string, bool) {
	for i, e := range expressions {
		if e.MatchString(userAgent) {
			return patterns[i].name, true
		}
	}
	return "", false
}

// expressionsOf returns a regular expression for each pattern.
func expressionsOf(patterns []pattern) []*regexp.Regexp {
	expressions := make([]*regexp.Regexp, len(patterns))
	for i, p := range patterns {
		if expressions[i] = p.exact; p.exact == nil {
			expressions[i] = regexp.MustCompile(regexp.QuoteMeta(p.needle))
		}
	}
	return expressions
}

func FuzzFind(f *testing.F) {
	for _, seed := range []string{
		"", "BW/", "xBW/", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
		"AdsBot-Google-Mobile", "AdsBot-Google", "Spider spider.com", "Current RSS Reader", " sentry/8", "LCC ",
		"Twitterbot/1.0 facebookexternalhit/1.1", "GooGooGooglebot/", "\xff\xfe", "SSL Labs",
	} {
		f.Add(seed)
	}
	x := known()
	expressions := expressionsOf(x.patterns)
	f.Fuzz(func(t *testing.T, userAgent string) {
		name, found := x.find(userAgent)
		wantName, want := slowly(x.patterns, expressions, userAgent)
		if name != wantName || found != want {
			t.Errorf("find(%q) = %q, %t; the expressions say %q, %t", userAgent, name, found, wantName, want)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("Googlebot/\tGooglebot\ncurl\tcurl\t^curl\n# comment\n")
	f.Add("BW\tBW")
	f.Fuzz(func(t *testing.T, file string) {
		patterns, err := parse(file)
		if err != nil && patterns != nil {
			t.Error("patterns and an error")
		}
		x := newIndex(patterns) // takes whatever parse let through
		for i, p := range patterns {
			if p.exact != nil {
				continue
			}
			// A needle finds itself, or what stands before it in the file.
			if name, found := x.find(p.needle); !found || (name != p.name && i == 0) {
				t.Errorf("find(%q) = %q, %t", p.needle, name, found)
			}
		}
	})
}

// The user agents of the benchmark: a person's, and a crawler's of the middle of
// the list.
const (
	person  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Safari/604.1 [FBAN/FBIOS;FBAV/530.0.0.38.108;FBBV/787654321;FBDV/iPhone15,2;FBMD/iPhone;FBSN/iOS;FBSV/18.6.2;FBSS/3;FBID/phone;FBLC/en_US;FBOP/5]"
	crawler = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)"
)

// BenchmarkMatch is what a click pays.
func BenchmarkMatch(b *testing.B) {
	for name, agent := range map[string]string{"person": person, "crawler": crawler} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Match(agent)
			}
		})
	}
}

// BenchmarkExpressions is what it would pay if each expression were tried.
func BenchmarkExpressions(b *testing.B) {
	patterns := known().patterns
	expressions := expressionsOf(patterns)
	for name, agent := range map[string]string{"person": person, "crawler": crawler} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				slowly(patterns, expressions, agent)
			}
		})
	}
}

// BenchmarkBuild is what the first click pays.
func BenchmarkBuild(b *testing.B) {
	file, err := os.ReadFile("patterns.tsv")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		patterns, err := parse(string(file))
		if err != nil {
			b.Fatal(err)
		}
		newIndex(patterns)
	}
}
