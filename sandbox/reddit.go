package sandbox

import (
	"crypto/hmac"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// What the Reddit stand-in knows when it is told nothing else.
const (
	RedditToken = "sandbox-reddit-token"
	RedditPixel = "a2_sandbox01"
)

// RedditPath is where the stand-in takes events of RedditPixel.
const RedditPath = "/api/v3/pixels/" + RedditPixel + "/conversion_events"

// RedditConfig sets up a Reddit stand-in. The zero value knows RedditToken and
// RedditPixel and keeps everything it receives.
type RedditConfig struct {
	Token  string
	Pixels []string
	// Keep bounds how many requests, events and duplicates are remembered; 0
	// remembers all.
	Keep int
}

// Reddit stands in for version 3 of Reddit's Conversions API:
// POST /api/v3/pixels/{pixel}/conversion_events. It takes a request whole or not
// at all, and keeps the first of events with the same pixel, type, custom name
// and conversion ID within 48 h, though Reddit promises less for copies that all
// come through the API.
//
// It refuses what is only a mistake, too: a value without its currency, an event
// that nobody could be matched by, one without a conversion ID.
type Reddit struct {
	now      func() time.Time
	pixels   []string
	keep     int
	failures *failures

	mu         sync.Mutex
	token      string
	requests   []RedditRequest
	events     []Event
	tests      []Event
	duplicates []Event
	seen       map[dedupKey]time.Time
	seenOrder  []dedupKey // oldest first
}

// RedditRequest is a request as it was received, without its token, and what was
// answered: Status 0 when the connection was cut instead.
type RedditRequest struct {
	ReceivedAt time.Time   `json:"received_at"`
	Method     string      `json:"method"`
	Path       string      `json:"path"`
	Query      string      `json:"query,omitempty"`
	Header     http.Header `json:"header"`
	Body       string      `json:"body"`
	Events     int         `json:"events"` // in the request, if it could be read
	Failure    Mode        `json:"failure,omitempty"`
	Status     int         `json:"status"`
	Message    string      `json:"message,omitempty"` // why it was refused
}

// NewReddit returns a stand-in whose clock is now.
func NewReddit(now func() time.Time, c RedditConfig) *Reddit {
	if c.Token == "" {
		c.Token = RedditToken
	}
	if len(c.Pixels) == 0 {
		c.Pixels = []string{RedditPixel}
	}
	return &Reddit{
		now: now, token: c.Token, pixels: slices.Clone(c.Pixels), keep: c.Keep,
		failures: newFailures(), seen: map[dedupKey]time.Time{},
	}
}

// Fail adds a failure after those that wait already.
func (s *Reddit) Fail(f Failure) error { return s.failures.add(f) }

// Failures returns the failures that wait, in order.
func (s *Reddit) Failures() []Failure { return s.failures.list() }

// Clear ends all failures and the requests that hang because of one.
func (s *Reddit) Clear() { s.failures.clear() }

// SetToken revokes the token and accepts another instead.
func (s *Reddit) SetToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}

// Events returns the events that count, duplicates and test events left out,
// oldest first. Dataset is the pixel, EventName the tracking type or the custom
// name, EventID the conversion ID, TestCode the test ID.
func (s *Reddit) Events() []Event { return s.copyOf(&s.events) }

// TestEvents returns the events that came with a test ID, once each.
func (s *Reddit) TestEvents() []Event { return s.copyOf(&s.tests) }

// Duplicates returns the copies that were dropped.
func (s *Reddit) Duplicates() []Event { return s.copyOf(&s.duplicates) }

// Requests returns all requests, refused ones too, oldest first.
func (s *Reddit) Requests() []RedditRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]RedditRequest{}, s.requests...)
}

// Reset forgets all requests, events, and failures. The token stays.
func (s *Reddit) Reset() {
	s.failures.clear()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests, s.events, s.tests, s.duplicates, s.seenOrder = nil, nil, nil, nil, nil
	s.seen = map[dedupKey]time.Time{}
}

func (s *Reddit) copyOf(list *[]Event) []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Event{}, *list...)
}

func (s *Reddit) currentToken() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token
}

// redditCall is one request as far as it was read.
type redditCall struct {
	r      *http.Request
	body   []byte
	at     time.Time
	pixel  string
	tokens []string // that were presented
	events []Event
}

// ServeHTTP answers as Reddit does, unless a failure is set.
func (s *Reddit) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	c := redditCall{r: r, body: body, at: s.now()}
	var refusal *redditError
	if err != nil {
		refusal = &redditError{status: http.StatusRequestEntityTooLarge, message: "the body could not be read: " + err.Error()}
	} else {
		refusal = s.read(&c)
	}
	f, latency, released := s.failures.next(c.events)
	// A client that does not wait is no reason for a slow platform to forget.
	pause(r.Context(), latency, released)
	s.answer(w, c, refusal, f, released)
}

var redditPath = regexp.MustCompile(`^/api/v3/pixels/([^/]+)/conversion_events$`)

// read holds a request against the rules: path, token, pixel, body, events. What
// it can read of a bad one it leaves in c.
func (s *Reddit) read(c *redditCall) *redditError {
	path := redditPath.FindStringSubmatch(c.r.URL.EscapedPath())
	if path != nil {
		c.pixel = path[1]
	}
	authorization := c.r.Header.Get("Authorization")
	token, bearer := strings.CutPrefix(authorization, "Bearer ")
	c.tokens = []string{token}
	bodyErr := c.readBody()
	switch {
	case path == nil && strings.HasPrefix(c.r.URL.Path, "/api/v2"):
		return &redditError{status: http.StatusGone, message: "This version of the API has been retired."}
	case path == nil:
		return &redditError{status: http.StatusNotFound, message: "Not Found"}
	case c.r.Method != http.MethodPost:
		return &redditError{status: http.StatusMethodNotAllowed, message: "Method Not Allowed"}
	case authorization == "":
		return &redditError{status: http.StatusUnauthorized, message: "No bearer token provided."}
	case !bearer:
		return &redditError{status: http.StatusUnauthorized, message: "Authorization Required", text: true}
	case !hmac.Equal([]byte(token), []byte(s.currentToken())):
		return redditBadToken()
	case !slices.Contains(s.pixels, c.pixel):
		return redditNoPixel()
	}
	return bodyErr
}

func redditBadToken() *redditError {
	return &redditError{status: http.StatusUnauthorized, reason: "UNAUTHORIZED", message: "This request is not authorized"}
}

func redditNoPixel() *redditError {
	return &redditError{status: http.StatusForbidden, message: "The token does not belong to an account that may write to this pixel"}
}

// newRedditEvent records what can be read of an event.
func newRedditEvent(o map[string]any, raw []byte, c redditCall, testID string) Event {
	e := Event{ReceivedAt: c.at, Dataset: c.pixel, TestCode: testID, Raw: raw}
	kind, _ := o["type"].(map[string]any)
	e.EventName, _ = kind["tracking_type"].(string)
	if name, ok := kind["custom_event_name"].(string); ok {
		e.EventName = name
	}
	metadata, _ := o["metadata"].(map[string]any)
	e.EventID, _ = metadata["conversion_id"].(string)
	e.Currency, _ = metadata["currency"].(string)
	if v, ok := metadata["value"].(json.Number); ok {
		e.Value = v.String()
	}
	if n, ok := o["event_at"].(json.Number); ok {
		ms, _ := n.Int64() // an event that counts passed the check for it
		e.EventTime = ms / 1000
	}
	return e
}
