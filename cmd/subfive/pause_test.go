package main

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Who pauses a destination, and who resumes it, is in the audit.
func TestPausesAreInTheAudit(t *testing.T) {
	c := newCommands(t)
	c.run(exitDone, "destinations", "pause", "meta-main", "--reason", "new token on Monday")
	c.run(exitDone, "destinations", "resume", "meta-main")
	a := c.app(new(bytes.Buffer), new(bytes.Buffer))
	a.configPath, a.dataDir = filepath.Join(c.dir, "subfive.yaml"), c.dir
	err := a.with(t.Context(), func(s session) error {
		lines, err := s.Audits(t.Context(), 100)
		got := map[string]string{}
		for _, l := range lines {
			if l.Actor != "file" {
				got[l.Action] = l.Actor + ", " + l.Subject + ", " + l.New
			}
		}
		want := map[string]string{"pause": "ann, destination meta-main, new token on Monday", "resume": "ann, destination meta-main, "}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("audit (-want +got):\n%s", diff)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
