package receiver

import (
	"net/netip"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"subfive"
)

// intake is one request while it is handled.
type intake struct {
	c      *gin.Context
	at     time.Time
	client netip.Addr
	body   []byte
	params []param // of the query, then of the body
	// problems say what of the request could not be read.
	problems []string
	// stored is the ID under which the record is durable; location is where the
	// visitor goes, once that is known.
	stored, location string
	// rescue is where a visitor goes should reading him panic; nil for others.
	rescue func() string
	// endpoint is a postback's, "" for all else.
	endpoint string
	// counts: a network counts how the postback is answered. A probe is none of
	// its own, and a pixel it never switches off.
	counts bool
}

// take reads the request's parameters and body.
func (r *Receiver) take(in *intake) {
	req := in.c.Request
	in.client = r.proxies.clientAddr(req)
	query, tooMany := parseQuery(req.URL.RawQuery, r.words.known)
	body, cutShort := readBody(req)
	form, unread := parseBody(body, req.Header.Get("Content-Type"), r.words.known)
	in.body, in.params = body, append(query, form...)
	if tooMany {
		in.problems = append(in.problems, errTooMany.Error())
	}
	for _, problem := range []string{cutShort, unread} {
		if problem != "" {
			in.problems = append(in.problems, problem)
		}
	}
	if len(in.problems) == 0 && len(in.params) > 0 && !hasValue(in.params) {
		in.problems = append(in.problems, "there is no name=value in it")
	}
}

// hasValue reports whether anything came as name=value. What merely names
// parameters, or a lump of text, is no query.
func hasValue(params []param) bool {
	for _, p := range params {
		if p.named {
			return true
		}
	}
	return false
}

// shownHeaders help to explain a request. Authorization and cookies never do.
var shownHeaders = []string{
	"Accept-Language", "Cf-Connecting-Ip", "Content-Type", "Origin", "Purpose", "Referer", "Sec-Gpc", "Sec-Purpose",
	"Via", "X-Forwarded-For", "X-Forwarded-Proto", "X-Moz", "X-Purpose", "X-Real-Ip",
}

// request describes in for a person.
func (r *Receiver) request(in *intake, all fields) subfive.Request {
	req := in.c.Request
	out := subfive.Request{
		Method: asText(req.Method), Scheme: r.proxies.scheme(req), Host: asText(req.Host), Path: subfive.MaskAddresses(asText(req.URL.Path)),
		Params: r.public(all), ClientAddr: addrText(in.client), UserAgent: asText(req.UserAgent()),
	}
	for _, name := range shownHeaders {
		if values := req.Header[name]; len(values) > 0 {
			if out.Headers == nil {
				out.Headers = map[string]string{}
			}
			out.Headers[name] = r.shown(asText(strings.Join(values, ", ")))
		}
	}
	raw, err := r.cfg.Sealer.SealBytes([]byte(req.URL.RawQuery + "\n" + string(in.body)))
	if err != nil {
		r.cfg.Log.Error("seal request", "err", err)
		return out
	}
	out.Raw = raw
	return out
}
