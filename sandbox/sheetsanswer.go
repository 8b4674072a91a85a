package sandbox

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// sheetsLogin is where Google sends whoever must log in.
const sheetsLogin = "https://accounts.google.com/ServiceLogin?service=wise&continue="

// answer says what came of a request, or does what the failure f demands.
func (s *Sheets) answer(w http.ResponseWriter, c sheetsCall, refusal *sheetsError, f Failure, released <-chan struct{}) {
	switch f.Mode {
	case ModeRefuse:
		s.record(c, f, 0, "")
		reset(w)
	case ModeHang:
		s.record(c, f, 0, "")
		hang(w, c.r, released)
	case ModeHTML:
		s.record(c, f, http.StatusBadGateway, "")
		htmlError(w)
	case ModeServerError, ModeRetryAfter, ModeRetryAfterDate, ModeRetryAfterJunk, ModeTooMany,
		ModeThrottleApp, ModeThrottleUser, ModeThrottleCase, ModeUnauthorized, ModeMisconfigured, ModePoison, ModeErrorInOK:
		s.refuse(w, c, f, sheetsFailure(w.Header(), c, f))
	case ModeResetAfter, ModeTruncated, ModeHuge, ModeGzipBomb, ModeWrongCount, ModeSlow, "":
		if refusal != nil {
			s.refuse(w, c, f, refusal)
			return
		}
		s.write(w, c, f)
	}
}

// write keeps the rows and redirects to the script's words. Only there do some
// failures show.
func (s *Sheets) write(w http.ResponseWriter, c sheetsCall, f Failure) {
	kept := c.events
	if f.Mode == ModeWrongCount {
		kept = kept[:len(kept)-1]
	}
	written := s.keepRows(kept)
	words := fmt.Appendf(nil, `{"ok":true,"received":%d,"written":%d}`, len(kept), written)
	s.redirect(w, c, f, sheetsWords{words, f.Mode}, "")
}

// redirect answers with the way to the script's words.
func (s *Sheets) redirect(w http.ResponseWriter, c sheetsCall, f Failure, words sheetsWords, word string) {
	base := s.echoURL
	if base == "" {
		base = "http://" + c.r.Host
		if c.r.TLS != nil {
			base = "https://" + c.r.Host
		}
	}
	w.Header().Set("Location", base+sheetsEcho+"?user_content_key="+s.wait(words)+"&lib=MSANDBOX")
	s.record(c, f, http.StatusFound, word)
	writePage(w, http.StatusFound, "Moved Temporarily")
}

// wait keeps words under a fresh key until they are fetched.
func (s *Sheets) wait(words sheetsWords) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers++
	key := "sandbox" + strconv.Itoa(s.answers)
	s.waiting[key] = words
	s.order = append(s.order, key)
	if len(s.order) > sheetsWaiting {
		delete(s.waiting, s.order[0])
		s.order = s.order[1:]
	}
	return key
}

// speak hands out the script's words, or spoils them.
func (s *Sheets) speak(w http.ResponseWriter, c sheetsCall, words sheetsWords) {
	f := Failure{Mode: words.mode}
	if words.mode == ModeResetAfter {
		s.record(c, f, 0, "")
		reset(w)
		return
	}
	s.record(c, f, http.StatusOK, "")
	const head, tail = `{"ok":true,"message":"`, `"}`
	switch words.mode {
	case ModeTruncated:
		truncated(w, words.body)
	case ModeHuge:
		huge(w, head, tail)
	case ModeGzipBomb:
		gzipBomb(w, head, tail)
	case ModeWrongCount, ModeSlow, "", ModeResetAfter, ModeRefuse, ModeHang, ModeServerError, ModeHTML, ModeRetryAfter,
		ModeRetryAfterDate, ModeRetryAfterJunk, ModeTooMany, ModeThrottleApp, ModeThrottleUser, ModeThrottleCase,
		ModeUnauthorized, ModeMisconfigured, ModePoison, ModeErrorInOK:
		writeRaw(w, http.StatusOK, words.body)
	}
}

// refuse answers with an error: the script's comes by the redirect too.
func (s *Sheets) refuse(w http.ResponseWriter, c sheetsCall, f Failure, e *sheetsError) {
	message := strings.ReplaceAll(e.message, s.secret, "***")
	switch {
	case e.login:
		w.Header().Set("Location", sheetsLogin+url.QueryEscape("https://script.google.com"+c.r.URL.Path))
		s.page(w, c, f, http.StatusFound, "Moved Temporarily")
	case e.status != 0:
		s.page(w, c, f, e.status, message)
	default:
		words, err := json.Marshal(struct {
			OK      bool   `json:"ok"`
			Error   string `json:"error"`
			Message string `json:"message"`
		}{Error: e.word, Message: message})
		if err != nil {
			words = []byte(`{"ok":false,"error":"failed"}`) // texts always encode
		}
		s.redirect(w, c, f, sheetsWords{body: words}, e.word)
	}
}

// sheetsFailure is what a failure answers, with its headers set. The phrases of
// the pages are those that Apps Script was seen to use.
func sheetsFailure(h http.Header, c sheetsCall, f Failure) *sheetsError {
	tooMany := &sheetsError{status: http.StatusTooManyRequests, message: "Too Many Requests"}
	switch f.Mode {
	case ModeRetryAfter:
		h.Set("Retry-After", strconv.Itoa(int(f.wait(5*time.Second)/time.Second)))
		return tooMany
	case ModeRetryAfterDate:
		h.Set("Retry-After", c.at.Add(f.wait(5*time.Second)).UTC().Format(http.TimeFormat))
		return tooMany
	case ModeRetryAfterJunk:
		h.Set("Retry-After", "soon, -1; NaN")
		return tooMany
	case ModeTooMany:
		return tooMany
	case ModeThrottleApp:
		return &sheetsError{status: http.StatusOK, message: "There are too many scripts running simultaneously for this Google user account."}
	case ModeThrottleUser:
		return &sheetsError{status: http.StatusOK, message: "Service invoked too many times for one day: spreadsheet."}
	case ModeThrottleCase:
		return &sheetsError{word: "busy", message: "others were writing for 15 seconds"}
	case ModeUnauthorized:
		return &sheetsError{word: "bad_secret", message: "the secret is not the script's"}
	case ModeMisconfigured:
		return &sheetsError{status: http.StatusFound, login: true}
	case ModePoison:
		i, _ := f.poisons(c.events)
		if i < 0 {
			return badRows("rows: more than %d of them", f.MaxEvents)
		}
		return badRows("rows.%d: the row is refused", i)
	case ModeErrorInOK:
		return &sheetsError{status: http.StatusOK, message: `TypeError: Cannot read properties of null (line 31, file "Code")`}
	case ModeServerError, ModeRefuse, ModeHang, ModeResetAfter, ModeHTML, ModeTruncated, ModeHuge, ModeGzipBomb, ModeWrongCount, ModeSlow:
	}
	status := http.StatusInternalServerError
	if f.Status != 0 {
		status = f.Status
	}
	return &sheetsError{status: status, message: "Sorry, a server error occurred."}
}

// page records a request and answers it with a page of Google's.
func (s *Sheets) page(w http.ResponseWriter, c sheetsCall, f Failure, status int, text string) {
	s.record(c, f, status, text)
	writePage(w, status, text)
}

func writePage(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	reply(w, []byte("<!DOCTYPE html><html><head><title>"+http.StatusText(status)+"</title></head><body><div>"+html.EscapeString(text)+"</div></body></html>\n"))
}

// keepRows writes the rows whose ID is new, and returns how many they are.
func (s *Sheets) keepRows(rows []Event) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	written := 0
	for _, e := range rows {
		switch {
		case s.seen[e.EventID]:
			s.duplicates = bounded(s.duplicates, e, s.keep)
			continue
		case e.TestCode != "":
			s.tests = bounded(s.tests, e, s.keep)
		default:
			s.rows = bounded(s.rows, e, s.keep)
		}
		s.seen[e.EventID] = true
		written++
	}
	return written
}

func (s *Sheets) record(c sheetsCall, f Failure, status int, word string) {
	header := c.r.Header.Clone()
	for name := range header {
		header[name] = []string{strings.ReplaceAll(header.Get(name), s.secret, "***")}
	}
	request := SheetsRequest{
		ReceivedAt: c.at, Method: c.r.Method, Path: c.r.URL.Path, Header: header,
		Body: strings.ReplaceAll(string(c.body), s.secret, "***"), Events: len(c.events),
		Failure: f.Mode, Status: status, Error: word,
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = bounded(s.requests, request, s.keep)
}
