package dashboard

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestList(t *testing.T) {
	day := func(d, h int) time.Time { return time.Date(2026, 11, d, h, 0, 0, 0, time.UTC) }
	tests := map[string]struct {
		path string
		want ListQuery
	}{
		"all there is": {
			"deliveries?status=dead&destination_id=meta-eu&mode=live&since=2026-11-20&until=2026-11-24T08:00:00Z&limit=1000&cursor=abc",
			ListQuery{
				Filters: map[string][]string{"status": {"dead"}, "destination_id": {"meta-eu"}, "mode": {"live"}},
				Since:   day(20, 0), Until: day(24, 8), Limit: 1000, Cursor: "abc",
			},
		},
		"hours ago":                     {"clicks?since=24h", ListQuery{Since: day(23, 9)}},
		"days ago":                      {"clicks?since=7d&until=1d", ListQuery{Since: day(17, 9), Until: day(23, 9)}},
		"another zone":                  {"clicks?since=2026-11-24T01:00:00%2B02:00", ListQuery{Since: day(23, 23)}},
		"zone whose plus became space":  {"clicks?since=2026-11-24T01:00:00+02:00", ListQuery{Since: day(23, 23)}},
		"zone behind":                   {"clicks?until=2026-11-24T01:00:00-02:00", ListQuery{Until: day(24, 3)}},
		"fraction of a second":          {"clicks?since=2026-11-24T09:00:00.5Z", ListQuery{Since: now.Add(time.Second / 2)}},
		"smallest page":                 {"attempts?limit=1", ListQuery{Limit: 1}},
		"flag in words":                 {"clicks?is_bot=true&is_test=false", ListQuery{Filters: map[string][]string{"is_bot": {"1"}, "is_test": {"0"}}}},
		"flag in digits":                {"conversions?counts_conversion=1&is_test=0", ListQuery{Filters: map[string][]string{"counts_conversion": {"1"}, "is_test": {"0"}}}},
		"number":                        {"attempts?http_status=0400", ListQuery{Filters: map[string][]string{"http_status": {"400"}}}},
		"click ID of ours, in capitals": {"postbacks?click_id=" + strings.ToUpper(clickID), ListQuery{Filters: map[string][]string{"click_id": {clickID}}}},
		"click ID of others, as it is":  {"postbacks?click_id=IwAR%2B_x", ListQuery{Filters: map[string][]string{"click_id": {"IwAR+_x"}}}},
		"several values": {
			"deliveries?status=dead,held&destination_id=meta-eu,relay", ListQuery{Filters: map[string][]string{
				"status": {"dead", "held"}, "destination_id": {"meta-eu", "relay"},
			}},
		},
		"a comma in a foreign ID": {"postbacks?order_id=1,2", ListQuery{Filters: map[string][]string{"order_id": {"1,2"}}}},
		"destinations of a platform": {
			"destinations?platform=meta&mode=dry_run", ListQuery{Filters: map[string][]string{"platform": {"meta"}, "mode": {"dry_run"}}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := &backend{}
			d, _ := open(b)
			w := ask(t, d, request("GET", "/api/v1/"+tt.path, ""))
			if w.Code != http.StatusOK {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			want := tt.want
			want.Kind, _, _ = strings.Cut(tt.path, "?")
			if want.Limit == 0 {
				want.Limit = 100
			}
			if want.Filters == nil {
				want.Filters = map[string][]string{}
			}
			if diff := cmp.Diff([]call{{"List", []any{want}}}, b.calls); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestBadLists(t *testing.T) {
	clicks := "use some of click_id, record_kind, campaign_id, source_id, platform, ad_account_id, offer_id, landing_id, is_bot, is_test, " +
		"since, until, limit, cursor"
	limit := "give a whole number from 1 to 1000"
	at := "write it as 2026-11-24T09:00:00Z, 2026-11-24, 24h or 7d"
	tests := map[string]struct{ path, what, do string }{
		"unknown filter":     {"clicks?campaign=x", `clicks can't be asked for by "campaign"`, clicks},
		"filter in capitals": {"clicks?Campaign_id=x", `clicks can't be asked for by "Campaign_id"`, clicks},
		"other kind's filter": {
			"destinations?since=24h", `destinations can't be asked for by "since"`, "use some of destination_id, platform, mode, limit, cursor",
		},
		"filter twice":        {"clicks?platform=meta&platform=tiktok", "platform is given 2 times", "give it once"},
		"one empty value":     {"deliveries?status=dead,", "status has an empty value", "leave out the comma, or say what stands there"},
		"one misspelt value":  {"attempts?class=rejected,x", `class is "x"`, "say one of accepted, submitted, deferred, transient, throttled, unauthorized, misconfigured, rejected"},
		"too many values":     {"clicks?campaign_id=" + strings.Repeat("a,", 50) + "a", "campaign_id has 51 values", "give at most 50 at once"},
		"empty filter":        {"clicks?platform=", "platform is empty", "give it a value, or leave it out"},
		"empty cursor":        {"clicks?cursor", "cursor is empty", "give it a value, or leave it out"},
		"misspelt word":       {"attempts?class=rejectd", `class is "rejectd"`, "say one of accepted, submitted, deferred, transient, throttled, unauthorized, misconfigured, rejected"},
		"flag that is none":   {"clicks?is_bot=yes", `is_bot is "yes"`, "say true or false"},
		"number that is none": {"attempts?http_status=4xx", `http_status is "4xx"`, "give a whole number"},
		"negative number":     {"attempts?http_status=-1", `http_status is "-1"`, "give a whole number"},
		"limit of 0":          {"clicks?limit=0", `limit is "0"`, limit},
		"limit above":         {"clicks?limit=1001", `limit is "1001"`, limit},
		"limit in words":      {"clicks?limit=all", `limit is "all"`, limit},
		"month":               {"clicks?since=2026-11", `since is "2026-11"`, at},
		"no such day":         {"clicks?until=2026-11-31", `until is "2026-11-31"`, at},
		"time ahead":          {"clicks?until=-1h", `until is "-1h"`, at},
		"no time at all":      {"clicks?since=0h", `since is "0h"`, at},
		"no span": {
			"clicks?since=2026-11-24&until=2026-11-24", "since, 2026-11-24T00:00:00Z, is not before until, 2026-11-24T00:00:00Z", "exchange or widen them",
		},
		"NUL":             {"clicks?platform=a%00", "platform is not valid UTF-8, or has a NUL", "leave out characters that are no text"},
		"not UTF-8":       {"clicks?platform=%FF", "platform is not valid UTF-8, or has a NUL", "leave out characters that are no text"},
		"bad escape":      {"clicks?platform=%zz", `the query can't be read: invalid URL escape "%zz"`, "escape it as URLs are"},
		"semicolon":       {"clicks?platform=a;limit=1", "the query can't be read: invalid semicolon separator in query", "escape it as URLs are"},
		"filter in brace": {"clicks?filter[platform]=a", `clicks can't be asked for by "filter[platform]"`, clicks},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := &backend{}
			d, log := open(b)
			refused(t, ask(t, d, request("GET", "/api/v1/"+tt.path, "")), problem{http.StatusBadRequest, tt.what, tt.do})
			if len(b.calls) > 0 || log.Len() > 0 {
				t.Errorf("calls %v, log %s", b.calls, log)
			}
		})
	}
}

// FuzzList holds that whatever the query, the answer is an explained 400 or the
// backend is asked for something that it can answer.
func FuzzList(f *testing.F) {
	for _, seed := range []string{
		"", "since=24h&limit=10", "verdict=matched", "is_test=true", "limit=1e3", "since=2026-11-24T01:00:00+02:00", "a=b;c", "%00=1", "cursor=%FF",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		for _, col := range collections() {
			b := &backend{}
			d, log := open(b)
			r := request("GET", "/api/v1/"+col.kind, "")
			r.URL = &url.URL{Path: r.URL.Path, RawQuery: query}
			w := httptest.NewRecorder()
			d.Handler().ServeHTTP(w, r)
			document(t).knows(t, r, w)
			switch w.Code {
			case http.StatusBadRequest:
				if len(b.calls) > 0 {
					t.Errorf("refused, and asked for %v", b.calls)
				}
			case http.StatusOK:
				sound(t, col, b.calls[0].Args[0].(ListQuery))
			default:
				t.Errorf("%q: %d %s, log %s", query, w.Code, w.Body, log)
			}
		}
	})
}

func sound(t *testing.T, col collection, q ListQuery) {
	t.Helper()
	spanned := q.Since.IsZero() || q.Until.IsZero() || q.Since.Before(q.Until)
	if q.Kind != col.kind || q.Limit < 1 || q.Limit > 1000 || !spanned || !isText(q.Cursor) {
		t.Errorf("%+v", q)
	}
	left := len(q.Filters)
	for _, f := range col.filters {
		values, ok := q.Filters[f.name]
		if !ok {
			continue
		}
		left--
		for _, v := range values {
			if again, err := f.value(v); err != nil || again != v || v == "" || !isText(v) {
				t.Errorf("%s is %q, read again %q: %v", f.name, v, again, err)
			}
		}
	}
	if left != 0 {
		t.Errorf("filters that %s has not: %v", col.kind, q.Filters)
	}
}

// FuzzReplay holds that no body makes a replay of everything.
func FuzzReplay(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"dry_run":true}`, `{"since":"1h","force":true}`, `{"delivery_ids":["dl_1"]}`, `{"delivery_ids":[]}`, `{"status":"dead"}`, `null`, `[`,
		`{"since":"1h","since":null}`, "{\"status\":\"dead\",\"status\":\"\"}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		b := &backend{value: map[string]any{}}
		d, log := open(b)
		r := request("POST", "/api/v1/replays", body)
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		d.Handler().ServeHTTP(w, r)
		switch w.Code {
		case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
			if len(b.calls) > 0 {
				t.Errorf("refused, and asked for %v", b.calls)
			}
		case http.StatusOK:
			got := b.calls[0].Args[0].(Replay)
			narrowed := got
			narrowed.DryRun, narrowed.Force, narrowed.By = false, false, ""
			if cmp.Equal(narrowed, Replay{}) || len(got.DeliveryIDs) > 256 || got.By != "api" {
				t.Errorf("%q asked for %+v", body, got)
			}
		default:
			t.Errorf("%q: %d %s, log %s", body, w.Code, w.Body, log)
		}
	})
}
