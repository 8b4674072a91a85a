package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"subfive/sandbox"
)

// full is the size of a load or kill test that a person asks for; make test
// runs the small one.
func full() bool { return os.Getenv("SUBFIVE_LOAD") == "full" }

// mix makes up sessions until there are n postbacks: of them about 20 % exact
// retries, 10 % upsells, 10 % literal macros, 5 % empty, 5 % unknown clicks, 5 %
// second URLs and 1 % garbage. Each session has a click of its own.
func mix(seed uint64, n int, click func() string) []sandbox.Shot {
	traffic := sandbox.NewTraffic(seed, "1")
	random := rand.New(rand.NewPCG(seed, 1))
	var shots []sandbox.Shot
	for len(shots) < n {
		var story sandbox.Story
		switch p := random.IntN(1000); {
		case p < 160:
			story = sandbox.StoryRepeat
		case p < 230:
			story = sandbox.StoryUpsell
		case p < 380:
			story = sandbox.StoryLiteralMacro
		case p < 455:
			story = sandbox.StoryEmptyClickID
		case p < 530:
			story = sandbox.StoryUnknownClick
		case p < 605:
			story = sandbox.StorySecondURL
		case p < 620:
			story = sandbox.StoryGarbage
		default:
			story = sandbox.StoryBase
		}
		shots = append(shots, traffic.Tell(story, click())...)
	}
	return shots
}

// together calls fn for 0 to n-1 from that many goroutines.
func together(workers, n int, fn func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				fn(i)
			}
		})
	}
	wg.Wait()
}

func clientFor(workers int) *http.Client {
	return &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		MaxIdleConns: workers, MaxIdleConnsPerHost: workers, MaxConnsPerHost: workers,
	}}
}

// 1,000 clients post 100,000 postbacks, good and bad ones: every reply is 200,
// there are exactly as many conversions as happened, and the platform has each
// once.
func TestLoad(t *testing.T) {
	workers, n := 64, 3000
	if full() {
		workers, n = 1000, 100_000
	}
	onEach(t, func(t *testing.T, dsn string) {
		s := newSite(t, dsn)
		s.start()
		var clicks atomic.Int64
		shots := mix(7, n, func() string { return fmt.Sprintf("click-%d", clicks.Add(1)) })

		started := time.Now()
		ids := make([]string, clicks.Load())
		together(workers, len(ids), func(i int) {
			id, err := s.click(fmt.Sprintf("fbclid=IwAR%d", i))
			if err != nil {
				t.Error(err)
			}
			ids[i] = id
		})
		t.Logf("%d clicks in %s", len(ids), time.Since(started).Round(time.Millisecond))
		for i := range shots {
			var k int
			if _, err := fmt.Sscanf(shots[i].Conversion.Sub[4], "click-%d", &k); err == nil {
				shots[i].Conversion.Sub[4] = ids[k-1]
			}
		}
		sim, err := sandbox.NewSimulator(time.Now, sandbox.SimulatorConfig{
			Postbacks: sandbox.NewTraffic(7, "1").Postbacks("http://" + s.address + "/conversion"), Client: clientFor(workers), Keep: 100,
		})
		if err != nil {
			t.Fatal(err)
		}
		started = time.Now()
		together(workers, len(shots), func(i int) {
			if _, err := sim.Fire(context.Background(), shots[i].PostbackID, shots[i].Conversion); err != nil {
				t.Error(err)
			}
		})
		t.Logf("%d postbacks in %s", len(shots), time.Since(started).Round(time.Millisecond))
		for _, p := range sim.Postbacks() {
			if p.Calls != p.Delivered || !p.Active {
				t.Errorf("postback %s: %d calls, %d answered with 2xx", p.ID, p.Calls, p.Delivered)
			}
		}
		s.settled(5 * time.Minute)
		t.Logf("recorded and delivered %s after the first postback", time.Since(started).Round(time.Millisecond))
		s.compare(sandbox.Expect(shots))
		s.stop()
	})
}

// compare holds the books against the truth.
func (s *site) compare(want sandbox.Expected) {
	s.t.Helper()
	if got := s.count("SELECT count(*) FROM v_postbacks"); got < want.Postbacks {
		s.t.Errorf("%d postbacks are stored, %d were acknowledged", got, want.Postbacks)
	}
	if got := s.count("SELECT count(*) FROM v_conversions"); got != want.Conversions {
		s.t.Errorf("%d conversions, and there were %d", got, want.Conversions)
	}
	if got := s.count("SELECT count(*) FROM v_conversions WHERE verdict = 'matched'"); got != want.Matched {
		s.t.Errorf("%d conversions are matched, and %d had a click", got, want.Matched)
	}
	if got := s.count("SELECT count(*) FROM v_deliveries WHERE status = 'delivered'"); got != want.Matched {
		s.t.Errorf("%d deliveries are delivered, and %d conversions are owed", got, want.Matched)
	}
	if got := s.count("SELECT count(*) FROM v_postbacks WHERE verdict IN ('broken', 'possible_duplicate')"); got != 0 {
		s.t.Errorf("%d postbacks are broken or unsettled", got)
	}
	s.compareStandIn(want.Matched)
	if gap := s.metric("subfive_conservation_gap"); gap != 0 {
		s.t.Errorf("conservation_gap is %v", gap)
	}
}

// compareStandIn wants the platform to have n events, each ID once. A copy that
// it dropped is allowed: its ID is the same.
func (s *site) compareStandIn(n int) {
	s.t.Helper()
	seen := map[string]bool{}
	for _, e := range s.sandbox.Meta.Events() {
		if seen[e.EventID] {
			s.t.Errorf("event %s counts twice", e.EventID)
		}
		seen[e.EventID] = true
	}
	if len(seen) != n {
		s.t.Errorf("Meta has %d events, and %d conversions are owed", len(seen), n)
	}
}

// The process is killed at random moments under load: nothing acknowledged is
// missing, nothing is doubled.
func TestKill(t *testing.T) {
	kills, workers := 3, 16
	if full() {
		kills, workers = 10, 64
	}
	onEach(t, func(t *testing.T, dsn string) {
		s := newSite(t, dsn)
		s.start()
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		random := rand.New(rand.NewPCG(seed, 2))
		load := newLoad(s, workers, seed)
		for range kills {
			time.Sleep(time.Duration(100+random.IntN(500)) * time.Millisecond)
			s.kill()
			s.start()
		}
		time.Sleep(200 * time.Millisecond)
		load.end()
		s.settled(2 * time.Minute)
		load.compare()
		s.stop()
	})
}

// load is clients that click and post until told to stop, each request again
// and again until it is answered, as Everflow does. What was acknowledged must
// be there afterwards.
type load struct {
	s    *site
	stop chan struct{}
	wg   sync.WaitGroup

	mu           sync.Mutex
	acknowledged []string // postback IDs
	clicks       []string
	conversions  int
	refused      int // answers other than 2xx
}

func newLoad(s *site, workers int, seed uint64) *load {
	l := &load{s: s, stop: make(chan struct{})}
	client := clientFor(workers)
	for w := range workers {
		l.wg.Go(func() { l.client(client, rand.New(rand.NewPCG(seed, uint64(w))), w) })
	}
	return l
}

func (l *load) end() {
	close(l.stop)
	l.wg.Wait()
}

// client is one visitor after the other, each of whom buys.
func (l *load) client(c *http.Client, random *rand.Rand, w int) {
	for i := 0; ; i++ {
		select {
		case <-l.stop:
			return
		default:
		}
		var id string
		l.again(func() (err error) {
			id, err = l.s.click(fmt.Sprintf("fbclid=IwAR%dx%d", w, i))
			return err
		})
		l.mu.Lock()
		l.clicks = append(l.clicks, id)
		l.conversions++
		l.mu.Unlock()
		url := fmt.Sprintf("http://%s/conversion?click_id=%s&payout=42.50&offer_id=1&tx_id=tx-%d-%d", l.s.address, id, w, i)
		for range 1 + random.IntN(2) { // a retry now and then
			l.again(func() error { return l.post(c, url) })
		}
	}
}

// again calls fn until it succeeds.
func (l *load) again(fn func() error) {
	for fn() != nil {
		time.Sleep(10 * time.Millisecond)
	}
}

func (l *load) post(c *http.Client, url string) error {
	status, body, err := l.s.postback(c, url)
	if err != nil {
		return err // no answer: not acknowledged
	}
	var a struct{ ID string }
	if status != http.StatusOK || json.Unmarshal([]byte(body), &a) != nil || a.ID == "" {
		l.mu.Lock()
		l.refused++
		l.mu.Unlock()
		return fmt.Errorf("%d %s", status, strings.TrimSpace(body))
	}
	l.mu.Lock()
	l.acknowledged = append(l.acknowledged, a.ID)
	l.mu.Unlock()
	return nil
}

// compare holds what was acknowledged against what is there.
func (l *load) compare() {
	l.s.t.Helper()
	t := l.s.t
	t.Logf("%d clicks, %d postbacks acknowledged", len(l.clicks), len(l.acknowledged))
	stored := map[string]bool{}
	collect := func(query string) {
		err := l.s.database().Query(t.Context(), query, func([]string) error { return nil }, func(v []any) error {
			id, ok := v[0].(string)
			if !ok {
				return errors.New("no ID")
			}
			stored[id] = true
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	collect("SELECT postback_id FROM v_postbacks")
	collect("SELECT click_id FROM v_clicks")
	missing := 0
	for _, id := range append(l.acknowledged, l.clicks...) {
		if !stored[id] {
			missing++
		}
	}
	if missing > 0 {
		t.Errorf("%d acknowledged records are missing", missing)
	}
	if got := l.s.count("SELECT count(*) FROM v_conversions"); got != l.conversions {
		t.Errorf("%d conversions, and there were %d", got, l.conversions)
	}
	if got := l.s.count("SELECT count(*) FROM v_conversions WHERE verdict = 'matched'"); got != l.conversions {
		t.Errorf("%d conversions are matched, of %d", got, l.conversions)
	}
	if l.refused > 0 {
		t.Errorf("%d answers were no 200", l.refused)
	}
	l.s.compareStandIn(l.conversions)
}

// PostgreSQL is gone under load: no reply but 200, all of it there afterwards.
func TestDatabaseDown(t *testing.T) {
	down, workers, catchUp := 3*time.Second, 16, 2*time.Minute
	if full() {
		down, workers, catchUp = time.Minute, 64, 10*time.Minute // some 500,000 records wait by then
	}
	pg := startPostgres(t)
	s := newSite(t, pg.DSN("postgres"))
	s.start()
	load := newLoad(s, workers, 3)
	time.Sleep(500 * time.Millisecond)
	if err := pg.Stop(true); err != nil {
		t.Fatal(err)
	}
	time.Sleep(down)
	if err := pg.Restart(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(500 * time.Millisecond)
	load.end()
	backlog := s.metric("subfive_conservation_gap")
	began := time.Now()
	s.settled(catchUp)
	t.Logf("%v records waited; recorded and delivered in %s", backlog, time.Since(began).Round(time.Second))
	load.compare()
	s.stop()
}

// The database is down when the tracker starts: it routes by what it knew, and
// acknowledges.
func TestStartWithoutDatabase(t *testing.T) {
	pg := startPostgres(t)
	s := newSite(t, pg.DSN("postgres"))
	s.start()
	s.stop()
	if err := pg.Stop(true); err != nil {
		t.Fatal(err)
	}
	s.launch()
	id := s.mustClick("fbclid=IwAR1")
	status, body, err := s.postback(http.DefaultClient, "http://"+s.address+"/conversion?click_id="+id+"&payout=1&tx_id=t1")
	if err != nil || status != http.StatusOK {
		t.Fatalf("%d %s %v", status, body, err)
	}
	if err := pg.Restart(); err != nil {
		t.Fatal(err)
	}
	s.until("the conversion is delivered", time.Minute, func() bool { return len(s.sandbox.Meta.Events()) == 1 })
	s.stop()
}

// One poison event among 1,000 in one request: all others are delivered with at
// most 23 requests, and the poison is dead, with code and reason.
func TestPoison(t *testing.T) {
	onEach(t, func(t *testing.T, dsn string) {
		s := newSite(t, dsn)
		s.start()
		const n = 1000
		s.operate("POST", "destinations/meta-main/pause", `{"reason": "a test collects a batch"}`)
		together(16, n, func(i int) {
			id, err := s.click("fbclid=IwAR" + fmt.Sprint(i))
			if err != nil {
				t.Error(err)
			}
			url := fmt.Sprintf("http://%s/conversion?click_id=%s&payout=1&tx_id=t%d&order_id=o%d", s.address, id, i, i)
			if status, body, err := s.postback(http.DefaultClient, url); status != http.StatusOK {
				t.Error(status, body, err)
			}
		})
		s.until("all wait", time.Minute, func() bool {
			return s.count("SELECT count(*) FROM v_deliveries WHERE status = 'scheduled'") == n
		})
		if err := s.sandbox.Meta.Fail(sandbox.Failure{Mode: sandbox.ModePoison, OrderIDs: []string{"o617"}}); err != nil {
			t.Fatal(err)
		}
		s.operate("POST", "destinations/meta-main/resume", "")
		s.settled(time.Minute)
		if got := len(s.sandbox.Meta.Events()); got != n-1 {
			t.Errorf("Meta has %d events, want %d", got, n-1)
		}
		if got := len(s.sandbox.Meta.Requests()); got > 23 {
			t.Errorf("%d requests, want at most 23", got)
		}
		if got := s.count("SELECT count(*) FROM v_deliveries WHERE status = 'dead' AND last_code = '100' AND reason LIKE '%2804019%'"); got != 1 {
			t.Errorf("%d deliveries are dead with the platform's code, want 1", got)
		}
		s.stop()
	})
}

// A click whose fbclid has 500 mixed-case characters arrives at the platform
// byte for byte, with the click's time in milliseconds.
func TestLongClickID(t *testing.T) {
	s := newSite(t, "")
	s.start()
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	random := rand.New(rand.NewPCG(1, 1))
	fbclid := make([]byte, 500)
	for i := range fbclid {
		fbclid[i] = letters[random.IntN(len(letters))]
	}
	before := time.Now().UnixMilli()
	id := s.mustClick("fbclid=" + string(fbclid))
	after := time.Now().UnixMilli()
	if status, body, err := s.postback(http.DefaultClient, "http://"+s.address+"/conversion?click_id="+id+"&payout=1&tx_id=t1"); status != http.StatusOK {
		t.Fatal(status, body, err)
	}
	s.settled(30 * time.Second)
	events := s.sandbox.Meta.Events()
	if len(events) != 1 {
		t.Fatalf("Meta has %d events", len(events))
	}
	var sent struct {
		User struct{ Fbc string } `json:"user_data"`
	}
	if err := json.Unmarshal(events[0].Raw, &sent); err != nil {
		t.Fatal(err)
	}
	parts := strings.SplitN(sent.User.Fbc, ".", 4)
	var ms int64
	if len(parts) != 4 || parts[3] != string(fbclid) {
		t.Fatalf("fbc = %s, want it to end in %s", sent.User.Fbc, fbclid)
	}
	if _, err := fmt.Sscan(parts[2], &ms); err != nil || ms < before || ms > after {
		t.Errorf("fbc's time is %s, the click was between %d and %d", parts[2], before, after)
	}
	s.stop()
}

// A client that dribbles its request can't keep the tracker from ending well.
func TestSlowClientAtShutdown(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.start()
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := fmt.Fprintf(conn, "POST /conversion?click_id=1&tx_id=slow HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nabc"); err != nil {
		t.Fatal(err)
	}
	answered := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(conn).ReadString('\n') // "" is what the test is about
		answered <- line
	}()
	s.mustClick("fbclid=IwAR1") // it is served meanwhile
	s.stop()
	if got := <-answered; !strings.Contains(got, "200") {
		t.Errorf("the slow client was answered %q", got)
	}
}

// A key that is gone is not made anew beside data that it sealed.
func TestTheKeyIsGone(t *testing.T) {
	s := newSite(t, "")
	s.start()
	s.stop()
	data := filepath.Join(s.dir, "data")
	if err := os.Remove(filepath.Join(data, "key")); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if code := run(t.Context(), []string{"serve", "--config", s.config, "--data-dir", data}, &out, &out); code != exitFailed || !strings.Contains(out.String(), "restore it from your backup") {
		t.Errorf("exit %d: %s", code, out.String())
	}
}

// A live destination that can't be served says so where a person looks.
func TestUnservedDestination(t *testing.T) {
	s := newSite(t, "")
	file, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.config, []byte(strings.Replace(string(file), "sandbox-meta-token", "${SUBFIVE_TEST_UNSET}", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	s.start()
	s.until("the reason is stored", 10*time.Second, func() bool {
		p, err := s.database().Pause(t.Context(), "meta-main")
		return err == nil && strings.Contains(p.Reason, "SUBFIVE_TEST_UNSET")
	})
	s.stop()
}

// What no column takes as text is stored all the same, and every view can still
// be read.
func TestStrangeBytes(t *testing.T) {
	onEach(t, func(t *testing.T, dsn string) {
		s := newSite(t, dsn)
		s.start()
		strange := []string{"%00", "a%00b", "%FF%FE", "%ED%A0%80", "%C3%28", "%F0%9F%92%B0", "%0A%0D%09", "'%22%5C", "%2500", "$1 ${x} $$"}
		ids := make([]string, len(strange))
		for i, v := range strange {
			v = strings.ReplaceAll(v, " ", "+")
			ids[i] = s.mustClick("fbclid=IwAR" + v + "&ad_id=" + v)
			for _, field := range []string{"tx_id", "order_id", "event_name", "status", "sub1", "unknown", "offer_id", "conversion_id", "currency"} {
				url := fmt.Sprintf("http://%s/conversion?click_id=%s&payout=1&%s=%s%d", s.address, ids[i], field, v, i)
				if status, body, err := s.postback(http.DefaultClient, url); status != http.StatusOK {
					t.Errorf("%s: %d %s %v", url, status, body, err)
				}
			}
		}
		body := `{"click_id": "` + ids[0] + `", "tx_id": "\ud800\u0000", "payout": 1}`
		res, err := http.Post("http://"+s.address+"/conversion", "application/json", strings.NewReader(body))
		if err != nil || res.StatusCode != http.StatusOK || res.Body.Close() != nil {
			t.Errorf("%v, %v", res, err)
		}
		s.settled(time.Minute)
		want := len(strange)*9 + 1
		if got := s.count("SELECT count(*) FROM v_postbacks WHERE verdict <> 'broken'"); got != want {
			t.Errorf("%d postbacks are stored, want %d", got, want)
		}
		if got := s.metric("subfive_broken"); got != 0 {
			t.Errorf("%v records are broken", got)
		}
		for _, view := range []string{"v_clicks", "v_clicks_private", "v_postbacks", "v_conversions", "v_conversion_changes", "v_deliveries", "v_attempts", "v_attempt_items"} {
			err := s.database().Query(t.Context(), "SELECT * FROM "+view, func([]string) error { return nil }, func([]any) error { return nil })
			if err != nil {
				t.Errorf("%s: %v", view, err)
			}
		}
		s.stop()
	})
}
