package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// A file's bounds, far above any real one. The parser takes time in proportion
// to the square of the depth.
const (
	maxSize  = 4 << 20
	maxDepth = 500
)

// reader reads one file and gathers what is wrong with it.
type reader struct {
	file      string
	env       Env
	platforms map[string]Platform
	// countTests is CountTests.
	countTests bool
	source     []string         // lines
	places     map[string]place // by path
	// unread are the paths of what could not be read: that it is missing, too, is
	// no news.
	unread map[string]bool
	// variables are the environment variables that gave a setting, by path.
	variables map[string]string
	problems  Problems
}

// parse returns the root of the file's tree, or nil when it is empty or has
// problems that leave nothing to read.
func (r *reader) parse(data []byte) ast.Node {
	text, ok := r.text(data)
	if !ok {
		return nil
	}
	file, err := parser.ParseBytes([]byte(text), parser.ParseComments, parser.AllowDuplicateMapKey())
	if err != nil {
		r.syntax(err)
		return nil
	}
	var root ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.CommentType {
			continue
		}
		if root != nil {
			r.reportAt(placeOf(doc.Body), "the file holds more than one document", "take out the line ---")
			return nil
		}
		root = doc.Body
	}
	return root
}

// text returns the file as lines of UTF-8, or reports what kind of text it is
// not. Byte order marks and Windows line ends are taken away.
func (r *reader) text(data []byte) (string, bool) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	switch {
	case len(data) > maxSize:
		r.report("", "the file is larger than 4 MiB", "is it the right one?")
		return "", false
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}), bytes.HasPrefix(data, []byte{0xfe, 0xff}), bytes.IndexByte(data, 0) >= 0:
		r.report("", "the file is not UTF-8 text (UTF-16?)", "save it with the encoding UTF-8")
		return "", false
	}
	if depth(data) > maxDepth {
		r.report("", "the file is nested too deeply", "is a bracket { or [ open that nobody closes?")
		return "", false
	}
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(data))
	r.source = strings.Split(text, "\n")
	for i, line := range r.source {
		r.strangeCharacters(i+1, line)
	}
	return text, len(r.problems) == 0
}

// depth is how deep brackets and dashes nest at most. Those in texts are counted
// too: it is a bound and no measure.
func depth(data []byte) int {
	deepest, open, dashes := 0, 0, 0
	for _, c := range data {
		switch c {
		case '{', '[':
			open++
		case '}', ']':
			open = max(0, open-1)
		case '-', '?':
			dashes++
		case ' ':
		default:
			dashes = 0
		}
		deepest = max(deepest, open, dashes)
	}
	return deepest
}

// strangeCharacters reports what looks like a space or nothing and is neither:
// it comes with text copied from web pages.
func (r *reader) strangeCharacters(number int, line string) {
	if !utf8.ValidString(line) {
		r.reportAt(place{number, 1}, "the line is not UTF-8 text", "save the file with the encoding UTF-8")
		return
	}
	before, _, _ := strings.Cut(line, "#")
	for i, c := range before {
		switch c {
		case '\u00a0', '\u2007', '\u202f', '\u3000':
			r.reportAt(place{number, 1 + utf8.RuneCountInString(before[:i])}, fmt.Sprintf("a space that is none (%U), as web pages have them", c), "replace it with an ordinary space")
			return
		case '\u200b', '\u200c', '\u200d', '\u2060', '\ufeff':
			r.reportAt(place{number, 1 + utf8.RuneCountInString(before[:i])}, fmt.Sprintf("an invisible character (%U)", c), "delete it: retype the word")
			return
		}
	}
}

// syntax reports the parser's error in our words.
func (r *reader) syntax(err error) {
	var at yaml.Error
	if !errors.As(err, &at) || at.GetToken() == nil {
		r.report("", "the file can't be read as YAML: "+firstLine(err.Error()), "")
		return
	}
	position := at.GetToken().Position
	p := place{position.Line, position.Column}
	message := at.GetMessage()
	line := ""
	if p.line >= 1 && p.line <= len(r.source) {
		line = r.source[p.line-1]
	}
	do := ""
	switch {
	case strings.Contains(message, "'\t'") || strings.HasPrefix(line, "\t"):
		message, do = "a tab where spaces are wanted", "indent with spaces, two a level"
	case strings.Contains(message, "reserved character"):
		do = "put the value in quotes"
	case strings.Contains(line, "${") && strings.ContainsAny(line, "{["):
		do = `inside { } and [ ] put a reference in quotes: "${NAME}"`
	case strings.Contains(message, "mapping value is not allowed"):
		do = `a value that holds ": " goes in quotes; else check the indentation`
	case strings.Contains(message, "could not find end character"):
		do = "close the quotes"
	case strings.Contains(message, "flow mapping") || strings.Contains(message, "must be specified"):
		do = "close the bracket, and put commas between the parts"
	case strings.Contains(message, "not allowed in this context"), strings.Contains(message, "non-map value"), strings.Contains(message, "unexpected"):
		do = "check the indentation: what belongs together begins in the same column"
	case strings.Contains(message, "directive"):
		do = "put a value that begins with % in quotes"
	}
	r.reportAt(p, "not YAML: "+message, do)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

func placeOf(n ast.Node) place {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return place{}
	}
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		return placeOf(m.Values[0].Key)
	}
	return place{n.GetToken().Position.Line, n.GetToken().Position.Column}
}
