package attribution

import (
	"maps"
	"slices"
	"time"

	"subfive"
)

// book is what is known while a batch is decided: what the store knew, and on
// top of it what the batch has decided so far. At the end it is the Batch.
type book struct {
	rules Rules
	now   time.Time

	stored     map[string]bool
	clicks     map[string]subfive.Click
	fresh      map[string]int             // new clicks: their place in batch.Clicks
	enriched   map[string]bool            // stored clicks that a landing page told more of
	visits     map[string][]subfive.Visit // by the click they are of
	groups     []*subfive.Group
	byKey      map[string][]*subfive.Group // transaction and click keys of subfive.Session
	deliveries map[string][]subfive.Delivery
	owed       map[string]int                  // new deliveries: their place in batch.Deliveries
	credited   map[string][]subfive.Conversion // stored ones, by the click they count for

	// quiet: what is being judged is imported, and nobody is told of it.
	quiet   bool
	touched map[string]bool // conversions to write, by ID
	changed map[string]bool // groups to write, by ID
	order   []*subfive.Group
	loose   []subfive.Conversion // of no group
	batch   subfive.Batch
}

func newBook(r Rules, k subfive.Known, now time.Time) *book {
	b := &book{
		rules: r, now: now,
		stored:     map[string]bool{},
		clicks:     map[string]subfive.Click{},
		fresh:      map[string]int{},
		enriched:   map[string]bool{},
		visits:     map[string][]subfive.Visit{},
		byKey:      map[string][]*subfive.Group{},
		deliveries: map[string][]subfive.Delivery{},
		owed:       map[string]int{},
		credited:   map[string][]subfive.Conversion{},
		touched:    map[string]bool{},
		changed:    map[string]bool{},
		batch:      subfive.Batch{Versions: map[string]int64{}, At: now},
	}
	for id := range k.Stored {
		b.stored[id] = true
	}
	for id, c := range k.Clicks {
		b.clicks[id] = c
	}
	for _, v := range k.Visits {
		b.visits[v.ClickID] = append(b.visits[v.ClickID], v)
	}
	for _, g := range k.Groups {
		b.index(&g)
	}
	for _, c := range k.Credited {
		b.credited[c.AttributedClickID] = append(b.credited[c.AttributedClickID], c)
	}
	for _, d := range k.Deliveries {
		b.deliveries[d.ConversionID] = append(b.deliveries[d.ConversionID], d)
	}
	return b
}

func (b *book) index(g *subfive.Group) {
	b.groups = append(b.groups, g)
	for _, key := range sessionOf(g).Keys() {
		b.byKey[key] = append(b.byKey[key], g)
	}
}

func sessionOf(g *subfive.Group) subfive.Session {
	return subfive.Session{NetworkID: g.NetworkID, TransactionID: g.TransactionID, ClickID: g.ClickID}
}

// guard makes the batch depend on the session's versions: nobody else may have
// written it since it was read.
func (b *book) guard(k subfive.Known, s subfive.Session) {
	for _, key := range s.Keys() {
		b.batch.Versions[key] = k.Versions[key]
	}
}

// join returns the group that the postback belongs to, and begins one if there
// is none. The postback's transaction ID decides; where it or the group has
// none, the click ID does.
func (b *book) join(p subfive.Postback, at time.Time) *subfive.Group {
	s := session(p)
	if p.TransactionID != "" {
		for _, g := range b.byKey[subfive.Session{NetworkID: s.NetworkID, TransactionID: s.TransactionID}.Keys()[0]] {
			b.complete(g, s)
			return g
		}
	}
	var fallback *subfive.Group
	if p.ClickID != "" {
		for _, g := range b.byKey[subfive.Session{NetworkID: s.NetworkID, ClickID: s.ClickID}.Keys()[0]] {
			if p.TransactionID != "" && g.TransactionID != "" {
				continue // two click sessions of one click
			}
			fallback = g
			if rel, _ := place(p, g.Conversions, at); rel != another {
				break
			}
		}
	}
	if fallback != nil {
		b.complete(fallback, s)
		return fallback
	}
	g := &subfive.Group{
		ID:            subfive.DeriveID(subfive.PrefixGroup, s.NetworkID, groupKey(s)),
		NetworkID:     s.NetworkID,
		TransactionID: s.TransactionID,
		ClickID:       s.ClickID,
	}
	b.index(g)
	b.change(g)
	return g
}

func groupKey(s subfive.Session) string {
	if s.TransactionID != "" {
		return "t " + s.TransactionID
	}
	return "c " + s.ClickID
}

// complete gives a group the key that it lacked.
func (b *book) complete(g *subfive.Group, s subfive.Session) {
	lacked := subfive.Session{NetworkID: g.NetworkID}
	if g.TransactionID == "" && s.TransactionID != "" {
		g.TransactionID, lacked.TransactionID = s.TransactionID, s.TransactionID
	}
	if g.ClickID == "" && s.ClickID != "" {
		g.ClickID, lacked.ClickID = s.ClickID, s.ClickID
	}
	for _, key := range lacked.Keys() {
		b.byKey[key] = append(b.byKey[key], g)
		b.change(g)
	}
}

func (b *book) change(g *subfive.Group) {
	if !b.changed[g.ID] {
		b.changed[g.ID] = true
		b.order = append(b.order, g)
	}
}

// touch notes that a conversion is to be written.
func (b *book) touch(id string) { b.touched[id] = true }

// owe adds deliveries. That a conversion has none of that kind for the
// destination yet is seen to by plan and follow.
func (b *book) owe(ds ...subfive.Delivery) {
	for _, d := range ds {
		b.deliveries[d.ConversionID] = append(b.deliveries[d.ConversionID], d)
		b.owed[d.ID] = len(b.batch.Deliveries)
		b.batch.Deliveries = append(b.batch.Deliveries, d)
	}
}

// close returns the batch with all conversions and groups that changed.
func (b *book) close() subfive.Batch {
	for _, id := range slices.Sorted(maps.Keys(b.enriched)) {
		b.batch.Enriched = append(b.batch.Enriched, b.clicks[id])
	}
	for _, g := range b.order {
		b.batch.Groups = append(b.batch.Groups, *g)
	}
	for _, g := range b.groups {
		for _, c := range g.Conversions {
			if b.touched[c.ID] {
				b.batch.Conversions = append(b.batch.Conversions, c)
			}
		}
	}
	b.batch.Conversions = append(b.batch.Conversions, b.loose...)
	return b.batch
}

func session(p subfive.Postback) subfive.Session {
	return subfive.Session{NetworkID: p.NetworkID, TransactionID: p.TransactionID, ClickID: p.ClickID}
}
