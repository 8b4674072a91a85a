package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"subfive"
	"subfive/everflow"
)

func TestFailureBudget(t *testing.T) {
	dir, now := t.TempDir(), noon()
	var log bytes.Buffer
	open := func() *failureBudget {
		return openBudget(dir, []subfive.Endpoint{{ID: "default"}, {ID: "lab"}}, func() time.Time { return now }, slog.New(slog.NewTextHandler(&log, nil)))
	}
	line := func(endpoint string, n int, at time.Time) everflow.Failures {
		f := everflow.Failures{EndpointID: endpoint, InARow: n, Limit: 10}
		if n > 0 {
			f.LastAt, f.LastStatus = at, 503
		}
		return f
	}
	check := func(what string, b *failureBudget, want ...everflow.Failures) {
		t.Helper()
		if diff := cmp.Diff(want, b.Failures()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	b := open()
	b.Answered("lab", 200)
	check("all well", b, line("default", 0, now), line("lab", 0, now))
	if _, err := os.Stat(filepath.Join(dir, budgetName)); !os.IsNotExist(err) {
		t.Errorf("a file was written while all went well: %v", err)
	}

	b.Answered("lab", 503)
	first := now
	now = now.Add(time.Hour)
	b.Answered("lab", 503)
	b.Answered("default", 200)
	check("two in a row", b, line("default", 0, now), line("lab", 2, now))

	b = open()
	check("after a restart", b, line("default", 0, now), line("lab", 2, now))
	stored, err := storedFailures(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]everflow.Failures{line("default", 0, now), line("lab", 2, now)}, stored); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(b)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			told[f.GetName()+" "+m.GetLabel()[0].GetValue()] = m.GetGauge().GetValue()
		}
	}
	if diff := cmp.Diff(map[string]float64{"subfive_failure_budget default": 0, "subfive_failure_budget lab": 2}, told); diff != "" {
		t.Errorf("metric (-want +got):\n%s", diff)
	}

	last := now
	now = first.Add(everflow.FailureWindow + time.Minute)
	check("the first is too old to count", b, line("default", 0, now), line("lab", 1, last))
	b.Answered("lab", 204)
	check("a success ends the row", b, line("default", 0, now), line("lab", 0, now))
	check("and stays so", open(), line("default", 0, now), line("lab", 0, now))

	for range 3 * keptFailures {
		b.Answered("lab", 503)
	}
	check("the row is bounded", b, line("default", 0, now), line("lab", keptFailures, now))

	if err := os.WriteFile(filepath.Join(dir, budgetName), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	log.Reset()
	check("a broken file", open(), line("default", 0, now), line("lab", 0, now))
	if !strings.Contains(log.String(), "read the failure budget") {
		t.Errorf("nothing logged: %s", log.String())
	}
	if _, err := storedFailures(dir, now); err == nil {
		t.Error("a broken file is read without an error")
	}
}
