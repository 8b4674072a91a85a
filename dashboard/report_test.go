package dashboard

import (
	"context"
	"io"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReports(t *testing.T) {
	values := object{"clicks": 3, "revenue": "42.50", "cr": 0.25, "roi": nil}
	dimension := object{"name": "ad_id", "title": "Ad", "definition": "its ad", "read_from": "days", "time": false}
	metric := object{"name": "cr", "title": "CR", "definition": "conversions to clicks", "kind": "ratio"}
	report := object{
		"by": []any{dimension}, "metrics": []any{metric}, "time": "click", "since": "2026-11-18T00:00:00Z", "until": "2026-11-25T00:00:00Z", "zone": "UTC",
		"reporting_zone": "UTC", "currency": "USD", "read_from": "days", "sort": "-clicks", "row_count": 1, "totals": values, "interval": "day", "sql": "SELECT 1",
		"rows":     []any{object{"key": object{"ad_id": "1"}, "names": object{"ad_id": "One"}, "values": values, "compare": values, "cost_status": "part", "is_rate_missing": false}},
		"compare":  object{"since": "2026-11-11T00:00:00Z", "until": "2026-11-18T00:00:00Z", "totals": values},
		"series":   []any{object{"at": "2026-11-18T00:00:00Z", "values": values, "compare": nil}},
		"warnings": []any{object{"kind": "rate_missing", "what": "w", "do": ""}},
	}
	kept := object{"report_id": "rp_1", "asked_by": "api", "query": object{"by": []any{"os"}}, "state": "running", "progress": 40, "created_at": "2026-11-24T09:00:00Z", "problem": "", "report": nil}
	full := ReportQuery{
		By: []string{"ad_id", "day"}, Metrics: []string{"clicks", "cr"}, Filters: []ReportFilter{{"country", []string{"US", ""}}, {"keyword", []string{"a:b, c"}}},
		Since: "2026-11-18", Until: "2026-11-25", Zone: "America/New_York", ClickTime: true, Sort: "-clicks", Limit: 10, Compare: "previous", Interval: "day",
	}
	const query = "by=ad_id,day&metrics=clicks,cr&filter=country:US&filter=keyword:a%3Ab,%20c&filter=country:&since=2026-11-18&until=2026-11-25&zone=America/New_York&time=click&sort=-clicks&limit=10&compare=previous&interval=day"
	tests := map[string]struct {
		method, path, body string
		value              any
		code               int
		called             []call
		says               string
	}{
		"one":                {"GET", "report?" + query, "", report, 200, []call{{"Report", []any{full}}}, `"sql":"SELECT 1"`},
		"the usual":          {"GET", "report", "", report, 200, []call{{"Report", []any{ReportQuery{Limit: 100}}}}, `"row_count":1`},
		"unknown":            {"GET", "report?buy=ad_id", "", nil, 400, nil, "can't be asked for by"},
		"twice":              {"GET", "report?by=a&by=b", "", nil, 400, nil, "2 times"},
		"empty":              {"GET", "report?by=", "", nil, 400, nil, "by is empty"},
		"a filter":           {"GET", "report?filter=US", "", nil, 400, nil, "dimension:value"},
		"no text":            {"GET", "report?filter=os:%00", "", nil, 400, nil, "NUL"},
		"zone":               {"GET", "report?zone=Mars/Base", "", nil, 400, nil, "time zone"},
		"time":               {"GET", "report?time=lunch", "", nil, 400, nil, "conversion, click"},
		"limit":              {"GET", "report?limit=0", "", nil, 400, nil, "whole number"},
		"fields":             {"GET", "report/fields", "", object{"dimensions": []any{dimension}, "metrics": []any{metric}, "currency": "USD"}, 200, []call{{"ReportFields", nil}}, `"ad_id"`},
		"rows":               {"GET", "report/rows?metric=cr&by=os", "", object{"view": "v_clicks", "sql": "SELECT 1", "items": []any{object{"click_id": "a"}}, "note": ""}, 200, []call{{"ReportSample", []any{ReportQuery{By: []string{"os"}, Limit: 100}, "cr"}}}, "v_clicks"},
		"rows of what":       {"GET", "report/rows", "", nil, 400, nil, "metric is missing"},
		"export":             {"GET", "report/export?format=csv&by=os", "", "os\r\n", 200, []call{{"ReportExport", []any{ReportQuery{By: []string{"os"}}, "csv"}}}, "os\r\n"},
		"export as":          {"GET", "report/export?format=xls", "", nil, 400, nil, "csv or parquet"},
		"count":              {"GET", "report/export?count=true&by=os", "", object{"rows": 12}, 200, []call{{"ReportCount", []any{ReportQuery{By: []string{"os"}}}}}, `{"rows":12}`},
		"count what":         {"GET", "report/export?count=yes", "", nil, 400, nil, "say one of true"},
		"list":               {"GET", "reports", "", object{"items": []any{kept}}, 200, []call{{"Reports", nil}}, `"progress":40`},
		"show":               {"GET", "reports/rp_1", "", kept, 200, []call{{"Story", []any{"reports", "rp_1"}}}, `"running"`},
		"in the background":  {"POST", "reports", `{"query":"by=os&since=30d"}`, kept, 200, []call{{"QueueReport", []any{ReportQuery{By: []string{"os"}, Since: "30d"}, "api"}}}, `"rp_1"`},
		"in the background?": {"POST", "reports", `{"query":"bye=os"}`, nil, 400, nil, "can't be asked for"},
		"too long":           {"POST", "reports", `{"query":"filter=os:` + strings.Repeat("x", maxReportText) + `"}`, nil, 400, nil, "longer than 16 KiB"},
		"cancel":             {"POST", "reports/rp_1/cancel", "", kept, 200, []call{{"CancelReport", []any{"rp_1"}}}, `"rp_1"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := &backend{value: test.value}
			d, _ := open(b)
			w := ask(t, d, request(test.method, "/api/v1/"+test.path, test.body))
			if w.Code != test.code || !strings.Contains(w.Body.String(), test.says) {
				t.Errorf("%d %s; want %d with %q", w.Code, w.Body, test.code, test.says)
			}
			if diff := cmp.Diff(test.called, b.calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// A file that fails before its first byte is an error like any other.
func TestReportExportFails(t *testing.T) {
	d, _ := open(&backend{err: Refusal{What: "it takes too long", Do: "ask for less"}})
	w := ask(t, d, request("GET", "/api/v1/report/export?format=parquet", ""))
	if w.Code != 409 || !strings.Contains(w.Body.String(), "it takes too long") || w.Header().Get("Content-Disposition") != "" {
		t.Errorf("%d %s %v", w.Code, w.Body, w.Header())
	}
}

func FuzzReadReport(f *testing.F) {
	f.Add("by=ad_id&filter=country:US&filter=os:&limit=10")
	f.Add("filter=%zz&time=click")
	f.Fuzz(func(t *testing.T, raw string) {
		q, _, err := readReport(raw, 100)
		if err != nil {
			return
		}
		for _, filter := range q.Filters {
			if filter.Name == "" || len(filter.Values) == 0 || !isText(filter.Name+strings.Join(filter.Values, "")) {
				t.Errorf("%q: %+v", raw, q)
			}
		}
		if _, err := url.ParseQuery(raw); err != nil || q.Limit < 1 {
			t.Errorf("%q was read as %+v", raw, q)
		}
	})
}

func (b *backend) ReportFields(ctx context.Context) (any, error) {
	return b.called(ctx, "ReportFields")
}

func (b *backend) Report(ctx context.Context, q ReportQuery) (any, error) {
	return b.called(ctx, "Report", q)
}

func (b *backend) ReportSample(ctx context.Context, q ReportQuery, metric string) (any, error) {
	return b.called(ctx, "ReportSample", q, metric)
}

func (b *backend) ReportCount(ctx context.Context, q ReportQuery) (any, error) {
	return b.called(ctx, "ReportCount", q)
}

func (b *backend) ReportExport(ctx context.Context, q ReportQuery, form string, w io.Writer) error {
	v, err := b.called(ctx, "ReportExport", q, form)
	if err == nil {
		_, err = io.WriteString(w, v.(string))
	}
	return err
}

func (b *backend) QueueReport(ctx context.Context, q ReportQuery, by string) (any, error) {
	return b.called(ctx, "QueueReport", q, by)
}

func (b *backend) Reports(ctx context.Context) (any, error) { return b.called(ctx, "Reports") }

func (b *backend) CancelReport(ctx context.Context, id string) (any, error) {
	return b.called(ctx, "CancelReport", id)
}
