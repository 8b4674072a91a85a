package outbox

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"subfive"
)

// model drives real dispatchers, of several nodes that share a queue, step by
// step: claims, answers, finishes, crashes and hours pass in any order. The
// oracle is the platform, which knows what it took.
type model struct {
	now     time.Time
	queue   *memory
	nodes   []*node
	weather weather

	mu     sync.Mutex
	poison map[string]bool
	took   map[string]int
	// mayRepeat: a send's answer was lost, or a worker did not live or was too
	// slow to write it down.
	mayRepeat map[string]bool
	misled    bool // good events were refused one by one
}

type node struct {
	w     *Dispatcher
	ended []ended // their answers came, and are not written down
}

type weather string

const (
	fair         weather = "fair"
	outage       weather = "outage"
	lossy        weather = "lossy" // it takes the events, and the answer is lost
	busy         weather = "busy"
	locked       weather = "locked"
	miswired     weather = "miswired" // all is refused, as if each event were bad
	naming       weather = "naming"   // it names the bad ones
	slowToDecide weather = "slow to decide"
)

const modelWindow = 48 * time.Hour

func newModel(t *rapid.T) *model {
	m := &model{
		now: noon, weather: fair, poison: map[string]bool{}, took: map[string]int{}, mayRepeat: map[string]bool{},
	}
	ds := owed("meta", rapid.IntRange(1, 40).Draw(t, "deliveries"), noon)
	for i := range ds {
		if rapid.IntRange(0, 9).Draw(t, "poison") == 0 {
			m.poison[ds[i].ID] = true
		}
		if rapid.IntRange(0, 4).Draw(t, "kind") == 0 {
			ds[i].Kind = subfive.KindApproval
		}
	}
	m.queue = newMemory(ds...)
	for range rapid.IntRange(1, 3).Draw(t, "nodes") {
		m.nodes = append(m.nodes, &node{w: m.dispatcher()})
	}
	return m
}

func (m *model) dispatcher() *Dispatcher {
	d := Destination{ID: "meta", MaxBatch: 8, InFlight: 3, DedupWindow: modelWindow}
	return New(d, m.queue, m, quiet, func() time.Time { return m.now }, WithRandom(half))
}

// Send is the platform.
func (m *model) Send(_ context.Context, _ string, ds []subfive.Delivery) Exchange {
	m.mu.Lock()
	defer m.mu.Unlock()
	bad := func(d subfive.Delivery) bool { return m.poison[d.ID] }
	answer := func(o subfive.Outcome) Exchange {
		for _, d := range ds {
			if o.Class == subfive.Accepted || o.Ambiguous {
				m.took[d.ID]++
			}
			if o.Ambiguous {
				m.mayRepeat[d.ID] = true
			}
		}
		return Exchange{Outcomes: each(ds, o), Attempt: &subfive.Attempt{Outcome: o}}
	}
	switch m.weather {
	case outage:
		return answer(down)
	case busy:
		return answer(subfive.Outcome{Class: subfive.Throttled, HTTP: 429, RetryAfter: 90 * time.Second})
	case locked:
		return answer(denied)
	case miswired:
		m.misled = true
		return answer(refused)
	case fair, lossy, naming, slowToDecide:
	}
	if !slices.ContainsFunc(ds, bad) {
		switch m.weather {
		case lossy:
			return answer(subfive.Outcome{Class: subfive.Transient, Ambiguous: true, Code: "timeout"})
		case slowToDecide:
			return answer(subfive.Outcome{Class: subfive.Submitted, HTTP: 200, Ref: ds[0].ID})
		case fair, naming, outage, busy, locked, miswired:
		}
		return answer(taken)
	}
	x := answer(refused)
	for i, d := range ds {
		x.Outcomes[i].Named = m.weather == naming && bad(d)
	}
	return x
}

// Ask is the platform too: what it was slow to decide it then took.
func (m *model) Ask(_ context.Context, _ string, ds []subfive.Delivery) Exchange {
	m.mu.Lock()
	defer m.mu.Unlock()
	o := taken
	if m.weather == outage {
		o = down
	}
	if o.Class == subfive.Accepted {
		for _, d := range ds {
			m.took[d.ID]++
		}
	}
	return Exchange{Outcomes: each(ds, o), Attempt: &subfive.Attempt{Outcome: o}}
}

// step is one round of a node: what it may begin begins, and is answered.
func (m *model) step(t fataler, n *node) {
	ctx := context.Background()
	if _, err := n.w.round(ctx, ctx); err != nil {
		t.Fatalf("round: %v", err)
	}
	var answered []ended
	for range n.w.inFlight - len(n.ended) {
		answered = append(answered, <-n.w.results)
	}
	slices.SortFunc(answered, func(a, b ended) int { // the same run, the same order
		return cmp.Compare(a.claims[0].Delivery.ID, b.claims[0].Delivery.ID)
	})
	n.ended = append(n.ended, answered...)
}

// write has a node write down the first k of its answers.
func (m *model) write(t fataler, n *node, k int) {
	some := n.ended[:k]
	n.ended = slices.Clone(n.ended[k:])
	if err := n.w.settle(context.Background(), some); err != nil {
		t.Fatalf("settle: %v", err)
	}
}

func (m *model) repeatable(e ended) {
	for _, c := range e.claims {
		m.mayRepeat[c.Delivery.ID] = true
	}
}

type fataler interface{ Fatalf(string, ...any) }

func (m *model) check(t *rapid.T) {
	for _, n := range m.nodes {
		for _, e := range n.ended {
			if !m.now.Before(e.until) {
				m.repeatable(e)
			}
		}
	}
	for id, r := range m.queue.rows {
		if n := m.queue.ends[id]; n > 1 || (n == 1) != r.gone {
			t.Fatalf("%s ended %d times, gone: %v", id, n, r.gone)
		}
		if r.gone && r.d.ReasonCode == "" {
			t.Fatalf("%s is %s without a reason", id, r.d.Status)
		}
		if r.d.Status == subfive.DeliveryDelivered && m.took[id] == 0 {
			t.Fatalf("%s is delivered, and the platform has it not", id)
		}
		if m.took[id] > 1 && !m.mayRepeat[id] {
			t.Fatalf("the platform has %s %d times", id, m.took[id])
		}
		if r.d.Status == subfive.DeliveryDead && r.d.ReasonCode == "rejected" && !m.poison[id] && !m.misled {
			t.Fatalf("%s is dead, and nothing is wrong with it", id)
		}
	}
}

// end lets the weather clear and waits: all must end.
func (m *model) end(t *rapid.T) {
	m.weather = fair
	for range 3000 {
		for _, n := range m.nodes {
			m.step(t, n)
			m.write(t, n, len(n.ended))
		}
		if len(m.queue.due("meta")) == 0 {
			m.check(t)
			return
		}
		m.now = m.now.Add(20 * time.Second)
	}
	t.Fatalf("not all ended: %v", m.queue.tally())
}

func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t)
		pick := func(t *rapid.T) *node {
			return m.nodes[rapid.IntRange(0, len(m.nodes)-1).Draw(t, "node")]
		}
		t.Repeat(map[string]func(*rapid.T){
			"step": func(t *rapid.T) { m.step(t, pick(t)) },
			"write": func(t *rapid.T) {
				n := pick(t)
				m.write(t, n, rapid.IntRange(0, len(n.ended)).Draw(t, "answers"))
			},
			"crash": func(t *rapid.T) {
				n := pick(t)
				for _, e := range n.ended {
					m.repeatable(e)
				}
				*n = node{w: m.dispatcher()}
			},
			"wait": func(t *rapid.T) {
				m.now = m.now.Add(time.Duration(rapid.IntRange(1, 200).Draw(t, "seconds")) * time.Second)
			},
			"weather": func(t *rapid.T) {
				m.weather = rapid.SampledFrom([]weather{fair, outage, lossy, busy, locked, miswired, naming, slowToDecide}).Draw(t, "weather")
			},
			"pause": func(t *rapid.T) {
				p := m.queue.pauses["meta"]
				p.DestinationID, p.Until, p.Manual = "meta", m.now.Add(1000*time.Hour), true
				if won, err := m.queue.SetPause(context.Background(), p); !won || err != nil {
					t.Fatalf("pause: %v, %v", won, err)
				}
			},
			"resume": func(t *rapid.T) { m.resume(t) },
			"":       m.check,
		})
		m.resume(t)
		m.end(t)
	})
}

func (m *model) resume(t *rapid.T) {
	p := subfive.Pause{DestinationID: "meta", Version: m.queue.pauses["meta"].Version}
	if won, err := m.queue.SetPause(context.Background(), p); !won || err != nil {
		t.Fatalf("resume: %v, %v", won, err)
	}
}
