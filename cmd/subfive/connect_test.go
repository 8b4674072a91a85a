package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"subfive/config"
	"subfive/dashboard"
	"subfive/internal/pgtest"
	"subfive/journal"
	"subfive/store"
)

// connecting makes a tracker of a file with a campaign, which has not connected
// to its database yet.
func connecting(t *testing.T, dsn string) *tracker {
	t.Helper()
	c := &commands{t: t, dir: t.TempDir(), now: noon()}
	a := c.app(&bytes.Buffer{}, &bytes.Buffer{})
	f, err := config.Parse("subfive.yaml", fmt.Appendf(nil, `
data_dir: %s
database_url: %q
sources: [{id: meta-us, platform: meta}]
offers: [{id: ourdream, link: "https://track.network.example/A/B/"}]
campaigns: [{id: spring, source: meta-us, offer: ourdream}]
`, filepath.Join(c.dir, "data"), dsn), a.env, config.WithPlatforms(configPlatforms()))
	if err != nil {
		t.Fatal(err)
	}
	tr, err := newTracker(a, f, journal.AllowTmpfs())
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// A migration takes what it takes: the time to connect does not cut it short.
func TestMigrationOutlastsTheTimeToConnect(t *testing.T) {
	dsn := pgtest.DurableDatabase(t)
	st, err := store.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	slow, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := slow.ExecContext(t.Context(), "LOCK TABLE goose_db_version IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	tr := connecting(t, dsn)
	tr.connectWithin = 2 * time.Second
	connected := make(chan error, 1)
	go func() { connected <- tr.connect(t.Context()) }()
	select {
	case err := <-connected:
		t.Errorf("while another migrates: %v", err)
	case <-time.After(2 * tr.connectWithin):
	}
	if err := slow.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-connected; err != nil {
		t.Error(err)
	}
	if err := errors.Join(tr.store.Load().Close(), tr.journal.Close()); err != nil {
		t.Error(err)
	}
}

// A database that takes connections and never answers keeps no click waiting.
func TestServesWhileTheDatabaseHangs(t *testing.T) {
	t.Parallel()
	var lc net.ListenConfig
	silent, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	public, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tr := connecting(t, "postgres://u:p@"+silent.Addr().String()+"/d")
	tr.connectWithin = 4 * time.Second
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- tr.run(ctx, public, nil) }()
	client := &http.Client{Timeout: tr.connectWithin / 2, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for path, want := range map[string]int{"/c/spring?fbclid=IwAR1": http.StatusFound, "/conversion?payout=1": http.StatusOK} {
		if status, _, _ := fetch(t, client, "http://"+public.Addr().String()+path); status != want {
			t.Errorf("%s: %d, want %d", path, status, want)
		}
	}
	client.CloseIdleConnections()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// Of two nodes, one archives what the other's change is about to name: one of
// them is refused, whoever comes first.
func TestTwoNodesChangeResources(t *testing.T) {
	onEach(t, func(t *testing.T, dsn string) {
		first := connecting(t, dsn)
		if err := first.connect(t.Context()); err != nil {
			t.Fatal(err)
		}
		st := first.store.Load()
		second := &tracker{app: first.app}
		second.store.Store(st)
		defer func() { _ = errors.Join(st.Close(), first.journal.Close()) }()
		change := func(tr *tracker, kind, id, body string) error {
			c := dashboard.ResourceChange{Kind: kind, ID: id, By: "ann"}
			if body != "" {
				c.Body = []byte(body)
			}
			_, err := (&backend{tr}).ChangeResource(t.Context(), c)
			return err
		}
		for i := range 20 {
			id := "r" + strconv.Itoa(i)
			if err := change(first, "sources", id, `{"platform": "tiktok"}`); err != nil {
				t.Fatal(err)
			}
			var named, archived error
			var both sync.WaitGroup
			both.Go(func() { named = change(first, "campaigns", id, `{"source": "`+id+`", "offer": "ourdream"}`) })
			both.Go(func() { archived = change(second, "sources", id, "") })
			both.Wait()
			if (named == nil) == (archived == nil) {
				t.Errorf("the campaign that names the source: %v; the source's archiving: %v", named, archived)
			}
		}
	})
}
