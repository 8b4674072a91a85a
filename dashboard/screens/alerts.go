package screens

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// alertRow is an alert as the page draws it.
type alertRow struct {
	ID          string    `json:"alert_id"`
	Rule        string    `json:"rule"`
	Subject     string    `json:"subject"`
	State       string    `json:"state"`
	What        string    `json:"what"`
	Do          string    `json:"do"`
	See         string    `json:"see"`
	Since       time.Time `json:"since"`
	ToldAt      time.Time `json:"told_at"`
	RecoveredAt time.Time `json:"recovered_at"`
	MutedUntil  time.Time `json:"muted_until"`
	Owed        []struct {
		Channel string `json:"channel"`
		Error   string `json:"error"`
	} `json:"owed"`

	Muted bool `json:"-"`
}

// Name is its rule and what it is about.
func (a alertRow) Name() string { return strings.TrimSpace(capital(words(a.Rule)) + " " + a.Subject) }

// Said is what is wrong: an ID that it begins with stays as it is.
func (a alertRow) Said() string {
	if a.Subject != "" && strings.HasPrefix(a.What, a.Subject) {
		return a.What
	}
	return capital(a.What)
}

// Remedy is the page where it is seen to.
func (a alertRow) Remedy() remedy {
	id := url.PathEscape(a.Subject)
	switch a.Rule {
	case "dead_letters":
		return remedy{"Look at the dead", "/outbound?status=dead&destination_id=" + url.QueryEscape(a.Subject)}
	case "destination_paused", "backlog":
		return remedy{"Open " + a.Subject, "/destinations/" + id}
	case "no_clicks", "no_conversions", "spend_without_conversions":
		return remedy{"Open " + a.Subject, "/campaigns/" + id}
	case "no_postbacks", "match_rate", "failed_answers":
		return remedy{"Open " + a.Subject, "/endpoints/" + id}
	case "rejections":
		return remedy{"Open " + a.Subject, "/sources/" + id}
	case "network_gap", "postback_off":
		return remedy{"See what differs", "/reconciliation"}
	case "unmapped_goals":
		return remedy{"Open the destinations", "/destinations"}
	}
	return remedy{"Ask the doctor", "/doctor"}
}

// alertsPage is the page's data.
type alertsPage struct {
	Open, Muted, Past []alertRow
	Told              alertChannels
}

// alertChannels are who is told of what.
type alertChannels struct {
	Channels []struct {
		Channel string `json:"channel"`
		Kind    string `json:"kind"`
		To      string `json:"to"`
	} `json:"items"`
	Rules []struct {
		Rule string `json:"rule"`
		Off  bool   `json:"off"`
	} `json:"rules"`
}

// Title is the page's sentence.
func (p alertsPage) Title() string {
	switch {
	case len(p.Open) > 0:
		return plural(len(p.Open), "alert is", "alerts are") + " open"
	case len(p.Muted) > 0:
		return "Nothing is wrong that nobody has muted"
	}
	return "Nothing is wrong"
}

func (s *Screens) routeAlerts(inside gin.IRoutes) {
	inside.GET("/alerts", s.page(alerts))
	inside.GET("/alerts/:id", s.page(alerts))
	inside.POST("/alerts/:id/mute", s.act(muteAlert))
	inside.POST("/alerts/test", s.act(testAlerts))
}

// alerts shows what is wrong and what was, and who is told.
func alerts(r *request) (page, error) {
	var listed struct {
		Items []alertRow `json:"items"`
	}
	var p alertsPage
	if err := r.get("/alerts", nil, &listed); err != nil {
		return page{}, err
	}
	if err := r.get("/alert_channels", nil, &p.Told); err != nil {
		return page{}, err
	}
	for _, a := range listed.Items {
		a.Muted = a.MutedUntil.After(r.now)
		switch {
		case a.Muted:
			p.Muted = append(p.Muted, a)
		case a.State == "firing":
			p.Open = append(p.Open, a)
		case a.State == "recovered":
			p.Past = append(p.Past, a)
		}
	}
	slices.SortStableFunc(p.Open, func(a, b alertRow) int { return b.Since.Compare(a.Since) })
	slices.SortStableFunc(p.Past, func(a, b alertRow) int { return b.RecoveredAt.Compare(a.RecoveredAt) })
	if asked := r.Param("id"); asked != "" && !slices.ContainsFunc(listed.Items, func(a alertRow) bool { return a.ID == asked }) {
		return page{}, &Refused{Status: http.StatusNotFound, What: "There is no such alert any more", Do: "Alerts that are over are forgotten after a while; the page of all shows those there are."}
	}
	return page{Name: "alerts", Title: "Alerts", Data: p}, nil
}

func muteAlert(r *request) (said, error) {
	long := r.PostForm("for")
	var a alertRow
	err := r.send(http.MethodPost, "/alerts/"+url.PathEscape(r.Param("id"))+"/mute", map[string]string{"for": long}, &a)
	if long == "0" {
		return said{Text: a.Name() + " is told again"}, err
	}
	return said{Text: "Nothing is said of " + a.Name() + " for " + long}, err
}

func testAlerts(r *request) (said, error) {
	var tested struct {
		Items []struct {
			Channel string `json:"channel"`
			Sent    bool   `json:"sent"`
			Error   string `json:"error"`
		} `json:"items"`
	}
	err := r.send(http.MethodPost, "/alert_channels/test", struct{}{}, &tested)
	var done said
	var all []string
	for _, t := range tested.Items {
		if t.Sent {
			all = append(all, t.Channel+": sent")
			continue
		}
		done.Bad = true
		all = append(all, t.Channel+": not sent: "+t.Error)
	}
	done.Text = strings.Join(all, "; ")
	if len(all) == 0 {
		done = said{Text: "There is no channel to test", Bad: true}
	}
	return done, err
}
