package google

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"subfive"
	"subfive/forwarders"
)

// adsError is one error of a GoogleAdsFailure.
type adsError struct {
	// Code has one key: the group, "conversionUploadError", and in it the value.
	Code     map[string]any `json:"errorCode"`
	Message  string         `json:"message"`
	Location struct {
		Path []struct {
			Field string      `json:"fieldName"`
			Index json.Number `json:"index"` // 0 is left out
		} `json:"fieldPathElements"`
	} `json:"location"`
	Details struct {
		Quota struct {
			RetryDelay string `json:"retryDelay"` // "30s"
		} `json:"quotaErrorDetails"`
	} `json:"details"`
}

// row is the place of the event in the request of n events, -1 if it names none.
func (e adsError) row(n int) int {
	for _, p := range e.Location.Path {
		if p.Field != "conversions" && p.Field != "conversionAdjustments" && p.Field != "conversion_adjustments" {
			continue
		}
		if p.Index == "" {
			return 0
		}
		if i := index(p.Index.String()); i >= 0 && i < n {
			return i
		}
		return -1
	}
	return -1
}

// outcome says what the error means, in a request whose own status means class.
func (e adsError) outcome(base subfive.Outcome) subfive.Outcome {
	o := base
	o.Message = e.Message
	for _, group := range slices.Sorted(maps.Keys(e.Code)) {
		value, _ := e.Code[group].(string)
		o.Code, o.Subcode = value, group
		break
	}
	if class, known := adsClasses[[2]string{o.Code, o.Subcode}]; known {
		o.Class = class
	}
	o.RetryAfter = adsWait(o.Code)
	if o.Class == subfive.Throttled {
		o.RetryAfter = quotaWait
		if d, err := time.ParseDuration(e.Details.Quota.RetryDelay); err == nil && d > 0 {
			o.RetryAfter = min(d, 24*time.Hour)
		}
	}
	return o
}

// quotaWait is how long Google wants to be left alone when it does not say.
const quotaWait = 30 * time.Second

// adsWait is how long to wait with a row that was deferred.
func adsWait(code string) time.Duration {
	switch code {
	case "TOO_RECENT_EVENT", "TOO_RECENT_CALL", "TOO_RECENT_CONVERSION_ACTION", "CONVERSION_NOT_FOUND":
		return tooRecentWait
	case "TOO_RECENT_CONVERSION":
		return 24 * time.Hour
	}
	return 0
}

// inRequestTwice are the errors of which both rows get one and none is done.
func inRequestTwice(code string) bool {
	switch code {
	case "DUPLICATE_ORDER_ID", "DUPLICATE_CLICK_CONVERSION_IN_REQUEST", "DUPLICATE_CALL_CONVERSION_IN_REQUEST", "DUPLICATE_ADJUSTMENT_IN_REQUEST", "DUPLICATE_ENHANCEMENT_IN_REQUEST":
		return true
	}
	return false
}

// ofTheRequest are errors that no row is guilty of.
func ofTheRequest(code string) bool {
	switch code {
	case "TOO_MANY_CONVERSIONS_IN_REQUEST", "TOO_MANY_ADJUSTMENTS_IN_REQUEST", "REQUEST_TOO_LARGE":
		return true
	}
	return false
}

// graver returns which of two outcomes of one row holds. What is there already
// is there, whatever else is wrong with the row.
func graver(a, b subfive.Outcome) subfive.Outcome {
	if a.Class == subfive.Accepted || b.Class != subfive.Accepted && gravity(a.Class) >= gravity(b.Class) {
		return a
	}
	return b
}

// adsReply is an answer to an upload: a result a row, empty for one that failed,
// and why; or an error of the whole request.
type adsReply struct {
	Results []map[string]any `json:"results"`
	Partial *refusal         `json:"partialFailureError"`
	Error   *refusal         `json:"error"`
}

// Read says what an answer means. Each row is taken or refused for itself.
func (f *ads) Read(n int, a forwarders.Answer) forwarders.Result {
	if a.Err != nil {
		return forwarders.Result{All: unanswered(a)}
	}
	var r adsReply
	if json.Unmarshal(a.Body, &r) != nil || r.Error == nil && !success(a.Status) {
		return forwarders.Result{All: unreadable(a)}
	}
	if r.Error != nil {
		return refusedAll(n, a, *r.Error)
	}
	base := subfive.Outcome{Class: subfive.Rejected, HTTP: a.Status, TraceID: a.Header.Get("Request-Id")}
	var found faults
	if r.Partial != nil {
		found = faultsOf(n, base, a, *r.Partial)
	}
	if len(r.Results) != n && !a.Test && len(found.rows) == 0 && found.vague == nil {
		return forwarders.Result{All: unreadable(a)}
	}
	return found.settle(n, a, r.Results)
}

// faults are the errors of an answer: of rows by their place, and of none.
type faults struct {
	rows  map[int]subfive.Outcome
	vague *subfive.Outcome
}

// faultsOf sorts the errors of a failure.
func faultsOf(n int, base subfive.Outcome, a forwarders.Answer, e refusal) faults {
	found := faults{rows: map[int]subfive.Outcome{}}
	all := e.failures()
	if len(all) == 0 {
		base.Code, base.Message = firstOf(e.Status, "partial_failure"), e.Message
		found.vague = &base
	}
	for _, x := range all {
		o := x.outcome(base)
		o.TraceID = firstOf(base.TraceID, e.requestID())
		if a.Test && o.Code == "CONVERSION_NOT_FOUND" { // a test left none that could be found
			o.Class, o.RetryAfter = subfive.Accepted, 0
		}
		i := x.row(n)
		if i < 0 || ofTheRequest(o.Code) {
			if found.vague != nil {
				o = graver(*found.vague, o)
			}
			found.vague = &o
			continue
		}
		if before, again := found.rows[i]; again {
			o = graver(before, o)
		}
		found.rows[i] = o
	}
	wait := time.Minute // apart, so that they do not meet again
	for _, i := range slices.Sorted(maps.Keys(found.rows)) {
		if o := found.rows[i]; o.Class == subfive.Deferred && inRequestTwice(o.Code) {
			o.RetryAfter = wait
			wait += time.Minute
			found.rows[i] = o
		}
	}
	return found
}

// settle gives each row its outcome.
func (found faults) settle(n int, a forwarders.Answer, results []map[string]any) forwarders.Result {
	if found.vague != nil && len(found.rows) == 0 && !slices.ContainsFunc(results, func(r map[string]any) bool { return len(r) > 0 }) {
		return forwarders.Result{All: *found.vague}
	}
	taken := subfive.Outcome{Class: subfive.Accepted, HTTP: a.Status, TraceID: a.Header.Get("Request-Id")}
	each := make([]subfive.Outcome, n)
	passed := false
	for i := range each {
		o, guilty := found.rows[i]
		switch {
		case guilty:
			o.Named = o.Class == subfive.Rejected
			each[i] = o
		case len(results) == n && len(results[i]) > 0, a.Test && found.vague == nil:
			each[i], passed = taken, true
		case found.vague != nil:
			each[i] = *found.vague
		default: // neither a result nor an error
			each[i] = subfive.Outcome{
				Class: subfive.Transient, HTTP: a.Status, Code: "no_result", Ambiguous: true, TraceID: taken.TraceID,
				Message: "Google says neither that it took the row nor why it did not",
			}
		}
	}
	for i, o := range each {
		if passed && o.Class == subfive.Misconfigured { // others passed, so that it is about these clicks
			each[i].Class, each[i].Named = subfive.Rejected, true
		}
	}
	return forwarders.Result{Each: each}
}

// refusedAll judges an error of the whole request, of which nothing was done. An
// error in no row holds for all; where rows are named the others are innocent.
func refusedAll(n int, a forwarders.Answer, e refusal) forwarders.Result {
	whole := refused(n, a, e)
	if len(e.failures()) == 0 {
		return whole
	}
	base := subfive.Outcome{
		Class: statusWord(e.Status, a.Status, e.Code), HTTP: a.Status, Code: e.Status,
		TraceID: firstOf(a.Header.Get("Request-Id"), e.requestID()),
	}
	found := faultsOf(n, base, a, e)
	worst := found.vague
	for _, i := range slices.Sorted(maps.Keys(found.rows)) {
		if o := found.rows[i]; o.Class != subfive.Rejected && o.Class != subfive.Deferred && o.Class != subfive.Accepted {
			worst = &o
		}
	}
	if worst != nil {
		worst.Ambiguous = worst.Class == subfive.Transient && a.Status >= 500 && a.Status != 503
		return forwarders.Result{All: *worst}
	}
	each := make([]subfive.Outcome, n)
	for i := range each {
		o, guilty := found.rows[i]
		if !guilty {
			o = base
			o.Class, o.Message = subfive.Deferred, innocent
		}
		o.Named = o.Class == subfive.Rejected
		each[i] = o
	}
	return forwarders.Result{Each: each}
}

// failures are the errors in Google Ads' own shape, whose type bears the
// version.
func (e refusal) failures() []adsError {
	var all []adsError
	for _, d := range e.Details {
		if strings.HasSuffix(d.Type, ".GoogleAdsFailure") {
			all = append(all, d.Errors...)
		}
	}
	return all
}

func (e refusal) requestID() string {
	for _, d := range e.Details {
		if id := firstOf(d.RequestID, d.Metadata["requestId"]); id != "" {
			return id
		}
	}
	return ""
}
