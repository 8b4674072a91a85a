package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"subfive"
	"subfive/config"
	"subfive/journal"
	"subfive/store"
)

// command runs the program beside a running serve.
func (s *site) command(want int, args ...string) string {
	s.t.Helper()
	path, err := binary()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(path, append(args, "--config", s.config, "--data-dir", filepath.Join(s.dir, "data"))...)
	cmd.Env = append(os.Environ(), "SUBFIVE_DATABASE_URL="+s.dsn)
	out, err := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != want {
		s.t.Fatalf("subfive %s: exit status %d, want %d, %v\n%s", strings.Join(args, " "), got, want, err, out)
	}
	return string(out)
}

// everything is all rows of all tables, and the bytes of the data folder's files.
func (s *site) everything() map[string]string {
	s.t.Helper()
	st := s.database()
	tables := "SELECT name FROM sqlite_master WHERE type = 'table'"
	if st.Dialect() == "postgres" {
		tables = "SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
	}
	read := func(query string) string {
		var all strings.Builder
		if err := st.Query(s.t.Context(), query, func([]string) error { return nil }, func(values []any) error {
			_, err := fmt.Fprintln(&all, values...)
			return err
		}); err != nil {
			s.t.Fatal(err)
		}
		return all.String()
	}
	all := map[string]string{}
	for name := range strings.FieldsSeq(read(tables)) {
		all["table "+name] = read("SELECT * FROM " + name)
	}
	if err := filepath.WalkDir(filepath.Join(s.dir, "data"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		all[filepath.Base(path)] = string(b)
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
	return all
}

// A person is forgotten while serve runs: neither what was known nor a digest of
// it is in the database, in any file of the data folder, or in the log.
func TestForgetLeavesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, dsn string) {
		s := newSite(t, dsn)
		s.start()
		jane := s.mustClick("fbclid=IwARjane&email=jane%40example.com&utm_content=jane-ad")
		other := s.mustClick("fbclid=IwARjoe&email=joe%40example.com")
		for i, id := range []string{jane, other} {
			url := fmt.Sprintf("http://%s/conversion?click_id=%s&payout=42.50&offer_id=1&tx_id=tx%d&sub2=sub-of-%d", s.address, id, i, i)
			if i == 0 {
				url += "&email=Jane%40Example.com"
			}
			if status, body, err := s.postback(http.DefaultClient, url); err != nil || status != http.StatusOK {
				t.Fatal(status, body, err)
			}
		}
		s.settled(20 * time.Second)
		digest := sha256.Sum256([]byte("jane@example.com"))
		words := map[string]bool{ // whether it is somewhere to begin with
			"jane@example.com": false, "Jane@Example.com": false, "jane%40example.com": false, "IwARjane": true, "jane-ad": true, "sub-of-0": true,
			hex.EncodeToString(digest[:]): true, base64.StdEncoding.EncodeToString(digest[:]): false, base64.RawURLEncoding.EncodeToString(digest[:]): false,
		}
		where := func(everything map[string]string, word string) (places []string) {
			for place, text := range everything {
				if strings.Contains(text, word) {
					places = append(places, place)
				}
			}
			return places
		}
		all := s.everything()
		for word, begins := range words {
			if places := where(all, word); (len(places) > 0) != begins {
				t.Errorf("before: %q is in %v", word, places)
			}
		}

		out := s.command(exitDone, "forget", "JANE@example.com ", "--dry-run")
		if !strings.Contains(out, "would erase the personal data of 1 click, 1 postback and 1 conversion, of 2 records in the journal") || !strings.Contains(out, jane) {
			t.Errorf("dry run says %s", out)
		}
		if len(where(s.everything(), "IwARjane")) == 0 {
			t.Error("the dry run erased something")
		}
		out = s.command(exitDone, "forget", "jane@example.com")
		if !strings.Contains(out, "erased the personal data of 1 click") || !strings.Contains(out, "Backups") {
			t.Errorf("it says %s", out)
		}
		all = s.everything()
		for word := range words {
			if places := where(all, word); len(places) > 0 {
				t.Errorf("after: %q is in %v", word, places)
			}
		}
		if places := where(all, "IwARjoe"); len(places) == 0 {
			t.Error("another's data is gone")
		}
		if n := s.count("SELECT count(*) FROM v_conversions WHERE counts_conversion = 1 AND payout_micros = 42500000"); n != 2 {
			t.Errorf("%d conversions are left, want 2", n)
		}
		if out := s.command(exitDone, "forget", "jane@example.com"); !strings.Contains(out, "nothing is known") {
			t.Errorf("once more: %s", out)
		}
		if again := s.mustClick("fbclid=IwARnew"); again == "" {
			t.Error("serve does not go on")
		}
		log, err := os.ReadFile(s.log.Name())
		if err != nil || bytes.Contains(log, []byte("poisoned")) || bytes.Contains(log, []byte("jane")) {
			t.Errorf("the log, %v:\n%s", err, log)
		}
		s.stop()
	})
}

func TestForgetRefusesWhatMayBeSeveralThings(t *testing.T) {
	c := newCommands(t)
	c.fill()
	for name, tt := range map[string]struct {
		args   []string
		status int
		says   string
	}{
		"a bare number":       {[]string{"forget", "4155550123"}, exitUsage, "--as phone"},
		"a word":              {[]string{"forget", "jane"}, exitUsage, "--as user_id"},
		"an unknown kind":     {[]string{"forget", "jane", "--as", "name"}, exitUsage, "it takes id, email, phone or user_id"},
		"nothing":             {[]string{"forget", " ", "--as", "email"}, exitUsage, "is empty"},
		"nobody":              {[]string{"forget", "nobody@example.com"}, exitDone, "nothing is known"},
		"a phone number":      {[]string{"forget", "+14155550123"}, exitDone, "nothing is known"},
		"a click in capitals": {[]string{"forget", strings.ToUpper(clickID), "--dry-run"}, exitDone, "would erase the personal data of 1 click, 4 postbacks"},
		"a postback":          {[]string{"forget", "pb_late", "--dry-run"}, exitDone, "0 clicks, 1 postback and 1 conversion"},
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr := c.run(tt.status, tt.args...)
			if !strings.Contains(stdout+stderr, tt.says) {
				t.Errorf("it says %s%s", stdout, stderr)
			}
		})
	}
}

// A click and its postback that are in the journal alone: one tells the address,
// the other has nothing but the click's ID.
func TestForgetWhatIsNotRecordedYet(t *testing.T) {
	const click, other = "01jd3c4z9y8x7w6v5t4s3r2q1p", "01jd3c4z9y8x7w6v5t4s3r2q2p"
	for name, clickTells := range map[string]bool{"the click tells": true, "the postback tells": false} {
		t.Run(name, func(t *testing.T) {
			c := newCommands(t)
			dir := filepath.Join(c.dir, journalDir)
			a := c.app(new(bytes.Buffer), new(bytes.Buffer))
			j, err := journal.Open(dir, a.now, journal.AllowTmpfs())
			if err != nil {
				t.Fatal(err)
			}
			vault, err := a.vault(config.Server{DataDir: c.dir})
			if err != nil {
				t.Fatal(err)
			}
			var mail subfive.Sealed
			mail.Box, mail.Mac, err = vault.Seal(subfive.UserEmail, "jane@example.com")
			if err != nil {
				t.Fatal(err)
			}
			clicked := &subfive.Click{ID: click, Request: subfive.Request{UserAgent: "janes-agent"}}
			told := &subfive.Postback{ID: "pb_jane", ClickID: click, Request: subfive.Request{ClientAddr: "203.0.113.77"}}
			if hers := map[string]subfive.Sealed{subfive.UserEmail: mail}; clickTells {
				clicked.UserData = hers
			} else {
				told.UserData = hers
			}
			for _, r := range []subfive.Record{
				{ID: told.ID, Kind: subfive.RecordPostback, Postback: told},
				{ID: click, Kind: subfive.RecordClick, Click: clicked},
				{ID: other, Kind: subfive.RecordClick, Click: &subfive.Click{ID: other, Request: subfive.Request{UserAgent: "joes-agent"}}},
			} {
				data, err := json.Marshal(r)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := j.Append(t.Context(), r.Kind, data); err != nil {
					t.Fatal(err)
				}
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			if out, _ := c.run(exitDone, "forget", "jane@example.com", "--dry-run"); !strings.Contains(out, "of 2 records in the journal") {
				t.Errorf("a dry run says %s", out)
			}
			if out, _ := c.run(exitDone, "forget", "jane@example.com"); !strings.Contains(out, "of 2 records in the journal") {
				t.Errorf("it says %s", out)
			}
			var left strings.Builder
			if err := journal.Read(t.Context(), dir, func(e subfive.Entry) error { left.Write(e.Data); return nil }); err != nil {
				t.Fatal(err)
			}
			for word, want := range map[string]bool{"janes-agent": false, "203.0.113.77": false, mail.Mac: false, "joes-agent": true} {
				if strings.Contains(left.String(), word) != want {
					t.Errorf("%q is left: %t", word, !want)
				}
			}
		})
	}
}

// A run that was cut short is finished by the next one, though it finds nothing
// any more.
func TestForgetFinishesWhatWasCutShort(t *testing.T) {
	c := newCommands(t)
	a := c.app(new(bytes.Buffer), new(bytes.Buffer))
	a.configPath, a.dataDir = filepath.Join(c.dir, "subfive.yaml"), c.dir
	if err := a.with(t.Context(), func(s session) error {
		rows := 0
		return s.Query(t.Context(), "SELECT 1 AS one UNION ALL SELECT count(*) FROM v_clicks", func([]string) error { return nil }, func([]any) error {
			if rows++; rows == 2 { // it reads the log
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if err := s.Erase(ctx, store.Traces{}, "ann", c.now); err == nil {
					t.Error("a log in use is no error")
				}
			}
			return nil
		})
	}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		args []string
		says string
	}{
		{[]string{"--dry-run"}, "an earlier run did not finish"}, {nil, "finished what an earlier run erased"}, {nil, "nothing is known"},
	} {
		if out, _ := c.run(exitDone, append([]string{"forget", "nobody@example.com"}, step.args...)...); !strings.Contains(out, step.says) {
			t.Errorf("%v: it says %s", step.args, out)
		}
	}
}
