package sandbox

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Mode names one way in which a stand-in misbehaves.
type Mode string

// The modes. Unless it says that the events are kept, a request that meets one
// has no effect.
const (
	ModeRefuse         Mode = "refuse"
	ModeHang           Mode = "hang"
	ModeResetAfter     Mode = "reset_after"
	ModeServerError    Mode = "server_error"
	ModeHTML           Mode = "html"
	ModeRetryAfter     Mode = "retry_after"
	ModeRetryAfterDate Mode = "retry_after_date"
	ModeRetryAfterJunk Mode = "retry_after_junk"
	ModeTooMany        Mode = "too_many"
	ModeThrottleApp    Mode = "throttle_app"
	ModeThrottleUser   Mode = "throttle_user"
	ModeThrottleCase   Mode = "throttle_business"
	ModeUnauthorized   Mode = "unauthorized"
	ModeMisconfigured  Mode = "misconfigured"
	ModePoison         Mode = "poison"
	ModeErrorInOK      Mode = "error_in_ok"
	ModeTruncated      Mode = "truncated"
	ModeHuge           Mode = "huge"
	ModeGzipBomb       Mode = "gzip_bomb"
	ModeWrongCount     Mode = "wrong_count"
	ModeSlow           Mode = "slow"
)

// Modes returns all modes.
func Modes() []Mode {
	return []Mode{
		ModeRefuse, ModeHang, ModeResetAfter, ModeServerError, ModeHTML,
		ModeRetryAfter, ModeRetryAfterDate, ModeRetryAfterJunk, ModeTooMany,
		ModeThrottleApp, ModeThrottleUser, ModeThrottleCase,
		ModeUnauthorized, ModeMisconfigured, ModePoison, ModeErrorInOK,
		ModeTruncated, ModeHuge, ModeGzipBomb, ModeWrongCount, ModeSlow,
	}
}

// refuses reports whether a request that meets the mode has no effect.
func (m Mode) refuses() bool {
	switch m {
	case "", ModeSlow, ModeResetAfter, ModeTruncated, ModeHuge, ModeGzipBomb:
		return false
	case ModeRefuse, ModeHang, ModeServerError, ModeHTML, ModeRetryAfter, ModeRetryAfterDate, ModeRetryAfterJunk, ModeTooMany,
		ModeThrottleApp, ModeThrottleUser, ModeThrottleCase, ModeUnauthorized, ModeMisconfigured, ModePoison, ModeErrorInOK, ModeWrongCount:
	}
	return true
}

// describe explains a mode in one line; an unknown mode has no explanation.
func (m Mode) describe() string {
	switch m {
	case ModeRefuse:
		return "the connection is reset without an answer"
	case ModeHang:
		return "accepted, never answered"
	case ModeResetAfter:
		return "the events are kept, then the connection is reset"
	case ModeServerError:
		return `a 5xx with a transient code, "status" (500)`
	case ModeHTML:
		return "a proxy's 502 page"
	case ModeRetryAfter:
		return `429, Retry-After in seconds, "wait_seconds" (5)`
	case ModeRetryAfterDate:
		return `429, Retry-After as a date, "wait_seconds" (5) from now`
	case ModeRetryAfterJunk:
		return "429, a Retry-After that cannot be read"
	case ModeTooMany:
		return "429, no Retry-After"
	case ModeThrottleApp:
		return "code 4, with its usage header"
	case ModeThrottleUser:
		return "code 17, with its usage header"
	case ModeThrottleCase:
		return `code 80004, whose usage header says to wait "wait_seconds" (60), in minutes`
	case ModeUnauthorized:
		return "401, code 190, whatever the token"
	case ModeMisconfigured:
		return "400, code 100/33: no such dataset"
	case ModePoison:
		return `a request with an event of "event_ids" or "order_ids", or with more than "max_events", is refused whole`
	case ModeErrorInOK:
		return "200 with an error inside"
	case ModeTruncated:
		return "the events are kept, the answer breaks off"
	case ModeHuge:
		return "the events are kept, the answer has 32 MiB"
	case ModeGzipBomb:
		return "the events are kept, the answer unpacks to 32 MiB"
	case ModeWrongCount:
		return "the last event is lost, and the count says so"
	case ModeSlow:
		return `the answer takes one of "latency_ms", kept even if the client leaves; then the next failure holds`
	}
	return ""
}

// Failure is one misbehavior, set until it is used up.
type Failure struct {
	Mode Mode `json:"mode"`
	// Requests is how many requests it affects; 0: until cleared.
	Requests int `json:"requests,omitempty"`
	// Status is ModeServerError's, 500 to 599; 0 is 500.
	Status int `json:"status,omitempty"`
	// WaitSeconds is how long a throttled client is told to wait; 0 is 5 s, or
	// a minute where the platform speaks in minutes.
	WaitSeconds int `json:"wait_seconds,omitempty"`
	// EventIDs and OrderIDs mark the events that ModePoison refuses.
	EventIDs []string `json:"event_ids,omitempty"`
	OrderIDs []string `json:"order_ids,omitempty"`
	// MaxEvents is how many events a request may have that ModePoison lets pass;
	// 0: any number. A limit that shrinks is several such failures.
	MaxEvents int `json:"max_events,omitempty"`
	// LatencyMS are ModeSlow's latencies in milliseconds; each request draws
	// one of them, so one that is listed twice is twice as likely.
	LatencyMS []int `json:"latency_ms,omitempty"`
}

func (f Failure) check() error {
	switch {
	case f.Mode.describe() == "":
		return fmt.Errorf("unknown failure mode %q", string(f.Mode))
	case f.Requests < 0 || f.WaitSeconds < 0 || f.MaxEvents < 0:
		return errors.New("requests, wait_seconds and max_events can't be negative")
	case f.Status != 0 && (f.Status < 500 || f.Status > 599):
		return fmt.Errorf("status %d: not one of 500 to 599", f.Status)
	case f.Mode == ModePoison && len(f.EventIDs)+len(f.OrderIDs)+f.MaxEvents == 0:
		return errors.New("poison needs event_ids, order_ids or max_events")
	case f.Mode == ModeSlow && len(f.LatencyMS) == 0:
		return errors.New("slow needs latency_ms")
	case slices.ContainsFunc(f.LatencyMS, func(ms int) bool { return ms < 0 }):
		return errors.New("latency_ms can't be negative")
	}
	return nil
}

func (f Failure) wait(unset time.Duration) time.Duration {
	if f.WaitSeconds == 0 {
		return unset
	}
	return time.Duration(f.WaitSeconds) * time.Second
}

// poisons reports whether the failure refuses a request of these events, and
// which of them is the first bad one: -1 when there are only too many.
func (f Failure) poisons(events []Event) (int, bool) {
	i := slices.IndexFunc(events, func(e Event) bool {
		return slices.Contains(f.EventIDs, e.EventID) && e.EventID != "" ||
			slices.Contains(f.OrderIDs, e.OrderID) && e.OrderID != ""
	})
	return i, i >= 0 || f.MaxEvents > 0 && len(events) > f.MaxEvents
}

// failures is a queue of misbehaviors that one stand-in goes through.
type failures struct {
	mu      sync.Mutex
	queue   []Failure
	rand    *rand.Rand
	cleared chan struct{} // closed by clear: ends what hangs
}

func newFailures() *failures {
	return &failures{rand: rand.New(rand.NewPCG(1, 1)), cleared: make(chan struct{})}
}

func (f *failures) add(v Failure) error {
	if err := v.check(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.queue = append(f.queue, v)
	return nil
}

func (f *failures) list() []Failure {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Failure{}, f.queue...)
}

func (f *failures) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.queue = nil
	close(f.cleared)
	f.cleared = make(chan struct{})
}

// next takes what one request meets: a latency, then the first failure that
// concerns it, with the zero Failure for none. released is closed when failures
// are cleared.
func (f *failures) next(events []Event) (v Failure, latency time.Duration, released <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	released = f.cleared
	for i := 0; i < len(f.queue); i++ {
		head := f.queue[i]
		if head.Mode == ModePoison {
			if _, found := head.poisons(events); !found {
				continue
			}
		}
		if head.Requests > 0 {
			if f.queue[i].Requests--; f.queue[i].Requests == 0 {
				f.queue = slices.Delete(f.queue, i, i+1)
				i--
			}
		}
		if head.Mode != ModeSlow {
			return head, latency, released
		}
		ms := head.LatencyMS[f.rand.IntN(len(head.LatencyMS))]
		latency += time.Duration(ms) * time.Millisecond
	}
	return Failure{}, latency, released
}
