package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive/config"
	"subfive/journal"
)

// running is a tracker in this process.
type running struct {
	*tracker
	address, plain string
	stop           func()
}

// runTracker runs a tracker in dir by a file's text; %s in it is where its plain
// listener is to be.
func runTracker(t *testing.T, dir, text string, now func() time.Time) running {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := running{address: l.Addr().String(), plain: freeAddress(t)}
	c := &commands{t: t, dir: dir, now: noon()}
	var stderr bytes.Buffer
	a := c.app(&bytes.Buffer{}, &stderr)
	a.now = now
	f, err := config.Parse("subfive.yaml", []byte(fmt.Sprintf("data_dir: %s\n", filepath.Join(dir, "data"))+strings.ReplaceAll(text, "%plain%", r.plain)),
		a.env, config.WithPlatforms(configPlatforms()))
	if err != nil {
		t.Fatal(err)
	}
	if r.tracker, err = newTracker(a, f, journal.AllowTmpfs()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.run(ctx, l, nil) }()
	stopped := false
	r.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(stderr.String())
		}
	}
	t.Cleanup(r.stop)
	return r
}

// certified is how many hosts have a certificate.
func (r running) certified() int {
	e := r.tls.Load()
	if e == nil {
		return 0
	}
	return len(e.expires())
}

func clock() time.Time { return time.Now().UTC() }

// fetch returns an answer's status, its Location and its body.
func fetch(t *testing.T, c *http.Client, url string) (status int, location, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Do(req)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header.Get("Location"), string(b)
}

const autoFile = `
public_url: https://trk.example.test
domains: [{host: go.example.test, role: click}]
database_url: %s
admin: {token: test-token}
tls: {mode: auto, http_listen: %%plain%%, ca: %s/directory, ca_root: %s}
`

// autoSettings are those for an authority of our own.
func autoSettings(t *testing.T, a *authority, dsn string) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(root, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(autoFile, dsn, a.URL, root)
}

// asks lets the authority ask at the tracker's listeners from now on.
func (a *authority) asks(r running) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.plain, a.tls = r.plain, r.address
	a.tellOnce.Do(func() { close(a.told) })
}

// eventually waits for what happens in the background.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it did not happen: " + what)
		}
	}
}

func TestAutomaticTLS(t *testing.T) {
	for _, challenge := range []string{"http-01", "tls-alpn-01"} {
		t.Run(challenge, func(t *testing.T) {
			a := newAuthority(t, challenge)
			r := runTracker(t, t.TempDir(), autoSettings(t, a, ""), clock)
			a.asks(r)
			c := a.client(r.address)
			eventually(t, "certificates for both hosts", func() bool { return r.certified() == 2 })
			// www. is got when it is first asked for.
			for _, host := range []string{"trk.example.test", "go.example.test", "www.trk.example.test"} {
				if status, _, _ := fetch(t, c, "https://"+host+"/livez"); status != http.StatusOK {
					t.Errorf("%s: %d", host, status)
				}
			}
			before := len(a.names())
			for _, stranger := range []string{"evil.example.test", "trk.example.test.evil.example"} {
				d := tls.Dialer{Config: &tls.Config{ServerName: stranger, InsecureSkipVerify: true}}
				if conn, err := d.DialContext(t.Context(), "tcp", r.address); err == nil {
					_ = conn.Close()
					t.Errorf("%s was served", stranger)
				}
			}
			if got := len(a.names()); got != before {
				t.Errorf("the authority was asked for a stranger's name: %v", a.names())
			}
			if len(a.problems) > 0 {
				t.Errorf("the authority says: %v", a.problems)
			}
			operator := &http.Client{Transport: bearer{c.Transport}}
			if _, _, body := fetch(t, operator, "https://trk.example.test/metrics"); !strings.Contains(body, `subfive_certificate_expires_seconds{host="trk.example.test"} 4`) {
				t.Errorf("no word of the certificate's end in the metrics")
			}
		})
	}
}

// bearer is the operator.
type bearer struct{ next http.RoundTripper }

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer test-token")
	return b.next.RoundTrip(r)
}

// What comes without TLS is taken as it is: a network that was given http would
// follow no redirect. Only the operator's side is sent to https.
func TestPlainBesideTLS(t *testing.T) {
	a := newAuthority(t, "http-01")
	a.failing = true // not even a certificate is needed for it
	r := runTracker(t, t.TempDir(), autoSettings(t, a, "")+`
fallback_url: https://fallback.example/
`, clock)
	a.asks(r)
	eventually(t, "both listeners", func() bool { return r.tls.Load() != nil })
	c := a.client(r.plain)
	tests := map[string]struct {
		url            string
		status         int
		location, body string
	}{
		"postback":             {"http://trk.example.test/conversion?click_id=1&payout=1", 200, "", "use https"},
		"postback, www.":       {"http://www.trk.example.test/conversion/?click_id=1", 200, "", "use https"},
		"click":                {"http://go.example.test/c/none", 302, "https://fallback.example/", ""},
		"probe":                {"http://trk.example.test/livez", 200, "", "ok"},
		"operator":             {"http://trk.example.test/metrics?a=1", 307, "https://trk.example.test/metrics?a=1", ""},
		"operator, a stranger": {"http://evil.example/api/v1/clicks", 307, "https://trk.example.test/api/v1/clicks", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			status, location, body := fetch(t, c, tt.url)
			if status != tt.status || location != tt.location || !strings.Contains(body, tt.body) {
				t.Errorf("got %d %q %s", status, location, body)
			}
		})
	}
	eventually(t, "a failure that is counted", func() bool {
		families, err := r.metrics.registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() == "subfive_certificate_failures_total" {
				for _, m := range f.GetMetric() {
					if m.GetCounter().GetValue() > 0 {
						return true
					}
				}
			}
		}
		return false
	})
}

// Nodes that share a database share certificates: the second asks for none. With
// the database down, a node serves from its own copy.
func TestNodesShareCertificates(t *testing.T) {
	pg := startPostgres(t)
	a := newAuthority(t, "http-01")
	settings := autoSettings(t, a, pg.DSN("postgres")) + "secret_key: " + strings.Repeat("ab", 32) + "\n"
	first, second := t.TempDir(), t.TempDir()
	for _, dir := range []string{first, second} {
		r := runTracker(t, dir, settings, clock)
		a.asks(r)
		eventually(t, "certificates for both hosts", func() bool { return r.certified() == 2 })
		r.stop()
	}
	if got := len(a.names()); got != 2 {
		t.Errorf("two nodes and two hosts: the authority was asked %d times, for %v", got, a.names())
	}
	if err := pg.Close(); err != nil {
		t.Fatal(err)
	}
	r := runTracker(t, second, settings, clock)
	if status, _, _ := fetch(t, a.client(r.address), "https://trk.example.test/livez"); status != http.StatusOK {
		t.Errorf("without the database: %d", status)
	}
}

// A certificate in files is taken over when somebody renewed it, and a broken
// one is not.
func TestCertificateFiles(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	write := func(name string) {
		t.Helper()
		cert, key := selfSigned(t, name)
		for path, data := range map[string][]byte{certFile: cert, keyFile: key} {
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	write("one.example.test")
	now := noon()
	var stderr bytes.Buffer
	c := &commands{t: t, dir: dir, now: now}
	f, err := openCertificate(certFile, keyFile, func() time.Time { return now }, c.app(&stderr, &stderr).log())
	if err != nil {
		t.Fatal(err)
	}
	served := func() string {
		t.Helper()
		cert, err := f.certificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		return cert.Leaf.DNSNames[0]
	}
	got := []string{served()}
	write("two.example.test is longer")
	got = append(got, served()) // not looked at again yet
	now = now.Add(lookAgain)
	got = append(got, served())
	if err := os.WriteFile(keyFile, []byte("half a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(lookAgain)
	got = append(got, served())
	want := []string{"one.example.test", "one.example.test", "two.example.test is longer", "two.example.test is longer"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(stderr.String(), "can't be taken over") {
		t.Errorf("nothing is said of the broken file: %s", stderr.String())
	}
	if _, err := openCertificate(certFile, keyFile, func() time.Time { return now }, c.app(&stderr, &stderr).log()); err == nil {
		t.Error("a start with a broken file is no error")
	}
}
