package everflow

import (
	"cmp"
	"encoding/json"
	"regexp"
	"strings"
)

// pasted is a request as it was found in what a person pasted.
type pasted struct {
	url    string // or a path, or a query
	host   string // of a Host header
	body   string // form parameters
	status int    // what was answered, 0: unknown
	// captured: it is surely a request that was made, not one to be made.
	captured bool
	// spaced and entities: white space and "&amp;" were in the URL.
	spaced, entities bool
}

var (
	logLine     = regexp.MustCompile(`"(?:GET|POST|HEAD|PUT) (.+?) HTTP/[\d.]+"(?: (\d{3}))?`)
	requestLine = regexp.MustCompile(`^(?:GET|POST|HEAD|PUT)\s+(.+?)(\s+HTTP/[\d.]+)?$`)
	attribute   = regexp.MustCompile(`(?i)<(?:img|iframe|script|a)\b[^>]*?\b(?:src|href)\s*=\s*["']([^"']+)["']`)
	absolute    = regexp.MustCompile(`(?i)\bhttps?://`)
	hostHeader  = regexp.MustCompile(`(?im)^host:\s*(\S+)\s*$`)
	invisible   = strings.NewReplacer("\u200b", " ", "\u200c", " ", "\u200d", " ", "\ufeff", " ", "\u00a0", " ", "\u2028", " ")
	straight    = strings.NewReplacer("“", `"`, "”", `"`, "‘", "'", "’", "'", "«", `"`, "»", `"`)
	entity      = regexp.MustCompile(`(?i)&amp;|&#38;|&#x26;`)
)

// maxPasted is more than any URL that a network accepts.
const maxPasted = 8 << 10

// unpaste finds the request in what a person pasted.
func unpaste(text string) pasted {
	if len(text) > maxPasted {
		text = text[:maxPasted]
	}
	text = strings.TrimSpace(invisible.Replace(strings.ToValidUTF8(text, "\ufffd")))
	p := find(text)
	p.entities = entity.MatchString(p.url)
	p.url = entity.ReplaceAllString(p.url, "&")
	p.url, p.spaced = squeeze(p.url)
	return p
}

func find(text string) pasted {
	if m := logLine.FindStringSubmatch(text); m != nil {
		return pasted{url: m[1], status: number(m[2]), captured: true}
	}
	if p, ok := jsonLine(text); ok {
		return p
	}
	first, rest, _ := strings.Cut(text, "\n")
	if m := requestLine.FindStringSubmatch(strings.TrimSpace(first)); m != nil {
		p := pasted{url: m[1], captured: m[2] != ""}
		headers, body, _ := strings.Cut(strings.ReplaceAll(rest, "\r", ""), "\n\n")
		if h := hostHeader.FindStringSubmatch(headers); h != nil {
			p.host = h[1]
		}
		p.body = strings.TrimSpace(body)
		return p
	}
	plain := straight.Replace(text)
	if strings.HasPrefix(plain, "curl ") {
		return curl(words(plain))
	}
	if m := attribute.FindStringSubmatch(plain); m != nil {
		return pasted{url: m[1]}
	}
	plain = unquote(plain)
	if i := absolute.FindStringIndex(plain); i != nil && !strings.ContainsAny(plain[:i[0]], "?=&/") {
		plain = unquote(plain[i[0]:]) // "Postback URL: https://…"
	}
	return pasted{url: plain}
}

// jsonLine reads a line of a log in JSON: Caddy's, or one that names the address
// as most do.
func jsonLine(text string) (pasted, bool) {
	var line struct {
		Request struct {
			Host string `json:"host"`
			URI  string `json:"uri"`
		} `json:"request"`
		Status     int    `json:"status"`
		URL        string `json:"url"`
		URI        string `json:"uri"`
		RequestURI string `json:"request_uri"`
		Host       string `json:"host"`
	}
	if !strings.HasPrefix(text, "{") || json.Unmarshal([]byte(text), &line) != nil {
		return pasted{}, false
	}
	p := pasted{
		url:      cmp.Or(line.Request.URI, line.RequestURI, line.URI, line.URL),
		host:     cmp.Or(line.Request.Host, line.Host),
		status:   line.Status,
		captured: line.Status != 0,
	}
	return p, p.url != ""
}

// number is the value of an HTTP status, 0 for none.
func number(digits string) (n int) {
	for _, c := range []byte(digits) {
		n = n*10 + int(c-'0')
	}
	return n
}

// unquote removes what people put around a URL.
func unquote(s string) string {
	for {
		s = strings.TrimSpace(s)
		end := len(s) - 1
		switch {
		case end < 1:
			return s
		case strings.HasPrefix(s, "```"):
			s = strings.Trim(s, "`")
		case s[0] == s[end] && strings.ContainsRune("\"'`*", rune(s[0])),
			s[0] == '<' && s[end] == '>', s[0] == '(' && s[end] == ')':
			s = s[1:end]
		case strings.ContainsRune("\"',`", rune(s[end])), s[end] == '.' && s[end-1] != '.':
			s = s[:end]
		case strings.ContainsRune("\"'`", rune(s[0])):
			s = s[1:]
		default:
			return s
		}
	}
}

// squeeze takes white space out of a URL, and reports whether there was any:
// what is around a separator or at a line's end goes, the rest is escaped.
func squeeze(url string) (clean string, spaced bool) {
	url = strings.TrimSpace(url)
	if !strings.ContainsAny(url, " \t\r\n") {
		return url, false
	}
	var b strings.Builder
	for i := 0; i < len(url); i++ {
		if !isSpace(url[i]) {
			b.WriteByte(url[i])
			continue
		}
		end := i
		for end < len(url) && isSpace(url[end]) {
			end++
		}
		gap := url[i:end]
		before, after := url[i-1], url[end]
		if !strings.ContainsAny(gap, "\r\n\t") && !strings.ContainsRune("&?={}/", rune(before)) && !strings.ContainsRune("&?={}/", rune(after)) {
			b.WriteString("%20")
		}
		i = end - 1
	}
	return b.String(), true
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// curl reads a curl command's words.
func curl(args []string) pasted {
	var p pasted
	get := false
	for i := 1; i < len(args); i++ {
		name, value, attached := strings.Cut(args[i], "=")
		next := func() string {
			if attached {
				return value
			}
			i++
			if i < len(args) {
				return args[i]
			}
			return ""
		}
		switch {
		case !strings.HasPrefix(args[i], "-"):
			p.url = args[i]
		case name == "-d" || strings.HasPrefix(name, "--data"):
			attached = attached && strings.HasPrefix(name, "--")
			p.body = strings.Trim(p.body+"&"+next(), "&")
		case name == "--url":
			p.url = next()
		case name == "-G" || name == "--get":
			get = true
		case name == "-H" || name == "--header":
			if h := hostHeader.FindStringSubmatch(next()); h != nil {
				p.host = h[1]
			}
		case strings.Contains(" -X --request -A --user-agent -o --output -u --user -e --referer -m --max-time -b --cookie ", " "+name+" "):
			next()
		}
	}
	if get {
		p.url, p.body = p.url+"?"+p.body, ""
	}
	return p
}

// words splits a command line as a shell does, without expanding anything.
func words(line string) []string {
	var all []string
	var word strings.Builder
	var quote byte
	begun := false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote == 0 && isSpace(c):
			if begun {
				all = append(all, word.String())
				word.Reset()
			}
			begun = false
			continue
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote != 0 && c == quote:
			quote = 0
		case quote != '\'' && c == '\\' && i+1 < len(line):
			i++
			if line[i] == '\n' || line[i] == '\r' {
				continue // the command goes on
			}
			word.WriteByte(line[i])
		default:
			word.WriteByte(c)
		}
		begun = true
	}
	if begun {
		all = append(all, word.String())
	}
	return all
}
