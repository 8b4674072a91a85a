package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const adsFailureType = "type.googleapis.com/google.ads.googleads.v25.errors.GoogleAdsFailure"

// adsRefusal is an error of a whole request, in Google Ads' own shape if it has
// a group.
type adsRefusal struct {
	googleError
	group, code string
	retryDelay  time.Duration
}

func adsStatus(status int, word, message string) *adsRefusal {
	return &adsRefusal{googleError: googleError{status: status, word: word, message: message}}
}

func adsRefuse(status int, word, group, code, message string) *adsRefusal {
	r := adsStatus(status, word, message)
	r.group, r.code = group, code
	return r
}

func (e *adsRefusal) adsBody() []byte {
	if e.group == "" {
		return e.body()
	}
	one := map[string]any{"errorCode": map[string]any{e.group: e.code}, "message": e.message}
	if e.group == "quotaError" {
		quota := map[string]any{"rateScope": "ACCOUNT", "rateName": "Requests per minute"}
		if e.retryDelay > 0 {
			quota["retryDelay"] = strconv.Itoa(int(e.retryDelay/time.Second)) + "s"
		}
		one["details"] = map[string]any{"quotaErrorDetails": quota}
	}
	return encodeAds(map[string]any{"error": map[string]any{
		"code": e.status, "message": "Request contains an invalid argument.", "status": e.word,
		"details": []any{map[string]any{"@type": adsFailureType, "errors": []any{one}, "requestId": "sandbox"}},
	}})
}

func encodeAds(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return []byte(`{"error":{"code":500,"status":"INTERNAL"}}`) // what was JSON always encodes
	}
	return b
}

// answerAds says what came of a request, or does what the failure f demands.
func (s *Google) answerAds(w http.ResponseWriter, c adsCall, refusal *adsRefusal, f Failure, released <-chan struct{}) {
	switch f.Mode {
	case ModeRefuse:
		s.record(c.googleCall, f, 0, "", "")
		reset(w)
	case ModeHang:
		s.record(c.googleCall, f, 0, "", "")
		hang(w, c.r, released)
	case ModeHTML:
		s.record(c.googleCall, f, http.StatusBadGateway, "", "")
		htmlError(w)
	case ModeServerError, ModeRetryAfter, ModeRetryAfterDate, ModeRetryAfterJunk, ModeTooMany,
		ModeThrottleApp, ModeThrottleUser, ModeThrottleCase, ModeUnauthorized, ModeMisconfigured, ModeErrorInOK:
		s.refuseAds(w, c, f, adsFailure(w.Header(), f))
	case ModePoison, ModeResetAfter, ModeTruncated, ModeHuge, ModeGzipBomb, ModeWrongCount, ModeSlow, "":
		i, poisoned := f.poisons(c.events)
		switch {
		case refusal != nil: // nothing to keep: an honest answer
		case f.Mode == ModePoison && poisoned && i < 0:
			refusal = adsRefuse(http.StatusBadRequest, "INVALID_ARGUMENT", uploadGroup, "TOO_MANY_CONVERSIONS_IN_REQUEST", "Too many conversions in the request.")
		default:
			s.takeAds(w, c, f)
			return
		}
		s.refuseAds(w, c, f, refusal)
	}
}

func (s *Google) refuseAds(w http.ResponseWriter, c adsCall, f Failure, e *adsRefusal) {
	s.record(c.googleCall, f, e.status, firstText(e.code, e.text()), "")
	w.Header().Set("Request-Id", "sandbox")
	writeRaw(w, e.status, e.adsBody())
}

func firstText(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// adsFailure is what a failure answers, with its headers set. Google Ads says in
// the error how long to wait.
func adsFailure(h http.Header, f Failure) *adsRefusal {
	busy := adsRefuse(http.StatusTooManyRequests, "RESOURCE_EXHAUSTED", "quotaError", "RESOURCE_TEMPORARILY_EXHAUSTED", "Too many requests. Retry later.")
	switch f.Mode {
	case ModeRetryAfter, ModeRetryAfterDate:
		busy.retryDelay = f.wait(5 * time.Second)
		return busy
	case ModeRetryAfterJunk:
		h.Set("Retry-After", "soon, -1; NaN")
		return busy
	case ModeTooMany, ModeThrottleApp, ModeThrottleUser, ModeThrottleCase:
		return busy
	case ModeUnauthorized:
		return adsRefuse(http.StatusUnauthorized, "UNAUTHENTICATED", "authenticationError", "OAUTH_TOKEN_INVALID", "Request had invalid authentication credentials.")
	case ModeMisconfigured:
		return adsRefuse(http.StatusForbidden, "PERMISSION_DENIED", "authorizationError", "USER_PERMISSION_DENIED", "User doesn't have permission to access customer.")
	case ModeErrorInOK:
		return adsStatus(http.StatusOK, "INTERNAL", "Internal error encountered.")
	case ModeServerError, ModeRefuse, ModeHang, ModeResetAfter, ModeHTML, ModePoison, ModeTruncated, ModeHuge, ModeGzipBomb, ModeWrongCount, ModeSlow:
	}
	status, word := http.StatusInternalServerError, "INTERNAL"
	if f.Status != 0 {
		status = f.Status
	}
	if status == http.StatusServiceUnavailable {
		word = "UNAVAILABLE"
	}
	return adsRefuse(status, word, "internalError", "TRANSIENT_ERROR", "Internal error encountered.")
}

// takeAds does the rows one by one and says what became of each, or spoils the
// answer.
func (s *Google) takeAds(w http.ResponseWriter, c adsCall, f Failure) {
	rows := len(c.rows)
	if f.Mode == ModeWrongCount {
		c.rows, c.events = c.rows[:rows-1], c.events[:rows-1]
	}
	results, faults, late := s.doAds(c, f)
	body := map[string]any{"jobId": "2147483649"}
	if !c.validate {
		body["results"] = results
	}
	if e := adsPartial(c.adjusts, faults); e != nil {
		body["partialFailureError"] = e
	}
	w.Header().Set("Request-Id", "sandbox")
	if late != 0 {
		s.refuseAds(w, c, f, adsRefuse(late, "INTERNAL", "internalError", "INTERNAL_ERROR", "Internal error encountered."))
		return
	}
	status := http.StatusOK
	if f.Mode == ModeResetAfter {
		status = 0
	}
	s.record(c.googleCall, f, status, "", "")
	s.write(w, f, encodeAds(body))
}

// adsPartial is the error that tells what is wrong with which row, nil for
// nothing.
func adsPartial(adjusts bool, faults []adsFaults) map[string]any {
	field := "conversions"
	if adjusts {
		field = "conversionAdjustments"
	}
	var errors []any
	for i, row := range faults {
		for _, f := range row {
			element := map[string]any{"fieldName": field}
			if i > 0 { // proto3 leaves a zero out
				element["index"] = i
			}
			errors = append(errors, map[string]any{
				"errorCode": map[string]any{f.group: f.code}, "message": f.message,
				"location": map[string]any{"fieldPathElements": []any{element}},
			})
		}
	}
	if errors == nil {
		return nil
	}
	return map[string]any{
		"code": 3, "message": "Multiple errors in ‘details’.",
		"details": []any{map[string]any{"@type": adsFailureType, "errors": errors, "requestId": "sandbox"}},
	}
}

// doAds judges all rows against what is there before the request, and then does
// the good ones.
func (s *Google) doAds(c adsCall, f Failure) (results []any, faults []adsFaults, late int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	set := &s.ads.set
	if set.Requests > 0 {
		late = set.Late
		if set.Requests--; set.Requests == 0 {
			set.Late = 0
		}
	}
	faults, results = make([]adsFaults, len(c.rows)), make([]any, len(c.rows))
	for i, row := range c.rows {
		if set.Rows > 0 {
			faults[i].add(true, groupOf(c.adjusts), set.Error, "As it was set.")
			if set.Rows--; set.Rows == 0 {
				set.Error = ""
			}
			continue
		}
		if c.adjusts {
			faults[i] = s.adjustmentFaults(row, c.at)
		} else {
			faults[i] = s.conversionFaults(row, c.at)
		}
		_, bad := f.poisons(c.events[i : i+1])
		faults[i].add(f.Mode == ModePoison && bad, groupOf(c.adjusts), "ORDER_ID_CONTAINS_PII", "The row is refused.")
	}
	s.ads.twice(c, faults)
	for i, row := range c.rows {
		results[i] = map[string]any{}
		if len(faults[i]) == 0 {
			faults[i] = s.doRow(c, i, row)
		}
		if len(faults[i]) == 0 {
			results[i] = resultOf(row)
		}
	}
	return results, faults, late
}

func groupOf(adjusts bool) string {
	if adjusts {
		return adjustGroup
	}
	return uploadGroup
}

// twice blames the rows that are in the request twice: Google does neither.
func (s *adsState) twice(c adsCall, faults []adsFaults) {
	orders, clicks, changes := make([]string, len(c.rows)), make([]string, len(c.rows)), make([]string, len(c.rows))
	for i, row := range c.rows {
		orders[i], clicks[i] = c.events[i].EventID, clickOf(row)
		changes[i] = fmt.Sprint(c.events[i].EventID, " ", c.events[i].EventName, " ", c.events[i].EventTime)
	}
	if c.adjusts {
		for _, i := range twins(changes) {
			faults[i].add(true, adjustGroup, "DUPLICATE_ADJUSTMENT_IN_REQUEST", "The change is in the request twice.")
		}
		return
	}
	for _, i := range twins(orders) {
		faults[i].add(true, uploadGroup, "DUPLICATE_ORDER_ID", "The order ID is in the request twice.")
	}
	for _, i := range twins(clicks) {
		faults[i].add(true, uploadGroup, "DUPLICATE_CLICK_CONVERSION_IN_REQUEST", "The click and time are in the request twice.")
	}
}

// doRow does one good row, unless what is there forbids it.
func (s *Google) doRow(c adsCall, i int, row map[string]any) adsFaults {
	e, st := c.events[i], &s.ads
	if !c.adjusts {
		made := &AdsConversion{Event: e, click: clickOf(row)}
		if f := st.known(made); len(f) > 0 {
			st.again = bounded(st.again, e, s.config.Keep)
			return f
		}
		if c.validate {
			st.tests = bounded(st.tests, e, s.config.Keep)
			return nil
		}
		st.conversions = bounded(st.conversions, made, s.config.Keep)
		return nil
	}
	of, f := st.adjustable(e, c.at)
	switch {
	case len(f) > 0:
		return f
	case c.validate:
		st.tests = bounded(st.tests, e, s.config.Keep)
	case e.EventName == "RETRACTION":
		of.Retracted, of.AdjustedAt = true, time.Unix(e.EventTime, 0).UTC()
	default:
		of.Value, of.Currency, of.AdjustedAt = e.Value, e.Currency, time.Unix(e.EventTime, 0).UTC()
	}
	return nil
}

// clickOf is a row's click with its time, "" without a click ID.
func clickOf(row map[string]any) string {
	for _, key := range []string{"gclid", "gbraid", "wbraid"} {
		if id, _ := row[key].(string); id != "" {
			return fmt.Sprint(key, " ", id, " ", row["conversionDateTime"])
		}
	}
	return ""
}

// resultOf is what Google says of a row that it took.
func resultOf(row map[string]any) map[string]any {
	result := map[string]any{}
	for key, v := range row {
		if !strings.HasSuffix(key, "Value") && key != "currencyCode" && key != "consent" {
			result[key] = v
		}
	}
	return result
}
