package config

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Problem is one thing wrong with what was written, and what to do about it.
type Problem struct {
	File         string // or the environment variable; empty when neither is known
	Line, Column int    // from 1; 0 when unknown
	What, Do     string
	// Excerpt is the line itself with a mark below, secrets hidden; or empty.
	Excerpt string
}

// Error returns "file:line:column: what — what to do".
func (p Problem) Error() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d", p.Line)
		}
		if p.Line > 0 && p.Column > 0 {
			fmt.Fprintf(&b, ":%d", p.Column)
		}
		b.WriteString(": ")
	}
	b.WriteString(p.What)
	if p.Do != "" {
		b.WriteString(" — " + p.Do)
	}
	return b.String()
}

// Problems are all that is wrong, in the order of the file.
type Problems []Problem

// shownProblems is how many problems Error tells: more are of one cause.
const shownProblems = 100

// Error returns each problem on a line of its own, with its excerpt.
func (ps Problems) Error() string {
	var b strings.Builder
	for i, p := range ps {
		if i == shownProblems {
			fmt.Fprintf(&b, "\n… and %d more", len(ps)-i)
			break
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(p.Error())
		if p.Excerpt != "" {
			b.WriteString("\n" + p.Excerpt)
		}
	}
	return b.String()
}

// place is where something is written; the zero place is nowhere.
type place struct{ line, column int }

// report notes a problem with what is at path ("offers[0].link"), or with the
// nearest thing around it that is written down.
func (r *reader) report(path, what, do string) {
	for at := path; ; at = parent(at) {
		if variable, ok := r.variables[at]; ok {
			r.problems = append(r.problems, Problem{File: variable, What: what, Do: do})
			return
		}
		if p, ok := r.places[at]; ok {
			r.reportAt(p, what, do)
			return
		}
		if at == "" {
			r.problems = append(r.problems, Problem{File: r.file, What: what, Do: do})
			return
		}
	}
}

// cannotRead notes that what is at path is not what is wanted there.
func (r *reader) cannotRead(path, what, do string) {
	r.unread[path] = true
	r.report(path, what, do)
}

// rule notes a broken rule, unless what it is about could not even be read.
func (r *reader) rule(path, what, do string) {
	for at := path; ; at = parent(at) {
		if r.unread[at] {
			return
		}
		if at == "" {
			break
		}
	}
	r.report(path, what, do)
}

func (r *reader) reportAt(p place, what, do string) {
	r.problems = append(r.problems, Problem{
		File: r.file, Line: p.line, Column: p.column, What: what, Do: do, Excerpt: r.excerpt(p),
	})
}

// parent cuts the last step off a path: "a[0].b" → "a[0]" → "a" → "".
func parent(path string) string {
	if i := strings.LastIndexAny(path, ".["); i >= 0 {
		return path[:i]
	}
	return ""
}

// sorted returns the problems by their place, those of the environment last.
func (r *reader) sorted() Problems {
	slices.SortStableFunc(r.problems, func(a, b Problem) int {
		if (a.Line == 0) != (b.Line == 0) {
			return cmp.Compare(b.Line, a.Line)
		}
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return r.problems
}

// secretName finds settings that hold a secret, by what people call them.
var secretName = regexp.MustCompile(`(?i)token|secret|passw|api_?key|auth|credential|private|cookie|signature|header|^key$|_key$`)

// secretValue finds "token: value" in a line, in block and in flow style.
var secretValue = regexp.MustCompile(`(?i)((?:[\w-]*(?:token|secret|passw|key|auth|credential|private|cookie|signature|header|database_url)[\w-]*|\burl)["']?\s*:\s*)` +
	`("[^"]*"?|'[^']*'?|\S.*)`)

// excerpt returns the line of p with a mark below its column. What looks like a
// secret's value is hidden: problems are logged.
func (r *reader) excerpt(p place) string {
	if p.line < 1 || p.line > len(r.source) {
		return ""
	}
	line := strings.ReplaceAll(r.source[p.line-1], "\t", " ")
	shown := secretValue.ReplaceAllString(line, "${1}***")
	runes := []rune(shown)
	if len(runes) > 120 {
		shown = string(runes[:119]) + "…"
	}
	return fmt.Sprintf("%5d | %s\n      | %s^", p.line, shown, strings.Repeat(" ", max(0, min(p.column-1, 120))))
}
