package sandbox

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// answer says what came of a request, or does what the failure f demands.
func (m *Meta) answer(w http.ResponseWriter, c metaCall, refusal *metaError, f Failure, released <-chan struct{}) {
	switch f.Mode {
	case ModeRefuse:
		m.record(c, f, 0, nil)
		reset(w)
	case ModeHang:
		m.record(c, f, 0, nil)
		hang(w, c.r, released)
	case ModeHTML:
		m.record(c, f, http.StatusBadGateway, nil)
		htmlError(w)
	case ModeServerError, ModeRetryAfter, ModeRetryAfterDate, ModeRetryAfterJunk, ModeTooMany,
		ModeThrottleApp, ModeThrottleUser, ModeThrottleCase, ModeUnauthorized, ModeMisconfigured, ModePoison, ModeErrorInOK:
		m.refuse(w, c, f, m.failureError(w.Header(), c, f))
	case ModeResetAfter, ModeTruncated, ModeHuge, ModeGzipBomb, ModeWrongCount:
		if refusal != nil { // nothing to keep: an honest answer
			m.refuse(w, c, f, refusal)
			return
		}
		m.spoil(w, c, f)
	case ModeSlow, "":
		if refusal != nil {
			m.refuse(w, c, f, refusal)
			return
		}
		m.keepEvents(c.events)
		m.record(c, f, http.StatusOK, nil)
		writeRaw(w, http.StatusOK, m.success(len(c.events)))
	}
}

// refuse answers with an error.
func (m *Meta) refuse(w http.ResponseWriter, c metaCall, f Failure, e *metaError) {
	m.record(c, f, e.status, e)
	if e.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `OAuth "Facebook Platform" "invalid_token" "Cannot parse access token"`)
	}
	writeRaw(w, e.status, e.body(m.trace()))
}

// failureError is what a failure answers, with its headers set.
func (m *Meta) failureError(h http.Header, c metaCall, f Failure) *metaError {
	tooMany := &metaError{status: http.StatusTooManyRequests, code: 613, message: "(#613) Calls to this api have exceeded the rate limit"}
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
		h.Set("X-App-Usage", `{"call_count":100,"total_cputime":25,"total_time":25}`)
		return &metaError{status: http.StatusForbidden, code: 4, message: "(#4) Application request limit reached", transient: true}
	case ModeThrottleUser:
		h.Set("X-Ad-Account-Usage", fmt.Sprintf(`{"acc_id_util_pct":100,"reset_time_duration":%d,"ads_api_access_tier":"standard_access"}`,
			int(f.wait(time.Minute)/time.Second)))
		return &metaError{status: 400, code: 17, subcode: 2446079, message: "(#17) User request limit reached"}
	case ModeThrottleCase:
		minutes := int((f.wait(time.Minute) + time.Minute - 1) / time.Minute)
		h.Set("X-Business-Use-Case-Usage", fmt.Sprintf(
			`{"2000":[{"type":"ads_management","call_count":100,"total_cputime":25,"total_time":25,"estimated_time_to_regain_access":%d,"ads_api_access_tier":"standard_access"}]}`, minutes))
		return &metaError{status: 400, code: 80004, subcode: 2446079, message: "(#80004) There have been too many calls to this ad-account"}
	case ModeUnauthorized:
		return badToken()
	case ModeMisconfigured:
		return noDataset(c.dataset)
	case ModePoison:
		return invalid(2804019, "one of the events is refused")
	case ModeErrorInOK:
		return &metaError{status: http.StatusOK, code: 2, message: "(#2) Service temporarily unavailable", transient: true}
	case ModeServerError, ModeRefuse, ModeHang, ModeResetAfter, ModeHTML, ModeTruncated, ModeHuge, ModeGzipBomb, ModeWrongCount, ModeSlow:
	}
	status := http.StatusInternalServerError
	if f.Status != 0 {
		status = f.Status
	}
	return &metaError{status: status, code: 2, message: "(#2) Service temporarily unavailable", transient: true}
}

// spoil keeps the events and spoils the answer.
func (m *Meta) spoil(w http.ResponseWriter, c metaCall, f Failure) {
	n := len(c.events)
	kept, status := c.events, http.StatusOK
	head, tail := fmt.Sprintf(`{"events_received":%d,"messages":["`, n), `"],"fbtrace_id":"`+m.trace()+`"}`
	if f.Mode == ModeWrongCount {
		kept = c.events[:n-1]
	}
	if f.Mode == ModeResetAfter {
		status = 0
	}
	m.keepEvents(kept)
	m.record(c, f, status, nil)
	switch f.Mode {
	case ModeResetAfter:
		reset(w)
	case ModeTruncated:
		truncated(w, m.success(n))
	case ModeHuge:
		huge(w, head, tail)
	case ModeGzipBomb:
		gzipBomb(w, head, tail)
	case ModeWrongCount:
		writeRaw(w, status, m.success(n-1))
	case ModeRefuse, ModeHang, ModeServerError, ModeHTML, ModeRetryAfter, ModeRetryAfterDate, ModeRetryAfterJunk, ModeTooMany,
		ModeThrottleApp, ModeThrottleUser, ModeThrottleCase, ModeUnauthorized, ModeMisconfigured, ModePoison, ModeErrorInOK, ModeSlow:
		// these keep nothing, and are answered before
	}
}

func (m *Meta) success(n int) []byte {
	return fmt.Appendf(nil, `{"events_received":%d,"messages":[],"fbtrace_id":%q}`, n, m.trace())
}

// trace is a fresh fbtrace_id, the same in each run.
func (m *Meta) trace() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.traces++
	return fmt.Sprintf("Asandbox%015d", m.traces)
}

// keepEvents counts events, the first of each dedup key.
func (m *Meta) keepEvents(events []Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range events {
		m.forget(e.ReceivedAt)
		key := dedupKey{e.Dataset, e.TestCode, e.EventName, e.EventID}
		if _, again := m.seen[key]; again && e.EventID != "" {
			m.duplicates = bounded(m.duplicates, e, m.keep)
			continue
		}
		if e.EventID != "" {
			m.seen[key] = e.ReceivedAt
			m.seenOrder = append(m.seenOrder, key)
		}
		if e.TestCode != "" {
			m.tests = bounded(m.tests, e, m.keep)
		} else {
			m.events = bounded(m.events, e, m.keep)
		}
	}
}

// forget drops the dedup keys that are older than Meta remembers.
func (m *Meta) forget(at time.Time) {
	n := 0
	for n < len(m.seenOrder) && at.Sub(m.seen[m.seenOrder[n]]) >= metaDedup {
		delete(m.seen, m.seenOrder[n])
		n++
	}
	m.seenOrder = m.seenOrder[n:]
}

func (m *Meta) record(c metaCall, f Failure, status int, e *metaError) {
	header := c.r.Header.Clone()
	header.Del("Authorization")
	request := MetaRequest{
		ReceivedAt: c.at, Method: c.r.Method, Path: c.r.URL.Path, Query: withoutTokens(c.r.URL.RawQuery, c.tokens),
		Header: header, Body: withoutTokens(string(c.body), c.tokens), Events: len(c.events), Failure: f.Mode, Status: status,
	}
	if e != nil {
		request.Code, request.Subcode = e.code, e.subcode
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.requests = bounded(m.requests, request, m.keep)
}

func writeRaw(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	reply(w, body)
}
