package google

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"subfive"
	"subfive/forwarders"
)

// reply is an answer to events: the request's ID, or an error.
type reply struct {
	RequestID string `json:"requestId"`
	Warnings  []struct {
		Field       string `json:"field"`
		Reason      string `json:"reason"`
		Description string `json:"description"`
	} `json:"fieldWarnings"`
	Error *refusal `json:"error"`
}

// refusal is Google's one shape of an error.
type refusal struct {
	Code    int      `json:"code"`
	Message string   `json:"message"`
	Status  string   `json:"status"`
	Details []detail `json:"details"`
}

// detail is any of the messages that come along, told apart by what is in them.
type detail struct {
	Type       string            `json:"@type"`
	Errors     []adsError        `json:"errors"`    // GoogleAdsFailure
	Reason     string            `json:"reason"`    // ErrorInfo
	RequestID  string            `json:"requestId"` // RequestInfo
	Metadata   map[string]string `json:"metadata"`
	Violations []violation       `json:"fieldViolations"` // BadRequest
}

// violation is a field that is wrong, by its path, and why.
type violation struct {
	Field       string `json:"field"`
	Description string `json:"description"`
	Reason      string `json:"reason"`
}

// Read says what an answer means. Google takes all events of a request or none;
// where it names the bad ones, the others are innocent and go again. What it
// takes it has not judged yet.
func (f *dataManager) Read(n int, a forwarders.Answer) forwarders.Result {
	r, o, ok := open(a)
	if !ok {
		return forwarders.Result{All: o}
	}
	if r.Error != nil {
		return refused(n, a, *r.Error)
	}
	if r.RequestID == "" {
		return forwarders.Result{All: unreadable(a)}
	}
	o = subfive.Outcome{Class: subfive.Submitted, HTTP: a.Status, Ref: r.RequestID, TraceID: r.RequestID}
	if a.Test { // validated only: there is no verdict to wait for, and no ID to ask by
		o.Class, o.Ref = subfive.Accepted, ""
	}
	for i, w := range r.Warnings {
		if i > 0 {
			o.Message += " · "
		}
		o.Message += w.Field + ": " + firstOf(w.Description, w.Reason)
	}
	return forwarders.Result{All: o}
}

// open reads the body as far as both kinds of answer have the same shape. It is
// false with what the answer means if that is known already.
func open(a forwarders.Answer) (reply, subfive.Outcome, bool) {
	if a.Err != nil {
		return reply{}, unanswered(a), false
	}
	var r reply
	if err := json.Unmarshal(a.Body, &r); err != nil || r.Error == nil && !success(a.Status) {
		return reply{}, unreadable(a), false
	}
	return r, subfive.Outcome{}, true
}

func unanswered(a forwarders.Answer) subfive.Outcome {
	return subfive.Outcome{Class: subfive.Transient, Code: "no_answer", Message: "no answer", Ambiguous: a.Sent}
}

func success(status int) bool { return status >= 200 && status <= 299 }

// unreadable judges an answer by its status alone, for its body is not the
// API's. A gateway's page may hide that the events arrived.
func unreadable(a forwarders.Answer) subfive.Outcome {
	return subfive.Outcome{
		Class: statusClass(a.Status), HTTP: a.Status, Code: "unreadable",
		Message:   "HTTP " + strconv.Itoa(a.Status) + " and no answer of the API",
		Ambiguous: success(a.Status) || a.Status >= 500 && a.Status != http.StatusServiceUnavailable,
	}
}

// statusClass says what a status means that is no success.
func statusClass(status int) subfive.Class {
	switch status {
	case http.StatusUnauthorized:
		return subfive.Unauthorized
	case http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone:
		return subfive.Misconfigured
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly:
		return subfive.Transient
	case http.StatusTooManyRequests:
		return subfive.Throttled
	}
	switch {
	case status >= 300 && status <= 399: // it redirects nobody
		return subfive.Misconfigured
	case status >= 400 && status <= 499:
		return subfive.Rejected
	}
	return subfive.Transient
}

// refused judges an error: by the fields it names, else by its status word, else
// by the HTTP status.
func refused(n int, a forwarders.Answer, e refusal) forwarders.Result {
	all := subfive.Outcome{HTTP: a.Status, Code: firstOf(e.Status, strconv.Itoa(e.Code)), Message: e.Message}
	var wrong []violation
	for _, d := range e.Details {
		all.Subcode = firstOf(all.Subcode, d.Reason)
		all.TraceID = firstOf(all.TraceID, firstOf(d.RequestID, d.Metadata["requestId"]))
		wrong = append(wrong, d.Violations...)
	}
	all.Class = statusWord(e.Status, a.Status, e.Code)
	all.Ambiguous = all.Class == subfive.Transient && e.Status != "UNAVAILABLE" && e.Status != "ABORTED"
	if len(wrong) == 0 || all.Class != subfive.Rejected && all.Class != subfive.Misconfigured {
		return forwarders.Result{All: all}
	}
	return blame(n, all, wrong)
}

// eventPath finds the event in a field's path: "events[3].…", and
// "events.events[3].…" was seen, too; of the Google Ads API "conversions[3].…"
// and "conversion_adjustments[3].…".
var eventPath = regexp.MustCompile(`(?:^|\.)(?:events|conversions|conversion_adjustments|conversionAdjustments)\[(\d+)\]`)

// innocent is what is said of a row that another was to blame for.
const innocent = "refused because of another event, which was named"

// blame turns violations into outcomes. One in the settings holds for all.
// Events that are named are rejected, the others deferred; if a violation names
// none, nobody knows which it is, and the request is halved.
func blame(n int, all subfive.Outcome, wrong []violation) forwarders.Result {
	named := map[int]violation{}
	vague := false
	all.Subcode, all.Message = wrong[0].Reason, wrong[0].text()
	for _, v := range wrong {
		if reasonClass(v.Reason) == subfive.Misconfigured || strings.HasPrefix(v.Field, "destinations") {
			all.Class, all.Subcode, all.Message = subfive.Misconfigured, v.Reason, v.text()
			return forwarders.Result{All: all}
		}
		i := -1
		if at := eventPath.FindStringSubmatch(v.Field); at != nil {
			i = index(at[1])
		}
		if i < 0 || i >= n {
			vague = true
			continue
		}
		if _, again := named[i]; !again {
			named[i] = v
		}
	}
	if vague || len(named) == 0 {
		return forwarders.Result{All: all}
	}
	each := make([]subfive.Outcome, n)
	for i := range each {
		each[i] = all
		v, guilty := named[i]
		if guilty {
			each[i].Class, each[i].Named, each[i].Subcode, each[i].Message = subfive.Rejected, true, v.Reason, v.text()
			continue
		}
		each[i].Class, each[i].Subcode, each[i].Message = subfive.Deferred, "", innocent
	}
	return forwarders.Result{Each: each}
}

// index reads digits; those of a number too large are no index.
func index(digits string) int {
	i, err := strconv.Atoi(digits)
	if err != nil {
		return -1
	}
	return i
}

func (v violation) text() string {
	switch {
	case v.Field == "":
		return v.Description
	case v.Description == "":
		return v.Field
	}
	return v.Field + ": " + v.Description
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
