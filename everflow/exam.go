package everflow

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"subfive"
)

// exam is one examination: the URL in parts, and what was found so far.
type exam struct {
	d     Doctor
	from  pasted
	form  string
	rules map[string]Rule
	found []Finding

	scheme, host, path string // "" where the URL has none
	params             []*param
	endpoint           subfive.Endpoint
	// replace: the URL is of another kind, and only a new one helps.
	replace bool
	// fixHost and fixPath stand in the corrected URL; "": what was given.
	fixHost, fixPath string
}

// param is one parameter.
type param struct {
	name string
	raw  string // as it was written
	text string // decoded once
	role role
	hold placeholder
	// fix replaces the value in the corrected URL, rename the name; drop leaves
	// the parameter out.
	fix, rename string
	drop        bool
}

func newExam(d Doctor, text string) *exam {
	x := &exam{d: d, from: unpaste(text), rules: map[string]Rule{}, found: []Finding{}}
	for _, r := range Rules() {
		x.rules[r.Code] = r
	}
	return x
}

// add notes a finding.
func (x *exam) add(code, where, what, fix string) {
	r := x.rules[code]
	f := Finding{Code: code, Severity: r.Severity, Level: r.Level, Why: r.Why, What: what, Where: where, Fix: fix}
	if !slices.Contains(x.found, f) {
		x.found = append(x.found, f)
	}
}

func (x *exam) run() {
	if !x.split() {
		return
	}
	x.endpoint = x.d.endpointOf(x.path)
	for _, p := range x.params {
		p.role = x.role(p.name)
		p.hold = x.d.hinter.placeholder(p.name, strings.TrimSpace(p.raw))
	}
	x.form = x.guessForm()
	if x.form == FormCaptured {
		x.readWire()
	}
	x.destination()
	if x.replace {
		return
	}
	x.twins()
	for _, p := range x.params {
		if !p.drop {
			x.judge(p)
		}
	}
	x.whole()
}

var (
	schemePattern = regexp.MustCompile(`(?i)^([a-z]{2,8})(:/{1,3}|//|:\\\\)`)
	glued         = regexp.MustCompile(`\}([A-Za-z][A-Za-z0-9_\-]*)=`)
	noEquals      = regexp.MustCompile(`^([A-Za-z_]+)(\{[A-Za-z0-9_]+\})$`)
	noQuestion    = regexp.MustCompile(`^([^?&=]*?)[&/]([A-Za-z_]+=.*)$`)
	laterQuestion = regexp.MustCompile(`\?+([A-Za-z_][A-Za-z0-9_\-]*=)`)
	hashed        = regexp.MustCompile(`#[A-Za-z0-9_]+#|#\{`)
	hasName       = regexp.MustCompile(`(?:^|[?&/])[A-Za-z_][A-Za-z0-9_.\-]*=`)
)

// split takes the URL apart, and notes what is wrong with how it is written.
func (x *exam) split() bool {
	text := x.from.url
	if len(text) > 3 && !hasName.MatchString(text+"&"+x.from.body) && !schemePattern.MatchString(text) && !strings.HasPrefix(text, "/") ||
		strings.Trim(text, "?&/ ") == "" {
		x.form = FormTemplate
		x.add("not_a_url", "", fmt.Sprintf("%q is no URL and no query", show(text)), "paste the whole postback URL, from https:// to the last parameter")
		return false
	}
	if x.from.spaced {
		x.add("white_space", "URL", "there is white space in the URL", "remove spaces and line ends; copy the URL as one line")
	}
	if x.from.entities {
		x.add("html_entity", "URL", "&amp; stands where & belongs", "write & between the parameters")
	}
	text = x.splitScheme(x.firstURL(text))
	if !hashed.MatchString(text) {
		if before, after, ok := strings.Cut(text, "#"); ok {
			if hasName.MatchString("&" + after) {
				x.add("fragment", "URL", fmt.Sprintf("# cuts the URL before %q", show(after)), "write ? before the first parameter and & between the others, never #")
				join := "?"
				if strings.Contains(before, "?") {
					join = "&"
				}
				before += join + after
			}
			text = before
		}
	}
	x.splitQuery(text)
	return true
}

// firstURL keeps one of two addresses that run into each other.
func (x *exam) firstURL(text string) string {
	all := absolute.FindAllStringIndex(text, -1)
	for _, at := range all {
		begin := at[0]
		if begin == 0 || text[begin-1] == '=' && !x.wantsNoURL(text[:begin-1]) {
			continue
		}
		x.add("second_url", "URL", "a second "+text[at[0]:at[1]]+" stands inside the URL", "keep one address only")
		first := text[:begin]
		if !strings.Contains(first, "?") {
			return text[begin:]
		}
		if first[begin-1] == '=' { // a link instead of a value
			_, rest, more := strings.Cut(text[begin:], "&")
			if more {
				return first + "&" + rest
			}
		}
		return first
	}
	return text
}

// wantsNoURL reports whether the parameter whose name ends before is one that
// never holds a URL.
func (x *exam) wantsNoURL(before string) bool {
	return strict[meaning(before[strings.LastIndexAny(before, "?&")+1:])]
}

// splitScheme takes the scheme and the host off, where there are any.
func (x *exam) splitScheme(text string) string {
	m := schemePattern.FindStringSubmatch(text)
	if m == nil {
		host, _, _ := strings.Cut(text, "/")
		host, _, _ = strings.Cut(host, "?")
		if strings.HasPrefix(text, "/") || !looksLikeHost(host) {
			x.host = x.from.host
			return text
		}
		x.add("bad_scheme", "scheme", "the URL does not begin with https://", "write https:// before the host")
		x.scheme = "https"
		x.host = strings.ToLower(host)
		return text[len(host):]
	}
	x.scheme = strings.ToLower(m[1])
	if x.scheme != "http" && x.scheme != "https" || m[2] != "://" {
		x.add("bad_scheme", "scheme", "the URL begins with "+m[0], "write https:// there")
		x.scheme = "https"
	}
	rest := text[len(m[0]):]
	end := strings.IndexAny(rest, "/?&")
	if end < 0 {
		end = len(rest)
	}
	host := rest[:end]
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		host = host[i+1:]
	}
	x.host = strings.ToLower(host)
	return rest[end:]
}

var hostPattern = regexp.MustCompile(`^(?i)(?:localhost|(?:[a-z0-9-]+\.)+[a-z]{2,}|\d+\.\d+\.\d+\.\d+|\[[0-9a-f:]+\])(?::\d+)?$`)

func looksLikeHost(s string) bool { return hostPattern.MatchString(s) && !strings.HasSuffix(s, ".php") }

// splitQuery parts the path from the parameters, and these from each other.
func (x *exam) splitQuery(text string) {
	path, query, found := strings.Cut(text, "?")
	if m := noQuestion.FindStringSubmatch(text); !found && m != nil && (x.host != "" || strings.HasPrefix(text, "/")) {
		path, query = m[1], m[2]
		x.add("missing_question_mark", "URL", "no ? stands before the parameters", "write ? before the first parameter")
	} else if !found && hasName.MatchString("&"+text) && x.host == "" && !strings.HasPrefix(text, "/") {
		path, query = "", text // a bare query
	}
	x.path = path
	if strings.HasPrefix(query, "?") {
		x.doubledQuestion()
		query = strings.TrimLeft(query, "?")
	}
	if strings.Contains(strings.TrimSuffix(query, "&"), "&&") || strings.HasPrefix(query, "&") {
		x.add("doubled_ampersand", "URL", "an & too many", "write one & between two parameters")
	}
	if x.from.body != "" {
		query = strings.Trim(query+"&"+x.from.body, "&")
	}
	for part := range strings.SplitSeq(query, "&") {
		x.splitPart(part)
	}
}

func (x *exam) doubledQuestion() {
	x.add("doubled_question_mark", "URL", "a ? too many", "write one ? before the first parameter, and & between the others")
}

// splitPart reads what stands between two &.
func (x *exam) splitPart(part string) {
	if m := noEquals.FindStringSubmatch(part); m != nil {
		x.add("missing_equals", m[1], fmt.Sprintf("%s has no =", show(part)), "write "+m[1]+"="+m[2])
		part = m[1] + "=" + m[2]
	}
	name, value, _ := strings.Cut(part, "=")
	isURL := absolute.MatchString(value)
	if m := laterQuestion.FindStringSubmatchIndex(value); m != nil && !isURL {
		x.doubledQuestion()
		x.splitPart(name + "=" + value[:m[0]])
		x.splitPart(value[m[2]:])
		return
	}
	if i := x.semicolon(value); i >= 0 && !isURL {
		x.add("semicolon_separator", "URL", "; stands between two parameters", "write & there")
		x.splitPart(name + "=" + value[:i])
		x.splitPart(value[i+1:])
		return
	}
	if m := glued.FindStringSubmatchIndex(value); m != nil {
		x.add("missing_ampersand", value[m[2]:m[3]], "no & stands before "+value[m[2]:m[3]]+"=", "write & between two parameters")
		x.splitPart(name + "=" + value[:m[2]])
		x.splitPart(value[m[2]:])
		return
	}
	if part == "" {
		return
	}
	x.params = append(x.params, &param{name: strings.TrimSpace(unescape(name)), raw: value, text: unescape(value)})
}

// semicolon is where a ; separates two parameters, -1 for nowhere.
func (x *exam) semicolon(value string) int {
	for i := range len(value) {
		name, _, ok := strings.Cut(value[i:], "=")
		if value[i] == ';' && ok && x.role(name[1:]) != roleNone {
			return i
		}
	}
	return -1
}

// unescape decodes once, and keeps what can't be decoded or is no text.
func unescape(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil && utf8.ValidString(plain) {
		return plain
	}
	return s
}

// guessForm tells a URL for Everflow's form from one that arrived: by whether
// the values that Everflow fills in are macros or filled in.
func (x *exam) guessForm() string {
	if x.from.captured || x.from.status != 0 {
		return FormCaptured
	}
	macros, values := 0, 0
	for _, p := range x.params {
		switch {
		case p.hold.form != formNone:
			macros++
		case p.role.filled() && strings.TrimSpace(p.raw) != "":
			values++
		}
	}
	if values > macros || macros == 0 && x.host == "" || macros == 0 && values > 0 {
		return FormCaptured
	}
	return FormTemplate
}

// readWire reads placeholders as they arrived: a client encodes braces itself,
// so once is how it should be unless the name is right.
func (x *exam) readWire() {
	for _, p := range x.params {
		h := &p.hold
		if h.encoded == 0 || h.form != formCurly {
			continue
		}
		if _, exact := x.d.hinter.macros[h.inner]; !exact {
			h.encoded--
		}
	}
}

// shown is the request as it was understood, with keys hidden.
func (x *exam) shown() string {
	return x.build(func(p *param) (string, string, bool) { return p.name, p.raw, true }, x.host, x.path)
}

// build writes the URL with the parameters that keep chooses.
func (x *exam) build(keep func(*param) (name, value string, ok bool), host, path string) string {
	var b strings.Builder
	if host != "" {
		b.WriteString(x.scheme)
		if x.scheme != "" {
			b.WriteString("://")
		}
		b.WriteString(host)
	}
	if pattern(path) == "/*/postback" { // the first part is a key
		path = "/" + subfive.Hidden + "/postback"
	}
	b.WriteString(path)
	separator := "?"
	for _, p := range x.params {
		name, value, ok := keep(p)
		if !ok {
			continue
		}
		if p.role == roleKey && value != "" {
			value = subfive.Hidden
		}
		b.WriteString(separator + name + "=" + value)
		separator = "&"
	}
	return b.String()
}
