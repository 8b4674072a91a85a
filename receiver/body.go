package receiver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
)

// maxBody bounds how much of a body is read. No network sends one this long.
const maxBody = 64 << 10

// readBody reads at most maxBody bytes. problem says, for a person, why a part
// of the body is missing.
func readBody(r *http.Request) (body []byte, problem string) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, ""
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	switch {
	case len(body) > maxBody:
		return body[:maxBody], fmt.Sprintf("the body is longer than %d bytes; the rest was dropped", maxBody)
	case err != nil:
		return body, "the body broke off while it was read"
	}
	return body, ""
}

// parseBody reads a body's parameters: a JSON object's top-level scalars, a
// multipart form's values, or else a URL-encoded form. problem says what could
// not be read.
func parseBody(body []byte, contentType string, known names) (params []param, problem string) {
	trimmed := bytes.TrimSpace(body)
	if len(trimmed) == 0 {
		return nil, ""
	}
	kind, args, badType := mime.ParseMediaType(contentType)
	if badType != nil {
		kind = "" // the body is read as what it looks like
	}
	var err error
	switch {
	case trimmed[0] == '{' || kind == "application/json":
		params, err = parseJSON(trimmed)
	case kind == "multipart/form-data":
		params, err = parseMultipart(body, args["boundary"])
	default:
		var more bool
		if params, more = parseQuery(string(trimmed), known); more {
			err = errTooMany
		}
	}
	if err != nil {
		return params, "the body could not be read: " + err.Error()
	}
	return params, ""
}

var (
	errTooMany   = fmt.Errorf("more than %d parameters", maxParams)
	errNotObject = errors.New("not a JSON object")
	errBadJSON   = errors.New("bad JSON")
	errBadForm   = errors.New("bad multipart form")
)

// parseJSON returns the scalars of a JSON object in their order; nested values
// stay in the raw bytes.
func parseJSON(body []byte) ([]param, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errNotObject
	}
	var params []param
	for d.More() {
		if len(params) == maxParams {
			return params, errTooMany
		}
		name, err := d.Token()
		if err != nil {
			return params, errBadJSON
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return params, errBadJSON
		}
		if value, ok := scalar(raw); ok {
			params = append(params, param{name: asText(fmt.Sprint(name)), value: asText(value), named: true})
		}
	}
	if _, err := d.Token(); err != nil {
		return params, errBadJSON
	}
	return params, nil
}

// scalar returns a JSON string's text, a number or a boolean as it is written,
// and nothing for null.
func scalar(raw json.RawMessage) (value string, ok bool) {
	switch raw[0] {
	case '{', '[':
		return "", false
	case 'n':
		return "", true
	case '"':
		return value, json.Unmarshal(raw, &value) == nil
	}
	return string(raw), true
}

func parseMultipart(body []byte, boundary string) ([]param, error) {
	if boundary == "" {
		return nil, errBadForm
	}
	r := multipart.NewReader(bytes.NewReader(body), boundary)
	var params []param
	for {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return params, nil
		}
		if err != nil {
			return params, errBadForm
		}
		if part.FileName() != "" {
			continue
		}
		value, err := io.ReadAll(part) // of a body of at most maxBody bytes
		params = append(params, param{name: asText(part.FormName()), value: asText(string(value)), named: true})
		if err != nil {
			return params, errBadForm
		}
		if len(params) == maxParams {
			return params, errTooMany
		}
	}
}
