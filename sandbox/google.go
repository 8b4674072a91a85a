package sandbox

import (
	"crypto/hmac"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// What the Google stand-in knows when it is told nothing else.
const (
	GoogleToken    = "sandbox-google-token"
	GoogleRefresh  = "sandbox-google-refresh"
	GoogleCustomer = "1234567890"
	GoogleAction   = "6543210987"
)

// GooglePath is where the stand-in takes events, GoogleStatusPath where it says
// what became of them, and GoogleTokenPath where a refresh token is changed for
// GoogleToken.
const (
	GooglePath       = "/v1/events:ingest"
	GoogleStatusPath = "/v1/requestStatus:retrieve"
	GoogleTokenPath  = "/google/token"
)

// GoogleConfig sets up a Google stand-in. The zero value knows GoogleToken,
// GoogleCustomer and GoogleAction and keeps everything it receives.
type GoogleConfig struct {
	Token    string
	Customer string
	Action   string
	// Settle is how long a request is being processed; 0 is half an hour.
	Settle time.Duration
	// Keep bounds how many requests, events and duplicates are remembered; 0
	// remembers all.
	Keep int
}

// Google stands in for Google's Data Manager API, events:ingest and
// requestStatus:retrieve, and for two methods of the Google Ads API: see
// AdsConversions. What one of the APIs took the other does not know.
//
// Data Manager takes a request whole or not at all, names what is wrong by its
// path, and tells later what became of it: of a transaction ID that came again
// only value and currency are taken. The Google Ads API judges each row at once.
//
// It refuses what is only a mistake, too: a value without its currency, more
// than one click ID, an event without a transaction ID.
type Google struct {
	now      func() time.Time
	config   GoogleConfig
	failures *failures

	mu         sync.Mutex
	token      string
	serial     int
	requests   []GoogleRequest
	events     []Event
	tests      []Event
	duplicates []Event
	at         map[string]int // where an event is, by action and transaction ID
	status     map[string]googleStatus
	verdicts   []string // reasons that wait to be given, one a request
	ads        adsState
	revoked    bool // the refresh token
}

// GoogleRequest is a request as it was received, without its token, and what was
// answered: Status 0 when the connection was cut instead.
type GoogleRequest struct {
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
	RequestID  string      `json:"request_id,omitempty"`
}

// NewGoogle returns a stand-in whose clock is now.
func NewGoogle(now func() time.Time, c GoogleConfig) *Google {
	for _, v := range []struct {
		into  *string
		value string
	}{{&c.Token, GoogleToken}, {&c.Customer, GoogleCustomer}, {&c.Action, GoogleAction}} {
		if *v.into == "" {
			*v.into = v.value
		}
	}
	if c.Settle == 0 {
		c.Settle = 30 * time.Minute
	}
	return &Google{now: now, config: c, token: c.Token, failures: newFailures(), at: map[string]int{}, status: map[string]googleStatus{}}
}

// Fail adds a failure after those that wait already.
func (s *Google) Fail(f Failure) error { return s.failures.add(f) }

// Failures returns the failures that wait, in order.
func (s *Google) Failures() []Failure { return s.failures.list() }

// Clear ends all failures and the requests that hang because of one.
func (s *Google) Clear() { s.failures.clear() }

// SetToken revokes the access token and gives out another instead.
func (s *Google) SetToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}

// Revoke makes the refresh token invalid, or valid again: an access token that
// is out stays good.
func (s *Google) Revoke(revoked bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoked = revoked
}

func (s *Google) isRevoked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.revoked
}

// SetVerdict makes the next request that is taken fail afterwards, with a reason
// such as PROCESSING_ERROR_REASON_TOO_RECENT_CLICK: none of its events is kept.
func (s *Google) SetVerdict(reason string) error {
	if !strings.HasPrefix(reason, "PROCESSING_ERROR_") {
		return fmt.Errorf("verdict %q does not begin with PROCESSING_ERROR_", reason)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.verdicts = append(s.verdicts, reason)
	return nil
}

// Events returns the events that count, each once and with its latest value,
// oldest first. Dataset is the conversion action, EventName the event's source,
// EventID the transaction ID.
func (s *Google) Events() []Event { return s.copyOf(&s.events) }

// TestEvents returns the events that were only to be validated.
func (s *Google) TestEvents() []Event { return s.copyOf(&s.tests) }

// Duplicates returns the events whose transaction ID was there already,
// restatements included.
func (s *Google) Duplicates() []Event { return s.copyOf(&s.duplicates) }

// Requests returns all requests, refused ones too, oldest first.
func (s *Google) Requests() []GoogleRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]GoogleRequest{}, s.requests...)
}

// Reset forgets all requests, events, verdicts and failures. The token stays.
func (s *Google) Reset() {
	s.failures.clear()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests, s.events, s.tests, s.duplicates, s.verdicts = nil, nil, nil, nil, nil
	s.at, s.status, s.ads = map[string]int{}, map[string]googleStatus{}, adsState{}
	s.revoked = false
}

func (s *Google) copyOf(list *[]Event) []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Event{}, *list...)
}

func (s *Google) currentToken() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token
}

// googleCall is one request as far as it was read.
type googleCall struct {
	r        *http.Request
	body     []byte
	at       time.Time
	tokens   []string // that were presented
	events   []Event
	validate bool
	asked    string // the request ID, of a question
}

// ServeHTTP answers as Google does, unless a failure is set. Failures concern
// events and questions, not the token endpoint.
func (s *Google) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	c := googleCall{r: r, body: body, at: s.now()}
	switch {
	case r.URL.Path == GoogleTokenPath:
		s.giveToken(w, c)
		return
	case strings.Contains(r.URL.Path, "/customers/"):
		s.serveAds(w, c)
		return
	}
	var refusal *googleError
	if err != nil {
		refusal = &googleError{status: http.StatusRequestEntityTooLarge, word: "INVALID_ARGUMENT", message: "the body could not be read: " + err.Error()}
	} else {
		refusal = s.read(&c)
	}
	f, latency, released := s.failures.next(c.events)
	// A client that does not wait is no reason for a slow platform to forget.
	pause(r.Context(), latency, released)
	s.answer(w, c, refusal, f, released)
}

// read holds a request against the rules: path, method, token, content. What it
// can read of a bad one it leaves in c.
func (s *Google) read(c *googleCall) *googleError {
	token, bearer := strings.CutPrefix(c.r.Header.Get("Authorization"), "Bearer ")
	c.tokens = []string{token}
	method := http.MethodPost
	var bodyErr *googleError
	switch c.r.URL.Path {
	case GooglePath:
		bodyErr = s.readBody(c)
	case GoogleStatusPath:
		method, bodyErr = http.MethodGet, readQuestion(c)
	default:
		return &googleError{status: http.StatusNotFound, word: "NOT_FOUND", message: "Requested entity was not found."}
	}
	switch {
	case c.r.Method != method:
		return &googleError{status: http.StatusNotFound, word: "NOT_FOUND", message: "Requested entity was not found by that method."}
	case !bearer || !hmac.Equal([]byte(token), []byte(s.currentToken())):
		return googleBadToken()
	case c.r.URL.Query().Has("key"):
		return &googleError{status: http.StatusForbidden, word: "PERMISSION_DENIED", message: "API keys are not supported by this API."}
	}
	return bodyErr
}

func readQuestion(c *googleCall) *googleError {
	q, err := url.ParseQuery(c.r.URL.RawQuery)
	c.asked = q.Get("requestId")
	switch {
	case err != nil || len(q) != 1 || len(q["requestId"]) != 1 || c.asked == "":
		return googleBad(googleViolation{"request_id", "the query has requestId and nothing else", "REQUIRED_FIELD_MISSING"})
	case len(c.body) > 0:
		return googleBad(googleViolation{"", "a question has no body", "INVALID_ARGUMENT"})
	}
	return nil
}

// giveToken is the OAuth endpoint.
func (s *Google) giveToken(w http.ResponseWriter, c googleCall) {
	q, err := url.ParseQuery(string(c.body))
	problem := ""
	switch {
	case c.r.Method != http.MethodPost || err != nil:
		problem = "invalid_request"
	case q.Get("grant_type") != "refresh_token":
		problem = "unsupported_grant_type"
	case q.Get("client_id") == "" || q.Get("client_secret") == "":
		problem = "invalid_client"
	case q.Get("refresh_token") != GoogleRefresh || s.isRevoked():
		problem = "invalid_grant"
	}
	if problem != "" {
		writeRaw(w, http.StatusBadRequest, fmt.Appendf(nil, `{"error":%q,"error_description":"Bad Request"}`, problem))
		return
	}
	b, err := json.Marshal(map[string]any{"access_token": s.currentToken(), "expires_in": 3599, "token_type": "Bearer", "scope": googleScope + " " + googleAdsScope})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	writeRaw(w, http.StatusOK, b)
}

const googleScope = "https://www.googleapis.com/auth/datamanager"

const googleAdsScope = "https://www.googleapis.com/auth/adwords"
