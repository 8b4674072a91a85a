package receiver_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/receiver"
)

func TestAnswer(t *testing.T) {
	late := func(ctx context.Context, _ subfive.Position) error { <-ctx.Done(); return ctx.Err() }
	inTime := func(_ context.Context, p subfive.Position) error {
		if want := (subfive.Position{Segment: "s", Pos: 1}); p != want {
			return fmt.Errorf("asked for %s, want %s", p, want)
		}
		return nil
	}
	tests := map[string]struct {
		target string
		change func(c *receiver.Config, j *journal)
		code   int
		want   string // with ID for the record's
	}{
		"ok": {"/conversion?click_id=" + clickID, nil, 200, `{"status":"accepted","id":"ID","reading":"ok"}`},
		"with a hint": {
			"/conversion?click_id={Sub5}", nil, 200,
			`{"status":"accepted","id":"ID","reading":"literal_macro","hint":"literal {Sub5}"}`,
		},
		"in the database": {
			"/conversion?cid=1", func(c *receiver.Config, _ *journal) { c.AckDatabase, c.AckTimeout = inTime, time.Minute }, 200,
			`{"status":"accepted","id":"ID","reading":"foreign"}`,
		},
		"in the journal alone": {
			"/conversion?cid=1", func(c *receiver.Config, _ *journal) { c.AckDatabase, c.AckTimeout = late, time.Millisecond }, 200,
			`{"status":"accepted","id":"ID","reading":"foreign","durable":"journal"}`,
		},
		"nothing durable": {
			"/conversion?cid=1", func(_ *receiver.Config, j *journal) { j.err = errors.New("disk full") }, 503,
			`{"status":"unavailable","hint":"nothing could be written down; send it again"}`,
		},
		"nothing durable, a pixel": {
			"/pixel?cid=1", func(_ *receiver.Config, j *journal) { j.err = errors.New("disk full") }, 503,
			`{"status":"unavailable","hint":"nothing could be written down; send it again"}`,
		},
		"journal panics": {
			"/conversion?cid=1", func(_ *receiver.Config, j *journal) { j.panics = true }, 503,
			`{"status":"unavailable","hint":"nothing could be written down; send it again"}`,
		},
		"panic before it is stored": {
			"/conversion?cid=1", func(c *receiver.Config, _ *journal) { c.Hinter = panicking{} }, 503,
			`{"status":"unavailable","hint":"nothing could be written down; send it again"}`,
		},
		"panic after it is stored": {
			"/conversion?cid=1", func(c *receiver.Config, _ *journal) {
				c.AckDatabase = func(context.Context, subfive.Position) error { panic("database") }
			}, 200, `{"status":"accepted","id":"ID"}`,
		},
		"sealing fails": {
			"/conversion?cid=1&email=a@b.c", func(c *receiver.Config, _ *journal) { c.Sealer = brokenSealer{} }, 200,
			`{"status":"accepted","id":"ID","reading":"foreign"}`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			j := &journal{}
			cfg := config(j)
			if tt.change != nil {
				tt.change(&cfg, j)
			}
			w := do(serve(cfg), get(tt.target))
			got := w.Body.String()
			if records := j.records(); len(records) > 0 {
				got = strings.ReplaceAll(got, records[0].ID, "ID")
			}
			if w.Code != tt.code || got != tt.want+"\n" {
				t.Errorf("answered %d %s, want %d %s", w.Code, got, tt.code, tt.want)
			}
			if got := w.Header().Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control %q", got)
			}
		})
	}
}

type panicking struct{}

func (panicking) LiteralMacro(string, string) (string, bool) { panic("hinter") }

func TestUnsealedUserDataIsHidden(t *testing.T) {
	j := &journal{}
	cfg := config(j)
	cfg.Sealer = brokenSealer{}
	do(serve(cfg), get("/conversion?cid=1&email=a@b.c"))
	data, err := json.Marshal(j.records()[0])
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), "a@b.c") {
		t.Errorf("the record shows the address: %s", data)
	}
}

func TestPixelIsAPicture(t *testing.T) {
	w := do(serve(config(&journal{})), get("/pixel?click_id="+clickID))
	want := http.Header{
		"Access-Control-Allow-Origin": {"*"}, "Cache-Control": {"no-store"},
		"Content-Length": {"43"}, "Content-Type": {"image/gif"},
	}
	if diff := cmp.Diff(want, w.Header()); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	if got := http.DetectContentType(w.Body.Bytes()); got != "image/gif" || w.Body.Len() != 43 {
		t.Errorf("%d bytes of %s", w.Body.Len(), got)
	}
}

func TestPreflightLeavesNoRecord(t *testing.T) {
	j := &journal{}
	r := httptest.NewRequest(http.MethodOptions, "/pixel?click_id="+clickID, nil)
	if w := do(serve(config(j)), r); w.Code != http.StatusNoContent || w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("answered %d %v", w.Code, w.Header())
	}
	if n := len(j.records()); n != 0 {
		t.Errorf("%d records", n)
	}
}

func TestEveryMethodIsAPostback(t *testing.T) {
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "BREW"} {
		if got := told(t, httptest.NewRequest(method, "/conversion?click_id="+clickID, nil)).Reading; got != subfive.ReadingOK {
			t.Errorf("%s: reading %q", method, got)
		}
	}
}

func TestBodyThatBreaksOffIsKept(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/conversion", io.MultiReader(strings.NewReader("cid=1"), broken{}))
	got := told(t, r)
	if got.ClickID != "1" || got.Reading != subfive.ReadingMalformed || got.Hint != "the body broke off while it was read" {
		t.Errorf("got %+v", got)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("reset") }

func TestAbuseIsKeptAside(t *testing.T) {
	j := &journal{}
	now := start
	cfg := config(j)
	cfg.Now = func() time.Time { return now }
	h := serve(cfg)
	read := func(target, remote string) subfive.Reading {
		r := get(target)
		r.RemoteAddr = remote
		if w := do(h, r); w.Code != http.StatusOK {
			t.Fatalf("answered %d", w.Code)
		}
		all := j.records()
		return all[len(all)-1].Postback.Reading
	}
	const junk, client = "/conversion?cid=junk", "203.0.113.9:1"
	for i := range 2000 {
		if got := read(junk, client); got != subfive.ReadingForeign {
			t.Fatalf("postback %d: %q", i, got)
		}
		j.all = nil
	}
	steps := []struct {
		what, target, remote string
		want                 subfive.Reading
	}{
		{"over the cap", junk, client, subfive.ReadingQuarantined},
		{"a click ID of ours", "/conversion?click_id=" + clickID, client, subfive.ReadingOK},
		{"a platform's click ID", "/conversion?click_id=" + gclid, client, subfive.ReadingDirect},
		{"a right key", junk + "&key=s3cret", client, subfive.ReadingForeign},
		{"the network's transaction ID", junk + "&tx_id=0123456789abcdef0123456789abcdef", client, subfive.ReadingForeign},
		{"another client", junk, "203.0.113.10:1", subfive.ReadingForeign},
	}
	for _, s := range steps {
		if got := read(s.target, s.remote); got != s.want {
			t.Errorf("%s: reading %q, want %q", s.what, got, s.want)
		}
	}
	now = now.Add(time.Second)
	if got := read(junk, client); got != subfive.ReadingForeign {
		t.Errorf("a second later: %q", got)
	}
}

func TestClicksOutliveTheJournalsTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &journal{err: errors.New("disk full")}
		o := &observer{}
		cfg := config(j)
		cfg.Observer = o
		r := receiver.New(cfg)
		r.SetSetup(setup())
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { r.Run(ctx) })
		var ids []string
		for range 3 {
			w := do(r.Handler(), get("/c/gone"))
			if w.Code != http.StatusFound {
				t.Fatalf("answered %d, want 302", w.Code)
			}
			ids = append(ids, strings.TrimPrefix(w.Header().Get("Location"), "https://other.example.com/?sub3="))
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := len(j.records()); n != 0 {
			t.Fatalf("%d records on a full disk", n)
		}
		j.fail(nil)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		var got []string
		for _, rec := range j.records() {
			got = append(got, rec.ID)
		}
		slices.Sort(ids)
		slices.Sort(got) // in what order is nobody's promise
		if diff := cmp.Diff(ids, got); diff != "" {
			t.Errorf("clicks rewritten (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]int{1, 2, 3, 2, 1, 0}, o.atRisk); diff != "" || o.lost != 0 {
			t.Errorf("%d lost, at risk (-want +got):\n%s", o.lost, diff)
		}
		stop()
		running.Wait()
	})
}

// One record that the journal never takes must not hold up the others.
func TestRefusedClickHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &journal{err: errors.New("disk full")}
		r := receiver.New(config(j))
		r.SetSetup(setup())
		for _, target := range []string{"/c/gone?poison=1", "/c/gone", "/c/spring"} {
			do(r.Handler(), get(target))
		}
		j.fail(nil)
		j.refuse = "poison"
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		r.Run(ctx)
		if n := len(j.records()); n != 2 {
			t.Errorf("%d of the two others were written", n)
		}
	})
}

func TestDrain(t *testing.T) {
	j := &journal{err: errors.New("disk full")}
	r := receiver.New(config(j))
	r.SetSetup(setup())
	do(r.Handler(), get("/c/spring"))
	err := r.Drain(t.Context())
	if want := "clicks that could not be written down and are lost: 1: disk full"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	j.fail(nil)
	if err := r.Drain(t.Context()); err != nil || len(j.records()) != 1 {
		t.Errorf("error %v, %d records", err, len(j.records()))
	}
}

func TestPanickingJournalStillRedirects(t *testing.T) {
	j := &journal{panics: true}
	if w := do(serve(config(j)), get("/c/spring")); w.Code != http.StatusFound {
		t.Errorf("answered %d, want 302", w.Code)
	}
	cfg := config(&journal{})
	cfg.Hinter = panicking{}
	if w := do(serve(cfg), get("/c/spring?a=1")); w.Code != http.StatusFound {
		t.Errorf("with a panic while reading it: %d, want 302", w.Code)
	}
}

func TestServerTakesLongQueries(t *testing.T) {
	j := &journal{}
	srv := receiver.NewServer("127.0.0.1:0", serve(config(j)))
	l, err := net.Listen("tcp", srv.Addr)
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
	})
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 900_000)
	for _, query := range []string{"a=" + long, "a=%zz&b=\xff\xfe&c={x}|#s1#\"<>", ""} {
		if _, err := fmt.Fprintf(conn, "GET /conversion?%s HTTP/1.1\r\nHost: x\r\n\r\n", query); err != nil {
			t.Fatal(err)
		}
	}
	answers := bufio.NewReader(conn)
	for i := range 3 {
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("request %d: %d, %v", i, resp.StatusCode, err)
		}
	}
	if got := open(t, j.records()[0].Postback.Request.Raw); got != "a="+long+"\n" {
		t.Errorf("raw has %d bytes", len(got))
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
	serving.Wait()
}
