package main

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
)

// callback is the browser's coming back: it answers the first one that is of this
// login, and reports what came of it.
type callback struct {
	config          *oauth2.Config
	state, verifier string
	stderr          io.Writer
	once            sync.Once
	done            chan result // of one value
}

type result struct {
	token string
	err   error
}

func newCallback(c *oauth2.Config, stderr io.Writer) *callback {
	return &callback{config: c, state: rand.Text(), verifier: oauth2.GenerateVerifier(), stderr: stderr, done: make(chan result, 1)}
}

// url is where the person consents. Without prompt=consent Google gives a
// refresh token the first time only.
func (b *callback) url() string {
	return b.config.AuthCodeURL(b.state, oauth2.AccessTypeOffline, oauth2.SetAuthURLParam("prompt", "consent"), oauth2.S256ChallengeOption(b.verifier))
}

// ServeHTTP answers the browser. A request that is not of this login ends
// nothing: any page on this machine's browser can make one.
func (b *callback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if r.URL.Path != "/" || r.Method != http.MethodGet {
		http.NotFound(w, r)
		return
	}
	if !hmac.Equal([]byte(q.Get("state")), []byte(b.state)) {
		fmt.Fprintln(b.stderr, "the browser came with the state of another login; open the address above")
		say(w, http.StatusBadRequest, "That was another login", "The state does not match: this answer belongs to another login, or to none. Open the address that the command shows now.")
		return
	}
	first := false
	b.once.Do(func() {
		first = true
		token, err := b.finish(r.Context(), q)
		if err != nil {
			say(w, http.StatusBadRequest, "That did not work", "The command says: "+err.Error())
		} else {
			say(w, http.StatusOK, "Done", "The refresh token is in the terminal. You can close this page.")
		}
		b.done <- result{token, err}
	})
	if !first {
		say(w, http.StatusConflict, "This login is over", "Run the command again for another one.")
	}
}

// finish exchanges the code that Google sent along.
func (b *callback) finish(ctx context.Context, q url.Values) (string, error) {
	switch {
	case q.Get("error") == "access_denied":
		return "", errors.New("access_denied: consent was declined, or the user is not among the test users of an app in Testing; run it again and allow")
	case q.Has("error"):
		return "", fmt.Errorf("the answer of Google is %s", plain(clip(q.Get("error"), maxCell)))
	case q.Get("code") == "":
		return "", errors.New("the browser brought neither a code nor an error; run it again")
	}
	client := &http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	token, err := b.config.Exchange(context.WithValue(ctx, oauth2.HTTPClient, client), q.Get("code"), oauth2.VerifierOption(b.verifier))
	if err != nil {
		return "", exchangeError(err)
	}
	granted, _ := token.Extra("scope").(string)
	for _, scope := range b.config.Scopes {
		if granted != "" && !slices.Contains(strings.Fields(granted), scope) {
			return "", fmt.Errorf("consent lacks %s: run it again and tick every box", scope)
		}
	}
	if token.RefreshToken == "" {
		return "", errors.New("there is no refresh token in the answer of Google, as when consent was given before: remove the app's access at https://myaccount.google.com/connections and run it again")
	}
	return token.RefreshToken, nil
}

// exchangeError says what went wrong without an answer's body or a secret.
func exchangeError(err error) error {
	refused, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		if u, ok := errors.AsType[*url.Error](err); ok {
			return fmt.Errorf("get the token: %w", u.Err)
		}
		return fmt.Errorf("get the token: %w", err)
	}
	code := plain(clip(refused.ErrorCode, maxCell))
	switch refused.ErrorCode {
	case "invalid_client":
		return errors.New("invalid_client: client ID and secret do not belong together; copy both from the Google Cloud console")
	case "redirect_uri_mismatch":
		return errors.New("redirect_uri_mismatch: the OAuth client is not of the type Desktop app; make one that is")
	case "invalid_grant":
		return errors.New("invalid_grant: the code was used or is too old; run it again")
	case "":
		return fmt.Errorf("get the token: the answer is HTTP %d and no token", refused.Response.StatusCode)
	}
	return fmt.Errorf("get the token: the answer of Google is %s", code)
}

var browserPage = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>subfive: {{.Title}}</title>
<h1>{{.Title}}</h1><p>{{.Text}}</p></html>
`))

// say answers the browser with a small page. Its address holds a code: nothing
// may keep or pass it on.
func say(w http.ResponseWriter, status int, title, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'")
	w.WriteHeader(status)
	_ = browserPage.Execute(w, struct{ Title, Text string }{title, text}) // the browser may be gone
}
