package alerts

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"subfive"
)

// After a restart what was told is not told again.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book, heard := &memory{all: map[string]subfive.Alert{}}, &ear{start: time.Now()}
		for range 3 {
			w := New(Config{
				Node: "n", Book: book, Channels: []Channel{{"webhook", heard}}, Log: slog.New(slog.DiscardHandler), Now: time.Now,
				Facts: func(context.Context) Facts {
					return Facts{At: time.Now(), Node: "n", Local: Local{ClicksAtRisk: 1}, Queue: &Queue{Pauses: []subfive.Pause{{DestinationID: "m", Manual: true}}}}
				},
			})
			ctx, stop := context.WithTimeout(t.Context(), time.Minute)
			w.Run(ctx)
			stop()
		}
		slices.Sort(heard.heard)
		expect(t, heard, "10s fired clicks_at_risk ", "10s fired destination_paused m")
	})
}

// What another process is sending is not sent here.
func TestClaimsExclude(t *testing.T) {
	owed := subfive.Alert{ID: "al_1", Rule: string(Backlog), State: subfive.AlertFiring, Owed: []subfive.AlertMessage{{Channel: "webhook", At: noon, NextAt: noon}}}
	for name, want := range map[string]int{"nobody else": 1, "another was faster": 0} {
		t.Run(name, func(t *testing.T) {
			book, heard := &memory{all: map[string]subfive.Alert{"al_1": owed}}, &ear{start: noon}
			w := New(Config{Node: "n", Book: book, Channels: []Channel{{"webhook", heard}}, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return noon }})
			w.read(t.Context())
			if want == 0 {
				if won, err := book.KeepAlert(t.Context(), owed); !won || err != nil {
					t.Fatal(won, err)
				}
			}
			w.deliver(t.Context())
			if heard.tries != want {
				t.Errorf("%d tries, want %d", heard.tries, want)
			}
		})
	}
}
