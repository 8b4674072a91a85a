package sandbox

import (
	"crypto/hmac"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// What the sheet's stand-in knows when it is told nothing else.
const (
	SheetsSecret     = "sandbox-sheets-secret"
	SheetsDeployment = "AKfycbSANDBOX"
)

// SheetsPath is where the stand-in's script is run.
const SheetsPath = "/macros/s/" + SheetsDeployment + "/exec"

const (
	sheetsEcho    = "/macros/echo"
	sheetsMaxRows = 100
	// sheetsWaiting is how many answers wait to be fetched, of clients that
	// never come for them.
	sheetsWaiting = 1000
)

// SheetsConfig sets up a sheet's stand-in. The zero value knows SheetsSecret and
// SheetsDeployment and keeps everything it receives.
type SheetsConfig struct {
	Secret      string
	Deployments []string
	// EchoURL is where answers are fetched, "https://script.googleusercontent.com"
	// in the real world; "" is the host that was posted to.
	EchoURL string
	// Keep bounds how many requests, rows and duplicates are remembered; 0
	// remembers all. Row IDs are remembered forever, as a sheet does.
	Keep int
}

// Sheets stands in for Apps Script with the script of forwarders/sheets: a POST
// to /macros/s/{deployment}/exec runs it, and the answer is a redirect to where
// its words can be fetched. It writes each row ID once.
type Sheets struct {
	now         func() time.Time
	secret      string
	deployments []string
	echoURL     string
	keep        int
	failures    *failures

	mu         sync.Mutex
	answers    int
	requests   []SheetsRequest
	rows       []Event
	tests      []Event
	duplicates []Event
	seen       map[string]bool
	waiting    map[string]sheetsWords
	order      []string // the keys of waiting, oldest first
}

// SheetsRequest is a request as it was received, without the secret, and what
// was answered: Status 0 when the connection was cut instead.
type SheetsRequest struct {
	ReceivedAt time.Time   `json:"received_at"`
	Method     string      `json:"method"`
	Path       string      `json:"path"`
	Header     http.Header `json:"header"`
	Body       string      `json:"body,omitempty"`
	Events     int         `json:"events"` // rows in the request, if it could be read
	Failure    Mode        `json:"failure,omitempty"`
	Status     int         `json:"status"`
	Error      string      `json:"error,omitempty"` // what the script or the page says
}

// sheetsWords is what the script said, until it is fetched, and how the fetching
// goes wrong.
type sheetsWords struct {
	body []byte
	mode Mode
}

// NewSheets returns a stand-in whose clock is now.
func NewSheets(now func() time.Time, c SheetsConfig) *Sheets {
	if c.Secret == "" {
		c.Secret = SheetsSecret
	}
	if len(c.Deployments) == 0 {
		c.Deployments = []string{SheetsDeployment}
	}
	return &Sheets{
		now: now, secret: c.Secret, deployments: slices.Clone(c.Deployments), echoURL: c.EchoURL, keep: c.Keep,
		failures: newFailures(), seen: map[string]bool{}, waiting: map[string]sheetsWords{},
	}
}

// Fail adds a failure after those that wait already.
func (s *Sheets) Fail(f Failure) error { return s.failures.add(f) }

// Failures returns the failures that wait, in order.
func (s *Sheets) Failures() []Failure { return s.failures.list() }

// Clear ends all failures and the requests that hang because of one.
func (s *Sheets) Clear() { s.failures.clear() }

// Events returns the rows that were written, test rows left out, oldest first.
func (s *Sheets) Events() []Event { return s.copyOf(&s.rows) }

// TestEvents returns the rows that say that they are a test.
func (s *Sheets) TestEvents() []Event { return s.copyOf(&s.tests) }

// Duplicates returns the rows whose ID was there already.
func (s *Sheets) Duplicates() []Event { return s.copyOf(&s.duplicates) }

// Requests returns all requests, refused ones too, oldest first.
func (s *Sheets) Requests() []SheetsRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]SheetsRequest{}, s.requests...)
}

// Reset forgets all requests, rows, and failures.
func (s *Sheets) Reset() {
	s.failures.clear()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests, s.rows, s.tests, s.duplicates, s.order = nil, nil, nil, nil, nil
	s.seen, s.waiting = map[string]bool{}, map[string]sheetsWords{}
}

func (s *Sheets) copyOf(list *[]Event) []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Event{}, *list...)
}

// ServeHTTP answers as Apps Script does, unless a failure is set. Failures are
// for what runs the script; some of them show when its words are fetched.
func (s *Sheets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := sheetsCall{r: r, at: s.now()}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		s.page(w, c, Failure{}, http.StatusRequestEntityTooLarge, "the body could not be read")
		return
	}
	c.body = body
	if r.URL.Path == sheetsEcho {
		s.echo(w, c)
		return
	}
	refusal := s.read(&c)
	f, latency, released := s.failures.next(c.events)
	// A client that does not wait is no reason for a script to stop.
	pause(r.Context(), latency, released)
	s.answer(w, c, refusal, f, released)
}

// sheetsCall is one request as far as it was read.
type sheetsCall struct {
	r      *http.Request
	body   []byte
	at     time.Time
	events []Event
}

// sheetsError is a refusal: the script's own, by its word, or with a status a
// page of Google's.
type sheetsError struct {
	word    string
	status  int
	login   bool // a redirect to the login instead of a page
	message string
}

func badRows(format string, args ...any) *sheetsError {
	return &sheetsError{word: "bad_request", message: fmt.Sprintf(format, args...)}
}

// read holds a request against the rules in order: path, method, headers, body,
// secret, rows. What it can read of a bad one it leaves in c.
func (s *Sheets) read(c *sheetsCall) *sheetsError {
	top, bodyErr := readSheetsBody(c)
	if bodyErr == nil {
		bodyErr = readSheetsRows(c, top)
	}
	if err := s.find(c.r); err != nil {
		return err
	}
	if err := sheetsHeaders(c.r); err != nil {
		return err
	}
	if top == nil {
		return bodyErr
	}
	if secret, _ := top["secret"].(string); !hmac.Equal([]byte(secret), []byte(s.secret)) {
		return &sheetsError{word: "bad_secret", message: "the secret is not the script's"}
	}
	return bodyErr
}

// find checks that the URL is the deployment's, and that a doPost is asked for.
func (s *Sheets) find(r *http.Request) *sheetsError {
	rest, ok := strings.CutPrefix(r.URL.EscapedPath(), "/macros/s/")
	id, kind, _ := strings.Cut(rest, "/")
	switch {
	case !ok || !slices.Contains(s.deployments, id) || kind != "exec" && kind != "dev":
		return &sheetsError{status: http.StatusNotFound, message: "Sorry, unable to open the file at this time."}
	case kind == "dev":
		return &sheetsError{status: http.StatusFound, login: true, message: "the URL of a developer needs a login"}
	case r.Method != http.MethodPost:
		return &sheetsError{status: http.StatusOK, message: "Script function not found: doGet"}
	case r.URL.RawQuery != "":
		return badRows("a query is in every log on the way; the script reads the body alone")
	}
	return nil
}

// sheetsHeaders refuses what Apps Script silently ignores: a script sees no
// header, and a client would hand it on to the host that it is redirected to.
func sheetsHeaders(r *http.Request) *sheetsError {
	for name := range r.Header {
		if name == "Authorization" || name == "Cookie" || name == "Referer" || strings.HasPrefix(name, "X-") {
			return badRows("the header %s is of no use to a script, and travels to another host", name)
		}
	}
	return nil
}

// echo hands out what the script said, to a GET without a body.
func (s *Sheets) echo(w http.ResponseWriter, c sheetsCall) {
	key := c.r.URL.Query().Get("user_content_key")
	s.mu.Lock()
	words, ok := s.waiting[key]
	s.mu.Unlock()
	refusal := sheetsHeaders(c.r)
	switch {
	case c.r.Method != http.MethodGet:
		s.page(w, c, Failure{}, http.StatusMethodNotAllowed, "Method Not Allowed")
	case len(c.body) > 0:
		s.page(w, c, Failure{}, http.StatusBadRequest, "the second request brings a body: the secret goes to one host alone")
	case refusal != nil:
		s.page(w, c, Failure{}, http.StatusBadRequest, refusal.message)
	case !ok:
		s.page(w, c, Failure{}, http.StatusNotFound, "no answer under that key")
	default:
		s.speak(w, c, words)
	}
}
