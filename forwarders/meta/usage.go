package meta

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// fullAt is the share of a limit, in percent, at which we slow down though
	// Meta still accepts, and restFor for how long if Meta does not say.
	fullAt  = 95
	restFor = 10 * time.Minute
)

// usage is what one answer says about one limit.
type usage struct {
	percent float64
	regain  time.Duration // until we may call again; 0: not said
}

// nearLimit returns how long to slow down after a success: not at all, unless a
// limit is nearly used up.
func nearLimit(h http.Header) time.Duration {
	var wait time.Duration
	for _, u := range usages(h) {
		if u.percent < fullAt && u.regain == 0 {
			continue
		}
		rest := u.regain
		if rest == 0 {
			rest = restFor
		}
		wait = max(wait, rest)
	}
	return wait
}

// regain returns how long Meta says a reached limit lasts; 0 if it does not.
func regain(h http.Header) time.Duration {
	var wait time.Duration
	for _, u := range usages(h) {
		wait = max(wait, u.regain)
	}
	return wait
}

// usages reads the headers in which Meta tells what is used of the limits. One
// that can't be read says nothing.
func usages(h http.Header) []usage {
	var all []usage
	var app struct {
		Calls float64 `json:"call_count"`
		Time  float64 `json:"total_time"`
		CPU   float64 `json:"total_cputime"`
	}
	if json.Unmarshal([]byte(h.Get("X-App-Usage")), &app) == nil {
		all = append(all, usage{percent: max(app.Calls, app.Time, app.CPU)})
	}
	var account struct {
		Percent float64 `json:"acc_id_util_pct"`
		Reset   float64 `json:"reset_time_duration"` // seconds
	}
	if json.Unmarshal([]byte(h.Get("X-Ad-Account-Usage")), &account) == nil {
		u := usage{percent: account.Percent}
		if u.percent >= fullAt {
			u.regain = duration(account.Reset, time.Second)
		}
		all = append(all, u)
	}
	var business map[string][]struct {
		Calls  float64 `json:"call_count"`
		Time   float64 `json:"total_time"`
		CPU    float64 `json:"total_cputime"`
		Regain float64 `json:"estimated_time_to_regain_access"` // minutes
	}
	if json.Unmarshal([]byte(h.Get("X-Business-Use-Case-Usage")), &business) == nil {
		for _, cases := range business {
			for _, c := range cases {
				all = append(all, usage{max(c.Calls, c.Time, c.CPU), duration(c.Regain, time.Minute)})
			}
		}
	}
	return all
}

// duration returns n units, at most maxAge: more can't matter, and would
// overflow.
func duration(n float64, unit time.Duration) time.Duration {
	if math.IsNaN(n) || n <= 0 {
		return 0
	}
	return time.Duration(min(n*float64(unit), float64(maxAge)))
}

// retryAfter reads a Retry-After header, in seconds or as a date. Meta does not
// document it; gateways before it send it.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.ParseUint(text, 10, 64); err == nil {
		return duration(float64(n), time.Second)
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return max(0, at.Sub(now))
}
