package screens

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/alexedwards/scs/v2"

	"subfive"
)

// Accounts keeps who may come in, and who is in.
type Accounts interface {
	HasOwner(ctx context.Context) (bool, error)
	User(ctx context.Context, id string) (subfive.User, error)
	UserNamed(ctx context.Context, name string) (u subfive.User, password string, err error)
	SetPassword(ctx context.Context, by, id, hash, keep string, at time.Time) error

	AddSession(ctx context.Context, v subfive.UserSession) error
	Session(ctx context.Context, hash string, now time.Time) (subfive.UserSession, error)
	SessionsOf(ctx context.Context, userID string, now time.Time) ([]subfive.UserSession, error)
	KeepSession(ctx context.Context, hash string, data []byte, until time.Time) error
	SeeSession(ctx context.Context, hash, address string, at time.Time) error
	EndSession(ctx context.Context, hash string) error

	Link(ctx context.Context, hash string, now time.Time) (subfive.OneTimeLink, subfive.User, error)
	UseLink(ctx context.Context, hash string, e subfive.Arrival, now time.Time) (subfive.User, error)
}

const (
	// sessionLife is how long one stays signed in.
	sessionLife = 14 * 24 * time.Hour
	// seenEach is how exactly one is told when a session was last used.
	seenEach = 5 * time.Minute
	// sessionCookie is its name; where the browser speaks TLS, with a prefix by
	// which the browser takes it from this host alone, and over TLS alone.
	sessionCookie = "subfive_session"
	hostOnly      = "__Host-"
	// maxAgent is how much is kept of what a browser calls itself.
	maxAgent = 300
)

// userValue is where a session keeps the ID of its user.
const userValue = "user"

// sessions are the browsers in which somebody is signed in. Their cookies differ
// by whether the browser speaks TLS.
type sessions struct {
	cfg         Config
	plain, safe *scs.SessionManager
}

func newSessions(cfg Config) *sessions {
	s := &sessions{cfg: cfg}
	s.plain, s.safe = s.manager(sessionCookie, Root, false), s.manager(hostOnly+sessionCookie, "/", true)
	return s
}

func (s *sessions) manager(name, path string, safe bool) *scs.SessionManager {
	// Without scs.New, which begins to look after a store in memory for ever.
	return &scs.SessionManager{
		Lifetime: sessionLife, Store: sessionStore{s.cfg}, Codec: sessionCodec{},
		Cookie: scs.SessionCookie{Name: name, Path: path, Secure: safe, HttpOnly: true, SameSite: http.SameSiteLaxMode, Persist: true},
	}
}

// of is who keeps a request's session.
func (s *sessions) of(r *http.Request) *scs.SessionManager {
	if _, safe := s.cfg.Client(r); safe {
		return s.safe
	}
	return s.plain
}

// foundSession is where the context of a look-up takes the session along.
type foundSession struct{}

// User returns who is signed in; subfive.ErrNotFound if nobody is.
func (s *sessions) User(r *http.Request) (subfive.User, error) {
	u, _, err := s.find(r)
	return u, err
}

// find returns who is signed in, and his session.
func (s *sessions) find(r *http.Request) (u subfive.User, v subfive.UserSession, err error) {
	m := s.of(r)
	cookie, err := r.Cookie(m.Cookie.Name)
	if err != nil || cookie.Value == "" {
		return u, v, subfive.ErrNotFound
	}
	ctx, err := m.Load(context.WithValue(r.Context(), foundSession{}, &v), cookie.Value)
	if err != nil {
		return u, v, fmt.Errorf("load the session: %w", err)
	}
	id := m.GetString(ctx, userValue)
	if id == "" || id != v.UserID {
		return u, v, subfive.ErrNotFound
	}
	accounts, err := s.cfg.Accounts()
	if err != nil {
		return u, v, err
	}
	if u, err = accounts.User(ctx, id); err != nil {
		return u, v, err
	}
	if !u.ArchivedAt.IsZero() || v.CreatedAt.Before(u.SessionsFrom) {
		return subfive.User{}, v, errors.Join(subfive.ErrNotFound, accounts.EndSession(ctx, v.Hash))
	}
	if now := s.cfg.Now(); now.Sub(v.SeenAt) >= seenEach {
		address, _ := s.cfg.Client(r)
		if err := accounts.SeeSession(ctx, v.Hash, address, now); err != nil { // that can't be noted is no reason to show nothing
			s.cfg.Log.ErrorContext(ctx, "note the use of a session", "user", u.ID, "err", err)
		}
	}
	return u, v, nil
}

// begin signs a user in. The session is a new one, whatever the browser brought;
// what it was signed in to ends.
func (s *sessions) begin(w http.ResponseWriter, r *http.Request, u subfive.User) (hash string, err error) {
	if err := s.end(r); err != nil {
		return "", err
	}
	accounts, err := s.cfg.Accounts()
	if err != nil {
		return "", err
	}
	m := s.of(r)
	ctx, err := m.Load(r.Context(), "")
	if err != nil {
		return "", fmt.Errorf("begin a session: %w", err)
	}
	if err := m.RenewToken(ctx); err != nil { // names it
		return "", fmt.Errorf("begin a session: %w", err)
	}
	m.Put(ctx, userValue, u.ID)
	address, _ := s.cfg.Client(r)
	now, hash := s.cfg.Now(), subfive.SecretHash(m.Token(ctx))
	if err := accounts.AddSession(ctx, subfive.UserSession{
		Hash: hash, UserID: u.ID, Address: address, UserAgent: clip(r.UserAgent(), maxAgent), CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(sessionLife),
	}); err != nil {
		return "", err
	}
	token, until, err := m.Commit(ctx)
	if err != nil {
		return "", fmt.Errorf("begin a session: %w", err)
	}
	m.WriteSessionCookie(ctx, w, token, until)
	return hash, nil
}

// end ends the session that a request comes with, if there is one.
func (s *sessions) end(r *http.Request) error {
	cookie, err := r.Cookie(s.of(r).Cookie.Name)
	if err != nil || cookie.Value == "" {
		return nil //nolint:nilerr // it comes with none
	}
	accounts, err := s.cfg.Accounts()
	if err != nil {
		return err
	}
	return accounts.EndSession(r.Context(), subfive.SecretHash(cookie.Value))
}

// signOut ends the session, and takes its cookie from the browser.
func (s *sessions) signOut(w http.ResponseWriter, r *http.Request) error {
	if err := s.end(r); err != nil {
		return err
	}
	s.of(r).WriteSessionCookie(r.Context(), w, "", time.Time{})
	return nil
}

// sessionStore keeps sessions by the hash of their token. One that is not there
// is not begun by what is written to it: only begin does that.
type sessionStore struct{ cfg Config }

// FindCtx returns what a session remembers.
func (s sessionStore) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	accounts, err := s.cfg.Accounts()
	if err != nil {
		return nil, false, err
	}
	v, err := accounts.Session(ctx, subfive.SecretHash(token), s.cfg.Now())
	if errors.Is(err, subfive.ErrNotFound) {
		return nil, false, nil
	}
	if to, ok := ctx.Value(foundSession{}).(*subfive.UserSession); ok && err == nil {
		*to = v
	}
	return v.Data, err == nil, err
}

// CommitCtx keeps what a session remembers.
func (s sessionStore) CommitCtx(ctx context.Context, token string, data []byte, until time.Time) error {
	accounts, err := s.cfg.Accounts()
	if err != nil {
		return err
	}
	return accounts.KeepSession(ctx, subfive.SecretHash(token), data, until)
}

// DeleteCtx ends a session.
func (s sessionStore) DeleteCtx(ctx context.Context, token string) error {
	accounts, err := s.cfg.Accounts()
	if err != nil {
		return err
	}
	return accounts.EndSession(ctx, subfive.SecretHash(token))
}

// Find is FindCtx for who has no context; nobody here.
func (s sessionStore) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit is CommitCtx without a context.
func (s sessionStore) Commit(token string, data []byte, until time.Time) error {
	return s.CommitCtx(context.Background(), token, data, until)
}

// Delete is DeleteCtx without a context.
func (s sessionStore) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

// sessionCodec writes what a session remembers as JSON: its values are text.
type sessionCodec struct{}

type sessionData struct {
	Until  time.Time         `json:"until"`
	Values map[string]string `json:"values"`
}

// Encode writes.
func (sessionCodec) Encode(until time.Time, values map[string]any) ([]byte, error) {
	data := sessionData{until, map[string]string{}}
	for name, v := range values {
		text, ok := v.(string)
		if !ok {
			return nil, fmt.Errorf("a session keeps text, and %s is a %T", name, v)
		}
		data.Values[name] = text
	}
	return json.Marshal(data)
}

// Decode reads.
func (sessionCodec) Decode(b []byte) (time.Time, map[string]any, error) {
	var data sessionData
	if err := json.Unmarshal(b, &data); err != nil {
		return time.Time{}, nil, fmt.Errorf("read a session: %w", err)
	}
	values := map[string]any{}
	for name, text := range data.Values {
		values[name] = text
	}
	return data.Until, values, nil
}

// clip is text as it can be kept, at most n bytes of it.
func clip(s string, n int) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "?")
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
