package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive/config"
	"subfive/everflow"
	"subfive/journal"
)

// What the receiver says about faulty postbacks is what the check-up goes by:
// each kind is sent to a running tracker, and found.
func TestDoctorAndARunningTracker(t *testing.T) {
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
endpoints:
  - {id: default, key: ""}
  - {id: locked, key: s3cret}
`, base, filepath.Join(c.dir, "data")), a.env, config.WithPlatforms(configPlatforms()))
	if err != nil {
		t.Fatal(err)
	}
	tr, err := newTracker(a, f, journal.AllowTmpfs())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- tr.run(ctx, l, nil) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	for i, path := range []string{
		"/conversion?click_id={Sub5}&payout=1", "/conversion?payout=1", "/conversion?click_id=01jd3c4z9y8x7w6v5t4s3r2q1z&payout=x",
		"/konversion?payout=1&tx_id=2", "/conversion/none?click_id=1", "/conversion/locked?click_id=1", "/conversion/locked?click_id=2&key=wrong",
		"/conversion?click_id=cid_1&type=cpc",
	} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s%s&n=%d", base, path, i), nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s is answered with %d", path, res.StatusCode)
		}
	}
	b := &backend{tr}
	answer, err := b.CheckUp(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"cpc_postbacks endpoint default", "empty_click_ids endpoint default", "foreign_click_ids endpoint locked", "key_beside_database secret_key",
		"literal_macros endpoint default", "malformed_postbacks endpoint default", "missing_key_postbacks endpoint locked",
		"postbacks_without_clicks links", "unknown_endpoint_postbacks endpoint default",
		"wrong_key_postbacks endpoint locked", "wrong_path_postbacks endpoint default",
	}
	if diff := cmp.Diff(want, foundCodes(answer.(checkup).Findings)); diff != "" {
		t.Errorf("check-up (-want +got):\n%s", diff)
	}
	answer, err = b.Examine(t.Context(), base+"/conversion/locked?click_id={sub5}&payout={payout}&tx_id={transaction_id}")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"missing_key key"}, foundCodes(answer.(everflow.Diagnosis).Findings)); diff != "" {
		t.Errorf("examination (-want +got):\n%s", diff)
	}
}
