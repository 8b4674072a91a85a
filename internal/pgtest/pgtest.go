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

// shared is the server of this test process and the templates on it.
type shared struct {
	once   sync.Once
	server *Server
	err    error

	mu        sync.Mutex
	templates map[string]error // by name: how preparing it ended
}

// process is the one server that a test process shares; Main stops it.
var process = shared{templates: map[string]error{}}

func (s *shared) start() (*Server, error) {
	s.once.Do(func() { s.server, s.err = Start() })
	return s.server, s.err
}

// Main runs the tests of a package and stops the shared server after them. It
// does not return. Call it from TestMain.
func Main(m *testing.M) {
	code := m.Run()
	if err := Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stop PostgreSQL:", err)
		code = 1
	}
	os.Exit(code)
}

// Stop stops the shared server, if it was started, and removes its files. For a
// TestMain that has more to do than Main does.
func Stop() error {
	if process.server == nil {
		return nil
	}
	return process.server.Close()
}

// Database returns the URL of an empty database of the test's own on the shared
// server. It is dropped when the test ends.
func Database(t testing.TB) string {
	t.Helper()
	return database(t, "template1")
}

// Prepared is Database for one that prepare filled: prepare runs once a name in
// the process, and every test gets a copy. It must leave no connection open.
func Prepared(t testing.TB, name string, prepare func(dsn string) error) string {
	t.Helper()
	s := server(t)
	process.mu.Lock()
	err, done := process.templates[name]
	if !done {
		if err = s.exec("CREATE DATABASE " + name); err == nil {
			err = prepare(s.DSN(name))
		}
		process.templates[name] = err
	}
	process.mu.Unlock()
	if err != nil {
		t.Fatalf("prepare database %s: %v", name, err)
	}
	return database(t, name)
}

func server(t testing.TB) *Server {
	t.Helper()
	s, err := process.start()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func database(t testing.TB, template string) string {
	t.Helper()
	s := server(t)
	name := "test_" + strings.ToLower(rand.Text())
	if err := s.exec("CREATE DATABASE " + name + " TEMPLATE " + template); err != nil {
		t.Fatalf("create database: %v", err)
	}
	t.Cleanup(func() {
		if err := s.exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Errorf("drop database: %v", err)
		}
	})
	return s.DSN(name)
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
