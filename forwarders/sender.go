package forwarders

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"subfive"
)

// Opener unseals user data.
type Opener interface {
	// Open returns the clear value of a subfive.Sealed box of that field. Its
	// errors hold no part of the value.
	Open(field, box string) (string, error)
}

// SenderConfig is what a Sender needs. All but Tune must be given.
type SenderConfig struct {
	Opener  Opener
	SiteURL string // the tracker's public URL, the page of last resort
	Now     func() time.Time
	NewID   func() string // makes attempt IDs
	Log     *slog.Logger
	// Tune, for tests, changes a destination's transport before its first use.
	// One that replaces DialContext replaces the guard of addresses with it.
	Tune func(*http.Transport)
}

// Configured is a destination that can be sent to.
type Configured struct {
	ID        string
	Platform  Platform
	Forwarder Forwarder
	BaseURL   string // another host, for tests and gateways; "": the platform's own
	// Secrets are the credentials in its settings: they are replaced by
	// subfive.Hidden wherever they turn up in what we keep. One shorter than six
	// bytes is not looked for: it would be found by chance.
	Secrets []string
}

// Exchange is how a send ended: one outcome a delivery, in their order, and the
// attempt, nil when no request was made.
type Exchange struct {
	Outcomes []subfive.Outcome
	Attempt  *subfive.Attempt
}

// Sender is the one place that talks to platforms.
//
// It renders, captures, authorizes, sends and has the answer read. Each
// destination has connections of its own, so that one in trouble can't take
// another's. Errors and attempts it returns hold no credential; errors hold no
// URL either.
type Sender struct {
	cfg SenderConfig

	swap         sync.Mutex // one SetDestinations at a time
	destinations atomic.Pointer[map[string]*destination]
	auth         *http.Transport
}

// NewSender returns a Sender without destinations.
func NewSender(cfg SenderConfig) *Sender {
	s := &Sender{cfg: cfg, auth: newTransport(nil, cfg.Tune)}
	s.destinations.Store(&map[string]*destination{})
	return s
}

// AuthClient returns the client for Platform.New: bounded in time, following no
// redirect, and refusing private addresses as sends do. allow names hosts that
// may have one.
func (s *Sender) AuthClient(allow ...string) *http.Client {
	transport := s.auth
	if len(allow) > 0 {
		transport = newTransport(allow, s.cfg.Tune)
		transport.DisableKeepAlives = true // tokens are asked for rarely, and nobody would close it
	}
	return &http.Client{Transport: transport, Timeout: timeout, CheckRedirect: stay}
}

// SetDestinations replaces all destinations at once; sends under way finish
// with what they began with. A destination whose hosts did not change keeps its
// connections and its pace. On an error nothing changes.
func (s *Sender) SetDestinations(all []Configured) error {
	s.swap.Lock()
	defer s.swap.Unlock()
	old := *s.destinations.Load()
	next := make(map[string]*destination, len(all))
	for _, c := range all {
		d, err := newDestination(c, old[c.ID], s.cfg.Tune)
		if err != nil {
			return fmt.Errorf("destination %s: %w", c.ID, err)
		}
		next[c.ID] = d
	}
	s.destinations.Store(&next)
	for id, d := range old {
		if n := next[id]; n == nil || n.transport != d.transport {
			d.transport.CloseIdleConnections()
		}
	}
	return nil
}

// Close closes idle connections. The Sender can be used again after it.
func (s *Sender) Close() {
	for _, d := range *s.destinations.Load() {
		d.transport.CloseIdleConnections()
	}
	s.auth.CloseIdleConnections()
}

func (s *Sender) destination(id string) (*destination, bool) {
	d, ok := (*s.destinations.Load())[id]
	return d, ok
}

// Send renders deliveries of one kind and mode and sends them as one request.
// What can't be rendered is rejected by name, what does not fit is deferred.
func (s *Sender) Send(ctx context.Context, destinationID string, ds []subfive.Delivery) Exchange {
	d, ok := s.destination(destinationID)
	if !ok {
		return Exchange{Outcomes: repeat(notConfigured(), len(ds))}
	}
	outcomes := make([]subfive.Outcome, len(ds))
	b, loaded := s.load(d, ds, outcomes)
	if len(loaded) == 0 {
		return Exchange{Outcomes: outcomes}
	}
	ids := make([]string, len(loaded))
	for i, at := range loaded {
		ids[i] = ds[at].ID
	}
	got, attempt := s.exchange(ctx, d, question{
		request: func(ctx context.Context) (*http.Request, error) { return d.Forwarder.Request(ctx, b) },
		read: func(n int, a Answer) Result {
			a.Test = b.Test
			return d.Forwarder.Read(n, a)
		},
		ids: ids,
	})
	for i, at := range loaded {
		outcomes[at] = got[i]
	}
	return Exchange{Outcomes: outcomes, Attempt: attempt}
}

// Ask asks what became of deliveries that were submitted under one Ref.
func (s *Sender) Ask(ctx context.Context, destinationID string, ds []subfive.Delivery) Exchange {
	d, ok := s.destination(destinationID)
	if !ok || len(ds) == 0 {
		return Exchange{Outcomes: repeat(notConfigured(), len(ds))}
	}
	c, ok := d.Forwarder.(Confirmer)
	if !ok {
		return Exchange{Outcomes: repeat(subfive.Outcome{
			Class: subfive.Misconfigured, Code: "no_verdict", Message: d.Platform.Name + " can't be asked for a verdict with these settings",
		}, len(ds))}
	}
	ids := make([]string, len(ds))
	for i := range ds {
		ids[i] = ds[i].ID
	}
	outcomes, attempt := s.exchange(ctx, d, question{
		request: func(ctx context.Context) (*http.Request, error) { return c.Ask(ctx, ds[0].Ref) },
		read:    c.ReadStatus,
		ids:     ids,
		// Asking changes nothing there: it may be done twice.
		harmless: true,
	})
	return Exchange{Outcomes: outcomes, Attempt: attempt}
}

// Preview returns the exact request that would go out for one delivery, before
// its credentials are added. An error of a delivery that can never be sent says
// why; one of an unknown destination wraps subfive.ErrNotFound.
func (s *Sender) Preview(ctx context.Context, destinationID string, delivery subfive.Delivery) (Captured, error) {
	d, ok := s.destination(destinationID)
	if !ok {
		return Captured{}, fmt.Errorf("destination %s: %w", destinationID, subfive.ErrNotFound)
	}
	event, err := s.render(d, delivery)
	if err != nil {
		return Captured{}, fmt.Errorf("render for %s: %w", d.Platform.Name, err)
	}
	b := batchOf(delivery, [][]byte{event})
	_, c, err := s.prepare(ctx, d, func(ctx context.Context) (*http.Request, error) { return d.Forwarder.Request(ctx, b) })
	if err != nil {
		return Captured{}, fmt.Errorf("request to %s: %w", d.Platform.Name, err)
	}
	return c, nil
}

func notConfigured() subfive.Outcome {
	return subfive.Outcome{
		Class: subfive.Deferred, Code: "not_configured", RetryAfter: time.Minute,
		Message: "the destination is not configured here",
	}
}

// prepare makes a request, points it to the base URL, and captures it.
func (s *Sender) prepare(ctx context.Context, d *destination, request func(context.Context) (*http.Request, error)) (*http.Request, Captured, error) {
	r, err := request(ctx)
	if err != nil {
		return nil, Captured{}, err
	}
	if err := d.rebase(r); err != nil {
		return nil, Captured{}, err
	}
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", "subfive/"+subfive.Version)
	}
	c, err := Capture(r)
	if err != nil {
		return nil, Captured{}, err
	}
	clean := Captured{Method: c.Method, URL: d.scrub.text(c.URL), Header: d.scrub.text(c.Header), Body: d.scrub.text(c.Body)}
	if clean.URL != printable(c.URL) || clean.Header != printable(c.Header) || clean.Body != printable(c.Body) {
		s.cfg.Log.ErrorContext(ctx, "a credential was in a request before it was authorized; it was removed from what is kept",
			"destination", d.ID, "platform", d.Platform.Name)
	}
	return r, clean, nil
}

// question is one thing to say to a platform, and who reads the answer.
type question struct {
	request  func(ctx context.Context) (*http.Request, error)
	read     func(n int, a Answer) Result
	ids      []string // the deliveries it is about
	harmless bool     // it may arrive twice
}

// exchange asks q, a second time with fresh credentials when the first were
// refused, and returns one outcome a delivery. The attempt is the last request,
// or nil if none could be made.
func (s *Sender) exchange(ctx context.Context, d *destination, q question) ([]subfive.Outcome, *subfive.Attempt) {
	n := len(q.ids)
	if err := d.pace(ctx); err != nil {
		return repeat(subfive.Outcome{Class: subfive.Deferred, Code: "rate_limit", RetryAfter: time.Second, Message: "waiting for the platform's rate limit was cut short"}, n), nil
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	a := subfive.Attempt{ID: s.cfg.NewID(), DestinationID: d.ID, StartedAt: s.cfg.Now()}
	outcomes := s.try(ctx, d, q, false, &a)
	if a.Method != "" && onlyUnauthorized(outcomes) && d.pace(ctx) == nil {
		outcomes = s.try(ctx, d, q, true, &a)
	}
	if a.Method == "" {
		return outcomes, nil
	}
	a.Latency = s.cfg.Now().Sub(a.StartedAt)
	a.Outcome = summary(outcomes)
	for i, id := range q.ids {
		a.Items = append(a.Items, subfive.AttemptItem{DeliveryID: id, Outcome: outcomes[i]})
	}
	return outcomes, &a
}

// try makes one request of q and writes request and answer into a.
func (s *Sender) try(ctx context.Context, d *destination, q question, fresh bool, a *subfive.Attempt) []subfive.Outcome {
	n := len(q.ids)
	r, c, err := s.prepare(ctx, d, q.request)
	if err != nil {
		return repeat(subfive.Outcome{Class: subfive.Rejected, Code: codeUnsendable, Message: d.scrub.message(err.Error())}, n)
	}
	a.Method, a.URL, a.RequestHeader, a.RequestBody = c.Method, c.URL, c.Header, c.Body
	a.AnswerHeader, a.AnswerBody = "", ""
	before := r.Clone(ctx)
	if err := d.Forwarder.Authorize(ctx, r, fresh); err != nil {
		return repeat(d.unauthorized(ctx, err), n)
	}
	scrub := d.scrub.and(added(before, r))
	answer := d.send(r, s.cfg.Now)
	a.AnswerHeader, a.AnswerBody = keptAnswer(answer, scrub)
	if answer.Err != nil {
		o := unanswered(ctx, answer)
		o.Message = scrub.message(o.Message)
		o.Ambiguous = o.Ambiguous && !q.harmless
		return repeat(o, n)
	}
	outcomes := spread(q.read(n, answer), n, answer)
	for i := range outcomes {
		outcomes[i] = scrub.outcome(outcomes[i])
	}
	return outcomes
}

// unauthorized says what an error of Authorize means.
func (d *destination) unauthorized(ctx context.Context, err error) subfive.Outcome {
	o := subfive.Outcome{Class: subfive.Transient, Code: "authorize", Message: d.scrub.message(withoutURL(err))}
	switch {
	case errors.Is(err, subfive.ErrUnauthorized):
		o.Class = subfive.Unauthorized
	case errors.Is(err, errAddress):
		o.Class, o.Code = subfive.Misconfigured, codeAddress
	case errors.Is(ctx.Err(), context.Canceled):
		o.Class = subfive.Deferred
	}
	return o
}
