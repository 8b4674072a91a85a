package dashboard

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"
)

// ResourceChange says what shall become of one resource of the setup.
type ResourceChange struct {
	Kind, ID string
	// Body is the resource as the caller sends it, a JSON object with the file's
	// field names; nil archives it.
	Body   []byte
	DryRun bool // only say what would change
	By     string
}

// AuditQuery asks for one page of who changed what, newest first.
type AuditQuery struct {
	Limit  int    // 1 to 1000
	Cursor string // the Next of the page before; empty for the first
}

// resourceKinds are the lists of the setup that can be looked at whole, as the
// file and paths name them. Destinations are a collection: their state matters
// more.
func resourceKinds() []string {
	return []string{"networks", "endpoints", "sources", "landing_pages", "offers", "campaigns"}
}

// routeResources routes what is asked of the setup and takes a query.
func (d *Dashboard) routeResources(api gin.IRoutes) {
	for _, kind := range resourceKinds() {
		api.GET("/"+kind, d.run(d.resources(kind)))
	}
	for _, kind := range append(resourceKinds(), Destinations) {
		api.PUT("/"+kind+"/:id", d.run(d.changeResource(kind)))
		api.DELETE("/"+kind+"/:id", d.run(d.changeResource(kind)))
	}
	api.GET("/audit", d.run(d.audit))
}

func (d *Dashboard) resources(kind string) func(*gin.Context) (any, error) {
	return func(c *gin.Context) (any, error) {
		archived, err := flagOf(c, "archived")
		if err != nil {
			return nil, err
		}
		return d.cfg.Backend.Resources(c.Request.Context(), kind, archived)
	}
}

func (d *Dashboard) resource(kind string) func(*gin.Context) (any, error) {
	return func(c *gin.Context) (any, error) {
		id, err := pathID(c)
		if err != nil {
			return nil, err
		}
		return d.cfg.Backend.Resource(c.Request.Context(), kind, id)
	}
}

// changeResource stores what PUT brings, and archives what DELETE names.
func (d *Dashboard) changeResource(kind string) func(*gin.Context) (any, error) {
	return func(c *gin.Context) (any, error) {
		change := ResourceChange{Kind: kind, By: actor(c)}
		var err error
		if change.ID, err = pathID(c); err != nil {
			return nil, err
		}
		if change.DryRun, err = flagOf(c, "dry_run"); err != nil {
			return nil, err
		}
		body, err := bodyOf(c, maxBody)
		if err != nil {
			return nil, err
		}
		switch {
		case c.Request.Method == http.MethodDelete && len(body) > 0:
			return nil, bad("send no body", "a resource is archived by its address alone")
		case c.Request.Method == http.MethodDelete:
		case !json.Valid(body) || bytes.TrimSpace(body)[0] != '{':
			return nil, bad(`send the resource as one JSON object, with the file's field names: {"id": "`+change.ID+`"}`, "the body is not a JSON object")
		default:
			change.Body = body
		}
		return d.cfg.Backend.ChangeResource(c.Request.Context(), change)
	}
}

func (d *Dashboard) links(c *gin.Context) (any, error) {
	id, err := pathID(c)
	if err != nil {
		return nil, err
	}
	return d.cfg.Backend.Links(c.Request.Context(), id)
}

func (d *Dashboard) audit(c *gin.Context) (any, error) {
	given, err := queryOf(c, "limit", "cursor")
	if err != nil {
		return nil, err
	}
	q := AuditQuery{Cursor: given["cursor"]}
	if q.Limit, err = limitOf(given["limit"]); err != nil {
		return nil, err
	}
	return d.cfg.Backend.Audit(c.Request.Context(), q)
}

// flagOf reads a query that may hold one flag of that name and nothing else.
func flagOf(c *gin.Context, name string) (bool, error) {
	given, err := queryOf(c, name)
	if err != nil || given[name] == "" {
		return false, err
	}
	on, err := strconv.ParseBool(given[name])
	if err != nil {
		return false, bad("write true or false", "%s is %q", name, given[name])
	}
	return on, nil
}
