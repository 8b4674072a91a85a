package sandbox

import (
	"net/http"
	"slices"
)

// googleIndex is its part of the index; the address and the tokens go into it.
const googleIndex = `
Google Data Manager API, switches of the same kind below /_sandbox/google/
  POST %[1]s/v1/events:ingest
  GET  %[1]s/v1/requestStatus:retrieve?requestId=…
  customer_id 1234567890, conversion_action_id 6543210987, bearer token: %[2]s
  token_url: %[1]s/google/token, refresh_token: %[3]s, any client
  GET  /_sandbox/google/events, /_sandbox/google/requests
  GET, POST, DELETE  /_sandbox/google/fail
  POST /_sandbox/google/verdict   {"reason":"PROCESSING_ERROR_REASON_TOO_RECENT_CLICK"}: the next request taken fails so
  POST /_sandbox/google/token    {"token":"another"}: the access token is another from now on
  POST /_sandbox/google/grant    {"revoked":true}: invalid_grant for the refresh token
  the throttle modes are 429 RESOURCE_EXHAUSTED without Retry-After; poison knows event_ids alone

Google Ads API, under the same failures
  POST %[1]s/v25/customers/1234567890:uploadClickConversions and :uploadConversionAdjustments
  GET  /_sandbox/google/ads      conversions and what became of them, tests, repeats
  POST /_sandbox/google/ads      {"error":"TOO_RECENT_EVENT","rows":3}: the next rows get that error
  POST /_sandbox/google/ads      {"late":500,"requests":1}: a 5xx after the rows were taken; {} ends both
  poison refuses its rows alone; retry_after is the error's retryDelay
`

// routes adds the stand-in and its switches to a mux.
func (s *Google) routes(mux *http.ServeMux) {
	for _, path := range []string{GooglePath, GoogleStatusPath, GoogleTokenPath} {
		mux.Handle(path, s)
	}
	for _, version := range slices.Concat(googleAdsRetired, GoogleAdsVersions) {
		mux.Handle("/"+version+"/customers/", s)
	}
	s.adsRoutes(mux)
	failures := func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, s.Failures()) }
	mux.HandleFunc("GET /_sandbox/google/fail", failures)
	mux.HandleFunc("POST /_sandbox/google/fail", func(w http.ResponseWriter, r *http.Request) {
		var f Failure
		err := readControl(w, r, &f)
		if err == nil {
			err = s.Fail(f)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		failures(w, r)
	})
	mux.HandleFunc("DELETE /_sandbox/google/fail", func(w http.ResponseWriter, r *http.Request) {
		s.Clear()
		failures(w, r)
	})
	mux.HandleFunc("POST /_sandbox/google/verdict", func(w http.ResponseWriter, r *http.Request) {
		var v struct {
			Reason string `json:"reason"`
		}
		err := readControl(w, r, &v)
		if err == nil {
			err = s.SetVerdict(v.Reason)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		writeJSON(w, v)
	})
	mux.HandleFunc("POST /_sandbox/google/token", func(w http.ResponseWriter, r *http.Request) {
		var v struct {
			Token string `json:"token"`
		}
		if err := readControl(w, r, &v); err != nil || v.Token == "" {
			http.Error(w, "the switch is {\"token\":\"another\"}", http.StatusBadRequest)
			return
		}
		s.SetToken(v.Token)
		writeJSON(w, v)
	})
	mux.HandleFunc("POST /_sandbox/google/grant", func(w http.ResponseWriter, r *http.Request) {
		var v struct {
			Revoked bool `json:"revoked"`
		}
		if err := readControl(w, r, &v); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.Revoke(v.Revoked)
		writeJSON(w, v)
	})
	mux.HandleFunc("GET /_sandbox/google/events", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string][]Event{"events": s.Events(), "test_events": s.TestEvents(), "duplicates": s.Duplicates()})
	})
	mux.HandleFunc("GET /_sandbox/google/requests", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, s.Requests())
	})
}

// adsRoutes adds the switches that the Google Ads API alone has.
func (s *Google) adsRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /_sandbox/google/ads", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string]any{"conversions": s.AdsConversions(), "test_events": s.AdsTests(), "repeats": s.AdsRepeats()})
	})
	mux.HandleFunc("POST /_sandbox/google/ads", func(w http.ResponseWriter, r *http.Request) {
		var a AdsSwitch
		err := readControl(w, r, &a)
		if err == nil {
			err = s.SetAds(a)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		writeJSON(w, a)
	})
}
