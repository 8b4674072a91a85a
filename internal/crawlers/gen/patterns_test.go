package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// made is a pattern in a form that cmp can compare.
type made struct {
	Name    string
	Needles []string
	Exact   bool
}

func TestNewPattern(t *testing.T) {
	tests := map[string]made{
		`Googlebot\/`:                     {"Googlebot", []string{"Googlebot/"}, true},
		`bnf\.fr_bot`:                     {"bnf.fr_bot", []string{"bnf.fr_bot"}, true},
		`webmon `:                         {"webmon", []string{"webmon "}, true},
		`monitis -`:                       {"monitis", []string{"monitis -"}, true},
		`;Owler`:                          {"Owler", []string{";Owler"}, true},
		`Mediapartners \(Googlebot\)`:     {"Mediapartners", []string{"Mediapartners (Googlebot)"}, true},
		`dbot\)`:                          {"dbot", []string{"dbot)"}, true},
		`[wW]get`:                         {"Wget", []string{"Wget", "wget"}, true},
		`S[eE][mM]rushBot`:                {"SEMrushBot", []string{"SEMrushBot", "SEmrushBot", "SeMrushBot", "SemrushBot"}, true},
		`Ahrefs(Bot|SiteAudit)`:           {"AhrefsBot", []string{"AhrefsBot", "AhrefsSiteAudit"}, true},
		`Netumo|netumo`:                   {"Netumo", []string{"Netumo", "netumo"}, true},
		`^curl`:                           {"curl", []string{"curl"}, false},
		`SSL Labs$`:                       {"SSL Labs", []string{"SSL Labs"}, false},
		`(^| )sentry\/`:                   {"sentry", []string{"sentry/"}, false},
		`AdsBot-Google([^-]|$)`:           {"AdsBot-Google", []string{"AdsBot-Google"}, false},
		`BlogTraffic\/\d\.\d+ Feed`:       {"BlogTraffic", []string{"BlogTraffic/"}, false},
		`Current[\s\S]*RSS Reader`:        {"Current", []string{"Current"}, false},
		`a.[bB]ot\d`:                      {"Bot", []string{"Bot", "bot"}, false},
		`crawl.*er|^spider`:               {"crawl", []string{"crawl", "spider"}, false},
		`b[abcdefghijkl]otting`:           {"otting", []string{"otting"}, false},
		`(?i)bot\.fi`:                     {}, // 32 spellings: refused
		`(one|two|six)(one|two|six)bot`:   {"one", []string{"one", "two", "six"}, false},
		`(one|two) (three|four) crawlers`: {"one three crawlers", []string{"one three crawlers", "one four crawlers", "two three crawlers", "two four crawlers"}, true},
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			p, err := newPattern(text, text)
			if want.Needles == nil {
				if err == nil {
					t.Errorf("got %+v, want an error", p)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, made{p.name, p.needles, p.exact}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestCorrectedKeepsItsName holds that a pattern is called as the package calls
// it, whatever stands in its place.
func TestCorrectedKeepsItsName(t *testing.T) {
	p, err := newPattern(`Freespoke\/`, `compatible; Freespoke/`)
	if err != nil {
		t.Fatal(err)
	}
	want := made{"Freespoke", []string{"compatible; Freespoke/"}, true}
	if diff := cmp.Diff(want, made{p.name, p.needles, p.exact}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLinesShowSpaceAtTheirEnd(t *testing.T) {
	p, err := newPattern(`^LCC `, `^LCC `)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("LCC \tLCC\t^LCC\\x20\n", lines([]pattern{p})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// FuzzNeedles holds needles to what they promise: whatever an expression matches
// has one of them, and of exact ones nothing more is asked.
func FuzzNeedles(f *testing.F) {
	for _, text := range []string{
		`Googlebot/`, `[wW]get`, `^curl`, `(^| )sentry/`, `AdsBot-Google([^-]|$)`, `Current[\s\S]*RSS Reader`,
		`S[eE][mM]rushBot`, `Ahrefs(Bot|SiteAudit)`, `crawl.*er|^spider`, `(?i)bot/`, `(abc)?defg`, `abc{2,3}d`,
	} {
		f.Add(text, "SemrushBot AhrefsBot sentry/ AdsBot-Google curl Wget Current RSS Reader spider BOT/ defg abccd")
	}
	f.Fuzz(func(t *testing.T, text, agent string) {
		words, exact, err := needles(text)
		if err != nil {
			return
		}
		expression, err := regexp.Compile(text)
		if err != nil {
			t.Fatal(err)
		}
		has := false
		for _, w := range words {
			has = has || strings.Contains(agent, w)
			if exact && !expression.MatchString(w) {
				t.Errorf("%q doesn't match its exact needle %q", text, w)
			}
		}
		if expression.MatchString(agent) && !has {
			t.Errorf("%q matches %q, which has none of %q", text, agent, words)
		}
	})
}
