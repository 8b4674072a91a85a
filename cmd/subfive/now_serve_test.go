package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"subfive"
	"subfive/config"
	"subfive/dashboard"
	"subfive/journal"
	"subfive/store"
)

// A running tracker says of itself that nothing came, and then what did; without
// its database it says that, too.
func TestNowOfARunningTracker(t *testing.T) {
	t.Parallel()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + l.Addr().String()
	c := &commands{t: t, dir: t.TempDir(), now: noon()}
	a := c.app(&bytes.Buffer{}, &bytes.Buffer{})
	a.now = time.Now
	f, err := config.Parse("subfive.yaml", fmt.Appendf(nil, `
public_url: %s
data_dir: %s
ack: database
ack_timeout: 20s
sources:
  - {id: meta-us, platform: meta}
offers:
  - {id: dream, link: "https://one.example/A/"}
campaigns:
  - {id: spring, source: meta-us, offer: dream, destinations: [meta-lab]}
destinations:
  - {id: meta-lab, platform: meta, settings: {dataset_id: "100000000000001", access_token: x, default_event_source_url: "https://lp.example.com/"}}
`, base, filepath.Join(c.dir, "data")), a.env, config.WithPlatforms(configPlatforms()))
	if err != nil {
		t.Fatal(err)
	}
	tr, err := newTracker(a, f, journal.AllowTmpfs())
	if err != nil {
		t.Fatal(err)
	}
	now := func() outlook {
		p, err := dashboard.ParsePeriod(dashboard.DefaultPeriod)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := (&backend{tr}).Now(t.Context(), dashboard.NowQuery{Period: p})
		if err != nil {
			t.Fatal(err)
		}
		return answer.(outlook)
	}
	if o := now(); o.Verdict.State != "down" || o.Numbers != nil || len(o.Needs) != 1 {
		t.Errorf("before it has its database: %+v", o)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	connected := make(chan struct{})
	tr.connected = func(context.Context, *store.Store, subfive.Setup) error {
		close(connected)
		return nil
	}
	go func() { ended <- tr.run(ctx, l, nil) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	<-connected
	if o := now(); o.Verdict.Text != "Nothing has come in yet." || len(o.Needs) != 0 || len(o.Destinations) != 1 {
		t.Errorf("before anything: %+v", o)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	get := func(path string) string {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("User-Agent", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148")
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		return res.Header.Get("Location")
	}
	_, click, _ := bytes.Cut([]byte(get("/c/spring")), []byte("sub5="))
	get("/conversion?click_id=" + string(click) + "&payout=42.50&transaction_id=t1")
	get("/conversion?click_id={Sub5}&payout=42.50&transaction_id=t2")
	deadline := time.Now().Add(20 * time.Second)
	o := now()
	for ; o.Facts.LastClick == nil && time.Now().Before(deadline); o = now() { // clicks are recorded in their own time
		time.Sleep(20 * time.Millisecond)
	}
	got := fmt.Sprintln(o.Verdict.Text, o.Facts.LastClick.Of, o.Facts.LastPostback.Of, o.Numbers.Clicks.Value, o.Numbers.Conversions.Value,
		o.Numbers.Revenue.Value, o.Numbers.MatchRate.Matched, o.Numbers.MatchRate.Of, o.Destinations[0].DryRun, o.Destinations[0].State, o.Total.Destinations)
	want := fmt.Sprintln("Working. One postback brought no click ID that can be used.", "spring", "default", 1, 2, "85.00", 1, 2, 1, "dry_run", 0)
	if got != want {
		t.Errorf("says\n%swant\n%s", got, want)
	}
	counts, err := (&backend{tr}).NowCounts(t.Context())
	if err != nil || counts != (nowCounts{}) {
		t.Errorf("counts %+v, %v", counts, err)
	}
}
