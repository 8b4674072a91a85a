package sandbox

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// hookIndex is its part of the index.
const hookIndex = `
Webhook sink, failures of the same kind
  GET, POST, DELETE  /_sandbox/hook/fail
  the throttle modes are 429 without Retry-After; error_in_ok and wrong_count are 200 and a body that is not "ok"
`

// hookEvents is the event of a JSON body with an event_id, for ModePoison.
func hookEvents(body []byte) []Event {
	var b struct {
		EventID string `json:"event_id"`
	}
	if json.Unmarshal(body, &b) != nil || b.EventID == "" {
		return nil // a form, or another's words: it is recorded all the same
	}
	return []Event{{EventID: b.EventID, Raw: body}}
}

// hookFailure answers as a failure demands.
func hookFailure(w http.ResponseWriter, r *http.Request, f Failure, at time.Time, released <-chan struct{}) {
	status, body := http.StatusTooManyRequests, "too many requests"
	switch f.Mode {
	case ModeRefuse, ModeResetAfter:
		reset(w)
		return
	case ModeHang:
		hang(w, r, released)
		return
	case ModeHTML:
		htmlError(w)
		return
	case ModeTruncated:
		truncated(w, []byte("ok, taken"))
		return
	case ModeHuge:
		huge(w, "ok ", "")
		return
	case ModeGzipBomb:
		gzipBomb(w, "ok ", "")
		return
	case ModeServerError:
		status, body = http.StatusInternalServerError, "internal server error"
		if f.Status != 0 {
			status = f.Status
		}
	case ModeRetryAfter:
		w.Header().Set("Retry-After", strconv.Itoa(int(f.wait(5*time.Second)/time.Second)))
	case ModeRetryAfterDate:
		w.Header().Set("Retry-After", at.Add(f.wait(5*time.Second)).UTC().Format(http.TimeFormat))
	case ModeRetryAfterJunk:
		w.Header().Set("Retry-After", "soon, -1; NaN")
	case ModeTooMany, ModeThrottleApp, ModeThrottleUser, ModeThrottleCase:
	case ModeUnauthorized:
		status, body = http.StatusUnauthorized, "who are you?"
	case ModeMisconfigured:
		status, body = http.StatusNotFound, "no such hook"
	case ModePoison:
		status, body = http.StatusBadRequest, "the event is refused"
	case ModeErrorInOK:
		status, body = http.StatusOK, "error: out of order"
	case ModeWrongCount:
		status, body = http.StatusOK, "0 taken"
	case ModeSlow: // its latency has passed, and next gave none
	}
	hookAnswer(w, status, body)
}

// routes adds the switches of its failures to a mux.
func (h *Hook) routes(mux *http.ServeMux) {
	failures := func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, h.Failures()) }
	mux.HandleFunc("GET /_sandbox/hook/fail", failures)
	mux.HandleFunc("POST /_sandbox/hook/fail", func(w http.ResponseWriter, r *http.Request) {
		var f Failure
		err := readControl(w, r, &f)
		if err == nil {
			err = h.Fail(f)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		failures(w, r)
	})
	mux.HandleFunc("DELETE /_sandbox/hook/fail", func(w http.ResponseWriter, r *http.Request) {
		h.Clear()
		failures(w, r)
	})
}
