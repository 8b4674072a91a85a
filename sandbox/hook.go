package sandbox

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// Hook is a webhook sink: it records whatever it is sent, by any method, and
// answers what it was told to. The zero value of its answer is 200 "ok".
type Hook struct {
	now  func() time.Time
	keep int

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
}

// NewHook returns a sink that keeps the last requests, all of them with keep 0.
func NewHook(now func() time.Time, keep int) *Hook {
	return &Hook{now: now, keep: keep}
}

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

// Reset forgets all requests and the answer.
func (h *Hook) Reset() {
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
	h.mu.Lock()
	h.requests = bounded(h.requests, HookRequest{
		At: h.now(), Method: r.Method, URL: r.URL.RequestURI(), Header: r.Header.Clone(), Body: string(body),
	}, h.keep)
	a := h.answer
	h.mu.Unlock()
	if a.Status == 0 {
		a.Status = http.StatusOK
	}
	if a.Body == "" {
		a.Body = "ok"
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(a.Status)
	if a.Status != http.StatusNoContent && a.Status != http.StatusNotModified {
		reply(w, []byte(a.Body))
	}
}
