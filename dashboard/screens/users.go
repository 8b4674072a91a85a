package screens

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"subfive"
)

func (s *Screens) routeUsers(inside gin.IRoutes) {
	inside.GET("/users", s.page(users))
	inside.POST("/users", s.page(addUser))
	inside.POST("/users/:id/link", s.page(linkUser))
	inside.GET("/users/:id/link", s.page(insteadOf("/users"))) // whoever loads the page anew
	inside.POST("/users/:id/role", s.act(changeRole))
	inside.POST("/users/:id/archive", s.act(archiveUser))
	inside.GET("/users/tokens", s.page(tokens))
	inside.POST("/users/tokens", s.page(addToken))
	inside.POST("/users/tokens/:id/revoke", s.act(revokeToken))
}

// usersPage is who may sign in.
type usersPage struct {
	Items []subfive.User `json:"items"`
	Roles []subfive.Role `json:"-"`
	// Link was just made, and is shown this once.
	Link *oneTimeLink `json:"-"`
	// Name and Role are what was sent, and Wrong what is wrong with it.
	Name  string       `json:"-"`
	Role  subfive.Role `json:"-"`
	Wrong string       `json:"-"`
}

type oneTimeLink struct {
	URL       string       `json:"url"`
	ExpiresAt time.Time    `json:"expires_at"`
	User      subfive.User `json:"user"`
}

// Live counts those that may come in.
func (p usersPage) Live() int {
	n := 0
	for _, u := range p.Items {
		if u.ArchivedAt.IsZero() {
			n++
		}
	}
	return n
}

// insteadOf leads to a page, where an address is one that forms are sent to.
func insteadOf(path string) func(*request) (page, error) {
	return func(*request) (page, error) { return page{To: Root + path}, nil }
}

func users(r *request) (page, error) { return r.users(usersPage{}, http.StatusOK) }

func (r *request) users(p usersPage, status int) (page, error) {
	if err := r.get("/users", nil, &p); err != nil {
		return page{}, err
	}
	slices.SortStableFunc(p.Items, func(a, b subfive.User) int { // who is archived last
		if gone := !a.ArchivedAt.IsZero(); gone != !b.ArchivedAt.IsZero() {
			return map[bool]int{true: 1, false: -1}[gone]
		}
		return 0
	})
	p.Roles = subfive.Roles()
	p.Role = cmp.Or(p.Role, subfive.RoleBuyer)
	return page{Name: "users", Title: "Users", Data: p, Status: status}, nil
}

// addUser adds a user, and shows the link by which he sets his password.
func addUser(r *request) (page, error) {
	body := struct {
		Name string       `json:"name,omitempty"`
		Role subfive.Role `json:"role,omitempty"`
	}{r.PostForm("name"), subfive.Role(r.PostForm("role"))}
	var u subfive.User
	if err := r.send(http.MethodPost, "/users", body, &u); err != nil {
		return r.refusedAt(err, func(text string) (page, error) {
			return r.users(usersPage{Name: body.Name, Role: body.Role, Wrong: text}, http.StatusUnprocessableEntity)
		})
	}
	return r.link(u.ID)
}

// refusedAt shows at the form what the API refuses of it; other errors stay.
func (r *request) refusedAt(err error, show func(text string) (page, error)) (page, error) {
	var refused *Refused
	if errors.As(err, &refused) && refused.Status < http.StatusInternalServerError && refused.Status != http.StatusForbidden {
		return show(sentence(refused))
	}
	return page{}, err
}

func linkUser(r *request) (page, error) { return r.link(r.Param("id")) }

func (r *request) link(id string) (page, error) {
	var made oneTimeLink
	if err := r.send(http.MethodPost, "/users/"+url.PathEscape(id)+"/link", struct{}{}, &made); err != nil {
		return page{}, err
	}
	return r.users(usersPage{Link: &made}, http.StatusOK)
}

func changeRole(r *request) (said, error) {
	body := struct {
		Role string `json:"role"`
	}{r.PostForm("role")}
	var u subfive.User
	err := r.send(http.MethodPatch, "/users/"+url.PathEscape(r.Param("id")), body, &u)
	return said{Text: u.Name + " has the role " + string(u.Role) + " now.", To: Root + "/users"}, err
}

func archiveUser(r *request) (said, error) {
	var u subfive.User
	err := r.send(http.MethodDelete, "/users/"+url.PathEscape(r.Param("id")), struct{}{}, &u)
	return said{Text: u.Name + " is let in no more. Add the same name to undo it.", To: Root + "/users"}, err
}

// tokensPage is the tokens of the REST API.
type tokensPage struct {
	Items  []subfive.APIToken `json:"items"`
	Scopes []subfive.Scope    `json:"-"`
	// Made is the token that was just made, and Secret what it is, shown this once.
	Made        subfive.APIToken `json:"-"`
	Secret      string           `json:"-"`
	Name, Wrong string           `json:"-"`
	Scope       subfive.Scope    `json:"-"`
}

// Live counts the tokens that open something.
func (p tokensPage) Live() int {
	n := 0
	for _, t := range p.Items {
		if t.RevokedAt.IsZero() {
			n++
		}
	}
	return n
}

func tokens(r *request) (page, error) { return r.tokens(tokensPage{}, http.StatusOK) }

func (r *request) tokens(p tokensPage, status int) (page, error) {
	if err := r.get("/tokens", nil, &p); err != nil {
		return page{}, err
	}
	p.Scopes = subfive.Scopes()
	p.Scope = cmp.Or(p.Scope, subfive.ScopeRead)
	return page{Name: "tokens", Title: "API tokens", Data: p, Status: status}, nil
}

func addToken(r *request) (page, error) {
	body := struct {
		Name  string        `json:"name,omitempty"`
		Scope subfive.Scope `json:"scope,omitempty"`
	}{r.PostForm("name"), subfive.Scope(r.PostForm("scope"))}
	var made struct {
		Token  subfive.APIToken `json:"token"`
		Secret string           `json:"secret"`
	}
	if err := r.send(http.MethodPost, "/tokens", body, &made); err != nil {
		return r.refusedAt(err, func(text string) (page, error) {
			return r.tokens(tokensPage{Name: body.Name, Scope: body.Scope, Wrong: text}, http.StatusUnprocessableEntity)
		})
	}
	return r.tokens(tokensPage{Made: made.Token, Secret: made.Secret}, http.StatusOK)
}

func revokeToken(r *request) (said, error) {
	var t subfive.APIToken
	err := r.send(http.MethodDelete, "/tokens/"+url.PathEscape(r.Param("id")), struct{}{}, &t)
	return said{Text: "The token " + t.Name + " opens nothing any more.", To: Root + "/users/tokens"}, err
}
