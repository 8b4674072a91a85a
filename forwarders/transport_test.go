package forwarders_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/forwarders"
)

func TestNoConnection(t *testing.T) {
	secure := httptest.NewUnstartedServer(answering(200, "accepted"))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	closed := httptest.NewServer(nil)
	closed.Close()
	dialing := func(err error) func(*http.Transport) {
		return func(tr *http.Transport) {
			tr.DialContext = func(context.Context, string, string) (net.Conn, error) { return nil, err }
		}
	}
	private := "the host has a private or local address; name it in base_url or in the allowed hosts if that is meant"
	tests := map[string]struct {
		url, base string
		tune      func(*http.Transport)
		want      subfive.Outcome
	}{
		"refused": {base: closed.URL, want: subfive.Outcome{Class: subfive.Transient, Code: "refused"}},
		"no name": {
			tune: dialing(&net.DNSError{Err: "no such host", Name: "api.fake.example", IsNotFound: true}),
			want: subfive.Outcome{Class: subfive.Transient, Code: "dns"},
		},
		"certificate of nobody": {base: secure.URL, want: subfive.Outcome{Class: subfive.Transient, Code: "tls"}},
		"loopback": {
			url:  strings.Replace(closed.URL, "http:", "https:", 1),
			want: subfive.Outcome{Class: subfive.Misconfigured, Code: "address_refused", Message: private},
		},
		"loopback by name": {
			url:  "https://localhost:1/",
			want: subfive.Outcome{Class: subfive.Misconfigured, Code: "address_refused", Message: private},
		},
		"metadata service": {
			url:  "https://169.254.169.254/latest",
			want: subfive.Outcome{Class: subfive.Misconfigured, Code: "address_refused", Message: private},
		},
		"mapped address": {
			url:  "https://[::ffff:127.0.0.1]:1/",
			want: subfive.Outcome{Class: subfive.Misconfigured, Code: "address_refused", Message: private},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSender(t, tt.tune)
			set(t, s, &fake{url: tt.url}, tt.base)
			x := s.Send(context.Background(), "main", deliveries("a"))
			got := x.Outcomes[0]
			if tt.want.Message != "" && !strings.HasSuffix(got.Message, tt.want.Message) || strings.Contains(got.Message, "://") {
				t.Errorf("message is %q", got.Message)
			}
			got.Message, tt.want.Message = "", ""
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
			if x.Attempt == nil {
				t.Error("nothing to show to a person")
			}
		})
	}
}

func TestAllowedHostMayBePrivate(t *testing.T) {
	server := serve(t, answering(200, "accepted"))
	host := strings.TrimPrefix(server.URL, "http://")
	name, _, _ := strings.Cut(host, ":")
	for _, allow := range []string{host, name} {
		s := newSender(t, nil)
		set(t, s, &fake{url: server.URL, allow: []string{allow}}, "")
		x := s.Send(context.Background(), "main", deliveries("a"))
		want := []subfive.Outcome{{Class: subfive.Accepted, HTTP: 200}}
		if diff := cmp.Diff(want, x.Outcomes); diff != "" {
			t.Errorf("%s allowed (-want +got):\n%s", allow, diff)
		}
	}
}

func TestAuthClientIsGuarded(t *testing.T) {
	server := serve(t, answering(302, ""))
	s := newSender(t, nil)
	get := func(c *http.Client) (int, error) {
		resp, err := c.Get(server.URL)
		if err != nil {
			return 0, err
		}
		return resp.StatusCode, resp.Body.Close()
	}
	if status, err := get(s.AuthClient()); err == nil {
		t.Errorf("a private address answered %d", status)
	}
	if status, err := get(s.AuthClient("127.0.0.1")); err != nil || status != 302 {
		t.Errorf("the allowed host: status %d, error %v", status, err)
	}
}

// sites is a TLS server that plays all hosts.
func sites(t *testing.T, h http.HandlerFunc) func(*http.Transport) {
	t.Helper()
	server := httptest.NewTLSServer(h)
	t.Cleanup(server.Close)
	return func(tr *http.Transport) {
		tr.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // a test
		tr.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, server.Listener.Addr().String())
		}
	}
}

func TestRedirects(t *testing.T) {
	tests := map[string]struct {
		to     string
		allow  []string
		want   []string // requests that arrived
		status int
	}{
		"to a known host": {
			"https://other.example/x",
			[]string{"other.example"},
			[]string{"POST api.fake.example/v1/events a=true t=true r=", "GET other.example/x a=false t=false r="},
			200,
		},
		"to a known host's subdomain": {
			"https://a.other.example/x",
			[]string{"other.example"},
			[]string{"POST api.fake.example/v1/events a=true t=true r="},
			302,
		},
		"to the same host": {
			"/x",
			[]string{"api.fake.example"},
			[]string{"POST api.fake.example/v1/events a=true t=true r=", "GET api.fake.example/x a=true t=true r="},
			200,
		},
		"to the same host, unknown": {
			"/x", nil,
			[]string{"POST api.fake.example/v1/events a=true t=true r="},
			302,
		},
		"to a stranger": {
			"https://evil.example/x",
			[]string{"other.example"},
			[]string{"POST api.fake.example/v1/events a=true t=true r="},
			302,
		},
		"unencrypted": {
			"http://other.example/x",
			[]string{"other.example"},
			[]string{"POST api.fake.example/v1/events a=true t=true r="},
			302,
		},
		"without end": {
			"https://other.example/v1/events",
			[]string{"other.example"},
			[]string{
				"POST api.fake.example/v1/events a=true t=true r=",
				"GET other.example/v1/events a=false t=false r=", "GET other.example/v1/events a=false t=false r=", "GET other.example/v1/events a=false t=false r=",
			},
			302,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			s := newSender(t, sites(t, func(w http.ResponseWriter, r *http.Request) {
				yes := map[bool]string{true: "true", false: "false"}
				got = append(got, r.Method+" "+r.Host+r.URL.Path+" a="+yes[r.Header.Get("Authorization") != ""]+
					" t="+yes[r.Header.Get("Access-Token") != ""]+" r="+r.Referer())
				if r.URL.Path == "/v1/events" {
					w.Header().Set("Location", tt.to)
					w.WriteHeader(http.StatusFound)
				}
				io.WriteString(w, "accepted") //nolint:errcheck // the client may be gone
			}))
			f := &fake{}
			p := platform
			p.Redirects = tt.allow
			if err := s.SetDestinations([]forwarders.Configured{{ID: "main", Platform: p, Forwarder: f}}); err != nil {
				t.Fatal(err)
			}
			s.Send(context.Background(), "main", deliveries("a"))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if f.seen.Status != tt.status {
				t.Errorf("the answer that was read has status %d, want %d", f.seen.Status, tt.status)
			}
		})
	}
}

func TestAnswersAreBounded(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	if _, err := z.Write(make([]byte, 4<<20)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	tests := map[string]http.HandlerFunc{
		"gzip bomb": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(bomb.Bytes()) //nolint:errcheck // the client hangs up
		},
		"without end": func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		},
	}
	for name, h := range tests {
		t.Run(name, func(t *testing.T) {
			server := serve(t, h)
			s := newSender(t, nil)
			f := &fake{}
			set(t, s, f, server.URL)
			x := s.Send(context.Background(), "main", deliveries("a"))
			if len(f.seen.Body) != 1<<20 || len(x.Attempt.AnswerBody) > 17<<10 {
				t.Errorf("read %d bytes and kept %d", len(f.seen.Body), len(x.Attempt.AnswerBody))
			}
		})
	}
}

// silent is a connection's other end that reads and never answers.
func silent(t *testing.T, read bool) func(*http.Transport) {
	t.Helper()
	return func(tr *http.Transport) {
		tr.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			if !read {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			ours, theirs := net.Pipe()
			go io.Copy(io.Discard, theirs) //nolint:errcheck // it ends when ours is closed
			return ours, nil
		}
	}
}

func TestTimeout(t *testing.T) {
	tests := map[string]struct {
		read   bool
		cancel time.Duration
		want   subfive.Outcome
		after  time.Duration
	}{
		"connected and silent": {
			true, 0, subfive.Outcome{Class: subfive.Transient, Ambiguous: true, Code: "timeout", Message: "context deadline exceeded"}, 30 * time.Second,
		},
		"never connected": {
			false, 0, subfive.Outcome{Class: subfive.Transient, Code: "timeout", Message: "context deadline exceeded"}, 30 * time.Second,
		},
		"stopped while waiting for the answer": {
			true, time.Second, subfive.Outcome{Class: subfive.Transient, Ambiguous: true, Code: "transport", Message: "context canceled"}, time.Second,
		},
		"stopped while connecting": {
			false, time.Second, subfive.Outcome{Class: subfive.Deferred, Code: "canceled", Message: "stopped before it was sent"}, time.Second,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSender(t, silent(t, tt.read))
				set(t, s, &fake{}, "http://stand-in")
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				if tt.cancel > 0 {
					time.AfterFunc(tt.cancel, cancel)
				}
				began := time.Now()
				x := s.Send(ctx, "main", deliveries("a"))
				if diff := cmp.Diff([]subfive.Outcome{tt.want}, x.Outcomes); diff != "" {
					t.Errorf("outcomes (-want +got):\n%s", diff)
				}
				if took := time.Since(began); took != tt.after {
					t.Errorf("took %v, want %v", took, tt.after)
				}
			})
		})
	}
}

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := &net.OpError{Op: "dial", Err: io.EOF}
		s := newSender(t, func(tr *http.Transport) {
			tr.DialContext = func(context.Context, string, string) (net.Conn, error) { return nil, refused }
		})
		p := platform
		p.PerSecond = 2
		all := []forwarders.Configured{{ID: "main", Platform: p, Forwarder: &fake{}}}
		began := time.Now()
		for range 5 {
			// Setting up again must not forget the pace.
			if err := s.SetDestinations(all); err != nil {
				t.Fatal(err)
			}
			s.Send(context.Background(), "main", deliveries("a"))
		}
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("5 requests at 2 a second took %v, want 2s", took)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		x := s.Send(ctx, "main", deliveries("a"))
		if x.Attempt != nil || x.Outcomes[0].Class != subfive.Deferred {
			t.Errorf("stopped while waiting: %+v", x)
		}
	})
}

func TestConnectionsOutliveASetup(t *testing.T) {
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(answering(200, "accepted"))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	s := newSender(t, nil)
	send := func(base string) {
		set(t, s, &fake{}, base)
		if x := s.Send(context.Background(), "main", deliveries("a")); x.Outcomes[0].Class != subfive.Accepted {
			t.Errorf("outcome %+v", x.Outcomes[0])
		}
	}
	send(server.URL)
	send(server.URL)
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections, want 1: the second setup is the same", n)
	}
	send(strings.Replace(server.URL, "127.0.0.1", "localhost", 1))
	if n := connections.Load(); n != 2 {
		t.Errorf("%d connections, want 2: the host changed", n)
	}
}

func TestBaseURLs(t *testing.T) {
	tests := map[string]bool{
		"": true, "http://127.0.0.1:9100": true, "https://gateway.example/meta/": true,
		"ftp://x": false, "127.0.0.1:9100": false, "https://": false, "https://x/?a=b": false, "https://me:pw@x/": false, "https://a b/": false,
	}
	for base, good := range tests {
		s := newSender(t, nil)
		err := s.SetDestinations([]forwarders.Configured{{ID: "main", Platform: platform, Forwarder: &fake{}, BaseURL: base}})
		if (err == nil) != good {
			t.Errorf("%q: error %v", base, err)
		}
		if err != nil && strings.Contains(err.Error(), "pw") {
			t.Errorf("the error shows a password: %v", err)
		}
	}
}
