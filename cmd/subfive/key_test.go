package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// The first run makes a key for the default endpoint, and every URL to paste has
// it; a file that says key: "" wants none.
func TestTheFirstRunMakesAKey(t *testing.T) {
	for name, tt := range map[string]struct {
		endpoints string
		keyed     bool
	}{
		"nothing is said of it": {"", true},
		"none is wanted":        {"endpoints: [{id: default, key: \"\"}]\n", false},
		"no word of the key":    {"endpoints: [{id: default, repeats: count}]\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			c := &commands{t: t, dir: t.TempDir(), now: noon()}
			path := filepath.Join(c.dir, "subfive.yaml")
			file := "public_url: https://trk.example.com\noffers: [{id: o, link: \"https://n.example.com/A/B/\"}]\n" + tt.endpoints
			if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
				t.Fatal(err)
			}
			key := regexp.MustCompile(`[?&]key=([a-z0-9]{20})(&|\s)`)
			var first string
			for range 2 { // applied again it stays the same
				c.run(exitDone, "apply", "-f", path)
				url, _ := c.run(exitDone, "postback-url")
				found := key.FindStringSubmatch(url)
				if (found != nil) != tt.keyed {
					t.Fatalf("the URL is %s", url)
				}
				if found == nil {
					continue
				}
				if first != "" && found[1] != first {
					t.Errorf("the key was %s and is %s", first, found[1])
				}
				first = found[1]
			}
		})
	}
}
