//go:build unix

package pgtest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"

	_ "github.com/lib/pq" // the driver "postgres"
)

// BinariesVariable names the directory of initdb and postgres; empty: the
// newest below /usr/lib/postgresql.
const BinariesVariable = "SUBFIVE_POSTGRES_BIN"

// Server is a private PostgreSQL. It listens on a free loopback port and on a
// socket in its own directory, and trusts everybody who can reach them.
type Server struct {
	dir, bin string
	port     int
	durable  bool
	version  int // the major one
	cred     *syscall.Credential
	proc     *os.Process
	exited   chan struct{} // closed when the process ended
	log      *os.File
}

// Option changes how Start starts.
type Option func(*Server)

// Durable keeps fsync and synchronous_commit on, as serve demands. Without it
// the server is faster and forgets on power loss.
func Durable() Option { return func(s *Server) { s.durable = true } }

// Start makes a new server and waits until it answers. Close it.
func Start(opts ...Option) (_ *Server, err error) {
	s := &Server{}
	for _, o := range opts {
		o(s)
	}
	if s.bin, err = binaries(); err != nil {
		return nil, err
	}
	if s.cred, err = credential(); err != nil {
		return nil, err
	}
	if s.dir, err = os.MkdirTemp("", "subfive-pg-"); err != nil {
		return nil, err
	}
	if err := s.initialize(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	if err := s.Restart(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	return s, nil
}

// DSN returns the URL of a database on the server.
func (s *Server) DSN(database string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", s.port, database)
}

// Addr returns the loopback address it listens on.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// PID returns the process that listens; its children serve the connections.
func (s *Server) PID() int { return s.proc.Pid }

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) initialize() error {
	if s.cred != nil {
		if err := os.Chown(s.dir, int(s.cred.Uid), int(s.cred.Gid)); err != nil {
			return err
		}
	}
	cmd := exec.CommandContext(context.Background(), filepath.Join(s.bin, "initdb"),
		"-N", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "-D", s.data())
	cmd.Dir = s.dir
	cmd.SysProcAttr = attributes(s.cred)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(out))
	}
	port, err := freePort()
	s.port = port
	return err
}

// Restart starts the server again after Stop, on the same port with the same
// data, and waits until it answers.
func (s *Server) Restart() error {
	var err error
	if s.log, err = os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o644); err != nil {
		return err
	}
	args := []string{
		"-D", s.data(), "-p", strconv.Itoa(s.port), "-k", s.dir,
		"-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200", "-c", "shared_buffers=64MB",
	}
	if !s.durable {
		args = append(args, "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
	}
	cmd := exec.CommandContext(context.Background(), filepath.Join(s.bin, "postgres"), args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, s.log, s.log
	cmd.SysProcAttr = attributes(s.cred)
	started := make(chan error, 1)
	exited := make(chan struct{})
	go func() {
		// The server dies with the thread that started it, so that a crashed
		// test leaves none behind. This thread lasts as long as the server.
		runtime.LockOSThread()
		defer close(exited)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended does not matter: Stop kills it
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start postgres: %w", err)
	}
	s.proc, s.exited = cmd.Process, exited
	return s.await()
}

// await asks until the server answers.
func (s *Server) await() (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	db, err := sql.Open("postgres", s.DSN("postgres"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		ping := db.QueryRowContext(ctx, "SELECT CAST(current_setting('server_version_num') AS INTEGER) / 10000").Scan(&s.version)
		if ping == nil {
			return nil
		}
		select {
		case <-again.C:
		case <-s.exited:
			return fmt.Errorf("postgres ended: %s", s.tail())
		case <-ctx.Done():
			return fmt.Errorf("postgres does not answer: %w: %s", ping, s.tail())
		}
	}
}

func (s *Server) tail() []byte {
	text, err := os.ReadFile(s.log.Name())
	if err != nil {
		return []byte(err.Error())
	}
	return bytes.TrimSpace(text[max(0, len(text)-2000):])
}

// Stop stops the server and waits for its end; immediate as if the power
// failed, else it ends what runs in an orderly way. Restart brings it back.
func (s *Server) Stop(immediate bool) error {
	signal := syscall.SIGINT // fast
	if immediate {
		signal = syscall.SIGQUIT
	}
	if err := s.proc.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-s.exited
	return s.log.Close()
}

// Close stops the server, if it runs, and removes its directory.
func (s *Server) Close() error {
	var err error
	select {
	case <-s.exited:
	default:
		err = s.Stop(true)
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

func binaries() (string, error) {
	if dir := os.Getenv(BinariesVariable); dir != "" {
		return dir, nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	if len(found) > 0 {
		slices.SortFunc(found, func(a, b string) int { return majorVersion(a) - majorVersion(b) })
		return filepath.Dir(found[len(found)-1]), nil
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	return "", fmt.Errorf("these tests need PostgreSQL's programs: apt-get install -y --no-install-recommends postgresql, or set %s to their directory", BinariesVariable)
}

// majorVersion reads 15 of /usr/lib/postgresql/15/bin/initdb.
func majorVersion(path string) int {
	n, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	if err != nil {
		return 0
	}
	return n
}

// credential returns whom to run as: PostgreSQL refuses root.
func credential() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root, and there is no user postgres: %w", err)
	}
	uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(uidErr, gidErr)
}

func freePort() (int, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}
