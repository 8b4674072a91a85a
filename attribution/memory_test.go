package attribution

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"subfive"
)

// memory is a store in memory that keeps the store's promises: all of a batch
// or nothing, guards checked, what is stored left alone.
type memory struct {
	mu          sync.Mutex
	clicks      map[string]subfive.Click
	visits      map[string]subfive.Visit
	postbacks   map[string]subfive.Judged
	groups      map[string]subfive.Group
	conversions map[string]subfive.Conversion
	deliveries  map[string]subfive.Delivery
	changes     []subfive.Change
	broken      []subfive.Broken
	versions    map[string]int64
	positions   map[string]int64

	refuse func(subfive.Batch) error // a failure to inject
}

func newMemory() *memory {
	return &memory{
		clicks: map[string]subfive.Click{}, visits: map[string]subfive.Visit{}, postbacks: map[string]subfive.Judged{}, groups: map[string]subfive.Group{},
		conversions: map[string]subfive.Conversion{}, deliveries: map[string]subfive.Delivery{},
		versions: map[string]int64{}, positions: map[string]int64{},
	}
}

func (m *memory) Lookup(_ context.Context, l subfive.Lookup) (subfive.Known, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := subfive.Known{Stored: map[string]bool{}, Clicks: map[string]subfive.Click{}, Versions: map[string]int64{}}
	for _, id := range l.PostbackIDs {
		if _, ok := m.postbacks[id]; ok {
			k.Stored[id] = true
		}
	}
	for _, id := range l.VisitIDs {
		if _, ok := m.visits[id]; ok {
			k.Stored[id] = true
		}
	}
	for _, id := range slices.Sorted(maps.Keys(m.visits)) {
		if v := m.visits[id]; l.WithWaiting && slices.Contains(l.ClickIDs, v.ClickID) {
			k.Visits = append(k.Visits, v)
		}
	}
	asked := map[string]bool{}
	for _, s := range l.Sessions {
		for _, key := range s.Keys() {
			asked[key] = true
			k.Versions[key] = m.versions[key]
		}
	}
	known := map[string]bool{}
	for _, id := range slices.Sorted(maps.Keys(m.groups)) {
		g := m.groups[id]
		if !slices.ContainsFunc(sessionOf(&g).Keys(), func(key string) bool { return asked[key] }) {
			continue
		}
		g.Conversions = nil
		for _, c := range m.sorted() {
			if c.GroupID == id {
				g.Conversions = append(g.Conversions, c)
				known[c.ID] = true
			}
		}
		k.Groups = append(k.Groups, g)
	}
	for _, c := range m.sorted() {
		unmatched := c.Verdict == subfive.VerdictWaiting || c.Verdict == subfive.VerdictUnmatched
		if l.WithWaiting && unmatched && slices.Contains(l.ClickIDs, c.ReceivedClickID) {
			k.Waiting = append(k.Waiting, c)
			known[c.ID] = true
		}
	}
	for _, c := range m.sorted() {
		if c.AttributedClickID != "" && slices.Contains(l.CreditedTo, c.AttributedClickID) {
			k.Credited = append(k.Credited, c)
			known[c.ID] = true
		}
	}
	for _, id := range slices.Sorted(maps.Keys(m.deliveries)) {
		if d := m.deliveries[id]; known[d.ConversionID] {
			k.Deliveries = append(k.Deliveries, d)
		}
	}
	ids := l.ClickIDs
	for id := range known {
		ids = append(ids, m.conversions[id].AttributedClickID)
	}
	for _, id := range ids {
		if c, ok := m.clicks[id]; ok {
			k.Clicks[id] = c
		}
	}
	return k, nil
}

func (m *memory) sorted() []subfive.Conversion {
	return slices.SortedFunc(maps.Values(m.conversions), func(a, b subfive.Conversion) int {
		return cmpOr(a.Seq-b.Seq, slices.Compare([]string{a.ID}, []string{b.ID}))
	})
}

func cmpOr(a, b int) int {
	if a != 0 {
		return a
	}
	return b
}

func (m *memory) RecordBatch(_ context.Context, b subfive.Batch) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refuse != nil {
		if err := m.refuse(b); err != nil {
			return err
		}
	}
	conversions := slices.Clone(b.Conversions)
	for _, p := range b.Promotions {
		conversions = append(conversions, p.Conversion)
	}
	for key, v := range b.Versions {
		if m.versions[key] != v {
			return subfive.ErrConflict
		}
	}
	for _, c := range conversions {
		if m.conversions[c.ID].Version != c.Version {
			return subfive.ErrConflict
		}
	}
	for _, c := range b.Enriched {
		if m.clicks[c.ID].Version != c.Version {
			return subfive.ErrConflict
		}
	}
	for key, v := range b.Versions {
		m.versions[key] = v + 1
	}
	for _, c := range b.Clicks {
		if _, ok := m.clicks[c.ID]; !ok {
			m.clicks[c.ID] = c
		}
	}
	for _, v := range b.Visits {
		if _, ok := m.visits[v.ID]; !ok {
			m.visits[v.ID] = v
		}
	}
	for _, c := range b.Enriched {
		c.Version++
		m.clicks[c.ID] = c
	}
	for _, j := range append(slices.Clone(b.Postbacks), b.Settlements...) {
		m.postbacks[j.Postback.ID] = j
	}
	for _, g := range b.Groups {
		m.groups[g.ID] = g
	}
	for _, c := range conversions {
		c.Version++
		m.conversions[c.ID] = c
	}
	m.changes = append(m.changes, b.Changes...)
	m.broken = append(m.broken, b.Broken...)
	for _, w := range b.Withdrawals {
		if d := m.deliveries[w.DeliveryID]; d.Status == subfive.DeliveryScheduled && d.FirstAttemptAt.IsZero() {
			d.Status, d.ReasonCode, d.Reason = subfive.DeliverySkipped, w.ReasonCode, w.Reason
			m.deliveries[d.ID] = d
		}
	}
	for _, id := range b.Limited {
		if d := m.deliveries[id]; d.Status == subfive.DeliveryScheduled && d.FirstAttemptAt.IsZero() {
			d.LimitedUse = true
			m.deliveries[id] = d
		}
	}
	m.insert(b.Deliveries)
	for _, p := range b.Promotions {
		m.insert(p.Deliveries)
		if j, ok := m.postbacks[p.Conversion.PostbackID]; ok && len(p.Trace) > 0 {
			j.Verdict, j.Trace = p.Conversion.Verdict, append(j.Trace, p.Trace...)
			m.postbacks[j.Postback.ID] = j
		}
	}
	for _, p := range b.Positions {
		m.positions[p.Segment] = max(m.positions[p.Segment], p.Pos)
	}
	return nil
}

func (m *memory) insert(ds []subfive.Delivery) {
	for _, d := range ds {
		if d.Status == subfive.DeliveryScheduled && m.neverSent(d.WaitsFor) {
			d.Status, d.ReasonCode = subfive.DeliverySkipped, reasonNeverSent
		}
		if _, ok := m.deliveries[d.ID]; !ok {
			m.deliveries[d.ID] = d
		}
	}
}

// neverSent reports whether the conversion at the lineage's beginning was never
// sent, nor anything after it up to that delivery.
func (m *memory) neverSent(id string) bool {
	d, ok := m.deliveries[id]
	unsent := d.Status == subfive.DeliverySkipped || d.Status == subfive.DeliveryDead && d.AmbiguousAt.IsZero()
	return ok && unsent && (d.Kind == subfive.KindConversion || m.neverSent(d.WaitsFor))
}

func (m *memory) Due(_ context.Context, now time.Time, limit int) ([]subfive.Conversion, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var due []subfive.Conversion
	for _, c := range m.sorted() {
		if !c.ReviewAt.IsZero() && !c.ReviewAt.After(now) && len(due) < limit {
			due = append(due, c)
		}
	}
	return due, nil
}

func (m *memory) Judged(_ context.Context, id string) (subfive.Judged, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	j, ok := m.postbacks[id]
	if !ok {
		return j, subfive.ErrNotFound
	}
	return j, nil
}

func (m *memory) Conversion(_ context.Context, id string) (subfive.Conversion, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.conversions[id]
	if !ok {
		return c, subfive.ErrNotFound
	}
	return c, nil
}
