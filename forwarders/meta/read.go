package meta

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

// reply is what Graph answers: a success's fields, or an error.
type reply struct {
	EventsReceived *int            `json:"events_received"`
	Messages       json.RawMessage `json:"messages"`
	TraceID        string          `json:"fbtrace_id"`
	Error          *graphError     `json:"error"`
}

// graphError is Graph's refusal. Its texts are in the language of the token's
// owner, and its type is "OAuthException" for nearly everything: only the
// numbers say what happened.
type graphError struct {
	Message     string          `json:"message"`
	Code        *int            `json:"code"`
	Subcode     int             `json:"error_subcode"`
	IsTransient bool            `json:"is_transient"`
	UserTitle   string          `json:"error_user_title"`
	UserMessage string          `json:"error_user_msg"`
	Data        json.RawMessage `json:"error_data"`
	TraceID     string          `json:"fbtrace_id"`
}

// Read says what an answer means. Meta takes all events of a request or none,
// so one outcome holds for all.
func (f *forwarder) Read(n int, a forwarders.Answer) forwarders.Result {
	o := f.outcome(n, a)
	o.HTTP = a.Status
	o.Message = f.scrub(o.Message)
	switch o.Class {
	case subfive.Accepted:
		o.RetryAfter = max(o.RetryAfter, nearLimit(a.Header))
	case subfive.Throttled:
		o.RetryAfter = max(o.RetryAfter, regain(a.Header), retryAfter(a.Header, a.At))
	case subfive.Transient, subfive.Unauthorized, subfive.Misconfigured, subfive.Rejected,
		subfive.Submitted, subfive.Deferred:
		o.RetryAfter = max(o.RetryAfter, retryAfter(a.Header, a.At))
	}
	o.RetryAfter = min(o.RetryAfter, maxAge) // nothing of today is worth sending then
	return forwarders.Result{All: o}
}

func (f *forwarder) outcome(n int, a forwarders.Answer) subfive.Outcome {
	if a.Err != nil {
		return subfive.Outcome{Class: subfive.Transient, Code: "no_answer", Message: "no answer", Ambiguous: a.Sent}
	}
	var r reply
	if err := parse(a.Body, &r); err != nil || r.Error != nil && r.Error.Code == nil {
		return unreadable(a.Status)
	}
	switch {
	case r.Error != nil:
		return refusal(*r.Error, a.Status)
	case a.Status < 200 || a.Status > 299:
		return unreadable(a.Status)
	case r.EventsReceived == nil:
		return unreadable(a.Status)
	case *r.EventsReceived != n:
		return subfive.Outcome{
			Class: subfive.Transient, Ambiguous: true, Code: codeCount, TraceID: r.TraceID,
			Message: "sent " + strconv.Itoa(n) + " events, Meta says that it received " + strconv.Itoa(*r.EventsReceived),
		}
	}
	return subfive.Outcome{Class: subfive.Accepted, TraceID: r.TraceID, Message: remarks(r.Messages)}
}

// parse reads one JSON object.
func parse(body []byte, into any) error {
	if !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		return errors.New("not a JSON object")
	}
	return json.Unmarshal(body, into)
}

// unreadable judges an answer that is not Graph's by its status alone. A
// gateway's page may hide that the events arrived.
func unreadable(status int) subfive.Outcome {
	o := subfive.Outcome{Class: subfive.Transient, Code: "unreadable", Message: "HTTP " + strconv.Itoa(status) + " and no answer of the Graph API"}
	switch {
	case status >= 200 && status <= 299:
		o.Ambiguous = true
	case status >= 300 && status <= 399:
		o.Class, o.Code = subfive.Misconfigured, "redirect"
	default:
		o.Class, o.Ambiguous = byStatus(status), status >= 500 && status != http.StatusServiceUnavailable
	}
	return o
}

// byStatus is the last resort, when no number of Meta's says more.
func byStatus(status int) subfive.Class {
	switch status {
	case http.StatusUnauthorized:
		return subfive.Unauthorized
	case http.StatusTooManyRequests:
		return subfive.Throttled
	case http.StatusRequestEntityTooLarge:
		return subfive.Rejected
	}
	return subfive.Transient
}

func refusal(e graphError, status int) subfive.Outcome {
	o := subfive.Outcome{
		Class:   class(*e.Code, e.Subcode, e.IsTransient, status),
		Code:    strconv.Itoa(*e.Code),
		Subcode: subcodeText(e.Subcode),
		Message: e.text(),
		TraceID: e.TraceID,
	}
	if *e.Code == codeBlocked {
		o.RetryAfter = time.Hour
	}
	return o
}

// text returns what Meta says to a person, with the fields it blames.
func (e graphError) text() string {
	var parts []string
	for _, p := range []string{e.Message, e.UserTitle, e.UserMessage} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	var data struct {
		Blame json.RawMessage `json:"blame_field_specs"`
	}
	if json.Unmarshal(e.Data, &data) == nil && len(data.Blame) > 0 {
		parts = append(parts, "fields: "+string(data.Blame))
	}
	return strings.Join(parts, " · ")
}

// remarks returns what came with a success, and "" for an empty list.
func remarks(messages json.RawMessage) string {
	var all []string
	if json.Unmarshal(messages, &all) == nil {
		return strings.Join(all, " · ")
	}
	return string(messages)
}

// scrub cuts a message to what a row can show, and takes out credentials: Meta
// quotes a token that it can't parse.
func (f *forwarder) scrub(s string) string {
	for _, secret := range []string{f.settings.AccessToken, f.settings.AppSecret, f.proof} {
		if secret != "" {
			s = strings.ReplaceAll(s, secret, subfive.Hidden)
		}
	}
	const most = 1000
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.ToValidUTF8(s, "")
}
