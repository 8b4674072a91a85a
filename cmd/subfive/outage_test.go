package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"subfive"
	"subfive/config"
	"subfive/forwarders"
	"subfive/identity"
	"subfive/outbox"
	"subfive/sandbox"
	"subfive/store"
)

// pipes is a listener whose connections never leave the process, so that a test
// may run in virtual time.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.done:
	case <-ctx.Done():
	}
	return nil, errors.Join(errors.New("connection refused"), ours.Close(), theirs.Close())
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// Meta is down for an hour of virtual time, then refuses the token, then is back:
// everything is delivered once, with few requests meanwhile, and the pause says
// why while it lasts.
func TestMetaIsDownForAnHourThenRefusesTheToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 300
		st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"))
		if err != nil {
			t.Fatal(err)
		}
		if err := st.RecordBatch(t.Context(), owedToMeta(n)); err != nil {
			t.Fatal(err)
		}
		p := pipes{conns: make(chan net.Conn), done: make(chan struct{})}
		stand := sandbox.New(time.Now, sandbox.MetaConfig{})
		server := &http.Server{Handler: stand.Handler(), ReadHeaderTimeout: time.Minute}
		served := make(chan error)
		go func() { served <- server.Serve(p) }()

		sender := senderTo(t, p)
		pool := outbox.NewPool(st, outboxSender{sender}, slog.New(slog.DiscardHandler), time.Now)
		pool.Set([]outbox.Destination{{ID: "meta-main", MaxBatch: 100, DedupWindow: 48 * time.Hour}})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		fail := func(mode sandbox.Mode) {
			t.Helper()
			stand.Meta.Clear()
			if err := stand.Meta.Fail(sandbox.Failure{Mode: mode}); err != nil {
				t.Fatal(err)
			}
		}
		paused := func(class subfive.Class) {
			t.Helper()
			pause, err := st.Pause(t.Context(), "meta-main")
			if err != nil || pause.Until.IsZero() || pause.Reason == "" {
				t.Errorf("while Meta is %s: pause %+v, %v", class, pause, err)
			}
		}

		fail(sandbox.ModeServerError)
		go func() { ended <- pool.Run(ctx) }()
		time.Sleep(time.Hour)
		paused(subfive.Transient)
		if got := len(stand.Meta.Requests()); got > 60 {
			t.Errorf("%d requests in an hour of trouble", got)
		}
		fail(sandbox.ModeUnauthorized)
		time.Sleep(30 * time.Minute)
		paused(subfive.Unauthorized)
		if got := len(stand.Meta.Events()); got != 0 {
			t.Errorf("Meta took %d events while it refused all", got)
		}
		stand.Meta.Clear()
		time.Sleep(2 * time.Hour)

		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if got, twice := len(stand.Meta.Events()), len(stand.Meta.Duplicates()); got != n || twice != 0 {
			t.Errorf("Meta has %d events, %d twice; want each of %d once", got, twice, n)
		}
		if delivered, err := number(t.Context(), st, "SELECT count(*) FROM v_deliveries WHERE status = 'delivered'"); err != nil || delivered != n {
			t.Errorf("%d are delivered, %v", delivered, err)
		}
		if pause, err := st.Pause(t.Context(), "meta-main"); err != nil || !pause.Until.IsZero() {
			t.Errorf("still paused: %+v, %v", pause, err)
		}
		sender.Close()
		close(p.done)
		if err := <-served; !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		if err := errors.Join(server.Close(), st.Close()); err != nil {
			t.Error(err)
		}
	})
}

// senderTo makes a Sender whose only destination is Meta's stand-in.
func senderTo(t *testing.T, p pipes) *forwarders.Sender {
	t.Helper()
	key := make([]byte, identity.KeySize)
	vault, err := identity.NewVault(key)
	if err != nil {
		t.Fatal(err)
	}
	var attempts atomic.Int64
	sender := forwarders.NewSender(forwarders.SenderConfig{
		Opener: vault, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		NewID: func() string { return fmt.Sprintf("at_%d", attempts.Add(1)) },
		Tune:  func(tr *http.Transport) { tr.DialContext = p.dial },
	})
	d := subfive.Destination{
		ID: "meta-main", Platform: "meta", BaseURL: "http://graph.example",
		Settings: "dataset_id: \"" + sandbox.MetaDataset + "\"\naccess_token: " + sandbox.MetaToken + "\ndefault_event_source_url: https://lp.example.com/\n",
	}
	c, err := configureOne(d, func(string) (string, bool) { return "", false }, http.DefaultClient, config.DecodeSettings)
	if err != nil {
		t.Fatal(err)
	}
	if err := sender.SetDestinations([]forwarders.Configured{c}); err != nil {
		t.Fatal(err)
	}
	return sender
}

// owedToMeta is n matched conversions, each owed to Meta now.
func owedToMeta(n int) subfive.Batch {
	now := time.Now()
	b := subfive.Batch{At: now}
	for i := range n {
		click, conversion := fmt.Sprintf("click%d", i), fmt.Sprintf("cv_%d", i)
		b.Clicks = append(b.Clicks, subfive.Click{
			ID: click, RecordKind: subfive.ClickRedirect, ClickedAt: now, Params: map[string]string{"fbclid": fmt.Sprintf("IwAR%d", i)},
			Request: subfive.Request{ClientAddr: "203.0.113.9", UserAgent: "Mozilla/5.0"},
		})
		b.Conversions = append(b.Conversions, subfive.Conversion{
			ID: conversion, Verdict: subfive.VerdictMatched, ReceivedClickID: click, AttributedClickID: click, ConvertedAt: now, ReceivedAt: now,
		})
		b.Deliveries = append(b.Deliveries, subfive.Delivery{
			ID: fmt.Sprintf("dl_%d", i), ConversionID: conversion, DestinationID: "meta-main", Platform: "meta", Kind: subfive.KindConversion,
			Generation: 1, Mode: subfive.ModeLive, EventName: "Purchase", EventID: conversion, EventTime: now,
			Value: &subfive.Money{Amount: 42_500_000, Currency: "USD"}, Status: subfive.DeliveryScheduled,
			CreatedAt: now, NextAttemptAt: now, DeadlineAt: now.Add(7 * 24 * time.Hour),
		})
	}
	return b
}
