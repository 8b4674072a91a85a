package dashboard

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

func TestCosts(t *testing.T) {
	kept := map[string]any{"import_id": "im_1", "rows": 1, "days": 1}
	item := map[string]any{"source_id": "meta-us", "day": "2026-11-20", "spend": "12.34", "currency": "USD", "import_id": "im_1", "imported_at": "2026-11-24T09:00:00Z"}
	rate := map[string]any{"date": "2026-11-20", "currency": "EUR", "reporting_currency": "USD", "rate": "1.0521", "source": "ecb"}
	tests := map[string]struct {
		method, path, body string
		value              any
		code               int
		called             []call
		says               string
	}{
		"replace": {
			"POST", "/api/v1/costs", `{"rows":[{"source_id":"meta-us","day":"2026-11-20","ad_id":"1","spend":"12.34","impressions":7}]}`, kept, 200,
			[]call{{"ReplaceCosts", []any{[]Cost{{SourceID: "meta-us", Day: "2026-11-20", AdID: "1", Spend: 12_340_000, Impressions: 7}}}}},
			`"import_id":"im_1"`,
		},
		"no rows":          {"POST", "/api/v1/costs", `{}`, nil, 400, nil, "rows is missing"},
		"empty rows":       {"POST", "/api/v1/costs", `{"rows":[]}`, nil, 400, nil, "rows is empty"},
		"a row of text":    {"POST", "/api/v1/costs", `{"rows":["x"]}`, nil, 400, nil, "rows[0]: the body is not a JSON object"},
		"unknown field":    {"POST", "/api/v1/costs", `{"rows":[{"source_id":"m","day":"2026-11-20","spend":"1","cost":"2"}]}`, nil, 400, nil, `rows[0]: there is no field \"cost\"`},
		"no spend":         {"POST", "/api/v1/costs", `{"rows":[{"source_id":"m","day":"2026-11-20","spend":"1"},{"source_id":"m","day":"2026-11-20"}]}`, nil, 400, nil, "rows[1]: spend is missing"},
		"spend as a float": {"POST", "/api/v1/costs", `{"rows":[{"source_id":"m","day":"2026-11-20","spend":0.1}]}`, nil, 400, nil, "rows[0]: spend can't be a number"},
		"spend in words":   {"POST", "/api/v1/costs", `{"rows":[{"source_id":"m","day":"2026-11-20","spend":"1,5"}]}`, nil, 400, nil, "rows[0]: an amount is no plain decimal"},
		"half a click":     {"POST", "/api/v1/costs", `{"rows":[{"source_id":"m","day":"2026-11-20","spend":"1","platform_clicks":1.5}]}`, nil, 400, nil, "rows[0]: platform_clicks can't be a number"},
		"list": {
			"GET", "/api/v1/costs?source_id=meta-us&since=2026-11-01&until=2026-12-01&limit=5&cursor=c", "",
			map[string]any{"items": []any{item}, "next": "c2"},
			200,
			[]call{{"Costs", []any{CostQuery{SourceID: "meta-us", Since: "2026-11-01", Until: "2026-12-01", Limit: 5, Cursor: "c"}}}},
			`"next":"c2"`,
		},
		"list all":      {"GET", "/api/v1/costs", "", map[string]any{"items": []any{}, "next": ""}, 200, []call{{"Costs", []any{CostQuery{Limit: 100}}}}, `"items":[]`},
		"a moment":      {"GET", "/api/v1/costs?since=7d", "", nil, 400, nil, "write a day as 2026-11-24"},
		"no span":       {"GET", "/api/v1/costs?since=2026-11-02&until=2026-11-02", "", nil, 400, nil, "is not before until"},
		"unknown name":  {"GET", "/api/v1/costs?ad_id=1", "", nil, 400, nil, `it can't be asked for by \"ad_id\"`},
		"given twice":   {"GET", "/api/v1/costs?limit=1&limit=2", "", nil, 400, nil, "limit is given 2 times"},
		"empty":         {"GET", "/api/v1/costs?source_id=", "", nil, 400, nil, "source_id is empty"},
		"no text":       {"GET", "/api/v1/costs?source_id=%ff", "", nil, 400, nil, "not valid UTF-8"},
		"limit too far": {"GET", "/api/v1/costs?limit=1001", "", nil, 400, nil, `limit is \"1001\"`},
		"rates": {
			"POST", "/api/v1/rates", `{"rows":[{"date":"2026-11-20","currency":"EUR","rate":"1.0521"}]}`,
			map[string]any{"rates": 1},
			200,
			[]call{{"PutRates", []any{"manual", []Rate{{"2026-11-20", "EUR", "1.0521"}}}}},
			`"rates":1`,
		},
		"rates of a bank": {
			"POST", "/api/v1/rates", `{"source":"bank","rows":[{"date":"2026-11-20","currency":"EUR","rate":"1"}]}`,
			map[string]any{"rates": 1},
			200,
			[]call{{"PutRates", []any{"bank", []Rate{{"2026-11-20", "EUR", "1"}}}}},
			`"rates":1`,
		},
		"a rate as a float": {"POST", "/api/v1/rates", `{"rows":[{"date":"2026-11-20","currency":"EUR","rate":1.0521}]}`, nil, 400, nil, "rows[0]: rate can't be a number"},
		"list rates": {
			"GET", "/api/v1/rates?currency=eur&since=2026-11-01", "",
			map[string]any{"items": []any{rate}},
			200,
			[]call{{"Rates", []any{RateQuery{Currency: "EUR", Since: "2026-11-01", Limit: 100}}}},
			`"rate":"1.0521"`,
		},
		"rates of a moment": {"GET", "/api/v1/rates?since=now", "", nil, 400, nil, "write a day"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := &backend{value: test.value}
			d, _ := open(b)
			w := ask(t, d, request(test.method, test.path, test.body))
			if w.Code != test.code || !strings.Contains(w.Body.String(), test.says) {
				t.Errorf("%d %s; want %d with %q", w.Code, w.Body, test.code, test.says)
			}
			if diff := cmp.Diff(test.called, b.calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// A day of a large account has more than other bodies may.
func TestCostsOfALargeDay(t *testing.T) {
	row := `{"source_id":"m","day":"2026-11-20","ad_id":"120210000000000001","spend":"1"}`
	b := &backend{value: map[string]any{"import_id": "im_1", "rows": 2000, "days": 1}}
	d, _ := open(b)
	w := ask(t, d, request("POST", "/api/v1/costs", `{"rows":[`+strings.Repeat(row+",", 1999)+row+`]}`))
	if w.Code != 200 || len(b.calls) != 1 || len(b.calls[0].Args[0].([]Cost)) != 2000 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w = ask(t, d, request("POST", "/api/v1/costs", `{"rows":[`+strings.Repeat(row+",", maxRows/len(row))+row+`]}`))
	if w.Code != 413 || !strings.Contains(w.Body.String(), "longer than 16384 KiB") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if want := subfive.Micros(1_000_000); b.calls[0].Args[0].([]Cost)[1999].Spend != want {
		t.Errorf("the last row costs %s", b.calls[0].Args[0].([]Cost)[1999].Spend)
	}
}
