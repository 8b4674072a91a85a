package reddit

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"subfive"
	"subfive/forwarders"
)

// reply is what Reddit answers, in all its shapes: version 3 puts a success into
// "data" and a refusal into "error"; version 2 had both at the top, with the
// invalid events named; and a gateway says "success": false, with a reason.
type reply struct {
	Data    *verdict `json:"data"`
	verdict          // version 2's
	Error   *refusal `json:"error"`
	Success *bool    `json:"success"`
}

// verdict is what became of the events.
type verdict struct {
	Message string         `json:"message"`
	Invalid []invalidEvent `json:"invalid_events"`
}

// invalidEvent is an event that Reddit names, with what is wrong with it. It is
// told by its content alone, for no place in the request is given.
type invalidEvent struct {
	Message string `json:"error_message"`
	Event   struct {
		Metadata   conversion `json:"metadata"`
		MetadataV2 conversion `json:"event_metadata"`
	} `json:"event"`
}

type conversion struct {
	ID string `json:"conversion_id"`
}

// refusal is version 3's code and message, or the gateway's reason and
// explanation.
type refusal struct {
	Code        int    `json:"code"`
	Message     string `json:"message"`
	Reason      string `json:"reason"`
	Explanation string `json:"explanation"`
}

// Read says what an answer means. Reddit takes all events of a request or none,
// so one outcome holds for all. Which of several an invalid one is can't be told
// unless all are: then they are named.
func (f *forwarder) Read(n int, a forwarders.Answer) forwarders.Result {
	o := outcome(n, a)
	o.HTTP = a.Status
	return forwarders.Result{All: o}
}

func outcome(n int, a forwarders.Answer) subfive.Outcome {
	if a.Err != nil {
		return subfive.Outcome{Class: subfive.Transient, Code: "no_answer", Message: "no answer", Ambiguous: a.Sent}
	}
	var r reply
	if err := json.Unmarshal(a.Body, &r); err != nil {
		return unreadable(a.Status, "")
	}
	v := r.verdict
	if r.Data != nil {
		v = *r.Data
	}
	switch {
	case r.Error != nil || r.Success != nil && !*r.Success:
		return refused(r, a.Status)
	case (len(v.Invalid) > 0 || noneTaken.MatchString(v.Message)) && (ok(a.Status) || a.Status == http.StatusBadRequest):
		return invalid(n, v)
	case !ok(a.Status) || v.Message == "":
		return unreadable(a.Status, v.Message)
	}
	return taken(n, v.Message)
}

func ok(status int) bool { return status >= 200 && status <= 299 }

// noneTaken are words of a refusal, whatever its status.
var noneTaken = regexp.MustCompile(`(?i)invalid conversion event|none were processed`)

// counted is what a success says of its events.
var counted = regexp.MustCompile(`(\d+) conversion event`)

// taken judges a success by the number it tells, if it tells one.
func taken(n int, message string) subfive.Outcome {
	said := counted.FindStringSubmatch(message)
	if said == nil || said[1] == strconv.Itoa(n) {
		return subfive.Outcome{Class: subfive.Accepted}
	}
	return subfive.Outcome{
		Class: subfive.Transient, Ambiguous: true, Code: codeCount,
		Message: "sent " + strconv.Itoa(n) + " events, Reddit says: " + message,
	}
}

// invalid judges a refusal that quotes the invalid events.
func invalid(n int, v verdict) subfive.Outcome {
	var all []string
	if v.Message != "" {
		all = append(all, v.Message)
	}
	ids := map[string]bool{}
	for _, e := range v.Invalid {
		all = append(all, e.text())
		ids[e.id()] = true
	}
	return subfive.Outcome{
		Class: subfive.Rejected, Code: codeInvalid, Message: strings.Join(all, " · "),
		// One event may be quoted twice, so that only their IDs count.
		Named: n == 1 || len(ids) == n && !ids[""],
	}
}

func (e invalidEvent) id() string {
	return e.Event.Metadata.ID + e.Event.MetadataV2.ID // it has one of them
}

// text returns what is wrong, and with which conversion.
func (e invalidEvent) text() string {
	if e.id() == "" {
		return e.Message
	}
	return e.Message + " (" + e.id() + ")"
}

// refused judges a refusal by its HTTP status, or by its own code where the
// status claims a success.
func refused(r reply, status int) subfive.Outcome {
	var e refusal
	if r.Error != nil {
		e = *r.Error
	}
	o := subfive.Outcome{Code: strconv.Itoa(status), Subcode: e.Reason}
	for _, text := range []string{e.Message, e.Explanation, r.Message} {
		if text != "" {
			o.Message = text
			break
		}
	}
	code := status
	if ok(status) {
		code = e.Code
		o.Code = strconv.Itoa(code)
	}
	if code == 0 && e.Reason == "UNAUTHORIZED" {
		code = http.StatusUnauthorized
		o.Code = strconv.Itoa(code)
	}
	o.Class = class(code, o.Message)
	if o.Subcode == "" {
		o.Subcode = form(code, o.Message)
	}
	if ok(code) || code < 200 { // an error, and no word which
		o.Class, o.Ambiguous, o.Code = subfive.Transient, true, "unreadable"
	}
	return o
}

// unreadable judges an answer by its status alone, for its body is not the
// API's, or says no more than a message. A gateway's page may hide that the
// events arrived.
func unreadable(status int, message string) subfive.Outcome {
	if message == "" {
		message = "HTTP " + strconv.Itoa(status) + " and no answer of the Conversions API"
	}
	return subfive.Outcome{
		Class: class(status, message), Code: "unreadable", Message: message,
		Ambiguous: ok(status) || status >= 500 && status != http.StatusServiceUnavailable,
	}
}
