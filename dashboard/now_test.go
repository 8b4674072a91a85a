package dashboard

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestNow(t *testing.T) {
	period := func(text string) Period {
		p, err := ParsePeriod(text)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	york, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		query string
		code  int
		asked NowQuery
		says  string
	}{
		"by itself":         {"", 200, NowQuery{Period: period("24h")}, ""},
		"seven days there":  {"?range=7d&zone=America/New_York", 200, NowQuery{period("7d"), york}, ""},
		"unknown range":     {"?range=week", 400, NowQuery{}, `range is \"week\"`},
		"unknown zone":      {"?zone=Mars/Olympus", 400, NowQuery{}, `no time zone \"Mars/Olympus\"`},
		"the machine's own": {"?zone=Local", 400, NowQuery{}, `no time zone \"Local\"`},
		"a misspelt name":   {"?since=24h", 400, NowQuery{}, `can't be asked for by \"since\"`},
		"an empty range":    {"?range=", 400, NowQuery{}, "range is empty"},
	}
	answer, err := os.ReadFile("../cmd/subfive/testdata/now/busy.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := &backend{value: json.RawMessage(answer)}
			d, _ := open(b)
			w := ask(t, d, request("GET", "/api/v1/now"+test.query, ""))
			if w.Code != test.code || !strings.Contains(w.Body.String(), test.says) {
				t.Errorf("%d %s; want %d with %q", w.Code, w.Body, test.code, test.says)
			}
			var want []call
			if test.code == 200 {
				want = []call{{"Now", []any{test.asked}}}
			}
			if diff := cmp.Diff(want, b.calls, cmp.AllowUnexported(Period{}), cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() })); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// What the tracker answers in each of its states is what the document says.
func TestNowAnswersAreDocumented(t *testing.T) {
	files, err := filepath.Glob("../cmd/subfive/testdata/now/*.json")
	if err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		answer, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d, _ := open(&backend{value: json.RawMessage(answer)})
		if w := ask(t, d, request("GET", "/api/v1/now", "")); w.Code != 200 {
			t.Errorf("%s: %d", file, w.Code)
		}
	}
}

func TestNowCounts(t *testing.T) {
	b := &backend{value: json.RawMessage(`{"dead":7,"held":1,"unsettled":3,"alerts":0,"missing":null}`)}
	d, _ := open(b)
	if w := ask(t, d, request("GET", "/api/v1/now/counts", "")); w.Code != 200 || len(b.calls) != 1 || b.calls[0].Method != "NowCounts" {
		t.Errorf("%d %s, called %v", w.Code, w.Body, b.calls)
	}
	if w := ask(t, d, request("GET", "/api/v1/now/counts?range=7d", "")); w.Code != 400 {
		t.Errorf("with a query: %d", w.Code)
	}
}

func TestPeriods(t *testing.T) {
	york, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	calcutta, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	noon := time.Date(2026, 11, 24, 17, 20, 30, 0, time.UTC)
	long := time.Date(2026, 11, 3, 5, 0, 0, 0, time.UTC) // two days after the clocks went back there
	tests := map[string]struct {
		text string
		zone *time.Location
		now  time.Time
		want string // since until, compared with since until, in the zone
		days bool
	}{
		"24 hours":               {"24h", york, noon, "23 13:00 24 12:20, 22 13:00 23 12:20", false},
		"an hour of half hours":  {"1h", calcutta, noon, "24 22:00 24 22:50, 24 21:00 24 21:50", false},
		"today":                  {"today", york, noon, "24 00:00 24 12:20, 23 00:00 23 12:20", true},
		"a longer day":           {"3d", york, long, "01 00:00 03 00:00, 29 00:00 31 00:00", true},
		"yesterday":              {"yesterday", york, noon, "23 00:00 24 00:00, 22 00:00 23 00:00", true},
		"a week":                 {"7d", york, noon, "18 00:00 24 12:20, 11 00:00 17 12:20", true},
		"this month":             {"month", york, noon, "01 00:00 24 12:20, 01 00:00 24 13:20", true}, // the other has an hour more
		"a month after a short":  {"month", time.UTC, time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC), "01 00:00 31 12:00, 01 00:00 01 00:00", true},
		"this year":              {"year", time.UTC, noon, "01 00:00 24 17:20, 01 00:00 24 17:20", true},
		"two days":               {"2026-11-01..2026-11-07", york, noon, "01 00:00 08 00:00, 25 00:00 01 00:00", true},
		"two days, one to come":  {"2026-11-23..2026-11-30", york, noon, "23 00:00 24 12:20, 15 00:00 16 12:20", true},
		"two moments":            {"2026-11-24T10:00:00Z..2026-11-24T12:00:00Z", york, noon, "24 05:00 24 07:00, 24 03:00 24 05:00", false},
		"two moments, one ahead": {"2026-11-24T10:00:00Z..2026-11-24T20:00:00Z", time.UTC, noon, "24 10:00 24 17:20, 24 00:00 24 07:20", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := ParsePeriod(test.text)
			if err != nil {
				t.Fatal(err)
			}
			s, err := p.In(test.zone, test.now)
			if err != nil {
				t.Fatal(err)
			}
			at := func(m time.Time) string { return m.In(test.zone).Format("02 15:04") }
			if got := at(s.Since) + " " + at(s.Until) + ", " + at(s.BeforeSince) + " " + at(s.BeforeUntil); got != test.want || s.ByDays != test.days {
				t.Errorf("means %s, by days %t; want %s", got, s.ByDays, test.want)
			}
		})
	}
	for _, text := range []string{"", "0h", "24", "097h", "97h", "801d", "-1d", "1w", "..", "2026-11-07..2026-11-01", "2026-11-01..", "2020-01-01..2026-01-01", "1d2h", "+5d"} {
		if _, err := ParsePeriod(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	ahead, err := ParsePeriod("2026-12-01..2026-12-02")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ahead.In(time.UTC, noon); err == nil {
		t.Error("a span that lies ahead is taken")
	}
}
