package everflow

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"subfive"
)

// The addresses of the affiliate API. Source: developers.everflow.io; EU
// accounts have one of their own.
const (
	APIBaseUS = "https://api.eflow.team/v1"
	APIBaseEU = "https://api-eu.eflow.team/v1"
)

// The API's limit is a token bucket that all of a network's affiliates share.
// Source: developers.everflow.io, rate limiting.
const (
	apiPerSecond = 5
	apiBurst     = 20
)

const (
	// apiTries and apiThrottled are how often a call is made that fails, and one
	// that the API is too busy for.
	apiTries     = 5
	apiThrottled = 10
	apiTimeout   = 60 * time.Second
	// apiWait is the first wait between two tries, apiWaitMax the longest.
	apiWait    = time.Second
	apiWaitMax = 2 * time.Minute
	apiMaxBody = 64 << 20
)

// What the API refuses for good.
var (
	// ErrAPIKey says that the API does not take the key.
	ErrAPIKey = errors.New("the API key is not accepted: look it up in Everflow under My Account, API, and set the network's api_key")
	// ErrAPIForbidden says that the key is right and the call not allowed.
	ErrAPIForbidden = errors.New("the network does not allow this to its partners' keys")
	// ErrAPIBusy says that the API went on saying that it is too busy.
	ErrAPIBusy = errors.New("the API is too busy: its limit is shared by all partners of the network; try again later")
)

// APIConfig is what an API needs. Key and Now must be given.
type APIConfig struct {
	// Key is the partner's own, of My Account, API.
	Key string
	// Region is us or eu; "" is us. BaseURL, with the path before /affiliates,
	// replaces its address.
	Region, BaseURL string
	// NetworkID and EndpointID are written on the conversions.
	NetworkID, EndpointID string
	// ClickSlot returns the sub parameter that carries our click ID for an offer
	// by the network's number, "sub5"; nil: it is sub5 for all.
	ClickSlot func(networkOfferID string) string
	// Contact seals a field of user data. With it, and only then, the e-mail
	// address that the API tells of a conversion is kept.
	Contact func(field, value, country string) (subfive.Sealed, error)
	// Client makes the calls; nil: one of its own. Redirects are never followed:
	// the key would go along.
	Client *http.Client
	Now    func() time.Time
	// Sleep waits; nil: in real time.
	Sleep func(context.Context, time.Duration) error
}

// API asks Everflow as a partner may: for conversions, clicks and postbacks. It
// keeps to the API's rate, waits when it is told to, and tries again what may
// succeed. Neither its errors nor its logs hold the key.
type API struct {
	config APIConfig
	base   string
	client http.Client
	bucket *rate.Limiter
}

// NewAPI returns an API. An error says what is wrong with the configuration.
func NewAPI(c APIConfig) (*API, error) {
	base := c.BaseURL
	switch {
	case base != "":
	case c.Region == "" || c.Region == "us":
		base = APIBaseUS
	case c.Region == "eu":
		base = APIBaseEU
	default:
		return nil, fmt.Errorf("region %q: write us or eu", c.Region)
	}
	if u, err := url.Parse(base); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("the API's address %q is no http or https URL", base)
	}
	if c.Key == "" || strings.ContainsFunc(c.Key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("api_key is empty, or has characters that no key has: copy it again from Everflow, My Account, API")
	}
	a := &API{config: c, base: strings.TrimRight(base, "/"), bucket: rate.NewLimiter(apiPerSecond, apiBurst)}
	if c.Client != nil {
		a.client = *c.Client
	}
	if a.client.Timeout == 0 {
		a.client.Timeout = apiTimeout
	}
	a.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if a.config.Sleep == nil {
		a.config.Sleep = sleep
	}
	return a, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// apiFailure is a try that failed and may go well the next time.
type apiFailure struct {
	err       error
	throttled bool
	after     time.Duration // at least so long is to be waited
}

// call makes a call and decodes its answer, trying again while that may help.
func (a *API) call(ctx context.Context, method, path string, query url.Values, body, into any) error {
	var payload []byte
	if body != nil {
		var err error
		if payload, err = json.Marshal(body); err != nil {
			return fmt.Errorf("ask Everflow for %s: %w", path, err)
		}
	}
	wait := apiWait
	for failed, throttled := 0, 0; ; {
		if err := a.pace(ctx); err != nil {
			return err
		}
		failure, err := a.try(ctx, method, path, query, payload, into)
		if err != nil {
			return fmt.Errorf("%s %s at Everflow: %w", method, path, err)
		}
		if failure == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if failure.throttled {
			throttled++
		} else {
			failed++
		}
		if failed >= apiTries || throttled >= apiThrottled {
			return fmt.Errorf("%s %s at Everflow, tried %d times: %w", method, path, failed+throttled, failure.err)
		}
		pause := min(max(failure.after, wait/2+rand.N(wait)), apiWaitMax)
		wait = min(2*wait, apiWaitMax)
		if err := a.config.Sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// pace waits for the API's rate.
func (a *API) pace(ctx context.Context) error {
	now := a.config.Now()
	if d := a.bucket.ReserveN(now, 1).DelayFrom(now); d > 0 {
		return a.config.Sleep(ctx, d)
	}
	return ctx.Err()
}

// try makes one call. err is final, failure is not.
func (a *API) try(ctx context.Context, method, path string, query url.Values, payload []byte, into any) (failure *apiFailure, err error) {
	target := a.base + "/affiliates" + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(payload))
	if err != nil {
		return nil, errors.New("the address is no URL")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "subfive/"+subfive.Version)
	if payload != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("X-Eflow-API-Key", a.config.Key)
	resp, err := a.client.Do(req)
	if err != nil {
		if inner, ok := errors.AsType[*url.Error](err); ok {
			err = inner.Err // without the URL
		}
		return &apiFailure{err: err}, nil
	}
	defer func() { _ = resp.Body.Close() }() // it was read, or is of no use
	text, err := io.ReadAll(io.LimitReader(resp.Body, apiMaxBody+1))
	if err != nil {
		return &apiFailure{err: fmt.Errorf("read the answer: %w", err)}, nil
	}
	if failure, err := a.refused(resp, text); failure != nil || err != nil {
		return failure, err
	}
	a.heed(resp.Header)
	if len(text) > apiMaxBody {
		return nil, fmt.Errorf("the answer is larger than %d MiB", apiMaxBody>>20)
	}
	if into == nil {
		return nil, nil
	}
	if err := json.Unmarshal(text, into); err != nil {
		return &apiFailure{err: fmt.Errorf("the answer is not what was asked for: %w; it begins %q", err, a.excerpt(text))}, nil
	}
	return nil, nil
}

// refused judges an answer's status.
func (a *API) refused(resp *http.Response, text []byte) (*apiFailure, error) {
	status := resp.StatusCode
	said := fmt.Errorf("it answers %d: %s", status, a.excerpt(text))
	switch {
	case status/100 == 2:
		return nil, nil
	case status == http.StatusUnauthorized:
		return nil, ErrAPIKey
	case status == http.StatusForbidden:
		return nil, fmt.Errorf("%w: %s", ErrAPIForbidden, a.excerpt(text))
	case status == http.StatusNotFound:
		return nil, fmt.Errorf("%w there: %s", subfive.ErrNotFound, a.excerpt(text))
	case status == http.StatusTooManyRequests:
		return &apiFailure{err: ErrAPIBusy, throttled: true, after: a.retryAfter(resp.Header)}, nil
	case status/100 == 5, status == http.StatusRequestTimeout:
		return &apiFailure{err: said, after: a.retryAfter(resp.Header)}, nil
	}
	return nil, said
}

// retryAfter is how long the API asks to be left alone: Retry-After in seconds
// or as a date, else X-RateLimit-Reset as Unix seconds.
func (a *API) retryAfter(h http.Header) time.Duration {
	if text := h.Get("Retry-After"); text != "" {
		if n, err := strconv.Atoi(text); err == nil {
			return time.Duration(n) * time.Second
		}
		if at, err := http.ParseTime(text); err == nil {
			return at.Sub(a.config.Now())
		}
	}
	if n, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64); err == nil {
		return time.Unix(n, 0).Sub(a.config.Now())
	}
	return 0
}

// heed leaves the rest of the network's bucket to others: when little is left,
// our own runs dry.
func (a *API) heed(h http.Header) {
	left, err := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	if err != nil || left >= apiPerSecond {
		return
	}
	now := a.config.Now()
	if surplus := int(a.bucket.TokensAt(now)) - max(left, 0); surplus > 0 {
		a.bucket.AllowN(now, surplus)
	}
}

// excerpt is the beginning of an answer, for people, without the key.
func (a *API) excerpt(text []byte) string {
	const most = 200
	s := strings.ToValidUTF8(strings.Join(strings.Fields(string(text[:min(len(text), 4*most)])), " "), "?")
	s = strings.ReplaceAll(s, a.config.Key, "***")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	if s == "" {
		return "nothing"
	}
	return s
}
