package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"subfive"
)

// What a kept report can be.
const (
	ReportQueued    = "queued"
	ReportRunning   = "running"
	ReportDone      = "done"
	ReportFailed    = "failed"
	ReportCancelled = "cancelled"
)

// KeptReport is a report that is made in the background.
type KeptReport struct {
	ID         string          `json:"report_id"`
	AskedBy    string          `json:"asked_by"`
	Query      json.RawMessage `json:"query"`
	State      string          `json:"state"`
	Progress   int             `json:"progress"` // percent
	CreatedAt  time.Time       `json:"created_at"`
	StartedAt  time.Time       `json:"started_at,omitzero"`
	FinishedAt time.Time       `json:"finished_at,omitzero"`
	Problem    string          `json:"problem"`
	Report     json.RawMessage `json:"report"` // null until it is done, and in lists
}

// keptQuery is a ReportQuery as it is kept.
type keptQuery struct {
	By        []string            `json:"by"`
	Metrics   []string            `json:"metrics"`
	Filters   map[string][]string `json:"filters"`
	Since     time.Time           `json:"since"`
	Until     time.Time           `json:"until"`
	Zone      string              `json:"zone"`
	ClickTime bool                `json:"click_time"`
	Sort      string              `json:"sort"`
	Limit     int                 `json:"limit"`
	Compare   string              `json:"compare"`
	Interval  string              `json:"interval"`
}

func (q ReportQuery) kept() keptQuery {
	k := keptQuery{
		By: q.By, Metrics: q.Metrics, Filters: map[string][]string{}, Since: q.Since.UTC(), Until: q.Until.UTC(), Zone: q.Zone.String(),
		ClickTime: q.ClickTime, Sort: q.Sort, Limit: q.Limit, Compare: q.Compare, Interval: q.Interval,
	}
	for _, f := range q.Filters {
		k.Filters[f.Name] = append(k.Filters[f.Name], f.Values...)
	}
	return k
}

func (k keptQuery) query() (q ReportQuery, err error) {
	q = ReportQuery{
		By: k.By, Metrics: k.Metrics, Since: k.Since, Until: k.Until, ClickTime: k.ClickTime, Sort: k.Sort, Limit: k.Limit, Compare: k.Compare, Interval: k.Interval,
	}
	for name, values := range k.Filters {
		q.Filters = append(q.Filters, ReportFilter{name, values})
	}
	q.Zone, err = time.LoadLocation(k.Zone)
	return q, err
}

const (
	// waitingReports is how many may wait.
	waitingReports = 20
	// listedReports is how many are listed, and reportLease how long one that gives
	// no sign of life is another's to make.
	listedReports = 50
	reportLease   = 2 * time.Minute
)

// ErrManyReports says that too many reports wait.
var ErrManyReports = errors.New("too many reports wait")

var keptReportColumns = []string{
	"report_id", "asked_by", "query", "state", "progress", "owner", "until", "created_at", "started_at", "finished_at", "problem", "doc",
}

// QueueReport keeps a query to be answered in the background. A bad one is
// ErrBadQuery; too many that wait are ErrManyReports.
func (s *Store) QueueReport(ctx context.Context, id, by string, q ReportQuery, at time.Time) (KeptReport, error) {
	p, err := s.planReport(ctx, q)
	if err != nil {
		return KeptReport{}, err
	}
	doc, err := json.Marshal(p.q.kept())
	if err != nil {
		return KeptReport{}, fmt.Errorf("keep a report: %w", err)
	}
	err = s.write(ctx, s.screens, func(t *tx) error {
		var waiting int
		if err := t.row(ctx, "count waiting reports", func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select("count(*)").From("reports").Where(b.EQ("state", ""))
			return text(b)
		}, []any{ReportQueued}, &waiting); err != nil {
			return err
		}
		if waiting >= waitingReports {
			return ErrManyReports
		}
		return t.insertRows(ctx, "reports", keptReportColumns, [][]any{{id, clean(by), string(doc), ReportQueued, 0, "", 0, subfive.Millis(at), 0, 0, "", ""}}, "")
	})
	if err != nil {
		return KeptReport{}, wrap("queue a report", err)
	}
	return KeptReport{ID: id, AskedBy: by, Query: doc, State: ReportQueued, CreatedAt: at.UTC().Truncate(time.Millisecond)}, nil
}

// Reports lists the latest, without what they came to.
func (s *Store) Reports(ctx context.Context) (all []KeptReport, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		all = []KeptReport{}
		return t.query(ctx, "list reports", func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select("report_id", "asked_by", "query", "state", "progress", "created_at", "started_at", "finished_at", "problem", "''").
				From("reports").OrderBy("created_at DESC", "report_id DESC").Limit(1)
			return text(b)
		}, []any{listedReports}, func(r *sql.Rows) error {
			k, err := scanKept(r)
			all = append(all, k)
			return err
		})
	})
	return all, wrap("list reports", err)
}

// KeptReport returns one, with what it came to.
func (s *Store) KeptReport(ctx context.Context, id string) (k KeptReport, err error) {
	err = s.read(ctx, s.screens, func(t *tx) error {
		found := false
		err := t.query(ctx, "report", func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select("report_id", "asked_by", "query", "state", "progress", "created_at", "started_at", "finished_at", "problem", "doc").
				From("reports").Where(b.EQ("report_id", ""))
			return text(b)
		}, []any{id}, func(r *sql.Rows) (err error) {
			found = true
			k, err = scanKept(r)
			return err
		})
		if err == nil && !found {
			return fmt.Errorf("report %s: %w", id, subfive.ErrNotFound)
		}
		return err
	})
	return k, err
}

func scanKept(r *sql.Rows) (k KeptReport, err error) {
	var created, started, finished int64
	var query, doc string
	err = r.Scan(&k.ID, &k.AskedBy, &query, &k.State, &k.Progress, &created, &started, &finished, &k.Problem, &doc)
	k.CreatedAt, k.StartedAt, k.FinishedAt = subfive.FromMillis(created), subfive.FromMillis(started), subfive.FromMillis(finished)
	k.Query = json.RawMessage(query)
	if doc != "" {
		k.Report = json.RawMessage(doc)
	}
	return k, err
}

// CancelReport ends one that waits or runs; one that ended already is
// subfive.ErrConflict.
func (s *Store) CancelReport(ctx context.Context, id string, at time.Time) error {
	if _, err := s.KeptReport(ctx, id); err != nil {
		return err
	}
	var n int64
	err := s.single(ctx, s.screens, func(t *tx) (err error) {
		n, err = t.exec(ctx, "cancel report", func() string {
			b := s.flavor.NewUpdateBuilder()
			b.Update("reports").Set(b.Assign("state", ""), b.Assign("finished_at", 0)).Where(b.EQ("report_id", ""), b.In("state", "", ""))
			return text(b)
		}, ReportCancelled, subfive.Millis(at), id, ReportQueued, ReportRunning)
		return err
	})
	if err == nil && n == 0 {
		return fmt.Errorf("report %s has ended: %w", id, subfive.ErrConflict)
	}
	return wrap("cancel a report", err)
}

// MakeReport makes the report that waits longest, if no other process makes one,
// and reports whether there was one. clock is asked for the time while it runs. One
// whose maker is gone is made again.
func (s *Store) MakeReport(ctx context.Context, owner string, clock func() time.Time) (made bool, err error) {
	k, err := s.takeReport(ctx, owner, clock())
	if err != nil || k.ID == "" {
		return false, wrap("take a report", err)
	}
	var asked keptQuery
	var q ReportQuery
	if err = json.Unmarshal(k.Query, &asked); err == nil {
		q, err = asked.query()
	}
	var out Report
	if err == nil {
		out, err = s.LongReport(ctx, q, clock, func(percent int) error { return s.stayReport(ctx, k.ID, owner, percent, clock()) })
	}
	state, problem, doc := ReportDone, "", []byte{}
	if err == nil {
		doc, err = json.Marshal(out)
	}
	switch {
	case errors.Is(err, errNotOurs):
		return true, nil // somebody cancelled it
	case err != nil && ctx.Err() != nil:
		return true, err // another run makes it
	case err != nil:
		state, problem, doc = ReportFailed, clean(err.Error()), nil
	}
	return true, wrap("keep a report", s.single(ctx, s.screens, func(t *tx) error {
		_, err := t.exec(ctx, "end report", func() string {
			b := s.flavor.NewUpdateBuilder()
			b.Update("reports").Set(b.Assign("state", ""), b.Assign("finished_at", 0), b.Assign("problem", ""), b.Assign("doc", ""), "progress = 100").
				Where(b.EQ("report_id", ""), b.EQ("owner", ""), b.EQ("state", ""))
			return text(b)
		}, state, subfive.Millis(clock()), problem, string(doc), k.ID, owner, ReportRunning)
		return err
	}))
}

// errNotOurs: the report was cancelled, or is another's by now.
var errNotOurs = errors.New("the report is not ours any more")

func (s *Store) takeReport(ctx context.Context, owner string, at time.Time) (k KeptReport, err error) {
	ms := subfive.Millis(at)
	err = s.write(ctx, s.screens, func(t *tx) error {
		k = KeptReport{}
		var id string
		var running int
		if err := t.query(ctx, "next report", func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select("report_id", "CASE WHEN "+b.And(b.EQ("state", ""), b.GT("until", 0))+" THEN 1 ELSE 0 END").From("reports").
				Where(b.In("state", "", "")).OrderBy("created_at", "report_id")
			return text(b)
		}, []any{ReportRunning, ms, ReportQueued, ReportRunning}, func(r *sql.Rows) error {
			var one string
			var alive int
			err := r.Scan(&one, &alive)
			if running += alive; id == "" {
				id = one
			}
			return err
		}); err != nil || id == "" || running > 0 {
			return err
		}
		n, err := t.exec(ctx, "take report", func() string {
			b := s.flavor.NewUpdateBuilder()
			b.Update("reports").Set(b.Assign("state", ""), b.Assign("owner", ""), b.Assign("until", 0), b.Assign("started_at", 0), "progress = 0").
				Where(b.EQ("report_id", ""), b.In("state", "", ""), b.LE("until", 0))
			return text(b)
		}, ReportRunning, owner, subfive.Millis(at.Add(reportLease)), ms, id, ReportQueued, ReportRunning, ms)
		if err != nil || n == 0 {
			return err
		}
		return t.query(ctx, "taken report", func() string {
			b := s.flavor.NewSelectBuilder()
			b.Select("report_id", "asked_by", "query", "state", "progress", "created_at", "started_at", "finished_at", "problem", "''").
				From("reports").Where(b.EQ("report_id", ""))
			return text(b)
		}, []any{id}, func(r *sql.Rows) (err error) {
			k, err = scanKept(r)
			return err
		})
	})
	return k, err
}

// stayReport is the sign of life of the one who makes a report.
func (s *Store) stayReport(ctx context.Context, id, owner string, percent int, at time.Time) error {
	var n int64
	err := s.single(ctx, s.screens, func(t *tx) (err error) {
		n, err = t.exec(ctx, "stay at report", func() string {
			b := s.flavor.NewUpdateBuilder()
			b.Update("reports").Set(b.Assign("progress", 0), b.Assign("until", 0)).Where(b.EQ("report_id", ""), b.EQ("owner", ""), b.EQ("state", ""))
			return text(b)
		}, percent, subfive.Millis(at.Add(reportLease)), id, owner, ReportRunning)
		return err
	})
	if err == nil && n == 0 {
		return errNotOurs
	}
	return err
}

// ForgetReports deletes those that ended before a moment.
func (s *Store) ForgetReports(ctx context.Context, before time.Time) error {
	return wrap("forget reports", s.single(ctx, s.screens, func(t *tx) error {
		_, err := t.exec(ctx, "forget reports", func() string {
			b := s.flavor.NewDeleteBuilder()
			b.DeleteFrom("reports").Where(b.GT("finished_at", 0), b.LT("finished_at", 0))
			return text(b)
		}, 0, subfive.Millis(before))
		return err
	}))
}
