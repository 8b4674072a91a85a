package screens

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
)

// routeResources routes the pages of the set-up.
func (s *Screens) routeResources(inside gin.IRoutes) {
	for _, k := range kinds() {
		path := "/" + k.List
		inside.GET(path, s.page(func(r *request) (page, error) { return listResources(r, k) }))
		inside.GET(path+"/new", s.page(func(r *request) (page, error) { return newResource(r, k) }))
		inside.POST(path+"/new", s.form(func(r *request) (page, *said, error) { return changeResource(r, k) }))
		inside.GET(path+"/:id", s.page(func(r *request) (page, error) { return oneResource(r, k) }))
		inside.POST(path+"/:id", s.form(func(r *request) (page, *said, error) { return changeResource(r, k) }))
		inside.POST(path+"/:id/archive", s.act(func(r *request) (said, error) { return archive(r, k) }))
	}
	s.routeDestinations(inside)
	inside.POST("/campaigns/:id/simulate", s.act(simulateCampaign))
}

// form answers a form that is looked at before it counts: with a page, or with
// what is said on the page that follows.
func (s *Screens) form(h func(*request) (page, *said, error)) gin.HandlerFunc {
	return func(c *gin.Context) {
		r := s.request(c)
		p, done, err := h(r)
		switch {
		case err != nil:
			r.fail(err)
		case done != nil:
			r.say(*done)
			c.Redirect(http.StatusSeeOther, done.To)
		default:
			r.draw(p)
		}
	}
}

// id is the ID in the path, as people write it.
func (r *request) id() string {
	id, err := url.PathUnescape(r.Param("id"))
	if err != nil {
		return r.Param("id")
	}
	return id
}

// resourceList is a kind's page.
type resourceList struct {
	Kind     kind
	Rows     []resourceRow
	FromFile int
	Archived bool // archived ones are shown too
	Live     int
}

// resourceRow is a resource in its list.
type resourceRow struct {
	ID, Href string
	Cells    []cell
	Origin   string
	FromFile bool
	Archived any
}

// cell is one value of a row.
type cell struct {
	Head, Text string
	State      string // a state's word, shown with its glyph
}

func listResources(r *request, k kind) (page, error) {
	var answer struct{ Items []tree }
	query := url.Values{}
	list := resourceList{Kind: k, Archived: r.Query("archived") != ""}
	if list.Archived && k.List != "destinations" {
		query.Set("archived", "true")
	}
	if k.List == "destinations" {
		query.Set("limit", "1000")
	}
	if err := r.get("/"+k.List, query, &answer); err != nil {
		return page{}, err
	}
	for _, item := range answer.Items {
		row := rowOf(k, item)
		if row.Archived != nil && !list.Archived {
			continue
		}
		if row.Archived == nil {
			list.Live++
		}
		if row.FromFile {
			list.FromFile++
		}
		list.Rows = append(list.Rows, row)
	}
	return page{Name: "resources", Title: k.Title, Data: list}, nil
}

func rowOf(k kind, item tree) resourceRow {
	id := textOf("", item["id"])
	if k.List == "destinations" {
		id = textOf("", item["destination_id"])
		item["state"] = destinationState(item)
		if item["archived"] == true {
			item["archived_at"] = "archived"
		}
	}
	origin := textOf("", item["origin"])
	row := resourceRow{ID: id, Href: k.Path() + "/" + url.PathEscape(id), Origin: origin, FromFile: fromFile(origin), Archived: item["archived_at"]}
	for _, c := range k.Columns {
		v := cell{Head: c.Head, Text: textOf("", at(item, c.Path))}
		switch c.Path {
		case "paused":
			v.Text = ""
			if at(item, c.Path) == true {
				v.State = "paused"
			}
		case "state", "mode":
			v.State, v.Text = v.Text, ""
		}
		row.Cells = append(row.Cells, v)
	}
	return row
}

// destinationState is how a destination does, in a word.
func destinationState(item tree) string {
	switch {
	case item["archived"] == true:
		return "archived"
	case item["paused"] == true:
		return "paused"
	}
	return "active"
}

// fromFile reports whether a resource is changed in a file alone.
func fromFile(origin string) bool { return origin != "" && origin != "api" && origin != "default" }

// resourcePage is one resource with its form.
type resourcePage struct {
	Kind     kind
	ID       string
	New      bool
	Origin   string
	FromFile bool
	Archived any
	Fields   []fieldView
	More     []fieldView // that few need
	Settings []fieldView // a platform's own
	Parts    []partView
	// Platform is a destination's or a source's, Platforms those to choose from.
	Platform  string
	Platforms []string
	Problem   *Refused
	Diff      []diffLine
	Reviewed  bool // the change was looked at: it can be saved
	Same      bool // and changes nothing
	// What else its page shows.
	Links       *campaignLink
	Scripts     []landingScript
	URL         *postbackURL
	Link        *linkDifference
	Template    *sourceTemplate
	Destination *destinationView
	Preview     *preview
	Check       *checked
}

// Href is the resource's address, or that of new ones.
func (p resourcePage) Href() string {
	if p.New {
		return p.Kind.Path() + "/new"
	}
	return p.Kind.Path() + "/" + url.PathEscape(p.ID)
}

// File is the one that it comes from.
func (p resourcePage) File() string {
	file, _, _ := strings.Cut(p.Origin, ":")
	return file
}

func newResource(r *request, k kind) (page, error) {
	t := tree{}
	if platform := r.Query("platform"); platform != "" {
		t["platform"] = platform
	}
	p := resourcePage{Kind: k, New: true, ID: r.Query("id")}
	return p.drawn(r, t)
}

// stored is the resource that the path names, as its form shows it.
func stored(r *request, k kind) (tree, error) {
	var answer json.RawMessage
	if err := r.get("/"+k.List+"/"+r.Param("id"), nil, &answer); err != nil {
		return nil, err
	}
	t, err := readTree(answer)
	if err != nil {
		return nil, fmt.Errorf("read %s %s: %w", k.One, r.id(), err)
	}
	if k.List != "destinations" {
		return t, nil
	}
	resource, _ := t["resource"].(tree)
	if resource == nil {
		resource = tree{}
	}
	delete(t, "resource")
	resource["state"] = t
	return resource, nil
}

func oneResource(r *request, k kind) (page, error) {
	t, err := stored(r, k)
	if err != nil {
		return page{}, err
	}
	p := resourcePage{Kind: k, ID: r.id()}
	return p.drawn(r, t)
}

// changeResource shows what a form's change would be, or makes it.
func changeResource(r *request, k kind) (page, *said, error) {
	p := resourcePage{Kind: k, ID: r.id(), New: r.Param("id") == ""}
	was := tree{}
	var err error
	switch {
	case p.New:
		p.ID = strings.TrimSpace(r.PostForm("id"))
		was["platform"] = r.PostForm("platform")
		if r.PostForm("step") != "preview" { // that stores nothing
			p.Problem, err = p.taken(r)
		}
	default:
		was, err = stored(r, k)
	}
	if err != nil {
		return page{}, nil, err
	}
	t, err := p.filledIn(r, was)
	if err != nil {
		return page{}, nil, err
	}
	if p.Problem == nil {
		done, err := p.send(r, t)
		if err != nil || done != nil {
			return page{}, done, err
		}
	}
	drawn, err := p.drawn(r, t)
	if p.Problem != nil && r.Query("part") == "" {
		drawn.Status = http.StatusUnprocessableEntity
	}
	return drawn, nil, err
}

// taken says why a new resource can't have the ID that was given.
func (p resourcePage) taken(r *request) (*Refused, error) {
	if p.ID == "" || p.ID == "new" {
		return &Refused{What: "it has no ID", Do: "write a short name for it, such as spring or meta-us: links and reports show it"}, nil
	}
	err := r.get("/"+p.Kind.List+"/"+url.PathEscape(p.ID), nil, nil)
	var refused *Refused
	switch {
	case err == nil:
		return &Refused{What: "another " + p.Kind.One + " is called " + p.ID + " already", Do: "choose another ID, or change that one"}, nil
	case errors.As(err, &refused) && refused.Status == http.StatusNotFound:
		return nil, nil
	}
	return nil, err
}

// filledIn is the resource with what the form says.
func (p *resourcePage) filledIn(r *request, was tree) (tree, error) {
	if err := r.Request.ParseForm(); err != nil {
		return nil, &Refused{Status: http.StatusBadRequest, What: "the form can't be read", Do: "open the page again"}
	}
	p.Platform = textOf("", was["platform"])
	settings, err := p.settingFields(r)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range slices.Concat(p.Kind.Fields, settings) {
		names = append(names, f.Name())
	}
	t := filled(was, r.Request.PostForm, names, p.Kind.Groups)
	t["id"] = p.ID
	if t["platform"] == "" {
		delete(t, "platform")
	}
	return t, nil
}

// revision is the API's answer to a change.
type revision struct {
	Differences []struct{} `json:"differences"`
	YAML        struct{ Before, After string }
	AuditID     string `json:"audit_id"`
	Note        string `json:"note"`
}

// send makes the change, or asks what it would be. A refusal is the page's.
func (p *resourcePage) send(r *request, t tree) (*said, error) {
	path := "/" + p.Kind.List + "/" + url.PathEscape(p.ID)
	body := sendable(t)
	save := r.PostForm("step") == "save"
	if r.PostForm("step") == "preview" {
		p.Preview = &preview{}
		if p.ID == "" {
			path += "draft"
			delete(body, "id")
		}
		return nil, p.refusedBy(r.send(http.MethodPost, path+"/preview"+conversionQuery(r), body, p.Preview), func() { p.Preview = nil })
	}
	call := path
	if !save {
		call += "?dry_run=true"
	}
	var answer revision
	if err := r.send(http.MethodPut, call, body, &answer); err != nil {
		return nil, p.refusedBy(err, func() {})
	}
	if !save {
		p.Reviewed, p.Same = len(answer.Differences) > 0, len(answer.Differences) == 0
		p.Diff = diffLines(answer.YAML.Before, answer.YAML.After)
		return nil, nil
	}
	done := &said{Text: p.ID + " is saved", To: p.Kind.Path() + "/" + url.PathEscape(p.ID)}
	if answer.AuditID == "" {
		done.Text = "Nothing changed: " + p.ID + " is so already"
		return done, nil
	}
	done.Undo = Root + "/audit/" + url.PathEscape(answer.AuditID) + "/undo"
	return done, nil
}

// refusedBy keeps a refusal for the page; any other error is one.
func (p *resourcePage) refusedBy(err error, undo func()) error {
	var refused *Refused
	if errors.As(err, &refused) && refused.Status < http.StatusInternalServerError {
		p.Problem = refused
		undo()
		return nil
	}
	return err
}

// sendable is a resource without what only the tracker says of it.
func sendable(t tree) tree {
	body := copyOf(t)
	for _, name := range []string{"state", "origin", "archived_at", "secrets", "account"} {
		delete(body, name)
	}
	return body
}

func conversionQuery(r *request) string {
	if id := strings.TrimSpace(r.PostForm("conversion")); id != "" {
		return "?conversion=" + url.QueryEscape(id)
	}
	return ""
}

// archive takes a resource out of use.
func archive(r *request, k kind) (said, error) {
	var answer revision
	err := r.call(http.MethodDelete, "/"+k.List+"/"+r.Param("id"), nil, &answer)
	done := said{Text: r.id() + " is archived. " + archivedStill(k), To: k.Path()}
	if answer.AuditID != "" {
		done.Undo = Root + "/audit/" + url.PathEscape(answer.AuditID) + "/undo"
	}
	return done, err
}

func archivedStill(k kind) string {
	switch k.List {
	case "campaigns":
		return "Its links keep working."
	case "destinations":
		return "What was still to be sent is skipped."
	}
	return ""
}
