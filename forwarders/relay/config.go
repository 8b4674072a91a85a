package relay

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Config is a relay's settings. sample.yaml explains each.
type Config struct {
	Preset         string            `yaml:"preset"`
	URL            string            `yaml:"url"`
	Method         string            `yaml:"method"`
	Headers        map[string]string `yaml:"headers"`
	ContentType    string            `yaml:"content_type"`
	Body           string            `yaml:"body"`
	StatusWords    map[string]string `yaml:"status_words"`
	Success        Success           `yaml:"success"`
	AllowHosts     []string          `yaml:"allow_hosts"`
	AllowSensitive bool              `yaml:"allow_sensitive"`
	Secrets        map[string]string `yaml:"secrets"`
	Sign           *Sign             `yaml:"sign"` // nil: unsigned
}

// Success says what an answer must be to count: any 2xx unless it says more.
type Success struct {
	Status []int  `yaml:"status"`
	Body   string `yaml:"body"` // a regular expression
}

type success struct {
	status map[int]bool
	body   *regexp.Regexp
}

var (
	headerName = regexp.MustCompile(`^[A-Za-z0-9-]+$`)
	secretName = regexp.MustCompile(`^[a-z0-9_]+$`)
)

// ownHeaders are set from the request itself.
var ownHeaders = []string{"Host", "Content-Length", "Content-Type", "Transfer-Encoding", "Connection", "Te", "Upgrade", "Trailer"}

func newForwarder(c Config) (*forwarder, error) {
	c, err := c.withPreset()
	if err != nil {
		return nil, err
	}
	f := &forwarder{method: c.Method, statusWords: c.StatusWords, secrets: c.Secrets, allowHosts: c.AllowHosts}
	if f.method == "" {
		f.method = http.MethodPost
	}
	if f.method != http.MethodGet && f.method != http.MethodPost {
		return nil, fmt.Errorf("method: %q is neither GET nor POST", c.Method)
	}
	for name, secret := range c.Secrets {
		if !secretName.MatchString(name) || secret == "" {
			return nil, fmt.Errorf("secrets: %q needs a name of a-z, 0-9 and _, and a value", name)
		}
	}
	p := parser{secrets: c.Secrets, sensitive: c.AllowSensitive, used: map[string]bool{}}
	for _, set := range []func(Config, *parser) error{f.setURL, f.setHeaders, f.setBody} {
		if err := set(c, &p); err != nil {
			return nil, err
		}
	}
	for name := range c.Secrets {
		if !p.used[name] {
			return nil, fmt.Errorf("secrets: %q is not used; put {secret.%s} where it belongs", name, name)
		}
	}
	if f.success, err = newSuccess(c.Success); err != nil {
		return nil, err
	}
	if f.sign, err = newSigner(c); err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return f, nil
}

func (f *forwarder) setURL(c Config, p *parser) (err error) {
	if c.URL == "" {
		return errors.New("url is missing: where should conversions be sent?")
	}
	scheme, rest, ok := strings.Cut(c.URL, "://")
	host, tail := rest, ""
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		host, tail = rest[:end], rest[end:]
	}
	if !ok || host == "" || strings.ContainsAny(host, "{}@ \t") || strings.ContainsAny(tail, "# \t\r\n") {
		return errors.New("url: it needs a scheme and a fixed host, and no spaces, user name or #fragment")
	}
	u, err := url.Parse(scheme + "://" + host)
	if err != nil || u.Host != host || u.Hostname() == "" || strings.HasSuffix(host, ":") {
		return fmt.Errorf("url: %q is not a host", host)
	}
	named := slices.Contains(c.AllowHosts, host) || slices.Contains(c.AllowHosts, u.Hostname())
	if scheme != "https" && (scheme != "http" || !named) {
		return errors.New("url: it must be https, or http to one of allow_hosts")
	}
	if f.url, err = p.parse(c.URL, inURL); err != nil {
		return fmt.Errorf("url: %w", err)
	}
	if _, err := url.Parse(f.url.render(func(string) string { return "1" })); err != nil {
		return errors.New("url: it is not a URL once its placeholders are filled in; is a % alone?")
	}
	path, query, _ := strings.Cut(tail, "?")
	for pair := range strings.SplitSeq(query, "&") {
		if name, value, _ := strings.Cut(pair, "="); isCredential(name) && value != "" && !strings.Contains(value, "{") {
			return fmt.Errorf("url: %s holds a credential, which would be shown: write {secret.%s} there, and the value below secrets", name, secretOf(name))
		}
	}
	f.host, f.account = host, "relay:"+strings.ToLower(host)+path
	return nil
}

// credentials are parts of names whose values open something.
var credentials = []string{"authorization", "cookie", "token", "secret", "password", "apikey", "accesskey"}

func isCredential(name string) bool {
	folded := strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(name))
	return folded == "key" || folded == "auth" || slices.ContainsFunc(credentials, func(part string) bool { return strings.Contains(folded, part) })
}

// secretOf makes a secret's name of a parameter's or a header's.
func secretOf(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToLower(name))
}

func (f *forwarder) setHeaders(c Config, p *parser) error {
	for name, text := range c.Headers {
		canonical := http.CanonicalHeaderKey(name)
		if !headerName.MatchString(name) || slices.Contains(ownHeaders, canonical) {
			return fmt.Errorf("headers: %q can't be set here", name)
		}
		if strings.ContainsAny(text, "\r\n\x00") {
			return fmt.Errorf("headers: %s has a line break", name)
		}
		if isCredential(name) && text != "" && !strings.Contains(text, "{") {
			return fmt.Errorf("headers: %s holds a credential, which would be shown: write {secret.%s} there, and the value below secrets", name, secretOf(name))
		}
		value, err := p.parse(text, inHeader)
		if err != nil {
			return fmt.Errorf("headers: %s: %w", name, err)
		}
		f.headers = append(f.headers, header{canonical, value})
	}
	return nil
}

func (f *forwarder) setBody(c Config, p *parser) (err error) {
	if f.method == http.MethodGet {
		if c.Body != "" || c.ContentType != "" {
			return errors.New("body: a GET has none; use method: POST")
		}
		return nil
	}
	f.contentType = c.ContentType
	if f.contentType == "" {
		f.contentType = "application/json"
	}
	at := placeOf(f.contentType)
	if at == nowhere || c.Body == "" && at != inJSON {
		return fmt.Errorf("content_type: %q is none of application/json, and with a body application/x-www-form-urlencoded or text/plain", c.ContentType)
	}
	if f.body, err = p.parse(c.Body, at); err != nil {
		return fmt.Errorf("body: %w", err)
	}
	if at == inJSON && c.Body != "" {
		for _, v := range []string{"", "1"} {
			if !json.Valid([]byte(f.body.render(func(string) string { return v }))) {
				return errors.New("body: it is not JSON once its placeholders are filled in")
			}
		}
	}
	return nil
}

// placeOf returns how values are escaped in a body of that type.
func placeOf(contentType string) place {
	kind, _, err := mime.ParseMediaType(contentType)
	switch {
	case err != nil:
		return nowhere
	case kind == "application/json", strings.HasSuffix(kind, "+json"):
		return inJSON
	case kind == "application/x-www-form-urlencoded":
		return inURL
	case kind == "text/plain":
		return inText
	}
	return nowhere
}

func newSuccess(c Success) (success, error) {
	var s success
	for _, status := range c.Status {
		if status < 200 || status > 399 {
			return s, fmt.Errorf("success.status: %d can't be a success", status)
		}
		if s.status == nil {
			s.status = map[int]bool{}
		}
		s.status[status] = true
	}
	if c.Body != "" {
		re, err := regexp.Compile(c.Body)
		if err != nil {
			return s, fmt.Errorf("success.body: %w", err)
		}
		s.body = re
	}
	return s, nil
}
