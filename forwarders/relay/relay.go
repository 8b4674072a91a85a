// Package relay tells conversions to a URL of the buyer's own choice: another
// tracker, a webhook, a program.
//
// It is not for the ad platforms, which take no GET and have rules that a
// template can't know. It carries no personal data: neither user data nor the
// visitor's address or browser can be put into a template.
package relay

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"subfive"
	"subfive/forwarders"
)

//go:embed sample.yaml
var sample string

// Platform describes the relay. It deduplicates nothing by itself: the event ID
// is the same on every try, for the receiver to do so.
func Platform() forwarders.Platform {
	return forwarders.Platform{
		Name:     "relay",
		Kinds:    []subfive.Kind{subfive.KindConversion, subfive.KindApproval, subfive.KindRetraction, subfive.KindRestatement},
		MaxBatch: 1,
		MaxBytes: 256 << 10,
		Sample:   sample,
		Errors:   dictionary(),
		Check: forwarders.Check{
			Event:     "SubfiveCheck",
			OnlyAsked: true,
			Harmless: "A receiver can't tell a check from a conversion: it gets one whose IDs begin with test-, with a click ID of 26 zeros. " +
				"Delete it there.",
		},
		Rules: rules(),
		New: func(decode func(into any) error, _ *http.Client) (forwarders.Forwarder, error) {
			var c Config
			if err := decode(&c); err != nil {
				return nil, err
			}
			return newForwarder(c)
		},
	}
}

type forwarder struct {
	method      string
	contentType string // "": no body
	host        string
	account     string
	url         template
	headers     []header
	body        template // no parts: the webhook's own JSON
	statusWords map[string]string
	success     success
	secrets     map[string]string
	allowHosts  []string
	sign        *signer // nil: unsigned
}

type header struct {
	name  string
	value template
}

// rendered is an event: the request, with marks where the secrets go.
type rendered struct {
	URL    string      `json:"url"`
	Header http.Header `json:"header,omitempty"`
	Body   string      `json:"body,omitempty"`
}

// Account is the host and path it writes to, as the settings have them.
func (f *forwarder) Account() string { return f.account }

// AllowHosts are the hosts that may have a private address.
func (f *forwarder) AllowHosts() []string { return f.allowHosts }

// Event fills the templates.
func (f *forwarder) Event(d subfive.Delivery) ([]byte, error) {
	get := func(name string) string { return value(d, name, f.statusWords) }
	e := rendered{URL: f.url.render(get), Header: http.Header{}}
	for _, h := range f.headers {
		e.Header[h.name] = []string{h.value.render(get)}
	}
	switch {
	case f.contentType == "":
	case len(f.body.parts) == 0:
		body, err := json.Marshal(webhookOf(d))
		if err != nil {
			return nil, fmt.Errorf("render the webhook: %w", err)
		}
		e.Body = string(body)
	default:
		e.Body = f.body.render(get)
	}
	return json.Marshal(e)
}

// Request makes the one event's request.
func (f *forwarder) Request(ctx context.Context, b forwarders.Batch) (*http.Request, error) {
	if len(b.Events) != 1 {
		return nil, fmt.Errorf("a relay sends one event a request, not %d", len(b.Events))
	}
	var e rendered
	if err := json.Unmarshal(b.Events[0], &e); err != nil {
		return nil, fmt.Errorf("read the event: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, f.method, e.URL, bytes.NewReader([]byte(e.Body)))
	if err != nil {
		return nil, errors.New("the template's URL is not one with these values")
	}
	if r.URL.Host != f.host {
		return nil, errors.New("the values changed the URL's host")
	}
	for name, v := range e.Header {
		r.Header[name] = v
	}
	if f.contentType != "" {
		r.Header.Set("Content-Type", f.contentType)
	}
	return r, nil
}

// Authorize puts the secrets where their marks are, and signs what came of it.
// They are in the settings: there is nothing to refresh.
func (f *forwarder) Authorize(ctx context.Context, r *http.Request, _ bool) error {
	if err := f.fillIn(r); err != nil {
		return err
	}
	if f.sign == nil {
		return nil
	}
	return f.sign.sign(ctx, r)
}

func (f *forwarder) fillIn(r *http.Request) error {
	if len(f.secrets) == 0 {
		return nil
	}
	u, err := url.Parse(f.reveal(inURL).Replace(r.URL.String()))
	if err != nil {
		return errors.New("the URL is not one with the secrets in it")
	}
	r.URL = u
	plain := f.reveal(inHeader)
	for name := range r.Header {
		r.Header.Set(name, plain.Replace(r.Header.Get(name)))
	}
	if f.contentType == "" || r.GetBody == nil {
		return nil
	}
	body, err := r.GetBody()
	if err != nil {
		return fmt.Errorf("take the body: %w", err)
	}
	var text bytes.Buffer
	if _, err := text.ReadFrom(body); err != nil {
		return fmt.Errorf("read the body: %w", err)
	}
	full, err := http.NewRequest(r.Method, "/", strings.NewReader(f.reveal(placeOf(f.contentType)).Replace(text.String()))) //nolint:noctx // only its body is used
	if err != nil {
		return fmt.Errorf("replace the body: %w", err)
	}
	r.Body, r.GetBody, r.ContentLength = full.Body, full.GetBody, full.ContentLength
	return nil
}

// reveal returns the replacer of marks by secrets, escaped for their place.
func (f *forwarder) reveal(at place) *strings.Replacer {
	var pairs []string
	for name, secret := range f.secrets {
		pairs = append(pairs, mark(name), at.escape(secret))
	}
	return strings.NewReplacer(pairs...)
}

// mark stands for a secret until it is filled in.
func mark(name string) string { return subfive.Hidden + name + subfive.Hidden }

// Read goes by the answer's status and, if the settings say so, its body.
func (f *forwarder) Read(_ int, a forwarders.Answer) forwarders.Result {
	o := subfive.Outcome{HTTP: a.Status, Code: fmt.Sprintf("http_%d", a.Status), Message: excerpt(a.Body)}
	switch {
	case a.Err != nil:
		o = subfive.Outcome{Class: subfive.Transient, Code: "no_answer", Ambiguous: a.Sent}
	case f.success.holds(a):
		o.Class, o.Code = subfive.Accepted, ""
	case a.Status >= 200 && a.Status < 300:
		// It answered, and not as the settings say that a success looks like.
		o.Class, o.Code = subfive.Rejected, codeNotSuccess
	default:
		o.Class = subfive.Transient
		if e, known := forwarders.Find(dictionary(), o.Code, ""); known {
			o.Class = e.Class
		}
		if a.Status >= 300 && a.Status < 400 {
			o.Message = "it redirects to " + locationHost(a.Header) + "; put the final address into url"
		}
	}
	return forwarders.Result{All: o}
}

// holds reports whether the answer is a success.
func (s success) holds(a forwarders.Answer) bool {
	if len(s.status) == 0 && (a.Status < 200 || a.Status > 299) {
		return false
	}
	if len(s.status) > 0 && !s.status[a.Status] {
		return false
	}
	return s.body == nil || s.body.Match(a.Body)
}

// locationHost returns the host a redirect points to, and never its query.
func locationHost(h http.Header) string {
	u, err := url.Parse(h.Get("Location"))
	if err != nil || u.Host == "" {
		return "another path"
	}
	return u.Host
}

// excerpt returns the beginning of an answer for people.
func excerpt(body []byte) string {
	const most = 200
	text := strings.Join(strings.Fields(string(body[:min(len(body), most)])), " ")
	return strings.ToValidUTF8(text, "")
}
