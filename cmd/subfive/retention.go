package main

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"subfive"
	"subfive/config"
	"subfive/store"
)

const (
	// retentionEvery is how often what is too old is looked for.
	retentionEvery = time.Hour
	// retentionPause lets requests pass between two batches.
	retentionPause = 50 * time.Millisecond
	// platformWindow is the longest that a platform takes a conversion, or a
	// change of one, after its click: Google's 90 days.
	platformWindow = 90 * 24 * time.Hour
)

// expirer is what takes away what is too old.
type expirer interface {
	Expire(ctx context.Context, r store.Retention) (store.Expired, error)
}

// retentionOf is what is too old now by the settings. No click goes before it
// is certain that no conversion waits for it.
func retentionOf(s config.Server, now time.Time) store.Retention {
	before := func(keep subfive.Duration, atLeast time.Duration) time.Time {
		if keep == 0 {
			return time.Time{}
		}
		return now.Add(-max(time.Duration(keep), atLeast))
	}
	late := time.Duration(s.LateClicks)
	return store.Retention{
		Clicks:   before(s.Retention.Clicks, late),
		Personal: before(s.Retention.Personal, late),
		Raw:      before(s.Retention.Raw, 0),
		Attempts: before(s.Retention.Attempts, 0),
		Live:     now.Add(-max(platformWindow, late)),
	}
}

// retain takes away what is too old, every hour until ctx ends. Nodes of one
// database do it at moments of their own; that they all do it harms nothing.
func (t *tracker) retain(ctx context.Context, count *prometheus.CounterVec) {
	next := time.NewTimer(jitter(retentionEvery / 12))
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		r := retentionOf(t.file.Server, t.app.now())
		done, err := expireAll(ctx, t.store.Load(), r, retentionPause)
		segments := 0
		if !r.Personal.IsZero() {
			var journalErr error
			if segments, journalErr = t.journal.Expire(ctx, r.Personal); journalErr != nil {
				t.log.ErrorContext(ctx, "delete old journal segments", "err", journalErr)
			}
		}
		countExpired(count, done, segments)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			t.log.ErrorContext(ctx, "take away what is too old; it is tried again in an hour", "err", err)
		case done.Total() > 0 || segments > 0:
			t.log.InfoContext(ctx, "took away what was too old",
				"clicks", done.Clicks, "personal", done.Personal, "raw", done.Raw, "attempts", done.Attempts, "journal_segments", segments)
		}
		next.Reset(retentionEvery/2 + jitter(retentionEvery))
	}
}

// jitter is a part of d at random.
func jitter(d time.Duration) time.Duration { return time.Duration(rand.Int64N(int64(d))) }

// expireAll expires batch by batch until nothing is left to.
func expireAll(ctx context.Context, e expirer, r store.Retention, wait time.Duration) (store.Expired, error) {
	var sum store.Expired
	for {
		done, err := e.Expire(ctx, r)
		sum.Add(done)
		if err != nil || done.Total() == 0 {
			return sum, err
		}
		select {
		case <-ctx.Done():
			return sum, ctx.Err()
		case <-time.After(wait):
		}
	}
}

// newExpired makes the metric of what retention took.
func newExpired(r prometheus.Registerer) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "subfive_expired_total", Help: "What retention took away: clicks and attempts deleted, rows without personal data or raw bytes, journal segments.",
	}, []string{"what"})
	r.MustRegister(c)
	return c
}

func countExpired(c *prometheus.CounterVec, done store.Expired, segments int) {
	for what, n := range map[string]int64{
		"clicks": done.Clicks, "personal": done.Personal, "raw": done.Raw, "attempts": done.Attempts, "journal_segments": int64(segments),
	} {
		c.WithLabelValues(what).Add(float64(n))
	}
}
