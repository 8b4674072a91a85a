package screens

import (
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// routeDestinations routes what is done to a destination beside its form.
func (s *Screens) routeDestinations(inside gin.IRoutes) {
	inside.POST("/destinations/:id/pause", s.act(pause))
	inside.POST("/destinations/:id/resume", s.act(resume))
	inside.POST("/destinations/:id/check", s.form(checkDestination))
	inside.GET("/destinations/:id/mode", s.page(modePage))
	inside.POST("/destinations/:id/mode", s.form(switchMode))
}

// destinationView is how a destination does, and what can be done to it.
type destinationView struct {
	Mode        string `json:"mode"`
	Account     string `json:"account"`
	Paused      bool   `json:"paused"`
	PauseReason string `json:"pause_reason"`
	PauseManual bool   `json:"pause_manual"`
	PausedUntil string `json:"paused_until"`
	Ready       int    `json:"ready"`
	OldestAt    string `json:"oldest_at"`
	// Check says what its check leaves behind.
	Check    string `json:"-"`
	OnlyAsks bool   `json:"-"`
}

// State is how it does, in a word.
func (d destinationView) State() string {
	if d.Paused {
		return "paused"
	}
	return d.Mode
}

// preview is the request that would go out, and what the platform makes of it.
type preview struct {
	Platform     string `json:"platform"`
	ConversionID string `json:"conversion_id"`
	MadeUp       bool   `json:"made_up"`
	EventName    string `json:"event_name"`
	Value        string `json:"value"`
	Currency     string `json:"currency"`
	WouldSend    bool   `json:"would_send"`
	ReasonCode   string `json:"reason_code"`
	Reason       string `json:"reason"`
	Problem      string `json:"problem"`
	Request      *struct {
		Method, URL, Headers, Body string
	} `json:"request"`
	Keys []struct {
		Name, Is, Sent string
		Present        bool
	} `json:"keys"`
	Rules    []rule   `json:"rules"`
	Warnings []string `json:"warnings"`
}

// rule is one of a platform's.
type rule struct {
	Rule, Note string
	Holds      *bool
}

// Mark is whether it holds, as a glyph; a rule that is not looked at has none.
func (r rule) Mark() template.HTML {
	switch {
	case r.Holds == nil:
		return glyph("in")
	case *r.Holds:
		return glyph("ok", "ok")
	}
	return glyph("no", "bad")
}

// Text is the request as it goes over the wire.
func (p preview) Text() string {
	if p.Request == nil {
		return ""
	}
	return p.Request.Method + " " + p.Request.URL + "\n" + p.Request.Headers + "\n" + p.Request.Body
}

// Present are how many keys the request has.
func (p preview) Present() int {
	n := 0
	for _, k := range p.Keys {
		if k.Present {
			n++
		}
	}
	return n
}

// checked is what the platform said to a harmless event.
type checked struct {
	OK       bool     `json:"ok"`
	Problem  string   `json:"problem"`
	Note     string   `json:"note"`
	Event    string   `json:"event"`
	Harmless string   `json:"harmless"`
	Request  string   `json:"request"`
	Sent     bool     `json:"sent"`
	Answer   string   `json:"answer"`
	Means    string   `json:"means"`
	Do       string   `json:"do"`
	Domains  []string `json:"domains"`
	Allow    string   `json:"allow"`
	Outcome  *struct {
		HTTP                          int
		Class, Code, Subcode, Message string
	} `json:"outcome"`
}

func (p *resourcePage) destinationExtras(r *request, t tree) error {
	if p.Platform == "" {
		all, _, err := r.platforms()
		for _, platform := range all {
			p.Platforms = append(p.Platforms, platform.Name)
		}
		return err
	}
	if p.New {
		return nil
	}
	var d destinationView
	if err := convert(t["state"], &d); err != nil {
		return err
	}
	platform, err := r.platform(p.Platform)
	if err != nil {
		return err
	}
	d.Check, d.OnlyAsks = platform.Check.Harmless, platform.Check.OnlyAsked
	p.Destination = &d
	if p.Preview != nil || !(&view{request: r}).May() || p.Archived != nil {
		return nil
	}
	var shown preview
	path := "/destinations/" + url.PathEscape(p.ID) + "/preview"
	if id := r.Query("conversion"); id != "" {
		path += "?conversion=" + url.QueryEscape(id)
	}
	err = r.call(http.MethodPost, path, nil, &shown)
	if err == nil {
		p.Preview = &shown
	}
	return optional(err)
}

func pause(r *request) (said, error) {
	body := map[string]string{}
	if reason := strings.TrimSpace(r.PostForm("reason")); reason != "" {
		body["reason"] = reason
	}
	err := r.send(http.MethodPost, "/destinations/"+r.Param("id")+"/pause", body, nil)
	return said{Text: r.id() + " is paused: what is to be sent waits", Undo: r.destination() + "/resume", To: r.destination()}, err
}

func resume(r *request) (said, error) {
	err := r.send(http.MethodPost, "/destinations/"+r.Param("id")+"/resume", struct{}{}, nil)
	return said{Text: r.id() + " goes on", Undo: r.destination() + "/pause", To: r.destination()}, err
}

// destination is the address of the destination in the path.
func (r *request) destination() string { return Root + "/destinations/" + r.Param("id") }

// checkDestination sends the platform's harmless event, and shows the answer.
func checkDestination(r *request) (page, *said, error) {
	k := kindNamed("destinations")
	t, err := stored(r, k)
	if err != nil {
		return page{}, nil, err
	}
	body := map[string]bool{}
	if r.PostForm("send") != "" {
		body["send"] = true
	}
	p := resourcePage{Kind: k, ID: r.id(), Check: &checked{}}
	if err := r.send(http.MethodPost, "/destinations/"+r.Param("id")+"/check", body, p.Check); err != nil {
		p.Check = nil
		if err := p.refusedBy(err, func() {}); err != nil {
			return page{}, nil, err
		}
	}
	drawn, err := p.drawn(r, t)
	return drawn, nil, err
}

// modeView is the page on which a destination is switched.
type modeView struct {
	ID, Platform, Mode string
	To                 string
	Last               string // also send what was only rendered in so long; "": nothing
	Backlog            *backlog
	// Confirm are the facts that a person vouches for before it goes live, Given
	// those he has.
	Confirm  []struct{ ID, Text string }
	Given    []string
	Counts   []string // events whose tests count as real ones
	Counted  bool
	Problem  *Refused
	FromFile bool
	Origin   string
}

// Href is the destination's address.
func (m modeView) Href() string { return Root + "/destinations/" + url.PathEscape(m.ID) }

// Chosen reports whether a mode is the one that is switched to.
func (m modeView) Chosen(mode string) bool { return m.To == mode }

// Vouched reports whether a fact was confirmed.
func (m modeView) Vouched(id string) bool { return slices.Contains(m.Given, id) }

// Ready reports whether the switch was looked at.
func (m modeView) Ready() bool { return m.To != "" && m.Problem == nil }

// backlog is what was rendered and not sent, and would be.
type backlog struct {
	Count   int               `json:"count"`
	Refused map[string]int    `json:"refused"`
	Value   map[string]string `json:"value"`
	Oldest  time.Time         `json:"oldest"`
	Newest  time.Time         `json:"newest"`
}

// Left is how many are left alone.
func (b backlog) Left() int {
	n := 0
	for _, count := range b.Refused {
		n += count
	}
	return n
}

// Spans are how far back what was only rendered can be sent, too.
func (modeView) Spans() []string { return []string{"1h", "6h", "24h", "72h", "7d"} }

func (r *request) modeView() (modeView, error) {
	t, err := stored(r, kindNamed("destinations"))
	if err != nil {
		return modeView{}, err
	}
	m := modeView{ID: r.id(), Platform: textOf("", t["platform"]), Mode: textOf("", t["mode"]), Origin: textOf("", t["origin"])}
	m.FromFile = fromFile(m.Origin)
	p, err := r.platform(m.Platform)
	m.Confirm, m.Counts = p.BeforeLive, p.TestsCount
	m.Given = r.PostFormArray("confirmed")
	m.Counted = t["counts_for_real"] == true
	return m, err
}

func modePage(r *request) (page, error) {
	m, err := r.modeView()
	m.To = r.Query("to")
	return page{Name: "mode", Title: "Mode of " + m.ID, Data: m}, err
}

// switchMode shows what a switch would send, or does it.
func switchMode(r *request) (page, *said, error) {
	m, err := r.modeView()
	if err != nil {
		return page{}, nil, err
	}
	m.To, m.Last, m.Counted = r.PostForm("mode"), r.PostForm("last"), r.PostForm("counts_for_real") != ""
	if m.To != "live" {
		m.Last = ""
	}
	// The button says what was looked at; another choice beside it is looked at first.
	looked := r.PostForm("looked_mode") == m.To && r.PostForm("looked_last") == m.Last
	var done *said
	if r.PostForm("step") == "switch" && looked {
		done, err = m.change(r)
	} else if m.Last != "" {
		m.Backlog = &backlog{}
		err = r.send(http.MethodPost, "/replays", m.replay(true), m.Backlog)
	}
	var refused *Refused
	switch {
	case errors.As(err, &refused) && refused.Status < http.StatusInternalServerError:
		m.Problem, m.Backlog, err = refused, nil, nil
	case err != nil:
		return page{}, nil, err
	}
	p := page{Name: "mode", Title: "Mode of " + m.ID, Data: m}
	if m.Problem != nil {
		p.Status = http.StatusUnprocessableEntity
	}
	return p, done, err
}

// replay is the call that sends what was only rendered.
func (m modeView) replay(dry bool) map[string]any {
	body := map[string]any{"destination_id": m.ID, "status": "dry_run", "since": m.Last}
	if dry {
		body["dry_run"] = true
	}
	return body
}

// change switches, and then sends what was chosen to be sent, too.
func (m modeView) change(r *request) (*said, error) {
	body := map[string]any{"mode": m.To}
	if len(m.Given) > 0 {
		body["confirmed"] = m.Given
	}
	if m.Counted {
		body["counts_for_real"] = true
	}
	if err := r.send(http.MethodPut, "/destinations/"+r.Param("id")+"/mode", body, nil); err != nil {
		return nil, err
	}
	done := &said{Text: m.ID + " is in mode " + words(m.To), To: r.destination()}
	if undo, err := r.lastChange("destination " + m.ID); err == nil {
		done.Undo = undo
	}
	if m.Last == "" {
		return done, nil
	}
	var sent backlog
	err := r.send(http.MethodPost, "/replays", m.replay(false), &sent)
	if refused, ok := refusal(err); ok {
		done.Bad, done.Text = true, done.Text+", and nothing of before is sent: "+refused.Error()
		return done, nil
	}
	done.Undo = ""  // what was sent can't be taken back
	if err != nil { // it is switched all the same, and whoever reads "something went wrong" thinks it is not
		r.s.cfg.Log.ErrorContext(r.Request.Context(), "send what was rendered in dry run", "destination", m.ID, "err", err)
		done.Bad, done.Text = true, done.Text+"; whether what was rendered before is sent is not known: look at its deliveries"
		return done, nil
	}
	done.Text += "; " + plural(sent.Count, "delivery of the last "+m.Last+" is on its way", "deliveries of the last "+m.Last+" are on their way")
	return done, nil
}

// lastChange is the address that takes back the newest change of a subject.
func (r *request) lastChange(subject string) (string, error) {
	var a auditPage
	if err := r.get("/audit", url.Values{"limit": {"5"}}, &a); err != nil {
		return "", err
	}
	for _, line := range a.Items {
		if line.Subject == subject {
			return Root + "/audit/" + url.PathEscape(line.ID) + "/undo", nil
		}
	}
	return "", nil
}
