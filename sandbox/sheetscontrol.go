package sandbox

import "net/http"

// sheetsIndex is its part of the index; the address, the deployment and the
// secret go into it.
const sheetsIndex = `
Google Sheet by Apps Script, switches of the same kind below /_sandbox/sheets/
  POST %[1]s/macros/s/%[2]s/exec, which redirects to ` + sheetsEcho + `
  secret in the body: %[3]s
  GET  /_sandbox/sheets/events, /_sandbox/sheets/requests
  GET, POST, DELETE  /_sandbox/sheets/fail
  what keeps the rows spoils the second answer; the throttle modes are two pages of Google's and the script's "busy"
`

// routes adds the stand-in and its switches to a mux.
func (s *Sheets) routes(mux *http.ServeMux) {
	mux.Handle("/macros/", s)
	control(mux, "sheets", s, func() any { return s.Requests() })
}
