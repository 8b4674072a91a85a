package google

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"golang.org/x/oauth2"

	"subfive"
)

// source gets a token from Google; ctx carries the client.
type source func(ctx context.Context) (*oauth2.Token, error)

// tokens keeps one credential's access token. However many requests need a new
// one at a time, one asks and the others wait for it.
type tokens struct {
	source source
	client *http.Client
	asking chan struct{} // holds a value while somebody asks: waiting for it can be cut short

	mu   sync.Mutex
	last *oauth2.Token // nil before the first
}

func newTokens(s source, c *http.Client) *tokens {
	return &tokens{source: s, client: c, asking: make(chan struct{}, 1)}
}

func (t *tokens) current() *oauth2.Token {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last
}

// token returns an access token. With fresh it is one that came after the call
// began.
func (t *tokens) token(ctx context.Context, fresh bool) (string, error) {
	before := t.current()
	if !fresh && before.Valid() {
		return before.AccessToken, nil
	}
	select {
	case t.asking <- struct{}{}:
	case <-ctx.Done():
		return "", fmt.Errorf("wait for an access token: %w", ctx.Err())
	}
	defer func() { <-t.asking }()
	if now := t.current(); now != before && now.Valid() {
		return now.AccessToken, nil // somebody else got it while we waited
	}
	if t.client != nil {
		ctx = context.WithValue(ctx, oauth2.HTTPClient, t.client)
	}
	got, err := t.source(ctx)
	if err != nil {
		return "", fmt.Errorf("get an access token: %w", readable(err))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = got
	return got.AccessToken, nil
}

// readable turns an error of the token endpoint into one that holds neither a
// URL nor an answer's body, and wraps subfive.ErrUnauthorized where only a
// person can mend it.
func readable(err error) error {
	refused, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		if u, ok := errors.AsType[*url.Error](err); ok {
			return u.Err
		}
		if _, cause, ok := strings.Cut(err.Error(), `": `); ok { // of a text that quotes the URL
			return errors.New(cause)
		}
		return err
	}
	status := 0
	if refused.Response != nil {
		status = refused.Response.StatusCode
	}
	var body struct {
		Error string `json:"error"`
	}
	code := refused.ErrorCode
	if code == "" && json.Unmarshal(refused.Body, &body) == nil { // the service account's flow leaves it there
		code = body.Error
	}
	switch {
	case code == "invalid_grant":
		return fmt.Errorf("invalid_grant: the refresh token or key is expired or revoked; consent again: %w", subfive.ErrUnauthorized)
	case slices.Contains([]string{"invalid_client", "unauthorized_client", "deleted_client", "invalid_scope", "access_denied", "admin_policy_enforced"}, code):
		return fmt.Errorf("%s: check credentials, the API's scope and who was given access: %w", code, subfive.ErrUnauthorized)
	}
	return fmt.Errorf("the token endpoint answers HTTP %d %q", status, code)
}
