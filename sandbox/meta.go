package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// What the Meta stand-in knows when it is told nothing else.
const (
	MetaToken   = "sandbox-meta-token"
	MetaDataset = "100000000000001"
)

// MetaConfig sets up a Meta stand-in. The zero value knows MetaToken and
// MetaDataset, demands no appsecret_proof and keeps everything it receives.
type MetaConfig struct {
	Token    string
	Datasets []string
	// AppSecret makes appsecret_proof mandatory. Without it a proof that is sent
	// anyway is refused, for it can't be right.
	AppSecret string
	// Lenient accepts keys that Meta does not know, as Meta itself does
	// silently. A test wants them refused.
	Lenient bool
	// Keep bounds how many requests, events and duplicates are remembered; 0
	// remembers all.
	Keep int
}

// Meta stands in for the Conversions API of Meta's Graph:
// POST /{version}/{dataset}/events. It takes a request whole or not at all, and
// keeps the first of events with the same dataset, name and ID within 48 h.
//
// It takes JSON only, though Meta takes forms too.
type Meta struct {
	now       func() time.Time
	datasets  []string
	appSecret string
	lenient   bool
	keep      int
	failures  *failures

	mu         sync.Mutex
	token      string
	traces     int
	requests   []MetaRequest
	events     []Event
	tests      []Event
	duplicates []Event
	seen       map[dedupKey]time.Time
	seenOrder  []dedupKey // oldest first
}

type dedupKey struct{ dataset, test, name, id string }

// Event is one that the stand-in took.
type Event struct {
	ReceivedAt time.Time       `json:"received_at"`
	Dataset    string          `json:"dataset"`
	EventName  string          `json:"event_name"`
	EventID    string          `json:"event_id,omitempty"`
	EventTime  int64           `json:"event_time"`         // Unix seconds
	OrderID    string          `json:"order_id,omitempty"` // custom_data's
	Value      string          `json:"value,omitempty"`    // the JSON number as it was written
	Currency   string          `json:"currency,omitempty"`
	TestCode   string          `json:"test_code,omitempty"`
	Raw        json.RawMessage `json:"raw"`
}

// MetaRequest is a request as it was received, without its token, and what was
// answered: Status 0 when the connection was cut instead.
type MetaRequest struct {
	ReceivedAt time.Time   `json:"received_at"`
	Method     string      `json:"method"`
	Path       string      `json:"path"`
	Query      string      `json:"query,omitempty"`
	Header     http.Header `json:"header"`
	Body       string      `json:"body"`
	Events     int         `json:"events"` // in the request, if it could be read
	Failure    Mode        `json:"failure,omitempty"`
	Status     int         `json:"status"`
	Code       int         `json:"code,omitempty"`
	Subcode    int         `json:"subcode,omitempty"`
}

// NewMeta returns a stand-in whose clock is now.
func NewMeta(now func() time.Time, c MetaConfig) *Meta {
	if c.Token == "" {
		c.Token = MetaToken
	}
	if len(c.Datasets) == 0 {
		c.Datasets = []string{MetaDataset}
	}
	return &Meta{
		now: now, token: c.Token, datasets: slices.Clone(c.Datasets), appSecret: c.AppSecret,
		lenient: c.Lenient, keep: c.Keep, failures: newFailures(), seen: map[dedupKey]time.Time{},
	}
}

// Fail adds a failure after those that wait already.
func (m *Meta) Fail(f Failure) error { return m.failures.add(f) }

// Failures returns the failures that wait, in order.
func (m *Meta) Failures() []Failure { return m.failures.list() }

// Clear ends all failures and the requests that hang because of one.
func (m *Meta) Clear() { m.failures.clear() }

// SetToken revokes the token and accepts another instead.
func (m *Meta) SetToken(token string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.token = token
}

// Events returns the events that count, duplicates and test events left out,
// oldest first.
func (m *Meta) Events() []Event { return m.copyOf(&m.events) }

// TestEvents returns the events that came with a test code, once each.
func (m *Meta) TestEvents() []Event { return m.copyOf(&m.tests) }

// Duplicates returns the copies that were dropped.
func (m *Meta) Duplicates() []Event { return m.copyOf(&m.duplicates) }

// Requests returns all requests, refused ones too, oldest first.
func (m *Meta) Requests() []MetaRequest {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]MetaRequest{}, m.requests...)
}

// Reset forgets all requests, events, and failures. The token stays.
func (m *Meta) Reset() {
	m.failures.clear()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.requests, m.events, m.tests, m.duplicates, m.seenOrder = nil, nil, nil, nil, nil
	m.seen = map[dedupKey]time.Time{}
}

func (m *Meta) copyOf(list *[]Event) []Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]Event{}, *list...)
}

func (m *Meta) currentToken() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.token
}

// ServeHTTP answers as Graph does, unless a failure is set.
func (m *Meta) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := m.now()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	c := metaCall{r: r, body: body, at: at}
	var refusal *metaError
	if err != nil {
		refusal = invalid(0, "the body could not be read: "+err.Error())
		refusal.status = http.StatusRequestEntityTooLarge
	} else {
		refusal = m.read(&c)
	}
	f, latency, released := m.failures.next(c.events)
	// A client that does not wait is no reason for a slow platform to forget.
	pause(r.Context(), latency, released)
	m.answer(w, c, refusal, f, released)
}

// metaCall is one request as far as it was read.
type metaCall struct {
	r       *http.Request
	body    []byte
	at      time.Time
	dataset string
	tokens  []string // all that were presented
	events  []Event
}

var metaPath = regexp.MustCompile(`^/v(\d{1,3})\.\d{1,2}/([^/]+)/events$`)

// metaOldest is the oldest version of Graph that is served: v20.0 ended on
// 2026-09-24.
const metaOldest = 21

// read holds a request against the rules, in Graph's order: path, token,
// dataset, body, events. What it can read of a bad one it leaves in c.
func (m *Meta) read(c *metaCall) *metaError {
	path := metaPath.FindStringSubmatch(c.r.URL.EscapedPath())
	top, raw, bodyErr := readMetaBody(c)
	c.tokens = presentedTokens(c.r, top)
	if bodyErr == nil {
		bodyErr = m.readEvents(c, top, raw)
	}
	if path == nil {
		return &metaError{status: 400, code: 2500, message: "Unknown path components: " + c.r.URL.Path}
	}
	c.dataset = path[2]
	for i := range c.events {
		c.events[i].Dataset = c.dataset
	}
	if version, err := strconv.Atoi(path[1]); err != nil || version < metaOldest {
		return &metaError{status: 400, code: 2635, message: "(#2635) You are calling a deprecated version"}
	}
	if c.r.Method != http.MethodPost {
		return &metaError{status: 400, code: 100, message: "Unsupported " + c.r.Method + " request"}
	}
	if err := m.authenticate(c, top); err != nil {
		return err
	}
	if !slices.Contains(m.datasets, c.dataset) {
		return noDataset(c.dataset)
	}
	return bodyErr
}

func noDataset(dataset string) *metaError {
	return &metaError{status: 400, code: 100, subcode: 33, message: fmt.Sprintf(
		"Unsupported post request. Object with ID '%s' does not exist, cannot be loaded due to missing permissions, or does not support this operation", dataset)}
}

func readMetaBody(c *metaCall) (map[string]any, []json.RawMessage, *metaError) {
	kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return nil, nil, invalid(0, "the body must be application/json")
	}
	if err := strictJSON(c.body); err != nil {
		return nil, nil, invalid(0, "the body is "+err.Error())
	}
	top, err := decodeObject(c.body)
	if err != nil {
		return nil, nil, invalid(0, "the body "+err.Error())
	}
	if _, ok := top["data"].([]any); !ok {
		return top, nil, invalid(0, "data must be an array", "data")
	}
	var raw map[string]json.RawMessage
	var events []json.RawMessage
	if err := errors.Join(json.Unmarshal(c.body, &raw), json.Unmarshal(raw["data"], &events)); err != nil {
		return top, nil, invalid(0, "the body is not JSON: "+err.Error())
	}
	return top, events, nil
}

func (m *Meta) readEvents(c *metaCall, top map[string]any, raw []json.RawMessage) *metaError {
	refusal := metaKeys(top, metaTop, m.lenient)
	switch {
	case refusal != nil:
	case len(raw) == 0:
		refusal = invalid(0, "data holds no event", "data")
	case len(raw) > metaMaxEvents:
		refusal = invalid(0, fmt.Sprintf("data holds more than %d events", metaMaxEvents), "data")
	}
	code, _ := top["test_event_code"].(string)
	for i, one := range raw {
		o, err := decodeObject(one)
		if err != nil {
			if refusal == nil {
				refusal = invalid(0, "an event "+err.Error(), "data", strconv.Itoa(i))
			}
			continue
		}
		if refusal == nil {
			refusal = checkMetaEvent(o, i, c.at, m.lenient)
		}
		c.events = append(c.events, newEvent(o, one, c.at, code))
	}
	return refusal
}

func newEvent(o map[string]any, raw []byte, at time.Time, code string) Event {
	e := Event{ReceivedAt: at, TestCode: code, Raw: raw}
	e.EventName, _ = o["event_name"].(string)
	e.EventID, _ = o["event_id"].(string)
	custom, _ := o["custom_data"].(map[string]any)
	e.OrderID, _ = custom["order_id"].(string)
	e.Currency, _ = custom["currency"].(string)
	if v, ok := custom["value"].(json.Number); ok {
		e.Value = v.String()
	}
	if n, ok := o["event_time"].(json.Number); ok {
		e.EventTime, _ = n.Int64() // an event that counts passed the check for it
	}
	return e
}

// presentedTokens are the access tokens of header, query and body.
func presentedTokens(r *http.Request, top map[string]any) []string {
	var tokens []string
	if h := r.Header.Get("Authorization"); h != "" {
		token, ok := strings.CutPrefix(h, "Bearer ")
		if !ok {
			token = h
		}
		tokens = append(tokens, token)
	}
	tokens = append(tokens, r.URL.Query()["access_token"]...)
	if t, ok := top["access_token"].(string); ok {
		tokens = append(tokens, t)
	}
	return tokens
}

func (m *Meta) authenticate(c *metaCall, top map[string]any) *metaError {
	token := m.currentToken()
	wrong := func(t string) bool { return !hmac.Equal([]byte(t), []byte(token)) }
	if len(c.tokens) == 0 || slices.ContainsFunc(c.tokens, wrong) {
		return badToken()
	}
	proof := c.r.URL.Query().Get("appsecret_proof")
	if p, ok := top["appsecret_proof"].(string); ok {
		proof = p
	}
	mac := hmac.New(sha256.New, []byte(m.appSecret))
	mac.Write([]byte(token))
	right := ""
	if m.appSecret != "" {
		right = hex.EncodeToString(mac.Sum(nil))
	}
	if !hmac.Equal([]byte(proof), []byte(right)) {
		return &metaError{status: 400, code: 104, message: "Invalid appsecret_proof provided in the API argument"}
	}
	return nil
}

func badToken() *metaError {
	return &metaError{status: http.StatusUnauthorized, code: 190, message: "Invalid OAuth access token - Cannot parse access token"}
}

// withoutTokens blots out the tokens of a text.
func withoutTokens(s string, tokens []string) string {
	for _, t := range tokens {
		if t != "" {
			s = strings.ReplaceAll(strings.ReplaceAll(s, t, "***"), url.QueryEscape(t), "***")
		}
	}
	return s
}
