package sandbox

import "net/http"

// tiktokIndex is its part of the index; the address, the pixel and the token go
// into it.
const tiktokIndex = `
TikTok Events API, switches of the same kind below /_sandbox/tiktok/
  POST %[1]s` + TikTokPath + `
  pixel code: %[2]s, Access-Token: %[3]s
  GET  /_sandbox/tiktok/events, /_sandbox/tiktok/requests
  GET, POST, DELETE  /_sandbox/tiktok/fail
  wrong_count is code 20001, a partial success; the throttle modes are code 40100 for a second, a minute, a day
`

// routes adds the stand-in and its switches to a mux.
func (s *TikTok) routes(mux *http.ServeMux) {
	mux.Handle("/open_api/", s)
	failures := func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, s.Failures()) }
	mux.HandleFunc("GET /_sandbox/tiktok/fail", failures)
	mux.HandleFunc("POST /_sandbox/tiktok/fail", func(w http.ResponseWriter, r *http.Request) {
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
	mux.HandleFunc("DELETE /_sandbox/tiktok/fail", func(w http.ResponseWriter, r *http.Request) {
		s.Clear()
		failures(w, r)
	})
	mux.HandleFunc("GET /_sandbox/tiktok/events", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string][]Event{"events": s.Events(), "test_events": s.TestEvents(), "duplicates": s.Duplicates()})
	})
	mux.HandleFunc("GET /_sandbox/tiktok/requests", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, s.Requests())
	})
}
