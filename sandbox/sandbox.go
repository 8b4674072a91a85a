// Package sandbox holds strict stand-ins for the outside world, so that the
// whole loop runs on one machine without an account: the platforms that we tell
// about conversions, a sink for webhooks, and a simulator of Everflow that
// fires postbacks, retries them and turns them off as Everflow does.
//
// A stand-in is at least as strict as the platform: where the real one silently
// ignores a mistake, this one refuses it, so that a test fails instead of a
// campaign. It can be told to misbehave in every way that a platform was seen
// to, see [Modes].
//
// It is not for production traffic, it is no model of a platform's attribution,
// and it knows nothing of this program: whoever uses it compares what it
// recorded with what should have arrived.
package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Server is all stand-ins behind one address.
type Server struct {
	Meta       *Meta
	TikTok     *TikTok
	Reddit     *Reddit
	Google     *Google
	GoogleAuth *GoogleAuth
	Sheets     *Sheets
	Hook       *Hook
	Everflow   *EverflowAPI
}

// New returns a server with every stand-in. now is the clock that ages of
// events and deduplication are judged by.
func New(now func() time.Time, meta MetaConfig) *Server {
	s := &Server{Meta: NewMeta(now, meta), TikTok: NewTikTok(now, TikTokConfig{Keep: meta.Keep}), Reddit: NewReddit(now, RedditConfig{Keep: meta.Keep}), Google: NewGoogle(now, GoogleConfig{Keep: meta.Keep}), Sheets: NewSheets(now, SheetsConfig{Keep: meta.Keep}), Hook: NewHook(now, meta.Keep)}
	s.GoogleAuth = NewGoogleAuth(s.Google)
	s.Everflow = NewEverflowAPI(now)
	return s
}

// Handler serves the stand-ins and, below /_sandbox/, what a person needs: an
// index, the records, and the switches for failures. A platform keeps its real
// path, so that a client only changes the host. Whoever can reach it can switch
// it: listen on a loopback address.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", s.Meta) // Graph's paths begin with a version: it takes what is nobody's
	mux.Handle("/hook", s.Hook)
	s.TikTok.routes(mux)
	s.Reddit.routes(mux)
	s.Google.routes(mux)
	s.GoogleAuth.routes(mux)
	s.Sheets.routes(mux)
	s.Hook.routes(mux)
	s.Everflow.routes(mux)
	mux.Handle("/hook/", s.Hook)
	mux.HandleFunc("/_sandbox/", s.index)
	control(mux, "meta", s.Meta, func() any { return s.Meta.Requests() })
	mux.HandleFunc("GET /_sandbox/hook/requests", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, s.Hook.Requests())
	})
	mux.HandleFunc("POST /_sandbox/hook/answer", s.answer)
	mux.HandleFunc("POST /_sandbox/reset", s.reset)
	return mux
}

// StandIn says where one of the stand-ins is, and what a destination's settings say
// of it.
type StandIn struct {
	Name     string
	Path     string // below the server's address
	Settings string
	Switches string // the path below which its failures are set and its records are
}

// StandIns lists the stand-ins of a server with their defaults.
func StandIns() []StandIn {
	return []StandIn{
		{"meta", "/v26.0/" + MetaDataset + "/events", "dataset_id " + MetaDataset + ", access_token " + MetaToken, "/_sandbox/meta/"},
		{"tiktok", TikTokPath, "pixel_code " + TikTokPixel + ", access_token " + TikTokToken, "/_sandbox/tiktok/"},
		{"reddit", RedditPath, "pixel_id " + RedditPixel + ", access_token " + RedditToken, "/_sandbox/reddit/"},
		{
			"google", GooglePath, "customer_id " + GoogleCustomer + ", conversion_action_id " + GoogleAction + ", refresh_token " + GoogleRefresh +
				", token_url below the same address: " + GoogleTokenPath, "/_sandbox/google/",
		},
		{"sheets", SheetsPath, "url https://script.google.com" + SheetsPath + ", secret " + SheetsSecret, "/_sandbox/sheets/"},
		{"relay", "/hook", "any url whose path begins with /hook", "/_sandbox/hook/"},
	}
}

// Close ends requests that hang on purpose, so that a server can shut down.
func (s *Server) Close() {
	s.Meta.Clear()
	s.TikTok.Clear()
	s.Reddit.Clear()
	s.Google.Clear()
	s.Sheets.Clear()
	s.Hook.Clear()
	s.Everflow.Clear()
}

const indexText = `subfive sandbox: strict stand-ins, nothing here reaches a real platform

Meta Conversions API
  POST %[1]s/v26.0/%[2]s/events
  access token: %[3]s
Webhook sink
  any method, %[1]s/hook and below

What arrived
  GET  /_sandbox/meta/events      Meta's events: counted, test events, duplicates
  GET  /_sandbox/meta/requests    requests to Meta, without the token
  GET  /_sandbox/hook/requests    requests to the webhook sink

Switches
  POST   /_sandbox/meta/fail      {"mode":"server_error","requests":3}
  GET    /_sandbox/meta/fail      the failures that wait
  DELETE /_sandbox/meta/fail      no failure any more
  POST   /_sandbox/hook/answer    {"status":503,"body":"busy"}
  POST   /_sandbox/reset          forget everything

Failures are used up in the order they were set. "requests" is how many
requests one affects; 0 is until it is deleted. Modes:
`

func (s *Server) index(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/_sandbox/" || r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, "nothing here by that method; GET /_sandbox/ lists what there is", http.StatusNotFound)
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, indexText, "http://"+r.Host, s.Meta.datasets[0], s.Meta.currentToken())
	for _, m := range Modes() {
		fmt.Fprintf(&b, "  %-20s %s\n", m, m.describe())
	}
	fmt.Fprintf(&b, tiktokIndex, "http://"+r.Host, s.TikTok.pixels[0], s.TikTok.currentToken())
	fmt.Fprintf(&b, redditIndex, "http://"+r.Host, s.Reddit.pixels[0], s.Reddit.currentToken())
	fmt.Fprintf(&b, googleIndex, "http://"+r.Host, s.Google.currentToken(), GoogleRefresh)
	fmt.Fprintf(&b, googleAuthIndex, "http://"+r.Host, GoogleClientID, GoogleClientSecret)
	b.WriteString(hookIndex)
	fmt.Fprintf(&b, sheetsIndex, "http://"+r.Host, s.Sheets.deployments[0], s.Sheets.secret)
	fmt.Fprintf(&b, everflowIndex, "http://"+r.Host)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	reply(w, []byte(b.String()))
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	var a HookAnswer
	err := readControl(w, r, &a)
	if err == nil {
		err = s.Hook.Answer(a)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	writeJSON(w, a)
}

func (s *Server) reset(w http.ResponseWriter, _ *http.Request) {
	s.Meta.Reset()
	s.TikTok.Reset()
	s.Reddit.Reset()
	s.Google.Reset()
	s.Sheets.Reset()
	s.Hook.Reset()
	s.Everflow.Reset()
	w.WriteHeader(http.StatusNoContent)
}

// readControl decodes a switch's JSON; an unknown key is an error.
func readControl(w http.ResponseWriter, r *http.Request, into any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("read the switch: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("read the switch: more than one JSON value")
	}
	return nil
}

func writeJSON(w http.ResponseWriter, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	reply(w, b)
}

// reply writes a body. That the client has left is its own business, and with
// some failures the point.
func reply(w io.Writer, b []byte) bool {
	_, err := w.Write(b)
	return err == nil
}

// bounded appends v and forgets the oldest beyond keep; 0 keeps all.
func bounded[T any](list []T, v T, keep int) []T {
	list = append(list, v)
	if keep > 0 && len(list) > keep {
		clear(list[:len(list)-keep]) // append moves the rest when it runs out of room
		list = list[len(list)-keep:]
	}
	return list
}
