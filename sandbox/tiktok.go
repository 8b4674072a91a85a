package sandbox

import (
	"crypto/hmac"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// What the TikTok stand-in knows when it is told nothing else.
const (
	TikTokToken = "sandbox-tiktok-token"
	TikTokPixel = "C0SANDBOXPIXEL000001"
)

// TikTokPath is where the stand-in takes events, with TikTok's slash at the end.
const TikTokPath = "/open_api/v1.3/event/track/"

// TikTokConfig sets up a TikTok stand-in. The zero value knows TikTokToken and
// TikTokPixel and keeps everything it receives.
type TikTokConfig struct {
	Token  string
	Pixels []string
	// Lenient accepts keys that TikTok does not know, as TikTok itself does
	// silently. A test wants them refused.
	Lenient bool
	// Keep bounds how many requests, events and duplicates are remembered; 0
	// remembers all.
	Keep int
}

// TikTok stands in for the Events API 2.0: POST TikTokPath, events of a website
// only. It takes a request whole or not at all, and keeps the first of events
// with the same pixel, name and ID within 48 h. TikTok merges a copy that comes
// within five minutes into the first; here it is a duplicate like any other.
type TikTok struct {
	now      func() time.Time
	pixels   []string
	lenient  bool
	keep     int
	failures *failures

	mu         sync.Mutex
	token      string
	answers    int
	requests   []TikTokRequest
	events     []Event
	tests      []Event
	duplicates []Event
	seen       map[dedupKey]time.Time
	seenOrder  []dedupKey // oldest first
}

// TikTokRequest is a request as it was received, without its token, and what was
// answered: Status 0 when the connection was cut instead.
type TikTokRequest struct {
	ReceivedAt time.Time   `json:"received_at"`
	Method     string      `json:"method"`
	Path       string      `json:"path"`
	Query      string      `json:"query,omitempty"`
	Header     http.Header `json:"header"`
	Body       string      `json:"body"`
	Events     int         `json:"events"` // in the request, if it could be read
	Failure    Mode        `json:"failure,omitempty"`
	Status     int         `json:"status"`
	Code       int         `json:"code"` // 0: taken, or no code was answered
}

// NewTikTok returns a stand-in whose clock is now.
func NewTikTok(now func() time.Time, c TikTokConfig) *TikTok {
	if c.Token == "" {
		c.Token = TikTokToken
	}
	if len(c.Pixels) == 0 {
		c.Pixels = []string{TikTokPixel}
	}
	return &TikTok{
		now: now, token: c.Token, pixels: slices.Clone(c.Pixels), lenient: c.Lenient, keep: c.Keep,
		failures: newFailures(), seen: map[dedupKey]time.Time{},
	}
}

// Fail adds a failure after those that wait already.
func (s *TikTok) Fail(f Failure) error { return s.failures.add(f) }

// Failures returns the failures that wait, in order.
func (s *TikTok) Failures() []Failure { return s.failures.list() }

// Clear ends all failures and the requests that hang because of one.
func (s *TikTok) Clear() { s.failures.clear() }

// SetToken revokes the token and accepts another instead.
func (s *TikTok) SetToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}

// Events returns the events that count, duplicates and test events left out,
// oldest first.
func (s *TikTok) Events() []Event { return s.copyOf(&s.events) }

// TestEvents returns the events that came with a test code, once each.
func (s *TikTok) TestEvents() []Event { return s.copyOf(&s.tests) }

// Duplicates returns the copies that were dropped.
func (s *TikTok) Duplicates() []Event { return s.copyOf(&s.duplicates) }

// Requests returns all requests, refused ones too, oldest first.
func (s *TikTok) Requests() []TikTokRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]TikTokRequest{}, s.requests...)
}

// Reset forgets all requests, events, and failures. The token stays.
func (s *TikTok) Reset() {
	s.failures.clear()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests, s.events, s.tests, s.duplicates, s.seenOrder = nil, nil, nil, nil, nil
	s.seen = map[dedupKey]time.Time{}
}

func (s *TikTok) copyOf(list *[]Event) []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Event{}, *list...)
}

func (s *TikTok) currentToken() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token
}

// ServeHTTP answers as the Events API does, unless a failure is set.
func (s *TikTok) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := s.now()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	c := tiktokCall{r: r, body: body, at: at}
	var refusal *tiktokError
	if err != nil {
		refusal = &tiktokError{http.StatusRequestEntityTooLarge, tiktokInvalid, "the body could not be read: " + err.Error()}
	} else {
		refusal = s.read(&c)
	}
	f, latency, released := s.failures.next(c.events)
	// A client that does not wait is no reason for a slow platform to forget.
	pause(r.Context(), latency, released)
	s.answer(w, c, refusal, f, released)
}

// tiktokCall is one request as far as it was read.
type tiktokCall struct {
	r      *http.Request
	body   []byte
	at     time.Time
	events []Event
}

// read holds a request against the rules in order: path, token, body, pixel,
// events. What it can read of a bad one it leaves in c.
func (s *TikTok) read(c *tiktokCall) *tiktokError {
	top, raw, bodyErr := readTikTokBody(c)
	if bodyErr == nil {
		bodyErr = s.readEvents(c, top, raw)
	}
	switch {
	case c.r.URL.EscapedPath() != TikTokPath:
		return &tiktokError{http.StatusNotFound, tiktokInvalid, "no such path: " + c.r.URL.Path + "; events go to " + TikTokPath}
	case c.r.Method != http.MethodPost:
		return &tiktokError{http.StatusMethodNotAllowed, tiktokInvalid, "unsupported method " + c.r.Method}
	}
	if err := s.authenticate(c.r); err != nil {
		return err
	}
	if id, ok := top["event_source_id"].(string); ok && top["event_source"] == "web" && !slices.Contains(s.pixels, id) {
		return noPixel(id)
	}
	return bodyErr
}

func noPixel(id string) *tiktokError {
	return &tiktokError{http.StatusOK, 40001, "No permission to operate pixel code: " + id}
}

// authenticate wants the token alone in TikTok's own header.
func (s *TikTok) authenticate(r *http.Request) *tiktokError {
	presented := r.Header.Get("Access-Token")
	switch {
	case presented == "":
		return &tiktokError{http.StatusUnauthorized, 40104, "Access token is empty"}
	case !hmac.Equal([]byte(presented), []byte(s.currentToken())):
		return badTikTokToken()
	}
	return nil
}

func badTikTokToken() *tiktokError {
	return &tiktokError{http.StatusOK, 40105, "Access token is incorrect or has been revoked."}
}

func readTikTokBody(c *tiktokCall) (map[string]any, []json.RawMessage, *tiktokError) {
	kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return nil, nil, tiktokRefusal("the body must be application/json")
	}
	if err := strictJSON(c.body); err != nil {
		return nil, nil, tiktokRefusal("the body is " + err.Error())
	}
	top, err := decodeObject(c.body)
	if err != nil {
		return nil, nil, tiktokRefusal("the body " + err.Error())
	}
	if _, ok := top["data"].([]any); !ok {
		return top, nil, tiktokRefusal("data: must be an array")
	}
	var raw map[string]json.RawMessage
	var events []json.RawMessage
	if err := errors.Join(json.Unmarshal(c.body, &raw), json.Unmarshal(raw["data"], &events)); err != nil {
		return top, nil, tiktokRefusal("the body is not JSON: " + err.Error())
	}
	return top, events, nil
}

func (s *TikTok) readEvents(c *tiktokCall, top map[string]any, raw []json.RawMessage) *tiktokError {
	refusal := tiktokObject(top, tiktokTop, s.lenient, "")
	if refusal == nil {
		refusal = tiktokRequired(top, "", "event_source", "event_source_id")
	}
	switch {
	case refusal != nil:
	case len(raw) == 0:
		refusal = tiktokRefusal("data: holds no event")
	case len(raw) > tiktokMaxEvents:
		refusal = tiktokRefusal(fmt.Sprintf("data: holds more than %d events", tiktokMaxEvents))
	}
	pixel, _ := top["event_source_id"].(string)
	code, _ := top["test_event_code"].(string)
	for i, one := range raw {
		path := "data." + strconv.Itoa(i)
		o, err := decodeObject(one)
		if err != nil {
			if refusal == nil {
				refusal = tiktokRefusal(path + ": " + err.Error())
			}
			continue
		}
		if refusal == nil {
			refusal = checkTikTokEvent(o, path, c.at, s.lenient)
		}
		c.events = append(c.events, newTikTokEvent(o, one, c.at, pixel, code))
	}
	return refusal
}

func newTikTokEvent(o map[string]any, raw []byte, at time.Time, pixel, code string) Event {
	e := Event{ReceivedAt: at, Dataset: pixel, TestCode: code, Raw: raw}
	e.EventName, _ = o["event"].(string)
	if now, ok := tiktokRenamed[e.EventName]; ok {
		e.EventName = now
	}
	e.EventID, _ = o["event_id"].(string)
	properties, _ := o["properties"].(map[string]any)
	e.OrderID, _ = properties["order_id"].(string)
	e.Currency, _ = properties["currency"].(string)
	if v, ok := properties["value"].(json.Number); ok {
		e.Value = v.String()
	}
	if n, ok := o["event_time"].(json.Number); ok {
		e.EventTime, _ = n.Int64() // an event that counts passed the check for it
	}
	return e
}

// withoutToken blots out the token wherever it was put.
func (s *TikTok) withoutToken(text string) string {
	return strings.ReplaceAll(text, s.currentToken(), "***")
}
