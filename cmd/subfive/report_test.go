package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"subfive"
	"subfive/dashboard"
	"subfive/store"
)

func TestReportSpan(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 3, 15, 30, 0, 0, zone) // the clocks changed on the 1st
	for name, test := range map[string]struct{ since, until, from, to string }{
		"nothing said":       {"", "", "2026-10-28T00:00:00-04:00", "2026-11-04T00:00:00-05:00"},
		"a week with today":  {"7d", "", "2026-10-28T00:00:00-04:00", "2026-11-04T00:00:00-05:00"},
		"today":              {"1d", "", "2026-11-03T00:00:00-05:00", "2026-11-04T00:00:00-05:00"},
		"24 hours":           {"24h", "", "2026-11-02T15:30:00-05:00", "2026-11-03T15:30:00-05:00"},
		"from a day on":      {"2026-11-01", "", "2026-11-01T00:00:00-04:00", "2026-11-04T00:00:00-05:00"},
		"a day of 25 hours":  {"2026-11-01", "2026-11-02", "2026-11-01T00:00:00-04:00", "2026-11-02T00:00:00-05:00"},
		"from a moment on":   {"2026-11-01T05:00:00Z", "", "2026-11-01T05:00:00Z", "2026-11-03T15:30:00-05:00"},
		"from a week to one": {"7d", "24h", "2026-10-28T00:00:00-04:00", "2026-11-02T15:30:00-05:00"},
	} {
		from, to, err := reportSpan(test.since, test.until, zone, now)
		if err != nil || from.Format(time.RFC3339) != test.from || to.Format(time.RFC3339) != test.to {
			t.Errorf("%s: %s to %s, %v; want %s to %s", name, from.Format(time.RFC3339), to.Format(time.RFC3339), err, test.from, test.to)
		}
	}
	for _, bad := range []string{"yesterday", "-7d", "2026-13-01", "0d"} {
		if _, _, err := reportSpan(bad, "", zone, now); !isInvalid(err, "since is "+bad) {
			t.Errorf("%s: %v", bad, err)
		}
		if _, _, err := reportSpan("7d", bad, zone, now); !isInvalid(err, "until is "+bad) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestReportsOverTheAPI(t *testing.T) {
	c := newCommands(t)
	c.with(func(s session, a *app) error {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		tr := &tracker{app: a, file: s.file, log: a.log(), zone: time.UTC, reports: make(chan struct{}, 1), process: "one"}
		tr.store.Store(s.Store)
		b := &backend{t: tr}
		clicks := []subfive.Click{{ID: "c1", ClickedAt: noon().Add(-time.Hour), CampaignID: "=spring", SourceID: "meta", Visitor: subfive.Visitor{Browser: "Safari"}}}
		if err := s.RecordBatch(ctx, subfive.Batch{At: noon(), Clicks: clicks}); err != nil {
			return err
		}
		got, err := b.Report(ctx, dashboard.ReportQuery{By: []string{"campaign_id"}, Metrics: []string{"clicks"}})
		if r, ok := got.(store.Report); err != nil || !ok || r.Totals["clicks"] != int64(1) || r.ReadFrom != "days" {
			t.Errorf("%+v, %v", got, err)
		}
		long := dashboard.ReportQuery{By: []string{"browser"}, Metrics: []string{"clicks"}, Since: "30d"}
		for what, err := range map[string]error{
			"at once":    second(b.Report(ctx, long)),
			"its rows":   b.ReportExport(ctx, long, "csv", &bytes.Buffer{}),
			"their sum":  second(b.ReportCount(ctx, long)),
			"a zone":     second(b.Report(ctx, dashboard.ReportQuery{Zone: "Asia/Kathmandu", By: []string{"ad_id"}})),
			"an unknown": second(b.CancelReport(ctx, "rp_1")),
		} {
			var r dashboard.Refusal
			if !errors.As(err, &r) && !errors.Is(err, subfive.ErrNotFound) || r.Invalid {
				t.Errorf("%s: %v", what, err)
			}
		}
		if _, err := b.Report(ctx, dashboard.ReportQuery{By: []string{"doc"}}); !isInvalid(err, `there is no dimension "doc"`) {
			t.Error(err)
		}
		sample, err := b.ReportSample(ctx, dashboard.ReportQuery{}, "clicks")
		if of, ok := sample.(store.ReportSample); err != nil || !ok || len(of.Items) != 1 {
			t.Errorf("%+v, %v", sample, err)
		}
		for form, want := range map[string]string{"csv": "campaign_id,clicks\r\n'=spring,1\r\n", "parquet": "PAR1"} {
			var file bytes.Buffer
			err := b.ReportExport(ctx, dashboard.ReportQuery{By: []string{"campaign_id"}, Metrics: []string{"clicks"}}, form, &file)
			if err != nil || !strings.HasPrefix(file.String(), want) {
				t.Errorf("%s: %q, %v", form, file.String(), err)
			}
		}
		kept, err := b.QueueReport(ctx, long, "ann")
		if err != nil {
			return err
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			tr.makeReports(ctx, s.Store)
		}()
		id := kept.(store.KeptReport).ID
		for range 200 {
			one, err := b.Story(ctx, "reports", id)
			if err != nil {
				return err
			}
			if k := one.(store.KeptReport); k.State == store.ReportDone && strings.Contains(string(k.Report), `"Safari"`) {
				id = ""
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		if id != "" {
			t.Error("the report was not made in the background")
		}
		all, err := b.Reports(ctx)
		if err != nil || len(all.(map[string]any)["items"].([]store.KeptReport)) != 1 {
			t.Errorf("%v, %v", all, err)
		}
		cancel()
		<-done
		if _, err := (&backend{t: &tracker{}}).Report(t.Context(), dashboard.ReportQuery{}); !errors.Is(err, errNoDatabase) {
			t.Errorf("without a database: %v", err)
		}
		return nil
	})
}

func second(_ any, err error) error { return err }
