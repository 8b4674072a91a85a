package screens

import (
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"
)

func (s *Screens) routeSetup(inside gin.IRoutes) {
	inside.GET("/setup", s.page(firstRun))
	inside.POST("/setup/:id", s.act(markStep))
	inside.POST("/setup/simulate", s.act(simulateFirst))
}

// checklist is the first run.
type checklist struct {
	Done     int         `json:"done"`
	Total    int         `json:"total"`
	Complete bool        `json:"complete"`
	Here     string      `json:"here"`
	Steps    []setupStep `json:"steps"`
}

// setupStep is one step of the first run.
type setupStep struct {
	ID          string    `json:"id"`
	Title       string    `json:"title"`
	State       string    `json:"state"`
	Evidence    string    `json:"evidence"`
	At          time.Time `json:"at"`
	SubjectID   string    `json:"subject_id"`
	Do          string    `json:"do"`
	Href        string    `json:"href"`
	Confirmed   bool      `json:"confirmed"`
	Confirmable bool      `json:"confirmable"`
}

// firstRunView is the checklist, and the step that is looked at.
type firstRunView struct {
	checklist
	At *setupStep
	// Campaigns can be simulated; Link is the first one's, URL the default
	// endpoint's.
	Campaigns []string
	Link      *campaignLink
	URL       *postbackURL
}

// Width is how much of the meter is full, of 90.
func (v firstRunView) Width() int {
	if v.Total == 0 {
		return 0
	}
	return 90 * v.Done / v.Total
}

// Looked reports whether a step is the one looked at.
func (v firstRunView) Looked(id string) bool { return v.At != nil && v.At.ID == id }

func firstRun(r *request) (page, error) {
	var v firstRunView
	if err := r.get("/setup", nil, &v.checklist); err != nil {
		return page{}, err
	}
	looked := r.Query("step")
	if looked == "" {
		looked = v.Here
	}
	for i := range v.Steps {
		if v.Steps[i].ID == looked {
			v.At = &v.Steps[i]
		}
	}
	if err := v.extras(r); err != nil {
		return page{}, err
	}
	return page{Name: "setup", Title: "First run", Data: v}, nil
}

// extras are what the step that is looked at needs at hand.
func (v *firstRunView) extras(r *request) error {
	if v.At == nil {
		return nil
	}
	var err error
	switch v.At.ID {
	case "campaign", "click", "conversion":
		if v.Campaigns, err = r.idsOf("campaigns"); err != nil || len(v.Campaigns) == 0 {
			return err
		}
		v.Link, err = r.linkOf(v.Campaigns[0])
	case "postback":
		if !(&view{request: r}).May() {
			return nil
		}
		var u postbackURL
		if err = r.send(http.MethodPost, "/endpoints/default/url", struct{}{}, &u); err == nil {
			v.URL = &u
		}
		err = optional(err)
	}
	return err
}

// markStep notes what a person says of a step.
func markStep(r *request) (said, error) {
	mark := r.PostForm("mark")
	err := r.send(http.MethodPut, "/setup/"+r.Param("id"), map[string]string{"mark": mark}, nil)
	text := map[string]string{"skipped": "Passed over: it can be taken up at any time", "confirmed": "Noted", "none": "It is open again"}[mark]
	return said{Text: text, To: Root + "/setup"}, err
}

// simulateFirst tries a step with what the tracker can do itself.
func simulateFirst(r *request) (said, error) {
	done, err := r.simulate(r.PostForm("campaign"), r.PostForm("only") == "click")
	if done.To = Root + "/setup"; done.Bad {
		done.To += "?step=" + url.QueryEscape(r.PostForm("step"))
	}
	return done, err
}
