package screens

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"subfive"
)

func (s *Screens) routeDoor(outside gin.IRoutes) {
	outside.GET("/login", s.page(login))
	outside.POST("/login", s.page(signIn))
	outside.GET("/welcome", s.page(welcome))
	outside.POST("/welcome", s.page(enter))
}

// closed is why nobody can come in, or stay, while accounts can't be read.
func (s *Screens) closed(c *gin.Context, err error) *Refused {
	s.cfg.Log.ErrorContext(c.Request.Context(), "read the accounts", "err", err)
	c.Header("Retry-After", "5")
	return &Refused{
		Status: http.StatusServiceUnavailable, What: "Nobody can sign in now, the database does not answer",
		Do: "Clicks and postbacks are still taken in and kept in the journal. Try again when the database is back; the tracker’s log says what is wrong with it.",
	}
}

// loginForm is the page to sign in at.
type loginForm struct {
	Name, Next string
	Wrong      string // what is wrong with what was sent
	Closed     string // why nobody can sign in now
	// Fresh: no owner has a password yet.
	Fresh bool
}

func (f loginForm) page(status int) page {
	return page{Name: "login", Title: "Sign in", Data: f, Status: status, Bare: true}
}

// next is where who signs in wants to go: one of our pages, and none for who is
// not signed in.
func next(to string) string {
	if u, err := url.Parse(to); !local(to) || err != nil || u.Path == Root+"/login" || u.Path == Root+"/welcome" || u.Path == Root+"/logout" {
		return Root + "/"
	}
	return to
}

func login(r *request) (page, error) {
	f := loginForm{Next: next(r.Query("next"))}
	accounts, err := r.s.cfg.Accounts()
	if err == nil {
		if _, err = r.s.cfg.Door.User(r.Request); err == nil {
			return page{To: f.Next}, nil
		}
	}
	if err == nil || errors.Is(err, subfive.ErrNotFound) {
		var has bool
		has, err = accounts.HasOwner(r.Request.Context())
		f.Fresh = !has
	}
	if err != nil {
		closed := r.s.closed(r.Context, err)
		f.Closed, f.Fresh = closed.What+". "+closed.Do, false
		return f.page(http.StatusServiceUnavailable), nil
	}
	return f.page(http.StatusOK), nil
}

// signIn signs in who knows a name and its password. Who does not is told no
// more than that, and after as long a time.
func signIn(r *request) (page, error) {
	ctx, name, password := r.Request.Context(), strings.ToLower(strings.TrimSpace(r.PostForm("name"))), r.PostForm("password")
	f := loginForm{Name: clip(name, 64), Next: next(r.PostForm("next"))}
	if name == "" || password == "" {
		f.Wrong = "Type your name and your password."
		return f.page(http.StatusUnprocessableEntity), nil
	}
	address, _ := r.s.cfg.Client(r.Request)
	if wait := r.s.tries.try(f.Name, address, r.now); wait > 0 {
		seconds := int((wait + time.Second - 1) / time.Second)
		r.Header("Retry-After", strconv.Itoa(seconds))
		f.Wrong = fmt.Sprintf("That was tried too often. Wait %s, or ask an owner for a link.", plural(seconds, "second", "seconds"))
		return f.page(http.StatusTooManyRequests), nil
	}
	u, err := r.known(name, password)
	switch {
	case errors.Is(err, subfive.ErrNotFound):
		r.s.cfg.Log.WarnContext(ctx, "refuse to sign in", "name", f.Name, "address", address)
		f.Wrong = "The name or the password is not right. Who forgot a password gets a new link from an owner, or on the server: subfive users link NAME"
		return f.page(http.StatusUnauthorized), nil
	case err == nil:
		_, err = r.s.in.begin(r.Writer, r.Request, u)
	}
	if err != nil {
		closed := r.s.closed(r.Context, err)
		f.Closed = closed.What + ". " + closed.Do
		return f.page(http.StatusServiceUnavailable), nil
	}
	r.s.tries.passed(f.Name)
	return page{To: f.Next}, nil
}

// known returns the user of a name and password; subfive.ErrNotFound if there is
// none, or he may not come in.
func (r *request) known(name, password string) (subfive.User, error) {
	accounts, err := r.s.cfg.Accounts()
	if err != nil {
		return subfive.User{}, err
	}
	if name != clip(name, 64) || password != clip(password, maxPassword*4) {
		name, password = "", "" // nobody's, and not worth hashing
	}
	u, hash, err := accounts.UserNamed(r.Request.Context(), name)
	if err != nil && !errors.Is(err, subfive.ErrNotFound) {
		return u, err
	}
	if err != nil || !u.ArchivedAt.IsZero() {
		hash = ""
	}
	ok, err := r.s.cfg.Passwords.Match(r.Request.Context(), password, hash)
	if err == nil && !ok {
		err = subfive.ErrNotFound
	}
	return u, err
}

// signOut ends the session.
func signOut(r *request) (said, error) {
	return said{To: Root + "/login"}, r.s.in.signOut(r.Writer, r.Request)
}

// welcomeForm is the page that a one-time link leads to.
type welcomeForm struct {
	Key, Name, Zone string
	Purpose         subfive.LinkPurpose
	Until           time.Time
	Currency        string
	Wrong           map[string]string // by field
	Over            bool
}

func (f welcomeForm) page(status int) page {
	return page{Name: "welcome", Title: "Welcome", Data: f, Status: status, Bare: true}
}

// invited reads the link that a request comes with.
func (r *request) invited(key string) (f welcomeForm, u subfive.User, err error) {
	f = welcomeForm{Key: key, Currency: r.s.cfg.Currency, Wrong: map[string]string{}}
	accounts, err := r.s.cfg.Accounts()
	if err != nil {
		return f, u, err
	}
	l, u, err := accounts.Link(r.Request.Context(), subfive.SecretHash(key), r.now)
	f.Purpose, f.Until, f.Name, f.Zone = l.Purpose, l.ExpiresAt, u.Name, u.Zone
	return f, u, err
}

// welcome shows the form. The link is used up by sending it: programs that look
// at links before people do use nothing up.
func welcome(r *request) (page, error) {
	f, _, err := r.invited(r.Query("key"))
	return r.welcomed(f, http.StatusOK, err)
}

func (r *request) welcomed(f welcomeForm, status int, err error) (page, error) {
	switch {
	case errors.Is(err, subfive.ErrLinkOver):
		f.Over = true
		return f.page(http.StatusGone), nil
	case err != nil:
		return page{}, r.s.closed(r.Context, err)
	}
	return f.page(status), nil
}

// enter lets in who has a link, with what he says of himself.
func enter(r *request) (page, error) {
	f, u, err := r.invited(r.PostForm("key"))
	if err != nil {
		return r.welcomed(f, 0, err)
	}
	arrival := subfive.Arrival{}
	if f.Purpose != subfive.LinkSignIn {
		if f.Purpose == subfive.LinkFirst {
			f.Name = r.PostForm("name")
			arrival.First = subfive.User{ID: r.s.cfg.NewID(), Role: subfive.RoleOwner}
			if arrival.First.Name, err = subfive.ParseUserName(f.Name); err != nil {
				f.Wrong["name"] = sentence(err)
			}
			u.Name = arrival.First.Name
		}
		f.Zone = strings.TrimSpace(r.PostForm("zone"))
		if arrival.Zone = f.Zone; !isZone(f.Zone) {
			f.Wrong["zone"] = fmt.Sprintf("“%s” is not a time zone. Write its IANA name, such as America/New_York, or leave it empty.", clip(f.Zone, 60))
		}
		password := r.PostForm("password")
		if wrong := CheckPassword(password, u.Name); wrong != "" {
			f.Wrong["password"] = wrong
		} else if password != r.PostForm("again") {
			f.Wrong["again"] = "The two passwords differ. Type the same twice."
		}
		if len(f.Wrong) > 0 {
			return f.page(http.StatusUnprocessableEntity), nil
		}
		if arrival.Password, err = r.s.cfg.Passwords.Hash(r.Request.Context(), password); err != nil {
			return page{}, err
		}
	}
	accounts, err := r.s.cfg.Accounts()
	if err == nil {
		u, err = accounts.UseLink(r.Request.Context(), subfive.SecretHash(f.Key), arrival, r.now)
	}
	if err == nil {
		_, err = r.s.in.begin(r.Writer, r.Request, u)
	}
	if err != nil {
		return r.welcomed(f, 0, err)
	}
	r.s.tries.passed(u.Name)
	if f.Purpose == subfive.LinkFirst {
		return page{To: Root + "/setup"}, nil
	}
	return page{To: Root + "/"}, nil
}

// isZone reports whether a name is a time zone's, or none.
func isZone(name string) bool {
	_, err := time.LoadLocation(name)
	return err == nil && name != "Local"
}

// sentence is an error as a sentence.
func sentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
