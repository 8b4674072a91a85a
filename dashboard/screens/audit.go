package screens

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// auditPage is a page of the audit.
type auditPage struct {
	Items []auditLine `json:"items"`
	Next  string      `json:"next"`
}

// Title is the page's sentence.
func (p auditPage) Title() string {
	if len(p.Items) == 0 {
		return "Nothing was changed yet"
	}
	last := p.Items[0]
	return "Last changed by " + last.Actor + ": " + last.Subject
}

// auditLine is who changed what.
type auditLine struct {
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`
	Action  string    `json:"action"`
	Subject string    `json:"subject"`
	Old     string    `json:"old"`
	New     string    `json:"new"`
}

// auditedKinds are the kinds that have a page, by what the audit calls them.
var auditedKinds = map[string]string{
	"network": "networks", "endpoint": "endpoints", "source": "sources", "landing_page": "landing_pages", "offer": "offers",
	"campaign": "campaigns", "destination": "destinations",
}

// Path is the page of what was changed, "" if it has none.
func (l auditLine) Path() string {
	kind, id, ok := strings.Cut(l.Subject, " ")
	if list := auditedKinds[kind]; ok && list != "" {
		return "/" + list + "/" + url.PathEscape(id)
	}
	return ""
}

// Undoable reports whether it can be put back: a change of the set-up that did
// not come from the file.
func (l auditLine) Undoable() bool { return l.Path() != "" && l.Actor != "file" }

// auditDifference is what changed of one field; "" is what was not there.
type auditDifference struct{ Old, New string }

// Differences are the fields that changed. What is no object is one difference.
func (l auditLine) Differences() []auditDifference {
	old, okOld := fieldsOf(l.Old)
	now, okNow := fieldsOf(l.New)
	if !okOld || !okNow {
		if l.Old == l.New {
			return nil
		}
		return []auditDifference{{l.Old, l.New}}
	}
	names := slices.Collect(maps.Keys(old))
	for name := range now {
		if _, had := old[name]; !had {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var all []auditDifference
	for _, name := range names {
		if old[name] != now[name] {
			all = append(all, auditDifference{fieldText(name, old[name]), fieldText(name, now[name])})
		}
	}
	return all
}

func fieldText(name, value string) string {
	if value == "" {
		return ""
	}
	return name + ": " + value
}

// fieldsOf reads an object's fields as text; nothing is an object without any.
func fieldsOf(text string) (map[string]string, bool) {
	values := map[string]json.RawMessage{}
	if text != "" && json.Unmarshal([]byte(text), &values) != nil {
		return nil, false
	}
	read := map[string]string{}
	for name, raw := range values {
		var value string
		if json.Unmarshal(raw, &value) != nil {
			value = string(raw)
		}
		read[name] = value
	}
	return read, true
}

func (s *Screens) routeAudit(inside gin.IRoutes) {
	inside.GET("/audit", s.page(audit))
	inside.POST("/audit/:id/undo", s.act(undo))
}

// audit shows who changed what.
func audit(r *request) (page, error) {
	q := url.Values{"limit": {"50"}}
	if c := r.Query("cursor"); c != "" {
		q.Set("cursor", c)
	}
	var a auditPage
	err := r.get("/audit", q, &a)
	return page{Name: "audit", Title: "Audit log", Data: a}, err
}

// undo puts back what a change replaced.
func undo(r *request) (said, error) {
	var done struct {
		Subject string `json:"subject"`
		Note    string `json:"note"`
	}
	err := r.send(http.MethodPost, "/audit/"+r.Param("id")+"/undo", struct{}{}, &done)
	return said{Text: strings.TrimSpace("Put back as it was: " + done.Subject + ". " + done.Note)}, err
}
