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
	control(mux, "tiktok", s, func() any { return s.Requests() })
}
