package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/config"
	"subfive/store"
)

func TestRetentionOf(t *testing.T) {
	const day = 24 * time.Hour
	ago := func(d time.Duration) time.Time { return noon().Add(-d) }
	keep := func(clicks, personal, raw, attempts time.Duration) config.Retention {
		return config.Retention{
			Clicks: subfive.Duration(clicks), Personal: subfive.Duration(personal), Raw: subfive.Duration(raw), Attempts: subfive.Duration(attempts),
		}
	}
	for name, tt := range map[string]struct {
		keep config.Retention
		late time.Duration
		want store.Retention
	}{
		"as delivered": {keep(400*day, 90*day, 120*day, 60*day), 72 * time.Hour, store.Retention{
			Clicks: ago(400 * day), Personal: ago(90 * day), Raw: ago(120 * day), Attempts: ago(60 * day), Live: ago(90 * day),
		}},
		"for ever": {keep(0, 0, 0, 0), 72 * time.Hour, store.Retention{Live: ago(90 * day)}},
		"shorter than a conversion waits for its click": {keep(day, day, day, day), 72 * time.Hour, store.Retention{
			Clicks: ago(3 * day), Personal: ago(3 * day), Raw: ago(day), Attempts: ago(day), Live: ago(90 * day),
		}},
		"a conversion waits long": {keep(0, 0, 0, 0), 100 * day, store.Retention{Live: ago(100 * day)}},
	} {
		s := config.Server{Retention: tt.keep, LateClicks: subfive.Duration(tt.late)}
		if diff := cmp.Diff(tt.want, retentionOf(s, noon())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// batches is an expirer with that many batches to take, and then an error or
// nothing.
type batches struct {
	left  int
	fails error
}

func (b *batches) Expire(context.Context, store.Retention) (store.Expired, error) {
	if b.left == 0 {
		return store.Expired{}, b.fails
	}
	b.left--
	return store.Expired{Clicks: 2, Raw: 1}, nil
}

func TestExpireAllGivesOthersRoom(t *testing.T) {
	broken := errors.New("down")
	for name, tt := range map[string]struct {
		b     batches
		limit time.Duration
		want  store.Expired
		err   error
	}{
		"until nothing is left": {batches{left: 3}, time.Hour, store.Expired{Clicks: 6, Raw: 3}, nil},
		"until it fails":        {batches{left: 1, fails: broken}, time.Hour, store.Expired{Clicks: 2, Raw: 1}, broken},
		"until it is stopped":   {batches{left: 1000}, 10*time.Second + time.Millisecond, store.Expired{Clicks: 22, Raw: 11}, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), tt.limit)
				defer cancel()
				got, err := expireAll(ctx, &tt.b, store.Retention{}, time.Second)
				if got != tt.want || !errors.Is(err, tt.err) {
					t.Errorf("%+v, %v; want %+v, %v", got, err, tt.want, tt.err)
				}
			})
		})
	}
}
