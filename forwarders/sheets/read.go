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
		return subfive.Outcome{
			Class: subfive.Transient, Ambiguous: true, Code: "wrong_count",
			Message: "the script received " + strconv.Itoa(*r.Received) + " of " + strconv.Itoa(n) + " rows",
		}
	}
	o := subfive.Outcome{Class: subfive.Transient, Ambiguous: true, Code: r.Error, Message: r.Message}
	switch r.Error {
	case "bad_secret":
		o.Class, o.Ambiguous = subfive.Unauthorized, false
	case "bad_request":
		o.Class, o.Ambiguous = subfive.Rejected, false
	case "no_secret", "no_id_column":
		o.Class, o.Ambiguous = subfive.Misconfigured, false
	case "busy":
		o.Class, o.Ambiguous = subfive.Throttled, false
	case "":
		o.Code = "not_ok"
	}
	return o
}

// pages are phrases of Google's pages that tell more than "something failed".
// They are not documented; a page in other words is transient.
var pages = []struct {
	phrase string
	class  subfive.Class
	code   string
}{
	{"script function not found", subfive.Misconfigured, "no_function"},
	{"authorization is required", subfive.Misconfigured, "not_authorized"},
	{"you do not have permission", subfive.Misconfigured, "not_authorized"},
	{"you need access", subfive.Misconfigured, "not_authorized"},
	{"accounts.google.com/", subfive.Misconfigured, "login"},
	{"too many scripts running simultaneously", subfive.Throttled, "too_many_at_once"},
	{"service invoked too many times", subfive.Throttled, "quota"},
	{"service using too much computer time", subfive.Throttled, "quota"},
}

// page reads a page that came instead of the script's words.
func page(body []byte) subfive.Outcome {
	text := strings.ToLower(string(body))
	for _, p := range pages {
		if strings.Contains(text, p.phrase) {
			return subfive.Outcome{Class: p.class, Code: p.code, Message: excerpt(body)}
		}
	}
	return subfive.Outcome{Class: subfive.Transient, Ambiguous: true, Code: "not_json", Message: excerpt(body)}
}

// byStatus reads an answer that is none of the script's.
func byStatus(a forwarders.Answer) subfive.Outcome {
	o := subfive.Outcome{Class: subfive.Transient, Ambiguous: true, Code: "http_" + strconv.Itoa(a.Status), Message: excerpt(a.Body)}
	switch {
	case a.Status >= 300 && a.Status < 400:
		return redirect(a)
	case a.Status == http.StatusTooManyRequests:
		o.Class, o.Ambiguous = subfive.Throttled, false
	case a.Status == http.StatusRequestEntityTooLarge:
		o.Class, o.Ambiguous = subfive.Rejected, false
	case a.Status == http.StatusUnauthorized, a.Status == http.StatusForbidden:
		o.Class, o.Message = subfive.Misconfigured, "Google refuses us: deploy the script again with access for Anyone"
	case a.Status == http.StatusNotFound, a.Status == http.StatusGone:
		o.Class, o.Message = subfive.Misconfigured, "there is no such deployment: copy the URL that ends in /exec anew"
	}
	return o
}

// redirect reads a redirect that was not followed.
func redirect(a forwarders.Answer) subfive.Outcome {
	o := subfive.Outcome{Class: subfive.Transient, Ambiguous: true, Code: "redirect", Message: "the answer was a redirect that is not followed"}
	to, err := url.Parse(a.Header.Get("Location"))
	switch {
	case err != nil || to.Host == "":
	case strings.EqualFold(to.Hostname(), "accounts.google.com"):
		o = subfive.Outcome{
			Class: subfive.Misconfigured, Code: "login",
			Message: "Google asks for a login: deploy the script again, executed as Me and with access for Anyone",
		}
	default:
		o.Message = "the answer was a redirect to " + to.Hostname() + ", which is not followed"
	}
	return o
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
