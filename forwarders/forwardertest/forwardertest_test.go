package forwardertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/forwarders"
)

// recorder is a T that keeps what was reported.
type recorder struct{ errors []string }

func (*recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

// failures runs all checks and returns which failed, and all they said.
func failures(t *testing.T, p forwarders.Platform, dir string) (failed map[string]bool, said string) {
	t.Helper()
	k, err := open(p, dir)
	if err != nil {
		t.Fatal(err)
	}
	failed = map[string]bool{}
	for _, c := range checks() {
		var r recorder
		c.guarded(&r, k)
		if len(r.errors) > 0 {
			failed[c.name] = true
			said += c.name + ": " + strings.Join(r.errors, "\n") + "\n"
		}
	}
	return failed, said
}

func TestRunPassesAGoodPlatform(t *testing.T) {
	Run(t, platform(nil, nil), write(t, files()))
}

func TestWrongPlatformsAreFound(t *testing.T) {
	const all200 = "a platform that takes any 200"
	tests := map[string]struct {
		change func(p *plain)
		wrap   func(p *plain) forwarders.Forwarder
		define func(p *forwarders.Platform)
		check  string // must fail
		says   string
	}{
		"name in capitals":  {define: func(p *forwarders.Platform) { p.Name = "Plain" }, check: "platform", says: "lower case"},
		"tells nothing":     {define: func(p *forwarders.Platform) { p.Kinds = nil }, check: "platform", says: "Kinds is empty"},
		"kind made up":      {define: func(p *forwarders.Platform) { p.Kinds[0] = "refund" }, check: "platform", says: `"refund"`},
		"no batch size":     {define: func(p *forwarders.Platform) { p.MaxBatch = 0 }, check: "platform", says: "MaxBatch 0"},
		"sample is invalid": {define: func(p *forwarders.Platform) { p.Sample = "token: x" }, check: "settings", says: "sample"},
		"lenient settings": {define: func(p *forwarders.Platform) {
			p.New = func(func(any) error, *http.Client) (forwarders.Forwarder, error) { return &plain{}, nil }
		}, check: "settings", says: "unknown setting"},
		"account is empty":   {change: func(p *plain) { p.account = func(*plain) string { return "" } }, check: "account", says: `""`},
		"account is a token": {change: func(p *plain) { p.account = func(p *plain) string { return "plain:" + p.token } }, check: "account", says: "credential"},
		"account counts": {change: func(p *plain) {
			p.account = func(p *plain) string { return fmt.Sprintf("plain:%p", p) }
		}, check: "account", says: ", then"},
		"other words": {change: func(p *plain) {
			p.event = func(*plain, subfive.Delivery) ([]byte, error) { return []byte(`{}`), nil }
		}, check: "golden", says: "request.golden"},
		"limits nothing":   {define: func(p *forwarders.Platform) { p.LimitedUse = true }, check: "limited use", says: "no case is rendered differently"},
		"limits in secret": {wrap: func(p *plain) forwarders.Forwarder { return limiting{p} }, check: "limited use", says: "which the platform says it has not"},
		"counter in the event": {change: func(p *plain) {
			p.event = func(p *plain, _ subfive.Delivery) ([]byte, error) {
				return strconv.AppendInt(nil, int64(p.count), 10), nil
			}
		}, check: "pure", says: "differently"},
		"map order in the event": {change: func(p *plain) {
			p.event = func(*plain, subfive.Delivery) ([]byte, error) {
				m := map[string]int{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6, "g": 7, "h": 8}
				var keys []string
				for k := range maps.Keys(m) {
					keys = append(keys, k)
				}
				return json.Marshal(keys)
			}
		}, check: "pure", says: "differ"},
		"delivery changed": {change: func(p *plain) {
			p.event = func(_ *plain, d subfive.Delivery) ([]byte, error) {
				if d.User != nil {
					d.User["email"] = "hashed"
				}
				return []byte("{}"), nil
			}
		}, check: "pure", says: "changed the delivery"},
		"shared buffer": {change: func(p *plain) {
			buf := []byte("0")
			p.event = func(p *plain, _ subfive.Delivery) ([]byte, error) {
				buf[0] = byte('0' + p.count)
				return buf, nil
			}
		}, check: "pure", says: "overwrote"},
		"events changed by Request": {change: func(p *plain) {
			p.request = func(_ *plain, b forwarders.Batch, _ *http.Request) { b.Events[0][0] = '!' }
		}, check: "golden", says: "changed the events"},
		"request too large": {define: func(p *forwarders.Platform) { p.MaxBytes = 20 }, check: "pure", says: "MaxBytes 20"},
		"request in the clear": {change: func(p *plain) {
			p.request = func(_ *plain, _ forwarders.Batch, r *http.Request) { r.URL.Scheme = "http" }
		}, check: "pure", says: "https"},
		"wrong length": {change: func(p *plain) {
			p.request = func(_ *plain, _ forwarders.Batch, r *http.Request) { r.ContentLength = 3 }
		}, check: "pure", says: "Content-Length is 3"},
		"token in the URL": {change: func(p *plain) {
			p.request = func(p *plain, _ forwarders.Batch, r *http.Request) {
				q := r.URL.Query()
				q.Set("access_token", p.token)
				r.URL.RawQuery = q.Encode()
			}
		}, check: "credentials", says: "before Authorize"},
		"nothing authorized": {change: func(p *plain) {
			p.authorize = func(*plain, *http.Request) error { return nil }
		}, check: "credentials", says: "added nothing"},
		"authorize fails": {change: func(p *plain) {
			p.authorize = func(*plain, *http.Request) error { return errors.New("no luck") }
		}, check: "credentials", says: "no luck"},
		"authorized for another host": {change: func(p *plain) {
			p.authorize = func(_ *plain, r *http.Request) error {
				r.URL.Host = "other.example"
				return nil
			}
		}, check: "credentials", says: "another method or host"},
		"length forgotten with a new body": {change: func(p *plain) {
			p.authorize = func(_ *plain, r *http.Request) error {
				r.Body = io.NopCloser(strings.NewReader("signed"))
				return nil
			}
		}, check: "credentials", says: "a body of 6 bytes"},
		"class mistaken": {change: func(p *plain) {
			p.read = func(int, forwarders.Answer) forwarders.Result {
				return forwarders.Result{All: subfive.Outcome{Class: subfive.Transient}}
			}
		}, check: "answers", says: "read as [transient]"},
		"class made up": {change: func(p *plain) {
			p.read = func(int, forwarders.Answer) forwarders.Result {
				return forwarders.Result{All: subfive.Outcome{Class: "maybe"}}
			}
		}, check: "answers", says: `"maybe"`},
		"outcomes missing": {change: func(p *plain) {
			p.read = func(int, forwarders.Answer) forwarders.Result {
				return forwarders.Result{Each: []subfive.Outcome{{Class: subfive.Rejected}}}
			}
		}, check: "answers", says: "1 outcomes for 3 events"},
		"submitted without a name": {change: func(p *plain) {
			p.read = func(int, forwarders.Answer) forwarders.Result {
				return forwarders.Result{All: subfive.Outcome{Class: subfive.Submitted}}
			}
		}, check: "answers", says: "without a Ref"},
		all200: {change: func(p *plain) {
			p.read = func(_ int, a forwarders.Answer) forwarders.Result {
				if a.Status == http.StatusOK {
					return forwarders.Result{All: subfive.Outcome{Class: subfive.Accepted}}
				}
				return forwarders.Result{All: subfive.Outcome{Class: subfive.Transient}}
			}
		}, check: "strange answers", says: "200 with HTML, 1 events: counts as accepted"},
		"reader that panics": {change: func(p *plain) {
			p.read = func(_ int, a forwarders.Answer) forwarders.Result {
				return forwarders.Result{All: subfive.Outcome{Class: subfive.Class(a.Body[:1])}}
			}
		}, check: "strange answers", says: "panic"},
		"no answer taken for one": {change: func(p *plain) {
			p.read = func(_ int, a forwarders.Answer) forwarders.Result {
				if a.Err != nil {
					return forwarders.Result{All: subfive.Outcome{Class: subfive.Accepted}}
				}
				return forwarders.Result{All: subfive.Outcome{Class: subfive.Transient}}
			}
		}, check: "strange answers", says: "no answer"},
		"confirmer without answers": {wrap: func(p *plain) forwarders.Forwarder {
			return asking{p, "https://api.plain.example/status/"}
		}, check: "confirmer", says: "no NAME.CLASS.http"},
		"confirmer that shows its token": {wrap: func(p *plain) forwarders.Forwarder {
			return asking{p, "https://api.plain.example/" + p.token + "/"}
		}, check: "confirmer", says: "before Authorize"},
		"event that panics": {change: func(p *plain) {
			p.event = func(_ *plain, d subfive.Delivery) ([]byte, error) { return []byte(d.Click.ID[9:]), nil }
		}, check: "golden", says: "panic"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := platform(tt.change, tt.wrap)
			if tt.define != nil {
				tt.define(&p)
			}
			failed, said := failures(t, p, write(t, files()))
			if !failed[tt.check] || !strings.Contains(said, tt.says) {
				t.Errorf("check %q did not fail with %q; failed: %v\n%s", tt.check, tt.says, failed, said)
			}
		})
	}
}

func TestWrongFilesAreFound(t *testing.T) {
	tests := map[string]struct {
		file, text string // "" deletes it
		check      string
		says       string
	}{
		"unknown field":          {"purchase/conversion.json", `{"deliverie": {}}`, "golden", "deliverie"},
		"golden is missing":      {"purchase/request.golden", "", "golden", "-update writes it"},
		"golden with a token":    {"purchase/request.golden", "POST https://x/?t=token%2Fof%2Bplain\n", "credentials", "request.golden holds"},
		"no credential to check": {"config.yaml", "access_token: short\n", "credentials", "has no credential"},
		"class is not one":       {"answers/x.perfect.http", "HTTP/1.1 200 OK\n\n", "answers", `"perfect" is not a class`},
		"answer without class":   {"answers/x.http", "HTTP/1.1 200 OK\n\n", "answers", "not NAME.CLASS.http"},
		"answer is not HTTP":     {"answers/x.accepted.http", "200\n", "answers", "x.accepted.http"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			all := files()
			all[tt.file] = tt.text
			if tt.text == "" {
				delete(all, tt.file)
			}
			failed, said := failures(t, platform(nil, nil), write(t, all))
			if !failed[tt.check] || !strings.Contains(said, tt.says) {
				t.Errorf("check %q did not fail with %q; failed: %v\n%s", tt.check, tt.says, failed, said)
			}
		})
	}
}

func TestUpdateWritesWhatPasses(t *testing.T) {
	all := files()
	want := all["purchase/request.golden"]
	delete(all, "purchase/request.golden")
	delete(all, "free/request.golden")
	dir := write(t, all)
	k, err := open(platform(nil, nil), dir)
	if err != nil {
		t.Fatal(err)
	}
	k.update = true
	checkGolden(t, k)
	got, err := os.ReadFile(filepath.Join(dir, "testdata/purchase/request.golden"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
	if failed, said := failures(t, platform(nil, nil), dir); len(failed) > 0 {
		t.Errorf("what was written does not pass: %s", said)
	}
}

func TestCaseWithItsOwnSettings(t *testing.T) {
	all := files()
	all["purchase/config.yaml"] = "access_token: another-token\n"
	change := func(p *plain) {
		p.request = func(p *plain, _ forwarders.Batch, r *http.Request) {
			r.Header.Set("X-Length", strconv.Itoa(len(p.token)))
		}
	}
	k, err := open(platform(change, nil), write(t, all))
	if err != nil {
		t.Fatal(err)
	}
	got, err := k.text(filepath.Join(k.data, "purchase"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "X-Length: 13"; !strings.Contains(got, want) {
		t.Errorf("the case's settings were not used: no %q in\n%s", want, got)
	}
}

func TestConfirmerWithAnswers(t *testing.T) {
	all := files()
	all["status/done.accepted.http"] = "HTTP/1.1 200 OK\n\n{\"taken\":[true]}\n"
	p := platform(nil, func(p *plain) forwarders.Forwarder { return asking{p, "https://api.plain.example/status/"} })
	if failed, said := failures(t, p, write(t, all)); len(failed) > 0 {
		t.Errorf("a good confirmer fails: %s", said)
	}
}

// limiting is a platform that limits its use, and does not say so.
type limiting struct{ forwarders.Forwarder }

func (l limiting) Event(d subfive.Delivery) ([]byte, error) {
	if d.LimitedUse {
		return []byte("{}"), nil
	}
	return l.Forwarder.Event(d)
}
