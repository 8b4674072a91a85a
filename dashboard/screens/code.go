package screens

import (
	"bytes"
	"encoding/json"
	"errors"
	"html/template"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// code is a message for people: its head as it is, and a body whose fields stand
// on lines of their own if it is JSON, their names dimmed.
func code(head, body string) template.HTML {
	text := template.HTMLEscapeString(strings.TrimLeft(head, "\n"))
	var out bytes.Buffer
	if json.Indent(&out, []byte(body), "", "  ") != nil {
		return template.HTML(text + template.HTMLEscapeString(body))
	}
	var b strings.Builder
	b.WriteString(text)
	for i, line := range strings.Split(out.String(), "\n") {
		if i > 0 {
			b.WriteByte('\n')
		}
		if at := fieldName.FindStringSubmatchIndex(line); at != nil {
			b.WriteString(line[:at[2]] + "<i>" + template.HTMLEscapeString(line[at[2]:at[3]]) + "</i>")
			line = line[at[3]:]
		}
		b.WriteString(template.HTMLEscapeString(line))
	}
	return template.HTML(b.String())
}

// fieldName is a field's name at the beginning of a line of indented JSON.
var fieldName = regexp.MustCompile(`^\s*("(?:[^"\\]|\\.)*":)`)

// capital begins a sentence.
func capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return ""
	}
	return string(unicode.ToUpper(r)) + s[n:]
}

// refusal is the API's error that is for the caller, if it is one.
func refusal(err error) (*Refused, bool) {
	var refused *Refused
	ok := errors.As(err, &refused)
	return refused, ok
}
