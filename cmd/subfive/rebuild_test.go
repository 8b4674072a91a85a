package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
)

func TestRebuildDays(t *testing.T) {
	t.Parallel()
	c := newCommands(t)
	evening := time.Date(2026, 11, 20, 23, 30, 0, 0, time.UTC)
	c.with(func(s session, _ *app) error {
		return s.RecordBatch(t.Context(), subfive.Batch{At: noon(), Clicks: []subfive.Click{{ID: clickID, ClickedAt: evening, CampaignID: "spring", SourceID: "meta-us"}}})
	})
	out, days := c.run(exitDone, "rebuild", "days")
	if diff := cmp.Diff("1 days counted anew, 0 of them differed; 0 clicks and conversions got another day\n2026-11-20\n", out+days); diff != "" {
		t.Errorf("nothing changed (-want +got):\n%s", diff)
	}
	path := filepath.Join(c.dir, "subfive.yaml")
	if err := os.WriteFile(path, []byte(commandsFile+"reporting: {timezone: Europe/Berlin, currency: EUR}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ = c.run(exitDone, "rebuild", "days", "--since", "30d")
	if want := "2 days counted anew, 2 of them differed; 1 clicks and conversions got another day\n"; out != want {
		t.Errorf("in Berlin: %s, want %s", out, want)
	}
	out, _ = c.run(exitDone, "sql", "--csv", "SELECT day, clicks, currency FROM v_daily WHERE clicks > 0")
	if want := "day,clicks,currency\n2026-11-21,1,EUR\n"; strings.ReplaceAll(out, "\r", "") != want {
		t.Errorf("the report has %q, want %q", out, want)
	}
	out, _ = c.run(exitDone, "rebuild", "days", "--since", "2026-11-22")
	if !strings.HasPrefix(out, "0 days") {
		t.Errorf("since a later day: %s", out)
	}
	for args, want := range map[string]string{
		"days --since yesterday": "--since yesterday: write a day as 2026-11-01, or how long ago, as 3d",
		"days now":               "takes no arguments",
	} {
		if _, stderr := c.run(exitUsage, append([]string{"rebuild"}, strings.Fields(args)...)...); !strings.Contains(stderr, want) {
			t.Errorf("rebuild %s says %q, not %q", args, stderr, want)
		}
	}
}

// keeper is days that need a rebuild or not, and costs that can't be spread at
// first.
type keeper struct {
	rebuild bool
	fails   int
	spread  []time.Time
}

func (k *keeper) StampZone(context.Context) (bool, error) { return k.rebuild, nil }

func (k *keeper) SpreadCosts(_ context.Context, at time.Time) (int, error) {
	k.spread = append(k.spread, at)
	if len(k.spread) <= k.fails {
		return 0, errors.New("the database is down")
	}
	return 0, nil
}

func TestKeepDays(t *testing.T) {
	tests := map[string]struct {
		keeper keeper
		want   []string
	}{
		"all is well":           {keeper{}, nil},
		"the zone changed":      {keeper{rebuild: true}, []string{"reports by day are not counted in the reporting time zone yet; run: subfive rebuild days"}},
		"the database was down": {keeper{fails: 1}, []string{"spread costs over later clicks; it is tried again"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				tr := &tracker{app: &app{now: time.Now}, log: slog.New(slog.NewTextHandler(&log, nil)), zone: time.UTC}
				ctx, stop := context.WithTimeout(t.Context(), 2*spreadEvery+time.Second)
				defer stop()
				started := time.Now()
				tr.stampZone(ctx, &tt.keeper)
				tr.spreadCosts(ctx, &tt.keeper)
				if diff := cmp.Diff([]time.Time{started.Add(spreadEvery), started.Add(2 * spreadEvery)}, tt.keeper.spread); diff != "" {
					t.Errorf("spread at (-want +got):\n%s", diff)
				}
				for _, want := range tt.want {
					if !strings.Contains(log.String(), want) {
						t.Errorf("the log does not say %q:\n%s", want, log.String())
					}
				}
				if got := strings.Count(log.String(), "\n"); got != len(tt.want) {
					t.Errorf("%d lines:\n%s", got, log.String())
				}
			})
		})
	}
}
