package sheets_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"subfive"
	"subfive/forwarders"
	"subfive/forwarders/forwardertest"
	"subfive/forwarders/sheets"
	"subfive/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

type nothingSealed struct{}

func (nothingSealed) Open(_, box string) (string, error) { return box, nil }

// loop is a Sender whose one destination is the stand-in.
func loop(t *testing.T, secret, base string, tune func(*http.Transport)) *forwarders.Sender {
	t.Helper()
	p := sheets.Platform()
	p.PerSecond = 0
	settings := "url: https://script.google.com" + sandbox.SheetsPath + "\nsecret: " + secret
	f, err := p.New(forwardertest.Decode([]byte(settings)), nil)
	if err != nil {
		t.Fatal(err)
	}
	s := forwarders.NewSender(forwarders.SenderConfig{
		Opener: nothingSealed{}, Now: func() time.Time { return noon }, NewID: func() string { return "at_1" },
		Log: slog.New(slog.DiscardHandler), Tune: tune,
	})
	t.Cleanup(s.Close)
	if err := s.SetDestinations([]forwarders.Configured{{ID: "sheet", Platform: p, Forwarder: f, BaseURL: base, Secrets: []string{sandbox.SheetsSecret}}}); err != nil {
		t.Fatal(err)
	}
	return s
}

func sales(ids ...string) []subfive.Delivery {
	var ds []subfive.Delivery
	for _, id := range ids {
		ds = append(ds, subfive.Delivery{
			ID: "dl_" + id, ConversionID: id, Kind: subfive.KindConversion, Mode: subfive.ModeLive, EventName: "Purchase", EventID: id, EventTime: noon,
			Value:      &subfive.Money{Amount: 42_500_000, Currency: "USD"},
			Conversion: subfive.Conversion{ID: id, NetworkID: "everflow", Seq: 1, ConvertedAt: noon},
		})
	}
	return ds
}

// Two hosts as in the real world, and all that each of them was told.
func TestTwoHosts(t *testing.T) {
	stand := sandbox.NewSheets(func() time.Time { return noon }, sandbox.SheetsConfig{EchoURL: "https://script.googleusercontent.com"})
	var seen []string
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Method+" "+r.Host+r.URL.Path+" "+fmt.Sprint(r.ContentLength > 0, r.Referer() != ""))
		stand.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s := loop(t, sandbox.SheetsSecret, "", func(tr *http.Transport) {
		tr.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // a test
		tr.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, server.Listener.Addr().String())
		}
	})
	x := s.Send(t.Context(), "sheet", sales("a", "b"))
	if diff := cmp.Diff([]subfive.Outcome{{Class: subfive.Accepted, HTTP: 200}, {Class: subfive.Accepted, HTTP: 200}}, x.Outcomes); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s\n%s", diff, x.Attempt.AnswerBody)
	}
	want := []string{
		"POST script.google.com" + sandbox.SheetsPath + " true false",
		"GET script.googleusercontent.com/macros/echo false false",
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if len(stand.Events()) != 2 || stand.Events()[0].Value != "42.50" {
		t.Errorf("the sheet has %+v", stand.Events())
	}
	if strings.Contains(x.Attempt.RequestBody+x.Attempt.AnswerBody, sandbox.SheetsSecret) {
		t.Error("the attempt holds the secret")
	}
}

func TestFailures(t *testing.T) {
	tests := map[string]struct {
		failure   sandbox.Failure
		secret    string
		class     subfive.Class
		ambiguous bool
		written   int
	}{
		"none":                     {class: subfive.Accepted, written: 2},
		"another secret":           {secret: "another-secret-of-ours", class: subfive.Unauthorized},
		"reset":                    {failure: sandbox.Failure{Mode: sandbox.ModeRefuse}, class: subfive.Transient, ambiguous: true},
		"the second request fails": {failure: sandbox.Failure{Mode: sandbox.ModeResetAfter}, class: subfive.Transient, ambiguous: true, written: 2},
		"the words break off":      {failure: sandbox.Failure{Mode: sandbox.ModeTruncated}, class: subfive.Transient, ambiguous: true, written: 2},
		"words without end":        {failure: sandbox.Failure{Mode: sandbox.ModeHuge}, class: subfive.Transient, ambiguous: true, written: 2},
		"words that unpack":        {failure: sandbox.Failure{Mode: sandbox.ModeGzipBomb}, class: subfive.Transient, ambiguous: true, written: 2},
		"a row is lost":            {failure: sandbox.Failure{Mode: sandbox.ModeWrongCount}, class: subfive.Transient, ambiguous: true, written: 1},
		"server error":             {failure: sandbox.Failure{Mode: sandbox.ModeServerError}, class: subfive.Transient, ambiguous: true},
		"gateway":                  {failure: sandbox.Failure{Mode: sandbox.ModeHTML}, class: subfive.Transient, ambiguous: true},
		"exception":                {failure: sandbox.Failure{Mode: sandbox.ModeErrorInOK}, class: subfive.Transient, ambiguous: true},
		"too many":                 {failure: sandbox.Failure{Mode: sandbox.ModeRetryAfter}, class: subfive.Throttled},
		"too many at once":         {failure: sandbox.Failure{Mode: sandbox.ModeThrottleApp}, class: subfive.Throttled},
		"quota":                    {failure: sandbox.Failure{Mode: sandbox.ModeThrottleUser}, class: subfive.Throttled},
		"busy":                     {failure: sandbox.Failure{Mode: sandbox.ModeThrottleCase}, class: subfive.Throttled},
		"login":                    {failure: sandbox.Failure{Mode: sandbox.ModeMisconfigured}, class: subfive.Misconfigured},
		"poison":                   {failure: sandbox.Failure{Mode: sandbox.ModePoison, EventIDs: []string{"b"}}, class: subfive.Rejected},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			stand := sandbox.NewSheets(func() time.Time { return noon }, sandbox.SheetsConfig{})
			server := httptest.NewServer(stand)
			t.Cleanup(server.Close)
			if tt.failure.Mode != "" {
				if err := stand.Fail(tt.failure); err != nil {
					t.Fatal(err)
				}
			}
			if tt.secret == "" {
				tt.secret = sandbox.SheetsSecret
			}
			s := loop(t, tt.secret, server.URL, nil)
			x := s.Send(t.Context(), "sheet", sales("a", "b"))
			if o := x.Outcomes[1]; o.Class != tt.class || o.Ambiguous != tt.ambiguous || len(stand.Events()) != tt.written {
				t.Errorf("%+v, %d rows; want %s, ambiguous %t, %d rows", o, len(stand.Events()), tt.class, tt.ambiguous, tt.written)
			}
			if tt.secret != sandbox.SheetsSecret {
				return
			}
			// Whatever became of it: sent again each row is there once.
			stand.Clear()
			x = s.Send(t.Context(), "sheet", sales("a", "b"))
			if x.Outcomes[0].Class != subfive.Accepted || len(stand.Events()) != 2 {
				t.Errorf("sent again: %+v, %d rows", x.Outcomes[0], len(stand.Events()))
			}
		})
	}
}

// Every case of testdata that can be sent is a row that the strict stand-in
// takes.
func TestStandInTakesEverything(t *testing.T) {
	stand := sandbox.NewSheets(func() time.Time { return noon }, sandbox.SheetsConfig{})
	server := httptest.NewServer(stand)
	t.Cleanup(server.Close)
	s := loop(t, sandbox.SheetsSecret+"\nallow_sensitive: true", server.URL, nil)
	paths, err := filepath.Glob("testdata/*/conversion.json")
	if err != nil || len(paths) < 12 {
		t.Fatalf("%d cases, error %v", len(paths), err)
	}
	taken := 0
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var c forwardertest.Case
		if err := json.Unmarshal(data, &c); err != nil {
			t.Fatal(err)
		}
		d := c.Delivery
		d.Conversion, d.Click = c.Conversion, c.Click
		d.EventID = filepath.Base(filepath.Dir(path)) // the cases share IDs
		switch x := s.Send(t.Context(), "sheet", []subfive.Delivery{d}); {
		case x.Attempt == nil: // refused before it was sent: its golden file says why
		case x.Outcomes[0].Class != subfive.Accepted:
			t.Errorf("%s: %+v\n%s", path, x.Outcomes[0], x.Attempt.RequestBody)
		default:
			taken++
		}
	}
	if rows := len(stand.Events()) + len(stand.TestEvents()); taken < len(paths)-2 || rows != taken || len(stand.TestEvents()) != 1 {
		t.Errorf("%d of %d cases taken, %d rows, %d of them tests", taken, len(paths), rows, len(stand.TestEvents()))
	}
}

func Example() {
	f, err := sheets.Platform().New(forwardertest.Decode([]byte(
		"url: https://script.google.com/macros/s/AKfycbEXAMPLE/exec\nsecret: a-long-random-text")), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	row, err := f.Event(subfive.Delivery{EventID: "cv_1", Kind: subfive.KindConversion, EventName: "Purchase", EventTime: noon})
	fmt.Println(f.Account(), string(row), err)
	// Output: sheets:AKfycbEXAMPLE {"event_name":"Purchase","event_time":"2026-11-24T12:00:00Z","goal":"base","id":"cv_1","kind":"conversion","test":false} <nil>
}
