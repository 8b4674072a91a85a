package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"subfive/costs"
	"subfive/forwarders"
	"subfive/store"
)

const (
	// ratesEvery is how often rates are fetched, and ratesAgain how soon after a
	// failure.
	ratesEvery = 24 * time.Hour
	ratesAgain = time.Hour
	// ratesWithin bounds one fetch, ratesBytes its size: the whole history of the
	// European Central Bank has three megabytes.
	ratesWithin = 2 * time.Minute
	ratesBytes  = 16 << 20
)

// keepRates fetches rates of exchange once a day until ctx ends, if the file
// names a source. Nodes of one database all do it, which harms nothing.
func (t *tracker) keepRates(ctx context.Context, st *store.Store) {
	address := t.file.Server.Rates.URL
	if address == "" {
		return
	}
	f := rateFetcher{st: st, reporting: t.file.Server.Reporting.Currency, now: t.app.now, client: ratesClient(address)}
	defer f.client.CloseIdleConnections()
	next := time.NewTimer(jitter(time.Minute))
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		kept, err := f.fetch(ctx, address)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			t.log.ErrorContext(ctx, "fetch rates of exchange; it is tried again in an hour", "err", err)
			next.Reset(ratesAgain/2 + jitter(ratesAgain))
		default:
			t.log.InfoContext(ctx, "fetched rates of exchange", "rates", kept)
			next.Reset(ratesEvery - jitter(ratesEvery/24))
		}
	}
}

// ratesClient is guarded: an address, or one that it redirects to, can't reach
// what only this machine should.
func ratesClient(address string) *http.Client {
	return &http.Client{
		Transport: forwarders.NewTransport(meantPrivate(address)), Timeout: ratesWithin,
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > 3 || via[0].URL.Scheme == "https" && r.URL.Scheme != "https" {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
}

// rateFetcher fetches a table of rates and keeps it.
type rateFetcher struct {
	st        *store.Store
	reporting string
	now       func() time.Time
	client    *http.Client
}

// fetch returns how many rates were kept. Its errors name no more of the address
// than its host: a path may hold a key.
func (f rateFetcher) fetch(ctx context.Context, address string) (kept int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, errors.New("rates.url can't be called")
	}
	res, err := f.client.Do(r)
	var failed *url.Error
	if errors.As(err, &failed) {
		err = failed.Err
	}
	if err != nil {
		return 0, fmt.Errorf("call %s: %w", r.URL.Host, err)
	}
	defer func() { _ = res.Body.Close() }() // it was only read
	if res.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s answered %d", r.URL.Host, res.StatusCode)
	}
	k := &rateKeeper{st: f.st, reader: costs.RateReader{Reporting: f.reporting, Now: f.now()}}
	_, err = k.read(ctx, io.LimitReader(res.Body, ratesBytes))
	switch {
	case err != nil:
		return k.kept, fmt.Errorf("read the answer of %s: %w", r.URL.Host, err)
	case k.rejected > 0:
		return k.kept, fmt.Errorf("%s: %s can't be read, the first: %s", r.URL.Host, count(k.rejected, "row", "rows"), k.reasons[0])
	case k.kept == 0:
		return 0, fmt.Errorf("%s has no rate to %s", r.URL.Host, f.reporting)
	}
	return k.kept, nil
}
