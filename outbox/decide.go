package outbox

import (
	"cmp"
	"fmt"
	"time"

	"subfive"
)

// The reason codes of a delivery besides the classes' own names.
const (
	reasonPoison      = "poison"      // its sends kept ending the program
	reasonTooOld      = "too_old"     // not delivered before its deadline
	reasonAmbiguous   = "ambiguous"   // a send's answer was lost, and the platform may have forgotten the ID
	reasonUnconfirmed = "unconfirmed" // submitted, and the platform never told
	reasonHalved      = "halved"      // refused with others, unnamed: sent again in smaller requests
	reasonInnocent    = "innocent"    // refused because of another one, which was named
)

const (
	backoffBase = 5 * time.Second
	backoffCap  = time.Hour
	// Google, the one platform that tells later, asks for half an hour before
	// the first question, and for patience after it.
	askFirst = 30 * time.Minute
	askLast  = 6 * time.Hour
)

// rules decide what an outcome means for a delivery. They are pure but for
// random, which returns numbers in [0, 1).
type rules struct {
	dedupWindow time.Duration
	now         time.Time
	random      func() float64
}

// request is what the outcomes of one request say together.
type request struct {
	ask     bool
	startAt time.Time
	sent    bool // an answer came, or may have been lost on its way
	refused int  // rows that were rejected and not named
	named   bool // some row was named
	// progress: a row ended or left the request, so that sending the others
	// again is not the same request again.
	progress bool
}

func readRequest(b batch, x Exchange, startAt time.Time) request {
	q := request{ask: b.ask, startAt: startAt}
	q.sent = x.Attempt != nil && (x.Attempt.Outcome.HTTP != 0 || x.Attempt.Outcome.Ambiguous)
	for _, o := range x.Outcomes {
		switch o.Class {
		case subfive.Rejected:
			q.progress = true
			if o.Named {
				q.named = true
			} else {
				q.refused++
			}
		case subfive.Accepted, subfive.Submitted:
			q.progress = true
		case subfive.Deferred, subfive.Transient, subfive.Throttled, subfive.Unauthorized, subfive.Misconfigured:
		}
	}
	return q
}

// settle decides for each delivery of a request that ended. The exchange has
// one outcome a claim.
func (r rules) settle(b batch, x Exchange, startAt time.Time) []subfive.Settled {
	q := readRequest(b, x, startAt)
	all := make([]subfive.Settled, len(b.claims))
	for i, c := range b.claims {
		all[i] = r.decide(c, x.Outcomes[i], q)
	}
	return all
}

// decide says what one outcome means for one delivery.
func (r rules) decide(c subfive.Claim, o subfive.Outcome, q request) subfive.Settled {
	d := c.Delivery
	s := keep(c)
	s.ReasonCode, s.Reason = string(o.Class), explain(o)
	s.LastHTTP, s.LastCode = o.HTTP, codeOf(o)
	s.Tried = !q.ask && left(o, q)
	s.NextAttemptAt = r.now

	switch o.Class {
	case subfive.Accepted:
		return r.delivered(s, d, q)
	case subfive.Submitted:
		return r.submitted(s, d, o, q)
	case subfive.Deferred:
		return r.deferred(s, d, o, q)
	case subfive.Transient:
		return r.transient(s, d, o, q)
	case subfive.Throttled, subfive.Unauthorized, subfive.Misconfigured:
		return s // it waits for the end of the pause
	case subfive.Rejected:
		return r.rejected(s, c, o, q)
	}
	// A class that does not exist can't be told from a lost answer.
	o.Class, o.Ambiguous = subfive.Transient, true
	s.ReasonCode = string(o.Class)
	return r.transient(s, d, o, q)
}

func (r rules) delivered(s subfive.Settled, d subfive.Delivery, q request) subfive.Settled {
	s.Status = subfive.DeliveryDelivered
	if d.Mode == subfive.ModeTest {
		s.Status = subfive.DeliveryTested
	}
	s.Reason = "the platform took it"
	s.NextAttemptAt = time.Time{}
	s.DeliveredAt = r.now
	if q.ask {
		s.ConfirmedAt = r.now
	}
	return s
}

func (r rules) submitted(s subfive.Settled, d subfive.Delivery, o subfive.Outcome, q request) subfive.Settled {
	s.Status = subfive.DeliverySubmitted
	s.Ref = cmp.Or(o.Ref, d.Ref)
	s.Reason = "the platform has it and tells later"
	wait := askFirst
	if q.ask && !d.FirstAttemptAt.IsZero() {
		wait = min(max(askFirst, r.now.Sub(d.FirstAttemptAt)/2), askLast)
	}
	return r.askAgain(s, d, cmp.Or(o.RetryAfter, wait), q)
}

// askAgain leaves it submitted for wait, or ends it when the platform was still
// silent at the deadline.
func (r rules) askAgain(s subfive.Settled, d subfive.Delivery, wait time.Duration, q request) subfive.Settled {
	if q.ask && past(d.DeadlineAt, r.now) {
		return dead(s, reasonUnconfirmed, "the platform took it and never told what became of it")
	}
	s.NextAttemptAt = r.now.Add(max(wait, 0))
	return s
}

func (r rules) deferred(s subfive.Settled, d subfive.Delivery, o subfive.Outcome, q request) subfive.Settled {
	s.Status = subfive.DeliveryScheduled
	s.Ref = ""
	wait := o.RetryAfter
	if wait <= 0 && !q.progress {
		wait = backoffBase // nothing changed: at once would be for ever
	}
	return r.again(s, d, r.now.Add(max(wait, 0)))
}

func (r rules) transient(s subfive.Settled, d subfive.Delivery, o subfive.Outcome, q request) subfive.Settled {
	s.Counts = true
	wait := max(backoff(d.Attempts, r.random()), o.RetryAfter)
	if q.ask && (o.HTTP < 200 || o.HTTP > 299) {
		return r.askAgain(s, d, wait, q) // we could not ask
	}
	s.Status = subfive.DeliveryScheduled
	s.Ref = ""
	if o.Ambiguous && !q.ask && d.AmbiguousAt.IsZero() {
		d.AmbiguousAt, s.AmbiguousAt = q.startAt, q.startAt
	}
	at := r.now.Add(wait)
	floor := r.now.Add(max(o.RetryAfter, 0))
	if end, _ := r.end(d); past(end, at) && !end.Before(floor) && end.After(r.now) {
		at = end // so that it does not stay for long after the last chance
	}
	return r.again(s, d, at)
}

func (r rules) rejected(s subfive.Settled, c subfive.Claim, o subfive.Outcome, q request) subfive.Settled {
	switch {
	case o.Named:
		if o.Code == CodeUnsendable {
			return dead(s, CodeUnsendable, s.Reason)
		}
		return dead(s, string(subfive.Rejected), s.Reason)
	case q.named:
		s.Status, s.Ref = subfive.DeliveryScheduled, ""
		s.ReasonCode = reasonInnocent
		return s
	case q.refused > 1, q.ask && c.BatchLimit != 1:
		// Those asked about together need not be all that were sent together,
		// so that only what was sent alone is known to be the bad one.
		return r.halved(s, c.Delivery, q)
	}
	return dead(s, string(subfive.Rejected), s.Reason)
}

// halved sends it again with half as many others. They were first in line when
// they were claimed, and are again: a batch that is being halved stays
// together, and no row waits behind a backlog for another one's fault.
func (r rules) halved(s subfive.Settled, d subfive.Delivery, q request) subfive.Settled {
	s.Status, s.Ref = subfive.DeliveryScheduled, ""
	s.ReasonCode = reasonHalved
	s.BatchLimit = (q.refused + 1) / 2
	if !d.CreatedAt.IsZero() && d.CreatedAt.Before(r.now) {
		s.NextAttemptAt = d.CreatedAt
	}
	return s
}

// again schedules it at at, or gives it up when that is too late.
func (r rules) again(s subfive.Settled, d subfive.Delivery, at time.Time) subfive.Settled {
	if end, code := r.end(d); past(end, at) {
		return r.giveUp(s, code, end, s.Reason)
	}
	s.NextAttemptAt = at
	return s
}

// end is the moment after which d is not sent, and the reason code; zero when
// there is none.
func (r rules) end(d subfive.Delivery) (at time.Time, code string) {
	at, code = d.DeadlineAt, reasonTooOld
	if d.AmbiguousAt.IsZero() || r.dedupWindow <= 0 {
		return at, code
	}
	if forgets := d.AmbiguousAt.Add(r.dedupWindow); at.IsZero() || forgets.Before(at) {
		return forgets, reasonAmbiguous
	}
	return at, code
}

func (r rules) giveUp(s subfive.Settled, code string, end time.Time, last string) subfive.Settled {
	why := "not delivered before its deadline, " + end.UTC().Format(time.RFC3339)
	if code == reasonAmbiguous {
		why = "ambiguous past the dedup window: the platform may have it, and sent again it would count twice"
	}
	if last != "" {
		why += "; the last answer: " + last
	}
	return dead(s, code, why)
}

func dead(s subfive.Settled, code, reason string) subfive.Settled {
	s.Status, s.ReasonCode, s.Reason = subfive.DeliveryDead, code, reason
	s.NextAttemptAt = time.Time{}
	return s
}

// keep leaves a claim as it was.
func keep(c subfive.Claim) subfive.Settled {
	d := c.Delivery
	return subfive.Settled{
		DeliveryID: d.ID, LeaseID: c.LeaseID, Status: d.Status, ReasonCode: d.ReasonCode, Reason: d.Reason,
		BatchLimit: c.BatchLimit, DeliveredAt: d.DeliveredAt, ConfirmedAt: d.ConfirmedAt,
		LastHTTP: d.LastHTTP, LastCode: d.LastCode, Ref: d.Ref,
	}
}

// release gives a claim back as it was, due at once.
func release(c subfive.Claim, now time.Time) subfive.Settled {
	s := keep(c)
	s.NextAttemptAt = now
	return s
}

// left reports whether a delivery's bytes may have left in a request.
func left(o subfive.Outcome, q request) bool {
	if o.Code == CodeBatchFull || o.Code == CodeUnsendable {
		return false
	}
	return q.sent || o.HTTP != 0 || o.Ambiguous || o.Class == subfive.Accepted || o.Class == subfive.Submitted
}

// backoff is the wait after a delivery's attempt number k, from 0: full jitter
// over 5 s · 2^k, at most an hour. random is in [0, 1).
func backoff(k int, random float64) time.Duration {
	limit := backoffCap
	if k = max(k, 0); k < 10 { // 5 s · 2^10 is past the cap
		limit = min(backoffBase<<k, backoffCap)
	}
	return time.Duration(random * float64(limit))
}

// past reports whether at lies after end; a zero end never comes.
func past(end, at time.Time) bool { return !end.IsZero() && at.After(end) }

// codeOf is the platform's code, or the HTTP status when it gave none.
func codeOf(o subfive.Outcome) string {
	if o.Code == "" && o.HTTP != 0 {
		return fmt.Sprintf("http_%d", o.HTTP)
	}
	return o.Code
}

// explain says in one line what the platform said.
func explain(o subfive.Outcome) string {
	code := codeOf(o)
	if o.Subcode != "" {
		code += "/" + o.Subcode
	}
	switch {
	case o.Message == "":
		return cmp.Or(code, string(o.Class))
	case code == "":
		return o.Message
	}
	return code + ": " + o.Message
}
