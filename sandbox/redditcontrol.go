package sandbox

import "net/http"

// redditIndex is its part of the index; the address, the pixel and the token go
// into it.
const redditIndex = `
Reddit Conversions API, switches of the same kind below /_sandbox/reddit/
  POST %[1]s/api/v3/pixels/%[2]s/conversion_events
  pixel: %[2]s, bearer token: %[3]s
  GET  /_sandbox/reddit/events, /_sandbox/reddit/requests
  GET, POST, DELETE  /_sandbox/reddit/fail
  the throttle modes are 429 without Retry-After; poison knows event_ids alone
`

// routes adds the stand-in and its switches to a mux.
func (s *Reddit) routes(mux *http.ServeMux) {
	mux.Handle("/api/v3/", s)
	mux.Handle("/api/v2.0/", s)
	control(mux, "reddit", s, func() any { return s.Requests() })
}
