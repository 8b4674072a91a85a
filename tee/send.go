package tee

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"subfive"
)

// maxAnswer bounds what is read of an answer, so that its connection can serve
// again; only its status is kept.
const maxAnswer = 64 << 10

// send makes one exchange and returns the copy as it is to be written down.
func (w *Worker) send(ctx context.Context, to Target, t subfive.Tee) subfive.Tee {
	t.LastHTTP, t.LastError = 0, ""
	req, err := w.request(to.URL, t)
	if err != nil {
		t.State, t.LastError, t.EndedAt, t.NextAttemptAt = subfive.TeeGone, err.Error(), w.now(), time.Time{}
		return t
	}
	// It began, so it is finished: a shutdown would make it be sent twice.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), exchangeTimeout)
	defer cancel()
	t.LastHTTP, err = exchange(to.Transport, req.WithContext(ctx))
	now := w.now()
	switch {
	case err == nil && t.LastHTTP/100 == 2:
		t.State, t.EndedAt, t.NextAttemptAt = subfive.TeeSent, now, time.Time{}
		return t
	case err != nil:
		t.LastError = err.Error()
	}
	t.NextAttemptAt = now.Add(wait(t.Attempts))
	if end := t.MadeAt.Add(MaxAge); !t.NextAttemptAt.Before(end) {
		t.State, t.EndedAt, t.NextAttemptAt = subfive.TeeExpired, now, time.Time{}
	}
	return t
}

// exchange returns the status of the answer: that counts, even if the body then
// breaks off. It follows no redirect: where that led, the request would no longer
// be the same. Its errors hold no URL.
func exchange(transport http.RoundTripper, req *http.Request) (status int, err error) {
	answer, err := transport.RoundTrip(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return 0, err
	}
	_, _ = io.CopyN(io.Discard, answer.Body, maxAnswer)
	_ = answer.Body.Close()
	return answer.StatusCode, nil
}

// The waits between tries double from the first to the longest.
const (
	firstWait   = 5 * time.Second
	longestWait = time.Hour
)

// wait is how long to wait after so many tries: half of it is chance, so that
// what failed together does not come together again.
func wait(attempts int) time.Duration {
	d := longestWait
	if attempts < 12 {
		d = min(firstWait<<max(attempts-1, 0), longestWait)
	}
	return d/2 + rand.N(d/2)
}

// request is the postback as the network sent it, to another address.
func (w *Worker) request(to string, t subfive.Tee) (*http.Request, error) {
	if t.Request.Raw == "" {
		return nil, errors.New("the request is no longer kept")
	}
	raw, err := w.open(t.Request.Raw)
	if err != nil {
		return nil, fmt.Errorf("open the request: %w", err)
	}
	query, body, _ := bytes.Cut(raw, []byte("\n"))
	u, err := url.Parse(to)
	if err != nil {
		return nil, errors.New("the endpoint's tee is not a web address")
	}
	u.RawQuery = joinQuery(u.RawQuery, string(query))
	u.Fragment, u.RawFragment = "", ""
	req, err := http.NewRequest(t.Request.Method, u.String(), nil) //nolint:noctx // send gives it one
	if err != nil {
		return nil, errors.New("the request has a method or a query that can't be sent")
	}
	req.URL.RawQuery = u.RawQuery
	if len(body) > 0 {
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
	if kind := t.Request.Headers["Content-Type"]; kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	req.Header.Set("User-Agent", "subfive/"+subfive.Version)
	return req, nil
}

// joinQuery appends the postback's query, as it came, to what the address has.
func joinQuery(own, came string) string {
	if own == "" || came == "" {
		return own + came
	}
	if own[len(own)-1] == '&' {
		return own + came
	}
	return own + "&" + came
}
