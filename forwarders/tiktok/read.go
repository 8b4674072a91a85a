package tiktok

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"subfive"
	"subfive/forwarders"
)

// reply is what TikTok answers, success or not.
type reply struct {
	Code      *int   `json:"code"`
	Message   string `json:"message"`
	RequestID string `json:"request_id"`
}

// Read says what an answer means. TikTok takes all events of a request or none,
// so one outcome holds for all. Its code decides, whatever the HTTP status:
// refusals come with 200, and 401 is a rate limit too.
func (f *forwarder) Read(_ int, a forwarders.Answer) forwarders.Result {
	o := outcome(a)
	o.HTTP = a.Status
	o.Message = f.scrub(o.Message)
	return forwarders.Result{All: o}
}

func outcome(a forwarders.Answer) subfive.Outcome {
	if a.Err != nil {
		return subfive.Outcome{Class: subfive.Transient, Code: "no_answer", Message: "no answer", Ambiguous: a.Sent}
	}
	var r reply
	if err := parse(a.Body, &r); err != nil || r.Code == nil {
		return unreadable(a)
	}
	o := subfive.Outcome{Class: class(*r.Code, a.Status), TraceID: r.RequestID}
	if *r.Code == codeOK {
		return o
	}
	o.Code, o.Message = strconv.Itoa(*r.Code), r.Message
	o.Ambiguous = *r.Code == codePartial
	o.RetryAfter = wait(o.Class, r.Message, a)
	return o
}

// parse reads one JSON object.
func parse(body []byte, into any) error {
	if !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		return errors.New("not a JSON object")
	}
	return json.Unmarshal(body, into)
}

// unreadable judges an answer that is not the API's by its status alone. A
// gateway's page may hide that the events arrived.
func unreadable(a forwarders.Answer) subfive.Outcome {
	o := subfive.Outcome{Class: subfive.Transient, Code: "unreadable", Message: "HTTP " + strconv.Itoa(a.Status) + " and no answer of the Events API"}
	switch {
	case a.Status >= 200 && a.Status <= 299:
		o.Ambiguous = true
	case a.Status >= 300 && a.Status <= 399:
		o.Class, o.Code = subfive.Misconfigured, "redirect"
	default:
		o.Class, o.Ambiguous = byStatus(a.Status), a.Status >= 500 && a.Status != http.StatusServiceUnavailable
	}
	o.RetryAfter = wait(o.Class, "", a)
	return o
}

// minuteQuota is how long TikTok says to wait when the quota of a minute is used
// up.
const minuteQuota = 5 * time.Minute

// wait returns how long to leave TikTok alone at least: what a gateway's
// Retry-After says, for TikTok documents none, and as long as the quota that the
// message names lasts. That of a day lasts until midnight, UTC.
func wait(class subfive.Class, message string, a forwarders.Answer) time.Duration {
	told, _ := forwarders.RetryAfter(a.Header, a.At)
	if class != subfive.Throttled {
		return told
	}
	words := strings.ToLower(message)
	says := func(these ...string) bool {
		for _, w := range these {
			if strings.Contains(words, w) {
				return true
			}
		}
		return false
	}
	switch {
	case says("qpd", "daily", "per day"):
		midnight := a.At.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
		return max(told, midnight.Sub(a.At))
	case says("qpm", "minute"):
		return max(told, minuteQuota)
	}
	return told
}

// scrub cuts a message to what a row can show, and takes the token out should
// TikTok quote it.
func (f *forwarder) scrub(s string) string {
	s = strings.ReplaceAll(s, f.settings.AccessToken, subfive.Hidden)
	const most = 1000
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.ToValidUTF8(s, "")
}
