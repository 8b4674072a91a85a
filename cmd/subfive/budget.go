package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"subfive"
	"subfive/everflow"
)

// budgetName is the file that keeps the failure budget over a restart.
const budgetName = "failures.json"

// failureBudget counts, by endpoint, the answers in a row that were no success:
// a network that sees ten of them switches its postback off. It is written down
// when it changes, which is never while all goes well.
type failureBudget struct {
	path string
	now  func() time.Time
	log  *slog.Logger

	open  atomic.Bool // some endpoint has failures
	mu    sync.Mutex
	lines map[string]failureLine
}

// failureLine are one endpoint's failures in a row, none after a success.
type failureLine struct {
	Endpoint string      `json:"endpoint"`
	Status   int         `json:"status"` // the last one's
	At       []time.Time `json:"at"`     // the latest of them
}

// keptFailures is how many moments are kept: more than a network counts.
const keptFailures = 4 * everflow.FailureLimit

// failures are those that a network still counts.
func (f failureLine) failures(now time.Time) everflow.Failures {
	line := everflow.Failures{EndpointID: f.Endpoint, Limit: everflow.FailureLimit}
	for _, at := range f.At {
		if now.Sub(at) <= everflow.FailureWindow {
			line.InARow++
			line.LastAt, line.LastStatus = at, f.Status
		}
	}
	return line
}

// openBudget reads the budget of a data folder for these endpoints, and those
// that have failures. One that can't be read begins anew: it is no reason not
// to serve.
func openBudget(dir string, endpoints []subfive.Endpoint, now func() time.Time, log *slog.Logger) *failureBudget {
	b := &failureBudget{path: filepath.Join(dir, budgetName), now: now, log: log, lines: map[string]failureLine{}}
	for _, e := range append(endpoints, subfive.Endpoint{ID: subfive.DefaultEndpoint}) {
		b.lines[e.ID] = failureLine{Endpoint: e.ID}
	}
	lines, err := readBudget(dir)
	if err != nil {
		log.Error("read the failure budget; it begins anew", "err", err)
	}
	for _, f := range lines {
		b.lines[f.Endpoint] = f
		b.open.Store(b.open.Load() || len(f.At) > 0)
	}
	return b
}

// readBudget reads what a data folder holds of it.
func readBudget(dir string) ([]failureLine, error) {
	data, err := os.ReadFile(filepath.Join(dir, budgetName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var lines []failureLine
	if err := json.Unmarshal(data, &lines); err != nil {
		return nil, fmt.Errorf("%s: %w", budgetName, err)
	}
	return lines, nil
}

// storedFailures are the failures that a data folder holds against us.
func storedFailures(dir string, now time.Time) ([]everflow.Failures, error) {
	lines, err := readBudget(dir)
	all := []everflow.Failures{}
	for _, f := range lines {
		all = append(all, f.failures(now))
	}
	return all, err
}

// Answered counts the answer to a postback.
func (b *failureBudget) Answered(endpoint string, status int) {
	success := status < http.StatusMultipleChoices
	if success && !b.open.Load() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.lines[endpoint]
	if success {
		if len(f.At) == 0 {
			return
		}
		f.At = nil
	} else {
		f.At = append(f.At[max(0, len(f.At)+1-keptFailures):len(f.At):len(f.At)], b.now())
		f.Status = status
	}
	f.Endpoint = endpoint
	b.lines[endpoint] = f
	b.open.Store(slices.ContainsFunc(b.sorted(), func(f failureLine) bool { return len(f.At) > 0 }))
	if err := b.write(); err != nil {
		b.log.Error("keep the failure budget", "err", err)
	}
}

func (b *failureBudget) write() error {
	data, err := json.Marshal(b.sorted())
	if err != nil {
		return err
	}
	if err := os.WriteFile(b.path+".new", append(data, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(b.path+".new", b.path)
}

func (b *failureBudget) sorted() []failureLine {
	return slices.SortedFunc(maps.Values(b.lines), func(x, y failureLine) int { return strings.Compare(x.Endpoint, y.Endpoint) })
}

// Failures are those that a network still counts, by endpoint.
func (b *failureBudget) Failures() []everflow.Failures {
	now := b.now()
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []everflow.Failures
	for _, f := range b.sorted() {
		all = append(all, f.failures(now))
	}
	return all
}

var descBudget = desc("failure_budget", "Answers to postbacks in a row that were no success; at ten the network switches the postback off.", "endpoint")

// Describe and Collect make it a metric, 0 for an endpoint in order.
func (b *failureBudget) Describe(to chan<- *prometheus.Desc) { to <- descBudget }

// Collect implements prometheus.Collector.
func (b *failureBudget) Collect(to chan<- prometheus.Metric) {
	for _, f := range b.Failures() {
		to <- prometheus.MustNewConstMetric(descBudget, prometheus.GaugeValue, float64(f.InARow), f.EndpointID)
	}
}
