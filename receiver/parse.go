package receiver

import (
	"strings"
	"unicode/utf8"
)

// maxParams bounds how many parameters of one request are read; the rest stays
// in the sealed raw bytes.
const maxParams = 1000

// param is one parameter: name and value decoded exactly once.
type param struct {
	name, value string
	// loose: cut out of another parameter's value at a stray "?" or ";". Any
	// other value for the same field is preferred.
	loose bool
	// named: it had a "=", or came as a form's or an object's member.
	named bool
}

// names are the folded parameter names somebody gave a meaning. They alone make
// a ";" or a stray "?" a separator: "ua=X11; Linux" stays one value.
type names map[string]bool

// fold makes parameter names comparable: they match ignoring case, "_" and "-".
func fold(name string) string {
	name = innermost(name)
	plain := true
	for i := range len(name) {
		if c := name[i]; c >= 'A' && c <= 'Z' || c == '_' || c == '-' {
			plain = false
			break
		}
	}
	if plain {
		return name
	}
	out := make([]byte, 0, len(name))
	for i := range len(name) {
		switch c := name[i]; {
		case c == '_' || c == '-':
		case c >= 'A' && c <= 'Z':
			out = append(out, c+'a'-'A')
		default:
			out = append(out, c)
		}
	}
	return string(out)
}

// innermost is the field that PHP's array notation means: email of email[] and
// of user[email].
func innermost(name string) string {
	name = strings.TrimSuffix(name, "[]")
	if open := strings.LastIndexByte(name, '['); open >= 0 && strings.HasSuffix(name, "]") {
		return name[open+1 : len(name)-1]
	}
	return name
}

// parseQuery reads a raw query or form body as forgivingly as it can: "&amp;"
// for "&", doubled "&", a second "?", ";" between known names, bad escapes.
// more reports that there were too many parameters to read.
func parseQuery(raw string, known names) (params []param, more bool) {
	for part := range strings.SplitSeq(raw, "&") {
		part = strings.TrimLeft(trimAmp(part), "?")
		loose := false
		for part != "" {
			head, rest := known.cut(part)
			if len(params) == maxParams {
				return params, true
			}
			name, value, named := strings.Cut(head, "=")
			if head != "" {
				name = strings.TrimSpace(decode(name))
				params = append(params, param{name: name, value: decode(value), loose: loose, named: named})
			}
			part, loose = rest, true
		}
	}
	return params, false
}

// trimAmp removes what is left of an "&amp;" that was split at its "&".
func trimAmp(part string) string {
	if len(part) >= 4 && strings.EqualFold(part[:4], "amp;") {
		return part[4:]
	}
	return part
}

// cut splits part at the first "?" or ";" that a known name and "=" follow.
func (known names) cut(part string) (head, rest string) {
	hasValue := false
	for i := range len(part) {
		switch part[i] {
		case '=':
			hasValue = true
		case '?', ';':
			if part[i] == ';' && !hasValue {
				continue
			}
			end := strings.IndexAny(part[i+1:], "=;?")
			if end < 0 || part[i+1+end] != '=' || !known[fold(strings.TrimSpace(decode(part[i+1:i+1+end])))] {
				continue
			}
			return strings.TrimRight(part[:i], "?"), part[i+1:]
		}
	}
	return part, ""
}

// decode decodes percent escapes and "+" exactly once. A bad escape is kept
// literally. What would not be text (not UTF-8, or with a NUL that databases
// refuse) stays encoded as it was received.
func decode(raw string) string {
	if !strings.ContainsAny(raw, "%+") {
		return asText(raw)
	}
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		switch {
		case raw[i] == '+':
			out = append(out, ' ')
		case raw[i] == '%' && i+2 < len(raw) && isHex(raw[i+1]) && isHex(raw[i+2]):
			out = append(out, unhex(raw[i+1])<<4|unhex(raw[i+2]))
			i += 2
		default:
			out = append(out, raw[i])
		}
	}
	if s := string(out); isText(s) {
		return s
	}
	return asText(raw)
}

func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// asText returns s if it is text; else s with its NULs and all bytes beyond
// ASCII percent-encoded.
func asText(s string) string {
	if isText(s) {
		return s
	}
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c == 0 || c >= utf8.RuneSelf {
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c >= 'a':
		return c - 'a' + 10
	}
	return c - 'A' + 10
}
