package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"subfive"
	"subfive/dashboard"
	"subfive/export"
	"subfive/store"
)

const (
	prefixReport = "rp_"
	// reportPoll is how often it is looked for reports that another tracker was
	// asked for, and keptReports how long those that ended are kept.
	reportPoll  = 5 * time.Second
	keptReports = 30 * 24 * time.Hour
)

// ReportFields are the dimensions and metrics of reports, for the REST API.
func (b *backend) ReportFields(context.Context) (any, error) {
	return map[string]any{
		"dimensions": store.ReportDimensions(), "metrics": store.ReportMetrics(),
		"reporting_zone": b.t.zone.String(), "currency": b.t.file.Server.Reporting.Currency,
	}, nil
}

// Report sums up what was recorded, for the REST API.
func (b *backend) Report(ctx context.Context, q dashboard.ReportQuery) (any, error) {
	st, asked, err := b.report(q)
	if err != nil {
		return nil, err
	}
	out, err := st.Report(ctx, asked)
	return out, reportRefused(err)
}

// ReportSample returns rows behind a number, for the REST API.
func (b *backend) ReportSample(ctx context.Context, q dashboard.ReportQuery, metric string) (any, error) {
	st, asked, err := b.report(q)
	if err != nil {
		return nil, err
	}
	out, err := st.ReportSample(ctx, asked, metric)
	return out, reportRefused(err)
}

// ReportCount is how many rows a report's file would have, for the REST API.
func (b *backend) ReportCount(ctx context.Context, q dashboard.ReportQuery) (any, error) {
	st, asked, err := b.report(q)
	if err != nil {
		return nil, err
	}
	n, err := st.ReportCount(ctx, asked)
	return map[string]int64{"rows": n}, reportRefused(err)
}

// ReportExport writes a report as a file, for the REST API.
func (b *backend) ReportExport(ctx context.Context, q dashboard.ReportQuery, form string, w io.Writer) error {
	st, asked, err := b.report(q)
	if err != nil {
		return err
	}
	var f rowFile
	err = st.ReportExport(ctx, asked, func(columns []subfive.Column) (err error) {
		if form == formParquet {
			f = export.NewParquet(w, columns, subfive.Version)
			return nil
		}
		f, err = export.NewCSV(w, columns)
		return err
	}, func(values []any) error { return f.Row(values) })
	if err != nil {
		return reportRefused(err)
	}
	return f.Close()
}

// report reads a query in the zone that it names.
func (b *backend) report(q dashboard.ReportQuery) (*store.Store, store.ReportQuery, error) {
	asked := store.ReportQuery{
		By: q.By, Metrics: q.Metrics, Zone: b.t.zone, ClickTime: q.ClickTime, Sort: q.Sort, Limit: q.Limit, Compare: q.Compare, Interval: q.Interval,
	}
	st, err := b.open()
	if err != nil {
		return nil, asked, err
	}
	for _, f := range q.Filters {
		asked.Filters = append(asked.Filters, store.ReportFilter{Name: f.Name, Values: f.Values})
	}
	if q.Zone != "" {
		if asked.Zone, err = time.LoadLocation(q.Zone); err != nil {
			return nil, asked, dashboard.Refusal{Invalid: true, What: "zone is " + q.Zone, Do: "write its IANA name, such as America/New_York"}
		}
	}
	asked.Since, asked.Until, err = reportSpan(q.Since, q.Until, asked.Zone, b.t.app.now())
	return st, asked, err
}

// reportSpan reads when a report begins and ends: days of the zone, moments, or
// how long ago. So many days are days of the calendar, today the last of them.
func reportSpan(since, until string, zone *time.Location, now time.Time) (from, to time.Time, err error) {
	if since == "" {
		since = "7d"
	}
	if from, err = reportMoment("since", since, zone, now); err != nil {
		return from, to, err
	}
	if until != "" {
		to, err = reportMoment("until", until, zone, now)
		return from, to, err
	}
	to = now
	if wholeDays(since) {
		y, m, d := now.In(zone).Date()
		to = time.Date(y, m, d+1, 0, 0, 0, 0, zone)
	}
	return from, to, nil
}

func wholeDays(given string) bool {
	_, err := time.Parse(time.DateOnly, given)
	return err == nil || strings.HasSuffix(given, "d")
}

func reportMoment(name, given string, zone *time.Location, now time.Time) (time.Time, error) {
	if day, err := time.ParseInLocation(time.DateOnly, given, zone); err == nil {
		return day, nil
	}
	if at, err := time.Parse(time.RFC3339, given); err == nil {
		return at, nil
	}
	ago, err := subfive.ParseDuration(given)
	if err != nil || ago <= 0 {
		return time.Time{}, dashboard.Refusal{Invalid: true, What: name + " is " + given, Do: "write it as 2026-11-24, 2026-11-24T09:00:00Z, 24h or 7d"}
	}
	if wholeDays(given) {
		y, m, d := now.In(zone).Date()
		return time.Date(y, m, d+1-int(ago/(24*time.Hour)), 0, 0, 0, 0, zone), nil
	}
	return now.Add(-ago), nil
}

// reportRefused turns an answer of the store into one for the caller.
func reportRefused(err error) error {
	switch {
	case errors.Is(err, store.ErrLongReport):
		return dashboard.Refusal{
			What: "this is counted row by row, for which a span of 24 hours is the most while one waits",
			Do:   "ask for 24 hours or less, for dimensions that are kept as sums (GET /api/v1/report/fields), or have it made in the background: POST /api/v1/reports",
		}
	case errors.Is(err, store.ErrManyReports):
		return dashboard.Refusal{What: err.Error(), Do: "wait for one, or cancel it: GET /api/v1/reports"}
	case errors.Is(err, store.ErrBadQuery):
		return dashboard.Refusal{Invalid: true, What: strings.TrimPrefix(err.Error(), "report: "), Do: "GET /api/v1/report/fields lists what there is"}
	}
	return err
}

// QueueReport has a report made in the background, for the REST API.
func (b *backend) QueueReport(ctx context.Context, q dashboard.ReportQuery, by string) (any, error) {
	st, asked, err := b.report(q)
	if err != nil {
		return nil, err
	}
	kept, err := st.QueueReport(ctx, newID(prefixReport), by, asked, b.t.app.now())
	if err != nil {
		return nil, reportRefused(err)
	}
	select {
	case b.t.reports <- struct{}{}:
	default: // it looks already
	}
	return kept, nil
}

// Reports lists those made in the background, for the REST API.
func (b *backend) Reports(ctx context.Context) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	all, err := st.Reports(ctx)
	return map[string]any{"items": all}, err
}

func (b *backend) keptReport(ctx context.Context, id string) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	return st.KeptReport(ctx, id)
}

// CancelReport ends one, for the REST API.
func (b *backend) CancelReport(ctx context.Context, id string) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	err = st.CancelReport(ctx, id, b.t.app.now())
	if errors.Is(err, subfive.ErrConflict) {
		return nil, dashboard.Refusal{What: "the report has ended", Do: "look at it: GET /api/v1/reports/" + id}
	}
	if err != nil {
		return nil, err
	}
	return st.KeptReport(ctx, id)
}

// makeReports makes the reports that somebody asked for, one at a time, until ctx
// ends.
func (t *tracker) makeReports(ctx context.Context, st *store.Store) {
	next := time.NewTicker(reportPoll)
	defer next.Stop()
	for {
		made, err := st.MakeReport(ctx, t.process, t.app.now)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			t.log.ErrorContext(ctx, "make a report", "err", err)
		case made:
			if err := st.ForgetReports(ctx, t.app.now().Add(-keptReports)); err != nil && ctx.Err() == nil {
				t.log.ErrorContext(ctx, "forget old reports", "err", err)
			}
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-t.reports:
		case <-next.C:
		}
	}
}
