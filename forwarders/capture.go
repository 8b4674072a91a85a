package forwarders

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// Captured is a request as a person may see it: taken before Authorize, so that
// it can't hold a credential. Attempts, previews, dry runs and golden files all
// show this.
type Captured struct {
	Method string
	URL    string
	Header string // "Name: value" lines, sorted
	Body   string
}

// Capture copies r and leaves it as it was: its body can still be sent.
func Capture(r *http.Request) (Captured, error) {
	body, err := takeBody(r)
	if err != nil {
		return Captured{}, fmt.Errorf("capture request: %w", err)
	}
	return Captured{Method: r.Method, URL: r.URL.String(), Header: headerText(r.Header), Body: string(body)}, nil
}

// String returns the request in the form of the golden files: method and URL,
// the headers, an empty line, and the body, indented if it is JSON.
func (c Captured) String() string {
	text := c.Method + " " + c.URL + "\n" + c.Header + "\n" + c.Indented()
	return strings.TrimRight(text, "\n") + "\n"
}

// Indented returns the body, indented if it is JSON.
func (c Captured) Indented() string {
	var indented bytes.Buffer
	if json.Indent(&indented, []byte(c.Body), "", "  ") == nil {
		return indented.String()
	}
	return c.Body
}

// takeBody returns r's body and gives r a fresh one.
func takeBody(r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if err := r.Body.Close(); err != nil {
		return nil, err
	}
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, nil
}

// headerText returns h as sorted "Name: value" lines.
func headerText(h http.Header) string {
	var lines []string
	for name, values := range h {
		for _, v := range values {
			lines = append(lines, name+": "+v+"\n")
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}
