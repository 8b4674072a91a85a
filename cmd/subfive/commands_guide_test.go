package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"subfive"
)

// A postback comes from the network's server: no platform is ever told its
// address or its user agent for the visitor's. Those are the click's.
func TestVisitorComesFromTheClick(t *testing.T) {
	t.Parallel()
	c := newCommands(t)
	more := `  - id: tiktok-main
    platform: tiktok
    fan_out: true
    settings: {pixel_code: C0PIXEL, access_token: x-token, default_event_source_url: "https://lp.example.com/"}
  - id: reddit-main
    platform: reddit
    fan_out: true
    settings: {pixel_id: a2_pixel, access_token: x-token, default_event_source_url: "https://lp.example.com/"}
`
	path := filepath.Join(c.dir, "subfive.yaml")
	if err := os.WriteFile(path, []byte(commandsFile+more), 0o600); err != nil {
		t.Fatal(err)
	}
	c.run(exitDone, "apply", "-f", path)
	const server, agent = "198.51.100.77", "Everflow-Postback/1.0"
	c.with(func(s session, a *app) error {
		attributor, err := s.attributor(t.Context(), a)
		if err != nil {
			return err
		}
		return attributor.Record(t.Context(), entries(t, clickRecord(clickID, nil), postbackRecord("good", clickID, "tx1", func(p *subfive.Postback) {
			p.Request.ClientAddr, p.Request.UserAgent = server, agent
		})))
	})
	visitor := map[string]bool{"meta-main": true, "tiktok-main": true, "reddit-main": true, "hook": false} // false: not told of him by default
	for destination, told := range visitor {
		out, _ := c.run(exitDone, "preview", "pb_good", destination)
		if strings.Contains(out, server) || strings.Contains(out, agent) {
			t.Errorf("%s is told of the network's server:\n%s", destination, out)
		}
		if got := strings.Contains(out, "203.0.113.9") && strings.Contains(out, "Mozilla/5.0"); got != told {
			t.Errorf("%s is told of the visitor: %t\n%s", destination, got, out)
		}
	}
	out, _ := c.run(exitDone, "postbacks", "show", "pb_good")
	if !strings.Contains(out, server) {
		t.Errorf("who called is not shown:\n%s", out)
	}
}
