package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// googleStatus is what became of a request: nothing yet before Ready.
type googleStatus struct {
	ready  time.Time
	events int
	reason string // why they failed; "" for a success
}

// answer says what came of a request, or does what the failure f demands.
func (s *Google) answer(w http.ResponseWriter, c googleCall, refusal *googleError, f Failure, released <-chan struct{}) {
	switch f.Mode {
	case ModeRefuse:
		s.record(c, f, 0, "", "")
		reset(w)
	case ModeHang:
		s.record(c, f, 0, "", "")
		hang(w, c.r, released)
	case ModeHTML:
		s.record(c, f, http.StatusBadGateway, "", "")
		htmlError(w)
	case ModeServerError, ModeRetryAfter, ModeRetryAfterDate, ModeRetryAfterJunk, ModeTooMany,
		ModeThrottleApp, ModeThrottleUser, ModeThrottleCase, ModeUnauthorized, ModeMisconfigured, ModePoison, ModeErrorInOK:
		s.refuse(w, c, f, googleFailure(w.Header(), c, f))
	case ModeResetAfter, ModeTruncated, ModeHuge, ModeGzipBomb, ModeWrongCount, ModeSlow, "":
		if refusal != nil { // nothing to keep: an honest answer
			s.refuse(w, c, f, refusal)
			return
		}
		if c.asked != "" {
			s.tell(w, c, f)
			return
		}
		s.take(w, c, f)
	}
}

// refuse answers with an error.
func (s *Google) refuse(w http.ResponseWriter, c googleCall, f Failure, e *googleError) {
	s.record(c, f, e.status, e.text(), "")
	writeRaw(w, e.status, e.body())
}

// googleFailure is what a failure answers, with its headers set. Google throttles
// in one way only, so that all modes of it are that.
func googleFailure(h http.Header, c googleCall, f Failure) *googleError {
	tooMany := &googleError{status: http.StatusTooManyRequests, word: "RESOURCE_EXHAUSTED", message: "Quota exceeded."}
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
		return googleBadToken()
	case ModeMisconfigured:
		return googleBad(googleViolation{"destinations[0].product_destination_id", "no such conversion action", "INVALID_CONVERSION_ACTION_ID"})
	case ModePoison:
		var wrong []googleViolation
		for i, e := range c.events {
			if _, found := f.poisons([]Event{e}); found {
				wrong = append(wrong, googleViolation{fmt.Sprintf("events[%d]", i), "the event is refused", "INVALID_EVENT"})
			}
		}
		return googleBad(wrong...)
	case ModeErrorInOK:
		return &googleError{status: http.StatusOK, word: "INTERNAL", message: "Internal error encountered."}
	case ModeServerError, ModeRefuse, ModeHang, ModeResetAfter, ModeHTML, ModeTruncated, ModeHuge, ModeGzipBomb, ModeWrongCount, ModeSlow:
	}
	status, word := http.StatusInternalServerError, "INTERNAL"
	if f.Status != 0 {
		status = f.Status
	}
	if status == http.StatusServiceUnavailable {
		word = "UNAVAILABLE"
	}
	return &googleError{status: status, word: word, message: "Internal error encountered."}
}

// take keeps the events and answers with the request's ID, or spoils the answer.
// Google counts nothing: what ModeWrongCount loses shows nowhere.
func (s *Google) take(w http.ResponseWriter, c googleCall, f Failure) {
	if f.Mode == ModeWrongCount {
		c.events = c.events[:len(c.events)-1]
	}
	id := s.keepEvents(c)
	status := http.StatusOK
	if f.Mode == ModeResetAfter {
		status = 0
	}
	s.record(c, f, status, "", id)
	s.write(w, f, fmt.Appendf(nil, `{"requestId":%q}`, id))
}

// write sends a good answer, or spoils it.
func (s *Google) write(w http.ResponseWriter, f Failure, body []byte) {
	head, tail := string(body[:len(body)-1])+`,"x":"`, `"}`
	switch f.Mode {
	case ModeResetAfter:
		reset(w)
	case ModeTruncated:
		truncated(w, body)
	case ModeHuge:
		huge(w, head, tail)
	case ModeGzipBomb:
		gzipBomb(w, head, tail)
	case ModeRefuse, ModeHang, ModeServerError, ModeHTML, ModeRetryAfter, ModeRetryAfterDate, ModeRetryAfterJunk, ModeTooMany, ModeThrottleApp,
		ModeThrottleUser, ModeThrottleCase, ModeUnauthorized, ModeMisconfigured, ModePoison, ModeErrorInOK, ModeWrongCount, ModeSlow, "":
		writeRaw(w, http.StatusOK, body)
	}
}

// keepEvents takes a request's events and returns the request's ID.
func (s *Google) keepEvents(c googleCall) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serial++
	id := fmt.Sprintf("sandbox-request-%d", s.serial)
	if c.validate {
		for _, e := range c.events {
			s.tests = bounded(s.tests, e, s.config.Keep)
		}
		return id
	}
	outcome := googleStatus{ready: c.at.Add(s.config.Settle), events: len(c.events)}
	if len(s.verdicts) > 0 {
		outcome.reason, s.verdicts = s.verdicts[0], s.verdicts[1:]
	}
	s.status[id] = outcome
	if outcome.reason != "" {
		return id
	}
	for _, e := range c.events {
		s.keepEvent(e)
	}
	return id
}

// keepEvent adds an event, or overwrites value and currency of the one that has
// its transaction ID.
func (s *Google) keepEvent(e Event) {
	key := e.Dataset + " " + e.EventID
	if i, again := s.at[key]; again {
		s.duplicates = bounded(s.duplicates, e, s.config.Keep)
		s.events[i].Value, s.events[i].Currency = e.Value, e.Currency
		return
	}
	s.events = append(s.events, e)
	if keep := s.config.Keep; keep > 0 && len(s.events) > keep {
		s.events = append([]Event{}, s.events[len(s.events)-keep:]...)
		clear(s.at)
		for i, kept := range s.events {
			s.at[kept.Dataset+" "+kept.EventID] = i
		}
		return
	}
	s.at[key] = len(s.events) - 1
}

// tell answers a question.
func (s *Google) tell(w http.ResponseWriter, c googleCall, f Failure) {
	s.mu.Lock()
	outcome, known := s.status[c.asked]
	s.mu.Unlock()
	if !known {
		s.refuse(w, c, f, googleBad(googleViolation{"request_id", "Invalid request ID.", "INVALID_REQUEST_ID"}))
		return
	}
	verdict := map[string]any{
		"destination":           map[string]any{"reference": "action"},
		"requestStatus":         "SUCCESS",
		"eventsIngestionStatus": map[string]any{"recordCount": strconv.Itoa(outcome.events)},
	}
	switch {
	case c.at.Before(outcome.ready):
		verdict["requestStatus"] = "PROCESSING"
	case outcome.reason != "":
		verdict["requestStatus"] = "FAILED"
		verdict["errorInfo"] = map[string]any{"errorCounts": []any{map[string]any{"reason": outcome.reason, "recordCount": strconv.Itoa(outcome.events)}}}
	}
	body, err := json.Marshal(map[string]any{"requestStatusPerDestination": []any{verdict}})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	s.record(c, f, http.StatusOK, "", c.asked)
	s.write(w, f, body)
}

func (s *Google) record(c googleCall, f Failure, status int, message, id string) {
	header := c.r.Header.Clone()
	header.Del("Authorization")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = bounded(s.requests, GoogleRequest{
		ReceivedAt: c.at, Method: c.r.Method, Path: c.r.URL.Path, Query: withoutTokens(c.r.URL.RawQuery, c.tokens), Header: header,
		Body: withoutTokens(string(c.body), c.tokens), Events: len(c.events), Failure: f.Mode, Status: status, Message: message, RequestID: id,
	}, s.config.Keep)
}
