package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"subfive"
	"subfive/alerts"
	"subfive/dashboard"
	"subfive/everflow"
	"subfive/forwarders/all"
	"subfive/store"
)

// deadFor is how long a delivery that died asks for a person: it is longer than
// a weekend, and no shorter than what platforms take.
const deadFor = 7 * 24 * time.Hour

// situation is what it takes to say how things stand.
type situation struct {
	now   time.Time
	query dashboard.NowQuery
	spans dashboard.Spans
	grid  []time.Time
	node  nowNode
	// down: the database does not answer. All below but alerts and failures is
	// empty then.
	down     bool
	alerts   []subfive.Alert // that are kept
	failures []everflow.Failures
	setup    subfive.Setup
	paused   map[string]subfive.Pause
	gaps     []alerts.Gap
	watched  []watched
	counts   store.Now
	currency string // of reports
}

// outlook is the answer.
type outlook struct {
	At       time.Time `json:"at"`
	Range    string    `json:"range"`
	Zone     string    `json:"zone"`
	Since    time.Time `json:"since"`
	Until    time.Time `json:"until"`
	Compared nowSpan   `json:"compared_with"`

	Verdict      nowVerdict   `json:"verdict"`
	Facts        nowFacts     `json:"facts"`
	Needs        []need       `json:"needs"`
	Numbers      *nowNumbers  `json:"numbers"`
	Destinations []nowTold    `json:"destinations"`
	Total        nowTotal     `json:"total"`
	Hours        []nowStretch `json:"hours"`
}

type nowSpan struct {
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
}

// nowNode is the state of the process that answers.
type nowNode struct {
	Database string `json:"database"` // up or down
	// Waiting are records in the journal that the database has not taken.
	Waiting  int64      `json:"journal_waiting"`
	OldestAt *time.Time `json:"journal_oldest_at"`
	Percent  int        `json:"journal_percent"` // of the space that it may take
	AtRisk   int        `json:"clicks_at_risk"`  // clicks that are in memory only
	Skewed   bool       `json:"clock_skewed"`    // so far that nothing is sent
}

// Now says how things stand, for the REST API.
func (b *backend) Now(ctx context.Context, q dashboard.NowQuery) (any, error) {
	if q.Zone == nil {
		q.Zone = b.t.zone
	}
	now := b.t.app.now()
	spans, err := q.Period.In(q.Zone, now)
	if err != nil {
		return nil, err
	}
	s := situation{
		now: now, query: q, spans: spans, grid: gridOf(spans), node: b.t.nowNode(), failures: b.t.budget.Failures(), currency: b.t.file.Server.Reporting.Currency,
	}
	err = b.look(ctx, &s)
	if errors.Is(err, errNoDatabase) || store.Down(err) {
		s.down, s.node.Database = true, "down"
		s.alerts, s.counts = b.t.watch.Alerts(), store.Now{}
		return s.outlook(b.t.channels()), nil
	}
	if err != nil {
		return nil, err
	}
	return s.outlook(b.t.channels()), nil
}

// look reads what the database knows.
func (b *backend) look(ctx context.Context, s *situation) error {
	st, err := b.open()
	if err != nil {
		return err
	}
	if s.setup, err = st.Setup(ctx); err != nil {
		return err
	}
	if s.paused, err = pausedDestinations(ctx, st); err != nil {
		return err
	}
	if s.alerts, err = st.Alerts(ctx); err != nil {
		return err
	}
	if s.gaps, err = gapsOf(ctx, st, s.setup, s.now, b.t.zone); err != nil {
		return err
	}
	for _, n := range s.setup.Networks {
		w, err := watchedOf(ctx, st, n.ID)
		if errors.Is(err, subfive.ErrNotFound) || n.APIKey == "" {
			continue
		}
		if err != nil {
			return err
		}
		s.watched = append(s.watched, w)
	}
	s.counts, err = st.ReadNow(ctx, s.storeQuery(b.t.zone))
	return err
}

// storeQuery asks the store. Days of another zone are no days of reports: they
// are read by the hour.
func (s *situation) storeQuery(reporting *time.Location) store.NowQuery {
	q := store.NowQuery{
		At: s.now, Span: store.Span{Since: s.spans.Since, Until: s.spans.Until},
		Before: store.Span{Since: s.spans.BeforeSince, Until: s.spans.BeforeUntil}, Grid: s.grid, DeadSince: s.now.Add(-deadFor),
		ByDay: s.spans.ByDays && shareDays(s.query.Zone, reporting, s.spans.BeforeSince, s.spans.Until),
	}
	q.ByHour = len(s.grid) < 2 || s.grid[1].Sub(s.grid[0]) < 20*time.Hour // a day has 23 at least
	for _, d := range s.setup.Destinations {
		if d.ArchivedAt == nil {
			p, _ := all.Find(d.Platform)
			q.Destinations = append(q.Destinations, store.NowDestination{ID: d.ID, MaxAge: p.MaxAge, DedupWindow: p.DedupWindow})
		}
	}
	return q
}

// shareDays reports whether two zones have the same days between two moments.
func shareDays(a, b *time.Location, since, until time.Time) bool {
	if a.String() == b.String() {
		return true
	}
	for at := since; at.Before(until.Add(24 * time.Hour)); at = at.Add(24 * time.Hour) {
		_, x := at.In(a).Zone()
		_, y := at.In(b).Zone()
		if x != y {
			return false
		}
	}
	return true
}

func (t *tracker) nowNode() nowNode {
	j := t.journal.Stats()
	n := nowNode{Database: "up", Waiting: j.Unrecorded, AtRisk: int(t.metrics.clicksAtRisk.Load()), Skewed: t.skewed.Load()}
	if !j.OldestUnrecorded.IsZero() {
		n.OldestAt = &j.OldestUnrecorded
	}
	if j.Cap > 0 {
		n.Percent = int(j.Held * 100 / j.Cap)
	}
	return n
}

// channels are where alerts are sent, by their kinds.
func (t *tracker) channels() []string {
	kinds := []string{}
	for _, a := range t.file.Server.Alerts {
		if !slices.Contains(kinds, a.Kind) {
			kinds = append(kinds, a.Kind)
		}
	}
	return kinds
}

// nowCounts is what a navigation shows.
type nowCounts struct {
	Dead      int `json:"dead"`      // deliveries of the last 7 days that were not sent again
	Held      int `json:"held"`      // destinations that are paused
	Unsettled int `json:"unsettled"` // possible duplicates
	Alerts    int `json:"alerts"`    // that are open and not muted
	// Missing are the network's conversions that are not here; nil: nobody compared
	// of late.
	Missing *int `json:"missing"`
}

// NowCounts counts what asks for a person, for the REST API.
func (b *backend) NowCounts(ctx context.Context) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	now := b.t.app.now()
	s := situation{now: now}
	if s.setup, err = st.Setup(ctx); err != nil {
		return nil, err
	}
	if s.paused, err = pausedDestinations(ctx, st); err != nil {
		return nil, err
	}
	if s.alerts, err = st.Alerts(ctx); err != nil {
		return nil, err
	}
	if s.gaps, err = gapsOf(ctx, st, s.setup, now, b.t.zone); err != nil {
		return nil, err
	}
	c := nowCounts{Alerts: len(s.open()), Missing: missing(s.gaps)}
	var ids []string
	for _, d := range s.setup.Destinations {
		if d.ArchivedAt == nil {
			ids = append(ids, d.ID)
			if s.isHeld(d) {
				c.Held++
			}
		}
	}
	counted, err := st.NowCounts(ctx, ids, now.Add(-deadFor))
	c.Dead, c.Unsettled = counted.Dead, counted.Unsettled
	return c, err
}

// missing are the networks' conversions that are not here.
func missing(gaps []alerts.Gap) *int {
	if len(gaps) == 0 {
		return nil
	}
	n := 0
	for _, g := range gaps {
		n += g.Theirs - g.Ours
	}
	return &n
}

// open are the alerts that fire and that nobody muted.
func (s *situation) open() []subfive.Alert {
	return slices.DeleteFunc(slices.Clone(s.alerts), func(a subfive.Alert) bool {
		return a.State != subfive.AlertFiring || a.MutedUntil.After(s.now)
	})
}

// isHeld reports whether nothing is sent to a destination though it should be.
func (s *situation) isHeld(d subfive.Destination) bool {
	_, paused := s.paused[d.ID]
	return paused && d.Mode != subfive.ModeDryRun
}
