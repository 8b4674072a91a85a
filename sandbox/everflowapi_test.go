package sandbox

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// everflowCall makes a call with the key, unless another is given.
func everflowCall(t *testing.T, h http.Handler, method, path, body, key string) (int, string) {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if key != "" {
		r.Header.Set("X-Eflow-API-Key", key)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	answer, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(answer)
}

func TestEverflowAPIIsStrict(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	const report, span = "/v1/affiliates/reporting/conversions", `"from":"2026-11-01 00:00:00","to":"2026-11-24 00:00:00"`
	const flags = `"show_conversions":true,"show_events":true`
	tests := map[string]struct {
		method, path, body, key string
		code                    int
		says                    string
	}{
		"the whole":         {"POST", report, `{` + span + `,"timezone_id":67,` + flags + `,"query":{"filters":[]}}`, EverflowAPIKey, 200, `"total_count":2`},
		"base only":         {"POST", report, `{` + span + `,"timezone_id":67,"show_conversions":true,"show_events":false}`, EverflowAPIKey, 200, `"total_count":1`},
		"the second page":   {"POST", report + "?page=2&page_size=1", `{` + span + `,"timezone_id":67,` + flags + `}`, EverflowAPIKey, 200, `"conversion_id":"c1"`},
		"ascending":         {"POST", report + "?page_size=1&order_direction=asc", `{` + span + `,"timezone_id":67,` + flags + `}`, EverflowAPIKey, 200, `"conversion_id":"c1"`},
		"no key":            {"POST", report, `{}`, "", 401, "Unauthorized"},
		"another key":       {"POST", report, `{}`, "x", 401, "Unauthorized"},
		"no zone":           {"POST", report, `{` + span + `,` + flags + `}`, EverflowAPIKey, 400, "timezone_id is required"},
		"another zone":      {"POST", report, `{` + span + `,"timezone_id":80,` + flags + `}`, EverflowAPIKey, 400, "UTC"},
		"no flags":          {"POST", report, `{` + span + `,"timezone_id":67}`, EverflowAPIKey, 400, "are required"},
		"paging in body":    {"POST", report, `{` + span + `,"timezone_id":67,` + flags + `,"page":2}`, EverflowAPIKey, 400, "unknown field"},
		"a date that isn't": {"POST", report, `{"from":"yesterday","to":"2026-11-24 00:00:00","timezone_id":67,` + flags + `}`, EverflowAPIKey, 400, "no date"},
		"too long ago":      {"POST", report, `{"from":"2025-01-01 00:00:00","to":"2025-02-01 00:00:00","timezone_id":67,` + flags + `}`, EverflowAPIKey, 400, "365 days"},
		"page zero":         {"POST", report + "?page=0", `{}`, EverflowAPIKey, 400, "no number from 1"},
		"GET":               {"GET", report, "", EverflowAPIKey, 404, "not found"},
		"a click":           {"GET", "/v1/affiliates/reporting/clicks/t1", "", EverflowAPIKey, 200, `"sub5":"click"`},
		"no click":          {"GET", "/v1/affiliates/reporting/clicks/t9", "", EverflowAPIKey, 404, "click not found"},
		"pixels":            {"GET", "/v1/affiliates/pixels?pixel_status=inactive", "", EverflowAPIKey, 200, `"network_pixel_id":2`},
		"a pixel":           {"GET", "/v1/affiliates/pixels/2", "", EverflowAPIKey, 200, `"pixel_status":"inactive"`},
		"no pixel":          {"GET", "/v1/affiliates/pixels/3", "", EverflowAPIKey, 404, "pixel not found"},
		"half a pixel":      {"PUT", "/v1/affiliates/pixels/2", `{"pixel_status":"active"}`, EverflowAPIKey, 400, "as a whole"},
		"a status":          {"PUT", "/v1/affiliates/pixels/2", `{"pixel_status":"on","delivery_method":"postback","pixel_level":"global","pixel_type":"conversion","postback_url":"https://x/"}`, EverflowAPIKey, 400, "not active or inactive"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := NewEverflowAPI(func() time.Time { return now })
			e.Install(EverflowPixel{ID: 1, Status: "active"}, EverflowPixel{ID: 2, Status: "inactive"})
			for i, event := range []string{"Base", "Upsell"} {
				c := Conversion{TransactionID: "t1", ConversionID: fmt.Sprint("c", i+1), EventName: event, Payout: "1.50", Status: "approved"}
				c.Sub[4] = "click"
				if fires, err := e.Convert(c, now.Add(time.Duration(i-24)*time.Hour), now); err != nil || !fires {
					t.Fatal(fires, err)
				}
			}
			if code, text := everflowCall(t, e, tt.method, tt.path, tt.body, tt.key); code != tt.code || !strings.Contains(text, tt.says) {
				t.Errorf("%d %s; want %d with %q", code, text, tt.code, tt.says)
			}
		})
	}
}

func TestEverflowBooks(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	e := NewEverflowAPI(func() time.Time { return now })
	e.Lose(1)
	var fired []bool
	for i := range 4 {
		fires, err := e.Convert(Conversion{TransactionID: "t", ConversionID: fmt.Sprint(i), Payout: "10.10", Status: "pending"}, now, now)
		if err != nil {
			t.Fatal(err)
		}
		fired = append(fired, fires)
	}
	for _, bad := range []Conversion{{TransactionID: "t", ConversionID: "0"}, {TransactionID: "t"}, {TransactionID: "t", ConversionID: "9", Payout: "1/3"}} {
		if _, err := e.Convert(bad, now, now); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	n := e.Flip(1, "rejected")
	drifted, err := e.Drift(9, "-0.20")
	if diff := cmp.Diff([]bool{false, true, true, true}, fired); diff != "" || n != 1 || drifted != 3 || err != nil {
		t.Errorf("%s %d flipped, %d drifted, %v", diff, n, drifted, err)
	}
	want := EverflowTotals{Conversions: 4, ByStatus: map[string]int{"pending": 3, "rejected": 1}, Payout: "29.7"}
	if diff := cmp.Diff(want, e.Totals()); diff != "" {
		t.Error(diff)
	}
	if _, err := e.Drift(1, "much"); err == nil {
		t.Error("an amount in words is taken")
	}
	e.Reset()
	if got := e.Totals().Conversions; got != 0 {
		t.Errorf("%d conversions after a reset", got)
	}
}

// The rate is that of the API: 20 at once, 5 a second.
func TestEverflowRate(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	e := NewEverflowAPI(func() time.Time { return now })
	count := func(n int) (taken int) {
		for range n {
			if code, _ := everflowCall(t, e, "GET", "/v1/affiliates/pixels", "", EverflowAPIKey); code == 200 {
				taken++
			}
		}
		return taken
	}
	got := []int{count(30)}
	now = now.Add(time.Second)
	got = append(got, count(30))
	now = now.Add(time.Hour)
	got = append(got, count(30))
	if diff := cmp.Diff([]int{20, 5, 20}, got); diff != "" {
		t.Error(diff)
	}
}

func TestEverflowSwitches(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	s := New(func() time.Time { return now }, MetaConfig{})
	h := s.Handler()
	tests := []struct {
		method, path, body string
		code               int
		says               string
	}{
		{"POST", "lose", `{"conversions":1}`, 200, `{"conversions":1}`},
		{"POST", "convert", `{"transaction_id":"t1","conversion_id":"c1","payout":"30","status":"approved","sub5":"click","ago_seconds":3600}`, 200, `{"fires":false}`},
		{"POST", "convert", `{"transaction_id":"t1","conversion_id":"c2","payout":"30","status":"approved"}`, 200, `{"fires":true}`},
		{"POST", "convert", `{"transaction_id":"t1"}`, 400, "need both IDs"},
		{"POST", "flip", `{"conversions":1,"status":"rejected"}`, 200, `{"conversions":1}`},
		{"POST", "drift", `{"conversions":5,"by":"-0.50"}`, 200, `{"conversions":1}`},
		{"POST", "drift", `{"conversions":5,"by":"x"}`, 400, "no amount"},
		{"GET", "totals", "", 200, `{"conversions":2,"by_status":{"approved":1,"rejected":1},"payout":"29.5"}`},
		{"POST", "fail", `{"mode":"html","requests":2}`, 200, `"html"`},
		{"POST", "fail", `{"mode":"poison","requests":2}`, 400, "not one of"},
		{"DELETE", "fail", "", 204, ""},
		{"PUT", "pixels", `[{"network_pixel_id":5,"pixel_status":"active"}]`, 200, `5`},
		{"GET", "pixels", "", 200, `"network_pixel_id":5`},
		{"POST", "read_only", `{"on":true}`, 200, "true"},
	}
	for _, tt := range tests {
		if code, text := everflowCall(t, h, tt.method, "/_sandbox/everflow/"+tt.path, tt.body, ""); code != tt.code || !strings.Contains(text, tt.says) {
			t.Errorf("%s %s: %d %s; want %d with %q", tt.method, tt.path, code, text, tt.code, tt.says)
		}
	}
	if code, text := everflowCall(t, h, "PUT", "/v1/affiliates/pixels/5", `{}`, EverflowAPIKey); code != 403 {
		t.Errorf("read only: %d %s", code, text)
	}
	if _, text := everflowCall(t, h, "GET", "/_sandbox/", "", ""); !strings.Contains(text, EverflowAPIKey) {
		t.Error("the index does not tell of it")
	}
}
