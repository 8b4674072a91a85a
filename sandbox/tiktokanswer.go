package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// The codes that more than one place answers.
const (
	tiktokInvalid   = 40002
	tiktokPartial   = 20001
	tiktokThrottled = 40100
)

// tiktokDedup is how long a repeated event is recognized.
const tiktokDedup = 48 * time.Hour

// tiktokError is a refusal in TikTok's words: what the HTTP status says and what
// the code says need not agree.
type tiktokError struct {
	status  int
	code    int
	message string
}

func tiktokRefusal(message string) *tiktokError {
	return &tiktokError{http.StatusOK, tiktokInvalid, message}
}

// answer says what came of a request, or does what the failure f demands.
func (s *TikTok) answer(w http.ResponseWriter, c tiktokCall, refusal *tiktokError, f Failure, released <-chan struct{}) {
	switch f.Mode {
	case ModeRefuse:
		s.record(c, f, 0, 0)
		reset(w)
	case ModeHang:
		s.record(c, f, 0, 0)
		hang(w, c.r, released)
	case ModeHTML:
		s.record(c, f, http.StatusBadGateway, 0)
		htmlError(w)
	case ModeServerError, ModeRetryAfter, ModeRetryAfterDate, ModeRetryAfterJunk, ModeTooMany,
		ModeThrottleApp, ModeThrottleUser, ModeThrottleCase, ModeUnauthorized, ModeMisconfigured, ModePoison, ModeErrorInOK:
		s.refuse(w, c, f, failureOfTikTok(w.Header(), c, f))
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
		s.record(c, f, http.StatusOK, 0)
		writeRaw(w, http.StatusOK, s.body(0, "OK"))
	}
}

// refuse answers with an error.
func (s *TikTok) refuse(w http.ResponseWriter, c tiktokCall, f Failure, e *tiktokError) {
	s.record(c, f, e.status, e.code)
	writeRaw(w, e.status, s.body(e.code, s.withoutToken(e.message)))
}

// failureOfTikTok is what a failure answers, with its headers set. TikTok knows
// one throttling code; its three quotas differ in the message alone, and it
// sends no Retry-After of its own: gateways do.
func failureOfTikTok(h http.Header, c tiktokCall, f Failure) *tiktokError {
	tooMany := &tiktokError{http.StatusTooManyRequests, tiktokThrottled, "Too many requests. Please retry in some time."}
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
	case ModeTooMany:
		return tooMany
	case ModeThrottleApp:
		return &tiktokError{http.StatusUnauthorized, tiktokThrottled, "App reaches the QPS limit"}
	case ModeThrottleUser:
		return &tiktokError{http.StatusOK, tiktokThrottled, "App reaches the QPM limit"}
	case ModeThrottleCase:
		return &tiktokError{http.StatusUnauthorized, tiktokThrottled, "App reaches the QPD limit"}
	case ModeUnauthorized:
		return badTikTokToken()
	case ModeMisconfigured:
		return &tiktokError{http.StatusOK, 40001, "No permission to operate pixel code"}
	case ModePoison:
		i, _ := f.poisons(c.events)
		if i < 0 {
			return tiktokRefusal(fmt.Sprintf("data: holds more than %d events", f.MaxEvents))
		}
		return tiktokRefusal(fmt.Sprintf("data.%d: the event is refused", i))
	case ModeErrorInOK:
		return &tiktokError{http.StatusOK, 50000, "System error"}
	case ModeServerError, ModeRefuse, ModeHang, ModeResetAfter, ModeHTML, ModeTruncated, ModeHuge, ModeGzipBomb, ModeWrongCount, ModeSlow:
	}
	status := http.StatusInternalServerError
	if f.Status != 0 {
		status = f.Status
	}
	return &tiktokError{status, 51001, "Internal service timeout"}
}

// spoil keeps the events and spoils the answer. TikTok counts nothing in its
// answers: what is a wrong count elsewhere is its code for a partial success.
func (s *TikTok) spoil(w http.ResponseWriter, c tiktokCall, f Failure) {
	kept, status, code := c.events, http.StatusOK, 0
	switch f.Mode {
	case ModeWrongCount:
		kept, code = c.events[:len(c.events)-1], tiktokPartial
	case ModeResetAfter:
		status = 0
	case ModeTruncated, ModeHuge, ModeGzipBomb, ModeRefuse, ModeHang, ModeServerError, ModeHTML, ModeRetryAfter, ModeRetryAfterDate,
		ModeRetryAfterJunk, ModeTooMany, ModeThrottleApp, ModeThrottleUser, ModeThrottleCase, ModeUnauthorized, ModeMisconfigured,
		ModePoison, ModeErrorInOK, ModeSlow:
	}
	s.keepEvents(kept)
	s.record(c, f, status, code)
	const head, tail = `{"code":0,"message":"`, `","request_id":"20261120","data":{}}`
	switch f.Mode {
	case ModeResetAfter:
		reset(w)
	case ModeTruncated:
		truncated(w, s.body(0, "OK"))
	case ModeHuge:
		huge(w, head, tail)
	case ModeGzipBomb:
		gzipBomb(w, head, tail)
	case ModeWrongCount:
		writeRaw(w, status, s.body(code, "Partial success"))
	case ModeRefuse, ModeHang, ModeServerError, ModeHTML, ModeRetryAfter, ModeRetryAfterDate, ModeRetryAfterJunk, ModeTooMany,
		ModeThrottleApp, ModeThrottleUser, ModeThrottleCase, ModeUnauthorized, ModeMisconfigured, ModePoison, ModeErrorInOK, ModeSlow:
		// these keep nothing, and are answered before
	}
}

// body is an answer with a fresh request_id, the same in each run.
func (s *TikTok) body(code int, message string) []byte {
	s.mu.Lock()
	s.answers++
	id := fmt.Sprintf("20261120SANDBOX%015d", s.answers)
	s.mu.Unlock()
	b, err := json.Marshal(struct {
		Code      int      `json:"code"`
		Message   string   `json:"message"`
		RequestID string   `json:"request_id"`
		Data      struct{} `json:"data"`
	}{Code: code, Message: message, RequestID: id})
	if err != nil {
		return []byte(`{"code":50000}`) // strings and numbers always encode
	}
	return b
}

// keepEvents counts events, the first of each dedup key.
func (s *TikTok) keepEvents(events []Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range events {
		s.forget(e.ReceivedAt)
		key := dedupKey{e.Dataset, e.TestCode, e.EventName, e.EventID}
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

// forget drops the dedup keys that are older than TikTok remembers.
func (s *TikTok) forget(at time.Time) {
	n := 0
	for n < len(s.seenOrder) && at.Sub(s.seen[s.seenOrder[n]]) >= tiktokDedup {
		delete(s.seen, s.seenOrder[n])
		n++
	}
	s.seenOrder = s.seenOrder[n:]
}

func (s *TikTok) record(c tiktokCall, f Failure, status, code int) {
	header := c.r.Header.Clone()
	header.Del("Access-Token")
	header.Del("Authorization")
	request := TikTokRequest{
		ReceivedAt: c.at, Method: c.r.Method, Path: c.r.URL.Path, Query: s.withoutToken(c.r.URL.RawQuery),
		Header: header, Body: s.withoutToken(string(c.body)), Events: len(c.events), Failure: f.Mode, Status: status, Code: code,
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = bounded(s.requests, request, s.keep)
}
