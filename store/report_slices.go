package store

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
)

// A slice is what one statement of a long report counts: it begins short, and is
// made longer or shorter so that none takes long.
const (
	firstSlice = time.Hour
	longSlice  = 7 * 24 * time.Hour
	quickSlice = time.Second
	slowSlice  = 5 * time.Second
	// keptRows is how many rows of a long report are kept.
	keptRows = 1000
)

// LongReport answers a query that nobody waits for. It reads a slice of time
// after the other, on a connection of its own, and rests between them for as long
// as they took. progress is told the share that is done, of 100; its error ends
// the report.
func (s *Store) LongReport(ctx context.Context, q ReportQuery, clock func() time.Time, progress func(percent int) error) (Report, error) {
	p, err := s.planReport(ctx, q)
	if err != nil {
		return Report{}, err
	}
	p.apart = true
	p.q.Limit = cmp.Or(p.q.Limit, keptRows)
	l := longReport{s: s, p: p, clock: clock, progress: progress, whole: p.q.Until.Sub(p.q.Since)}
	var earlier *reportPlan
	if p.q.Compare != "" {
		e := *p
		earlier = &e
		earlier.q.Since, earlier.q.Until = p.q.earlier()
		l.whole += earlier.q.Until.Sub(earlier.q.Since)
	}
	groups, all, err := l.count(ctx, p)
	if err != nil {
		return Report{}, wrap("make a report", err)
	}
	var before *reportBefore
	if earlier != nil {
		before = &reportBefore{plan: earlier}
		there, all, err := l.count(ctx, earlier)
		if err != nil {
			return Report{}, wrap("make a report", err)
		}
		before.all = all
		before.match(p, there)
	}
	out := s.newReport(p)
	out.RowCount = int64(len(groups))
	p.order(groups)
	if len(groups) > p.q.Limit {
		groups = groups[:p.q.Limit]
	}
	return out, wrap("make a report", s.fill(ctx, p, &out, groups, all, before))
}

// longReport is one under way.
type longReport struct {
	s           *Store
	p           *reportPlan
	clock       func() time.Time
	progress    func(int) error
	whole, done time.Duration
}

// count reads a plan's span slice by slice, and adds them up.
func (l *longReport) count(ctx context.Context, p *reportPlan) ([]reportGroup, reportAll, error) {
	all := reportAll{totals: reportSums{}, series: map[string]reportSums{}, plan: p}
	by := p.by
	at := slices.IndexFunc(by, func(d ReportDimension) bool { return d.Name == p.q.Interval })
	if at < 0 {
		d, _ := findDimension(p.q.Interval)
		at, by = len(by), append(slices.Clone(by), d)
	}
	sums := map[string]reportGroup{}
	length := firstSlice
	for since := p.q.Since; since.Before(p.q.Until); {
		until := since.Add(length)
		if until.After(p.q.Until) {
			until = p.q.Until
		}
		part := *p
		part.q.Since, part.q.Until = since, until
		part.pieces = piecesOf(since, until, p.q.Zone, l.s.zone)
		began := l.clock()
		groups, _, err := l.s.groups(ctx, &part, by, nil, false)
		if err != nil {
			return nil, all, err
		}
		took := l.clock().Sub(began)
		for _, g := range groups {
			key := g.key[:len(p.by)]
			has, ok := sums[joinKey(key)]
			if !ok {
				has = reportGroup{key, reportSums{}}
				sums[joinKey(key)] = has
			}
			has.sums.add(g.sums)
			if all.series[g.key[at]] == nil {
				all.series[g.key[at]] = reportSums{}
			}
			all.series[g.key[at]].add(g.sums)
			all.totals.add(g.sums)
		}
		if len(sums) > maxReportRows {
			return nil, all, badReport("it has more than %d rows: narrow it", maxReportRows)
		}
		l.done += until.Sub(since)
		if err := l.progress(int(100 * l.done / l.whole)); err != nil {
			return nil, all, err
		}
		switch {
		case took < quickSlice:
			length = min(2*length, longSlice)
		case took > slowSlice:
			length = max(length/2, firstSlice)
		}
		since = until
		if err := rest(ctx, took); err != nil {
			return nil, all, err
		}
	}
	groups := make([]reportGroup, 0, len(sums))
	for _, g := range sums {
		groups = append(groups, g)
	}
	return groups, all, nil
}

func rest(ctx context.Context, d time.Duration) error {
	wait := time.NewTimer(d)
	defer wait.Stop()
	select {
	case <-wait.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// order sorts rows as the database would.
func (p *reportPlan) order(groups []reportGroup) {
	way := 1
	if p.descending {
		way = -1
	}
	m, isMetric := findMetric(p.sort)
	at := slices.IndexFunc(p.by, func(d ReportDimension) bool { return d.Name == p.sort })
	slices.SortFunc(groups, func(a, b reportGroup) int {
		switch {
		case at >= 0:
			if c := strings.Compare(a.key[at], b.key[at]); c != 0 {
				return way * c
			}
		case isMetric:
			x, hasX := m.number(a.sums)
			y, hasY := m.number(b.sums)
			switch {
			case hasX && hasY && x != y:
				return way * cmp.Compare(x, y)
			case hasX && !hasY:
				return -1
			case hasY && !hasX:
				return 1
			}
		}
		return slices.Compare(a.key, b.key)
	})
}
