package screens

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	costSourcesList = `{"items":[{"id":"meta-us","platform":"meta"},{"id":"google-eu","platform":"google"}]}`
	costItems       = `{"source_id":"meta-us","day":"2026-11-23","platform_campaign_id":"1202","platform_campaign_name":"LAL <script>alert(1)</script>","ad_id":"120210000000000311","ad_name":"ugc-03 hook B","spend":"1234.50","currency":"USD","impressions":48210,"platform_clicks":1930,"platform_conversions":0},
		{"source_id":"google-eu","day":"2026-11-23","spend":"33.335","currency":"EUR","impressions":1000,"platform_clicks":40,"platform_conversions":2}`
)

func costsStates(testing.TB) []state {
	const noRates = `{"items":[]}`
	return []state{
		{name: "costs/error", path: "/admin/costs", status: http.StatusNotFound, sees: []string{"there is nothing of that ID"}},
		{
			name: "costs/empty", path: "/admin/costs", sees: []string{"No costs are kept yet", "make one first", "subfive import costs", "There are none"},
			answers: map[string]string{"GET /costs": `{"items":[],"next":""}`, "GET /rates": noRates, "GET /sources": `{"items":[]}`},
		},
		{
			name: "costs/full", path: "/admin/costs", sees: []string{"Costs are kept up to 2026-11-23", "$1,234.50", "€33.335", "&lt;script&gt;", "Older", "1.0521", "Add a rate"},
			answers: map[string]string{"GET /costs": `{"items":[` + costItems + `],"next":"abc"}`, "GET /rates": `{"items":[{"date":"2026-11-23","currency":"EUR","reporting_currency":"USD","rate":"1.0521","source":"ecb"}]}`, "GET /sources": costSourcesList},
		},
		{
			name: "costs/no match", path: "/admin/costs?source_id=google-eu", sees: []string{"Nothing is kept of google-eu"},
			answers: map[string]string{"GET /costs?limit=100&source_id=google-eu": `{"items":[],"next":""}`, "GET /rates": noRates, "GET /sources": costSourcesList},
		},
		{
			name: "costs/for an analyst", path: "/admin/costs", who: analyst, sees: []string{"Costs are kept up to 2026-11-23"},
			answers: map[string]string{"GET /costs": `{"items":[` + costItems + `],"next":""}`, "GET /rates": noRates, "GET /sources": costSourcesList},
		},
		{
			name: "costs/a rate that is refused", path: "/admin/costs/rates", form: "date=2026-11-23&currency=eur&rate=1%2C0521", status: http.StatusConflict,
			sees: []string{"1,0521 is no number.</b> Write a point.", "<details open><summary>Add a rate", `value="2026-11-23"`, `value="EUR"`, `value="1,0521"`},
			answers: map[string]string{
				"GET /costs": `{"items":[],"next":""}`, "GET /rates": noRates, "GET /sources": costSourcesList,
				"POST /rates": `409 {"error":{"what":"1,0521 is no number","do":"write a point"}}`,
			},
		},
	}
}

// uploading sends the form with a file.
func uploading(t *testing.T, s *Screens, path, name, data string, fields map[string]string) *httptest.ResponseRecorder {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for field, value := range fields {
		if err := w.WriteField(field, value); err != nil {
			t.Fatal(err)
		}
	}
	if name != "" {
		part, err := w.CreateFormFile("file", name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, &body)
	r.Header.Set("Content-Type", w.FormDataContentType())
	rec := httptest.NewRecorder()
	s.Handler().ServeHTTP(rec, r)
	return rec
}

// A file is looked at first; what was looked at is what is kept.
func TestUploadCosts(t *testing.T) {
	t.Parallel()
	const read = `{"dry_run":true,"platform":"meta","columns":["Day: day"],"rows":2,"days":1,"spend":{"USD":"4.20"},"rejected":1,"reasons":["line 4: spend: \"six\" is no number"],"left":["2026-11-20 of meta-us"],"totals":1,
		"sample":[` + costItems + `],"notes":["warning: amounts are in EUR"]}`
	tests := map[string]struct {
		name, data string
		fields     map[string]string
		answer     string
		status     int
		calls      []string
		sees       []string
	}{
		"good": {
			"meta.csv", "Day",
			map[string]string{"platform": "meta", "dates": "mdy"},
			read, 200,
			[]string{`POST /costs/import {"csv_base64":"RGF5","dates":"mdy","dry_run":true,"platform":"meta"}`, "GET /sources"},
			[]string{"2 rows would be kept, 1 can’t be read", "Keep 2 rows", `value="RGF5"`, "$4.20", "line 4", "Days left as they were", "Warning: amounts are in EUR", "meta.csv"},
		},
		"none":     {"", "", nil, "", 400, []string{"GET /sources"}, []string{"No file was chosen"}},
		"empty":    {"meta.csv", "", nil, "", 400, []string{"GET /sources"}, []string{"The file is empty"}},
		"too long": {"meta.csv", strings.Repeat("x", maxUpload+1), nil, "", 413, []string{"GET /sources"}, []string{"larger than 8 MiB"}},
		"far more": {"meta.csv", strings.Repeat("x", 2*maxUpload+1), nil, "", 413, []string{"GET /sources"}, []string{"larger than 8 MiB"}},
		"unreadable": {
			"meta.csv", "Day", nil, `409 {"error":{"what":"say whose export it is","do":"choose a platform"}}`, 409,
			[]string{`POST /costs/import {"csv_base64":"RGF5","dry_run":true}`, "GET /sources"},
			[]string{"That export can’t be read", "Say whose export it is"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &api{answers: map[string]string{"POST /costs/import": tt.answer, "GET /sources": costSourcesList}}
			w := uploading(t, newScreens(t, a, mara), "/admin/costs/preview", tt.name, tt.data, tt.fields)
			body := w.Body.String()
			for _, text := range tt.sees {
				if w.Code != tt.status || !strings.Contains(body, text) {
					t.Errorf("%d, and it does not say %q:\n%.3000s", w.Code, text, body)
				}
			}
			checkMarkup(t, body)
			if diff := cmp.Diff(tt.calls, a.asked()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

func TestKeepCosts(t *testing.T) {
	t.Parallel()
	a := &api{answers: map[string]string{"POST /costs/import": `{"rows":2,"days":1,"spend":{"USD":"4.20"},"rejected":1}`}}
	checkAct(t, a, "/admin/costs", "data=RGF5&platform=meta&source_id=meta-us&decimal=comma&back=/admin/costs", "/admin/costs", "Kept: 2 rows of 1 day, $4.20; 1 rejected")
	if diff := cmp.Diff([]string{`POST /costs/import {"csv_base64":"RGF5","decimal":"comma","platform":"meta","source_id":"meta-us"}`}, a.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	rate := &api{answers: map[string]string{"POST /rates": `{"rates":1}`}}
	checkAct(t, rate, "/admin/costs/rates", "date=2026-11-23&currency=eur&rate=1.0521&back=/admin/costs", "/admin/costs", "1 EUR was worth 1.0521 on 2026-11-23")
	if diff := cmp.Diff([]string{`POST /rates {"rows":[{"currency":"EUR","date":"2026-11-23","rate":"1.0521"}]}`}, rate.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}
