package crawlers

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// minNeedle is the length of the shortest needle: the index is by their first
// three bytes.
const minNeedle = 3

// pattern says that a user agent is a crawler's if needle occurs in it and, where
// there is an exact, that matches too.
type pattern struct {
	needle string
	name   string
	exact  *regexp.Regexp // nil: the needle is enough
}

// parse reads patterns.tsv: a pattern a line, in order of precedence, as needle,
// name and, for a few, a regular expression, with tabs between. Lines that begin
// with # are comments.
func parse(file string) ([]pattern, error) {
	var patterns []pattern
	number := 0
	for line := range strings.Lines(file) {
		number++
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		p, err := parseLine(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		patterns = append(patterns, p)
	}
	return patterns, nil
}

func parseLine(line string) (pattern, error) {
	fields := strings.Split(line, "\t")
	if len(fields) < 2 || len(fields) > 3 {
		return pattern{}, fmt.Errorf("%d fields, want 2 or 3", len(fields))
	}
	p := pattern{needle: fields[0], name: fields[1]}
	if len(p.needle) < minNeedle {
		return pattern{}, fmt.Errorf("needle %q is shorter than %d bytes", p.needle, minNeedle)
	}
	if p.name == "" {
		return pattern{}, errors.New("no name")
	}
	if len(fields) == 3 {
		exact, err := regexp.Compile(fields[2])
		if err != nil {
			return pattern{}, err
		}
		p.exact = exact
	}
	return p, nil
}

// index finds patterns by the first three bytes of their needles. It never
// changes, so that many may use it at once.
type index struct {
	patterns []pattern
	starts   map[uint32][]int // places in patterns, ascending
}

// start is the first three bytes of s, which has them.
func start(s string) uint32 {
	return uint32(s[0])<<16 | uint32(s[1])<<8 | uint32(s[2])
}

func newIndex(patterns []pattern) *index {
	x := &index{patterns: patterns, starts: make(map[uint32][]int)}
	for i, p := range patterns {
		key := start(p.needle)
		x.starts[key] = append(x.starts[key], i)
	}
	return x
}

// find returns the name of the first of the patterns that userAgent matches,
// wherever in it that is.
func (x *index) find(userAgent string) (name string, found bool) {
	first := len(x.patterns)
	// A regular expression is tried once only: else a user agent full of its
	// needle would cost the square of its length.
	var failed []int
	for at := 0; at+minNeedle <= len(userAgent); at++ {
		rest := userAgent[at:]
		for _, i := range x.starts[start(rest)] {
			if i >= first {
				break
			}
			p := x.patterns[i]
			if !strings.HasPrefix(rest, p.needle) || slices.Contains(failed, i) {
				continue
			}
			if p.exact == nil || p.exact.MatchString(userAgent) {
				first = i
				break
			}
			failed = append(failed, i)
		}
	}
	if first == len(x.patterns) {
		return "", false
	}
	return x.patterns[first].name, true
}
