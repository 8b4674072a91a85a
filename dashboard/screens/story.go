package screens

import (
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// storyAnswer is what the page needs of a story.
type storyAnswer struct {
	Headline string `json:"headline"`
	State    string `json:"state"`
	Subject  struct {
		ConversionID string    `json:"conversion_id"`
		PostbackID   string    `json:"postback_id"`
		ClickID      string    `json:"click_id"`
		At           time.Time `json:"at"`
	} `json:"subject"`
	Timing struct {
		ClickToPostback *int64 `json:"click_to_postback_ms"`
		ClickToSent     *int64 `json:"click_to_sent_ms"`
		Ours            *int64 `json:"ours_ms"`
	} `json:"timing"`
	Timeline []storyEvent   `json:"timeline"`
	WhyNot   []storyWhyNot  `json:"why_not"`
	Facts    []storyLine    `json:"facts"`
	Acts     []storyAct     `json:"acts"`
	Attempts []storyAttempt `json:"attempts"`
	IsTest   bool           `json:"-"`

	Conversions []struct {
		ID     string `json:"id"`
		IsTest bool   `json:"is_test"`
	} `json:"conversions"`
	Deliveries []struct {
		ConversionID  string `json:"conversion_id"`
		DestinationID string `json:"destination_id"`
	} `json:"deliveries"`
}

// storyLine is what is known under one name.
type storyLine struct {
	Label string     `json:"label"`
	Rows  [][]string `json:"rows"`
}

// Name begins with a capital, for a page.
func (l storyLine) Name() string { return capital(l.Label) }

// meaning explains a code.
type meaning struct {
	Means string `json:"means"`
	Do    string `json:"do"`
	More  string `json:"more"`
}

// storyEvent is one thing that happened, or is to come.
type storyEvent struct {
	At       time.Time   `json:"at"`
	AfterMS  int64       `json:"after_ms"`
	Kind     string      `json:"kind"`
	Title    string      `json:"title"`
	Sentence string      `json:"sentence"`
	Detail   string      `json:"detail"`
	State    string      `json:"state"`
	Lines    []storyLine `json:"lines"`
	URL      string      `json:"url"`
	Mark     string      `json:"mark"`
	Curl     string      `json:"curl"`
	meaning

	ClickID    string `json:"click_id"`
	AttemptID  string `json:"attempt_id"`
	DeliveryID string `json:"delivery_id"`
	Platform   string `json:"platform"`

	// Day is set where it is another than the event's before.
	Day string `json:"-"`
	// Attempt is the exchange it is about; Folded, where it did not matter in the
	// end.
	Attempt *storyAttempt `json:"-"`
	Folded  bool          `json:"-"`
}

// Glyph is the event's shape on the line of time.
func (e storyEvent) Glyph() template.HTML {
	switch e.Kind {
	case "decision", "attempt", "dry_run", "confirmed", "given_up":
		if l, ok := looks[e.State]; ok {
			return glyph(l.glyph, l.tone)
		}
	case "next":
		if l, ok := looks[e.State]; ok {
			return glyph(l.glyph, l.tone)
		}
		return glyph("todo")
	case "settled":
		return glyph("ok", "ok")
	case "change":
		return glyph("dup")
	}
	return glyph("in")
}

// Main are the lines that stand open; Rest are folded.
func (e storyEvent) Main() []storyLine {
	switch e.Kind {
	case "click":
		return pickLines(e.Lines, "platform IDs", "marked")
	case "decision":
		return e.Lines
	}
	return nil
}

// Rest are the lines that are folded.
func (e storyEvent) Rest() []storyLine {
	if e.Kind == "decision" {
		return nil
	}
	return e.Lines
}

// Address is the URL, with what is ours marked.
func (e storyEvent) Address() template.HTML {
	marked := breakable(e.URL)
	if e.Mark == "" {
		return marked
	}
	ours := template.HTMLEscapeString(e.Mark)
	return template.HTML(strings.Replace(string(marked), ours, "<mark>"+ours+"</mark>", 1))
}

func pickLines(lines []storyLine, labels ...string) (picked []storyLine) {
	for _, l := range lines {
		if slices.Contains(labels, l.Label) {
			picked = append(picked, l)
		}
	}
	return picked
}

// storyAttempt is one exchange with a platform.
type storyAttempt struct {
	ID            string    `json:"id"`
	At            time.Time `json:"started_at"`
	Latency       int64     `json:"latency"` // in nanoseconds
	Method        string    `json:"method"`
	URL           string    `json:"url"`
	RequestHeader string    `json:"request_header"`
	RequestBody   string    `json:"request_body"`
	AnswerHeader  string    `json:"answer_header"`
	AnswerBody    string    `json:"answer_body"`
	Outcome       struct {
		HTTP int `json:"http"`
	} `json:"outcome"`
	Curl string `json:"curl"`
}

// Took is how long the answer took.
func (a storyAttempt) Took() string { return span(time.Duration(a.Latency)) }

// Request is what was sent, for people.
func (a storyAttempt) Request() template.HTML {
	return code(a.Method+" "+a.URL+"\n"+strings.TrimRight(a.RequestHeader, "\r\n")+"\n\n", a.RequestBody)
}

// Answered reports whether anything came back.
func (a storyAttempt) Answered() bool { return a.AnswerHeader+a.AnswerBody != "" }

// Answer is what came back, for people.
func (a storyAttempt) Answer() template.HTML {
	return code(strings.TrimRight(a.AnswerHeader, "\r\n")+"\n\n", a.AnswerBody)
}

// storyWhyNot is something that did not happen.
type storyWhyNot struct {
	DestinationID string `json:"destination_id"`
	Platform      string `json:"platform"`
	PostbackID    string `json:"postback_id"`
	ConversionID  string `json:"conversion_id"`
	DeliveryID    string `json:"delivery_id"`
	State         string `json:"state"`
	Reason        string `json:"reason"`
	meaning

	Setting *struct {
		Kind   string `json:"kind"`
		ID     string `json:"id"`
		Field  string `json:"field"`
		Now    string `json:"now"`
		To     string `json:"to"`
		Effect string `json:"effect"`
	} `json:"setting"`
	Replayable bool   `json:"replayable"`
	Note       string `json:"note"`
}

// Question is the box's head.
func (w storyWhyNot) Question() string {
	switch {
	case w.DestinationID != "":
		return "Why not " + w.DestinationID + "?"
	case w.PostbackID != "":
		return "Why no conversion?"
	}
	return "Why nobody?"
}

// storyAct is something that a person can decide now.
type storyAct struct {
	Kind    string   `json:"kind"`
	ID      string   `json:"id"`
	Choices []string `json:"choices"`
	Why     string   `json:"why"`
	Warning string   `json:"warning"`
	Force   bool     `json:"force"`
	Command string   `json:"command"`
}

// replays are what would be sent again.
type replays struct {
	Count   int               `json:"count"`
	Refused map[string]int    `json:"refused"`
	Value   map[string]string `json:"value"`
	Oldest  time.Time         `json:"oldest"`
	IDs     []string          `json:"ids"`
	Sample  *struct {
		EventName     string `json:"event_name"`
		EventID       string `json:"event_id"`
		DestinationID string `json:"destination_id"`
		Mode          string `json:"mode"`
	} `json:"sample"`
}

// Why says why it is left alone.
func (p replays) Why() string {
	for reason := range p.Refused {
		switch reason {
		case "unfinished":
			return "It is still being sent."
		case "delivered":
			return "The platform has it: sent again it may count twice."
		case "ambiguous":
			return "The platform may have it, and has forgotten its ID since: sent again it may count twice."
		case "not_owed":
			return "Today’s settings would not send it: change what “Why not” names first."
		}
	}
	return "There is nothing to send."
}

// previewed is the request that would go out today.
type previewed struct {
	DestinationID string `json:"destination_id"`
	Mode          string `json:"mode"`
	EventName     string `json:"event_name"`
	Value         string `json:"value"`
	Currency      string `json:"currency"`
	WouldSend     bool   `json:"would_send"`
	Reason        string `json:"reason"`
	Problem       string `json:"problem"`
	Request       *struct {
		Method  string `json:"method"`
		URL     string `json:"url"`
		Headers string `json:"headers"`
		Body    string `json:"body"`
	} `json:"request"`
	Keys []struct {
		Name    string `json:"name"`
		Present bool   `json:"present"`
	} `json:"keys"`
	Warnings []string `json:"warnings"`
}

// Text is the request, for people.
func (p previewed) Text() template.HTML {
	if p.Request == nil {
		return ""
	}
	return code(p.Request.Method+" "+p.Request.URL+"\n"+strings.TrimRight(p.Request.Headers, "\r\n")+"\n\n", p.Request.Body)
}

// storyPage is the page's data.
type storyPage struct {
	storyAnswer
	ID string
	// Decide are the acts that wait for a person, Replay the others.
	Decide, Replay []storyAct
	// Asked is the replay that a person looks at before it is made.
	Asked    *storyAct
	Dry      *replays
	Preview  *previewed
	Previews []string // destinations to look at the payload for
	Fault    *Refused // of the preview
}

// storyPath is the API's path of the story.
func storyPath(r *request) string { return "/conversions/" + r.Param("id") }

func (s *Screens) routeStory(inside gin.IRoutes) {
	inside.GET("/conversions/:id", s.page(story))
	inside.GET("/conversions/:id/json", s.storyJSON)
	inside.POST("/conversions/:id/settle", s.act(settlePostback))
	inside.POST("/conversions/:id/accept", s.act(acceptPostback))
	inside.POST("/conversions/:id/attach", s.act(attachPostback))
	inside.POST("/conversions/:id/replay", s.act(replayDelivery))
	inside.POST("/conversions/:id/unsend", s.act(unsend))
	inside.POST("/conversions/:id/resume", s.act(resumeDestination))
	inside.POST("/conversions/:id/test", s.act(markTest))
	inside.POST("/conversions/:id/untest", s.act(markReal))
}

// story tells what became of a click, a postback or a conversion, by any ID.
func story(r *request) (page, error) {
	p := storyPage{}
	if err := r.get(storyPath(r), nil, &p.storyAnswer); err != nil {
		return page{}, err
	}
	p.ID = p.Subject.ConversionID
	for _, other := range []string{p.Subject.PostbackID, p.Subject.ClickID, r.Param("id")} {
		if p.ID == "" {
			p.ID = other
		}
	}
	for _, c := range p.Conversions {
		p.IsTest = p.IsTest || c.IsTest && c.ID == p.Subject.ConversionID
	}
	p.arrange(r)
	if err := p.ask(r); err != nil {
		return page{}, err
	}
	return page{Name: "story", Title: p.Headline, Data: p}, nil
}

// arrange puts what belongs together beside each other.
func (p *storyPage) arrange(r *request) {
	attempts := map[string]*storyAttempt{}
	for i := range p.Attempts {
		attempts[p.Attempts[i].ID] = &p.Attempts[i]
	}
	open := p.open()
	day := ""
	for i := range p.Timeline {
		e := &p.Timeline[i]
		e.Attempt = attempts[e.AttemptID]
		e.Folded = !open[i]
		if e.At.IsZero() {
			continue
		}
		if d := e.At.In(r.zone).Format("Mon 2 Jan 2006"); d != day {
			e.Day, day = d, d
		}
	}
	for _, a := range p.Acts {
		if a.Kind == "replay" {
			p.Replay = append(p.Replay, a)
		} else {
			p.Decide = append(p.Decide, a)
		}
	}
	for _, w := range p.WhyNot {
		if w.DestinationID != "" && !slices.Contains(p.Previews, w.DestinationID) {
			p.Previews = append(p.Previews, w.DestinationID)
		}
	}
	for _, d := range p.Deliveries {
		if d.ConversionID == p.Subject.ConversionID && !slices.Contains(p.Previews, d.DestinationID) {
			p.Previews = append(p.Previews, d.DestinationID)
		}
	}
}

// open are the exchanges that stand open: the last about each delivery that has
// not arrived, and one that has, an ad platform's before a copy of ours.
func (p *storyPage) open() map[int]bool {
	last := map[string]int{} // of a delivery's events
	for i, e := range p.Timeline {
		last[e.DeliveryID] = i
	}
	open, shown := map[int]bool{}, -1
	for i, e := range p.Timeline {
		switch {
		case e.AttemptID == "" || last[e.DeliveryID] != i:
		case e.State != "delivered":
			open[i] = true
		case shown < 0 || !p.ours(i) && p.ours(shown):
			shown = i
		}
	}
	if shown >= 0 {
		open[shown] = true
	}
	return open
}

// ours reports whether an event is of a copy for ourselves.
func (p *storyPage) ours(i int) bool {
	return p.Timeline[i].Platform == "relay" || p.Timeline[i].Platform == "sheets"
}

// ask asks for what the address asks for beside the story: the preview of a
// payload, or what a replay would do.
func (p *storyPage) ask(r *request) error {
	if id := r.Query("preview"); id != "" && p.Subject.ConversionID != "" {
		p.Preview = &previewed{}
		err := r.get("/conversions/"+url.PathEscape(p.Subject.ConversionID)+"/preview", url.Values{"destination": {id}}, p.Preview)
		if refused, ok := refusal(err); ok {
			p.Preview, p.Fault = nil, refused
		} else if err != nil {
			return err
		}
	}
	i := slices.IndexFunc(p.Replay, func(a storyAct) bool { return a.ID == r.Query("replay") })
	if i < 0 {
		return nil
	}
	p.Asked, p.Dry = &p.Replay[i], &replays{}
	body := map[string]any{"delivery_ids": []string{p.Asked.ID}, "dry_run": true}
	if p.Asked.Force {
		body["force"] = true
	}
	err := r.send(http.MethodPost, "/replays", body, p.Dry)
	if refused, ok := refusal(err); ok {
		p.Asked, p.Dry, p.Fault = nil, nil, refused
		return nil
	}
	return err
}

// storyJSON answers with the story as the API has it, for people.
func (s *Screens) storyJSON(c *gin.Context) {
	r := s.request(c)
	var raw json.RawMessage
	if err := r.get(storyPath(r), nil, &raw); err != nil {
		r.fail(err)
		return
	}
	text, err := pretty(raw)
	if err != nil {
		r.fail(err)
		return
	}
	c.Data(http.StatusOK, "application/json", []byte(text))
}
