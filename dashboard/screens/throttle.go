package screens

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// throttle bounds how often a password may be tried: for one name, and from one
// address, whatever the name.
type throttle struct {
	mu   sync.Mutex
	kept map[string]*rate.Limiter // by "name ann" or "from 203.0.113.7"
}

// The bounds: so many at once, and one more each so often.
const (
	triesOfName, triesOfNameEach       = 8, 15 * time.Second
	triesOfAddress, triesOfAddressEach = 30, 4 * time.Second
	// maxThrottled is how many names and addresses are kept in mind.
	maxThrottled = 10_000
)

func newThrottle() *throttle { return &throttle{kept: map[string]*rate.Limiter{}} }

// try notes a try, and returns how long to wait instead; 0: go on.
func (t *throttle) try(name, address string, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return max(
		t.wait("from "+address, triesOfAddress, triesOfAddressEach, now),
		t.wait("name "+name, triesOfName, triesOfNameEach, now),
	)
}

func (t *throttle) wait(key string, burst int, each time.Duration, now time.Time) time.Duration {
	l, ok := t.kept[key]
	if !ok {
		if len(t.kept) >= maxThrottled {
			t.forget(now)
		}
		l = rate.NewLimiter(rate.Every(each), burst)
		t.kept[key] = l
	}
	r := l.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now) // a try that was not made counts not
	}
	return wait
}

// passed forgets the tries of a name: it was its owner.
func (t *throttle) passed(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.kept, "name "+name)
}

// forget makes room for a tenth, so that it is seldom done: first whoever has
// all tries again goes, then anybody.
func (t *throttle) forget(now time.Time) {
	for key, l := range t.kept {
		if l.TokensAt(now) >= float64(l.Burst()) {
			delete(t.kept, key)
		}
	}
	for key := range t.kept {
		if len(t.kept) <= maxThrottled*9/10 {
			return
		}
		delete(t.kept, key)
	}
}
