package google

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"subfive"
	"subfive/forwarders"
)

// tooRecentWait is how long Google wants to be left alone with a click, or a
// conversion action, that it does not know yet.
const tooRecentWait = 6 * time.Hour

// verdicts are the answer to a question: one of each destination of the request.
type verdicts struct {
	Destinations []verdict `json:"requestStatusPerDestination"`
}

type verdict struct {
	Status string `json:"requestStatus"`
	Error  struct {
		Counts []reasonCount `json:"errorCounts"`
	} `json:"errorInfo"`
}

type reasonCount struct {
	Reason string      `json:"reason"`
	Count  json.Number `json:"recordCount"`
}

// ReadStatus says what became of n events that went in one request.
//
// Google counts the reasons and, lately, gives the places of the rows in the
// request. Those who ask may be some of them alone and in another order, so that
// places say nothing here: what failed in part is told again with the same ID,
// which changes nothing for the rows that Google has.
func (f *dataManager) ReadStatus(n int, a forwarders.Answer) forwarders.Result {
	return readStatus(n, a)
}

func readStatus(n int, a forwarders.Answer) forwarders.Result {
	r, o, ok := open(a)
	if !ok {
		return forwarders.Result{All: o}
	}
	if r.Error != nil {
		return forwarders.Result{All: unanswerable(n, a, *r.Error)}
	}
	var v verdicts
	if json.Unmarshal(a.Body, &v) != nil || len(v.Destinations) == 0 {
		return forwarders.Result{All: unreadable(a)}
	}
	for _, d := range v.Destinations { // there is one, as there is in the request
		if o = d.outcome(a); o.Class != subfive.Accepted {
			break
		}
	}
	return forwarders.Result{All: o}
}

// unanswerable judges an error to the question itself.
func unanswerable(n int, a forwarders.Answer, e refusal) subfive.Outcome {
	for _, d := range e.Details {
		for _, v := range d.Violations {
			if v.Reason == "INVALID_REQUEST_ID" {
				// It was taken when it was sent; what became of it is not known. It
				// is asked about again, and ends unconfirmed.
				return subfive.Outcome{
					Class: subfive.Transient, HTTP: a.Status, Code: e.Status, Subcode: v.Reason,
					Message: "Google does not know the request it gave this ID to",
				}
			}
		}
	}
	r := refused(n, a, e)
	if r.Each != nil {
		return r.Each[0]
	}
	return r.All
}

// outcome says what became of the events that went to a destination.
func (v verdict) outcome(a forwarders.Answer) subfive.Outcome {
	o := subfive.Outcome{HTTP: a.Status, Code: v.Status}
	switch v.Status {
	case "SUCCESS":
		o.Class = subfive.Accepted
		return o
	case "PROCESSING", "REQUEST_STATUS_UNKNOWN":
		o.Class = subfive.Submitted // under the Ref that it has
		return o
	case "FAILED", "PARTIAL_SUCCESS":
		return v.failed(o)
	}
	return unreadable(a)
}

// failed weighs the reasons of a failure: of several the gravest counts.
func (v verdict) failed(o subfive.Outcome) subfive.Outcome {
	partly := v.Status == "PARTIAL_SUCCESS"
	o.Class, o.Message = subfive.Rejected, "Google gives no reason"
	for i, c := range v.Error.Counts {
		class := verdictClass(c.Reason)
		if class == subfive.Misconfigured && partly {
			class = subfive.Rejected // others passed, so that it is about these clicks
		}
		text := strings.TrimPrefix(strings.TrimPrefix(c.Reason, "PROCESSING_ERROR_REASON_"), "PROCESSING_ERROR_")
		if c.Count != "" {
			text += " × " + c.Count.String()
		}
		switch {
		case i == 0:
			o.Class, o.Subcode, o.Message = class, c.Reason, text
			continue
		case gravity(class) > gravity(o.Class):
			o.Class, o.Subcode = class, c.Reason
		}
		o.Message += " · " + text
	}
	if o.Class == subfive.Deferred {
		o.RetryAfter = tooRecentWait
	}
	// Where all failed for reasons that stay, sending them apart helps none.
	o.Named = !partly && o.Class == subfive.Rejected && !slices.ContainsFunc(v.Error.Counts, func(c reasonCount) bool {
		return verdictClass(c.Reason) != subfive.Rejected
	}) && len(v.Error.Counts) > 0
	return o
}

func gravity(c subfive.Class) int {
	return slices.Index([]subfive.Class{
		subfive.Accepted, subfive.Deferred, subfive.Transient, subfive.Rejected, subfive.Throttled, subfive.Misconfigured, subfive.Unauthorized,
	}, c)
}
