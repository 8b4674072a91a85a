package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"subfive"
)

// Accounts is what the API needs to know of who may do what, and of what people
// saved for themselves. by is who asks, for the audit.
type Accounts interface {
	// Token is the API token of whose secret this is the SecretHash; ErrNotFound
	// if there is none. It is in use now.
	Token(ctx context.Context, hash string) (subfive.APIToken, error)
	// Tokens are all; AddToken makes one, whose secret is shown this once.
	Tokens(ctx context.Context) (any, error)
	AddToken(ctx context.Context, name string, scope subfive.Scope, by string) (any, error)
	RevokeToken(ctx context.Context, id, by string) (any, error)
	// Users are all, archived ones too. AddUser makes one without a password, and
	// LinkUser a link by which he sets it.
	Users(ctx context.Context) (any, error)
	AddUser(ctx context.Context, u subfive.User, by string) (any, error)
	ChangeUser(ctx context.Context, id string, change UserChange, by string) (any, error)
	ArchiveUser(ctx context.Context, id, by string) (any, error)
	LinkUser(ctx context.Context, id, by string) (any, error)
	// Views are what an owner saved, of one page or, if page is empty, of all.
	Views(ctx context.Context, owner, page string) (any, error)
	SaveView(ctx context.Context, v subfive.View) (any, error)
	DeleteView(ctx context.Context, owner, id string) (any, error)
}

// UserChange says what shall be different about a user; nil leaves it.
type UserChange struct {
	Role  *subfive.Role
	Zone  *string
	Theme *string
}

// routeAccounts routes what takes no query.
func (d *Dashboard) routeAccounts(api gin.IRoutes) {
	api.GET("/users", d.run(d.users))
	api.POST("/users", d.run(d.addUser))
	api.PATCH("/users/:id", d.run(d.changeUser))
	api.DELETE("/users/:id", d.run(d.byID(d.cfg.Backend.ArchiveUser)))
	api.POST("/users/:id/link", d.run(d.byID(d.cfg.Backend.LinkUser)))
	api.GET("/tokens", d.run(d.tokens))
	api.POST("/tokens", d.run(d.addToken))
	api.DELETE("/tokens/:id", d.run(d.byID(d.cfg.Backend.RevokeToken)))
	api.GET("/session", d.run(d.session))
	api.PUT("/session", d.run(d.changeSession))
	api.POST("/views", d.run(d.saveView))
	api.DELETE("/views/:id", d.run(d.deleteView))
}

// byID is a call that needs nothing but an ID.
func (d *Dashboard) byID(do func(ctx context.Context, id, by string) (any, error)) func(*gin.Context) (any, error) {
	return func(c *gin.Context) (any, error) {
		id, err := read(c, &nothing{})
		if err != nil {
			return nil, err
		}
		return do(c.Request.Context(), id, actor(c))
	}
}

func (d *Dashboard) users(c *gin.Context) (any, error) {
	return d.cfg.Backend.Users(c.Request.Context())
}

// newUser is the body of a call that adds a user.
type newUser struct {
	Name string `json:"name"`
	Role string `json:"role"`
	Zone string `json:"zone"`
}

func (d *Dashboard) addUser(c *gin.Context) (any, error) {
	var u newUser
	if err := decode(c, &u); err != nil {
		return nil, err
	}
	name, err := subfive.ParseUserName(u.Name)
	if err != nil {
		return nil, bad("write a name such as ann or ann@example.com", "%v", err)
	}
	if err := errors.Join(oneOf("role", u.Role, plain(subfive.Roles())), isZone(u.Zone)); err != nil {
		return nil, err
	}
	return d.cfg.Backend.AddUser(c.Request.Context(), subfive.User{Name: name, Role: subfive.Role(u.Role), Zone: u.Zone}, actor(c))
}

// userRole is the body of a call that changes a user.
type userRole struct {
	Role string `json:"role"`
}

func (d *Dashboard) changeUser(c *gin.Context) (any, error) {
	var u userRole
	id, err := read(c, &u)
	if err != nil {
		return nil, err
	}
	if err := oneOf("role", u.Role, plain(subfive.Roles())); err != nil {
		return nil, err
	}
	role := subfive.Role(u.Role)
	return d.cfg.Backend.ChangeUser(c.Request.Context(), id, UserChange{Role: &role}, actor(c))
}

func (d *Dashboard) tokens(c *gin.Context) (any, error) {
	return d.cfg.Backend.Tokens(c.Request.Context())
}

// newToken is the body of a call that makes a token.
type newToken struct {
	Name  string `json:"name"`
	Scope string `json:"scope"`
}

func (d *Dashboard) addToken(c *gin.Context) (any, error) {
	var n newToken
	if err := decode(c, &n); err != nil {
		return nil, err
	}
	name, err := subfive.ParseUserName(n.Name)
	if err != nil {
		return nil, bad("write a name such as nightly-export", "%v", err)
	}
	if err := oneOf("scope", n.Scope, plain(subfive.Scopes())); err != nil {
		return nil, err
	}
	return d.cfg.Backend.AddToken(c.Request.Context(), name, subfive.Scope(n.Scope), actor(c))
}

// isZone checks a time zone; none is fine.
func isZone(name string) error {
	if _, err := time.LoadLocation(name); err != nil || name == "Local" {
		return bad("write its IANA name, such as America/New_York or UTC", "zone: %q is not a time zone", subfive.Clip(name))
	}
	return nil
}

// authenticateToken lets pass who has a token of the database, and says whether
// the secret is one.
func (d *Dashboard) authenticateToken(c *gin.Context, secret string) bool {
	t, err := d.cfg.Backend.Token(c.Request.Context(), subfive.SecretHash(secret))
	switch {
	case errors.Is(err, subfive.ErrNotFound):
		return false
	case err != nil:
		c.Abort()
		d.fail(c, fmt.Errorf("look for a token: %w", err))
	default:
		c.Set(callerKey, subfive.User{Name: t.Actor(), Role: t.Scope.Role()})
	}
	return true
}

// account says who the caller is, and how he sees things.
type account struct {
	// UserID is empty for a token.
	UserID string       `json:"user_id"`
	Name   string       `json:"name"`
	Role   subfive.Role `json:"role"`
	Zone   string       `json:"zone"`
	Theme  string       `json:"theme"`
}

func accountOf(u subfive.User) account { return account{u.ID, u.Name, u.Role, u.Zone, u.Theme} }

func (d *Dashboard) session(c *gin.Context) (any, error) { return accountOf(caller(c)), nil }

// preferences is the body of a call that changes how the caller sees things.
type preferences struct {
	Zone  string `json:"zone"`
	Theme string `json:"theme"`
}

func (d *Dashboard) changeSession(c *gin.Context) (any, error) {
	var p preferences
	if err := decode(c, &p); err != nil {
		return nil, err
	}
	who := caller(c)
	if who.ID == "" {
		return nil, problem{http.StatusConflict, "a token has no zone and no theme of its own", "ask with zone in the address, or in UTC"}
	}
	var change UserChange
	if p.Zone != "" {
		if err := isZone(p.Zone); err != nil {
			return nil, err
		}
		change.Zone, who.Zone = &p.Zone, p.Zone
	}
	if p.Theme != "" {
		themes := []string{subfive.ThemeSystem, subfive.ThemeLight, subfive.ThemeDark}
		if err := oneOf("theme", p.Theme, themes); err != nil {
			return nil, err
		}
		who.Theme = p.Theme
		if p.Theme == subfive.ThemeSystem {
			who.Theme = ""
		}
		change.Theme = &who.Theme
	}
	_, err := d.cfg.Backend.ChangeUser(c.Request.Context(), who.ID, change, actor(c))
	return accountOf(who), err
}
