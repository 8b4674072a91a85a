package sandbox

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// SimulatorConfig sets up a Simulator. The zero value has no postback, waits a
// second between tries, and remembers every attempt.
type SimulatorConfig struct {
	Postbacks []Postback
	// Client makes the calls; nil is one that gives up after 10 s. Redirects are
	// never followed, whatever the client's own rule.
	Client *http.Client
	// Sleep waits for delays and between tries; nil waits in real time.
	Sleep func(context.Context, time.Duration) error
	// Spacing is the time between tries; 0 is a second. Everflow does not tell
	// its own.
	Spacing time.Duration
	// NoConversionID leaves {conversion_id} literal, as a network does that does
	// not offer it.
	NoConversionID bool
	// Keep bounds how many attempts are remembered; 0 remembers all.
	Keep int
}

// Simulator fires postbacks as Everflow does: a GET for every matching postback,
// 2xx is success, all else is tried again up to five times and then counts as
// one failure; ten in a row within 72 hours turn the postback off.
type Simulator struct {
	now    func() time.Time
	client *http.Client
	sleep  func(context.Context, time.Duration) error
	config SimulatorConfig

	mu       sync.Mutex
	states   []*postbackState
	attempts []Attempt
}

type postbackState struct {
	PostbackState
	failedAt []time.Time // the failures in a row, oldest first
}

// NewSimulator returns a simulator whose clock is now. An error names the
// postback that Everflow would not let a partner save.
func NewSimulator(now func() time.Time, c SimulatorConfig) (*Simulator, error) {
	s := &Simulator{now: now, config: c, sleep: c.Sleep}
	for _, p := range c.Postbacks {
		if err := p.check(); err != nil {
			return nil, err
		}
		if s.state(p.ID) != nil {
			return nil, fmt.Errorf("postback %s: the ID is there twice", p.ID)
		}
		s.states = append(s.states, &postbackState{PostbackState: PostbackState{Postback: p, Active: true}})
	}
	client := http.Client{Timeout: 10 * time.Second}
	if c.Client != nil {
		client = *c.Client
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s.client = &client
	if s.sleep == nil {
		s.sleep = sleep
	}
	if s.config.Spacing == 0 {
		s.config.Spacing = time.Second
	}
	return s, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Convert fires every postback that matches the conversion, all at once, and
// waits for them. The fires are in the order of the configuration. The error is
// the context's; what was canceled by it counts neither way.
func (s *Simulator) Convert(ctx context.Context, c Conversion) ([]Fire, error) {
	var matching []*postbackState
	for _, state := range s.states {
		if state.matches(c) {
			matching = append(matching, state)
		}
	}
	fires := make([]Fire, len(matching))
	var all sync.WaitGroup
	for i, state := range matching {
		all.Go(func() { fires[i] = s.fire(ctx, state, c) })
	}
	all.Wait()
	return fires, ctx.Err()
}

// Fire fires one postback for a conversion, whether it matches or not.
func (s *Simulator) Fire(ctx context.Context, postbackID string, c Conversion) (Fire, error) {
	state := s.state(postbackID)
	if state == nil {
		return Fire{}, fmt.Errorf("fire postback %q: there is none of that ID", postbackID)
	}
	return s.fire(ctx, state, c), ctx.Err()
}

// Reactivate turns a postback on again, with a clean record of failures.
func (s *Simulator) Reactivate(postbackID string) error {
	state := s.state(postbackID)
	if state == nil {
		return fmt.Errorf("reactivate postback %q: there is none of that ID", postbackID)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	state.Active, state.failedAt = true, nil
	return nil
}

// Postbacks returns the postbacks and their counters.
func (s *Simulator) Postbacks() []PostbackState {
	s.mu.Lock()
	defer s.mu.Unlock()
	states := make([]PostbackState, len(s.states))
	for i, state := range s.states {
		states[i] = state.PostbackState
		states[i].Failures = len(state.failedAt)
	}
	return states
}

// Attempts returns the calls that were made, oldest first.
func (s *Simulator) Attempts() []Attempt {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Attempt{}, s.attempts...)
}

// state finds a postback; the list never changes after New.
func (s *Simulator) state(id string) *postbackState {
	i := slices.IndexFunc(s.states, func(p *postbackState) bool { return p.ID == id })
	if i < 0 {
		return nil
	}
	return s.states[i]
}

func (s *Simulator) fire(ctx context.Context, p *postbackState, c Conversion) Fire {
	fire := Fire{PostbackID: p.ID}
	if p.Delay > 0 && s.sleep(ctx, p.Delay) != nil {
		fire.Outcome = OutcomeCanceled
		return fire
	}
	if s.drop(p) {
		fire.Outcome = OutcomeDropped
		return fire
	}
	for try := 1; try <= 1+Retries; try++ {
		if try > 1 && s.sleep(ctx, s.config.Spacing) != nil || ctx.Err() != nil {
			fire.Outcome = OutcomeCanceled
			return fire
		}
		fire.Last = s.call(ctx, p, c, try)
		if fire.Last.Status/100 == 2 {
			fire.Outcome = OutcomeDelivered
			s.succeeded(p)
			return fire
		}
	}
	if ctx.Err() != nil {
		fire.Outcome = OutcomeCanceled
		return fire
	}
	fire.Outcome = OutcomeFailed
	fire.Deactivated = s.failed(p)
	return fire
}

// drop reports, and counts, that a postback is off.
func (s *Simulator) drop(p *postbackState) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !p.Active {
		p.Dropped++
	}
	return !p.Active
}

func (s *Simulator) succeeded(p *postbackState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.Delivered++
	p.failedAt = nil
}

// failed counts a failure and reports whether it turned the postback off.
func (s *Simulator) failed(p *postbackState) bool {
	at := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	p.Failed++
	p.failedAt = append(slices.DeleteFunc(p.failedAt, func(t time.Time) bool { return at.Sub(t) > FailureWindow }), at)
	if !p.Active || len(p.failedAt) < FailureLimit {
		return false
	}
	p.Active, p.DeactivatedAt = false, at
	p.Deactivations++
	return true
}

// call makes one request and logs it.
func (s *Simulator) call(ctx context.Context, p *postbackState, c Conversion, try int) Attempt {
	a := Attempt{PostbackID: p.ID, TransactionID: c.TransactionID, ConversionID: c.ConversionID, Try: try, At: s.now()}
	u, err := postbackURL(p.URL, c.macros(!s.config.NoConversionID))
	if err == nil {
		a.URL = u.String()
		a.Status, a.Body, err = s.get(ctx, u)
	}
	if err != nil {
		a.Err = err.Error()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p.Calls++
	s.attempts = bounded(s.attempts, a, s.config.Keep)
	return a
}

func (s *Simulator) get(ctx context.Context, u *url.URL) (status int, body string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return 0, "", err
	}
	r.URL = u // as it was rendered, byte for byte
	resp, err := s.client.Do(r)
	if err != nil {
		return 0, "", err
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if closeErr := resp.Body.Close(); err == nil {
		err = closeErr
	}
	return resp.StatusCode, string(b), err // the code decides, whatever became of the body
}
