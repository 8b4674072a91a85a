package screens

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"subfive"
)

func (s *Screens) routeAccount(inside gin.IRoutes) {
	inside.GET("/account", s.page(showAccount))
	inside.POST("/account", s.act(changeAccount))
	inside.POST("/account/password", s.page(changePassword))
	inside.GET("/account/password", s.page(insteadOf("/account")))
	inside.POST("/account/sessions/:id/end", s.act(endSession))
	inside.POST("/account/sessions/end", s.act(endSessions))
	inside.POST("/logout", s.act(signOut))
}

// accountPage is a person's own page.
type accountPage struct {
	User     subfive.User
	Sessions []browser
	Wrong    map[string]string // what is wrong with the password, by field
}

// browser is one session, as its owner sees it.
type browser struct {
	ID, Name, Address, Agent   string
	Here                       bool // it is this one
	CreatedAt, SeenAt, UntilAt time.Time
}

func showAccount(r *request) (page, error) { return r.account(http.StatusOK, nil) }

func (r *request) account(status int, wrong map[string]string) (page, error) {
	accounts, err := r.s.cfg.Accounts()
	if err != nil {
		return page{}, r.s.closed(r.Context, err)
	}
	p := accountPage{User: r.user, Wrong: wrong}
	all, err := accounts.SessionsOf(r.Request.Context(), r.user.ID, r.now)
	if err != nil {
		return page{}, r.s.closed(r.Context, err)
	}
	here := r.session()
	for _, v := range all {
		p.Sessions = append(p.Sessions, browser{
			ID: v.Hash, Name: browserName(v.UserAgent), Address: v.Address, Agent: v.UserAgent, Here: v.Hash == here,
			CreatedAt: v.CreatedAt, SeenAt: v.SeenAt, UntilAt: v.ExpiresAt,
		})
	}
	return page{Name: "account", Title: "Your account", Data: p, Status: status}, nil
}

// session is the hash of the session that a request comes with.
func (r *request) session() string {
	c, err := r.Request.Cookie(r.s.in.of(r.Request).Cookie.Name)
	if err != nil {
		return ""
	}
	return subfive.SecretHash(c.Value)
}

// preferences is the body of a call that changes how one sees things.
type preferences struct {
	Zone  string `json:"zone,omitempty"`
	Theme string `json:"theme,omitempty"`
}

func changeAccount(r *request) (said, error) {
	body := preferences{Zone: strings.TrimSpace(r.PostForm("zone")), Theme: r.PostForm("theme")}
	return said{Text: "Kept: your time zone and theme.", To: Root + "/account"}, r.send(http.MethodPut, "/session", body, nil)
}

// changePassword sets another password for who knows the present one. He stays
// signed in here, under a new session, and nowhere else.
func changePassword(r *request) (page, error) {
	ctx := r.Request.Context()
	old, password, wrong := r.PostForm("old"), r.PostForm("password"), map[string]string{}
	if text := CheckPassword(password, r.user.Name); text != "" {
		wrong["password"] = text
	} else if password != r.PostForm("again") {
		wrong["again"] = "The two passwords differ. Type the same twice."
	}
	address, _ := r.s.cfg.Client(r.Request)
	if len(wrong) == 0 && r.s.tries.try(r.user.Name, address, r.now) > 0 {
		wrong["old"] = "That was tried too often. Wait a minute."
	}
	if len(wrong) == 0 {
		_, err := r.known(r.user.Name, old)
		switch {
		case errors.Is(err, subfive.ErrNotFound):
			wrong["old"] = "This is not your present password. Who forgot it gets a link from an owner."
		case err != nil:
			return page{}, r.s.closed(r.Context, err)
		}
	}
	if len(wrong) > 0 {
		return r.account(http.StatusUnprocessableEntity, wrong)
	}
	r.s.tries.passed(r.user.Name)
	hash, err := r.s.cfg.Passwords.Hash(ctx, password)
	if err != nil {
		return page{}, err
	}
	accounts, err := r.s.cfg.Accounts()
	if err != nil {
		return page{}, r.s.closed(r.Context, err)
	}
	keep, err := r.s.in.begin(r.Writer, r.Request, r.user)
	if err == nil {
		err = accounts.SetPassword(ctx, r.user.Name, r.user.ID, hash, keep, r.now)
	}
	if err != nil {
		return page{}, r.s.closed(r.Context, err)
	}
	r.say(said{Text: "Your password is changed. You are signed out everywhere else."})
	return page{To: Root + "/account"}, nil
}

// endSession ends one of the person's own sessions.
func endSession(r *request) (said, error) {
	return r.endSessions(func(v subfive.UserSession) bool { return v.Hash == r.Param("id") })
}

// endSessions ends all but this one.
func endSessions(r *request) (said, error) {
	here := r.session()
	return r.endSessions(func(v subfive.UserSession) bool { return v.Hash != here })
}

func (r *request) endSessions(which func(subfive.UserSession) bool) (said, error) {
	accounts, err := r.s.cfg.Accounts()
	if err != nil {
		return said{}, r.s.closed(r.Context, err)
	}
	all, err := accounts.SessionsOf(r.Request.Context(), r.user.ID, r.now)
	ended := 0
	for _, v := range all {
		if err == nil && which(v) {
			err = accounts.EndSession(r.Request.Context(), v.Hash)
			ended++
		}
	}
	if err != nil {
		return said{}, r.s.closed(r.Context, err)
	}
	text := "Signed out of " + plural(ended, "browser", "browsers") + "."
	if ended == 0 {
		text = "Nothing to end: that browser was signed out already."
	}
	return said{Text: text, To: Root + "/account"}, nil
}

// browserName says in words what a browser calls itself: "Firefox on Windows".
func browserName(agent string) string {
	find := func(marks ...string) string { // mark, name, mark, name, …
		for i := 0; i < len(marks); i += 2 {
			if strings.Contains(agent, marks[i]) {
				return marks[i+1]
			}
		}
		return ""
	}
	name := find("Edg/", "Edge", "OPR/", "Opera", "Firefox/", "Firefox", "FxiOS/", "Firefox", "CriOS/", "Chrome", "Chrome/", "Chrome", "Safari/", "Safari")
	system := find("iPhone", "iPhone", "iPad", "iPad", "Android", "Android", "Windows", "Windows", "Mac OS X", "macOS", "CrOS", "ChromeOS", "Linux", "Linux")
	switch {
	case name == "" && system == "":
		return "Another program"
	case name == "":
		return "A browser on " + system
	case system == "":
		return name
	}
	return name + " on " + system
}
