package sheets

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"subfive"
	"subfive/forwarders"
)

// reply is what the script says.
type reply struct {
	OK       *bool  `json:"ok"`
	Error    string `json:"error"`
	Message  string `json:"message"`
	Received *int   `json:"received"` // rows; a script of one's own may leave it out
}

// Read goes by the script's own words: whatever comes from it comes with 200,
// and a page instead of them is Google's. The script runs before Google
// redirects to its words, so that whatever else is answered, the rows may be
// written: sent again they are found by their ID.
func (f *forwarder) Read(n int, a forwarders.Answer) forwarders.Result {
	var r reply
	switch {
	case a.Err != nil:
		return all(subfive.Outcome{Class: subfive.Transient, Ambiguous: a.Sent, Code: "no_answer"})
	case a.Status == http.StatusOK && json.Unmarshal(a.Body, &r) == nil && r.OK != nil:
		return all(said200(r, n))
	case a.Status == http.StatusOK:
		return all(page(a.Body))
	}
	return all(byStatus(a))
}

func all(o subfive.Outcome) forwarders.Result { return forwarders.Result{All: o} }

// said200 reads the script's answer to n rows.
func said200(r reply, n int) subfive.Outcome {
	switch {
	case *r.OK && (r.Received == nil || *r.Received == n):
		return subfive.Outcome{Class: subfive.Accepted}
	case *r.OK:
		return outcome("wrong_count", "the script received "+strconv.Itoa(*r.Received)+" of "+strconv.Itoa(n)+" rows")
	}
	o := outcome(r.Error, r.Message)
	if _, known := forwarders.Find(scriptWords(), r.Error, ""); !known {
		o.Class, o.Ambiguous = subfive.Transient, true // a script of one's own has words of its own
	}
	if r.Error == "" {
		o.Code = "not_ok"
	}
	return o
}

// outcome is what a code of the dictionary means. After anything that passes the
// rows may be written.
func outcome(code, message string) subfive.Outcome {
	o := subfive.Outcome{Class: subfive.Transient, Code: code, Message: message}
	if e, known := forwarders.Find(dictionary(), code, ""); known {
		o.Class = e.Class
	}
	o.Ambiguous = o.Class == subfive.Transient
	return o
}

// pages are phrases of Google's pages that tell more than "something failed".
// They are not documented; a page in other words is transient.
var pages = []struct {
	phrase, code string
}{
	{"script function not found", "no_function"},
	{"authorization is required", "not_authorized"},
	{"you do not have permission", "not_authorized"},
	{"you need access", "not_authorized"},
	{"accounts.google.com/", "login"},
	{"too many scripts running simultaneously", "too_many_at_once"},
	{"service invoked too many times", "quota"},
	{"service using too much computer time", "quota"},
}

// page reads a page that came instead of the script's words.
func page(body []byte) subfive.Outcome {
	text := strings.ToLower(string(body))
	for _, p := range pages {
		if strings.Contains(text, p.phrase) {
			return outcome(p.code, excerpt(body))
		}
	}
	return outcome("not_json", excerpt(body))
}

// byStatus reads an answer that is none of the script's.
func byStatus(a forwarders.Answer) subfive.Outcome {
	if a.Status >= 300 && a.Status < 400 {
		return redirect(a)
	}
	o := outcome("http_"+strconv.Itoa(a.Status), excerpt(a.Body))
	o.Ambiguous = o.Class != subfive.Throttled && o.Class != subfive.Rejected
	return o
}

// redirect reads a redirect that was not followed.
func redirect(a forwarders.Answer) subfive.Outcome {
	to, err := url.Parse(a.Header.Get("Location"))
	switch {
	case err != nil || to.Host == "":
		return outcome("redirect", "the answer was a redirect that is not followed")
	case strings.EqualFold(to.Hostname(), "accounts.google.com"):
		return outcome("login", "Google asks for a login")
	}
	return outcome("redirect", "the answer was a redirect to "+to.Hostname()+", which is not followed")
}

var tag = regexp.MustCompile(`(?s)<(?:script|style)\b.*?</(?:script|style)>|<[^>]*>`)

// excerpt returns the beginning of a page's text.
func excerpt(body []byte) string {
	const most, looked = 200, 16 << 10
	text := string(body[:min(len(body), looked)])
	text = strings.Join(strings.Fields(html.UnescapeString(tag.ReplaceAllString(text, " "))), " ")
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most])
	}
	return text
}
