package dashboard

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// feed is a backend whose list grows.
type feed struct {
	backend
	mu   sync.Mutex
	rows []map[string]any // oldest first
	err  error
}

func (f *feed) add(id string, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows = append(f.rows, map[string]any{"delivery_id": id, "created_at": at.UTC().Format("2006-01-02T15:04:05.000Z"), "status": "dead"})
	slices.SortStableFunc(f.rows, func(a, b map[string]any) int {
		return strings.Compare(a["created_at"].(string), b["created_at"].(string))
	})
}

func (f *feed) since(q ListQuery) (found []map[string]any) {
	for _, r := range slices.Backward(f.rows) {
		at, err := time.Parse(time.RFC3339Nano, r["created_at"].(string))
		if err == nil && !at.Before(q.Since) {
			found = append(found, r)
		}
	}
	return found
}

func (f *feed) List(_ context.Context, q ListQuery) (Page, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	found := f.since(q)
	return Page{Items: found[:min(len(found), q.Limit)]}, f.err
}

func (f *feed) Count(_ context.Context, q ListQuery) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.since(q)), nil
}

// follow opens a tail in a bubble of time and returns what it wrote when it ended.
func follow(t *testing.T, f *feed, r *http.Request, stopping func() bool, meanwhile func()) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	d := New(Config{Backend: f, Token: adminToken, Log: slog.New(slog.DiscardHandler), Now: time.Now, Stopping: stopping})
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.Handler().ServeHTTP(w, r)
	}()
	meanwhile()
	<-done
	return w
}

func events(body string) (got []string) {
	for line := range strings.Lines(body) {
		line = strings.TrimSpace(line)
		if line != "" && line != "retry: 1000" {
			got = append(got, line)
		}
	}
	return got
}

func deliveriesTail() *http.Request {
	return request("GET", "/api/v1/deliveries/tail?status=dead,held", "")
}

func TestTailTellsWhatIsNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		f := &feed{}
		f.add("dl_before", begin.Add(-time.Second))
		w := follow(t, f, deliveriesTail(), nil, func() {
			time.Sleep(2500 * time.Millisecond)
			f.add("dl_1", begin.Add(2*time.Second))
			f.add("dl_late", begin.Add(-2*time.Second)) // decided in a batch that took long
			time.Sleep(3 * time.Second)
			f.add("dl_2", begin.Add(5*time.Second))
		})
		row := func(id, at, item string) []string {
			return []string{"event: row", "id: " + at, `data: {"created_at":"` + item + `","delivery_id":"` + id + `","status":"dead"}`}
		}
		quiet := slices.Repeat([]string{": nothing new"}, 3)
		want := slices.Concat(
			row("dl_late", "2000-01-01T00:00:00.000Z", "1999-12-31T23:59:58.000Z"), row("dl_1", "2000-01-01T00:00:02.000Z", "2000-01-01T00:00:02.000Z"),
			row("dl_2", "2000-01-01T00:00:05.000Z", "2000-01-01T00:00:05.000Z"), quiet)
		if diff := cmp.Diff(want, events(w.Body.String())); diff != "" || w.Header().Get("Content-Type") != "text/event-stream" {
			t.Errorf("%s (-want +got):\n%s", w.Header(), diff)
		}
		if lasted := time.Since(begin); lasted != tailLasts {
			t.Errorf("it lasted %s", lasted)
		}
	})
}

// A tail says how many rows it did not tell of.
func TestTailThatIsTooSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &feed{}
		begin := time.Now()
		w := follow(t, f, deliveriesTail(), nil, func() {
			time.Sleep(1500 * time.Millisecond)
			for i := range tailPage + 20 {
				f.add(fmt.Sprintf("dl_%03d", i), begin.Add(time.Second+time.Duration(i)*time.Millisecond))
			}
		})
		got := events(w.Body.String())
		if got[0] != "event: dropped" || got[1] != "data: 20" || !strings.Contains(got[4], "dl_020") {
			t.Errorf("%v", got[:5])
		}
		if n := strings.Count(w.Body.String(), "event: row"); n != tailPage {
			t.Errorf("%d rows", n)
		}
	})
}

// Who was cut off gets what came meanwhile.
func TestTailResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &feed{}
		begin := time.Now()
		f.add("dl_told", begin.Add(-10*time.Second))
		f.add("dl_missed", begin.Add(-5*time.Second))
		r := deliveriesTail()
		r.Header.Set("Last-Event-ID", begin.Add(-10*time.Second).UTC().Format("2006-01-02T15:04:05.000Z"))
		got := follow(t, f, r, nil, func() {}).Body.String()
		if strings.Contains(got, "dl_told") || !strings.Contains(got, "dl_missed") {
			t.Error(got)
		}
	})
}

func TestTailEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		follow(t, &feed{}, deliveriesTail().WithContext(ctx), nil, func() {
			time.Sleep(3 * time.Second)
			cancel()
		})
		stops := begin.Add(5 * time.Second)
		follow(t, &feed{}, deliveriesTail(), func() bool { return time.Now().After(stops) }, func() {})
		if lasted := time.Since(begin); lasted < 5*time.Second || lasted > 7*time.Second {
			t.Errorf("they lasted %s", lasted)
		}
	})
}

func TestTailsAreBounded(t *testing.T) {
	b := &backend{}
	d, _ := open(b)
	for range maxTails {
		d.tails <- struct{}{}
	}
	w := ask(t, d, request("GET", "/api/v1/clicks/tail", ""))
	refused(t, w, problem{503, "as many callers follow lists as may at once", "close a page that shows a live tail, or try again later"})
	<-d.tails
	refused(t, ask(t, d, request("GET", "/api/v1/clicks/tail?since=1h", "")), problem{
		400, `clicks can't be asked for by "since"`, "use some of click_id, record_kind, campaign_id, source_id, platform, ad_account_id, offer_id, landing_id, is_bot, is_test",
	})
	b.err = Refusal{What: "no database", Do: "wait", Unavailable: true}
	refused(t, ask(t, d, request("GET", "/api/v1/clicks/tail", "")), problem{503, "no database", "wait"})
	if len(d.tails) != maxTails-1 {
		t.Errorf("%d are taken", len(d.tails))
	}
}

// A server's limits on a whole request do not end a tail.
func TestTailOutlastsTheServersLimits(t *testing.T) {
	f := &feed{}
	d := New(Config{Backend: f, Token: adminToken, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	s := httptest.NewUnstartedServer(d.Handler())
	s.Config.ReadTimeout, s.Config.WriteTimeout = 200*time.Millisecond, 200*time.Millisecond
	s.Start()
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/api/v1/deliveries/tail", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+adminToken)
	answer, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	time.Sleep(600 * time.Millisecond)
	f.add("dl_1", time.Now())
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "dl_1") {
			return
		}
	}
	t.Errorf("the tail ended: %v", lines.Err())
}
