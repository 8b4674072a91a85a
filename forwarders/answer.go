package forwarders

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"subfive"
)

// maxRetryAfter bounds what a platform may ask for: to look once a day harms
// nobody, and a longer wait is more likely a mistake than meant.
const maxRetryAfter = 24 * time.Hour

// RetryAfter returns how long an answer's Retry-After header asks to wait, at
// most a day. It is false without the header, and when that is neither whole
// seconds nor an HTTP date. A date in the past is no wait.
func RetryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0, false
	}
	if strings.Trim(v, "0123456789") == "" {
		seconds, err := strconv.ParseInt(v, 10, 32)
		if err != nil {
			return maxRetryAfter, true // more seconds than fit
		}
		return min(time.Duration(seconds)*time.Second, maxRetryAfter), true
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0, false
	}
	return min(max(at.Sub(now), 0), maxRetryAfter), true
}

// unanswered says what it means that no answer came. It is ambiguous when the
// request may have arrived.
func unanswered(ctx context.Context, a Answer) subfive.Outcome {
	o := subfive.Outcome{Class: subfive.Transient, Ambiguous: a.Sent, Code: transportCode(a.Err), Message: withoutURL(a.Err)}
	switch {
	case errors.Is(a.Err, errAddress):
		o.Class = subfive.Misconfigured
	case !a.Sent && errors.Is(ctx.Err(), context.Canceled):
		o.Class, o.Code, o.Message = subfive.Deferred, "canceled", "stopped before it was sent"
	}
	return o
}

// transportCode names what went wrong in one word.
func transportCode(err error) string {
	var (
		dns      *net.DNSError
		remote   *net.OpError // a TLS alert has no exported type
		record   tls.RecordHeaderError
		verify   *tls.CertificateVerificationError
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
		timedOut net.Error
	)
	switch {
	case errors.Is(err, errAddress):
		return codeAddress
	case errors.As(err, &dns):
		return "dns"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.As(err, &record), errors.As(err, &remote) && remote.Op == "remote error", errors.As(err, &verify), errors.As(err, &unknown),
		errors.As(err, &hostname), errors.As(err, &invalid):
		return "tls"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timedOut) && timedOut.Timeout():
		return "timeout"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "reset"
	}
	return "transport"
}

// withoutURL returns err's text without the URL that net/http puts before it.
func withoutURL(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return err.Error()
}

// repeat returns the same outcome n times.
func repeat(o subfive.Outcome, n int) []subfive.Outcome {
	return slices.Repeat([]subfive.Outcome{o}, n)
}

// spread returns one outcome an event, with the status of the answer and its
// Retry-After where the reader gave none.
func spread(r Result, n int, a Answer) []subfive.Outcome {
	outcomes := slices.Clone(r.Each)
	if r.Each == nil {
		outcomes = repeat(r.All, n)
	}
	wait, _ := RetryAfter(a.Header, a.At)
	if len(outcomes) != n || slices.ContainsFunc(outcomes, func(o subfive.Outcome) bool { return o.Class == "" }) {
		// Never take an answer that was not understood for anything.
		outcomes = repeat(subfive.Outcome{Class: subfive.Transient, Ambiguous: true, Code: "unreadable", Message: "the answer could not be assigned to the events"}, n)
	}
	for i := range outcomes {
		o := &outcomes[i]
		if o.HTTP == 0 {
			o.HTTP = a.Status
		}
		if o.RetryAfter == 0 && (o.Class == subfive.Throttled || o.Class == subfive.Transient) {
			o.RetryAfter = wait
		}
	}
	return outcomes
}

func onlyUnauthorized(outcomes []subfive.Outcome) bool {
	return !slices.ContainsFunc(outcomes, func(o subfive.Outcome) bool { return o.Class != subfive.Unauthorized })
}

// summary is the outcome to show for a whole request: the first that is not a
// success, else the first.
func summary(outcomes []subfive.Outcome) subfive.Outcome {
	i := slices.IndexFunc(outcomes, func(o subfive.Outcome) bool {
		return o.Class != subfive.Accepted && o.Class != subfive.Submitted
	})
	return outcomes[max(i, 0)]
}
