package receiver

import (
	"net/netip"
	"sync"
	"time"
)

// The cap on postbacks that look like nobody's: without a click ID of our form,
// a platform's click ID or a right key. Those that have one are never counted,
// so a network that fires thousands a second is not slowed down by its own
// success.
const (
	abusePerSecond = 200
	abuseBurst     = 2000
	abuseClients   = 10_000 // addresses remembered
)

// abuse is a token bucket a client address, bounded in memory: when all places
// are taken, addresses not yet known share one bucket.
type abuse struct {
	mu      sync.Mutex
	clients map[netip.Prefix]*bucket
	others  bucket
	sweptAt time.Time
}

type bucket struct {
	tokens float64
	at     time.Time
}

func newAbuse() *abuse {
	return &abuse{clients: map[netip.Prefix]*bucket{}, others: bucket{tokens: abuseBurst}}
}

// over counts one implausible postback of a client and reports whether it is
// beyond the cap.
func (a *abuse) over(client netip.Addr, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !a.bucket(client, now).take(now)
}

func (a *abuse) bucket(client netip.Addr, now time.Time) *bucket {
	key := clientNetwork(client)
	if b := a.clients[key]; b != nil {
		return b
	}
	if len(a.clients) >= abuseClients && now.Sub(a.sweptAt) >= time.Second {
		a.sweptAt = now
		for k, b := range a.clients {
			if b.refill(now); b.tokens >= abuseBurst {
				delete(a.clients, k)
			}
		}
	}
	if len(a.clients) >= abuseClients {
		return &a.others
	}
	b := &bucket{tokens: abuseBurst, at: now}
	a.clients[key] = b
	return b
}

func (b *bucket) refill(now time.Time) {
	if passed := now.Sub(b.at); passed > 0 {
		b.tokens = min(abuseBurst, b.tokens+passed.Seconds()*abusePerSecond)
		b.at = now
	}
}

func (b *bucket) take(now time.Time) bool {
	b.refill(now)
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// clientNetwork is the address, or an IPv6 client's /64: it owns all of it.
func clientNetwork(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // an unknown address: they share a bucket
	}
	return p
}
