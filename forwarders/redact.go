package forwarders

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"subfive"
)

const (
	// shortestSecret is the length from which a credential is searched for: a
	// shorter one would be found by chance, all over the text.
	shortestSecret = 6
	// maxMessage and maxKept bound what is kept of an answer, in bytes.
	maxMessage = 1 << 10
	maxKept    = 16 << 10
)

var anyURL = regexp.MustCompile(`(?i)\bhttps?://[^\s"'<>]+`)

// scrubber replaces credentials by subfive.Hidden in whatever is kept.
type scrubber struct {
	secrets []string
	r       *strings.Replacer
}

func newScrubber(secrets []string) scrubber {
	s := scrubber{secrets: slices.Clone(secrets)}
	var forms []string
	for _, secret := range secrets {
		if len(secret) >= shortestSecret {
			forms = append(forms, spellings(secret)...)
		}
	}
	// A credential that is part of another must not leave the rest of it.
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, form := range forms {
		pairs = append(pairs, form, subfive.Hidden)
	}
	s.r = strings.NewReplacer(pairs...)
	return s
}

// spellings are the forms in which a credential comes back.
func spellings(secret string) []string {
	forms := []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret),
		strings.ReplaceAll(url.QueryEscape(secret), "+", "%20"),
		base64.StdEncoding.EncodeToString([]byte(secret)),
	}
	if quoted, err := json.Marshal(secret); err == nil {
		inner := string(quoted[1 : len(quoted)-1])
		forms = append(forms, inner, strings.ReplaceAll(inner, "/", `\/`))
	}
	return forms
}

// and returns a scrubber for these credentials too.
func (s scrubber) and(more []string) scrubber {
	if len(more) == 0 {
		return s
	}
	return newScrubber(append(slices.Clone(s.secrets), more...))
}

// text returns what may be kept of a text. A credential that is not UTF-8 itself
// may leave half a character behind.
func (s scrubber) text(text string) string { return printable(s.r.Replace(printable(text))) }

// message returns what may be kept of an error's text: no credential, no URL
// and not too much of it.
func (s scrubber) message(text string) string {
	return clip(anyURL.ReplaceAllString(s.text(text), "[url]"), maxMessage)
}

// outcome returns what may be kept of an outcome.
func (s scrubber) outcome(o subfive.Outcome) subfive.Outcome {
	o.Message = s.message(o.Message)
	o.Code, o.Subcode = clip(s.text(o.Code), maxMessage), clip(s.text(o.Subcode), maxMessage)
	o.TraceID = clip(s.text(o.TraceID), maxMessage)
	return o
}

// printable returns text as any database takes it: valid UTF-8 without NUL.
func printable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// clip cuts text to at most n bytes and an ellipsis, at a character's start.
func clip(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + "…"
}

// keptAnswer returns what is kept of an answer's headers and body.
func keptAnswer(a Answer, s scrubber) (header, body string) {
	h := a.Header.Clone()
	h.Del("Set-Cookie")
	// Scrub before cutting, so that no half of a credential is left at the end;
	// but of a huge body only what can be kept.
	return clip(s.text(headerText(h)), maxKept), clip(s.text(string(a.Body[:min(len(a.Body), 4*maxKept)])), maxKept)
}

// added returns the credentials that Authorize put into a request: OAuth tokens
// are in no setting.
func added(before, after *http.Request) []string {
	var found []string
	for name, values := range after.Header {
		if name == "Content-Type" || slices.Equal(before.Header[name], values) {
			continue
		}
		for _, v := range values {
			found = append(found, strings.Fields(v)...)
		}
	}
	old := before.URL.Query()
	for name, values := range after.URL.Query() {
		if !slices.Equal(old[name], values) {
			found = append(found, values...)
		}
	}
	return slices.DeleteFunc(found, func(s string) bool { return len(s) < 8 })
}
