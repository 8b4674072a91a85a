package screens

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// auditPage is a page of the audit.
type auditPage struct {
	Items []struct {
		ID      string    `json:"id"`
		At      time.Time `json:"at"`
		Actor   string    `json:"actor"`
		Action  string    `json:"action"`
		Subject string    `json:"subject"`
		Old     string    `json:"old"`
		New     string    `json:"new"`
	} `json:"items"`
	Next string `json:"next"`
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
