package sandbox

import "net/http"

// controlled is a stand-in that can be switched and tells what it got.
type controlled interface {
	Fail(f Failure) error
	Failures() []Failure
	Clear()
	Events() []Event
	TestEvents() []Event
	Duplicates() []Event
}

// control adds a stand-in's switches and records to a mux, below /_sandbox/ and its
// name. requests returns what it was sent.
func control(mux *http.ServeMux, name string, s controlled, requests func() any) {
	at := " /_sandbox/" + name + "/"
	failures := func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, s.Failures()) }
	mux.HandleFunc("GET"+at+"fail", failures)
	mux.HandleFunc("POST"+at+"fail", func(w http.ResponseWriter, r *http.Request) {
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
	mux.HandleFunc("DELETE"+at+"fail", func(w http.ResponseWriter, r *http.Request) {
		s.Clear()
		failures(w, r)
	})
	mux.HandleFunc("GET"+at+"events", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string][]Event{"events": s.Events(), "test_events": s.TestEvents(), "duplicates": s.Duplicates()})
	})
	mux.HandleFunc("GET"+at+"requests", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, requests()) })
}
