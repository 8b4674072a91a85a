package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"subfive/internal/pgtest"
	"subfive/sandbox"
	"subfive/store"
)

// built is a directory for the program, which goes when all tests have run.
var built string

// binary builds the program once, as it is released: the tests that kill it and
// put it under load want the real thing.
var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(built, "subfive")
	out, err := exec.Command("go", "build", "-tags", "nomsgpack", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w: %s", err, out)
	}
	return path, nil
})

// onEach runs a test once on each database. dsn is "" for SQLite.
func onEach(t *testing.T, fn func(t *testing.T, dsn string)) {
	t.Run("sqlite", func(t *testing.T) { fn(t, "") })
	t.Run("postgres", func(t *testing.T) { fn(t, pgtest.DurableDatabase(t)) })
}

// startPostgres starts a server for a test that stops it.
func startPostgres(t *testing.T) *pgtest.Server {
	t.Helper()
	pg, err := pgtest.Start(pgtest.Durable())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pg.Close(); err != nil {
			t.Error(err)
		}
	})
	return pg
}

// site is a tracker in a process of its own, with a sandbox beside it.
type site struct {
	t       *testing.T
	dir     string
	dsn     string
	address string
	config  string
	sandbox *sandbox.Server
	stand   *httptest.Server
	cmd     *exec.Cmd
	log     *os.File
	store   *store.Store // to look at, once it was opened
}

// testFile is what the tests apply: %s are the address and the sandbox's.
const testFile = `
listen: %s
trusted_proxies: [127.0.0.1]
admin: {token: test-token}
sources:
  - {id: meta-us, platform: meta}
offers:
  - {id: ourdream, network_offer_id: "1", link: "https://track.network.example/A/B/?sub1=sfw"}
campaigns:
  - {id: spring, source: meta-us, offer: ourdream, destinations: [meta-main]}
destinations:
  - id: meta-main
    platform: meta
    mode: live
    max_batch: 1000
    goals: {base: Purchase, Upgrade: Subscribe, "Add-on & extras": Subscribe}
    on_reversal: none
    base_url: %s
    settings:
      dataset_id: "100000000000001"
      access_token: sandbox-meta-token
      default_event_source_url: https://lp.example.com/
`

func newSite(t *testing.T, dsn string) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), dsn: dsn, address: freeAddress(t)}
	s.sandbox = sandbox.New(func() time.Time { return time.Now().UTC() }, sandbox.MetaConfig{})
	s.stand = httptest.NewServer(s.sandbox.Handler())
	t.Cleanup(func() {
		s.sandbox.Close()
		s.stand.Close()
	})
	s.config = filepath.Join(s.dir, "subfive.yaml")
	if err := os.WriteFile(s.config, fmt.Appendf(nil, testFile, s.address, s.stand.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	s.log = log
	t.Cleanup(func() { _ = log.Close() })
	return s
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// start starts the tracker and waits until it is ready and has its database.
func (s *site) start() {
	s.t.Helper()
	s.launch()
	s.until("the database is there", 30*time.Second, func() bool { return s.readiness() == `{"status":"ok"}` })
}

// readiness is what the tracker answers for itself; "": it does not.
func (s *site) readiness() string {
	res, err := http.Get("http://" + s.address + "/readyz")
	if err != nil {
		return ""
	}
	body, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil || res.StatusCode != http.StatusOK {
		return ""
	}
	return strings.TrimSpace(string(body))
}

// launch starts the tracker and waits until it serves, with a database or
// without.
func (s *site) launch() {
	s.t.Helper()
	path, err := binary()
	if err != nil {
		s.t.Fatal(err)
	}
	s.cmd = exec.Command(path, "serve", "--config", s.config, "--data-dir", filepath.Join(s.dir, "data"))
	s.cmd.Env = append(os.Environ(), "SUBFIVE_DATABASE_URL="+s.dsn, everflowURL+"="+s.stand.URL+sandbox.EverflowAPIPath)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(s.kill)
	s.until("the tracker serves", 30*time.Second, func() bool { return s.readiness() != "" })
}

// kill ends it as a power cut would end the process.
func (s *site) kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill() // it may have ended
	_ = s.cmd.Wait()
	s.cmd = nil
}

// stop ends it as an operator does, and wants it to end well.
func (s *site) stop() {
	s.t.Helper()
	cmd := s.cmd
	s.cmd = nil
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		s.t.Errorf("serve ended with %v; its log:\n%s", err, s.tail())
	}
}

// tail is the end of the tracker's log.
func (s *site) tail() string {
	data, err := os.ReadFile(s.log.Name())
	if err != nil {
		return err.Error()
	}
	return string(data[max(0, len(data)-4000):])
}

func (s *site) until(what string, limit time.Duration, done func() bool) {
	s.t.Helper()
	for end := time.Now().Add(limit); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("waited %s until %s; the log ends:\n%s", limit, what, s.tail())
		}
	}
}

// metric reads one of the tracker's metrics.
func (s *site) metric(name string) float64 {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+s.address+"/metrics", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer test-token")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return -1
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return -1
	}
	for line := range strings.Lines(string(body)) {
		var v float64
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			if _, err := fmt.Sscan(rest, &v); err == nil {
				return v
			}
		}
	}
	return -1
}

// settled waits until all is recorded and nothing is left to send.
func (s *site) settled(limit time.Duration) {
	s.t.Helper()
	st := s.database()
	s.until("all is recorded and told", limit, func() bool {
		if s.metric("subfive_conservation_gap") != 0 {
			return false
		}
		n, err := number(context.Background(), st, "SELECT count(*) FROM v_deliveries WHERE status IN ('scheduled', 'submitted')")
		return err == nil && n == 0
	})
}

// database opens the tracker's database, once, to look at it.
func (s *site) database() *store.Store {
	s.t.Helper()
	if s.store != nil {
		return s.store
	}
	dsn := s.dsn
	if dsn == "" {
		dsn = filepath.Join(s.dir, "data", "subfive.db")
	}
	st, err := store.Open(s.t.Context(), dsn, store.WithoutMigrate())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = st.Close() })
	s.store = st
	return st
}

func (s *site) count(query string) int {
	s.t.Helper()
	n, err := number(s.t.Context(), s.database(), query)
	if err != nil {
		s.t.Fatal(err)
	}
	return int(n)
}

// click follows the campaign's link and returns the click ID that goes on to
// the offer.
func (s *site) click(query string) (string, error) {
	d := demo{base: "http://" + s.address}
	return d.click(context.Background(), sandbox.AdClick{Query: query, UserAgent: "Mozilla/5.0 (iPhone)", IP: "203.0.113.7"})
}

// mustClick is click where the tracker is up.
func (s *site) mustClick(query string) string {
	s.t.Helper()
	id, err := s.click(query)
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

// postback fires one and returns the status and what was answered.
func (s *site) postback(client *http.Client, url string) (int, string, error) {
	res, err := client.Get(url)
	if err != nil {
		return 0, "", err
	}
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, string(body), errors.Join(err, res.Body.Close())
}

// operate calls the REST API as an operator does.
func (s *site) operate(method, path, body string) {
	s.t.Helper()
	req, err := http.NewRequest(method, "http://"+s.address+"/api/v1/"+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer test-token")
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	answer, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		s.t.Fatal(err)
	}
	if res.StatusCode >= 300 {
		s.t.Fatalf("%s %s: %s %s", method, path, res.Status, answer)
	}
}
