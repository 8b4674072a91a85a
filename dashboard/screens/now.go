package screens

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// outlook is how things stand, as far as the page draws it.
type outlook struct {
	At       time.Time `json:"at"`
	Range    string    `json:"range"`
	Since    time.Time `json:"since"`
	Until    time.Time `json:"until"`
	Verdict  struct{ State, Text string }
	Facts    nowFacts
	Needs    []nowNeed
	Numbers  *nowNumbers
	Told     []nowTold `json:"destinations"`
	Total    nowSums
	Stretch  []stretch `json:"hours"`
	Strips   []strip   `json:"-"`
	Axis     []string  `json:"-"`
	JustIn   justIn    `json:"-"`
	Compared string    `json:"-"` // "on yesterday"
	Every    string    `json:"-"` // how often it is drawn anew
}

type nowFacts struct {
	Database     string
	Waiting      int      `json:"journal_waiting"`
	Percent      int      `json:"journal_percent"`
	LastClick    *nowLast `json:"last_click"`
	LastPostback *nowLast `json:"last_postback"`
	LastDelivery *nowLast `json:"last_delivery"`
	Oldest       *struct {
		At            time.Time
		DestinationID string `json:"destination_id"`
		Planned       bool
	} `json:"oldest_waiting"`
	Channels []string
}

// Sent names where alerts are sent: Telegram and e-mail.
func (f nowFacts) Sent() string {
	names := map[string]string{"telegram": "to Telegram", "email": "by e-mail", "webhook": "to a webhook"}
	var said []string
	for _, c := range f.Channels {
		if name := names[c]; name != "" {
			said = append(said, name)
		}
	}
	return strings.Join(said, ", ")
}

type nowLast struct {
	At time.Time
	Of string
}

type nowNeed struct {
	Key, Kind, Severity, Title, Detail string
	Since                              *time.Time
	Until                              *time.Time
	Action                             struct{ Label, Method, Href string }
}

// Glyph is the need's shape.
func (n nowNeed) Glyph() string {
	shapes := map[string]string{"held": "held", "dead": "dead", "unsettled": "ask", "reading": "no", "unmapped": "skip"}
	if g := shapes[n.Kind]; g != "" {
		return g
	}
	if n.Severity == "bad" {
		return "dead"
	}
	return "no"
}

// Tone is its color.
func (n nowNeed) Tone() string {
	if n.Severity == "bad" {
		return "bad"
	}
	return "warn"
}

// Page is the page that its button leads to, "" if the button makes a call.
func (n nowNeed) Page() string {
	if n.Action.Method != http.MethodGet {
		return ""
	}
	if !local(n.Action.Href) {
		return Root + "/"
	}
	return n.Action.Href
}

// Resumes is the destination that its button resumes, "" if it does something
// else.
func (n nowNeed) Resumes() string {
	id, ok := strings.CutPrefix(n.Action.Href, "/api/v1/destinations/")
	id, ends := strings.CutSuffix(id, "/resume")
	if !ok || !ends || n.Action.Method != http.MethodPost || strings.Contains(id, "/") {
		return ""
	}
	return id
}

type nowNumbers struct {
	Clicks, Conversions struct {
		Value, Before float64
		Series        points
	}
	Revenue, Profit struct {
		Value, Before *string
		Series        points
		Currency      string
		Cost, Why     string
	}
	MatchRate struct {
		Value, Before *float64
		Matched, Of   int
		Series        points
	} `json:"match_rate"`
	TimeToSent struct {
		P95    *float64 `json:"p95_ms"`
		Before *float64 `json:"before_ms"`
		Of     int
		Series points `json:"series_ms"`
	} `json:"time_to_sent"`
	Budget struct {
		InARow      int `json:"in_a_row"`
		Limit       int
		WindowHours int `json:"window_hours"`
	} `json:"failure_budget"`
	Gap *struct{ Theirs, Ours, Missing int }
}

type nowSums struct {
	Delivered, Waiting, Held, Dead, Skipped, Tested int
	DryRun                                          int `json:"dry_run"`
}

type nowTold struct {
	ID       string `json:"destination_id"`
	Platform string
	Mode     string
	State    string
	Why      string
	nowSums
	OldestAt *time.Time `json:"oldest_at"`
	P95      *float64   `json:"p95_ms"`
	Series   points
}

// PlatformName is the platform as it writes itself.
func (t nowTold) PlatformName() string {
	names := map[string]string{"meta": "Meta", "tiktok": "TikTok", "google": "Google", "reddit": "Reddit", "sheets": "Google Sheet", "relay": "Webhook"}
	if name := names[t.Platform]; name != "" {
		return name
	}
	return t.Platform
}

// Sums are what the destination was told, as a row of the table has them.
func (t nowTold) Sums() nowSums { return t.nowSums }

func (s *Screens) routeNow(inside gin.IRoutes) {
	inside.GET("/", s.page(nowPage))
}

// nowPage says how things stand.
func nowPage(r *request) (page, error) {
	p := page{Name: "now", Title: "Now"}
	if r.Query("part") == "feed" {
		feed, err := r.justIn()
		p.Data = outlook{JustIn: feed}
		return p, err
	}
	var o outlook
	q := url.Values{"range": {r.period()}, "zone": {r.zone.String()}}
	if err := r.get("/now", q, &o); err != nil {
		return p, err
	}
	o.Compared = compared(o.Range)
	o.Strips, o.Axis = strips(o.Stretch, r.zone), axis(o.Stretch, o.Until, r.zone)
	if o.Facts.Database == "up" && o.Verdict.State != "empty" {
		var err error
		if o.JustIn, err = r.justIn(); err != nil {
			return p, err
		}
	}
	o.Every = "20s"
	if o.Until.Sub(o.Since) > 10*24*time.Hour { // it costs more, and moves less
		o.Every = "120s"
	}
	p.Data = o
	return p, nil
}

// compared says what a range is compared with.
func compared(name string) string {
	switch name {
	case "24h", "today":
		return "on yesterday"
	case "yesterday":
		return "on the day before"
	case "7d":
		return "on the week before"
	case "month":
		return "on last month"
	case "year":
		return "on last year"
	}
	return "on the time before"
}

// about narrows a list to a destination; "" to none.
func about(id string) string {
	if id == "" {
		return ""
	}
	return "&destination_id=" + url.QueryEscape(id)
}
