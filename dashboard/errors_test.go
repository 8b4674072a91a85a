package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

// refused says that w is the problem, without an ID.
func refused(t *testing.T, w *httptest.ResponseRecorder, want problem) {
	t.Helper()
	var got failure
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	if diff := cmp.Diff(failure{failureText{What: want.what, Do: want.do}}, got); diff != "" || w.Code != want.status {
		t.Errorf("status %d, want %d (-want +got):\n%s", w.Code, want.status, diff)
	}
}

func TestErrorsForTheCaller(t *testing.T) {
	notFound := problem{404, "there is nothing of that ID", "check the IDs you sent; the lists, such as /api/v1/deliveries, show them"}
	tests := map[string]struct {
		err  error
		want problem
	}{
		"not found":   {fmt.Errorf("story of x: %w", subfive.ErrNotFound), notFound},
		"conflict":    {fmt.Errorf("record: %w", subfive.ErrConflict), problem{409, "somebody changed it at the same moment", "look at it again, then repeat the call"}},
		"bad data":    {fmt.Errorf("record: %w", subfive.ErrBadData), problem{422, "the database can't keep one of these values", "leave out characters that are no text"}},
		"refusal":     {fmt.Errorf("settle: %w", Refusal{What: "it is settled", Do: "leave it"}), problem{409, "it is settled", "leave it"}},
		"invalid":     {Refusal{What: "the cursor is none of ours", Do: "start anew", Invalid: true}, problem{422, "the cursor is none of ours", "start anew"}},
		"unavailable": {Refusal{What: "no database", Do: "wait", Unavailable: true}, problem{503, "no database", "wait"}},
	}
	calls := map[string]struct{ method, path, body string }{
		"list":   {"GET", "/api/v1/deliveries", ""},
		"story":  {"GET", "/api/v1/deliveries/dl_1", ""},
		"replay": {"POST", "/api/v1/replays", `{"status":"dead"}`},
		"settle": {"POST", "/api/v1/postbacks/pb_1/settle", `{"as":"new"}`},
		"accept": {"POST", "/api/v1/postbacks/pb_1/accept", ""},
		"attach": {"POST", "/api/v1/postbacks/pb_1/attach", `{"click_id":"x"}`},
		"mode":   {"PUT", "/api/v1/destinations/meta-eu/mode", `{"mode":"live"}`},
		"pause":  {"POST", "/api/v1/destinations/meta-eu/pause", ""},
		"resume": {"POST", "/api/v1/destinations/meta-eu/resume", ""},
		"check":  {"POST", "/api/v1/destinations/meta-eu/check", ""},
	}
	for name, tt := range tests {
		for what, c := range calls {
			if name == "not found" && what == "list" {
				continue // a list of nothing is empty
			}
			t.Run(name+" "+what, func(t *testing.T) {
				d, log := open(&backend{err: tt.err})
				w := ask(t, d, request(c.method, c.path, c.body))
				refused(t, w, tt.want)
				if got := w.Header().Get("Retry-After"); (got != "") != (w.Code == 503) {
					t.Errorf("Retry-After %q with %d", got, w.Code)
				}
				if log.Len() > 0 {
					t.Errorf("logged: %s", log)
				}
			})
		}
	}
	if got := (Refusal{What: "it is settled", Do: "leave it"}).Error(); got != "it is settled: leave it" {
		t.Errorf("Error is %q", got)
	}
}

// secret is what must not leave the machine.
const secret = "pq: password authentication failed for user anna"

// logLine is what matters of a line in the log.
type logLine struct {
	Level   string `json:"level"`
	Msg     string `json:"msg"`
	ErrorID string `json:"error_id"`
	Method  string `json:"method"`
	Route   string `json:"route"`
	Err     string `json:"err"`
}

// logged reads the only line of the log.
func logged(t *testing.T, log string) logLine {
	t.Helper()
	var l logLine
	if err := json.Unmarshal([]byte(log), &l); err != nil {
		t.Fatalf("not one line: %s", log)
	}
	return l
}

func TestErrorsThatStayHere(t *testing.T) {
	tests := map[string]struct {
		b   backend
		err string // begins with
	}{
		"an error":          {backend{err: errors.New(secret)}, secret},
		"a panic":           {backend{panic: secret}, "panic: " + secret},
		"a panicking error": {backend{panic: errors.New(secret)}, "panic: " + secret},
		"what is no JSON":   {backend{value: func() {}}, "encode the answer: json: unsupported type"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d, log := open(&tt.b)
			w := ask(t, d, request("GET", "/api/v1/clicks/a@example.com", ""))
			var got failure
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			id := got.Error.ID
			want := failure{failureText{"something went wrong here", `look for error_id "` + id + `" in the tracker's log`, id}}
			if diff := cmp.Diff(want, got); diff != "" || w.Code != 500 || len(id) < 20 {
				t.Errorf("%d, id %q (-want +got):\n%s", w.Code, id, diff)
			}
			line := logged(t, log.String())
			if !strings.HasPrefix(line.Err, tt.err) {
				t.Errorf("logged err %q", line.Err)
			}
			line.Err = ""
			if diff := cmp.Diff(logLine{"ERROR", "answer the API", id, "GET", "/api/v1/clicks/:id", ""}, line); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
			if strings.Contains(log.String(), "example.com") || strings.Contains(log.String(), adminToken) {
				t.Errorf("an address or the token is in the log: %s", log)
			}
		})
	}
}

func TestAbortedHandler(t *testing.T) {
	d, log := open(&backend{panic: http.ErrAbortHandler})
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) || log.Len() > 0 {
			t.Errorf("panic %v, log %s", err, log)
		}
	}()
	ask(t, d, request("GET", "/api/v1/clicks", ""))
}

func TestPanicAfterHalfAnAnswer(t *testing.T) {
	opened, log := open(&backend{})
	cfg := opened.cfg
	cfg.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "subfive_unm")
		panic(secret)
	})
	w := httptest.NewRecorder()
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) || w.Body.String() != "subfive_unm" {
			t.Errorf("panic %v after %q", err, w.Body)
		}
		if line := logged(t, log.String()); !strings.HasPrefix(line.Err, "panic: "+secret) || line.Route != "/metrics" {
			t.Errorf("log %+v", line)
		}
	}()
	New(cfg).Handler().ServeHTTP(w, request("GET", "/metrics", ""))
}

func TestCallThatTakesTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, log := open(&backend{block: true})
		w := ask(t, d, request("GET", "/api/v1/clicks", ""))
		line := logged(t, log.String())
		want := `{"error":{"what":"it took too long and was given up","do":"ask for less, or try again later; look for error_id \"` + line.ErrorID +
			`\" in the tracker's log","id":"` + line.ErrorID + `"}}`
		if diff := cmp.Diff(answered{503, want}, whole(w.Code, w.Body.String())); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(logLine{"ERROR", "answer the API", line.ErrorID, "GET", "/api/v1/clicks", "context deadline exceeded"}, line); diff != "" {
			t.Errorf("log (-want +got):\n%s", diff)
		}
	})
}

func TestCallerWhoWentAway(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d, log := open(&backend{block: true})
	ask(t, d, request("GET", "/api/v1/clicks", "").WithContext(ctx))
	line := logged(t, log.String())
	if diff := cmp.Diff(logLine{"INFO", "answer the API", line.ErrorID, "GET", "/api/v1/clicks", "context canceled"}, line); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func TestErrorsAreLookedUp(t *testing.T) {
	tests := map[string]struct {
		query  string
		status int
		want   []call
	}{
		"all":           {"", 200, []call{{"Errors", []any{"", ""}}}},
		"of a platform": {"?platform=meta", 200, []call{{"Errors", []any{"meta", ""}}}},
		"one code":      {"?platform=meta&code=100%2F33", 200, []call{{"Errors", []any{"meta", "100/33"}}}},
		"misspelt":      {"?plattform=meta", 400, nil},
		"twice":         {"?code=1&code=2", 400, nil},
		"empty":         {"?code=", 400, nil},
		"no query":      {"?%zz", 400, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := &backend{value: map[string]any{"items": []any{}}}
			d, _ := open(b)
			w := ask(t, d, request("GET", "/api/v1/errors"+tt.query, ""))
			if diff := cmp.Diff(tt.want, b.calls); diff != "" || w.Code != tt.status {
				t.Errorf("%d, calls (-want +got):\n%s", w.Code, diff)
			}
		})
	}
}

func TestCheckIsSentOrNot(t *testing.T) {
	d, _ := open(&backend{})
	w := ask(t, d, request("POST", "/api/v1/destinations/relay/check", `{"send":true,"dry_run":true}`))
	refused(t, w, problem{400, "dry_run and send exclude each other", "leave one of them out"})
}
