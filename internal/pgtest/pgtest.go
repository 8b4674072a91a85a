//go:build unix

// Package pgtest gives tests a real PostgreSQL of their own: a private server
// in a temporary directory, and an empty or prepared database for each test.
//
// It is for tests only, and it never skips: a machine without PostgreSQL fails
// them and says what to install. Tests that need none don't start it.
package pgtest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// shared is a server of this test process and the templates on it.
type shared struct {
	options []Option

	once   sync.Once
	server *Server
	err    error

	mu        sync.Mutex
	templates map[string]error // by name: how preparing it ended
}

// process is the one server that a test process shares, and durable another for
// tests of what demands one; Main stops them.
var (
	process = shared{templates: map[string]error{}}
	durable = shared{options: []Option{Durable()}}
)

func (s *shared) start() (*Server, error) {
	s.once.Do(func() { s.server, s.err = Start(s.options...) })
	return s.server, s.err
}

func (s *shared) stop() error {
	if s.server == nil {
		return nil
	}
	return s.server.Close()
}

// Main runs the tests of a package and stops the shared servers after them. It
// does not return. Call it from TestMain.
func Main(m *testing.M) {
	code := m.Run()
	if err := Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stop PostgreSQL:", err)
		code = 1
	}
	os.Exit(code)
}

// Stop stops the shared servers, if they were started, and removes their files.
// For a TestMain that has more to do than Main does.
func Stop() error { return errors.Join(process.stop(), durable.stop()) }

// Database returns the URL of an empty database of the test's own on the shared
// server. It is dropped when the test ends.
func Database(t testing.TB) string {
	t.Helper()
	return process.database(t, "template1")
}

// DurableDatabase is Database on a server that keeps what was committed, as
// serve demands. It is a shared one all the same: a test that stops its server
// needs one of its own, from Start.
func DurableDatabase(t testing.TB) string {
	t.Helper()
	return durable.database(t, "template1")
}

// Prepared is Database for one that prepare filled: prepare runs once a name in
// the process, and every test gets a copy. It must leave no connection open.
func Prepared(t testing.TB, name string, prepare func(dsn string) error) string {
	t.Helper()
	s := process.get(t)
	process.mu.Lock()
	err, done := process.templates[name]
	if !done {
		if err = s.create(name, "template1"); err == nil {
			err = prepare(s.DSN(name))
		}
		process.templates[name] = err
	}
	process.mu.Unlock()
	if err != nil {
		t.Fatalf("prepare database %s: %v", name, err)
	}
	return process.database(t, name)
}

func (s *shared) get(t testing.TB) *Server {
	t.Helper()
	server, err := s.start()
	if err != nil {
		t.Fatal(err)
	}
	return server
}

func (s *shared) database(t testing.TB, template string) string {
	t.Helper()
	server := s.get(t)
	name := "test_" + strings.ToLower(rand.Text())
	if err := server.create(name, template); err != nil {
		t.Fatalf("create database: %v", err)
	}
	t.Cleanup(func() {
		if err := server.exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Errorf("drop database: %v", err)
		}
	})
	return server.DSN(name)
}

// create makes a database from a template. Where nothing is synced, to copy the
// template's files takes a quarter of the time that writing them to the log does.
func (s *Server) create(name, template string) error {
	statement := "CREATE DATABASE " + name + " TEMPLATE " + template
	if !s.durable && s.version >= 15 { // before, files were always copied
		statement += " STRATEGY FILE_COPY"
	}
	return s.exec(statement)
}

// exec runs one statement on the server's own database.
func (s *Server) exec(statement string) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	db, err := sql.Open("postgres", s.DSN("postgres"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, statement)
	return err
}
