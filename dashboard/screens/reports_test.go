package screens

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const fields = `{"dimensions":[
	{"name":"day","title":"Day","definition":"the day","read_from":"days or hours","time":true},{"name":"campaign_id","title":"Campaign","definition":"our campaign","read_from":"days or hours","time":false},
	{"name":"ad_id","title":"Ad","definition":"its ad","read_from":"days","time":false},{"name":"browser","title":"Browser","definition":"the browser","read_from":"rows","time":false}],
	"metrics":[{"name":"clicks","title":"Clicks","definition":"clicks of people","kind":"whole"},{"name":"cr","title":"CR","definition":"conversions to clicks","kind":"ratio"}],"reporting_zone":"UTC","currency":"USD"}`

const keptQueryText = `{"by":["browser"],"metrics":["clicks"],"filters":{"campaign_id":["spring"]},"since":"2026-11-01T00:00:00Z","until":"2026-11-24T00:00:00Z","zone":"UTC","click_time":true,"sort":"","limit":0,"compare":"","interval":"day"}`

// reportAnswers are what the API answers to the page, and more.
func reportAnswers(report string, more ...string) map[string]string {
	a := map[string]string{"GET /report/fields": fields, "GET /report": report, "GET /views": `{"items":[]}`, "GET /reports": `{"items":[]}`}
	for i := 0; i+1 < len(more); i += 2 {
		a[more[i]] = more[i+1]
	}
	return a
}

func kept(state, report string) string {
	return `{"report_id":"rp_1","asked_by":"ann","query":` + keptQueryText + `,"state":"` + state + `","progress":40,"created_at":"2026-11-24T08:58:00Z","finished_at":"2026-11-24T08:59:00Z","problem":"` +
		map[string]string{"failed": "it has more than 100000 rows: narrow it"}[state] + `","report":` + report + `}`
}

func reportStates(t testing.TB) []state {
	full := canned(t, "report.json")
	empty := `{"by":[{"name":"campaign_id","title":"Campaign"}],"metrics":[{"name":"clicks","title":"Clicks","kind":"whole"}],"time":"conversion","since":"2026-11-18T00:00:00Z","until":"2026-11-25T00:00:00Z","zone":"UTC","reporting_zone":"UTC","currency":"USD","read_from":"days","sort":"-clicks","rows":[],"row_count":0,"totals":{"clicks":0},"compare":null,"interval":"day","series":[{"at":"2026-11-18T00:00:00Z","values":{"clicks":0},"compare":null}],"sql":"SELECT 1","warnings":[]}`
	const refused = `409 {"error":{"what":"this is counted row by row, for which a span of 24 hours is the most while one waits","do":"ask for 24 hours or less"}}`
	sample := func(view, item string) string {
		return `{"view":"` + view + `","sql":"SELECT * FROM ` + view + `","note":"of the latest 20000 of the span","items":[` + item + `]}`
	}
	return []state{
		{name: "reports/empty", path: "/admin/reports?range=7d", answers: reportAnswers(empty), sees: []string{"Nothing was recorded that fits", "First run"}},
		{name: "reports/no match", path: "/admin/reports?range=7d&filter=campaign_id:none", answers: reportAnswers(empty), sees: []string{"Take a filter off", "Campaign: <b>none</b>"}},
		{name: "reports/error", path: "/admin/reports?range=7d", status: http.StatusNotFound, sees: []string{"there is nothing of that ID"}},
		{
			name: "reports/full", path: "/admin/reports?range=7d&by=campaign_id,ad_id&compare=previous&filter=campaign_id:spring&filter=campaign_id:",
			answers: reportAnswers(full, "GET /views", `{"items":[{"view_id":"vw_1","name":"By ad","query":"by=ad_id&range=30d"}]}`, "GET /reports", `{"items":[`+kept("running", "null")+`]}`),
			sees: []string{
				"18,612 clicks, 412 conversions and $14,938.50 revenue.", "Red dress, video 3", "$9,012.33", `title="9012.333333 USD"`, "15.0 %", "The cost of 210 clicks", "CSV, 140 rows",
				"&lt;script&gt;", "none before", "By ad", "running, 40 %", "Its SQL", "data-chart=", `aria-sort="descending"`, "22 Nov 2026 to 24 Nov 2026", "compared with 19 Nov 2026 to 21 Nov 2026",
			},
		},
		{
			name: "reports/explained", path: "/admin/reports?range=7d&by=campaign_id,ad_id&explain=clicks", sees: []string{"Clicks: 18,612", "subfive sql", "SELECT * FROM v_clicks", "Of the latest 20000", "/admin/clicks/c1"},
			answers: reportAnswers(full, "GET /report/rows", sample("v_clicks", `{"click_id":"c1","clicked_at":"2026-11-24T08:00:00.000Z","campaign_id":"spring","country":"US","device":"phone","browser":"Safari","cost":"0.25"}`)),
		},
		{name: "reports/explained, nothing there", path: "/admin/reports?range=7d&explain=roi", answers: reportAnswers(full, "GET /report/rows", sample("costs", "")), sees: []string{"None was recorded", "ROI: –"}},
		{name: "reports/too long", path: "/admin/reports?range=30d&by=browser&zone=Asia/Tokyo", answers: reportAnswers(refused), sees: []string{"counted row by row", "Make it in the background", "since=30d", "Show it in the time zone of reports"}},
		{name: "reports/made, waits", path: "/admin/reports/made/rp_1", answers: reportAnswers("", "GET /reports/rp_1", kept("running", "null")), sees: []string{"is being made: 40 %", "Cancel it", "By browser, asked by ann", `hx-trigger="every 2s"`}},
		{name: "reports/made, failed", path: "/admin/reports/made/rp_1", answers: reportAnswers("", "GET /reports/rp_1", kept("failed", "null")), sees: []string{"could not be made", "It has more than 100000 rows", "Back to reports"}},
		{name: "reports/made", path: "/admin/reports/made/rp_1", answers: reportAnswers("", "GET /reports/rp_1", kept("done", full)), sees: []string{"18,612 clicks", "Ask anew", "Made in the background for ann"}},
	}
}

func TestReportAddresses(t *testing.T) {
	a := newScreens(t, &api{}, mara).asked(t, "/admin/reports?range=7d&level=campaign_id&level=&level=ad_id&metric=clicks&metric=cr&filter=country:US&dimension=os&value=a:b&junk=1").reportAddress()
	day := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	campaign, ad := keyPart{Name: "campaign_id", Value: "sp&ring"}, keyPart{Name: "ad_id", Value: ""}
	onDay := keyPart{Name: "day", Time: true, since: day, until: day.AddDate(0, 0, 1)}
	for name, test := range map[string]struct{ got, want string }{
		"in one spelling":         {a.Query(), "by=campaign_id,ad_id&filter=country:US&filter=os:a:b&metrics=clicks,cr&range=7d"},
		"one deeper":              {a.drill([]keyPart{campaign}, []reportField{{Name: "ad_id"}}), "by=ad_id&filter=country:US&filter=os:a:b&filter=campaign_id:sp%26ring&metrics=clicks,cr&range=7d"},
		"two deeper":              {a.drill([]keyPart{campaign, ad}, nil), "by=day&filter=country:US&filter=os:a:b&filter=campaign_id:sp%26ring&filter=ad_id:&metrics=clicks,cr&range=7d"},
		"into a day":              {a.drill([]keyPart{onDay}, []reportField{{Name: "ad_id"}}), "by=ad_id&filter=country:US&filter=os:a:b&metrics=clicks,cr&since=2026-11-23&until=2026-11-23"},
		"one filter less":         {a.Without("country:US"), "by=country,campaign_id,ad_id&filter=os:a:b&metrics=clicks,cr&range=7d"},
		"another value":           {a.With("time", "click", "range", ""), "by=campaign_id,ad_id&filter=country:US&filter=os:a:b&metrics=clicks,cr&time=click"},
		"the explanation is left": {a.With("explain", "cr"), "by=campaign_id,ad_id&explain=cr&filter=country:US&filter=os:a:b&metrics=clicks,cr&range=7d"},
	} {
		want, err := url.ParseQuery(test.want)
		if err != nil {
			t.Fatal(err)
		}
		_, query, _ := strings.Cut("?"+strings.TrimPrefix(test.got, "/admin/reports?"), "?")
		got, err := url.ParseQuery(query)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

func TestReportDays(t *testing.T) {
	at := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	for query, want := range map[string]string{
		"": "7d", "range=30d": "30d", "range=24h": "24h", "range=today": "1d", "range=yesterday": "2026-11-23 2026-11-24", "range=month": "2026-11-01", "range=year": "2026-01-01",
		"since=2026-11-01&until=2026-11-03": "2026-11-01 2026-11-04", "since=2026-11-03&until=2026-11-01": "7d", "since=x&until=y&range=90d": "90d",
	} {
		q, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		since, until := reportDays(q, at)
		if got := strings.TrimSpace(since + " " + until); got != want {
			t.Errorf("%q: %s, want %s", query, got, want)
		}
	}
}

func TestReportAsksForWhatTheAddressSays(t *testing.T) {
	a := &api{answers: reportAnswers(canned(t, "report.json"))}
	s := newScreens(t, a, mara)
	open(t, s, "/admin/reports?range=30d&by=ad_id&filter=campaign_id:a,b&time=click&sort=-cr&compare=year&interval=week&chart=cr")
	if got, want := a.calls[1], "GET /report?by=ad_id&compare=year&filter=campaign_id%3Aa%2Cb&interval=week&since=30d&sort=-cr&time=click"; got != want {
		t.Errorf("it asks %s, want %s", got, want)
	}
	if w := open(t, s, "/admin/reports?by=ad_id"); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/admin/reports?by=ad_id&range=7d" {
		t.Errorf("without a range: %d %v", w.Code, w.Header())
	}
}

func TestReportFiles(t *testing.T) {
	a := &api{answers: map[string]string{"GET /report/export": "campaign_id,clicks\r\nspring,3\r\n"}}
	s := newScreens(t, a, analyst)
	w := open(t, s, "/admin/reports/export?format=csv&by=campaign_id&range=7d&filter=os:iOS")
	if w.Code != 200 || w.Body.String() != "campaign_id,clicks\r\nspring,3\r\n" || a.calls[0] != "GET /report/export?by=campaign_id&filter=os%3AiOS&format=csv&since=7d" {
		t.Errorf("%d %q %v", w.Code, w.Body, a.calls)
	}
	a.answers["GET /report/export"] = `409 {"error":{"what":"it takes too long","do":"ask for less"}}`
	if w := open(t, s, "/admin/reports/export?format=csv"); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "it takes too long") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestReportForms(t *testing.T) {
	for name, test := range map[string]struct{ path, form, call, answer, to string }{
		"made":      {"/admin/reports/made", "query=by%3Dos%26since%3D30d", "POST /reports", `{"report_id":"rp_1","state":"queued"}`, "/admin/reports/made/rp_1"},
		"cancelled": {"/admin/reports/made/rp_1/cancel", "", "POST /reports/rp_1/cancel", `{}`, "/admin/reports"},
		"saved":     {"/admin/reports/views", "name=Mine&query=by%3Dos&back=/admin/reports?range=7d", "POST /views", `{}`, "/admin/reports?range=7d"},
		"deleted":   {"/admin/reports/views/vw_1/delete", "back=/admin/reports?range=7d", "DELETE /views/vw_1", `{}`, "/admin/reports?range=7d"},
	} {
		a := &api{answers: map[string]string{test.call: test.answer}}
		w := submit(t, newScreens(t, a, mara), test.path, test.form)
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != test.to || len(a.calls) != 1 || !strings.HasPrefix(a.calls[0], test.call) {
			t.Errorf("%s: %d to %s, %v", name, w.Code, w.Header().Get("Location"), a.calls)
		}
	}
}

func TestCents(t *testing.T) {
	for in, want := range map[string]string{
		"1.00": "1.00", "3.666666": "3.67", "3.664999": "3.66", "-3.666666": "-3.67", "0.004": "0.00", "-0.004": "0.00", "0.005": "0.01", "99.999": "100.00", "-0.12345": "-0.12", "12": "12",
	} {
		if got := cents(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
