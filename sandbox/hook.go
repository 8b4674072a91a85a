package sandbox

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// Hook is a webhook sink: it records whatever it is sent, by any method, and
// answers what it was told to. The zero value of its answer is 200 "ok". It
// deduplicates nothing.
type Hook struct {
	now      func() time.Time
	keep     int
	failures *failures

	mu       sync.Mutex
	answer   HookAnswer
	requests []HookRequest
}

// HookAnswer is what a Hook answers. Status 0 is 200, an empty body "ok".
type HookAnswer struct {
	Status int    `json:"status"`
	Body   string `json:"body"`
}

// HookRequest is a request as a Hook received it.
type HookRequest struct {
	At     time.Time   `json:"at"`
	Method string      `json:"method"`
	URL    string      `json:"url"` // path and query, as sent
	Header http.Header `json:"header"`
	Body   string      `json:"body"`
	// Failure is what it met; Refused: so that it had no effect.
	Failure Mode `json:"failure,omitempty"`
	Refused bool `json:"refused,omitempty"`
}

// NewHook returns a sink that keeps the last requests, all of them with keep 0.
func NewHook(now func() time.Time, keep int) *Hook {
	return &Hook{now: now, keep: keep, failures: newFailures()}
}

// Fail adds a failure after those that wait already. ModePoison knows the event
// by the key "event_id" of a JSON body.
func (h *Hook) Fail(f Failure) error { return h.failures.add(f) }

// Failures returns the failures that wait, in order.
func (h *Hook) Failures() []Failure { return h.failures.list() }

// Clear ends all failures and the requests that hang because of one.
func (h *Hook) Clear() { h.failures.clear() }

// Answer sets what is answered from now on.
func (h *Hook) Answer(a HookAnswer) error {
	if a.Status != 0 && (a.Status < 200 || a.Status > 599) {
		return fmt.Errorf("status %d: not one of 200 to 599", a.Status)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = a
	return nil
}

// Requests returns what was received, oldest first.
func (h *Hook) Requests() []HookRequest {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]HookRequest{}, h.requests...)
}

// Reset forgets all requests, failures and the answer.
func (h *Hook) Reset() {
	h.failures.clear()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer, h.requests = HookAnswer{}, nil
}

// ServeHTTP records the request and answers.
func (h *Hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	at := h.now()
	f, latency, released := h.failures.next(hookEvents(body))
	pause(r.Context(), latency, released)
	h.mu.Lock()
	h.requests = bounded(h.requests, HookRequest{
		At: at, Method: r.Method, URL: r.URL.RequestURI(), Header: r.Header.Clone(), Body: string(body),
		Failure: f.Mode, Refused: f.Mode.refuses(),
	}, h.keep)
	a := h.answer
	h.mu.Unlock()
	if f.Mode != "" {
		hookFailure(w, r, f, at, released)
		return
	}
	if a.Status == 0 {
		a.Status = http.StatusOK
	}
	if a.Body == "" {
		a.Body = "ok"
	}
	hookAnswer(w, a.Status, a.Body)
}

func hookAnswer(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	if status != http.StatusNoContent && status != http.StatusNotModified {
		reply(w, []byte(body))
	}
}
