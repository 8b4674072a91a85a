package main

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/attribution"
	"subfive/consent"
	"subfive/outbox"
	"subfive/store"
)

// ledger is a platform that keeps what it is told, and that may be down.
type ledger struct {
	mu   sync.Mutex
	down bool
	told []string
}

func (l *ledger) Send(_ context.Context, _ string, ds []subfive.Delivery) outbox.Exchange {
	l.mu.Lock()
	defer l.mu.Unlock()
	x := outbox.Exchange{Outcomes: make([]subfive.Outcome, len(ds))}
	for i, d := range ds {
		x.Outcomes[i] = subfive.Outcome{Class: subfive.Accepted, HTTP: 200}
		if l.down {
			x.Outcomes[i] = subfive.Outcome{Class: subfive.Transient, HTTP: 503, Code: "busy"}
			continue
		}
		l.told = append(l.told, string(d.Kind)+" "+d.Value.Amount.String())
	}
	return x
}

func (l *ledger) Ask(context.Context, string, []subfive.Delivery) outbox.Exchange {
	return outbox.Exchange{}
}

func (l *ledger) set(down bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = down
}

// What a network rejects is taken back at the platform that has it, whatever of
// its lineage could not be sent before: from the postback through the database
// and the outbox.
func TestRejectedSaleIsTakenBack(t *testing.T) {
	pause := func(manual bool) func(*testing.T, *store.Store, *ledger) {
		return func(t *testing.T, st *store.Store, _ *ledger) {
			t.Helper()
			p, err := st.Pause(t.Context(), "hook")
			if err != nil {
				t.Fatal(err)
			}
			p.Manual, p.Until, p.Reason = manual, time.Time{}, "by ann"
			if manual {
				p.Until = time.Now().Add(time.Hour)
			}
			if won, err := st.SetPause(t.Context(), p); err != nil || !won {
				t.Fatal(won, err)
			}
		}
	}
	down := func(is bool) func(*testing.T, *store.Store, *ledger) {
		return func(_ *testing.T, _ *store.Store, l *ledger) { l.set(is) }
	}
	nothing := func(*testing.T, *store.Store, *ledger) {}
	tests := map[string]struct {
		before, after, end func(*testing.T, *store.Store, *ledger) // the sale; it, and its change; all
		want               []string
	}{
		"the platform works":                    {nothing, nothing, nothing, []string{"conversion 42.00", "restatement 40.00", "retraction 40.00"}},
		"paused after the sale":                 {nothing, pause(true), pause(false), []string{"conversion 42.00", "retraction 40.00"}},
		"paused before the sale":                {pause(true), nothing, pause(false), nil},
		"down from the sale on: it was tried":   {down(true), nothing, down(false), []string{"conversion 42.00", "retraction 40.00"}},
		"down after the sale: a change retried": {nothing, down(true), down(false), []string{"conversion 42.00", "restatement 40.00", "retraction 40.00"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"))
				if err != nil {
					t.Fatal(err)
				}
				platform := &ledger{}
				pool := outbox.NewPool(st, platform, slog.New(slog.DiscardHandler), time.Now)
				pool.Set([]outbox.Destination{{ID: "hook", MaxBatch: 10}})
				judge := attribution.New(st, rejectionRules(), time.Now, slog.New(slog.DiscardHandler))
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error)
				go func() { ended <- pool.Run(ctx) }()
				say := func(id, payout string, status subfive.Status) {
					t.Helper()
					amount, err := subfive.ParseMicros(payout)
					if err != nil {
						t.Fatal(err)
					}
					_, err = judge.Take(t.Context(), []subfive.Record{{ID: id, Kind: subfive.RecordPostback, Postback: &subfive.Postback{
						ID: id, ReceivedAt: time.Now(), NetworkID: "everflow", EndpointID: "default", Via: subfive.ViaS2S, Reading: subfive.ReadingOK,
						ClickIDRaw: "c1", ClickID: "c1", TransactionID: "t1", NetworkConversionID: "x", Payout: &amount, Status: status,
					}}})
					if err != nil {
						t.Fatal(err)
					}
					pool.Wake("hook")
					time.Sleep(5 * time.Minute) // virtual: whatever can be sent is sent
				}
				if _, err := judge.Take(t.Context(), []subfive.Record{{ID: "c1", Kind: subfive.RecordClick, Click: &subfive.Click{
					ID: "c1", ClickedAt: time.Now(), CampaignID: "spring",
				}}}); err != nil {
					t.Fatal(err)
				}
				tt.before(t, st, platform)
				say("pb_1", "42", subfive.StatusPending)
				tt.after(t, st, platform)
				say("pb_2", "40", subfive.StatusPending)
				say("pb_3", "0", subfive.StatusRejected)
				tt.end(t, st, platform)
				pool.Wake("hook")
				time.Sleep(time.Hour)
				cancel()
				if err := <-ended; err != nil {
					t.Error(err)
				}
				if diff := cmp.Diff(tt.want, platform.told); diff != "" {
					t.Errorf("the platform was told (-want +got):\n%s", diff)
				}
				if open, err := number(t.Context(), st, "SELECT count(*) FROM v_deliveries WHERE status = 'scheduled'"); err != nil || open != 0 {
					t.Errorf("%d are still scheduled, %v", open, err)
				}
				if err := st.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// rejectionRules is a campaign with one destination that can be told all.
func rejectionRules() attribution.Rules {
	return attribution.Rules{
		LateClicks: 72 * time.Hour, ReadConsent: consent.Read, Country: func(subfive.Sealed) string { return "" },
		Platforms: map[string]attribution.Platform{
			"relay": {Kinds: []subfive.Kind{subfive.KindConversion, subfive.KindApproval, subfive.KindRetraction, subfive.KindRestatement}},
		},
		Setup: subfive.Setup{
			Networks:  []subfive.Network{{ID: "everflow"}},
			Endpoints: []subfive.Endpoint{{ID: "default", Network: "everflow"}},
			Campaigns: []subfive.Campaign{{ID: "spring", Destinations: []string{"hook"}}},
			Destinations: []subfive.Destination{{
				ID: "hook", Platform: "relay", Mode: subfive.ModeLive, SendOn: []subfive.Status{subfive.StatusPending, subfive.StatusApproved},
				Goals: map[string]string{"base": "sale"}, Value: subfive.ValueRule{From: subfive.ValuePayout}, Unmatched: "never",
				OnReversal: subfive.ReversalRetract, OnPayoutChange: subfive.PayoutRestate,
			}},
		},
	}
}
