package main

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"subfive"
	"subfive/config"
	"subfive/dashboard"
	"subfive/store"
)

// newID is a new ID with a prefix.
func newID(prefix string) string { return prefix + strings.ToLower(rand.Text()) }

// The prefixes of the IDs of accounts.
const (
	prefixUser  = "us_"
	prefixToken = "tk_"
	prefixView  = "vw_"
)

// welcomePath is where one-time links lead.
const welcomePath = "/admin/welcome"

// link is a one-time link as it is shown, this once.
type link struct {
	URL       string       `json:"url"`
	ExpiresAt time.Time    `json:"expires_at"`
	User      subfive.User `json:"user"`
}

// newLink makes a one-time link at the operator's address; userID is empty for
// LinkFirst.
func newLink(ctx context.Context, st *store.Store, by string, purpose subfive.LinkPurpose, userID, base string, now time.Time) (link, error) {
	var made link
	if userID != "" {
		u, err := st.User(ctx, userID)
		if err != nil {
			return made, err
		}
		made.User = u
	}
	key := strings.ToLower(rand.Text())
	made.URL, made.ExpiresAt = base+welcomePath+"?"+url.Values{"key": {key}}.Encode(), now.Add(subfive.LinkLife)
	return made, st.AddLink(ctx, by, subfive.OneTimeLink{
		Hash: subfive.SecretHash(key), Purpose: purpose, UserID: userID, CreatedAt: now, ExpiresAt: made.ExpiresAt,
	})
}

// firstLink makes the link by which the first owner comes in; none while an owner
// has a password.
func firstLink(ctx context.Context, st *store.Store, by, base string, now time.Time) (link, error) {
	has, err := st.HasOwner(ctx)
	if err != nil || has {
		return link{}, err
	}
	return newLink(ctx, st, by, subfive.LinkFirst, "", base, now)
}

// newToken makes an API token, and returns its secret, which is kept nowhere.
func newToken(ctx context.Context, st *store.Store, by, name string, scope subfive.Scope, now time.Time) (t subfive.APIToken, secret string, err error) {
	secret = subfive.PrefixToken + strings.ToLower(rand.Text()+rand.Text())
	t = subfive.APIToken{ID: newID(prefixToken), Name: name, Scope: scope, Last4: secret[len(secret)-4:], CreatedBy: by, CreatedAt: now}
	return t, secret, st.AddToken(ctx, t, subfive.SecretHash(secret))
}

// operatorURL is where the operator's side is: a domain of that role, else its
// own listener, else the public URL, else at, where we listen.
func operatorURL(s config.Server, at string) string {
	for _, d := range s.Domains {
		if d.Role == config.RoleAdmin {
			return "https://" + d.Host
		}
	}
	switch {
	case s.Admin.Listen != "":
		return "http://" + reachable(s.Admin.Listen)
	case s.PublicURL != "":
		return s.PublicURL
	}
	return "http://" + reachable(at)
}

// reachable is an address as one on this machine calls it: one that stands for
// all of the machine's is localhost.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if a, err := netip.ParseAddr(host); host == "" || err == nil && a.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

// usedEach is how exactly one is told when a token was last used.
const usedEach = time.Minute

// Token is the token of a secret, for the REST API.
func (b *backend) Token(ctx context.Context, hash string) (subfive.APIToken, error) {
	st, err := b.open()
	if err != nil {
		return subfive.APIToken{}, err
	}
	t, err := st.Token(ctx, hash)
	if err != nil {
		return t, err
	}
	if now := b.t.app.now(); now.Sub(t.LastUsedAt) >= usedEach {
		if err := st.TokenUsed(ctx, t.ID, now); err != nil { // that can't be noted is no reason to let nobody in
			b.t.log.ErrorContext(ctx, "note the use of a token", "token", t.ID, "err", err)
		}
	}
	return t, nil
}

// Tokens lists the tokens, for the REST API.
func (b *backend) Tokens(ctx context.Context) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	all, err := st.Tokens(ctx)
	return listed(all), err
}

// listed is a list as the API answers it.
func listed[T any](all []T) map[string]any {
	if all == nil {
		all = []T{}
	}
	return map[string]any{"items": all}
}

// AddToken makes a token, for the REST API.
func (b *backend) AddToken(ctx context.Context, name string, scope subfive.Scope, by string) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	t, secret, err := newToken(ctx, st, by, name, scope, b.t.app.now())
	return map[string]any{"token": t, "secret": secret}, unaccountable(err)
}

// RevokeToken ends a token, for the REST API.
func (b *backend) RevokeToken(ctx context.Context, id, by string) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	return st.RevokeToken(ctx, by, id, b.t.app.now())
}

// Users lists the users, for the REST API.
func (b *backend) Users(ctx context.Context) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	all, err := st.Users(ctx)
	return listed(all), err
}

// AddUser adds a user, for the REST API.
func (b *backend) AddUser(ctx context.Context, u subfive.User, by string) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	u.ID = newID(prefixUser)
	u, err = st.AddUser(ctx, by, u, b.t.app.now())
	return u, unaccountable(err)
}

// ChangeUser changes a user, for the REST API.
func (b *backend) ChangeUser(ctx context.Context, id string, change dashboard.UserChange, by string) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	u, err := st.ChangeUser(ctx, by, id, store.UserChange(change), b.t.app.now())
	return u, unaccountable(err)
}

// ArchiveUser lets a user in no more, for the REST API.
func (b *backend) ArchiveUser(ctx context.Context, id, by string) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	u, err := st.ArchiveUser(ctx, by, id, b.t.app.now())
	return u, unaccountable(err)
}

// LinkUser makes a link by which a user sets his password, for the REST API.
func (b *backend) LinkUser(ctx context.Context, id, by string) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	return newLink(ctx, st, by, subfive.LinkPassword, id, b.t.operator(), b.t.app.now())
}

// Views lists what somebody saved, for the REST API.
func (b *backend) Views(ctx context.Context, owner, page string) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	all, err := st.SavedViews(ctx, owner, page)
	return listed(all), err
}

// SaveView saves a page's state, for the REST API.
func (b *backend) SaveView(ctx context.Context, v subfive.View) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	v.ID, v.CreatedAt = newID(prefixView), b.t.app.now()
	return st.SaveView(ctx, v)
}

// DeleteView forgets it, for the REST API.
func (b *backend) DeleteView(ctx context.Context, owner, id string) (any, error) {
	st, err := b.open()
	if err != nil {
		return nil, err
	}
	return st.DeleteView(ctx, owner, id)
}

// unaccountable says why a user or a token stays as it is, if that is for the
// caller.
func unaccountable(err error) error {
	switch {
	case errors.Is(err, store.ErrTaken):
		return dashboard.Refusal{What: cause(err), Do: "take another name"}
	case errors.Is(err, store.ErrLastOwner):
		return dashboard.Refusal{What: cause(err), Do: "make somebody else an owner first, who has set a password"}
	}
	return err
}

// cause is an error without what was being done: "user bob: the name is taken".
func cause(err error) string {
	_, what, found := strings.Cut(err.Error(), ": ")
	if !found {
		return err.Error()
	}
	return what
}
