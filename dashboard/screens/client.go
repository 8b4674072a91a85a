package screens

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
)

// Refused is an answer of the API that is no success: what is in the way, and
// what to do about it.
type Refused struct {
	Status   int
	What, Do string
}

// Error returns "what: do".
func (r *Refused) Error() string { return r.What + ": " + r.Do }

// get asks the API and reads its answer into a value.
func (r *request) get(path string, query url.Values, into any) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return r.call(http.MethodGet, path, nil, into)
}

// send makes a call with a body, and reads the answer into a value unless that is
// nil.
func (r *request) send(method, path string, body, into any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return r.call(method, path, data, into)
}

func (r *request) call(method, path string, body []byte, into any) error {
	q, err := http.NewRequestWithContext(r.Request.Context(), method, "/api/v1"+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	q.RemoteAddr, q.Host = r.Request.RemoteAddr, r.Request.Host
	for _, name := range []string{"X-Forwarded-For", "X-Real-Ip", "Cf-Connecting-Ip"} { // where the person is, as a proxy says
		q.Header[name] = r.Request.Header[name]
	}
	if body != nil {
		q.Header.Set("Content-Type", "application/json")
	}
	w := answer{status: http.StatusOK, header: http.Header{}}
	r.s.cfg.API.ServeAs(&w, q, r.user)
	if w.status/100 != 2 {
		return w.refusal()
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(w.body.Bytes(), into); err != nil {
		return fmt.Errorf("read the answer to %s %s: %w", method, path, err)
	}
	return nil
}

// answer keeps what the API answers.
type answer struct {
	status int
	header http.Header
	body   bytes.Buffer
}

// Header returns the answer's header.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader keeps the status.
func (a *answer) WriteHeader(status int) { a.status = status }

// Write keeps a part of the body.
func (a *answer) Write(part []byte) (int, error) { return a.body.Write(part) }

func (a *answer) refusal() error {
	var f struct {
		Error struct{ What, Do string } `json:"error"`
	}
	if err := json.Unmarshal(a.body.Bytes(), &f); err != nil || f.Error.What == "" {
		return fmt.Errorf("the API answers %d: %.200s", a.status, a.body.String())
	}
	return &Refused{a.status, f.Error.What, f.Error.Do}
}
