package outbox

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"subfive"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.DiscardHandler)

// memory is a Queue that honors leases, pauses and versions strictly.
type memory struct {
	mu     sync.Mutex
	rows   map[string]*row
	pauses map[string]subfive.Pause
	ends   map[string]int // how often a delivery ended
	lost   []string
	// attempts are the exchanges recorded, kept for lost leases too.
	attempts []subfive.Attempt
	claims   []claimed
	// pauseWrites counts the pauses stored.
	pauseWrites int
	fail        func(op string) error // nil: nothing fails
}

type claimed struct {
	at    time.Time
	n     int
	probe bool
}

type row struct {
	d       subfive.Delivery
	next    time.Time
	lease   string
	crashes int
	limit   int
	tried   bool
	gone    bool // it left the outbox
}

func newMemory(ds ...subfive.Delivery) *memory {
	q := &memory{rows: map[string]*row{}, pauses: map[string]subfive.Pause{}, ends: map[string]int{}}
	q.add(ds...)
	return q
}

func (q *memory) add(ds ...subfive.Delivery) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, d := range ds {
		if d.Status == "" {
			d.Status = subfive.DeliveryScheduled
		}
		q.rows[d.ID] = &row{d: d, next: d.CreatedAt}
	}
}

func (q *memory) failing(op string) error {
	if q.fail == nil {
		return nil
	}
	return q.fail(op)
}

func (q *memory) Take(_ context.Context, id, lease string, now, until time.Time, limit int, probe bool) ([]subfive.Claim, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.failing("take"); err != nil {
		return nil, err
	}
	if p := q.pauses[id]; p.Manual || !probe && !p.Until.IsZero() {
		return nil, nil
	}
	var claims []subfive.Claim
	for _, r := range q.due(id) {
		if len(claims) == limit || r.next.After(now) {
			break
		}
		if r.lease != "" {
			r.crashes++
		}
		r.lease, r.next = lease, until
		claims = append(claims, subfive.Claim{Delivery: r.d, LeaseID: lease, Crashes: r.crashes, BatchLimit: r.limit})
	}
	if len(claims) > 0 {
		q.claims = append(q.claims, claimed{now, len(claims), probe})
		if err := q.failing("taken"); err != nil {
			return nil, err // it committed, and the answer was lost
		}
	}
	return claims, nil
}

func (q *memory) Abandon(_ context.Context, id, lease string, now time.Time) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.failing("abandon"); err != nil {
		return err
	}
	for _, r := range q.due(id) {
		if r.lease == lease {
			r.lease, r.next = "", now
		}
	}
	return nil
}

func (q *memory) due(id string) []*row {
	var rows []*row
	for _, r := range q.rows {
		if r.d.DestinationID == id && !r.gone {
			rows = append(rows, r)
		}
	}
	slices.SortFunc(rows, func(a, b *row) int {
		return cmp.Or(a.next.Compare(b.next), cmp.Compare(a.d.ID, b.d.ID))
	})
	return rows
}

func (q *memory) Finish(_ context.Context, f subfive.Finish) (lost []string, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.failing("finish"); err != nil {
		return nil, err
	}
	q.attempts = append(q.attempts, f.Attempts...)
	for _, s := range f.Settled {
		r := q.rows[s.DeliveryID]
		if r == nil || r.gone || r.lease != s.LeaseID {
			lost = append(lost, s.DeliveryID)
			continue
		}
		q.apply(r, s)
	}
	for _, id := range f.Revived {
		r := q.rows[id]
		if r.d.Status != subfive.DeliveryDead {
			return nil, fmt.Errorf("revive %s: it is %s", id, r.d.Status)
		}
		r.gone, r.lease, r.next, r.d.Status = false, "", f.At, subfive.DeliveryScheduled
		q.ends[id]--
	}
	q.lost = append(q.lost, lost...)
	return lost, nil
}

func (q *memory) apply(r *row, s subfive.Settled) {
	d := &r.d
	d.Status, d.ReasonCode, d.Reason = s.Status, s.ReasonCode, s.Reason
	d.DeliveredAt, d.ConfirmedAt, d.LastHTTP, d.LastCode, d.Ref = s.DeliveredAt, s.ConfirmedAt, s.LastHTTP, s.LastCode, s.Ref
	if s.Counts {
		d.Attempts++
	}
	if !s.AmbiguousAt.IsZero() {
		d.AmbiguousAt = s.AmbiguousAt
	}
	r.tried = r.tried || s.Tried
	r.lease, r.crashes, r.limit, r.next = "", 0, s.BatchLimit, s.NextAttemptAt
	if s.Status != subfive.DeliveryScheduled && s.Status != subfive.DeliverySubmitted {
		r.gone = true
		q.ends[d.ID]++
	}
}

func (q *memory) NextDue(_ context.Context, id string) (time.Time, bool, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.failing("next"); err != nil {
		return time.Time{}, false, err
	}
	rows := q.due(id)
	if len(rows) == 0 {
		return time.Time{}, false, nil
	}
	return rows[0].next, true, nil
}

func (q *memory) Pause(_ context.Context, id string) (subfive.Pause, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.failing("pause"); err != nil {
		return subfive.Pause{}, err
	}
	p := q.pauses[id]
	p.DestinationID = id
	return p, nil
}

func (q *memory) SetPause(_ context.Context, p subfive.Pause) (bool, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.failing("set pause"); err != nil {
		return false, err
	}
	if q.pauses[p.DestinationID].Version != p.Version {
		return false, nil
	}
	p.Version++
	q.pauses[p.DestinationID] = p
	q.pauseWrites++
	return true, nil
}

func (q *memory) delivery(id string) subfive.Delivery {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.rows[id].d
}

func (q *memory) pause(id string) subfive.Pause {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.pauses[id]
}

// tally counts the deliveries by status.
func (q *memory) tally() map[subfive.DeliveryStatus]int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := map[subfive.DeliveryStatus]int{}
	for _, r := range q.rows {
		n[r.d.Status]++
	}
	return n
}

func (q *memory) leased() (ids []string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for id, r := range q.rows {
		if !r.gone && r.lease != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// platform is a Sender: answer says what it makes of a request.
type platform struct {
	mu     sync.Mutex
	answer func(ctx context.Context, ds []subfive.Delivery) []subfive.Outcome
	// askAnswer is for Ask.
	askAnswer func(ds []subfive.Delivery) []subfive.Outcome
	sent      []sent
	asked     []sent
	got       map[string]int // how often it took an event
}

type sent struct {
	at  time.Time
	ids []string
}

func newPlatform(answer func(ctx context.Context, ds []subfive.Delivery) []subfive.Outcome) *platform {
	return &platform{answer: answer, got: map[string]int{}}
}

func (p *platform) Send(ctx context.Context, _ string, ds []subfive.Delivery) Exchange {
	p.mu.Lock()
	p.sent = append(p.sent, sent{time.Now(), ids(ds)})
	p.mu.Unlock()
	return p.exchange(ds, p.answer(ctx, ds))
}

func (p *platform) Ask(_ context.Context, _ string, ds []subfive.Delivery) Exchange {
	p.mu.Lock()
	p.asked = append(p.asked, sent{time.Now(), ids(ds)})
	p.mu.Unlock()
	return p.exchange(ds, p.askAnswer(ds))
}

func (p *platform) exchange(ds []subfive.Delivery, os []subfive.Outcome) Exchange {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, o := range os {
		if o.Class == subfive.Accepted {
			p.got[ds[i].ID]++
		}
	}
	return Exchange{Outcomes: os, Attempt: &subfive.Attempt{ID: fmt.Sprint(len(p.sent)), Outcome: os[0]}}
}

func (p *platform) requests() []sent {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.sent)
}

func ids(ds []subfive.Delivery) (all []string) {
	for _, d := range ds {
		all = append(all, d.ID)
	}
	return all
}

// all gives each delivery the same outcome.
func all(o subfive.Outcome) func(context.Context, []subfive.Delivery) []subfive.Outcome {
	return func(_ context.Context, ds []subfive.Delivery) []subfive.Outcome { return each(ds, o) }
}

func each(ds []subfive.Delivery, o subfive.Outcome) []subfive.Outcome {
	return slices.Repeat([]subfive.Outcome{o}, len(ds))
}

var (
	taken   = subfive.Outcome{Class: subfive.Accepted, HTTP: 200}
	down    = subfive.Outcome{Class: subfive.Transient, HTTP: 503}
	refused = subfive.Outcome{Class: subfive.Rejected, HTTP: 400, Code: "100", Message: "bad event"}
	denied  = subfive.Outcome{Class: subfive.Unauthorized, HTTP: 401, Code: "190", Message: "token expired"}
)

// owed makes n deliveries to a destination that became due in their order.
func owed(destination string, n int, at time.Time) []subfive.Delivery {
	ds := make([]subfive.Delivery, n)
	for i := range ds {
		ds[i] = subfive.Delivery{
			ID: fmt.Sprintf("%s-%04d", destination, i), DestinationID: destination, Kind: subfive.KindConversion, Mode: subfive.ModeLive,
			CreatedAt: at.Add(time.Duration(i-n) * time.Millisecond), DeadlineAt: at.Add(7 * 24 * time.Hour),
		}
	}
	return ds
}

// start runs a dispatcher; stop ends it and waits.
func start(t *testing.T, d Destination, q Queue, s Sender) (w *Dispatcher, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w = New(d, q, s, quiet, time.Now)
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	return w, func() error {
		cancel()
		return <-done
	}
}
