package story

import (
	"net/http"
	"net/url"
	"strings"

	"subfive"
)

// maxCurl is the largest body that a command line is made of.
const maxCurl = 64 << 10

// Curl is the command that sends an attempt's request again; "" where its body
// is too large for one. Credentials are left out, as they are of all that is
// kept: ones' own take the place of ***.
func Curl(a subfive.Attempt) string {
	if a.URL == "" || len(a.RequestBody) > maxCurl {
		return ""
	}
	parts := []string{"curl -X " + quoted(a.Method) + " " + quoted(a.URL)}
	for _, header := range strings.Split(a.RequestHeader, "\n") {
		if header = strings.TrimRight(header, "\r"); header != "" && !strings.HasPrefix(header, "Content-Length:") {
			parts = append(parts, "-H "+quoted(header))
		}
	}
	if a.RequestBody != "" {
		parts = append(parts, "--data-binary "+quoted(a.RequestBody))
	}
	return strings.Join(parts, " \\\n  ")
}

// curlOf is the command that sends a request that came in again; what is kept
// sealed is *** in it.
func curlOf(r subfive.Request) string {
	address := addressOf(r)
	if address == "" {
		return ""
	}
	if r.Method == http.MethodGet || r.Method == "" {
		return "curl " + quoted(address)
	}
	return "curl -X " + quoted(r.Method) + " " + quoted(address)
}

// addressOf is a request's URL with all of its parameters, those of a form's
// body too.
func addressOf(r subfive.Request) string {
	if r.Host == "" && r.Path == "" {
		return ""
	}
	text := r.Scheme + "://" + r.Host + r.Path
	var pairs []string
	for _, p := range r.Params {
		value := p.Value
		if value != subfive.Hidden {
			value = url.QueryEscape(value)
		}
		pairs = append(pairs, url.QueryEscape(p.Name)+"="+value)
	}
	if len(pairs) > 0 {
		text += "?" + strings.Join(pairs, "&")
	}
	return text
}

// quoted is a word for a POSIX shell.
func quoted(s string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:,+@%="
	if s != "" && strings.Trim(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
