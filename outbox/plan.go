package outbox

import (
	"fmt"
	"time"

	"subfive"
)

// ended is a request that ended.
type ended struct {
	batch
	exchange Exchange
	startAt  time.Time
}

// state is what the requests of a destination say together.
type state struct {
	pause subfive.Pause
	guard guard
}

// plan decides what to write down for requests that ended together: the
// destination's pause and what became of the deliveries. It is pure, so that it
// can be made again when another node changed the pause first.
func (r rules) plan(st state, destinationID string, all []ended) (state, subfive.Finish) {
	f := subfive.Finish{DestinationID: destinationID, At: r.now}
	for _, e := range all {
		var settled []subfive.Settled
		st, settled, f.Revived = r.planOne(st, e, f.Revived)
		f.Settled = append(f.Settled, settled...)
		if e.exchange.Attempt != nil {
			f.Attempts = append(f.Attempts, *e.exchange.Attempt)
		}
	}
	f.Revived = r.revive(f.Settled, f.Revived)
	return st, f
}

func (r rules) planOne(st state, e ended, revived []string) (state, []subfive.Settled, []string) {
	x := complete(e.exchange, len(e.claims))
	settled := r.settle(e.batch, x, e.startAt)
	v := judge(x)

	same, confirmed := samePause(st.pause, e.batch, x), false
	if same {
		v.class = subfive.Misconfigured
	} else {
		st.guard, confirmed = st.guard.after(e.batch, x, settled)
	}
	if confirmed {
		revived = append(revived, st.guard.dead...)
		v = verdict{class: subfive.Misconfigured, code: st.guard.code, reason: fmt.Sprintf(
			"misconfigured: %d events in a row were refused alike: %s", len(st.guard.dead)+1, explain(x.Outcomes[0]))}
		st.guard = guard{}
	}
	if same || confirmed {
		settled[0] = r.blameless(settled[0])
	}
	st.pause = after(st.pause, v, e.probe, r.now)
	return st, settled, revived
}

// samePause reports whether a single event was refused with the code for which
// the destination is paused: it is still the configuration, not the event.
func samePause(p subfive.Pause, b batch, x Exchange) bool {
	if !paused(p) || p.Code == "" || b.ask || len(x.Outcomes) != 1 || x.Attempt == nil {
		return false
	}
	o := x.Outcomes[0]
	return o.Class == subfive.Rejected && o.Code != CodeUnsendable && codeOf(o) == p.Code
}

// blameless lets a refused delivery live: it waits for the end of the pause,
// and is no longer fresh.
func (r rules) blameless(s subfive.Settled) subfive.Settled {
	s.Status, s.ReasonCode = subfive.DeliveryScheduled, string(subfive.Misconfigured)
	s.NextAttemptAt, s.BatchLimit = r.now, 1
	return s
}

// revive lets live again what died in this very Finish, and returns those that
// died in an earlier one.
func (r rules) revive(settled []subfive.Settled, revived []string) (earlier []string) {
	at := map[string]int{}
	for i, s := range settled {
		at[s.DeliveryID] = i
	}
	for _, id := range revived {
		if i, here := at[id]; here {
			settled[i] = r.blameless(settled[i])
		} else {
			earlier = append(earlier, id)
		}
	}
	return earlier
}

// complete makes up for an exchange that has not one outcome a delivery: what
// became of them is unknown.
func complete(x Exchange, n int) Exchange {
	if len(x.Outcomes) == n {
		return x
	}
	o := subfive.Outcome{
		Class: subfive.Transient, Ambiguous: true,
		Message: fmt.Sprintf("the answer was read as %d outcomes for %d deliveries", len(x.Outcomes), n),
	}
	x.Outcomes = make([]subfive.Outcome, n)
	for i := range x.Outcomes {
		x.Outcomes[i] = o
	}
	return x
}
