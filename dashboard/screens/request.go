package screens

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"subfive"
)

// userKey is where a request keeps who asks.
const userKey = "user"

// policy lets a page load what we serve ourselves and nothing else; no script or
// style may stand in the page.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

func secure(c *gin.Context) {
	c.Header("Cache-Control", "no-store")
	c.Header("Content-Security-Policy", policy)
	c.Header("Cross-Origin-Opener-Policy", "same-origin")
	c.Header("Cross-Origin-Resource-Policy", "same-origin")
	c.Header("Referrer-Policy", "same-origin")
	c.Header("X-Content-Type-Options", "nosniff")
	c.Header("X-Frame-Options", "DENY")
}

// maxForm is the most that any form takes: an export of costs, written in base64.
// What is longer is neither kept in memory nor written to the disk.
const maxForm = 2 * maxUpload

func bounded(c *gin.Context) {
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxForm)
}

// request is one call of a page.
type request struct {
	*gin.Context
	s    *Screens
	user subfive.User
	zone *time.Location // in which times are shown
	now  time.Time
}

// page is what a page's handler comes to.
type page struct {
	// Name is its template, and Title what the browser's tab says.
	Name, Title string
	Data        any
	// Status is 200 if it is 0.
	Status int
	// Bare: without the navigation, for who is not signed in.
	Bare bool
	// To, if it is set, is the page to go to instead.
	To string
}

// signedIn lets pass who is signed in; all others sign in first, and come back
// to where they wanted to go.
func (s *Screens) signedIn(c *gin.Context) {
	user, err := s.cfg.Door.User(c.Request)
	if err == nil {
		c.Set(userKey, user)
		return
	}
	c.Abort()
	if !errors.Is(err, subfive.ErrNotFound) {
		s.request(c).fail(s.closed(c, err))
		return
	}
	to := Root + "/login"
	if c.Request.Method == http.MethodGet && !c.Request.URL.Query().Has("part") {
		to += "?next=" + url.QueryEscape(c.Request.URL.RequestURI())
	}
	if c.GetHeader("HX-Request") != "" { // a fragment is no place to sign in at
		c.Header("HX-Redirect", to)
		c.Status(http.StatusUnauthorized)
		return
	}
	c.Redirect(http.StatusSeeOther, to)
}

func (s *Screens) request(c *gin.Context) *request {
	user, _ := c.Value(userKey).(subfive.User)
	return &request{Context: c, s: s, user: user, zone: zoneOf(c.Query("zone"), user.Zone, s.cfg.Zone), now: s.cfg.Now()}
}

// zoneOf is the zone that the address asks for, else the person's own, else the
// reporting one.
func zoneOf(asked, own string, reporting *time.Location) *time.Location {
	for _, name := range []string{asked, own} {
		if name == "" || name == "Local" {
			continue
		}
		if zone, err := time.LoadLocation(name); err == nil {
			return zone
		}
	}
	return reporting
}

// page answers with the page that h comes to. With ?part=NAME it is that part of
// it alone, the template "part NAME".
func (s *Screens) page(h func(*request) (page, error)) gin.HandlerFunc {
	return func(c *gin.Context) {
		r := s.request(c)
		p, err := h(r)
		switch {
		case err != nil:
			r.fail(err)
		case p.To != "":
			c.Redirect(http.StatusSeeOther, p.To)
		default:
			r.draw(p)
		}
	}
}

// act answers a form: with the page that h sends to, and what it says there. An
// error that is for the caller is said on the page he came from.
func (s *Screens) act(h func(*request) (said, error)) gin.HandlerFunc {
	return func(c *gin.Context) {
		r := s.request(c)
		done, err := h(r)
		var refused *Refused
		switch {
		case errors.As(err, &refused) && refused.Status < http.StatusInternalServerError:
			done = said{Text: refused.What + ": " + refused.Do, Bad: true, To: r.back()}
		case err != nil:
			r.fail(err)
			return
		}
		if done.To == "" {
			done.To = r.back()
		}
		r.say(done)
		c.Redirect(http.StatusSeeOther, done.To)
	}
}

// back is the page that a form was on: its field "back", if that is one of ours.
func (r *request) back() string {
	if to := r.PostForm("back"); local(to) {
		return to
	}
	return Root + "/"
}

// local reports whether an address leads to one of our pages and nowhere else.
func local(to string) bool {
	u, err := url.Parse(to)
	return err == nil && u.Scheme == "" && u.Host == "" && u.User == nil && !strings.Contains(to, `\`) &&
		(u.Path == Root || strings.HasPrefix(u.Path, Root+"/"))
}

func (r *request) draw(p page) {
	t, ok := r.s.pages[p.Name]
	if !ok {
		r.fail(fmt.Errorf("there is no template %q", p.Name))
		return
	}
	name := r.frame(p.Bare)
	if part := r.Query("part"); part != "" && !p.Bare {
		name = "part " + part
		if t.Lookup(name) == nil {
			r.fail(&Refused{Status: http.StatusNotFound, What: "this page has no such part", Do: "leave part out of the address"})
			return
		}
	}
	v := &view{request: r, Title: p.Title, Data: p.Data, Page: p.Name}
	if !p.Bare && name == "layout.html" {
		v.Said = r.heard()
		if wrong := r.misread(); wrong != "" && v.Said == nil {
			v.Said = &said{Text: wrong, Bad: true}
		}
		v.Marks = r.marks()
	}
	var body bytes.Buffer
	if err := t.ExecuteTemplate(&body, name, v); err != nil {
		r.fail(fmt.Errorf("draw %s: %w", p.Name, err))
		return
	}
	status := p.Status
	if status == 0 {
		status = http.StatusOK
	}
	r.Data(status, "text/html; charset=utf-8", body.Bytes())
}

// frame is the template of what is around a page.
func (r *request) frame(bare bool) string {
	if bare || r.user.Name == "" {
		return "bare.html"
	}
	return "layout.html"
}

// fail draws an error. One that is not for the caller's eyes is logged.
func (r *request) fail(err error) {
	var refused *Refused
	if !errors.As(err, &refused) {
		r.s.cfg.Log.ErrorContext(r.Request.Context(), "draw a page", "route", r.FullPath(), "err", err)
		refused = &Refused{Status: http.StatusInternalServerError, What: "Something went wrong here", Do: "The tracker's log says what. What comes in is not affected."}
	}
	t, v := r.s.pages["error"], &view{request: r, Title: refused.What, Data: refused, Page: "error"}
	name := r.frame(false)
	if r.Query("part") != "" {
		name = "part error"
	}
	var body bytes.Buffer
	if err := t.ExecuteTemplate(&body, name, v); err != nil {
		r.s.cfg.Log.ErrorContext(r.Request.Context(), "draw an error", "err", err)
		r.String(http.StatusInternalServerError, "%s: %s", refused.What, refused.Do)
		return
	}
	r.Data(refused.Status, "text/html; charset=utf-8", body.Bytes())
}

func (s *Screens) recover(c *gin.Context) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(p)
		}
		c.Abort()
		s.request(c).fail(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
	}()
	c.Next()
}

func noPage(*request) (page, error) {
	return page{}, &Refused{Status: http.StatusNotFound, What: "There is no such page", Do: "The navigation shows all there are; the search finds anything by its ID."}
}

func (s *Screens) denyCrossOrigin(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "This form was sent from another site, so nothing was done. Open the page itself and send it from there.", http.StatusForbidden)
}
