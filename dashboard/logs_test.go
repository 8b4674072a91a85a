package dashboard

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func (b *backend) Count(ctx context.Context, q ListQuery) (int, error) {
	_, err := b.called(ctx, "Count", q)
	return b.rows, err
}

func (b *backend) Export(ctx context.Context, q ListQuery, form string, w io.Writer) error {
	if _, err := b.called(ctx, "Export", q, form); err != nil && b.file == "" {
		return err
	}
	if _, err := io.WriteString(w, b.file); err != nil {
		return err
	}
	return b.err
}

func (b *backend) Search(ctx context.Context, text string) (any, error) {
	return b.called(ctx, "Search", text)
}

func (b *backend) MarkTest(ctx context.Context, id string, m TestMark) (any, error) {
	return b.called(ctx, "MarkTest", id, m)
}

func (b *backend) UndoReplay(ctx context.Context, ids []string, by string) (any, error) {
	return b.called(ctx, "UndoReplay", ids, by)
}

func TestLogCalls(t *testing.T) {
	filters := map[string][]string{"status": {"dead", "held"}}
	ids := strings.TrimSuffix(strings.Repeat(`"dl_1",`, maxUndoIDs+1), ",")
	tests := map[string]struct {
		method, path, body string
		want               []call
		status             int // 200, if 0
		says               string
	}{
		"count": {
			"GET", "/api/v1/deliveries/export?status=dead,held&since=1h&count=true", "",
			[]call{{"Count", []any{ListQuery{Kind: "deliveries", Filters: filters, Since: now.Add(-time.Hour), Limit: 100}}}},
			0, `{"rows":7}`,
		},
		"export": {
			"GET", "/api/v1/deliveries/export?status=dead,held", "",
			[]call{{"Export", []any{ListQuery{Kind: "deliveries", Filters: filters, Limit: 100}, "csv"}}},
			0, "a,b",
		},
		"export as Parquet": {
			"GET", "/api/v1/attempts/export?format=parquet&count=false", "",
			[]call{{"Export", []any{ListQuery{Kind: "attempts", Filters: map[string][]string{}, Limit: 100}, "parquet"}}},
			0, "a,b",
		},
		"export in another form":  {"GET", "/api/v1/clicks/export?format=xls", "", nil, 400, "say one of csv, parquet"},
		"count in another word":   {"GET", "/api/v1/clicks/export?count=yes", "", nil, 400, "say one of true, false"},
		"export of a page":        {"GET", "/api/v1/clicks/export?limit=5", "", nil, 400, `clicks can't be asked for by \"limit\"`},
		"export of destinations":  {"GET", "/api/v1/destinations/export", "", []call{{"Story", []any{"destinations", "export"}}}, 0, `{"destination_id":"x"}`},
		"search":                  {"GET", "/api/v1/search?q=jane%40example.com", "", []call{{"Search", []any{"jane@example.com"}}}, 0, ""},
		"search for nothing":      {"GET", "/api/v1/search", "", nil, 400, "q is missing"},
		"search for a book":       {"GET", "/api/v1/search?q=" + strings.Repeat("a", maxSearch+1), "", nil, 400, "longer than any ID"},
		"a test":                  {"POST", "/api/v1/conversions/cv_1/test", `{"test":true,"retract":true}`, []call{{"MarkTest", []any{"cv_1", TestMark{Test: true, Retract: true, By: "api"}}}}, 0, ""},
		"no test":                 {"POST", "/api/v1/conversions/cv_1/test", `{"test":false}`, []call{{"MarkTest", []any{"cv_1", TestMark{By: "api"}}}}, 0, ""},
		"a test or not":           {"POST", "/api/v1/conversions/cv_1/test", `{}`, nil, 400, "test is missing"},
		"no test, retracted":      {"POST", "/api/v1/conversions/cv_1/test", `{"test":false,"retract":true}`, nil, 400, "exclude each other"},
		"a test by query":         {"POST", "/api/v1/conversions/cv_1/test?test=true", "", nil, 400, "this call takes no query"},
		"undo":                    {"POST", "/api/v1/replays/undo", `{"delivery_ids":["dl_1","dl_2"]}`, []call{{"UndoReplay", []any{[]string{"dl_1", "dl_2"}, "api"}}}, 0, ""},
		"undo of nothing":         {"POST", "/api/v1/replays/undo", `{}`, nil, 400, "delivery_ids is missing"},
		"undo of too much":        {"POST", "/api/v1/replays/undo", `{"delivery_ids":[` + ids + `]}`, nil, 400, "name at most 1000 at once"},
		"replay, put off":         {"POST", "/api/v1/replays", `{"delivery_ids":["dl_1"],"after":"10s"}`, []call{{"Replay", []any{Replay{DeliveryIDs: []string{"dl_1"}, After: 10 * time.Second, By: "api"}}}}, 0, ""},
		"replay, put off too far": {"POST", "/api/v1/replays", `{"delivery_ids":["dl_1"],"after":"11m"}`, nil, 400, "at most 10m"},
		"replay, put off alone":   {"POST", "/api/v1/replays", `{"after":"10s"}`, nil, 400, "this would send everything again"},
	}
	answers := map[string]any{
		"Search":     map[string]any{"query": "x", "items": []any{}, "tried": []string{}},
		"MarkTest":   map[string]any{"conversion_id": "cv_1", "test": true, "verdict": "test", "skipped": []string{}, "told": []string{}, "made": []string{}},
		"UndoReplay": map[string]any{"undone": []string{"dl_1"}, "left": map[string]string{"dl_2": "sent"}},
		"Story":      map[string]any{"destination_id": "x"},
		"Replay":     map[string]any{"count": 0, "refused": map[string]int{}, "value": map[string]string{}, "ids": []string{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := &backend{rows: 7, file: "a,b\n"}
			if len(tt.want) > 0 {
				b.value = answers[tt.want[0].Method]
			}
			d, log := open(b)
			w := ask(t, d, request(tt.method, tt.path, tt.body))
			want := tt.status
			if want == 0 {
				want = http.StatusOK
			}
			if diff := cmp.Diff(tt.want, b.calls); diff != "" || w.Code != want || !strings.Contains(w.Body.String(), tt.says) || log.Len() > 0 {
				t.Errorf("%d %s, log %s, calls (-want +got):\n%s", w.Code, w.Body, log, diff)
			}
		})
	}
}

func TestExportIsAFile(t *testing.T) {
	d, _ := open(&backend{file: "PAR1"})
	w := ask(t, d, request("GET", "/api/v1/deliveries/export?format=parquet", ""))
	want := []string{"application/vnd.apache.parquet", `attachment; filename="deliveries-20261124-090000.parquet"`}
	if diff := cmp.Diff(want, []string{w.Header().Get("Content-Type"), w.Header().Get("Content-Disposition")}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What fails before the first byte is an answer; after it, no half file looks
// whole.
func TestExportThatFails(t *testing.T) {
	d, _ := open(&backend{err: Refusal{What: "no database", Do: "wait", Unavailable: true}})
	refused(t, ask(t, d, request("GET", "/api/v1/clicks/export", "")), problem{503, "no database", "wait"})
	d, log := open(&backend{err: errors.New(secret), file: "a,b\n"})
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) || !strings.Contains(log.String(), secret) {
			t.Errorf("panic %v, log %s", err, log)
		}
	}()
	ask(t, d, request("GET", "/api/v1/clicks/export", ""))
}
