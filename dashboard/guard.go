package dashboard

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/gin-gonic/gin"

	"subfive"
)

// callerKey is where a request keeps who asks.
const callerKey = "caller"

// caller returns who asks: a person, or a token as if it were one.
func caller(c *gin.Context) subfive.User {
	who, _ := c.Value(callerKey).(subfive.User)
	return who
}

// actor returns who asks, for the audit.
func actor(c *gin.Context) string { return caller(c).Name }

// servedAs is where the context of a call from inside this process keeps who
// asks.
type servedAs struct{}

// ServeAs answers a call that comes from inside this process, as who is known to
// ask: no token is looked for.
func (d *Dashboard) ServeAs(w http.ResponseWriter, r *http.Request, who subfive.User) {
	d.engine.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), servedAs{}, who)))
}

// recover answers a request whose handling panicked like any other failure.
func (d *Dashboard) recover(c *gin.Context) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(p)
		}
		c.Abort()
		d.fail(c, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
	}()
	c.Next()
}

// secure sets what keeps answers out of caches, frames and guesses.
func secure(c *gin.Context) {
	c.Header("Cache-Control", "no-store")
	c.Header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	c.Header("Cross-Origin-Resource-Policy", "same-origin")
	c.Header("Referrer-Policy", "no-referrer")
	c.Header("X-Content-Type-Options", "nosniff")
	c.Header("X-Frame-Options", "DENY")
}

// authenticate lets pass who has admin.token, or a token of the database. Digests are compared, so that the
// time it takes tells neither the token nor its length.
func (d *Dashboard) authenticate(c *gin.Context) {
	if who, ok := c.Request.Context().Value(servedAs{}).(subfive.User); ok {
		c.Set(callerKey, who)
		return
	}
	scheme, token, _ := strings.Cut(c.GetHeader("Authorization"), " ")
	sum := sha256.Sum256([]byte(strings.TrimSpace(token)))
	set := strings.TrimSpace(d.cfg.Token) != ""
	right := set && subtle.ConstantTimeCompare(sum[:], d.token[:]) == 1
	bearer := strings.EqualFold(scheme, "Bearer")
	if token = strings.TrimSpace(token); bearer && !right && strings.HasPrefix(token, subfive.PrefixToken) && d.authenticateToken(c, token) {
		return
	}
	switch {
	case !set:
		d.refuse(c, problem{
			http.StatusUnauthorized, "no token is set, so the API is closed",
			"set admin.token in the file, or SUBFIVE_ADMIN_TOKEN, and restart; one to use: openssl rand -hex 32",
		})
	case !bearer:
		c.Header("WWW-Authenticate", `Bearer realm="subfive"`)
		d.refuse(c, problem{
			http.StatusUnauthorized, "no bearer token was sent",
			"send the header Authorization: Bearer TOKEN, where TOKEN is admin.token of the tracker's file",
		})
	case !right:
		c.Header("WWW-Authenticate", `Bearer realm="subfive", error="invalid_token"`)
		d.refuse(c, problem{
			http.StatusUnauthorized, "the token is not the right one",
			"send admin.token of the tracker's file; it is read when the tracker starts",
		})
	default:
		c.Set(callerKey, subfive.User{Name: subfive.ActorAPI, Role: subfive.RoleOwner})
	}
}

// authorize lets pass who may do what is asked for.
func (d *Dashboard) authorize(c *gin.Context) {
	who, need := caller(c), needed(c.Request.Method, c.FullPath())
	if who.Role.Covers(need) {
		return
	}
	what := "this needs the role " + string(need) + ", and " + who.Name + " has " + string(who.Role)
	switch {
	case who.Role == "":
		what = who.Name + " has no role, and so may do nothing"
	case need == subfive.RoleBuyer:
		what = "this changes something, and " + who.Name + " may only read"
	}
	d.refuse(c, problem{
		http.StatusForbidden, what,
		"ask an owner for another role (subfive users role NAME " + string(need) + "), or for a token of more scope (subfive tokens add NAME --scope " + string(scopeOf(need)) + ")",
	})
}

// needed is the role that a call needs. What is nowhere needs none that is
// special, so that everybody is told that it is nowhere.
func needed(method, path string) subfive.Role {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/api/v1/"), "/")
	switch {
	case first == "users", first == "tokens":
		return subfive.RoleOwner
	case path == "", method == http.MethodGet, method == http.MethodHead,
		first == "session", first == "views", // one's own
		first == "reports": // which only counts
		return subfive.RoleAnalyst
	}
	return subfive.RoleBuyer
}

// scopeOf is the scope of a token that may do what needs a role.
func scopeOf(need subfive.Role) subfive.Scope {
	for _, s := range subfive.Scopes() {
		if s.Role() == need {
			return s
		}
	}
	return ""
}

// limitTime ends a call that takes too long. A stream has its own limits.
func limitTime(c *gin.Context) {
	if strings.HasSuffix(c.FullPath(), "/tail") || strings.HasSuffix(c.FullPath(), "/export") {
		return
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), patience)
	defer cancel()
	c.Request = c.Request.WithContext(ctx)
	c.Next()
}

// refuseQuery refuses a query where none is read: "?dry_run=true" that nobody
// looks at would send for real.
func (d *Dashboard) refuseQuery(c *gin.Context) {
	if c.Request.URL.RawQuery != "" {
		d.refuse(c, problem{
			http.StatusBadRequest, "this call takes no query",
			"send what it needs as JSON in the body; /api/v1/openapi.json says what that is",
		})
	}
}

func noRoute(*gin.Context) (any, error) {
	return nil, problem{http.StatusNotFound, "there is nothing at this path", "see /api/v1/openapi.json for what there is"}
}

func noMethod(c *gin.Context) (any, error) {
	return nil, problem{
		http.StatusMethodNotAllowed, "this path does not take " + c.Request.Method,
		"use " + c.Writer.Header().Get("Allow"),
	}
}
