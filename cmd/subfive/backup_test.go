package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"subfive/internal/pgtest"
)

// A backup made under load has all that was acknowledged before it began, and
// serve goes on from it: on PostgreSQL with the journal alone.
func TestBackupUnderLoadAndRestore(t *testing.T) {
	onEach(t, func(t *testing.T, dsn string) {
		s := newSite(t, dsn)
		s.start()
		click := s.mustClick("fbclid=IwAR1")
		var acknowledged atomic.Int64
		var load sync.WaitGroup
		stop := make(chan struct{})
		for caller := range 4 {
			load.Go(func() {
				for n := 0; ; n++ {
					select {
					case <-stop:
						return
					default:
					}
					url := fmt.Sprintf("http://%s/conversion?click_id=%s&payout=1&offer_id=1&tx_id=t%d-%d", s.address, click, caller, n)
					if status, body, err := s.postback(http.DefaultClient, url); err != nil || status != http.StatusOK {
						t.Errorf("postback: %d %s %v", status, body, err)
						return
					}
					acknowledged.Add(1)
				}
			})
		}
		s.until("there is something to back up", 20*time.Second, func() bool { return acknowledged.Load() > 300 })
		before := acknowledged.Load()
		file := filepath.Join(s.dir, "b.tar.gz")
		out := s.command(exitDone, "backup", file, "--with-key")
		if (dsn != "") != strings.Contains(out, "pg_dump") {
			t.Errorf("it says %s", out)
		}
		close(stop)
		load.Wait()
		if out := s.command(exitUsage, "backup", file); !strings.Contains(out, "is there already") {
			t.Errorf("over an old one: %s", out)
		}
		s.stop()

		fresh := ""
		if dsn != "" {
			fresh = pgtest.DurableDatabase(t)
		}
		r := newSite(t, fresh)
		if out := r.command(exitDone, "restore", file); !strings.Contains(out, "subfive serve --data-dir") || strings.Contains(out, "Next: put the key") {
			t.Errorf("it says %s", out)
		}
		if out := r.command(exitFailed, "restore", file); !strings.Contains(out, "is not empty") {
			t.Errorf("into a full folder: %s", out)
		}
		r.start()
		r.settled(60 * time.Second)
		if got := int64(r.count("SELECT count(*) FROM v_postbacks")); got < before {
			t.Errorf("%d postbacks after the restore, of %d acknowledged before the backup", got, before)
		}
		if got := r.count("SELECT count(*) FROM v_conversions WHERE verdict <> 'matched'"); got != 0 {
			t.Errorf("%d conversions without their click", got)
		}
		r.stop()
	})
}

// A kill at any moment leaves the file whole or not at all.
func TestBackupKilled(t *testing.T) {
	c := newCommands(t)
	c.fill()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	whole := 0
	for n := range 12 {
		file := filepath.Join(t.TempDir(), "b.tar.gz")
		cmd := exec.Command(path, "backup", file, "--data-dir", c.dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(n) * 15 * time.Millisecond) // the moments that are tried; nothing waits for it
		_ = cmd.Process.Kill()                               // it may have ended
		_ = cmd.Wait()
		if exists(file) {
			whole++
			c.restore(t, exitDone, file, filepath.Join(t.TempDir(), "data"))
		}
	}
	t.Logf("%d of 12 were whole", whole)
}

// restore restores into another folder and returns what is said.
func (c *commands) restore(t *testing.T, want int, file, dir string) string {
	t.Helper()
	other := commands{t: t, dir: dir, env: c.env, now: c.now}
	stdout, stderr := other.run(want, "restore", file)
	return stdout + stderr
}

// archive writes a backup by hand.
func archive(t *testing.T, files ...[2]string) string {
	t.Helper()
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	w := tar.NewWriter(zip)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f[0], Mode: 0o600, Size: int64(len(f[1]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(f[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "made.tar.gz")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRestoreRefuses(t *testing.T) {
	c := newCommands(t)
	c.fill()
	good := filepath.Join(t.TempDir(), "good.tar.gz")
	c.run(exitDone, "backup", good)
	whole, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	write := func(b []byte) string {
		path := filepath.Join(t.TempDir(), "b.tar.gz")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	damaged := bytes.Clone(whole)
	damaged[len(damaged)/2] ^= 1
	manifestOf := func(m manifest) [2]string {
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return [2]string{manifestName, string(text)}
	}
	one := []manifestFile{{Name: nodeFile, Size: 1, SHA256: "00"}}
	for name, tt := range map[string]struct{ file, says string }{
		"a damaged one":      {write(damaged), ""},
		"half of one":        {write(whole[:len(whole)/2]), ""},
		"no archive":         {write([]byte("hello")), "not a backup"},
		"nothing":            {filepath.Join(t.TempDir(), "none"), "no such file"},
		"no manifest":        {archive(t, [2]string{"key", "x"}), "does not begin with a manifest"},
		"of a newer version": {archive(t, manifestOf(manifest{Format: 1, Version: "9.9", Schema: 9999})), "newer"},
		"a way out": {archive(t, manifestOf(manifest{Format: 1, Files: []manifestFile{{Name: "../key", Size: 1}}}),
			[2]string{"../key", "x"}), "no backup has"},
		"another checksum": {archive(t, manifestOf(manifest{Format: 1, Files: one}), [2]string{nodeFile, "x"}), "checksum"},
		"another size":     {archive(t, manifestOf(manifest{Format: 1, Files: one}), [2]string{nodeFile, "xy"}), "comes with 2"},
		"another file":     {archive(t, manifestOf(manifest{Format: 1, Files: one}), [2]string{keyFile, "x"}), "comes with"},
		"too few":          {archive(t, manifestOf(manifest{Format: 1, Files: one})), "ends before it"},
		"too many":         {archive(t, manifestOf(manifest{Format: 1}), [2]string{nodeFile, "x"}), "more in it"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			if out := c.restore(t, exitFailed, tt.file, dir); !strings.Contains(out, tt.says) {
				t.Errorf("it says %s", out)
			}
			left, err := os.ReadDir(dir)
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
	t.Run("after a kill", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, restoring+"1", "journal"), 0o700); err != nil {
			t.Fatal(err)
		}
		out := c.restore(t, exitDone, good, dir)
		if !strings.Contains(out, "put the key (ID ") || exists(filepath.Join(dir, keyFile)) || exists(filepath.Join(dir, restoring+"1")) {
			t.Errorf("it says %s", out)
		}
		// Without the key nothing starts, and no other key is made.
		other := commands{t: t, dir: dir, env: c.env, now: c.now}
		if _, stderr := other.run(exitFailed, "clicks"); !strings.Contains(stderr, "key") || exists(filepath.Join(dir, keyFile)) {
			t.Errorf("without the key: %s", stderr)
		}
	})
}
