package main

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
)

const (
	minNeedle = 3 // as the reader of patterns.tsv demands
	maxWords  = 8 // what can be more words than this is not spelled out
)

// pattern is one of the package's, as patterns.tsv has it: a line a needle.
type pattern struct {
	name    string
	needles []string       // one of them is in all that it matches
	exact   bool           // and whatever has one of them is matched
	regexp  *regexp.Regexp // what it matches, the corrected one
}

// convert returns the patterns in the package's order, each of which matches its
// samples.
func convert(crawlers []crawler, corrected map[string]string) ([]pattern, error) {
	left := len(corrected)
	var patterns []pattern
	for _, c := range crawlers {
		text, isCorrected := corrected[c.Pattern]
		if !isCorrected {
			text = c.Pattern
		} else {
			left--
		}
		if text == "" {
			continue
		}
		p, err := newPattern(c.Pattern, text)
		if err != nil {
			return nil, fmt.Errorf("pattern %q: %w", c.Pattern, err)
		}
		for _, sample := range c.Instances {
			if !p.regexp.MatchString(sample) {
				return nil, fmt.Errorf("pattern %q: %q doesn't match its sample %q", c.Pattern, p.regexp, sample)
			}
		}
		patterns = append(patterns, p)
	}
	if left != 0 {
		return nil, fmt.Errorf("%d of the corrections are for patterns that the package doesn't have", left)
	}
	return patterns, nil
}

// newPattern returns the pattern that matches what text does, and is named as
// the package's own, original.
func newPattern(original, text string) (pattern, error) {
	// The package escapes slashes, as JavaScript must; Go has no such escape.
	text = strings.ReplaceAll(text, `\/`, "/")
	named, _, err := needles(strings.ReplaceAll(original, `\/`, "/"))
	if err != nil {
		return pattern{}, err
	}
	p := pattern{name: nameOf(named[0])}
	if p.needles, p.exact, err = needles(text); err != nil {
		return pattern{}, err
	}
	if p.regexp, err = regexp.Compile(text); err != nil {
		return pattern{}, err
	}
	for _, needle := range p.needles {
		if p.name == "" || needle[0] == '#' || strings.ContainsAny(needle+text, "\t\r\n") {
			return pattern{}, errors.New("can't be a line of patterns.tsv")
		}
	}
	return p, nil
}

// nameOf makes a name for people of a needle: "Googlebot" of "Googlebot/".
func nameOf(needle string) string {
	if before, _, found := strings.Cut(needle, "("); found {
		needle = before
	}
	return strings.Trim(needle, " /;)-")
}

// needles returns strings of which whatever text matches has at least one, the
// first part of it that can be spelled out; exact says that no more is asked.
func needles(text string) (words []string, exact bool, err error) {
	re, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, false, err
	}
	if words, exact = spell(re); !exact {
		words = required(re)
	}
	if !longEnough(words) {
		return nil, false, fmt.Errorf("no part of it is %d bytes or more and at most %d words", minNeedle, maxWords)
	}
	return words, exact, nil
}

// required is needles for an expression that can't be spelled out as a whole.
func required(re *syntax.Regexp) []string {
	if re.Op == syntax.OpAlternate {
		var words []string
		for _, sub := range re.Sub {
			of, ok := spell(sub)
			if !ok {
				of = required(sub)
			}
			if !longEnough(of) {
				return nil
			}
			words = append(words, of...)
		}
		return words
	}
	if re.Op != syntax.OpConcat {
		return nil
	}
	for i := range re.Sub {
		if words, _ := spellAll(re.Sub[i:]); longEnough(words) {
			return words
		}
	}
	return nil
}

func longEnough(words []string) bool {
	return len(words) > 0 && !slices.ContainsFunc(words, func(w string) bool { return len(w) < minNeedle })
}

// spell returns all strings that re matches, if they are few.
func spell(re *syntax.Regexp) (words []string, ok bool) {
	switch re.Op {
	case syntax.OpLiteral:
		words, ok = literal(re)
	case syntax.OpCharClass:
		words, ok = class(re.Rune)
	case syntax.OpCapture:
		words, ok = spell(re.Sub[0])
	case syntax.OpConcat:
		words, ok = spellAll(re.Sub)
	case syntax.OpAlternate:
		ok = true
		for _, sub := range re.Sub {
			of, known := spell(sub)
			words, ok = append(words, of...), ok && known
		}
	case syntax.OpNoMatch, syntax.OpEmptyMatch, syntax.OpAnyCharNotNL, syntax.OpAnyChar,
		syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary,
		syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
	}
	if !ok || len(words) > maxWords {
		return nil, false
	}
	return words, true
}

// spellAll returns what the first of the parts spell together, as many of them
// as can be spelled out; all says that none is left.
func spellAll(parts []*syntax.Regexp) (words []string, all bool) {
	words = []string{""}
	for _, part := range parts {
		of, ok := spell(part)
		longer := join(words, of)
		if !ok || len(longer) > maxWords {
			return words, false
		}
		words = longer
	}
	return words, true
}

// join returns each of a followed by each of b.
func join(a, b []string) []string {
	var words []string
	for _, x := range a {
		for _, y := range b {
			words = append(words, x+y)
		}
	}
	return words
}

// literal returns the spellings of a literal: one, or one a choice of cases.
func literal(re *syntax.Regexp) (words []string, ok bool) {
	if re.Flags&syntax.FoldCase == 0 {
		return []string{string(re.Rune)}, true
	}
	words = []string{""}
	for _, r := range re.Rune {
		if words = join(words, cases(r)); len(words) > maxWords {
			return nil, false
		}
	}
	return words, true
}

// cases returns r in upper and in lower case, in that order.
func cases(r rune) []string {
	letters := []rune{r}
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		letters = append(letters, f)
	}
	slices.Sort(letters)
	words := make([]string, len(letters))
	for i, l := range letters {
		words[i] = string(l)
	}
	return words
}

// class returns the runes of a character class, which is pairs of first and last.
func class(pairs []rune) (words []string, ok bool) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if int(pairs[i+1]-pairs[i]) >= maxWords {
			return nil, false
		}
		for r := pairs[i]; r <= pairs[i+1]; r++ {
			words = append(words, string(r))
		}
	}
	return words, true
}

// lines writes the patterns as patterns.tsv has them.
func lines(patterns []pattern) string {
	var b strings.Builder
	for _, p := range patterns {
		for _, needle := range p.needles {
			b.WriteString(needle + "\t" + p.name)
			if !p.exact {
				b.WriteString("\t" + visible(p.regexp.String()))
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

// visible returns the expression without a space at its end, where editors would
// take it away.
func visible(expression string) string {
	if before, found := strings.CutSuffix(expression, " "); found {
		return before + `\x20`
	}
	return expression
}

// label returns the package's samples, each with the name of the first pattern
// that matches it. That is found the slow way, by the regular expressions, so
// that a test can hold the quick one to it. Samples of patterns that are left out
// are left out.
func label(crawlers []crawler, patterns []pattern, corrected map[string]string) string {
	var b strings.Builder
	for _, c := range crawlers {
		if text, ok := corrected[c.Pattern]; ok && text == "" {
			continue
		}
		for _, sample := range c.Instances {
			// convert made sure that its own pattern matches it.
			i := slices.IndexFunc(patterns, func(p pattern) bool { return p.regexp.MatchString(sample) })
			b.WriteString(sample + "\t" + patterns[i].name + "\n")
		}
	}
	return b.String()
}
