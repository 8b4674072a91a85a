package forwarders

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

const (
	// timeout is for all of an exchange: credentials, request, answer, and both
	// once more when the credentials were stale. A lease lasts four times that.
	timeout = 30 * time.Second
	// maxAnswer is how much of an answer is read.
	maxAnswer = 1 << 20
	// maxDrain is how much more is read to keep the connection.
	maxDrain = 64 << 10
	// maxRedirects is how many a request may follow, where the platform has any.
	maxRedirects = 3
)

// AllowsHosts is a Forwarder that may be sent to private addresses of the hosts
// it names: the person who configured it asked for that.
type AllowsHosts interface {
	AllowHosts() []string
}

// destination is a Configured one with its connections.
type destination struct {
	Configured
	base      *url.URL // nil: the platform's own host
	allow     []string // hosts that may have a private address
	transport *http.Transport
	client    *http.Client
	limiter   *rate.Limiter
	scrub     scrubber
}

// newDestination makes a destination, with the transport and the pace of the
// one before it where they would be the same.
func newDestination(c Configured, before *destination, tune func(*http.Transport)) (*destination, error) {
	d := &destination{Configured: c, scrub: newScrubber(c.Secrets)}
	if c.BaseURL != "" {
		base, err := url.Parse(c.BaseURL)
		if err != nil || base.Scheme != "https" && base.Scheme != "http" || base.Host == "" || base.RawQuery != "" || base.User != nil {
			return nil, errors.New("base_url must be http:// or https://, a host, and no query")
		}
		d.base = base
		d.allow = append(d.allow, base.Host)
	}
	if f, ok := c.Forwarder.(AllowsHosts); ok {
		d.allow = append(d.allow, f.AllowHosts()...)
	}
	limit := rate.Inf
	if c.Platform.PerSecond > 0 {
		limit = rate.Limit(c.Platform.PerSecond)
	}
	if before != nil && before.limiter.Limit() == limit {
		d.limiter = before.limiter
	} else {
		d.limiter = rate.NewLimiter(limit, 1)
	}
	if before != nil && slices.Equal(before.allow, d.allow) {
		d.transport = before.transport
	} else {
		d.transport = newTransport(d.allow, tune)
	}
	d.client = &http.Client{Transport: d.transport, CheckRedirect: d.redirect}
	return d, nil
}

// pace waits until the platform's limit allows one more request.
func (d *destination) pace(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return d.limiter.Wait(ctx)
}

// rebase points r to the base URL, with its real path below it.
func (d *destination) rebase(r *http.Request) error {
	if d.base == nil {
		return nil
	}
	u, err := url.Parse(d.base.Scheme + "://" + d.base.Host + strings.TrimSuffix(d.base.EscapedPath(), "/") + r.URL.EscapedPath())
	if err != nil {
		return errors.New("the path does not fit below base_url")
	}
	u.RawQuery = r.URL.RawQuery
	r.URL, r.Host = u, ""
	return nil
}

// stay follows no redirect: the redirect is the answer.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// redirect decides whether a redirect is followed: only to the hosts that the
// platform is known to use, encrypted, and without what is for the first host.
func (d *destination) redirect(r *http.Request, via []*http.Request) error {
	known := r.URL.Scheme == "https" && slices.Contains(d.Platform.Redirects, strings.ToLower(r.URL.Host))
	if d.base != nil {
		// A stand-in plays all of the platform's hosts.
		known = len(d.Platform.Redirects) > 0 && r.URL.Scheme == d.base.Scheme && r.URL.Host == d.base.Host
	}
	if !known || len(via) > maxRedirects {
		return http.ErrUseLastResponse
	}
	// The Referer is the URL before, with its query.
	r.Header.Del("Referer")
	if r.URL.Host != via[0].URL.Host {
		keep := http.Header{}
		for _, name := range []string{"Accept", "Content-Type", "User-Agent"} {
			if v, ok := r.Header[name]; ok {
				keep[name] = v
			}
		}
		r.Header = keep
	}
	return nil
}

// send makes one HTTP exchange.
func (d *destination) send(r *http.Request, now func() time.Time) Answer {
	var sent atomic.Bool
	// From its headers on a request may arrive. It is said a moment before they
	// leave, so that none leaves unnoticed.
	trace := &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }}
	resp, err := d.client.Do(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
	if err != nil {
		if resp != nil {
			err = errors.Join(err, resp.Body.Close())
		}
		return Answer{At: now(), Err: err, Sent: sent.Load()}
	}
	body, err := readBody(resp.Body)
	a := Answer{Status: resp.StatusCode, Header: resp.Header, Body: body, At: now(), Sent: true}
	if err != nil && a.Status < 300 {
		// It may say anything. An error's status says enough.
		return Answer{At: a.At, Err: fmt.Errorf("read the answer: %w", err), Sent: true}
	}
	return a
}

// readBody reads what is looked at of an answer, and a little more so that the
// connection can be used again.
func readBody(body io.ReadCloser) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(body, maxAnswer))
	if err == nil {
		_, err = io.CopyN(io.Discard, body, maxDrain)
		if errors.Is(err, io.EOF) || len(data) == maxAnswer {
			err = nil
		}
	}
	if closing := body.Close(); err == nil {
		err = closing
	}
	return data, err
}
