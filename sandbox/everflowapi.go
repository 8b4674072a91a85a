package sandbox

import (
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// EverflowAPIPath is where the stand-in for Everflow's affiliate API is.
	EverflowAPIPath = "/v1"
	// EverflowAPIKey is the key that it takes.
	EverflowAPIKey = "EVERFLOW-SANDBOX-KEY"

	everflowPerSecond = 5
	everflowBurst     = 20
	everflowMaxPage   = 2000
	everflowZoneUTC   = 67
)

// EverflowFault is how the stand-in can fail.
type EverflowFault string

// The faults.
const (
	EverflowThrottled   EverflowFault = "throttled"    // 429, with the headers that say how long
	EverflowServerError EverflowFault = "server_error" // 500
	EverflowHTML        EverflowFault = "html"         // 200, and a web page
	EverflowTruncated   EverflowFault = "truncated"    // 200, and half an answer
	EverflowWrongTotal  EverflowFault = "wrong_total"  // total_count is one too many
	EverflowTimeout     EverflowFault = "timeout"      // no answer at all
	EverflowShift       EverflowFault = "shift"        // before the page a conversion of long ago comes in
	EverflowForbidden   EverflowFault = "forbidden"    // 403
	EverflowLostKey     EverflowFault = "unauthorized" // 401
)

// EverflowFaults lists all faults.
func EverflowFaults() []EverflowFault {
	return []EverflowFault{
		EverflowThrottled, EverflowServerError, EverflowHTML, EverflowTruncated, EverflowWrongTotal, EverflowTimeout, EverflowShift,
		EverflowForbidden, EverflowLostKey,
	}
}

// EverflowPixel is a postback as the API shows it.
type EverflowPixel struct {
	ID     int    `json:"network_pixel_id"`
	Offer  int    `json:"network_offer_id"`
	Method string `json:"delivery_method"`
	Level  string `json:"pixel_level"`
	Status string `json:"pixel_status"`
	Type   string `json:"pixel_type"`
	URL    string `json:"postback_url"`
	Delay  int    `json:"delay_ms"`
}

// everflowRow is a conversion in the network's books.
type everflowRow struct {
	Conversion
	at, clickedAt time.Time
	changed       bool // by a switch: the next one takes another
}

// EverflowAPI is a strict stand-in for Everflow's affiliate API: the report of
// conversions, the look-up of clicks, the list of postbacks. Its books are what
// Convert was told, so that they agree with what a simulator fires by
// construction. It keeps the real one's rate, shared by all who ask.
type EverflowAPI struct {
	now func() time.Time

	mu       sync.Mutex
	rows     []everflowRow
	pixels   []EverflowPixel
	faults   []EverflowFault
	lose     int
	readOnly bool
	largest  int // page
	shifted  int
	requests int
	tokens   float64
	filledAt time.Time
	released chan struct{} // closed to end requests that hang
}

// NewEverflowAPI returns a stand-in with empty books.
func NewEverflowAPI(now func() time.Time) *EverflowAPI {
	return &EverflowAPI{now: now, tokens: everflowBurst, largest: everflowMaxPage, filledAt: now(), released: make(chan struct{})}
}

// Convert writes a conversion into the network's books, and reports whether its
// postback fires: not while Lose says that it is lost.
func (e *EverflowAPI) Convert(c Conversion, at, clickedAt time.Time) (fires bool, err error) {
	if c.ConversionID == "" || c.TransactionID == "" {
		return false, fmt.Errorf("conversion %q of session %q: the books need both IDs", c.ConversionID, c.TransactionID)
	}
	for _, amount := range []string{c.Payout, c.SaleAmount} {
		if amount == "" {
			continue
		}
		if _, err := decimal(amount); err != nil {
			return false, fmt.Errorf("conversion %s: %w", c.ConversionID, err)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if slices.ContainsFunc(e.rows, func(r everflowRow) bool { return r.ConversionID == c.ConversionID }) {
		return false, fmt.Errorf("conversion %s is in the books already", c.ConversionID)
	}
	e.rows = append(e.rows, everflowRow{Conversion: c, at: at, clickedAt: clickedAt})
	if e.lose > 0 {
		e.lose--
		return false, nil
	}
	return true, nil
}

// Lose makes the postbacks of the next n conversions get lost.
func (e *EverflowAPI) Lose(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lose = n
}

// Flip gives n conversions another status, the oldest first, and returns how
// many there were that no switch had changed yet.
func (e *EverflowAPI) Flip(n int, status string) int {
	return e.change(n, func(r *everflowRow) bool {
		if r.Status == status {
			return false
		}
		r.Status = status
		return true
	})
}

// Drift adds an amount to the payout of n conversions, as Flip does.
func (e *EverflowAPI) Drift(n int, by string) (int, error) {
	add, err := decimal(by)
	if err != nil {
		return 0, err
	}
	return e.change(n, func(r *everflowRow) bool {
		was, err := decimal(r.Payout)
		if err != nil {
			return false // it has none
		}
		r.Payout = plain(was.Add(was, add))
		return true
	}), nil
}

func (e *EverflowAPI) change(n int, fn func(*everflowRow) bool) (done int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range e.rows {
		if done == n {
			break
		}
		if !e.rows[i].changed && fn(&e.rows[i]) {
			e.rows[i].changed = true
			done++
		}
	}
	return done
}

// decimal reads an exact amount.
func decimal(text string) (*big.Rat, error) {
	r, ok := new(big.Rat).SetString(text)
	if !ok || strings.ContainsAny(text, "/eExX_") {
		return nil, fmt.Errorf("%q is no amount such as 42.50", text)
	}
	return r, nil
}

// plain writes an amount as JSON has it.
func plain(r *big.Rat) string {
	s := strings.TrimRight(r.FloatString(6), "0")
	return strings.TrimSuffix(s, ".")
}

// EverflowTotals is what the network's books come to.
type EverflowTotals struct {
	Conversions int            `json:"conversions"`
	ByStatus    map[string]int `json:"by_status"`
	// Payout is the sum of those that are not rejected.
	Payout string `json:"payout"`
}

// Totals adds the books up.
func (e *EverflowAPI) Totals() EverflowTotals {
	e.mu.Lock()
	defer e.mu.Unlock()
	t, sum := EverflowTotals{Conversions: len(e.rows), ByStatus: map[string]int{}}, new(big.Rat)
	for _, r := range e.rows {
		t.ByStatus[r.Status]++
		if amount, err := decimal(r.Payout); err == nil && r.Status != "rejected" {
			sum.Add(sum, amount)
		}
	}
	t.Payout = plain(sum)
	return t
}

// Install sets the postbacks that the API lists.
func (e *EverflowAPI) Install(pixels ...EverflowPixel) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pixels = slices.Clone(pixels)
}

// Pixels returns the postbacks as they are now.
func (e *EverflowAPI) Pixels() []EverflowPixel {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.pixels)
}

// ReadOnly makes the API refuse changes of postbacks, as networks may.
func (e *EverflowAPI) ReadOnly(on bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.readOnly = on
}

// PageLimit makes pages have at most n rows, whatever is asked for.
func (e *EverflowAPI) PageLimit(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.largest = n
}

// Fail makes the next n requests meet a fault, after those that wait already.
func (e *EverflowAPI) Fail(f EverflowFault, n int) error {
	if !slices.Contains(EverflowFaults(), f) {
		return fmt.Errorf("fault %q: not one of %v", f, EverflowFaults())
	}
	if n < 1 || n > 10_000 {
		return fmt.Errorf("%d requests: from 1 to 10000", n)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for range n {
		e.faults = append(e.faults, f)
	}
	return nil
}

// Requests returns how many requests came in.
func (e *EverflowAPI) Requests() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.requests
}

// Clear ends all faults, and the requests that hang because of one.
func (e *EverflowAPI) Clear() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults = nil
	close(e.released)
	e.released = make(chan struct{})
}

// Reset forgets books, postbacks and faults.
func (e *EverflowAPI) Reset() {
	e.Clear()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.rows, e.pixels, e.lose, e.readOnly, e.requests, e.shifted = nil, nil, 0, false, 0, 0
	e.tokens, e.filledAt, e.largest = everflowBurst, e.now(), everflowMaxPage
}

// routes adds the API, and its switches below /_sandbox/everflow/.
func (e *EverflowAPI) routes(mux *http.ServeMux) {
	mux.Handle(EverflowAPIPath+"/affiliates/", e)
	e.control(mux)
}
