package receiver

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"subfive"
)

// Our cookies. Both are of the host that set them alone, and are set only where
// mayStore allows it.
const (
	// visitorCookie is the visitor's ID, that of his first click, and how many
	// times he clicked: "01j….3". It keeps him on his way through a split.
	visitorCookie = "sf_v"
	// clickCookie is his last click's ID: what a link on a landing page falls back
	// on when it carries none.
	clickCookie = "sf_c"

	visitorCookieLife = 400 * 24 * time.Hour // browsers allow no more
	clickCookieLife   = 90 * 24 * time.Hour
)

// returning reads the visitor's cookie: his ID and how many clicks he made
// before; "" for somebody new.
func returning(req *http.Request) (id string, clicks int) {
	c, err := req.Cookie(visitorCookie)
	if err != nil {
		return "", 0
	}
	return parseVisitor(c.Value)
}

// parseVisitor reads the visitor cookie's value, ours or the script's.
func parseVisitor(value string) (id string, clicks int) {
	id, count, _ := strings.Cut(value, ".")
	id, ok := subfive.ParseClickID(id)
	clicks, err := strconv.Atoi(count)
	if !ok || err != nil || clicks < 1 || clicks > 1_000_000 {
		return "", 0
	}
	return id, clicks
}

// lastClick reads the click cookie, "" without one, and of a visitor who refuses.
func (r *Receiver) lastClick(in *intake, given map[string]string) string {
	c, err := in.c.Request.Cookie(clickCookie)
	if r.refused(in, given) || err != nil {
		return ""
	}
	id, _ := subfive.ParseClickID(c.Value)
	return id
}

// remember sets both cookies for a click.
func remember(w http.ResponseWriter, c subfive.Click) {
	secure := c.Request.Scheme == "https"
	set(w, visitorCookie, c.VisitorID+"."+strconv.Itoa(c.VisitNo), int(visitorCookieLife/time.Second), secure)
	set(w, clickCookie, c.ID, int(clickCookieLife/time.Second), secure)
}

// forget removes those that the browser has.
func forget(w http.ResponseWriter, req *http.Request, secure bool) {
	for _, name := range []string{visitorCookie, clickCookie} {
		if _, err := req.Cookie(name); err == nil {
			set(w, name, "", -1, secure)
		}
	}
}

func set(w http.ResponseWriter, name, value string, maxAge int, secure bool) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: maxAge, Secure: secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}
