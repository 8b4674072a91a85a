package e2e

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"
)

// built is the binary, and why there is none.
var built struct {
	path string
	err  error
}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "subfive-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	built.path = filepath.Join(dir, "subfive")
	out, err := exec.CommandContext(context.Background(), "go", "build", "-tags", "nomsgpack", "-o", built.path, "subfive/cmd/subfive").CombinedOutput()
	if err != nil {
		built.err = fmt.Errorf("build: %w: %s", err, out)
	}
	return m.Run()
}

// process is the program as it runs.
type process struct {
	t   *testing.T
	mu  sync.Mutex
	out bytes.Buffer
}

// start runs the program, with more in its environment, until the test ends.
func start(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	if built.err != nil {
		t.Fatal(built.err)
	}
	p := &process{t: t}
	cmd := exec.CommandContext(t.Context(), built.path, args...)
	cmd.Env = append(append(os.Environ(), "SUBFIVE_CONFIG="), env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	read, write := io.Pipe()
	cmd.Stdout, cmd.Stderr = write, write
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		lines := bufio.NewReader(read)
		for {
			line, err := lines.ReadString('\n')
			p.mu.Lock()
			p.out.WriteString(line)
			p.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); _ = write.Close(); close(ended) }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
		if t.Failed() {
			t.Logf("subfive %v said:\n%s", args, p.said())
		}
	})
	return p
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// says waits until the program says what the expression matches, and returns its
// last group.
func (p *process) says(expression string) string {
	p.t.Helper()
	re := regexp.MustCompile(expression)
	for until := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if found := re.FindStringSubmatch(p.said()); found != nil {
			return found[len(found)-1]
		}
		if time.Now().After(until) {
			p.t.Fatalf("it does not say %s", expression)
		}
	}
}

// freeAddress is one that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
