package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// answer says what came of a request, or does what the failure f demands.
func (s *Reddit) answer(w http.ResponseWriter, c redditCall, refusal *redditError, f Failure, released <-chan struct{}) {
	switch f.Mode {
	case ModeRefuse:
		s.record(c, f, 0, "")
		reset(w)
	case ModeHang:
		s.record(c, f, 0, "")
		hang(w, c.r, released)
	case ModeHTML:
		s.record(c, f, http.StatusBadGateway, "")
		htmlError(w)
	case ModeServerError, ModeRetryAfter, ModeRetryAfterDate, ModeRetryAfterJunk, ModeTooMany,
		ModeThrottleApp, ModeThrottleUser, ModeThrottleCase, ModeUnauthorized, ModeMisconfigured, ModePoison, ModeErrorInOK:
		s.refuse(w, c, f, redditFailure(w.Header(), c, f))
	case ModeResetAfter, ModeTruncated, ModeHuge, ModeGzipBomb, ModeWrongCount:
		if refusal != nil { // nothing to keep: an honest answer
			s.refuse(w, c, f, refusal)
			return
		}
		s.spoil(w, c, f)
	case ModeSlow, "":
		if refusal != nil {
			s.refuse(w, c, f, refusal)
			return
		}
		s.keepEvents(c.events)
		s.record(c, f, http.StatusOK, "")
		writeRaw(w, http.StatusOK, redditSuccess(len(c.events)))
	}
}

// refuse answers with an error.
func (s *Reddit) refuse(w http.ResponseWriter, c redditCall, f Failure, e *redditError) {
	s.record(c, f, e.status, e.message)
	kind, body := e.body()
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(e.status)
	reply(w, body)
}

// redditFailure is what a failure answers, with its headers set. Reddit throttles
// in one way only, so that all modes of it are that.
func redditFailure(h http.Header, c redditCall, f Failure) *redditError {
	tooMany := &redditError{status: http.StatusTooManyRequests, message: "Too Many Requests"}
	switch f.Mode {
	case ModeRetryAfter:
		h.Set("Retry-After", strconv.Itoa(int(f.wait(5*time.Second)/time.Second)))
		return tooMany
	case ModeRetryAfterDate:
		h.Set("Retry-After", c.at.Add(f.wait(5*time.Second)).UTC().Format(http.TimeFormat))
		return tooMany
	case ModeRetryAfterJunk:
		h.Set("Retry-After", "soon, -1; NaN")
		return tooMany
	case ModeTooMany, ModeThrottleApp, ModeThrottleUser, ModeThrottleCase:
		return tooMany
	case ModeUnauthorized:
		return redditBadToken()
	case ModeMisconfigured:
		return redditNoPixel()
	case ModePoison:
		var invalid []redditInvalid
		for _, e := range c.events {
			if _, found := f.poisons([]Event{e}); found {
				invalid = append(invalid, redditInvalid{"the event is refused", e.Raw})
			}
		}
		if len(invalid) == 0 { // there are only too many
			return &redditError{status: http.StatusBadRequest, message: fmt.Sprintf("more than %d events", f.MaxEvents)}
		}
		slices.Reverse(invalid) // their order says nothing
		return redditInvalidEvents(invalid)
	case ModeErrorInOK:
		return &redditError{status: http.StatusOK, message: "Internal Server Error"}
	case ModeServerError, ModeRefuse, ModeHang, ModeResetAfter, ModeHTML, ModeTruncated, ModeHuge, ModeGzipBomb, ModeWrongCount, ModeSlow:
	}
	status := http.StatusInternalServerError
	if f.Status != 0 {
		status = f.Status
	}
	return &redditError{status: status, message: "Internal Server Error"}
}

// spoil keeps the events and spoils the answer.
func (s *Reddit) spoil(w http.ResponseWriter, c redditCall, f Failure) {
	n := len(c.events)
	kept, status := c.events, http.StatusOK
	if f.Mode == ModeWrongCount {
		kept = c.events[:n-1]
	}
	if f.Mode == ModeResetAfter {
		status = 0
	}
	s.keepEvents(kept)
	s.record(c, f, status, "")
	head, tail := fmt.Sprintf(`{"data":{"message":"Successfully processed %d conversion events.`, n), `"}}`
	switch f.Mode {
	case ModeResetAfter:
		reset(w)
	case ModeTruncated:
		truncated(w, redditSuccess(n))
	case ModeHuge:
		huge(w, head, tail)
	case ModeGzipBomb:
		gzipBomb(w, head, tail)
	case ModeWrongCount:
		writeRaw(w, status, redditSuccess(n-1))
	case ModeRefuse, ModeHang, ModeServerError, ModeHTML, ModeRetryAfter, ModeRetryAfterDate, ModeRetryAfterJunk, ModeTooMany,
		ModeThrottleApp, ModeThrottleUser, ModeThrottleCase, ModeUnauthorized, ModeMisconfigured, ModePoison, ModeErrorInOK, ModeSlow:
		// these keep nothing, and are answered before
	}
}

func redditSuccess(n int) []byte {
	return fmt.Appendf(nil, `{"data":{"message":"Successfully processed %d conversion events."}}`, n)
}

// keepEvents counts events, the first of each dedup key. A custom event may have
// a standard type's name, and is another event.
func (s *Reddit) keepEvents(events []Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range events {
		s.forget(e.ReceivedAt)
		key := dedupKey{e.Dataset, e.TestCode, redditKind(e), e.EventID}
		if _, again := s.seen[key]; again {
			s.duplicates = bounded(s.duplicates, e, s.keep)
			continue
		}
		s.seen[key] = e.ReceivedAt
		s.seenOrder = append(s.seenOrder, key)
		if e.TestCode != "" {
			s.tests = bounded(s.tests, e, s.keep)
		} else {
			s.events = bounded(s.events, e, s.keep)
		}
	}
}

// redditKind is an event's type with its custom name.
func redditKind(e Event) string {
	o, err := decodeObject(e.Raw)
	if err != nil {
		return e.EventName // it was read before
	}
	kind, _ := o["type"].(map[string]any)
	tracking, _ := kind["tracking_type"].(string)
	return tracking + " " + e.EventName
}

// forget drops the dedup keys that are older than repeats may come.
func (s *Reddit) forget(at time.Time) {
	n := 0
	for n < len(s.seenOrder) && at.Sub(s.seen[s.seenOrder[n]]) >= redditDedup {
		delete(s.seen, s.seenOrder[n])
		n++
	}
	s.seenOrder = s.seenOrder[n:]
}

func (s *Reddit) record(c redditCall, f Failure, status int, message string) {
	header := c.r.Header.Clone()
	header.Del("Authorization")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = bounded(s.requests, RedditRequest{
		ReceivedAt: c.at, Method: c.r.Method, Path: c.r.URL.Path, Query: withoutTokens(c.r.URL.RawQuery, c.tokens),
		Header: header, Body: withoutTokens(string(c.body), c.tokens), Events: len(c.events), Failure: f.Mode, Status: status,
		Message: message,
	}, s.keep)
}
